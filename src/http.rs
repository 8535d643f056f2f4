//! The site over HTTP/1.1: routers, headers, connections, listeners.
//!
//! Belongs here: everything that knows HTTP. Does not belong here: rules, HTML (in
//! [`crate::pages`]), Tor (byte streams come in through [`connection`]).
//!
//! The layers of [`site`], outermost first: the privacy headers on every answer; the panic net;
//! the check of the `Host` header on loopback; the limit on the length of the URL; the requests of
//! encoders; the entrance; the routes.

use axum::{Router, extract::FromRef, middleware};
use tower_http::catch_panic::CatchPanicLayer;

use self::retitle::Retitle;
use crate::{
    live::{
        desk::DeskFeed, lease::Leases, panel::Panel, room::RoomHandle, uplink::UplinkHandle,
        variants::Variants, video::VideoHandle,
    },
    passwords::Passwords,
    recording::Recordings,
    tripcodes::Tripcodes,
};

mod address;
pub mod connection;
mod form;
mod gate;
pub mod headers;
mod host;
mod ingest;
pub mod listener;
pub mod problem;
mod prompts;
mod range;
pub mod retitle;
mod routes;
pub mod visitor;

pub use ingest::{INGEST_PATH, Ingest};
pub use prompts::Prompts;
pub use routes::{emote::EmoteBook, live::LiveLimits, stream::Delays};

/// What the routes need; each takes only the part it names.
#[derive(Clone)]
pub struct Site {
    /// The broadcast.
    pub video: VideoHandle,
    /// The same, and its variants.
    pub variants: Variants,
    /// The people.
    pub room: RoomHandle,
    /// The open endless responses.
    pub leases: Leases,
    /// What goes out, and who may begin.
    pub uplink: UplinkHandle,
    /// The live panel.
    pub panel: Panel,
    /// How far behind the live edge viewers start.
    pub delays: Delays,
    /// When live panels renew themselves.
    pub live: LiveLimits,
    /// Where captchas come from.
    pub prompts: Prompts,
    /// What checks passwords.
    pub passwords: Passwords,
    /// What makes tripcodes.
    pub tripcodes: Tripcodes,
    /// The emotes of the house.
    pub emotes: EmoteBook,
    /// The status block of the desk.
    pub desk: DeskFeed,
    /// How the title is set.
    pub retitle: Retitle,
    /// Earlier shows.
    pub recordings: Recordings,
}

macro_rules! part {
    ($($field:ident: $part:ty),*) => {$(
        impl FromRef<Site> for $part {
            fn from_ref(site: &Site) -> Self {
                site.$field.clone()
            }
        }
    )*};
}

part!(
    video: VideoHandle,
    variants: Variants,
    room: RoomHandle,
    leases: Leases,
    uplink: UplinkHandle,
    panel: Panel,
    delays: Delays,
    live: LiveLimits,
    prompts: Prompts,
    passwords: Passwords,
    tripcodes: Tripcodes,
    emotes: EmoteBook,
    desk: DeskFeed,
    retitle: Retitle,
    recordings: Recordings
);

/// The whole site as one service.
pub fn site(site: Site) -> Router {
    site_with_ingest(site, None)
}

/// The same, with an address for encoders on this computer if `ingest` is given.
pub fn site_with_ingest(site: Site, ingest: Option<Ingest>) -> Router {
    let room = site.room.clone();
    Router::new()
        .merge(routes::home::routes())
        .merge(routes::video::routes())
        .merge(routes::stream::routes())
        .merge(routes::playlist::routes())
        .merge(routes::live::routes())
        .merge(routes::compose::routes())
        .merge(routes::entrance::routes())
        .merge(routes::emote::routes())
        .merge(routes::recordings::routes())
        .merge(routes::desk::routes())
        .fallback(routes::playlist::segment_or_nothing)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .with_state(site)
        .layer(middleware::from_fn_with_state(room, gate::check))
        .layer(middleware::from_fn_with_state(ingest, ingest::divert))
        .layer(middleware::from_fn(host::check))
        .layer(CatchPanicLayer::custom(problem::panicked))
        .layer(middleware::map_response(headers::finish))
}
