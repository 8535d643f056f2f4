//! `/stream.mp4`: the broadcast as one endless response; `/audio.mp4`: its sound alone;
//! `/quality/NAME/stream.mp4`: a variant.
//!
//! `/stream.mp4?quality=NAME` is the variant, too, for as long as there is one, and then the source:
//! what pages use, because `NoScript` asks its user anew for each path and not for each query.
//!
//! Plain 200, chunked, without length or ranges: Firefox starts such a response at the first
//! frame, and refuses to start one that claims a huge length.

use std::{convert::Infallible, time::Duration};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{FromRef, Query, State, rejection::QueryRejection},
    response::IntoResponse,
    routing::get,
};
use futures_util::stream;
use http::{StatusCode, header};
use serde::Deserialize;

use crate::{
    http::{Site, address::InPath, problem::Problem},
    live::{
        lease::{Kind, Lease, Leases},
        uplink::{Caller, UplinkHandle},
        variants::Variants,
        video::{VideoHandle, Viewing},
    },
    media::{
        delay::Delay,
        rendition::Rendition,
        timeline::rewind::Rewind,
        variant::{Quality, VariantName},
    },
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
    quality: Option<String>,
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

    pub(super) fn quality(&self) -> Option<Quality> {
        self.quality.as_deref().and_then(Quality::parse)
    }
}

pub(in crate::http) fn routes() -> Router<Site> {
    // Not for HEAD: it would open a viewing only to drop it.
    Router::new()
        .route("/stream.mp4", get(play_chosen).head(describe_chosen))
        .route("/audio.mp4", get(play_sound).head(describe_sound))
        .route(
            "/quality/{name}/stream.mp4",
            get(play_variant).head(describe_variant),
        )
}

/// What it takes to play something.
#[derive(Clone)]
pub(in crate::http) struct Stage {
    variants: Variants,
    leases: Leases,
    uplink: UplinkHandle,
    delays: Delays,
}

impl FromRef<Site> for Stage {
    fn from_ref(site: &Site) -> Self {
        Self {
            variants: site.variants.clone(),
            leases: site.leases.clone(),
            uplink: site.uplink.clone(),
            delays: site.delays,
        }
    }
}

type Asked = Result<Query<Choice>, QueryRejection>;

const NO_VARIANT: Problem = Problem::new(
    StatusCode::NOT_FOUND,
    "This quality is not on the air",
    "The first page shows which there are.",
);

/// When to ask again if the broadcaster's connection is full, in seconds.
const RETRY_SECONDS: &str = "30";

const UPLINK_FULL: Problem = Problem::new(
    StatusCode::SERVICE_UNAVAILABLE,
    "The broadcaster's connection is full at the moment",
    "The first page shows what there is room for: the sound alone, or less of a picture. Or try \
     again in half a minute.",
);

/// The variant that an address names.
pub(super) fn variant(
    variants: &Variants,
    name: &str,
) -> Result<(VariantName, VideoHandle), Problem> {
    let name = VariantName::parse(name).ok_or(Problem::NOT_FOUND)?;
    Ok((name, variants.get(name).ok_or(NO_VARIANT)?))
}

const NO_SOUND: Problem = Problem::new(
    StatusCode::NOT_FOUND,
    "This broadcast has no sound",
    "The first page shows the picture.",
);

fn headers(rendition: Rendition) -> [(header::HeaderName, &'static str); 2] {
    let kind = match rendition {
        Rendition::Full => "video/mp4",
        Rendition::Sound => "audio/mp4",
    };
    [
        (header::CONTENT_TYPE, kind),
        (header::ACCEPT_RANGES, "none"),
    ]
}

/// Why there is nothing of a rendition.
pub(super) fn missing(video: &VideoHandle) -> Problem {
    match video.init(Rendition::Full) {
        Some(_) => NO_SOUND,
        None => Problem::OFF_AIR,
    }
}

fn describe(
    video: &VideoHandle,
    rendition: Rendition,
) -> Result<impl IntoResponse + use<>, Problem> {
    let init = video.init(rendition).ok_or_else(|| missing(video))?;
    drop(init);
    Ok(headers(rendition))
}

async fn describe_chosen(
    State(stage): State<Stage>,
    choice: Asked,
) -> Result<impl IntoResponse, Problem> {
    let wanted = Choice::of(choice).quality().unwrap_or_default();
    describe(&stage.variants.choose(wanted).1, Rendition::Full)
}

async fn describe_variant(
    State(stage): State<Stage>,
    InPath(name): InPath<String>,
) -> Result<impl IntoResponse, Problem> {
    describe(&variant(&stage.variants, &name)?.1, Rendition::Full)
}

async fn describe_sound(State(stage): State<Stage>) -> Result<impl IntoResponse, Problem> {
    describe(stage.variants.source(), Rendition::Sound)
}

async fn play_chosen(
    State(stage): State<Stage>,
    caller: Caller,
    choice: Asked,
) -> Result<impl IntoResponse, Problem> {
    let choice = Choice::of(choice);
    let wanted = choice.quality().unwrap_or_default();
    let (quality, video) = stage.variants.choose(wanted);
    play(&stage, (quality, &video), caller, &choice)
}

async fn play_variant(
    State(stage): State<Stage>,
    InPath(name): InPath<String>,
    caller: Caller,
    choice: Asked,
) -> Result<impl IntoResponse, Problem> {
    let (name, video) = variant(&stage.variants, &name)?;
    let quality = Quality::Variant(name);
    play(&stage, (quality, &video), caller, &Choice::of(choice))
}

async fn play_sound(
    State(stage): State<Stage>,
    caller: Caller,
    choice: Asked,
) -> Result<impl IntoResponse, Problem> {
    let sound = (Quality::Sound, stage.variants.source());
    play(&stage, sound, caller, &Choice::of(choice))
}

fn play(
    Stage {
        leases,
        uplink,
        delays,
        ..
    }: &Stage,
    (quality, video): (Quality, &VideoHandle),
    caller: Caller,
    choice: &Choice,
) -> Result<axum::response::Response, Problem> {
    let rendition = quality.rendition();
    let (chosen, rewind) = (choice.delay(), choice.rewind());
    let delay = delays.of(chosen);
    let mut viewing = video
        .join(rendition, delay, rewind)
        .ok_or_else(|| missing(video))?;
    let padding = is_thin(&viewing).then(free_box);
    if padding.is_some() {
        viewing = video
            .join(rendition, delay.max(delays.normal), rewind)
            .ok_or_else(|| missing(video))?;
    }
    if !uplink.admits(caller, quality) {
        let later = [(header::RETRY_AFTER, RETRY_SECONDS)];
        return Ok((later, UPLINK_FULL).into_response());
    }
    let lease = leases
        .take(Kind::Video, caller.viewer)
        .map_err(|_full| Problem::FULL)?;
    if !uplink.is_preview(caller) {
        lease.plays(quality);
    }
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
    Ok((headers(rendition), Body::from_stream(parts)).into_response())
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
        self.lease.handed_out(bytes.as_ref().map_or(0, Bytes::len));
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
