//! The whole site in this process, with a broadcaster whose password is known.

use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use ::http::{HeaderMap, Request};
use axum::{
    Router,
    body::{Body, to_bytes},
};
use onionstream::{
    captcha::Captchas,
    clock::Clock,
    emotes::Emotes,
    http::{self, Delays, LiveLimits, Prompts, Site, retitle::Retitle},
    ingest,
    live::{
        desk::DeskFeed,
        lease::{Leases, Limits},
        panel::Panel,
        room::RoomHandle,
        uplink::{Policy, UplinkHandle},
        variants::Variants,
        video::VideoHandle,
    },
    media::{delay::Delay, timeline},
    pages,
    passwords::{self, Passwords},
    recording::{self, Recordings},
    room::{
        Room, RoomLimits, challenge::ChallengeLimits, flood::FloodLimits, name::Reserved,
        person::Role,
    },
    tripcodes::{Salt, Tripcodes},
};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

/// The broadcaster's.
pub(crate) const PASSWORD: &str = "7k2m-q9xd-correct-horse";

/// The longest answer that is read.
const MAX_ANSWER: usize = 1 << 20;

/// An answer with its whole body.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
    headers: HeaderMap,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// The site, and the directory of its title.
pub(crate) struct House {
    pub(crate) room: RoomHandle,
    pub(crate) desk: DeskFeed,
    directory: TempDir,
    router: Router,
}

impl House {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let site = house(directory.path().join("title.txt"));
        Self {
            room: site.room.clone(),
            desk: site.desk.clone(),
            directory,
            router: http::site(site),
        }
    }

    /// The title file, if there is one.
    pub(crate) fn title(&self) -> Option<String> {
        fs::read_to_string(self.directory.path().join("title.txt")).ok()
    }

    /// The token of a program that logged in.
    pub(crate) fn token(&self) -> String {
        self.seated(true)
    }

    /// The token of the broadcaster's browser.
    pub(crate) fn browser_token(&self) -> String {
        self.seated(false)
    }

    fn seated(&self, is_program: bool) -> String {
        let (viewer, _) = self.room.admit(None).unwrap();
        let token = self.room.log_in(viewer, Role::Broadcaster, is_program);
        token.unwrap().as_str().to_owned()
    }

    /// The token of somebody who only watches.
    pub(crate) fn viewer_token(&self) -> String {
        let (_, token) = self.room.admit(None).unwrap();
        token.as_str().to_owned()
    }

    /// Asks as a program does: with a token, and JSON if there is a body.
    pub(crate) async fn ask(
        &self,
        method: &str,
        address: &str,
        token: Option<&str>,
        body: Option<&str>,
    ) -> Answer {
        let mut headers = Vec::new();
        if let Some(token) = token {
            headers.push(("authorization", format!("Bearer {token}")));
        }
        if body.is_some() {
            headers.push(("content-type", "application/json".to_owned()));
        }
        self.send(method, address, headers, body.map(str::to_owned))
            .await
    }

    /// Asks with exactly these headers.
    pub(crate) async fn send(
        &self,
        method: &str,
        address: &str,
        headers: Vec<(&'static str, String)>,
        body: Option<String>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(address);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let request = request.body(Body::from(body.unwrap_or_default())).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let body = to_bytes(body, MAX_ANSWER).await.unwrap();
        Answer {
            status: head.status.as_u16(),
            body: String::from_utf8(body.to_vec()).unwrap(),
            headers: head.headers,
        }
    }
}

fn house(title_file: PathBuf) -> Site {
    let clock = Clock::new();
    let limits = timeline::Limits {
        keep: Duration::from_mins(1),
        keep_bytes: 1 << 20,
        max_lag: Duration::from_secs(10),
    };
    let leases = Limits {
        video_per_viewer: 2,
        panel_per_viewer: 2,
        total: 100,
    };
    let leases = Leases::new(leases, clock, CancellationToken::new());
    let panel = Panel::new(pages::live::pieces, clock);
    let room = Room::new(room_limits(), Reserved::new([]), Arc::default());
    let second = Duration::from_secs(1);
    // Nobody loads emotes anew.
    let (_, emotes) = watch::channel(Arc::new(Emotes::default()));
    let video = VideoHandle::new(limits, second, clock);
    let variants = Variants::new(video.clone(), limits, second, clock);
    let room = RoomHandle::new(room, panel.clone(), leases.clone(), clock);
    let policy = Policy {
        admission: true,
        ceiling: None,
        max_lag: Duration::from_secs(10),
        has_preview: true,
    };
    let open = leases.clone();
    Site {
        uplink: UplinkHandle::new(policy, open, variants.clone(), room.clone(), clock),
        variants,
        video,
        room,
        leases,
        panel,
        delays: Delays {
            low: second,
            normal: second,
            safe: second,
            default: Delay::Normal,
        },
        live: LiveLimits {
            max_age: second,
            max_pieces: 10,
            static_refresh: second,
            clock,
        },
        prompts: Prompts {
            pictures: Arc::new(Captchas::start(1).unwrap()),
            questions: true,
        },
        passwords: Passwords::new(&passwords::hash(PASSWORD).unwrap()),
        tripcodes: Tripcodes::new(Salt::from_bytes([7; 32])),
        emotes,
        desk: DeskFeed::new(pages::desk::status::piece),
        retitle: Retitle::new(move |title| ingest::retitle(&title_file, title)),
        recordings: Recordings::open(
            recording::Settings {
                directory: PathBuf::from("there are none"),
                keep_days: 0,
                max_bytes: 0,
                keep_free: 0,
                is_public: false,
                is_chat_public: false,
            },
            clock,
        ),
    }
}

fn room_limits() -> RoomLimits {
    RoomLimits {
        sessions: 100,
        messages: 100,
        messages_per_captcha: 10,
        flood: FloodLimits {
            window: Duration::from_secs(20),
            messages: 100,
            rows: 100,
            gap: Duration::ZERO,
            appearance_per_minute: 6,
            room_messages: 1000,
            slow_gap: Duration::from_secs(10),
            slow_for: Duration::from_mins(1),
            newcomers_per_minute: 60,
            raid_for: Duration::from_mins(5),
        },
        challenges: ChallengeLimits {
            capacity: 16,
            tries: 5,
            lifetime: Duration::from_mins(10),
        },
        captcha_at_entrance: true,
        here_for: Duration::from_secs(20),
    }
}
