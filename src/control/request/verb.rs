//! The verbs of the protocol: one table for the parser's advice, `help` and the documentation.

/// A verb and how it is used.
#[derive(Debug, PartialEq, Eq, serde::Serialize)]
pub struct Verb {
    /// The first word of the line.
    pub word: &'static str,
    /// What follows it; empty if nothing does.
    pub arguments: &'static str,
    /// What it does.
    pub says: &'static str,
}

const fn verb(word: &'static str, arguments: &'static str, says: &'static str) -> Verb {
    Verb {
        word,
        arguments,
        says,
    }
}

const SANCTION: &str = "WHO [for DURATION|for good] [purge]";

/// All of them.
pub const VERBS: &[Verb] = &[
    verb("status", "", "what is on, and how many people watch"),
    verb(
        "complaints",
        "",
        "what the ffmpeg of the show said, the newest last",
    ),
    verb(
        "title",
        "[TEXT]",
        "the title; with a text, another one; `\"\"` takes it away",
    ),
    verb(
        "say",
        "TEXT",
        "say something in the chat as the broadcaster",
    ),
    verb(
        "chat",
        "[N]",
        "the newest messages, 20 if no number is given",
    ),
    verb(
        "follow",
        "",
        "everything that happens from now on, a line each",
    ),
    verb("users", "", "who is here"),
    verb("hide", "ID...", "take messages out of sight"),
    verb("unhide", "ID...", "show them again"),
    verb(
        "mute",
        SANCTION,
        "no writing, for 10 minutes unless told otherwise",
    ),
    verb("ban", SANCTION, "no writing and no other looks"),
    verb("block", SANCTION, "out, with everything that is open"),
    verb("unban", "WHO|NUMBER", "take a mute, ban or block back"),
    verb("bans", "", "who is muted, banned or blocked, with numbers"),
    verb(
        "rename",
        "WHO [TEXT]",
        "give a person another name, or none",
    ),
    verb(
        "cut",
        "WHO",
        "end a person's video; they can start it again",
    ),
    verb(
        "undo",
        "NUMBER",
        "take back what the log has under this number",
    ),
    verb("log", "", "what was ordered, with numbers"),
    verb("shield", "NAME on|off", "switch a shield"),
    verb("chat-mode", "shown|hidden|off", "whether there is a chat"),
    verb(
        "moderator",
        "add TRIPCODE [LABEL] | remove TRIPCODE | link",
        "who helps to keep order; `link` makes a link for one login",
    ),
    verb("login-link", "", "a link for one login as the broadcaster"),
    verb(
        "reload",
        "",
        "read the emotes, and bans and settings, again; `title.txt` is read by itself",
    ),
    verb(
        "password-changed",
        "",
        "the password file is new: read it, and log everybody out",
    ),
    verb("stop", "", "end the show in good order"),
    verb(
        "panic",
        "[delete-stream] [delete-keys]",
        "end everything at once; delete the video, or keys and state too",
    ),
    verb("help", "", "this list"),
];

/// The verb that is written like this.
pub fn find(word: &str) -> Option<&'static Verb> {
    VERBS.iter().find(|verb| verb.word == word)
}

/// The verb that somebody may have meant: at most two letters wrong, and less than half.
pub(super) fn nearest(word: &str) -> Option<&'static str> {
    let letters = word.chars().count();
    let known = VERBS
        .iter()
        .map(|verb| (distance(word, verb.word), verb.word));
    let (wrong, nearest) = known.min()?;
    (wrong <= 2 && 2 * wrong < letters.max(1)).then_some(nearest)
}

/// Letters to add, leave out or change to get from one word to the other. The words are short.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (above, letter) in one.chars().enumerate() {
        let mut next = vec![above + 1];
        for (pair, &there) in row.windows(2).zip(&other) {
            let &[before, straight] = pair else { continue };
            let left = next.last().copied().unwrap_or_default();
            let changed = before + usize::from(letter != there);
            next.push(changed.min(straight + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_the_verb_that_was_meant() {
        for (word, meant) in [
            ("statsu", Some("status")),
            ("bann", Some("ban")),
            ("shields", Some("shield")),
            ("Stop", Some("stop")),
            ("login_link", Some("login-link")),
            ("dance", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest(word), meant, "{word:?}");
        }
    }
}
