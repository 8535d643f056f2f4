//! A small HTTP server that has a feed, and remembers who came for what.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use super::stage::watch;

/// What is served besides files.
#[derive(Debug, Clone)]
pub(crate) enum Page {
    /// A text of this type.
    Text(&'static str, String),
    /// Somewhere else.
    Redirect(String),
    /// No.
    Status(u16),
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Visit {
    /// Path and query.
    pub(crate) path: String,
    /// All fields.
    pub(crate) head: String,
    /// The process that came, if it could be found.
    pub(crate) process: Option<u32>,
}

/// A server of a directory; dropping it ends it and all its connections.
#[derive(Debug)]
pub(crate) struct FeedServer {
    address: SocketAddr,
    visits: Arc<Mutex<Vec<Visit>>>,
    connections: Arc<Mutex<Vec<TcpStream>>>,
    closing: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl FeedServer {
    /// Serves the files of a directory, and these pages by their path.
    pub(crate) fn start(directory: &Path, pages: BTreeMap<String, Page>) -> Self {
        Self::start_at("127.0.0.1:0".parse().expect("an address"), directory, pages)
    }

    /// The same, where another one was before.
    pub(crate) fn start_at(
        address: SocketAddr,
        directory: &Path,
        pages: BTreeMap<String, Page>,
    ) -> Self {
        // The port of one that has just ended is free in a moment.
        let listener = watch(Duration::from_secs(5), || TcpListener::bind(address).ok());
        let listener = listener.expect("a port");
        let address = listener.local_addr().expect("an address");
        let visits = Arc::new(Mutex::new(Vec::new()));
        let connections = Arc::new(Mutex::new(Vec::new()));
        let closing = Arc::new(AtomicBool::new(false));
        let shared = Shared {
            directory: directory.to_owned(),
            pages,
            visits: Arc::clone(&visits),
        };
        let (open, ends) = (Arc::clone(&connections), Arc::clone(&closing));
        let thread = thread::spawn(move || {
            let shared = Arc::new(shared);
            for stream in listener.incoming() {
                if ends.load(Ordering::SeqCst) {
                    return;
                }
                let stream = stream.expect("a connection");
                open.lock()
                    .expect("no panic")
                    .push(stream.try_clone().expect("a handle"));
                let shared = Arc::clone(&shared);
                thread::spawn(move || shared.answer(stream));
            }
        });
        Self {
            address,
            visits,
            connections,
            closing,
            thread: Some(thread),
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn visits(&self) -> Vec<Visit> {
        self.visits.lock().expect("no panic").clone()
    }
}

impl Drop for FeedServer {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::SeqCst);
        // Wakes the thread.
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
        for stream in self.connections.lock().expect("no panic").drain(..) {
            drop(stream.shutdown(std::net::Shutdown::Both));
        }
    }
}

struct Shared {
    directory: PathBuf,
    pages: BTreeMap<String, Page>,
    visits: Arc<Mutex<Vec<Visit>>>,
}

impl Shared {
    fn answer(&self, mut stream: TcpStream) {
        let process = stream.peer_addr().ok().and_then(owner);
        let mut lines = BufReader::new(stream.try_clone().expect("a handle")).lines();
        let Some(Ok(request)) = lines.next() else {
            return;
        };
        let head: Vec<String> = lines
            .map_while(Result::ok)
            .take_while(|line| !line.is_empty())
            .collect();
        let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
        self.visits.lock().expect("no panic").push(Visit {
            path: path.clone(),
            head: head.join("\n").to_lowercase(),
            process,
        });
        let name = path.split('?').next().unwrap_or_default();
        let (status, field, body) = match self.pages.get(name) {
            Some(Page::Text(kind, text)) => (
                200,
                format!("Content-Type: {kind}\r\n"),
                text.clone().into_bytes(),
            ),
            Some(Page::Redirect(place)) => (302, format!("Location: {place}\r\n"), Vec::new()),
            Some(Page::Status(status)) => (*status, String::new(), Vec::new()),
            None => match fs::read(self.directory.join(name.trim_start_matches('/'))) {
                Ok(bytes) => (200, String::new(), bytes),
                Err(_) => (404, String::new(), Vec::new()),
            },
        };
        let head = format!(
            "HTTP/1.1 {status} x\r\n{field}Set-Cookie: a=b\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        // Who has gone away is not interested.
        drop(stream.write_all(head.as_bytes()));
        drop(stream.write_all(&body));
        drop(stream.shutdown(std::net::Shutdown::Both));
    }
}

/// The process at the other end of a connection from this computer.
fn owner(peer: SocketAddr) -> Option<u32> {
    let SocketAddr::V4(peer) = peer else {
        return None;
    };
    let ip = u32::from_le_bytes(peer.ip().octets());
    let wanted = format!("{ip:08X}:{:04X}", peer.port());
    let table = fs::read_to_string("/proc/net/tcp").ok()?;
    let line = table
        .lines()
        .find(|line| line.split_whitespace().nth(1) == Some(wanted.as_str()))?;
    let socket = format!("socket:[{}]", line.split_whitespace().nth(9)?);
    let processes = fs::read_dir("/proc").ok()?;
    let numbers = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    numbers.into_iter().find(|number: &u32| {
        let files = fs::read_dir(format!("/proc/{number}/fd"))
            .into_iter()
            .flatten();
        files.filter_map(Result::ok).any(|file| {
            fs::read_link(file.path()).is_ok_and(|link| link.as_os_str() == socket.as_str())
        })
    })
}
