//! Why an extension is not loaded.

use crate::domain::sentence::Sentence;

/// The kinds of reasons, as the API has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// It names no program, or a file that is not there.
    MissingEntrypoint,
    /// Its folder or its manifest is not as it has to be.
    InvalidManifest,
    /// It was written for another server.
    IncompatibleRuntime,
    /// Its program does not start, ends, or does not speak as it has to.
    ImportFailed,
    /// It has no tool for events.
    MissingRegister,
    /// What that tool says of the events is not as it has to be.
    RegistrationFailed,
    /// It does what it does not declare.
    TrustDenied,
    /// Another one has its name.
    AgentIdConflict,
}

impl Code {
    /// Its name in the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::MissingEntrypoint => "missing_entrypoint",
            Self::InvalidManifest => "invalid_manifest",
            Self::IncompatibleRuntime => "incompatible_runtime",
            Self::ImportFailed => "import_failed",
            Self::MissingRegister => "missing_register",
            Self::RegistrationFailed => "registration_failed",
            Self::TrustDenied => "trust_denied",
            Self::AgentIdConflict => "agent_id_conflict",
        }
    }
}

/// One reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Its kind.
    pub code: Code,
    /// What is wrong.
    pub message: Sentence,
}

impl Fault {
    /// A reason of this kind.
    pub fn new(code: Code, message: Sentence) -> Self {
        Self { code, message }
    }
}
