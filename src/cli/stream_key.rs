//! `onionstream stream-key`: where an encoder sends its stream, and the key that lets it in.
//!
//! Prints a secret, on a pipe too: that is what it is for.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use anyhow::Context as _;
use zeroize::Zeroizing;

use crate::{
    config::{Listen, Settings},
    http::INGEST_PATH,
    private_file,
    push::key::StreamKey,
};

/// Prints the addresses and the key; `new` makes another key first.
pub(super) fn run(settings: &Settings, new: bool) -> anyhow::Result<ExitCode> {
    let state = &settings.onion.state;
    private_file::make_directory(state)
        .with_context(|| format!("cannot make `{}`", state.display()))?;
    let stream_key = StreamKey::of(state);
    let key = if new {
        stream_key.renew()?
    } else {
        stream_key.open()?
    };
    let rtmp = rtmp_address(&settings.encoder.rtmp.to_string());
    let ingest = ingest_address(&settings.http.listen);
    let mut text = Zeroizing::new(String::new());
    for part in ["rtmp ", &rtmp, "\ningest ", &ingest, "\nkey ", &key, "\n"] {
        text.push_str(part);
    }
    super::print(&text)?;
    let is_chosen_later = |listen: &Listen| matches!(listen, Listen::Tcp(at) if at.port() == 0);
    if is_chosen_later(&settings.encoder.rtmp) || is_chosen_later(&settings.http.listen) {
        let words = b"Port 0 is another one at each start: see what `start` prints.\n";
        io::stderr().write_all(words)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What OBS calls the server.
pub(super) fn rtmp_address(address: &str) -> String {
    format!("rtmp://{address}/live")
}

/// Where requests go.
pub(super) fn ingest_address(listen: &Listen) -> String {
    match listen {
        Listen::Tcp(address) => format!("http://{address}{INGEST_PATH}"),
        Listen::Unix(path) => format!("unix:{} http://localhost{INGEST_PATH}", path.display()),
    }
}
