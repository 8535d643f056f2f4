//! The command of a slate for a stream that somebody else's encoder makes: as much like it as a
//! splice needs ([`crate::media::splice`]).

use std::ffi::OsString;

use super::{NO_TRACES, Plan, SEI, Shape, into_a_pipe};
use crate::media::splice::{Likeness, Picture, PictureCodec, Sound, SoundCodec};

/// Frames a second of a slate, whatever the stream has.
const FRAME_RATE: u32 = 25;

/// Most frames a second, for a stream that has hardly more ticks.
const MOST_FRAMES: u32 = 60;

/// With at least so many ticks a second a frame lasts long enough to be rounded.
const MANY_TICKS: u32 = 1000;

/// Seconds of processor time after which ffmpeg gives up.
const TIME_LIMIT: &str = "120";

impl Plan {
    /// What follows the name of the program for a slate of so many seconds that can be put into a
    /// stream like this. Of the plan only the input and the bit rates count.
    pub(in crate::encoder) fn arguments_like(
        &self,
        likeness: &Likeness,
        seconds: &str,
    ) -> Vec<OsString> {
        let shape = likeness.picture.map_or(self.shape, |picture| Shape {
            width: picture.size.0.into(),
            height: picture.size.1.into(),
            frame_rate: frame_rate(&picture).into(),
        });
        let plan = Self {
            shape,
            ..self.clone()
        };
        let wants_video = likeness.picture.is_some();
        let mut arguments: Vec<OsString> = ["-nostdin", "-hide_banner", "-nostats"]
            .into_iter()
            .chain(["-loglevel", "warning", "-timelimit", TIME_LIMIT])
            .map(OsString::from)
            .collect();
        arguments.extend(self.input.arguments(&shape, wants_video));
        let (picture, sound) = self.input.maps(wants_video);
        let mut options: Vec<String> = Vec::new();
        if let Some((map, like)) = picture.zip(likeness.picture) {
            options.extend(["-map", map, "-filter:v"].map(str::to_owned));
            options.push(plan.filter());
            options.extend(plan.picture_like(&like));
        }
        if let Some(like) = likeness.sound {
            options.extend(["-map", sound].map(str::to_owned));
            options.extend(self.sound_like(like));
        }
        if self.input.ends_with_the_shortest(wants_video) {
            options.push("-shortest".to_owned());
        }
        options.extend(NO_TRACES.map(str::to_owned));
        options.extend(["-t", seconds].map(str::to_owned));
        arguments.extend(options.into_iter().map(OsString::from));
        arguments.extend(into_a_pipe());
        arguments
    }

    fn picture_like(&self, like: &Picture) -> Vec<String> {
        let rate = format!("{}k", self.video_kbits);
        let each_second = self.shape.frame_rate.to_string();
        let ticks = like.timescale.to_string();
        let own: Vec<&str> = match like.codec {
            PictureCodec::H264(profile) => {
                let profile = match profile {
                    66 => "baseline",
                    100 => "high",
                    _ => "main",
                };
                let start = "-c:v libx264 -preset:v veryfast -bf 0 -sc_threshold 0 -profile:v";
                start.split(' ').chain([profile, "-bsf:v", SEI]).collect()
            }
            PictureCodec::Vp9 => {
                let start = "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -row-mt 1 \
                             -lag-in-frames 0 -minrate";
                start.split_whitespace().chain([rate.as_str()]).collect()
            }
            PictureCodec::Av1 => {
                "-c:v libsvtav1 -preset 12 -svtav1-params pred-struct=1:lookahead=0:scd=0"
                    .split(' ')
                    .collect()
            }
        };
        let rates = match like.codec {
            // It takes a bit rate alone, or a range.
            PictureCodec::Av1 => vec!["-b:v", &rate],
            _ => vec!["-b:v", &rate, "-maxrate", &rate, "-bufsize", &rate],
        };
        let gop = ["-g", &each_second, "-keyint_min", &each_second];
        let ticks = ["-threads:v", "2", "-video_track_timescale", &ticks];
        let all = own.into_iter().chain(rates).chain(gop).chain(ticks);
        all.map(str::to_owned).collect()
    }

    fn sound_like(&self, like: Sound) -> Vec<String> {
        let encoder = match like.codec {
            SoundCodec::Aac => "aac",
            SoundCodec::Opus => "libopus",
        };
        let rate = format!("{}k", self.sound.kbits);
        let (channels, samples) = (like.channels.to_string(), like.rate.to_string());
        [
            "-c:a", encoder, "-b:a", &rate, "-ac", &channels, "-ar", &samples,
        ]
        .map(str::to_owned)
        .to_vec()
    }
}

/// Frames a second of which each lasts a whole number of ticks, or very nearly.
fn frame_rate(picture: &Picture) -> u32 {
    if picture.timescale >= MANY_TICKS || picture.timescale.is_multiple_of(FRAME_RATE) {
        FRAME_RATE
    } else {
        picture.timescale.min(MOST_FRAMES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoder::{Input, Preset, Sound as PlanSound, quoted};

    fn line(likeness: &Likeness, input: Input) -> String {
        let plan = Plan {
            ffmpeg: "ffmpeg".into(),
            input,
            preset: Preset::Balanced,
            shape: Shape {
                width: 1,
                height: 1,
                frame_rate: 1,
            },
            video_kbits: 500,
            sound: PlanSound { kbits: 64 },
            hardware: None,
        };
        quoted(&plan.arguments_like(likeness, "4"))
    }

    const PICTURE: Picture = Picture {
        codec: PictureCodec::H264(100),
        size: (1280, 720),
        timescale: 90_000,
    };

    #[test]
    fn a_slate_has_the_tracks_of_the_stream_and_no_others() {
        let sound = Sound {
            codec: SoundCodec::Opus,
            rate: 48_000,
            channels: 1,
        };
        let still = || Input::Still { path: None };
        let both = Likeness {
            picture: Some(PICTURE),
            sound: Some(sound),
        };
        let both = line(&both, still());
        for part in [
            "-profile:v high",
            "scale=1280:720",
            "-video_track_timescale 90000",
            "-c:a libopus",
            "-ac 1 -ar 48000",
            "-t 4 ",
            "-map_metadata -1",
        ] {
            assert!(both.contains(part), "{part} in {both}");
        }
        let picture = Likeness {
            picture: Some(PICTURE),
            sound: None,
        };
        let picture = line(&picture, still());
        assert!(!picture.contains("-c:a") && picture.contains("-map 0:v:0"));
        let sound = Likeness {
            picture: None,
            sound: Some(sound),
        };
        let sound = line(&sound, still());
        assert!(!sound.contains("-c:v") && sound.contains("-map 0:a:0"));
    }

    #[test]
    fn frames_last_whole_ticks_where_there_are_few() {
        for (timescale, frames) in [(90_000, 25), (15_360, 25), (25, 25), (30, 30), (240, 60)] {
            let picture = Picture {
                timescale,
                ..PICTURE
            };
            assert_eq!(frame_rate(&picture), frames, "{timescale}");
        }
    }
}
