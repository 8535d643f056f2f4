//! What stands in the path of an address where a route has a name for it.

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;
use serde::de::DeserializeOwned;

use super::problem::Problem;

/// Like [`Path`], but for what cannot be read there is the page of every address that is nothing, and
/// not the words of the library, which tell what this is made of.
#[derive(Debug)]
pub(super) struct InPath<T>(pub(super) T);

impl<S, T> FromRequestParts<S> for InPath<T>
where
    S: Send + Sync,
    T: DeserializeOwned + Send,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(read)) => Ok(Self(read)),
            Err(_unreadable) => Err(Problem::NOT_FOUND),
        }
    }
}
