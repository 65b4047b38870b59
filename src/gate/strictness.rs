//! How strict the gate is: what both versions of `governance.yaml` say, and what follows from it.

use serde::{Deserialize, Serialize};

use crate::domain::language::Language;
use crate::domain::review::GateMode;
use crate::git::{GitError, Repo};
use crate::governance::judging::CommittedFile;
use crate::governance::settings::Settings;

/// What one version of `governance.yaml` says about the gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stated", rename_all = "snake_case")]
pub enum Stated {
    /// Nothing, or there is no such file.
    Nothing,
    /// How strict.
    Mode {
        /// The word.
        mode: GateMode,
    },
    /// The file cannot be used.
    Unusable {
        /// Why not.
        reason: String,
    },
}

impl Stated {
    fn of(settings: &Result<Settings, String>) -> Self {
        match settings {
            Ok(settings) => match settings.gate {
                Some(mode) => Self::Mode { mode },
                None => Self::Nothing,
            },
            Err(reason) => Self::Unusable {
                reason: reason.clone(),
            },
        }
    }

    /// The mode, if it says one.
    pub fn mode(&self) -> Option<GateMode> {
        match self {
            Self::Mode { mode } => Some(*mode),
            Self::Nothing | Self::Unusable { .. } => None,
        }
    }
}

/// What both versions of `governance.yaml` say: the committed one, and the one on disk that anybody may have changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statements {
    /// HEAD's.
    pub head: Stated,
    /// The file's.
    pub disk: Stated,
    /// Whether commits get trailers.
    pub trailers: bool,
    /// Language of sentences.
    pub language: Option<Language>,
}

impl Statements {
    /// Reads both versions.
    ///
    /// # Errors
    /// When HEAD cannot be read.
    pub fn read(repo: &Repo) -> Result<Self, GitError> {
        let committed = CommittedFile::read(repo, None)?.settings();
        let on_disk = Settings::load(repo.root()).map_err(|error| error.to_string());
        let either = on_disk.as_ref().or(committed.as_ref());
        Ok(Self {
            head: Stated::of(&committed),
            disk: Stated::of(&on_disk),
            trailers: either.is_ok_and(|settings| settings.commit_trailers),
            language: either.ok().and_then(|settings| settings.language),
        })
    }
}

/// How strict the gate is.
///
/// What is committed counts; where that says nothing, what the person set; where nobody said anything, it refuses. From
/// there on it can only become stricter: by what the person set, or by the file on disk. An agent that rewrites that file
/// therefore never weakens the gate, and neither does a commit that nobody approved, as long as zhongshu saw the mode
/// before it.
pub fn in_force(pinned: Option<GateMode>, statements: &Statements) -> GateMode {
    let committed = statements.head.mode();
    let start = committed.or(pinned).unwrap_or(GateMode::Enforce);
    let stricter = [pinned, statements.disk.mode()].into_iter().flatten().max();
    stricter.map_or(start, |stricter| stricter.max(start))
}
