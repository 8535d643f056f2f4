//! The onion service: arti inside this process, from the identity to streams of bytes.
//!
//! Belongs here: the client and its configuration, the identity, the service, its status, circuits
//! and streams; connections of our own to others. Does not belong here: what is spoken over a stream, or how the status is shown.
//! The crates of the Tor project are named here and nowhere else.
//!
//! Order at the start: the identity (so that the address is known at once), the client, the service,
//! and only then the network, which may take for ever. Order at the end: the service (nobody new),
//! circuits (those who are here), the client.

mod behind;
mod circuits;
mod identity;
mod keys_error;
mod network;
mod outgoing;
mod status;

pub use circuits::{Circuit, OnionStream};
pub use identity::{HOSTNAME_FILE, KEY_FILES, OnionAddress};
pub use keys_error::{KeysError, Wrong};
pub use network::{NetworkError, TOR_CACHE_DIR, TOR_STATE_DIR};
pub use outgoing::Outgoing;
pub use status::{Stage, Status};

use std::{error::Error as _, future::Future, path::PathBuf, sync::Arc, time::Duration};

use arti_client::{ErrorKind, HasKind as _, TorClient, TorClientConfig};
use futures_util::{Stream, StreamExt as _};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tor_hsservice::{
    HsNickname, RendRequest, RunningOnionService, config::OnionServiceConfigBuilder,
};
use tor_rtcompat::PreferredRuntime;

use crate::clock::Clock;

use circuits::{Circuits, Limits};
use identity::Identity;
use network::Places;
use status::Progress;

/// How long open streams may take to end by themselves when the program stops.
const CLOSING_GRACE: Duration = Duration::from_secs(1);

/// How long the service may look unreachable before that is said: one introduction relay that goes
/// away is replaced within seconds.
const DOUBT: Duration = Duration::from_secs(10);

/// How long the bootstrap may say nothing before we do.
const SILENCE: Duration = Duration::from_secs(15);

/// Pauses between attempts to bootstrap. arti already retries within an attempt.
const FIRST_RETRY: Duration = Duration::from_secs(2);
const LONGEST_RETRY: Duration = Duration::from_mins(1);

/// What the service needs to know. The caller must be the only process that uses `state_dir`
/// (see [`crate::instance`]).
#[derive(Debug, Clone)]
pub struct Settings {
    /// The identity, in the layout that `onion-keys.example` explains. Made if missing.
    pub keys_dir: PathBuf,
    /// State and cache of Tor go into `tor/` and `tor-cache/` below.
    pub state_dir: PathBuf,
    /// A TOML file with settings of arti (`TorClientConfig`), for example of a private Tor network.
    pub network: Option<PathBuf>,
    /// Further streams of the same circuit are refused; at twice the number the circuit is ended.
    pub max_streams_per_circuit: u32,
    /// Further circuits are turned away.
    pub max_circuits: usize,
    /// Gets the client as long as there is one, for connections of our own.
    pub outgoing: Outgoing,
    /// For the date.
    pub clock: Clock,
}

/// Why the service could not start, or ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OnionError {
    /// The identity cannot be used.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The Tor settings cannot be used.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// arti's own lock is held.
    #[error(
        "another program uses the Tor state in `{}`; stop it, or start with another `--dir`",
        .0.display()
    )]
    StateInUse(PathBuf),
    /// arti does not trust the modes or owners of the directories it works in.
    #[error(
        "the directories are open to other users of this computer: {problem}; run `chmod go-w` \
         on the directory named"
    )]
    Permissions {
        /// Which directory, in arti's words.
        problem: String,
    },
    /// Anything else that arti could not do.
    #[error("cannot {doing}: {problem}")]
    Arti {
        /// A verb.
        doing: &'static str,
        /// arti's words with all causes.
        problem: String,
    },
    /// The service ended although nobody asked for it.
    #[error("the onion service ended by itself; restart onionstream")]
    Ended,
}

impl OnionError {
    fn arti(doing: &'static str, settings: &Settings) -> impl Fn(arti_client::Error) -> Self {
        let state_dir = settings.state_dir.clone();
        move |error| match error.kind() {
            ErrorKind::LocalResourceAlreadyInUse => Self::StateInUse(state_dir.clone()),
            ErrorKind::FsPermissions => Self::Permissions {
                problem: with_causes(&error),
            },
            _ => Self::Arti {
                doing,
                problem: with_causes(&error),
            },
        }
    }
}

/// An error of arti says what happened only in its causes.
fn with_causes(error: &arti_client::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(deeper) = cause {
        let words = deeper.to_string();
        // Some repeat their cause in their own text.
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = deeper.source();
    }
    text
}

/// Serves streams from the Tor network until `stop` is cancelled.
///
/// Returns early only if something is wrong that waiting does not cure; without a network it goes on
/// trying and says so in `status`. After `stop`, streams have a second to end by themselves, and the
/// function returns within a second and a half.
///
/// `serve` gets every stream in a task of its own, which is dropped when the circuit ends.
pub async fn run<Serve, Served>(
    settings: Settings,
    status: watch::Sender<Status>,
    stop: CancellationToken,
    serve: Serve,
) -> Result<(), OnionError>
where
    Serve: Fn(OnionStream, Circuit) -> Served + Send + Sync + 'static,
    Served: Future<Output = ()> + Send + 'static,
{
    // `Err`: another part of the program has installed one already.
    drop(rustls::crypto::ring::default_provider().install_default());

    let Prepared {
        address,
        nickname,
        config,
        behind,
    } = prepare(settings.clone()).await?;
    status.send_modify(|status| status.address = Some(address));

    let client = TorClient::builder()
        .config(config)
        .create_unbootstrapped_async()
        .await
        .map_err(OnionError::arti("start the Tor client", &settings))?;
    let (service, mut requests) = launch(&client, nickname, &settings)?;
    let lent = settings.outgoing.lend(&client);
    let limits = Limits {
        circuits: settings.max_circuits,
        streams_per_circuit: usize::try_from(settings.max_streams_per_circuit)
            .unwrap_or(usize::MAX),
    };
    let mut circuits = Circuits::new(limits, serve);

    let result = tokio::select! {
        () = stop.cancelled() => Ok(()),
        () = keep_informed(&client, &service, Progress::new(behind), &status) => Err(OnionError::Ended),
        () = circuits.accept(&mut requests) => Err(OnionError::Ended),
    };

    drop(lent);
    drop(service);
    drop(requests);
    circuits.close(CLOSING_GRACE).await;
    // Not waited for: arti's background tasks may keep parts of it until the runtime ends.
    drop(client);
    result
}

/// What is known before there is a client.
struct Prepared {
    address: OnionAddress,
    nickname: HsNickname,
    config: TorClientConfig,
    /// See [`behind::behind`].
    behind: Option<Duration>,
}

/// Everything that reads files and can be wrong without a network.
async fn prepare(settings: Settings) -> Result<Prepared, OnionError> {
    let preparing = tokio::task::spawn_blocking(move || {
        let identity = Identity::open(&settings.keys_dir)?;
        let nickname = identity.nickname().map_err(|error| OnionError::Arti {
            doing: "name the service",
            problem: error.to_string(),
        })?;
        let state = std::path::absolute(&settings.state_dir).map_err(|error| OnionError::Arti {
            doing: "find the state directory",
            problem: error.to_string(),
        })?;
        let places = Places {
            state: &state,
            keys: identity.dir(),
            nickname: &nickname,
        };
        let config = network::configure(settings.network.as_deref(), &places)?;
        // Before arti writes something.
        let behind = behind::behind(&state.join(TOR_STATE_DIR), settings.clock.wall());
        Ok(Prepared {
            address: identity.address(),
            nickname,
            config,
            behind,
        })
    });
    // `Err`: it panicked, or the runtime is going down.
    preparing.await.unwrap_or(Err(OnionError::Ended))
}

type Requests = std::pin::Pin<Box<dyn Stream<Item = RendRequest> + Send>>;

fn launch(
    client: &TorClient<PreferredRuntime>,
    nickname: HsNickname,
    settings: &Settings,
) -> Result<(Arc<RunningOnionService>, Requests), OnionError> {
    let doing = "start the onion service";
    let config = OnionServiceConfigBuilder::default()
        .nickname(nickname)
        // Ours, at half of that, refuses; this one ends the circuit of somebody who does not stop.
        .max_concurrent_streams_per_circuit(settings.max_streams_per_circuit.saturating_mul(2))
        .build()
        .map_err(|error| OnionError::Arti { doing, problem: error.to_string() })?;
    let launched = client
        .launch_onion_service(config)
        .map_err(OnionError::arti(doing, settings))?;
    let (service, requests) = launched.ok_or(OnionError::Ended)?;
    Ok((service, Box::pin(requests)))
}

/// Bootstraps, and publishes what happens, for as long as the service lives.
async fn keep_informed(
    client: &TorClient<PreferredRuntime>,
    service: &RunningOnionService,
    mut progress: Progress,
    status: &watch::Sender<Status>,
) {
    let mut bootstrap_events = client.bootstrap_events();
    let mut service_events = service.status_events();
    let (attempt_ended, mut attempts) = watch::channel(None);
    let mut bootstrap = std::pin::pin!(bootstrap(client, attempt_ended));
    let mut bootstrapped = false;
    let mut doubt = None;
    loop {
        let doubt_ends = async {
            match doubt.as_mut() {
                Some(sleep) => sleep.await,
                None => std::future::pending().await,
            }
        };
        let mut certain = false;
        tokio::select! {
            () = doubt_ends => certain = true,
            // Starts again with every event.
            () = tokio::time::sleep(SILENCE), if progress.is_under_way() => progress.nothing_heard(),
            () = &mut bootstrap, if !bootstrapped => {
                bootstrapped = true;
                progress.bootstrap_failed(None);
            }
            Ok(()) = attempts.changed(), if !bootstrapped => progress.bootstrap_failed(*attempts.borrow_and_update()),
            Some(now) = bootstrap_events.next() => progress.bootstrap_changed(&now),
            now = service_events.next() => match now {
                Some(now) => progress.service_changed(&now),
                None => return,
            },
        }
        let stage = progress.stage();
        let worse =
            matches!(stage, Stage::Unreachable { .. }) && status.borrow().stage == Stage::Reachable;
        if worse && !certain {
            doubt.get_or_insert_with(|| Box::pin(tokio::time::sleep(DOUBT)));
            continue;
        }
        doubt = None;
        status.send_if_modified(|status| {
            let changed = status.stage != stage;
            status.stage = stage;
            changed
        });
    }
}

/// Tries until it succeeds; arti keeps itself up to date from then on.
async fn bootstrap(client: &TorClient<PreferredRuntime>, failed: watch::Sender<Option<ErrorKind>>) {
    let mut pause = FIRST_RETRY;
    while let Err(error) = client.bootstrap().await {
        tracing::debug!(error = with_causes(&error), "bootstrap failed");
        failed.send_replace(Some(error.kind()));
        tokio::time::sleep(pause).await;
        pause = LONGEST_RETRY.min(pause * 2);
    }
}

#[cfg(test)]
#[path = "onion/run_tests.rs"]
mod tests;
