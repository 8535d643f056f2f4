//! What the encoder needs: ffmpeg, its encoders, hardware, and what it is to show.
//!
//! Belongs here: findings about programs and devices. Does not belong here: finding them out
//! (`encoder/probe.rs`).

use std::{path::Path, sync::Arc};

use super::{Finding, address, exposure, fail, good, warn};
use crate::{
    cli::{
        source::{self, Source},
        start::leash,
    },
    config::Settings,
    encoder::{self, EncoderError, Input, Job, Leash, Tried},
    push::key::KEY_FILE,
};

/// All of it. `word` is what `source` is called; devices are only asked when they are named.
pub(super) fn look(
    settings: &Settings,
    source: &Source,
    word: &str,
    running: Option<bool>,
) -> Vec<(&'static str, Finding)> {
    let ffmpeg = Path::new(&settings.encoder.ffmpeg);
    let is_ours = matches!(source, Source::Encoder(_) | Source::Url { .. });
    let leash = &leash(Arc::default());
    let mut findings = Vec::new();

    let version = encoder::version(ffmpeg, leash);
    let is_there = version.is_ok();
    let is_needed = is_ours || matches!(source, Source::Rtmp);
    findings.push(("ffmpeg", program(version, is_needed)));
    if !is_there {
        return findings;
    }
    let reads_files = matches!(
        source,
        Source::Encoder(Job::Files { .. }) | Source::Url { .. }
    );
    let ffprobe = encoder::version(&encoder::ffprobe_of(ffmpeg), leash);
    findings.push(("ffprobe", program(ffprobe, reads_files)));

    let plan = source::plan(settings, Input::Test);
    let has_encoders = encoder::check_encoders(&plan, leash);
    let can_encode = has_encoders.is_ok();
    let preset = settings.encoder.preset.word();
    findings.push((
        "encoders",
        match has_encoders {
            Ok(()) => good(format!("everything that the preset `{preset}` needs")),
            Err(error) => trouble(&error, is_ours),
        },
    ));
    match encoder::try_hardware(&plan, &settings.encoder.hardware_device, leash) {
        Ok(tried) => findings.push(("hardware", hardware(&tried))),
        Err(error) => findings.push(("hardware", trouble(&error, false))),
    }
    if let Source::Encoder(job) = source
        && can_encode
    {
        findings.push(("source", job_can_work(job, word, leash)));
    }
    if matches!(source, Source::Url { .. }) {
        let finding = match encoder::check_shut_off(leash) {
            Ok(()) => good("ffmpeg can be shut off from every network but our proxy"),
            Err(error) => trouble(&error, true),
        };
        findings.push(("namespaces", finding));
    }
    if matches!(source, Source::Rtmp) {
        let rtmp = address(&settings.encoder.rtmp, running, "encoder.rtmp");
        findings.push(("rtmp", rtmp));
    }
    findings
}

/// The key that lets encoders in, by its mode alone: it is not read here.
pub(super) fn stream_key(state: &Path) -> Option<Finding> {
    let file = state.join(KEY_FILE);
    let about = std::fs::symlink_metadata(&file).ok()?;
    let shown = file.display();
    let new = "then make another with `onionstream stream-key --new`";
    Some(if !about.is_file() {
        let fix = format!("move it away, {new}");
        fail(format!("`{shown}` is not a plain file"), fix)
    } else if let Some(problem) = exposure(&about) {
        let fix = format!("`chmod 600 {shown}`, {new}");
        fail(format!("`{shown}` {problem}"), fix)
    } else {
        good(format!("`{shown}` is private"))
    })
}

fn program(version: Result<String, EncoderError>, is_needed: bool) -> Finding {
    match version {
        Ok(version) => good(format!("version {version}")),
        Err(error) => trouble(&error, is_needed),
    }
}

/// What stands after the semicolon in these errors is what to do.
fn trouble(error: &EncoderError, is_needed: bool) -> Finding {
    let words = error.to_string();
    let (what, fix) = words
        .split_once("; ")
        .unwrap_or((&words, "check the name, or choose another source"));
    if is_needed {
        fail(what, fix)
    } else {
        warn(
            what,
            format!(
                "{fix}; `--source watch`, `demo` and `ingest` work without it, but for the slate"
            ),
        )
    }
}

fn hardware(tried: &[Tried]) -> Finding {
    let mut working = Vec::new();
    let mut others = Vec::new();
    for Tried { encoder, trouble } in tried {
        match trouble {
            None => working.push(format!("`{}`", encoder.word())),
            Some(why) => others.push(format!("`{}`: {why}", encoder.word())),
        }
    }
    let others = match others.as_slice() {
        [] => String::new(),
        others => format!(" ({})", others.join("; ")),
    };
    match working.as_slice() {
        [] if tried.is_empty() => good("this ffmpeg knows none; the processor encodes"),
        [] => good(format!("none works here{others}; the processor encodes")),
        working => good(format!(
            "{} can encode, when asked by `--hardware`{others}",
            working.join(", ")
        )),
    }
}

fn job_can_work(job: &Job, word: &str, leash: &Leash) -> Finding {
    let (result, what) = match job {
        // A feed is asked for when the show starts, and not before.
        Job::Live(plan) | Job::Feed { plan, .. } => (
            encoder::check(plan, leash),
            format!("`{word}` can be broadcast"),
        ),
        Job::Files { plan, path, .. } => match encoder::check_files(plan, path, leash) {
            Ok(1) => (Ok(()), format!("`{}` can be played", path.display())),
            Ok(files) => (Ok(()), format!("{files} files in `{}`", path.display())),
            Err(error) => (Err(error), String::new()),
        },
    };
    match result {
        Ok(()) => good(what),
        Err(error) => trouble(&error, true),
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::*;
    use crate::encoder::HardwareEncoder;

    #[test]
    fn a_missing_ffmpeg_matters_only_to_those_who_need_it() {
        let missing = || encoder::version(Path::new("/nowhere/ffmpeg"), &Leash::default());
        assert_eq!(program(missing(), false).word, "warn");
        let finding = program(missing(), true);
        assert_eq!(finding.word, "fail");
        assert!(finding.fix.unwrap().starts_with("install ffmpeg"));
    }

    #[test]
    fn hardware_is_listed_with_what_the_others_said() {
        let tried = |encoder, trouble: Option<&str>| Tried {
            encoder,
            trouble: trouble.map(str::to_owned),
        };
        let finding = hardware(&[
            tried(HardwareEncoder::Vaapi, None),
            tried(HardwareEncoder::Nvenc, Some("no device")),
        ]);
        assert_eq!(
            finding.what,
            "`h264_vaapi` can encode, when asked by `--hardware` (`h264_nvenc`: no device)"
        );
        assert_eq!((finding.word, finding.fix), ("ok", None));
        assert!(hardware(&[]).what.contains("knows none"));
    }

    #[test]
    fn a_stream_key_that_others_can_read_fails() {
        let state = tempfile::tempdir().unwrap();
        assert_eq!(stream_key(state.path()), None);
        let key = state.path().join(KEY_FILE);
        fs::write(&key, "x").unwrap();
        for (mode, word) in [(0o644, "fail"), (0o600, "ok")] {
            fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(stream_key(state.path()).unwrap().word, word, "{mode:o}");
        }
    }
}
