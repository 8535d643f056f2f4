//! The server to compare with: as little as axum needs to push the same bytes to many viewers.
//!
//! Runs in a process of its own. It keeps nothing, limits nothing and knows nobody; fragments come
//! in through a socket, go through a `tokio::sync::broadcast` and out as chunks.

use std::{convert::Infallible, io::Write as _, net::SocketAddr};

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

#[derive(Clone)]
struct Show {
    init: Bytes,
    fragments: broadcast::Sender<Bytes>,
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
        fragments: fragments.clone(),
    };
    let site = Router::new()
        .route("/stream.mp4", get(play))
        .with_state(show);
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
            // Nobody there is no error.
            let _viewers = fragments.send(Bytes::copy_from_slice(&fragment));
        }
    };
    tokio::select! {
        () = fed => {}
        _error = served.into_future() => {}
    }
}

async fn play(State(show): State<Show>) -> impl IntoResponse {
    let parts = stream::unfold(
        (Some(show.init), show.fragments.subscribe()),
        |(init, mut fragments)| async move {
            let next = match init {
                Some(init) => init,
                None => loop {
                    match fragments.recv().await {
                        Ok(fragment) => break fragment,
                        Err(RecvError::Lagged(_)) => {}
                        Err(RecvError::Closed) => return None,
                    }
                },
            };
            Some((Ok::<_, Infallible>(next), (None, fragments)))
        },
    );
    (
        [(header::CONTENT_TYPE, "video/mp4")],
        Body::from_stream(parts),
    )
}
