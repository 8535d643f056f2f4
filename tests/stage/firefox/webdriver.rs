//! The protocol of browser drivers, as far as the stage needs it
//! (<https://www.w3.org/TR/webdriver2/>).
//!
//! Belongs here: commands and their answers. It is JSON over HTTP on loopback, one exchange a
//! command, so it needs no library.

use std::{fmt, net::SocketAddr, time::Duration};

use data_encoding::BASE64;
use serde_json::{Value, json};

use crate::stage::http::Request;

/// The key under which the protocol passes the id of an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// How long a command may take; starting the browser is the longest.
const COMMAND_WITHIN: Duration = Duration::from_mins(2);

/// Why a command failed.
#[derive(Debug)]
pub(super) struct Refusal {
    /// The protocol's name of the error, such as `no such element`.
    pub(super) kind: String,
    /// The driver's sentence.
    message: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.kind, self.message)
    }
}

/// An open session with a browser.
#[derive(Debug)]
pub(super) struct Session {
    driver: SocketAddr,
    path: String,
}

/// An element of the current frame, until its document goes away.
#[derive(Debug, Clone)]
pub(super) struct Element(String);

impl Session {
    /// Starts a browser with the driver that listens at `driver`.
    pub(super) fn start(driver: SocketAddr, capabilities: &Value) -> Result<Self, Refusal> {
        let started = exchange(
            driver,
            "POST",
            "/session",
            Some(json!({ "capabilities": capabilities })),
        )?;
        let id = started
            .get("sessionId")
            .and_then(Value::as_str)
            .expect("a new session has an id");
        Ok(Self {
            driver,
            path: format!("/session/{id}"),
        })
    }

    /// Opens an address.
    pub(super) fn open(&self, url: &str) -> Result<(), Refusal> {
        self.post("url", json!({ "url": url })).map(drop)
    }

    /// Enters a frame, or leaves all with `None`.
    pub(super) fn switch_to_frame(&self, frame: Option<&Element>) -> Result<(), Refusal> {
        let id = frame.map_or(Value::Null, |frame| json!({ ELEMENT: frame.0 }));
        self.post("frame", json!({ "id": id })).map(drop)
    }

    /// The first element that `css` selects.
    pub(super) fn find(&self, css: &str) -> Result<Element, Refusal> {
        let found = self.post("element", json!({ "using": "css selector", "value": css }))?;
        let id = found
            .get(ELEMENT)
            .and_then(Value::as_str)
            .expect("an element has an id");
        Ok(Element(id.to_owned()))
    }

    /// Clicks an element.
    pub(super) fn click(&self, element: &Element) -> Result<(), Refusal> {
        self.post(&format!("element/{}/click", element.0), json!({}))
            .map(drop)
    }

    /// Clicks a place of the page, in CSS pixels, whatever is there.
    pub(super) fn click_at(&self, x: f64, y: f64) -> Result<(), Refusal> {
        let mouse = json!({
            "type": "pointer",
            "id": "mouse",
            "actions": [
                { "type": "pointerMove", "duration": 0, "x": x, "y": y },
                { "type": "pointerDown", "button": 0 },
                { "type": "pointerUp", "button": 0 },
            ],
        });
        self.post("actions", json!({ "actions": [mouse] }))
            .map(drop)
    }

    /// Types into an element.
    pub(super) fn type_text(&self, element: &Element, text: &str) -> Result<(), Refusal> {
        self.post(
            &format!("element/{}/value", element.0),
            json!({ "text": text }),
        )
        .map(drop)
    }

    /// Runs the body of a function in the driver's sandbox, and gives what it returns.
    pub(super) fn execute(&self, script: &str, arguments: &Value) -> Result<Value, Refusal> {
        self.post(
            "execute/sync",
            json!({ "script": script, "args": arguments }),
        )
    }

    /// Runs a script in the browser itself instead of a page; Firefox only.
    pub(super) fn execute_in_browser(
        &self,
        script: &str,
        arguments: &Value,
    ) -> Result<Value, Refusal> {
        self.post("moz/context", json!({ "context": "chrome" }))?;
        let result = self.execute(script, arguments);
        self.post("moz/context", json!({ "context": "content" }))?;
        result
    }

    /// Sets the size of the window with everything around the page.
    pub(super) fn resize_window(&self, width: u32, height: u32) -> Result<(), Refusal> {
        self.post("window/rect", json!({ "width": width, "height": height }))
            .map(drop)
    }

    /// A PNG of the visible part of the page, or of one element.
    pub(super) fn screenshot(&self, of: Option<&Element>) -> Result<Vec<u8>, Refusal> {
        let path = of.map_or_else(
            || "screenshot".to_owned(),
            |element| format!("element/{}/screenshot", element.0),
        );
        let picture = self.get(&path)?;
        let text = picture.as_str().expect("a picture is text");
        Ok(BASE64
            .decode(text.as_bytes())
            .expect("a picture in base 64"))
    }

    fn get(&self, path: &str) -> Result<Value, Refusal> {
        exchange(self.driver, "GET", &format!("{}/{path}", self.path), None)
    }

    fn post(&self, path: &str, body: Value) -> Result<Value, Refusal> {
        exchange(
            self.driver,
            "POST",
            &format!("{}/{path}", self.path),
            Some(body),
        )
    }
}

#[expect(
    clippy::panic_in_result_fn,
    reason = "an answer in another protocol is no refusal"
)]
fn exchange(
    driver: SocketAddr,
    method: &str,
    path: &str,
    body: Option<Value>,
) -> Result<Value, Refusal> {
    let mut request = Request::new(method, path)
        .patience(COMMAND_WITHIN)
        .header("Connection", "close");
    if let Some(body) = body {
        request = request
            .header("Content-Type", "application/json")
            .body(body.to_string());
    }
    let answer = request.send(driver);
    let parsed: Value = serde_json::from_slice(&answer.body).unwrap_or_else(|error| {
        panic!(
            "the driver answers {method} {path} with no JSON ({error}): {}",
            answer.text()
        )
    });
    let value = parsed.get("value").cloned().unwrap_or_default();
    if answer.status == 200 {
        return Ok(value);
    }
    let field = |name| {
        value
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or("?")
            .to_owned()
    };
    Err(Refusal {
        kind: field("error"),
        message: field("message"),
    })
}
