//! Watches every ffmpeg and ffprobe of a show: which files they open, and to whom they speak.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::stage::process::{program, write_script};

/// A directory with an `ffmpeg` and an `ffprobe` that are watched.
#[derive(Debug)]
pub(crate) struct Witness {
    directory: tempfile::TempDir,
}

impl Witness {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let (real, strace) = (program("ffmpeg", "FFMPEG"), program("strace", "STRACE"));
        for name in ["ffmpeg", "ffprobe"] {
            let script = format!(
                "#!/bin/sh\nexec {} -f -qq -s 200 -o {}/trace.$$ \
                 -e trace=connect,sendto,sendmsg,sendmmsg,bind,open,openat,openat2,execve {} \"$@\"\n",
                strace.display(),
                directory.path().display(),
                real.with_file_name(name).display(),
            );
            write_script(directory.path(), name, &script);
        }
        Self { directory }
    }

    /// What is started in place of ffmpeg.
    pub(crate) fn ffmpeg(&self) -> PathBuf {
        self.directory.path().join("ffmpeg")
    }

    /// What they did, a line for each call.
    pub(crate) fn calls(&self) -> Vec<String> {
        let files = fs::read_dir(self.directory.path()).expect("our directory");
        let files = files.map(|file| file.expect("our directory").path());
        let traces = files.filter(|file| is_trace(file));
        traces
            .flat_map(|file| {
                let text = fs::read(file).expect("a trace");
                let text = String::from_utf8_lossy(&text).into_owned();
                text.lines().map(str::to_owned).collect::<Vec<_>>()
            })
            .collect()
    }

    /// Calls that speak over a network to anybody but the loopback, and are not told that there is no
    /// such network.
    pub(crate) fn strangers(&self) -> Vec<String> {
        let speaks = |call: &String| {
            // Families of the kernel and of this computer stay inside it.
            let is_loopback = call.contains("inet_addr(\"127.") || call.contains("\"::1\"");
            call.contains("AF_INET") && !is_loopback && !call.contains("ENETUNREACH")
        };
        self.calls().into_iter().filter(speaks).collect()
    }

    /// The ports of `127.0.0.1` that they connected to.
    pub(crate) fn ports(&self) -> Vec<u16> {
        let port = |call: String| {
            let (_, rest) = call.split_once("connect(")?.1.split_once("htons(")?;
            rest.split(')').next()?.parse().ok()
        };
        let mut ports: Vec<u16> = self.calls().into_iter().filter_map(port).collect();
        ports.sort_unstable();
        ports.dedup();
        ports
    }
}

fn is_trace(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default();
    name.to_string_lossy().starts_with("trace.")
}
