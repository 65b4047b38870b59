//! Why a login was refused.

use super::NoEntropy;
use crate::domain::sentence::{Sentence, say};
use std::fmt;

/// Why a login was refused. All of these are 401 but the last.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// Not a key of ours.
    Unknown,
    /// Too late.
    Expired,
    /// It was used before: somebody else may have it, so whoever used it is logged out.
    Spent,
    /// Too many wrong ones.
    TooMany,
    /// No random numbers.
    NoEntropy(#[from] NoEntropy),
}

impl LoginError {
    /// What is wrong, and what to do.
    pub fn sentence(&self) -> Sentence {
        match self {
            Self::Unknown => say!("refusal.login_key.unknown"),
            Self::Expired => say!("refusal.login_key.expired"),
            Self::Spent => say!("refusal.login_key.spent"),
            Self::TooMany => say!("refusal.login_key.too_many"),
            Self::NoEntropy(source) => Sentence::verbatim(source.to_string()),
        }
    }
}

impl fmt::Display for LoginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.sentence().fmt(f)
    }
}
