//! Words about what goes out to viewers.

use super::{
    super::uplink::{Occupancy, Uplink, outgoing::Outgoing},
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
            ": new viewers are offered the sound"
        } else {
            ", and everybody is let in (`playback.admission`)"
        };
        format!(
            "Your connection seems full{}{then}",
            about.unwrap_or_default()
        )
    } else if !outgoing.has_admission {
        return None;
    } else if !uplink.has_room(outgoing.full?, false, 0) {
        match (uplink.ceiling, uplink.capacity) {
            (Some(ceiling), _) if is_at_ceiling(&uplink, outgoing.full?) => format!(
                "What you allow to be sent ({}, `playback.max_upload_kbits`) is taken: new viewers are \
                 offered the sound",
                rate(ceiling)
            ),
            (_, Some(capacity)) => format!(
                "Your connection was full at about {} a while ago, and one more viewer may not fit: new \
                 ones are offered the sound",
                rate(capacity)
            ),
            _ => return None,
        }
    } else {
        return None;
    };
    Some(Advice {
        concern: Concern::Uplink,
        words: format!("{words}{}", less(outgoing).unwrap_or_default()),
    })
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
    use super::*;

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
            "Your connection seems full at about 9 Mbit/s: new viewers are offered the sound. A lower \
             bitrate would let about 22 people watch: `--bitrate 300k`, or `-b:v 300k` if you run the \
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
