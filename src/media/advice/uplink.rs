//! Words about what goes out to viewers.

use super::{
    super::uplink::{
        Occupancy, Uplink,
        outgoing::{Offered, Outgoing},
    },
    Advice, Concern, rate,
};

/// A picture with less than this is hardly worth watching, in bits per second.
const LEAST_PICTURE: u64 = 150_000;

/// Bitrates are advised in steps of this.
const STEP: u64 = 50_000;

/// Of the rate of the picture that is too much, so much is advised, in percent.
const LESS: u64 = 60;

/// What goes out, in one sentence without a full stop; nothing while nobody takes anything.
pub fn outgoing(outgoing: &Outgoing) -> Option<String> {
    let Uplink {
        delivered,
        viewers,
        lagging,
        ..
    } = outgoing.uplink;
    if viewers == 0 {
        return None;
    }
    let behind = match lagging {
        0 => String::new(),
        1 => "; 1 of them is behind".to_owned(),
        lagging => format!("; {lagging} of them are behind"),
    };
    let people = people(viewers as u64);
    Some(format!("{} to {people}{behind}", rate(delivered)))
}

/// What to do when the connection is full; nothing if it is not.
pub fn fullness(outgoing: &Outgoing) -> Option<Advice> {
    let uplink = outgoing.uplink;
    let words = if uplink.occupancy == Occupancy::Full {
        let about = uplink
            .capacity
            .map(|capacity| format!(" at about {}", rate(capacity)));
        let then = if outgoing.has_admission {
            format!(": {}", newcomers(outgoing))
        } else {
            ", and everybody is let in (`playback.admission`)".to_owned()
        };
        format!(
            "Your connection seems full{}{then}",
            about.unwrap_or_default()
        )
    } else if !outgoing.has_admission || outgoing.offered.as_ref()?.source {
        return None;
    } else {
        match (uplink.ceiling, uplink.capacity) {
            (_, Some(capacity)) if !is_at_ceiling(&uplink, outgoing.full?) => format!(
                "Your connection was full at about {} a while ago, and one more viewer may not fit: {}",
                rate(capacity),
                newcomers(outgoing)
            ),
            (Some(ceiling), _) => format!(
                "What you allow to be sent ({}, `playback.max_upload_kbits`) is taken: {}",
                rate(ceiling),
                newcomers(outgoing)
            ),
            _ => return None,
        }
    };
    Some(Advice {
        concern: Concern::Uplink,
        words: format!("{words}{}", less(outgoing).unwrap_or_default()),
    })
}

/// What becomes of people who come now.
fn newcomers(outgoing: &Outgoing) -> String {
    let Offered {
        source,
        variants,
        sound,
    } = outgoing.offered.clone().unwrap_or_default();
    let names: Vec<_> = variants.iter().map(|name| format!("`{name}`")).collect();
    let smaller = match &*names {
        [] => None,
        [name] => Some(format!("the smaller quality {name}")),
        names => Some(format!("the smaller qualities {}", names.join(", "))),
    };
    match (source, smaller, sound) {
        (true, ..) => "there is still room for new viewers".to_owned(),
        (_, Some(smaller), true) => format!("new viewers are offered {smaller} or only the sound"),
        (_, Some(smaller), false) => format!("new viewers are offered {smaller}"),
        (_, None, true) => "new viewers are offered only the sound".to_owned(),
        (_, None, false) => "new viewers are asked to wait".to_owned(),
    }
}

fn is_at_ceiling(uplink: &Uplink, more: u64) -> bool {
    let ceiling_alone = Uplink {
        capacity: None,
        ..*uplink
    };
    !ceiling_alone.has_room(more, false, 0)
}

/// What a lower bitrate would bring, with the words before it.
fn less(outgoing: &Outgoing) -> Option<String> {
    let (full, sound) = (outgoing.full?, outgoing.sound.unwrap_or_default());
    let picture = full.checked_sub(sound)?;
    let wanted = picture / 100 * LESS / STEP * STEP;
    let wanted = wanted.max(LEAST_PICTURE);
    if wanted >= picture {
        return None;
    }
    let each = wanted.saturating_add(sound);
    let (now, then) = (
        outgoing.uplink.most()? / full.max(1),
        outgoing.uplink.most()? / each,
    );
    (then > now && then > 0).then(|| {
        let flag = wanted / 1_000;
        format!(
            ". A lower bitrate would let about {} watch: `--bitrate {flag}k`, or `-b:v {flag}k` if you run \
             the encoder yourself",
            people(then)
        )
    })
}

fn people(count: u64) -> String {
    match count {
        1 => "1 person".to_owned(),
        count => format!("{count} people"),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::super::variant::VariantName, *};

    fn full_at(capacity: u64) -> Outgoing {
        Outgoing {
            uplink: Uplink {
                delivered: 8_700_000,
                demand: 10_400_000,
                admitted: 10_400_000,
                viewers: 18,
                lagging: 12,
                occupancy: Occupancy::Full,
                capacity: Some(capacity),
                ..Uplink::default()
            },
            full: Some(580_000),
            sound: Some(64_000),
            has_admission: true,
            offered: Some(only_sound()),
        }
    }

    fn only_sound() -> Offered {
        Offered {
            sound: true,
            ..Offered::default()
        }
    }

    #[test]
    fn what_goes_out_is_one_sentence() {
        assert_eq!(outgoing(&Outgoing::default()), None);
        let mut all = full_at(9_000_000);
        for (lagging, words) in [
            (0, "8.7 Mbit/s to 18 people"),
            (1, "8.7 Mbit/s to 18 people; 1 of them is behind"),
            (2, "8.7 Mbit/s to 18 people; 2 of them are behind"),
        ] {
            all.uplink.lagging = lagging;
            assert_eq!(outgoing(&all).as_deref(), Some(words));
        }
    }

    #[test]
    fn a_full_connection_comes_with_a_bitrate_that_lets_more_people_watch() {
        let words = fullness(&full_at(9_000_000)).expect("advice").words;
        // 60 % of 516 kbit/s, and 8.1 Mbit/s through 364 kbit/s.
        assert_eq!(
            words,
            "Your connection seems full at about 9 Mbit/s: new viewers are offered only the sound. A \
             lower bitrate would let about 22 people watch: `--bitrate 300k`, or `-b:v 300k` if you run the \
             encoder yourself"
        );
        let mut thin = full_at(9_000_000);
        thin.full = Some(200_000);
        let words = fullness(&thin).expect("advice").words;
        assert!(!words.contains("bitrate"), "it is low already: {words}");
        thin.full = None;
        assert!(fullness(&thin).is_some());
        thin.has_admission = false;
        let words = fullness(&thin).expect("advice").words;
        assert!(
            words.ends_with("everybody is let in (`playback.admission`)"),
            "{words}"
        );
    }

    #[test]
    fn what_the_broadcaster_allowed_and_what_was_measured_are_told_apart() {
        let mut calm = full_at(1_000_000);
        calm.uplink.occupancy = Occupancy::Free;
        let words = fullness(&calm).expect("advice").words;
        assert!(
            words.contains("was full at about 1 Mbit/s a while ago"),
            "{words}"
        );
        calm.uplink.ceiling = Some(2_000_000);
        let words = fullness(&calm).expect("advice").words;
        assert!(
            words.contains("(2 Mbit/s, `playback.max_upload_kbits`)"),
            "{words}"
        );

        calm.offered = Some(Offered {
            source: true,
            ..only_sound()
        });
        calm.uplink = Uplink {
            admitted: 600_000,
            viewers: 1,
            ceiling: Some(20_000_000),
            ..Uplink::default()
        };
        assert_eq!(fullness(&calm), None);
        assert_eq!(fullness(&Outgoing::default()), None);
    }

    #[test]
    fn what_is_really_offered_is_said() {
        let low = VariantName::parse("low").expect("a name");
        let mid = VariantName::parse("mid").expect("a name");
        for (offered, words) in [
            (only_sound(), ": new viewers are offered only the sound"),
            (
                Offered {
                    variants: vec![low],
                    ..only_sound()
                },
                ": new viewers are offered the smaller quality `low` or only the sound",
            ),
            (
                Offered {
                    variants: vec![low, mid],
                    ..Offered::default()
                },
                ": new viewers are offered the smaller qualities `low`, `mid`",
            ),
            (Offered::default(), ": new viewers are asked to wait"),
        ] {
            let mut all = full_at(1_000_000);
            all.offered = Some(offered);
            for (occupancy, ceiling) in [
                (Occupancy::Full, None),
                (Occupancy::Free, None),
                (Occupancy::Free, Some(2_000_000)),
            ] {
                (all.uplink.occupancy, all.uplink.ceiling) = (occupancy, ceiling);
                let said = fullness(&all).expect("advice").words;
                assert!(said.contains(words), "{said}");
            }
        }
    }

    #[test]
    fn no_numbers_make_it_panic() {
        for number in [0, 1, 100, u64::MAX] {
            let mut all = full_at(number);
            all.full = Some(number);
            all.sound = Some(number);
            for occupancy in [Occupancy::Free, Occupancy::Full] {
                all.uplink.occupancy = occupancy;
                let _words = fullness(&all);
            }
        }
    }
}
