//! A viewer without a browser, whose open answers can be timed to the millisecond.
//!
//! Belongs here: the cookie, forms with their numbers. Does not belong here: what is on a page for
//! people (`person.rs`).

use std::{net::SocketAddr, time::Duration};

use super::{
    http::{Request, Response, Stream},
    puzzle,
    server::Server,
    watch,
};

/// How long a finite page may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// A viewer with a session.
#[derive(Debug)]
pub(crate) struct Guest {
    way: Way,
    cookie: String,
}

/// How they get to the site.
#[derive(Debug, Clone)]
enum Way {
    /// On this computer.
    Near(SocketAddr),
    /// To this host through this SOCKS proxy.
    Through(SocketAddr, String),
}

impl Way {
    fn opens(&self, request: &Request) -> Stream {
        match self {
            Self::Near(address) => request.open(*address),
            Self::Through(proxy, host) => {
                // Now and then a circuit breaks, and the next try takes another.
                let answer = watch(PATIENCE, || request.open_through(*proxy, host).ok());
                answer.unwrap_or_else(|| panic!("no answer from {host}"))
            }
        }
    }
}

impl Guest {
    /// Opens the first page.
    pub(crate) fn comes(server: &Server) -> Self {
        Self::comes_by(Way::Near(server.local_address()))
    }

    /// Opens the first page of this host through a SOCKS proxy.
    pub(crate) fn comes_through(proxy: SocketAddr, host: &str) -> Self {
        Self::comes_by(Way::Through(proxy, host.to_owned()))
    }

    fn comes_by(way: Way) -> Self {
        let cookie = way.opens(&Request::get("/")).cookies().pop();
        Self {
            way,
            cookie: cookie.expect("a session"),
        }
    }

    /// Opens an address whose answer may be endless.
    pub(crate) fn opens(&self, path: &str) -> Stream {
        let stream = self.way.opens(&Request::get(path).cookies(&[&self.cookie]));
        assert_eq!(stream.status, 200, "{path}");
        stream
    }

    /// The status of the answer to `GET path`; its body is not read.
    pub(crate) fn status(&self, path: &str) -> u16 {
        let request = Request::get(path).cookies(&[&self.cookie]);
        self.way.opens(&request).status
    }

    /// The number of a form on the page at `path`.
    pub(crate) fn nonce(&self, path: &str) -> String {
        let page = self.opens(path).finish(PATIENCE).text();
        let nonce = page
            .split_once("name=\"nonce\" value=\"")
            .and_then(|(_, rest)| rest.split_once('"'))
            .map(|(nonce, _)| nonce.to_owned());
        nonce.unwrap_or_else(|| panic!("no form at {path}: {page}"))
    }

    /// Posts a form as it stands, with these headers.
    pub(crate) fn posts(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> Response {
        let form = Request::form(path, fields).cookies(&[&self.cookie]);
        let form = headers
            .iter()
            .fold(form, |form, (name, value)| form.header(name, value));
        self.way.opens(&form).finish(PATIENCE)
    }

    /// Sends a form from the page at `path` back to it, and gives the page that comes.
    pub(crate) fn sends(&self, path: &str, fields: &[(&str, &str)]) -> String {
        let nonce = self.nonce(path);
        let fields = [&[("nonce", nonce.as_str())], fields].concat();
        self.posts(path, &fields, &[]).text()
    }

    /// Logs in at the desk; the token before it is given back.
    pub(crate) fn logs_in(&mut self, password: &str) -> String {
        let path = "/broadcaster/login";
        let nonce = self.nonce(path);
        let fields = [("nonce", nonce.as_str()), ("password", password)];
        self.takes_seat(&self.posts(path, &fields, &[]))
    }

    /// Uses up a link to the desk; the token before it is given back.
    pub(crate) fn takes_link(&mut self, path: &str) -> String {
        let nonce = self.nonce(path);
        self.takes_seat(&self.posts(path, &[("nonce", &nonce)], &[]))
    }

    fn takes_seat(&mut self, answer: &Response) -> String {
        assert_eq!(answer.status, 303, "{}", answer.text());
        let cookie = answer.cookies().pop().expect("another token");
        std::mem::replace(&mut self.cookie, cookie)
    }

    /// The same session from another client.
    pub(crate) fn with_cookie(&self, cookie: &str) -> Self {
        Self {
            way: self.way.clone(),
            cookie: cookie.to_owned(),
        }
    }

    /// Their public id, by which pages mark what is theirs.
    pub(crate) fn key(&self) -> String {
        let page = self.opens("/live?static=1").finish(PATIENCE).text();
        let (before, _) = page.split_once(">.who::after").expect("a mark");
        let (_, key) = before.rsplit_once(".by-").expect("a public id");
        key.to_owned()
    }

    /// Takes a name.
    pub(crate) fn is_called(&self, name: &str) {
        let fields = [("kind", "dress"), ("name", name), ("tripcode_act", "keep")];
        let said = self.sends("/compose", &fields);
        let field = format!("name=\"name\" type=\"text\" maxlength=\"48\" value=\"{name}\"");
        assert!(said.contains(&field), "{said}");
    }

    /// Says something, and answers a question in words for it.
    pub(crate) fn says(&self, text: &str) {
        let page = self.sends("/compose", &[("kind", "say"), ("act", "question")]);
        let between = |start: &str, end: &str| {
            let (_, rest) = page.split_once(start)?;
            Some(rest.split_once(end)?.0)
        };
        let question = between("<label for=\"answer\">", "<").expect("a question");
        let fields = [
            ("kind", "say"),
            (
                "nonce",
                between("name=\"nonce\" value=\"", "\"").expect("a form"),
            ),
            (
                "challenge",
                between("name=\"challenge\" value=\"", "\"").expect("a challenge"),
            ),
            ("answer", &puzzle::solve(question)),
            ("text", text),
        ];
        let said = self.posts("/compose", &fields, &[]).text();
        assert!(!said.contains("role=\"alert\""), "{said}");
    }
}
