//! The others: so many requests a second, however the server does, and what became of them.
//!
//! One thread and many connections, so that the client costs little. A connection that waits for an
//! answer when its next request is due is late; what was really answered is counted.

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval_at, timeout},
};
use tokio_util::sync::CancellationToken;

/// Connections, each with its share of the requests.
const CONNECTIONS: u32 = 100;
/// What an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest answer that is read.
const LONGEST: usize = 256 * 1024;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Nothing at all.
    Nobody,
    /// Something that does not exist, each time on a new connection.
    StrangersAsk,
    /// The desk's form without a session, each time on a new connection.
    StrangersLogIn,
    /// The page with that form, which holds a captcha that must be drawn.
    StrangersLook,
    /// Something that does not exist, on connections that stay.
    VisitorsAsk,
    /// The desk's form with a session of their own and the number of the form that the last answer
    /// held, on connections that stay.
    VisitorsLogIn,
}

impl Kind {
    pub(crate) const ALL: [Self; 6] = [
        Self::Nobody,
        Self::StrangersAsk,
        Self::StrangersLogIn,
        Self::StrangersLook,
        Self::VisitorsAsk,
        Self::VisitorsLogIn,
    ];

    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Nobody => "nobody else",
            Self::StrangersAsk => "new connections, 404",
            Self::StrangersLogIn => "new connections, logins",
            Self::StrangersLook => "new connections, captchas",
            Self::VisitorsAsk => "with sessions, 404",
            Self::VisitorsLogIn => "with sessions, logins",
        }
    }

    fn is_stranger(self) -> bool {
        matches!(
            self,
            Self::StrangersAsk | Self::StrangersLogIn | Self::StrangersLook
        )
    }

    pub(crate) fn is_login(self) -> bool {
        matches!(self, Self::StrangersLogIn | Self::VisitorsLogIn)
    }
}

/// How many answers of each sort there were.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answered(pub(crate) BTreeMap<&'static str, u64>);

impl Answered {
    /// What came after `before`.
    pub(crate) fn since(&self, before: &Self) -> Self {
        let more = |(sort, count): (&&'static str, &u64)| {
            let before = before.0.get(sort).copied().unwrap_or_default();
            (*sort, count - before)
        };
        Self(
            self.0
                .iter()
                .map(more)
                .filter(|(_, count)| *count > 0)
                .collect(),
        )
    }

    pub(crate) fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// Adds what others got.
    pub(crate) fn add(&mut self, other: &Self) {
        for (sort, count) in &other.0 {
            *self.0.entry(sort).or_default() += count;
        }
    }
}

impl fmt::Display for Answered {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, (sort, count)) in self.0.iter().enumerate() {
            let comma = if number == 0 { "" } else { ", " };
            write!(out, "{comma}{count} × {sort}")?;
        }
        Ok(())
    }
}

/// The sessions of visitors, by the number of their connection.
pub(crate) type Cookies = Arc<Mutex<BTreeMap<u32, String>>>;

type Counts = Arc<Mutex<Answered>>;

/// Requests that go on until they are ended.
pub(crate) struct Flood {
    counts: Counts,
    over: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

impl Flood {
    /// Begins with `rate` requests a second. Visitors who were here before have their sessions in
    /// `cookies`.
    pub(crate) fn begin(kind: Kind, address: SocketAddr, rate: u32, cookies: &Cookies) -> Self {
        let cookies = Arc::clone(cookies);
        let (counts, over) = (Counts::default(), CancellationToken::new());
        let (into, stop) = (Arc::clone(&counts), over.clone());
        let work = move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async {
                let mut connections = JoinSet::new();
                let period = Duration::from_secs(1) * CONNECTIONS / rate;
                for number in 0..CONNECTIONS {
                    let begins = period * number / CONNECTIONS;
                    let client = Client {
                        address,
                        number,
                        cookies: Arc::clone(&cookies),
                        stream: None,
                        cookie: String::new(),
                        nonce: String::new(),
                    };
                    connections.spawn(send(kind, client, begins, period, Arc::clone(&into)));
                }
                tokio::select! {
                    () = stop.cancelled() => {}
                    ended = connections.join_next() => panic!("a connection gave up: {ended:?}"),
                }
            });
        };
        Self {
            counts,
            over,
            thread: (kind != Kind::Nobody).then(|| thread::spawn(work)),
        }
    }

    /// What was answered so far.
    pub(crate) fn answered(&self) -> Answered {
        self.counts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Ends all connections.
    pub(crate) fn end(self) {
        self.over.cancel();
        if let Some(thread) = self.thread {
            thread.join().expect("the flood did not fail");
        }
    }
}

/// One connection after the other, or one that stays.
#[expect(clippy::infinite_loop, reason = "whoever began the flood ends it")]
async fn send(kind: Kind, mut client: Client, begins: Duration, period: Duration, counts: Counts) {
    let mut due = interval_at(Instant::now() + begins, period);
    due.set_missed_tick_behavior(MissedTickBehavior::Burst);
    if kind == Kind::VisitorsLogIn {
        client.comes().await.expect("the form, before the flood");
    }
    loop {
        due.tick().await;
        let sort = timeout(PATIENCE, client.asks(kind)).await;
        let sort = match sort {
            Ok(Ok(sort)) => sort,
            Ok(Err(_)) => "connection ended",
            Err(_) => "no answer",
        };
        if kind.is_stranger() || sort == "connection ended" || sort == "no answer" {
            client.stream = None;
        }
        let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.0.entry(sort).or_default() += 1;
    }
}

struct Client {
    address: SocketAddr,
    number: u32,
    cookies: Cookies,
    stream: Option<TcpStream>,
    cookie: String,
    nonce: String,
}

impl Client {
    /// Fetches the form, for a session and the number of the form.
    async fn comes(&mut self) -> io::Result<()> {
        let kept = self.kept().get(&self.number).cloned();
        if let Some(cookie) = kept {
            // The first answer holds the number of a form.
            self.cookie = cookie;
            return Ok(());
        }
        let request = format!(
            "GET /broadcaster/login HTTP/1.1\r\nhost: {}\r\n\r\n",
            self.address
        );
        self.exchange(&request, true).await?;
        let cookie = self.cookie.clone();
        self.kept().insert(self.number, cookie);
        Ok(())
    }

    fn kept(&self) -> MutexGuard<'_, BTreeMap<u32, String>> {
        self.cookies.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks once; what sort of answer came.
    async fn asks(&mut self, kind: Kind) -> io::Result<&'static str> {
        let request = self.request(kind);
        self.exchange(&request, kind == Kind::VisitorsLogIn).await
    }

    async fn exchange(&mut self, request: &str, remember: bool) -> io::Result<&'static str> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            none => none.insert(TcpStream::connect(self.address).await?),
        };
        stream.write_all(request.as_bytes()).await?;
        let answer = answer(stream).await?;
        if remember {
            if let Some(cookie) = between(&answer, "set-cookie: ", ";") {
                cookie.clone_into(&mut self.cookie);
            }
            between(&answer, "name=\"nonce\" value=\"", "\"")
                .unwrap_or_default()
                .clone_into(&mut self.nonce);
        }
        Ok(sort(&answer))
    }

    fn request(&self, kind: Kind) -> String {
        let mut request = match kind {
            Kind::StrangersLogIn | Kind::VisitorsLogIn => "POST /broadcaster/login",
            Kind::StrangersLook => "GET /broadcaster/login",
            Kind::Nobody | Kind::StrangersAsk | Kind::VisitorsAsk => "GET /nothing",
        }
        .to_owned();
        request.push_str(" HTTP/1.1\r\n");
        let mut line = |line: fmt::Arguments<'_>| {
            request.write_fmt(line).expect("text");
            request.push_str("\r\n");
        };
        line(format_args!("host: {}", self.address));
        if !self.cookie.is_empty() {
            line(format_args!("cookie: {}", self.cookie));
        }
        if kind.is_login() {
            let body = format!(
                "nonce={}&password=wrong+horse+battery&act=enter",
                self.nonce
            );
            line(format_args!(
                "content-type: application/x-www-form-urlencoded"
            ));
            line(format_args!("content-length: {}", body.len()));
            line(format_args!(""));
            request.push_str(&body);
        } else {
            line(format_args!(""));
        }
        request
    }
}

/// A whole answer with a length.
async fn answer(stream: &mut TcpStream) -> io::Result<String> {
    let mut bytes = Vec::with_capacity(16 * 1024);
    loop {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length: usize = between(head, "content-length: ", "\r")
                .and_then(|length| length.parse().ok())
                .ok_or(io::ErrorKind::InvalidData)?;
            if body.len() >= length {
                return Ok(text.into_owned());
            }
        }
        if bytes.len() > LONGEST {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
}

fn between<'text>(text: &'text str, start: &str, end: &str) -> Option<&'text str> {
    let (_, rest) = text.split_once(start)?;
    Some(rest.split(end).next().unwrap_or(rest))
}

/// What an answer says, in words for the table.
fn sort(answer: &str) -> &'static str {
    let status = answer.get(9..12).unwrap_or_default();
    let has = |words: &str| answer.contains(words);
    match status {
        "404" => "404",
        "303" => "303",
        "200" if has("That is not the password") => "200 wrong password",
        "200" if has("Nothing was checked") => "200 nothing was checked",
        "200" if has("After some wrong passwords") => "200 captcha due",
        "200" if has("Too fast") => "200 too fast",
        "200" if has("This was sent before") => "200 no form of ours",
        "200" => "200",
        "403" => "403",
        "429" => "429",
        "503" => "503",
        _ => "another status",
    }
}
