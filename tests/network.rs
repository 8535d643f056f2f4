//! Tests of the private Tor network that the end-to-end tests run in.

#![expect(clippy::unwrap_used, reason = "the small server of a test may fail it")]

mod stage;

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener},
    thread,
    time::Duration,
};

use stage::{
    firefox::{Firefox, Options},
    http::Request,
    tor_network::TorNetwork,
    watch,
};

/// A server that answers every connection with `body`, until the test process ends.
fn serve(body: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for socket in listener.incoming() {
            let mut socket = socket.unwrap();
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
            // A client that has gone away is no failure of the server.
            if socket.read(&mut [0; 4096]).is_ok() {
                drop(socket.write_all((head + body).as_bytes()));
            }
        }
    });
    address
}

fn fetch(network: &TorNetwork, client: usize, host: &str) -> String {
    let answer = watch(Duration::from_mins(1), || {
        Request::get("/")
            .open_through(network.socks(client), host)
            .ok()
    });
    answer
        .expect("the onion service answers")
        .finish(Duration::from_secs(30))
        .text()
}

#[test]
fn two_networks_at_once_carry_onion_services_to_their_own_clients_only() {
    let boots = ["first", "second"].map(|body| {
        thread::spawn(move || {
            let mut network = TorNetwork::boot();
            println!(
                "the {body} network booted in {:.1} s",
                network.boot_time().as_secs_f32()
            );
            let host = network.host(serve(body));
            (network, host)
        })
    });
    let [first, second] = boots.map(|boot| boot.join().unwrap());

    for client in [0, 1] {
        assert_eq!(fetch(&first.0, client, &first.1), "first");
        assert_eq!(fetch(&second.0, client, &second.1), "second");
    }
    let firefox = Firefox::start(Options::through(first.0.socks(1)));
    firefox.goto(&format!("http://{}/", first.1));
    assert_eq!(
        firefox.wait_for_text("body", "first", Duration::from_secs(10)),
        "first"
    );
    let stranger = Request::get("/").open_through(first.0.socks(0), &second.1);
    assert!(
        stranger.is_err(),
        "a client reached the service of another network"
    );
}

#[test]
fn a_dropped_network_leaves_no_process_and_no_file() {
    let network = TorNetwork::with_clients(0);
    let ids = network.process_ids();
    let directory = network.arti_toml().parent().unwrap().to_owned();
    assert_eq!(ids.len(), 7);

    drop(network);

    assert!(!directory.exists());
    for id in ids {
        let process = format!("/proc/{id}");
        assert!(
            !std::path::Path::new(&process).exists(),
            "{process} is still there"
        );
    }
}
