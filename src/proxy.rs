//! A small HTTP proxy, the only way out of the ffmpeg that fetches a feed.
//!
//! Belongs here: which requests pass, and carrying bytes within limits.
//! Does not belong here: where it listens, which is in the network of that ffmpeg alone
//! (`encoder/shut_off.rs`); how connections are made. That is a function which is handed in, one that goes
//! through Tor or [`direct::connect`].
//!
//! It speaks to one client of its own: whoever does not have the credential gets nothing. It answers
//! one request on each connection, `GET` and `HEAD` for `http:` and `CONNECT` for `https:`, and what a
//! server answers is passed on unread.
//!
//! The address of the feed stays here. The client asks for [`Proxy::placeholder`] and is sent on to the
//! real one, so that no process list shows it.
//!
//! Bounds: [`MAX_CONNECTIONS`] connections; a head of at most [`head::MAX_BYTES`] within
//! [`HEAD_WITHIN`]; [`CONNECT_WITHIN`] for a connection and [`SILENCE`] without a byte.

mod address;
mod carry;
mod credential;
pub mod direct;
mod head;

pub use self::address::{Address, AddressError, Host, Target};

use std::{fmt, future::Future, io, net::Ipv4Addr, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::{Semaphore, mpsc::UnboundedReceiver},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use self::{
    credential::Credential,
    head::{Refusal, Request},
};

/// Connections at a time: ffmpeg has one or two for each track that it reads.
const MAX_CONNECTIONS: usize = 16;

/// A request head must be here within this time. It comes from this computer.
const HEAD_WITHIN: Duration = Duration::from_secs(5);

/// A server must be reached within this time; through Tor, to an onion service, it can take half a
/// minute. Less than [`SILENCE`], so that the reason is said before ffmpeg loses its patience.
const CONNECT_WITHIN: Duration = Duration::from_secs(45);

/// A connection on which nothing moves for this long ends.
pub const SILENCE: Duration = Duration::from_mins(1);

/// The name under which the client asks for the feed. `invalid` can never be anybody's (RFC 6761).
const PLACEHOLDER: &str = "feed.invalid";

/// Which servers the proxy may reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Those of the internet, and onion services.
    Afar,
    /// The feed's own server besides, wherever it is: a camera in this network.
    OwnServer,
}

/// The proxy of one feed. Its `Debug` form shows neither the address nor the credential.
pub struct Proxy {
    rules: Arc<Rules>,
}

/// What decides about a request.
struct Rules {
    feed: Address,
    reach: Reach,
    credential: Credential,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy").finish_non_exhaustive()
    }
}

impl Proxy {
    /// A proxy with a new credential.
    ///
    /// # Errors
    ///
    /// The system has no randomness.
    pub fn new(feed: Address, reach: Reach) -> Result<Self, getrandom::Error> {
        let credential = Credential::new()?;
        let rules = Rules {
            feed,
            reach,
            credential,
        };
        Ok(Self {
            rules: Arc::new(rules),
        })
    }

    /// What goes into the environment of a client that finds the proxy at this port of its loopback, as
    /// `http_proxy`. With the credential: for nothing else.
    pub fn variable(&self, port: u16) -> Zeroizing<String> {
        let pair = self.rules.credential.pair();
        Zeroizing::new(format!("http://{pair}@{}:{port}", Ipv4Addr::LOCALHOST))
    }

    /// What the client is to ask for. It ends like the real address, which tells ffmpeg a playlist.
    pub fn placeholder(&self) -> String {
        match self.rules.feed.extension() {
            Some(extension) => format!("http://{PLACEHOLDER}/feed.{extension}"),
            None => format!("http://{PLACEHOLDER}/feed"),
        }
    }

    /// Serves the newest of the listeners that come through `doors`, until `closing` is cancelled.
    ///
    /// `connect` makes connections; when it cannot, it says why, to be read after "cannot be reached: ".
    /// `report` is told what was refused and what could not be reached.
    pub async fn serve<Connect, Connecting, Remote>(
        self,
        mut doors: UnboundedReceiver<std::net::TcpListener>,
        connect: Connect,
        report: impl Fn(String) + Send + Sync + 'static,
        closing: CancellationToken,
    ) where
        Connect: Fn(Target) -> Connecting + Send + Sync + 'static,
        Connecting: Future<Output = Result<Remote, String>> + Send + 'static,
        Remote: AsyncRead + AsyncWrite + Send + 'static,
    {
        let (connect, report) = (Arc::new(connect), Arc::new(report));
        let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let mut connections = JoinSet::new();
        let mut listener = None;
        loop {
            let next = async {
                match &listener {
                    Some(listener) => TcpListener::accept(listener).await,
                    None => std::future::pending().await,
                }
            };
            let accepted = tokio::select! {
                // Whatever is open ends with the set.
                () = closing.cancelled() => return,
                Some(_ended) = connections.join_next() => continue,
                Some(door) = doors.recv() => {
                    listener = open(door).ok();
                    continue;
                }
                accepted = next => accepted,
            };
            let Ok((client, _)) = accepted else {
                // No file descriptors: waiting is all that helps.
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            // Beyond the limit a connection ends at once, before it was read.
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                continue;
            };
            let rules = Arc::clone(&self.rules);
            let (connect, report) = (Arc::clone(&connect), Arc::clone(&report));
            connections.spawn(async move {
                let _place = place;
                // Errors are those of a peer that has gone.
                drop(answer(client, &rules, &*connect, &*report).await);
            });
        }
    }
}

fn open(door: std::net::TcpListener) -> io::Result<TcpListener> {
    door.set_nonblocking(true)?;
    TcpListener::from_std(door)
}

/// Answers the one request of a connection.
async fn answer<Connecting, Remote>(
    mut client: TcpStream,
    rules: &Rules,
    connect: &(impl Fn(Target) -> Connecting + Sync),
    report: &(impl Fn(String) + Sync),
) -> io::Result<()>
where
    Connecting: Future<Output = Result<Remote, String>> + Send,
    Remote: AsyncRead + AsyncWrite + Send,
{
    let request = match tokio::time::timeout(HEAD_WITHIN, read_head(&mut client)).await {
        Ok(Ok(head)) => rules.judge(&head),
        Ok(Err(Some(refusal))) => Err(refusal),
        Ok(Err(None)) => return Ok(()),
        Err(_elapsed) => Err(Refusal::Slow),
    };
    let (target, head) = match request {
        Ok(Request::Feed) => return send(&mut client, &rules.feed.redirect()).await,
        Ok(Request::Tunnel(target)) => (target, None),
        Ok(Request::Fetch { target, head }) => (target, Some(head)),
        Err(refusal) => {
            if let Some(words) = refusal.report() {
                report(words);
            }
            return send(&mut client, &refusal.answer()).await;
        }
    };
    let whose = if target == *rules.feed.target() {
        "the feed's server"
    } else {
        "a server that the feed names"
    };
    let mut unwanted = [0; 1];
    let reached = tokio::select! {
        reached = tokio::time::timeout(CONNECT_WITHIN, connect(target)) => reached,
        // The client has no patience left, or says what nobody asked for.
        _gone = client.peek(&mut unwanted) => return Ok(()),
    };
    let remote = reached.unwrap_or_else(|_elapsed| Err("it does not answer in time".to_owned()));
    let mut remote = match remote {
        Ok(remote) => Box::pin(remote),
        Err(why) => {
            report(format!("{whose} cannot be reached: {why}"));
            return send(&mut client, &head::plain(502, "cannot be reached")).await;
        }
    };
    if let Some(head) = head {
        remote.write_all(&head).await?;
        remote.flush().await?;
        return carry::back(&mut client, &mut remote).await;
    }
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
    carry::both_ways(&mut client, &mut remote).await
}

impl Rules {
    /// What a head asks for, if it may.
    fn judge(&self, head: &[u8]) -> Result<Request, Refusal> {
        let request = head::parse(head, &self.credential, PLACEHOLDER)?;
        let (Request::Tunnel(target) | Request::Fetch { target, .. }) = &request else {
            return Ok(request);
        };
        let is_own = self.reach == Reach::OwnServer && target == self.feed.target();
        if target.host().is_local() && !is_own {
            return Err(Refusal::Local);
        }
        Ok(request)
    }
}

/// Reads up to the empty line. `Err(None)`: the client has gone.
async fn read_head(client: &mut TcpStream) -> Result<Vec<u8>, Option<Refusal>> {
    let mut head = Vec::with_capacity(1024);
    loop {
        if let Some(end) = head.windows(4).position(|four| four == b"\r\n\r\n") {
            // One request on a connection, and none has a body: what follows is not looked at.
            head.truncate(end + 4);
            return Ok(head);
        }
        let room = head::MAX_BYTES.saturating_sub(head.len());
        if room == 0 {
            return Err(Some(Refusal::Large));
        }
        let room = u64::try_from(room).unwrap_or(u64::MAX);
        match client.take(room).read_buf(&mut head).await {
            Ok(0) | Err(_) => return Err(None),
            Ok(_) => {}
        }
    }
}

/// Sends a whole answer.
async fn send(client: &mut TcpStream, answer: &str) -> io::Result<()> {
    let sending = async {
        client.write_all(answer.as_bytes()).await?;
        client.shutdown().await
    };
    tokio::time::timeout(HEAD_WITHIN, sending).await?
}

#[cfg(test)]
#[path = "proxy/tests.rs"]
mod tests;
