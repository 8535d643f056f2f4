//! What a program that is shut off from the network can still see of this computer.

use std::{
    fs,
    os::{fd::OwnedFd, unix::net::UnixStream},
    process::{Command, Output},
};

/// Runs a program as the show runs an ffmpeg that fetches.
fn shut_off(program: &str, arguments: &[&str]) -> Output {
    let (_show, guard) = UnixStream::pair().expect("two sockets");
    Command::new(env!("CARGO_BIN_EXE_onionstream"))
        .args(["encoder-guard", &std::process::id().to_string()])
        .args(["--shut-off", program])
        .args(arguments)
        .stdin(OwnedFd::from(guard))
        .output()
        .expect("it is started")
}

#[test]
fn services_that_look_names_up_for_others_are_out_of_reach_of_what_fetches() {
    let services = || fs::read_dir("/run").expect("a directory").count();
    assert!(services() > 0, "there is something to be hidden");

    let seen = shut_off("ls", &["-A", "/run/"]);

    assert!(seen.status.success(), "{seen:?}");
    assert_eq!(String::from_utf8_lossy(&seen.stdout), "");
    assert!(services() > 0, "only that program does not see them");
}

#[test]
fn a_program_that_is_shut_off_is_found_and_called_as_it_was_named() {
    let directory = tempfile::tempdir().expect("a directory");
    let link = directory.path().join("another-name");
    std::os::unix::fs::symlink("/bin/sh", &link).expect("a link");
    let link = link.to_str().expect("a name");

    for program in ["sh", "/bin/sh", link] {
        let answer = shut_off(program, &["-c", "echo $0"]);
        assert_eq!(
            String::from_utf8_lossy(&answer.stdout).trim_end(),
            program,
            "{answer:?}"
        );
    }
    let missing = shut_off("no-such-program", &[]);
    assert!(!missing.status.success() && !missing.stderr.is_empty());
}
