//! Why a login was refused.

use super::NoEntropy;

/// Why a login was refused. All of these are 401 but the last.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// Not a key of ours.
    #[error("this login key is not known; run `zhongshu open` for a new link")]
    Unknown,
    /// Too late.
    #[error("this login key has expired; run `zhongshu open` for a new link")]
    Expired,
    /// It was used before: somebody else may have it, so whoever used it is logged out.
    #[error(
        "this login key was used before, so the browser that used it is logged out too; run `zhongshu open` for a new link"
    )]
    Spent,
    /// Too many wrong ones.
    #[error("too many wrong login keys; wait a few seconds (a right key is accepted at any time)")]
    TooMany,
    /// No random numbers.
    #[error(transparent)]
    NoEntropy(#[from] NoEntropy),
}
