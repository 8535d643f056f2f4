//! One HTTP/1.1 connection over any byte stream, with limits on what a peer can make us keep.
//!
//! Not `axum::serve`: it has no time limit for a request head and it sends the `Date` header,
//! which shows the clock of the host.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{Router, body::Body};
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Sleep,
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

/// Bytes of a request head that are accepted, and of an answer that are buffered.
///
/// A browser's head is under 2 KiB; hyper's least possible value is 8 KiB.
const BUFFER: usize = 16 * 1024;

/// Header fields of a request that are accepted; a browser sends about fifteen.
const MAX_HEADER_FIELDS: usize = 64;

/// How long open connections may finish what they are sending when the program stops.
const CLOSING: Duration = Duration::from_secs(2);

/// Where a connection comes from. Never an address: there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// The loopback listener, where other websites could send a browser (DNS rebinding).
    Loopback,
    /// A Unix socket.
    Socket,
    /// The onion service.
    Onion,
}

/// Time limits of a connection.
#[derive(Debug, Clone, Copy)]
pub struct TimeLimits {
    /// For a request head to arrive, from the moment the connection is ready for it.
    pub head: Duration,
    /// For the peer to take any byte of what is waiting to be sent.
    pub stall: Duration,
}

/// Serves requests from `io` until the peer leaves, breaks a limit, or `closing` is cancelled.
///
/// Errors of a connection are its peer's business and are not reported.
pub async fn serve<S>(io: S, site: Router, via: Via, limits: TimeLimits, closing: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let io = TokioIo::new(Impatient::new(io, limits.stall));
    // Not a layer on the router: that would build every route anew for each connection.
    let service = hyper::service::service_fn(move |mut request: http::Request<Incoming>| {
        request.extensions_mut().insert(via);
        site.clone().oneshot(request.map(Body::new))
    });
    let connection = hyper::server::conn::http1::Builder::new()
        // Without a timer hyper ignores every time limit.
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        // The clock of the host is a fingerprint.
        .auto_date_header(false)
        .max_buf_size(BUFFER)
        .max_headers(MAX_HEADER_FIELDS)
        .serve_connection(io, service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        _ended = connection.as_mut() => return,
        () = closing.cancelled() => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ended = tokio::time::timeout(CLOSING, connection).await;
}

/// A byte stream that fails when its peer takes nothing for too long.
///
/// hyper has no time limit for writing; a peer that stops reading would hold its connection, its
/// lease and its buffers for ever.
struct Impatient<S> {
    io: S,
    patience: Duration,
    /// Set while a write is waiting.
    deadline: Option<Pin<Box<Sleep>>>,
}

impl<S> Impatient<S> {
    fn new(io: S, patience: Duration) -> Self {
        Self {
            io,
            patience,
            deadline: None,
        }
    }

    /// Passes on what a write said, or ends it when it waited too long.
    fn watch<T>(
        &mut self,
        written: Poll<io::Result<T>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.deadline = None;
            return written;
        }
        let patience = self.patience;
        let deadline = self
            .deadline
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
        ready!(deadline.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Impatient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Impatient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(context, bytes);
        self.watch(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write_vectored(context, parts);
        self.watch(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.io).poll_flush(context);
        self.watch(flushed, context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let closed = Pin::new(&mut self.io).poll_shutdown(context);
        self.watch(closed, context)
    }
}
