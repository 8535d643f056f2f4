//! Writing the title file: the one path of a title is through this file, whoever sets it.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use crate::room::title::Title;

/// Replaces the title file at `path` as a whole; whoever watches it never sees half a title.
///
/// # Errors
///
/// When the directory cannot be written; the old title stays.
pub fn retitle(path: &Path, title: &Title) -> io::Result<()> {
    // A link stays a link: what it points to is replaced.
    let path = fs::canonicalize(path).unwrap_or_else(|_missing| path.to_owned());
    let beside = path.with_extension(format!("new-{}", std::process::id()));
    let written = write_then_move(&beside, &path, title);
    if written.is_err() {
        // Nothing is lost if it cannot be removed either.
        let _result = fs::remove_file(&beside);
    }
    written
}

fn write_then_move(beside: &Path, path: &Path, title: &Title) -> io::Result<()> {
    // Left over from a process that was killed and had the same number.
    if let Err(error) = fs::remove_file(beside)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error);
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(beside)?;
    file.write_all(title.as_str().as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    fs::rename(beside, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn title(text: &str) -> Title {
        Title::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn the_title_is_replaced_and_nothing_is_left_beside_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("title.txt");

        for text in ["Night train", "Day train"] {
            retitle(&path, &title(text)).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), format!("{text}\n"));
        }
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_link_to_the_title_stays_a_link() {
        let directory = tempfile::tempdir().unwrap();
        let (target, link) = (directory.path().join("a"), directory.path().join("b"));
        fs::write(&target, "old").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();

        retitle(&link, &title("new")).unwrap();

        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&target).unwrap(), "new\n");
    }

    #[test]
    fn a_directory_that_is_not_there_is_an_error() {
        let directory = tempfile::tempdir().unwrap();

        let error = retitle(&directory.path().join("a/title.txt"), &title("x")).unwrap_err();

        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
