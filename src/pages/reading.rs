//! Reads pages as strictly as nobody else, for tests: what is not well-formed, has a control without
//! a name, or a form that could be sent from elsewhere, is a mistake of ours.

/// Elements without an end.
const VOID: [&str; 7] = ["br", "img", "input", "link", "meta", "hr", "track"];

/// Every other element that our pages are made of.
const OURS: &str = "html head title style body main header footer nav section template slot iframe \
    form fieldset legend label button select option datalist textarea details summary \
    h1 h2 h3 h4 p div span a b code blockquote ul ol li dl dt dd table tr td th figure figcaption time \
    audio video picture em strong s pre \
    x-line x-day x-acts x-people x-title x-air x-uptime x-watching x-announcement x-notice x-beat x-shields \
    x-encoder x-variants x-complaint x-complaints x-uplink x-tor x-recording x-history x-audit";

/// What a control is called by, or a form or a page made of.
#[derive(Debug, Default)]
pub(super) struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    children: Vec<Element>,
    text: String,
}

/// What is wrong with some HTML of ours, if anything: tags that do not match, attributes without
/// quotes, a bare `<`, `>` or `&` in text, an element or attribute that we do not use.
pub(super) fn flaw(html: &str) -> Option<String> {
    read(html).err()
}

/// The elements of some HTML of ours, in one without a name.
///
/// # Errors
///
/// What is wrong with it.
pub(super) fn read(html: &str) -> Result<Element, String> {
    let mut open = vec![Element::default()];
    let mut rest = html.strip_prefix("<!DOCTYPE html>").unwrap_or(html);
    while let Some((text, tag)) = rest.split_once('<') {
        add_text(&mut open, text)?;
        if let Some(end) = tag.strip_prefix('/') {
            let (name, after) = end.split_once('>').ok_or("a tag without an end")?;
            let done = open
                .pop()
                .filter(|done| done.name == name && !name.is_empty());
            let done = done.ok_or(format!("</{name}> closes nothing"))?;
            let parent = open.last_mut().ok_or("nothing is open")?;
            parent.text.push_str(&done.text);
            parent.children.push(done);
            rest = after;
            continue;
        }
        let (element, after) = start_of(tag)?;
        rest = after;
        if VOID.contains(&element.name.as_str()) {
            let parent = open.last_mut().ok_or("nothing is open")?;
            parent.children.push(element);
        } else if element.name == "style" {
            // Our own text, which is no HTML.
            let (_css, after) = after
                .split_once("</style>")
                .ok_or("<style> is not closed")?;
            rest = after;
        } else {
            open.push(element);
        }
    }
    add_text(&mut open, rest)?;
    match (open.pop(), open.last()) {
        (Some(root), None) => Ok(root),
        (last, _) => Err(format!("<{}> is not closed", last.unwrap_or_default().name)),
    }
}

fn add_text(open: &mut [Element], text: &str) -> Result<(), String> {
    check_text(text)?;
    let parent = open.last_mut().ok_or("nothing is open")?;
    parent.text.push_str(text);
    Ok(())
}

fn check_text(text: &str) -> Result<(), String> {
    let entities = ["amp;", "lt;", "gt;", "quot;"];
    let mut after = text.split('&').skip(1);
    if text.contains('>') {
        return Err(format!("> in {text:?}"));
    }
    if after.any(|rest| !entities.iter().any(|entity| rest.starts_with(entity))) {
        return Err(format!("& in {text:?}"));
    }
    Ok(())
}

/// The element that begins behind a `<`, and what follows its tag.
fn start_of(tag: &str) -> Result<(Element, &str), String> {
    let is_letter =
        |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    let (name, mut rest) = tag.split_at(tag.find(|letter| !is_letter(letter)).unwrap_or(tag.len()));
    if !VOID.contains(&name) && !OURS.split_whitespace().any(|ours| ours == name) {
        return Err(format!("<{name}> is not ours"));
    }
    let mut element = Element {
        name: name.to_owned(),
        ..Element::default()
    };
    loop {
        if let Some(after) = rest.strip_prefix('>') {
            return Ok((element, after));
        }
        let inside = rest
            .strip_prefix(' ')
            .ok_or(format!("in <{name}: {rest:.40}"))?;
        let end = inside
            .find(|letter| !is_letter(letter))
            .unwrap_or(inside.len());
        let (key, after) = inside.split_at(end);
        let (value, after) = match after.strip_prefix("=\"") {
            Some(quoted) => quoted.split_once('"').ok_or("a value without an end")?,
            None => ("", after),
        };
        if key.is_empty() || key == "style" || key.starts_with("on") {
            return Err(format!("the attribute {key:?} of <{name}>"));
        }
        if value.contains('<') {
            return Err(format!("< in {value:?}"));
        }
        check_text(value)?;
        element.attributes.push((key.to_owned(), value.to_owned()));
        rest = after;
    }
}

impl Element {
    /// All elements inside of this name.
    pub(super) fn all(&self, name: &str) -> Vec<&Self> {
        let mut found = Vec::new();
        for child in &self.children {
            if child.name == name {
                found.push(child);
            }
            found.extend(child.all(name));
        }
        found
    }

    /// The value of an attribute, as it is written.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        let mut attributes = self.attributes.iter();
        attributes
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The text inside, as it is written.
    pub(super) fn text(&self) -> &str {
        self.text.trim()
    }

    fn is_said(&self, name: &str) -> bool {
        self.attribute(name)
            .is_some_and(|words| !words.trim().is_empty())
    }

    /// Controls and pictures that nobody could name who does not see them.
    pub(super) fn nameless(&self) -> Vec<String> {
        let labels: Vec<_> = self
            .all("label")
            .into_iter()
            .filter(|label| !label.text().is_empty())
            .collect();
        let is_labelled = |control: &Self| {
            control.is_said("aria-label")
                || labels.iter().any(|label| {
                    let holds = label.all(&control.name);
                    holds.iter().any(|inside| std::ptr::eq(*inside, control))
                        || label.is_said("for") && label.attribute("for") == control.attribute("id")
                })
        };
        let mut nameless = Vec::new();
        let mut look = |kind: &str, is_named: &dyn Fn(&Self) -> bool| {
            let without = self.all(kind).into_iter().filter(|one| !is_named(one));
            nameless.extend(without.map(|one| format!("<{kind}> {:?}", one.attributes)));
        };
        let has_words = |control: &Self| {
            !control.text().is_empty()
                || control.is_said("aria-label")
                || control.all("img").iter().any(|img| img.is_said("alt"))
        };
        for kind in ["button", "a", "summary"] {
            look(kind, &has_words);
        }
        look("input", &|input| {
            input.attribute("type") == Some("hidden") || is_labelled(input)
        });
        look("select", &is_labelled);
        look("textarea", &is_labelled);
        look("iframe", &|frame| frame.is_said("title"));
        look("img", &|img| img.attribute("alt").is_some());
        nameless
    }

    /// Forms that are not posted to our own site with exactly one number.
    pub(super) fn loose_forms(&self) -> Vec<String> {
        let is_tight = |form: &Self| {
            let fields = form.all("input");
            let numbers = fields
                .iter()
                .filter(|field| field.attribute("name") == Some("nonce") && field.is_said("value"));
            form.attribute("method") == Some("post")
                && form
                    .attribute("action")
                    .is_some_and(|to| to.starts_with('/'))
                && numbers.count() == 1
        };
        let loose = self.all("form").into_iter().filter(|form| !is_tight(form));
        loose.map(|form| format!("{:?}", form.attributes)).collect()
    }
}

#[test]
fn the_reader_sees_flaws() {
    assert_eq!(flaw("<b class=\"x\">a &amp; b</b><br>"), None);
    assert_eq!(
        flaw("<!DOCTYPE html><style nonce=\"a\">a>b{}</style><p></p>"),
        None
    );
    for bad in [
        "<b>",
        "</b>",
        "<b><span></b></span>",
        "a & b",
        "a > b",
        "<script></script>",
        "<b class=\"x\" y\">z</b>",
        "<b class=x>z</b>",
        "<b onclick=\"x\">z</b>",
        "<b style=\"x\">z</b>",
        "<b title=\"<\">z</b>",
        "<style>",
    ] {
        assert!(flaw(bad).is_some(), "{bad}");
    }
}

#[test]
fn the_reader_sees_what_has_no_name_and_what_is_not_ours_alone() {
    let good = "<form method=\"post\" action=\"/a\"><input type=\"hidden\" name=\"nonce\" value=\"1\">\
                <label for=\"x\">Name</label><input id=\"x\"><label>Yes<input></label>\
                <button>Go</button><a href=\"/\"><img alt=\"home\"></a></form>";
    let bad = "<form method=\"get\" action=\"/a\"><input><button></button><select></select>\
               <a href=\"/\"><img></a><iframe></iframe></form>";

    let (good, bad) = (read(good).unwrap(), read(bad).unwrap());

    assert_eq!((good.nameless(), good.loose_forms()), (vec![], vec![]));
    assert_eq!((bad.nameless().len(), bad.loose_forms().len()), (6, 1));
}
