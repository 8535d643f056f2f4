//! Where variants come from: directories in the stream directory, and an encoder of our own.
//!
//! Belongs here: who brings which, wired to the broadcast. Does not belong here: the source
//! (`picture.rs`).

use tokio::{sync::watch, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::{Task, metadata::MetadataGuard, picture};
use crate::{
    cli::source::Source,
    clock::Tick,
    config::Settings,
    encoder::{self, Surroundings},
    http::Site,
    ingest::{self, Event, IngestThread, Stop},
    live::video::VideoHandle,
    media::variant::VariantName,
    transcoder::Transcoder,
};

/// Starts what brings variants; the answer is to be kept.
pub(super) fn open(
    settings: &Settings,
    source: &Source,
    site: &Site,
    guard: &MetadataGuard,
    around: &Surroundings,
    closing: &CancellationToken,
    tasks: &mut JoinSet<Task>,
) -> anyhow::Result<Option<IngestThread>> {
    // Whoever has a directory for it brings it, and else we do.
    let (low, wanted) = watch::channel(true);
    if settings.encoder.low {
        encoder::check_ffmpeg(settings.encoder.ffmpeg.as_ref())?;
        let transcoder = Transcoder {
            variants: site.variants.clone(),
            ffmpeg: settings.encoder.ffmpeg.clone().into(),
            around: around.clone(),
            kbits: settings.encoder.low_kbits as u64,
        };
        let (guard, closing, kept) = (guard.clone(), closing.clone(), low.clone());
        tasks.spawn(async move {
            let sink = move |video| variant_sink(&guard, VariantName::LOW, video);
            transcoder.follow(wanted, sink, closing).await;
            drop(kept);
            Ok("transcoder")
        });
    }
    if !matches!(source, Source::Watch) {
        return Ok(None);
    }
    let (opening, closing, guard) = (site.variants.clone(), site.variants.clone(), guard.clone());
    let begun = low.clone();
    let open = move |name| {
        if name == VariantName::LOW {
            begun.send_replace(false);
        }
        let video = opening.open(name)?;
        opening.set_trouble(name, None);
        Some(variant_sink(&guard, name, video))
    };
    let close = move |name| {
        closing.close(name);
        if name == VariantName::LOW {
            low.send_replace(true);
        }
    };
    let watched = picture::watched(settings);
    Ok(Some(ingest::watch_variants(
        watched,
        around.clock,
        open,
        close,
    )?))
}

/// Where everything goes that is brought for a variant, past a guard of its own.
fn variant_sink(
    guard: &MetadataGuard,
    name: VariantName,
    video: VideoHandle,
) -> impl FnMut(Event, Tick) + Clone + Send + use<> {
    let guard = guard.beside(name, video.clone());
    move |event, now| match guard.pass(event) {
        // A variant has no title.
        None | Some(Event::Title(_)) => {}
        Some(Event::Init { init, started }) => video.begin(init, started),
        Some(Event::Fragment(fragment)) => {
            video.push(&fragment, now);
        }
        Some(Event::TargetDuration(target)) => video.set_target_duration(target),
        Some(Event::Stopped(Stop::EndList | Stop::Refused)) => video.stop(now),
        Some(Event::Stopped(Stop::EncoderGone)) => video.lose(now),
    }
}
