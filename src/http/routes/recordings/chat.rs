//! `/recordings/NAME/chat.txt`, `chat.vtt`, `chat.json`: what was said in an earlier show.

use std::convert::Infallible;

use axum::{
    body::{Body, Bytes},
    extract::State,
    response::{IntoResponse as _, Response},
};
use futures_util::{FutureExt as _, stream};
use http::header;

use super::{Archive, From, PIECE, start};
use crate::{
    http::{address::InPath, problem::Problem, visitor::Audience},
    live::lease::{Kind, Lease},
    media::recording::{
        Eyes, RecordingName,
        chapters::Chapter,
        chat::export::{Export, Format},
    },
    recording::Recordings,
};

pub(super) async fn send(
    State(archive): State<Archive>,
    Audience(viewer): Audience,
    InPath((name, file)): InPath<(String, String)>,
    from: From,
) -> Result<Response, Problem> {
    let name = RecordingName::parse(&name).ok_or(Problem::NOT_FOUND)?;
    let format = Format::parse(&file).ok_or(Problem::NOT_FOUND)?;
    let eyes = archive.eyes(viewer);
    let recordings = archive.recordings;
    let recording = recordings.get_for(name, eyes).ok_or(Problem::NOT_FOUND)?;
    // Before the file is read: whoever asks for many gets few.
    let lease = archive
        .leases
        .take(Kind::Recording, viewer)
        .map_err(|_full| Problem::FULL)?;
    let chat = recordings.chat(name, eyes).await;
    let chat = chat.ok_or(Problem::NOT_FOUND)?;
    // Where the player begins that was asked for the same time.
    let from = recording.chapters.before(start(from)).map(Chapter::start);
    let sending = Sending {
        export: Export::new(chat, format, from.unwrap_or_default()),
        recordings,
        name,
        eyes,
        lease,
    };
    let parts = stream::unfold(sending, |mut sending| async move {
        let bytes = sending.next()?;
        Some((Ok::<_, Infallible>(bytes), sending))
    });
    let media_type = [(header::CONTENT_TYPE, format.media_type())];
    Ok((media_type, Body::from_stream(parts)).into_response())
}

/// One open response.
struct Sending {
    export: Export,
    recordings: Recordings,
    name: RecordingName,
    eyes: Eyes,
    lease: Lease,
}

impl Sending {
    /// The next lines, made when those before have been taken. Ends early when these may not have
    /// them any more.
    fn next(&mut self) -> Option<Bytes> {
        self.lease.asked();
        if self.lease.revoked().now_or_never().is_some()
            || !self.recordings.has_chat_for(self.name, self.eyes)
        {
            return None;
        }
        let mut piece = String::new();
        while piece.len() < PIECE
            && let Some(more) = self.export.next()
        {
            piece.push_str(&more);
        }
        (!piece.is_empty()).then(|| piece.into())
    }
}
