//! The description of the show: Markdown in, a few kinds of elements out.
//!
//! The syntax is read by a library; what comes of it is made here, element by element, so that there
//! is nothing to sanitise afterwards: HTML in the text is shown as text, a picture becomes a link to
//! it (pages load nothing from anywhere else), and an address that a browser would not open as a
//! page is no link.

use maud::{Markup, html};
use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag};

use crate::room::show::is_address;

/// How deep elements are nested; what is inside deeper ones is shown without them.
const MAX_DEPTH: usize = 12;

/// The description as viewers see it.
pub fn markup(markdown: &str) -> Markup {
    let mut events = Parser::new_ext(markdown, Options::ENABLE_STRIKETHROUGH);
    inside(&mut events, Place::default())
}

/// Where in the text something stands.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    depth: usize,
    /// Links have no links inside.
    in_link: bool,
}

impl Place {
    fn deeper(self) -> Self {
        Self {
            depth: self.depth + 1,
            ..self
        }
    }
}

/// Everything up to the end of the element that is open.
fn inside(events: &mut Parser<'_>, place: Place) -> Markup {
    let mut parts = Vec::new();
    // Elements that are open and not shown, because they are too deep.
    let mut unshown = 0_usize;
    while let Some(event) = events.next() {
        match event {
            Event::Start(_) if place.depth >= MAX_DEPTH => unshown += 1,
            Event::Start(tag) => parts.push(element(&tag, events, place)),
            Event::End(_) => match unshown.checked_sub(1) {
                Some(fewer) => unshown = fewer,
                None => break,
            },
            other => parts.push(leaf(&other)),
        }
    }
    html! { @for part in &parts { (part) } }
}

/// What has nothing inside.
fn leaf(event: &Event<'_>) -> Markup {
    html! {
        @match event {
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => (text),
            Event::Code(text) => code { (text) },
            Event::SoftBreak => " ",
            Event::HardBreak => br;,
            Event::Rule => hr;,
            // Of extensions that are not switched on.
            _ => {}
        }
    }
}

fn element(tag: &Tag<'_>, events: &mut Parser<'_>, place: Place) -> Markup {
    match tag {
        Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }
            if !place.in_link && is_address(dest_url) =>
        {
            let inside = inside(
                events,
                Place {
                    in_link: true,
                    ..place.deeper()
                },
            );
            return html! {
                a href=(dest_url) rel="noreferrer nofollow" target="_blank" {
                    @if inside.0.is_empty() { (dest_url) } @else { (inside) }
                }
            };
        }
        _ => {}
    }
    let inside = inside(events, place.deeper());
    html! {
        @match tag {
            Tag::Paragraph => p { (inside) },
            // The page has a heading above these.
            Tag::Heading { level: HeadingLevel::H1 | HeadingLevel::H2, .. } => h3 { (inside) },
            Tag::Heading { .. } => h4 { (inside) },
            Tag::BlockQuote(_) => blockquote { (inside) },
            Tag::CodeBlock(_) => pre { code { (inside) } },
            Tag::HtmlBlock => p { (inside) },
            Tag::List(None) => ul { (inside) },
            Tag::List(Some(1)) => ol { (inside) },
            Tag::List(Some(start)) => ol start=(start) { (inside) },
            Tag::Item => li { (inside) },
            Tag::Emphasis => em { (inside) },
            Tag::Strong => strong { (inside) },
            Tag::Strikethrough => s { (inside) },
            // A link that leads nowhere, or what is of an extension that is not switched on.
            _ => (inside),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::pages::reading::read;

    fn html(markdown: &str) -> String {
        markup(markdown).into_string()
    }

    #[test]
    fn the_usual_marks_become_elements() {
        for (markdown, expected) in [
            (
                "plain *em* **strong** ~~no~~ `x<y`",
                "<p>plain <em>em</em> <strong>strong</strong> <s>no</s> <code>x&lt;y</code></p>",
            ),
            ("# One\n\n### Three", "<h3>One</h3><h4>Three</h4>"),
            ("- a\n- b", "<ul><li>a</li><li>b</li></ul>"),
            ("3. a", "<ol start=\"3\"><li>a</li></ol>"),
            ("> said", "<blockquote><p>said</p></blockquote>"),
            ("    code\n", "<pre><code>code\n</code></pre>"),
            ("a  \nb\n\n---", "<p>a<br>b</p><hr>"),
            (
                "[here](http://example.onion/a?b&c)",
                "<p><a href=\"http://example.onion/a?b&amp;c\" rel=\"noreferrer nofollow\" target=\"_blank\">here</a></p>",
            ),
            ("", ""),
        ] {
            assert_eq!(html(markdown), expected, "{markdown}");
        }
    }

    #[test]
    fn nothing_is_loaded_and_nothing_runs() {
        for (markdown, expected) in [
            (
                "<script>alert(1)</script>",
                "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>",
            ),
            (
                "a <img src=x onerror=y> b",
                "<p>a &lt;img src=x onerror=y&gt; b</p>",
            ),
            ("[x](javascript:alert(1))", "<p>x</p>"),
            ("[x](data:text/html,y)", "<p>x</p>"),
            ("[x](//elsewhere.example/)", "<p>x</p>"),
            ("[x](http://a:b@elsewhere.example/)", "<p>x</p>"),
            (
                "![a cat](https://example.org/cat.png)",
                "<p><a href=\"https://example.org/cat.png\" rel=\"noreferrer nofollow\" target=\"_blank\">a cat</a></p>",
            ),
            (
                "[![a](https://example.org/1)](https://example.org/2)",
                "<p><a href=\"https://example.org/2\" rel=\"noreferrer nofollow\" target=\"_blank\">a</a></p>",
            ),
            (
                "[](https://example.org/)",
                "<p><a href=\"https://example.org/\" rel=\"noreferrer nofollow\" target=\"_blank\">https://example.org/</a></p>",
            ),
        ] {
            assert_eq!(html(markdown), expected, "{markdown}");
        }
    }

    #[test]
    fn a_thousand_quotes_inside_each_other_are_text_all_the_same() {
        let html = html(&format!("{}deep", "> ".repeat(4_000)));

        assert!(html.contains("deep"));
        assert!(html.matches("<blockquote>").count() <= MAX_DEPTH);
        read(&html).expect("well-formed");
    }

    proptest! {
        #[test]
        fn whatever_is_written_only_known_elements_and_whole_addresses_come_out(
            parts in proptest::collection::vec(
                prop_oneof![
                    "[ -~\n]{0,12}",
                    "\\PC{0,6}",
                    proptest::sample::select(vec![
                        "# ", "> ", "- ", "1. ", "*", "**", "_", "`", "```\n", "~~", "[", "](", ")", "![",
                        "<b>", "<", "&amp;", "&#60;", "http://a.onion/", "javascript:x", "\n\n", "    ", "---\n",
                        "[a]: http://b.c/ \"t\"\n", "|a|b|\n|-|-|\n",
                    ]).prop_map(str::to_owned),
                ],
                0..24,
            ),
        ) {
            let html = html(&parts.concat());
            let read = read(&html).map_err(|flaw| TestCaseError::fail(format!("{flaw}: {html}")))?;
            for link in read.all("a") {
                prop_assert!(is_address(&link.attribute("href").unwrap_or_default().replace("&amp;", "&")));
                prop_assert!(link.all("a").is_empty());
            }
            for loaded in ["img", "iframe", "video", "style", "form", "input", "link"] {
                prop_assert!(read.all(loaded).is_empty(), "{}", html);
            }
        }
    }
}
