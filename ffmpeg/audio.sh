#!/bin/sh
# usage: ffmpeg/audio.sh [FILE]
#
# Broadcasts sound alone: FILE once, or the microphone. Opus by default, AAC with CODEC=aac.
# Titles and other notes inside the file are not passed on; a voice is, and a voice can be recognised.
#
# Bitrate: about 45 kbit/s on disk (sound 32, the rest is the container).
# Latency: 0.03 s in the encoder, 0.2 s per fragment. A browser needs some seconds of so thin a stream before it starts.
# Environment: CODEC=opus|aac, MICROPHONE=pulse|alsa, MICROPHONE_NAME (default: default), LOOPS, AUDIO_KBITS,
# AUDIO_CHANNELS, STREAM_DIR, and the other numbers at the top of ffmpeg/recipe.sh.
set -eu
: "${AUDIO_KBITS:=32}"
: "${AUDIO_CHANNELS:=1}"
# shellcheck source=ffmpeg/recipe.sh
. "$(dirname "$0")/recipe.sh"
help_if_asked "$@"
: "${CODEC:=opus}"
[ $# -le 1 ] || die 'name at most one file; -h shows the help'

check_settings
case $CODEC in
  opus) encoder=libopus ;;
  aac) encoder=aac ;;
  *) die "CODEC is \`$CODEC\`, but must be opus or aac" ;;
esac
need_encoder $encoder
if [ $# -eq 1 ]; then
  need_file "$1"
  has_stream "$1" a || die "\`$1\` holds no sound that ffmpeg can read"
  set -- -re -stream_loop "$LOOPS" -protocol_whitelist file -i "file:$1"
else
  [ "$MICROPHONE" != none ] || die 'nothing to broadcast: MICROPHONE is none and no file is named'
  need_microphone
  set -- -thread_queue_size "$CAPTURE_QUEUE" -f "$MICROPHONE" -i "$MICROPHONE_NAME" -filter:a "$STEADY_SOUND"
fi
without_traces "$@" -map 0:a:0 -vn \
  -c:a $encoder -b:a "${AUDIO_KBITS}k" -ac "$AUDIO_CHANNELS" -ar $SAMPLE_RATE
