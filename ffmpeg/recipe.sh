# shellcheck shell=sh
# What all recipes share: the numbers, the encoders, the muxers and the stream directory. Sourced, not run.
#
# A recipe ends with a chain of functions that each add their part to the command line and call the next:
#     from_file h264_aac FILE  ->  h264_aac …  ->  without_traces …  ->  growing_segments …  ->  exec ffmpeg
# `exec` keeps the process id, so pid.txt names ffmpeg itself.
#
# Belongs here: what at least two recipes need. Does not belong here: where pictures and sound come from.

: "${STREAM_DIR:=stream}"            # the directory to write, relative to where the recipe is started
: "${PRESET:=balanced}"              # H.264: balanced or low-latency
: "${WIDTH:=640}"                    # pixels, even
: "${HEIGHT:=360}"                   # pixels, even
: "${FRAME_RATE:=25}"                # frames per second, whole
: "${VIDEO_KBITS:=500}"              # kilobits per second, kept constant: Tor circuits punish bursts
: "${AUDIO_KBITS:=64}"               # kilobits per second
: "${AUDIO_CHANNELS:=2}"             # 1 or 2
: "${VIDEO_THREADS:=2}"              # for encoding; ffmpeg's own choice adds delay and shows how many processors there are
: "${GOP_SECONDS:=1}"                # from keyframe to keyframe; must divide SEGMENT_SECONDS
: "${SEGMENT_SECONDS:=2}"            # media in a file
: "${FRAGMENT_MS:=200}"              # milliseconds of media in a fragment; shorter is sooner but 0.2 kB each
: "${LIST_SEGMENTS:=10}"             # segments named in the playlist
: "${KEEP_SEGMENTS:=60}"             # segments left on disk
: "${SWEEP_SECONDS:=5}"              # pause between two looks for old segments
: "${LOOPS:=0}"                      # how often a file is repeated; -1 is for ever
: "${MICROPHONE:=pulse}"             # pulse, alsa or none
: "${MICROPHONE_NAME:=default}"      # the name PulseAudio or ALSA has for it
: "${CAPTURE_QUEUE:=512}"            # packets that may wait while another device is read
: "${LOGLEVEL:=warning}"             # what ffmpeg says
OUTPUT=growing_segments              # or whole_segments
SAMPLE_RATE=48000                    # audio samples per second; the only rate of Opus that needs no resampling
TONE_HZ=440                          # of the test pattern; it beeps four times as high
VP9_SPEED=8                          # 0 (clear, slow) to 8 (for live encoding)
SEI=6                                # H.264 unit in which x264 writes its version, settings and thread count
# Any picture in the frame, with bars instead of stretching.
FITTED_PICTURE="scale=$WIDTH:$HEIGHT:force_original_aspect_ratio=decrease,pad=$WIDTH:$HEIGHT:(ow-iw)/2:(oh-ih)/2,\
setsar=1,fps=$FRAME_RATE,format=yuv420p"
# A sound card's clock is never quite the computer's: stretches the sound instead of drifting from the picture.
STEADY_SOUND=aresample=async=1

die() {
  printf '%s: %s\n' "$(basename "$0")" "$1" >&2
  exit 1
}

# The comment at the top of a recipe is its help.
help_if_asked() {
  case ${1-} in
    -h | --help)
      sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"
      exit 0
      ;;
    -*) die "there is no option \`$1\`; -h shows the help" ;;
  esac
}

# at_least MINIMUM NAME VALUE
at_least() {
  case $3 in
    '' | *[!0-9]* | 0?* | ?????????*) die "$2 is \`$3\`, but must be a whole number" ;;
  esac
  [ "$3" -ge "$1" ] || die "$2 is $3, but must be at least $1"
}

check_settings() {
  command -v ffmpeg >/dev/null || die 'ffmpeg was not found; install it (Debian: apt install ffmpeg)'
  at_least 16 WIDTH "$WIDTH"
  at_least 16 HEIGHT "$HEIGHT"
  at_least 1 FRAME_RATE "$FRAME_RATE"
  at_least 1 VIDEO_KBITS "$VIDEO_KBITS"
  at_least 6 AUDIO_KBITS "$AUDIO_KBITS"
  at_least 1 AUDIO_CHANNELS "$AUDIO_CHANNELS"
  at_least 1 VIDEO_THREADS "$VIDEO_THREADS"
  at_least 1 GOP_SECONDS "$GOP_SECONDS"
  at_least 1 SEGMENT_SECONDS "$SEGMENT_SECONDS"
  at_least 20 FRAGMENT_MS "$FRAGMENT_MS"
  at_least 3 LIST_SEGMENTS "$LIST_SEGMENTS"
  at_least "$LIST_SEGMENTS" KEEP_SEGMENTS "$KEEP_SEGMENTS"
  at_least 1 SWEEP_SECONDS "$SWEEP_SECONDS"
  at_least 1 CAPTURE_QUEUE "$CAPTURE_QUEUE"
  [ "$LOOPS" = -1 ] || at_least 0 LOOPS "$LOOPS"
  [ $((SEGMENT_SECONDS % GOP_SECONDS)) -eq 0 ] ||
    die "GOP_SECONDS ($GOP_SECONDS) must divide SEGMENT_SECONDS ($SEGMENT_SECONDS)"
}

need_encoder() {
  ffmpeg -hide_banner -encoders 2>/dev/null | grep -q " $1 " ||
    die "this ffmpeg has no encoder \`$1\`; install one that does (Debian's has)"
}

# need_input SENTENCE INPUT…: reads a moment of a device, so that what is missing is said in words and before
# anything is written.
need_input() {
  sentence=$1
  shift
  ffmpeg -nostdin -loglevel quiet "$@" -t 0.1 -f null - || die "$sentence"
}

need_file() {
  if [ ! -f "$1" ] || [ ! -r "$1" ]; then die "\`$1\` is not a readable file"; fi
}

# has_stream FILE KIND, with the letters of ffmpeg: V is a video that is not a cover picture, a is audio
has_stream() {
  command -v ffprobe >/dev/null || die 'ffprobe was not found; it comes with ffmpeg (Debian: apt install ffmpeg)'
  [ -n "$(ffprobe -v error -protocol_whitelist file -select_streams "$2" -show_entries stream=index -of csv=p=0 \
    "file:$1" 2>/dev/null)" ]
}

find_font() {
  : "${FONT:=$(fc-match --format='%{file}' sans 2>/dev/null || true)}"
  [ -f "$FONT" ] || die 'no font was found; name one with FONT=/path/to/font.ttf '\
'(Debian: apt install fontconfig fonts-dejavu-core)'
}

# from_file NEXT FILE: reads a video file in real time, fits its picture into the frame without stretching it, and goes on
# to NEXT.
from_file() {
  next=$1
  file=$2
  need_file "$file"
  has_stream "$file" V || die "\`$file\` holds no video that ffmpeg can read; for sound alone use ffmpeg/audio.sh"
  # Only `file`: a playlist dressed up as a video must not make ffmpeg fetch something from the network, outside Tor.
  "$next" -re -stream_loop "$LOOPS" -protocol_whitelist file -i "file:$file" -map 0:V:0 -map '0:a:0?' \
    -filter:v "$FITTED_PICTURE"
}

# from_pattern NEXT: makes a test picture with the time of day (UTC: a local time would name the time zone) and the time
# since the start, and a tone; goes on to NEXT.
from_pattern() {
  find_font
  "$1" -re -f lavfi -i "testsrc2=size=${WIDTH}x$HEIGHT:rate=$FRAME_RATE" \
    -re -f lavfi -i "sine=frequency=$TONE_HZ:beep_factor=4:sample_rate=$SAMPLE_RATE" -map 0:v -map 1:a \
    -filter:v "$(clock_on_picture)"
}

# The filter that writes the time onto a picture.
clock_on_picture() {
  printf %s "drawtext=fontfile='$FONT':text='%{gmtime} UTC  %{pts\\:hms}':fontcolor=white:box=1:\
boxcolor=black@0.6:fontsize=$((HEIGHT / 15)):x=8:y=6,format=yuv420p"
}

# with_microphone NEXT VIDEO INPUT…: adds the microphone to a device that gives the picture, and goes on to NEXT.
with_microphone() {
  next=$1
  shift
  if [ "$MICROPHONE" = none ]; then
    "$next" "$@" -map 0:v:0 -filter:v "$FITTED_PICTURE"
  else
    need_microphone
    "$next" "$@" -thread_queue_size "$CAPTURE_QUEUE" -f "$MICROPHONE" -i "$MICROPHONE_NAME" -map 0:v:0 -map 1:a:0 \
      -filter:v "$FITTED_PICTURE" -filter:a "$STEADY_SOUND"
  fi
}

need_microphone() {
  case $MICROPHONE in
    pulse | alsa)
      need_input "the microphone \`$MICROPHONE_NAME\` cannot be read through $MICROPHONE; \
set MICROPHONE=pulse, alsa or none and MICROPHONE_NAME (pactl list short sources, or arecord -L, show the names)" -f "$MICROPHONE" -i "$MICROPHONE_NAME"
      ;;
    *) die "MICROPHONE is \`$MICROPHONE\`, but must be pulse, alsa or none" ;;
  esac
}

gop_frames() {
  echo $((GOP_SECONDS * FRAME_RATE))
}

# h264_aac INPUTS AND FILTERS…: encodes as H.264 + AAC and goes on without_traces.
h264_aac() {
  need_encoder libx264
  case $PRESET in
    balanced) set -- "$@" -preset:v medium -bf 2 -rc-lookahead 12 -x264-params repeat-headers=1:sync-lookahead=0 ;;
    low-latency) set -- "$@" -preset:v veryfast -tune:v zerolatency -bf 0 -x264-params repeat-headers=1 ;;
    *) die "PRESET is \`$PRESET\`, but must be balanced or low-latency" ;;
  esac
  # No keyframes at scene cuts: they would cost bits and make GOPs of uneven length.
  without_traces "$@" -c:v libx264 -profile:v main -sc_threshold 0 -bsf:v filter_units=remove_types=$SEI \
    -g "$(gop_frames)" -keyint_min "$(gop_frames)" -threads:v "$VIDEO_THREADS" \
    -b:v "${VIDEO_KBITS}k" -maxrate "${VIDEO_KBITS}k" -bufsize "${VIDEO_KBITS}k" \
    -c:a aac -b:a "${AUDIO_KBITS}k" -ac "$AUDIO_CHANNELS" -ar $SAMPLE_RATE
}

# vp9_opus INPUTS AND FILTERS…: encodes as VP9 + Opus and goes on.
vp9_opus() {
  need_encoder libvpx-vp9
  need_encoder libopus
  # Without a minimum rate libvpx spends far more than asked for.
  without_traces "$@" -c:v libvpx-vp9 -deadline realtime -cpu-used $VP9_SPEED -row-mt 1 \
    -lag-in-frames 0 -g "$(gop_frames)" -keyint_min "$(gop_frames)" -threads:v "$VIDEO_THREADS" \
    -b:v "${VIDEO_KBITS}k" -minrate "${VIDEO_KBITS}k" -maxrate "${VIDEO_KBITS}k" -bufsize "${VIDEO_KBITS}k" \
    -c:a libopus -b:a "${AUDIO_KBITS}k" -ac "$AUDIO_CHANNELS" -ar $SAMPLE_RATE
}

# without_traces ARGUMENTS…: no titles, chapters, dates, version numbers or names of encoders; goes on to OUTPUT.
without_traces() {
  "$OUTPUT" "$@" -map_metadata -1 -map_chapters -1 -fflags +bitexact -flags:v +bitexact -flags:a +bitexact \
    -metadata:s:v encoder=video
}

# prepare_directory: nothing of an earlier run may be mistaken for this one.
prepare_directory() {
  # Not even other users of this machine should be able to read along.
  umask 077
  [ -d "$STREAM_DIR" ] || mkdir -p "$STREAM_DIR" ||
    die "\`$STREAM_DIR\` cannot be made; name another place with STREAM_DIR="
  if [ -f "$STREAM_DIR/pid.txt" ]; then
    old_pid=$(head -c 20 "$STREAM_DIR/pid.txt")
    case $old_pid in
      '' | *[!0-9]*) ;;
      *)
        # The number may belong to something else by now; only ffmpeg can be in the way.
        if [ "$(ps -p "$old_pid" -o comm= 2>/dev/null || true)" = ffmpeg ]; then
          die "process $old_pid is still writing to \`$STREAM_DIR\`; stop it first: kill $old_pid"
        fi
        ;;
    esac
  fi
  # The playlist first: it must not name files that are gone.
  rm -f "$STREAM_DIR/stream.m3u8" "$STREAM_DIR/stream.m3u8.tmp" "$STREAM_DIR/init.mp4" \
    "$STREAM_DIR/pid.txt" "$STREAM_DIR/start.txt"
  for segment in "$STREAM_DIR"/stream*.m4s; do
    is_segment "$segment" && rm -f "$segment"
  done
  date +%s >"$STREAM_DIR/start.txt"
  echo $$ >"$STREAM_DIR/pid.txt"
}

# is_segment PATH: whether the name is stream<N>.m4s; sets `number`.
is_segment() {
  number=${1##*/stream}
  number=${number%.m4s}
  case $number in
    '' | *[!0-9]* | 0?* | ?????????*) return 1 ;;
  esac
}

# Deletes old segments until the process that became ffmpeg has ended. Works by number, not by age, so that neither
# a clock that jumps nor an encoder that pauses costs a segment that is still listed.
sweep_old_segments() {
  while kill -0 $$ 2>/dev/null; do
    newest=0
    for segment in "$STREAM_DIR"/stream*.m4s; do
      if is_segment "$segment" && [ "$number" -gt "$newest" ]; then newest=$number; fi
    done
    for segment in "$STREAM_DIR"/stream*.m4s; do
      if is_segment "$segment" && [ "$number" -le $((newest - KEEP_SEGMENTS)) ]; then rm -f "$segment"; fi
    done
    sleep "$SWEEP_SECONDS"
  done
}

# growing_segments ARGUMENTS…: stream.m3u8, init.mp4 and stream<N>.m4s that grow by one whole fragment at a time.
growing_segments() {
  prepare_directory
  # Not `-segment_wrap`, which would use numbers again: a viewer's player goes by increasing numbers.
  sweep_old_segments </dev/null >/dev/null 2>&1 &
  into_segments run_ffmpeg "$@"
}

# into_segments NEXT ARGUMENTS…: adds the muxer of growing segments, and goes on to NEXT.
into_segments() {
  next=$1
  shift
  # `flush_packets` works only as an option of the inner muxer; without it a segment appears whole.
  "$next" "$@" \
    -f segment -segment_time "$SEGMENT_SECONDS" -segment_format mp4 \
    -segment_format_options "movflags=+frag_keyframe+empty_moov+default_base_moof+skip_trailer:\
frag_duration=$((FRAGMENT_MS * 1000)):flush_packets=1:fflags=+bitexact" \
    -individual_header_trailer 0 -segment_header_filename "$STREAM_DIR/init.mp4" \
    -segment_list "$STREAM_DIR/stream.m3u8" -segment_list_type m3u8 -segment_list_flags +live \
    -segment_list_size "$LIST_SEGMENTS" "$STREAM_DIR/stream%d.m4s"
}

run_ffmpeg() {
  exec ffmpeg -nostdin -hide_banner -loglevel "$LOGLEVEL" "$@"
}

# whole_segments ARGUMENTS…: the same files, but each appears when it is complete. ffmpeg itself deletes old ones.
# (Never with fragment options: ffmpeg 5.1 then writes the first segment into init.mp4. And it cannot be kept
# from writing its version number there: the muxer does not hand +bitexact on.)
whole_segments() {
  prepare_directory
  exec ffmpeg -nostdin -hide_banner -loglevel "$LOGLEVEL" "$@" \
    -f hls -hls_init_time 0 -hls_time "$SEGMENT_SECONDS" -hls_list_size "$LIST_SEGMENTS" -hls_flags delete_segments \
    -hls_segment_type fmp4 -hls_fmp4_init_filename init.mp4 -hls_segment_filename "$STREAM_DIR/stream%d.m4s" \
    "$STREAM_DIR/stream.m3u8"
}
