//! What it costs to look through a fragment for metadata, beside what it costs to parse it.
//!
//! Run it with `cargo bench --bench metadata`; it needs ffmpeg for ten seconds of H.264 and AAC.

#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark reads the clock and prints what it has measured"
)]

use std::{
    env,
    hint::black_box,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use onionstream::media::{
    boxes::MAX_FRAGMENT_BYTES,
    fragment::Fragment,
    init::InitSegment,
    privacy::Guard,
    stream::{Item, StreamReader},
};

/// Each is measured for this long.
const TIME: Duration = Duration::from_secs(2);

/// How the streams differ: nothing to find; what ffmpeg writes if nobody tells it not to; a note in
/// each picture, as some cameras write them.
const CASES: [(&str, &str); 3] = [
    (
        "clean",
        "-map_metadata -1 -fflags +bitexact -flags:v +bitexact -flags:a +bitexact \
         -metadata:s:v encoder=video -bsf:v filter_units=remove_types=6",
    ),
    ("usual", ""),
    (
        "a note in each picture",
        "-g 1 -bsf:v h264_metadata=sei_user_data=086f3693b7b34f2c965321492feee5b8+Anna",
    ),
];

/// Ten seconds of 640 × 360 at 500 kbit/s and sound at 64, in fragments of 200 ms.
fn stream(options: &str) -> (InitSegment, Vec<Fragment>) {
    let line = format!(
        "-nostdin -v error -f lavfi -i testsrc2=size=640x360:rate=25 -f lavfi \
         -i sine=frequency=440:sample_rate=48000 -t 10 -map 0:v -map 1:a -c:v libx264 -g 25 \
         -preset veryfast -b:v 500k -maxrate 500k -bufsize 500k -pix_fmt yuv420p -c:a aac -b:a 64k \
         {options} -f mp4 -movflags +frag_keyframe+empty_moov+default_base_moof+skip_trailer \
         -frag_duration 200000 pipe:1"
    );
    let ffmpeg = env::var("FFMPEG").unwrap_or_else(|_| "ffmpeg".to_owned());
    let written = Command::new(ffmpeg)
        .args(line.split_whitespace())
        .stdin(Stdio::null())
        .output()
        .expect("ffmpeg runs");
    let mut reader = StreamReader::new(MAX_FRAGMENT_BYTES);
    reader.push(&written.stdout);
    let (mut found, mut fragments) = (None, Vec::new());
    while let Some(item) = reader.next_item().expect("a stream") {
        match item {
            Item::Init(init) => found = Some(init),
            Item::Fragment(fragment) => fragments.push(fragment),
        }
    }
    (found.expect("an init segment"), fragments)
}

/// Nanoseconds that `work` takes for each of the fragments.
fn each(fragments: &[Fragment], mut work: impl FnMut(&Fragment)) -> f64 {
    let (start, mut rounds) = (Instant::now(), 0_u32);
    while start.elapsed() < TIME {
        for fragment in fragments {
            work(black_box(fragment));
        }
        rounds += 1;
    }
    let count = f64::from(rounds) * f64::from(u32::try_from(fragments.len()).expect("some"));
    start.elapsed().as_secs_f64() * 1e9 / count
}

fn main() {
    println!(
        "stream                  bytes  changed   parse ns  (per KiB)   guard ns  (per KiB)   ratio"
    );
    for (name, options) in CASES {
        let (init, fragments) = stream(options);
        let bytes: usize = fragments
            .iter()
            .map(|fragment| fragment.bytes().len())
            .sum();
        let bytes = f64::from(u32::try_from(bytes / fragments.len()).expect("some"));
        let mut guard = Guard::new(true);
        guard.begin(init.clone()).expect("can be cleaned");
        // Alternating, so that other work on the computer meets both.
        let (mut parse, mut look) = (f64::MAX, f64::MAX);
        for _turn in 0..3 {
            parse = parse.min(each(&fragments, |fragment| {
                drop(black_box(Fragment::parse(fragment.bytes().clone(), &init)));
            }));
            look = look.min(each(&fragments, |fragment| {
                drop(black_box(guard.fragment(fragment)));
            }));
        }
        let changed = fragments.iter().filter(|fragment| {
            let clean = guard.fragment(fragment);
            clean.is_some_and(|clean| clean.bytes() != fragment.bytes())
        });
        let changed = changed.count() * 100 / fragments.len();
        let kib = bytes / 1024.0;
        println!(
            "{name:22} {bytes:>6.0} {changed:>7} % {parse:>10.0} {:>10.1} {look:>10.0} {:>10.1} {:>7.2}",
            parse / kib,
            look / kib,
            look / parse
        );
    }
}
