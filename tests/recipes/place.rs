//! A temporary working directory, the recipe that runs in it, and what its files must look like.
//!
//! Belongs here: processes and files. Does not belong here: what is inside a box (`boxes.rs`).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::thread::sleep;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::boxes::{assert_undated, boxes, child, contains, fragments, starts_with_keyframe};

/// Between two looks at a file.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Longest wait for anything. Recipes take two to five seconds; a machine under load takes longer.
const PATIENCE: Duration = Duration::from_mins(1);

/// A temporary working directory.
pub(crate) struct Place {
    pub(crate) directory: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self {
            directory: TempDir::new().expect("a temporary directory"),
        }
    }

    pub(crate) fn stream_directory(&self) -> PathBuf {
        self.directory.path().join("stream")
    }

    fn command(&self, name: &str, arguments: &[&str], settings: &[(&str, &str)]) -> Command {
        let mut command = Command::new(
            Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("ffmpeg")
                .join(name),
        );
        command
            .args(arguments)
            .current_dir(self.directory.path())
            .env("STREAM_DIR", self.stream_directory())
            .envs(settings.iter().copied())
            .stdin(Stdio::null());
        command
    }

    /// Runs a recipe that is expected to end at once.
    pub(crate) fn ask(&self, name: &str, arguments: &[&str], settings: &[(&str, &str)]) -> Output {
        self.command(name, arguments, settings)
            .output()
            .expect("the recipe can be started")
    }

    pub(crate) fn start(
        &self,
        name: &str,
        arguments: &[&str],
        settings: &[(&str, &str)],
    ) -> Recipe {
        // A file, not a pipe: nobody reads while the recipe runs.
        let complaints = self.directory.path().join("complaints.txt");
        let child = self
            .command(name, arguments, settings)
            .stdout(Stdio::null())
            .stderr(fs::File::create(&complaints).expect("a file can be made"))
            .spawn()
            .expect("the recipe can be started");
        Recipe {
            child,
            directory: self.stream_directory(),
            complaints,
        }
    }

    /// Three seconds of film that names itself.
    pub(crate) fn film(&self) -> String {
        let film = self.directory.path().join("film.mkv");
        let made = Command::new("ffmpeg")
            .args(["-nostdin", "-loglevel", "error"])
            .args([
                "-f",
                "lavfi",
                "-i",
                "testsrc2=size=320x240:rate=30:duration=3",
            ])
            .args(["-f", "lavfi", "-i", "sine=duration=3"])
            .args(["-metadata", "title=Secret title"])
            .args(["-metadata:s:v", "title=Secret camera"])
            .args(["-metadata", "creation_time=2020-02-02T02:02:02Z"])
            .args(["-c:v", "mpeg4", "-c:a", "aac"])
            .arg(&film)
            .status()
            .expect("ffmpeg is installed");
        assert!(made.success(), "{made}");
        film.to_str().expect("a plain path").to_owned()
    }
}

/// How a playlist must end.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Ending {
    Ended,
    Open,
}

/// A recipe that runs; killed when dropped.
pub(crate) struct Recipe {
    pub(crate) child: Child,
    pub(crate) directory: PathBuf,
    complaints: PathBuf,
}

impl Recipe {
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub(crate) fn text(&self, name: &str) -> String {
        String::from_utf8(self.read(name)).expect("a text file")
    }

    pub(crate) fn segment(&self, number: u32) -> Vec<u8> {
        self.read(&format!("stream{number}.m4s"))
    }

    pub(crate) fn complaints(&self) -> String {
        fs::read_to_string(&self.complaints).expect("the file was made")
    }

    /// The numbers of the segments on disk, in order.
    pub(crate) fn segments(&self) -> Vec<u32> {
        let mut numbers: Vec<u32> = fs::read_dir(&self.directory)
            .expect("the stream directory")
            .filter_map(|entry| entry.expect("an entry").file_name().into_string().ok())
            .filter_map(|name| {
                let number = name.strip_prefix("stream")?.strip_suffix(".m4s")?;
                let parsed = number.parse::<u32>().ok()?;
                (parsed.to_string() == number).then_some(parsed)
            })
            .collect();
        numbers.sort_unstable();
        numbers
    }

    /// Waits until a segment holds a fragment.
    pub(crate) fn wait_for_segment(&mut self, number: u32) {
        let path = self.path(&format!("stream{number}.m4s"));
        eventually(&format!("{} holds a fragment", path.display()), || {
            self.assert_running();
            fs::read(&path).is_ok_and(|segment| fragments(&segment) > 0)
        });
    }

    /// The numbers of complete fragments seen in a segment until the next one is begun.
    pub(crate) fn watch_segment_grow(&mut self, number: u32) -> Vec<usize> {
        let path = self.path(&format!("stream{number}.m4s"));
        let next = self.path(&format!("stream{}.m4s", number + 1));
        let mut seen = Vec::new();
        eventually("the next segment is begun", || {
            self.assert_running();
            let count = fs::read(&path).map_or(0, |segment| fragments(&segment));
            if seen.last() != Some(&count) {
                seen.push(count);
            }
            next.exists()
        });
        seen
    }

    fn assert_running(&mut self) {
        if let Some(status) = self.child.try_wait().expect("our child") {
            panic!("the recipe ended with {status}: {}", self.complaints());
        }
    }

    pub(crate) fn stop(&mut self, signal: Signal) {
        self.assert_running();
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).expect("our child can be signalled");
        self.wait_for_end();
    }

    pub(crate) fn wait_for_end(&mut self) -> ExitStatus {
        let mut status = None;
        eventually("the recipe ends", || {
            status = self.child.try_wait().expect("our child");
            status.is_some()
        });
        status.expect("it has ended")
    }

    /// The process that deletes old segments: the only child of ffmpeg.
    pub(crate) fn sweeper(&self) -> u32 {
        let children: Vec<u32> = processes()
            .into_iter()
            .filter(|process| process.parent == self.child.id())
            .map(|process| process.id)
            .collect();
        assert_eq!(children.len(), 1, "{children:?}");
        children[0]
    }

    /// One `ftyp` and one `moov` with these tracks, no media, and no dates.
    pub(crate) fn assert_init_segment(&self, handlers: &[&[u8; 4]]) {
        let init = self.read("init.mp4");
        let (top, rest) = boxes(&init);
        assert!(rest.is_empty(), "init.mp4 ends inside a box");
        assert_eq!(top.len(), 2);
        assert_eq!((top[0].kind, top[1].kind), (&b"ftyp"[..], &b"moov"[..]));

        let moov = top[1].body;
        assert_undated(child(moov, b"mvhd"));
        let (inside, _) = boxes(moov);
        let tracks: Vec<&[u8]> = inside
            .iter()
            .filter(|found| found.kind == b"trak")
            .map(|found| found.body)
            .collect();
        assert_eq!(tracks.len(), handlers.len());
        for (track, handler) in tracks.iter().zip(handlers) {
            let media = child(track, b"mdia");
            assert_undated(child(track, b"tkhd"));
            assert_undated(child(media, b"mdhd"));
            // FullBox header, then a zero, then the handler (ISO/IEC 14496-12, 8.4.3).
            assert_eq!(&child(media, b"hdlr")[8..12], *handler);
        }
    }

    /// Segments from 0 on, each several `moof` + `mdat` and nothing else, the first with a keyframe.
    pub(crate) fn assert_growing_segments(&self) {
        let numbers = self.segments();
        assert!(numbers.len() >= 2, "{numbers:?}");
        assert!(
            numbers
                .iter()
                .zip(0..)
                .all(|(&found, expected)| found == expected),
            "{numbers:?}"
        );
        for number in numbers {
            let segment = self.segment(number);
            let (found, rest) = boxes(&segment);
            assert!(rest.is_empty(), "stream{number}.m4s ends inside a box");
            assert!(!found.is_empty(), "stream{number}.m4s is empty");
            for pair in found.chunks(2) {
                let kinds: Vec<&[u8]> = pair.iter().map(|found| found.kind).collect();
                assert_eq!(kinds, [b"moof", b"mdat"], "stream{number}.m4s");
            }
            assert!(
                starts_with_keyframe(found[0].body),
                "stream{number}.m4s must start with a keyframe"
            );
        }
        assert!(
            fragments(&self.segment(0)) >= 8,
            "2 s are about ten fragments of 200 ms"
        );
    }

    pub(crate) fn assert_without_traces(&self, traces: &[&[u8]]) {
        let mut files = vec!["init.mp4".to_owned()];
        files.extend(self.segments().iter().map(|n| format!("stream{n}.m4s")));
        for file in files {
            let bytes = self.read(&file);
            for trace in traces {
                assert!(
                    !contains(&bytes, trace),
                    "{file} holds `{}`",
                    String::from_utf8_lossy(trace)
                );
            }
        }
    }

    /// A live playlist of the segments on disk, with lengths near two seconds; answers its text.
    pub(crate) fn assert_playlist(&self, ending: Ending) -> String {
        let playlist = self.text("stream.m3u8");
        assert!(playlist.starts_with("#EXTM3U\n"), "{playlist}");
        assert!(
            playlist.contains("\n#EXT-X-MEDIA-SEQUENCE:0\n"),
            "{playlist}"
        );
        assert!(!playlist.contains('/'), "bare names only: {playlist}");
        let listed: Vec<&str> = playlist
            .lines()
            .filter(|line| !line.starts_with('#'))
            .collect();
        let expected: Vec<String> = (0..listed.len())
            .map(|n| format!("stream{n}.m4s"))
            .collect();
        assert!(!listed.is_empty(), "{playlist}");
        assert_eq!(listed, expected);
        for length in playlist
            .lines()
            .filter_map(|line| line.strip_prefix("#EXTINF:"))
        {
            let seconds: f64 = length
                .trim_end_matches(',')
                .parse()
                .expect("a number of seconds");
            assert!(seconds > 0.0 && seconds < 2.2, "{playlist}");
        }
        assert_eq!(
            playlist.ends_with("#EXT-X-ENDLIST\n"),
            ending == Ending::Ended,
            "{playlist}"
        );
        playlist
    }
}

impl Drop for Recipe {
    fn drop(&mut self) {
        // Fails only if it has ended already.
        let _killed = self.child.kill();
        let _status = self.child.wait();
    }
}

/// Looks until it is so.
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let looks = PATIENCE.as_millis() / LOOK_EVERY.as_millis();
    for _ in 0..looks {
        if is_so() {
            return;
        }
        sleep(LOOK_EVERY);
    }
    panic!("waited too long until {what}");
}

/// A line of the process list.
struct Process {
    id: u32,
    parent: u32,
    is_dead: bool,
}

fn processes() -> Vec<Process> {
    let list = Command::new("ps")
        .args(["-A", "-o", "pid=,ppid=,stat="])
        .output()
        .expect("ps is installed");
    String::from_utf8(list.stdout)
        .expect("ps writes text")
        .lines()
        .map(|line| {
            let mut fields = line.split_whitespace();
            let mut next = || fields.next().expect("three fields");
            Process {
                id: next().parse().expect("a number"),
                parent: next().parse().expect("a number"),
                // Ended, but not yet collected by its parent.
                is_dead: next().starts_with('Z'),
            }
        })
        .collect()
}

pub(crate) fn is_running(id: u32) -> bool {
    processes()
        .iter()
        .any(|process| process.id == id && !process.is_dead)
}
