//! Connections that do not go through Tor, for a broadcaster who said twice that this is meant.

use std::{io, net::SocketAddr};

use tokio::net::{TcpStream, lookup_host};

use super::{Host, Target, address::is_public};

/// Addresses of one name that are tried.
const TRIES: usize = 4;

/// Connects to `target` from this computer's own address.
///
/// A name that stands for an address of this computer or its network is refused, unless it is that of
/// `own`, the feed's server: what a stranger's playlist names must not open doors in here.
///
/// # Errors
///
/// Why not, to be read after "cannot be reached: ".
pub async fn connect(target: Target, own: Target) -> Result<TcpStream, String> {
    let addresses: Vec<SocketAddr> = match target.host() {
        Host::Ip(ip) => vec![SocketAddr::new(*ip, target.port())],
        Host::Name(name) => lookup_host((name.as_str(), target.port()))
            .await
            .map_err(|_cause| "no server of that name is known".to_owned())?
            .collect(),
    };
    let may_be_local = target == own;
    let mut problem = "its name stands for no address that may be asked".to_owned();
    let allowed = addresses
        .into_iter()
        .filter(|address| may_be_local || is_public(address.ip()));
    for address in allowed.take(TRIES) {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(cause) => problem = words(&cause),
        }
    }
    Err(problem)
}

fn words(cause: &io::Error) -> String {
    match cause.kind() {
        io::ErrorKind::ConnectionRefused => "it refuses connections".to_owned(),
        io::ErrorKind::TimedOut => "it does not answer in time".to_owned(),
        _ => cause.to_string(),
    }
}
