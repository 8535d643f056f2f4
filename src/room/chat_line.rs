//! What a typed line means: something said, something done, or a command.
//!
//! Belongs here: which words are commands.
//! Does not belong here: what a command does and answers, and whether the text may be said.

/// Longest part of an unknown word that is repeated in an answer, in characters.
const MAX_UNKNOWN: usize = 32;

/// What somebody typed into the message field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChatLine<'a> {
    /// For everybody.
    Say(&'a str),
    /// `/me waves`: for everybody, told in the third person. May be empty.
    Action(&'a str),
    /// For the server; never shown to others.
    Command(Command<'a>),
}

/// A line for the server. Arguments are as typed, without white space around them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command<'a> {
    /// `/help`.
    Help,
    /// `/name NEW`; empty if no name was given.
    Name(&'a str),
    /// `/color X`; empty if no colour was given.
    Colour(&'a str),
    /// `/users`.
    Users,
    /// `/theme NAME`; `None` asks which there are.
    Theme(Option<&'a str>),
    /// A word that is no command, without its slash and cut after 32 characters. It must not be
    /// said aloud instead: it may be a mistyped command.
    Unknown(&'a str),
}

impl<'a> ChatLine<'a> {
    /// Reads the content of the message field. Every text means something.
    ///
    /// A command begins with `/` and a letter; `//text` says `/text`.
    pub fn parse(text: &'a str) -> Self {
        let Some(rest) = text.strip_prefix('/') else {
            return Self::Say(text);
        };
        if rest.starts_with('/') {
            return Self::Say(rest);
        }
        if !rest.starts_with(char::is_alphabetic) {
            return Self::Say(text);
        }
        let (word, argument) = rest
            .split_once(char::is_whitespace)
            .map_or((rest, ""), |(word, argument)| (word, argument.trim()));
        // The longest word that is known has 8 letters: a long one need not be copied.
        let known = if word.len() <= MAX_UNKNOWN {
            word.to_ascii_lowercase()
        } else {
            String::new()
        };
        Self::Command(match known.as_str() {
            "me" | "action" | "describe" => return Self::Action(argument),
            "help" => Command::Help,
            "name" | "nick" => Command::Name(argument),
            "color" | "colour" | "setcolor" => Command::Colour(argument),
            "users" | "userlist" | "names" => Command::Users,
            "theme" => Command::Theme((!argument.is_empty()).then_some(argument)),
            _ => {
                let end = word
                    .char_indices()
                    .nth(MAX_UNKNOWN)
                    .map_or(word.len(), |(at, _)| at);
                Command::Unknown(word.get(..end).unwrap_or(word))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_mean_what_people_expect() {
        use ChatLine::{Action, Command as Do, Say};
        let table = [
            ("hello", Say("hello")),
            ("", Say("")),
            ("/", Say("/")),
            ("/ me", Say("/ me")),
            ("/5 of 10", Say("/5 of 10")),
            (" /name Ana", Say(" /name Ana")),
            ("//me is a command", Say("/me is a command")),
            ("///", Say("//")),
            ("a /me b", Say("a /me b")),
            ("/me waves", Action("waves")),
            ("/ME  waves\nand bows ", Action("waves\nand bows")),
            ("/action waves", Action("waves")),
            ("/describe waves", Action("waves")),
            ("/me", Action("")),
            ("/help", Do(Command::Help)),
            ("/Help me", Do(Command::Help)),
            ("/name Night Owl ", Do(Command::Name("Night Owl"))),
            ("/nick\tAna", Do(Command::Name("Ana"))),
            ("/name", Do(Command::Name(""))),
            ("/color #fff", Do(Command::Colour("#fff"))),
            ("/colour red", Do(Command::Colour("red"))),
            ("/setcolor random", Do(Command::Colour("random"))),
            ("/users", Do(Command::Users)),
            ("/userlist", Do(Command::Users)),
            ("/names", Do(Command::Users)),
            ("/theme", Do(Command::Theme(None))),
            ("/theme light", Do(Command::Theme(Some("light")))),
            ("/nmae Ana", Do(Command::Unknown("nmae"))),
            ("/usr/bin/true", Do(Command::Unknown("usr/bin/true"))),
            ("/помощь", Do(Command::Unknown("помощь"))),
            ("/meow", Do(Command::Unknown("meow"))),
        ];
        for (text, expected) in table {
            assert_eq!(ChatLine::parse(text), expected, "{text:?}");
        }
    }

    #[test]
    fn an_unknown_word_is_cut_before_it_is_repeated() {
        let text = format!("/{}", "é".repeat(500));
        let ChatLine::Command(Command::Unknown(word)) = ChatLine::parse(&text) else {
            panic!("{text}");
        };
        assert_eq!(word.chars().count(), 32);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic_and_no_command_is_said_aloud(text: String) {
            let command = text.strip_prefix('/').is_some_and(|rest| rest.starts_with(char::is_alphabetic));
            prop_assert_eq!(command, !matches!(ChatLine::parse(&text), ChatLine::Say(_)));
        }
    }
}
