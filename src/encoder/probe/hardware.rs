//! Which hardware encoders really encode on this computer.
//!
//! That ffmpeg lists one says nothing: most are built into every ffmpeg. So each is given a moment of
//! a test picture, with the very options that the show would have, and what comes out is read as the
//! show would read it.

use std::path::Path;

use super::{EncoderError, listed};
use crate::{
    encoder::{
        ask::{Leash, Limits, PATIENCE, answer, question},
        command::Plan,
        complaints::Complaints,
        hardware::{Hardware, HardwareEncoder},
        input::Input,
        preset::Preset,
    },
    media::{
        boxes::MAX_FRAGMENT_BYTES,
        stream::{Item, StreamReader},
    },
};

/// How much of the test picture is encoded, in seconds.
const MOMENT: &str = "0.6";

/// Largest outcome that is read: the moment at 20 Mbit/s and as much again for headers and bursts.
const OUTCOME: u64 = 4 * 1024 * 1024;

/// A hardware encoder that was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// Which one.
    pub encoder: HardwareEncoder,
    /// Why it cannot be used: lower case, no full stop. `None` if it can.
    pub trouble: Option<String>,
}

/// Tries every hardware encoder that this ffmpeg lists, one after the other: a second for each that
/// works, and never more than ten.
///
/// # Errors
///
/// There is no ffmpeg.
pub fn try_hardware(plan: &Plan, device: &Path, leash: &Leash) -> Result<Vec<Tried>, EncoderError> {
    let listed = listed(&plan.ffmpeg, leash)?;
    let known = HardwareEncoder::ALL
        .into_iter()
        .filter(|encoder| listed.has(encoder.word()));
    let tried = known.map(|encoder| {
        let hardware = Hardware {
            encoder,
            device: device.to_owned(),
        };
        Tried {
            encoder,
            trouble: trouble(plan, hardware, leash),
        }
    });
    Ok(tried.collect())
}

/// Whether one works; if not, with those that do.
pub(super) fn check(plan: &Plan, hardware: &Hardware, leash: &Leash) -> Result<(), EncoderError> {
    let name = hardware.encoder.word();
    let why = if listed(&plan.ffmpeg, leash)?.has(name) {
        trouble(plan, hardware.clone(), leash)
    } else {
        Some("this ffmpeg was built without it".to_owned())
    };
    let Some(why) = why else {
        return Ok(());
    };
    let tried = try_hardware(plan, &hardware.device, leash)?;
    let works = |tried: Tried| (tried.trouble.is_none()).then_some(tried.encoder.word());
    Err(EncoderError::NoHardware {
        name,
        why,
        working: tried.into_iter().filter_map(works).collect(),
    })
}

/// Why it does not encode, if it does not.
fn trouble(plan: &Plan, hardware: Hardware, leash: &Leash) -> Option<String> {
    let preset = if plan.preset.is_h264() {
        plan.preset
    } else {
        Preset::default()
    };
    let plan = Plan {
        input: Input::Test,
        preset,
        hardware: Some(hardware),
        ..plan.clone()
    };
    let mut arguments = plan.arguments();
    let output = arguments.pop();
    arguments.extend(["-t", MOMENT].map(Into::into));
    arguments.extend(output);
    let complaints = Complaints::default();
    let limits = Limits {
        bytes: OUTCOME,
        ..Limits::default()
    };
    let task = question(&plan.ffmpeg, arguments);
    let answer = match answer(task, limits, &complaints, leash) {
        Ok(answer) => answer,
        Err(EncoderError::Stuck { .. }) => {
            return Some(format!("it did not end within {} s", PATIENCE.as_secs()));
        }
        Err(error) => return Some(error.to_string()),
    };
    if answer.success {
        return unusable(&answer.bytes);
    }
    // The first complaint is the cause; those after it are what it led to.
    let Some(first) = complaints.first() else {
        return Some("it did not say why".to_owned());
    };
    // Which part of ffmpeg speaks is of no use here.
    let words = first.split_once("] ").map_or(&*first, |(_, words)| words);
    Some(words.trim_end_matches('.').to_owned())
}

/// Why nobody could play what was encoded, if so.
fn unusable(bytes: &[u8]) -> Option<String> {
    let mut reader = StreamReader::new(MAX_FRAGMENT_BYTES);
    reader.push(bytes);
    loop {
        match reader.next_item() {
            Ok(Some(Item::Init(_))) => {}
            Ok(Some(Item::Fragment(fragment))) if fragment.starts_with_keyframe() => return None,
            Ok(Some(Item::Fragment(_))) => {
                return Some("what it writes does not begin with a keyframe".to_owned());
            }
            Ok(None) => return Some("it wrote no picture".to_owned()),
            Err(error) => return Some(format!("what it writes cannot be used: {error}")),
        }
    }
}
