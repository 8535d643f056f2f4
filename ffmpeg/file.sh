#!/bin/sh
# usage: ffmpeg/file.sh FILE
#
# Broadcasts a video file in real time as H.264 + AAC, once. LOOPS=3 shows it three more times, LOOPS=-1 for ever.
# Titles, dates and other notes inside the file are not passed on; what is seen and heard is.
#
# Bitrate: 580 kbit/s on disk (video 500, audio 64, the rest is the container).
# Latency: 0.75 s in the encoder (PRESET=low-latency: 0.15 s, less clear), 0.2 s per fragment.
# Environment: LOOPS, PRESET=balanced|low-latency, STREAM_DIR, WIDTH, HEIGHT, FRAME_RATE, VIDEO_KBITS, AUDIO_KBITS, and
# the other numbers at the top of ffmpeg/recipe.sh.
set -eu
# shellcheck source=ffmpeg/recipe.sh
. "$(dirname "$0")/recipe.sh"
help_if_asked "$@"
[ $# -eq 1 ] || die 'name one file to broadcast; -h shows the help'

check_settings
from_file h264_aac "$1"
