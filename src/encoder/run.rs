//! The life of the encoder: started, read, started again, ended.
//!
//! Belongs here: the process and the threads round it. Does not belong here: what it is told
//! (`command.rs`), when fragments of files are due (`pace.rs`).

mod feed;
mod life;
mod queue;
mod remux;
mod standby;

use std::{
    io::{self, Read as _},
    path::PathBuf,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread::Builder,
    time::Duration,
};

pub use self::{
    life::EncoderThread,
    queue::{check_files, plans},
    remux::{Remux, lower, remux},
    standby::{Slates, slates},
};
use self::{life::Life, queue::Queue};
use super::{
    ask::Leash,
    command::Plan,
    complaints::Complaints,
    feed::Feed,
    pace::Pace,
    probe::{self, EncoderError},
    process::{Ended, Task},
};
use crate::{
    clock::{Clock, Steps, Tick},
    ingest::{Event, Stop},
    media::stream::{Item, SEGMENT, StreamReader},
};

/// What is to be encoded.
#[derive(Debug, Clone)]
pub enum Job {
    /// What happens now, until the show ends.
    Live(Plan),
    /// Files, one after the other.
    Files {
        /// How each is encoded; its input is put in.
        plan: Plan,
        /// A file, or a directory whose files are played by name.
        path: PathBuf,
        /// Again from the beginning, for ever.
        again: bool,
    },
    /// A feed, whenever it is there, until the show ends.
    Feed {
        /// How it is encoded; its input is put in.
        plan: Plan,
        /// Where it comes from.
        feed: Feed,
    },
}

impl Job {
    /// How it is encoded.
    pub fn plan(&self) -> &Plan {
        match self {
            Self::Live(plan) | Self::Files { plan, .. } | Self::Feed { plan, .. } => plan,
        }
    }
}

/// What the encoder needs to know besides its job.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// What ffmpeg is started with, and what ends questions to it at the latest.
    pub leash: Leash,
    /// Longest accepted fragment, in bytes.
    pub max_fragment_bytes: u64,
    /// Where complaints go.
    pub complaints: Complaints,
    /// For times.
    pub clock: Clock,
}

/// The first pause before an encoder is started again; doubled each time up to [`LONGEST_PAUSE`].
///
/// Short, so that with the time that ffmpeg takes to start it stays within what a viewer with the
/// low delay has in reserve.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// The longest pause before an encoder is started again.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// An encoder that ran for this long was all right: the next pause is the first one again. One that
/// cannot work ends sooner, and one that viewers have seen must not be waited for.
const ALL_RIGHT: Duration = Duration::from_secs(10);

/// Between two looks whether an encoder is stuck or the date jumped. With the first pause and the start
/// of ffmpeg, what viewers miss stays below what the low delay has in reserve.
const WATCH: Duration = Duration::from_millis(250);

/// Fragments of files that are encoded ahead, at 200 ms each; the next file is opened this early.
const AHEAD: usize = 20;

/// Broken files in a row that cost no pause: looking into so many takes less than what is encoded ahead.
const PASSED_OVER: u32 = 10;

/// Checks the job and starts it on threads of its own. What comes goes to `sink`.
///
/// # Errors
///
/// The job cannot work; see [`EncoderError`].
pub fn run(
    job: Job,
    around: Surroundings,
    sink: impl FnMut(Event, Tick) + Send + 'static,
) -> Result<EncoderThread, EncoderError> {
    let life = Arc::new(Life::default());
    let mut threads = Vec::new();
    let mut start = |name: &str, work: Box<dyn FnOnce() + Send>| {
        let thread = Builder::new().name(name.to_owned()).spawn(work);
        thread
            .map(|thread| threads.push(thread))
            .map_err(EncoderError::Thread)
    };
    match job {
        Job::Live(plan) => {
            probe::check(&plan, &around.leash)?;
            let (reading, clock) = (Arc::clone(&life), around.clock);
            let goes_by_date = plan.input.goes_by_date();
            start(
                "encoder",
                Box::new(move || live(&plan, &around, &reading, sink)),
            )?;
            let watching = Arc::clone(&life);
            start(
                "encoder watch",
                Box::new(move || watch(&watching, clock, goes_by_date)),
            )?;
        }
        Job::Files { plan, path, again } => {
            probe::check(&plan, &around.leash)?;
            let queue = Queue::open(&plan, path, again, &around.leash)?;
            let (ahead, due) = sync_channel(AHEAD);
            let clock = around.clock;
            let reading = Arc::clone(&life);
            start(
                "encoder",
                Box::new(move || files(queue, &plan, &around, &reading, &ahead)),
            )?;
            let playing = Arc::clone(&life);
            start("pace", Box::new(move || play(&due, clock, &playing, sink)))?;
        }
        Job::Feed { plan, feed } => {
            feed::check(&plan, &feed, &around)?;
            let (ahead, due) = sync_channel(feed::AHEAD);
            let clock = around.clock;
            let reading = Arc::clone(&life);
            start(
                "encoder",
                Box::new(move || feed::fetch(&plan, &feed, &around, &reading, &ahead)),
            )?;
            let watching = Arc::clone(&life);
            start(
                "encoder watch",
                Box::new(move || watch(&watching, clock, false)),
            )?;
            let playing = Arc::clone(&life);
            let play = move || feed::play(&due, clock, &playing, sink);
            start("pace", Box::new(play))?;
        }
    }
    Ok(EncoderThread { life, threads })
}

/// Runs one encoder after the other until the end.
fn live(plan: &Plan, around: &Surroundings, life: &Life, mut sink: impl FnMut(Event, Tick) + Send) {
    let mut pause = FIRST_PAUSE;
    while !life.is_over() {
        let begun = around.clock.tick();
        let ended = encode(Task::of(plan), around, life, &mut |item| {
            let now = around.clock.tick();
            match item {
                Item::Init(init) => {
                    sink(
                        Event::Init {
                            init,
                            started: None,
                        },
                        now,
                    );
                    sink(Event::TargetDuration(SEGMENT), now);
                }
                Item::Fragment(fragment) => sink(Event::Fragment(fragment), now),
            }
            true
        });
        if life.is_over() {
            return;
        }
        let now = around.clock.tick();
        sink(Event::Stopped(Stop::EncoderGone), now);
        if now.since(begun) >= ALL_RIGHT {
            pause = FIRST_PAUSE;
        }
        tracing::warn!(
            "the encoder {}; it is started again in {} s{}",
            ended.words(),
            pause.as_secs_f64(),
            last_words(&around.complaints)
        );
        life.sleep(pause);
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Ends an encoder that is stuck, or that will be because the date jumped and it goes by that; the
/// thread that reads from it starts another.
fn watch(life: &Life, clock: Clock, goes_by_date: bool) {
    let mut steps = Steps::default();
    while !life.is_over() {
        life.sleep(WATCH);
        if let Some(step) = steps.look(clock.both()).filter(|_| goes_by_date) {
            tracing::warn!(
                "the clock of this computer went {step}, and the encoder goes by it: the encoder is \
                 started again"
            );
            life.kill();
        }
        let mut current = life.lock();
        let patience = current.patience;
        let is_stuck = current
            .heard
            .is_some_and(|heard| clock.tick().since(heard) > patience);
        if is_stuck {
            tracing::warn!(
                "the encoder has written nothing for {} s",
                patience.as_secs()
            );
            current.heard = None;
            if let Some(process) = &current.process {
                process.kill();
            }
        }
    }
}

/// What goes from the thread that encodes files to the one that plays them.
enum Ahead {
    File,
    Item(Item),
}

/// Encodes one file after the other, as far ahead as `ahead` takes.
fn files(
    mut queue: Queue,
    plan: &Plan,
    around: &Surroundings,
    life: &Life,
    ahead: &SyncSender<Ahead>,
) {
    let leash = around.leash.and(&life.ended);
    let mut pause = FIRST_PAUSE;
    let mut in_a_row = 0;
    while let Some(path) = queue.next() {
        if life.is_over() || ahead.send(Ahead::File).is_err() {
            return;
        }
        let mut has_come = false;
        let outcome = probe::contents(&plan.ffmpeg, &path, &leash).map(|contents| {
            let plan = plan.of_file(&path, contents);
            encode(Task::of(&plan), around, life, &mut |item| {
                has_come |= matches!(item, Item::Fragment(_));
                ahead.send(Ahead::Item(item)).is_ok()
            })
        });
        if life.is_over() {
            return;
        }
        match outcome {
            Ok(Ended::Well) if has_come => {}
            Ok(ended) => tracing::warn!(
                "`{}`: the encoder {}; on with the next{}",
                path.display(),
                ended.words(),
                last_words(&around.complaints)
            ),
            Err(error) => tracing::warn!("{error}; on with the next"),
        }
        if has_come {
            (in_a_row, pause) = (0, FIRST_PAUSE);
            continue;
        }
        in_a_row += 1;
        if in_a_row > PASSED_OVER {
            // Nothing but broken files must not become a loop that never rests.
            life.sleep(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
    tracing::info!("everything was played");
}

/// Hands out fragments of files when they are due.
fn play(
    due: &Receiver<Ahead>,
    clock: Clock,
    life: &Life,
    mut sink: impl FnMut(Event, Tick) + Send,
) {
    let mut pace = Pace::default();
    let mut current = None;
    loop {
        let item = match due.recv_timeout(Duration::from_millis(100)) {
            Ok(Ahead::File) => {
                pace.begin();
                continue;
            }
            Ok(Ahead::Item(item)) => item,
            Err(RecvTimeoutError::Timeout) if !life.is_over() => continue,
            Err(_) => break,
        };
        match item {
            // The same tracks as before: for viewers it is one broadcast.
            Item::Init(init) if current.as_ref() == Some(&init) => {}
            Item::Init(init) => {
                current = Some(init.clone());
                let now = clock.tick();
                sink(
                    Event::Init {
                        init,
                        started: None,
                    },
                    now,
                );
                sink(Event::TargetDuration(SEGMENT), now);
            }
            Item::Fragment(fragment) => {
                let (placed, due) = pace.place(&fragment, clock.tick());
                life.sleep(due.since(clock.tick()));
                if life.is_over() {
                    return;
                }
                sink(Event::Fragment(placed), clock.tick());
            }
        }
    }
    sink(Event::Stopped(Stop::EndList), clock.tick());
}

/// Runs one encoder to its end. `each` says whether to go on.
fn encode(
    task: Task,
    around: &Surroundings,
    life: &Life,
    each: &mut dyn FnMut(Item) -> bool,
) -> Ended {
    let is_live = task.patience.is_some();
    let mut output = match life.start(task, around) {
        Ok(Some(output)) => output,
        Ok(None) => return Ended::Killed,
        Err(cause) => return Ended::NotStarted(cause),
    };
    let mut reader = StreamReader::new(around.max_fragment_bytes);
    let mut buffer = vec![0; 64 * 1024];
    let mut broken = None;
    'reading: loop {
        let count = match output.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => break,
        };
        if is_live {
            life.lock().heard = Some(around.clock.tick());
        }
        reader.push(buffer.get(..count).unwrap_or_default());
        loop {
            match reader.next_item() {
                Ok(Some(item)) => {
                    if !each(item) {
                        break 'reading;
                    }
                }
                Ok(None) => break,
                Err(error) => {
                    broken = Some(error);
                    break 'reading;
                }
            }
        }
    }
    // An encoder whose output nobody reads ends by itself.
    drop(output);
    let ended = life.reap();
    broken.map_or(ended, Ended::Broken)
}

fn last_words(complaints: &Complaints) -> String {
    complaints
        .last()
        .map(|words| format!("; it said: {words}"))
        .unwrap_or_default()
}
