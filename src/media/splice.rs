//! A clip put into a stream that another encoder made: whether its players will take it, and the
//! bytes that make them.
//!
//! Belongs here: comparing two init segments as far as decoders mind, and writing fragments anew
//! for the tracks of the other one. Does not belong here: when the clip is shown
//! ([`super::broadcast`]), encoding it.
//!
//! The init segment of a response is sent once. What follows has to be decoded by what it says, or
//! say itself what is different: VP9 does in every keyframe, H.264 and AV1 do if their parameter
//! sets are put in front of it. So they are, into the keyframes of the clip, and into those of the
//! encoder too, whose decoder has been set up for something else meanwhile. Sound has nothing of the
//! kind: its description must be the same.

mod likeness;
mod parameters;
mod rewrite;

use std::{borrow::Cow, time::Duration};

use thiserror::Error;

pub use self::likeness::{Likeness, Picture, PictureCodec, Sound, SoundCodec};
use self::parameters::Rewriting;
use super::{
    boxes::{BoxError, BoxType},
    clip::Clip,
    fragment::Fragment,
    init::InitSegment,
};

/// Why a clip cannot be put into a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SpliceError {
    /// The description of a track is not what it should be.
    #[error("its init segment cannot be read: {0}")]
    Unreadable(#[from] BoxError),
    /// Several pictures, several sounds, or something else beside them.
    #[error("it has other tracks than one picture and one sound")]
    Tracks,
    /// Nothing can be put into this.
    #[error("there is no slate for `{kind}`, only for H.264, VP9, AV1, AAC and Opus")]
    Codec {
        /// The sample entry.
        kind: BoxType,
    },
    /// The picture is of an unusual kind.
    #[error("there is no slate for pictures with {0}")]
    Picture(&'static str),
    /// The sound is of an unusual kind.
    #[error("there is no slate for sound with {0}")]
    Sound(&'static str),
    /// The clip has other tracks or is encoded in another way.
    #[error("the slate was not encoded like it")]
    Unlike,
    /// The clip cannot be written for the tracks of the stream.
    #[error("the slate cannot be written for its tracks")]
    Rewrite,
}

/// A clip that can be played in the place of an encoder.
#[derive(Debug, Clone)]
pub struct Spliced {
    clip: Clip,
    /// Its picture, if it was made for another encoder.
    picture: Option<SplicedPicture>,
    /// See [`Clip::padded`].
    bytes_per_second: u64,
}

#[derive(Debug, Clone)]
struct SplicedPicture {
    track_id: u32,
    /// What the keyframes of the encoder need while there is such a clip.
    back: Option<Rewriting>,
    /// From when the encoder decodes a keyframe to when it shows it, in ticks; `None` until it is
    /// known, and 0 in the clip.
    delay: Option<i64>,
}

/// The clip is shown later than it is decoded by no more than this, in seconds.
const MAX_DELAY: i64 = 2;

impl From<Clip> for Spliced {
    /// A clip with the very init segment of the stream: nothing has to be done for it.
    fn from(clip: Clip) -> Self {
        Self {
            clip,
            picture: None,
            bytes_per_second: 0,
        }
    }
}

impl Spliced {
    /// Makes a clip one of the stream that has the init segment `onto`.
    ///
    /// # Errors
    ///
    /// Players of that stream would not play it; see [`SpliceError`].
    pub fn new(clip: &Clip, onto: &InitSegment) -> Result<Self, SpliceError> {
        if clip.init() == onto {
            return Ok(clip.clone().into());
        }
        let (own, theirs) = (
            likeness::described(clip.init())?,
            likeness::described(onto)?,
        );
        if !own.likeness().is_decoded_like(&theirs.likeness()) {
            return Err(SpliceError::Unlike);
        }
        let ids = [
            (own.picture_id(), theirs.picture_id()),
            (own.sound_id(), theirs.sound_id()),
        ]
        .map(|(own, theirs)| own.zip(theirs));
        let to_theirs = |id: u32| {
            let pair = ids.iter().flatten().find(|(own, _)| *own == id);
            pair.map(|(_, theirs)| *theirs)
        };
        let picture = own.picture.zip(theirs.picture);
        let into = picture.as_ref().and_then(|(own, theirs)| {
            let rewriting = Rewriting::new(own.parameters.as_ref()?, theirs.parameters.as_ref()?);
            Some((own.id, rewriting))
        });
        let clip = clip.written_for(onto, |fragment, from| {
            rewrite::fragment(fragment, from, onto, to_theirs, |sample, bytes| {
                let picture = into.as_ref().filter(|(id, _)| *id == sample.track_id);
                match picture {
                    Some((_, rewriting)) => rewriting.sample(bytes, sample.is_sync()),
                    None => Some(Cow::Borrowed(bytes)),
                }
            })
        });
        let picture = picture.map(|(_, theirs)| SplicedPicture {
            track_id: theirs.id,
            back: theirs
                .parameters
                .as_ref()
                .map(|parameters| Rewriting::new(parameters, parameters)),
            delay: None,
        });
        Ok(Self {
            clip: clip.ok_or(SpliceError::Rewrite)?,
            picture,
            bytes_per_second: 0,
        })
    }

    /// See [`Clip::padded`].
    #[must_use]
    pub fn padded(self, bytes_per_second: u64) -> Self {
        Self {
            clip: self.clip.padded(bytes_per_second),
            bytes_per_second,
            ..self
        }
    }

    /// The clip, with the init segment of the stream.
    pub fn clip(&self) -> &Clip {
        &self.clip
    }

    /// A fragment of the encoder with everything in its keyframes that a decoder needs which was set
    /// up for the clip; `None` if that is there already.
    ///
    /// Not only after the clip was shown: a viewer may go back from it to what was before.
    pub fn prepared(&self, fragment: &Fragment) -> Option<Fragment> {
        let picture = self.picture.as_ref()?;
        let rewriting = picture.back.as_ref()?;
        if !picture.has_keyframe(fragment) {
            return None;
        }
        let init = self.clip.init();
        let mut has_changed = false;
        let written = rewrite::fragment(fragment, init, init, Some, |sample, bytes| {
            if sample.track_id != picture.track_id || !sample.is_sync() {
                return Some(Cow::Borrowed(bytes));
            }
            let rewritten = rewriting.sample(bytes, true)?;
            has_changed |= rewritten.len() != bytes.len();
            Some(rewritten)
        });
        written.filter(|_| has_changed)
    }
}

impl Spliced {
    /// The clip shown as long after it is decoded as the encoder's pictures are, which `fragment` tells
    /// if it has a keyframe; `None` if there is nothing new to learn.
    ///
    /// An encoder that reorders pictures shows all of them so much later. Without it the first
    /// pictures of the clip would be shown before its last ones.
    pub fn in_step_with(&self, fragment: &Fragment) -> Option<Self> {
        let picture = self.picture.as_ref()?;
        if picture.delay.is_some() || !picture.has_keyframe(fragment) {
            return None;
        }
        let init = self.clip.init();
        let timescale = i64::from(init.track(picture.track_id)?.timescale);
        let mut found = None;
        fragment.each_sample_of_run(init, &mut |_run, sample| {
            if sample.track_id == picture.track_id && sample.is_sync() {
                found.get_or_insert(sample.composition);
            }
        });
        let most = timescale.saturating_mul(MAX_DELAY);
        let delay = found?.clamp(-most, most);
        let written = (delay != 0).then(|| {
            self.clip.written_for(init, |fragment, init| {
                rewrite::fragment(fragment, init, init, Some, |sample, bytes| {
                    if sample.track_id == picture.track_id {
                        sample.composition += delay;
                    }
                    Some(Cow::Borrowed(bytes))
                })
            })
        });
        let clip = match written {
            Some(written) => written?.padded(self.bytes_per_second),
            None => self.clip.clone(),
        };
        Some(Self {
            clip,
            picture: Some(SplicedPicture {
                delay: Some(delay),
                ..picture.clone()
            }),
            ..*self
        })
    }
}

impl Spliced {
    /// How much later than the decode times say the clip has to begin behind `fragment`, for its first
    /// picture not to be shown before the last one of that: an encoder may end between a picture and
    /// those that are shown before it.
    pub fn pause_behind(&self, fragment: &Fragment) -> Duration {
        let Some((picture, delay)) = self.picture.as_ref().and_then(|p| Some((p, p.delay?))) else {
            return Duration::ZERO;
        };
        let init = self.clip.init();
        let (mut decoded, mut shown) = (0_i64, i64::MIN);
        fragment.each_sample_of_run(init, &mut |_run, sample| {
            if sample.track_id == picture.track_id {
                let duration = i64::from(sample.duration);
                decoded = decoded.saturating_add(duration);
                shown = shown.max(decoded.saturating_add(sample.composition));
            }
        });
        let timescale = init
            .track(picture.track_id)
            .map_or(1, |track| track.timescale.max(1));
        let late = shown.saturating_sub(decoded).saturating_sub(delay);
        let late = u64::try_from(late).unwrap_or(0);
        Duration::from_nanos(late.saturating_mul(1_000_000_000) / u64::from(timescale))
            .min(Duration::from_secs(1))
    }
}

impl SplicedPicture {
    fn has_keyframe(&self, fragment: &Fragment) -> bool {
        let mut runs = fragment.runs().iter();
        runs.any(|run| run.track_id == self.track_id && run.sync_samples > 0)
    }
}

#[cfg(test)]
mod tests;
