//! The one table of settings.
//!
//! Belongs here: every setting with its type, default, range and sentence. The typed sections, the
//! loader, `config show`, `onionstream.example.toml` and `docs/configuration.md` all come from it.
//! Does not belong here: how a value is written (`value.rs`) or where it came from (`layers.rs`).

mod field;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use super::value::{Kind, LEVELS, Listen, Value};
use crate::{
    encoder::{HardwareEncoder, Preset},
    media::delay::Delay,
};

/// A group of settings: `[name]` in the file.
#[derive(Debug)]
pub(super) struct Section {
    pub(super) name: &'static str,
    pub(super) doc: &'static str,
    pub(super) settings: &'static [Setting],
}

/// One line of the table.
#[derive(Debug)]
pub(super) struct Setting {
    pub(super) key: &'static str,
    pub(super) kind: Kind,
    /// As a person would write it, without quotes.
    pub(super) default: &'static str,
    pub(super) doc: &'static str,
}

/// A type that a setting can have in [`Settings`].
trait Field: Sized {
    /// Takes the value over; relative paths start at `dir`. Nothing if the kind does not fit.
    fn take(value: &Value, dir: &Path) -> Option<Self>;
}

/// Writes the typed sections and the table from one text, so that they cannot drift apart.
macro_rules! settings {
    ($(
        #[doc = $section_doc:literal]
        $section:ident: $Section:ident {$(
            $(#[doc = $doc:literal])+
            $key:ident: $Type:ty = $default:literal, $kind:expr;
        )+}
    )+) => {
        $(
            #[doc = $section_doc]
            #[derive(Debug, Clone, PartialEq, Eq)]
            pub struct $Section {
                $( $(#[doc = $doc])+ pub $key: $Type, )+
            }
        )+

        /// Everything that can be configured, checked.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct Settings {
            /// The working directory, absolute.
            pub dir: PathBuf,
            $( #[doc = $section_doc] pub $section: $Section, )+
        }

        /// All sections, in the order of the file.
        pub(super) const SECTIONS: &[Section] = &[$(
            Section {
                name: stringify!($section),
                doc: $section_doc,
                settings: &[$(
                    Setting {
                        key: stringify!($key),
                        kind: $kind,
                        default: $default,
                        doc: concat!($($doc),+),
                    },
                )+],
            },
        )+];

        impl Settings {
            /// Moves checked values into their types; `value` is asked for each section and key.
            pub(super) fn from_values<'v>(
                dir: PathBuf,
                value: impl Fn(&str, &str) -> Option<&'v Value>,
            ) -> Option<Self> {
                Some(Self {
                    $( $section: $Section {
                        $( $key: Field::take(value(stringify!($section), stringify!($key))?, &dir)?, )+
                    }, )+
                    dir,
                })
            }
        }
    };
}

const fn seconds(min: u64, max: u64) -> Kind {
    Kind::Time(Duration::from_secs(min), Duration::from_secs(max))
}

const fn millis(min: u64, max: u64) -> Kind {
    Kind::Time(Duration::from_millis(min), Duration::from_millis(max))
}

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const HOUR: u64 = 3_600;

settings! {
    /// The web server: where it listens on this computer, and what one connection may cost.
    http: Http {
        /// Address of the local preview: loopback, or a Unix socket; never a public address,
        /// because whoever reaches the site outside Tor learns where this computer is.
        listen: Listen = "127.0.0.1:5051", Kind::Address;
        /// Connections open at the same time, local and through Tor together; further ones wait, and
        /// one in eight (at most 64) is left for this computer.
        max_connections: usize = "4096", Kind::Count(1, 65_536);
        /// Browser sessions that are remembered; beyond it the one that was quiet longest is
        /// forgotten.
        max_sessions: usize = "10000", Kind::Count(100, 1_000_000);
        /// Time a browser may take to send the head of a request.
        head_timeout: Duration = "30s", seconds(1, 300);
        /// A connection that takes no bytes for this long is ended.
        stall_timeout: Duration = "60s", seconds(5, HOUR);
        /// Bytes the system may hold for a slow viewer on a local connection; more hides from the
        /// program that the viewer has fallen behind.
        send_buffer: usize = "64KiB", Kind::Size(4 * KIB, 4 * MIB);
    }
    /// The video: how far behind the live picture viewers start, and what is kept for them.
    playback: Playback {
        /// How old the picture is that a viewer starts from who asks for little delay; freezes
        /// first when Tor is slow.
        delay_low: Duration = "2.5s", millis(500, 60_000);
        /// How old the picture is that a viewer starts from who asks for nothing special.
        delay_normal: Duration = "4s", millis(500, 60_000);
        /// How old the picture is that a viewer starts from who prefers a calm picture.
        delay_safe: Duration = "8s", millis(500, 120_000);
        /// The delay of a viewer who has not chosen one.
        default_delay: Delay = "normal", Kind::Word(DELAYS);
        /// A viewer who is further behind than the delay and this is moved forward.
        max_lag: Duration = "10s", seconds(1, 300);
        /// How much video is kept in memory, as playing time; viewers can start so far back, less
        /// `max_lag`.
        keep: Duration = "4min", seconds(5, HOUR);
        /// How much video is kept in memory, as bytes; whichever of the two is reached first.
        keep_bytes: usize = "64MiB", Kind::Size(MIB, 4096 * MIB);
        /// Videos one browser session may have open; a further one ends the oldest.
        responses_per_viewer: usize = "2", Kind::Count(1, 16);
        /// Whether new viewers are offered less, or asked to wait, when your connection is full.
        admission: bool = "true", Kind::Flag;
        /// Kilobits a second that viewers may get together, a tenth of it for those who only
        /// listen; 0 to go by what is measured alone.
        max_upload_kbits: usize = "0", Kind::Count(0, 100_000_000);
    }
    /// The files that an encoder writes, and the title.
    ingest: Ingest {
        /// The directory that is watched for the playlist and the segments.
        directory: PathBuf = "stream", Kind::Path;
        /// The file whose first line is the title of the broadcast.
        title_file: PathBuf = "title.txt", Kind::Path;
        /// Off air after this long without new video, but at least three target durations of the
        /// playlist.
        silence: Duration = "8s", seconds(1, 300);
        /// Largest accepted fragment (one `moof` and `mdat`).
        max_fragment: usize = "8MiB", Kind::Size(64 * KIB, 256 * MIB);
        /// Largest accepted segment file.
        max_segment: usize = "64MiB", Kind::Size(64 * KIB, 1024 * MIB);
        /// Whether names of encoders, dates, places, devices and the like are taken out of the
        /// stream; if not, viewers can read them, and only the broadcaster is told.
        strip_metadata: bool = "true", Kind::Flag;
    }
    /// The encoder that `--source` starts: ffmpeg, with these numbers.
    encoder: Encoder {
        /// The program: a name that is looked for as the shell does, or a whole path.
        ffmpeg: String = "ffmpeg", Kind::Text;
        /// How it encodes: H.264 and AAC with little delay or balanced, VP9 and Opus that every Tor
        /// Browser plays, or sound alone.
        preset: Preset = "balanced", Kind::Word(&Preset::WORDS);
        /// Hardware in place of the processor for H.264, which is worth trying on a slow computer:
        /// `onionstream doctor` says what works here.
        hardware: Option<HardwareEncoder> = "none", Kind::Word(&HardwareEncoder::WORDS);
        /// The graphics card for `h264_vaapi`.
        hardware_device: PathBuf = "/dev/dri/renderD128", Kind::Path;
        /// Kilobits a second of the picture; times the viewers it is what you send.
        video_kbits: usize = "500", Kind::Count(50, 20_000);
        /// Kilobits a second of the sound.
        audio_kbits: usize = "64", Kind::Count(6, 510);
        /// Width of the picture in pixels; even.
        width: usize = "640", Kind::Count(64, 3840);
        /// Height of the picture in pixels; even.
        height: usize = "360", Kind::Count(64, 2160);
        /// Frames a second.
        frame_rate: usize = "25", Kind::Count(1, 60);
        /// The X11 screen of `--source screen`, like `:0`; empty for the one of this terminal.
        screen: String = "", Kind::Text;
        /// The device of `--source camera`.
        camera: PathBuf = "/dev/video0", Kind::Path;
        /// Who reads the microphone: `pulse` (`PipeWire` too), `alsa`, or nobody.
        microphone: String = "pulse", Kind::Word(MICROPHONES);
        /// What `pulse` or `alsa` call the microphone.
        microphone_name: String = "default", Kind::Text;
        /// A picture or a short clip that viewers see while the encoder is away, whoever runs it; empty
        /// for the card that is built in.
        slate: Option<PathBuf> = "", Kind::OptionalPath;
        /// How long it is shown at most before the show is off the air; "0s" for no slate.
        slate_for: Duration = "5min", seconds(0, HOUR);
        /// Whether `low`, a smaller quality, is made from the broadcast itself; `--low` is the same.
        low: bool = "false", Kind::Flag;
        /// Kilobits a second of `low`, with its sound.
        low_kbits: usize = "200", Kind::Count(80, 2_000);
        /// Where `--source rtmp` waits for OBS: a loopback address with a port.
        rtmp: Listen = "127.0.0.1:1935", Kind::Address;
    }
    /// Recordings: one file for each run of the show.
    recording: Recording {
        /// Whether the show is recorded whenever it is on the air; `--record` is the same as `true`.
        enabled: bool = "false", Kind::Flag;
        /// The directory of the recordings; nobody else may read what is made there.
        directory: PathBuf = "recordings", Kind::Path;
        /// Recordings are deleted so many days after they began; 0 keeps them.
        keep_days: usize = "0", Kind::Count(0, 36_500);
        /// What all recordings may take together; the desk warns at four fifths, recording ends
        /// there, and nothing is deleted for it.
        max_size: usize = "10GiB", Kind::Size(64 * KIB, 1024 * 1024 * 1024 * MIB);
        /// What the disk keeps for everything else; the desk warns when there is less than twice
        /// as much, and recording ends there.
        keep_free: usize = "1GiB", Kind::Size(0, 1024 * 1024 * MIB);
        /// Whether viewers find the recordings at `/recordings`; hidden ones they do not.
        public: bool = "false", Kind::Flag;
        /// Whether the chat is kept with each recording, without the lines of those who say no;
        /// `--record-chat` is the same as `true`.
        chat: bool = "false", Kind::Flag;
        /// Whether viewers get the chats of the recordings that they find.
        chat_public: bool = "false", Kind::Flag;
    }
    /// The live panel: title, light, uptime and viewers, in one response that does not end.
    live: Live {
        /// Time between signs of life; a page shows "connection lost" when they stay away.
        heartbeat: Duration = "10s", seconds(2, 60);
        /// The response ends after this long and the page asks again, so that browsers stay light.
        max_age: Duration = "1h", seconds(60, 24 * HOUR);
        /// The response also ends after this many elements.
        max_elements: usize = "2000", Kind::Count(100, 100_000);
        /// Panels one browser session may have open; a further one ends the oldest.
        responses_per_viewer: usize = "2", Kind::Count(1, 16);
        /// How often the panel without an endless response (`/live?static=1`) asks again.
        static_refresh: Duration = "10s", seconds(2, 300);
    }
    /// The chat: what is kept, and how fast people may talk.
    chat: Chat {
        /// Messages kept in memory; newcomers see the last 256.
        messages_kept: usize = "8192", Kind::Count(256, 1_000_000);
        /// Least time between two messages of a person.
        gap: Duration = "1s", millis(0, 60_000);
        /// The time over which messages and rows are counted.
        window: Duration = "20s", seconds(1, 600);
        /// So many messages of a person in that time, and a captcha is due.
        flood_messages: usize = "4", Kind::Count(2, 1_000);
        /// So many rows of a person in that time, and the rest has to wait.
        flood_rows: usize = "20", Kind::Count(20, 10_000);
        /// Changes of name, colour or tripcode that a person has in a minute.
        changes_per_minute: usize = "6", Kind::Count(1, 1_000);
        /// So many messages of everybody in that time, and the room slows down.
        busy_messages: usize = "60", Kind::Count(5, 100_000);
        /// Least time between two messages of a person while the room is slow.
        slow_gap: Duration = "10s", seconds(1, 600);
        /// How long the room stays slow.
        slow_for: Duration = "60s", seconds(5, HOUR);
        /// So many new people in a minute are a raid: every message needs a captcha.
        raid_newcomers: usize = "60", Kind::Count(5, 100_000);
        /// How long that lasts.
        raid_for: Duration = "5min", seconds(10, 24 * HOUR);
        /// Somebody without an open page counts as here for this long.
        here_for: Duration = "20s", seconds(5, HOUR);
        /// A directory with pictures and `emotes.toml`; may be missing.
        emotes: PathBuf = "emotes", Kind::Path;
    }
    /// The captcha: a speed bump for programs, see docs/captcha.md.
    captcha: Captcha {
        /// Whether people solve one before they see anything of the site, which keeps external
        /// players out too; never asked on the local preview.
        entrance: bool = "true", Kind::Flag;
        /// Whether people who cannot see pictures may ask for a question in words.
        questions: bool = "true", Kind::Flag;
        /// Messages of a person from one captcha to the next.
        every: usize = "40", Kind::Count(1, 1_000_000);
        /// Answers to one captcha.
        tries: usize = "5", Kind::Count(1, 100);
        /// How long one can be answered.
        lifetime: Duration = "10min", seconds(30, 24 * HOUR);
        /// Captchas open at the same time; beyond it the oldest is forgotten.
        open: usize = "1024", Kind::Count(16, 100_000);
    }
    /// The onion service.
    onion: Onion {
        /// Whether the site is published on the Tor network; `--no-tor` is the same as `false`.
        enabled: bool = "true", Kind::Flag;
        /// The directory with the identity of the site: whoever has it can pretend to be the site.
        keys: PathBuf = "onion-keys", Kind::Path;
        /// The directory where Tor keeps its state and its copy of the network directory.
        state: PathBuf = "state", Kind::Path;
        /// A TOML file that is merged into the configuration of arti: bridges, private networks.
        network: Option<PathBuf> = "", Kind::OptionalPath;
        /// Streams open at the same time on one circuit, which is about one viewer.
        max_streams_per_circuit: usize = "16", Kind::Count(1, 1_024);
        /// Circuits of viewers open at the same time; further ones are turned away.
        max_circuits: usize = "4096", Kind::Count(1, 65_536);
    }
    /// What is written to standard error.
    log: Log {
        /// How much is logged: a level for this program, or a filter; filters that turn up other
        /// parts to `debug` or `trace` may write down what viewers send.
        level: LogFilter = "info", Kind::Filter;
    }
}

/// The words of [`Delay::ALL`], which a constant cannot ask for.
const MICROPHONES: &[&str] = &["pulse", "alsa", "none"];

const DELAYS: &[&str] = &["low", "normal", "safe"];

impl Playback {
    /// The age of the picture that a viewer with this choice starts from.
    pub const fn delay(&self, choice: Delay) -> Duration {
        match choice {
            Delay::Low => self.delay_low,
            Delay::Normal => self.delay_normal,
            Delay::Safe => self.delay_safe,
        }
    }
}

/// Which log lines are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFilter(String);

/// Parts of the Tor client that warn about every relay that does not answer: what it means for the
/// broadcaster is said by the status of the onion service.
const CHATTER: &str = "tor_netdir=error,tor_dirmgr=error,tor_circmgr=error,tor_guardmgr=error";

impl LogFilter {
    /// As `target=level` directives with commas between them.
    ///
    /// A single level is the level of this program; everything else then stays at `warn`.
    pub fn directives(&self) -> String {
        if LEVELS.contains(&self.0.as_str()) {
            let others = if self.0 == "error" { "error" } else { "warn" };
            format!("onionstream={},{others},{CHATTER}", self.0)
        } else {
            self.0.clone()
        }
    }
}

/// The default of a setting as a value.
pub(super) fn default_of(setting: &Setting) -> Value {
    setting
        .kind
        .read(setting.default)
        .expect("a test reads every default of the table")
}

#[cfg(test)]
mod tests;
