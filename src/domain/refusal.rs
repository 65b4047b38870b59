//! Why a wish was not granted, in words for the person who had it (`sentence`).
//!
//! The domain decides what is refused; `web::error` alone decides which HTTP status that is.

use super::sentence::Sentence;
use std::fmt;

/// What kind of "no" it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The request itself is wrong, whatever the state.
    Invalid,
    /// It names something that does not exist.
    NotFound,
    /// It is a fine request at the wrong moment.
    Conflict,
    /// The caller may not do this.
    Forbidden,
    /// Something outside the launcher (Codex, a terminal) is not there or failed.
    Unavailable,
}

/// A refusal: a kind, a slug for programs and a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What kind of "no" it is.
    pub kind: Kind,
    /// Stable name of the reason, for programs.
    pub code: &'static str,
    /// What is wrong and what to do.
    pub message: Sentence,
}

impl Refusal {
    /// A field of the request is wrong. The sentence must name the field.
    pub fn invalid(code: &'static str, message: Sentence) -> Self {
        Self::new(Kind::Invalid, code, message)
    }

    /// The request names something unknown.
    pub fn not_found(code: &'static str, message: Sentence) -> Self {
        Self::new(Kind::NotFound, code, message)
    }

    /// The state does not allow it now.
    pub fn conflict(code: &'static str, message: Sentence) -> Self {
        Self::new(Kind::Conflict, code, message)
    }

    /// The caller may not do it.
    pub fn forbidden(code: &'static str, message: Sentence) -> Self {
        Self::new(Kind::Forbidden, code, message)
    }

    /// Something outside failed.
    pub fn unavailable(code: &'static str, message: Sentence) -> Self {
        Self::new(Kind::Unavailable, code, message)
    }

    fn new(kind: Kind, code: &'static str, message: Sentence) -> Self {
        Self {
            kind,
            code,
            message,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.message.fmt(f)
    }
}

impl std::error::Error for Refusal {}

impl From<super::ids::InvalidId> for Refusal {
    fn from(error: super::ids::InvalidId) -> Self {
        Self::invalid("invalid_id", error.sentence())
    }
}
