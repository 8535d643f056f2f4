mod consent;
mod desk;
mod door;
mod misuse;
mod people;

use proptest::prelude::*;

use super::{access::Door, name::NameRefusal, person::Role, *};

pub(super) const LIMITS: RoomLimits = RoomLimits {
    sessions: 50,
    messages: 20,
    messages_per_captcha: 40,
    flood: FloodLimits {
        window: Duration::from_secs(20),
        messages: 4,
        rows: 20,
        gap: Duration::from_secs(1),
        appearance_per_minute: 6,
        room_messages: 60,
        slow_gap: Duration::from_secs(10),
        slow_for: Duration::from_mins(1),
        newcomers_per_minute: 60,
        raid_for: Duration::from_mins(5),
    },
    challenges: ChallengeLimits {
        capacity: 16,
        tries: 5,
        lifetime: Duration::from_mins(10),
    },
    captcha_at_entrance: false,
    here_for: Duration::from_secs(20),
};

const WALL: WallTime = WallTime::from_unix_millis(1_700_000_000_000);

fn at(seconds: u64) -> Tick {
    Tick::START + Duration::from_secs(seconds)
}

/// A room with a counter in place of randomness.
struct House {
    room: Room,
    dice: u64,
}

impl House {
    fn new(limits: RoomLimits) -> Self {
        Self {
            room: Room::new(limits, Reserved::new([]), Arc::default()),
            dice: 0,
        }
    }

    fn roll(&mut self) -> u64 {
        self.dice += 1;
        self.dice
    }

    fn comes(&mut self, now: Tick) -> ViewerId {
        let number = self.roll();
        let mut random = [0; 32];
        random[..8].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
        random[8..16].copy_from_slice(&number.to_be_bytes());
        let token = Token::from_random(u128::from(number).to_be_bytes());
        self.room.admit(&token, None, random, now)
    }

    /// Somebody with a role by a seat at the desk.
    fn staff(&mut self, role: Role, now: Tick) -> ViewerId {
        let who = self.comes(now);
        let token = Token::from_random((u128::from(self.roll()) << 64).to_be_bytes());
        let seat = super::desk::Seat {
            role,
            since: now,
            is_program: false,
        };
        assert!(self.room.log_in(who, seat, &token));
        who
    }

    fn door(&self, who: ViewerId) -> Door {
        self.room.door_of(Some(who), false, WALL)
    }

    fn says(&mut self, who: ViewerId, text: &str, now: Tick) -> Result<Said, Refusal> {
        self.answers(who, text, None, now)
    }

    fn answers(
        &mut self,
        who: ViewerId,
        text: &str,
        answer: Option<(u64, &str)>,
        now: Tick,
    ) -> Result<Said, Refusal> {
        let random = self.roll();
        let nonce = self.room.form(who, random, now).unwrap_or_default();
        self.room.say(
            who,
            Post {
                nonce: &nonce,
                text,
                answer,
                ..Post::default()
            },
            [7; 16],
            now,
            WALL,
        )
    }

    /// Solves a fresh captcha, with nothing to say.
    fn solves(&mut self, who: ViewerId, now: Tick) {
        let id = self.roll();
        self.room
            .challenge(who, id, Prompt::Question("?".into()), "right".into(), now);
        assert_eq!(
            self.answers(who, "", Some((id, "right")), now),
            Ok(Said::Solved)
        );
    }

    fn dresses(&mut self, who: ViewerId, dress: Dress<'_>, now: Tick) -> Result<Identity, Refusal> {
        let random = self.roll();
        let nonce = self.room.form(who, random, now).unwrap();
        self.room.may_dress(who, &nonce, now)?;
        self.room.dress(who, dress)
    }

    fn is_named(&mut self, who: ViewerId, name: &str, now: Tick) -> Result<Identity, Refusal> {
        self.dresses(
            who,
            Dress {
                name: Some(name),
                ..Dress::default()
            },
            now,
        )
    }
}

use person::Identity;

fn is_message(said: &Result<Said, Refusal>) -> bool {
    matches!(said, Ok(Said::Message(_)))
}

#[test]
fn the_first_message_needs_a_captcha_and_the_forty_first_another() {
    let mut house = House::new(LIMITS);
    let anna = house.comes(at(0));
    assert_eq!(
        house.says(anna, "hello", at(1)),
        Err(Refusal::CaptchaDue(CaptchaReason::First))
    );

    house.solves(anna, at(2));
    for number in 0..40 {
        let said = house.says(anna, "hello", at(100 + number * 30));
        assert!(is_message(&said), "{number}: {said:?}");
    }
    let said = house.says(anna, "hello", at(10_000));
    assert_eq!(said, Err(Refusal::CaptchaDue(CaptchaReason::Again)));
}

#[test]
fn a_flood_needs_a_captcha_which_is_answered_together_with_the_message() {
    let mut house = House::new(LIMITS);
    let anna = house.comes(at(0));
    house.solves(anna, at(0));
    for second in [1, 3, 5] {
        assert!(is_message(&house.says(anna, "hello", at(second))));
    }
    let refusal = Err(Refusal::CaptchaDue(CaptchaReason::Again));
    assert_eq!(house.says(anna, "four", at(7)), refusal);
    assert_eq!(
        house.says(anna, "four", at(400)),
        refusal,
        "waiting does not help"
    );

    house.room.challenge(
        anna,
        99,
        Prompt::Question("?".into()),
        "right".into(),
        at(401),
    );
    assert_eq!(
        house.answers(anna, "four", Some((99, "wrong")), at(402)),
        Err(Refusal::CaptchaWrong)
    );
    assert!(is_message(&house.answers(
        anna,
        "four",
        Some((99, "right")),
        at(403)
    )));
}

#[test]
fn five_wrong_answers_cost_the_captcha_and_somebody_elses_answer_is_none() {
    let mut house = House::new(LIMITS);
    let (anna, ben) = (house.comes(at(0)), house.comes(at(0)));
    house
        .room
        .challenge(anna, 5, Prompt::Question("?".into()), "right".into(), at(0));

    assert_eq!(
        house.answers(ben, "x", Some((5, "right")), at(1)),
        Err(Refusal::CaptchaGone)
    );
    for _ in 0..4 {
        assert_eq!(
            house.answers(anna, "x", Some((5, "wrong")), at(1)),
            Err(Refusal::CaptchaWrong)
        );
    }
    assert_eq!(
        house.answers(anna, "x", Some((5, "wrong")), at(1)),
        Err(Refusal::CaptchaGone)
    );
    assert_eq!(
        house.answers(anna, "x", Some((5, "right")), at(1)),
        Err(Refusal::CaptchaGone)
    );
}

#[test]
fn the_broadcaster_is_free_of_captchas_and_floods() {
    let mut house = House::new(LIMITS);
    let host = house.comes(at(0));
    house.room.sessions.person_mut(host).unwrap().identity.role = Role::Broadcaster;

    for _ in 0..30 {
        assert!(is_message(&house.says(host, "line\nline", at(1))));
    }
}

#[test]
fn a_form_is_sent_once_and_only_by_its_session() {
    let mut house = House::new(LIMITS);
    let (anna, ben) = (house.comes(at(0)), house.comes(at(0)));
    house.solves(anna, at(0));
    house.solves(ben, at(0));
    let nonce = house.room.form(anna, 0xaaaa, at(1)).unwrap();
    let post = Post {
        nonce: &nonce,
        text: "hello",
        ..Post::default()
    };

    assert_eq!(
        house.room.say(ben, post, [0; 16], at(2), WALL),
        Err(Refusal::Form),
        "not theirs"
    );
    assert!(is_message(&house.room.say(
        anna,
        post,
        [0; 16],
        at(2),
        WALL
    )));
    assert_eq!(
        house.room.say(anna, post, [0; 16], at(9), WALL),
        Err(Refusal::Form),
        "sent twice"
    );
    let made_up = Post { nonce: "", ..post };
    assert_eq!(
        house.room.say(anna, made_up, [0; 16], at(9), WALL),
        Err(Refusal::Form)
    );
}

#[test]
fn a_refused_message_leaves_nothing_behind() {
    let mut house = House::new(LIMITS);
    let anna = house.comes(at(0));
    house.solves(anna, at(0));
    assert!(matches!(
        house.says(anna, &"x".repeat(513), at(1)),
        Err(Refusal::Text(_))
    ));
    assert!(matches!(
        house.says(anna, " \n ", at(1)),
        Err(Refusal::Text(_))
    ));
    assert!(house.room.transcript.is_empty());

    assert!(is_message(&house.says(anna, "hello", at(1))));
    let said = house.says(anna, "too fast", at(1));
    assert_eq!(said, Err(Refusal::TooSoon(Duration::from_secs(1))));
    assert_eq!(house.room.transcript.len(), 1);
}

#[test]
fn commands_are_private_and_need_no_captcha() {
    let mut house = House::new(LIMITS);
    let anna = house.comes(at(0));

    assert_eq!(
        house.says(anna, "/help", at(1)),
        Ok(Said::Command(Reply::Help))
    );
    assert_eq!(
        house.says(anna, "/users", at(1)),
        Ok(Said::Command(Reply::Users))
    );
    assert_eq!(
        house.says(anna, "/theme dark", at(1)),
        Ok(Said::Command(Reply::Themed(Theme::Dark)))
    );
    assert_eq!(
        house.says(anna, "/nmae x", at(1)),
        Ok(Said::Command(Reply::Unknown("nmae".into())))
    );
    assert!(matches!(
        house.says(anna, "/name Anna", at(1)),
        Ok(Said::Command(Reply::Dressed(_)))
    ));
    assert!(house.room.transcript.is_empty());

    house.solves(anna, at(2));
    let Ok(Said::Message(message)) = house.says(anna, "/me waves", at(3)) else {
        panic!("refused")
    };
    assert!(message.is_action);
    let Ok(Said::Message(message)) = house.says(anna, "//help", at(9)) else {
        panic!("refused")
    };
    assert_eq!(message.body.source(), "/help");
}

use theme::Theme;

#[test]
fn a_name_that_imitates_is_refused_and_nothing_else_changes_with_it() {
    let mut house = House::new(LIMITS);
    let anna = house.comes(at(0));
    let before = house.room.person(anna).unwrap().identity.clone();
    for (second, name) in ["Broadcaster", "brоаdсаster", "M0derator", "★ Anna", "#k3fm"]
        .into_iter()
        .enumerate()
    {
        let refused = house.dresses(
            anna,
            Dress {
                name: Some(name),
                colour: Some("gold"),
                ..Dress::default()
            },
            at(second as u64 * 60),
        );
        assert!(
            matches!(refused, Err(Refusal::Name(_))),
            "{name}: {refused:?}"
        );
    }
    assert_eq!(house.room.person(anna).unwrap().identity, before);
    assert_eq!(
        house.is_named(anna, "you", at(999)),
        Err(Refusal::Name(NameRefusal::Reserved))
    );
}

#[test]
fn appearance_changes_have_a_limit_that_counts_before_the_work() {
    let mut house = House::new(LIMITS);
    let anna = house.comes(at(0));
    for number in 0..6 {
        assert!(
            house
                .is_named(anna, &format!("Anna {number}"), at(1))
                .is_ok()
        );
    }
    let nonce = house.room.form(anna, 0xbeef, at(2)).unwrap();
    let refusal = house.room.may_dress(anna, &nonce, at(2));
    assert_eq!(
        refusal,
        Err(Refusal::ChangedTooOften(Duration::from_secs(59)))
    );
}

#[test]
fn a_mention_means_who_has_the_name_now() {
    let mut house = House::new(LIMITS);
    let (anna, ben) = (house.comes(at(0)), house.comes(at(0)));
    house.solves(ben, at(0));
    let key = house.room.person(anna).unwrap().identity.key;
    let tag = house.room.person(anna).unwrap().identity.tag.to_string();
    let mentions = |said: Result<Said, Refusal>| {
        let Ok(Said::Message(message)) = said else {
            panic!("{said:?}")
        };
        message
            .body
            .spans
            .iter()
            .any(|span| matches!(span, markup::Span::Mention { key: to, .. } if *to == key))
    };

    assert!(!mentions(house.says(ben, "hi @Anna", at(10))));
    house.is_named(anna, "Anna", at(11)).unwrap();
    assert!(mentions(house.says(ben, "hi @ANNA!", at(40))));
    assert!(mentions(house.says(ben, &format!("hi @{tag}"), at(70))));
    house.is_named(anna, "Zoe", at(71)).unwrap();
    assert!(!mentions(house.says(ben, "hi @anna", at(100))));
    house.room.sessions.end(anna);
    house.room.tick(at(101), WALL);
    assert!(!mentions(house.says(ben, "hi @zoe", at(130))));
}

proptest! {
    #[test]
    fn whatever_people_do_the_rules_hold(
        deeds in proptest::collection::vec((0..4usize, 0..8u8, ".{0,40}", 0..30u64), 1..150),
    ) {
        let mut house = House::new(LIMITS);
        let people: Vec<_> = (0..4).map(|_| house.comes(at(0))).collect();
        let mut said: Vec<Vec<(u64, usize)>> = vec![Vec::new(); 4];
        let (mut second, mut since_captcha) = (1, [0_u32; 4]);
        for (who, deed, text, wait) in deeds {
            second += wait;
            let (viewer, now) = (people[who], at(second));
            match deed {
                0 => { let _named = house.is_named(viewer, &text, now); }
                1 => {
                    house.solves_if_due(viewer, now);
                    if house.room.captcha_due(viewer, now).is_none() { since_captcha[who] = 0; said[who].clear(); }
                }
                2 => { let _answer = house.says(viewer, &format!("/{text}"), now); }
                _ => if let Ok(Said::Message(message)) = house.says(viewer, &text, now) {
                    since_captcha[who] += 1;
                    prop_assert!(since_captcha[who] <= 40);
                    said[who].push((second, message.body.rows));
                    let recent: Vec<_> = said[who].iter().filter(|(at, _)| second - at < 20).collect();
                    prop_assert!(recent.len() < 4);
                    prop_assert!(recent.iter().map(|(_, rows)| rows).sum::<usize>() <= 20);
                    prop_assert!(message.body.characters <= 512);
                },
            }
            prop_assert!(house.room.transcript.len() <= LIMITS.messages);
        }
    }
}

impl House {
    fn solves_if_due(&mut self, who: ViewerId, now: Tick) {
        if self.room.captcha_due(who, now).is_some() {
            self.solves(who, now);
        }
    }
}
