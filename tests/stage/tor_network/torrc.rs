//! The configuration and state files of the nodes of a private Tor network.
//!
//! Belongs here: text in the formats of C tor, as functions of plain values.

use std::net::{SocketAddr, SocketAddrV4};

/// Seconds from one consensus to the next, for the first one too.
///
/// The longest that C tor allows for the first interval. Within it the network never changes its
/// mind, so tests of up to half an hour see no consensus change.
pub(super) const VOTING_INTERVAL: u64 = 1800;

/// Rounds of voting in one run of the shared-randomness protocol; also the length of the time
/// period of onion service descriptors, counted in voting intervals (`rend-spec-v3`, 2.2.1).
const ROUNDS: u64 = 24;

/// Which seconds a vote and its distribution take; the least that C tor allows.
const VOTE_DELAY: u64 = 2;

/// A day at 10 MB/s, remembered by each relay. Without it the first descriptors advertise next to
/// nothing, and path selection finds too few relays with a weight.
const HISTORY_VALUES: &str = "864000000000";

/// What every node is told.
pub(super) fn node(directory: &str, owner: u32, authority: &str) -> String {
    format!(
        "TestingTorNetwork 1\n\
         DataDirectory {directory}\n\
         Log notice file {directory}/notice.log\n\
         SafeLogging 0\n\
         LogTimeGranularity 1\n\
         ShutdownWaitLength 0\n\
         PathsNeededToBuildCircuits 0.67\n\
         NumCPUs 1\n\
         __OwningControllerProcess {owner}\n\
         {authority}\n"
    )
}

/// What a relay is told besides.
pub(super) fn relay(name: &str, onion_routing: SocketAddrV4) -> String {
    format!(
        "Nickname {name}\n\
         Address {ip}\n\
         ORPort {onion_routing}\n\
         SocksPort 0\n\
         DirCache 1\n\
         ExitRelay 0\n\
         AssumeReachable 1\n\
         ServerDNSDetectHijacking 0\n\
         ServerDNSTestAddresses\n\
         ServerDNSResolvConfFile /dev/null\n\
         ContactInfo private@network.invalid\n",
        ip = onion_routing.ip()
    )
}

/// What the authority, which is a relay too, is told besides.
///
/// `first_consensus` is the unix time in seconds at which the first consensus begins.
pub(super) fn authority(directory: SocketAddrV4, first_consensus: u64) -> String {
    format!(
        "DirPort {directory}\n\
         AuthoritativeDirectory 1\n\
         V3AuthoritativeDirectory 1\n\
         TestingDirAuthVoteGuard *\n\
         TestingDirAuthVoteExit *\n\
         TestingDirAuthVoteHSDir *\n\
         TestingMinExitFlagThreshold 0\n\
         TestingV3AuthInitialVotingInterval {VOTING_INTERVAL}\n\
         TestingV3AuthInitialVoteDelay {VOTE_DELAY}\n\
         TestingV3AuthInitialDistDelay {VOTE_DELAY}\n\
         TestingV3AuthVotingStartOffset {offset}\n\
         V3AuthVotingInterval {VOTING_INTERVAL}\n\
         V3AuthVoteDelay {VOTE_DELAY}\n\
         V3AuthDistDelay {VOTE_DELAY}\n\
         V3AuthNIntervalsValid 4\n\
         ConsensusParams hsdir_interval={period}\n",
        offset = first_consensus % VOTING_INTERVAL,
        period = ROUNDS * VOTING_INTERVAL / 60,
    )
}

/// What a client is told besides.
pub(super) fn client(socks: SocketAddrV4) -> String {
    // Onion services of this network live on loopback addresses, which clients refuse by default.
    format!("SocksPort {socks}\nClientRejectInternalAddresses 0\n")
}

/// What a client is told besides, to run an onion service that forwards port 80 to `target`.
pub(super) fn onion_service(directory: &str, target: SocketAddr) -> String {
    format!("SocksPort 0\nHiddenServiceDir {directory}\nHiddenServicePort 80 {target}\n")
}

/// The line that tells every node who the authority is.
pub(super) fn authority_line(
    identity: &str,
    fingerprint: &str,
    onion_routing: SocketAddrV4,
    directory: SocketAddrV4,
) -> String {
    format!(
        "DirAuthority authority orport={} v3ident={identity} {directory} {fingerprint}",
        onion_routing.port()
    )
}

/// A relay's `state` file: a bandwidth history that ended before `now`.
pub(super) fn relay_state(now: u64) -> String {
    let ends = utc(now.saturating_sub(60));
    ["Read", "Write"]
        .map(|way| {
            format!(
                "BWHistory{way}Ends {ends}\n\
                 BWHistory{way}Interval 86400\n\
                 BWHistory{way}Values {HISTORY_VALUES}\n\
                 BWHistory{way}Maxima 10000000\n"
            )
        })
        .concat()
}

/// The authority's `sr-state` file: two made-up shared random values.
///
/// Without them the places of onion service descriptors are only provisional, and arti reports a
/// service as unreachable for as long.
pub(super) fn shared_randomness(now: u64) -> String {
    let run = ROUNDS * VOTING_INTERVAL;
    format!(
        "Version 1\n\
         TorVersion 0.4.9.0\n\
         ValidAfter {after}\n\
         ValidUntil {until}\n\
         SharedRandPreviousValue 9 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE=\n\
         SharedRandCurrentValue 9 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAI=\n",
        after = utc(now.saturating_sub(1)),
        until = utc((now / run + 1) * run),
    )
}

/// The configuration with which arti joins this network.
pub(super) fn arti(
    identity: &str,
    fingerprint: &str,
    ed25519: &str,
    onion_routing: SocketAddrV4,
) -> String {
    format!(
        "[tor_network]\n\
         fallback_caches = [\n  \
         {{ rsa_identity = \"{fingerprint}\", ed_identity = \"{ed25519}\", orports = [\"{onion_routing}\"] }},\n\
         ]\n\
         [tor_network.authorities]\n\
         v3idents = [\"{identity}\"]\n\
         [address_filter]\n\
         allow_local_addrs = true\n"
    )
}

/// The unix time `seconds` as C tor writes it: `YYYY-MM-DD HH:MM:SS`, in UTC.
pub(super) fn utc(seconds: u64) -> String {
    let (days, time) = (seconds / 86_400, seconds % 86_400);
    let (mut year, mut day) = (1970, days);
    loop {
        let length = if is_leap(year) { 366 } else { 365 };
        if day < length {
            break;
        }
        day -= length;
        year += 1;
    }
    let february = if is_leap(year) { 29 } else { 28 };
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if day < length {
            break;
        }
        day -= length;
        month += 1;
    }
    format!(
        "{year}-{month:02}-{:02} {:02}:{:02}:{:02}",
        day + 1,
        time / 3600,
        time / 60 % 60,
        time % 60
    )
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}
