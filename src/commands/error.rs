//! Why a command did not work, and what the process ends with then.

use crate::cli::ExitCode;
use crate::client::ClientError;
use crate::paths::{LockError, PathError};
use crate::server::StartError;
use std::io;

/// Why a command did not work. Display is a whole sentence for the person.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The server.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// Nobody knows whether the server has done it.
    #[error(
        "{error}. It may have been done all the same: repeat it with `--idempotency-key {key}`, and work that it starts, or words that it \
             sends, happen once"
    )]
    AnswerLost {
        /// What happened.
        error: ClientError,
        /// The key of the request.
        key: String,
    },
    /// The harness said no.
    #[error("{message}")]
    Answered {
        /// HTTP status.
        status: u16,
        /// The sentence, and what else there is to say.
        message: String,
    },
    /// The repository or our folders.
    #[error(transparent)]
    Path(#[from] PathError),
    /// Tokens.
    #[error(transparent)]
    Token(#[from] crate::access::TokenError),
    /// The journal.
    #[error("the journal cannot be read: {0}; `zhongshu audit verify` says more")]
    Journal(#[from] crate::journal::TailError),
    /// The report.
    #[error("there is no report: {0}")]
    Report(#[from] crate::reader::ReadError),
    /// `governance.yaml`.
    #[error(transparent)]
    Governance(#[from] crate::governance::GovernanceError),
    /// The hooks.
    #[error(transparent)]
    Hook(#[from] crate::gate::hook::HookError),
    /// The server's start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A process that does not end.
    #[error("failed to {0}")]
    Process(#[from] crate::process::ProcessError),
    /// A variable.
    #[error(transparent)]
    Config(#[from] crate::config::ConfigError),
    /// Reading or printing.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// An argument.
    #[error("{0}")]
    Usage(String),
    /// Anything else that ended it.
    #[error("{0}")]
    Failed(String),
}

impl CommandError {
    /// What the process ends with.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Client(ClientError::NotRunning(_) | ClientError::NobodyThere { .. }) => {
                ExitCode::NotRunning
            }
            Self::Answered { status, .. } => ExitCode::of_status(*status),
            Self::Client(ClientError::BadRequest(_))
            | Self::Start(
                StartError::Path(PathError::StateWithinReach { .. })
                | StartError::Repository { .. },
            )
            | Self::Usage(_)
            | Self::Path(_)
            | Self::Config(_)
            | Self::Governance(_) => ExitCode::Usage,
            Self::Start(StartError::Locked(LockError::Held { .. })) => ExitCode::AlreadyRunning,
            // Whoever reads our output has had enough: `zhongshu audit | head`.
            Self::Io(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::Ok,
            _ => ExitCode::Failed,
        }
    }

    /// Whether there is something to tell; a reader that went away needs no sentence.
    pub fn is_silent(&self) -> bool {
        matches!(self, Self::Io(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}
