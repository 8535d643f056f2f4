use super::*;

#[test]
fn every_default_is_allowed_and_is_written_the_way_it_is_shown() {
    for section in SECTIONS {
        for setting in section.settings {
            let name = format!("{}.{}", section.name, setting.key);
            let value = setting.kind.read(setting.default).expect(&name);
            let written = value.to_string();
            assert_eq!(written.trim_matches('"'), setting.default, "{name}");
        }
    }
}

#[test]
fn every_setting_has_one_sentence() {
    for setting in SECTIONS.iter().flat_map(|section| section.settings) {
        let doc = setting.doc.trim();
        assert!(
            doc.ends_with('.') && !doc.contains(". "),
            "{}: {doc}",
            setting.key
        );
        assert!(
            !doc.contains("  ") && !doc.contains('|'),
            "{}: {doc}",
            setting.key
        );
    }
}

#[test]
fn the_words_of_the_delays_are_those_that_viewers_use() {
    assert_eq!(DELAYS, Delay::ALL.map(Delay::word));
}

#[test]
fn a_single_level_is_for_this_program_only() {
    assert_eq!(
        LogFilter("trace".to_owned()).directives(),
        format!("onionstream=trace,warn,{CHATTER}")
    );
    assert_eq!(
        LogFilter("error".to_owned()).directives(),
        format!("onionstream=error,error,{CHATTER}")
    );
    assert_eq!(
        LogFilter("hyper=debug".to_owned()).directives(),
        "hyper=debug"
    );
}
