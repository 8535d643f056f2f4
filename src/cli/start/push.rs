//! Encoders that come to us: `--source rtmp` and `--source ingest`.

use anyhow::Context as _;
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::Task;
use crate::{
    cli::{progress::Progress, report::WithHint as _, source::Source, stream_key},
    clock::{Clock, Tick},
    config::{Listen, Settings},
    encoder::{self, Leash, Remux, Surroundings},
    http::{INGEST_PATH, Ingest},
    ingest::Event,
    push::{
        Publishers,
        key::StreamKey,
        rtmp::{self, Rtmp},
    },
};

/// Who lets encoders in, if the source wants one; makes the key when it is first needed.
pub(super) fn open(
    settings: &Settings,
    source: &Source,
    sink: impl FnMut(Event, Tick) + Send + 'static,
    clock: Clock,
    closing: &CancellationToken,
    leash: &Leash,
) -> anyhow::Result<Option<Publishers>> {
    match source {
        Source::Rtmp => encoder::check_ffmpeg(settings.encoder.ffmpeg.as_ref(), leash)?,
        Source::Ingest => {}
        _ => return Ok(None),
    }
    let key = StreamKey::of(&settings.onion.state);
    // It is only shown by the command that is for that.
    drop(key.open()?);
    Ok(Some(Publishers::new(key, clock, closing.clone(), sink)))
}

/// What the site needs for `--source ingest`.
pub(super) fn ingest(
    settings: &Settings,
    source: &Source,
    publishers: Option<&Publishers>,
) -> Option<Ingest> {
    matches!(source, Source::Ingest).then_some(())?;
    Some(Ingest {
        publishers: publishers?.clone(),
        max_fragment_bytes: settings.ingest.max_fragment as u64,
    })
}

/// Says where encoders come, and lets them. `local` is where the preview is.
#[expect(clippy::too_many_arguments, reason = "one call, which wires parts")]
pub(super) async fn start(
    settings: &Settings,
    source: &Source,
    publishers: Publishers,
    around: Surroundings,
    local: &str,
    progress: &Progress,
    closing: &CancellationToken,
    tasks: &mut JoinSet<Task>,
) -> anyhow::Result<()> {
    if matches!(source, Source::Ingest) {
        let place = match &settings.http.listen {
            Listen::Tcp(_) => format!("{}{INGEST_PATH}", local.trim_end_matches('/')),
            socket @ Listen::Unix(_) => stream_key::ingest_address(socket),
        };
        progress.fact(&format!("ingest {place}"))?;
    } else if let Listen::Tcp(address) = &settings.encoder.rtmp {
        let listener = TcpListener::bind(address)
            .await
            .with_context(|| format!("cannot listen on `{address}` for RTMP"))
            .hint("another program may use this port; `--rtmp 127.0.0.1:0` takes a free one")?;
        let address = listener.local_addr().unwrap_or(*address);
        let place = stream_key::rtmp_address(&address.to_string());
        progress.fact(&format!("rtmp {place}"))?;
        let rtmp = Rtmp {
            listener,
            publishers,
            remux: Remux {
                ffmpeg: settings.encoder.ffmpeg.clone().into(),
                around,
            },
            closing: closing.clone(),
        };
        tasks.spawn(async {
            rtmp::serve(rtmp).await;
            Ok("rtmp listener")
        });
    }
    tracing::info!("the stream key for the encoder is shown by `onionstream stream-key`");
    Ok(())
}
