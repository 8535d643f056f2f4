#!/bin/sh
# usage: ffmpeg/two-qualities.sh [FILE]
#
# Broadcasts a video file once, or the test picture, as H.264 + AAC in two qualities from one ffmpeg: the usual one in
# the stream directory, and beside it `low/`, 426 pixels wide with half the frames. Viewers choose; LOOPS=-1 is for ever.
# Another input, such as a screen, needs no more than another line below; so do more qualities (at most four).
#
# Bitrate: 580 kbit/s on disk and 200 more in `low` (video 155, audio 32, the rest is the container).
# Latency: 0.75 s in the encoder (PRESET=low-latency: 0.15 s, less clear), 0.2 s per fragment; a keyframe each 2 s in `low`.
# Environment: LOOPS, LOW_NAME, LOW_WIDTH, LOW_VIDEO_KBITS, LOW_AUDIO_KBITS, PRESET=balanced|low-latency, STREAM_DIR, WIDTH,
# HEIGHT, FRAME_RATE, VIDEO_KBITS, AUDIO_KBITS, FONT, and the other numbers at the top of ffmpeg/recipe.sh.
set -eu
: "${LOW_NAME:=low}"                 # of its directory: what viewers see
: "${LOW_WIDTH:=426}"                # pixels, even
: "${LOW_VIDEO_KBITS:=155}"          # kilobits per second
: "${LOW_AUDIO_KBITS:=32}"           # kilobits per second
# shellcheck source=ffmpeg/recipe.sh
. "$(dirname "$0")/recipe.sh"
help_if_asked "$@"
[ $# -le 1 ] || die 'name at most one file; -h shows the help'

check_settings
at_least 16 LOW_WIDTH "$LOW_WIDTH"
at_least 1 LOW_VIDEO_KBITS "$LOW_VIDEO_KBITS"
at_least 6 LOW_AUDIO_KBITS "$LOW_AUDIO_KBITS"
case $LOW_NAME in
  source | '' | [!a-z]* | *[!a-z0-9-]* | ?????????????????*)
    die "LOW_NAME is \`$LOW_NAME\`, but must be 1 to 16 of a-z, 0-9 and -, begin with a letter, and not be source" ;;
esac

# first_quality ARGUMENTS…: what was encoded goes into the stream directory; goes on to the second quality.
first_quality() {
  prepare_directory
  sweep_old_segments </dev/null >/dev/null 2>&1 &
  into_segments second_quality "$@"
}

# second_quality ARGUMENTS…: the same picture, smaller. Half the frames, so as many from keyframe to keyframe are 2 s.
second_quality() {
  OUTPUT=growing_segments
  STREAM_DIR=$STREAM_DIR/$LOW_NAME
  VIDEO_KBITS=$LOW_VIDEO_KBITS
  AUDIO_KBITS=$LOW_AUDIO_KBITS
  AUDIO_CHANNELS=1
  GOP_SECONDS=1
  h264_aac "$@" -map '[low]' -map "$sound"
}

split_picture="split[full][half];[half]framestep=2,scale=$LOW_WIDTH:-2[low]"
OUTPUT=first_quality
if [ $# -eq 1 ]; then
  need_file "$1"
  has_stream "$1" V || die "\`$1\` holds no video that ffmpeg can read; for sound alone use ffmpeg/audio.sh"
  sound='0:a:0?'
  # Only `file`: a playlist dressed up as a video must not make ffmpeg fetch something from the network, outside Tor.
  h264_aac -re -stream_loop "$LOOPS" -protocol_whitelist file -i "file:$1" \
    -filter_complex "[0:V:0]$FITTED_PICTURE,$split_picture" -map '[full]' -map "$sound"
else
  sound=1:a:0
  find_font
  h264_aac -re -f lavfi -i "testsrc2=size=${WIDTH}x$HEIGHT:rate=$FRAME_RATE" \
    -re -f lavfi -i "sine=frequency=$TONE_HZ:beep_factor=4:sample_rate=$SAMPLE_RATE" \
    -filter_complex "[0:v:0]$(clock_on_picture),$split_picture" -map '[full]' -map "$sound"
fi
