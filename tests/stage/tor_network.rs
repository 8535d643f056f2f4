//! A private Tor network of C tor on loopback: one authority, six relays, and clients.
//!
//! Belongs here: the order in which the nodes start, and what is waited for. The text of their
//! files is in `torrc.rs`.
//!
//! Every node has its own `127.N.0.1`, because no circuit uses two relays of one /16 network.
//! Nothing leaves loopback: the relays refuse to be exits and look up no names.

mod torrc;

use std::{
    fs::{self, DirBuilder, File},
    io::Write as _,
    net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, TcpStream},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    process::{self, Child, Command, Stdio},
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::{
    Deadline,
    process::{program, shown, tell},
    watch,
};

/// Relays besides the authority: three hops, and enough places for descriptors.
const RELAYS: u8 = 6;
/// Addresses of /16 networks that one private network keeps to itself.
const NETWORKS: u8 = 8;
/// The port whose listener says that a range of addresses is taken.
const CLAIM_PORT: u16 = 4250;
/// From the last known descriptor to the beginning of the first consensus, in seconds: the vote,
/// its distribution, and what is left of the current second.
const VOTE_LEAD: u64 = 5;
/// How long each step of the boot may take on a busy machine.
const STEP: Duration = Duration::from_mins(1);

/// A running private Tor network; dropping it ends all nodes and removes their files.
#[derive(Debug)]
pub(crate) struct TorNetwork {
    nodes: Vec<Node>,
    clients: Vec<SocketAddr>,
    arti_toml: PathBuf,
    boot_time: Duration,
    tor: PathBuf,
    authority_line: String,
    addresses: Addresses,
    directory: TempDir,
}

#[derive(Debug)]
struct Node {
    name: String,
    directory: PathBuf,
    process: Child,
}

/// What the authority is known by.
struct Authority {
    /// Of its signing key: the fingerprint of the authority.
    identity: String,
    /// Of the relay it also is: RSA, in hexadecimal.
    fingerprint: String,
    /// Of the relay it also is: Ed25519, in base 64.
    ed25519: String,
    onion_routing: SocketAddrV4,
    directory: SocketAddrV4,
}

impl TorNetwork {
    /// A network with two clients, ready for use.
    pub(crate) fn boot() -> Self {
        Self::with_clients(2)
    }

    /// A network with this many clients, ready for use.
    pub(crate) fn with_clients(clients: u8) -> Self {
        let clock = Deadline::after(Duration::MAX);
        let directory = tempfile::Builder::new()
            .prefix("onionstream-tor-")
            .tempdir()
            .expect("a temporary directory");
        let mut network = Self {
            nodes: Vec::new(),
            clients: Vec::new(),
            arti_toml: directory.path().join("arti.toml"),
            boot_time: Duration::ZERO,
            tor: program("tor", "TOR"),
            authority_line: String::new(),
            addresses: Addresses::claim(),
            directory,
        };
        network.start_relays();
        for client in 0..clients {
            network.start_client(client);
        }
        network.wait_for_clients();
        network.boot_time = clock.elapsed();
        network
    }

    /// The file with which arti joins this network.
    pub(crate) fn arti_toml(&self) -> &Path {
        &self.arti_toml
    }

    /// The SOCKS address of a client; each has circuits of its own.
    pub(crate) fn socks(&self, client: usize) -> SocketAddr {
        *self
            .clients
            .get(client)
            .unwrap_or_else(|| panic!("the network has no client {client}"))
    }

    /// Runs an onion service of C tor that forwards its port 80 to `target`, and gives its host
    /// name; it is known to the network some seconds later.
    pub(crate) fn host(&mut self, target: SocketAddr) -> String {
        let name = format!("service{}", self.nodes.len());
        let service = self.node_directory(&name).join("service");
        self.copy_directory_documents(&name);
        self.start_node(&name, &torrc::onion_service(&shown(&service), target));
        self.wait_for("the name of an onion service", |_| {
            service.join("hostname").exists()
        });
        read(&service.join("hostname")).trim().to_owned()
    }

    /// How long it took from nothing to bootstrapped clients.
    pub(crate) fn boot_time(&self) -> Duration {
        self.boot_time
    }

    /// The ids of all processes of the network.
    pub(crate) fn process_ids(&self) -> Vec<u32> {
        self.nodes.iter().map(|node| node.process.id()).collect()
    }

    fn start_relays(&mut self) {
        let authority = self.make_authority();
        self.authority_line = torrc::authority_line(
            &authority.identity,
            &authority.fingerprint,
            authority.onion_routing,
            authority.directory,
        );
        write(
            &self.arti_toml,
            &torrc::arti(
                &authority.identity,
                &authority.fingerprint,
                &authority.ed25519,
                authority.onion_routing,
            ),
        );

        // The first vote is far away until the authority knows every relay, so that a slow machine
        // cannot make a consensus with half of them, which would then hold for half an hour.
        let now = unix_time();
        let relay = torrc::relay("authority", authority.onion_routing);
        let vote = torrc::authority(authority.directory, now + torrc::VOTING_INTERVAL / 2);
        self.start_node("authority", &(relay.clone() + &vote));
        self.wait_for("the authority to listen", |_| {
            TcpStream::connect(authority.directory).is_ok()
        });
        for number in 0..RELAYS {
            let name = format!("relay{number}");
            make_directory(&self.node_directory(&name));
            write(
                &self.node_directory(&name).join("state"),
                &torrc::relay_state(now),
            );
            let address = self.addresses.relay(number + 1);
            self.start_node(&name, &torrc::relay(&name, address));
        }
        let known = usize::from(RELAYS) + 1;
        self.wait_for("the authority to know all relays", |network| {
            network.node_has(
                "authority",
                "cached-descriptors.new",
                "\nrouter-signature",
                known,
            )
        });

        let vote = torrc::authority(authority.directory, unix_time() + VOTE_LEAD);
        self.write_configuration("authority", &(relay + &vote));
        self.signal("authority", Signal::HUP);
        self.wait_for("a consensus of all relays", |network| {
            network.node_has("authority", "cached-microdesc-consensus", "\nr ", known)
        });
        assert!(
            self.node_has(
                "authority",
                "cached-microdesc-consensus",
                "shared-rand-current-value",
                1
            ),
            "the consensus has no shared random value; the authority refused the made-up one"
        );
    }

    /// Makes the keys of the authority, and its state.
    fn make_authority(&self) -> Authority {
        let directory = self.node_directory("authority");
        let keys = directory.join("keys");
        make_directory(&directory);
        make_directory(&keys);
        let certificate = keys.join("authority_certificate");
        let mut generator = Command::new(program("tor-gencert", "TOR_GENCERT"))
            .args(["--create-identity-key", "--passphrase-fd", "0", "-m", "12"])
            .arg("-i")
            .arg(keys.join("authority_identity_key"))
            .arg("-s")
            .arg(keys.join("authority_signing_key"))
            .arg("-c")
            .arg(&certificate)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("tor-gencert starts");
        // The pipe takes this at once, and closes when the value is dropped.
        generator
            .stdin
            .take()
            .expect("the input is piped")
            .write_all(b"passphrase\n")
            .expect("tor-gencert reads");
        let status = generator.wait().expect("tor-gencert ends");
        assert!(status.success(), "tor-gencert failed: {status}");
        let identity = word_after(&read(&certificate), "fingerprint");

        let listed = Command::new(&self.tor)
            .args([
                "-f",
                "/dev/null",
                "--ignore-missing-torrc",
                "--orport",
                "1",
                "--quiet",
            ])
            .args(["--list-fingerprint", "--datadirectory"])
            .arg(&directory)
            .output()
            .expect("tor makes the keys of a relay");
        assert!(
            listed.status.success(),
            "tor could not make keys: {}",
            String::from_utf8_lossy(&listed.stdout)
        );
        let now = unix_time();
        write(&directory.join("state"), &torrc::relay_state(now));
        write(&directory.join("sr-state"), &torrc::shared_randomness(now));
        Authority {
            identity,
            fingerprint: word_after(&read(&directory.join("fingerprint")), "Unnamed"),
            ed25519: word_after(&read(&directory.join("fingerprint-ed25519")), "Unnamed"),
            onion_routing: self.addresses.relay(0),
            directory: self.addresses.directory(),
        }
    }

    fn start_client(&mut self, number: u8) {
        let name = format!("client{number}");
        self.copy_directory_documents(&name);
        let socks = self.addresses.client(number);
        self.start_node(&name, &torrc::client(socks));
        self.clients.push(socks.into());
    }

    fn copy_directory_documents(&self, name: &str) {
        let directory = self.node_directory(name);
        make_directory(&directory);
        // What the authority knows; from relays that have not fetched it yet, a client would get
        // nothing and ask again only ten seconds later.
        for known in [
            "cached-certs",
            "cached-microdesc-consensus",
            "cached-microdescs",
            "cached-microdescs.new",
        ] {
            let source = self.node_directory("authority").join(known);
            if source.exists() {
                fs::copy(source, directory.join(known)).expect("a copy of the directory");
            }
        }
    }

    fn wait_for_clients(&mut self) {
        for number in 0..self.clients.len() {
            let name = format!("client{number}");
            self.wait_for("a client to bootstrap", |network| {
                network.node_has(&name, "notice.log", "Bootstrapped 100%", 1)
            });
        }
    }

    fn start_node(&mut self, name: &str, configuration: &str) {
        let directory = self.node_directory(name);
        make_directory(&directory);
        let file = self.write_configuration(name, configuration);
        let log = File::create(directory.join("stdout.log")).expect("a log file");
        let process = Command::new(&self.tor)
            .arg("-f")
            .arg(file)
            .args(["--defaults-torrc", "/dev/null", "--hush"])
            .stdin(Stdio::null())
            .stderr(log.try_clone().expect("a second handle of the log file"))
            .stdout(log)
            .spawn()
            .expect("tor starts");
        self.nodes.push(Node {
            name: name.to_owned(),
            directory,
            process,
        });
    }

    fn write_configuration(&self, name: &str, configuration: &str) -> PathBuf {
        let directory = self.node_directory(name);
        let common = torrc::node(&shown(&directory), process::id(), &self.authority_line);
        let file = directory.join("torrc");
        write(&file, &(common + configuration));
        file
    }

    fn signal(&self, name: &str, signal: Signal) {
        let node = self
            .nodes
            .iter()
            .find(|node| node.name == name)
            .expect("a node of this network");
        kill_process(Pid::from_child(&node.process), signal).expect("the node runs");
    }

    fn wait_for(&mut self, what: &str, reached: impl Fn(&Self) -> bool) {
        let seen = watch(STEP, || {
            for node in &mut self.nodes {
                if let Some(status) = node
                    .process
                    .try_wait()
                    .expect("the state of a child process")
                {
                    panic!(
                        "{} of the private Tor network ended while waiting for {what}: {status}",
                        node.name
                    );
                }
            }
            reached(self).then_some(())
        });
        assert!(
            seen.is_some(),
            "the private Tor network waited {} s for {what} in vain",
            STEP.as_secs()
        );
    }

    /// Whether a file of a node contains `text` at least `times` times.
    fn node_has(&self, name: &str, file: &str, text: &str, times: usize) -> bool {
        let content = fs::read(self.node_directory(name).join(file)).unwrap_or_default();
        String::from_utf8_lossy(&content).matches(text).count() >= times
    }

    fn node_directory(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

impl Drop for TorNetwork {
    fn drop(&mut self) {
        for node in &mut self.nodes {
            drop(node.process.kill());
        }
        for node in &mut self.nodes {
            drop(node.process.wait());
        }
        if thread::panicking() {
            for node in &self.nodes {
                let log = ["stdout.log", "notice.log"].map(|file| {
                    String::from_utf8_lossy(
                        &fs::read(node.directory.join(file)).unwrap_or_default(),
                    )
                    .into_owned()
                });
                let log = log.concat();
                let lines: Vec<_> = log.lines().collect();
                let end = lines
                    .get(lines.len().saturating_sub(4)..)
                    .unwrap_or_default()
                    .join("\n");
                tell(&format!("--- end of the log of {}:\n{end}", node.name));
            }
        }
    }
}

/// A range of `127.N.0.0/16` networks that belongs to one private network at a time.
#[derive(Debug)]
struct Addresses {
    first: u8,
    _claim: TcpListener,
}

impl Addresses {
    /// Takes the first range that no other test run on this computer holds.
    fn claim() -> Self {
        for first in (NETWORKS..=u8::MAX - NETWORKS).step_by(NETWORKS.into()) {
            if let Ok(claim) = TcpListener::bind((Ipv4Addr::new(127, first, 0, 2), CLAIM_PORT)) {
                return Self {
                    first,
                    _claim: claim,
                };
            }
        }
        panic!("no free loopback addresses: are thirty private Tor networks running?")
    }

    /// Where the relay with this number listens; 0 is the authority.
    fn relay(&self, number: u8) -> SocketAddrV4 {
        free_port(Ipv4Addr::new(127, self.first + number, 0, 1))
    }

    /// Where the authority serves its documents.
    fn directory(&self) -> SocketAddrV4 {
        free_port(Ipv4Addr::new(127, self.first, 0, 1))
    }

    /// Where the client with this number takes SOCKS connections.
    fn client(&self, number: u8) -> SocketAddrV4 {
        free_port(Ipv4Addr::new(127, self.first, 0, 10 + number))
    }
}

/// A port that is free now; it stays so because nobody else uses addresses of a claimed range.
fn free_port(ip: Ipv4Addr) -> SocketAddrV4 {
    let listener = TcpListener::bind((ip, 0)).expect("a free port on a loopback address");
    let port = listener
        .local_addr()
        .expect("the address of a listener")
        .port();
    SocketAddrV4::new(ip, port)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the nodes of the network vote by the clock of the computer"
)]
fn unix_time() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a clock after 1970")
        .as_secs()
}

/// Makes a directory that only its owner can read, as tor wants it.
fn make_directory(path: &Path) {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .expect("a directory");
}

fn write(path: &Path, text: &str) {
    fs::write(path, text)
        .unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
}

fn read(path: &Path) -> String {
    fs::read_to_string(path)
        .unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()))
}

/// The word that follows `key`.
fn word_after(text: &str, key: &str) -> String {
    let mut words = text.split_whitespace();
    words.find(|word| *word == key);
    words
        .next()
        .unwrap_or_else(|| panic!("no word after `{key}` in: {text}"))
        .to_owned()
}
