//! The server to compare with: as little as axum needs to push the same bytes to many viewers.
//!
//! Runs in a process of its own. It limits nothing and knows nobody; fragments come in through a
//! socket, go through a `tokio::sync::broadcast` and out as chunks. A newcomer first gets as many
//! recent fragments as from the real server: not for the picture, but because such a burst changes
//! how TCP behaves from then on.

use std::{
    collections::VecDeque,
    convert::Infallible,
    io::Write as _,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    response::IntoResponse,
    routing::get,
    serve::ListenerExt as _,
};
use futures_util::stream;
use http::header;
use tokio::{
    io::AsyncReadExt as _,
    net::{TcpListener, TcpStream},
    sync::broadcast::{self, error::RecvError},
};

use crate::media::{FRAGMENT_BYTES, init_segment};

/// Fragments that a slow viewer may lag behind.
const QUEUE: usize = 64;
/// Fragments that a newcomer gets at once: the real server sends 2.5 s and up to a second more.
const RECENT: usize = 15;

#[derive(Clone)]
struct Show {
    init: Bytes,
    fragments: broadcast::Sender<Bytes>,
    recent: Arc<Mutex<VecDeque<Bytes>>>,
}

impl Show {
    fn push(&self, fragment: Bytes) {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.push_back(fragment.clone());
        if recent.len() > RECENT {
            recent.pop_front();
        }
        // Nobody there is no error.
        let _viewers = self.fragments.send(fragment);
    }

    /// What a newcomer gets at once, and what follows.
    fn join(&self) -> (VecDeque<Bytes>, broadcast::Receiver<Bytes>) {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let mut first = recent.clone();
        first.push_front(self.init.clone());
        (first, self.fragments.subscribe())
    }
}

/// Serves until the process is killed. The fragments come from `feed`.
pub(crate) fn run(feed: SocketAddr) {
    // The same kind of runtime as the real server's.
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(serve(feed));
}

async fn serve(feed: SocketAddr) {
    let mut feed = TcpStream::connect(feed).await.expect("the feeder listens");
    let (fragments, _) = broadcast::channel(QUEUE);
    let show = Show {
        init: init_segment().into(),
        fragments,
        recent: Arc::default(),
    };
    let site = Router::new()
        .route("/stream.mp4", get(play))
        .with_state(show.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let mut out = std::io::stdout();
    writeln!(out, "local http://{address}/").expect("somebody reads this");
    let listener = listener.tap_io(|stream| {
        stream.set_nodelay(true).expect("a socket option");
    });
    let served = axum::serve(listener, site);
    let fed = async {
        let mut fragment = vec![0; FRAGMENT_BYTES];
        while feed.read_exact(&mut fragment).await.is_ok() {
            show.push(Bytes::copy_from_slice(&fragment));
        }
    };
    tokio::select! {
        () = fed => {}
        _error = served.into_future() => {}
    }
}

async fn play(State(show): State<Show>) -> impl IntoResponse {
    let parts = stream::unfold(show.join(), |(mut first, mut fragments)| async move {
        if let Some(part) = first.pop_front() {
            return Some((Ok::<_, Infallible>(part), (first, fragments)));
        }
        // Gives back its memory.
        first = VecDeque::new();
        loop {
            match fragments.recv().await {
                Ok(fragment) => return Some((Ok(fragment), (first, fragments))),
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    });
    (
        [(header::CONTENT_TYPE, "video/mp4")],
        Body::from_stream(parts),
    )
}
