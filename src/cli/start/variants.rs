//! Where variants come from: directories in the stream directory, and an encoder of our own.
//!
//! Belongs here: who brings which, wired to the broadcast. Does not belong here: the source
//! (`picture.rs`).

use std::time::Duration;

use tokio::{sync::watch, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::{Task, metadata::MetadataGuard, picture};
use crate::{
    cli::source::Source,
    clock::Tick,
    config::Settings,
    encoder::{self, Slates, Surroundings},
    http::Site,
    ingest::{self, Event, IngestThread},
    live::video::VideoHandle,
    media::variant::VariantName,
    transcoder::Transcoder,
};

/// A variant whose encoder is away shows the slate for at most this long. An encoder that is restarted
/// is back by then; without one, its viewers are better off with the source.
const SLATE_AT_MOST: Duration = Duration::from_secs(15);

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
        encoder::check_ffmpeg(settings.encoder.ffmpeg.as_ref(), &around.leash)?;
        let transcoder = Transcoder {
            variants: site.variants.clone(),
            ffmpeg: settings.encoder.ffmpeg.clone().into(),
            around: around.clone(),
            kbits: settings.encoder.low_kbits as u64,
        };
        let (guard, closing, kept) = (guard.clone(), closing.clone(), low.clone());
        tasks.spawn(async move {
            let sink = move |video| variant_sink(&guard, VariantName::LOW, video, None);
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
    let (for_slates, beside) = (settings.clone(), around.clone());
    let open = move |name| {
        if name == VariantName::LOW {
            begun.send_replace(false);
        }
        let video = opening.open(name)?;
        opening.set_trouble(name, None);
        let at_most = for_slates.encoder.slate_for.min(SLATE_AT_MOST);
        let slates = picture::slates(&for_slates, &Source::Watch, &video, &beside, at_most);
        Some(variant_sink(&guard, name, video, slates))
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

/// Where everything goes that is brought for a variant, past a guard of its own. What is made from the
/// broadcast needs no slate: it shows that of the broadcast.
fn variant_sink(
    guard: &MetadataGuard,
    name: VariantName,
    video: VideoHandle,
    slates: Option<Slates>,
) -> impl FnMut(Event, Tick) + Clone + Send + use<> {
    let guard = guard.beside(name, video.clone());
    move |event, now| {
        if let Some(event) = guard.pass(event) {
            picture::bring(event, now, &video, slates.as_ref());
        }
    }
}
