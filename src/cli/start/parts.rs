//! The parts of the site, made from the settings.
//!
//! Belongs here: which setting goes to which part. Does not belong here: tasks, listening.
use std::sync::Arc;

use anyhow::Context as _;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    captcha::Captchas,
    clock::Clock,
    config::Settings,
    emotes::Emotes,
    http::{Delays, LiveLimits, Prompts, Site, retitle::Retitle},
    ingest,
    live::{
        desk::DeskFeed,
        lease::{self, Leases},
        panel::Panel,
        room::RoomHandle,
        variants::Variants,
        video::VideoHandle,
    },
    media::timeline,
    pages,
    passwords::Passwords,
    recording::{self, Recordings},
    room::{Room, RoomLimits, challenge::ChallengeLimits, flood::FloodLimits, name::Reserved},
    tripcodes::{self, Tripcodes},
};

/// Captchas that are drawn ahead of need; one takes some milliseconds.
const CAPTCHAS_AHEAD: usize = 32;

/// The parts of the site, and where other emotes are handed in.
pub(super) fn assemble(
    settings: &Settings,
    emotes: &Arc<Emotes>,
    broadcaster: &str,
    clock: Clock,
    closing: &CancellationToken,
) -> anyhow::Result<(Site, watch::Sender<Arc<Emotes>>)> {
    let playback = &settings.playback;
    let limits = timeline::Limits {
        keep: playback.keep,
        keep_bytes: playback.keep_bytes,
        max_lag: playback.max_lag,
    };
    let lease_limits = lease::Limits {
        video_per_viewer: playback.responses_per_viewer,
        panel_per_viewer: settings.live.responses_per_viewer,
        total: settings.http.max_connections,
    };
    let leases = Leases::new(lease_limits, clock, closing.child_token());
    let panel = Panel::new(pages::live::pieces, clock);
    let room = Room::new(
        room_limits(settings),
        Reserved::new(std::iter::empty()),
        Arc::new(emotes.table.clone()),
    );
    let pictures = Arc::new(Captchas::start(CAPTCHAS_AHEAD).context("cannot draw captchas")?);
    let salt = tripcodes::Salt::open(&settings.onion.keys)?;
    let (book, emotes) = watch::channel(Arc::clone(emotes));
    let silence = settings.ingest.silence;
    let video = VideoHandle::new(limits, silence, clock);
    let site = Site {
        variants: Variants::new(video.clone(), limits, silence, clock),
        video,
        room: RoomHandle::new(room, panel.clone(), leases.clone(), clock),
        leases,
        panel,
        delays: Delays {
            low: playback.delay_low,
            normal: playback.delay_normal,
            safe: playback.delay_safe,
            default: playback.default_delay,
        },
        live: LiveLimits {
            max_age: settings.live.max_age,
            max_pieces: settings.live.max_elements,
            static_refresh: settings.live.static_refresh,
            clock,
        },
        prompts: Prompts {
            pictures,
            questions: settings.captcha.questions,
        },
        passwords: Passwords::new(broadcaster),
        tripcodes: Tripcodes::new(salt),
        emotes,
        desk: DeskFeed::new(pages::desk::status::piece),
        retitle: Retitle::new({
            let file = settings.ingest.title_file.clone();
            move |title| ingest::retitle(&file, title)
        }),
        recordings: recordings(settings, clock),
    };
    Ok((site, book))
}

fn recordings(settings: &Settings, clock: Clock) -> Recordings {
    let recording = &settings.recording;
    let settings = recording::Settings {
        directory: recording.directory.clone(),
        keep_days: recording.keep_days as u64,
        max_bytes: recording.max_size as u64,
        keep_free: recording.keep_free as u64,
        is_public: recording.public,
        is_chat_public: recording.chat_public,
    };
    let recordings = Recordings::open(settings, clock);
    recordings.want(recording.enabled);
    recordings.want_chat(recording.chat);
    recordings
}

fn room_limits(settings: &Settings) -> RoomLimits {
    let (chat, captcha) = (&settings.chat, &settings.captcha);
    RoomLimits {
        sessions: settings.http.max_sessions,
        messages: chat.messages_kept,
        messages_per_captcha: u32::try_from(captcha.every).unwrap_or(u32::MAX),
        flood: FloodLimits {
            window: chat.window,
            messages: chat.flood_messages,
            rows: chat.flood_rows,
            gap: chat.gap,
            appearance_per_minute: chat.changes_per_minute,
            room_messages: chat.busy_messages,
            slow_gap: chat.slow_gap,
            slow_for: chat.slow_for,
            newcomers_per_minute: chat.raid_newcomers,
            raid_for: chat.raid_for,
        },
        challenges: ChallengeLimits {
            capacity: captcha.open,
            tries: u32::try_from(captcha.tries).unwrap_or(u32::MAX),
            lifetime: captcha.lifetime,
        },
        captcha_at_entrance: captcha.entrance,
        here_for: chat.here_for,
    }
}
