//! Ways to the desk: how often a password may be tried, and links that work once.
//!
//! Failures are counted for everybody together: on Tor there is no telling who tries. So they make
//! everybody who is outside slower and cost a captcha, and never lock anybody out; whoever is in
//! already is not concerned. The person at the machine always has the link.
//!
//! Bounds: [`REMEMBERED`] failures, [`MAX_LINKS`] open links.

use std::{collections::VecDeque, time::Duration};

use super::{
    Room,
    desk::Seat,
    person::Role,
    refusal::{CaptchaReason, Refusal},
    session::{Token, TokenDigest, ViewerId, digest},
};
use crate::clock::Tick;

/// Failures are counted for this long.
const WINDOW: Duration = Duration::from_mins(15);

/// So many failures in that time are anybody's typing mistakes.
const FREE: usize = 3;

/// Failures that are remembered; more make no difference.
const REMEMBERED: usize = 64;

/// Least time between two attempts after [`FREE`] failures, for each failure beyond them.
const GAP: Duration = Duration::from_millis(250);

/// The gap never grows beyond this.
const LONGEST_GAP: Duration = Duration::from_secs(5);

/// Open links there may be; a further one takes the place of the oldest.
const MAX_LINKS: usize = 16;

/// How long a link to the broadcaster's desk works.
pub const BROADCASTER_LINK: Duration = Duration::from_mins(10);

/// How long a link for a moderator works.
pub const MODERATOR_LINK: Duration = Duration::from_hours(24);

/// How often the broadcaster's password is tried, by everybody together.
#[derive(Debug, Default)]
pub struct LoginPace {
    failures: VecDeque<Tick>,
    last: Option<Tick>,
}

impl LoginPace {
    /// Whether an attempt needs a captcha.
    pub fn captcha_due(&self, now: Tick) -> bool {
        self.recent(now) >= FREE
    }

    /// Notes an attempt, or says how long to wait.
    ///
    /// # Errors
    ///
    /// The time until the next attempt.
    pub fn attempt(&mut self, now: Tick) -> Result<(), Duration> {
        match self.wait(now) {
            Duration::ZERO => {
                self.last = Some(now);
                Ok(())
            }
            wait => Err(wait),
        }
    }

    /// The time until the next attempt.
    pub fn wait(&self, now: Tick) -> Duration {
        let beyond = self.recent(now).saturating_sub(FREE);
        let beyond = u32::try_from(beyond).unwrap_or(u32::MAX);
        let gap = GAP.saturating_mul(beyond).min(LONGEST_GAP);
        self.last
            .map_or(Duration::ZERO, |last| gap.saturating_sub(now.since(last)))
    }

    /// The password was wrong.
    pub fn failed(&mut self, now: Tick) {
        self.failures.push_back(now);
        while self.failures.len() > REMEMBERED
            || self
                .failures
                .front()
                .is_some_and(|at| now.since(*at) >= WINDOW)
        {
            self.failures.pop_front();
        }
    }

    fn recent(&self, now: Tick) -> usize {
        self.failures
            .iter()
            .filter(|at| now.since(**at) < WINDOW)
            .count()
    }
}

/// A link that works once.
#[derive(Debug)]
struct Link {
    token: TokenDigest,
    role: Role,
    until: Tick,
}

/// The open links, oldest first. Only digests are kept.
#[derive(Debug, Default)]
pub struct Links(VecDeque<Link>);

impl Links {
    /// Opens a link for a role.
    pub fn open(&mut self, token: &Token, role: Role, now: Tick) {
        self.0.retain(|link| now < link.until);
        if self.0.len() >= MAX_LINKS {
            self.0.pop_front();
        }
        let lifetime = if role == Role::Broadcaster {
            BROADCASTER_LINK
        } else {
            MODERATOR_LINK
        };
        self.0.push_back(Link {
            token: digest(token.as_str()),
            role,
            until: now + lifetime,
        });
    }

    /// What a link is for, without using it up.
    pub fn role(&self, token: &str, now: Tick) -> Option<Role> {
        let token = digest(token);
        self.0
            .iter()
            .find(|link| link.token == token && now < link.until)
            .map(|link| link.role)
    }

    /// Uses a link up.
    pub fn take(&mut self, token: &str, now: Tick) -> Option<Role> {
        let role = self.role(token, now)?;
        let token = digest(token);
        self.0.retain(|link| link.token != token);
        Some(role)
    }

    /// Closes all.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

impl Room {
    /// Whether the next attempt to log in needs a captcha.
    pub fn login_captcha_due(&self, now: Tick) -> bool {
        self.desk.logins.captcha_due(now)
    }

    /// Whether a password may be tried now. Comes before the expensive part: uses the form up, and
    /// the captcha if one is due.
    pub fn try_login(
        &mut self,
        viewer: ViewerId,
        nonce: &str,
        answer: Option<(u64, &str)>,
        now: Tick,
    ) -> Result<(), Refusal> {
        self.use_form(viewer, nonce, now)?;
        self.may_try(now)?;
        if self.login_captcha_due(now) {
            let answer = answer.ok_or(Refusal::CaptchaDue(CaptchaReason::First))?;
            self.solve(viewer, answer, now)?;
        }
        self.desk.logins.attempt(now).map_err(Refusal::TooSoon)
    }

    /// Whether a program may try a password now: only while no captcha is due, because it could
    /// not solve one.
    pub fn try_program_login(&mut self, now: Tick) -> Result<(), Refusal> {
        if self.login_captcha_due(now) {
            return Err(Refusal::CaptchaDue(CaptchaReason::First));
        }
        self.desk.logins.attempt(now).map_err(Refusal::TooSoon)
    }

    /// The wait is looked at before the captcha, so that nobody solves one for nothing.
    fn may_try(&self, now: Tick) -> Result<(), Refusal> {
        match self.desk.logins.wait(now) {
            Duration::ZERO => Ok(()),
            wait => Err(Refusal::TooSoon(wait)),
        }
    }

    /// The password was wrong.
    pub fn login_failed(&mut self, now: Tick) {
        self.desk.logins.failed(now);
    }

    /// Opens a link that works once.
    pub fn open_link(&mut self, token: &Token, role: Role, now: Tick) {
        self.desk.links.open(token, role, now);
    }

    /// What a link is for.
    pub fn link_role(&self, link: &str, now: Tick) -> Option<Role> {
        self.desk.links.role(link, now)
    }

    /// Gives somebody the seat that a link is for.
    pub fn use_link(
        &mut self,
        viewer: ViewerId,
        nonce: &str,
        link: &str,
        token: &Token,
        now: Tick,
    ) -> Result<Role, Refusal> {
        self.use_form(viewer, nonce, now)?;
        let role = self.desk.links.take(link, now).ok_or(Refusal::Link)?;
        let seat = Seat {
            role,
            since: now,
            is_program: false,
        };
        // Never less than they have; the token is theirs in any case.
        if self.role(viewer) <= role {
            self.log_in(viewer, seat, token);
        } else {
            self.remint(viewer, token);
        }
        Ok(role)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: u64) -> Tick {
        Tick::START + Duration::from_secs(seconds)
    }

    #[test]
    fn three_mistakes_are_free_then_it_costs_a_captcha_and_time_for_a_quarter_of_an_hour() {
        let mut pace = LoginPace::default();
        for failure in 0..3 {
            assert!(!pace.captcha_due(at(failure)));
            assert_eq!(pace.attempt(at(failure)), Ok(()));
            pace.failed(at(failure));
        }
        assert!(pace.captcha_due(at(3)));
        pace.failed(at(3));
        assert_eq!(pace.attempt(at(10)), Ok(()));
        assert_eq!(pace.attempt(at(10)), Err(GAP));
        assert_eq!(pace.attempt(at(11)), Ok(()));
        assert!(!pace.captcha_due(at(2 + 15 * 60)));
    }

    #[test]
    fn a_link_works_once_and_not_for_ever() {
        let token = |byte| Token::from_random([byte; 16]);
        let mut links = Links::default();
        links.open(&token(1), Role::Broadcaster, at(0));
        links.open(&token(2), Role::Moderator, at(0));

        assert_eq!(
            links.role(token(1).as_str(), at(599)),
            Some(Role::Broadcaster)
        );
        assert_eq!(links.take(token(1).as_str(), at(600)), None);
        assert_eq!(
            links.take(token(2).as_str(), at(600)),
            Some(Role::Moderator)
        );
        assert_eq!(links.take(token(2).as_str(), at(600)), None);
        assert_eq!(links.take("", at(0)), None);
        for byte in 0..100 {
            links.open(&token(byte), Role::Moderator, at(0));
        }
        assert_eq!(links.0.len(), MAX_LINKS);
    }

    proptest! {
        #[test]
        fn however_many_fail_an_attempt_is_possible_after_five_seconds(failures in 0_usize..500) {
            let mut pace = LoginPace::default();
            for _ in 0..failures {
                pace.failed(at(0));
                let _tried = pace.attempt(at(0));
            }
            prop_assert!(pace.failures.len() <= REMEMBERED);
            prop_assert_eq!(pace.attempt(at(5)), Ok(()));
        }
    }
}
