//! Why an index cannot be read.

use crate::domain::sentence::say;
use crate::git::GitError;

/// Why an index cannot be judged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IndexFault {
    /// A format that this does not know.
    #[error("{}", say!("reason.index.unsupported", what = .0))]
    Unsupported(String),
    /// Somebody wrote it meanwhile.
    #[error("{}", say!("reason.index.unsteady"))]
    Unsteady,
    /// It ends too early, or its parts do not fit together.
    #[error("{}", say!("reason.index.damaged", why = .0))]
    Damaged(&'static str),
}

pub(super) const CUT: IndexFault = IndexFault::Damaged("it ends in the middle of something");

impl IndexFault {
    /// An extension that is not known here, with what ends its use.
    pub(super) fn extension(name: &[u8], advice: &str) -> Self {
        let name = String::from_utf8_lossy(name);
        Self::Unsupported(format!("the extension {}{advice}", name.escape_debug()))
    }
}

impl From<IndexFault> for GitError {
    fn from(fault: IndexFault) -> Self {
        match fault {
            IndexFault::Unsupported(what) => Self::Unsupported(format!("an index with {what}")),
            IndexFault::Unsteady => Self::Unsteady,
            IndexFault::Damaged(reason) => Self::DamagedIndex(reason),
        }
    }
}
