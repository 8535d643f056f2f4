//! What viewers can choose from, and what each costs them.

use maud::{Markup, html};

use super::{audio, video::quality_address};
use crate::media::{
    delay::Delay,
    rendition::{Offer, roughly},
    variant::{Quality, VariantName},
};

/// One way to watch or to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// What it is.
    pub words: String,
    /// Where it is; opened in the frame of the player.
    pub href: String,
    /// Bits per second, if that is known.
    pub rate: Option<u64>,
    /// Whether it is what they have.
    pub is_current: bool,
}

/// What there is to choose from.
#[derive(Debug, Clone, Copy)]
pub struct Menu<'a> {
    /// The source; `None` is a broadcast of which nobody knows yet what will be in it.
    pub source: Option<Offer>,
    /// The variants that are on the air.
    pub variants: &'a [(VariantName, Offer)],
}

impl Menu<'_> {
    /// The choices of somebody who has `current`, if the page knows that, with this delay; none if
    /// there is nothing to choose.
    pub(super) fn choices(&self, current: Option<Quality>, delay: Option<Delay>) -> Vec<Choice> {
        let is_choice = self.source.is_none_or(Offer::is_choice);
        if !is_choice && self.variants.is_empty() {
            return Vec::new();
        }
        let choice = |quality, words: &str, rate| Choice {
            words: words.to_owned(),
            href: match quality {
                Quality::Sound => audio::sound_address(delay, true),
                _ => quality_address(quality, delay),
            },
            rate,
            is_current: current == Some(quality),
        };
        let words = match self.source {
            Some(offer) if !offer.has_picture => "The sound",
            Some(offer) if !offer.has_sound => "The picture",
            _ => "Picture and sound",
        };
        let rate = self.source.and_then(|offer| offer.full);
        let mut all = vec![choice(Quality::Source, words, rate)];
        for (name, offer) in self.variants {
            all.push(choice(Quality::Variant(*name), name.as_str(), offer.full));
        }
        if is_choice {
            let rate = self.source.and_then(|offer| offer.sound);
            all.push(choice(Quality::Sound, "Only the sound", rate));
        }
        all
    }
}

/// `about 580 kbit/s`: two digits are what one can rely on.
pub(super) fn about(bits_per_second: u64) -> String {
    format!("about {} kbit/s", roughly(bits_per_second))
}

/// A plain link for each.
pub fn choices(list: &[Choice]) -> Markup {
    html! {
        @for choice in list {
            span class="choice" {
                a href=(choice.href) target="video" aria-current=[choice.is_current.then_some("true")] { (choice.words) }
                @if let Some(rate) = choice.rate { ": " (about(rate)) }
            }
            " "
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: Offer = Offer {
        has_picture: true,
        has_sound: true,
        full: Some(583_400),
        sound: Some(63_600),
    };

    fn links(menu: Menu<'_>, current: Option<Quality>) -> String {
        choices(&menu.choices(current, None)).into_string()
    }

    #[test]
    fn each_quality_is_a_link_with_its_cost_and_the_one_they_have_is_marked() {
        let low = Offer {
            full: Some(198_000),
            ..BOTH
        };
        let menu = Menu {
            source: Some(BOTH),
            variants: &[(VariantName::LOW, low)],
        };

        let html = links(menu, Some(Quality::Variant(VariantName::LOW)));

        for part in [
            "<a href=\"/video?quality=source\" target=\"video\">Picture and sound</a>: about 580 kbit/s",
            "<a href=\"/video?quality=low\" target=\"video\" aria-current=\"true\">low</a>: about 200 kbit/s",
            "<a href=\"/audio\" target=\"video\">Only the sound</a>: about 64 kbit/s",
        ] {
            assert!(html.contains(part), "{part}: {html}");
        }
        assert!(!links(menu, None).contains("aria-current"));
        let late = choices(&menu.choices(None, Some(Delay::Safe))).into_string();
        assert!(
            late.contains("/video?quality=low&amp;delay=safe\""),
            "{late}"
        );
    }

    #[test]
    fn there_is_a_choice_unless_there_is_one_thing_alone() {
        fn menu(source: Option<Offer>, variants: &[(VariantName, Offer)]) -> Menu<'_> {
            Menu { source, variants }
        }
        let unknown = links(menu(None, &[]), None);
        assert!(unknown.contains("/audio") && !unknown.contains("kbit"));
        let mute = Offer {
            has_sound: false,
            sound: None,
            ..BOTH
        };
        let blind = Offer {
            has_picture: false,
            ..BOTH
        };
        for (alone, words) in [(mute, "The picture"), (blind, "The sound")] {
            assert_eq!(links(menu(Some(alone), &[]), None), "");
            let low = [(VariantName::LOW, alone)];
            let html = links(menu(Some(alone), &low), None);
            assert!(html.contains(words) && html.contains(">low<"), "{html}");
            assert!(!html.contains("/audio"), "{html}");
        }
    }
}
