#!/bin/sh
# Makes assets/demo.mp4, the clip that `onionstream start --source demo` loops.
#
# Exactly 10 s of VP9 (640x360, 25 frames/s) and Opus, as fragmented MP4: ftyp, moov, then 50 times moof + mdat
# of 200 ms each. Every 5th fragment starts with a keyframe and no picture refers across it. Decode times start at 0
# and both tracks end at exactly 10 s, so a player of the clip appends the fragments again with 10 s added.
#
# The loop has no seam: everything that moves or sounds has a period that divides the clip's length, and the clip is the
# middle one of three encoded turns, so the codecs end the turn in the state in which they began it. (The very
# first turn starts the audio decoder in the middle; Opus settles within 80 ms.)
set -eu

usage() {
  cat <<'USAGE'
usage: ffmpeg/demo-clip.sh [OUTPUT]

Writes the built-in demo clip to OUTPUT (default: assets/demo.mp4). Takes about a minute.
Environment: FONT (a .ttf or .otf file; default: what `fc-match sans` names), VIDEO_BITRATE, AUDIO_BITRATE.
USAGE
}

die() {
  printf 'demo-clip.sh: %s\n' "$1" >&2
  exit 1
}

case ${1-} in
  -h | --help) usage; exit 0 ;;
esac

output=${1-$(dirname "$0")/../assets/demo.mp4}

WIDTH=640                                # pixels
HEIGHT=360                               # pixels
FRAME_RATE=25                            # frames per second
CLIP_SECONDS=10                          # seconds; every period below divides it
GOP_FRAMES=25                            # frames from keyframe to keyframe: 1 s
FRAGMENT_US=200000                       # microseconds of media in a fragment
VIDEO_BITRATE=${VIDEO_BITRATE-250k}      # bits per second
AUDIO_BITRATE=${AUDIO_BITRATE-32k}       # bits per second
SAMPLE_RATE=48000                        # audio samples per second
OPUS_PACKET_SAMPLES=960                  # audio samples in a packet: 20 ms
VIDEO_TIMESCALE=12800                    # ticks per second of the video track; 512 ticks are a frame

FRAMES=$((CLIP_SECONDS * FRAME_RATE))
PACKETS=$((CLIP_SECONDS * SAMPLE_RATE / OPUS_PACKET_SAMPLES))
FRAME_TICKS=$((VIDEO_TIMESCALE / FRAME_RATE))

command -v ffmpeg >/dev/null || die 'ffmpeg was not found; install it (Debian: apt install ffmpeg)'
FONT=${FONT-$(fc-match --format='%{file}' sans 2>/dev/null || true)}
[ -f "$FONT" ] || die 'no font was found; name one: FONT=/path/to/font.ttf ffmpeg/demo-clip.sh'

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# The picture, as expressions for ffmpeg's geq filter (which has ten variables, 0 to 9).
# 0: the angle of the whole turn   1, 2: place relative to the heart, in picture heights   3: height above the heart
# 4: which layer of the onion this is, 0 in the heart and 1 on the skin; the neck is where the width falls off steeply,
#    and the whole bulb breathes twice in a turn
onion="st(0,2*PI*N/$FRAMES); st(1,(X+0.5-W/2)/H); st(2,(Y+0.5)/H-0.56); st(3,max(0,-ld(2)));
  st(4,hypot(ld(1)*(1+3*ld(3)*ld(3)+2600*pow(ld(3),6)),ld(2)*if(lt(ld(2),0),0.66,1.12))/(0.29*(1+0.035*sin(2*ld(0)))));"
# 5: rings that travel outwards, four in a turn   6: 1 inside the onion   7: the glow around it
rings='st(5,0.5+0.5*cos(2*PI*4.5*pow(ld(4),0.85)-ld(0)*4)); st(6,clip((1-ld(4))*22,0,1)); st(7,exp(-3.2*max(0,ld(4)-1)));'
# Ten dots, one for each second of the turn, so that everybody can see that the picture is live.
# 8: first which dot is nearest, then how bright it is   3: 1 inside that dot   9: the part of the second that is over
dots="st(3,(ld(1)+0.225)/0.05); st(8,clip(round(ld(3)),0,9));
  st(3,clip((0.0105-hypot((ld(3)-ld(8))*0.05,ld(2)-0.365))*180,0,1)); st(9,mod(N,$FRAME_RATE)/$FRAME_RATE);
  st(8,if(eq(ld(8),floor(N/$FRAME_RATE)),1-0.45*ld(9),
    0.16+0.39*eq(ld(8),mod(floor(N/$FRAME_RATE)+9,10))*(1-ld(9))));"
luma="$onion $rings $dots
  st(5,24+24*ld(7)*(1-ld(6))+ld(6)*(58+88*ld(5)*(1-0.45*ld(4))+26*(1-ld(4)))); ld(5)*(1-ld(3))+ld(3)*(20+185*ld(8))"
blue="$onion $rings 128+8+10*ld(7)*(1-ld(6))+ld(6)*(26-10*ld(5))"
red="$onion $rings 128+4+8*ld(7)*(1-ld(6))+ld(6)*(20-2*ld(5))"

# The sound: a quiet A major chord that swells with the onion's breath, a little out of tune between left and right,
# and a soft bell with each dot. All frequencies are whole multiples of 1 / CLIP_SECONDS.
swell='(0.55+0.45*sin(4*PI*t/10))'
bell='0.012*exp(-7*mod(t,1))*sin(2*PI*880*t)'
left="$swell*(0.05*sin(2*PI*110*t)+0.03*sin(2*PI*164.8*t)+0.02*sin(2*PI*220*t)+0.012*sin(2*PI*277.2*t))+$bell"
right="$swell*(0.05*sin(2*PI*110.2*t)+0.03*sin(2*PI*165*t)+0.02*sin(2*PI*219.8*t)+0.012*sin(2*PI*277.4*t))+$bell"

quiet='-nostdin -hide_banner -loglevel error -y'

# One turn without loss, because the expressions are slow and three turns are needed.
# shellcheck disable=SC2086 # `quiet` is a list of words
ffmpeg $quiet -f lavfi -i "color=black:size=${WIDTH}x$HEIGHT:rate=$FRAME_RATE,format=yuv420p,\
geq=lum='$luma':cb='$blue':cr='$red',\
drawtext=fontfile='$FONT':text=onionstream:fontsize=30:fontcolor=0xE9DDF7:x=24:y=20,\
drawtext=fontfile='$FONT':text=demo:fontsize=18:fontcolor=0xB79ADB:x=25:y=56" \
  -frames:v "$FRAMES" -c:v ffv1 "$work/turn.nut"

for pass in 1 2; do
  # shellcheck disable=SC2086
  ffmpeg $quiet -stream_loop 2 -i "$work/turn.nut" -c:v libvpx-vp9 -pix_fmt yuv420p \
    -pass $pass -passlogfile "$work/pass" -deadline good -cpu-used 1 -row-mt 1 -auto-alt-ref 1 -lag-in-frames 16 \
    -b:v "$VIDEO_BITRATE" -maxrate "$VIDEO_BITRATE" -bufsize "$VIDEO_BITRATE" \
    -g $GOP_FRAMES -keyint_min $GOP_FRAMES -force_key_frames "expr:not(mod(n,$GOP_FRAMES))" "$work/video.nut"
done
# shellcheck disable=SC2086
ffmpeg $quiet -f lavfi -i "aevalsrc=exprs='$left|$right':sample_rate=$SAMPLE_RATE:duration=$((3 * CLIP_SECONDS + 1))" \
  -c:a libopus -b:a "$AUDIO_BITRATE" -frame_duration 20 "$work/audio.nut"

# Keeps the middle turn by counting packets, and numbers their times from 0: cutting by time would be off by the
# encoder's delay.
# shellcheck disable=SC2086
ffmpeg $quiet -i "$work/video.nut" -i "$work/audio.nut" -map 0:v -map 1:a -c copy \
  -bsf:v "noise=drop='not(between(n,$FRAMES,$((2 * FRAMES - 1))))',setts=ts=N*$FRAME_TICKS:time_base=1/$VIDEO_TIMESCALE" \
  -bsf:a "noise=drop='not(between(n,$PACKETS,$((2 * PACKETS - 1))))',setts=ts=N*$OPUS_PACKET_SAMPLES:time_base=1/$SAMPLE_RATE" \
  -map_metadata -1 -fflags +bitexact -flags:v +bitexact -flags:a +bitexact -video_track_timescale $VIDEO_TIMESCALE \
  -f mp4 -movflags +frag_keyframe+empty_moov+default_base_moof+skip_trailer -frag_duration $FRAGMENT_US "$work/demo.mp4"

mv "$work/demo.mp4" "$output"
