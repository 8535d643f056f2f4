//! The command line of ffmpeg. Pure: the same plan makes the same command.

mod like;

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
};

use super::{
    feed::Feed,
    hardware::Hardware,
    input::{Contents, Input},
    preset::{Preset, SEI, X264},
};

/// Most pixels of a picture that comes from somebody else, 4096 x 4096: a few bytes can stand for one
/// that fills all memory.
pub(super) const MAX_PIXELS: &str = "16777216";

/// Milliseconds of media in a fragment; shorter is sooner but 0.2 kB each.
const FRAGMENT_MS: u32 = 200;

/// The picture that goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Pixels, even.
    pub width: u64,
    /// Pixels, even.
    pub height: u64,
    /// Frames a second.
    pub frame_rate: u64,
}

/// The sound that goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sound {
    /// Kilobits a second.
    pub kbits: u64,
}

/// Everything that decides what ffmpeg is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The program.
    pub ffmpeg: PathBuf,
    /// What is read.
    pub input: Input,
    /// How it is encoded.
    pub preset: Preset,
    /// The picture.
    pub shape: Shape,
    /// Kilobits a second of the picture.
    pub video_kbits: u64,
    /// The sound.
    pub sound: Sound,
    /// What encodes in place of the processor; only for presets with H.264.
    pub hardware: Option<Hardware>,
}

impl Plan {
    /// The hardware, if the preset has a use for it.
    pub(super) fn hardware(&self) -> Option<&Hardware> {
        self.hardware.as_ref().filter(|_| self.preset.is_h264())
    }

    /// The encoders of ffmpeg that it needs.
    pub(super) fn encoders(&self) -> impl Iterator<Item = &'static str> {
        let hardware = self.hardware().map(|hardware| hardware.encoder.word());
        let of_preset = self.preset.encoders().iter().copied();
        of_preset.map(move |name| match hardware {
            Some(word) if name == X264 => word,
            _ => name,
        })
    }

    /// The same for a file.
    pub(super) fn of_file(&self, path: &Path, contents: Contents) -> Self {
        let path = path.to_owned();
        Self {
            input: Input::File { path, contents },
            ..self.clone()
        }
    }

    /// The same for a feed.
    pub(super) fn of_feed(&self, feed: &Feed, contents: Contents) -> Self {
        Self {
            input: Input::Url {
                address: feed.address.clone(),
                is_tls: feed.is_tls,
                contents,
            },
            ..self.clone()
        }
    }

    /// What follows the name of the program when the stream is written into a pipe.
    pub fn arguments(&self) -> Vec<OsString> {
        let mut arguments = self.up_to_the_output();
        arguments.extend(into_a_pipe());
        arguments
    }

    /// The same plan for the slate: a picture of this many seconds, or a clip of at most as many.
    pub(super) fn of_slate(&self, input: Input) -> Self {
        Self {
            input,
            ..self.clone()
        }
    }

    /// What follows the name of the program when growing segments are written into a directory, for
    /// `--source watch`.
    pub fn arguments_for_directory(&self, directory: &Path) -> Vec<OsString> {
        let mut arguments = self.up_to_the_output();
        // `flush_packets` works only as an option of the inner muxer.
        let inner = format!(
            "movflags={MOVFLAGS}:frag_duration={}:flush_packets=1:fflags=+bitexact",
            FRAGMENT_MS * 1_000
        );
        let header = directory.join("init.mp4");
        let list = directory.join("stream.m3u8");
        let segments = directory.join("stream%d.m4s");
        let parts: [&OsStr; 21] = [
            "-f".as_ref(),
            "segment".as_ref(),
            "-segment_time".as_ref(),
            "2".as_ref(),
            "-segment_format".as_ref(),
            "mp4".as_ref(),
            "-segment_format_options".as_ref(),
            inner.as_ref(),
            "-individual_header_trailer".as_ref(),
            "0".as_ref(),
            "-segment_header_filename".as_ref(),
            header.as_ref(),
            "-segment_list_type".as_ref(),
            "m3u8".as_ref(),
            "-segment_list_flags".as_ref(),
            "+live".as_ref(),
            "-segment_list_size".as_ref(),
            "10".as_ref(),
            "-segment_list".as_ref(),
            list.as_ref(),
            segments.as_ref(),
        ];
        arguments.extend(parts.map(OsStr::to_owned));
        arguments
    }

    fn up_to_the_output(&self) -> Vec<OsString> {
        let wants_video = self.preset.has_video();
        let mut arguments: Vec<OsString> = ["-nostdin", "-hide_banner", "-nostats"]
            .into_iter()
            .chain(["-loglevel", "warning"])
            .map(OsString::from)
            .collect();
        arguments.extend(self.hardware().into_iter().flat_map(Hardware::opening));
        arguments.extend(self.input.arguments(&self.shape, wants_video));
        let (picture, sound) = self.input.maps(wants_video);
        let mut options: Vec<String> = Vec::new();
        let mut add = |parts: &[&str]| options.extend(parts.iter().map(|part| (*part).to_owned()));
        if let Some(picture) = picture {
            let upload = self.hardware().map_or("", Hardware::filters);
            let filter = format!("{}{upload}", self.filter());
            match self.input.drawn() {
                Some(drawn) => {
                    let graph = format!("{drawn},{filter}{picture}");
                    add(&["-filter_complex", &graph, "-map", picture]);
                }
                None => add(&["-map", picture, "-filter:v", &filter]),
            }
        }
        add(&["-map", sound]);
        if self.input.has_own_clock() {
            // Stretches the sound instead of drifting from the picture.
            add(&["-filter:a", "aresample=async=1"]);
        }
        if self.input.ends_with_the_shortest(wants_video) {
            add(&["-shortest"]);
        }
        if !wants_video {
            add(&["-vn"]);
        }
        // Keyframes each second, or each two where bits are few.
        let gop = if self.video_kbits < 400 { 2 } else { 1 };
        let gop = gop * self.shape.frame_rate;
        options.extend(match self.hardware() {
            Some(hardware) => hardware.video(self.preset, self.video_kbits, gop),
            None => self.preset.video(self.video_kbits, gop),
        });
        if wants_video {
            // Where its samples of colour lie is said in the init segment too: a camera or a film that
            // comes as JPEG would not share it with the slate and the other files.
            options.extend(["-chroma_sample_location:v", "left"].map(str::to_owned));
        }
        options.extend(self.preset.audio(self.sound.kbits));
        options.extend(NO_TRACES.map(str::to_owned));
        arguments.extend(options.into_iter().map(OsString::from));
        arguments
    }

    /// What is done to the picture before it is encoded.
    fn filter(&self) -> String {
        let still = match self.input {
            Input::Still { .. } => "loop=loop=-1:size=1,",
            _ => "",
        };
        format!("{still}{}", self.fitted())
    }

    /// Any picture in the frame, with bars instead of stretching, and with the same colours said of
    /// all: what is said of them is in the init segment, which all sources must share.
    fn fitted(&self) -> String {
        let Shape {
            width,
            height,
            frame_rate,
        } = self.shape;
        format!(
            "scale={width}:{height}:force_original_aspect_ratio=decrease:out_color_matrix=bt709\
             :out_range=tv,pad={width}:{height}:(ow-iw)/2:(oh-ih)/2,setsar=1,fps={frame_rate},\
             format=yuv420p,setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709"
        )
    }
}

/// Writes fragments of [`FRAGMENT_MS`] into the standard output.
pub(super) fn into_a_pipe() -> impl Iterator<Item = OsString> {
    let fragment = (FRAGMENT_MS * 1_000).to_string();
    [
        "-f",
        "mp4",
        "-movflags",
        MOVFLAGS,
        "-frag_duration",
        &fragment,
        "-flush_packets",
        "1",
        "pipe:1",
    ]
    .map(OsString::from)
    .into_iter()
}

/// What is told to an ffmpeg that repacks FLV with H.264 and AAC from its standard input, without
/// encoding anything anew.
pub(super) fn remux_arguments() -> Vec<OsString> {
    // Only the pipe: what a stranger's bytes name must not be opened.
    let input = "-nostdin -hide_banner -nostats -loglevel warning -protocol_whitelist pipe \
                 -analyzeduration 2000000 -fpsprobesize 0 -f flv -i pipe:0 \
                 -map 0:v:0? -map 0:a:0? -c copy -bsf:v";
    let mut arguments: Vec<_> = input.split_whitespace().map(OsString::from).collect();
    arguments.push(SEI.into());
    arguments.extend(NO_TRACES.map(OsString::from));
    arguments.extend(into_a_pipe());
    arguments
}

/// `negative_cts_offsets` lets decode times of the picture begin where its sound begins even if frames
/// are reordered: without it, files that follow each other are 0.1 s apart.
const MOVFLAGS: &str =
    "+frag_keyframe+empty_moov+default_base_moof+skip_trailer+negative_cts_offsets";

/// No titles, chapters, dates, version numbers or names of encoders.
pub(super) const NO_TRACES: [&str; 12] = [
    "-map_metadata",
    "-1",
    "-map_chapters",
    "-1",
    "-fflags",
    "+bitexact",
    "-flags:v",
    "+bitexact",
    "-flags:a",
    "+bitexact",
    "-metadata:s:v",
    "encoder=video",
];

/// A command as a shell takes it.
pub fn quoted(words: &[OsString]) -> String {
    let words = words.iter().map(|word| {
        let word = word.to_string_lossy();
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_=+.,:/@%".contains(c);
        if !word.is_empty() && word.chars().all(is_plain) {
            word.into_owned()
        } else {
            format!("'{}'", word.replace('\'', "'\\''"))
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::{
        super::{hardware::HardwareEncoder, input::Microphone},
        *,
    };

    fn plan(input: Input, preset: Preset) -> Plan {
        Plan {
            ffmpeg: "ffmpeg".into(),
            input,
            preset,
            shape: Shape {
                width: 640,
                height: 360,
                frame_rate: 25,
            },
            video_kbits: 500,
            sound: Sound { kbits: 64 },
            hardware: None,
        }
    }

    fn line(plan: &Plan) -> String {
        quoted(&plan.arguments())
    }

    #[test]
    fn every_command_reads_nothing_from_the_terminal_and_tells_nothing_about_the_computer() {
        for preset in Preset::ALL {
            let line = line(&plan(Input::Test, preset));
            assert!(line.starts_with("-nostdin "), "{line}");
            for option in ["-map_metadata -1", "-fflags +bitexact", "+skip_trailer"] {
                assert!(line.contains(option), "{option} in {line}");
            }
            assert_eq!(line.contains("-c:v"), preset.has_video(), "{line}");
        }
    }

    #[test]
    fn a_file_without_sound_or_picture_gets_silence_or_black_and_ends_all_the_same() {
        let file = |video, audio, preset| {
            line(&plan(
                Input::File {
                    path: "/a b.mkv".into(),
                    contents: Contents { video, audio },
                },
                preset,
            ))
        };
        let both = file(true, true, Preset::Balanced);
        assert!(both.contains("-i 'file:/a b.mkv' -map 0:V:0"), "{both}");
        assert!(!both.contains("-shortest") && !both.contains("anullsrc"));
        let mute = file(true, false, Preset::Balanced);
        assert!(mute.contains("anullsrc") && mute.contains("-map 1:a:0 -shortest"));
        let blind = file(false, true, Preset::Balanced);
        assert!(blind.contains("[black]' -map '[black]'"), "{blind}");
        assert!(
            blind.contains("-shortest") && !blind.contains("lavfi"),
            "{blind}"
        );
        let sound = file(true, true, Preset::Audio);
        assert!(sound.contains("-map 0:a:0 -vn") && !sound.contains("0:V"));
        let sound = file(false, true, Preset::Audio);
        assert!(sound.contains("-map 0:a:0 -vn") && !sound.contains("[black]"));
    }

    #[test]
    fn a_screen_without_a_microphone_has_silence_and_with_one_keeps_step() {
        let screen = |microphone| {
            line(&plan(
                Input::Screen {
                    display: ":7".to_owned(),
                    microphone,
                },
                Preset::LowLatency,
            ))
        };
        let silent = screen(Microphone::None);
        assert!(
            silent.contains("-i :7") && silent.contains("anullsrc"),
            "{silent}"
        );
        let heard = screen(Microphone::Pulse("default".to_owned()));
        assert!(heard.contains("-f pulse -i default") && heard.contains("aresample=async=1"));
    }

    #[test]
    fn hardware_takes_the_place_of_the_processor_where_the_preset_has_h264() {
        for preset in Preset::ALL {
            for encoder in HardwareEncoder::ALL {
                let device = "/dev/dri/renderD129".into();
                let plan = Plan {
                    hardware: Some(Hardware { encoder, device }),
                    ..plan(Input::Test, preset)
                };
                let line = line(&plan);
                let is_h264 = preset.is_h264();
                assert_eq!(line.contains(encoder.word()), is_h264, "{line}");
                assert_eq!(plan.encoders().any(|name| name == encoder.word()), is_h264);
                assert!(!is_h264 || !line.contains("libx264"), "{line}");
                let is_uploaded = is_h264 && encoder == HardwareEncoder::Vaapi;
                let device = line.starts_with("-nostdin -hide_banner -nostats -loglevel warning -vaapi_device /dev/dri/renderD129 ");
                assert_eq!(device, is_uploaded, "{line}");
                assert_eq!(
                    line.contains(",format=nv12,hwupload"),
                    is_uploaded,
                    "{line}"
                );
            }
        }
    }

    #[test]
    fn a_quoted_command_is_one_that_a_shell_reads_back() {
        let words = ["a", "b c", "d'e", "", "$(x)", "ö"].map(OsString::from);
        assert_eq!(quoted(&words), "a 'b c' 'd'\\''e' '' '$(x)' 'ö'");
    }
}
