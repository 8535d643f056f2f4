//! Following the broadcast: one recording for each run, from the newest keyframe on.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{
    Recordings,
    tape::{Piece, Tape, TapeError},
};
use crate::{
    live::video::{VideoHandle, Viewing},
    media::{
        fragment::{Fragment, TimeShift},
        init::InitSegment,
        rendition::Rendition,
    },
};

/// How often the directory is looked at for what is too old.
const LOOK_EVERY: Duration = Duration::from_hours(1);

impl Recordings {
    /// Records whenever it is wanted and the show is on the air, until `closing`. `title` says what
    /// the show is called.
    pub async fn follow(
        self,
        video: VideoHandle,
        title: impl Fn() -> String + Send,
        closing: CancellationToken,
    ) {
        // Beside it: to read a long recording takes a while, and the show may have begun.
        let shared = Arc::clone(&self.shared);
        drop(tokio::task::spawn_blocking(move || shared.check()));
        let mut wanted = self.shared.wanted.subscribe();
        let mut air = video.air();
        let mut looks = tokio::time::interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            // Before looking, so that nothing after the look is missed.
            let is_wanted = *wanted.borrow_and_update();
            air.borrow_and_update();
            if is_wanted && let Some(viewing) = video.join(Rendition::Full, Duration::ZERO, None) {
                if let Err(error) = self.record(viewing, title(), &mut wanted, &closing).await {
                    self.shared.failed(error.to_string());
                }
                if closing.is_cancelled() {
                    return;
                }
                continue;
            }
            let has_changed = tokio::select! {
                () = closing.cancelled() => return,
                changed = wanted.changed() => changed.is_ok(),
                changed = air.changed() => changed.is_ok(),
                _ = looks.tick() => {
                    self.on_disk(Self::look).await;
                    true
                }
            };
            if !has_changed {
                return;
            }
        }
    }

    /// Records one run, or as much of it as is wanted.
    async fn record(
        &self,
        mut viewing: Viewing,
        title: String,
        wanted: &mut watch::Receiver<bool>,
        closing: &CancellationToken,
    ) -> Result<(), TapeError> {
        let Some(run) = viewing.next().await.and_then(Run::of) else {
            return Ok(());
        };
        let mut run = run;
        let init = run.init.bytes().clone();
        let begun = self
            .on_disk(move |recordings| Tape::begin(&recordings.shared, &init, title))
            .await;
        let Some(begun) = begun else { return Ok(()) };
        let mut tape = begun?;
        let name = tape.name;
        tracing::info!("recording into `{}`", name.file());
        let failure = loop {
            tokio::select! {
                () = closing.cancelled() => break None,
                _changed = wanted.changed() => {
                    if !*wanted.borrow_and_update() {
                        break None;
                    }
                }
                ended = tape.ended() => {
                    self.ended(name).await;
                    return ended;
                }
                bytes = viewing.next() => {
                    let Some(bytes) = bytes else { break None };
                    if let Some(piece) = run.next(bytes)
                        && let Err(error) = tape.push(piece)
                    {
                        break Some(error);
                    }
                }
            }
        };
        if let Some(error) = failure {
            // Said now: a disk that is too slow may never end the file.
            self.shared.failed(error.to_string());
        }
        // Its reason, if there is one, explains more than that the queue is full.
        let ended = tape.end().await;
        self.ended(name).await;
        tracing::info!("recorded `{}`", name.file());
        ended
    }

    async fn ended(&self, name: crate::media::recording::RecordingName) {
        self.on_disk(move |recordings| recordings.shared.ended(name))
            .await;
    }

    /// Runs what waits for the disk elsewhere; `None` when the program ends.
    pub async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> Option<T> {
        let recordings = self.clone();
        tokio::task::spawn_blocking(move || work(&recordings))
            .await
            .ok()
    }
}

/// What turns the fragments of a run into those of a file that begins at zero.
#[derive(Debug)]
struct Run {
    init: InitSegment,
    /// From the first fragment on.
    shift: Option<TimeShift>,
    length: Duration,
}

impl Run {
    /// `None` for bytes that viewers would not get either.
    fn of(init: Bytes) -> Option<Self> {
        let init = InitSegment::parse(init).ok()?;
        Some(Self {
            init,
            shift: None,
            length: Duration::ZERO,
        })
    }

    /// The next fragment as it is written.
    fn next(&mut self, bytes: Bytes) -> Option<Piece> {
        let fragment = Fragment::parse(bytes, &self.init).ok()?;
        let shift = *self
            .shift
            .get_or_insert(TimeShift::between(fragment.start(), Duration::ZERO));
        let fragment = fragment.shifted(shift);
        self.length = self.length.max(fragment.end());
        Some(Piece {
            bytes: fragment.bytes().clone(),
            start: fragment.starts_with_keyframe().then(|| fragment.start()),
            length: self.length,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

    use super::*;
    use crate::{
        clock::Clock,
        media::{
            boxes::MAX_FRAGMENT_BYTES,
            broadcast::STOP_GRACE,
            fragment::sample,
            recording::{Recording, Stage},
            stream::{Item, StreamReader},
            timeline::Limits,
        },
        recording::Settings,
    };

    struct House {
        clock: Clock,
        video: VideoHandle,
        recordings: Recordings,
        closing: CancellationToken,
    }

    fn house(directory: &Path, max_bytes: u64) -> House {
        let clock = Clock::new();
        let limits = Limits {
            keep: Duration::from_mins(1),
            keep_bytes: 1 << 24,
            max_lag: Duration::from_secs(10),
        };
        let settings = Settings {
            directory: directory.to_owned(),
            keep_days: 0,
            max_bytes,
            keep_free: 0,
            is_public: true,
            is_chat_public: false,
        };
        House {
            clock,
            video: VideoHandle::new(limits, Duration::from_secs(8), clock),
            recordings: Recordings::open(settings, clock),
            closing: CancellationToken::new(),
        }
    }

    impl House {
        fn push(&self, millis: u64, keyframe: bool) {
            let now = self.clock.tick();
            assert!(self.video.push(&sample::fragment(millis, keyframe), now));
        }

        /// Waits until the recordings look like this.
        async fn until(&self, mut wanted: impl FnMut(&Recordings) -> bool) {
            for _ in 0..2_000 {
                if wanted(&self.recordings) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            panic!(
                "{:?} {:?}",
                self.recordings.list(),
                self.recordings.recorder()
            );
        }

        async fn during(&self, test: impl Future<Output = ()>) {
            let follow = self.recordings.clone().follow(
                self.video.clone(),
                || "<The show>".to_owned(),
                self.closing.clone(),
            );
            let test = async {
                test.await;
                self.closing.cancel();
            };
            tokio::join!(follow, test);
        }
    }

    fn times(file: &Path) -> Vec<(u64, u64)> {
        let mut reader = StreamReader::new(MAX_FRAGMENT_BYTES);
        reader.push(&fs::read(file).unwrap());
        let mut found = Vec::new();
        while let Some(item) = reader.next_item().unwrap() {
            if let Item::Fragment(fragment) = item {
                let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap();
                found.push((millis(fragment.start()), millis(fragment.end())));
            }
        }
        found
    }

    fn whole(recordings: &Recordings) -> Vec<Recording> {
        let mut list = recordings.list();
        list.retain(|recording| recording.stage == Stage::Whole);
        list
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_recording_begins_at_a_keyframe_and_at_zero_and_each_run_has_its_own() {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().join("recordings");
        let house = house(&place, 1 << 20);
        house.video.begin(sample::audio_and_video_init(), None);
        house.push(5_000, true);
        house.push(5_200, true);
        house.push(5_400, false);
        house
            .during(async {
                house.recordings.want(true);
                house
                    .until(|all| {
                        all.recorder()
                            .running
                            .is_some_and(|(_, length, _)| !length.is_zero())
                    })
                    .await;
                house.push(5_600, false);
                house
                    .until(|all| all.list()[0].length == Duration::from_millis(600))
                    .await;
                // Another encoder.
                house.video.stop(house.clock.tick().back(STOP_GRACE));
                house.video.tick();
                house.until(|all| whole(all).len() == 1).await;
                house.video.begin(sample::audio_and_video_init(), None);
                house.push(100, true);
                house.until(|all| all.list().len() == 2).await;
                house.until(|all| !all.list()[0].length.is_zero()).await;
                house.recordings.want(false);
                house.until(|all| whole(all).len() == 2).await;
                house.push(300, false);
            })
            .await;

        let list = house.recordings.list();
        let file = |number: usize| place.join(list[number].name.file());
        assert_eq!(times(&file(1)), [(0, 200), (200, 400), (400, 600)]);
        assert_eq!(times(&file(0)), [(0, 200)]);
        assert_eq!(list[1].title, "<The show>");
        assert_eq!(list[1].bytes, file(1).metadata().unwrap().len());
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&place), mode(&file(0))), (0o700, 0o600));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn at_the_limit_recording_ends_with_a_whole_file_and_a_sentence() {
        let directory = tempfile::tempdir().unwrap();
        let one = sample::fragment_bytes(0, true).len() as u64;
        let house = house(directory.path(), 3 * one + 2_000);
        house.video.begin(sample::audio_and_video_init(), None);
        house.push(0, true);
        house
            .during(async {
                house.recordings.want(true);
                house.until(|all| all.recorder().running.is_some()).await;
                let mut millis = 0;
                house
                    .until(|all| {
                        millis += 200;
                        house.push(millis, false);
                        all.recorder().problem.is_some() && !whole(all).is_empty()
                    })
                    .await;
            })
            .await;

        let recorder = house.recordings.recorder();
        assert!(!recorder.is_wanted);
        let problem = recorder.problem.unwrap();
        assert!(problem.contains("recording.max_size"), "{problem}");
        let recording = house.recordings.list().remove(0);
        let file = directory.path().join(recording.name.file());
        assert!(recording.bytes <= 3 * one + 2_000);
        assert_eq!(file.metadata().unwrap().len(), recording.bytes);
        assert!(!times(&file).is_empty());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_directory_that_cannot_be_made_is_said_and_leaves_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().join("file");
        fs::write(&place, "").unwrap();
        let house = house(&place.join("recordings"), 1 << 20);
        house.video.begin(sample::audio_and_video_init(), None);
        house.push(0, true);
        house
            .during(async {
                house.recordings.want(true);
                house.until(|all| all.recorder().problem.is_some()).await;
            })
            .await;

        let problem = house.recordings.recorder().problem.unwrap();
        assert!(problem.starts_with("cannot write into"), "{problem}");
        assert!(house.recordings.list().is_empty());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_recording_whose_file_is_deleted_ends_and_is_forgotten() {
        let directory = tempfile::tempdir().unwrap();
        let house = house(directory.path(), 1 << 24);
        house.video.begin(sample::audio_and_video_init(), None);
        house.push(0, true);
        house
            .during(async {
                house.recordings.want(true);
                house.until(|all| all.recorder().running.is_some()).await;
                let name = house.recordings.list()[0].name;
                fs::remove_file(directory.path().join(name.file())).unwrap();
                let mut millis = 0;
                house
                    .until(|all| {
                        millis += 200;
                        house.push(millis, false);
                        all.recorder().problem.is_some() && all.list().is_empty()
                    })
                    .await;
            })
            .await;

        let problem = house.recordings.recorder().problem.unwrap();
        assert!(problem.contains("was deleted"), "{problem}");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_second_recording_in_the_same_minute_has_another_name() {
        let directory = tempfile::tempdir().unwrap();
        let house = house(directory.path(), 1 << 20);
        let shared = Arc::clone(&house.recordings.shared);
        let init = sample::audio_and_video();

        // Three cannot all begin in different minutes within a test.
        let tapes = [(); 3].map(|()| Tape::begin(&shared, &init, String::new()).unwrap());

        let mut names = tapes.map(|tape| tape.name);
        names.sort_unstable();
        assert!(names[0] != names[1] && names[1] != names[2]);
        assert!(names.iter().any(|name| name.to_string().contains("-2")));
    }
}
