//! `/broadcaster`: the desk.

pub(in crate::http) mod api;
