//! What can be wrong with the key directory, and the command that puts it right.
//!
//! The sentences name files but never an address: they end up in logs and bug reports.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

/// Why an identity cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeysError {
    /// A file or directory is not as it must be.
    #[error("{}", sentence(.file, .wrong))]
    Wrong {
        /// Which one.
        file: PathBuf,
        /// In which way.
        wrong: Wrong,
    },
    /// The system did not let us read or write.
    #[error("cannot {doing} `{}`; check who owns it and the space on the disk", .file.display())]
    Cannot {
        /// A verb.
        doing: &'static str,
        /// What was read or written.
        file: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
}

/// In which way a file of the identity is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Wrong {
    /// There is something else where the directory should be.
    NotADirectory,
    /// A link, a directory or a device where a key file should be.
    NotAFile,
    /// It belongs to another user.
    NotOurs,
    /// Other users of the computer have rights on it.
    OpenToOthers {
        /// The permission bits.
        mode: u32,
        /// Whether it is a directory.
        is_dir: bool,
    },
    /// The public half is there, the secret half is not.
    SecretKeyMissing,
    /// Wrong length or header, or zeros in place of a key.
    SecretKeyBroken,
    /// The key of `onion-keys.example`.
    ExampleKey,
    /// The public key belongs to another secret key.
    PublicKeyDiffers,
    /// The address belongs to another secret key.
    HostnameDiffers,
}

impl KeysError {
    pub(super) fn wrong(file: &Path, wrong: Wrong) -> Self {
        Self::Wrong {
            file: file.to_owned(),
            wrong,
        }
    }

    /// For `map_err`.
    pub(super) fn cannot(doing: &'static str, file: &Path) -> impl Fn(io::Error) -> Self + use<> {
        let file = file.to_owned();
        move |cause| Self::Cannot {
            doing,
            file: file.clone(),
            cause,
        }
    }
}

/// What is wrong and what to do, in one line.
fn sentence(file: &Path, wrong: &Wrong) -> impl fmt::Display {
    let dir = file.parent().unwrap_or(file).display();
    let path = file.display();
    let word = shell_word(file);
    match wrong {
        Wrong::NotADirectory => {
            format!("`{path}` must be a directory; move it away and start again")
        }
        Wrong::NotAFile => {
            format!(
                "`{path}` must be a plain file, not a link or directory; put the file itself there"
            )
        }
        Wrong::NotOurs => {
            format!("`{path}` belongs to another user; run `sudo chown \"$(id -un)\" {word}`")
        }
        Wrong::OpenToOthers { mode, is_dir } => {
            let right = if *is_dir { 700 } else { 600 };
            format!(
                "`{path}` is open to other users of this computer (mode {mode:o}); run `chmod {right} {word}`"
            )
        }
        Wrong::SecretKeyMissing => format!(
            "`{path}` is missing although the rest of an identity is there; restore it from a backup, \
             or move `{dir}` away to get a NEW address"
        ),
        Wrong::SecretKeyBroken => format!(
            "`{path}` is not a whole key (perhaps half-written); restore it from a backup, \
             or move `{dir}` away to get a NEW address"
        ),
        Wrong::ExampleKey => format!(
            "`{path}` is the example key, which everybody has: anybody could take its address over; \
             move `{dir}` away to get an address of your own, or put your own key there"
        ),
        Wrong::PublicKeyDiffers | Wrong::HostnameDiffers => format!(
            "`{path}` does not belong to the secret key beside it; restore the right secret key from a backup, \
             or, if the secret key is the right one, delete `{path}` (it is made again)"
        ),
    }
}

/// The path as one word for a shell, quoted only if it must be.
fn shell_word(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+".contains(c);
    if text.chars().all(plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_works_for_a_path_with_blanks_and_quotes() {
        let mode = Wrong::OpenToOthers {
            mode: 0o644,
            is_dir: false,
        };
        for (path, command) in [
            (
                "/home/anna/onion-keys/hostname",
                "`chmod 600 /home/anna/onion-keys/hostname`",
            ),
            (
                "/home/anna/my site/hostname",
                "`chmod 600 '/home/anna/my site/hostname'`",
            ),
            (
                "/home/anna's/hostname",
                r"`chmod 600 '/home/anna'\''s/hostname'`",
            ),
        ] {
            let sentence = KeysError::wrong(Path::new(path), mode).to_string();
            assert!(sentence.ends_with(command), "{sentence}");
        }
    }
}
