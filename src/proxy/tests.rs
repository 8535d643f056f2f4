//! The proxy as a client meets it, over real sockets of loopback.

use std::{net::SocketAddr, sync::Mutex};

use data_encoding::BASE64;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use super::*;

/// A proxy that runs, and what it was heard to say.
struct Running {
    address: SocketAddr,
    /// The field with the credential.
    credential: String,
    said: Arc<Mutex<Vec<String>>>,
    closing: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Running {
    /// Whatever is asked for is connected to `server`.
    fn start(feed: &str, reach: Reach, server: Option<SocketAddr>) -> Self {
        let proxy = Proxy::new(Address::parse(feed).unwrap(), reach).unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (door, doors) = tokio::sync::mpsc::unbounded_channel();
        door.send(listener).unwrap();
        let pair = proxy.rules.credential.pair().as_bytes().to_owned();
        let said = Arc::new(Mutex::new(Vec::new()));
        let closing = CancellationToken::new();
        let heard = Arc::clone(&said);
        let connect = move |_target| async move {
            match server {
                Some(server) => TcpStream::connect(server).await.map_err(|e| e.to_string()),
                None => Err("nobody is there".to_owned()),
            }
        };
        let report = move |words| heard.lock().unwrap().push(words);
        #[expect(clippy::disallowed_methods, reason = "the test waits for it")]
        let task = tokio::spawn(proxy.serve(doors, connect, report, closing.clone()));
        Self {
            address,
            credential: format!("Proxy-Authorization: Basic {}", BASE64.encode(&pair)),
            said,
            closing,
            task,
        }
    }

    /// The whole answer to a request with the credential.
    async fn ask(&self, request: &str) -> String {
        self.send(&format!("{request}\r\n{}\r\n\r\n", self.credential))
            .await
    }

    /// The whole answer to these bytes.
    async fn send(&self, bytes: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        // It may have answered and closed before it has read all.
        drop(stream.write_all(bytes.as_bytes()).await);
        let mut answer = Vec::new();
        drop(stream.read_to_end(&mut answer).await);
        String::from_utf8(answer).unwrap()
    }

    fn said(&self) -> String {
        self.said.lock().unwrap().join("\n")
    }

    async fn end(self) {
        self.closing.cancel();
        self.task.await.unwrap();
    }
}

/// A server that answers each connection and notes the heads.
async fn server(answer: &'static str) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let heads = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&heads);
    #[expect(
        clippy::disallowed_methods,
        reason = "ends with the runtime of the test"
    )]
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (mut head, mut stream) = (String::new(), BufReader::new(stream));
            while !head.ends_with("\r\n\r\n") && stream.read_line(&mut head).await.unwrap() > 0 {}
            seen.lock().unwrap().push(head);
            drop(stream.write_all(answer.as_bytes()).await);
        }
    });
    (address, heads)
}

const FEED: &str = "https://me:secret@example.org/live.m3u8?key=secret";

#[tokio::test]
async fn the_placeholder_is_sent_on_to_the_feed_and_shows_nothing_of_it() {
    let proxy = Proxy::new(Address::parse(FEED).unwrap(), Reach::Afar).unwrap();
    let placeholder = proxy.placeholder();
    assert_eq!(placeholder, "http://feed.invalid/feed.m3u8");
    let proxy = Running::start(FEED, Reach::Afar, None);

    let answer = proxy.ask(&format!("GET {placeholder} HTTP/1.1")).await;

    let location = "Location: https://me:secret@example.org:443/live.m3u8?key=secret\r\n";
    assert!(answer.starts_with("HTTP/1.1 302 ") && answer.contains(location));
    proxy.end().await;
}

#[tokio::test]
async fn without_the_credential_nothing_is_fetched_or_told() {
    let (address, heads) = server("HTTP/1.1 200 OK\r\n\r\n").await;
    let proxy = Running::start(FEED, Reach::Afar, Some(address));

    for request in [
        "GET http://example.org/ HTTP/1.1\r\n\r\n",
        "GET http://feed.invalid/feed.m3u8 HTTP/1.1\r\n\r\n",
        "CONNECT example.org:443 HTTP/1.1\r\nProxy-Authorization: Basic ZmVlZDp4\r\n\r\n",
        "GET http://127.0.0.1/ HTTP/1.1\r\n\r\n",
    ] {
        let answer = proxy.send(request).await;
        assert!(answer.starts_with("HTTP/1.1 407 "), "{request}: {answer}");
        assert!(!answer.contains("secret"), "{answer}");
    }
    assert!(heads.lock().unwrap().is_empty());
    proxy.end().await;
}

#[tokio::test]
async fn a_server_gets_one_request_and_the_credential_never() {
    let (address, heads) = server("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi").await;
    let proxy = Running::start(FEED, Reach::Afar, Some(address));

    // A second request behind the first one would go to the server as it is.
    let first = format!(
        "GET http://example.org/a HTTP/1.1\r\n{}\r\n\r\n",
        proxy.credential
    );
    let answer = proxy.send(&first).await;
    let both = format!("{first}{first}");
    let _cut = proxy.send(&both).await;

    assert!(answer.ends_with("\r\n\r\nhi"), "{answer}");
    let heads = heads.lock().unwrap().join("");
    assert!(heads.starts_with("GET /a HTTP/1.1\r\nhost: example.org\r\n"));
    assert!(!heads.to_lowercase().contains("proxy-"), "{heads}");
    assert_eq!(proxy.said(), "");
    proxy.end().await;
}

#[tokio::test]
async fn a_tunnel_carries_both_ways() {
    let (address, heads) = server("and back").await;
    let proxy = Running::start(FEED, Reach::Afar, Some(address));
    let mut stream = TcpStream::connect(proxy.address).await.unwrap();
    let request = format!(
        "CONNECT example.org:443 HTTP/1.1\r\n{}\r\n\r\n",
        proxy.credential
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    stream.read_line(&mut line).await.unwrap();
    assert_eq!(line, "HTTP/1.1 200 OK\r\n");
    stream.read_line(&mut line).await.unwrap();

    stream.write_all(b"anything\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();

    assert_eq!(answer, "and back");
    assert_eq!(heads.lock().unwrap().join(""), "anything\r\n\r\n");
    proxy.end().await;
}

#[tokio::test]
async fn servers_of_this_computer_and_its_network_are_not_asked() {
    let (address, heads) = server("HTTP/1.1 200 OK\r\n\r\n").await;
    let own = "http://192.168.1.9:8080/live.m3u8";
    let afar = Running::start(own, Reach::Afar, Some(address));
    let near = Running::start(own, Reach::OwnServer, Some(address));
    for host in [
        "127.0.0.1:80",
        "localhost:80",
        "[::1]:80",
        "10.0.0.1:80",
        "192.168.1.9:80",
    ] {
        for proxy in [&afar, &near] {
            let fetched = proxy.ask(&format!("GET http://{host}/ HTTP/1.1")).await;
            let tunnelled = proxy.ask(&format!("CONNECT {host} HTTP/1.1")).await;
            for answer in [fetched, tunnelled] {
                assert!(answer.starts_with("HTTP/1.1 403 "), "{host}: {answer}");
            }
        }
    }
    assert!(heads.lock().unwrap().is_empty());
    assert!(afar.said().contains("on this computer or in its network"));

    // Its own server, when that is what was asked for.
    let request = "GET http://192.168.1.9:8080/1.ts HTTP/1.1";
    assert!(near.ask(request).await.starts_with("HTTP/1.1 200 "));
    assert!(afar.ask(request).await.starts_with("HTTP/1.1 403 "));
    afar.end().await;
    near.end().await;
}

#[tokio::test]
async fn what_cannot_be_reached_is_told_without_the_address() {
    let proxy = Running::start(FEED, Reach::Afar, None);

    let own = proxy.ask("CONNECT example.org:443 HTTP/1.1").await;
    let other = proxy
        .ask("GET http://cdn.example/x?key=secret HTTP/1.1")
        .await;

    assert!(own.starts_with("HTTP/1.1 502 ") && other.starts_with("HTTP/1.1 502 "));
    assert_eq!(
        proxy.said(),
        "the feed's server cannot be reached: nobody is there\n\
         a server that the feed names cannot be reached: nobody is there"
    );
    proxy.end().await;
}

#[tokio::test]
async fn heads_without_an_end_and_too_many_connections_are_let_go() {
    let proxy = Running::start(FEED, Reach::Afar, None);
    let large = format!(
        "GET http://example.org/ HTTP/1.1\r\na: {}",
        "x".repeat(20_000)
    );
    let answer = proxy.send(&large).await;
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 431 "),
        "{answer}"
    );

    let mut idle = Vec::new();
    for _ in 0..MAX_CONNECTIONS {
        idle.push(TcpStream::connect(proxy.address).await.unwrap());
    }
    // Each of them has a place as soon as it was accepted; one more gets none and is closed unread.
    let mut one_more = TcpStream::connect(proxy.address).await.unwrap();
    let mut nothing = Vec::new();
    drop(one_more.read_to_end(&mut nothing).await);
    assert_eq!(nothing, b"");

    // Some seconds later the patience with a head ends.
    let mut late = Vec::new();
    let first = idle.first_mut().unwrap();
    first.write_all(b"GET http").await.unwrap();
    first.read_to_end(&mut late).await.unwrap();
    assert!(late.starts_with(b"HTTP/1.1 408 "));
    drop(idle);
    proxy.end().await;
}
