use proptest::prelude::*;

use super::*;

fn filters(lines: &[&str]) -> Filters {
    let rules: Vec<_> = lines
        .iter()
        .map(|line| FilterRule::parse(line).unwrap())
        .collect();
    Filters::compile(&rules).unwrap()
}

#[test]
fn a_rule_is_written_as_it_was_read() {
    for line in [
        "censor word",
        "block case Word",
        "ban /a+b/",
        "ban /a+b/i",
        "censor two words",
        "block :)",
        "censor /",
    ] {
        assert_eq!(FilterRule::parse(line).unwrap().to_string(), line);
    }
    assert_eq!(
        FilterRule::parse("  BLOCK   x ").unwrap().to_string(),
        "block x"
    );
}

#[test]
fn what_is_no_rule_says_why() {
    for (line, words) in [
        ("", "begins with"),
        ("hug people", "not with `hug`"),
        ("censor", "needs a word"),
        ("ban /(/", "cannot be used"),
        ("ban /x*/", "every message"),
        (r"ban /(\w{90}){90}/", "cannot be used"),
        (&format!("censor {}", "x".repeat(201)), "200 characters"),
        ("censor \u{200d}", "needs a word"),
    ] {
        let mistake = FilterRule::parse(line).unwrap_err().to_string();
        assert!(mistake.contains(words), "{line}: {mistake}");
    }
    let many = vec![FilterRule::parse("ban x").unwrap(); MAX_RULES + 1];
    assert!(Filters::compile(&many).is_err());
}

#[test]
fn no_letter_makes_a_message_much_longer_for_the_filters() {
    // In its compatible form this one letter has eighteen.
    let text = "\u{fdfa}".repeat(512);

    assert!(plain(&text).view.chars().count() <= 512 * LONGEST_FORM);
    assert_eq!(
        filters(&["block \u{fdfa}"]).judge("so \u{fdfa} it is"),
        Judgement::Blocked
    );
}

#[test]
fn words_are_found_whole_and_however_they_are_written() {
    let filters = filters(&["censor spam", "censor case Ham", "censor :-)"]);
    for (said, becomes) in [
        ("no spam here", Some("no ••• here")),
        ("SPAM!", Some("•••!")),
        ("sp\u{200d}am", Some("•••")),
        ("sp\u{ad}am", Some("•••")),
        ("ｓｐａｍ", Some("•••")),
        ("spam spam", Some("••• •••")),
        ("spammer", None),
        ("ham and Hamlet", None),
        ("Ham", Some("•••")),
        ("hi :-)", Some("hi •••")),
    ] {
        let expected = becomes.map_or(Judgement::Clean, |text| Judgement::Censored(text.into()));
        assert_eq!(filters.judge(said), expected, "{said}");
    }
}

#[test]
fn the_heaviest_action_counts_and_names_are_judged_too() {
    let filters = filters(&["censor a", "block b", "ban /c[0-9]/"]);

    assert_eq!(filters.judge("a"), Judgement::Censored("•••".into()));
    assert_eq!(filters.judge("a b"), Judgement::Blocked);
    assert_eq!(filters.judge("a b c7"), Judgement::Ban);
    assert_eq!(filters.judge("C7"), Judgement::Clean);
    assert!(!filters.allows_name("a") && !filters.allows_name("b"));
    assert!(filters.allows_name("Anna"));
}

proptest! {
    #[test]
    fn what_is_censored_is_never_sent(before in "\\PC{0,40}", after in "\\PC{0,40}") {
        let filters = filters(&["censor zebra", "censor /q+x/i"]);
        let said = format!("{before} zebra qqX {after}");

        if let Judgement::Censored(text) = filters.judge(&said) {
            prop_assert!(!text.contains(" zebra ") && !text.contains("qqX"), "{}", text);
        } else {
            prop_assert!(false, "nothing was found in {said}");
        }
    }

    #[test]
    fn any_line_and_any_text_are_judged_without_a_panic(line in "(censor|block|ban) (/)?\\PC{0,30}(/|/i)?", text in "\\PC{0,80}") {
        if let Ok(rule) = FilterRule::parse(&line) {
            prop_assert_eq!(FilterRule::parse(&rule.to_string()), Ok(rule.clone()));
            if let Ok(filters) = Filters::compile(&[rule]) {
                filters.judge(&text);
            }
        }
    }
}
