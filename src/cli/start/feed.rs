//! `--source url`: the proxy through which ffmpeg fetches, wired to Tor or, for who said so twice, past
//! it.

use std::sync::Arc;

use anyhow::Context as _;
use tokio::{sync::mpsc, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::Task;
use crate::{
    cli::source::Source,
    encoder::{Feed, Job, PROXY_PORT, Trouble},
    onion::Outgoing,
    proxy::{Host, Proxy, Reach, Target, direct},
};

/// Starts the proxy of a feed; any other source stays as it is.
pub(super) fn open(
    source: Source,
    outgoing: &Outgoing,
    closing: &CancellationToken,
    tasks: &mut JoinSet<Task>,
) -> anyhow::Result<Source> {
    let Source::Url {
        plan,
        address,
        is_direct,
    } = source
    else {
        return Ok(source);
    };
    let reach = if is_direct {
        Reach::OwnServer
    } else {
        Reach::Afar
    };
    let (is_tls, own) = (address.is_tls(), address.target().clone());
    let proxy = Proxy::new(address, reach).context("the system has no randomness for a key")?;
    let (door, doors) = mpsc::unbounded_channel();
    let trouble = Trouble::default();
    let ready = outgoing.clone();
    let feed = Feed {
        address: proxy.placeholder(),
        is_tls,
        proxy: Arc::new(proxy.variable(PROXY_PORT)),
        // Nobody is there any more when the show ends.
        door: Arc::new(move |listener| drop(door.send(listener))),
        is_ready: Arc::new(move || is_direct || ready.is_ready()),
        trouble: trouble.clone(),
    };
    let report = move |words| trouble.note(words);
    let closing = closing.clone();
    if is_direct {
        tracing::warn!(
            "the feed is not fetched through Tor (`--direct`): its server, and the networks on the way, \
             see the address of this computer"
        );
        let own = Arc::new(direct::Own::new(own));
        let connect = move |target| {
            let own = Arc::clone(&own);
            async move { direct::connect(target, &own).await }
        };
        tasks.spawn(async {
            proxy.serve(doors, connect, report, closing).await;
            Ok("proxy of the feed")
        });
    } else {
        let outgoing = outgoing.clone();
        let connect = move |target: Target| {
            let outgoing = outgoing.clone();
            async move {
                let host = match target.host() {
                    Host::Name(name) => name.clone(),
                    // Without brackets.
                    Host::Ip(ip) => ip.to_string(),
                };
                let stream = outgoing.connect(&host, target.port()).await;
                stream.map_err(|why| format!("through Tor: {why}"))
            }
        };
        tasks.spawn(async {
            proxy.serve(doors, connect, report, closing).await;
            Ok("proxy of the feed")
        });
    }
    Ok(Source::Encoder(Job::Feed { plan, feed }))
}
