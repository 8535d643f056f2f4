//! Asking for a password without showing it.
//!
//! Belongs here: the terminal. Does not belong here: what the password is for.

use std::io::{self, IsTerminal as _, Read, Write as _};

use anyhow::{Context as _, bail};
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios};
use zeroize::Zeroizing;

use super::report::WithHint as _;
use crate::tripcodes::MAX_PASSWORD_BYTES;

/// A password from the terminal without echo, or one line of anything else.
pub(super) fn password(prompt: &str) -> anyhow::Result<Zeroizing<String>> {
    let stdin = io::stdin();
    let line = if stdin.is_terminal() {
        let mut stderr = io::stderr();
        stderr.write_all(prompt.as_bytes())?;
        stderr.flush()?;
        let quiet = QuietTerminal::new(&stdin)?;
        let typed = type_in(&mut stdin.lock());
        drop(quiet);
        stderr.write_all(b"\n")?;
        typed
    } else {
        read_line(&mut stdin.lock())
    };
    match line.context("cannot read the password")? {
        Line::Text(text) => decode(&text),
        Line::Nothing => bail!("no password was given; type one and press Enter"),
    }
}

/// What came before the end of the line.
enum Line {
    Text(Zeroizing<Vec<u8>>),
    /// The input ended, or the person at the keyboard gave up.
    Nothing,
}

fn decode(bytes: &[u8]) -> anyhow::Result<Zeroizing<String>> {
    let text =
        std::str::from_utf8(bytes).map_err(|_not| anyhow::anyhow!("the password is not UTF-8"));
    let text = text.hint("browsers send UTF-8; set the terminal to it, or check the file")?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// Room for any password and one byte more, so that a longer one is noticed and the buffer never
/// moves and leaves a copy behind.
fn buffer() -> Zeroizing<Vec<u8>> {
    Zeroizing::new(Vec::with_capacity(MAX_PASSWORD_BYTES + 1))
}

/// One line without its end; what is too long is cut, but not to a length that is allowed.
fn read_line(input: &mut impl Read) -> io::Result<Line> {
    let mut line = buffer();
    let mut byte = Zeroizing::new([0]);
    loop {
        if read_byte(input, &mut byte)? == 0 {
            if line.is_empty() {
                return Ok(Line::Nothing);
            }
            break;
        }
        match *byte {
            [b'\n'] => break,
            [other] if line.len() <= MAX_PASSWORD_BYTES => line.push(other),
            _ => {}
        }
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok(Line::Text(line))
}

/// One line from a terminal that neither echoes nor edits nor sends signals.
fn type_in(keys: &mut impl Read) -> io::Result<Line> {
    const INTERRUPT: u8 = 0x03;
    const END: u8 = 0x04;
    const ERASE: u8 = 0x08;
    const ERASE_LINE: u8 = 0x15;
    const DELETE: u8 = 0x7f;
    let mut line = buffer();
    let mut key = Zeroizing::new([0]);
    loop {
        if read_byte(keys, &mut key)? == 0 {
            return Ok(Line::Nothing);
        }
        match *key {
            [b'\n' | b'\r'] => return Ok(Line::Text(line)),
            [INTERRUPT] => return Ok(Line::Nothing),
            [END] if line.is_empty() => return Ok(Line::Nothing),
            [ERASE | DELETE] => erase(&mut line),
            [ERASE_LINE] => line.clear(),
            [other] if line.len() <= MAX_PASSWORD_BYTES => line.push(other),
            _ => {}
        }
    }
}

/// Takes the last character of UTF-8 text away, all of its bytes.
fn erase(line: &mut Vec<u8>) {
    while let Some(last) = line.pop() {
        let is_inside = last & 0b1100_0000 == 0b1000_0000;
        if !is_inside {
            return;
        }
    }
}

/// Like `read`, but goes on after a signal.
fn read_byte(input: &mut impl Read, byte: &mut [u8; 1]) -> io::Result<usize> {
    loop {
        match input.read(byte) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// The terminal without echo, editing and signals; as it was again when dropped.
///
/// Signals of the keyboard are off so that Ctrl-C cannot end the program and leave a terminal
/// that shows nothing.
struct QuietTerminal<'stdin> {
    stdin: &'stdin io::Stdin,
    before: Termios,
}

impl<'stdin> QuietTerminal<'stdin> {
    fn new(stdin: &'stdin io::Stdin) -> anyhow::Result<Self> {
        let before = rustix::termios::tcgetattr(stdin).context("cannot ask the terminal")?;
        let mut quiet = before.clone();
        quiet.local_modes -= LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG;
        quiet.special_codes[SpecialCodeIndex::VMIN] = 1;
        quiet.special_codes[SpecialCodeIndex::VTIME] = 0;
        // What was typed before the question is no answer to it.
        rustix::termios::tcsetattr(stdin, OptionalActions::Flush, &quiet)
            .context("cannot turn the echo of the terminal off")?;
        Ok(Self { stdin, before })
    }
}

impl Drop for QuietTerminal<'_> {
    fn drop(&mut self) {
        // There is nothing else to try; the next program sets its own modes.
        let _restored =
            rustix::termios::tcsetattr(self.stdin, OptionalActions::Flush, &self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(line: &io::Result<Line>) -> Option<&[u8]> {
        match line {
            Ok(Line::Text(text)) => Some(text),
            _ => None,
        }
    }

    #[test]
    fn one_line_is_read_and_its_end_is_no_part_of_the_password() {
        for (input, password) in [
            (&b"word\nmore\n"[..], Some(&b"word"[..])),
            (b"word\r\n", Some(b"word")),
            (b" word ", Some(b" word ")),
            (b"\n", Some(b"")),
            (b"", None),
        ] {
            assert_eq!(text(&read_line(&mut &*input)), password, "{input:?}");
        }
    }

    #[test]
    fn a_password_that_is_too_long_stays_too_long() {
        for length in [MAX_PASSWORD_BYTES + 1, 1_000_000] {
            let long = vec![b'x'; length];
            let line = read_line(&mut long.as_slice());
            assert_eq!(text(&line).unwrap().len(), MAX_PASSWORD_BYTES + 1);
        }
    }

    #[test]
    fn typing_can_be_corrected_and_given_up() {
        for (keys, password) in [
            (&b"word\n"[..], Some(&b"word"[..])),
            (b"wort\x7fd\r", Some(b"word")),
            (b"x\x08\x08word\n", Some(b"word")),
            ("wö\u{7f}ord\n".as_bytes(), Some(b"word")),
            (b"nonsense\x15word\n", Some(b"word")),
            (b"word\x03\n", None),
            (b"\x04", None),
            (b"word", None),
        ] {
            assert_eq!(text(&type_in(&mut &*keys)), password, "{keys:?}");
        }
    }

    #[test]
    fn what_is_not_text_is_refused() {
        assert!(decode(&[0xff]).is_err());
        assert_eq!(*decode(b"word").unwrap(), "word");
    }
}
