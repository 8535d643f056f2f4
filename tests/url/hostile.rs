//! What a feed says that wants more than to be played.

use std::{collections::BTreeMap, path::Path};

use super::server::Page;

/// Addresses that must not be followed, from a playlist: with ports that listen, and a file with sound
/// and a picture.
pub(crate) fn traps(file: &Path, tcp: u16, udp: u16, other: u16) -> Vec<String> {
    let file = file.display();
    let mut traps = Vec::new();
    for scheme in [
        "tcp", "rtmp", "rtmpt", "rtsp", "ftp", "gopher", "tls", "ws", "icecast", "sftp",
    ] {
        traps.push(format!("{scheme}://127.0.0.1:{tcp}/x.ts"));
        traps.push(format!("crypto+{scheme}://127.0.0.1:{tcp}/x.ts"));
    }
    for scheme in ["udp", "rtp", "srtp", "udplite", "srt", "rist", "mmsh"] {
        traps.push(format!("{scheme}://127.0.0.1:{udp}/x.ts"));
    }
    traps.extend([
        "tcp://192.0.2.1:80/x.ts".to_owned(),
        "tls://192.0.2.1:443/x.ts".to_owned(),
        "tcp://name.invalid:80/x.ts".to_owned(),
        format!("tcp:127.0.0.1:{tcp}"),
        format!("http://127.0.0.1:{other}/x.ts"),
        format!("http://localhost:{other}/x.ts"),
        format!("http://127.1:{other}/x.ts"),
        format!("http://2130706433:{other}/x.ts"),
        format!("http://[::ffff:127.0.0.1]:{other}/x.ts"),
        format!("https://127.0.0.1:{other}/x.ts"),
        format!("httpproxy://127.0.0.1:{tcp}/127.0.0.1:{other}"),
        format!("unix://{file}"),
        format!("file://{file}"),
        format!("file:{file}"),
        format!("crypto:{file}"),
        format!("crypto+file:{file}"),
        format!("cache:file:{file}"),
        format!("async:file:{file}"),
        format!("concat:{file}"),
        format!("concatf:{file}"),
        format!("subfile,,start,0,end,0,,:{file}"),
        format!("data:video/mp2t;base64,{}", "R0AAEAAA".repeat(8)),
        "pipe:0".to_owned(),
        "fd:0".to_owned(),
    ]);
    traps
}

/// Playlists that name the traps in every place where a playlist names something: as pieces, as variants and
/// renditions, as keys, as init segments, behind redirects; and files that are no playlists of HLS.
pub(crate) fn pages(traps: &[String], private: &Path, udp: u16) -> BTreeMap<String, Page> {
    let kind = "application/vnd.apple.mpegurl";
    let list = |middle: &str| {
        let text = format!(
            "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:3\n{middle}#EXTINF:3,\ngood.ts\n#EXT-X-ENDLIST\n"
        );
        Page::Text(kind, text)
    };
    let mut pages = BTreeMap::new();
    // ffmpeg wants nothing of a list in which a piece does not end like one.
    let like_pieces = traps
        .iter()
        .filter(|trap| Path::new(trap).extension() == Some("ts".as_ref()));
    let segments: Vec<String> = like_pieces
        .map(|trap| format!("#EXTINF:3,\n{trap}\n"))
        .collect();
    pages.insert("/segments.m3u8".to_owned(), list(&segments.concat()));
    let variants: Vec<String> = (traps.iter().enumerate())
        .map(|(n, trap)| format!("#EXT-X-STREAM-INF:BANDWIDTH={}\n{trap}\n", n + 1))
        .collect();
    let renditions: Vec<String> = (traps.iter())
        .map(|trap| format!("#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"b\",URI=\"{trap}\"\n"))
        .collect();
    let (renditions, variants) = (renditions.concat(), variants.concat());
    let master = format!(
        "#EXTM3U\n{renditions}#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO=\"a\"\nplain.m3u8\n{variants}"
    );
    pages.insert("/variants.m3u8".to_owned(), Page::Text(kind, master));
    pages.insert("/plain.m3u8".to_owned(), list(""));
    // Keys and init segments, one list each behind a master.
    let mut keys = "#EXTM3U\n".to_owned();
    for (number, trap) in traps.iter().enumerate() {
        let key = format!("#EXT-X-KEY:METHOD=AES-128,URI=\"{trap}\"\n");
        pages.insert(format!("/key{number}.m3u8"), list(&key));
        let map = format!("#EXT-X-MAP:URI=\"{trap}\"\n");
        pages.insert(format!("/map{number}.m3u8"), list(&map));
        pages.insert(format!("/to{number}.ts"), Page::Redirect(trap.clone()));
        let redirected = format!("#EXTINF:3,\n/to{number}.ts\n");
        pages.insert(format!("/to{number}.m3u8"), list(&redirected));
        for name in ["key", "map", "to"] {
            keys.extend([format!(
                "#EXT-X-STREAM-INF:BANDWIDTH={number}\n{name}{number}.m3u8\n"
            )]);
        }
    }
    pages.insert("/keys.m3u8".to_owned(), Page::Text(kind, keys));
    let concat = format!("ffconcat version 1.0\nfile '{}'\n", private.display());
    pages.insert("/concat.m3u8".to_owned(), Page::Text("text/plain", concat));
    let sdp = format!(
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video {udp} RTP/AVP 96\na=rtpmap:96 H264/90000\n"
    );
    pages.insert("/sdp.m3u8".to_owned(), Page::Text("application/sdp", sdp));
    pages.insert(
        "/away.m3u8".to_owned(),
        Page::Redirect(format!("file://{}", private.display())),
    );
    pages
}
