//! The command line: what can be asked, and how it ends.
//!
//! Belongs here: arguments, exit codes, dispatch.
//! Does not belong here: what the commands do (`cli/*.rs`).
//!
//! Exit codes: 0 all right, 1 failed, 64 wrong use or wrong configuration.

mod ask;
mod config;
mod deletion;
mod doctor;
mod password;
mod progress;
mod remote;
mod report;
mod source;
mod start;
mod stream_key;
mod tripcode;

use std::{
    ffi::OsString,
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::Context as _;
use clap::{Args, CommandFactory as _, Parser, Subcommand, error::ErrorKind};

use self::source::SourceArguments;
use crate::{
    clock::Clock,
    config::{Layers, Override},
    encoder, telemetry,
};

/// Examples and files in `--help`.
const MORE: &str = "\
Examples:
  mkdir ~/show                              a directory for your show: all files are in there
  onionstream --dir ~/show start --source demo
                                            look at it: a built-in clip, here and on Tor
  onionstream --dir ~/show start            show what an encoder writes into stream/
  onionstream --dir ~/show start --source screen --low
                                            show your screen, and offer a smaller picture
  onionstream --dir ~/show doctor           is everything ready for tonight?
  onionstream doctor --source screen        can the screen be broadcast?
  onionstream config show                   every setting and where its value came from
  onionstream login-link                    to the desk without typing the password
  onionstream ban @Troll --for 2h           somebody out of the chat, while the show is running
  onionstream chat --follow                 the chat in a terminal

In the working directory:
  onionstream.toml   settings; optional, see onionstream.example.toml
  title.txt          the title of the broadcast
  stream/            where ffmpeg or OBS writes the video; stream/NAME/ is one more quality of it
  onion-keys/        the identity of your site: keep a copy, show it to nobody
  recordings/        what `--record` and `--record-chat` keep, or a click at the desk
  state/             bans and settings of the desk, the hash of your password, what Tor remembers

Exit codes: 0 all right, 1 failed, 64 wrong use or wrong configuration";

/// Below the options in `--help`: what the list of commands leaves out, and examples.
fn more() -> String {
    format!("{}\n\n{MORE}", remote::GROUPS)
}

/// Turns this computer into a livestream site on the Tor network.
///
/// Viewers need nothing but Tor Browser, at its safest level and without JavaScript. The site is
/// reachable through Tor only; nothing listens on your network.
#[derive(Debug, Parser)]
#[command(name = "onionstream", version, after_help = more(), max_term_width = 100)]
#[command(subcommand_required = true, arg_required_else_help = true)]
struct CommandLine {
    #[command(flatten)]
    general: General,

    #[command(flatten)]
    sets: Sets,

    #[command(subcommand)]
    command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
struct General {
    /// The working directory: where the files of your show are. It must be there already.
    #[arg(long, global = true, value_name = "DIR", default_value = ".")]
    dir: PathBuf,

    /// Log more; twice: everything this program has to say.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,

    /// Print the answer of a running show as JSON; only for the commands that ask one.
    #[arg(long, global = true)]
    json: bool,
}

/// `--set`, at every level by itself: as one global option, clap would forget what stands before
/// the command as soon as it is given again after it.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
struct Sets {
    /// Change one setting, like `--set playback.delay_low=2s`; goes before file and environment.
    #[arg(long = "set", value_name = "SECTION.KEY=VALUE")]
    texts: Vec<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the site: the local preview at once, Tor as soon as it is there.
    ///
    /// Standard output says where the site is, one fact a line: `local http://…/`,
    /// `onion http://….onion/`, and `reachable` when viewers can come. Your desk is at `/broadcaster`
    /// behind either address; its password is shown at the first start. Ctrl-C ends it.
    Start(Start),
    /// Print the command with which `--source` runs ffmpeg, without running it.
    Ffmpeg {
        #[command(flatten)]
        source: SourceArguments,

        /// Let it write into the stream directory, for `--source watch`.
        #[arg(long)]
        into_directory: bool,

        #[command(flatten)]
        sets: Sets,
    },
    /// Become the encoder of a show.
    #[command(hide = true)]
    EncoderGuard {
        /// The process number of the show.
        parent: i32,
        /// The program, then its arguments.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
        command: Vec<OsString>,
    },
    /// Look at the configuration.
    #[command(arg_required_else_help = true)]
    Config(Config),
    /// Check this computer before a show, and say how to put right what is wrong.
    ///
    /// Name what you will show, as for `start`, and it is looked at too: whether the screen or the
    /// camera can be read, whether the file can be played.
    Doctor {
        #[command(flatten)]
        source: SourceArguments,

        #[command(flatten)]
        sets: Sets,
    },
    /// Set another password for the desk; everybody at the desk is logged out.
    ///
    /// Asks twice on a terminal; otherwise reads one line from standard input. The first password
    /// is made at the first start and shown there once.
    Password {
        /// Make a password up, and show it once on the terminal.
        #[arg(long)]
        generate: bool,

        #[command(flatten)]
        sets: Sets,
    },
    /// Print where an encoder on this computer sends its stream, and the key that lets it in.
    ///
    /// For `start --source rtmp` and `start --source ingest`. The key is made when it is first
    /// needed, and holds until there is another. Whoever has it can be on the air.
    StreamKey {
        /// Make another key; it holds from the next connection on.
        #[arg(long)]
        new: bool,

        #[command(flatten)]
        sets: Sets,
    },
    /// Print the tripcode of a password on this site; asks for the password.
    ///
    /// Reads one line from standard input if that is not a terminal. Makes the salt of the site in
    /// the key directory if there is none yet.
    Tripcode(Sets),
    #[command(flatten)]
    Remote(remote::Command),
}

#[derive(Debug, Args)]
struct Config {
    #[command(flatten)]
    sets: Sets,

    #[command(subcommand)]
    command: config::Command,
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
struct Start {
    #[command(flatten)]
    source: SourceArguments,

    /// Record the show; see `[recording]` and the desk.
    #[arg(long)]
    record: bool,

    /// Keep the chat with recordings, too; those who write are told, and can say no.
    #[arg(long)]
    record_chat: bool,

    /// Offer `low` beside the picture: smaller, for a fraction of the bits; see `encoder.low_kbits`.
    #[arg(long)]
    low: bool,

    /// Serve the local preview only.
    #[arg(long)]
    no_tor: bool,

    /// Address of the local preview: loopback with a port, or `unix:PATH`.
    #[arg(long, value_name = "ADDR", overrides_with = "listen")]
    listen: Option<String>,

    #[command(flatten)]
    sets: Sets,
}

/// Runs the program with the arguments and the environment of this process.
pub fn main() -> ExitCode {
    let command_line = match parse(std::env::args_os()) {
        Ok(command_line) => command_line,
        Err(error) => return answer(&error),
    };
    run(&command_line).unwrap_or_else(|error| report::failed(&error))
}

fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<CommandLine, clap::Error> {
    let command_line = CommandLine::try_parse_from(arguments)?;
    if command_line.general.json && !matches!(command_line.command, Command::Remote(_)) {
        let words = "`--json` is for the commands that ask a running show, such as `status`";
        return Err(CommandLine::command().error(ErrorKind::ArgumentConflict, words));
    }
    if let Some(words) = sources(&command_line).and_then(SourceArguments::conflict) {
        return Err(CommandLine::command().error(ErrorKind::ArgumentConflict, words));
    }
    Ok(command_line)
}

/// Where the picture comes from, for the commands that want one.
fn sources(command_line: &CommandLine) -> Option<&SourceArguments> {
    match &command_line.command {
        Command::Start(Start { source, .. })
        | Command::Ffmpeg { source, .. }
        | Command::Doctor { source, .. } => Some(source),
        _ => None,
    }
}

/// Prints help, version or what is wrong with the arguments.
fn answer(error: &clap::Error) -> ExitCode {
    // There is nobody left to tell when the outputs are gone.
    drop(error.print());
    exit_code(error)
}

fn exit_code(error: &clap::Error) -> ExitCode {
    if error.use_stderr() {
        ExitCode::from(report::WRONG_USE)
    } else {
        ExitCode::SUCCESS
    }
}

fn run(command_line: &CommandLine) -> anyhow::Result<ExitCode> {
    let overrides = overrides(command_line);
    let layers = || Layers::read(&command_line.general.dir, environment(), &overrides);
    match &command_line.command {
        Command::Start(start) => {
            let settings = layers().settings()?;
            let progress = progress::Progress::new();
            let directives = settings.log.level.directives();
            telemetry::init(
                &directives,
                progress.clone(),
                telemetry::wants_colour(),
                Clock::new(),
            )?;
            start::run(&settings, start.source.source(&settings)?, &progress)
        }
        Command::Ffmpeg {
            source,
            into_directory,
            ..
        } => source::print_command(source, &layers().settings()?, *into_directory),
        Command::EncoderGuard { parent, command } => {
            let (program, arguments) = command.split_first().context("no program is named")?;
            let Err(error) = encoder::guard::become_encoder(*parent, program, arguments);
            let words = format!("cannot start `{}`: {error}\n", program.display());
            // There is nobody left to tell when the show is gone.
            drop(io::stderr().write_all(words.as_bytes()));
            Ok(ExitCode::from(encoder::guard::NOT_STARTED))
        }
        Command::Config(config) => config::run(&config.command, layers),
        Command::Doctor { source, .. } => doctor::run(&layers(), source, &Clock::new()),
        Command::Password { generate, .. } => password::run(&layers().settings()?, *generate),
        Command::StreamKey { new, .. } => stream_key::run(&layers().settings()?, *new),
        Command::Tripcode(_) => tripcode::run(&layers().settings()?),
        Command::Remote(command) => {
            let general = &command_line.general;
            let (settings, mistakes) = layers().settings_with_mistakes()?;
            if !mistakes.is_empty() {
                let words = "onionstream: the configuration has mistakes, which are left out here; \
                             `onionstream config check` lists them\n";
                // There is nobody left to tell when the output is gone.
                drop(io::stderr().write_all(words.as_bytes()));
            }
            remote::run(command, &general.dir, &settings, general.json)
        }
    }
}

/// What the arguments say about settings; what stands later goes before.
fn overrides(command_line: &CommandLine) -> Vec<Override> {
    let below = match &command_line.command {
        Command::Start(start) => [Some(&start.sets), None],
        Command::Config(config) => [Some(&config.sets), config.command.sets()],
        Command::Doctor { sets, .. }
        | Command::Tripcode(sets)
        | Command::Password { sets, .. }
        | Command::StreamKey { sets, .. }
        | Command::Ffmpeg { sets, .. } => [Some(sets), None],
        Command::Remote(_) | Command::EncoderGuard { .. } => [None, None],
    };
    let sets = std::iter::once(&command_line.sets).chain(below.into_iter().flatten());
    let mut overrides: Vec<_> = sets
        .flat_map(|sets| &sets.texts)
        .map(Override::set)
        .collect();
    match command_line.general.verbose {
        0 => {}
        1 => overrides.push(Override::flag("--verbose", "log.level", "debug")),
        _ => overrides.push(Override::flag("--verbose", "log.level", "trace")),
    }
    if let Some(source) = sources(command_line) {
        overrides.extend(source.overrides());
    }
    if let Command::Start(start) = &command_line.command {
        if let Some(address) = &start.listen {
            overrides.push(Override::flag("--listen", "http.listen", address));
        }
        if start.record {
            overrides.push(Override::flag("--record", "recording.enabled", "true"));
        }
        if start.record_chat {
            overrides.push(Override::flag("--record-chat", "recording.chat", "true"));
        }
        if start.low {
            overrides.push(Override::flag("--low", "encoder.low", "true"));
        }
        if start.no_tor {
            overrides.push(Override::flag("--no-tor", "onion.enabled", "false"));
        }
    }
    overrides
}

/// The environment as text; what is not UTF-8 is recognised and refused further on.
fn environment() -> impl Iterator<Item = (String, String)> {
    let text = |os: OsString| os.to_string_lossy().into_owned();
    std::env::vars_os().map(move |(variable, value)| (text(variable), text(value)))
}

/// Writes `text` to standard output. A reader that has seen enough (`| head`) is no failure.
fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(arguments: &[&str]) -> Result<CommandLine, clap::Error> {
        parse(
            std::iter::once("onionstream")
                .chain(arguments.iter().copied())
                .map(OsString::from),
        )
    }

    #[test]
    fn the_definition_of_the_arguments_is_sound() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn settings_may_stand_before_and_after_the_command() {
        let command_line = parsed(&[
            "--set", "a.b=1", "-v", "start", "--set", "c.d=2", "--listen", "x", "--no-tor",
        ])
        .unwrap();

        assert_eq!(
            overrides(&command_line),
            [
                Override::set("a.b=1"),
                Override::set("c.d=2"),
                Override::flag("--verbose", "log.level", "debug"),
                Override::flag("--listen", "http.listen", "x"),
                Override::flag("--no-tor", "onion.enabled", "false"),
            ]
        );
    }

    #[test]
    fn settings_are_taken_from_every_level_of_the_command() {
        let command_line =
            parsed(&["--set", "1", "config", "--set", "2", "show", "--set", "3"]).unwrap();

        assert_eq!(overrides(&command_line), ["1", "2", "3"].map(Override::set));
    }

    #[test]
    fn wrong_use_is_told_apart_from_a_question() {
        for (arguments, is_wrong) in [
            (&["--help"][..], false),
            (&["--version"], false),
            (&["start", "--help"], false),
            (&[], true),
            (&["config"], true),
            (&["begin"], true),
            (&["start", "--source", "radio"], true),
            (&["doctor", "--listen", "x"], true),
            (&["doctor", "--json"], true),
            (&["help", "ban"], false),
        ] {
            let error = parsed(arguments).unwrap_err();
            let code = if is_wrong {
                ExitCode::from(64)
            } else {
                ExitCode::SUCCESS
            };
            assert_eq!(exit_code(&error), code, "{arguments:?}");
        }
    }

    /// The pages on which people find commands.
    const PAGES: [&str; 4] = [
        include_str!("../docs/broadcasting.md"),
        include_str!("../docs/control.md"),
        include_str!("../docs/sources.md"),
        MORE,
    ];

    /// The words of a command as a shell takes them apart; quotes go around whole words.
    fn words(command: &str) -> Vec<String> {
        let quoted = command.split('"').enumerate();
        let words = quoted.flat_map(|(number, part)| {
            let parts: Vec<_> = match number % 2 {
                0 => part.split_whitespace().collect(),
                _ => vec![part],
            };
            parts.into_iter().map(str::to_owned)
        });
        words.collect()
    }

    #[test]
    fn every_command_that_people_are_told_is_one() {
        let mut told = 0;
        for line in PAGES.iter().flat_map(|page| page.lines()) {
            let spans = line.split('`').map(str::trim);
            let commands = spans.filter(|span| span.starts_with("onionstream "));
            for command in commands.filter(|command| !command.contains("COMMAND")) {
                // What stands behind it: what the line means, or who reads what it prints.
                let command = command.split("   ").next().unwrap_or_default();
                let command = command.split('|').next().unwrap_or_default();
                told += 1;
                if let Err(error) = parsed(
                    &words(command)
                        .iter()
                        .skip(1)
                        .map(String::as_str)
                        .collect::<Vec<_>>(),
                ) {
                    panic!("`{command}`: {error}");
                }
            }
        }
        assert!(told > 25, "{told}");
    }
}
