//! Where Git looks for its hooks, and what it writes before comment lines. Reads the configuration, never the hooks.

use std::path::PathBuf;

use git2::ConfigLevel;
use serde::{Deserialize, Serialize};

use super::{GitError, Repo};

/// Who says where the hooks are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum HooksOwner {
    /// Nobody: they are in Git's own folder.
    Git,
    /// `core.hooksPath` of this repository.
    Repository,
    /// `core.hooksPath` of the user or the machine; the folder serves every repository.
    Everybody,
}

/// The folder of the hooks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HooksFolder {
    /// The folder; it need not exist.
    pub path: PathBuf,
    /// Who chose it.
    pub owner: HooksOwner,
}

impl Repo {
    /// The folder in which Git looks for hooks; linked worktrees share it.
    ///
    /// # Errors
    /// When the configuration cannot be read.
    pub fn hooks_folder(&self) -> Result<HooksFolder, GitError> {
        let failed = |error| GitError::from_library("reading the configuration", &error);
        let config = self.inner.config().map_err(failed)?;
        let ours = HooksFolder {
            path: self.inner.commondir().join("hooks"),
            owner: HooksOwner::Git,
        };
        let Ok(entry) = config.get_entry("core.hookspath") else {
            return Ok(ours);
        };
        let owner = match entry.level() {
            ConfigLevel::Local | ConfigLevel::Worktree | ConfigLevel::App => HooksOwner::Repository,
            _ => HooksOwner::Everybody,
        };
        let path = config.get_path("core.hookspath").map_err(failed)?;
        // `core.hooksPath =` turns hooks off; Git then looks in the top folder itself.
        Ok(HooksFolder {
            path: self.root().join(path),
            owner,
        })
    }

    /// What Git's own comment lines in a commit message begin with.
    pub fn comment_prefix(&self) -> String {
        let configured = |name: &str| {
            let text = self.inner.config().ok()?.get_string(name).ok()?;
            // With `auto` Git takes whatever the message does not use; nearly always that is the first choice.
            (!text.is_empty() && text != "auto").then_some(text)
        };
        configured("core.commentstring")
            .or_else(|| configured("core.commentchar"))
            .unwrap_or_else(|| "#".to_owned())
    }
}
