//! The honest viewer: a panel and a video, read as they come, and what is said in the chat.
//!
//! Messages are said through the control socket, so that what a form costs is not in the delay. Each
//! message and each fragment carries the time just before it was handed to the server.

use std::{
    io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    ops::Range,
    os::unix::net::UnixStream,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use crate::{clock, media, stage::http::Request};

/// From message to message.
const PAUSE: Duration = Duration::from_millis(5);
/// Before a time stamp.
const MARK: &[u8] = b"stamp-ns";
/// Decimal digits of a time stamp in a message.
const DIGITS: usize = 19;
/// Bytes of one read.
const BUFFER: usize = 64 * 1024;
/// What was sent at the end of an interval must have arrived.
const LATE: Duration = Duration::from_millis(100);
/// After a silence of this length a reader looks whether all is over.
const READ_WITHIN: Duration = Duration::from_millis(500);

/// When something was handed to the server, and how long it took to arrive; both in nanoseconds.
type Arrivals = Arc<Mutex<Vec<(u64, u64)>>>;

/// Delays in nanoseconds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Delays {
    pub(crate) messages: Vec<u64>,
    pub(crate) fragments: Vec<u64>,
}

/// Somebody who watches and reads.
pub(crate) struct Viewer {
    messages: Arrivals,
    fragments: Arrivals,
    over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Viewer {
    /// Opens everything.
    pub(crate) fn comes(address: SocketAddr, socket: &Path) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let (messages, fragments) = (Arrivals::default(), Arrivals::default());
        // With a session that came back, as browsers do: it does not give way to newcomers.
        let cookie = Request::get("/").send(address).cookies().concat();
        let again = Request::get("/").cookies(&[&cookie]).send(address);
        assert_eq!(again.status, 200);
        let panel = (
            "/live?follow=1",
            MARK.len() + 1 + DIGITS,
            said as fn(&[u8]) -> _,
        );
        let video = (
            "/stream.mp4?delay=low",
            media::STAMP_BYTES,
            written as fn(&[u8]) -> _,
        );
        let mut threads: Vec<_> = [(panel, &messages), (video, &fragments)]
            .into_iter()
            .map(|((target, length, stamp), arrivals)| {
                let (arrivals, over) = (Arc::clone(arrivals), Arc::clone(&over));
                let request =
                    format!("GET {target} HTTP/1.1\r\nHost: {address}\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n");
                thread::spawn(move || {
                    while !over.load(Ordering::Relaxed) {
                        read(address, &request, length, stamp, &arrivals, &over);
                    }
                })
            })
            .collect();
        let socket = UnixStream::connect(socket).expect("the control socket");
        let stop = Arc::clone(&over);
        threads.push(thread::spawn(move || talk(socket, &stop)));
        Self {
            messages,
            fragments,
            over,
            threads,
        }
    }

    /// How long everything took that was handed over in this time, in nanoseconds after 1970.
    pub(crate) fn saw(&self, time: Range<u64>) -> Delays {
        thread::sleep(LATE);
        let of = |arrivals: &Arrivals| {
            let mut arrivals = arrivals.lock().unwrap_or_else(PoisonError::into_inner);
            let delays = arrivals
                .iter()
                .filter(|(sent, _)| time.contains(sent))
                .map(|(_, delay)| *delay)
                .collect();
            arrivals.clear();
            delays
        };
        Delays {
            messages: of(&self.messages),
            fragments: of(&self.fragments),
        }
    }

    /// Closes everything.
    pub(crate) fn leaves(self) {
        self.over.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().expect("nothing of the viewer failed");
        }
    }
}

/// Says something again and again, and reads the answers.
fn talk(socket: UnixStream, over: &AtomicBool) {
    let mut answers = BufReader::new(socket.try_clone().expect("a socket"));
    let mut socket = socket;
    let mut answer = String::new();
    while !over.load(Ordering::Relaxed) {
        let line = format!("say stamp-ns {}\n", clock::nanos());
        socket
            .write_all(line.as_bytes())
            .expect("the server listens");
        answer.clear();
        answers.read_line(&mut answer).expect("the server answers");
        assert!(answer.starts_with("{\"ok\":"), "{answer}");
        thread::sleep(PAUSE);
    }
}

/// Reads one answer to its end.
fn read(
    address: SocketAddr,
    request: &str,
    length: usize,
    stamp: fn(&[u8]) -> Option<u64>,
    arrivals: &Arrivals,
    over: &AtomicBool,
) {
    let mut stream = TcpStream::connect(address).expect("the server listens");
    // What was said before is shown again when a panel is opened anew.
    let born = clock::nanos();
    stream
        .set_read_timeout(Some(READ_WITHIN))
        .expect("a socket with a timeout");
    stream.write_all(request.as_bytes()).expect("a request");
    let mut buffer = vec![0; BUFFER];
    let mut pending = Vec::new();
    while !over.load(Ordering::Relaxed) {
        let count = match stream.read(&mut buffer) {
            Ok(0) => return,
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
            Err(error) => panic!("{error}"),
        };
        let now = clock::nanos();
        pending.extend_from_slice(buffer.get(..count).unwrap_or_default());
        let mut done = 0;
        while let Some(at) = find(pending.get(done..).unwrap_or_default()) {
            let Some(text) = pending.get(done + at..done + at + length) else {
                break;
            };
            if let Some(sent) = stamp(text).filter(|sent| *sent >= born) {
                let mut arrivals = arrivals.lock().unwrap_or_else(PoisonError::into_inner);
                arrivals.push((sent, now.saturating_sub(sent)));
            }
            done += at + MARK.len();
        }
        // The beginning of a stamp may be all that has come of it.
        let keep = done.max(pending.len().saturating_sub(length));
        pending.drain(..keep);
    }
}

fn find(bytes: &[u8]) -> Option<usize> {
    bytes.windows(MARK.len()).position(|window| window == MARK)
}

/// The time in a message.
fn said(text: &[u8]) -> Option<u64> {
    let digits = text.get(MARK.len() + 1..)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// The time in a fragment.
fn written(bytes: &[u8]) -> Option<u64> {
    bytes.try_into().ok().and_then(media::stamp)
}
