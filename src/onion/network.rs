//! Which Tor network, and how: arti's own configuration, with our paths.
//!
//! Belongs here: reading the optional file with arti's settings (a private network, timeouts, …),
//! and what we set ourselves. Does not belong here: our own settings file.
//!
//! arti ignores settings it does not know. For somebody who must not touch the public network, a
//! misspelt `[tor_network]` would be a disaster, so everything that arti would ignore is refused.

use std::{
    fs::File,
    io::{self, Read as _},
    ops::Range,
    path::{Path, PathBuf},
};

use arti_client::{
    TorClientConfig,
    config::{CfgPath, TorClientConfigBuilder},
};
use serde::Deserialize as _;
use toml::{Table, Value};
use tor_hsservice::HsNickname;

/// Longest accepted file, in bytes. A list of fallback relays as big as that of arti itself is 50 KB.
const MAX_FILE: u64 = 1024 * 1024;

/// Where arti keeps what it must remember, in the state directory.
pub const TOR_STATE_DIR: &str = "tor";

/// Where arti keeps its copy of the network's directory, in the state directory.
pub const TOR_CACHE_DIR: &str = "tor-cache";

/// Settings below `[storage]` that are ours alone.
const OURS: [&str; 3] = ["state_dir", "cache_dir", "keystore"];

/// Why arti could not be configured.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NetworkError {
    /// The file could not be read.
    #[error("cannot read the Tor settings `{}`", .file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// Something in the file is wrong.
    #[error("`{}`, line {line}: {problem}", .file.display())]
    Setting {
        /// The file.
        file: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
    /// Each setting may be right, but arti does not accept them together.
    #[error("arti does not accept the Tor settings{}: {problem}", .file.as_deref().map(|file| format!(" in `{}`", file.display())).unwrap_or_default())]
    Together {
        /// The file, if there is one.
        file: Option<PathBuf>,
        /// What arti said.
        problem: String,
    },
    /// arti takes the path of the key directory as text only.
    #[error("the path `{}` is not UTF-8; use a directory with a plain name", .0.display())]
    Path(PathBuf),
}

/// Where the service keeps its things; absolute paths.
#[derive(Debug)]
pub(super) struct Places<'a> {
    /// Holds `tor/` (state, to be kept) and `tor-cache/` (can be deleted).
    pub(super) state: &'a Path,
    /// The identity in C tor's layout, which arti reads as it is.
    pub(super) keys: &'a Path,
    /// The service the identity is for.
    pub(super) nickname: &'a HsNickname,
}

/// The configuration of the client: arti's defaults, then `file`, then our places.
///
/// Blocks while it reads the file.
pub(super) fn configure(
    file: Option<&Path>,
    places: &Places<'_>,
) -> Result<TorClientConfig, NetworkError> {
    let mut settings = match file {
        Some(file) => read(file)?,
        None => Table::new(),
    };
    let together = |problem: String| NetworkError::Together {
        file: file.map(Path::to_owned),
        problem,
    };
    insert_keystore(&mut settings, places)?;
    expect_no_browsing(&mut settings);
    let mut builder: TorClientConfigBuilder = settings
        .try_into()
        .map_err(|refusal: toml::de::Error| together(refusal.message().to_owned()))?;
    builder
        .storage()
        .state_dir(CfgPath::new_literal(places.state.join(TOR_STATE_DIR)))
        .cache_dir(CfgPath::new_literal(places.state.join(TOR_CACHE_DIR)));
    builder
        .build()
        .map_err(|refusal| together(refusal.to_string()))
}

/// Lets arti read the identity in place: no second copy of the secret key on the disk.
fn insert_keystore(settings: &mut Table, places: &Places<'_>) -> Result<(), NetworkError> {
    let path = places
        .keys
        .to_str()
        .ok_or_else(|| NetworkError::Path(places.keys.to_owned()))?;
    let entry = [
        ("id".to_owned(), "identity".into()),
        ("path".to_owned(), path.into()),
    ];
    let mut value = Value::Table(Table::from_iter(entry));
    for key in [places.nickname.as_ref(), "services", "ctor", "keystore"] {
        value = Value::Table(Table::from_iter([(key.to_owned(), value)]));
    }
    let storage = settings
        .entry("storage")
        .or_insert_with(|| Value::Table(Table::new()));
    if let (Value::Table(storage), Value::Table(keystore)) = (storage, value) {
        storage.extend(keystore);
    }
    Ok(())
}

/// Without this, arti keeps circuits ready for visits to the web, which never come.
fn expect_no_browsing(settings: &mut Table) {
    let circuits = settings
        .entry("preemptive_circuits")
        .or_insert_with(|| Value::Table(Table::new()));
    if let Value::Table(circuits) = circuits {
        circuits
            .entry("initial_predicted_ports")
            .or_insert_with(|| Value::Array(Vec::new()));
    }
}

fn read(file: &Path) -> Result<Table, NetworkError> {
    let cannot = |cause| NetworkError::Read {
        file: file.to_owned(),
        cause,
    };
    let mut text = String::new();
    File::open(file)
        .map_err(cannot)?
        .take(MAX_FILE + 1)
        .read_to_string(&mut text)
        .map_err(cannot)?;
    if text.len() as u64 > MAX_FILE {
        return Err(cannot(io::Error::new(
            io::ErrorKind::FileTooLarge,
            "more than 1 MiB",
        )));
    }
    parse(&text).map_err(|(span, problem)| NetworkError::Setting {
        file: file.to_owned(),
        line: line(&text, span),
        problem,
    })
}

type Complaint = (Option<Range<usize>>, String);

fn parse(text: &str) -> Result<Table, Complaint> {
    let complain = |refusal: toml::de::Error| (refusal.span(), refusal.message().to_owned());
    let settings: Table = toml::from_str(text).map_err(complain)?;
    // From the text once more, because only this way the complaint knows its place.
    drop(toml::from_str::<TorClientConfigBuilder>(text).map_err(complain)?);

    for key in OURS {
        if settings
            .get("storage")
            .and_then(|storage| storage.get(key))
            .is_some()
        {
            return Err((
                find(text, key),
                format!("`storage.{key}` is set by onionstream; remove it"),
            ));
        }
    }
    if let Some(path) = ignored(&settings) {
        let place = path.last().and_then(|key| find(text, key));
        let path = path.join(".");
        return Err((
            place,
            format!("arti has no setting `{path}`, or was built without it; correct or remove it"),
        ));
    }
    Ok(settings)
}

/// The first setting that arti does not look at, as the keys that lead to it.
///
/// No setting can be a number, a text, a list and a truth value alike; so one that may be any of
/// them without a complaint is not looked at. Lists are not searched.
fn ignored(settings: &Table) -> Option<Vec<String>> {
    let mut unsearched = vec![Vec::new()];
    while let Some(path) = unsearched.pop() {
        let table = path
            .iter()
            .try_fold(settings, |table, key: &String| table.get(key)?.as_table())?;
        for (key, value) in table {
            let path: Vec<_> = path.iter().chain([key]).cloned().collect();
            let probes = [
                Value::Integer(-7),
                "\u{1}".into(),
                Value::Array(vec![Value::Array(Vec::new())]),
                true.into(),
            ];
            if probes
                .into_iter()
                .all(|probe| accepts(settings.clone(), &path, probe))
            {
                return Some(path);
            }
            if value.is_table() {
                unsearched.push(path);
            }
        }
    }
    None
}

/// Whether arti's types accept the settings with this one replaced.
fn accepts(mut settings: Table, path: &[String], value: Value) -> bool {
    let Some((last, above)) = path.split_last() else {
        return false;
    };
    let place = above.iter().try_fold(&mut settings, |table, key| {
        table.get_mut(key)?.as_table_mut()
    });
    place.is_some_and(|table| table.insert(last.clone(), value).is_some())
        && TorClientConfigBuilder::deserialize(settings).is_ok()
}

/// Where a key is written, best effort: at the start of a line or of a table header.
fn find(text: &str, key: &str) -> Option<Range<usize>> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let bare = line.trim_start_matches([' ', '\t', '[']);
        let name = bare.split(['=', ']']).next().unwrap_or_default();
        if name
            .split('.')
            .any(|part| part.trim().trim_matches(['"', '\'']) == key)
        {
            return Some(at..at);
        }
        at += line.len();
    }
    None
}

/// The line of a place in the text, counted from 1; 1 if the place is not known.
fn line(text: &str, span: Option<Range<usize>>) -> usize {
    let before = span
        .and_then(|span| text.get(..span.start))
        .unwrap_or_default();
    1 + before.matches('\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `configure` says about a file with this text.
    fn refusal(text: &str) -> String {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("network.toml");
        std::fs::write(&file, text).unwrap();
        let nickname = "id-test".parse().unwrap();
        let places = Places {
            state: home.path(),
            keys: home.path(),
            nickname: &nickname,
        };
        match configure(Some(&file), &places) {
            Ok(_) => "accepted".to_owned(),
            Err(refusal) => refusal
                .to_string()
                .replace(&file.display().to_string(), "network.toml"),
        }
    }

    #[test]
    fn the_settings_of_a_private_network_are_accepted() {
        let text = r#"
            [tor_network]
            fallback_caches = [
              { rsa_identity = "1234567890123456789012345678901234567890", ed_identity = "ObZrkUuxr4sUnZGg7rpMLVBsXqfH/Hw1iZWm9ZI7rb8", orports = ["127.10.0.1:9001"] },
            ]
            [tor_network.authorities]
            v3idents = ["1234567890123456789012345678901234567890"]
            [address_filter]
            allow_local_addrs = true
            [override_net_params]
            cc_alg = 2
            [vanguards]
            mode = "disabled"
            [circuit_timing]
            request_timeout = "10 sec"
            [storage.permissions]
            dangerously_trust_everyone = true
        "#;

        assert_eq!(refusal(text), "accepted");
    }

    #[test]
    fn a_mistake_is_refused_with_its_file_and_line() {
        for (text, line, words) in [
            ("\n[tor_network\n", 2, "table"),
            ("[vanguards]\n\nmode = \"sometimes\"\n", 3, ""),
            ("[address_filter]\nallow_local_addrs = 3\n", 2, "boolean"),
        ] {
            let said = refusal(text);
            assert!(
                said.starts_with(&format!("`network.toml`, line {line}: ")) && said.contains(words),
                "{said}"
            );
        }
    }

    #[test]
    fn a_setting_that_arti_would_ignore_is_refused() {
        for (text, line, name) in [
            ("[tor_netwrok]\nfallback_caches = []\n", 1, "`tor_netwrok`"),
            (
                "[address_filter]\nallow_local_adrs = true\n",
                2,
                "`address_filter.allow_local_adrs`",
            ),
            (
                "# bridges need another build\n[[bridges.transports]]\nprotocols = [\"obfs4\"]\n",
                2,
                "`bridges.transports`",
            ),
        ] {
            let said = refusal(text);
            assert!(
                said.starts_with(&format!("`network.toml`, line {line}: ")) && said.contains(name),
                "{said}"
            );
        }
    }

    #[test]
    fn bridges_are_never_silently_left_out() {
        let said = refusal(
            "[bridges]\nenabled = true\nbridges = \"192.0.2.66:443 8C00000DFE0046ABCDFAD191144399CB520C29E8\"\n",
        );

        assert!(
            said.contains("network.toml") && said != "accepted",
            "{said}"
        );
    }

    #[test]
    fn the_places_of_state_and_keys_cannot_be_moved() {
        for key in OURS {
            let said = refusal(&format!("[storage]\n{key} = \"/somewhere\"\n"));
            assert!(said.starts_with("`network.toml`, line "), "{said}");
        }
        let said = refusal("[storage]\nstate_dir = \"/somewhere\"\n");
        assert_eq!(
            said,
            "`network.toml`, line 2: `storage.state_dir` is set by onionstream; remove it"
        );
    }

    #[test]
    fn a_missing_file_is_named() {
        let nickname = "id-test".parse().unwrap();
        let here = Path::new("/nonexistent");
        let places = Places {
            state: here,
            keys: here,
            nickname: &nickname,
        };

        let said = configure(Some(&here.join("network.toml")), &places)
            .unwrap_err()
            .to_string();

        assert_eq!(
            said,
            "cannot read the Tor settings `/nonexistent/network.toml`"
        );
    }
}
