//! Pictures made ahead of need, by one thread, so that no request waits for one.
//!
//! Belongs here: the thread, its bound, and the random words it draws with.
//! Does not belong here: who gets a picture.

use std::sync::{
    Mutex, PoisonError,
    mpsc::{Receiver, SyncSender, sync_channel},
};

use zeroize::Zeroizing;

use super::{CaptchaError, Picture, Puzzle, Typeface, word_puzzle};
use crate::background;

/// Pictures in stock that never run out for long: one thread makes several hundred a second.
///
/// Dropping it ends the thread within the time of one picture.
pub struct Captchas {
    ready: Mutex<Receiver<Picture>>,
}

impl Captchas {
    /// Starts the thread, which keeps up to `ahead` pictures (at least 1) of 6 KiB ready, and waits
    /// while there are that many.
    ///
    /// # Errors
    ///
    /// [`CaptchaError::Letter`], [`CaptchaError::Randomness`] or [`CaptchaError::Thread`]: this
    /// computer will never have pictures.
    pub fn start(ahead: usize) -> Result<Self, CaptchaError> {
        let face = Typeface::load()?;
        let words = Randomness::open()?;
        // The thread holds one finished picture while the channel is full.
        let (sender, ready) = sync_channel(ahead.saturating_sub(1));
        background::spawn("captchas", move || keep_drawing(&face, words, &sender))
            .map_err(CaptchaError::Thread)?;
        Ok(Self {
            ready: Mutex::new(ready),
        })
    }

    /// A picture that nobody has seen. Never blocks; `None` if none is ready at this moment.
    pub fn take(&self) -> Option<Picture> {
        // A receiver cannot be left half-changed.
        let ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        ready.try_recv().ok()
    }
}

/// A new question in words, from the random source of the operating system.
///
/// # Errors
///
/// [`CaptchaError::Randomness`].
pub fn fresh_puzzle() -> Result<Puzzle, CaptchaError> {
    Randomness::open()?.with(|words| Ok(word_puzzle(words)))
}

/// Draws until nobody wants pictures any more.
fn keep_drawing(face: &Typeface, mut words: Randomness, sender: &SyncSender<Picture>) {
    /// Failures in a row after which something is wrong for good.
    const GIVE_UP_AFTER: u32 = 100;
    let mut failures = 0;
    while failures < GIVE_UP_AFTER {
        match words.with(|next| face.draw(next)) {
            Ok(picture) => {
                failures = 0;
                if sender.send(picture).is_err() {
                    return;
                }
            }
            Err(error) => {
                failures += 1;
                tracing::debug!(%error, "a captcha was not drawn");
            }
        }
    }
    tracing::error!("captchas cannot be drawn any more; restart onionstream");
}

/// Random words of the operating system, fetched in blocks: a picture needs several hundred.
pub struct Randomness {
    block: Zeroizing<[u8; 4096]>,
    used: usize,
    failed: Option<getrandom::Error>,
}

impl Randomness {
    /// Fetches the first block.
    ///
    /// # Errors
    ///
    /// [`CaptchaError::Randomness`] if the operating system has none.
    pub fn open() -> Result<Self, CaptchaError> {
        let mut randomness = Self {
            block: Zeroizing::new([0; 4096]),
            used: 0,
            failed: None,
        };
        randomness.refill();
        match randomness.failed {
            Some(error) => Err(CaptchaError::Randomness(error)),
            None => Ok(randomness),
        }
    }

    /// Makes something of random words; an error if they ran out on the way, whatever was made.
    ///
    /// # Errors
    ///
    /// Those of `make`, and [`CaptchaError::Randomness`].
    pub fn with<T>(
        &mut self,
        make: impl FnOnce(&mut dyn FnMut() -> u64) -> Result<T, CaptchaError>,
    ) -> Result<T, CaptchaError> {
        let made = make(&mut || self.word());
        match self.failed.take() {
            // What was made of zeros is no secret.
            Some(error) => Err(CaptchaError::Randomness(error)),
            None => made,
        }
    }

    fn word(&mut self) -> u64 {
        if self.used >= self.block.len() {
            self.refill();
        }
        let word = self
            .block
            .get_mut(self.used..)
            .and_then(<[u8]>::first_chunk_mut::<8>);
        self.used += 8;
        // Each word is used once and forgotten at once.
        word.map_or(0, |bytes| u64::from_ne_bytes(std::mem::take(bytes)))
    }

    fn refill(&mut self) {
        self.used = 0;
        if let Err(error) = getrandom::fill(self.block.as_mut_slice()) {
            self.failed = Some(error);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, thread, time::Duration};

    use super::*;

    /// Waits for pictures in steps of a few milliseconds, 20 s at the most.
    fn taken(captchas: &Captchas, count: usize) -> Vec<Picture> {
        let mut pictures = Vec::new();
        for _ in 0..10_000 {
            pictures.extend(captchas.take());
            if pictures.len() >= count {
                break;
            }
            thread::sleep(Duration::from_millis(2));
        }
        pictures
    }

    #[test]
    fn pictures_come_one_after_the_other_and_no_two_are_equal() {
        let captchas = Captchas::start(4).unwrap();

        let pictures = taken(&captchas, 20);

        let different: BTreeSet<_> = pictures.iter().map(|picture| &picture.png).collect();
        assert_eq!(different.len(), 20);
        let answers: BTreeSet<_> = pictures.iter().map(|picture| &picture.answer).collect();
        assert!(answers.len() >= 19);
    }

    #[test]
    fn the_thread_ends_when_nobody_can_take_pictures_any_more() {
        let face = Typeface::load().unwrap();
        let (sender, ready) = sync_channel(0);
        let words = Randomness::open().unwrap();
        let thread = thread::spawn(move || keep_drawing(&face, words, &sender));
        assert!(ready.recv().is_ok());

        drop(ready);

        thread.join().unwrap();
    }

    #[test]
    fn random_words_do_not_repeat_across_blocks() {
        let mut randomness = Randomness::open().unwrap();

        let words: BTreeSet<_> = (0..5_000).map(|_| randomness.word()).collect();

        assert_eq!(words.len(), 5_000);
        assert!(randomness.failed.is_none());
    }
}
