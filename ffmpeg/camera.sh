#!/bin/sh
# usage: ffmpeg/camera.sh
#
# Broadcasts a camera and the microphone as H.264 + AAC, until it is stopped (Ctrl-C).
# A face, a voice and a room can be recognised, and so can the small faults of a camera's sensor.
#
# Bitrate: 580 kbit/s on disk (video 500, audio 64, the rest is the container).
# Latency: 0.75 s in the encoder (PRESET=low-latency: 0.15 s, less clear), 0.2 s per fragment.
# Environment: CAMERA (default: /dev/video0), CAMERA_SIZE (e.g. 1280x720; default: what the camera prefers),
# MICROPHONE=pulse|alsa|none, MICROPHONE_NAME (default: default), PRESET=balanced|low-latency, STREAM_DIR, WIDTH, HEIGHT,
# FRAME_RATE, VIDEO_KBITS, AUDIO_KBITS, and the other numbers at the top of ffmpeg/recipe.sh.
set -eu
# shellcheck source=ffmpeg/recipe.sh
. "$(dirname "$0")/recipe.sh"
help_if_asked "$@"
: "${CAMERA:=/dev/video0}"
[ $# -eq 0 ] || die 'takes no argument; -h shows the help'

check_settings
[ -c "$CAMERA" ] || die "there is no camera \`$CAMERA\`; plug one in, or name it with CAMERA=/dev/videoN"
[ -r "$CAMERA" ] || die "the camera \`$CAMERA\` may not be read; \
add yourself to its group (sudo usermod -aG video $(id -un)) and log in again"
# No frame rate is asked of the camera: many know only 30; the filter picks the frames.
set -- -f v4l2
if [ -n "${CAMERA_SIZE-}" ]; then set -- "$@" -video_size "$CAMERA_SIZE"; fi
set -- "$@" -i "$CAMERA"
need_input "the camera \`$CAMERA\` gives no picture; \
close other programs that use it, or set CAMERA_SIZE to a size it knows (ffmpeg -f v4l2 -list_formats all -i $CAMERA shows them)" "$@"
with_microphone h264_aac -thread_queue_size "$CAPTURE_QUEUE" "$@"
