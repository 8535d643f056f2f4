//! What the broadcaster is told about the onion service, in words for people who do not know Tor.
//!
//! Belongs here: the values that others show, and the translation of arti's states into them.
//! Does not belong here: showing or logging them.
//!
//! arti gives a percentage and a few kinds of trouble as values, the rest only as English text that
//! it does not promise to keep. What is recognised in that text makes our sentence better; when
//! nothing is recognised any more, a plainer sentence remains.

use std::time::Duration;

use arti_client::{
    ErrorKind,
    status::{BlockageKind, BootstrapStatus},
};
use tor_hsservice::status::{OnionServiceStatus, Problem, State};

use super::identity::OnionAddress;
use crate::clock::Step;

/// The address and how far it is on its way to being reachable.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Status {
    /// Known as soon as the identity has been read, long before anybody can reach it.
    pub address: Option<OnionAddress>,
    /// Where the service stands.
    pub stage: Stage,
}

/// Where the service stands. Texts are lower case without a full stop.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Stage {
    /// Nothing has happened yet.
    #[default]
    Starting,
    /// Learning about the Tor network. Can fall back, and goes on for ever without a network.
    Bootstrapping {
        /// 0 to 100.
        percent: u8,
        /// What it is waiting for.
        doing: String,
        /// Why it does not get on, if it seems stuck.
        blocked: Option<String>,
    },
    /// Connected; telling the Tor network how visitors find us, for the first time.
    Publishing {
        /// The trouble on the way, if any.
        problem: Option<String>,
    },
    /// Visitors can come.
    Reachable,
    /// Visitors could come and now cannot, or only some can. It is being repaired.
    Unreachable {
        /// What is wrong.
        problem: String,
    },
}

/// The pieces of arti's state that a [`Stage`] is made of.
#[derive(Debug, Default)]
pub(super) struct Progress {
    bootstrap: Bootstrap,
    service: Service,
    /// The sentence about the last failed attempt to bootstrap; `None` again when one succeeds.
    failure: Option<&'static str>,
    /// Nothing has been heard for a while.
    silent: bool,
    has_been_reachable: bool,
    /// How much earlier it is than when the program ran last, if it is.
    behind: Option<Duration>,
}

#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Bootstrap {
    percent: u8,
    ready: bool,
    doing: String,
    blocked: Option<String>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Service {
    reachable: bool,
    /// Not reachable any more, if it ever was.
    lost: bool,
    problem: Option<&'static str>,
}

impl Progress {
    pub(super) fn new(behind: Option<Duration>) -> Self {
        Self {
            behind,
            ..Self::default()
        }
    }

    /// Whether the service has never been reachable, so that silence is worth a word.
    pub(super) fn is_under_way(&self) -> bool {
        !self.has_been_reachable && !self.silent
    }

    pub(super) fn bootstrap_changed(&mut self, now: &BootstrapStatus) {
        let text = now.to_string();
        let percent = percent(now.as_frac());
        if percent > self.bootstrap.percent || now.ready_for_traffic() != self.bootstrap.ready {
            self.silent = false;
        }
        self.bootstrap = Bootstrap {
            percent,
            ready: now.ready_for_traffic(),
            doing: doing(&text),
            blocked: now
                .blocked()
                .map(|why| blocked(&why.kind(), &text, percent)),
        };
    }

    pub(super) fn bootstrap_failed(&mut self, why: Option<ErrorKind>) {
        self.failure = why.map(failed);
    }

    /// arti itself says only after a minute and six attempts that it is stuck.
    pub(super) fn nothing_heard(&mut self) {
        self.silent = true;
    }

    pub(super) fn service_changed(&mut self, now: &OnionServiceStatus) {
        let state = now.state();
        let starting = matches!(state, State::Shutdown | State::Bootstrapping);
        self.service = Service {
            reachable: state.is_fully_reachable(),
            // "Bootstrapping" hides every other state of a service, and arti falls back to it when
            // it renews its entry in the network (and can stay there although everything works);
            // the entry from before is good for hours, so only a problem beside it counts.
            lost: match state {
                State::Running | State::DegradedReachable => false,
                State::Bootstrapping => now.current_problem().is_some(),
                _ => true,
            },
            // While it starts it reports as a problem that there is no network yet.
            problem: now
                .current_problem()
                .filter(|_| self.has_been_reachable || !starting)
                .map(problem),
        };
    }

    pub(super) fn stage(&mut self) -> Stage {
        let Self {
            bootstrap,
            service,
            failure,
            silent,
            has_been_reachable,
            behind,
        } = self;
        if service.reachable || (*has_been_reachable && !service.lost) {
            *has_been_reachable = true;
            return Stage::Reachable;
        }
        if *has_been_reachable {
            let problem = match (bootstrap.ready, &bootstrap.blocked, service.problem) {
                (false, Some(blocked), _) => blocked.clone(),
                (_, _, Some(problem)) => problem.to_owned(),
                _ => "the connection to the Tor network was interrupted; it is being repaired"
                    .to_owned(),
            };
            return Stage::Unreachable { problem };
        }
        if bootstrap.ready {
            let problem = match (*silent, *behind, service.problem) {
                (true, Some(behind), _) => Some(set_back(behind)),
                (_, _, Some(problem)) => Some(problem.to_owned()),
                (true, None, None) => Some(SLOW.to_owned()),
                (false, _, None) => None,
            };
            return Stage::Publishing { problem };
        }
        let silence = silent.then_some(if bootstrap.percent == 0 {
            NO_ANSWER
        } else {
            SLOW
        });
        let blocked = bootstrap.blocked.clone();
        Stage::Bootstrapping {
            percent: bootstrap.percent,
            doing: bootstrap.doing.clone(),
            blocked: blocked.or_else(|| failure.or(silence).map(str::to_owned)),
        }
    }
}

const NO_ANSWER: &str =
    "no relay has answered so far; this computer may be offline, or this network may block Tor";

const SLOW: &str = "this takes longer than usual; the connection may be slow";

/// Why the network may not take the new entry: see [`super::behind`].
fn set_back(behind: Duration) -> String {
    let step = Step::Back(behind);
    format!(
        "the clock of this computer went {step} since the program ran here last. If it is wrong now, set \
         it right and start the program again; if it was wrong then, the Tor network keeps the older \
         entry of this site until the clock is as late as it was, 3 hours at most, and viewers do not \
         find the site until then"
    )
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to 0..=100 before"
)]
fn percent(fraction: f32) -> u8 {
    (fraction * 100.0).round().clamp(0.0, 100.0) as u8
}

/// What the text of arti's status says it is doing.
fn doing(text: &str) -> String {
    const KNOWN: [(&str, &str); 6] = [
        // In the order of the bootstrap, last first: several can be in one text.
        (
            "fetching microdescriptors",
            "fetching the descriptions of the relays",
        ),
        (
            "fetching authority certificates",
            "checking the signatures on the list of relays",
        ),
        (
            "connecting successfully; directory is fetching a consensus",
            "fetching the list of relays",
        ),
        (
            "handshaking with Tor relays",
            "agreeing on encryption with a first relay",
        ),
        ("connecting to the internet", "connecting to a first relay"),
        ("fetching a consensus", "fetching the list of relays"),
    ];
    let known = KNOWN.iter().find(|(theirs, _)| text.contains(theirs));
    known
        .map_or("connecting to the Tor network", |(_, ours)| ours)
        .to_owned()
}

/// How far the clock is off, if arti has noticed.
fn clock_skew(text: &str) -> Option<&str> {
    let (_, skew) = text.rsplit_once("Clock is ")?;
    // "slow by around 3h 2m (based on 7 recent observations, with high confidence)"
    skew.split(" (based")
        .next()
        .filter(|skew| skew.starts_with("slow") || skew.starts_with("fast"))
}

/// Why the bootstrap is stuck.
fn blocked(kind: &BlockageKind, text: &str, percent: u8) -> String {
    if let Some(skew) = clock_skew(text) {
        return format!(
            "the clock of this computer seems to be {skew}; set it right, Tor needs it"
        );
    }
    match kind {
        BlockageKind::Offline => "this computer seems to be offline, or a firewall lets nothing out",
        BlockageKind::Filtering => {
            "something between this computer and the Tor network seems to filter or change the connections"
        }
        BlockageKind::ClockSkewed => "the clock of this computer seems to be wrong; set it right, Tor needs it",
        // It also complains about the list when no relay has ever answered.
        BlockageKind::CantBootstrap if percent == 0 => NO_ANSWER,
        BlockageKind::CantBootstrap => {
            "the Tor network answers, but its list of relays cannot be fetched; \
             check the clock and the date of this computer"
        }
        // `CantReachTor`, and kinds that later versions add.
        _ => "the Tor network cannot be reached; perhaps this network blocks it",
    }
    .to_owned()
}

/// Why the last attempt to bootstrap ended; another one follows.
fn failed(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::ClockSkew => {
            "the clock of this computer seems to be wrong; set it right, Tor needs it"
        }
        ErrorKind::LocalNetworkError => {
            "this computer seems to be offline, or a firewall lets nothing out"
        }
        ErrorKind::PersistentStateAccessFailed
        | ErrorKind::FsPermissions
        | ErrorKind::CacheAccessFailed => {
            "the state directory cannot be read or written; check its owner and the space on the disk"
        }
        ErrorKind::TorAccessFailed | ErrorKind::TorNetworkTimeout => {
            "the Tor network cannot be reached; perhaps this network blocks it"
        }
        _ => "the list of relays could not be fetched; trying again",
    }
}

/// What troubles a service that has a network.
fn problem(problem: &Problem) -> &'static str {
    match problem {
        Problem::DescriptorUpload(_) => {
            "some relays did not take the entry that tells visitors how to find the site; trying again"
        }
        Problem::Ipt(_) => {
            "the relays that introduce visitors to the site do not answer; looking for others \
             (perhaps this computer is offline)"
        }
        _ => "the onion service stopped working inside; if this stays, restart onionstream",
    }
}

#[cfg(test)]
#[path = "status_tests.rs"]
mod tests;
