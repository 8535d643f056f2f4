//! Visitors' circuits and the streams inside them.
//!
//! Belongs here: accepting rendezvous, numbering circuits, the limits, answering as C tor does
//! whatever is not a request for port 80, and ending a circuit as a whole.
//! Does not belong here: what is spoken over a stream.
//!
//! Bounds: `max_circuits` circuits, [`MAX_RENDEZVOUS`] of them on their way; each has at most
//! `max_streams_per_circuit` streams, and ends by itself when it is not used, sooner when others
//! need the place.
//! Nothing about a circuit is logged, not even its number.

use std::{future::Future, sync::Arc, time::Duration};

use futures_util::{Stream, StreamExt as _};
use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore},
    task::{JoinError, JoinSet},
};
use tokio_util::sync::CancellationToken;
use tor_cell::relaycell::msg::{Connected, End, EndReason};
use tor_hsservice::{RendRequest, StreamRequest};
use tor_proto::stream::IncomingStreamRequest;

/// A stream of bytes from and to one visitor; tokio's `AsyncRead` and `AsyncWrite`.
pub type OnionStream = tor_proto::client::stream::DataStream;

/// The only port that is open, that of `http://`.
const PORT: u16 = 80;

/// Most rendezvous under way at a time. Each builds a circuit through the network, which is work a
/// stranger can cause for the price of one message; a wave of real visitors fits in.
const MAX_RENDEZVOUS: usize = 256;

/// How long a rendezvous may take. A visitor's own client gives up after about half a minute.
const RENDEZVOUS_TIMEOUT: Duration = Duration::from_secs(40);

/// How long a circuit may stay without its first stream. A visitor's client asks for one at once.
const FIRST_STREAM_TIMEOUT: Duration = Duration::from_mins(1);

/// How long a circuit stays after its last stream has ended while the program stops.
const LAST_CELLS: Duration = Duration::from_millis(300);

/// How long a circuit may stay with no stream open. Clients keep circuits for ten minutes after the
/// last new use and then make another, so nobody notices.
const IDLE_TIMEOUT: Duration = Duration::from_mins(15);

/// One visitor's circuit: streams with the same number come over the same circuit.
///
/// The number counts up from 1 in this process and means nothing outside it.
#[derive(Debug, Clone)]
pub struct Circuit {
    number: u64,
    end: CancellationToken,
}

impl Circuit {
    /// The number of the circuit in this process.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Ends the circuit with all its streams; every task that serves one is dropped.
    pub fn end(&self) {
        self.end.cancel();
    }
}

/// See the fields of the same name in [`super::Settings`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) circuits: usize,
    pub(super) streams_per_circuit: usize,
}

/// The circuits that are open, and what new ones need.
pub(super) struct Circuits<Serve> {
    tasks: JoinSet<()>,
    limits: Limits,
    rendezvous: Arc<Semaphore>,
    /// Wakes the circuit that has been idle longest, to make room.
    make_room: Arc<Notify>,
    next: u64,
    refused: u64,
    /// New streams are not accepted any more, open ones may end.
    closing: CancellationToken,
    serve: Arc<Serve>,
}

impl<Serve, Served> Circuits<Serve>
where
    Serve: Fn(OnionStream, Circuit) -> Served + Send + Sync + 'static,
    Served: Future<Output = ()> + Send + 'static,
{
    pub(super) fn new(limits: Limits, serve: Serve) -> Self {
        Self {
            tasks: JoinSet::new(),
            limits,
            rendezvous: Arc::new(Semaphore::new(MAX_RENDEZVOUS)),
            make_room: Arc::new(Notify::new()),
            next: 0,
            refused: 0,
            closing: CancellationToken::new(),
            serve: Arc::new(serve),
        }
    }

    /// Takes circuits until `requests` ends. Cancel safe: circuits that are open stay open.
    pub(super) async fn accept(
        &mut self,
        requests: &mut (impl Stream<Item = RendRequest> + Unpin),
    ) {
        loop {
            tokio::select! {
                request = requests.next() => match request {
                    Some(request) => self.open(request),
                    None => return,
                },
                Some(ended) = self.tasks.join_next() => note_panic(ended),
            }
        }
    }

    fn open(&mut self, request: RendRequest) {
        // Early, because room does not appear at once.
        if self.tasks.len() >= self.limits.circuits - self.limits.circuits / 8 {
            self.make_room.notify_one();
        }
        let free = self.tasks.len() < self.limits.circuits;
        let Some(permit) = free
            .then(|| Arc::clone(&self.rendezvous).try_acquire_owned().ok())
            .flatten()
        else {
            // Dropped, which tells the visitor nothing; their client tries again.
            self.refused += 1;
            // At 1, 2, 4, 8 …: a flood must not fill the log.
            if self.refused.is_power_of_two() {
                tracing::warn!(
                    refused = self.refused,
                    "visitors turned away because too many circuits are open"
                );
            }
            return;
        };
        self.next += 1;
        let circuit = Circuit {
            number: self.next,
            end: CancellationToken::new(),
        };
        let task = CircuitTask {
            circuit,
            limits: self.limits,
            make_room: Arc::clone(&self.make_room),
            closing: self.closing.clone(),
            serve: Arc::clone(&self.serve),
        };
        self.tasks.spawn(task.run(request, permit));
    }

    /// Ends everything: streams get `grace` to end by themselves, then their tasks are dropped.
    pub(super) async fn close(mut self, grace: Duration) {
        self.closing.cancel();
        let all_ended = async {
            while let Some(ended) = self.tasks.join_next().await {
                note_panic(ended);
            }
        };
        if tokio::time::timeout(grace, all_ended).await.is_err() {
            self.tasks.shutdown().await;
        }
    }
}

/// One circuit and what serves it.
struct CircuitTask<Serve> {
    circuit: Circuit,
    limits: Limits,
    make_room: Arc<Notify>,
    closing: CancellationToken,
    serve: Arc<Serve>,
}

impl<Serve, Served> CircuitTask<Serve>
where
    Serve: Fn(OnionStream, Circuit) -> Served + Send + Sync + 'static,
    Served: Future<Output = ()> + Send + 'static,
{
    /// Accepts the rendezvous and serves its streams until the circuit ends.
    async fn run(self, request: RendRequest, rendezvous: OwnedSemaphorePermit) {
        let Self {
            circuit,
            limits,
            make_room,
            closing,
            serve,
        } = self;
        let accepted = tokio::select! {
            () = closing.cancelled() => return,
            accepted = tokio::time::timeout(RENDEZVOUS_TIMEOUT, request.accept()) => accepted,
        };
        // Failures are the visitor's or the network's, and normal; the visitor's client tries again.
        let Ok(Ok(mut streams)) = accepted else {
            return;
        };
        drop(rendezvous);

        // Dropping these two ends the circuit and aborts what serves it.
        let mut tasks = JoinSet::new();
        let mut patience = FIRST_STREAM_TIMEOUT;
        loop {
            tokio::select! {
                biased;
                () = circuit.end.cancelled() => return,
                () = closing.cancelled() => break,
                Some(ended) = tasks.join_next() => note_panic(ended),
                request = streams.next() => {
                    let Some(request) = request else { break };
                    patience = IDLE_TIMEOUT;
                    match request.request() {
                        IncomingStreamRequest::Begin(begin) if begin.port() == PORT
                            && tasks.len() < limits.streams_per_circuit => {
                            let (serve, circuit) = (Arc::clone(&serve), circuit.clone());
                            tasks.spawn(async move {
                                // `Err`: the visitor is gone already.
                                if let Ok(stream) = request.accept(Connected::new_empty()).await {
                                    serve(stream, circuit).await;
                                }
                            });
                        }
                        // In a task, because sending can wait for a visitor who does not read.
                        IncomingStreamRequest::Begin(_) => {
                            tasks.spawn(refuse(request));
                        }
                        // No client asks an onion service for anything else by accident.
                        _ => {
                            drop(request.shutdown_circuit());
                            return;
                        }
                    }
                }
                () = tokio::time::sleep(patience), if tasks.is_empty() => return,
                // Not before its first stream: that has a short limit of its own.
                () = make_room.notified(), if tasks.is_empty() && patience == IDLE_TIMEOUT => return,
            }
        }
        // The circuit is gone, or the program is closing: what still runs may come to its end.
        tokio::select! {
            () = circuit.end.cancelled() => return,
            () = async { while let Some(ended) = tasks.join_next().await { note_panic(ended) } } => {}
        }
        if closing.is_cancelled() {
            // What was written last is still on its way through arti's queues, and dropping the
            // circuit would take it along: visitors would see a broken stream, not its end.
            tokio::time::sleep(LAST_CELLS).await;
        }
    }
}

/// The answer of C tor for a port that is not open.
async fn refuse(request: StreamRequest) {
    // `Err`: the visitor is gone already.
    drop(request.reject(End::new_with_reason(EndReason::DONE)).await);
}

fn note_panic(ended: Result<(), JoinError>) {
    if ended.is_err_and(|ended| ended.is_panic()) {
        tracing::error!("a task that served a visitor panicked; please report this");
    }
}
