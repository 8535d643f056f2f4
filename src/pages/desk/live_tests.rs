use std::sync::Arc;

use super::*;
use crate::{
    clock::Tick,
    media::broadcast::Air,
    pages::reading::{flaw, read},
    room::{
        colour::Colour,
        name::DisplayName,
        panel::Line,
        people::Presence,
        person::{Identity, Person},
        shields::ChatMode,
        tag::PublicTag,
        title::Title,
    },
};

fn identity(name: &str, role: Role) -> Identity {
    let person = Person::new(
        PublicKey::from_random(7),
        PublicTag::from_random(7),
        Colour(200, 100, 50),
        Tick::START,
    );
    Identity {
        name: DisplayName::parse(name).ok(),
        role,
        ..person.identity
    }
}

fn values() -> Values {
    let mut people = People::default();
    people.add(&identity("<Ann> & \"co\"", Role::Viewer), Presence::Here);
    let line = |id, html: &str, is_hidden| Line {
        id: MessageId(id),
        author: Some(PublicKey::from_random(7)),
        html: html.to_owned().into(),
        is_hidden,
    };
    Values {
        title: Title::parse("<b>&".as_bytes()).unwrap(),
        air: Air::Off,
        watching: 2,
        lines: [
            line(
                1,
                "<x-day>today</x-day><x-line id=\"m1\">one</x-line>",
                false,
            ),
            line(2, "<x-line id=\"m2\">two</x-line>", true),
        ]
        .into(),
        people: Bytes::new(),
        list: Arc::new(people),
        announcement: "</x-announcement><script>".into(),
        chat: ChatMode::Off,
        styles: Arc::default(),
    }
}

fn opened(role: Role) -> String {
    let sanctioned = Sanctioned::from([(PublicKey::from_random(7), SanctionKind::Mute)]);
    let desk = Desk {
        reader: Reader::default(),
        role,
        bearer: "BEARER",
        shields: Shields::default().against_a_raid(),
        sanctioned: &sanctioned,
    };
    let html = document(
        &values(),
        &DeskValues::default(),
        desk,
        Tick::START,
        "NONCE",
    );
    String::from_utf8(html.to_vec()).unwrap()
}

#[test]
fn every_button_says_what_it_is_about_and_belongs_to_the_form() {
    let html = buttons(MessageId(7), Some(PublicKey::from_random(3))).into_string();

    assert_eq!(html.matches("<button").count(), 3);
    assert_eq!(html.matches("form=\"act\"").count(), 3);
    assert_eq!(html.matches("aria-label=").count(), 4);
    assert_eq!(flaw(&html), None);
    // Of the program's own lines there is no author to mute.
    let own = buttons(MessageId(7), None).into_string();
    assert!(!own.contains("mute"), "{own}");
}

#[test]
fn the_buttons_stand_between_the_date_and_what_was_said() {
    let said = line(
        MessageId(1),
        None,
        b"<x-day>today</x-day><x-line>one</x-line>",
    );
    let said = std::str::from_utf8(&said).unwrap();

    assert!(
        said.starts_with("<x-day>today</x-day><x-acts id=\"a1\""),
        "{said}"
    );
    assert!(said.ends_with("</x-acts><x-line>one</x-line>"), "{said}");
    // Whatever it is, nothing of it is lost.
    assert!(line(MessageId(1), None, b"other").ends_with(b"</x-acts>other"));
}

#[test]
fn a_hidden_line_is_dimmed_and_can_be_shown_again() {
    let css = dimmed(&[MessageId(7), MessageId(8)]);

    assert!(css.contains("#m8{display:block;opacity:.6}"), "{css}");
    assert!(css.contains("#a7>.unhide{display:inline-block}"), "{css}");
    assert_eq!(removed(&[MessageId(7)]), "#m7,#a7{display:none}");
    assert!(opened(Role::Moderator).contains("#m2{display:block;opacity:.6}"));
}

#[test]
fn whoever_is_muted_banned_or_blocked_is_marked_in_the_list() {
    assert!(opened(Role::Moderator).contains("<span class=\"sanction\">muted</span>"));

    let list = values().list;
    for (kind, word) in [
        (SanctionKind::Mute, "muted"),
        (SanctionKind::Ban, "banned"),
        (SanctionKind::Block, "blocked"),
    ] {
        let html = people(&list, &[(PublicKey::from_random(7), kind)].into()).into_string();
        assert!(html.contains(&format!("sanction\">{word}<")), "{html}");
        assert_eq!(flaw(&html), None);
    }
    let html = people(
        &list,
        &[(PublicKey::from_random(8), SanctionKind::Ban)].into(),
    );
    assert!(!html.into_string().contains("sanction"));
}

#[test]
fn the_desk_sees_the_chat_also_while_it_is_off() {
    assert!(opened(Role::Broadcaster).contains("<x-line id=\"m1\">one</x-line>"));
}

#[test]
fn shields_are_told_while_they_are_up() {
    let up = "Shields up: <b>slow mode, captchas, links off</b>";
    assert!(opened(Role::Moderator).contains(up));

    let down = shields_up(Shields::default()).into_string();
    assert_eq!(
        down,
        "<x-shields slot=\"shields\" class=\"none\"></x-shields>"
    );
    let off = Shields {
        chat: ChatMode::Off,
        ..Shields::default()
    };
    assert!(shields_up(off).into_string().contains("The chat is off"));
}

#[test]
fn nothing_that_people_chose_gets_out_of_its_place() {
    let html = opened(Role::Broadcaster);
    let (head, body) = html.split_once("<body><main>").unwrap();

    assert!(!head.contains('&'), "{head}");
    let body_read = read(body).unwrap();
    assert_eq!(body_read.nameless(), Vec::<String>::new());
    assert_eq!(body_read.loose_forms(), Vec::<String>::new());
    assert!(body.contains("&lt;Ann&gt; &amp; &quot;co&quot;"), "{body}");
    assert!(
        body.contains("&lt;/x-announcement&gt;&lt;script&gt;"),
        "{body}"
    );
}

#[test]
fn the_form_of_the_panel_is_posted_and_carries_the_number_of_the_panel() {
    for role in [Role::Moderator, Role::Broadcaster] {
        let html = opened(role);

        let form = "<form id=\"act\" method=\"post\" action=\"/broadcaster/act\" target=\"act\">\
                    <input type=\"hidden\" name=\"nonce\" value=\"BEARER\"></form>";
        assert!(html.contains(form), "{html}");
        assert!(!html.contains("</main>"), "it never ends");
        assert_eq!(html.contains("<x-encoder"), role == Role::Broadcaster);
    }
}
