//! The broadcaster and moderators at the desk.
//!
//! Belongs here: logging in, finding buttons and pressing them. Does not belong here: what people do
//! on the first page (`person.rs`); the frame in which somebody writes is the same here.

use std::{
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use super::{
    firefox::{Firefox, Options},
    person::{ENTER, Person},
    server::Server,
    watch,
};

/// The broadcaster's password in tests.
pub(crate) const PASSWORD: &str = "never used outside of tests";
/// How long an answer of the program may take on a busy machine.
const SOON: Duration = Duration::from_secs(20);

/// Sets the broadcaster's password in a working directory, as somebody without a terminal would.
pub(crate) fn set_password(directory: &Path, password: &str) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_onionstream"))
        .arg("--dir")
        .arg(directory)
        .arg("password")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program runs");
    let mut stdin = child.stdin.take().expect("piped");
    writeln!(stdin, "{password}").expect("written");
    drop(stdin);
    let ended = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{said}");
}

/// The demo with a known password, and without limits on how fast people talk.
pub(crate) fn show(settings: &[&str]) -> Server {
    let unhurried = [
        "chat.gap=0ms",
        "chat.flood_messages=1000",
        "chat.flood_rows=10000",
        "chat.busy_messages=10000",
        "captcha.every=10000",
    ];
    let mut arguments = vec!["--source", "demo", "--no-tor"];
    for setting in unhurried.iter().chain(settings) {
        arguments.extend(["--set", setting]);
    }
    Server::start_prepared(&arguments, |directory| set_password(directory, PASSWORD))
}

/// Somebody at the desk.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) person: Person,
}

impl Desk {
    /// Logs in with the password.
    pub(crate) fn opens(options: Options, server: &Server) -> Self {
        Self::opens_with(options, &server.local_url(), PASSWORD)
    }

    /// Logs in with this password at this site.
    pub(crate) fn opens_with(options: Options, site: &str, password: &str) -> Self {
        let person = Person::comes(options, &format!("{site}broadcaster"));
        let firefox = &person.firefox;
        firefox.wait_for("#password", SOON);
        firefox.type_text("#password", &format!("{password}{ENTER}"));
        let desk = Self { person };
        desk.is_open();
        desk
    }

    /// Takes a link to the desk.
    pub(crate) fn opens_by_link(options: Options, link: &str) -> Self {
        let person = Person::comes(options, link);
        person.firefox.wait_for("button.main", SOON);
        person.firefox.click("button.main");
        let desk = Self { person };
        desk.is_open();
        desk
    }

    fn is_open(&self) {
        let firefox = self.firefox();
        let frame = watch(SOON, || (firefox.count("iframe.act") == 1).then_some(()));
        assert!(frame.is_some(), "no desk: {:?}", firefox.text("body"));
        // The endless panel, not the page before it.
        self.live(|firefox| firefox.wait_for("x-air:last-of-type", SOON));
    }

    /// The browser.
    pub(crate) fn firefox(&self) -> &Firefox {
        &self.person.firefox
    }

    /// Looks into the live panel.
    pub(crate) fn live<T>(&self, look: impl FnOnce(&Firefox) -> T) -> T {
        self.person.in_frame("iframe.live", look)
    }

    /// Presses a button beside the line with this text: `hide`, `unhide`, `mute` or `more`.
    pub(crate) fn presses(&self, button: &str, text: &str) {
        self.live(|firefox| {
            let look = format!(
                "return [...document.querySelectorAll('x-line')].find(e => e.innerText.includes({text:?}))?.id"
            );
            let line = watch(SOON, || firefox.execute(&look).as_str().map(str::to_owned));
            let line = line.unwrap_or_else(|| panic!("no line with {text}"));
            let number = line.trim_start_matches('m');
            firefox.click(&format!("#a{number} .{button}"));
        });
    }

    /// Asks in the list of people what can be done about somebody.
    pub(crate) fn looks_at(&self, name: &str) {
        self.live(|firefox| {
            let look = format!(
                "const li = [...document.querySelectorAll('x-people:last-of-type li')]\
                   .find(e => e.textContent.includes({name:?})); \
                 return li?.querySelector('a')?.getAttribute('href')"
            );
            let link = watch(SOON, || firefox.execute(&look).as_str().map(str::to_owned));
            let link = link.unwrap_or_else(|| panic!("nobody is called {name}"));
            firefox.click(&format!("x-people:last-of-type a[href='{link}']"));
        });
        self.act(|firefox| firefox.wait_for_text("h2", name, SOON));
    }

    /// Looks into the frame of actions.
    pub(crate) fn act<T>(&self, look: impl FnOnce(&Firefox) -> T) -> T {
        self.person.in_frame("iframe.act", look)
    }

    /// Presses a button there, and gives what is said about it.
    pub(crate) fn does(&self, button: &str) -> String {
        self.act(|firefox| presses(firefox, button))
    }

    /// Waits until the frame of actions says this.
    pub(crate) fn is_told(&self, words: &str) {
        self.act(|firefox| firefox.wait_for_text(".notice", words, SOON));
    }

    /// Opens a page of settings.
    pub(crate) fn opens_tool(&self, name: &str) {
        self.tool(|firefox| {
            firefox.wait_for("nav a", SOON);
            firefox.click(&format!("nav a[href='/broadcaster/{name}']"));
            let here = format!("nav a[aria-current][href='/broadcaster/{name}']");
            firefox.wait_for(&here, SOON);
            firefox.wait_for("main form", SOON);
        });
    }

    /// Looks into the settings.
    pub(crate) fn tool<T>(&self, look: impl FnOnce(&Firefox) -> T) -> T {
        self.person.in_frame("iframe.tools", look)
    }
}

/// Presses a button of a form, and gives what the page that comes says about it.
pub(crate) fn presses(firefox: &Firefox, button: &str) -> String {
    firefox.wait_for(button, SOON);
    let nonce = firefox.attribute("input[name=nonce]", "value");
    firefox.click(button);
    let said = watch(SOON, || {
        let now = firefox.attribute("input[name=nonce]", "value");
        (now.is_some() && now != nonce).then(|| firefox.text(".notice").unwrap_or_default())
    });
    said.unwrap_or_else(|| panic!("nothing came of `{button}`"))
}

/// Empties a field and types into it.
pub(crate) fn fill(firefox: &Firefox, field: &str, text: &str) {
    firefox.wait_for(field, SOON);
    firefox.execute(&format!("document.querySelector({field:?}).value = ''"));
    firefox.type_text(field, text);
}
