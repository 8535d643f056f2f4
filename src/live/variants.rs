//! All qualities of a broadcast, shared: the source, and the variants beside it.
//!
//! Whether the show is on the air, for how long, who is watching: all that is of the source. A variant
//! is one more broadcast of its own, with its own timeline; it comes and goes, and whoever wants one
//! that is not there gets the source.
//!
//! Bound: [`MOST`] variants, each with the limits of the source.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::video::VideoHandle;
use crate::{
    clock::Clock,
    media::{
        broadcast::Air,
        rendition::Offer,
        timeline::Limits,
        variant::{MOST, Quality, VariantName},
    },
};

/// The qualities; clones are the same ones.
#[derive(Debug, Clone)]
pub struct Variants {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    source: VideoHandle,
    limits: Limits,
    silence: Duration,
    clock: Clock,
    others: Mutex<BTreeMap<VariantName, Entry>>,
}

#[derive(Debug)]
struct Entry {
    video: VideoHandle,
    /// Nobody brings anything for it any more: forgotten as soon as it is off the air.
    is_closing: bool,
    /// Why there is none, or not as it should be.
    trouble: Option<String>,
}

impl Entry {
    fn is_on_air(&self) -> bool {
        *self.video.air().borrow() != Air::Off
    }
}

/// How a variant does, for the desk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VariantState {
    /// What it is called.
    pub name: VariantName,
    /// What there is of it; `None` when it is not on the air.
    pub offer: Option<Offer>,
    /// Why not, or what is wrong with it: lower case, no full stop.
    pub trouble: Option<String>,
}

impl Variants {
    /// Only the source. `limits` and `silence` are those of the source.
    pub fn new(source: VideoHandle, limits: Limits, silence: Duration, clock: Clock) -> Self {
        Self {
            shared: Arc::new(Shared {
                source,
                limits,
                silence,
                clock,
                others: Mutex::default(),
            }),
        }
    }

    /// The broadcast as the encoder delivers it.
    pub fn source(&self) -> &VideoHandle {
        &self.shared.source
    }

    /// A variant for whoever brings it, new or as it was; `None` beyond [`MOST`].
    pub fn open(&self, name: VariantName) -> Option<VideoHandle> {
        let Shared {
            limits,
            silence,
            clock,
            ..
        } = *self.shared;
        let mut others = self.shared.lock();
        if let Some(entry) = others.get_mut(&name) {
            entry.is_closing = false;
            return Some(entry.video.clone());
        }
        if others.len() >= MOST {
            return None;
        }
        let video = VideoHandle::new(limits, silence, clock);
        let entry = Entry {
            video: video.clone(),
            is_closing: false,
            trouble: None,
        };
        others.insert(name, entry);
        Some(video)
    }

    /// Nobody brings this variant any more: it ends, and is forgotten by [`Variants::tick`].
    pub fn close(&self, name: VariantName) {
        let now = self.shared.clock.tick();
        if let Some(entry) = self.shared.lock().get_mut(&name) {
            entry.is_closing = true;
            entry.video.stop(now);
        }
    }

    /// Notes what is wrong with a variant, or that nothing is any more. Returns whether something is
    /// wrong that was all right.
    pub fn set_trouble(&self, name: VariantName, trouble: Option<&str>) -> bool {
        let mut others = self.shared.lock();
        let entry = others.get_mut(&name);
        entry.is_some_and(|entry| {
            let is_news = entry.trouble.is_none() && trouble.is_some();
            entry.trouble = trouble.map(str::to_owned);
            is_news
        })
    }

    /// A variant that is on the air.
    pub fn get(&self, name: VariantName) -> Option<VideoHandle> {
        let others = self.shared.lock();
        let entry = others.get(&name).filter(|entry| entry.is_on_air())?;
        Some(entry.video.clone())
    }

    /// What somebody gets who chose `wanted`: that, or the source if there is none.
    pub fn choose(&self, wanted: Quality) -> (Quality, VideoHandle) {
        let source = || self.source().clone();
        match wanted {
            Quality::Variant(name) => match self.get(name) {
                Some(video) => (wanted, video),
                None => (Quality::Source, source()),
            },
            Quality::Source => (wanted, source()),
            // Who listens sees what there is when there is nothing to hear.
            Quality::Sound => {
                let is_mute = self.source().offer().is_some_and(|offer| !offer.has_sound);
                (if is_mute { Quality::Source } else { wanted }, source())
            }
        }
    }

    /// The variants that are on the air, by name.
    pub fn list(&self) -> Vec<(VariantName, Offer)> {
        let states = self.states().into_iter();
        states
            .filter_map(|state| Some((state.name, state.offer?)))
            .collect()
    }

    /// How each variant does, by name.
    pub fn states(&self) -> Vec<VariantState> {
        let others = self.shared.lock();
        let all = others
            .iter()
            .filter(|(_, entry)| !entry.is_closing || entry.is_on_air());
        all.map(|(name, entry)| VariantState {
            name: *name,
            offer: entry.video.offer().filter(|_| entry.is_on_air()),
            trouble: entry.trouble.clone(),
        })
        .collect()
    }

    /// Looks at the time, for the source and for each variant; see [`VideoHandle::tick`].
    pub fn tick(&self) {
        self.source().tick();
        let mut others = self.shared.lock();
        for entry in others.values() {
            entry.video.tick();
        }
        others.retain(|_, entry| !entry.is_closing || entry.is_on_air());
    }

    /// Where each quality comes from that may be on the air, the source first.
    pub fn streams(&self) -> Vec<(Quality, VideoHandle)> {
        let source = self.source();
        let variants = {
            let others = self.shared.lock();
            let on_air = others.iter().filter(|(_, entry)| entry.is_on_air());
            let list = on_air.map(|(name, entry)| (Quality::Variant(*name), entry.video.clone()));
            list.collect::<Vec<_>>()
        };
        std::iter::once((Quality::Source, source.clone()))
            .chain(variants)
            .chain([(Quality::Sound, source.clone())])
            .collect()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<VariantName, Entry>> {
        // Each operation leaves the table whole.
        self.others.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::{broadcast::STOP_GRACE, fragment::sample};

    fn variants() -> (Variants, Clock) {
        let clock = Clock::new();
        let limits = Limits {
            keep: Duration::from_mins(1),
            keep_bytes: 1 << 20,
            max_lag: Duration::from_secs(10),
        };
        let silence = Duration::from_secs(8);
        let source = VideoHandle::new(limits, silence, clock);
        (Variants::new(source, limits, silence, clock), clock)
    }

    fn play(video: &VideoHandle, clock: Clock) {
        video.begin(sample::audio_and_video_init(), None);
        for number in 0..6 {
            let fragment = sample::fragment(200 * number, number == 0);
            assert!(video.push(&fragment, clock.tick()));
        }
    }

    fn name(text: &str) -> VariantName {
        VariantName::parse(text).unwrap()
    }

    #[test]
    fn a_variant_can_be_had_while_it_is_on_the_air_and_the_source_takes_its_place_after() {
        let (variants, clock) = variants();
        let wanted = Quality::Variant(VariantName::LOW);
        play(variants.source(), clock);
        let low = variants.open(VariantName::LOW).unwrap();
        assert_eq!(variants.choose(wanted).0, Quality::Source, "nothing yet");
        assert!(variants.list().is_empty());

        play(&low, clock);
        assert_eq!(variants.choose(wanted).0, wanted);
        let list = variants.list();
        assert_eq!(list.len(), 1);
        assert!(list[0].1.full.is_some_and(|rate| rate > 0));

        variants.close(VariantName::LOW);
        low.stop(clock.tick().back(STOP_GRACE));
        // The grace that an encoder has which is started again.
        assert!(variants.get(VariantName::LOW).is_some());
        low.lose(clock.tick().back(STOP_GRACE));
        for _ in 0..500 {
            variants.tick();
            if variants.states().is_empty() {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        assert_eq!(variants.choose(wanted).0, Quality::Source);
        assert!(variants.states().is_empty() && variants.list().is_empty());
        assert!(low.offer().is_none(), "whoever watched it is let go");
    }

    #[test]
    fn there_are_at_most_four_and_one_that_comes_back_is_the_same() {
        let (variants, clock) = variants();
        let low = variants.open(VariantName::LOW).unwrap();
        for text in ["a", "b", "c"] {
            assert!(variants.open(name(text)).is_some());
        }
        assert!(variants.open(name("d")).is_none());

        variants.close(VariantName::LOW);
        let again = variants.open(VariantName::LOW).unwrap();
        variants.tick();
        play(&again, clock);
        assert!(low.offer().is_some());
        variants.close(name("a"));
        variants.tick();
        assert!(variants.open(name("d")).is_some());
    }

    #[test]
    fn trouble_is_news_once() {
        let (variants, _) = variants();
        let say = |words: Option<&str>| variants.set_trouble(VariantName::LOW, words);
        assert!(!say(Some("lost")), "there is no such variant");
        variants.open(VariantName::LOW).unwrap();
        assert!(say(Some("slow")) && !say(Some("slower")) && !say(None));
        assert!(say(Some("slow again")));
    }
}
