use proptest::prelude::*;

use super::{super::tests::line, *};

fn file(lines: Vec<Line>) -> ChatFile {
    ChatFile {
        version: 1,
        recording: "2026-11-21_2000".to_owned(),
        left_out: 0,
        lines,
    }
}

fn export(file: &ChatFile, format: Format, from: u64) -> String {
    Export::new(Arc::new(file.clone()), format, Duration::from_millis(from)).collect()
}

/// A cue as a player reads it.
#[derive(Debug, PartialEq)]
struct Cue {
    start: u64,
    end: u64,
    voice: String,
    text: String,
}

/// Reads `WebVTT` as its specification says, as far as this program writes it; panics at the rest.
fn read(text: &str) -> Vec<Cue> {
    let mut blocks = text.split("\n\n");
    assert_eq!(blocks.next(), Some("WEBVTT"));
    let cues = blocks.filter(|block| !block.is_empty() && !block.starts_with("NOTE "));
    cues.map(cue).collect()
}

fn cue(block: &str) -> Cue {
    let (times, payload) = block.split_once('\n').expect("times");
    assert_eq!(
        block.matches("-->").count(),
        1,
        "an arrow within a cue: {block}"
    );
    let (start, end) = times.split_once(" --> ").expect("an arrow");
    assert!(payload.lines().all(|row| !row.trim().is_empty()), "{block}");
    let (tag, rest) = payload.split_once('>').expect("a voice");
    let voice = tag.strip_prefix("<v ").expect("a voice");
    assert!(!voice.contains(['<', '\n']), "{block}");
    let mut text = rest.strip_suffix("</v>").expect("an end").to_owned();
    for tag in ["<b>", "</b>", "<i>", "</i>"] {
        assert!(text.matches(tag).count() <= 1, "{block}");
        text = text.replacen(tag, "", 1);
    }
    Cue {
        start: millis(start),
        end: millis(end),
        voice: plain(voice),
        text: plain(&text),
    }
}

fn millis(time: &str) -> u64 {
    let (rest, ms) = time.split_once('.').expect("milliseconds");
    assert_eq!(ms.len(), 3);
    let parts: Vec<u64> = rest.split(':').map(|part| part.parse().unwrap()).collect();
    let [hours, minutes, seconds] = parts[..] else {
        panic!("{time}");
    };
    ((hours * 60 + minutes) * 60 + seconds) * 1_000 + ms.parse::<u64>().unwrap()
}

fn plain(text: &str) -> String {
    assert!(!text.contains(['<', '>']), "a tag in {text}");
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

#[test]
fn subtitles_say_who_speaks_and_stay_as_long_as_reading_takes() {
    let chat = file(vec![
        Line {
            tripcode: Some("abcd-efgh-jkmn-pqrs".to_owned()),
            ..line(61_500, "Anna", "hi")
        },
        Line {
            action: true,
            ..line(3_700_000, "<Ben>", "waves -->\n\n& goes")
        },
    ]);

    let text = export(&chat, Format::WebVtt, 0);

    assert_eq!(
        text,
        "WEBVTT\n\n\
         00:01:01.500 --> 00:01:04.860\n<v Anna ◇abcd-efgh-jkmn-pqrs><b>Anna</b>: hi</v>\n\n\
         01:01:40.000 --> 01:01:44.320\n\
         <v &lt;Ben&gt;><i>&lt;Ben&gt; waves --&gt;\n&amp; goes</i></v>\n\n"
    );
}

#[test]
fn from_a_chapter_on_subtitles_begin_with_what_is_still_to_be_read() {
    let chat = file(vec![
        line(1_000, "a", "over"),
        line(59_000, "b", "still there"),
        line(61_000, "c", "later"),
    ]);

    let cues = read(&export(&chat, Format::WebVtt, 60_000));

    assert_eq!(cues.len(), 2);
    assert_eq!((cues[0].start, cues[1].start), (0, 1_000));
    assert_eq!(cues[0].end, 59_000 + 3_000 + 60 * 12 - 60_000);
    assert_eq!(export(&chat, Format::Text, 60_000).lines().count(), 3);
}

#[test]
fn in_a_busy_chat_no_more_than_four_lines_cover_the_picture() {
    let lines = (0..40).map(|n| line(n * 200, "a", "a long line about nothing at all"));
    let cues = read(&export(&file(lines.collect()), Format::WebVtt, 0));

    for at in 0..10_000 {
        let shown = cues.iter().filter(|cue| cue.start <= at && at < cue.end);
        assert!(shown.count() <= 4, "at {at} ms");
    }
    let at_once = file((0..9).map(|_| line(5, "a", "b")).collect());
    assert_eq!(read(&export(&at_once, Format::WebVtt, 0)).len(), 9);
}

#[test]
fn text_has_one_line_for_each_and_names_cannot_pretend_to_be_two() {
    let mut chat = file(vec![
        line(3_600_000, "Anna: hello Ben", "no\n\n  really\n"),
        Line {
            action: true,
            tripcode: Some("abcd-efgh-jkmn-pqrs".to_owned()),
            ..line(3_661_999, "Ben", "waves")
        },
    ]);
    chat.left_out = 3;

    assert_eq!(
        export(&chat, Format::Text, 0),
        "[01:00:00] Anna:hello Ben: no / really\n\
         [01:01:01] * Ben ◇abcd-efgh-jkmn-pqrs waves\n\
         (3 more lines had no room)\n"
    );
    let note = "\n\nNOTE 3 more lines had no room\n\n";
    assert!(export(&chat, Format::WebVtt, 0).ends_with(note));
}

#[test]
fn an_empty_chat_is_well_formed_in_every_format() {
    let chat = file(Vec::new());
    assert_eq!(export(&chat, Format::Text, 0), "");
    assert_eq!(read(&export(&chat, Format::WebVtt, 0)), []);
    assert_eq!(
        ChatFile::parse(&export(&chat, Format::Json, 0)),
        Ok(chat.clone())
    );
    for format in Format::ALL {
        assert_eq!(Format::parse(format.file()), Some(format));
    }
    assert_eq!(Format::parse("chat.html"), None);
}

/// What people with bad intentions say and are called.
fn hostile() -> impl Strategy<Value = String> {
    let parts = prop_oneof![
        Just("-->"),
        Just("\n"),
        Just("\n\n"),
        Just("\r\n"),
        Just("\0"),
        Just("&lt;"),
        Just("</v>"),
        Just("<v Ben>"),
        Just("\u{202e}"),
        Just("\u{2028}"),
        Just("NOTE "),
        Just("WEBVTT"),
        Just("[00:00:01] Ben: "),
        Just("00:00.000 --> 00:01.000"),
        Just("\u{200f}ש"),
        Just("x"),
        Just(" "),
        Just("\""),
        Just("\\"),
    ];
    prop::collection::vec(parts, 0..24).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn whatever_is_said_is_read_back_as_it_was(
        said in prop::collection::vec(
            (0_u64..400_000_000, hostile(), hostile(), any::<bool>(), prop::option::of("[a-z]{4}-[a-z]{4}")),
            0..12,
        ),
        from in 0_u64..1_000,
    ) {
        let lines = said.into_iter().map(|(ms, name, text, action, tripcode)| {
            Line { ms, name, tripcode, text, action }.cleaned()
        });
        let mut chat = file(lines.collect());
        chat.lines.sort_by_key(|line| line.ms);

        let json = export(&chat, Format::Json, 0);
        let vtt = export(&chat, Format::WebVtt, 0);
        let text = export(&chat, Format::Text, 0);

        prop_assert_eq!(ChatFile::parse(&json), Ok(chat.clone()));
        let cues = read(&vtt);
        prop_assert_eq!(cues.len(), chat.lines.len());
        prop_assert_eq!(text.lines().count(), chat.lines.len());
        prop_assert_eq!(text.matches('\n').count(), chat.lines.len());
        for ((cue, row), line) in cues.iter().zip(text.lines()).zip(&chat.lines) {
            let said = rows(&line.text, "\n");
            let between = if line.action { " " } else { ": " };
            let tripcode = line.tripcode.as_ref().map(|code| format!(" ◇{code}"));
            prop_assert_eq!(&cue.text, &format!("{}{between}{said}", line.name));
            prop_assert_eq!(&cue.voice, &format!("{}{}", line.name, tripcode.unwrap_or_default()));
            prop_assert_eq!(cue.start, line.ms);
            prop_assert!((1..=LONGEST_MS).contains(&(cue.end - cue.start)));
            prop_assert!(row.ends_with(&rows(&line.text, " / ")) && row.starts_with('['));
            prop_assert!(!row.contains(char::is_control));
        }
        // Moved, it is still in order and well formed.
        let moved = read(&export(&chat, Format::WebVtt, from));
        prop_assert!(moved.iter().all(|cue| cue.start < cue.end));
    }
}
