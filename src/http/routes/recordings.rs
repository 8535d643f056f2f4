//! `/recordings`: earlier shows, to be played and downloaded.
//!
//! A name from an address is a name of ours or nothing ([`RecordingName`]), and only what is in the
//! list is looked for on the disk. No `Last-Modified` and no `ETag`: they would say more about files
//! and clocks than the name does.

mod chat;

use std::{convert::Infallible, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{FromRef, Query, State, rejection::QueryRejection},
    response::{IntoResponse, Response},
    routing::get,
};
use futures_util::stream;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;

use crate::{
    http::{
        Site,
        address::InPath,
        problem::Problem,
        range::{self, Wanted},
        visitor::{Audience, Page, Visitor},
    },
    live::{
        lease::{Kind, Lease, Leases},
        room::RoomHandle,
    },
    media::recording::{Eyes, RecordingName},
    pages::recordings as pages,
    recording::{Playback, Recordings},
    room::{person::Role, session::ViewerId},
};

/// Bytes that are read at once, so that a slow viewer holds no more.
const PIECE: usize = 64 * 1024;

pub(in crate::http) fn routes() -> Router<Site> {
    Router::new()
        .route("/recordings", get(list))
        .route("/recordings/{name}", get(show))
        .route("/recordings/{name}/{chat}", get(chat::send))
}

/// Where recordings and the right to them come from.
#[derive(Clone)]
pub(in crate::http) struct Archive {
    recordings: Recordings,
    room: RoomHandle,
    leases: Leases,
}

impl FromRef<Site> for Archive {
    fn from_ref(site: &Site) -> Self {
        Self {
            recordings: site.recordings.clone(),
            room: site.room.clone(),
            leases: site.leases.clone(),
        }
    }
}

impl Archive {
    fn eyes(&self, viewer: ViewerId) -> Eyes {
        match self.room.role(viewer) {
            Role::Broadcaster => Eyes::Broadcaster,
            _ => Eyes::Viewer,
        }
    }
}

async fn list(State(archive): State<Archive>, visitor: Visitor) -> Result<Response, Problem> {
    let eyes = archive.eyes(visitor.viewer);
    if eyes == Eyes::Viewer && !archive.recordings.is_public() {
        return Err(Problem::NOT_FOUND);
    }
    let list = archive.recordings.list_for(eyes);
    let theme = archive.room.theme(visitor.viewer);
    let chats = eyes == Eyes::Broadcaster || archive.recordings.is_chat_public();
    let page = Page::new(|nonce| pages::list(&list, chats, theme, nonce))?;
    Ok((visitor.cookie, page).into_response())
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Start {
    /// Seconds from the beginning.
    from: u64,
}

type From = Result<Query<Start>, QueryRejection>;

/// Where to start; what cannot be read is no reason to show nothing.
fn start(from: From) -> Duration {
    let seconds = from.map(|Query(start)| start.from).unwrap_or_default();
    Duration::from_secs(seconds)
}

/// The page of a recording, or the recording itself.
async fn show(
    State(archive): State<Archive>,
    Audience(viewer): Audience,
    InPath(name): InPath<String>,
    from: From,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (eyes, from) = (archive.eyes(viewer), start(from));
    if let Some(name) = RecordingName::parse_file(&name) {
        return play(&archive, viewer, name, from, &headers).await;
    }
    let recording = RecordingName::parse(&name)
        .and_then(|name| archive.recordings.get_for(name, eyes))
        .ok_or(Problem::NOT_FOUND)?;
    let theme = archive.room.theme(viewer);
    let from = recording.chapters.before(from);
    let with_chat = archive.recordings.has_chat_for(recording.name, eyes);
    let page = Page::new(|nonce| pages::one(&recording, from, with_chat, theme, nonce))?;
    Ok(page.into_response())
}

const TYPE: [(header::HeaderName, &str); 2] = [
    (header::CONTENT_TYPE, "video/mp4"),
    (header::ACCEPT_RANGES, "bytes"),
];

async fn play(
    archive: &Archive,
    viewer: ViewerId,
    name: RecordingName,
    from: Duration,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let eyes = archive.eyes(viewer);
    let playback = archive.recordings.play(name, eyes, from).await;
    let playback = playback.ok_or(Problem::NOT_FOUND)?;
    let len = playback.len();
    let (status, part) = match range::wanted(headers, len) {
        Wanted::Whole => (StatusCode::OK, 0..len),
        Wanted::Part(part) => (StatusCode::PARTIAL_CONTENT, part),
        Wanted::Nothing => {
            let range = content_range(&format!("bytes */{len}"));
            return Ok((StatusCode::RANGE_NOT_SATISFIABLE, TYPE, range).into_response());
        }
    };
    let lease = archive
        .leases
        .take(Kind::Recording, viewer)
        .map_err(|_full| Problem::FULL)?;
    let range = (status == StatusCode::PARTIAL_CONTENT).then(|| {
        let last = part.end.saturating_sub(1);
        content_range(&format!("bytes {}-{last}/{len}", part.start))
    });
    let length = HeaderValue::from(part.end.saturating_sub(part.start));
    let sending = Sending {
        playback,
        lease,
        at: part.start,
        end: part.end,
    };
    let parts = stream::unfold(sending, |mut sending| async move {
        let bytes = sending.next().await?;
        Some((Ok::<_, Infallible>(bytes), sending))
    });
    let body = Body::from_stream(parts);
    let mut response = (status, TYPE, body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, length);
    if let Some([(name, value)]) = range {
        headers.insert(name, value);
    }
    Ok(response)
}

fn content_range(range: &str) -> [(header::HeaderName, HeaderValue); 1] {
    let value = HeaderValue::try_from(range).unwrap_or(HeaderValue::from_static("bytes */0"));
    [(header::CONTENT_RANGE, value)]
}

/// One open response.
struct Sending {
    playback: Playback,
    lease: Lease,
    at: u64,
    end: u64,
}

impl Sending {
    /// The next piece, read when the one before has been taken. `None` before the end breaks the
    /// response off: who is shown the door keeps what they have.
    async fn next(&mut self) -> Option<axum::body::Bytes> {
        self.lease.asked();
        let left = usize::try_from(self.end.saturating_sub(self.at)).unwrap_or(usize::MAX);
        if left == 0 {
            return None;
        }
        let piece = tokio::select! {
            biased;
            () = self.lease.revoked() => None,
            piece = self.playback.read(self.at, left.min(PIECE)) => piece,
        }?;
        self.at += piece.len() as u64;
        Some(piece)
    }
}
