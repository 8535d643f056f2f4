//! The way through a SOCKS 5 proxy, as far as a Tor client offers it.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// How long the proxy itself may take.
const CONNECTS_WITHIN: Duration = Duration::from_secs(10);
/// A circuit to an onion service may take the Tor client several tries.
const CIRCUIT_WITHIN: Duration = Duration::from_mins(2);

/// A connection to `host` through a SOCKS 5 proxy that looks up the name itself (RFC 1928).
pub(super) fn through(proxy: SocketAddr, host: &str, port: u16) -> Result<TcpStream, String> {
    let failed = |error: std::io::Error| format!("the SOCKS proxy at {proxy}: {error}");
    let mut socket = TcpStream::connect_timeout(&proxy, CONNECTS_WITHIN).map_err(failed)?;
    socket
        .set_read_timeout(Some(CIRCUIT_WITHIN))
        .map_err(failed)?;
    let length = u8::try_from(host.len()).map_err(|_| format!("too long a name: {host}"))?;
    socket.write_all(&[5, 1, 0]).map_err(failed)?;
    let mut method = [0; 2];
    socket.read_exact(&mut method).map_err(failed)?;
    if method != [5, 0] {
        return Err(format!("the SOCKS proxy at {proxy} wants a login"));
    }
    let mut request = vec![5, 1, 0, 3, length];
    request.extend(host.as_bytes());
    request.extend(port.to_be_bytes());
    socket.write_all(&request).map_err(failed)?;
    // Tor always answers with an IPv4 address.
    let mut reply = [0; 10];
    socket.read_exact(&mut reply).map_err(failed)?;
    match reply {
        [5, 0, ..] => Ok(socket),
        [_, code, ..] => Err(format!(
            "the SOCKS proxy at {proxy} refused with code {code}"
        )),
    }
}
