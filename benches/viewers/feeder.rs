//! The encoder's place: a thread that writes a fragment each 200 ms until it is dropped.
//!
//! Belongs here: where the bytes go (a stream directory, or a socket of the minimal server) and
//! when. Each fragment carries the time just before it is written.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    sync::mpsc::{RecvTimeoutError, Sender, channel},
    thread::{self, JoinHandle},
    time::Duration,
};

use crate::{clock, media};

/// Segments that are left in the directory.
const KEPT_SEGMENTS: u64 = 5;

/// A running feeder.
pub(crate) struct Feeder {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Feeder {
    /// Writes `init.mp4` and growing segments to a directory.
    pub(crate) fn into_directory(directory: &Path) -> Self {
        let mut segments = Segments {
            directory: directory.to_owned(),
            open: None,
        };
        fs::write(directory.join("init.mp4"), media::init_segment()).expect("a stream directory");
        Self::start(move |number| segments.write(number))
    }

    /// Writes the fragments to the minimal server.
    pub(crate) fn into_socket(mut socket: TcpStream) -> Self {
        socket.set_nodelay(true).expect("a socket option");
        Self::start(move |number| socket.write_all(&media::fragment(number, clock::nanos())))
    }

    fn start(mut write: impl FnMut(u64) -> io::Result<()> + Send + 'static) -> Self {
        let (stop, stopped) = channel();
        let thread = thread::spawn(move || {
            let period = Duration::from_millis(media::FRAGMENT_MILLIS);
            let started = clock::now();
            for number in 0_u64.. {
                let due = period.saturating_mul(u32::try_from(number).unwrap_or(u32::MAX));
                let wait = due.saturating_sub(started.elapsed());
                if stopped.recv_timeout(wait) != Err(RecvTimeoutError::Timeout) {
                    return;
                }
                if let Err(error) = write(number) {
                    // The server has ended; who reads the results finds out.
                    crate::say(&format!("the feeder cannot write any more: {error}"));
                    return;
                }
            }
        });
        Self {
            stop: Some(stop),
            thread: Some(thread),
        }
    }
}

impl Drop for Feeder {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

struct Segments {
    directory: PathBuf,
    open: Option<File>,
}

impl Segments {
    fn write(&mut self, number: u64) -> io::Result<()> {
        let segment = number / media::FRAGMENTS_PER_SEGMENT;
        if number.is_multiple_of(media::FRAGMENTS_PER_SEGMENT) {
            self.open = Some(File::create(self.path(segment))?);
            if let Some(old) = segment.checked_sub(KEPT_SEGMENTS) {
                fs::remove_file(self.path(old))?;
            }
        }
        let fragment = media::fragment(number, clock::nanos());
        match &mut self.open {
            Some(file) => file.write_all(&fragment),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn path(&self, segment: u64) -> PathBuf {
        self.directory.join(format!("stream{segment}.m4s"))
    }
}
