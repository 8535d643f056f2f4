//! Plays a clip over and over in real time, as if an encoder wrote it.
//!
//! Belongs here: the thread that waits until the next fragment is due.
//! Does not belong here: the clip itself (the caller has it), what a clip is (`media/clip.rs`).

use std::time::Duration;

use bytes::Bytes;

use super::{Event, IngestError, IngestThread, thread::Woken};
use crate::{
    clock::{Clock, Tick},
    media::clip::{Clip, Loop},
};

/// How much of the clip counts as played already when it starts, so that viewers can join at once.
const BACKLOG: Duration = Duration::from_secs(10);

/// Plays `clip` (`ftyp`, `moov`, then fragments) until the answer is dropped.
///
/// The first ten seconds come before this returns, with times in the past; then each fragment when
/// it ends, as from an encoder. Decode times go on from loop to loop without a gap.
///
/// # Errors
///
/// The clip is no clip, or there is no thread.
pub fn play(
    clip: impl Into<Bytes>,
    clock: Clock,
    mut sink: impl FnMut(Event, Tick) + Send + 'static,
) -> Result<IngestThread, IngestError> {
    let clip = Clip::parse(&clip.into())?;
    let (init, target) = (clip.init().clone(), clip.target_duration());
    let mut playing = Loop::new(clip, clock.tick(), BACKLOG);
    sink(
        Event::Init {
            init,
            started: None,
        },
        playing.origin(),
    );
    sink(Event::TargetDuration(target), playing.origin());
    // Here and not on the thread: whoever comes first finds the show running.
    catch_up(&mut playing, clock, &mut sink);
    let (bell, sleeper) = IngestThread::bell();
    IngestThread::start("demo", bell, sleeper, move |sleeper| {
        loop {
            let wait = playing.due(clock.tick()).since(clock.tick());
            if sleeper.sleep(wait) == Woken::ToStop {
                return;
            }
            catch_up(&mut playing, clock, &mut sink);
        }
    })
}

/// Hands out everything that is due.
fn catch_up(playing: &mut Loop, clock: Clock, sink: &mut impl FnMut(Event, Tick)) {
    while let Some((fragment, due)) = playing.next(clock.tick()) {
        sink(Event::Fragment(fragment), due);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::media::fragment::sample::{audio_and_video, fragment_bytes};

    /// A clip of fragments of 200 ms, of which each fifth starts with a keyframe.
    fn clip_of(fragments: u64) -> Bytes {
        let media = (0..fragments).map(|n| fragment_bytes(1000 + n * 200, n % 5 == 0));
        std::iter::once(audio_and_video())
            .chain(media)
            .collect::<Vec<_>>()
            .concat()
            .into()
    }

    #[test]
    fn playing_starts_with_a_backlog_and_goes_on_in_real_time_until_it_is_dropped() {
        let clock = Clock::new();
        let (events, received) = mpsc::channel();
        let began = clock.tick();
        let playing = play(clip_of(50), clock, move |event, at| {
            drop(events.send((event, at)));
        })
        .unwrap();

        assert!(matches!(
            received.recv().unwrap().0,
            Event::Init { started: None, .. }
        ));
        assert!(matches!(
            received.recv().unwrap().0,
            Event::TargetDuration(_)
        ));
        let mut arrivals = Vec::new();
        for _ in 0..52 {
            let (event, at) = received.recv().unwrap();
            assert!(matches!(event, Event::Fragment(_)));
            arrivals.push((at, clock.tick()));
        }
        drop(playing);

        let (at, received_at) = arrivals[49];
        assert!(at.since(began) < Duration::from_secs(1));
        assert!(
            received_at.since(began) < Duration::from_millis(150),
            "the backlog is at once"
        );
        for (at, received_at) in &arrivals[50..] {
            let late = received_at.since(*at);
            assert!(
                late < Duration::from_millis(100),
                "{late:?} after it was due"
            );
            assert!(received_at >= at, "early");
        }
        while received.try_recv().is_ok() {}
        assert!(received.recv().is_err(), "the sink is gone with the thread");
    }
}
