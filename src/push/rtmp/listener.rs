//! The listener for RTMP: loopback only, few connections, time limits.

use std::{io, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, unix::pipe},
    sync::Semaphore,
    task::JoinSet,
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use super::session::{Session, SessionError, Step};
use crate::{
    encoder::{self, Remux},
    push::{Publishers, Turn},
};

/// Connections at the same time; further ones are closed at once. An encoder uses one.
const CONNECTIONS: usize = 16;

/// Time for everything up to the key. On this computer it takes milliseconds.
const ASK_WITHIN: Duration = Duration::from_secs(10);

/// A publisher that sends nothing for this long is gone. Pictures or silence come all the time.
const STALL: Duration = Duration::from_secs(15);

/// Time for a peer to take an answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// Time for everything to end at the end of the show.
const END_WITHIN: Duration = Duration::from_secs(3);

/// Pause after the system refuses a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Bytes that are read at once.
const READ: usize = 16 * 1024;

/// What the listener works with.
#[derive(Debug)]
pub struct Rtmp {
    /// Where encoders come; on a loopback address.
    pub listener: TcpListener,
    /// Who lets them in.
    pub publishers: Publishers,
    /// What turns RTMP's pictures into fragments.
    pub remux: Remux,
    /// Ends everything.
    pub closing: CancellationToken,
}

/// Why a connection has ended.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error("it has said goodbye")]
    Well,
    #[error("its connection ended")]
    Gone,
    #[error("nothing came from it for {} s", STALL.as_secs())]
    Stalled,
    #[error("another encoder has taken over, or the show ends")]
    Over,
    #[error("{0}")]
    Session(#[from] SessionError),
    #[error("what it sends cannot be repacked")]
    Remux,
    #[error("it cannot be repacked: {0}")]
    NoRemux(io::Error),
}

/// Serves encoders until the end.
pub async fn serve(rtmp: Rtmp) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = rtmp.listener.accept() => accepted,
            () = rtmp.closing.cancelled() => break,
        };
        match accepted {
            Ok((socket, _peer)) => {
                let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                    continue;
                };
                let (publishers, remux) = (rtmp.publishers.clone(), rtmp.remux.clone());
                connections.spawn(async move {
                    connection(socket, &publishers, remux).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "an encoder's connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
    // Turns end by themselves; who was still asking is dropped.
    let all = async { while connections.join_next().await.is_some() {} };
    let _ended = timeout(END_WITHIN, all).await;
}

/// Bytes from one side to the other and back.
struct Talk {
    socket: TcpStream,
    session: Session,
    buffer: Vec<u8>,
}

async fn connection(socket: TcpStream, publishers: &Publishers, remux: Remux) {
    // Without it answers are late, which is all.
    let _set = socket.set_nodelay(true);
    let mut talk = Talk {
        socket,
        session: Session::new(),
        buffer: vec![0; READ],
    };
    let key = match timeout(ASK_WITHIN, talk.key()).await {
        Ok(Ok(key)) => key,
        Ok(Err(error)) => {
            // Anything on this computer may have found the port, a browser too.
            tracing::debug!("a connection for RTMP has ended before the key: {error}");
            return;
        }
        Err(_elapsed) => return,
    };
    match publishers.admit(key).await {
        Ok(turn) => {
            tracing::info!("an encoder is publishing through RTMP");
            let ended = publish(talk, turn, remux).await;
            match ended {
                Ended::Session(_) | Ended::Remux | Ended::NoRemux(_) => {
                    tracing::warn!("the encoder was sent away: {ended}");
                }
                _ => tracing::info!("the encoder has ended: {ended}"),
            }
        }
        Err(refused) => {
            talk.session.refuse(&refused.to_string());
            let _sent = talk.answer().await;
            let _closed = talk.socket.shutdown().await;
        }
    }
}

async fn publish(mut talk: Talk, turn: Turn, remux: Remux) -> Ended {
    let turn = Arc::new(turn);
    let sink = Arc::clone(&turn);
    let started = encoder::remux(remux, move |item| sink.put(item));
    let started = started.and_then(|(input, encoder)| {
        pipe::Sender::from_owned_fd(input.into()).map(|input| (input, encoder))
    });
    let (mut input, encoder) = match started {
        Ok(started) => started,
        Err(error) => return Ended::NoRemux(error),
    };
    talk.session.accept();
    let ended = tokio::select! {
        ended = talk.pass_on(&mut input) => ended,
        () = turn.over() => Ended::Over,
    };
    // The encoder sees the end of its input.
    drop(input);
    if matches!(ended, Ended::Well) {
        turn.goodbye();
    }
    let is_over = matches!(ended, Ended::Over);
    let finished = tokio::task::spawn_blocking(move || {
        if is_over {
            drop(encoder);
        } else {
            encoder.finish();
        }
    });
    // A panic over there was reported by the panic hook.
    let _finished = finished.await;
    ended
}

impl Talk {
    /// Talks until the key is there.
    async fn key(&mut self) -> Result<Zeroizing<String>, Ended> {
        loop {
            match self.session.next_step()? {
                Some(Step::Publish(key)) => return Ok(key),
                Some(Step::End) => return Err(Ended::Well),
                Some(Step::Media(_)) => {}
                None => self.exchange().await?,
            }
        }
    }

    /// Hands media on until something ends.
    async fn pass_on(&mut self, to: &mut pipe::Sender) -> Ended {
        loop {
            let result = match self.session.next_step() {
                Ok(Some(Step::Media(bytes))) => {
                    let written = to.write_all(&bytes).await;
                    written.map_err(|_closed| Ended::Remux)
                }
                Ok(Some(Step::End)) => Err(Ended::Well),
                Ok(Some(Step::Publish(_))) => Err(SessionError::OutOfTurn.into()),
                Ok(None) => self.exchange().await,
                Err(error) => Err(error.into()),
            };
            if let Err(ended) = result {
                return ended;
            }
        }
    }

    /// Sends what waits and reads what comes next.
    async fn exchange(&mut self) -> Result<(), Ended> {
        self.answer().await.map_err(|_gone| Ended::Gone)?;
        let read = timeout(STALL, self.socket.read(&mut self.buffer)).await;
        match read {
            Err(_elapsed) => Err(Ended::Stalled),
            Ok(Ok(0) | Err(_)) => Err(Ended::Gone),
            Ok(Ok(count)) => {
                let bytes = self.buffer.get(..count).unwrap_or_default();
                self.session.push(bytes);
                Ok(())
            }
        }
    }

    async fn answer(&mut self) -> io::Result<()> {
        let reply = self.session.take_reply();
        if reply.is_empty() {
            return Ok(());
        }
        timeout(ANSWER_WITHIN, self.socket.write_all(&reply))
            .await
            .map_err(|_elapsed| io::ErrorKind::TimedOut)?
    }
}
