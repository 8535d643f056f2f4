//! `/stream.mp4`: the broadcast as one endless response.
//!
//! Plain 200, chunked, without length or ranges: Firefox starts such a response at the first
//! frame, and refuses to start one that claims a huge length.

use std::{convert::Infallible, time::Duration};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Query, State, rejection::QueryRejection},
    response::IntoResponse,
    routing::get,
};
use futures_util::stream;
use http::header;
use serde::Deserialize;

use crate::{
    http::{Site, problem::Problem, visitor::Audience},
    live::{
        lease::{Kind, Lease, Leases},
        video::{VideoHandle, Viewing},
    },
    media::{delay::Delay, timeline::rewind::Rewind},
};

/// A broadcast that has fewer bytes than this to start with is a thin one: sound alone, or a
/// picture that hardly moves. Then an ignored box of this size comes before the first fragment.
///
/// Firefox waits to start until it could measure the download: one second, or 83,220 bytes
/// (57 packets of 1,460). Thin broadcasts showed their first picture at once but moved only after
/// 3 s. Firefox also reads in blocks, so that thin ones need a longer delay: at 100 kbit/s, 2.5 s
/// froze for a second every two, and 4 s did not.
const THIN: u32 = 84 * 1024;

/// How old the keyframe is that a new viewer starts from.
#[derive(Debug, Clone, Copy)]
pub struct Delays {
    /// For good circuits.
    pub low: Duration,
    /// For most.
    pub normal: Duration,
    /// For circuits that stall.
    pub safe: Duration,
    /// What viewers get who did not choose.
    pub default: Delay,
}

impl Delays {
    pub(super) fn of(self, chosen: Option<Delay>) -> Duration {
        match chosen.unwrap_or(self.default) {
            Delay::Low => self.low,
            Delay::Normal => self.normal,
            Delay::Safe => self.safe,
        }
    }
}

/// What viewers choose in an address. Words that nobody knows are no reason to show nothing.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Choice {
    delay: Option<String>,
    back: Option<String>,
    segment: Option<String>,
}

impl Choice {
    pub(super) fn of(query: Result<Query<Self>, QueryRejection>) -> Self {
        query.map(|Query(choice)| choice).unwrap_or_default()
    }

    pub(super) fn delay(&self) -> Option<Delay> {
        self.delay.as_deref().and_then(Delay::parse)
    }

    pub(super) fn rewind(&self) -> Option<Rewind> {
        Rewind::parse(self.back.as_deref(), self.segment.as_deref())
    }
}

pub(in crate::http) fn routes() -> Router<Site> {
    // Not for HEAD: it would open a viewing only to drop it.
    Router::new().route("/stream.mp4", get(play).head(describe))
}

const HEADERS: [(header::HeaderName, &str); 2] = [
    (header::CONTENT_TYPE, "video/mp4"),
    (header::ACCEPT_RANGES, "none"),
];

async fn describe(State(video): State<VideoHandle>) -> Result<impl IntoResponse, Problem> {
    video.init().map(|_| HEADERS).ok_or(Problem::OFF_AIR)
}

async fn play(
    State(video): State<VideoHandle>,
    State(leases): State<Leases>,
    State(delays): State<Delays>,
    Audience(viewer): Audience,
    choice: Result<Query<Choice>, QueryRejection>,
) -> Result<impl IntoResponse, Problem> {
    let choice = Choice::of(choice);
    let (chosen, rewind) = (choice.delay(), choice.rewind());
    let delay = delays.of(chosen);
    let mut viewing = video.join(delay, rewind).ok_or(Problem::OFF_AIR)?;
    let padding = is_thin(&viewing).then(free_box);
    if padding.is_some() {
        viewing = video
            .join(delay.max(delays.normal), rewind)
            .ok_or(Problem::OFF_AIR)?;
    }
    let lease = leases
        .take(Kind::Video, viewer)
        .map_err(|_full| Problem::FULL)?;
    if let Some(chosen) = chosen {
        lease.chose(chosen);
    }
    let response = Response {
        viewing,
        lease,
        padding,
    };
    let parts = stream::unfold(response, |mut response| async move {
        let bytes = response.next().await?;
        Some((Ok::<_, Infallible>(bytes), response))
    });
    Ok((HEADERS, Body::from_stream(parts)))
}

/// Whether the broadcast is a thin one. Of a picture that has just begun nobody knows yet.
fn is_thin(viewing: &Viewing) -> bool {
    viewing
        .burst()
        .map_or(!viewing.has_video(), |bytes| bytes < THIN as usize)
}

/// One open video response.
struct Response {
    viewing: Viewing,
    lease: Lease,
    /// Sent after the init segment.
    padding: Option<Bytes>,
}

impl Response {
    /// The next part; `None` ends the response with a clean last chunk.
    async fn next(&mut self) -> Option<Bytes> {
        self.lease.asked();
        if self.viewing.is_started()
            && let Some(padding) = self.padding.take()
        {
            return Some(padding);
        }
        let bytes = tokio::select! {
            biased;
            () = self.lease.revoked() => None,
            bytes = self.viewing.next() => bytes,
        };
        if let Some(lag) = self.viewing.lag() {
            self.lease.lags(lag);
        }
        bytes
    }
}

/// A `free` box (ISO/IEC 14496-12 section 8.1.2), which players skip.
fn free_box() -> Bytes {
    static BOX: [u8; THIN as usize] = {
        let mut bytes = [0; THIN as usize];
        let [a, b, c, d] = THIN.to_be_bytes();
        (bytes[0], bytes[1], bytes[2], bytes[3]) = (a, b, c, d);
        (bytes[4], bytes[5], bytes[6], bytes[7]) = (b'f', b'r', b'e', b'e');
        bytes
    };
    Bytes::from_static(&BOX)
}
