//! A viewer without a browser, whose open answers can be timed to the millisecond.
//!
//! Belongs here: the cookie, forms with their numbers. Does not belong here: what is on a page for
//! people (`person.rs`).

use std::net::SocketAddr;

use super::{
    http::{Request, Stream},
    server::Server,
};

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

    /// Sends a form from the page at `path` back to it, and gives the page that comes.
    pub(crate) fn sends(&self, path: &str, fields: &[(&str, &str)]) -> String {
        let page = Request::get(path)
            .cookies(&[&self.cookie])
            .send(self.address)
            .text();
        let nonce = page
            .split_once("name=\"nonce\" value=\"")
            .and_then(|(_, rest)| rest.split_once('"'))
            .map(|(nonce, _)| nonce);
        let nonce = nonce.unwrap_or_else(|| panic!("no form at {path}: {page}"));
        let fields = [&[("nonce", nonce)], fields].concat();
        let answer = Request::form(path, &fields)
            .cookies(&[&self.cookie])
            .send(self.address);
        answer.text()
    }

    /// Takes a name.
    pub(crate) fn is_called(&self, name: &str) {
        let fields = [("kind", "dress"), ("name", name), ("tripcode_act", "keep")];
        let said = self.sends("/compose", &fields);
        let field = format!("name=\"name\" type=\"text\" maxlength=\"48\" value=\"{name}\"");
        assert!(said.contains(&field), "{said}");
    }
}
