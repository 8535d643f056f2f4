//! The preferences of the test browser.
//!
//! Belongs here: what makes Firefox behave like Tor Browser at its safest level where it matters
//! to us, and what keeps it from talking to anybody but the pages under test.

use std::net::{Ipv4Addr, SocketAddr};

use serde_json::{Map, Value, json};

use super::{Options, Scheme};

/// A port of loopback where nothing listens: the proxy of a Firefox that needs none, so that
/// nothing but loopback can be reached.
const NOWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 1);

/// All preferences for `options`.
pub(super) fn of(options: Options) -> Map<String, Value> {
    let mut all = Map::new();
    for part in [
        tor_browser(options),
        proxy(options.socks.unwrap_or(NOWHERE)),
        colours(options.scheme),
        silence(),
    ] {
        let Value::Object(part) = part else {
            unreachable!("every part is an object")
        };
        all.extend(part);
    }
    all
}

/// As Tor Browser, at its safest level, sets them.
fn tor_browser(options: Options) -> Value {
    json!({
        "javascript.enabled": false,
        "privacy.resistFingerprinting": options.resist_fingerprinting,
        // It would show pages in steps of 200 × 100 pixels; we choose their size.
        "privacy.resistFingerprinting.letterboxing": false,
        "privacy.firstparty.isolate": true,
        "browser.privatebrowsing.autostart": true,
        "browser.privatebrowsing.forceMediaMemoryCache": true,
        "media.memory_cache_max_size": 65536,
        "browser.cache.disk.enable": false,
        "dom.securecontext.allowlist_onions": true,
        "dom.security.https_only_mode": false,
        "dom.security.https_first": false,
        "dom.security.https_first_pbm": false,
        // With the preference above, Firefox asks for pictures and videos of http onion pages over
        // https, which no onion service offers.
        "security.mixed_content.upgrade_display_content": false,
        "network.dns.blockDotOnion": false,
        "svg.disabled": true,
        "mathml.disabled": true,
        "gfx.downloadable_fonts.enabled": false,
        "network.http.referer.hideOnionSource": true,
    })
}

/// Everything but loopback goes to `socks`, which also looks up the names.
fn proxy(socks: SocketAddr) -> Value {
    json!({
        "network.proxy.type": 1,
        "network.proxy.socks": socks.ip().to_string(),
        "network.proxy.socks_port": socks.port(),
        "network.proxy.socks_version": 5,
        "network.proxy.socks_remote_dns": true,
        "network.proxy.failover_direct": false,
        // Firefox's own services go around a proxy that fails, unless they may not.
        "network.proxy.allow_bypass": false,
        // Names are for the proxy.
        "network.dns.disabled": true,
        "network.trr.mode": 5,
        "network.http.http3.enable": false,
        "media.peerconnection.enabled": false,
    })
}

fn colours(scheme: Scheme) -> Value {
    let number = match scheme {
        Scheme::Dark => 0,
        Scheme::Light => 1,
        Scheme::System => 2,
    };
    json!({ "layout.css.prefers-color-scheme.content-override": number })
}

/// Firefox's own services, all off; with the proxy above they could reach nobody, but their tries
/// would be in the way.
fn silence() -> Value {
    json!({
        "app.normandy.enabled": false,
        "app.update.disabledForTesting": true,
        "browser.newtabpage.enabled": false,
        "browser.region.update.enabled": false,
        "browser.safebrowsing.malware.enabled": false,
        "browser.safebrowsing.phishing.enabled": false,
        "browser.safebrowsing.downloads.enabled": false,
        "browser.search.update": false,
        "browser.shell.checkDefaultBrowser": false,
        "browser.startup.page": 0,
        "browser.topsites.contile.enabled": false,
        // Sound that is heard fails on a computer without a device for it.
        "media.default_volume": "0.0",
        "browser.urlbar.suggest.searches": false,
        "datareporting.healthreport.uploadEnabled": false,
        "datareporting.policy.dataSubmissionEnabled": false,
        "dom.push.connection.enabled": false,
        "extensions.getAddons.cache.enabled": false,
        "extensions.systemAddon.update.enabled": false,
        "extensions.update.enabled": false,
        "media.gmp-manager.updateEnabled": false,
        "messaging-system.rsexperimentloader.enabled": false,
        "network.captive-portal-service.enabled": false,
        "network.connectivity-service.enabled": false,
        "network.dns.disablePrefetch": true,
        "network.http.speculative-parallel-limit": 0,
        "network.predictor.enabled": false,
        "network.prefetch-next": false,
        "security.OCSP.enabled": 0,
        "services.settings.server": "data:,#remote-settings-dummy/v1",
        "toolkit.telemetry.enabled": false,
        "toolkit.telemetry.server": "",
        "toolkit.telemetry.unified": false,
    })
}
