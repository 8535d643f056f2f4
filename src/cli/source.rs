//! `--source`: where the picture comes from, as arguments and settings say it.

use std::{
    ffi::OsString,
    io::{BufRead as _, Read as _},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
};

use anyhow::Context as _;
use clap::{Args, ValueEnum, builder::PossibleValue};
use zeroize::Zeroizing;

use super::start::leash;
use crate::{
    config::{Override, Settings},
    encoder::{
        self, Hardware, HardwareEncoder, Input, Job, Microphone, Plan, Preset, Shape, Sound,
    },
    media::meter::Supply,
    proxy::{Address, AddressError},
};

/// Where the video comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Demo,
    Watch,
    Test,
    Screen,
    Camera,
    File,
    Folder,
    Url,
    Rtmp,
    Ingest,
}

/// The two halves of saying that a feed is to be fetched past Tor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Direct {
    /// The feed is not fetched through Tor.
    NoTor,
    /// Whoever runs its server, and the networks on the way, see the address of this computer.
    ShowsMyAddress,
}

impl ValueEnum for Kind {
    fn value_variants<'a>() -> &'a [Self] {
        &[
            Self::Watch,
            Self::Demo,
            Self::Test,
            Self::Screen,
            Self::Camera,
            Self::File,
            Self::Folder,
            Self::Url,
            Self::Rtmp,
            Self::Ingest,
        ]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let (word, help) = match self {
            Self::Demo => (
                "demo",
                "A short clip built into the program, again and again",
            ),
            Self::Watch => (
                "watch",
                "The files that an encoder writes into the stream directory",
            ),
            Self::Test => ("test", "A moving test picture with a tone"),
            Self::Screen => (
                "screen",
                "The X11 screen and the microphone: everything on it goes out",
            ),
            Self::Camera => ("camera", "A camera and the microphone"),
            Self::File => ("file", "A video or sound file, `--source file FILE`"),
            Self::Folder => (
                "folder",
                "The files of a directory by name, `--source folder DIR`",
            ),
            Self::Url => (
                "url",
                "A feed on a server, fetched through Tor: `--source url https://…/live.m3u8`",
            ),
            Self::Rtmp => (
                "rtmp",
                "What OBS on this computer sends by RTMP, see `stream-key`",
            ),
            Self::Ingest => (
                "ingest",
                "Fragmented MP4 that an encoder on this computer sends by HTTP, see `stream-key`",
            ),
        };
        Some(PossibleValue::new(word).help(help))
    }
}

/// The arguments that say what is encoded, and how.
#[derive(Debug, Args)]
pub(super) struct SourceArguments {
    /// Where the video comes from.
    #[arg(long, value_enum, default_value_t = Kind::Watch)]
    source: Kind,

    /// The file of `--source file`, the directory of `--source folder`, the address of `--source url`.
    ///
    /// For an address with a password or a key in it, write `-` and give it in a line of standard
    /// input: what stands here is seen by everybody on this computer.
    #[arg(
        value_name = "FILE|DIR|URL",
        required_if_eq_any = [("source", "file"), ("source", "folder"), ("source", "url")]
    )]
    what: Option<PathBuf>,

    /// Fetch the feed of `--source url` past Tor; its server sees the address of this computer.
    ///
    /// Only if it is there twice, with both words: `--direct no-tor --direct shows-my-address`.
    #[arg(long, value_enum, value_name = "WORD")]
    direct: Vec<Direct>,

    /// Play the file or the folder again and again, without a gap.
    #[arg(long = "loop")]
    again: bool,

    /// Where `--source rtmp` listens; a loopback address with a port.
    #[arg(long, value_name = "ADDR")]
    rtmp: Option<String>,

    /// How to encode: `compatible` plays in every Tor Browser, `audio` is sound alone; see `encoder.preset`.
    #[arg(long, value_parser = Preset::WORDS)]
    preset: Option<String>,

    /// Hardware that encodes H.264 in place of the processor; `doctor` says what works here.
    #[arg(long, value_name = "NAME", value_parser = hardware)]
    hardware: Option<String>,

    /// Kilobits a second of the picture, like `700k`.
    #[arg(long, value_name = "RATE", value_parser = kbits)]
    bitrate: Option<String>,
}

/// Takes a name of an encoder, or none.
fn hardware(text: &str) -> Result<String, String> {
    if HardwareEncoder::WORDS.contains(&text) {
        return Ok(text.to_owned());
    }
    let known = HardwareEncoder::WORDS.map(|word| format!("`{word}`"));
    Err(format!(
        "there is {}; `onionstream doctor` says which of them work here",
        known.join(", ")
    ))
}

/// Reads `700`, `700k` or `1.5M` as kilobits.
fn kbits(text: &str) -> Result<String, String> {
    let (number, unit) = match text.strip_suffix(['M', 'm']) {
        Some(number) => (number, 1_000.0),
        None => (text.strip_suffix(['K', 'k']).unwrap_or(text), 1.0),
    };
    let is_number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let rate = number.parse::<f64>().ok().filter(|_| is_number);
    rate.map(|rate| format!("{:.0}", rate * unit))
        .ok_or_else(|| "write kilobits a second, like `700k`, or megabits, like `1.5M`".to_owned())
}

/// Where the picture comes from, with everything that has to be known about it.
#[derive(Debug)]
pub(super) enum Source {
    /// The built-in clip.
    Demo,
    /// The stream directory.
    Watch,
    /// An encoder of our own.
    Encoder(Job),
    /// Somebody else's feed.
    Url {
        /// How it is encoded; its input is put in.
        plan: Plan,
        /// Where it is.
        address: Address,
        /// Past Tor.
        is_direct: bool,
    },
    /// Somebody else's encoder, by RTMP.
    Rtmp,
    /// Somebody else's encoder, by HTTP.
    Ingest,
}

impl Source {
    /// Who is to make something come.
    pub(super) fn supply(&self) -> Supply {
        match self {
            Self::Watch => Supply::Directory,
            Self::Demo | Self::Encoder(_) => Supply::Own,
            Self::Url { .. } => Supply::Feed,
            Self::Rtmp | Self::Ingest => Supply::Push,
        }
    }
}

impl SourceArguments {
    /// Settings that these arguments stand for.
    pub(super) fn overrides(&self) -> impl Iterator<Item = Override> {
        let preset = self.preset.as_deref();
        let preset = preset.map(|word| Override::flag("--preset", "encoder.preset", word));
        let rate = self.bitrate.as_deref();
        let rate = rate.map(|kbits| Override::flag("--bitrate", "encoder.video_kbits", kbits));
        let hardware = self.hardware.as_deref();
        let hardware = hardware.map(|name| Override::flag("--hardware", "encoder.hardware", name));
        let rtmp = self.rtmp.as_deref();
        let rtmp = rtmp.map(|address| Override::flag("--rtmp", "encoder.rtmp", address));
        let encoding = preset.into_iter().chain(hardware).chain(rate);
        encoding.chain(rtmp)
    }

    /// What is wrong with them together, if anything.
    pub(super) fn conflict(&self) -> Option<String> {
        let has_files = matches!(self.source, Kind::File | Kind::Folder);
        let is_url = matches!(self.source, Kind::Url);
        if self.what.is_some() && !has_files && !is_url {
            return Some(
                "a file, a directory or an address can only be named after `--source file`, \
                 `--source folder` or `--source url`"
                    .to_owned(),
            );
        }
        if !self.direct.is_empty() && !is_url {
            return Some("`--direct` is for `--source url`".to_owned());
        }
        let said = |word| self.direct.contains(&word);
        match (said(Direct::NoTor), said(Direct::ShowsMyAddress)) {
            (true, false) => {
                return Some(
                    "past Tor, whoever runs the feed sees the address of this computer; if that is all \
                     right, say so with `--direct shows-my-address` besides, else leave `--direct` out"
                        .to_owned(),
                );
            }
            (false, true) => {
                return Some(
                    "the address of this computer is only shown when the feed is not fetched through \
                     Tor; if you want that, say so with `--direct no-tor` besides, else leave \
                     `--direct` out"
                        .to_owned(),
                );
            }
            _ => {}
        }
        if is_url && let Some(Err(mistake)) = self.address() {
            return Some(mistake.to_string());
        }
        let is_encoded = !matches!(
            self.source,
            Kind::Demo | Kind::Watch | Kind::Rtmp | Kind::Ingest
        );
        let says_how = self.preset.is_some() || self.hardware.is_some() || self.bitrate.is_some();
        if says_how && !is_encoded {
            return Some(format!(
                "`--preset`, `--hardware` and `--bitrate` are for an encoder that onionstream runs, and \
                 `{}` has none; say it to the encoder that you use, or name another source with \
                 `--source`",
                self.word()
            ));
        }
        let preset = self.preset.as_deref().and_then(Preset::parse);
        let hardware = self.hardware.as_deref().and_then(HardwareEncoder::parse);
        if hardware.is_some() && preset.is_some_and(|preset| !preset.is_h264()) {
            return Some(
                "`--hardware` encodes H.264: use it with `--preset low-latency` or `balanced`"
                    .to_owned(),
            );
        }
        (self.again && !has_files).then(|| {
            "`--loop` is for `--source file` and `--source folder`; `demo` loops anyway".to_owned()
        })
    }

    /// The address of a feed, unless it comes through standard input.
    fn address(&self) -> Option<Result<Address, AddressError>> {
        let text = self.what.as_ref().filter(|text| text.as_os_str() != "-")?;
        Some(Address::parse(text.to_str().unwrap_or("\u{fffd}://")))
    }

    /// A feed, if it may be fetched.
    fn feed(&self, settings: &Settings) -> anyhow::Result<Source> {
        let is_direct = !self.direct.is_empty();
        anyhow::ensure!(
            is_direct || settings.onion.enabled,
            "the feed of `--source url` is fetched through Tor, which is switched off (`--no-tor`, or \
             `enabled = false` in `[onion]`); leave that out, or read about `--direct` in \
             `onionstream start --help`"
        );
        let address = match self.address() {
            Some(address) => address,
            None => Address::parse(line_of_input()?.trim()),
        };
        Ok(Source::Url {
            plan: plan(settings, Input::Test),
            address: address?,
            is_direct,
        })
    }

    /// What people call the source.
    pub(super) fn word(&self) -> String {
        let word = self.source.to_possible_value();
        word.map(|word| word.get_name().to_owned())
            .unwrap_or_default()
    }

    /// The source. Reads the address of a feed from standard input if it is to come from there.
    ///
    /// # Errors
    ///
    /// A feed that may not be fetched, an address that is none, or no screen.
    pub(super) fn source(&self, settings: &Settings) -> anyhow::Result<Source> {
        let live = |input| Source::Encoder(Job::Live(plan(settings, input)));
        let microphone = || {
            let name = settings.encoder.microphone_name.clone();
            match settings.encoder.microphone.as_str() {
                "alsa" => Microphone::Alsa(name),
                "none" => Microphone::None,
                _ => Microphone::Pulse(name),
            }
        };
        Ok(match self.source {
            Kind::Url => self.feed(settings)?,
            Kind::Demo => Source::Demo,
            Kind::Watch => Source::Watch,
            Kind::Rtmp => Source::Rtmp,
            Kind::Ingest => Source::Ingest,
            Kind::Test => live(Input::Test),
            Kind::Screen => live(Input::Screen {
                display: display(settings)?,
                microphone: microphone(),
            }),
            Kind::Camera => live(Input::Camera {
                device: settings.encoder.camera.clone(),
                microphone: microphone(),
            }),
            Kind::File | Kind::Folder => Source::Encoder(Job::Files {
                plan: plan(settings, Input::Test),
                path: self.what.clone().unwrap_or_default(),
                again: self.again,
            }),
        })
    }
}

/// Longest line of standard input that is read for an address, in bytes; more than any has.
const MAX_LINE: u64 = 8 * 1024;

/// A line of standard input: so that no list of processes shows it.
fn line_of_input() -> anyhow::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    std::io::stdin()
        .lock()
        .take(MAX_LINE)
        .read_line(&mut text)
        .context("cannot read the address of the feed from standard input")?;
    Ok(text)
}

fn display(settings: &Settings) -> anyhow::Result<String> {
    let mut named = settings.encoder.screen.clone();
    if named.is_empty() {
        named = std::env::var("DISPLAY").unwrap_or_default();
    }
    anyhow::ensure!(
        !named.is_empty() || !settings.encoder.preset.has_video(),
        "there is no X11 screen here: `DISPLAY` is not set; start this from a terminal on the X11 \
         desktop, or name a screen with `--set encoder.screen=:0`; Wayland desktops give their picture \
         to OBS only"
    );
    Ok(named)
}

/// How our own encoder encodes.
pub(super) fn plan(settings: &Settings, input: Input) -> Plan {
    let encoder = &settings.encoder;
    // Half of the colour needs whole pixels of its own.
    let even = |pixels: usize| (pixels & !1) as u64;
    Plan {
        ffmpeg: encoder.ffmpeg.clone().into(),
        input,
        preset: encoder.preset,
        shape: Shape {
            width: even(encoder.width),
            height: even(encoder.height),
            frame_rate: encoder.frame_rate as u64,
        },
        video_kbits: encoder.video_kbits as u64,
        sound: Sound {
            kbits: encoder.audio_kbits as u64,
        },
        hardware: encoder.hardware.map(|hardware| Hardware {
            encoder: hardware,
            device: encoder.hardware_device.clone(),
        }),
    }
}

/// `onionstream ffmpeg`: prints the command instead of running it.
pub(super) fn print_command(
    arguments: &SourceArguments,
    settings: &Settings,
    into_directory: bool,
) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(
        arguments.source != Kind::Url,
        "the command of `--source url` is not printed: by itself ffmpeg would fetch the feed past Tor, \
         and show the address of this computer to whoever runs it"
    );
    let Source::Encoder(job) = arguments.source(settings)? else {
        anyhow::bail!(
            "`demo`, `watch`, `rtmp` and `ingest` start no encoder; name another source with `--source`"
        );
    };
    let plans = match job {
        Job::Live(plan) => vec![plan],
        Job::Files { plan, path, .. } => encoder::plans(&plan, &path, &leash(Arc::default()))?,
        // Made when a show starts.
        Job::Feed { .. } => Vec::new(),
    };
    for plan in plans {
        let mut words = vec![OsString::from(&plan.ffmpeg)];
        words.extend(if into_directory {
            plan.arguments_for_directory(&settings.ingest.directory)
        } else {
            plan.arguments()
        });
        super::print(&format!("{}\n", encoder::quoted(&words)))?;
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hardware_that_nobody_knows_is_answered_with_what_there_is() {
        assert_eq!(hardware("h264_qsv").as_deref(), Ok("h264_qsv"));
        assert_eq!(hardware("none").as_deref(), Ok("none"));
        let refused = hardware("nvenc").unwrap_err();
        for part in ["`none`", "`h264_nvenc`", "`onionstream doctor`"] {
            assert!(refused.contains(part), "{refused}");
        }
    }

    #[test]
    fn a_bitrate_is_written_as_people_write_it() {
        for (text, read) in [
            ("700", "700"),
            ("700k", "700"),
            ("1.5M", "1500"),
            ("64K", "64"),
        ] {
            assert_eq!(kbits(text).as_deref(), Ok(read));
        }
        for text in ["", "k", "fast", "-1", "1e3", "inf"] {
            assert!(kbits(text).is_err(), "{text}");
        }
    }
}
