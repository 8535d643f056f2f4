//! H.264 encoders that are hardware: what ffmpeg calls them, and what each is told.
//!
//! Belongs here: names and options. Does not belong here: whether one works on this computer
//! (`probe/hardware.rs`).
//!
//! The options keep what the presets promise: a constant rate, keyframes in fixed places, no
//! reordering where delay counts, nothing that tells about the computer, and colours that are named.
//! Of all of them only those are used that ffmpeg 4.4 has, which old systems still bring.

use std::path::PathBuf;

use super::preset::{Preset, SEI};

/// One of ffmpeg's H.264 encoders that are hardware.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HardwareEncoder {
    /// Graphics cards of NVIDIA.
    Nvenc,
    /// The interface of Linux to graphics cards, mostly of Intel and AMD.
    Vaapi,
    /// Quick Sync of Intel.
    Qsv,
    /// Graphics cards of AMD, with AMD's own driver.
    Amf,
    /// Chips of single-board computers.
    V4l2m2m,
    /// Computers of Apple.
    VideoToolbox,
}

/// The hardware that encodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hardware {
    /// Which encoder of ffmpeg.
    pub encoder: HardwareEncoder,
    /// The device for [`HardwareEncoder::Vaapi`], such as `/dev/dri/renderD128`; the others find
    /// their own.
    pub device: PathBuf,
}

impl HardwareEncoder {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Nvenc,
        Self::Vaapi,
        Self::Qsv,
        Self::Amf,
        Self::V4l2m2m,
        Self::VideoToolbox,
    ];

    /// What can be chosen: none, and the words of all in the same order.
    pub const WORDS: [&str; 7] = [
        "none",
        "h264_nvenc",
        "h264_vaapi",
        "h264_qsv",
        "h264_amf",
        "h264_v4l2m2m",
        "h264_videotoolbox",
    ];

    /// As ffmpeg calls it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Nvenc => "h264_nvenc",
            Self::Vaapi => "h264_vaapi",
            Self::Qsv => "h264_qsv",
            Self::Amf => "h264_amf",
            Self::V4l2m2m => "h264_v4l2m2m",
            Self::VideoToolbox => "h264_videotoolbox",
        }
    }

    /// The encoder with this name.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.word() == word)
    }

    /// What it is told for a preset with H.264, besides the numbers.
    fn manner(self, preset: Preset) -> Vec<&'static str> {
        let is_quick = preset == Preset::LowLatency;
        let bf = if is_quick { "0" } else { "2" };
        match self {
            Self::Nvenc if is_quick => vec![
                "-preset:v",
                "p4",
                "-tune:v",
                "ll",
                "-rc:v",
                "cbr",
                "-zerolatency",
                "1",
                "-delay:v",
                "0",
                "-bf",
                bf,
                "-profile:v",
                "main",
            ],
            Self::Nvenc => vec![
                "-preset:v",
                "p5",
                "-tune:v",
                "hq",
                "-rc:v",
                "cbr",
                "-no-scenecut",
                "1",
                "-strict_gop",
                "1",
                "-bf",
                bf,
                "-b_ref_mode",
                "disabled",
                "-profile:v",
                "main",
            ],
            Self::Vaapi => vec!["-rc_mode", "CBR", "-bf", bf, "-profile:v", "main"],
            Self::Qsv => vec![
                "-preset:v",
                if is_quick { "veryfast" } else { "medium" },
                "-async_depth",
                if is_quick { "1" } else { "4" },
                "-adaptive_i",
                "0",
                "-adaptive_b",
                "0",
                "-bf",
                bf,
                "-profile:v",
                "main",
            ],
            // Of its kinds of chips only some reorder frames: none do here.
            Self::Amf => vec![
                "-usage",
                if is_quick {
                    "lowlatency"
                } else {
                    "transcoding"
                },
                "-quality",
                if is_quick { "speed" } else { "balanced" },
                "-rc",
                "cbr",
                "-enforce_hrd",
                "1",
                "-bf",
                "0",
                "-profile:v",
                "main",
            ],
            // Its drivers know neither reordering nor the name of a profile.
            Self::V4l2m2m => vec!["-bf", "0"],
            Self::VideoToolbox => vec![
                "-realtime",
                if is_quick { "1" } else { "0" },
                "-bf",
                bf,
                "-profile:v",
                "main",
            ],
        }
    }
}

impl Hardware {
    /// Options of the whole program, before everything else.
    pub(super) fn opening(&self) -> Vec<std::ffi::OsString> {
        match self.encoder {
            HardwareEncoder::Vaapi => vec!["-vaapi_device".into(), self.device.clone().into()],
            _ => Vec::new(),
        }
    }

    /// What follows the filters that all pictures go through.
    pub(super) fn filters(&self) -> &'static str {
        match self.encoder {
            HardwareEncoder::Vaapi => ",format=nv12,hwupload",
            HardwareEncoder::Qsv => ",format=nv12",
            _ => "",
        }
    }

    /// Options of the picture, as [`Preset::video`] has them for a processor.
    pub(super) fn video(&self, preset: Preset, kbits: u64, gop: u64) -> Vec<String> {
        let rate = format!("{kbits}k");
        let gop = gop.to_string();
        // The headers are put before each keyframe again, as x264 does when it is asked.
        let bits = format!("{SEI},dump_extra=freq=keyframe");
        let mut options = vec!["-c:v", self.encoder.word()];
        options.extend(self.encoder.manner(preset));
        options.extend(["-g", &gop, "-bsf:v", &bits]);
        options.extend(["-b:v", &rate, "-maxrate", &rate, "-bufsize", &rate]);
        // Hardware frames do not tell every encoder what the filters said of the colours.
        options.extend(["-color_range", "tv", "-colorspace", "bt709"]);
        options.extend(["-color_primaries", "bt709", "-color_trc", "bt709"]);
        options.into_iter().map(str::to_owned).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_encoders_belong_together() {
        let words = HardwareEncoder::ALL.map(HardwareEncoder::word);
        assert_eq!(HardwareEncoder::WORDS[0], "none");
        assert_eq!(words, HardwareEncoder::WORDS[1..]);
        for one in HardwareEncoder::ALL {
            assert_eq!(HardwareEncoder::parse(one.word()), Some(one));
        }
        assert_eq!(HardwareEncoder::parse("none"), None);
    }

    #[test]
    fn all_of_them_keep_what_the_presets_promise() {
        for encoder in HardwareEncoder::ALL {
            for preset in [Preset::LowLatency, Preset::Balanced] {
                let device = "/dev/dri/renderD128".into();
                let hardware = Hardware { encoder, device };
                let line = hardware.video(preset, 500, 25).join(" ");
                for option in [
                    "-g 25 ",
                    "-b:v 500k -maxrate 500k -bufsize 500k",
                    "remove_types=6,dump_extra=freq=keyframe",
                    "-color_primaries bt709 -color_trc bt709",
                ] {
                    assert!(line.contains(option), "{option} in {line}");
                }
                let is_quick = preset == Preset::LowLatency;
                assert!(!is_quick || line.contains("-bf 0 "), "{line}");
                assert!(!line.contains("libx264"), "{line}");
            }
        }
    }
}
