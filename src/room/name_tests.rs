use proptest::prelude::*;

use super::*;

fn name(text: &str) -> DisplayName {
    DisplayName::parse(text).unwrap_or_else(|refusal| panic!("{text:?}: {refusal}"))
}

#[test]
fn names_in_any_script_are_allowed_and_tidied() {
    for (text, expected) in [
        ("Ana", "Ana"),
        ("  Night \t Owl\n", "Night Owl"),
        ("Ｆｕｌｌ　ｗｉｄｔｈ", "Full width"),
        ("ﬁne", "fine"),
        ("e\u{301}ve", "éve"),
        ("夜の列車", "夜の列車"),
        ("مُحَمَّد", "مُحَمَّد"),
        ("ကြော်", "ကြော်"),
        ("👩‍👧 home", "👩‍👧 home"),
        ("❤\u{FE0F}", "❤\u{FE0F}"),
        ("a\u{FE0F}b", "ab"),
        ("C#", "C#"),
        ("O'Brien-Smith", "O'Brien-Smith"),
        ("<b>not html</b>", "<b>not html</b>"),
    ] {
        assert_eq!(name(text).as_str(), expected);
    }
}

#[test]
fn the_limit_counts_what_a_reader_sees() {
    assert_eq!(name(&"é".repeat(24)).as_str().chars().count(), 24);
    for text in [
        "é".repeat(25),
        "夜".repeat(25),
        "👩‍👧".repeat(19),
        "\u{FDFD}".repeat(5),
        "x".repeat(5000),
    ] {
        assert_eq!(
            DisplayName::parse(&text),
            Err(NameRefusal::TooLong),
            "{text}"
        );
    }
}

#[test]
fn nothing_invisible_gets_into_a_name() {
    for text in [
        "",
        " ",
        "\n",
        "\u{3164}",
        "\u{2800}\u{2800}",
        "\u{FE0F}",
        "\u{200D}",
        "\u{E0041}",
        "\u{A0}\u{3000}",
    ] {
        assert_eq!(
            DisplayName::parse(text),
            Err(NameRefusal::Empty),
            "{text:?}"
        );
    }
    for found in [
        '\0',
        '\u{7F}',
        '\u{AD}',
        '\u{34F}',
        '\u{200B}',
        '\u{200C}',
        '\u{200D}',
        '\u{200E}',
        '\u{202A}',
        '\u{202E}',
        '\u{2060}',
        '\u{2066}',
        '\u{2069}',
        '\u{2800}',
        '\u{FEFF}',
        '\u{E0061}',
        '\u{180E}',
    ] {
        let refusal = DisplayName::parse(&format!("A{found}na"));
        assert_eq!(
            refusal,
            Err(NameRefusal::Invisible { found }),
            "U+{:04X}",
            u32::from(found)
        );
    }
    for found in ['\u{E000}', '\u{378}', '\u{FFFF}', '\u{10FFFD}'] {
        let refusal = DisplayName::parse(&format!("A{found}na"));
        assert_eq!(refusal, Err(NameRefusal::Unassigned { found }));
    }
    assert_eq!(
        DisplayName::parse("A\u{301}\u{302}\u{303}\u{304}na"),
        Err(NameRefusal::PiledMarks)
    );
}

#[test]
fn a_name_does_not_imitate_a_tag() {
    for text in [
        "#k3v9",
        "Anonymous #K3V9",
        "x ＃k3v9",
        "♯abcd",
        "#k3v9!",
        "(#аbcd)",
        "#k\u{301}3v9",
        "#12#abcd",
    ] {
        assert_eq!(
            DisplayName::parse(text),
            Err(NameRefusal::LooksLikeTag),
            "{text}"
        );
    }
    for text in ["#1", "C# fan", "#winning", "# abc", "#"] {
        name(text);
    }
}

/// Features 5.4-36: names of the broadcaster were there for everybody.
#[test]
fn names_that_look_like_those_who_run_the_site_are_refused() {
    let reserved = Reserved::new(["Mallory", "Ana"]);
    for text in [
        "Broadcaster",
        "BROADCASTER",
        "Broаdсaster",
        "Ｂｒｏａｄｃａｓｔｅｒ",
        "br0adcaster",
        "Bröadcaster",
        "B r o a d c a s t e r",
        "b.r.o.a.d.c.a.s.t.e.r",
        "The Broadcaster!",
        "xxbroadcasterxx",
        "Moderator",
        "MODERAT0R",
        "rnoderator",
        "MyModerator2",
        "mod",
        "Mod",
        "[mod] Jane",
        "mod_jane",
        "Mod-2",
        "admin",
        "@dmin",
        "Adm1n",
        "ADMlN",
        "αdmin",
        "Admin01",
        "host",
        "System",
        "OnionStream",
        "0n1onstream",
        "you",
        "(you)",
        "You",
        "Anonymous",
        "anonymous 7",
        "Аnonymous",
        "Mallory",
        "MaIIory",
        "mallory_",
        "Mallory 2",
        "Mal1ory",
        "real mallory",
        "themallory",
        "Ana",
        "ana",
        "Аna",
        "Ana (real)",
        "Ána",
        "Ana 🎉",
    ] {
        assert_eq!(
            reserved.refuses(&name(text)),
            Some(NameRefusal::Reserved),
            "{text}"
        );
    }
    for text in [
        "Banana",
        "Anastasia",
        "Modest",
        "ghost",
        "Hostess",
        "youth",
        "thank you",
        "Night Owl",
        "夜",
        "🧅",
        "!!!",
        "42",
        "Joana",
        "modem",
    ] {
        assert_eq!(reserved.refuses(&name(text)), None, "{text}");
    }
}

/// Features 5.4-36: insignia could be typed.
#[test]
fn insignia_cannot_be_typed() {
    let reserved = Reserved::new([]);
    for (text, found) in [
        ("★ Jane", '★'),
        ("Jane✅", '✅'),
        ("🎥", '🎥'),
        ("🛡\u{FE0F} Jane", '🛡'),
        ("Jane ✔\u{FE0F}", '✔'),
    ] {
        assert_eq!(
            reserved.refuses(&name(text)),
            Some(NameRefusal::Insignia { found }),
            "{text}"
        );
    }
    for &sign in INSIGNIA {
        let normal = sign.nfkc().collect::<String>();
        assert_eq!(
            normal,
            sign.to_string(),
            "normal forms must not hide a sign"
        );
    }
}

#[test]
fn names_that_look_alike_have_one_skeleton_and_others_do_not() {
    for (one, two) in [
        ("Mallory", "MaIIory"),
        ("Ana", "аnа"),
        ("Night Owl", "night-owl"),
        ("Léa", "Lea"),
        ("modern", "rnodern"),
    ] {
        assert_eq!(name(one).skeleton(), name(two).skeleton(), "{one} {two}");
    }
    for (one, two) in [
        ("Ana", "Anna"),
        ("!!!", "???"),
        ("🧅", "🧄"),
        ("Ana 🧅", "Ana 🧄"),
        ("कि", "की"),
    ] {
        assert_ne!(name(one).skeleton(), name(two).skeleton(), "{one} {two}");
    }
    assert_eq!(name("Night OWL").folded(), fold("ｎight owl"));
}

#[test]
fn every_refusal_names_a_remedy_in_one_plain_sentence() {
    for refusal in [
        NameRefusal::Empty,
        NameRefusal::TooLong,
        NameRefusal::Invisible { found: '\u{202E}' },
        NameRefusal::Unassigned { found: '\u{E000}' },
        NameRefusal::PiledMarks,
        NameRefusal::LooksLikeTag,
        NameRefusal::Insignia { found: '★' },
        NameRefusal::Reserved,
    ] {
        let (_, remedy) = refusal
            .to_string()
            .split_once("; ")
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
            .unwrap();
        let verb = remedy.split(' ').next().unwrap();
        assert!(
            ["write", "use", "type", "leave", "choose"].contains(&verb),
            "{refusal}"
        );
        assert!(!refusal.to_string().contains(['\u{202E}', '\u{E000}', '\n']));
    }
}

proptest! {
    #[test]
    fn accepted_names_keep_every_limit_and_read_back(text in prop_oneof![
        any::<String>(),
        "[a-zA-Z#@ ❤👩👧\u{200D}\u{FE0F}\u{301}\u{E31}\u{202E}\u{1100}-\u{1200}\u{900}-\u{950}]{0,30}",
        "\\PC{0,30}",
    ]) {
        if let Ok(name) = DisplayName::parse(&text) {
            let shown = name.as_str();
            prop_assert!((1..=MAX_CLUSTERS).contains(&shown.graphemes(true).count()));
            prop_assert!(shown.len() <= MAX_BYTES);
            prop_assert!(!shown.chars().any(|letter| letter.is_control() || is_format(letter) || !is_assigned(letter) || letter == NON_JOINER));
            prop_assert!(!shown.chars().all(is_blank));
            prop_assert!(!has_piled_marks(shown));
            prop_assert_eq!(shown.trim(), shown);
            prop_assert!(!shown.contains("  "));
            prop_assert_eq!(DisplayName::parse(shown), Ok(name.clone()));
            prop_assert!(!name.skeleton().is_empty(), "{:?}", shown);
            let _ = Reserved::new([]).refuses(&name);
            prop_assert_eq!(Reserved::new([shown]).refuses(&name).is_some(), !letters_of(shown).is_empty() || Reserved::new([]).refuses(&name).is_some());
        }
    }
}
