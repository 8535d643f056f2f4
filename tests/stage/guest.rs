//! A viewer without a browser, whose open answers can be timed to the millisecond.
//!
//! Belongs here: the cookie, forms with their numbers. Does not belong here: what is on a page for
//! people (`person.rs`).

use std::{net::SocketAddr, time::Duration};

use super::{
    http::{Request, Response, Stream},
    server::Server,
};

/// How long a finite page may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// A viewer with a session.
#[derive(Debug)]
pub(crate) struct Guest {
    address: SocketAddr,
    cookie: String,
}

impl Guest {
    /// Opens the first page.
    pub(crate) fn comes(server: &Server) -> Self {
        let address = server.local_address();
        let cookie = Request::get("/").send(address).cookies().pop();
        Self {
            address,
            cookie: cookie.expect("a session"),
        }
    }

    /// Opens an address whose answer may be endless.
    pub(crate) fn opens(&self, path: &str) -> Stream {
        let stream = Request::get(path)
            .cookies(&[&self.cookie])
            .open(self.address);
        assert_eq!(stream.status, 200, "{path}");
        stream
    }

    /// The status of the answer to `GET path`; its body is not read.
    pub(crate) fn status(&self, path: &str) -> u16 {
        let request = Request::get(path).cookies(&[&self.cookie]);
        request.open(self.address).status
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
        form.send(self.address)
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
            address: self.address,
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
}
