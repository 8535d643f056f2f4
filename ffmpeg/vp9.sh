#!/bin/sh
# usage: ffmpeg/vp9.sh [FILE]
#
# Broadcasts FILE once, or the test picture with tone, as VP9 + Opus: the formats that Tor Browser plays on every
# system without help from the system.
#
# Bitrate: 585 kbit/s on disk (video 500 and a little more, audio 48, the rest is the container).
# Latency: 0.1 s in the encoder, 0.2 s per fragment.
# Environment: LOOPS, STREAM_DIR, WIDTH, HEIGHT, FRAME_RATE, VIDEO_KBITS, AUDIO_KBITS, FONT, and the other numbers at the
# top of ffmpeg/recipe.sh.
set -eu
: "${AUDIO_KBITS:=48}"
# shellcheck source=ffmpeg/recipe.sh
. "$(dirname "$0")/recipe.sh"
help_if_asked "$@"
[ $# -le 1 ] || die 'name at most one file; -h shows the help'

check_settings
if [ $# -eq 1 ]; then from_file vp9_opus "$1"; else from_pattern vp9_opus; fi
