//! The viewers: many connections in one process of their own, which measure when bytes arrive.
//!
//! Reading must cost as little as possible, or the client is measured instead of the server: one
//! thread, one buffer, and chunk headers say where the next time stamp is, so nothing is searched.
//! Panels are small and are searched.

use std::{
    cell::RefCell,
    future::poll_fn,
    io::{self, Write as _},
    net::SocketAddr,
    ops::Range,
    pin::Pin,
    rc::Rc,
    task::{Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead as _, AsyncWriteExt as _, ReadBuf},
    net::TcpStream,
    time::{sleep, timeout},
};

use crate::{clock, media};

/// What stands before a time stamp in a title.
pub(crate) const TITLE_MARK: &str = "stamp-ns";
/// Decimal digits of a time stamp in a title.
const TITLE_DIGITS: usize = 19;

/// How many connections are opened at a time.
const BATCH: usize = 50;
/// Everybody must have their first bytes within this.
const JOIN_WITHIN: Duration = Duration::from_secs(25);
/// From the last join to the first measurement.
const SETTLE: Duration = Duration::from_secs(2);
/// What arrives later than this after the end is lost.
const LATE: Duration = Duration::from_secs(1);
/// One read.
const BUFFER: usize = 256 * 1024;

/// What to do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan<'plan> {
    pub(crate) address: SocketAddr,
    pub(crate) target: &'plan str,
    pub(crate) viewers: usize,
    pub(crate) seconds: u64,
}

/// What all viewers have seen.
#[derive(Default)]
struct Seen {
    /// How many got something current.
    joined: usize,
    ended: usize,
    /// The stamps that count, in nanoseconds after 1970; empty before the measurement.
    counted: Range<u64>,
    delays: Vec<u64>,
}

/// Opens the responses, says `measuring` and `measured` on standard output and then the result.
pub(crate) fn run(plan: Plan<'_>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, watch(plan));
}

async fn watch(plan: Plan<'_>) {
    let seen = Rc::new(RefCell::new(Seen::default()));
    let buffer = Rc::new(RefCell::new(vec![0; BUFFER]));
    for viewer in 0..plan.viewers {
        let (seen, buffer) = (Rc::clone(&seen), Rc::clone(&buffer));
        let request = format!(
            "GET {} HTTP/1.1\r\nHost: {}\r\n\r\n",
            plan.target, plan.address
        );
        let (address, target) = (plan.address, plan.target.to_owned());
        let _viewer = tokio::task::spawn_local(async move {
            // A viewer who cannot go on is counted as ended, not a reason to stop the others.
            let chunks = Chunks::of(&target);
            drop(view(address, &request, chunks, &seen, &buffer).await);
            seen.borrow_mut().ended += 1;
        });
        if viewer % BATCH == BATCH - 1 {
            sleep(Duration::from_millis(20)).await;
        }
    }
    let all = async {
        while seen.borrow().joined < plan.viewers {
            sleep(Duration::from_millis(20)).await;
        }
    };
    let complete = timeout(JOIN_WITHIN, all).await.is_ok();
    sleep(SETTLE).await;

    say("measuring");
    let start = clock::nanos();
    seen.borrow_mut().counted = start..u64::MAX;
    sleep(Duration::from_secs(plan.seconds)).await;
    seen.borrow_mut().counted.end = clock::nanos();
    say("measured");
    sleep(LATE).await;

    let mut seen = seen.borrow_mut();
    seen.delays.sort_unstable();
    let at = |share: f64| {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "an index into some thousand delays"
        )]
        let index = (seen.delays.len().saturating_sub(1) as f64 * share) as usize;
        seen.delays.get(index).copied().unwrap_or(u64::MAX)
    };
    say(&format!(
        "result {} {} {} {} {} {}",
        at(0.5),
        at(0.99),
        at(1.0),
        seen.delays.len(),
        seen.ended,
        usize::from(!complete),
    ));
}

/// One viewer: until the response ends.
async fn view(
    address: SocketAddr,
    request: &str,
    mut chunks: Chunks,
    seen: &RefCell<Seen>,
    buffer: &RefCell<Vec<u8>>,
) -> io::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(request.as_bytes()).await?;
    let born = clock::nanos();
    let mut joined = false;
    loop {
        let read = poll_fn(|context| {
            let mut buffer = buffer.borrow_mut();
            let mut into = ReadBuf::new(&mut buffer);
            ready!(Pin::new(&mut stream).poll_read(context, &mut into))?;
            let now = clock::nanos();
            let mut seen = seen.borrow_mut();
            let bytes = into.filled();
            chunks.take(bytes, &mut |news| {
                let stamp = match news {
                    News::Panel => born,
                    News::Stamp(stamp) => stamp,
                };
                if stamp >= born && !joined {
                    joined = true;
                    seen.joined += 1;
                }
                if matches!(news, News::Stamp(_)) && seen.counted.contains(&stamp) {
                    seen.delays.push(now.saturating_sub(stamp));
                }
            });
            Poll::Ready(io::Result::Ok(bytes.len()))
        })
        .await?;
        if read == 0 {
            return Ok(());
        }
    }
}

/// Something in a response.
#[derive(Clone, Copy)]
enum News {
    /// A piece of a panel without a time stamp.
    Panel,
    /// A time stamp.
    Stamp(u64),
}

/// A reader of a chunked response that gets its bytes in pieces.
struct Chunks {
    panel: bool,
    state: State,
    /// The head of the response, a chunk's header, or what is kept of a chunk.
    text: Vec<u8>,
}

#[derive(Clone)]
enum State {
    Head,
    /// The line with the length of a chunk.
    Header,
    /// Inside a chunk.
    Data {
        at: usize,
        /// Where the next chunk begins.
        end: usize,
        keep: Range<usize>,
    },
}

impl Chunks {
    fn of(target: &str) -> Self {
        Self {
            panel: target.starts_with("/live"),
            state: State::Head,
            text: Vec::new(),
        }
    }

    fn take(&mut self, mut bytes: &[u8], report: &mut impl FnMut(News)) {
        while !bytes.is_empty() {
            bytes = match self.state.clone() {
                State::Head => self.line(bytes, b"\r\n\r\n"),
                State::Header => self.line(bytes, b"\r\n"),
                State::Data { at, end, keep } => self.data(bytes, at, end, keep, report),
            };
        }
    }

    /// Reads up to the end of the head or of a line.
    fn line<'rest>(&mut self, bytes: &'rest [u8], end: &[u8]) -> &'rest [u8] {
        for (index, &byte) in bytes.iter().enumerate() {
            self.text.push(byte);
            if self.text.ends_with(end) {
                self.state = match self.state {
                    State::Header => self.begin(),
                    _ => State::Header,
                };
                self.text.clear();
                return bytes.get(index + 1..).unwrap_or_default();
            }
        }
        &[]
    }

    /// The beginning of the chunk whose header was read.
    fn begin(&self) -> State {
        let line = String::from_utf8_lossy(&self.text);
        let length = usize::from_str_radix(line.trim(), 16).unwrap_or(0);
        let keep = match length {
            _ if self.panel => 0..length,
            media::FRAGMENT_BYTES => media::STAMP_AT..media::STAMP_AT + media::STAMP_BYTES,
            _ => 0..0,
        };
        State::Data {
            at: 0,
            end: length + 2,
            keep,
        }
    }

    /// Reads a part of a chunk.
    fn data<'rest>(
        &mut self,
        bytes: &'rest [u8],
        at: usize,
        end: usize,
        keep: Range<usize>,
        report: &mut impl FnMut(News),
    ) -> &'rest [u8] {
        let (part, rest) = bytes.split_at(bytes.len().min(end - at));
        let until = at + part.len();
        let kept = keep.start.clamp(at, until)..keep.end.clamp(at, until);
        self.text
            .extend_from_slice(part.get(kept.start - at..kept.end - at).unwrap_or_default());
        if (at + 1..=until).contains(&keep.end) {
            let stamp = if self.panel {
                stamp_in_title(&self.text)
            } else {
                self.text.as_slice().try_into().ok().and_then(media::stamp)
            };
            match stamp {
                Some(stamp) => report(News::Stamp(stamp)),
                None if self.panel => report(News::Panel),
                None => {}
            }
            self.text.clear();
        }
        self.state = if until == end {
            State::Header
        } else {
            State::Data {
                at: until,
                end,
                keep,
            }
        };
        rest
    }
}

fn stamp_in_title(html: &[u8]) -> Option<u64> {
    let html = std::str::from_utf8(html).ok()?;
    let (_, rest) = html.split_once(TITLE_MARK)?;
    rest.get(1..=TITLE_DIGITS)?.parse().ok()
}

fn say(line: &str) {
    let mut out = io::stdout();
    // When the benchmark is gone, nobody is left to tell.
    drop(writeln!(out, "{line}"));
}
