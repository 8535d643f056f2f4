//! Where the picture comes from: the parts that `--source` needs, wired to the broadcast.
//!
//! Belongs here: which part is started for which source. Does not belong here: encoders that come to
//! us (`push.rs`).

use std::{
    ffi::OsString,
    sync::{Arc, atomic::AtomicBool},
    thread,
    time::Duration,
};

use super::{
    super::source::{Source, plan},
    metadata::MetadataGuard,
};
use crate::{
    clock::{Clock, Tick},
    config::Settings,
    encoder::{
        self, Complaints, EncoderThread, Input, Leash, Plan, SlateError, Slates, Surroundings,
    },
    http::Site,
    ingest::{self, IngestThread, Stop},
    live::video::VideoHandle,
    media::{clip::Clip, splice::Spliced},
    room::panel::Update,
};

/// The clip of `--source demo`: ten seconds of VP9 and Opus, made by `ffmpeg/demo-clip.sh`.
const DEMO_CLIP: &[u8] = include_bytes!("../../../assets/demo.mp4");

/// Least bytes a second of a slate with a picture: as many as a usual broadcast has, so that players
/// go over to it as smoothly as they play.
const SLATE_RATE: u64 = 64_000;

/// What brings pictures and titles; ends when it is dropped.
pub(super) struct Picture {
    _encoder: Option<EncoderThread>,
    _files: Vec<IngestThread>,
}

/// Where everything goes that a source brings.
///
/// Whatever brings the picture, nothing goes past `guard`. `slates` makes one for each stream, unless
/// somebody else does.
pub(super) fn on_air(
    site: &Site,
    guard: MetadataGuard,
    slates: Option<Slates>,
) -> impl FnMut(ingest::Event, Tick) + Clone + Send + use<> {
    let (video, panel) = (site.video.clone(), site.panel.clone());
    move |event, now| match guard.pass(event) {
        Some(ingest::Event::Title(title)) => panel.publish(&Update::Title(title)),
        Some(event) => bring(event, now, &video, slates.as_ref()),
        None => {}
    }
}

/// What an encoder brought goes on the air; a title is nothing of a picture.
pub(super) fn bring(event: ingest::Event, now: Tick, video: &VideoHandle, slates: Option<&Slates>) {
    match event {
        ingest::Event::Init { init, started } => {
            if let Some(slates) = slates {
                slates.order(&init);
            }
            video.begin(init, started);
        }
        ingest::Event::Fragment(fragment) => {
            video.push(&fragment, now);
        }
        ingest::Event::TargetDuration(target) => video.set_target_duration(target),
        ingest::Event::Stopped(Stop::EndList | Stop::Goodbye | Stop::Refused) => video.stop(now),
        ingest::Event::Stopped(Stop::EncoderGone) => video.lose(now),
        ingest::Event::Title(_) => {}
    }
}

/// Starts the picture and the title.
pub(super) fn play(
    settings: &Settings,
    source: &Source,
    video: &VideoHandle,
    picture: impl FnMut(ingest::Event, Tick) + Clone + Send + 'static,
    around: Surroundings,
) -> anyhow::Result<Picture> {
    let clock = around.clock;
    let watched = watched(settings);
    // Another source takes the place of the stream directory, not of the title.
    let (mut sink, is_watched) = (picture.clone(), matches!(source, Source::Watch));
    let watching = ingest::watch(watched, clock, move |event, now| {
        if is_watched || matches!(event, ingest::Event::Title(_)) {
            sink(event, now);
        }
    })?;
    let mut files = vec![watching];
    let encoder = match source {
        // A feed has become an encoder by now.
        Source::Watch | Source::Rtmp | Source::Ingest | Source::Url { .. } => None,
        Source::Demo => {
            files.push(ingest::demo::play(DEMO_CLIP, clock, picture)?);
            None
        }
        Source::Encoder(job) => {
            let encoder = encoder::run(job.clone(), around.clone(), picture)?;
            prepare_slate(settings, job.plan().clone(), video.clone(), around);
            Some(encoder)
        }
    };
    Ok(Picture {
        _encoder: encoder,
        _files: files,
    })
}

/// The stream directory and the title file.
pub(super) fn watched(settings: &Settings) -> ingest::Settings {
    ingest::Settings {
        stream_dir: settings.ingest.directory.clone(),
        title_file: settings.ingest.title_file.clone(),
        max_fragment_bytes: settings.ingest.max_fragment as u64,
        max_segment_bytes: settings.ingest.max_segment as u64,
    }
}

/// Encodes the slate beside the show.
fn prepare_slate(settings: &Settings, plan: Plan, video: VideoHandle, around: Surroundings) {
    let (path, at_most) = (settings.encoder.slate.clone(), settings.encoder.slate_for);
    if at_most.is_zero() {
        return;
    }
    // Ends by itself, at the latest with the show, which does not wait for it.
    let work = move || {
        let make = |path| -> Result<Clip, SlateError> {
            let bytes = encoder::slate(&plan, path, &around)?;
            Ok(Clip::parse(&bytes)?)
        };
        let made = match path.map(|path| make(Some(path))) {
            Some(Err(error)) if !error.is_over() => {
                tracing::warn!(
                    "`encoder.slate` cannot be shown: {error}; the card that is built in takes its place"
                );
                make(None)
            }
            Some(outcome) => outcome,
            None => make(None),
        };
        match made {
            Ok(clip) => show_slate(&video, &clip.into(), at_most),
            Err(error) if error.is_over() => {}
            Err(error) => tracing::warn!("there is no slate: {error}"),
        }
    };
    let started = thread::Builder::new().name("slate".to_owned()).spawn(work);
    if let Err(error) = started {
        tracing::warn!("there is no slate: {error}");
    }
}

/// Encodes a slate for each stream that somebody else's encoder brings, to be seen for `at_most`;
/// `None` if ours does, or none is wanted.
pub(super) fn slates(
    settings: &Settings,
    source: &Source,
    video: &VideoHandle,
    around: &Surroundings,
    at_most: Duration,
) -> Option<Slates> {
    let is_foreign = matches!(source, Source::Watch | Source::Rtmp | Source::Ingest);
    if !is_foreign || at_most.is_zero() {
        return None;
    }
    let video = video.clone();
    let plan = plan(settings, Input::Still { path: None });
    let path = settings.encoder.slate.clone();
    let started = encoder::slates(plan, path, around.clone(), move |clip| {
        show_slate(&video, &clip, at_most);
    });
    started
        .inspect_err(|error| tracing::warn!("there is no slate: {error}"))
        .ok()
}

fn show_slate(video: &VideoHandle, clip: &Spliced, at_most: Duration) {
    let has_picture = clip.clip().init().has_video();
    let rate = if has_picture { SLATE_RATE } else { 0 };
    video.set_slate(clip.clone().padded(rate), at_most);
}

/// What an ffmpeg that we start needs to know.
pub(super) fn surroundings(
    settings: &Settings,
    complaints: &Complaints,
    clock: Clock,
    leash: Leash,
) -> Surroundings {
    Surroundings {
        leash,
        max_fragment_bytes: settings.ingest.max_fragment as u64,
        complaints: complaints.clone(),
        clock,
    }
}

/// What every ffmpeg is started with: this program, which becomes it; by what it was started from, even
/// if that file was replaced since. `over` is set when nobody wants answers any more.
pub(in crate::cli) fn leash(over: Arc<AtomicBool>) -> Leash {
    let own = rustix::process::getpid().as_raw_nonzero().to_string();
    let guard = ["/proc/self/exe", "encoder-guard", &own].map(OsString::from);
    Leash::new(guard.to_vec(), over)
}
