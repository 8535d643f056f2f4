//! Words for when nothing comes, for whoever has to make something come.

use std::time::Duration;

use super::{
    super::meter::{EncoderState, Supply},
    Advice, Concern, time,
};

/// How long nothing may come before it is worth a word, if pieces are short.
const SILENCE: Duration = Duration::from_secs(3);

/// That nothing comes, if so, and what to do.
pub(super) fn silence(state: &EncoderState) -> Option<Advice> {
    let words = match state.since_last_fragment {
        None => never(state.supply).to_owned(),
        Some(since)
            if since < SILENCE.max(state.fragment.unwrap_or_default().saturating_mul(2)) =>
        {
            return None;
        }
        Some(since) if state.on_air => format!(
            "Nothing has come from the encoder for {}, and viewers see the slate or a picture that stands \
             still; {}",
            time(since),
            again(state.supply)
        ),
        Some(since) => format!(
            "The encoder has sent nothing for {}, and the show is off the air; {}",
            time(since),
            again(state.supply)
        ),
    };
    Some(Advice {
        concern: Concern::Silence,
        words,
    })
}

/// Before anything has come.
fn never(supply: Supply) -> &'static str {
    match supply {
        Supply::Directory => {
            "Nothing has come from an encoder yet; start one, for example with `ffmpeg/screen.sh`"
        }
        Supply::Own => {
            "Nothing has come from the source yet; if it stays like this, read what ffmpeg said"
        }
        Supply::Feed => {
            "Nothing has come from the feed yet, which can take a minute; if it stays like this, read what \
             ffmpeg said, and see whether the feed is on"
        }
        Supply::Push => {
            "Nothing has come from OBS yet, or whatever else you send with; start the stream there \
             (`onionstream stream-key` prints where it goes)"
        }
    }
}

/// When something came before.
fn again(supply: Supply) -> &'static str {
    match supply {
        Supply::Directory => {
            "see whether the encoder still runs and what it says, or start it again"
        }
        Supply::Own => "if it does not come back by itself, read what ffmpeg said",
        Supply::Feed => {
            "if it does not come back by itself, read what ffmpeg said, and see whether the feed is on"
        }
        Supply::Push => "see whether OBS, or whatever else you send with, still streams",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_to_make_something_come_is_told_what_they_can_do() {
        for (supply, first, later) in [
            (Supply::Directory, "`ffmpeg/screen.sh`", "start it again"),
            (Supply::Own, "what ffmpeg said", "back by itself"),
            (Supply::Feed, "the feed is on", "the feed is on"),
            (Supply::Push, "`onionstream stream-key`", "see whether OBS"),
        ] {
            let mut state = EncoderState {
                supply,
                ..EncoderState::default()
            };
            let said = silence(&state).expect("advice").words;
            assert!(said.contains(first), "{said}");
            assert_eq!(said.contains("screen.sh"), supply == Supply::Directory);

            state.since_last_fragment = Some(Duration::from_secs(7));
            for on_air in [false, true] {
                state.on_air = on_air;
                let said = silence(&state).expect("advice").words;
                assert!(said.contains(later) && said.contains("for 7 s"), "{said}");
                assert_eq!(said.contains("off the air"), !on_air, "{said}");
            }
        }
    }
}
