//! The shape of the code, as a test: who may import whom, how large a file may be, where HTML may
//! go out unescaped. `docs/architecture.md` says why.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it")]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Module, the modules it may import, the crates it must not name.
const RULES: &[(&str, &[&str], &[&str])] = &[
    (
        "clock",
        &[],
        &["tokio", "axum", "maud", "notify", "arti_client"],
    ),
    (
        "ring",
        &[],
        &["tokio", "axum", "maud", "notify", "arti_client", "std::fs"],
    ),
    ("media", &["clock", "ring"], PURE),
    ("room", &["clock", "media", "ring"], PURE),
    (
        "live",
        &["clock", "media", "ring", "room"],
        &["axum", "hyper", "maud", "notify", "arti_client", "std::fs"],
    ),
    (
        "pages",
        &["clock", "media", "room"],
        &["tokio", "axum", "hyper", "notify", "arti_client", "std::fs"],
    ),
    (
        "ingest",
        &["clock", "media", "room"],
        &["tokio", "axum", "hyper", "maud", "arti_client"],
    ),
    (
        "encoder",
        &["clock", "ingest", "media"],
        &["tokio", "axum", "hyper", "maud", "notify", "arti_client"],
    ),
    (
        "push",
        &[
            "clock",
            "encoder",
            "ingest",
            "media",
            "passwords",
            "private_file",
        ],
        &["axum", "hyper", "maud", "notify", "arti_client"],
    ),
    (
        "emotes",
        &["room"],
        &["tokio", "axum", "hyper", "maud", "notify", "arti_client"],
    ),
    ("onion", &["clock"], &["axum", "hyper", "maud", "notify"]),
    (
        "http",
        &[
            "clock",
            "live",
            "media",
            "pages",
            "room",
            "captcha",
            "emotes",
            "passwords",
            "push",
            "recording",
            "tripcodes",
        ],
        &["notify", "arti_client", "tor_hsservice", "tor_proto"],
    ),
    (
        "config",
        &["encoder", "media"],
        &["tokio", "axum", "maud", "notify", "arti_client"],
    ),
    (
        "recording",
        &["clock", "live", "media", "private_file", "room"],
        &["axum", "hyper", "maud", "notify", "arti_client"],
    ),
    (
        "transcoder",
        &["clock", "encoder", "ingest", "live", "media"],
        &["axum", "hyper", "maud", "notify", "arti_client", "std::fs"],
    ),
    (
        "instance",
        &[],
        &["tokio", "axum", "maud", "notify", "arti_client"],
    ),
    (
        "control",
        &["clock", "live", "media", "room"],
        &["axum", "hyper", "maud", "notify", "arti_client"],
    ),
    (
        "background",
        &[],
        &["axum", "hyper", "maud", "notify", "arti_client", "std::fs"],
    ),
    (
        "captcha",
        &["background"],
        &["tokio", "axum", "hyper", "maud", "arti_client", "std::fs"],
    ),
    (
        "tripcodes",
        &["background", "room"],
        &["axum", "hyper", "maud", "notify"],
    ),
    (
        "passwords",
        &["background"],
        &["axum", "hyper", "maud", "notify", "arti_client", "std::fs"],
    ),
    (
        "proxy",
        &[],
        &["axum", "hyper", "maud", "notify", "arti_client", "std::fs"],
    ),
    (
        "private_file",
        &[],
        &["tokio", "axum", "maud", "notify", "arti_client"],
    ),
    (
        "telemetry",
        &["clock"],
        &["axum", "maud", "notify", "arti_client"],
    ),
];

/// What pure modules must not name: waiting, I/O, randomness and the clock of the computer.
const PURE: &[&str] = &[
    "tokio",
    "axum",
    "hyper",
    "maud",
    "notify",
    "arti_client",
    "tor_hsservice",
    "getrandom",
    "std::fs",
    "std::net",
    "std::thread",
    "Instant::now",
    "SystemTime::now",
];

/// Lines after which a file is two ideas.
const MAX_LINES: usize = 500;

fn source_files() -> Vec<(PathBuf, String)> {
    fn walk(dir: &Path, found: &mut Vec<(PathBuf, String)>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    let mut found = Vec::new();
    walk(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut found,
    );
    assert!(found.len() > 30, "the source was not found");
    found
}

/// The code without its tests and comments.
fn code(text: &str) -> String {
    let production = text.split("#[cfg(test)]\nmod tests").next().unwrap();
    production
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// The top module a file belongs to: `media` for `src/media/boxes.rs`.
fn module(path: &Path) -> String {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let inside = path.strip_prefix(source).unwrap();
    let first = inside
        .components()
        .next()
        .unwrap()
        .as_os_str()
        .to_str()
        .unwrap();
    first.trim_end_matches(".rs").to_owned()
}

/// Names of our modules that follow `crate::` anywhere, also inside `use crate::{a, b::c}`.
fn imports(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = code.get(at + "crate::".len()..).unwrap();
        if let Some(group) = rest.strip_prefix('{') {
            let (mut depth, mut word, mut fresh) = (1, String::new(), true);
            for letter in group.chars() {
                match letter {
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    ',' if depth == 1 => fresh = true,
                    letter
                        if depth == 1 && fresh && (letter.is_alphanumeric() || letter == '_') =>
                    {
                        word.push(letter);
                    }
                    letter if letter.is_whitespace() => {}
                    _ => fresh = false,
                }
                if (!fresh || depth == 0 || letter == ',') && !word.is_empty() {
                    found.push(std::mem::take(&mut word));
                }
                if depth == 0 {
                    break;
                }
            }
        } else {
            found.push(
                rest.chars()
                    .take_while(|letter| letter.is_alphanumeric() || *letter == '_')
                    .collect(),
            );
        }
    }
    found
}

#[test]
fn modules_import_only_what_the_map_allows() {
    let mut wrong = Vec::new();
    for (path, text) in source_files() {
        let name = module(&path);
        if ["main", "lib", "cli"].contains(&name.as_str()) {
            continue;
        }
        let code = code(&text);
        let Some((_, allowed, forbidden)) = RULES.iter().find(|rule| rule.0 == name) else {
            panic!("{}: the module `{name}` has no rule", path.display());
        };
        for import in imports(&code) {
            if import != name && !allowed.contains(&import.as_str()) {
                wrong.push(format!("{}: imports `{import}`", path.display()));
            }
        }
        for name in *forbidden {
            if code.contains(&format!("{name}::"))
                || code.contains(&format!("use {name}"))
                || code.contains(&format!("{name}("))
            {
                wrong.push(format!("{}: names `{name}`", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_import_reader_sees_groups_paths_and_nesting() {
    let code = "use crate::{\n  clock::{Tick, Wall},\n  media::timeline,\n  onion,\n};\nlet x = crate::room::y();";

    assert_eq!(imports(code), ["clock", "media", "onion", "room"]);
}

#[test]
fn a_file_is_one_idea_and_has_a_name_that_says_which() {
    for (path, text) in source_files() {
        let name = path.file_stem().unwrap().to_str().unwrap();
        for vague in [
            "utils", "util", "helpers", "helper", "common", "misc", "types", "manager", "prelude",
            "mod",
        ] {
            assert_ne!(name, vague, "{}", path.display());
        }
        let lines = text.lines().count();
        assert!(lines <= MAX_LINES, "{}: {lines} lines", path.display());
    }
}

#[test]
fn text_goes_out_unescaped_in_one_file_only() {
    for (path, text) in source_files() {
        if code(&text).contains("PreEscaped") {
            assert!(
                path.ends_with("src/pages/document.rs"),
                "{}",
                path.display()
            );
        }
    }
}

#[test]
fn every_module_says_what_it_is_for() {
    for (path, text) in source_files() {
        // Tests of a module stand beside it, and the module says what it is for.
        let tests = path
            .file_stem()
            .unwrap()
            .to_str()
            .unwrap()
            .ends_with("tests");
        assert!(tests || text.starts_with("//! "), "{}", path.display());
        assert!(!text.starts_with("//! (being"), "{}", path.display());
    }
}
