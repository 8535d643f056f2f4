//! The shell of every page, and the only place where text goes out unescaped: our own CSS.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::room::{panel::Html, theme::Theme};

/// Colours and type for every page, dark and light.
const SITE_CSS: &str = include_str!("../../assets/site.css");

/// One page.
pub(super) struct Document<'a> {
    /// For the tab.
    pub(super) title: &'a str,
    /// Our own style sheets, never anything from outside.
    pub(super) css: &'static [&'static str],
    /// Content of the refresh: seconds and, if it is another address, `;url=`.
    pub(super) refresh: Option<String>,
    /// For the styles.
    pub(super) nonce: &'a str,
    /// Which page this is, for the styles.
    pub(super) class: &'static str,
    /// The colours that the viewer chose.
    pub(super) theme: Theme,
}

impl Document<'_> {
    /// The page around `body`.
    pub(super) fn around(&self, body: &Markup) -> Markup {
        html! {
            (DOCTYPE)
            html lang="en" class={ (self.class) " theme-" (self.theme.word()) } {
                (self.head())
                body { (body) }
            }
        }
    }

    /// The beginning of a document whose body never ends: everything that is sent later is a child
    /// of its `main` element.
    pub(super) fn open(&self) -> Markup {
        html! {
            (DOCTYPE)
            (PreEscaped("<html lang=\"en\" class=\"")) (self.class) " theme-" (self.theme.word()) (PreEscaped("\">"))
            (self.head())
            (PreEscaped("<body><main>"))
        }
    }

    fn head(&self) -> Markup {
        html! {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                // An empty picture: no request for /favicon.ico.
                link rel="icon" href="data:,";
                @if let Some(refresh) = &self.refresh {
                    meta http-equiv="refresh" content=(refresh);
                }
                title { (self.title) }
                style nonce=(self.nonce) {
                    (PreEscaped(SITE_CSS))
                    @for css in self.css { (PreEscaped(css)) }
                }
            }
        }
    }
}

/// A style element of its own: inside a shadow root, or in the course of an endless document.
///
/// `css` is ours: constants, or text made from numbers. It must never hold anything from people.
pub(super) fn style(css: &str, nonce: &str) -> Markup {
    html! { style nonce=(nonce) { (PreEscaped(css)) } }
}

/// What one of our pages rendered before.
///
/// Bytes that are not UTF-8 cannot come from there, and are left out.
pub(super) fn rendered(html: &Html) -> Markup {
    PreEscaped(std::str::from_utf8(html).unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::room::colour::{Colour, DARK_GROUNDS, LIGHT_GROUNDS, MIN_DEFAULT};

    /// The colours by name, in the dark and the light form.
    fn colours(rule: &str) -> BTreeMap<&'static str, [Colour; 2]> {
        let body = SITE_CSS.split_once(&format!("{rule} {{")).expect(rule).1;
        let body = body.split_once('}').expect("its end").0;
        let values = body.split(';').filter_map(|line| line.split_once(':'));
        let named = values.filter_map(|(name, value)| {
            let value = value.trim();
            let both = match value.strip_prefix("light-dark(") {
                None => [value, value],
                Some(two) => {
                    let (light, dark) = two.strip_suffix(')')?.split_once(", ")?;
                    [dark, light]
                }
            };
            let name = name.trim().strip_prefix("--")?;
            Some((name, both.map(|colour| Colour::parse(colour).expect(value))))
        });
        named.collect()
    }

    #[test]
    fn everything_that_is_written_can_be_read_in_every_theme() {
        for theme in Theme::ALL {
            let colours = match theme {
                // These two choose one side of the first.
                Theme::Browser | Theme::Dark | Theme::Light => colours(":root"),
                Theme::Contrast | Theme::Paper => colours(&format!(":root.theme-{}", theme.word())),
            };
            assert_eq!(colours.len(), 10, "{}", theme.word());
            for side in [0, 1] {
                let of = |name: &str| colours[name][side];
                for (ink, ground) in ["text", "quiet", "accent", "on", "off", "warn"]
                    .into_iter()
                    .flat_map(|ink| [(ink, "ground"), (ink, "raised")])
                    .chain([
                        ("text", "mention"),
                        ("accent", "mention"),
                        ("ground", "accent"),
                    ])
                {
                    let contrast = of(ink).contrast(of(ground));
                    assert!(
                        contrast >= MIN_DEFAULT,
                        "{ink} on {ground} in {}, side {side}: {contrast:.2}",
                        theme.word()
                    );
                }
            }
        }
    }

    #[test]
    fn the_grounds_for_which_names_are_shaded_are_those_of_the_themes() {
        let [browser, contrast, paper] =
            [":root", ":root.theme-contrast", ":root.theme-paper"].map(colours);
        for ground in ["ground", "raised"] {
            assert!(DARK_GROUNDS.contains(&browser[ground][0]));
            assert!(DARK_GROUNDS.contains(&contrast[ground][0]));
            assert!(LIGHT_GROUNDS.contains(&browser[ground][1]));
            assert!(LIGHT_GROUNDS.contains(&paper[ground][1]));
        }
    }
}
