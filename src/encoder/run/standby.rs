//! Slates for somebody else's encoder: one is encoded like the stream as soon as its init segment is
//! known, so that it is there when the encoder is not.
//!
//! Belongs here: the thread that does it, one at a time, and ending what nobody wants any more. Does
//! not belong here: whether a stream can have one ([`crate::media::splice`]), when it is shown.

use std::{
    collections::VecDeque,
    io, mem,
    path::{Path, PathBuf},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::Builder,
    time::Duration,
};

use super::Surroundings;
use crate::{
    encoder::{
        ask::{Leash, question},
        command::Plan,
        complaints::Complaints,
        input::Input,
        probe,
        slate::{self, SlateError},
    },
    media::{
        clip::Clip,
        init::InitSegment,
        splice::{Likeness, Spliced},
    },
};

/// Slates that are kept: an encoder may go from one setting to another and back.
const KEPT: usize = 2;

/// An encoder that changes its mind at once costs no slate.
const PAUSE: Duration = Duration::from_millis(500);

/// Orders slates; clones are the same. With the last one whatever is being encoded ends.
#[derive(Debug, Clone)]
pub struct Slates {
    owner: Arc<Owner>,
}

#[derive(Debug)]
struct Owner {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    orders: Mutex<Orders>,
    wake: Condvar,
}

#[derive(Debug, Default)]
struct Orders {
    /// What is on the air, and the number of this order.
    wanted: Option<InitSegment>,
    number: u64,
    /// Set when it does not hold any more; ends what runs for it.
    superseded: Arc<AtomicBool>,
    is_over: bool,
}

/// Why there is none.
enum Failure {
    /// Another one is wanted, or none any more.
    Superseded,
    Slate(SlateError),
}

impl<E: Into<SlateError>> From<E> for Failure {
    fn from(error: E) -> Self {
        let error = error.into();
        if error.is_over() {
            Self::Superseded
        } else {
            Self::Slate(error)
        }
    }
}

/// Starts the thread that encodes slates for what is ordered; each goes to `each`. Of the plan the
/// program and the bit rates count; `path` is the picture or the clip, `None` the card that is built
/// in.
///
/// # Errors
///
/// No thread can be started.
pub fn slates(
    plan: Plan,
    path: Option<PathBuf>,
    around: Surroundings,
    each: impl FnMut(Spliced) + Send + 'static,
) -> io::Result<Slates> {
    let shared = Arc::new(Shared::default());
    let maker = Maker {
        plan,
        path,
        around,
        shared: Arc::clone(&shared),
    };
    Builder::new()
        .name("slates".to_owned())
        .spawn(move || maker.work(each))?;
    Ok(Slates {
        owner: Arc::new(Owner { shared }),
    })
}

impl Slates {
    /// A stream with this init segment is on the air: a slate for any other is not wanted any more.
    pub fn order(&self, init: &InitSegment) {
        let mut orders = self.owner.shared.lock();
        if orders.wanted.as_ref() == Some(init) {
            return;
        }
        orders.wanted = Some(init.clone());
        orders.number += 1;
        mem::take(&mut orders.superseded).store(true, Ordering::SeqCst);
        drop(orders);
        self.owner.shared.wake.notify_all();
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        let mut orders = self.shared.lock();
        orders.is_over = true;
        orders.superseded.store(true, Ordering::SeqCst);
        drop(orders);
        // The thread ends by itself: the end of the show does not wait for a disk that is stuck.
        self.shared.wake.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Orders> {
        // Each change leaves it whole.
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for an order after number `last`; `None` at the end.
    fn next(&self, last: u64) -> Option<(u64, InitSegment)> {
        let waited = self.wake.wait_while(self.lock(), |orders| {
            !orders.is_over && orders.number == last
        });
        let orders = waited.unwrap_or_else(PoisonError::into_inner);
        let wanted = orders.wanted.clone().filter(|_| !orders.is_over);
        wanted.map(|init| (orders.number, init))
    }

    /// Waits a moment; says whether this order still holds.
    fn holds_after(&self, number: u64, time: Duration) -> bool {
        let waited = self
            .wake
            .wait_timeout_while(self.lock(), time, |orders| orders.holds(number));
        let (orders, _) = waited.unwrap_or_else(PoisonError::into_inner);
        orders.holds(number)
    }
}

impl Orders {
    fn holds(&self, number: u64) -> bool {
        !self.is_over && self.number == number
    }
}

struct Maker {
    plan: Plan,
    path: Option<PathBuf>,
    around: Surroundings,
    shared: Arc<Shared>,
}

impl Maker {
    fn work(self, mut each: impl FnMut(Spliced)) {
        let mut made: VecDeque<(InitSegment, Option<Spliced>)> = VecDeque::new();
        let mut last = 0;
        while let Some((number, init)) = self.shared.next(last) {
            last = number;
            let known = made.iter().find(|(one, _)| *one == init);
            let clip = if let Some((_, clip)) = known {
                clip.clone()
            } else {
                let clip = match self.make(number, &init) {
                    Ok(clip) => {
                        tracing::info!("a slate stands ready for when this encoder is away");
                        Some(clip)
                    }
                    Err(Failure::Superseded) => continue,
                    Err(Failure::Slate(error)) => {
                        tracing::warn!(
                            "this encoder has no slate: {error}; while it is away, viewers see \
                             that the show is interrupted"
                        );
                        None
                    }
                };
                made.truncate(KEPT - 1);
                made.push_front((init, clip.clone()));
                clip
            };
            if let Some(clip) = clip.filter(|_| self.shared.lock().holds(number)) {
                each(clip);
            }
        }
    }

    /// Encodes one: of what the broadcaster named if that works.
    fn make(&self, number: u64, init: &InitSegment) -> Result<Spliced, Failure> {
        let likeness = Likeness::of(init)?;
        if !self.shared.holds_after(number, PAUSE) {
            return Err(Failure::Superseded);
        }
        let orders = self.shared.lock();
        if !orders.holds(number) {
            return Err(Failure::Superseded);
        }
        let leash = self.around.leash.and(&orders.superseded);
        drop(orders);
        probe::check_ffmpeg(&self.plan.ffmpeg, &leash)?;
        if let Some(path) = &self.path {
            match self.make_of(init, &likeness, Some(path), &leash) {
                Err(Failure::Slate(error)) => tracing::warn!(
                    "`encoder.slate` cannot be shown: {error}; the card that is built in takes its place"
                ),
                outcome => return outcome,
            }
        }
        self.make_of(init, &likeness, None, &leash)
    }

    /// Encodes this picture or clip, or the card.
    fn make_of(
        &self,
        init: &InitSegment,
        likeness: &Likeness,
        path: Option<&Path>,
        leash: &Leash,
    ) -> Result<Spliced, Failure> {
        let ffmpeg = &self.plan.ffmpeg;
        let (input, seconds) = slate::input(ffmpeg, path.map(Path::to_owned), leash)?;
        let needs_card = matches!(input, Input::Still { path: None }) && likeness.picture.is_some();
        let plan = self.plan.of_slate(input);
        let task = question(ffmpeg, plan.arguments_like(likeness, seconds));
        let bytes = slate::encode(task, needs_card, &self.around, leash, Complaints::last)?;
        let clip = Clip::parse(&bytes)?;
        Ok(Spliced::new(&clip, init)?)
    }
}
