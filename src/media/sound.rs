//! The sound of a broadcast as a broadcast of its own: nothing is encoded again.
//!
//! Belongs here: the init segment with one track, and fragments with the samples of that track.
//! Does not belong here: when they are sent (`timeline.rs`), what a viewer chose (`rendition.rs`).
//!
//! The bytes of the samples, their times and the description of the track stay as they are; sizes
//! and the places of the samples are written anew. What does not fit makes no sound, never a panic.

use bytes::Bytes;

use super::{
    boxes::{BoxError, Boxes, MediaBox},
    fragment::Fragment,
    init::{self, InitSegment, TrackKind},
};

/// `default-base-is-moof` of `tfhd`.
const BASE_IS_MOOF: u32 = 0x0002_0000;

/// `data-offset-present` of `trun`.
const DATA_OFFSET: u32 = 0x0000_0001;

/// The first track of sound of an init segment.
#[derive(Debug, Clone)]
pub struct SoundTrack {
    init: Bytes,
    track_id: u32,
    /// There is nothing else: its bytes are the broadcast's.
    is_everything: bool,
}

/// The samples of one `trun`.
#[derive(Debug)]
struct Run {
    /// Where its data offset is in the new fragment.
    field_at: usize,
    /// How many samples it says that it has, and how many were seen.
    count: u32,
    seen: u32,
    /// Where its bytes are in the old fragment.
    start: u64,
    len: u64,
}

impl SoundTrack {
    /// `None` if there is no sound.
    pub fn of(init: &InitSegment) -> Option<Self> {
        let tracks = init.tracks();
        let track_id = tracks
            .iter()
            .find(|track| track.kind == TrackKind::Audio)?
            .id;
        let is_everything = tracks.len() == 1;
        let init = if is_everything {
            init.bytes().clone()
        } else {
            // What viewers get is checked as what the encoder wrote.
            let alone = Bytes::from(init_alone(init.bytes(), track_id)?);
            InitSegment::parse(alone).ok()?.bytes().clone()
        };
        Some(Self {
            init,
            track_id,
            is_everything,
        })
    }

    /// The init segment with this track alone.
    pub fn init(&self) -> &Bytes {
        &self.init
    }

    /// The fragment with this track alone; `None` if none of its samples are in `whole`, which was
    /// parsed with `init`.
    ///
    /// O(samples); at most as many bytes as `whole` are copied.
    pub fn fragment(&self, whole: &Fragment, init: &InitSegment) -> Option<Bytes> {
        let bytes = whole.bytes();
        if self.is_everything {
            return Some(bytes.clone());
        }
        let moof = Boxes::of(bytes).next()?.ok()?;
        let mut out = Vec::with_capacity(512);
        let mut runs = Vec::new();
        write_box(&mut out, *b"moof", |out| {
            for child in moof.children() {
                let child = child.ok()?;
                match &child.kind.0 {
                    b"mfhd" => copy(out, &child)?,
                    b"traf" if track_of(&child).ok()? == self.track_id => {
                        write_box(out, *b"traf", |out| write_track(out, &child, &mut runs))?;
                    }
                    _ => {}
                }
            }
            Some(())
        })?;

        let mut rest = runs.iter_mut();
        let mut current = None;
        whole.each_sample(init, &mut |track_id, at, len| {
            if track_id != self.track_id {
                return;
            }
            while current
                .as_ref()
                .is_none_or(|run: &&mut Run| run.seen == run.count)
            {
                let Some(next) = rest.next() else { return };
                current = Some(next);
            }
            if let Some(run) = &mut current {
                if run.seen == 0 {
                    run.start = at;
                }
                run.seen += 1;
                run.len = run.len.saturating_add(len);
            }
        });

        let total = runs
            .iter()
            .fold(0_u64, |sum, run| sum.saturating_add(run.len));
        // Runs could lie above each other, and make more of the bytes than there are.
        let is_whole = runs.iter().all(|run| run.seen == run.count);
        if total == 0 || total > bytes.len() as u64 || !is_whole {
            return None;
        }
        write_box(&mut out, *b"mdat", |_| Some(()))?;
        let size_at = out.len().checked_sub(8)?;
        for run in &runs {
            let offset = i32::try_from(out.len()).ok()?;
            out.get_mut(run.field_at..run.field_at.checked_add(4)?)?
                .copy_from_slice(&offset.to_be_bytes());
            let start = usize::try_from(run.start).ok()?;
            let end = start.checked_add(usize::try_from(run.len).ok()?)?;
            // A run without samples lies nowhere.
            if run.count > 0 {
                out.extend_from_slice(bytes.get(start..end)?);
            }
        }
        write_size(&mut out, size_at)?;
        Some(out.into())
    }
}

/// `ftyp` and `moov` with the boxes of one track.
fn init_alone(bytes: &[u8], track_id: u32) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(bytes.len());
    for outer in Boxes::of(bytes) {
        let outer = outer.ok()?;
        match &outer.kind.0 {
            b"ftyp" => copy(&mut out, &outer)?,
            b"moov" => write_box(&mut out, *b"moov", |out| {
                for child in outer.children() {
                    let child = child.ok()?;
                    match &child.kind.0 {
                        b"mvhd" => copy(out, &child)?,
                        b"trak" if init::track_id(&child).ok()? == track_id => copy(out, &child)?,
                        b"mvex" => write_box(out, *b"mvex", |out| defaults(out, &child, track_id))?,
                        _ => {}
                    }
                }
                Some(())
            })?,
            _ => {}
        }
    }
    Some(out)
}

/// What `mvex` says about one track and about all.
fn defaults(out: &mut Vec<u8>, mvex: &MediaBox<'_>, track_id: u32) -> Option<()> {
    for child in mvex.children() {
        let child = child.ok()?;
        match &child.kind.0 {
            b"mehd" => copy(out, &child)?,
            b"trex" if track_of_full_box(&child).ok()? == track_id => copy(out, &child)?,
            _ => {}
        }
    }
    Some(())
}

/// A `traf` whose runs all state where they begin; the places are filled in later.
fn write_track(out: &mut Vec<u8>, traf: &MediaBox<'_>, runs: &mut Vec<Run>) -> Option<()> {
    for child in traf.children() {
        let child = child.ok()?;
        let mut fields = child.fields();
        match &child.kind.0 {
            b"tfhd" => write_box(out, *b"tfhd", |out| {
                let flags = fields.u32().ok()? | BASE_IS_MOOF;
                out.extend_from_slice(&flags.to_be_bytes());
                out.extend_from_slice(child.body.get(4..)?);
                Some(())
            })?,
            b"tfdt" | b"sgpd" | b"sbgp" => copy(out, &child)?,
            b"trun" => write_box(out, *b"trun", |out| {
                let flags = fields.u32().ok()?;
                let count = fields.u32().ok()?;
                if flags & DATA_OFFSET != 0 {
                    fields.skip(4).ok()?;
                }
                out.extend_from_slice(&(flags | DATA_OFFSET).to_be_bytes());
                out.extend_from_slice(&count.to_be_bytes());
                runs.push(Run {
                    field_at: out.len(),
                    count,
                    seen: 0,
                    start: 0,
                    len: 0,
                });
                out.extend_from_slice(&[0; 4]);
                let rest = child.body.len().checked_sub(fields.left())?;
                out.extend_from_slice(child.body.get(rest..)?);
                Some(())
            })?,
            _ => {}
        }
    }
    Some(())
}

/// The `track_ID` of a `traf`.
fn track_of(traf: &MediaBox<'_>) -> Result<u32, BoxError> {
    track_of_full_box(&traf.child(b"tfhd")?)
}

/// The `track_ID`, which is the first field of `tfhd` and `trex`.
fn track_of_full_box(full: &MediaBox<'_>) -> Result<u32, BoxError> {
    let mut fields = full.fields();
    fields.version_and_flags()?;
    fields.u32()
}

/// Appends a box with what `fill` appends as its body.
fn write_box(
    out: &mut Vec<u8>,
    kind: [u8; 4],
    fill: impl FnOnce(&mut Vec<u8>) -> Option<()>,
) -> Option<()> {
    let at = out.len();
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&kind);
    fill(out)?;
    write_size(out, at)
}

/// The box that begins at `at` ends here.
fn write_size(out: &mut [u8], at: usize) -> Option<()> {
    let size = u32::try_from(out.len().checked_sub(at)?).ok()?;
    out.get_mut(at..at.checked_add(4)?)?
        .copy_from_slice(&size.to_be_bytes());
    Some(())
}

fn copy(out: &mut Vec<u8>, old: &MediaBox<'_>) -> Option<()> {
    write_box(out, old.kind.0, |out| {
        out.extend_from_slice(old.body);
        Some(())
    })
}

#[cfg(test)]
mod tests;
