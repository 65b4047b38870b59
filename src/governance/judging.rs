//! Finds the rules that judge a change: those that were in force before it, which are the committed ones of the side that it
//! is compared with, and beside them whatever `governance.yaml` on disk says more strictly. Whoever makes a change can write
//! that file, so what it loosens is nothing until it is committed. `domain::rules::strictness` has the two judge together.

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::load::{read_file, text_of};
use super::settings::{FILE_NAME, MAX_FILE_BYTES, Settings};
use super::{Governance, GovernanceError};
use crate::domain::report::judges::{Before, Judges, OnDisk};
use crate::domain::rules::strictness;
use crate::git::content::Content;
use crate::git::{GitError, Repo};

/// Rules, and where they are from.
#[derive(Clone, Debug)]
pub struct InForce {
    /// The rules.
    pub governance: Governance,
    /// Where they are from.
    pub judges: Judges,
}

/// A version of the file: its text, nothing, or why it cannot be had.
type Version = Result<Option<String>, String>;

/// The file of one commit, as it was read; of no commit by default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommittedFile {
    commit: Option<String>,
    file: Version,
}

impl Default for CommittedFile {
    fn default() -> Self {
        Self {
            commit: None,
            file: Ok(None),
        }
    }
}

impl CommittedFile {
    /// That of the commit which `base` names, or of HEAD.
    ///
    /// # Errors
    /// When the repository does not know the name, or cannot be read.
    pub fn read(repo: &Repo, base: Option<&str>) -> Result<Self, GitError> {
        let (commit, content) = repo.committed(base, Path::new(FILE_NAME), MAX_FILE_BYTES)?;
        Ok(Self {
            commit,
            file: version_of(content),
        })
    }

    /// The settings in it, or the defaults; else why it cannot be used.
    pub fn settings(self) -> Result<Settings, String> {
        match self.file? {
            Some(text) => Settings::read(&text).map_err(|error| reason_of(&error)),
            None => Ok(Settings::default()),
        }
    }

    /// The rules in it, or those that are built in.
    fn rules(&self) -> (Governance, Before) {
        let commit = self.commit.clone();
        match (parse(&self.file), commit) {
            (Ok(Some(rules)), Some(commit)) => (rules, Before::Committed { commit }),
            (Err(reason), Some(commit)) => {
                let before = Before::Unusable { commit, reason };
                (Governance::default(), before)
            }
            (_, commit) => (Governance::default(), Before::BuiltIn { commit }),
        }
    }
}

/// Finds rules, and keeps the last ones: to make them takes longer than a small report.
#[derive(Debug, Default)]
pub struct RulesCache(Option<(RuleSources, Arc<InForce>)>);

/// What rules are made of.
#[derive(Clone, Debug, PartialEq, Eq)]
struct RuleSources {
    before: CommittedFile,
    on_disk: Version,
}

impl InForce {
    /// Rules that the caller names.
    pub fn given(governance: &Governance) -> Self {
        Self {
            governance: governance.clone(),
            judges: Judges::given(),
        }
    }

    /// Those that judge a plan: of `committed`, and what the rules `on_disk` say more strictly. Only risks are compared, since a plan
    /// has nothing else to be judged.
    pub fn for_plans(committed: &CommittedFile, on_disk: &Governance) -> Self {
        let (rules, before) = committed.rules();
        let difference = strictness::difference(&rules.risk_rules, &on_disk.risk_rules);
        let (governance, state) = together(rules, on_disk);
        let on_disk = match state {
            OnDisk::Unusable { .. } => state,
            _ => difference.into(),
        };
        Self {
            governance,
            judges: Judges {
                before,
                on_disk,
                sentences: Vec::new(),
            },
        }
    }
}

impl RulesCache {
    /// The rules for a change on top of the commit that `base` names, or of HEAD.
    ///
    /// # Errors
    /// When the repository does not know the name, or cannot be read.
    pub fn rules(&mut self, repo: &Repo, base: Option<&str>) -> Result<Arc<InForce>, GitError> {
        let found = RuleSources {
            before: CommittedFile::read(repo, base)?,
            on_disk: read_file(repo.root()).map_err(|error| reason_of(&error)),
        };
        if let Some((known, rules)) = &self.0
            && *known == found
        {
            return Ok(Arc::clone(rules));
        }
        let rules = Arc::new(make(&found));
        self.0 = Some((found, Arc::clone(&rules)));
        Ok(rules)
    }
}

fn version_of(content: Content) -> Version {
    match content {
        Content::None => Ok(None),
        Content::File {
            bytes: Some(bytes), ..
        } => text_of(bytes).map(Some).map_err(|error| reason_of(&error)),
        Content::File { bytes: None, .. } => {
            Err(format!("it is larger than {} KiB", MAX_FILE_BYTES >> 10))
        }
        Content::Link(_) => Err("it is a symbolic link, which is not followed".to_owned()),
        Content::Unreadable => Err("it cannot be read".to_owned()),
    }
}

/// Without the folder in which the file lies: the same file gives the same report everywhere.
fn reason_of(error: &GovernanceError) -> String {
    match error {
        GovernanceError::Read { source, .. } => format!("it cannot be read: {source}"),
        GovernanceError::NotUsable { reason, .. } => format!("it {reason}"),
        GovernanceError::Invalid { .. } => error.to_string(),
    }
}

fn parse(version: &Version) -> Result<Option<Governance>, String> {
    let text = version.as_ref().map_err(Clone::clone)?;
    let governance = text.as_deref().map(Governance::parse).transpose();
    governance.map_err(|error| reason_of(&error))
}

/// The rules and those beside them as one, and how they differ.
fn together(rules: Governance, beside: &Governance) -> (Governance, OnDisk) {
    match rules.judging_with(beside) {
        Ok(both) => (both, rules.difference(beside).into()),
        // Each is sound; together they have too much to look for.
        Err(error) => (
            rules,
            OnDisk::Unusable {
                reason: format!("beside the rules before it: {error}"),
            },
        ),
    }
}

fn make(found: &RuleSources) -> InForce {
    let (rules, before) = found.before.rules();
    let is_committed = matches!(before, Before::Committed { .. });
    // The same text is the same file, whatever is wrong with it.
    let on_disk = match found.on_disk == found.before.file {
        true if found.on_disk.is_ok() => Ok(None),
        _ => parse(&found.on_disk),
    };
    let (governance, on_disk) = match on_disk {
        Ok(Some(beside)) => together(rules, &beside),
        Ok(None) if is_committed && matches!(found.on_disk, Ok(None)) => (rules, OnDisk::Absent),
        Ok(None) => (rules, OnDisk::Same),
        Err(reason) => (rules, OnDisk::Unusable { reason }),
    };
    InForce {
        governance,
        judges: Judges {
            before,
            on_disk,
            sentences: Vec::new(),
        },
    }
}
