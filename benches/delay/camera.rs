//! A camera in front of a clock: real ffmpeg with our own recipe, fed with pictures in real time.

use std::{
    io::{self, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    process::Command,
    sync::mpsc::{RecvTimeoutError, Sender, channel},
    thread::{self, JoinHandle},
    time::Duration,
};

use crate::{
    barcode::{self, Scene},
    clock,
    stage::{process::Process, watch},
};

/// Pictures a second.
const RATE: u32 = 25;
/// How long ffmpeg may take to ask for pictures.
const STARTS_WITHIN: Duration = Duration::from_secs(20);

/// A running camera with its encoder; both end when it is dropped.
pub(crate) struct Camera {
    // Killed first: then the thread can write to nobody, and ends.
    encoder: Option<Process>,
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Camera {
    /// Films a scene into a stream directory with a preset of `ffmpeg/recipe.sh`.
    pub(crate) fn start(stream: &Path, preset: &str, scene: Scene) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port for the pictures");
        listener.set_nonblocking(true).expect("a listener");
        let address = listener.local_addr().expect("the port of a listener");
        let size = format!("{}x{}", barcode::WIDTH, barcode::HEIGHT);
        let recipe = concat!(env!("CARGO_MANIFEST_DIR"), "/ffmpeg/recipe.sh");
        let script = r#"set -eu; . "$1"; shift; check_settings; h264_aac "$@""#;
        let mut command = Command::new("sh");
        command
            .env("STREAM_DIR", stream)
            .env("PRESET", preset)
            .args(["-c", script, "recipe", recipe])
            .args([
                "-f",
                "rawvideo",
                "-pixel_format",
                "gray",
                "-video_size",
                &size,
            ])
            .args(["-framerate", &RATE.to_string()])
            .args(["-i", &format!("tcp://{address}")])
            .args(["-re", "-f", "lavfi", "-i", "sine=sample_rate=48000"])
            .args(["-map", "0:v", "-map", "1:a", "-filter:v", "format=yuv420p"]);
        let mut encoder = Process::start("ffmpeg", &mut command);
        let accepted = watch(STARTS_WITHIN, || {
            assert!(
                encoder.is_running(),
                "ffmpeg has ended:\n{}",
                encoder.story()
            );
            listener.accept().ok()
        });
        let (pictures, _) = accepted.expect("ffmpeg asks for the pictures");
        pictures.set_nonblocking(false).expect("a socket");
        let (stop, stopped) = channel();
        let film = move || {
            let mut pictures = pictures;
            let started = clock::now();
            for number in 0_u32.. {
                let wait =
                    (Duration::from_secs(1) / RATE * number).saturating_sub(started.elapsed());
                if stopped.recv_timeout(wait) != Err(RecvTimeoutError::Timeout)
                    || show(&mut pictures, scene).is_err()
                {
                    return;
                }
            }
        };
        Self {
            encoder: Some(encoder),
            stop: Some(stop),
            thread: Some(thread::spawn(film)),
        }
    }
}

/// Gives the encoder the picture of this moment.
fn show(pictures: &mut TcpStream, scene: Scene) -> io::Result<()> {
    pictures.write_all(&barcode::paint(clock::millis(), scene))
}

impl Drop for Camera {
    fn drop(&mut self) {
        drop(self.stop.take());
        drop(self.encoder.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}
