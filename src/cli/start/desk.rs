//! The tasks that carry how the show does to the desk.
//!
//! Belongs here: asking each part once a second, and the words for the stages of the onion service.
use std::time::Duration;

use tokio::sync::watch;

use super::every;
use crate::{
    clock::{Clock, Tick},
    encoder::Complaints,
    http::Site,
    live::{
        desk::DeskFeed,
        panel::Panel,
        room::RoomHandle,
        uplink::UplinkHandle,
        variants::{VariantState, Variants},
        video::VideoHandle,
    },
    media::{
        advice::{Advice, Concern, advice},
        meter::{EncoderState, Supply},
        rendition::roughly,
        uplink::outgoing::Outgoing,
    },
    onion::{self, Stage},
    recording::Recordings,
    room::{
        history::History,
        status::{DeskUpdate, TorState, VariantLine},
    },
};

/// How often the encoder and the viewers are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Done orders that the status block shows; the whole list has a page of its own.
const AUDIT_LINES: usize = 12;

/// Where the status comes from and goes to.
#[derive(Debug, Clone)]
pub(super) struct DeskUpdates {
    video: VideoHandle,
    variants: Variants,
    panel: Panel,
    room: RoomHandle,
    recordings: Recordings,
    uplink: UplinkHandle,
    desk: DeskFeed,
    complaints: Complaints,
    clock: Clock,
    /// Whether the show fetches a feed past Tor.
    pub(super) is_feed_direct: bool,
    /// Who is to make something come.
    pub(super) supply: Supply,
}

impl DeskUpdates {
    /// Of the parts of this site.
    pub(super) fn of(site: &Site, complaints: Complaints, clock: Clock) -> Self {
        Self {
            video: site.video.clone(),
            variants: site.variants.clone(),
            panel: site.panel.clone(),
            room: site.room.clone(),
            recordings: site.recordings.clone(),
            uplink: site.uplink.clone(),
            desk: site.desk.clone(),
            complaints,
            clock,
            is_feed_direct: false,
            supply: Supply::default(),
        }
    }

    /// Shows the encoder, the viewers of the last hour and what was ordered.
    pub(super) async fn keep_current(self) {
        let mut history = History::new();
        let mut shown = EncoderState::default();
        let mut outgoing = Outgoing::default();
        let mut unplayable = None;
        every(LOOK, move || {
            let now = EncoderState {
                supply: self.supply,
                ..self.video.encoder()
            };
            shown = now.steadied(&shown);
            self.desk.publish(&DeskUpdate::Encoder(shown));
            // Who looks at the terminal alone would never know why nobody sees anything.
            let words = advice(&shown)
                .into_iter()
                .find(|one| one.concern == Concern::Codec);
            if words.is_some() && words != unplayable {
                unplayable = words;
                if let Some(Advice { words, .. }) = &unplayable {
                    tracing::warn!("{words}");
                }
            }
            let variants = self.variants.states().into_iter().map(line);
            self.desk.publish(&DeskUpdate::Variants(variants.collect()));
            let offer = self.video.offer();
            let uplink = &self.uplink;
            let sums = Outgoing::of(uplink.now(), offer, uplink.has_admission());
            outgoing = sums.offering(uplink.offered()).steadied(&outgoing);
            self.desk.publish(&DeskUpdate::Outgoing(outgoing.clone()));
            let complaints = self.complaints.all();
            self.desk
                .publish(&DeskUpdate::Complaints(complaints.into()));
            history.record(self.panel.summary().watching, self.clock.wall());
            self.desk.publish(&DeskUpdate::History(history.clone()));
            let recording = self.recordings.recorder().into();
            self.desk.publish(&DeskUpdate::Recording(recording));
            let audit = self.room.audit(AUDIT_LINES);
            self.desk.publish(&DeskUpdate::Audit(audit.into()));
        })
        .await;
    }

    /// Shows how the onion service does.
    pub(super) async fn follow_tor(self, mut news: watch::Receiver<onion::Status>) {
        let started = self.clock.tick();
        let mut time_to_publish = None;
        loop {
            let status = news.borrow_and_update().clone();
            let now = self.clock.tick();
            let state = TorState {
                is_feed_direct: self.is_feed_direct,
                ..tor_state(status, started, now, &mut time_to_publish)
            };
            self.desk.publish(&DeskUpdate::Tor(state));
            if news.changed().await.is_err() {
                return;
            }
        }
    }

    /// Shows that there is no onion service.
    pub(super) fn without_tor(&self) {
        let words = "not used: only this computer can see the site (`--no-tor`, or `enabled = false` \
                     in `[onion]`)";
        self.desk.publish(&DeskUpdate::Tor(TorState {
            words: words.to_owned(),
            is_feed_direct: self.is_feed_direct,
            ..TorState::default()
        }));
    }
}

fn line(state: VariantState) -> VariantLine {
    VariantLine {
        name: state.name,
        is_on_air: state.offer.is_some(),
        kilobits: state.offer.and_then(|offer| offer.full).map(roughly),
        trouble: state.trouble,
    }
}

fn tor_state(
    status: onion::Status,
    started: Tick,
    now: Tick,
    time_to_publish: &mut Option<Duration>,
) -> TorState {
    let onion::Status { address, stage } = status;
    let reachable = stage == Stage::Reachable;
    if reachable && time_to_publish.is_none() {
        // Whole seconds: more would be noise.
        *time_to_publish = Some(Duration::from_secs(now.since(started).as_secs()));
    }
    let with = |words: &str, problem: Option<String>| match problem {
        Some(problem) => format!("{words}: {problem}"),
        None => words.to_owned(),
    };
    let words = match stage {
        Stage::Starting => "starting".to_owned(),
        Stage::Bootstrapping {
            percent,
            doing,
            blocked,
        } => with(&format!("connecting, {percent} %, {doing}"), blocked),
        Stage::Publishing { problem } => with("telling Tor where to find this site", problem),
        Stage::Reachable => "viewers can reach the site".to_owned(),
        Stage::Unreachable { problem } => with("viewers may not reach the site", Some(problem)),
    };
    TorState {
        address: address.map(|address| format!("http://{}/", address.as_str())),
        words,
        reachable,
        time_to_publish: *time_to_publish,
        is_feed_direct: false,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio_util::sync::CancellationToken;

    use super::{super::parts, *};
    use crate::{
        config::Settings,
        emotes::Emotes,
        live::feed::Read,
        media::fragment::sample,
        room::{
            order::{Actor, Order},
            panel::Update,
            show::Show,
        },
    };

    fn at(seconds: u64) -> Tick {
        Tick::START + Duration::from_secs(seconds)
    }

    /// What the tasks need, in a directory that may be removed.
    fn updates() -> DeskUpdates {
        let dir = tempfile::tempdir().unwrap();
        let settings = Settings::load(dir.path(), std::iter::empty(), &[]).unwrap();
        let clock = Clock::new();
        let emotes = Arc::new(Emotes::default());
        let closing = CancellationToken::new();
        let (site, _) = parts::assemble(&settings, &emotes, "", clock, &closing).unwrap();
        DeskUpdates::of(&site, Complaints::default(), clock)
    }

    #[tokio::test]
    async fn what_the_encoder_delivers_who_watches_and_what_was_ordered_reach_the_desk() {
        let mut updates = updates();
        updates.supply = Supply::Push;
        updates.video.begin(sample::audio_and_video_init(), None);
        for number in 0..50 {
            let now = updates.clock.tick();
            updates
                .video
                .push(&sample::fragment(200 * number, number % 5 == 0), now);
        }
        updates.panel.publish(&Update::Watching(7));
        let show = Arc::new(Show {
            announcement: "soon".to_owned(),
            ..Show::default()
        });
        updates
            .room
            .order(Actor::Terminal, Order::Show(show))
            .unwrap();
        let (_, mut news) = updates.desk.open();
        let desk = updates.desk.clone();

        let mut html = String::new();
        let four = async {
            for _ in 0..4 {
                let Read::Item(piece) = news.next().await else {
                    panic!("lost");
                };
                html.push_str(std::str::from_utf8(&piece).unwrap());
            }
        };
        tokio::select! {
            () = updates.keep_current() => {}
            () = four => {}
        }

        let values = desk.values();
        assert_eq!(values.encoder.fps.unwrap().to_string(), "25");
        assert_eq!(values.encoder.supply, Supply::Push);
        assert_eq!(values.history.now(), 7);
        assert_eq!(values.audit.len(), 1);
        for part in ["<dd>25</dd>", "now 7, most 7", "undo-1", "x-uplink"] {
            assert!(html.contains(part), "{part}: {html}");
        }
    }

    #[test]
    fn the_time_to_publish_is_that_of_the_first_time() {
        let mut first = None;
        let mut see = |stage, seconds| {
            let status = onion::Status {
                address: None,
                stage,
            };
            tor_state(status, at(0), at(seconds), &mut first)
        };
        let publishing = see(Stage::Publishing { problem: None }, 20);
        assert_eq!(
            (publishing.reachable, publishing.time_to_publish),
            (false, None)
        );

        for seconds in [42, 600] {
            let state = see(Stage::Reachable, seconds);
            assert!(state.reachable);
            assert_eq!(state.time_to_publish, Some(Duration::from_secs(42)));
        }
        let problem = "the network is down".to_owned();
        let lost = see(Stage::Unreachable { problem }, 700);
        assert_eq!(
            lost.words,
            "viewers may not reach the site: the network is down"
        );
        assert!(!lost.reachable && lost.time_to_publish.is_some());
    }
}
