//! A smaller quality of the broadcast, made from the broadcast: an ffmpeg that is one more viewer.
//!
//! Belongs here: following the broadcast, and starting, feeding and giving up that ffmpeg. Does not
//! belong here: what it is told (`encoder/lower.rs`), who gets what it makes (`live/variants.rs`).
//!
//! Between the broadcast and the ffmpeg is a bounded queue: whatever becomes of it, the broadcast goes
//! on as it is. What is shown while the encoder is away needs nothing: it is in the broadcast.

mod feed;

use std::{
    path::PathBuf,
    pin::pin,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use bytes::Bytes;
use tokio::sync::{oneshot, watch};
use tokio_util::sync::CancellationToken;

use self::feed::{Counts, Feed, Refused};
use crate::{
    clock::Tick,
    encoder::{self, Codecs, Lower, Surroundings},
    ingest::{Event, Stop},
    live::{
        variants::Variants,
        video::{VideoHandle, Viewing},
    },
    media::{
        fragment::Fragment,
        init::{InitSegment, Track, TrackKind},
        meter::FrameRate,
        rendition::Rendition,
        stream::{Item, SEGMENT},
        variant::VariantName,
    },
};

/// The first pause before it is tried again; doubled each time up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The longest pause before it is tried again.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// One that went on for this long was all right.
const ALL_RIGHT: Duration = Duration::from_secs(10);

/// An ffmpeg that reads no more has this long to say why.
const LAST_WORDS: Duration = Duration::from_secs(2);

const SLOW: &str =
    "this computer is too slow to encode it beside the broadcast; parts of it are left out";

/// What it takes to make the smaller quality.
#[derive(Debug)]
pub struct Transcoder {
    /// Where it comes from and where it goes.
    pub variants: Variants,
    /// The program.
    pub ffmpeg: PathBuf,
    /// What it needs to know.
    pub around: Surroundings,
    /// Kilobits a second that all of it is to cost.
    pub kbits: u64,
}

/// Why there is no more of it.
#[derive(Debug)]
enum Over {
    /// The run of the broadcast is over.
    Run,
    /// It is not wanted any more, or the show ends.
    Unwanted,
    /// It did not work: lower case, no full stop.
    Failed(String),
}

impl Transcoder {
    /// Makes the variant `low` whenever it is `wanted` and the broadcast has a picture, until
    /// `closing`. `sink` makes the sink for the events of the variant.
    pub async fn follow<S>(
        self,
        mut wanted: watch::Receiver<bool>,
        sink: impl Fn(VideoHandle) -> S + Send,
        closing: CancellationToken,
    ) where
        S: FnMut(Event, Tick) + Clone + Send + 'static,
    {
        let source = self.variants.source().clone();
        let mut air = source.air();
        let mut pause = FIRST_PAUSE;
        loop {
            // Before looking, so that nothing after the look is missed.
            let is_wanted = *wanted.borrow_and_update();
            air.borrow_and_update();
            if let Some(video) = self.place(is_wanted)
                && let Some(viewing) = source.join(Rendition::Full, Duration::ZERO, None)
                && viewing.has_video()
            {
                let clock = self.around.clock;
                let begun = clock.tick();
                let mut sink = sink(video);
                let over = self.run(viewing, sink.clone(), &mut wanted, &closing).await;
                if clock.tick().since(begun) >= ALL_RIGHT {
                    pause = FIRST_PAUSE;
                }
                match over {
                    _ if closing.is_cancelled() => return,
                    Over::Run => sink(Event::Stopped(Stop::EndList), clock.tick()),
                    Over::Unwanted => {}
                    Over::Failed(words) => {
                        sink(Event::Stopped(Stop::EncoderGone), clock.tick());
                        self.failed(&words, pause);
                        tokio::select! {
                            () = closing.cancelled() => return,
                            () = tokio::time::sleep(pause) => {}
                        }
                        pause = (pause * 2).min(LONGEST_PAUSE);
                    }
                }
                continue;
            }
            let has_changed = tokio::select! {
                () = closing.cancelled() => return,
                changed = wanted.changed() => changed.is_ok(),
                changed = air.changed() => changed.is_ok(),
            };
            if !has_changed {
                return;
            }
        }
    }

    /// Where it goes, if it is wanted.
    fn place(&self, is_wanted: bool) -> Option<VideoHandle> {
        is_wanted.then(|| self.variants.open(VariantName::LOW))?
    }

    fn failed(&self, words: &str, pause: Duration) {
        // Once, and not each time.
        if self.variants.set_trouble(VariantName::LOW, Some(words)) {
            let seconds = pause.as_secs();
            tracing::warn!("the quality `low`: {words}; it is tried again in {seconds} s");
        }
    }

    /// Makes it of one run, or of as much of it as works.
    async fn run(
        &self,
        viewing: Viewing,
        sink: impl FnMut(Event, Tick) + Send + 'static,
        wanted: &mut watch::Receiver<bool>,
        closing: &CancellationToken,
    ) -> Over {
        let begun = tokio::select! {
            () = closing.cancelled() => return Over::Unwanted,
            begun = Begun::of(viewing) => begun,
        };
        let Some(begun) = begun else {
            return Over::Run;
        };
        let started = self.start(begun.lower(self.kbits), sink, wanted.clone());
        let (mut feed, mut ended) = match started {
            Ok(started) => started,
            Err(error) => return Over::Failed(format!("no encoder can be started ({error})")),
        };
        let over = self
            .feed(begun, &mut feed, &mut ended, wanted, closing)
            .await;
        let is_whole = matches!(over, Over::Run);
        // Waits for a process, for a moment.
        drop(tokio::task::spawn_blocking(move || feed.end(is_whole)).await);
        over
    }

    /// Starts the ffmpeg; what it says at its end comes through the receiver.
    fn start(
        &self,
        lower: Lower,
        mut sink: impl FnMut(Event, Tick) + Send + 'static,
        wanted: watch::Receiver<bool>,
    ) -> std::io::Result<(Feed, oneshot::Receiver<Option<String>>)> {
        let counts = Arc::new(Counts::default());
        let clock = self.around.clock;
        let (told, ended) = oneshot::channel();
        let coming = Arc::clone(&counts);
        let each = move |item| {
            // Somebody else brings it from now on.
            if !*wanted.borrow() {
                return false;
            }
            coming.has_come.store(true, Ordering::Relaxed);
            let now = clock.tick();
            match item {
                Item::Init(init) => {
                    let started = None;
                    sink(Event::Init { init, started }, now);
                    sink(Event::TargetDuration(SEGMENT), now);
                }
                Item::Fragment(fragment) => sink(Event::Fragment(fragment), now),
            }
            true
        };
        let (pipe, encoder) = encoder::lower(
            self.ffmpeg.clone(),
            &lower,
            self.around.clone(),
            each,
            move |words| {
                // Nobody may be there to hear it.
                drop(told.send(words));
            },
        )?;
        Ok((Feed::new(pipe, encoder, counts, clock)?, ended))
    }

    /// Feeds it until there is nothing more, or a reason not to.
    async fn feed(
        &self,
        begun: Begun,
        feed: &mut Feed,
        ended: &mut oneshot::Receiver<Option<String>>,
        wanted: &mut watch::Receiver<bool>,
        closing: &CancellationToken,
    ) -> Over {
        let Begun {
            mut viewing,
            init,
            first,
            ..
        } = begun;
        let mut pushed = feed.push(init).and_then(|()| feed.push(first));
        let all_right = tokio::time::sleep(ALL_RIGHT);
        let mut all_right = pin!(all_right);
        let mut is_new = true;
        loop {
            match pushed {
                Ok(()) => {}
                Err(Refused::Slow) => return Over::Failed(SLOW.to_owned()),
                // It says why in a moment.
                Err(Refused::Gone) => {
                    let words = tokio::time::timeout(LAST_WORDS, ended).await;
                    return Over::Failed(has_ended(words.ok().and_then(Result::ok).flatten()));
                }
            }
            pushed = tokio::select! {
                () = closing.cancelled() => return Over::Unwanted,
                changed = wanted.changed() => {
                    if changed.is_err() || !*wanted.borrow_and_update() {
                        return Over::Unwanted;
                    }
                    Ok(())
                }
                words = &mut *ended => return Over::Failed(has_ended(words.ok().flatten())),
                () = &mut all_right, if is_new => {
                    is_new = false;
                    self.variants.set_trouble(VariantName::LOW, None);
                    Ok(())
                }
                bytes = viewing.next() => match bytes {
                    Some(bytes) => feed.push(bytes),
                    None => return Over::Run,
                },
            };
        }
    }
}

fn has_ended(words: Option<String>) -> String {
    let words = words.unwrap_or_else(|| "has ended".to_owned());
    format!("its encoder {words}")
}

/// What a run begins with.
struct Begun {
    viewing: Viewing,
    init: Bytes,
    first: Bytes,
    codecs: Codecs,
    frames: Option<FrameRate>,
}

impl Begun {
    /// `None` if the run is over before it began.
    async fn of(mut viewing: Viewing) -> Option<Self> {
        let (init, first) = (viewing.next().await?, viewing.next().await?);
        let parsed = InitSegment::parse(init.clone()).ok()?;
        let track = parsed
            .tracks()
            .iter()
            .find(|track| track.kind == TrackKind::Video)?;
        let fragment = Fragment::parse(first.clone(), &parsed).ok();
        Some(Self {
            codecs: codecs(track),
            frames: fragment.and_then(|fragment| frames(&fragment, track)),
            viewing,
            init,
            first,
        })
    }

    fn lower(&self, kbits: u64) -> Lower {
        Lower {
            codecs: self.codecs,
            frames: self.frames,
            kbits,
        }
    }
}

/// Of the family that whoever plays the broadcast can play.
fn codecs(track: &Track) -> Codecs {
    match track.entry.map(|entry| entry.format.0).as_ref() {
        Some(b"vp08" | b"vp09" | b"av01") => Codecs::Vp9,
        _ => Codecs::H264,
    }
}

/// Frames a second in a fragment.
fn frames(fragment: &Fragment, track: &Track) -> Option<FrameRate> {
    let mut runs = fragment.runs().iter();
    let run = runs.find(|run| run.track_id == track.id)?;
    let ticks = u64::from(run.samples) * u64::from(run.timescale);
    let rate = ticks.saturating_mul(1_000).checked_div(run.duration)?;
    u32::try_from(rate).ok().map(FrameRate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::fragment::sample;

    #[test]
    fn frames_and_codecs_are_those_of_the_broadcast() {
        let init = sample::audio_and_video_init();
        let picture = init
            .tracks()
            .iter()
            .find(|track| track.kind == TrackKind::Video)
            .unwrap();
        let fragment = sample::fragment(200, true);
        assert_eq!(frames(&fragment, picture), Some(FrameRate(25_000)));
        let other = Track {
            id: 77,
            ..picture.clone()
        };
        assert_eq!(frames(&fragment, &other), None);

        for (format, expected) in [
            (b"avc1", Codecs::H264),
            (b"hvc1", Codecs::H264),
            (b"vp09", Codecs::Vp9),
            (b"av01", Codecs::Vp9),
        ] {
            let entry = crate::media::init::SampleEntry {
                format: crate::media::boxes::BoxType(*format),
                size: None,
            };
            let track = Track {
                entry: Some(entry),
                ..picture.clone()
            };
            assert_eq!(codecs(&track), expected);
        }
    }
}
