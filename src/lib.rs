//! onionstream turns a computer into a livestream site on the Tor network.
//!
//! This is the map of the code; `docs/architecture.md` has the walks and the reasons.
//!
//! ```text
//! main → cli → start ─┬─> onion, proxy                  byte streams from Tor, and to it
//!                     ├─> http ──> pages, push, recording
//!                     ├─> push, transcoder ──> encoder ──> ingest
//!                     ├─> http, control, recording, transcoder ──> live
//!                     └─> config, telemetry, instance, private_file,
//!                         captcha, tripcodes, passwords, emotes
//!
//! captcha, tripcodes, passwords ──────────────> background
//! live, pages, ingest, recording, control ────> room, media ──> ring, clock
//! ```
//!
//! - [`room`] and [`media`] are pure: rules and parsers without I/O, tasks or a clock.
//! - [`live`] is their shared, wakeable form.
//! - [`ingest`], [`recording`], [`emotes`], [`private_file`], [`onion`], [`http`] and [`control`] are thin adapters to
//!   files, Tor, browsers and commands.
//! - [`encoder`] runs ffmpeg, [`transcoder`] makes a smaller quality of the broadcast with it, and [`push`] takes what an
//!   encoder of somebody else's sends here.
//! - [`proxy`] is the way of an ffmpeg that fetches a feed.
//! - [`captcha`], [`tripcodes`] and [`passwords`] do what takes processor time, away from requests.
//! - [`pages`] turns plain values into HTML.
//! - `cli/start.rs` is the only place that knows every part.
//!
//! `tests/architecture.rs` lists what each module may import.

pub mod background;
pub mod captcha;
pub mod cli;
pub mod clock;
pub mod config;
pub mod control;
pub mod emotes;
pub mod encoder;
pub mod http;
pub mod ingest;
pub mod instance;
pub mod live;
pub mod media;
pub mod onion;
pub mod pages;
pub mod passwords;
pub mod private_file;
pub mod proxy;
pub mod push;
pub mod recording;
pub mod ring;
pub mod room;
pub mod telemetry;
pub mod transcoder;
pub mod tripcodes;
