//! What to change, in the words of whatever encodes: flags of an ffmpeg that the broadcaster runs, our
//! own settings, or the fields of OBS.
//!
//! Belongs here: the end of a sentence. Does not belong here: when it is said (`../advice.rs`).

use super::super::meter::Supply;

/// Fewer bits.
pub(super) fn bitrate(supply: Supply, has_picture: bool) -> &'static str {
    match (supply, has_picture) {
        (Supply::Directory, true) => {
            "700 kbit/s (`-b:v 600k -maxrate 600k -bufsize 600k` and `-b:a 64k`)"
        }
        (Supply::Directory, false) => "64 kbit/s (`-b:a 64k`)",
        (Supply::Own | Supply::Feed, true) => "700 kbit/s (`--bitrate 600k`)",
        (Supply::Own | Supply::Feed, false) => "64 kbit/s (`encoder.audio_kbits`)",
        (Supply::Push, true) => {
            "700 kbit/s (in OBS: a bitrate of 600 for the picture with rate control CBR, and 64 for the sound)"
        }
        (Supply::Push, false) => "64 kbit/s (in OBS: the audio bitrate)",
    }
}

/// Less to compute.
pub(super) fn less_work(supply: Supply) -> &'static str {
    match supply {
        Supply::Directory => "`-preset veryfast`, a smaller picture, or fewer frames",
        Supply::Own | Supply::Feed => {
            "`--preset low-latency`, a smaller picture (`encoder.width`, `encoder.height`), or fewer frames \
             (`encoder.frame_rate`)"
        }
        Supply::Push => {
            "in OBS the CPU usage preset `veryfast` or `superfast`, a smaller output resolution, or fewer \
             frames"
        }
    }
}

/// A keyframe each so many frames, which are two seconds.
pub(super) fn keyframes(supply: Supply, frames: u32) -> String {
    match supply {
        Supply::Directory => format!("set `-g {frames}`"),
        // Our own are one second apart, so it is something else that they wait for.
        Supply::Own | Supply::Feed => {
            "start it again, and if it stays like this, with another `--preset` or without `--hardware`"
                .to_owned()
        }
        Supply::Push => {
            format!("set the keyframe interval to 2 s in OBS, or to {frames} where it counts frames")
        }
    }
}

/// Another number of frames a second.
pub(super) fn frame_rate(supply: Supply) -> &'static str {
    match supply {
        Supply::Directory => "`-r 25`",
        Supply::Own | Supply::Feed => "`encoder.frame_rate = 25`",
        Supply::Push => "25 frames a second in OBS, under *Video*",
    }
}

/// A codec that viewers can play.
pub(super) fn codec(supply: Supply) -> &'static str {
    match supply {
        Supply::Directory => "encode with `-c:v libx264` or `-c:v libvpx-vp9`",
        Supply::Own | Supply::Feed => "choose another `--preset`",
        Supply::Push => "choose x264, or a hardware encoder for H.264, as the video encoder in OBS",
    }
}

/// A track of sound where there is none.
pub(super) fn sound(supply: Supply) -> &'static str {
    match supply {
        Supply::Directory => "name a source for it and add `-c:a aac -b:a 64k`",
        Supply::Own | Supply::Feed => "see `encoder.microphone`, or what the file or feed holds",
        Supply::Push => "choose a device in OBS under *Audio*",
    }
}

/// One that is announced and silent.
pub(super) fn no_sound_comes(supply: Supply) -> &'static str {
    match supply {
        Supply::Directory => "see whether the microphone is connected, or leave it out with `-an`",
        Supply::Own | Supply::Feed => {
            "see whether the microphone is connected, or leave it out with `encoder.microphone = \"none\"`"
        }
        Supply::Push => "see whether the device that OBS has under *Audio* is connected",
    }
}
