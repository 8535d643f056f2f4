//! A short clip, played over and over in real time, as if an encoder wrote it.
//!
//! Belongs here: checking the clip, when which fragment of it is due.
//! Does not belong here: waiting, where the clip comes from.

use std::time::Duration;

use bytes::Bytes;
use thiserror::Error;

use super::{
    boxes::{BoxError, BoxHeader, MAX_FRAGMENT_BYTES, SplitError, Splitter},
    fragment::{Fragment, FragmentError, TimeShift, TrackRun},
    init::{InitError, InitSegment},
    stream::SEGMENT,
};
use crate::clock::Tick;

/// Shortest accepted clip.
const MIN_LENGTH: Duration = Duration::from_secs(1);

/// How much the lengths of the tracks may differ; each loop the shorter ones pause for the rest.
const MAX_UNEVEN: Duration = Duration::from_millis(100);

/// If the clip is that late, the computer has slept: it goes on from where it was instead of
/// catching up.
const SLEPT: Duration = Duration::from_secs(5);

/// Why bytes are not a clip that can be played.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ClipError {
    /// It does not start with an init segment.
    #[error(transparent)]
    Init(#[from] InitError),
    /// What follows is not fragments.
    #[error(transparent)]
    Split(#[from] SplitError),
    /// A fragment is bad.
    #[error(transparent)]
    Fragment(#[from] FragmentError),
    /// It ends in the middle of a fragment, or has none.
    #[error("the clip ends in the middle of a fragment or has none")]
    CutOff,
    /// It does not start with a keyframe.
    #[error("the clip does not start with a keyframe")]
    NoKeyframe,
    /// It is very short, or its tracks are not of the same length.
    #[error(
        "the tracks of the clip must be {MIN_LENGTH:?} or longer and equal to within {MAX_UNEVEN:?}"
    )]
    Length,
}

impl From<BoxError> for ClipError {
    fn from(error: BoxError) -> Self {
        Self::Split(error.into())
    }
}

/// A clip that has been checked.
#[derive(Debug, Clone)]
pub struct Clip {
    init: InitSegment,
    fragments: Vec<Fragment>,
    start: Duration,
    /// From one loop to the next.
    length: Duration,
}

impl Clip {
    /// Checks a clip: `ftyp`, `moov`, then fragments.
    ///
    /// # Errors
    ///
    /// See [`ClipError`].
    pub fn parse(bytes: &Bytes) -> Result<Self, ClipError> {
        let init_len = init_len(bytes)?;
        let init = InitSegment::parse(bytes.slice(..init_len))?;
        let mut splitter = Splitter::new(MAX_FRAGMENT_BYTES);
        splitter.push(bytes.get(init_len..).unwrap_or_default());
        let mut fragments = Vec::new();
        while let Some(piece) = splitter.next_piece()? {
            fragments.push(Fragment::parse(piece.bytes, &init)?);
        }
        let Some(first) = fragments.first().filter(|_| splitter.is_at_boundary()) else {
            return Err(ClipError::CutOff);
        };
        if !first.starts_with_keyframe() {
            return Err(ClipError::NoKeyframe);
        }
        let start = fragments
            .iter()
            .map(Fragment::start)
            .min()
            .unwrap_or_default();
        let lengths = init
            .tracks()
            .iter()
            .map(|track| length(&fragments, track.id));
        let (shortest, longest) = lengths
            .fold((Duration::MAX, Duration::ZERO), |(low, high), length| {
                (low.min(length), high.max(length))
            });
        if longest < MIN_LENGTH || longest.saturating_sub(shortest) > MAX_UNEVEN {
            return Err(ClipError::Length);
        }
        Ok(Self {
            init,
            fragments,
            start,
            length: longest,
        })
    }

    /// The same with at least so many bytes a second, of which players ignore those that are too
    /// many.
    ///
    /// For Firefox, which shows a thin stream late: in a clip in which nothing moves its picture stood
    /// for a second at a time although the fragments came. Probably it reads in blocks of 32 KiB.
    #[must_use]
    pub fn padded(self, bytes_per_second: u64) -> Self {
        let pad = |fragment: &Fragment| {
            let millis = u64::try_from(fragment.duration().as_millis()).unwrap_or(u64::MAX);
            let wanted = bytes_per_second.saturating_mul(millis) / 1000;
            let wanted = usize::try_from(wanted.min(MAX_FRAGMENT_BYTES)).unwrap_or_default();
            let padded = grown(fragment.bytes(), wanted)?;
            Fragment::parse(padded, &self.init).ok()
        };
        let fragments = self.fragments.iter();
        let fragments = fragments
            .map(|fragment| pad(fragment).unwrap_or_else(|| fragment.clone()))
            .collect();
        Self { fragments, ..self }
    }

    /// The same for another init segment, with the ticks of its own: `write` makes each fragment one
    /// of that. `None` if one cannot be made.
    pub(super) fn written_for(
        &self,
        init: &InitSegment,
        mut write: impl FnMut(&Fragment, &InitSegment) -> Option<Fragment>,
    ) -> Option<Self> {
        let fragments: Option<Vec<_>> = self
            .fragments
            .iter()
            .map(|fragment| write(fragment, &self.init))
            .collect();
        Some(Self {
            init: init.clone(),
            fragments: fragments?,
            ..self.clone()
        })
    }

    /// The fragments, at least one.
    #[cfg(test)]
    pub(super) fn fragments(&self) -> &[Fragment] {
        &self.fragments
    }

    /// What its fragments need.
    pub fn init(&self) -> &InitSegment {
        &self.init
    }

    /// An upper bound of the length of a segment, in whole seconds.
    pub fn target_duration(&self) -> Duration {
        let mut segment_start = self.start;
        let mut longest = SEGMENT;
        for fragment in &self.fragments {
            let so_far = fragment.start().saturating_sub(segment_start);
            if fragment.starts_with_keyframe() && so_far >= SEGMENT {
                segment_start = fragment.start();
            }
            longest = longest.max(fragment.end().saturating_sub(segment_start));
        }
        Duration::from_secs(longest.as_secs() + u64::from(longest.subsec_nanos() > 0))
    }
}

/// A fragment whose `mdat` goes on behind the samples, up to this length of the whole; `None` if it is
/// as long already, or its `mdat` says its length in another way than usual.
fn grown(fragment: &Bytes, wanted: usize) -> Option<Bytes> {
    let missing = wanted.checked_sub(fragment.len()).filter(|&n| n > 0)?;
    let moof = BoxHeader::read(fragment, 0).ok()??;
    let at = usize::try_from(moof.size).ok()?;
    let mut bytes = fragment.to_vec();
    let field = bytes.get_mut(at..)?.first_chunk_mut::<4>()?;
    let length = u32::from_be_bytes(*field);
    let is_usual = usize::try_from(length).ok()? == fragment.len().checked_sub(at)?;
    *field = length
        .checked_add(u32::try_from(missing).ok()?)?
        .to_be_bytes();
    bytes.resize(wanted, 0);
    is_usual.then(|| bytes.into())
}

/// From the first to the last sample of a track.
fn length(fragments: &[Fragment], track_id: u32) -> Duration {
    let runs = || {
        fragments
            .iter()
            .flat_map(Fragment::runs)
            .filter(|run| run.track_id == track_id)
    };
    let start = runs().map(TrackRun::start).min().unwrap_or_default();
    runs()
        .map(TrackRun::end)
        .max()
        .unwrap_or_default()
        .saturating_sub(start)
}

/// Length of what comes before the first media box, in bytes.
fn init_len(clip: &[u8]) -> Result<usize, ClipError> {
    let mut at = 0;
    while let Some(header) = BoxHeader::read(clip.get(at..).unwrap_or_default(), at as u64)? {
        if matches!(&header.kind.0, b"moof" | b"styp" | b"sidx" | b"mdat") {
            break;
        }
        at = at.saturating_add(usize::try_from(header.size).unwrap_or(usize::MAX));
    }
    Ok(at.min(clip.len()))
}

/// Where in the endless repetition of a clip we are.
#[derive(Debug)]
pub struct Loop {
    clip: Clip,
    /// When the start of the first loop was due.
    origin: Tick,
    /// How much of the first loop may be late without having slept.
    backlog: Duration,
    loops: u32,
    next: usize,
    /// Media time since the start of the first loop at which the last segment began.
    segment: Option<Duration>,
}

impl Loop {
    /// From the beginning, of which `backlog` counts as played already at `now`.
    pub fn new(clip: Clip, now: Tick, backlog: Duration) -> Self {
        Self {
            clip,
            origin: now.back(backlog),
            backlog,
            loops: 0,
            next: 0,
            segment: None,
        }
    }

    /// The origin of all times: when the first fragments were due.
    pub fn origin(&self) -> Tick {
        self.origin
    }

    /// The next fragment if it is due, and since when.
    pub fn next(&mut self, now: Tick) -> Option<(Fragment, Tick)> {
        let due = self.due(now);
        (due <= now).then(|| (self.take(), due))
    }

    /// Media time from the start of the first loop to `time` of the present one.
    fn position(&self, time: Duration) -> Duration {
        self.clip.length.saturating_mul(self.loops) + time.saturating_sub(self.clip.start)
    }

    /// When the next fragment is due: at its end, when an encoder has it complete.
    pub fn due(&mut self, now: Tick) -> Tick {
        let position = self.position(self.fragment().end());
        let due = self.origin + position;
        let late = now.since(due);
        if position > self.backlog && late > SLEPT {
            self.origin = self.origin + late;
            return now;
        }
        due
    }

    /// The next fragment, in its place in the endless repetition.
    fn take(&mut self) -> Fragment {
        let start = self.position(self.fragment().start());
        let nanos = self.clip.length.saturating_mul(self.loops).as_nanos();
        let mut shifted = self.fragment().shifted(TimeShift {
            nanos: i128::try_from(nanos).unwrap_or(i128::MAX),
        });
        let is_long_enough = self
            .segment
            .is_none_or(|begun| start.saturating_sub(begun) >= SEGMENT);
        if shifted.starts_with_keyframe() && is_long_enough {
            self.segment = Some(start);
            shifted = shifted.starting_segment();
        }
        self.next += 1;
        if self.next == self.clip.fragments.len() {
            self.next = 0;
            self.loops = self.loops.saturating_add(1);
        }
        shifted
    }

    fn fragment(&self) -> &Fragment {
        // `next` is always an index of `fragments`, which is never empty.
        #[expect(clippy::indexing_slicing, reason = "see above")]
        &self.clip.fragments[self.next]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::fragment::sample::{audio_and_video, fragment_bytes};

    const BACKLOG: Duration = Duration::from_secs(10);

    /// A clip of fragments of 200 ms, of which each `every`-th starts with a keyframe.
    fn clip_of(fragments: u64, every: u64) -> Bytes {
        let media = (0..fragments).map(|n| fragment_bytes(1000 + n * 200, n % every == 0));
        std::iter::once(audio_and_video())
            .chain(media)
            .collect::<Vec<_>>()
            .concat()
            .into()
    }

    fn millis(duration: Duration) -> u128 {
        duration.as_millis()
    }

    #[test]
    fn a_padded_clip_has_the_rate_and_is_played_as_before() {
        let clip = Clip::parse(&clip_of(10, 5)).unwrap();
        let padded = clip.clone().padded(64_000);

        for (before, after) in clip.fragments.iter().zip(&padded.fragments) {
            assert_eq!(after.bytes().len(), 12_800);
            assert_eq!(after.runs(), before.runs());
        }
        let again = padded.clone().padded(1000);
        assert_eq!(again.fragments[0].bytes(), padded.fragments[0].bytes());
    }

    #[test]
    fn loops_follow_each_other_without_a_gap() {
        let clip = Clip::parse(&clip_of(50, 5)).unwrap();
        let mut playing = Loop::new(clip, Tick::START, BACKLOG);
        let mut expected = playing.clip.fragments[0].runs().to_vec();
        for _ in 0..170 {
            let fragment = playing.take();
            let times = |runs: &[TrackRun]| runs.iter().map(|r| r.decode_time).collect::<Vec<_>>();
            assert_eq!(times(fragment.runs()), times(&expected));
            expected = fragment.runs().to_vec();
            for run in &mut expected {
                run.decode_time += run.duration;
            }
        }
    }

    #[test]
    fn fragments_are_due_when_they_end_and_the_first_ten_seconds_are_past() {
        let clip = Clip::parse(&clip_of(20, 5)).unwrap();
        let now = Tick::START + Duration::from_secs(100);
        let mut playing = Loop::new(clip, now, BACKLOG);
        for n in 1..=60_u64 {
            let due = playing.due(now);
            playing.take();
            assert_eq!(due, now.back(BACKLOG) + Duration::from_millis(200 * n));
        }
    }

    #[test]
    fn a_computer_that_has_slept_goes_on_where_it_was() {
        let clip = Clip::parse(&clip_of(50, 5)).unwrap();
        let mut playing = Loop::new(clip, Tick::START, BACKLOG);
        for _ in 0..51 {
            playing.take();
        }
        let late = Tick::START + Duration::from_secs(1000);

        assert_eq!(playing.due(late), late);
        playing.take();
        assert_eq!(playing.due(late), late + Duration::from_millis(200));
    }

    #[test]
    fn a_segment_begins_at_the_first_keyframe_after_two_seconds() {
        let segments = |every| {
            let clip = Clip::parse(&clip_of(50, every)).unwrap();
            let target = clip.target_duration();
            let mut playing = Loop::new(clip, Tick::START, BACKLOG);
            let taken: Vec<_> = (0..100).map(|_| playing.take()).collect();
            let starts = taken.iter().filter(|fragment| fragment.begins_segment());
            let starts = starts
                .map(|fragment| millis(fragment.start()) - 1000)
                .collect::<Vec<_>>();
            (starts, target)
        };

        let (each_second, target) = segments(5);
        assert_eq!(each_second, (0..10).map(|n| n * 2000).collect::<Vec<_>>());
        assert_eq!(target, Duration::from_secs(2));
        let (each_1_4_s, target) = segments(7);
        assert_eq!(each_1_4_s[..5], [0, 2800, 5600, 8400, 11_400]);
        assert_eq!(target, Duration::from_secs(3));
    }

    #[test]
    fn a_bad_clip_is_refused() {
        let good = clip_of(20, 5);
        let refusal = |bytes: Bytes| Clip::parse(&bytes).unwrap_err();
        assert!(matches!(refusal(Bytes::new()), ClipError::Init(_)));
        assert_eq!(refusal(good.slice(..good.len() - 1)), ClipError::CutOff);
        assert_eq!(refusal(audio_and_video()), ClipError::CutOff);
        assert_eq!(refusal(clip_of(4, 5)), ClipError::Length);
        let late_key = [audio_and_video(), fragment_bytes(0, false)].concat();
        assert_eq!(refusal(late_key.into()), ClipError::NoKeyframe);
        let mut broken = good.to_vec();
        let last = good.len() - fragment_bytes(0, false).len();
        broken[last..].fill(0);
        assert!(matches!(
            refusal(broken.into()),
            ClipError::Split(_) | ClipError::CutOff
        ));
    }
}
