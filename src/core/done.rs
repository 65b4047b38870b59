//! How a step went: what the reconciler needs to know of it.

use super::Refused;
use crate::ledger::TransactError;

/// How a step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// It is done, or will never be.
    Settled,
    /// Try again after a pause.
    Again,
}

impl Done {
    /// What came of a step whose last deed was to record something.
    pub fn of<T>(recorded: Result<T, Refused>) -> Self {
        match recorded {
            Ok(_) | Err(TransactError::Refused(_) | TransactError::Closed) => Self::Settled,
            Err(error) => {
                tracing::warn!(?error, "a step could not be recorded");
                Self::Again
            }
        }
    }
}
