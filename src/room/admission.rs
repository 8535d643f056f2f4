//! Admission: who may start to watch or listen when the broadcaster's connection is full.
//!
//! Belongs here: the rule for one person, who was here a moment ago, and what was promised to
//! people who are about to begin. Does not belong here: whether the connection is full
//! ([`crate::media::uplink`]), who is never turned away because of who they are
//! (`live/uplink.rs`), words.
//!
//! Nobody is thrown out. Who watched within the last [`REMEMBERED`] is always let in again, with as
//! much as they had: a picture that comes back after each hiccup is worth more than one more viewer.

use std::{collections::BTreeMap, time::Duration};

use super::session::ViewerId;
use crate::{clock::Tick, media::uplink::Uplink};

/// Somebody who left is let in again for this long, and so is somebody who was shown the player.
const REMEMBERED: Duration = Duration::from_mins(2);

/// A place that was promised is counted for this long if nobody takes it.
const HELD: Duration = Duration::from_secs(10);

/// Somebody who was seen this lately still has what they had.
const STILL_THERE: Duration = Duration::from_secs(3);

/// Most promises that are remembered; without one somebody asks again.
const MOST_PROMISES: usize = 4096;

/// Most people who are remembered besides those who watch now; who left first is forgotten first.
const MOST_KNOWN: usize = 8192;

/// What somebody wants to get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish {
    /// How much of the broadcast it is: more is higher, and 0 is the sound alone.
    pub level: u8,
    /// Bits per second.
    pub rate: u64,
}

impl Wish {
    /// Whether it is the sound alone.
    pub fn is_sound(self) -> bool {
        self.level == 0
    }
}

/// What somebody has, had lately, or was promised.
#[derive(Debug, Clone, Copy)]
struct Known {
    what: Wish,
    at: Tick,
    is_promise: bool,
}

/// The rule. Remembers those who watch, those who did lately, and a bounded number of promises.
#[derive(Debug)]
pub struct Admission {
    is_on: bool,
    uplink: Uplink,
    known: BTreeMap<ViewerId, Known>,
    promises: usize,
    /// Rates that were given away and are not in the sums of the uplink yet.
    promised: u64,
}

impl Admission {
    /// Nobody is here. If it is not on, everybody is let in.
    pub fn new(is_on: bool) -> Self {
        Self {
            is_on,
            uplink: Uplink::default(),
            known: BTreeMap::new(),
            promises: 0,
            promised: 0,
        }
    }

    /// How the uplink is now, and what everybody has who has a response open. O(n log n).
    pub fn look(
        &mut self,
        uplink: Uplink,
        open: impl IntoIterator<Item = (ViewerId, Wish)>,
        now: Tick,
    ) {
        self.uplink = uplink;
        for (viewer, what) in open {
            let known = self.known.entry(viewer).or_insert(Known {
                what,
                at: now,
                is_promise: false,
            });
            // The old response may still be open when the new one has been promised.
            let waits = known.is_promise && now.since(known.at) < HELD;
            if waits && known.what.level > what.level {
                continue;
            }
            // Of two at the same time the better one.
            if known.is_promise || known.at != now || known.what.level < what.level {
                known.what = what;
            }
            (known.at, known.is_promise) = (now, false);
        }
        self.known
            .retain(|_, known| now.since(known.at) < REMEMBERED);
        self.forget_beyond(MOST_KNOWN);
        (self.promises, self.promised) = (0, 0);
        for known in self.known.values().filter(|known| known.is_promise) {
            self.promises += 1;
            if now.since(known.at) < HELD {
                self.promised = self.promised.saturating_add(known.what.rate);
            }
        }
    }

    /// Those who watch now were seen last, so that they stay.
    fn forget_beyond(&mut self, most: usize) {
        let Some(surplus) = self.known.len().checked_sub(most).filter(|more| *more > 0) else {
            return;
        };
        let mut times: Vec<_> = self.known.values().map(|known| known.at).collect();
        times.sort_unstable();
        if let Some(&oldest) = times.get(surplus) {
            self.known.retain(|_, known| known.at >= oldest);
        }
    }

    /// Whether somebody may begin with this now. If so, it is promised to them for a while.
    pub fn admits(&mut self, viewer: ViewerId, wish: Wish, now: Tick) -> bool {
        if !self.would_admit(viewer, wish, now) {
            return false;
        }
        let is_news = self
            .known
            .get(&viewer)
            .is_none_or(|known| known.what.level < wish.level);
        if self.is_on && self.uplink.has_limit() && is_news && self.promises < MOST_PROMISES {
            let more = self.more(viewer, wish, now);
            self.promises += 1;
            self.promised = self.promised.saturating_add(more);
            let known = Known {
                what: wish,
                at: now,
                is_promise: true,
            };
            self.known.insert(viewer, known);
        }
        true
    }

    /// The same without a promise.
    pub fn would_admit(&self, viewer: ViewerId, wish: Wish, now: Tick) -> bool {
        !self.is_on
            || self.is_known(viewer, wish, now)
            || self
                .uplink
                .has_room(self.more(viewer, wish, now), wish.is_sound(), self.promised)
    }

    /// Whether somebody who was never here could begin with this now.
    pub fn has_room(&self, wish: Wish) -> bool {
        !self.is_on
            || self
                .uplink
                .has_room(wish.rate, wish.is_sound(), self.promised)
    }

    fn is_known(&self, viewer: ViewerId, wish: Wish, now: Tick) -> bool {
        self.known
            .get(&viewer)
            .is_some_and(|known| wish.level <= known.what.level && now.since(known.at) < REMEMBERED)
    }

    /// How much more would go out: who has something already gives it up.
    fn more(&self, viewer: ViewerId, wish: Wish, now: Tick) -> u64 {
        let has = self
            .known
            .get(&viewer)
            .filter(|known| now.since(known.at) < STILL_THERE);
        wish.rate
            .saturating_sub(has.map_or(0, |known| known.what.rate))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{media::uplink::Occupancy, room::session::Sessions};

    const PICTURE: Wish = Wish {
        level: 2,
        rate: 500_000,
    };
    const SOUND: Wish = Wish {
        level: 0,
        rate: 50_000,
    };

    fn at(seconds: u64) -> Tick {
        Tick::START + Duration::from_secs(seconds)
    }

    fn up_to(ceiling: u64, admitted: u64) -> Uplink {
        Uplink {
            ceiling: Some(ceiling),
            admitted,
            ..Uplink::default()
        }
    }

    #[test]
    fn places_are_given_away_once_also_between_two_looks() {
        let mut people = Sessions::<()>::new(10);
        let (anna, ben) = (people.guest(), people.guest());
        let mut admission = Admission::new(true);
        admission.look(up_to(600_000, 0), [], at(0));

        assert!(admission.admits(anna, PICTURE, at(0)));
        assert!(!admission.admits(ben, PICTURE, at(0)));
        assert!(
            admission.admits(ben, SOUND, at(0)),
            "a share is kept for it"
        );
        // Anna's player asks a moment after her page.
        admission.look(up_to(600_000, 0), [], at(1));
        assert!(admission.admits(anna, PICTURE, at(2)));
        assert!(!admission.admits(people.guest(), PICTURE, at(2)));
        // Nobody came to take it.
        admission.look(up_to(600_000, 0), [], at(12));
        assert!(admission.admits(people.guest(), PICTURE, at(12)));
    }

    #[test]
    fn strangers_find_room_for_what_fits_beside_what_was_promised() {
        let mut people = Sessions::<()>::new(10);
        let mut admission = Admission::new(true);
        admission.look(up_to(700_000, 0), [], at(0));
        assert!(admission.has_room(PICTURE));

        assert!(admission.admits(people.guest(), PICTURE, at(0)));

        let smaller = Wish {
            level: 1,
            rate: 100_000,
        };
        assert!(!admission.has_room(PICTURE));
        assert!(admission.has_room(smaller) && admission.has_room(SOUND));
        let mut admission = Admission::new(false);
        admission.look(up_to(1, 1_000_000), [], at(0));
        assert!(admission.has_room(PICTURE), "nobody is refused");
    }

    #[test]
    fn who_watched_lately_is_let_in_again_with_as_much_as_they_had() {
        let mut people = Sessions::<()>::new(10);
        let (anna, ben) = (people.guest(), people.guest());
        let full = Uplink {
            occupancy: Occupancy::Full,
            capacity: Some(1_000_000),
            ..Uplink::default()
        };
        let mut admission = Admission::new(true);
        admission.look(full, [(anna, PICTURE), (anna, SOUND), (ben, SOUND)], at(0));

        let richer = Wish {
            rate: 900_000,
            ..PICTURE
        };
        assert!(admission.admits(anna, richer, at(100)), "another run");
        assert!(admission.admits(ben, SOUND, at(100)));
        assert!(
            !admission.admits(ben, PICTURE, at(100)),
            "that would be more"
        );
        admission.look(full, [], at(119));
        assert!(admission.admits(anna, PICTURE, at(119)));
        admission.look(full, [], at(120));
        assert!(!admission.admits(anna, PICTURE, at(120)));
        assert!(admission.known.is_empty());
    }

    #[test]
    fn a_listener_who_was_shown_the_picture_gets_it_although_the_sound_is_open_a_moment_longer() {
        let mut people = Sessions::<()>::new(10);
        let (anna, ben) = (people.guest(), people.guest());
        let mut admission = Admission::new(true);
        admission.look(up_to(600_000, 50_000), [(anna, SOUND)], at(0));
        assert!(admission.admits(anna, PICTURE, at(0)));

        admission.look(up_to(600_000, 50_000), [(anna, SOUND)], at(1));

        assert!(admission.admits(anna, PICTURE, at(1)));
        assert!(!admission.admits(ben, PICTURE, at(1)));
    }

    #[test]
    fn without_a_limit_nothing_is_promised_and_switched_off_nobody_is_refused() {
        let mut people = Sessions::<()>::new(10);
        let mut admission = Admission::new(true);
        for _ in 0..1_000 {
            assert!(admission.admits(people.guest(), PICTURE, at(0)));
        }
        assert!(admission.known.is_empty());

        let mut admission = Admission::new(false);
        admission.look(up_to(1, 1_000_000), [], at(0));
        assert!(admission.admits(people.guest(), PICTURE, at(0)));
    }

    #[test]
    fn promises_are_bounded_and_forgotten() {
        let mut people = Sessions::<()>::new(10);
        let mut admission = Admission::new(true);
        admission.look(up_to(u64::MAX, 0), [], at(0));
        for _ in 0..2 * MOST_PROMISES {
            assert!(admission.admits(people.guest(), PICTURE, at(1)));
        }

        assert_eq!(admission.known.len(), MOST_PROMISES);
        admission.look(up_to(u64::MAX, 0), [], at(200));
        assert!(admission.known.is_empty());
    }

    #[test]
    fn however_many_come_and_go_only_so_many_are_remembered() {
        let mut people = Sessions::<()>::new(10);
        let mut admission = Admission::new(true);
        let anna = people.guest();
        for second in 0..100 {
            let crowd = (0..1_000).map(|_| (people.guest(), SOUND));
            let open: Vec<_> = crowd.chain([(anna, PICTURE)]).collect();
            admission.look(up_to(0, 0), open, at(second));
            assert!(admission.known.len() <= MOST_KNOWN + 1_001);
        }
        assert!(admission.admits(anna, PICTURE, at(99)));
    }
}
