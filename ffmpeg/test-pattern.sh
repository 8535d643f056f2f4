#!/bin/sh
# usage: ffmpeg/test-pattern.sh
#
# Broadcasts a moving test picture with the time of day (UTC) and a 440 Hz tone that beeps each second,
# as H.264 + AAC, until it is stopped (Ctrl-C). Good for a first try and for measuring delay.
#
# Bitrate: 580 kbit/s on disk (video 500, audio 64, the rest is the container).
# Latency: 0.15 s in the encoder, 0.2 s per fragment (PRESET=balanced: 0.75 s in the encoder, clearer picture).
# Environment: PRESET=low-latency|balanced, STREAM_DIR, WIDTH, HEIGHT, FRAME_RATE, VIDEO_KBITS, AUDIO_KBITS, FONT, and
# the other numbers at the top of ffmpeg/recipe.sh.
set -eu
: "${PRESET:=low-latency}"
# shellcheck source=ffmpeg/recipe.sh
. "$(dirname "$0")/recipe.sh"
help_if_asked "$@"
[ $# -eq 0 ] || die 'takes no argument; -h shows the help'

check_settings
from_pattern h264_aac
