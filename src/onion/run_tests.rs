//! The whole service without a network: what works before, and without, any bootstrap.

use super::*;

/// A directory as onionstream sees it, with a Tor network that does not answer.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        std::fs::write(
            home.0.path().join("network.toml"),
            r#"
            [tor_network]
            fallback_caches = [
              { rsa_identity = "1234567890123456789012345678901234567890", ed_identity = "ObZrkUuxr4sUnZGg7rpMLVBsXqfH/Hw1iZWm9ZI7rb8", orports = ["127.0.0.1:1"] },
            ]
            [tor_network.authorities]
            v3idents = ["1234567890123456789012345678901234567890"]
            [address_filter]
            allow_local_addrs = true
            "#,
        )
        .unwrap();
        home
    }

    fn settings(&self, keys: &str) -> Settings {
        Settings {
            keys_dir: self.0.path().join(keys),
            state_dir: self.0.path().join("state"),
            network: Some(self.0.path().join("network.toml")),
            max_streams_per_circuit: 16,
            max_circuits: 4096,
            outgoing: Outgoing::default(),
            clock: Clock::new(),
        }
    }

    fn start(&self, keys: &str) -> Running {
        let (status, watch) = watch::channel(Status::default());
        let stop = CancellationToken::new();
        let serve = |_stream: OnionStream, _circuit: Circuit| async {};
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn(run(self.settings(keys), status, stop.clone(), serve));
        Running { watch, stop, tasks }
    }
}

struct Running {
    watch: watch::Receiver<Status>,
    stop: CancellationToken,
    tasks: tokio::task::JoinSet<Result<(), OnionError>>,
}

impl Running {
    /// The address, once the service has been launched under it.
    async fn launched(&mut self) -> String {
        let launched = |status: &Status| matches!(status.stage, Stage::Bootstrapping { .. });
        let status = self.watch.wait_for(launched).await.unwrap();
        status.address.as_ref().unwrap().as_str().to_owned()
    }

    async fn end(mut self) -> Result<(), OnionError> {
        self.stop.cancel();
        self.tasks.join_next().await.unwrap().unwrap()
    }
}

/// Files below `dir` whose name speaks of the identity key.
fn identity_files(dir: &std::path::Path) -> usize {
    std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            if path.is_dir() {
                identity_files(&path)
            } else {
                usize::from(path.to_string_lossy().contains("hs_id"))
            }
        })
        .sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_address_is_known_without_a_network_and_the_state_holds_no_copy_of_its_key() {
    let home = Home::new();
    let mut running = home.start("keys");

    let address = running.launched().await;

    let hostname = std::fs::read_to_string(home.0.path().join("keys/hostname")).unwrap();
    assert_eq!(hostname.trim(), address);
    assert_eq!(identity_files(&home.0.path().join("state")), 0);
    running.end().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_state_serves_one_identity_after_another() {
    let home = Home::new();
    let mut addresses = Vec::new();

    for keys in ["first", "second"] {
        let mut running = home.start(keys);
        addresses.push(running.launched().await);
        running.end().await.unwrap();
    }

    assert_ne!(addresses[0], addresses[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_takes_no_longer_than_the_streams_need() {
    let home = Home::new();
    let mut running = home.start("keys");
    running.launched().await;

    let ended = tokio::time::timeout(Duration::from_secs(3), running.end()).await;

    assert!(matches!(ended, Ok(Ok(()))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_service_with_the_same_state_is_refused_in_plain_words() {
    let home = Home::new();
    let mut first = home.start("keys");
    first.launched().await;

    let mut second = home.start("keys");
    let refusal = second
        .tasks
        .join_next()
        .await
        .unwrap()
        .unwrap()
        .unwrap_err();

    assert!(matches!(refusal, OnionError::StateInUse(_)), "{refusal}");
    assert!(
        refusal
            .to_string()
            .starts_with("another program uses the Tor state in `"),
        "{refusal}"
    );
    first.end().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_others_can_write_is_refused_by_name() {
    use std::os::unix::fs::PermissionsExt as _;

    let home = Home::new();
    let open = home.0.path().join("open");
    std::fs::create_dir(&open).unwrap();
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o777)).unwrap();

    let mut running = home.start("open/keys");
    let refusal = running
        .tasks
        .join_next()
        .await
        .unwrap()
        .unwrap()
        .unwrap_err()
        .to_string();

    assert!(refusal.contains(&open.display().to_string()), "{refusal}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_identity_ends_the_start_with_the_reason() {
    let home = Home::new();
    Identity::open(&home.0.path().join("keys")).unwrap();
    std::fs::remove_file(home.0.path().join("keys/hs_ed25519_secret_key")).unwrap();

    let mut running = home.start("keys");
    let refusal = running
        .tasks
        .join_next()
        .await
        .unwrap()
        .unwrap()
        .unwrap_err();

    assert!(
        matches!(
            refusal,
            OnionError::Keys(KeysError::Wrong {
                wrong: Wrong::SecretKeyMissing,
                ..
            })
        ),
        "{refusal}"
    );
}
