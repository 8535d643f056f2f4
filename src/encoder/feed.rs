//! A feed of somebody else's: what ffmpeg is told so that it fetches through the proxy and in no other
//! way, and what its failures mean.
//!
//! Belongs here: options, words. Does not belong here: the proxy itself (`proxy.rs`), starting and
//! ending (`run/feed.rs`).

use std::{
    ffi::OsString,
    fmt,
    net::TcpListener,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use zeroize::Zeroizing;

use super::{command::MAX_PIXELS, shut_off::NO_NAMESPACE};

/// A feed that brings nothing for this long is asked for anew: longer than it may take to be connected
/// through Tor, and than any piece of it lasts.
pub(super) const STUCK: Duration = Duration::from_secs(75);

/// A server that says nothing for so many microseconds is given up.
const SILENCE: &str = "60000000";

/// Schemes that may be opened; `file`, `data`, `concat`, `udp`, `rtmp` and the like are not here.
///
/// `tcp` is what those of HTTP are made of, and a playlist can name it too (seen with ffmpeg 5.1: the
/// variants of a master playlist). So this list alone would not keep a feed from making ffmpeg connect
/// past the proxy; that it has no network does (`shut_off.rs`).
const PROTOCOLS: &str = "http,https,tls,tcp,httpproxy,crypto";

/// Formats that may be read: those that name no other resource, and playlists of HLS.
const FORMATS: &str = "hls,mpegts,mov,mp4,flv,live_flv,matroska,webm,ogg,aac,mp3,ac3,eac3,flac,wav";

/// What Tor Browser says: ffmpeg's own words name its version.
const USER_AGENT: &str = "Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0";

/// Where a feed comes from. The `Debug` form shows no secret.
#[derive(Clone)]
pub struct Feed {
    /// Under which address the proxy knows it.
    pub address: String,
    /// Whether its server has to show a certificate.
    pub is_tls: bool,
    /// `http://NAME:SECRET@127.0.0.1:PORT` of the proxy, with [`super::PROXY_PORT`].
    pub proxy: Arc<Zeroizing<String>>,
    /// Gets the listener of each ffmpeg that is started, the only place where that one can connect to.
    pub door: Arc<dyn Fn(TcpListener) + Send + Sync>,
    /// Whether the proxy can connect to anything; asked before the feed is.
    pub is_ready: Arc<dyn Fn() -> bool + Send + Sync>,
    /// What the proxy knows about failures.
    pub trouble: Trouble,
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// The newest reason why something could not be fetched; clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Trouble(Arc<Mutex<Option<String>>>);

impl Trouble {
    /// Notes a reason: lower case, no full stop, no address.
    pub fn note(&self, words: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(words);
    }

    /// The reason, once.
    pub(super) fn take(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The options and the address of the input.
pub(super) fn arguments(address: &str, is_tls: bool) -> Vec<OsString> {
    let mut arguments = vec![
        "-protocol_whitelist",
        PROTOCOLS,
        "-format_whitelist",
        FORMATS,
    ];
    arguments.extend(["-user_agent", USER_AGENT, "-icy", "0"]);
    arguments.extend(["-rw_timeout", SILENCE, "-max_pixels", MAX_PIXELS]);
    if is_tls {
        // Whoever stands between a relay of Tor and the server could change the show otherwise. ffmpeg
        // refuses an option that it has no use for, so only then.
        arguments.extend(["-tls_verify", "1"]);
    }
    arguments.extend(["-i", address]);
    arguments.into_iter().map(OsString::from).collect()
}

/// What the complaints of ffmpeg mean, to be read after "the feed cannot be played: ".
///
/// Its last line says that the rest failed, and a line before why: so the most telling one counts.
pub(super) fn meaning(complaints: &[String]) -> Option<&'static str> {
    const MEANINGS: [(&[&str], &str); 10] = [
        (&[NO_NAMESPACE], NO_NAMESPACE),
        (
            &["HTTP error 404", "HTTP error 410"],
            "its server has nothing at this address; is it written right, and is the show on?",
        ),
        (
            &["HTTP error 401", "HTTP error 403"],
            "its server wants a password, or lets nobody in from here",
        ),
        (&["HTTP error 4"], "its server does not accept the request"),
        (&["HTTP error 5"], "its server is in trouble itself"),
        (
            &["ertificate", "handshake"],
            "the connection to its server cannot be made safe; its certificate may be wrong",
        ),
        (
            &["not on whitelist", "not in whitelist"],
            "it names something that is no video or sound over HTTP, which is not fetched",
        ),
        (
            &["Invalid data found", "Not detecting m3u8", "misdetection"],
            "what its server sends is no video or sound that can be used",
        ),
        (
            &["timed out", "I/O error", "Input/output error"],
            "the connection to its server broke off or is too slow",
        ),
        (&["End of file"], "its server sends nothing"),
    ];
    let said = |sign: &&str| complaints.iter().any(|line| line.contains(*sign));
    let found = MEANINGS.iter().find(|(signs, _)| signs.iter().any(said));
    found.map(|(_, meaning)| *meaning)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_allows_only_http_and_says_who_asks_in_no_telling_words() {
        let line = |is_tls| {
            let words = arguments("http://feed.invalid/feed.m3u8", is_tls);
            words.join(" ".as_ref()).into_string().unwrap()
        };
        let (plain, tls) = (line(false), line(true));

        for forbidden in [
            "file", "data", "concat", "udp", "rtmp", "rtsp", "Lavf", "pipe",
        ] {
            assert!(!plain.contains(forbidden), "{forbidden}: {plain}");
        }
        assert!(
            plain.ends_with("-i http://feed.invalid/feed.m3u8"),
            "{plain}"
        );
        assert!(plain.contains("-max_pixels 16777216 "), "{plain}");
        assert!(tls.contains("-tls_verify 1") && !plain.contains("-tls_verify"));
    }

    #[test]
    fn complaints_get_a_meaning_where_a_person_can_do_something() {
        for (complaint, part) in [
            ("[http] HTTP error 404 Not Found", "is it written right"),
            ("[https] HTTP error 403 Forbidden", "password"),
            ("[http] HTTP error 502 cannot be reached", "in trouble"),
            ("[tls] Peer certificate failed verification", "certificate"),
            (
                "[hls] Protocol 'file' not on whitelist 'http'!",
                "not fetched",
            ),
            (
                "x: Invalid data found when processing input",
                "no video or sound",
            ),
        ] {
            let lines = [complaint, "x: Input/output error"].map(str::to_owned);
            assert!(
                meaning(&lines).is_some_and(|words| words.contains(part)),
                "{complaint}"
            );
        }
        let harmless = "[aac] channel element 0.0 is not allocated".to_owned();
        assert_eq!(meaning(&[harmless]), None);
    }

    #[test]
    fn a_feed_does_not_show_its_secrets() {
        let feed = Feed {
            address: "http://feed.invalid/".to_owned(),
            is_tls: false,
            proxy: Arc::new(Zeroizing::new("http://feed:secret@127.0.0.1:1".to_owned())),
            door: Arc::new(drop),
            is_ready: Arc::new(|| true),
            trouble: Trouble::default(),
        };
        assert!(!format!("{feed:?}").contains("secret"));
    }
}
