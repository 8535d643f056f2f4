//! Every way the key directory can be right or wrong.

use std::os::unix::fs::PermissionsExt as _;

use super::*;

/// A directory that holds `onion-keys` after [`Keys::open`].
struct Keys(tempfile::TempDir);

impl Keys {
    fn none() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn made() -> Self {
        let keys = Self::none();
        keys.open().unwrap();
        keys
    }

    fn dir(&self) -> PathBuf {
        self.0.path().join("onion-keys")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir().join(name)
    }

    fn open(&self) -> Result<Identity, KeysError> {
        Identity::open(&self.dir())
    }

    fn address(&self) -> String {
        self.open().unwrap().address().as_str().to_owned()
    }

    fn write(&self, name: &str, content: &[u8]) {
        if self.file(name).exists() {
            fs::remove_file(self.file(name)).unwrap();
        }
        write_new(&self.file(name), content).unwrap();
    }

    /// What is wrong, and the sentence with `onion-keys` for the directory.
    fn refusal(&self) -> (Wrong, String) {
        let error = self.open().unwrap_err();
        let KeysError::Wrong { wrong, .. } = &error else {
            panic!("{error}")
        };
        (
            *wrong,
            error
                .to_string()
                .replace(&self.dir().display().to_string(), "onion-keys"),
        )
    }

    fn set_mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.file(name), fs::Permissions::from_mode(mode)).unwrap();
    }
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().mode() & 0o777
}

#[test]
fn a_missing_directory_becomes_an_identity_for_this_user_alone() {
    let keys = Keys::none();

    let address = keys.open().unwrap().address();

    assert_eq!(mode(&keys.dir()), 0o700);
    for (name, length) in [(SECRET_FILE, 96), (PUBLIC_FILE, 64), (HOSTNAME_FILE, 63)] {
        assert_eq!(mode(&keys.file(name)), 0o600, "{name}");
        assert_eq!(keys.file(name).metadata().unwrap().len(), length, "{name}");
    }
    assert_eq!(fs::read_dir(keys.dir()).unwrap().count(), 3);
    assert_eq!(
        fs::read_to_string(keys.file(HOSTNAME_FILE)).unwrap(),
        format!("{}\n", address.as_str())
    );
    assert!(address.as_str().len() == 62 && address.as_str().ends_with("d.onion"));
}

#[test]
fn the_address_stays_and_no_file_is_written_again() {
    let keys = Keys::made();
    let secret = fs::read(keys.file(SECRET_FILE)).unwrap();
    let written = keys
        .file(SECRET_FILE)
        .metadata()
        .unwrap()
        .modified()
        .unwrap();

    let (first, second) = (keys.address(), keys.address());

    assert_eq!(first, second);
    assert_eq!(fs::read(keys.file(SECRET_FILE)).unwrap(), secret);
    assert_eq!(
        keys.file(SECRET_FILE)
            .metadata()
            .unwrap()
            .modified()
            .unwrap(),
        written
    );
}

#[test]
fn two_new_identities_differ_in_address_and_nickname() {
    let (one, two) = (Keys::made(), Keys::made());
    let (one, two) = (one.open().unwrap(), two.open().unwrap());

    assert_ne!(one.address().as_str(), two.address().as_str());
    assert_ne!(one.nickname().unwrap(), two.nickname().unwrap());
}

#[test]
fn the_nickname_does_not_give_the_address_away() {
    let identity = Keys::made();
    let identity = identity.open().unwrap();
    let address = identity.address();

    let nickname = identity.nickname().unwrap().to_string();

    let name = nickname.strip_prefix("id-").unwrap();
    assert!(name.len() == 16 && !address.as_str().contains(name.get(..6).unwrap()));
}

#[test]
fn a_key_made_by_c_tor_gives_the_address_c_tor_gave_it() {
    // Made by tor 0.4.9 for a test network that is gone.
    let secret = data_encoding::BASE64
        .decode(include_bytes!("c_tor_key.base64").trim_ascii())
        .unwrap();
    let keys = Keys::made();
    for name in [PUBLIC_FILE, HOSTNAME_FILE] {
        fs::remove_file(keys.file(name)).unwrap();
    }
    keys.write(SECRET_FILE, &secret);

    assert_eq!(keys.address(), include_str!("c_tor_key.hostname").trim());
}

#[test]
fn public_key_and_hostname_are_made_again_when_missing() {
    let keys = Keys::made();
    let before: Vec<_> = [PUBLIC_FILE, HOSTNAME_FILE]
        .map(|name| fs::read(keys.file(name)).unwrap())
        .into();
    for name in [PUBLIC_FILE, HOSTNAME_FILE] {
        fs::remove_file(keys.file(name)).unwrap();
    }

    keys.open().unwrap();

    let after: Vec<_> = [PUBLIC_FILE, HOSTNAME_FILE]
        .map(|name| fs::read(keys.file(name)).unwrap())
        .into();
    assert_eq!(before, after);
}

#[test]
fn what_a_killed_process_left_behind_is_no_obstacle() {
    // Killed before the key had its name: nobody has seen that address.
    let early = Keys::none();
    DirBuilder::new().mode(0o700).create(early.dir()).unwrap();
    early.write(UNFINISHED_FILE, b"== ed25519v1-sec");
    early.open().unwrap();
    assert_eq!(fs::read_dir(early.dir()).unwrap().count(), 3);

    // Killed between the link and the removal: the identity is there.
    let late = Keys::made();
    let address = late.address();
    fs::hard_link(late.file(SECRET_FILE), late.file(UNFINISHED_FILE)).unwrap();
    for name in [PUBLIC_FILE, HOSTNAME_FILE] {
        fs::remove_file(late.file(name)).unwrap();
    }
    assert_eq!(late.address(), address);
    assert!(!late.file(UNFINISHED_FILE).exists());
    assert_eq!(
        fs::read(late.file(SECRET_FILE)).unwrap().len(),
        SECRET_LENGTH
    );
}

#[test]
fn a_secret_key_that_appears_meanwhile_is_not_overwritten() {
    let keys = Keys::made();
    let secret = fs::read(keys.file(SECRET_FILE)).unwrap();

    let refusal = make_secret(&keys.dir());

    assert!(matches!(
        refusal,
        Err(KeysError::Cannot { doing: "make", .. })
    ));
    assert_eq!(fs::read(keys.file(SECRET_FILE)).unwrap(), secret);
}

#[test]
fn files_open_to_others_are_refused_with_the_command_that_closes_them() {
    for (name, bad, command) in [
        (".", 0o755, "run `chmod 700 onion-keys`"),
        (
            SECRET_FILE,
            0o640,
            "run `chmod 600 onion-keys/hs_ed25519_secret_key`",
        ),
        (HOSTNAME_FILE, 0o644, "run `chmod 600 onion-keys/hostname`"),
    ] {
        let keys = Keys::made();
        keys.set_mode(name, bad);

        let (wrong, sentence) = keys.refusal();

        assert!(
            matches!(wrong, Wrong::OpenToOthers { mode, .. } if mode == bad),
            "{sentence}"
        );
        assert!(
            sentence.ends_with(command) && sentence.contains(&format!("(mode {bad:o})")),
            "{sentence}"
        );
        assert_eq!(sentence.lines().count(), 1);
    }
}

#[test]
fn a_read_only_secret_key_is_fine() {
    let keys = Keys::made();
    keys.set_mode(SECRET_FILE, 0o400);

    assert!(keys.open().is_ok());
}

#[test]
fn a_damaged_secret_key_is_refused_and_kept() {
    let keys = Keys::made();
    let whole = fs::read(keys.file(SECRET_FILE)).unwrap();
    let with = |from: usize, content: &[u8]| {
        let mut damaged = whole.clone();
        damaged.splice(from..from + content.len(), content.iter().copied());
        damaged
    };
    for (what, content) in [
        ("empty", Vec::new()),
        ("half", whole[..50].to_vec()),
        ("one byte short", whole[..95].to_vec()),
        ("one byte long", [&whole[..], b"x"].concat()),
        ("another header", with(0, b"== ed25519v1-public")),
        ("no zeros after the header", with(30, b"\n")),
        ("zeros for the scalar", with(32, &[0; 32])),
        ("zeros for the prefix", with(64, &[0; 32])),
    ] {
        keys.write(SECRET_FILE, &content);

        let (wrong, sentence) = keys.refusal();

        assert_eq!(wrong, Wrong::SecretKeyBroken, "{what}");
        assert_eq!(
            sentence,
            "`onion-keys/hs_ed25519_secret_key` is not a whole key (perhaps half-written); restore it from a \
             backup, or move `onion-keys` away to get a NEW address"
        );
        assert_eq!(fs::read(keys.file(SECRET_FILE)).unwrap(), content, "{what}");
    }
}

#[test]
fn a_lost_secret_key_is_not_silently_replaced_by_a_new_address() {
    for kept in [PUBLIC_FILE, HOSTNAME_FILE] {
        let keys = Keys::made();
        for name in [SECRET_FILE, PUBLIC_FILE, HOSTNAME_FILE]
            .into_iter()
            .filter(|name| *name != kept)
        {
            fs::remove_file(keys.file(name)).unwrap();
        }

        let (wrong, sentence) = keys.refusal();

        assert_eq!(wrong, Wrong::SecretKeyMissing, "{sentence}");
        assert!(!keys.file(SECRET_FILE).exists());
    }
}

#[test]
fn files_of_another_identity_are_refused_by_name() {
    let other = Keys::made();
    for (name, expected) in [
        (PUBLIC_FILE, Wrong::PublicKeyDiffers),
        (HOSTNAME_FILE, Wrong::HostnameDiffers),
    ] {
        let keys = Keys::made();
        keys.write(name, &fs::read(other.file(name)).unwrap());

        let (wrong, sentence) = keys.refusal();

        assert_eq!(wrong, expected);
        assert!(
            sentence.contains(&format!("delete `onion-keys/{name}`")),
            "{sentence}"
        );
        assert!(
            !sentence.contains(other.address().trim_end_matches(".onion")),
            "{sentence}"
        );
    }
}

#[test]
fn a_hostname_without_its_line_feed_is_the_same_hostname() {
    let keys = Keys::made();
    keys.write(HOSTNAME_FILE, keys.address().as_bytes());

    assert!(keys.open().is_ok());
}

#[test]
fn links_and_directories_are_no_key_files() {
    let keys = Keys::made();
    let elsewhere = keys.0.path().join("elsewhere");
    fs::rename(keys.file(SECRET_FILE), &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, keys.file(SECRET_FILE)).unwrap();
    assert_eq!(keys.refusal().0, Wrong::NotAFile);

    let keys = Keys::made();
    fs::remove_file(keys.file(HOSTNAME_FILE)).unwrap();
    DirBuilder::new()
        .mode(0o700)
        .create(keys.file(HOSTNAME_FILE))
        .unwrap();
    assert_eq!(keys.refusal().0, Wrong::NotAFile);

    let keys = Keys::none();
    fs::write(keys.dir(), "a file").unwrap();
    assert_eq!(keys.refusal().0, Wrong::NotADirectory);
}

#[test]
fn the_example_key_is_refused_in_its_own_words_whatever_its_mode() {
    let keys = Keys::none();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("onion-keys.example");
    DirBuilder::new().mode(0o755).create(keys.dir()).unwrap();
    for file in fs::read_dir(example).unwrap() {
        let file = file.unwrap().path();
        fs::copy(
            &file,
            keys.file(file.file_name().unwrap().to_str().unwrap()),
        )
        .unwrap();
    }

    let (wrong, sentence) = keys.refusal();

    assert_eq!(wrong, Wrong::ExampleKey);
    assert!(
        sentence.contains("is the example key, which everybody has"),
        "{sentence}"
    );
    assert_eq!(sentence.lines().count(), 1);
}

#[test]
fn the_example_is_a_whole_key_so_that_only_its_fame_makes_it_wrong() {
    let secret = SecretFile(EXAMPLE_SECRET.try_into().unwrap());

    assert!(secret.public().is_some());
}
