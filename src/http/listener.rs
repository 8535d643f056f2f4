//! The local listeners: loopback TCP for the preview, or a Unix socket.
//!
//! Never any other address: viewers come through Tor, and a site that also answers on the
//! internet shows where its onion service lives.

use std::{
    io,
    net::SocketAddr,
    os::unix::fs::{FileTypeExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use axum::Router;
use socket2::SockRef;
use tokio::{
    net::{TcpListener, UnixListener},
    sync::Semaphore,
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use super::connection::{self, TimeLimits, Via};

/// Pause after the system refuses a connection (usually: too many open files).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Of all connections, one in so many is for people on this computer, and at most [`MOST_NEAR`]:
/// whoever fills the site through Tor must not lock the broadcaster out of the desk.
const NEAR_SHARE: usize = 8;

/// See [`NEAR_SHARE`].
const MOST_NEAR: usize = 64;

/// What every connection gets.
#[derive(Debug, Clone)]
pub struct Service {
    /// The site.
    pub site: Router,
    /// Time limits.
    pub limits: TimeLimits,
    /// Connections that may be open at once; more wait until one ends.
    pub connections: Arc<Semaphore>,
    /// Those of them that are left for this computer.
    pub near: usize,
    /// Bytes the kernel may hold for one connection. A small number makes a slow reader visible.
    pub send_buffer: usize,
    /// Ends every connection.
    pub closing: CancellationToken,
}

/// A socket that is listening.
#[derive(Debug)]
pub enum Listener {
    /// On a loopback address.
    Tcp(TcpListener),
    /// At a path, which is removed when the listener is dropped.
    Unix(UnixListener, SocketFile),
}

/// Removes the socket's file when dropped.
#[derive(Debug)]
pub struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        let _gone = std::fs::remove_file(&self.0);
    }
}

impl Listener {
    /// Listens on a loopback address; port 0 takes a free one.
    ///
    /// # Errors
    ///
    /// `AddrNotAvailable` for an address that is not loopback; otherwise what the system says.
    pub async fn tcp(address: SocketAddr) -> io::Result<Self> {
        if !address.ip().is_loopback() {
            return Err(io::Error::new(
                io::ErrorKind::AddrNotAvailable,
                "only loopback addresses are served",
            ));
        }
        Ok(Self::Tcp(TcpListener::bind(address).await?))
    }

    /// Listens at `path`, for this user only. A socket left by an earlier run is replaced.
    ///
    /// # Errors
    ///
    /// `AlreadyExists` when something other than a socket is there; otherwise what the system says.
    pub fn unix(path: &Path) -> io::Result<Self> {
        if let Ok(existing) = path.symlink_metadata() {
            if !existing.file_type().is_socket() {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            std::fs::remove_file(path)?;
        }
        let listener = UnixListener::bind(path)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
        Ok(Self::Unix(listener, SocketFile(path.to_owned())))
    }

    /// The TCP address, with the port that was taken.
    pub fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(listener) => listener.local_addr().ok(),
            Self::Unix(..) => None,
        }
    }

    /// Serves connections until `service.closing` is cancelled, then waits for them to end.
    pub async fn serve(self, service: Service) {
        let mut connections = JoinSet::new();
        loop {
            let Some(permit) = service.permit().await else {
                break;
            };
            let accepted = tokio::select! {
                accepted = self.accept(&service, &mut connections, permit) => accepted,
                () = service.closing.cancelled() => break,
            };
            if let Err(error) = accepted {
                tracing::warn!(%error, "a local connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
            // Ended connections are taken out as new ones come in.
            while connections.try_join_next().is_some() {}
        }
        // Each ends by itself soon after `closing`: see `connection::serve`.
        while connections.join_next().await.is_some() {}
    }

    async fn accept(
        &self,
        service: &Service,
        connections: &mut JoinSet<()>,
        permit: tokio::sync::OwnedSemaphorePermit,
    ) -> io::Result<()> {
        let Service {
            site,
            limits,
            send_buffer,
            closing,
            ..
        } = service.clone();
        match self {
            Self::Tcp(listener) => {
                let (stream, _peer) = listener.accept().await?;
                stream.set_nodelay(true)?;
                SockRef::from(&stream).set_send_buffer_size(send_buffer)?;
                connections.spawn(async move {
                    connection::serve(stream, site, Via::Loopback, limits, closing).await;
                    drop(permit);
                });
            }
            Self::Unix(listener, _) => {
                let (stream, _peer) = listener.accept().await?;
                SockRef::from(&stream).set_send_buffer_size(send_buffer)?;
                connections.spawn(async move {
                    connection::serve(stream, site, Via::Socket, limits, closing).await;
                    drop(permit);
                });
            }
        }
        Ok(())
    }
}

impl Service {
    /// How many of so many connections are for this computer.
    pub fn near(connections: usize) -> usize {
        (connections / NEAR_SHARE).min(MOST_NEAR)
    }

    /// A place for a connection through Tor, if there is one.
    pub fn place_for_afar(&self) -> Option<tokio::sync::OwnedSemaphorePermit> {
        // Two at the same moment can take one too many, which does not matter.
        if self.connections.available_permits() <= self.near {
            return None;
        }
        Arc::clone(&self.connections).try_acquire_owned().ok()
    }

    /// A place for one more connection; `None` when closing.
    async fn permit(&self) -> Option<tokio::sync::OwnedSemaphorePermit> {
        tokio::select! {
            permit = Arc::clone(&self.connections).acquire_owned() => permit.ok(),
            () = self.closing.cancelled() => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn however_many_come_through_tor_there_is_a_place_on_this_computer() {
        for (connections, far) in [(1, 1), (7, 7), (80, 70), (4096, 4032)] {
            let service = Service {
                site: Router::new(),
                limits: TimeLimits {
                    head: Duration::from_secs(1),
                    stall: Duration::from_secs(1),
                },
                connections: Arc::new(Semaphore::new(connections)),
                near: Service::near(connections),
                send_buffer: 0,
                closing: CancellationToken::new(),
            };

            let held: Vec<_> = std::iter::from_fn(|| service.place_for_afar()).collect();

            assert_eq!(held.len(), far);
            assert_eq!(service.connections.available_permits(), connections - far);
        }
    }
}
