use std::os::unix::fs::symlink;

use super::*;

/// A directory with a manifest and one good picture of each kind.
fn directory(manifest: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(MANIFEST), manifest).unwrap();
    fs::write(dir.path().join("wave.png"), png(32, 24, 40)).unwrap();
    fs::write(dir.path().join("bow.gif"), b"GIF89a\x10\0\x08\0\0\0\0;").unwrap();
    fs::write(
        dir.path().join("hat.webp"),
        b"RIFF\x1a\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x1f\0\0\x1f\0\0",
    )
    .unwrap();
    dir
}

fn png(width: u32, height: u32, length: usize) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    bytes.extend(width.to_be_bytes());
    bytes.extend(height.to_be_bytes());
    bytes.resize(length.max(bytes.len()), 0);
    bytes
}

fn entry(name: &str, file: &str) -> String {
    format!("[[emote]]\nname = {name:?}\nfile = {file:?}\n")
}

fn mistakes(dir: &tempfile::TempDir) -> Vec<String> {
    load(dir.path()).unwrap_err().mistakes().to_vec()
}

#[test]
fn a_directory_becomes_a_table_and_its_pictures() {
    let manifest = entry("wave", "wave.png") + &entry("bow", "bow.gif") + &entry("hat", "hat.webp");
    let dir = directory(&manifest);

    let emotes = load(dir.path()).unwrap();

    let found: Vec<_> = emotes
        .table
        .iter()
        .map(|emote| {
            let picture = emotes.picture(emote.id).unwrap();
            (
                emote.name.as_str(),
                emote.width,
                emote.height,
                picture.content_type,
                picture.bytes.len(),
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            ("bow", 16, 8, "image/gif", 14),
            ("hat", 32, 32, "image/webp", 30),
            ("wave", 32, 24, "image/png", 40),
        ]
    );
    assert_eq!(
        load(dir.path()).unwrap(),
        emotes,
        "numbers outlast a reload"
    );
}

#[test]
fn a_changed_picture_gets_another_number() {
    let dir = directory(&entry("wave", "wave.png"));
    let before = load(dir.path()).unwrap().table.get("wave").unwrap().id;
    fs::write(dir.path().join("wave.png"), png(32, 24, 41)).unwrap();

    let after = load(dir.path()).unwrap();

    assert_ne!(after.table.get("wave").unwrap().id, before);
    assert_eq!(after.picture(before), None);
}

#[test]
fn no_directory_means_no_emotes_and_an_empty_list_too() {
    let dir = directory("");
    assert_eq!(
        load(&dir.path().join("missing")).unwrap(),
        Emotes::default()
    );
    assert!(load(dir.path()).unwrap().table.is_empty());

    fs::remove_file(dir.path().join(MANIFEST)).unwrap();
    assert_eq!(mistakes(&dir), ["there is no such file"]);
}

#[test]
fn all_mistakes_are_told_at_once_with_their_entry() {
    let manifest = [
        entry("wave", "wave.png"),
        entry("wave", "bow.gif"),
        entry("a b", "bow.gif"),
        entry("gone", "gone.png"),
        entry("up", "../wave.png"),
        entry("text", MANIFEST),
        entry("link", "link.png"),
        entry("dir", "dir"),
        entry("large", "large.png"),
        entry("heavy", "heavy.png"),
        "[[emote]]\nname = 7\nfile = \"wave.png\"\n".to_owned(),
        "[[emote]]\nname = \"x1\"\n".to_owned(),
        "[[emote]]\nname = \"x2\"\nfile = \"wave.png\"\nsize = 3\n".to_owned(),
    ]
    .concat();
    let dir = directory(&manifest);
    symlink(dir.path().join("wave.png"), dir.path().join("link.png")).unwrap();
    fs::create_dir(dir.path().join("dir")).unwrap();
    fs::write(dir.path().join("large.png"), png(129, 1, 40)).unwrap();
    fs::write(
        dir.path().join("heavy.png"),
        png(1, 1, MAX_PICTURE_BYTES + 1),
    )
    .unwrap();

    assert_eq!(
        mistakes(&dir),
        [
            "emote 2 (`wave`): the name is there twice; give each emote its own",
            "emote 3 (`a b`): the name must be 2 to 32 of the characters `A-Z a-z 0-9 _ -`",
            "emote 4 (`gone`): `gone.png`: there is no such file",
            "emote 5 (`up`): `../wave.png`: write the plain name of a file in this directory, without `/`",
            "emote 6 (`text`): `emotes.toml`: it is not a PNG, GIF or WebP picture, whatever its name says",
            "emote 7 (`link`): `link.png`: it is a symbolic link; put the file itself there",
            "emote 8 (`dir`): `dir`: it is not a regular file",
            "emote 9 (`large`): the picture has 129×1 pixels; 1×1 to 128×128 are allowed",
            "emote 10 (`heavy`): `heavy.png`: it has more than 256 KiB",
            "emote 11: put the value of `name` in quotation marks",
            "emote 12: `file` is missing",
            "emote 13: `size` is not known here; an emote has `name` and `file`",
        ]
    );
}

#[test]
fn a_manifest_that_is_no_list_of_emotes_is_refused() {
    for (manifest, part) in [
        ("emote = 3", "two brackets"),
        ("[emote]\nname = \"x\"", "two brackets"),
        ("emote = [1]", "emote 1: begin every emote"),
        ("[[emotes]]", "`emotes` is not known here"),
        ("[[emote", "line 1"),
    ] {
        let dir = directory(manifest);
        let error = load(dir.path()).unwrap_err().to_string();
        assert!(error.contains(part), "{manifest}: {error}");
    }
    let dir = directory("");
    fs::write(dir.path().join(MANIFEST), b"\xff").unwrap();
    assert_eq!(mistakes(&dir), ["it is not UTF-8 text"]);
    fs::write(
        dir.path().join(MANIFEST),
        " ".repeat(MAX_MANIFEST_BYTES + 1),
    )
    .unwrap();
    assert_eq!(mistakes(&dir), ["it has more than 256 KiB"]);
}

#[test]
fn file_names_lead_nowhere_else() {
    for name in [
        "",
        ".",
        "..",
        "../x",
        "a/b",
        "/etc/passwd",
        "a\\b",
        ".hidden",
        "a\0b",
        "a\nb",
        &"x".repeat(256),
    ] {
        assert!(!is_plain_file_name(name), "{name:?}");
    }
    for name in ["wave.png", "Ärger.gif", "a b", "a..b"] {
        assert!(is_plain_file_name(name), "{name:?}");
    }
}

#[test]
fn the_number_of_emotes_and_their_sum_have_an_end() {
    let manifest: String = (0..501)
        .map(|at| entry(&format!("e{at}"), "wave.png"))
        .collect();
    assert_eq!(
        mistakes(&directory(&manifest)),
        ["there are more than 500 emotes; take some out"]
    );

    let manifest: String = (0..70)
        .map(|at| entry(&format!("e{at}"), "big.png"))
        .collect();
    let dir = directory(&manifest);
    fs::write(dir.path().join("big.png"), png(1, 1, MAX_PICTURE_BYTES)).unwrap();
    assert_eq!(
        mistakes(&dir),
        ["the pictures have more than 16 MiB together; take some out"]
    );
}

#[test]
fn names_in_a_message_to_the_terminal_are_short_and_harmless() {
    let escape = "[[emote]]\nname = \"x\"\nfile = \"\\u001b[2J\"\n".to_owned();
    for manifest in [
        entry(&"x".repeat(100), "gone") + &escape,
        escape.clone() + "\u{1b}[2J",
    ] {
        let error = load(directory(&manifest).path()).unwrap_err().to_string();
        assert!(!error.contains('\u{1b}') && error.len() < 400, "{error}");
    }
}
