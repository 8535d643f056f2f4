//! Connections of our own through Tor, to servers of the internet and to onion services.
//!
//! Belongs here: lending the client out, and the words for what went wrong. Does not belong here: what
//! is said over a connection, who may be connected to.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use arti_client::{
    DataStream, ErrorKind, HasKind as _, StreamPrefs, TorClient, config::BoolOrAuto,
};
use tor_rtcompat::PreferredRuntime;

type Client = Arc<TorClient<PreferredRuntime>>;

/// The client of a running service, for those who want to connect somewhere; clones are the same.
///
/// No circuit is shared with the onion service or with another [`Outgoing`].
#[derive(Clone, Default)]
pub struct Outgoing(Arc<Mutex<Option<Client>>>);

/// As long as this lives, there is a client.
#[must_use = "dropping it takes the client back"]
pub(super) struct Lent(Outgoing);

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing").finish_non_exhaustive()
    }
}

impl Outgoing {
    /// Whether a connection can be tried: the network is known.
    pub fn is_ready(&self) -> bool {
        let client = self.lock().clone();
        client.is_some_and(|client| client.bootstrap_status().ready_for_traffic())
    }

    /// Connects to a host by its name, which a relay looks up, or by an IP address.
    ///
    /// # Errors
    ///
    /// Why not, to be read after "cannot be reached: ".
    pub async fn connect(&self, host: &str, port: u16) -> Result<DataStream, String> {
        let not_there = || "Tor is not connected yet".to_owned();
        // Asked first: arti would wait for the network, however long that takes.
        if !self.is_ready() {
            return Err(not_there());
        }
        let client = self.lock().clone().ok_or_else(not_there)?;
        let mut preferences = StreamPrefs::new();
        preferences.connect_to_onion_services(BoolOrAuto::Explicit(true));
        client
            .connect_with_prefs((host, port), &preferences)
            .await
            .map_err(|error| {
                tracing::debug!(kind = %error.kind(), "a connection through Tor failed");
                words(error.kind())
            })
    }

    /// Lends a client out that shares no circuit with `client`.
    pub(super) fn lend(&self, client: &TorClient<PreferredRuntime>) -> Lent {
        *self.lock() = Some(client.isolated_client());
        Lent(self.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Option<Client>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        *self.0.lock() = None;
    }
}

/// What went wrong, for people who do not know Tor.
fn words(kind: ErrorKind) -> String {
    let words = match kind {
        ErrorKind::RemoteHostNotFound | ErrorKind::RemoteHostResolutionFailed => {
            "no server of that name is known"
        }
        ErrorKind::RemoteConnectionRefused => "it refuses connections",
        ErrorKind::RemoteNetworkTimeout | ErrorKind::RemoteNetworkFailed => {
            "it does not answer the relay that asks it"
        }
        ErrorKind::RemoteStreamClosed
        | ErrorKind::RemoteStreamReset
        | ErrorKind::RemoteStreamError => {
            "the connection was closed; its server may be down, or may let nobody in from Tor"
        }
        ErrorKind::ExitPolicyRejected | ErrorKind::NoExit => {
            "no relay of Tor connects to this server or port"
        }
        ErrorKind::ExitTimeout | ErrorKind::TorNetworkTimeout | ErrorKind::CircuitCollapse => {
            "Tor was too slow; another way through it is tried"
        }
        ErrorKind::OnionServiceNotFound => {
            "no onion service with this address is known to Tor; it may be off, or its address mistyped"
        }
        ErrorKind::OnionServiceNotRunning | ErrorKind::OnionServiceConnectionFailed => {
            "the onion service does not answer; it may be off"
        }
        ErrorKind::OnionServiceAddressInvalid => "its onion address is mistyped",
        ErrorKind::OnionServiceMissingClientAuth | ErrorKind::OnionServiceWrongClientAuth => {
            "its onion service lets in only clients with a key of their own, which cannot be given here"
        }
        ErrorKind::ForbiddenStreamTarget | ErrorKind::InvalidStreamTarget => {
            "Tor does not connect to such an address"
        }
        ErrorKind::BootstrapRequired
        | ErrorKind::DirectoryExpired
        | ErrorKind::TorAccessFailed
        | ErrorKind::LocalNetworkError => "Tor is not connected; this computer may be offline",
        kind => return format!("Tor says: {kind}"),
    };
    words.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn without_a_client_nothing_is_connected_and_that_is_said() {
        let outgoing = Outgoing::default();

        assert!(!outgoing.is_ready());
        let refused = outgoing.connect("example.org", 80).await.map(|_stream| ());
        assert_eq!(refused, Err("Tor is not connected yet".to_owned()));
    }

    #[test]
    fn what_a_person_can_do_something_about_is_said_in_words() {
        for (kind, part) in [
            (ErrorKind::RemoteHostNotFound, "no server of that name"),
            (ErrorKind::OnionServiceNotFound, "mistyped"),
            (ErrorKind::ExitPolicyRejected, "no relay"),
        ] {
            assert!(words(kind).contains(part), "{kind}");
        }
    }
}
