//! AMF0, the values in commands: as much of it as a publisher says and hears.

use thiserror::Error;
use zeroize::Zeroizing;

/// Values inside values that are accepted. A command of a real encoder has two.
const DEPTH: usize = 8;

/// Why a command cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AmfError {
    /// It ends in the middle of a value.
    #[error("a command ends in the middle of a value")]
    Short,
    /// Not a value that commands have, or not the expected one.
    #[error("a command holds an unexpected value (marker {0:#04x})")]
    Marker(u8),
    /// Text that is not UTF-8.
    #[error("a command holds text that is not UTF-8")]
    NotText,
    /// More than `DEPTH` values inside each other.
    #[error("a command holds too many values inside each other")]
    Deep,
}

const NUMBER: u8 = 0;
const BOOLEAN: u8 = 1;
const STRING: u8 = 2;
const OBJECT: u8 = 3;
const NULL: u8 = 5;
const UNDEFINED: u8 = 6;
const REFERENCE: u8 = 7;
const ECMA_ARRAY: u8 = 8;
const OBJECT_END: u8 = 9;
const STRICT_ARRAY: u8 = 10;
const DATE: u8 = 11;
const LONG_STRING: u8 = 12;

/// Reads the values of a command one after the other.
#[derive(Debug)]
pub(super) struct Reader<'b>(pub(super) &'b [u8]);

impl<'b> Reader<'b> {
    /// A string.
    pub(super) fn text(&mut self) -> Result<Zeroizing<String>, AmfError> {
        let length = match self.byte()? {
            STRING => self.length16()?,
            LONG_STRING => self.length32()?,
            other => return Err(AmfError::Marker(other)),
        };
        let bytes = self.take(length)?;
        let text = std::str::from_utf8(bytes).map_err(|_not| AmfError::NotText)?;
        Ok(Zeroizing::new(text.to_owned()))
    }

    /// A number.
    pub(super) fn number(&mut self) -> Result<f64, AmfError> {
        match self.byte()? {
            NUMBER => self.array().map(f64::from_be_bytes),
            other => Err(AmfError::Marker(other)),
        }
    }

    /// Any value.
    pub(super) fn skip(&mut self) -> Result<(), AmfError> {
        self.skip_inside(DEPTH)
    }

    fn skip_inside(&mut self, depth: usize) -> Result<(), AmfError> {
        let depth = depth.checked_sub(1).ok_or(AmfError::Deep)?;
        let length = match self.byte()? {
            NUMBER => 8,
            BOOLEAN => 1,
            STRING => self.length16()?,
            NULL | UNDEFINED => 0,
            REFERENCE => 2,
            DATE => 10,
            LONG_STRING => self.length32()?,
            OBJECT => return self.skip_members(depth),
            ECMA_ARRAY => {
                // The number of members is a hint only.
                self.take(4)?;
                return self.skip_members(depth);
            }
            STRICT_ARRAY => {
                // Each takes a byte at least, so that this ends with the command.
                for _ in 0..self.length32()? {
                    self.skip_inside(depth)?;
                }
                return Ok(());
            }
            other => return Err(AmfError::Marker(other)),
        };
        self.take(length).map(|_value| ())
    }

    fn skip_members(&mut self, depth: usize) -> Result<(), AmfError> {
        loop {
            let name = self.length16()?;
            self.take(name)?;
            if name == 0 && self.0.first() == Some(&OBJECT_END) {
                self.take(1)?;
                return Ok(());
            }
            self.skip_inside(depth)?;
        }
    }

    fn take(&mut self, count: usize) -> Result<&'b [u8], AmfError> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(AmfError::Short)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], AmfError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(AmfError::Short)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn byte(&mut self) -> Result<u8, AmfError> {
        self.array().map(u8::from_be_bytes)
    }

    fn length16(&mut self) -> Result<usize, AmfError> {
        self.array().map(u16::from_be_bytes).map(usize::from)
    }

    fn length32(&mut self) -> Result<usize, AmfError> {
        let length = self.array().map(u32::from_be_bytes)?;
        usize::try_from(length).map_err(|_large| AmfError::Short)
    }
}

/// A value that we say.
#[derive(Debug, Clone, Copy)]
pub(super) enum Value<'v> {
    Number(f64),
    Text(&'v str),
    Null,
    Object(&'v [(&'v str, Value<'v>)]),
}

/// Appends a value.
pub(super) fn write(value: Value<'_>, to: &mut Vec<u8>) {
    match value {
        Value::Number(number) => {
            to.push(NUMBER);
            to.extend(number.to_be_bytes());
        }
        Value::Text(text) => {
            to.push(STRING);
            write_text(text, to);
        }
        Value::Null => to.push(NULL),
        Value::Object(members) => {
            to.push(OBJECT);
            for (name, value) in members {
                write_text(name, to);
                write(*value, to);
            }
            to.extend([0, 0, OBJECT_END]);
        }
    }
}

/// All text that we say is ours and short.
fn write_text(text: &str, to: &mut Vec<u8>) {
    let length = u16::try_from(text.len()).unwrap_or_default();
    to.extend(length.to_be_bytes());
    to.extend(text.as_bytes().iter().take(usize::from(length)));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_written_is_read_back_or_skipped() {
        let mut bytes = Vec::new();
        let inside = [("n", Value::Number(1.0)), ("t", Value::Text("x"))];
        for value in [
            Value::Text("connect"),
            Value::Number(2.5),
            Value::Object(&[("o", Value::Object(&inside)), ("z", Value::Null)]),
            Value::Null,
            Value::Text("last"),
        ] {
            write(value, &mut bytes);
        }

        let mut reader = Reader(&bytes);

        assert_eq!(reader.text().unwrap().as_str(), "connect");
        assert_eq!(reader.number().unwrap().to_bits(), 2.5_f64.to_bits());
        reader.skip().unwrap();
        reader.skip().unwrap();
        assert_eq!(reader.text().unwrap().as_str(), "last");
        assert_eq!(reader.skip(), Err(AmfError::Short));
    }

    #[test]
    fn what_no_encoder_says_is_refused() {
        let deep = [&[STRICT_ARRAY, 0, 0, 0, 1][..]; 1_000].concat();
        assert_eq!(Reader(&deep).skip(), Err(AmfError::Deep));
        let endless = [&[STRICT_ARRAY][..], &[0xff; 4], &[NULL; 100]].concat();
        assert_eq!(Reader(&endless).skip(), Err(AmfError::Short));
        assert_eq!(Reader(&[0x11]).skip(), Err(AmfError::Marker(0x11)));
        assert_eq!(
            Reader(&[STRING, 0, 1, 0xff]).text().err(),
            Some(AmfError::NotText)
        );
        assert_eq!(Reader(&[NULL]).text().err(), Some(AmfError::Marker(NULL)));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(0_u8..14, 0..200)) {
            let mut reader = Reader(&bytes);
            while reader.skip().is_ok() {}
        }
    }
}
