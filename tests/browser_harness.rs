//! Tests of the browser, the encoder and the HTTP client that the end-to-end tests use.

#![expect(clippy::unwrap_used, reason = "the small server of a test may fail it")]
#![expect(
    clippy::indexing_slicing,
    reason = "the small server of a test may fail it"
)]

mod stage;

use std::{
    collections::HashMap,
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    sync::Arc,
    thread,
    time::Duration,
};

use stage::{
    encoder::{self, Codecs, Encoder, Kind},
    firefox::{Firefox, Options, Scheme},
    http::{Piece, Request},
    watch,
};

/// What the small server answers to a path.
enum Page {
    /// A document.
    Html(&'static str),
    /// Every fragment that an encoder writes to this directory, for ever.
    Media(std::path::PathBuf),
    /// One piece of a document, and then nothing, for ever.
    Endless(&'static str),
}

/// Serves `pages` on loopback until the test process ends.
fn serve(pages: impl IntoIterator<Item = (&'static str, Page)>) -> SocketAddr {
    let pages: Arc<HashMap<_, _>> = Arc::new(pages.into_iter().collect());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for socket in listener.incoming() {
            let pages = Arc::clone(&pages);
            // A browser that goes away in the middle is no failure of the server.
            thread::spawn(move || drop(answer(&socket.unwrap(), &pages)));
        }
    });
    address
}

fn answer(mut socket: &TcpStream, pages: &HashMap<&str, Page>) -> std::io::Result<()> {
    let mut lines = BufReader::new(socket).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    while lines
        .next()
        .transpose()?
        .is_some_and(|line| !line.is_empty())
    {}
    let path = request.split(' ').nth(1).unwrap_or_default();
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nCache-Control: no-store\r\nContent-Type: ";
    match pages.get(path) {
        None => write!(
            socket,
            "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
        ),
        Some(Page::Html(html)) => {
            write!(
                socket,
                "{head}text/html; charset=utf-8\r\n\r\n{:x}\r\n{html}\r\n0\r\n\r\n",
                html.len()
            )
        }
        Some(Page::Endless(html)) => {
            write!(
                socket,
                "{head}text/html; charset=utf-8\r\n\r\n{:x}\r\n{html}\r\n",
                html.len()
            )?;
            // Until the browser goes away.
            socket.read(&mut [0]).map(drop)
        }
        Some(Page::Media(directory)) => {
            write!(socket, "{head}video/mp4\r\n\r\n")?;
            chunk(socket, &fs::read(directory.join("init.mp4"))?)?;
            follow_segments(socket, directory)
        }
    }
}

/// Sends what is written to the segments, from the first on.
fn follow_segments(socket: &TcpStream, directory: &Path) -> std::io::Result<()> {
    for number in 0.. {
        let (segment, next) = (
            format!("stream{number}.m4s"),
            format!("stream{}.m4s", number + 1),
        );
        let mut sent = 0;
        loop {
            let complete = directory.join(&next).exists();
            let written = fs::read(directory.join(&segment))?;
            if written.len() > sent {
                chunk(socket, &written[sent..])?;
                sent = written.len();
            } else if complete {
                break;
            }
            thread::sleep(Duration::from_millis(50));
        }
    }
    Ok(())
}

fn chunk(mut socket: &TcpStream, bytes: &[u8]) -> std::io::Result<()> {
    write!(socket, "{:x}\r\n", bytes.len())?;
    socket.write_all(bytes)?;
    socket.write_all(b"\r\n")
}

#[test]
fn pages_run_no_script_but_the_stage_can_look_into_them() {
    let address = serve([
        (
            "/",
            Page::Html(
                "<title>t</title><p id=a>before</p><script>a.textContent = 'after'</script><iframe name=inner src=/inner>",
            ),
        ),
        (
            "/inner",
            Page::Endless("<form><input id=i></form><p>inner<noscript> without script</noscript>"),
        ),
    ]);
    let firefox = Firefox::start(Options::default());

    firefox.goto(&format!("http://{address}/"));
    assert_eq!(firefox.wait_for("#a", Duration::from_secs(10)), "before");

    firefox.enter_frame("iframe[name=inner]");
    assert_eq!(
        firefox.wait_for("p", Duration::from_secs(10)),
        "inner without script"
    );
    firefox.type_text("#i", "typed");
    assert_eq!(
        firefox.execute("return document.querySelector('#i').value"),
        "typed"
    );

    firefox.leave_frames();
    assert_eq!(firefox.text("p").as_deref(), Some("before"));
}

#[test]
fn two_browsers_at_once_show_an_endless_video_that_a_real_encoder_writes() {
    let stream = tempfile::tempdir().unwrap();
    let _encoder = Encoder::start_and_wait(stream.path(), encoder::Options::new(Kind::Growing));
    let address = serve([
        (
            "/",
            Page::Html("<iframe name=video src=/video width=660 height=380></iframe>"),
        ),
        (
            "/video",
            Page::Html("<video src=/stream.mp4 autoplay muted controls width=640></video>"),
        ),
        ("/stream.mp4", Page::Media(stream.path().to_owned())),
    ]);

    let viewers = [Options::default(), Options::coloured(Scheme::Dark)].map(|options| {
        thread::spawn(move || {
            let firefox = Firefox::start(options);
            firefox.goto(&format!("http://{address}/"));
            firefox.enter_frame("iframe[name=video]");
            let first =
                firefox.wait_for_video(Duration::from_secs(20), |video| video.current_time > 0.5);
            let picture = firefox.picture_of("video");
            let later = firefox.wait_for_video(Duration::from_secs(20), |video| {
                video.current_time > first.current_time + 1.0
            });
            assert_ne!(
                picture,
                firefox.picture_of("video"),
                "the picture does not move"
            );
            later
        })
    });

    for viewer in viewers {
        let video = viewer.join().unwrap();
        assert_eq!(video.error, None);
        assert_eq!(video.video_width, 640);
        assert!(
            !video.paused && !video.ended && video.painted_frames > 0,
            "{video:?}"
        );
    }
}

#[test]
fn pages_are_as_small_and_as_dark_as_wanted() {
    let address = serve([(
        "/",
        Page::Html(
            "<meta name=viewport content='width=device-width'><style>p::after { content: 'light' } \
             @media (prefers-color-scheme: dark) { html { background: #222; color: #eee } p::after { content: 'dark' } } \
             @media (max-width: 400px) { b { color: red } }</style><p>This is </p><b>small</b>",
        ),
    )]);
    let shown = "return [getComputedStyle(document.querySelector('p'), '::after').content, \
                 getComputedStyle(document.querySelector('b')).color, document.documentElement.clientWidth]";

    let firefox = Firefox::start(Options::coloured(Scheme::Dark));
    firefox.goto(&format!("http://{address}/"));
    for (width, height) in [(360, 740), (768, 1024), (1440, 900)] {
        firefox.set_page_size(width, height);
        let red = if width == 360 {
            "rgb(255, 0, 0)"
        } else {
            "rgb(238, 238, 238)"
        };
        assert_eq!(
            firefox.execute(shown),
            serde_json::json!(["\"dark\"", red, width])
        );
        let file = firefox.screenshot(&format!("page-{width}.png"));
        assert_eq!(size_of_png(&fs::read(file).unwrap()), (width, height));
    }

    let firefox = Firefox::start(Options::coloured(Scheme::Light));
    firefox.goto(&format!("http://{address}/"));
    assert_eq!(firefox.execute(shown).get(0).unwrap(), "\"light\"");
}

fn size_of_png(png: &[u8]) -> (u32, u32) {
    let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
    (number(16), number(20))
}

#[test]
fn a_browser_without_a_proxy_reaches_nothing_but_loopback() {
    let firefox = Firefox::start(Options::default());

    let problem = firefox
        .try_goto("http://onionstream.invalid/", Duration::from_secs(30))
        .unwrap_err();

    assert!(
        problem.contains("about:neterror?e=proxyConnectFailure"),
        "{problem}"
    );
}

#[test]
fn a_dropped_browser_leaves_no_process_and_no_file() {
    let firefox = Firefox::start(Options::default());
    let directory = firefox.directory().to_owned();
    let ours = || {
        let processes = fs::read_dir("/proc").unwrap().flatten();
        processes
            .filter_map(|process| fs::read(process.path().join("environ")).ok())
            .filter(|environment| {
                String::from_utf8_lossy(environment).contains(directory.to_str().unwrap())
            })
            .count()
    };
    assert!(ours() >= 3, "geckodriver, Firefox and a content process");

    drop(firefox);

    assert!(watch(Duration::from_secs(2), || (ours() == 0).then_some(())).is_some());
    assert!(!directory.exists());
}

#[test]
fn an_encoder_that_quits_marks_the_end_and_one_that_is_killed_does_not() {
    for kind in [Kind::Growing, Kind::Whole] {
        let stream = tempfile::tempdir().unwrap();
        let playlist = || fs::read_to_string(stream.path().join("stream.m3u8")).unwrap_or_default();
        let options = encoder::Options {
            segment_seconds: 1,
            ..encoder::Options::new(kind)
        };

        let encoder = Encoder::start_and_wait(stream.path(), options);
        watch(Duration::from_secs(10), || {
            playlist().contains("stream0.m4s").then_some(())
        })
        .unwrap();
        encoder.kill();
        assert!(!playlist().contains("#EXT-X-ENDLIST"), "{kind:?}");

        let encoder = Encoder::start_and_wait(stream.path(), options);
        encoder.quit();
        assert!(playlist().contains("#EXT-X-ENDLIST"), "{kind:?}");
    }
}

#[test]
fn another_picture_size_makes_another_init_segment() {
    let [small, large, again] = [320, 640, 320].map(|width| {
        let stream = tempfile::tempdir().unwrap();
        let options = encoder::Options {
            width,
            ..encoder::Options::new(Kind::Growing)
        };
        let _encoder = Encoder::start_and_wait(stream.path(), options);
        fs::read(stream.path().join("init.mp4")).unwrap()
    });

    assert_ne!(small, large);
    assert_eq!(small, again);
}

#[test]
fn an_open_body_is_told_from_an_ended_one_and_from_a_cut_one() {
    let address = serve([
        ("/ends", Page::Html("all")),
        ("/endless", Page::Endless("a part")),
    ]);

    let mut ends = Request::get("/ends").open(address);
    assert_eq!(ends.read_until_text(Duration::from_secs(5), "all"), "all");
    assert_eq!(ends.next(Duration::from_secs(5)), Piece::End);

    let mut endless = Request::get("/endless").open(address);
    assert_eq!(
        endless.next(Duration::from_secs(5)),
        Piece::Data(b"a part".to_vec())
    );
    assert_eq!(endless.next(Duration::from_millis(50)), Piece::Silence);

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let cutting = listener.local_addr().unwrap();
    thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut line = String::new();
        BufReader::new(&socket).read_line(&mut line).unwrap();
        socket
            .write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")
            .unwrap();
    });
    let mut cut = Request::get("/").open(cutting);
    assert_eq!(
        cut.next(Duration::from_secs(5)),
        Piece::Data(b"half".to_vec())
    );
    assert_eq!(cut.next(Duration::from_secs(5)), Piece::Cut);
}

#[test]
fn every_kind_of_stream_can_be_written() {
    for codecs in [Codecs::H264, Codecs::Vp9, Codecs::Audio] {
        for kind in [Kind::Growing, Kind::Whole] {
            let stream = tempfile::tempdir().unwrap();
            let options = encoder::Options {
                codecs,
                segment_seconds: 1,
                ..encoder::Options::new(kind)
            };

            let _encoder = Encoder::start_and_wait(stream.path(), options);

            let init = fs::read(stream.path().join("init.mp4")).unwrap();
            assert_eq!(&init[4..8], b"ftyp", "{codecs:?} {kind:?}");
        }
    }
}
