//! `/stream.m3u8`, `/init.mp4`, `/stream<N>.m4s`: the same media for external players.
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

use crate::{
    http::{Site, problem::Problem},
    live::video::VideoHandle,
    media::{playlist, rendition::Rendition},
};

pub(in crate::http) fn routes() -> Router<Site> {
    Router::new()
        .route("/stream.m3u8", get(list))
        .route("/init.mp4", get(init))
}

async fn list(State(video): State<VideoHandle>) -> Result<impl IntoResponse, Problem> {
    let listing = video.listing().ok_or(Problem::OFF_AIR)?;
    let text = listing.playlist();
    Ok((
        [(header::CONTENT_TYPE, "application/vnd.apple.mpegurl")],
        text,
    ))
}

async fn init(State(video): State<VideoHandle>) -> Result<impl IntoResponse, Problem> {
    let bytes = video.init(Rendition::Full).ok_or(Problem::OFF_AIR)?;
    Ok(([(header::CONTENT_TYPE, "video/mp4")], bytes))
}

/// Everything that no route names: a segment, or nothing.
///
/// A route for `/{name}` would answer "wrong method" for every address that is nothing.
pub(in crate::http) async fn segment_or_nothing(
    State(video): State<VideoHandle>,
    method: Method,
    uri: Uri,
) -> Result<Response, Problem> {
    let parts = uri
        .path()
        .strip_prefix('/')
        .filter(|_| method == Method::GET || method == Method::HEAD)
        .and_then(playlist::segment_number)
        .and_then(|sequence| video.segment(sequence))
        .ok_or(Problem::NOT_FOUND)?;
    let length: usize = parts.iter().map(Bytes::len).sum();
    let headers = [
        (header::CONTENT_TYPE, "video/iso.segment".to_owned()),
        (header::CONTENT_LENGTH, length.to_string()),
    ];
    let body = Body::from_stream(stream::iter(parts.into_iter().map(Ok::<_, Infallible>)));
    Ok((headers, body).into_response())
}
