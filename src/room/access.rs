//! The door: who may come in.
//!
//! One question, asked for every request and for every long response again: [`Door`].

use std::{collections::BTreeSet, fmt, sync::Arc};

use super::tripcode::Tripcode;
use crate::clock::WallTime;

/// Tripcodes that a secret club may have.
pub const MAX_CLUB: usize = 1024;

/// What stands between somebody and the site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// Nothing.
    In,
    /// The captcha at the entrance.
    Captcha,
    /// The viewing password.
    Password,
    /// A tripcode of the secret club.
    Club,
    /// A block, until then or for good.
    Blocked {
        /// When it ends.
        until: Option<WallTime>,
    },
}

/// The hash of the viewing password, as text that names its own parameters.
#[derive(Clone, PartialEq, Eq)]
pub struct ViewingPassword(Arc<str>);

impl ViewingPassword {
    /// From a hash that was made or checked elsewhere.
    pub fn from_hash(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// What [`ViewingPassword::from_hash`] was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ViewingPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ViewingPassword")
    }
}

/// Who may come in.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// What everybody has to know.
    pub(super) password: Option<ViewingPassword>,
    /// Counts the passwords, so that whoever knew an older one has to know the new one.
    pub(super) password_number: u64,
    /// Who alone may come in.
    pub(super) club: Option<BTreeSet<Tripcode>>,
}

impl Access {
    /// What everybody has to know, if anything.
    pub fn password(&self) -> Option<&ViewingPassword> {
        self.password.as_ref()
    }

    /// Who alone may come in, if it is not everybody.
    pub fn club(&self) -> Option<&BTreeSet<Tripcode>> {
        self.club.as_ref()
    }

    /// The number of the password; another one has another number.
    pub fn password_number(&self) -> u64 {
        self.password_number
    }

    pub(super) fn set_password(&mut self, password: Option<ViewingPassword>) {
        self.password = password;
        self.password_number += 1;
    }
}
