//! How many pages can be rendered in a second, by the code that renders them for viewers: 50
//! messages in the chat, 100 people in the room.
//!
//! Run it with `cargo bench --bench pages`. The ceiling beside it is one copy of the same bytes.

#![expect(
    clippy::print_stdout,
    reason = "a benchmark prints what it has measured"
)]

use std::{
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

use onionstream::{
    clock::{Clock, Tick, WallTime},
    live::panel::Panel,
    pages::{
        compose::{self, Compose},
        live::{self, Reader},
    },
    room::{
        challenge::Prompt,
        colour::Colour,
        emote::EmoteTable,
        form::FormState,
        markup::Body,
        panel::Update,
        people::{People, Presence},
        person::{Identity, Person},
        refusal::CaptchaReason,
        tag::{PublicKey, PublicTag},
        theme::Theme,
        transcript::{Message, MessageId, Speaker},
    },
};

const NOW: WallTime = WallTime::from_unix_millis(1_700_000_000_000);
const NONCE: &str = "AAAAAAAAAAAAAAAAAAAAAA==";
/// Each is measured for this long.
const TIME: Duration = Duration::from_secs(2);

fn somebody(number: u32) -> Identity {
    let colour = Colour::default_for([u8::try_from(number % 251).unwrap_or(0); 16], &[]);
    let key = PublicKey::from_random(u64::from(number));
    Person::new(key, PublicTag::from_random(number), colour, Tick::START).identity
}

/// A panel with 50 messages and 100 people.
fn room() -> Panel {
    let panel = Panel::new(live::pieces, Clock::new());
    let mut people = People::default();
    for number in 0..100 {
        let identity = somebody(number);
        people.add(&identity, Presence::Watching);
        panel.publish(&Update::Looks(identity));
    }
    for number in 0..50 {
        panel.publish(&Update::Said(Arc::new(message(number))));
    }
    panel.publish(&Update::People(Arc::new(people)));
    panel
}

fn message(number: u32) -> Message {
    let text = "A message of the usual length, with :tada: and http://example.org/ in it";
    Message {
        id: MessageId(u64::from(number) + 1),
        at: NOW,
        speaker: Speaker::Person(somebody(number)),
        body: Body::parse(text, &EmoteTable::default(), &mut |_| None).expect("a message"),
        is_action: false,
        begins_day: number == 0,
        may_be_kept: false,
    }
}

/// Runs `work` for some seconds and prints how often it went; `work` gives the bytes it made.
#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn measure(name: &str, work: impl Fn() -> usize) {
    let (start, mut rounds, mut bytes) = (Instant::now(), 0_u32, 0);
    while start.elapsed() < TIME {
        bytes = black_box(work());
        rounds += 1;
    }
    let rate = f64::from(rounds) / start.elapsed().as_secs_f64();
    println!("{name:42} {rate:>10.0}/s  {bytes:>7} bytes");
}

fn main() {
    let panel = room();
    let values = panel.values();
    let reader = Reader {
        key: Some(PublicKey::from_random(3)),
        theme: Theme::Dark,
        without_chat: false,
    };
    let head = live::document(&values, reader, Tick::START, NONCE);
    let form = FormState {
        identity: somebody(3),
        nonce: "0123456789abcdef".to_owned(),
        captcha_due: Some(CaptchaReason::First),
        hindrance: None,
        challenge: Some((7, Prompt::Picture(vec![0; 3500].into()))),
        keeping: None,
        kept: None,
        emotes: Arc::default(),
    };
    let page = Compose {
        form: &form,
        text: "",
        notice: None,
        several_lines: false,
        dressing: false,
        keeps: None,
        questions: true,
        theme: Theme::Dark,
    };

    let said = Update::Said(Arc::new(message(5)));
    measure("copy of a panel (the ceiling)", || {
        black_box(head.to_vec()).len()
    });
    measure("panel for a newcomer", || {
        black_box(live::document(&panel.values(), reader, Tick::START, NONCE)).len()
    });
    measure("compose frame with a captcha", || {
        black_box(compose::page(&page, NONCE).into_string()).len()
    });
    measure("one message, rendered for everybody", || {
        black_box(live::pieces(&said, Tick::START)).len()
    });
}
