//! The life of a feed: looked at, fetched, paced, fetched again.
//!
//! A feed comes in pieces of some seconds, and each is encoded faster than it is played. So it goes
//! through a queue and out at the pace of playing, like files: a viewer notices nothing of the pieces.

use std::{
    io::Read as _,
    process::Stdio,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, SyncSender},
    },
    time::Duration,
};

use super::{ALL_RIGHT, FIRST_PAUSE, LONGEST_PAUSE, Life, Surroundings, encode};
use crate::{
    clock::{Clock, Tick},
    encoder::{
        ask::{Answer, Limits, answer, question},
        command::Plan,
        feed::{self, Feed},
        input::Contents,
        pace::Pace,
        probe::{self, EncoderError, LIST, ffprobe_of, tracks},
        process::{Ended, Task},
    },
    ingest::{Event, Stop},
    media::stream::{Item, SEGMENT},
};

/// Fragments that are encoded ahead, at 200 ms each: two pieces of a usual feed.
pub(super) const AHEAD: usize = 60;

/// Between two looks whether anything can be fetched.
const LOOK: Duration = Duration::from_millis(250);

/// The last complaints come through a pipe of their own, a moment after the end of a process.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// Bytes of ffprobe's answer that are read.
const ANSWER: u64 = 60 * 1024;

/// What goes from the thread that fetches to the one that plays.
pub(super) enum Ahead {
    /// It is there.
    Item(Item),
    /// It has ended.
    Gone,
}

/// Asks whether ffmpeg can do what the plan says, and can be shut off from the network here.
///
/// # Errors
///
/// It cannot, and then nothing may be fetched.
pub(super) fn check(plan: &Plan, feed: &Feed, around: &Surroundings) -> Result<(), EncoderError> {
    probe::check(plan, &around.leash)?;
    let task = Task {
        feed: Some(Feed {
            door: Arc::new(drop),
            ..feed.clone()
        }),
        ..question(&plan.ffmpeg, ["-version"])
    };
    match answer(task, Limits::default(), &around.complaints, &around.leash) {
        Ok(Answer { success: true, .. }) => Ok(()),
        Err(EncoderError::Over) => Err(EncoderError::Over),
        _ => Err(EncoderError::NotShutOff),
    }
}

/// Fetches the feed again and again until the end.
pub(super) fn fetch(
    plan: &Plan,
    feed: &Feed,
    around: &Surroundings,
    life: &Life,
    ahead: &SyncSender<Ahead>,
) {
    let mut pause = FIRST_PAUSE;
    let mut contents = None;
    while wait_until_ready(feed, life) {
        // Of an earlier attempt.
        drop(feed.trouble.take());
        let begun = around.clock.tick();
        let (mut has_come, mut ended) = (false, None);
        if contents.is_none() {
            contents = look(plan, feed, around, life);
        }
        if let Some(contents) = contents {
            let plan = plan.of_feed(feed, contents);
            let task = Task {
                feed: Some(feed.clone()),
                ..Task::of(&plan)
            };
            ended = Some(encode(task, around, life, &mut |item| {
                has_come |= matches!(item, Item::Fragment(_));
                ahead.send(Ahead::Item(item)).is_ok()
            }));
        }
        if has_come && ahead.send(Ahead::Gone).is_err() {
            return;
        }
        life.sleep(LAST_WORDS);
        if life.is_over() {
            return;
        }
        let lasted = around.clock.tick().since(begun) >= ALL_RIGHT;
        if has_come && (lasted || matches!(ended, Some(Ended::Well))) {
            pause = FIRST_PAUSE;
        }
        if !has_come {
            // It may have other tracks by the time it can be played.
            contents = None;
        }
        let why = why(ended.as_ref(), feed, plan, has_come, around);
        tracing::warn!("{why}; it is asked for again in {} s", pause.as_secs_f64());
        around.complaints.note(why.as_bytes());
        life.sleep(pause);
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Waits until something can be fetched; says whether the show goes on.
fn wait_until_ready(feed: &Feed, life: &Life) -> bool {
    let mut has_been_told = false;
    while !life.is_over() && !(feed.is_ready)() {
        if !has_been_told {
            tracing::info!("the feed is fetched as soon as Tor is connected");
            has_been_told = true;
        }
        life.sleep(LOOK);
    }
    !life.is_over()
}

/// What the feed holds, as ffprobe sees it; `None` if there is nothing to be used.
fn look(plan: &Plan, feed: &Feed, around: &Surroundings, life: &Life) -> Option<Contents> {
    let mut arguments: Vec<_> = ["-v", "warning"].map(Into::into).into();
    arguments.extend(LIST.map(Into::into));
    arguments.extend(feed::arguments(&feed.address, feed.is_tls));
    let task = Task {
        ffmpeg: ffprobe_of(&plan.ffmpeg),
        arguments,
        input: Stdio::null(),
        patience: Some(feed::STUCK),
        feed: Some(feed.clone()),
    };
    let output = match life.start(task, around) {
        Ok(output) => output?,
        Err(cause) => {
            feed.trouble
                .note(format!("ffprobe cannot be started ({cause})"));
            return None;
        }
    };
    let mut words = Vec::new();
    // What was read until an error is as good as what can be had.
    drop(output.take(ANSWER).read_to_end(&mut words));
    drop(life.reap());
    let contents = tracks(&String::from_utf8_lossy(&words));
    let is_enough = contents.audio || (contents.video && plan.preset.has_video());
    if contents.video && !is_enough {
        feed.trouble.note(
            "it has no sound, and the preset `audio` sends nothing else; choose another with \
             `--preset`"
                .to_owned(),
        );
    }
    is_enough.then_some(contents)
}

/// What happened, in a sentence.
fn why(
    ended: Option<&Ended>,
    feed: &Feed,
    plan: &Plan,
    has_come: bool,
    around: &Surroundings,
) -> String {
    let start = if has_come {
        "the feed has broken off"
    } else {
        "the feed cannot be played"
    };
    if let Some(trouble) = feed.trouble.take() {
        return format!("{start}: {trouble}");
    }
    match ended {
        Some(Ended::Well) if has_come => return "the feed has ended".to_owned(),
        Some(Ended::NotStarted(cause)) => {
            return format!("`{}` cannot be started ({cause})", plan.ffmpeg.display());
        }
        _ => {}
    }
    let complaints = around.complaints.all();
    // Lines before our own last sentence are of an earlier attempt.
    let fresh = complaints
        .rsplit(|line| line.starts_with("the feed "))
        .next()
        .unwrap_or_default();
    match (feed::meaning(fresh), fresh.last()) {
        (Some(meaning), _) => format!("{start}: {meaning}"),
        (None, Some(line)) => format!("{start}; ffmpeg said: {line}"),
        (None, None) if has_come => start.to_owned(),
        (None, None) => format!("{start}: there is neither a picture nor sound in it"),
    }
}

/// Hands out what was fetched when it is due.
pub(super) fn play(
    due: &Receiver<Ahead>,
    clock: Clock,
    life: &Life,
    mut sink: impl FnMut(Event, Tick) + Send,
) {
    let mut pace = Pace::of_feed();
    while !life.is_over() {
        match due.recv_timeout(LOOK) {
            Ok(Ahead::Item(Item::Init(init))) => {
                pace = Pace::of_feed();
                let now = clock.tick();
                let started = None;
                sink(Event::Init { init, started }, now);
                sink(Event::TargetDuration(SEGMENT), now);
            }
            Ok(Ahead::Item(Item::Fragment(fragment))) => {
                let (placed, due) = pace.place(&fragment, clock.tick());
                life.sleep(due.since(clock.tick()));
                if !life.is_over() {
                    sink(Event::Fragment(placed), clock.tick());
                }
            }
            Ok(Ahead::Gone) => sink(Event::Stopped(Stop::EncoderGone), clock.tick()),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}
