//! The commands and what follows them.

use std::time::Duration;

use clap::Subcommand;

use crate::{
    control::request::{Deletions, MUTE_FOR, Moderator, Request, Unban, span, who::Who},
    room::{
        sanction::{SanctionId, SanctionKind},
        shields::{ChatMode, Shield},
        tag::PublicTag,
        tripcode::Tripcode,
    },
};

/// The commands by what they are about, for `--help`.
pub(in crate::cli) const GROUPS: &str = "\
While a show is running, from another terminal (`onionstream help COMMAND` says more):
  The show       status, complaints, title, say, stop, panic, reload
  The chat       chat, users, hide, unhide, chat-mode, shield
  People         mute, ban, block, unban, bans, rename, cut, undo, log
  The desk       login-link, moderator";

/// How people are named, below the help of the commands that take one.
const NAMING: &str = "\
WHO is one of
  k7m2 or '#k7m2'   the tag beside somebody without a name (with its # only in quotes)
  @Anna             a name; '@Anna B' if there is a space in it
  message:12        whoever said the message with this number; `chat` shows the numbers
  3f8k2m9q          the public id that `users` shows";

/// A command for a show that is running.
#[derive(Debug, Clone, Subcommand)]
pub(in crate::cli) enum Command {
    /// What is on, how many people watch, and whether they can reach it.
    #[command(hide = true)]
    Status,
    /// What the ffmpeg of the show said, the newest last.
    #[command(hide = true)]
    Complaints,
    /// The title of the show; with a text, another one.
    ///
    /// Writes the title file, which everything follows. An empty text ('') takes the title away.
    #[command(hide = true)]
    Title {
        /// The new title.
        #[arg(value_name = "TEXT")]
        text: Vec<String>,
    },
    /// Say something in the chat as the broadcaster.
    ///
    /// It is said as it stands: `/me` and other commands of the chat are plain text here.
    #[command(hide = true)]
    Say {
        /// What to say.
        #[arg(value_name = "TEXT", required = true)]
        text: Vec<String>,
    },
    /// The newest messages; with `--follow`, those that come from now on.
    ///
    /// A number stands before each message, for `hide` and for `message:NUMBER`. Times are UTC.
    /// `--follow --json` prints every event, for programs: see docs/control.md.
    #[command(hide = true)]
    Chat {
        /// How many messages.
        #[arg(short = 'n', long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1000))]
        number: u16,
        /// Print what is said from now on, and what is hidden, until Ctrl-C.
        #[arg(short, long, conflicts_with = "number")]
        follow: bool,
    },
    /// Who is here, with public ids.
    #[command(hide = true)]
    Users,
    /// Take messages out of sight.
    #[command(hide = true)]
    Hide {
        /// Their numbers, which `chat` shows.
        #[arg(value_name = "NUMBER", required = true, value_parser = message)]
        numbers: Vec<u64>,
    },
    /// Show hidden messages again.
    #[command(hide = true)]
    Unhide {
        /// Their numbers.
        #[arg(value_name = "NUMBER", required = true, value_parser = message)]
        numbers: Vec<u64>,
    },
    /// Somebody cannot write for a while: 10 minutes unless told otherwise.
    #[command(hide = true, after_help = NAMING)]
    Mute(Sanction),
    /// Somebody cannot write or look different, but can watch; for good unless told otherwise.
    #[command(hide = true, after_help = NAMING)]
    Ban(Sanction),
    /// Somebody is out: what they have open ends at once; for good unless told otherwise.
    #[command(hide = true, after_help = NAMING)]
    Block(Sanction),
    /// Take back a mute, ban or block.
    #[command(hide = true, after_help = NAMING)]
    Unban {
        /// Somebody who is here, or a number that `bans` shows.
        #[arg(value_name = "WHO|NUMBER", value_parser = unban)]
        what: Unban,
    },
    /// Who is muted, banned or blocked, with numbers for `unban`.
    #[command(hide = true)]
    Bans,
    /// Give somebody another name, or take it away.
    #[command(hide = true, after_help = NAMING)]
    Rename {
        /// Whom.
        #[arg(value_parser = who)]
        who: Who,
        /// The name; without one they have none.
        #[arg(value_name = "NAME")]
        name: Vec<String>,
    },
    /// End somebody's video; they can start it again.
    #[command(hide = true, after_help = NAMING)]
    Cut {
        /// Whose.
        #[arg(value_parser = who)]
        who: Who,
    },
    /// Take back what was ordered, here or at the desk.
    #[command(hide = true)]
    Undo {
        /// The number that `log` shows.
        #[arg(value_parser = logged)]
        number: u64,
    },
    /// What was ordered, by whom, with numbers for `undo`.
    #[command(hide = true)]
    Log,
    /// Switch a shield against floods and raids on or off.
    ///
    /// slow: everybody waits longer between messages; captcha-always: every message needs one;
    /// tripcodes-only: strangers read along; read-only: only you and moderators write; links-off:
    /// addresses are plain text; filter-broadcaster: the word filters are for you too.
    #[command(hide = true)]
    Shield {
        /// Which one.
        #[arg(value_parser = shield)]
        name: Shield,
        /// `on` or `off`.
        #[arg(value_parser = ["on", "off"])]
        switch: String,
    },
    /// Whether there is a chat: shown, hidden (until a viewer asks for it) or off.
    #[command(hide = true)]
    ChatMode {
        /// `shown`, `hidden` or `off`.
        #[arg(value_parser = chat_mode)]
        mode: ChatMode,
    },
    /// Who helps to keep order.
    #[command(hide = true, subcommand_required = true, arg_required_else_help = true)]
    Moderator {
        #[command(subcommand)]
        what: Helper,
    },
    /// Print a link that logs in at the desk once, for the person at this computer.
    ///
    /// It works for ten minutes. With Tor it is a link to the onion address, for Tor Browser.
    #[command(hide = true)]
    LoginLink,
    /// Read the emotes, and bans and settings, again.
    ///
    /// The title file is read by itself whenever it changes.
    #[command(hide = true)]
    Reload,
    /// End the show in good order, and wait until it has ended.
    #[command(hide = true)]
    Stop,
    /// End everything at once and forget it; asks first.
    ///
    /// Takes less than two seconds. What is in memory is gone with the process; what is on the disk
    /// stays unless it is named here. Deleted files may be found again on the disk by experts.
    #[command(hide = true)]
    Panic {
        /// Do not ask.
        #[arg(long)]
        yes: bool,
        /// Delete the files of broadcasts in the stream directory, and all recordings.
        #[arg(long)]
        delete_stream: bool,
        /// Delete the keys of the site and all state: its address is gone for good.
        #[arg(long)]
        delete_keys: bool,
    },
}

/// Whose rights are taken, and for how long.
#[derive(Debug, Clone, clap::Args)]
pub(in crate::cli) struct Sanction {
    /// Whom.
    #[arg(value_parser = who)]
    who: Who,
    /// For how long: like 10m, 2h, 7d, or `good`.
    #[arg(long = "for", value_name = "DURATION", value_parser = term)]
    term: Option<Lasting>,
    /// Hide everything they said, too.
    #[arg(long)]
    purge: bool,
}

/// How long a sanction holds.
#[derive(Debug, Clone, Copy)]
pub(in crate::cli) enum Lasting {
    Time(Duration),
    Good,
}

/// What happens to the list of moderators.
#[derive(Debug, Clone, Subcommand)]
pub(in crate::cli) enum Helper {
    /// Whoever shows this tripcode is a moderator.
    Add {
        /// Like abcd-efgh-jkmn-pqrs.
        #[arg(value_parser = tripcode)]
        tripcode: Tripcode,
        /// What they are called in your list.
        label: Vec<String>,
    },
    /// They are not any more.
    Remove {
        /// Like abcd-efgh-jkmn-pqrs.
        #[arg(value_parser = tripcode)]
        tripcode: Tripcode,
    },
    /// Print a link that makes a moderator of whoever opens it first, within 24 hours.
    Link,
}

impl Command {
    /// What it asks for.
    pub(super) fn request(&self) -> Request {
        match self.clone() {
            Self::Status => Request::Status,
            Self::Complaints => Request::Complaints,
            Self::Title { text } if text.is_empty() => Request::Title(None),
            Self::Title { text } => Request::Title(Some(joined(&text))),
            Self::Say { text } => Request::Say(joined(&text)),
            Self::Chat { follow: true, .. } => Request::Follow,
            Self::Chat { number, .. } => Request::Chat(number.into()),
            Self::Users => Request::Users,
            Self::Hide { numbers } => Request::Hide(numbers),
            Self::Unhide { numbers } => Request::Unhide(numbers),
            Self::Mute(sanction) => sanction.request(SanctionKind::Mute),
            Self::Ban(sanction) => sanction.request(SanctionKind::Ban),
            Self::Block(sanction) => sanction.request(SanctionKind::Block),
            Self::Unban { what } => Request::Unban(what),
            Self::Bans => Request::Bans,
            Self::Rename { who, name } => Request::Rename {
                who,
                name: joined(&name),
            },
            Self::Cut { who } => Request::Cut(who),
            Self::Undo { number } => Request::Undo(number),
            Self::Log => Request::Log,
            Self::Shield { name, switch } => Request::Shield(name, switch == "on"),
            Self::ChatMode { mode } => Request::ChatMode(mode),
            Self::Moderator { what } => Request::Moderator(match what {
                Helper::Add { tripcode, label } => Moderator::Add {
                    tripcode,
                    label: joined(&label),
                },
                Helper::Remove { tripcode } => Moderator::Remove(tripcode),
                Helper::Link => Moderator::Link,
            }),
            Self::LoginLink => Request::LoginLink,
            Self::Reload => Request::Reload,
            Self::Stop => Request::Stop,
            Self::Panic {
                delete_stream,
                delete_keys,
                ..
            } => Request::Panic(Deletions {
                stream: delete_stream,
                keys: delete_keys,
            }),
        }
    }
}

impl Sanction {
    fn request(self, kind: SanctionKind) -> Request {
        let Self { who, term, purge } = self;
        let term = match term {
            Some(Lasting::Time(time)) => Some(time),
            Some(Lasting::Good) => None,
            None => (kind == SanctionKind::Mute).then_some(MUTE_FOR),
        };
        Request::Sanction {
            kind,
            who,
            term,
            purge,
        }
    }
}

/// Words that the shell has taken apart.
fn joined(words: &[String]) -> String {
    words.join(" ").trim().to_owned()
}

fn who(text: &str) -> Result<Who, String> {
    // In a shell an unquoted `#` begins a comment.
    let tag = PublicTag::parse(&format!("#{text}")).map(Who::Tag);
    tag.or_else(|| Who::parse(text)).ok_or_else(|| {
        "name somebody by tag (k7m2), by name (@Anna), by message (message:12), or by public id \
         (eight letters)"
            .to_owned()
    })
}

fn message(text: &str) -> Result<u64, String> {
    let number = text.parse();
    number.map_err(|_| "name messages by their numbers, which `chat` shows".to_owned())
}

fn logged(text: &str) -> Result<u64, String> {
    let number = text.parse();
    number.map_err(|_| "name it by its number, which `log` shows".to_owned())
}

fn unban(text: &str) -> Result<Unban, String> {
    let line = format!("unban {text}");
    match Request::parse(&line) {
        Ok(Request::Unban(unban @ Unban::Number(SanctionId(_)))) => Ok(unban),
        _ => who(text).map(Unban::Who),
    }
}

fn term(text: &str) -> Result<Lasting, String> {
    if text == "good" {
        return Ok(Lasting::Good);
    }
    let time = span::parse(text).map(Lasting::Time);
    time.ok_or_else(|| "say how long like 10s, 10m, 2h or 7d, at most 366d, or `good`".to_owned())
}

fn tripcode(text: &str) -> Result<Tripcode, String> {
    let wrong = "a tripcode is four groups of four letters, like abcd-efgh-jkmn-pqrs";
    Tripcode::parse(text).ok_or_else(|| wrong.to_owned())
}

fn shield(text: &str) -> Result<Shield, String> {
    Shield::parse(text).ok_or_else(|| {
        let words = Shield::ALL.map(Shield::word).join(", ");
        format!("the shields are {words}")
    })
}

fn chat_mode(text: &str) -> Result<ChatMode, String> {
    ChatMode::parse(text).ok_or_else(|| "the chat can be shown, hidden or off".to_owned())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::{CommandFactory as _, Parser};

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(subcommand)]
        command: Command,
    }

    fn request(arguments: &[&str]) -> Result<String, String> {
        let line = Line::try_parse_from(["onionstream"].iter().chain(arguments));
        let line = line.map_err(|error| error.to_string())?;
        Ok(line.command.request().to_string())
    }

    #[test]
    fn every_command_is_a_line_of_the_protocol() {
        for (arguments, line) in [
            (&["status"][..], "status"),
            (&["title"], "title"),
            (&["title", ""], "title \"\""),
            (&["title", "Night", "train"], "title Night train"),
            (&["say", "hello", "all"], "say hello all"),
            (&["chat"], "chat 20"),
            (&["chat", "-n", "5"], "chat 5"),
            (&["chat", "--follow"], "follow"),
            (&["users"], "users"),
            (&["hide", "3", "4"], "hide 3 4"),
            (&["unhide", "3"], "unhide 3"),
            (&["mute", "k7m2"], "mute #k7m2 for 10m"),
            (&["mute", "#K7M2", "--for", "1h"], "mute #k7m2 for 1h"),
            (
                &["ban", "@Anna B", "--purge"],
                "ban @\"Anna B\" for good purge",
            ),
            (
                &["block", "message:12", "--for", "2d"],
                "block message:12 for 2d",
            ),
            (&["unban", "7"], "unban 7"),
            (&["unban", "00000001"], "unban 00000001"),
            // Tags may be all digits; a number means the list.
            (&["unban", "1234"], "unban 1234"),
            (&["unban", "k7m2"], "unban #k7m2"),
            (&["bans"], "bans"),
            (&["rename", "@Anna"], "rename @Anna"),
            (&["rename", "@Anna", "Zoe", "B"], "rename @Anna Zoe B"),
            (&["cut", "k7m2"], "cut #k7m2"),
            (&["undo", "3"], "undo 3"),
            (&["log"], "log"),
            (&["complaints"], "complaints"),
            (&["shield", "read-only", "on"], "shield read-only on"),
            (&["chat-mode", "hidden"], "chat-mode hidden"),
            (
                &["moderator", "add", "aaaa-aaaa-aaaa-aaaa", "Big", "Ben"],
                "moderator add aaaa-aaaa-aaaa-aaaa Big Ben",
            ),
            (
                &["moderator", "remove", "aaaa-aaaa-aaaa-aaaa"],
                "moderator remove aaaa-aaaa-aaaa-aaaa",
            ),
            (&["moderator", "link"], "moderator link"),
            (&["login-link"], "login-link"),
            (&["reload"], "reload"),
            (&["stop"], "stop"),
            (
                &["panic", "--yes", "--delete-stream", "--delete-keys"],
                "panic delete-stream delete-keys",
            ),
        ] {
            assert_eq!(request(arguments).as_deref(), Ok(line), "{arguments:?}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_what_would_be_right() {
        for (arguments, words) in [
            (&["ban", "Anna B"][..], "by name (@Anna)"),
            (&["ban", "k7m2", "--for", "ever"], "10m, 2h or 7d"),
            (
                &["shield", "slwo", "on"],
                "the shields are slow, captcha-always",
            ),
            (&["shield", "slow", "maybe"], "[possible values: on, off]"),
            (&["chat-mode", "loud"], "shown, hidden or off"),
            (&["moderator", "add", "abc"], "four groups of four letters"),
            (&["hide"], "NUMBER"),
            (&["hide", "@Anna"], "which `chat` shows"),
            (&["undo", "ban"], "which `log` shows"),
        ] {
            let said = request(arguments).expect_err("it is wrong");
            assert!(said.contains(words), "{arguments:?}: {said}");
        }
    }

    #[test]
    fn the_page_has_every_command_and_no_other() {
        const PAGE: &str = include_str!("../../../docs/control.md");
        let rows = PAGE
            .lines()
            .skip_while(|line| *line != "| about | commands |");
        let rows = rows.take_while(|line| line.starts_with('|')).skip(2);
        let in_page: BTreeSet<_> = rows
            .flat_map(|row| row.split('`').skip(1).step_by(2))
            .collect();
        let line = Line::command();
        let commands: BTreeSet<_> = line
            .get_subcommands()
            .map(clap::Command::get_name)
            .collect();
        assert_eq!(in_page, commands);
    }

    #[test]
    fn the_list_in_the_help_has_every_command() {
        let listed: Vec<_> = GROUPS
            .split([' ', ',', '\n'])
            .filter(|word| !word.is_empty())
            .collect();
        for command in Line::command().get_subcommands() {
            assert!(
                listed.contains(&command.get_name()),
                "{}",
                command.get_name()
            );
            assert!(
                command.is_hide_set(),
                "{} is listed twice",
                command.get_name()
            );
            assert!(command.get_about().is_some());
        }
    }
}
