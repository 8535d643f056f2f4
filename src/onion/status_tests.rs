use super::*;

fn progress(bootstrap: Bootstrap, service: Service) -> Progress {
    Progress {
        bootstrap,
        service,
        ..Progress::default()
    }
}

#[test]
fn the_stage_goes_from_bootstrapping_over_publishing_to_reachable_and_says_when_it_falls_back() {
    let mut progress = progress(
        Bootstrap {
            percent: 40,
            doing: "fetching".to_owned(),
            ..Bootstrap::default()
        },
        Service::default(),
    );
    assert_eq!(
        progress.stage(),
        Stage::Bootstrapping {
            percent: 40,
            doing: "fetching".to_owned(),
            blocked: None
        }
    );

    progress.bootstrap.ready = true;
    assert_eq!(progress.stage(), Stage::Publishing { problem: None });

    progress.service.reachable = true;
    assert_eq!(progress.stage(), Stage::Reachable);

    progress.service = Service {
        reachable: false,
        lost: true,
        problem: Some("no relays"),
    };
    assert_eq!(
        progress.stage(),
        Stage::Unreachable {
            problem: "no relays".to_owned()
        }
    );

    progress.service.reachable = true;
    assert_eq!(progress.stage(), Stage::Reachable);
}

#[test]
fn a_lost_network_is_a_better_explanation_than_what_follows_from_it() {
    let mut progress = progress(
        Bootstrap::default(),
        Service {
            reachable: true,
            ..Service::default()
        },
    );
    assert_eq!(progress.stage(), Stage::Reachable);

    progress.service = Service {
        reachable: false,
        lost: true,
        problem: Some("no relays"),
    };
    progress.bootstrap.blocked = Some("offline".to_owned());

    assert_eq!(
        progress.stage(),
        Stage::Unreachable {
            problem: "offline".to_owned()
        }
    );
}

#[test]
fn a_failed_attempt_is_shown_until_the_next_one_succeeds() {
    let mut progress = Progress::default();
    progress.bootstrap_failed(Some(ErrorKind::ClockSkew));
    let Stage::Bootstrapping {
        blocked: Some(why), ..
    } = progress.stage()
    else {
        panic!("not blocked")
    };
    assert!(why.contains("clock"), "{why}");

    progress.bootstrap_failed(None);

    assert!(matches!(
        progress.stage(),
        Stage::Bootstrapping { blocked: None, .. }
    ));
}

#[test]
fn publishing_that_takes_long_is_explained_by_a_clock_that_was_set_back() {
    let ready = Bootstrap {
        ready: true,
        ..Bootstrap::default()
    };
    let mut progress = Progress {
        bootstrap: ready,
        ..Progress::new(Some(Duration::from_hours(1)))
    };
    assert_eq!(progress.stage(), Stage::Publishing { problem: None });

    assert!(progress.is_under_way());
    progress.nothing_heard();
    assert!(!progress.is_under_way(), "once is enough");
    let told = |progress: &mut Progress| match progress.stage() {
        Stage::Publishing { problem } => problem.expect("a problem"),
        other => panic!("{other:?}"),
    };
    assert!(told(&mut progress).contains("went back by 1 h"));
    progress.service.problem = Some("no relays");
    assert!(told(&mut progress).contains("went back by 1 h"));
    progress.behind = None;
    assert_eq!(told(&mut progress), "no relays");
    progress.service.problem = None;
    assert_eq!(told(&mut progress), SLOW);
    progress.service.reachable = true;
    assert_eq!(progress.stage(), Stage::Reachable);
    assert!(!progress.is_under_way());
}

#[test]
fn renewing_the_entry_in_the_network_does_not_make_a_service_unreachable() {
    let reachable = Service {
        reachable: true,
        ..Service::default()
    };
    let mut progress = progress(Bootstrap::default(), reachable);
    assert_eq!(progress.stage(), Stage::Reachable);

    progress.service = Service {
        reachable: false,
        lost: false,
        problem: None,
    };

    assert_eq!(progress.stage(), Stage::Reachable);
}

#[test]
fn silence_is_explained_as_long_as_nothing_better_is_known() {
    let mut progress = Progress::default();
    progress.nothing_heard();
    let Stage::Bootstrapping {
        blocked: Some(why), ..
    } = progress.stage()
    else {
        panic!("not blocked")
    };
    assert!(why.starts_with("no relay has answered"), "{why}");

    progress.bootstrap.blocked = Some("offline".to_owned());

    let Stage::Bootstrapping { blocked, .. } = progress.stage() else {
        panic!("not bootstrapping")
    };
    assert_eq!(blocked.as_deref(), Some("offline"));
}

#[test]
fn the_texts_of_arti_become_words_without_jargon() {
    for (theirs, ours) in [
        (
            "0%: connecting to the internet; not downloading",
            "connecting to a first relay",
        ),
        (
            "7%: handshaking with Tor relays; directory is fetching a consensus",
            "agreeing on encryption with a first relay",
        ),
        (
            "15%: connecting successfully; directory is fetching a consensus",
            "fetching the list of relays",
        ),
        (
            "40%: connecting successfully; directory is fetching authority certificates (3/9)",
            "checking the signatures on the list of relays",
        ),
        (
            "60%: connecting successfully; directory is fetching microdescriptors (5/8000)",
            "fetching the descriptions of the relays",
        ),
        ("words of a later version", "connecting to the Tor network"),
    ] {
        assert_eq!(doing(theirs), ours, "{theirs}");
    }
}

#[test]
fn a_wrong_clock_is_named_with_the_difference_when_arti_has_measured_it() {
    let text = "Stuck at 15%: Clock is skewed. (…). \
                Clock is slow by around 3h 2m (based on 7 recent observations, with high confidence)";

    assert_eq!(
        blocked(&BlockageKind::CantBootstrap, text, 15),
        "the clock of this computer seems to be slow by around 3h 2m; set it right, Tor needs it"
    );
    assert!(blocked(&BlockageKind::ClockSkewed, "Clock is skewed.", 8).contains("clock"));
    assert!(blocked(&BlockageKind::Offline, "", 0).contains("offline"));
    assert_eq!(blocked(&BlockageKind::CantBootstrap, "", 0), NO_ANSWER);
}

#[test]
fn a_fraction_outside_the_range_stays_a_percentage() {
    for (fraction, expected) in [
        (-1.0, 0),
        (0.0, 0),
        (0.504, 50),
        (1.0, 100),
        (7.0, 100),
        (f32::NAN, 0),
    ] {
        assert_eq!(percent(fraction), expected);
    }
}

#[test]
fn the_debug_form_of_a_status_hides_the_address() {
    let home = tempfile::tempdir().unwrap();
    let address = crate::onion::identity::Identity::open(&home.path().join("keys"))
        .unwrap()
        .address();
    let status = Status {
        address: Some(address.clone()),
        stage: Stage::Reachable,
    };

    assert!(!format!("{status:?}").contains(address.as_str().trim_end_matches(".onion")));
}
