//! The same media for external players: `/stream.m3u8`, `/init.mp4`, `/stream<N>.m4s` and the same
//! below `/quality/NAME/`; `/audio.m3u8`, `/audio-init.mp4`, `/audio<N>.m4s`; `/master.m3u8`.
//!
//! From memory, never from disk: only the current run, only complete segments, and numbers that
//! never repeat, also when the encoder starts again at 0.

use std::convert::Infallible;

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use futures_util::stream;
use http::{Method, Uri, header};

use super::stream::{missing, variant};
use crate::{
    http::{Site, address::InPath, problem::Problem},
    live::{variants::Variants, video::VideoHandle},
    media::{
        listing::segment_named,
        master::{self, Stream},
        rendition::Rendition,
        variant::{Quality, VariantName},
    },
};

/// Where the variants are.
const QUALITY: &str = "/quality/";

const PLAYLIST: [(header::HeaderName, &str); 1] =
    [(header::CONTENT_TYPE, "application/vnd.apple.mpegurl")];

pub(in crate::http) fn routes() -> Router<Site> {
    Router::new()
        .route("/master.m3u8", get(master))
        .route("/stream.m3u8", get(list))
        .route("/init.mp4", get(init))
        .route("/audio.m3u8", get(list_sound))
        .route("/audio-init.mp4", get(init_sound))
        .route("/quality/{name}/stream.m3u8", get(list_variant))
        .route("/quality/{name}/init.mp4", get(init_variant))
}

/// Every quality that is on the air, the source first.
async fn master(State(variants): State<Variants>) -> Result<impl IntoResponse, Problem> {
    let offered = variants.streams().into_iter();
    let streams: Vec<_> = offered
        .filter_map(|(quality, video)| {
            let address = match quality {
                Quality::Source => "stream.m3u8".to_owned(),
                Quality::Variant(name) => format!("quality/{name}/stream.m3u8"),
                Quality::Sound => "audio.m3u8".to_owned(),
            };
            let rendition = quality.rendition();
            let (init, offer) = (video.init(rendition)?, video.offer()?);
            // Of sound alone there is only one.
            if rendition == Rendition::Sound && !offer.has_picture {
                return None;
            }
            let so_far = match rendition {
                Rendition::Full => offer.full,
                Rendition::Sound => offer.sound,
            };
            let listing = video.listing(rendition)?;
            Some(Stream::of(address, init, &listing, so_far))
        })
        .collect();
    if streams.is_empty() {
        return Err(Problem::OFF_AIR);
    }
    Ok((PLAYLIST, master::playlist(&streams)))
}

async fn list(State(video): State<VideoHandle>) -> Result<impl IntoResponse, Problem> {
    listed(&video, Rendition::Full)
}

async fn list_sound(State(video): State<VideoHandle>) -> Result<impl IntoResponse, Problem> {
    listed(&video, Rendition::Sound)
}

async fn list_variant(
    State(variants): State<Variants>,
    InPath(name): InPath<String>,
) -> Result<impl IntoResponse, Problem> {
    listed(&variant(&variants, &name)?.1, Rendition::Full)
}

fn listed(video: &VideoHandle, rendition: Rendition) -> Result<impl IntoResponse + use<>, Problem> {
    let listing = video.listing(rendition).ok_or_else(|| missing(video))?;
    Ok((PLAYLIST, listing.playlist()))
}

async fn init(State(video): State<VideoHandle>) -> Result<impl IntoResponse, Problem> {
    begun(&video, Rendition::Full)
}

async fn init_sound(State(video): State<VideoHandle>) -> Result<impl IntoResponse, Problem> {
    begun(&video, Rendition::Sound)
}

async fn init_variant(
    State(variants): State<Variants>,
    InPath(name): InPath<String>,
) -> Result<impl IntoResponse, Problem> {
    begun(&variant(&variants, &name)?.1, Rendition::Full)
}

fn begun(video: &VideoHandle, rendition: Rendition) -> Result<impl IntoResponse + use<>, Problem> {
    let bytes = video.init(rendition).ok_or_else(|| missing(video))?;
    Ok(([(header::CONTENT_TYPE, "video/mp4")], bytes))
}

/// Everything that no route names: a segment, or nothing.
///
/// A route for `/{name}` would answer "wrong method" for every address that is nothing.
pub(in crate::http) async fn segment_or_nothing(
    State(variants): State<Variants>,
    method: Method,
    uri: Uri,
) -> Result<Response, Problem> {
    let parts = Some(uri.path())
        .filter(|_| method == Method::GET || method == Method::HEAD)
        .and_then(|path| segment(&variants, path))
        .ok_or(Problem::NOT_FOUND)?;
    let length: usize = parts.iter().map(Bytes::len).sum();
    let headers = [
        (header::CONTENT_TYPE, "video/iso.segment".to_owned()),
        (header::CONTENT_LENGTH, length.to_string()),
    ];
    let body = Body::from_stream(stream::iter(parts.into_iter().map(Ok::<_, Infallible>)));
    Ok((headers, body).into_response())
}

/// The segment at a path, if there is one.
fn segment(variants: &Variants, path: &str) -> Option<Vec<Bytes>> {
    if let Some(rest) = path.strip_prefix(QUALITY) {
        let (name, file) = rest.split_once('/')?;
        let (rendition, sequence) = segment_named(file)?;
        let video = variants.get(VariantName::parse(name)?)?;
        video.init(rendition)?;
        return video.segment(rendition, sequence);
    }
    let (rendition, sequence) = segment_named(path.strip_prefix('/')?)?;
    let video = variants.source();
    // Without sound there is no such segment.
    video.init(rendition)?;
    video.segment(rendition, sequence)
}
