//! What tests of the frame look at: a broadcast, and a frame of which they change a part.

use std::time::Duration;

use super::{Video, page};
use crate::{
    clock::{Tick, WallTime},
    media::{
        broadcast::{Air, Broadcast},
        delay::Delay,
        fragment::sample,
        rendition::Offer,
        timeline::Limits,
        variant::Quality,
    },
    pages::{choice::Menu, reading::read},
    room::theme::Theme,
};

/// A broadcast with picture and sound.
pub(in crate::pages) const BOTH: Offer = Offer {
    has_picture: true,
    has_sound: true,
    full: Some(583_400),
    sound: Some(63_600),
};

/// On the air.
pub(in crate::pages) fn on_air() -> Air {
    let limits = Limits {
        keep: Duration::from_mins(1),
        keep_bytes: 1 << 20,
        max_lag: Duration::from_secs(10),
    };
    let mut broadcast = Broadcast::new(limits, Duration::from_secs(8));
    broadcast.begin(sample::audio_and_video_init(), None);
    let now = WallTime::from_unix_millis(0);
    broadcast.push(&sample::fragment(0, true), Tick::START, now);
    broadcast.air()
}

/// The live frame of somebody who wants to be safe, without anything to choose.
pub(in crate::pages) fn frame(air: Air) -> Video<'static> {
    Video {
        air,
        title: "<Ann>",
        delay: Some(Delay::Safe),
        rewind: None,
        behind: None,
        theme: Theme::Dark,
        begins: None,
        now: WallTime::from_unix_millis(0),
        quality: Quality::Source,
        menu: Menu {
            source: None,
            variants: &[],
        },
        starts_itself: true,
        instead: None,
    }
}

/// The page; it is well-formed, and what can be used in it has a name.
#[track_caller]
pub(in crate::pages) fn html(video: &Video<'_>) -> String {
    let html = page(video, "NONCE").into_string();
    let read = read(&html).unwrap_or_else(|flaw| panic!("{flaw}: {html}"));
    assert_eq!(read.nameless(), Vec::<String>::new());
    html
}
