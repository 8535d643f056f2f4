//! Connections that do not go through Tor, for a broadcaster who said twice that this is meant.

use std::{io, net::SocketAddr, sync::OnceLock};

use tokio::net::{TcpStream, lookup_host};

use super::{Host, Target, address::is_public};

/// Addresses of one name that are tried.
const TRIES: usize = 4;

/// The feed's server, and whether it is in this network.
///
/// What its name stands for at first decides that. One that is a server of the internet and later stands
/// for something in here has been turned against us: who runs the feed may run its name.
#[derive(Debug)]
pub struct Own {
    target: Target,
    is_local: OnceLock<bool>,
}

impl Own {
    /// Nobody has asked yet where it is.
    pub fn new(target: Target) -> Self {
        Self {
            target,
            is_local: OnceLock::new(),
        }
    }

    /// Whether `target`, which stands for these addresses, may be in this network.
    fn may_be_local(&self, target: &Target, addresses: &[SocketAddr]) -> bool {
        if *target != self.target || addresses.is_empty() {
            return false;
        }
        let is_local = || !addresses.iter().any(|address| is_public(address.ip()));
        *self.is_local.get_or_init(is_local)
    }
}

/// Connects to `target` from this computer's own address.
///
/// A name that stands for an address of this computer or its network is refused, unless it is that of
/// the feed's server and that is where it is: what a stranger's playlist names must not open doors in
/// here.
///
/// # Errors
///
/// Why not, to be read after "cannot be reached: ".
pub async fn connect(target: Target, own: &Own) -> Result<TcpStream, String> {
    let addresses: Vec<SocketAddr> = match target.host() {
        Host::Ip(ip) => vec![SocketAddr::new(*ip, target.port())],
        Host::Name(name) => lookup_host((name.as_str(), target.port()))
            .await
            .map_err(|_cause| "no server of that name is known".to_owned())?
            .collect(),
    };
    let may_be_local = own.may_be_local(&target, &addresses);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_the_internet_does_not_become_one_of_this_network() {
        let target = |text| Target::parse(text, None).unwrap();
        let own = target("cam.example:80");
        let afar: SocketAddr = "1.1.1.1:80".parse().unwrap();
        let here: SocketAddr = "192.168.1.1:80".parse().unwrap();

        let feed = Own::new(own.clone());
        assert!(!feed.may_be_local(&own, &[]), "nothing is known yet");
        assert!(!feed.may_be_local(&own, &[afar, here]));
        assert!(!feed.may_be_local(&own, &[here]), "turned against us");

        let camera = Own::new(own.clone());
        assert!(camera.may_be_local(&own, &[here]));
        assert!(camera.may_be_local(&own, &[here, afar]), "it has moved");
        assert!(!camera.may_be_local(&target("cam.example:81"), &[here]));
    }
}
