//! `/emote/<id>`: the pictures of the house's emotes.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, State, rejection::PathRejection},
    response::IntoResponse,
    routing::get,
};
use http::header;
use tokio::sync::watch;

use crate::{
    emotes::Emotes,
    http::{Site, problem::Problem},
};

/// The emotes as they are now.
pub type EmoteBook = watch::Receiver<Arc<Emotes>>;

pub(in crate::http) fn routes() -> Router<Site> {
    Router::new().route("/emote/{id}", get(picture))
}

async fn picture(
    State(book): State<EmoteBook>,
    id: Result<Path<u32>, PathRejection>,
) -> Result<impl IntoResponse, Problem> {
    let Ok(Path(id)) = id else {
        return Err(Problem::NOT_FOUND);
    };
    let emotes = Arc::clone(&book.borrow());
    let picture = emotes.picture(id).ok_or(Problem::NOT_FOUND)?;
    let (kind, bytes) = (picture.content_type, picture.bytes.clone());
    // The one thing here that is the same for everybody and for long: a browser may keep it until
    // it is closed.
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "private, max-age=3600"),
    ];
    Ok((headers, bytes))
}
