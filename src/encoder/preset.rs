//! How pictures and sound are encoded.

/// A way to encode. The numbers were measured with ffmpeg 5.1 at 640x360 and 25 frames a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Preset {
    /// H.264 and AAC, 0.15 s in the encoder; less clear.
    LowLatency,
    /// H.264 and AAC, 0.75 s in the encoder; about 1.5 dB clearer on still pictures.
    #[default]
    Balanced,
    /// VP9 and Opus, 0.1 s in the encoder: every Tor Browser plays them without help from the system.
    Compatible,
    /// Opus alone.
    Audio,
}

/// H.264 unit in which x264 writes its version, its settings and how many processors there are.
pub(super) const SEI: &str = "filter_units=remove_types=6";

/// The encoder of H.264 that needs no hardware.
pub(super) const X264: &str = "libx264";

/// Threads for encoding: ffmpeg's own choice adds delay and shows how many processors there are.
const THREADS: &str = "2";

impl Preset {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::LowLatency,
        Self::Balanced,
        Self::Compatible,
        Self::Audio,
    ];

    /// The words, in the same order.
    pub const WORDS: [&str; 4] = ["low-latency", "balanced", "compatible", "audio"];

    /// The word that people type.
    pub fn word(self) -> &'static str {
        match self {
            Self::LowLatency => "low-latency",
            Self::Balanced => "balanced",
            Self::Compatible => "compatible",
            Self::Audio => "audio",
        }
    }

    /// The preset with this name.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|preset| preset.word() == word)
    }

    /// Whether there is a picture.
    pub fn has_video(self) -> bool {
        self != Self::Audio
    }

    /// Whether the picture is H.264, which hardware can encode too.
    pub fn is_h264(self) -> bool {
        matches!(self, Self::LowLatency | Self::Balanced)
    }

    /// The encoders of ffmpeg that it needs.
    pub fn encoders(self) -> &'static [&'static str] {
        match self {
            Self::LowLatency | Self::Balanced => &[X264, "aac"],
            Self::Compatible => &["libvpx-vp9", "libopus"],
            Self::Audio => &["libopus"],
        }
    }

    /// Options of the picture: `kbits` kept constant, because Tor circuits punish bursts, and a
    /// keyframe each `gop` frames and nowhere else.
    pub(super) fn video(self, kbits: u64, gop: u64) -> Vec<String> {
        let rate = format!("{kbits}k");
        let gop = gop.to_string();
        let mut options: Vec<&str> = match self {
            Self::Audio => return Vec::new(),
            Self::LowLatency => vec![
                "-c:v",
                X264,
                "-preset:v",
                "veryfast",
                "-tune:v",
                "zerolatency",
                "-bf",
                "0",
                "-x264-params",
                "repeat-headers=1",
            ],
            Self::Balanced => vec![
                "-c:v",
                X264,
                "-preset:v",
                "medium",
                "-bf",
                "2",
                "-rc-lookahead",
                "12",
                "-x264-params",
                "repeat-headers=1:sync-lookahead=0",
            ],
            Self::Compatible => vec![
                "-c:v",
                "libvpx-vp9",
                "-deadline",
                "realtime",
                "-cpu-used",
                "8",
                "-row-mt",
                "1",
                "-lag-in-frames",
                "0",
                // Without a least rate libvpx spends far more than it is asked for.
                "-minrate",
                &rate,
            ],
        };
        if self != Self::Compatible {
            options.extend(["-profile:v", "main", "-sc_threshold", "0", "-bsf:v", SEI]);
        }
        options.extend(["-g", &gop, "-keyint_min", &gop, "-threads:v", THREADS]);
        options.extend(["-b:v", &rate, "-maxrate", &rate, "-bufsize", &rate]);
        options.into_iter().map(str::to_owned).collect()
    }

    /// Options of the sound.
    pub(super) fn audio(self, kbits: u64) -> Vec<String> {
        let (encoder, channels) = match self {
            Self::LowLatency | Self::Balanced => ("aac", "2"),
            Self::Compatible => ("libopus", "2"),
            Self::Audio => ("libopus", "1"),
        };
        let rate = format!("{kbits}k");
        [
            "-c:a", encoder, "-b:a", &rate, "-ac", channels, "-ar", "48000",
        ]
        .map(str::to_owned)
        .to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_presets_belong_together() {
        assert_eq!(Preset::ALL.map(Preset::word), Preset::WORDS);
        for preset in Preset::ALL {
            assert_eq!(Preset::parse(preset.word()), Some(preset));
        }
        assert_eq!(Preset::parse("Balanced"), None);
    }
}
