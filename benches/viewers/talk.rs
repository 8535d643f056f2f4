//! A person who writes in the chat, over plain HTTP.

use std::net::SocketAddr;

use crate::stage::{
    http::{Request, Response},
    puzzle,
};

/// Settings under which one person may write as fast as they can.
pub(crate) const UNLIMITED: [&str; 14] = [
    "--set",
    "chat.flood_messages=1000",
    "--set",
    "chat.flood_rows=10000",
    "--set",
    "chat.gap=0ms",
    "--set",
    "chat.busy_messages=100000",
    "--set",
    "chat.raid_newcomers=100000",
    "--set",
    "captcha.every=1000000",
    "--set",
    "chat.window=1s",
];

/// Somebody with a session who solved their captcha.
pub(crate) struct Person {
    address: SocketAddr,
    cookie: String,
}

impl Person {
    /// Comes in and answers a question in words.
    pub(crate) fn comes(address: SocketAddr) -> Self {
        let page = Request::get("/compose").send(address);
        let cookie = page.cookies().into_iter().next().expect("a session");
        let person = Self { address, cookie };
        let asked = person.post(&[("kind", "say"), ("act", "question")]);
        let html = asked.text();
        let question = between(&html, "<label for=\"answer\">", "<");
        let answer = puzzle::solve(question);
        let (nonce, challenge) = (field(&html, "nonce"), field(&html, "challenge"));
        let said = person.post(&[
            ("kind", "say"),
            ("nonce", nonce),
            ("challenge", challenge),
            ("answer", &answer),
            ("text", "hello"),
        ]);
        assert!(!said.text().contains("role=\"alert\""), "{}", said.text());
        person
    }

    /// The number of a fresh form.
    pub(crate) fn form(&self) -> String {
        let page = Request::get("/compose")
            .cookies(&[&self.cookie])
            .send(self.address);
        field(&page.text(), "nonce").to_owned()
    }

    /// Sends a message.
    pub(crate) fn say(&self, nonce: &str, text: &str) {
        let said = self.post(&[("kind", "say"), ("nonce", nonce), ("text", text)]);
        assert!(!said.text().contains("role=\"alert\""), "{}", said.text());
    }

    fn post(&self, fields: &[(&str, &str)]) -> Response {
        Request::form("/compose", fields)
            .cookies(&[&self.cookie])
            .send(self.address)
    }
}

/// The value of a hidden field.
fn field<'html>(html: &'html str, name: &str) -> &'html str {
    between(html, &format!("name=\"{name}\" value=\""), "\"")
}

fn between<'html>(html: &'html str, start: &str, end: &str) -> &'html str {
    let rest = html.split(start).nth(1).unwrap_or_default();
    rest.split(end).next().unwrap_or_default()
}
