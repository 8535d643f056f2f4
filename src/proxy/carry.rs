//! Bytes from one connection to another, never more of them than one buffer, and not for ever.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::SILENCE;

/// Bytes on their way in one direction.
const BUFFER: usize = 32 * 1024;

/// What the server answers goes to the client, until either is done.
///
/// The client has nothing more to say: bytes that it sends would go to the server, with the credential
/// of the proxy if they are another request. So they end the connection.
pub(super) async fn back<C, R>(client: &mut C, remote: &mut R) -> io::Result<()>
where
    C: AsyncRead + AsyncWrite + Unpin,
    R: AsyncRead + AsyncWrite + Unpin,
{
    let mut bytes = vec![0; BUFFER];
    let mut unwanted = [0; 1];
    loop {
        let count = tokio::select! {
            count = remote.read(&mut bytes) => count?,
            _gone_or_unwanted = client.read(&mut unwanted) => return Ok(()),
            () = tokio::time::sleep(SILENCE) => return Err(io::ErrorKind::TimedOut.into()),
        };
        if count == 0 {
            return client.shutdown().await;
        }
        hand_on(client, bytes.get(..count).unwrap_or_default()).await?;
    }
}

/// What each says goes to the other, until the server is done.
pub(super) async fn both_ways<C, R>(client: &mut C, remote: &mut R) -> io::Result<()>
where
    C: AsyncRead + AsyncWrite + Unpin,
    R: AsyncRead + AsyncWrite + Unpin,
{
    let (mut up, mut down) = (vec![0; BUFFER], vec![0; BUFFER]);
    loop {
        tokio::select! {
            count = client.read(&mut up) => match count? {
                // Nobody is left to read the answer: ffmpeg does not close half of a connection.
                0 => return remote.shutdown().await,
                count => hand_on(remote, up.get(..count).unwrap_or_default()).await?,
            },
            count = remote.read(&mut down) => match count? {
                0 => return client.shutdown().await,
                count => hand_on(client, down.get(..count).unwrap_or_default()).await?,
            },
            () = tokio::time::sleep(SILENCE) => return Err(io::ErrorKind::TimedOut.into()),
        }
    }
}

/// Writes all of it, and sees to it that it leaves: a stream of Tor waits for more otherwise.
async fn hand_on(to: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> io::Result<()> {
    let handing = async {
        to.write_all(bytes).await?;
        to.flush().await
    };
    tokio::time::timeout(SILENCE, handing).await?
}
