//! Any bytes as a playlist: no panic, and what is accepted is within its limits.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use onionstream_fuzz::media::playlist::Playlist;

fuzz_target!(|bytes: &[u8]| {
    const LONGEST: Duration = Duration::from_secs(600);
    if let Ok(playlist) = Playlist::parse(bytes) {
        assert!(playlist.target_duration <= LONGEST);
        assert!(playlist.media_sequence <= 1 << 53);
        for entry in &playlist.segments {
            assert!(entry.number <= 1 << 53 && entry.duration <= LONGEST);
        }
    }
});
