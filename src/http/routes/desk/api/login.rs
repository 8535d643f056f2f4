//! `/broadcaster/api/login`: the token of a program.

use axum::extract::State;
use http::StatusCode;

use super::{answer::Failure, request::Program};
use crate::live::room::RoomHandle;

/// Gives the token up.
pub(super) async fn log_out(
    State(room): State<RoomHandle>,
    Program(viewer): Program,
) -> Result<StatusCode, Failure> {
    room.log_out(viewer);
    Ok(StatusCode::NO_CONTENT)
}
