//! The uplink: what goes out to viewers, and whether the broadcaster's connection carries it.
//!
//! Belongs here: the sums over all open responses, when the connection counts as full, what it is
//! known to carry, and whether one more rate fits. Does not belong here: who is asking
//! (`room/admission.rs`), counting bytes (`live/lease.rs`), words ([`super::advice`]).
//!
//! One circuit says nothing about the connection: everybody's goes through it, so when it is full
//! many fall behind together. Hence the limits are shares of all viewers, and never under
//! [`MANY`].

pub mod outgoing;
pub mod sums;

use std::{collections::BTreeMap, time::Duration};

use crate::clock::Tick;

/// Sums are taken over the last one to two of these.
const HALF_WINDOW: Duration = Duration::from_secs(5);

/// A younger response is still getting what it starts with.
const GROWN: Duration = Duration::from_secs(10);

/// A player starts with a reserve. Whoever is this much further behind has seen the picture freeze; or
/// half as much as it takes to be moved forward, if that is less.
const BEHIND: Duration = Duration::from_secs(2);

/// Fewer people behind than this are the business of their circuits.
const MANY: usize = 3;

/// The connection is strained when this part of the viewers is behind, in percent,
const MOST: usize = 50;

/// or this part,
const SOME: usize = 30;

/// and viewers get less than this of what they should, in percent.
const SHORT: u128 = 80;

/// It is full when it was strained for this long without a pause; a player that is paused looks
/// behind for about four seconds, until it is seen to take nothing at all.
const LASTS: Duration = Duration::from_secs(5);

/// It stays full for at least this long,
const FULL_FOR: Duration = Duration::from_secs(20);

/// and until it was not strained for this long.
const CALM: Duration = Duration::from_secs(15);

/// What the connection was seen to carry is worth a tenth more after a tenth of this, and nothing
/// after all of it: lines change, and so do circuits.
const FORGOTTEN: Duration = Duration::from_mins(10);

/// This part of what it carries is given away, in percent: what is full to the brim stalls.
const ROOM: u64 = 90;

/// This part of what it carries is for those who only listen, however full it is, in percent.
const SOUND_SHARE: u64 = 25;

/// One open response, as it is now.
#[derive(Debug, Clone, Copy)]
pub struct Response {
    /// Never the same for two responses.
    pub id: u64,
    /// What was handed out since it began.
    pub bytes: u64,
    /// How long it has been open.
    pub age: Duration,
    /// How old its first fragment was when it was handed out; zero before that.
    pub start: Duration,
    /// How old the newest fragment is that was handed out, or the oldest one that waits to be taken.
    pub behind: Duration,
    /// Bits per second of what it plays.
    pub rate: u64,
    /// Whether it is sound alone.
    pub is_sound: bool,
    /// Whether it is the newest one of its viewer. Only those are counted: nobody weighs twice.
    pub is_newest: bool,
}

impl Response {
    /// Whether the player has used up its reserve and more.
    fn is_behind(&self, slack: Duration) -> bool {
        !self.start.is_zero() && self.behind > self.start.saturating_add(slack)
    }
}

/// How full the connection seems.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Occupancy {
    /// There is no sign that it is full.
    #[default]
    Free,
    /// Many are behind since a moment ago.
    Strained,
    /// Many are or were behind for a while: whoever comes now makes it worse for all.
    Full,
}

impl Occupancy {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Strained => "strained",
            Self::Full => "full",
        }
    }
}

/// What goes out. Rates are in bits per second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Uplink {
    /// What viewers took lately.
    pub delivered: u64,
    /// What those would take who take anything, if nothing held them up.
    pub demand: u64,
    /// Of that, for those who only listen.
    pub sound_demand: u64,
    /// What all open responses would take, also those of paused players.
    pub admitted: u64,
    /// Viewers who take anything.
    pub viewers: usize,
    /// Of those, the ones whose picture has been standing still.
    pub lagging: usize,
    /// How full it seems.
    pub occupancy: Occupancy,
    /// What it was seen to carry when it was strained, if that was lately.
    pub capacity: Option<u64>,
    /// The most that may be admitted, if the broadcaster said so.
    pub ceiling: Option<u64>,
}

impl Uplink {
    /// Whether anybody may be turned away at all.
    pub fn has_limit(&self) -> bool {
        self.ceiling.is_some() || self.capacity.is_some() || self.occupancy == Occupancy::Full
    }

    /// Whether so much more fits, when `promised` was given away that is not in the sums yet.
    ///
    /// A tenth of the ceiling, and a share of what was measured, is left to those who only listen.
    pub fn has_room(&self, more: u64, is_sound: bool, promised: u64) -> bool {
        let more = more.saturating_add(promised);
        let would_admit = self.admitted.saturating_add(more);
        let ceiling = self.ceiling.unwrap_or(u64::MAX);
        if is_sound {
            let capacity = self.capacity.unwrap_or(u64::MAX);
            let in_share = self.sound_demand.saturating_add(more) <= percent(capacity, SOUND_SHARE);
            return would_admit <= ceiling && (in_share || self.would_use(more) <= capacity);
        }
        let ceiling = self.ceiling.map_or(u64::MAX, |all| percent(all, ROOM));
        let capacity = self.capacity.map_or(u64::MAX, |all| percent(all, ROOM));
        self.occupancy != Occupancy::Full
            && would_admit <= ceiling
            && self.would_use(more) <= capacity
    }

    /// Of what was measured: new viewers are not in what was delivered yet, and those who are behind
    /// want what they did not get.
    fn would_use(&self, more: u64) -> u64 {
        self.delivered.max(self.demand).saturating_add(more)
    }

    /// The most that is given away to pictures, if that is known.
    pub fn most(&self) -> Option<u64> {
        let least = match (self.ceiling, self.capacity) {
            (Some(ceiling), Some(capacity)) => ceiling.min(capacity),
            (ceiling, capacity) => ceiling.or(capacity)?,
        };
        Some(percent(least, ROOM))
    }
}

/// So many percent of a rate.
fn percent(of: u64, percent: u64) -> u64 {
    let part = u128::from(of) * u128::from(percent) / 100;
    u64::try_from(part).unwrap_or(u64::MAX)
}

/// What a response had handed out when the window began, and half a window later.
#[derive(Debug, Clone, Copy, Default)]
struct Marks {
    older: u64,
    newer: u64,
}

/// The sums over the responses that were open when the window began.
#[derive(Debug, Default)]
struct Grown {
    viewers: usize,
    lagging: usize,
    bytes: u64,
    /// Bits per second that they should get.
    due: u64,
}

impl Grown {
    fn is_strained(&self, window: Duration) -> bool {
        let percent = |part: usize| self.viewers.saturating_mul(part).div_ceil(100);
        let got = u128::from(self.bytes) * 8_000 * 100;
        let due = u128::from(self.due).saturating_mul(window.as_millis());
        let is_short = got < due.saturating_mul(SHORT);
        window >= HALF_WINDOW
            && self.lagging >= MANY
            && (self.lagging >= percent(MOST) || (self.lagging >= percent(SOME) && is_short))
    }
}

/// What the connection was seen to carry, and when.
#[derive(Debug, Clone, Copy)]
struct Learned {
    rate: u64,
    at: Tick,
}

impl Learned {
    fn worth(self, now: Tick) -> Option<u64> {
        let since = now.since(self.at);
        let more = u128::from(self.rate).saturating_mul(since.as_millis()) / FORGOTTEN.as_millis();
        let worth = self.rate.saturating_add(u64::try_from(more).ok()?);
        (since < FORGOTTEN).then_some(worth)
    }
}

/// Looks at all open responses once a second. See the module's words.
///
/// Remembers as many marks as there were responses at the last look.
#[derive(Debug)]
pub struct UplinkMeter {
    ceiling: Option<u64>,
    slack: Duration,
    marks: BTreeMap<u64, Marks>,
    /// When the older marks were made, and the newer ones.
    window: Option<(Tick, Tick)>,
    /// Strained at each look since then.
    strained_since: Option<Tick>,
    /// When it was strained last.
    strained_at: Option<Tick>,
    /// When it was strained first after it was calm.
    trouble_since: Tick,
    full_since: Option<Tick>,
    learned: Option<Learned>,
}

impl UplinkMeter {
    /// Nothing has gone out yet. The rates of all open responses together may be `ceiling` bits per
    /// second at most, if the broadcaster said so; whoever is `max_lag` further behind than at the
    /// start is moved forward.
    pub fn new(ceiling: Option<u64>, max_lag: Duration) -> Self {
        Self {
            ceiling,
            slack: BEHIND.min(max_lag / 2),
            marks: BTreeMap::new(),
            window: None,
            strained_since: None,
            strained_at: None,
            trouble_since: Tick::START,
            full_since: None,
            learned: None,
        }
    }

    /// Looks at every open response. Call it about once a second. O(n log n).
    pub fn look(&mut self, responses: impl IntoIterator<Item = Response>, now: Tick) -> Uplink {
        let (from, half) = *self.window.get_or_insert((now, now));
        let window = now.since(from);
        let turns = now.since(half) >= HALF_WINDOW;
        let mut before = std::mem::take(&mut self.marks);
        let mut uplink = Uplink {
            ceiling: self.ceiling,
            ..Uplink::default()
        };
        let (mut bytes, mut grown) = (0_u64, Grown::default());
        for response in responses {
            let marks = before.remove(&response.id).unwrap_or_default();
            let took = response.bytes.saturating_sub(marks.older);
            let next = Marks {
                older: marks.newer,
                newer: response.bytes,
            };
            self.marks
                .insert(response.id, if turns { next } else { marks });
            uplink.admitted = uplink.admitted.saturating_add(response.rate);
            if took == 0 && response.age >= window {
                // A paused player, or one whose way is gone: it takes nothing from the others.
                continue;
            }
            bytes = bytes.saturating_add(took);
            uplink.demand = uplink.demand.saturating_add(response.rate);
            if response.is_sound {
                uplink.sound_demand = uplink.sound_demand.saturating_add(response.rate);
            }
            if !response.is_newest {
                continue;
            }
            uplink.viewers += 1;
            let is_behind = response.is_behind(self.slack);
            uplink.lagging += usize::from(is_behind);
            if response.age >= GROWN.max(window) {
                grown.viewers += 1;
                grown.lagging += usize::from(is_behind);
                grown.bytes = grown.bytes.saturating_add(took);
                grown.due = grown.due.saturating_add(response.rate);
            }
        }
        if turns {
            self.window = Some((half, now));
        }
        uplink.delivered = per_second(bytes, window);
        self.judge(grown.is_strained(window), uplink.delivered, now);
        uplink.occupancy = match (self.full_since, self.strained_since) {
            (Some(_), _) => Occupancy::Full,
            (None, Some(_)) => Occupancy::Strained,
            (None, None) => Occupancy::Free,
        };
        uplink.capacity = self.learned.and_then(|learned| learned.worth(now));
        uplink
    }

    fn judge(&mut self, is_strained: bool, delivered: u64, now: Tick) {
        let is_calm = self.strained_at.is_none_or(|at| now.since(at) >= CALM);
        if is_strained {
            if is_calm {
                self.trouble_since = now;
            }
            self.strained_at = Some(now);
            let since = *self.strained_since.get_or_insert(now);
            if now.since(since) < LASTS {
                // What was handed out so far may still fill buffers on the way.
                return;
            }
            self.full_since.get_or_insert(now);
            // Of one time of trouble the most that was carried; the next one teaches anew.
            let known = self.learned.filter(|known| known.at >= self.trouble_since);
            self.learned = Some(Learned {
                rate: known.map_or(delivered, |known| known.rate.max(delivered)),
                at: now,
            });
            return;
        }
        self.strained_since = None;
        let worth = self.learned.and_then(|learned| learned.worth(now));
        match worth {
            None => self.learned = None,
            Some(worth) if delivered > worth => {
                self.learned = Some(Learned {
                    rate: delivered,
                    at: now,
                });
            }
            Some(_) => {}
        }
        if is_calm
            && self
                .full_since
                .is_some_and(|since| now.since(since) >= FULL_FOR)
        {
            self.full_since = None;
        }
    }
}

/// Bits per second; 0 while the time is too short to tell.
fn per_second(bytes: u64, time: Duration) -> u64 {
    let bits = u128::from(bytes) * 8_000;
    let rate = bits.checked_div(time.as_millis());
    rate.filter(|_| time >= Duration::from_secs(1))
        .map_or(0, |rate| u64::try_from(rate).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;
