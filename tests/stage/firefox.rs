//! A real Firefox, set up like Tor Browser at its safest level and driven from outside.
//!
//! Belongs here: starting and stopping it, and what a viewer does and sees in it. The preferences
//! are in `preferences.rs`.
//!
//! Scripts of the driver run in a sandbox that works although pages may not run any, so the stage
//! can look inside a page that has JavaScript switched off.

mod preferences;
mod webdriver;

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use serde_json::{Value, json};
use tempfile::TempDir;

use self::webdriver::{Element, Refusal, Session};
use super::{
    process::{Process, program},
    watch,
};

/// How long geckodriver may take to listen, and Firefox to start.
const STARTS_WITHIN: Duration = Duration::from_mins(1);
/// How long an element may take to appear when a method is not told.
const APPEARS_WITHIN: Duration = Duration::from_secs(10);
/// The narrowest and lowest window that Firefox makes; smaller pages are cut out of one this size.
const SMALLEST_WINDOW: u32 = 500;
/// What the window needs besides the page, in pixels; more does no harm.
const TOOLBARS: u32 = 120;

/// The colour scheme that a page is told (`prefers-color-scheme`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// Dark.
    Dark,
    /// Light.
    Light,
    /// That of the computer.
    System,
}

/// How a Firefox is set up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Options {
    /// The proxy that carries everything but loopback; `None` lets nothing out at all.
    pub(crate) socks: Option<SocketAddr>,
    /// The colour scheme; resisting fingerprinting makes it light whatever this says.
    pub(crate) scheme: Scheme,
    /// `privacy.resistFingerprinting`, on in Tor Browser. It also rounds clocks and makes up
    /// frame counts.
    pub(crate) resist_fingerprinting: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            socks: None,
            scheme: Scheme::System,
            resist_fingerprinting: true,
        }
    }
}

impl Options {
    /// As Tor Browser, through the SOCKS proxy of a Tor client.
    pub(crate) fn through(socks: SocketAddr) -> Self {
        Self {
            socks: Some(socks),
            ..Self::default()
        }
    }

    /// For pictures of pages in this colour scheme: as Tor Browser, but without resisting
    /// fingerprinting.
    pub(crate) fn coloured(scheme: Scheme) -> Self {
        Self {
            scheme,
            resist_fingerprinting: false,
            ..Self::default()
        }
    }
}

/// What a `<video>` says of itself.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct VideoState {
    /// The place in the stream that is shown, in seconds.
    pub(crate) current_time: f64,
    /// From 0, nothing, to 4, enough to play on.
    pub(crate) ready_state: u64,
    /// Whether it came to the end of the stream.
    pub(crate) ended: bool,
    /// Whether it is paused; also true after the end.
    pub(crate) paused: bool,
    /// The message of the error that stopped it.
    pub(crate) error: Option<String>,
    /// How many pictures it has shown; made up from the time when Firefox resists fingerprinting.
    pub(crate) painted_frames: u64,
    /// The width of the picture in its own pixels; 0 until it is known.
    pub(crate) video_width: u64,
}

/// A running Firefox with one window and JavaScript switched off.
///
/// Dropping it ends all of its processes and removes its profile.
#[derive(Debug)]
pub(crate) struct Firefox {
    session: Session,
    // Killed before its directory is removed.
    _driver: Process,
    directory: TempDir,
}

impl Firefox {
    /// Starts one with an empty window of 1280 × 800 pixels.
    pub(crate) fn start(options: Options) -> Self {
        let geckodriver = program("geckodriver", "GECKODRIVER");
        let binary = program("firefox-esr", "FIREFOX");
        let directory = tempfile::Builder::new()
            .prefix("onionstream-firefox-")
            .tempdir()
            .expect("a directory");
        let mut command = Command::new(geckodriver);
        // Reaching into Firefox itself is only needed for page sizes that no window can have.
        command
            .args([
                "--port",
                "0",
                "--websocket-port",
                "0",
                "--allow-system-access",
                "--binary",
            ])
            .arg(binary);
        command.arg("--profile-root").arg(directory.path());
        // Nothing of the person's own Firefox is read or written.
        for variable in [
            "HOME",
            "TMPDIR",
            "XDG_CACHE_HOME",
            "XDG_CONFIG_HOME",
            "XDG_DATA_HOME",
            "XDG_RUNTIME_DIR",
        ] {
            command.env(variable, directory.path());
        }
        for variable in [
            "DISPLAY",
            "WAYLAND_DISPLAY",
            "DBUS_SESSION_BUS_ADDRESS",
            "PULSE_SERVER",
        ] {
            command.env_remove(variable);
        }
        command.env("MOZ_CRASHREPORTER_DISABLE", "1");
        // Only then it respects the preference that names the server of its remote settings.
        command.env("MOZ_REMOTE_SETTINGS_DEVTOOLS", "1");
        let driver = Process::start("geckodriver", &mut command);
        let address = driver
            .out()
            .find(STARTS_WITHIN, |line| {
                line.split_once("Listening on ")?
                    .1
                    .trim()
                    .parse::<SocketAddr>()
                    .ok()
            })
            .unwrap_or_else(|| panic!("geckodriver does not listen:\n{}", driver.story()));

        let capabilities = json!({ "alwaysMatch": {
            "browserName": "firefox",
            // A page with an endless part never finishes loading.
            "pageLoadStrategy": "none",
            "moz:firefoxOptions": { "args": ["-headless"], "prefs": preferences::of(options) },
        } });
        let session = Session::start(address, &capabilities).unwrap_or_else(|problem| {
            panic!("Firefox does not start: {problem}\n{}", driver.story())
        });
        let firefox = Self {
            session,
            _driver: driver,
            directory,
        };
        firefox.set_page_size(1280, 800);
        firefox
    }

    /// Where its profile and everything else it writes is.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Opens an address in the window, leaving all frames, and waits for the new document.
    ///
    /// Fails the test when nothing but an error page comes in a minute and a half.
    pub(crate) fn goto(&self, url: &str) {
        if let Err(problem) = self.try_goto(url, Duration::from_secs(90)) {
            panic!("cannot open {url}: {problem}");
        }
    }

    /// Like [`goto`](Self::goto), for an address that may not answer yet: the error says what
    /// Firefox shows instead, or that nothing came in the time allowed.
    pub(crate) fn try_goto(&self, url: &str, allowed: Duration) -> Result<(), String> {
        self.leave_frames();
        // Commands return before the new document is there; the mark tells it from the old one.
        self.execute("document.documentElement.setAttribute('data-seen-by-stage', '')");
        done(self.session.open(url));
        let arrived = watch(allowed, || {
            let look = "return [document.documentElement?.hasAttribute('data-seen-by-stage') ?? true, \
                        document.documentURI]";
            let seen = self.session.execute(look, &json!([])).ok()?;
            let is_new = seen.get(0) == Some(&Value::Bool(false));
            // An empty document stands in between while another process takes over the window.
            seen.get(1)
                .filter(|&uri| is_new && (uri != "about:blank" || url == "about:blank"))
                .cloned()
        });
        match arrived.as_ref().and_then(Value::as_str) {
            None => Err(format!("no answer within {} s", allowed.as_secs())),
            Some(uri) if uri.starts_with("about:neterror") => Err(format!("error page {uri}")),
            Some(_) => Ok(()),
        }
    }

    /// Goes into the frame that `css` selects; everything below then happens in it.
    pub(crate) fn enter_frame(&self, css: &str) {
        let entered = watch(APPEARS_WITHIN, || {
            let frame = self.session.find(css).ok()?;
            self.session.switch_to_frame(Some(&frame)).ok()
        });
        assert!(entered.is_some(), "no frame `{css}`: {}", self.page());
    }

    /// Goes back to the page itself.
    pub(crate) fn leave_frames(&self) {
        done(self.session.switch_to_frame(None));
    }

    /// Waits until an element is there, for at most `allowed`, and gives its text as shown.
    pub(crate) fn wait_for(&self, css: &str, allowed: Duration) -> String {
        self.wait_for_text(css, "", allowed)
    }

    /// Waits until the first element that `css` selects shows `text` somewhere in its own, for at
    /// most `allowed`, and gives the whole.
    pub(crate) fn wait_for_text(&self, css: &str, text: &str, allowed: Duration) -> String {
        watch(allowed, || {
            self.text(css).filter(|shown| shown.contains(text))
        })
        .unwrap_or_else(|| {
            panic!(
                "no `{css}` with \"{text}\" within {allowed:?}: {}",
                self.page()
            )
        })
    }

    /// The text of the first element that `css` selects as a person sees it now: empty while it is
    /// hidden, `None` without such an element.
    pub(crate) fn text(&self, css: &str) -> Option<String> {
        // The driver's own idea of text leaves out `<noscript>`.
        let look = "const e = document.querySelector(arguments[0]); \
                    return e && (e.checkVisibility({ visibilityProperty: true }) ? e.innerText : '')";
        let text = self.session.execute(look, &json!([css])).ok()?;
        text.as_str().map(|text| text.trim().to_owned())
    }

    /// An attribute of an element that is there now.
    pub(crate) fn attribute(&self, css: &str, name: &str) -> Option<String> {
        let look = "return document.querySelector(arguments[0])?.getAttribute(arguments[1])";
        let value = self.session.execute(look, &json!([css, name])).ok()?;
        value.as_str().map(str::to_owned)
    }

    /// How many elements `css` selects now.
    pub(crate) fn count(&self, css: &str) -> usize {
        let look = "return document.querySelectorAll(arguments[0]).length";
        // While one document takes the place of another there is nothing to count.
        let count = watch(APPEARS_WITHIN, || {
            self.session.execute(look, &json!([css])).ok()?.as_u64()
        });
        count
            .and_then(|count| count.try_into().ok())
            .unwrap_or_else(|| panic!("nothing to count in: {}", self.page()))
    }

    /// Clicks an element as a person would; it must be in sight, or can be scrolled there.
    pub(crate) fn click(&self, css: &str) {
        let element = self.element(css);
        done(self.session.click(&element));
    }

    /// Clicks a place so far left of and above the lower right corner of an element, in CSS pixels:
    /// for what is in an element and no element of the page, as the buttons of a player.
    pub(crate) fn click_in_corner(&self, css: &str, left: f64, above: f64) {
        let look = format!(
            "const e = document.querySelector({css:?}); e.scrollIntoView({{ block: 'nearest' }}); \
             const r = e.getBoundingClientRect(); return [r.right, r.bottom]"
        );
        let corner = self.execute(&look);
        let side = |number: usize| corner.get(number).and_then(Value::as_f64);
        let (right, bottom) = side(0).zip(side(1)).expect("a corner");
        done(
            self.session
                .click_at((right - left).round(), (bottom - above).round()),
        );
    }

    /// Types into an element; `"\u{e007}"` is the Enter key.
    pub(crate) fn type_text(&self, css: &str, text: &str) {
        let element = self.element(css);
        done(self.session.type_text(&element, text));
    }

    /// What the `<video>` of this frame says now; `None` without one.
    pub(crate) fn video(&self) -> Option<VideoState> {
        let look = "const v = document.querySelector('video'); if (!v) return null; \
                    return [v.currentTime, v.readyState, v.ended, v.paused, v.error?.message ?? null, \
                    v.mozPaintedFrames, v.videoWidth]";
        let seen = self.session.execute(look, &json!([])).ok()?;
        Some(VideoState {
            current_time: seen.get(0)?.as_f64()?,
            ready_state: seen.get(1)?.as_u64()?,
            ended: seen.get(2)?.as_bool()?,
            paused: seen.get(3)?.as_bool()?,
            error: seen.get(4)?.as_str().map(str::to_owned),
            painted_frames: seen.get(5)?.as_u64()?,
            video_width: seen.get(6)?.as_u64()?,
        })
    }

    /// Waits until the `<video>` of this frame is as wanted, for at most `allowed`.
    pub(crate) fn wait_for_video(
        &self,
        allowed: Duration,
        wanted: impl Fn(&VideoState) -> bool,
    ) -> VideoState {
        watch(allowed, || self.video().filter(|state| wanted(state))).unwrap_or_else(|| {
            panic!(
                "not within {allowed:?}; the video: {:?}; {}",
                self.video(),
                self.page()
            )
        })
    }

    /// Runs a script in the stage's sandbox in this frame: it sees the document, the page does not
    /// see it, and it runs although pages may not run scripts.
    pub(crate) fn execute(&self, script: &str) -> Value {
        done(self.session.execute(script, &json!([])))
    }

    /// Makes the page exactly this wide and high in CSS pixels, also smaller than a window can be.
    pub(crate) fn set_page_size(&self, width: u32, height: u32) {
        let window = (
            width.max(SMALLEST_WINDOW),
            height.max(SMALLEST_WINDOW) + TOOLBARS,
        );
        done(self.session.resize_window(window.0, window.1));
        let resize = "const [width, height] = arguments; const page = gBrowser.selectedBrowser; \
                      for (const [side, length] of [['width', width], ['height', height]]) { \
                        for (const rule of [side, 'min-' + side, 'max-' + side]) \
                          page.style.setProperty(rule, length + 'px', 'important'); }";
        done(
            self.session
                .execute_in_browser(resize, &json!([width, height])),
        );
        let wanted = json!([width, height]);
        let look = "return [window.top.innerWidth, window.top.innerHeight]";
        let sized = watch(APPEARS_WITHIN, || {
            (self.execute(look) == wanted).then_some(())
        });
        assert!(
            sized.is_some(),
            "the page is {} instead of {wanted}",
            self.execute(look)
        );
    }

    /// Writes a PNG of the whole page area of the window, with all its frames, to
    /// `target/screenshots/`, for people to look at; returns where it is.
    pub(crate) fn screenshot(&self, name: &str) -> PathBuf {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../screenshots");
        fs::create_dir_all(&directory).expect("a directory for pictures");
        let file = directory.join(name);
        fs::write(&file, done(self.session.screenshot(None))).expect("a picture");
        file
    }

    /// Fails the test if the document of this frame is wider than the frame.
    #[track_caller]
    pub(crate) fn assert_fits(&self, what: &str) {
        let look =
            "const root = document.documentElement; return root.scrollWidth - root.clientWidth";
        let over = self.execute(look).as_i64().expect("a number");
        assert!(over <= 1, "{what} is {over} pixels too wide");
    }

    /// A PNG of one element as it is shown now, to compare with another.
    pub(crate) fn picture_of(&self, css: &str) -> Vec<u8> {
        let element = self.element(css);
        done(self.session.screenshot(Some(&element)))
    }

    fn element(&self, css: &str) -> Element {
        watch(APPEARS_WITHIN, || self.session.find(css).ok())
            .unwrap_or_else(|| panic!("no element `{css}`: {}", self.page()))
    }

    /// The address and the beginning of the text of this frame, for messages.
    fn page(&self) -> String {
        let look = "return document.documentURI + ' shows: ' + \
                    (document.body?.innerText ?? '').slice(0, 600)";
        match self.session.execute(look, &json!([])) {
            Ok(Value::String(page)) => page,
            other => format!("{other:?}"),
        }
    }
}

/// What a command gave; fails the test when it was refused.
fn done<T>(result: Result<T, Refusal>) -> T {
    match result {
        Ok(value) => value,
        Err(refusal) if refusal.kind == "no such window" => {
            panic!("the frame or window is gone; leave_frames() and enter it again: {refusal}")
        }
        Err(refusal) => panic!("Firefox refused: {refusal}"),
    }
}
