#!/bin/sh
# usage: ffmpeg/hls.sh [FILE]
#
# Broadcasts FILE once, or the test picture with tone, as H.264 + AAC in whole segments, through ffmpeg's `hls` muxer:
# the same files as OBS writes (docs/obs.md), and for an ffmpeg whose `segment` muxer cannot write growing ones.
# Prefer the other recipes: this muxer writes ffmpeg's version number into init.mp4, where viewers could read it.
#
# Bitrate: 580 kbit/s on disk (video 500, audio 64, the rest is the container).
# Latency: a segment appears when it is complete, so viewers are about 3 s later than with the other recipes.
# Environment: LOOPS, PRESET=balanced|low-latency, STREAM_DIR, WIDTH, HEIGHT, FRAME_RATE, VIDEO_KBITS, AUDIO_KBITS, FONT,
# and the other numbers at the top of ffmpeg/recipe.sh.
set -eu
# shellcheck source=ffmpeg/recipe.sh
. "$(dirname "$0")/recipe.sh"
help_if_asked "$@"
# shellcheck disable=SC2034 # read by recipe.sh
OUTPUT=whole_segments
[ $# -le 1 ] || die 'name at most one file; -h shows the help'

check_settings
if [ $# -eq 1 ]; then from_file h264_aac "$1"; else from_pattern h264_aac; fi
