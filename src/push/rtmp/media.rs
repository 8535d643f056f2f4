//! Sound and picture of RTMP as FLV, which ffmpeg reads.
//!
//! What describes the stream (`onMetaData`: the name of the encoder, its version) is left out.

use thiserror::Error;

use super::chunks::kind;

/// The beginning of a file with sound and picture.
pub(super) const BEGINNING: [u8; 13] = *b"FLV\x01\x05\0\0\0\x09\0\0\0\0";

/// Bytes of a tag besides its body.
const AROUND: usize = 15;

/// Why a message cannot be passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CodecError {
    /// Something other than H.264.
    #[error("the picture is not H.264; choose an H.264 encoder such as x264")]
    Picture,
    /// Something other than AAC.
    #[error("the sound is not AAC; choose AAC as the sound encoder")]
    Sound,
}

/// One message as a tag of FLV; `None` if there is nothing in it that is passed on.
pub(super) fn tag(kind: u8, time: u32, body: &[u8]) -> Result<Option<Vec<u8>>, CodecError> {
    let Some(&first) = body.first() else {
        return Ok(None);
    };
    if kind == kind::VIDEO {
        // A frame that is a command to a player, in old and in new headers.
        if first >> 4 == 5 {
            return Ok(None);
        }
        if first & 0x80 != 0 || first & 0x0f != 7 {
            return Err(CodecError::Picture);
        }
    } else if first >> 4 != 10 {
        return Err(CodecError::Sound);
    }
    // The limit of a message is below what 24 bits hold.
    let length = u32::try_from(body.len()).unwrap_or_default();
    let ([_, length @ ..], [high, low @ ..]) = (length.to_be_bytes(), time.to_be_bytes());
    let mut tag = Vec::with_capacity(body.len() + AROUND);
    tag.push(kind);
    tag.extend(length);
    tag.extend(low);
    tag.extend([high, 0, 0, 0]);
    tag.extend(body);
    let whole = u32::try_from(tag.len()).unwrap_or_default();
    tag.extend(whole.to_be_bytes());
    Ok(Some(tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_holds_kind_length_time_and_what_it_is_about() {
        let tag = tag(kind::AUDIO, 0x0102_0304, &[0xaf, 1, 2]).unwrap();
        let expected = [8, 0, 0, 3, 2, 3, 4, 1, 0, 0, 0, 0xaf, 1, 2, 0, 0, 0, 14];
        assert_eq!(tag.as_deref(), Some(&expected[..]));
    }

    #[test]
    fn other_codecs_are_refused_and_commands_to_players_left_out() {
        assert_eq!(tag(kind::VIDEO, 0, &[0x12]), Err(CodecError::Picture));
        assert_eq!(tag(kind::VIDEO, 0, &[0x90]), Err(CodecError::Picture));
        assert_eq!(tag(kind::AUDIO, 0, &[0x2f]), Err(CodecError::Sound));
        assert_eq!(tag(kind::VIDEO, 0, &[0x57, 0]), Ok(None));
        assert_eq!(tag(kind::VIDEO, 0, &[]), Ok(None));
        assert!(tag(kind::VIDEO, 0, &[0x17, 0]).unwrap().is_some());
    }
}
