//! What the process ends with.

/// What the process ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    /// It worked.
    Ok = 0,
    /// It was tried and failed, or what was checked is not as it should be.
    Failed = 1,
    /// The command line, a variable or `governance.yaml` is wrong; nothing was started.
    Usage = 2,
    /// Another zhongshu runs for this repository.
    AlreadyRunning = 3,
    /// The command needs a running zhongshu and there is none.
    NotRunning = 4,
    /// The harness allows this credential less, or it holds no more.
    NotAllowed = 5,
    /// The harness does not have what is named.
    NotThere = 6,
    /// What it is about is in a state that does not allow it.
    WrongState = 7,
    /// Not now; the same may work later.
    Later = 8,
}

impl ExitCode {
    /// What an answer of the harness with this status ends with.
    pub fn of_status(status: u16) -> Self {
        match status {
            200..=299 => Self::Ok,
            400 | 411 | 413..=415 | 422 | 426 => Self::Usage,
            401 | 403 => Self::NotAllowed,
            404 | 405 | 410 => Self::NotThere,
            409 | 423 => Self::WrongState,
            408 | 429 | 503 | 504 => Self::Later,
            _ => Self::Failed,
        }
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code as u8)
    }
}
