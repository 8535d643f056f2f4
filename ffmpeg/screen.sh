#!/bin/sh
# usage: ffmpeg/screen.sh
#
# Broadcasts the X11 screen and the microphone as H.264 + AAC, until it is stopped (Ctrl-C).
# Everything on the screen goes out: notifications, file names, the clock with its time zone, and anybody's messages.
# A separate user account or a nested screen (Xephyr) shows only what you mean to show.
# Wayland desktops do not give their picture to x11grab; use OBS there (docs/obs.md).
#
# Bitrate: 580 kbit/s on disk (video 500, audio 64, the rest is the container).
# Latency: 0.75 s in the encoder (PRESET=low-latency: 0.15 s, less clear), 0.2 s per fragment.
# Environment: SCREEN (default: $DISPLAY), SCREEN_SIZE (e.g. 1280x720; default: all of it), SCREEN_OFFSET (e.g. 100,200),
# MICROPHONE=pulse|alsa|none, MICROPHONE_NAME (default: default; a PulseAudio monitor broadcasts what is played),
# PRESET=balanced|low-latency, STREAM_DIR, WIDTH, HEIGHT, FRAME_RATE, VIDEO_KBITS, AUDIO_KBITS, and the other numbers at
# the top of ffmpeg/recipe.sh.
set -eu
# shellcheck source=ffmpeg/recipe.sh
. "$(dirname "$0")/recipe.sh"
help_if_asked "$@"
: "${SCREEN:=${DISPLAY-}}"
: "${SCREEN_OFFSET:=0,0}"            # pixels from the left, from the top
[ $# -eq 0 ] || die 'takes no argument; -h shows the help'
[ -n "$SCREEN" ] || die 'DISPLAY is not set; start this from a terminal on the X11 desktop, or name it with SCREEN=:0'

check_settings
set -- -f x11grab -framerate "$FRAME_RATE"
if [ -n "${SCREEN_SIZE-}" ]; then set -- "$@" -video_size "$SCREEN_SIZE"; fi
set -- "$@" -i "$SCREEN+$SCREEN_OFFSET"
need_input "the screen \`$SCREEN\` cannot be read; \
check SCREEN, SCREEN_SIZE and SCREEN_OFFSET (xdpyinfo shows the size)" "$@"
with_microphone h264_aac -thread_queue_size "$CAPTURE_QUEUE" "$@"
