//! Finds the rules that judge a change: those that were in force before it, which are the committed ones of the side that it
//! is compared with, and beside them whatever `governance.yaml` on disk says more strictly. Whoever makes a change can write
//! that file, so what it loosens is nothing until it is committed. `domain::rules::strictness` has the two judge together.

use std::path::Path;
use std::sync::Arc;

use super::settings::{FILE_NAME, MAX_FILE_BYTES, Settings, read_file, text_of};
use super::{Governance, GovernanceError};
use crate::domain::report::judges::{Before, Judges, OnDisk};
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

/// Finds rules, and keeps the last ones: to make them takes longer than a small report.
#[derive(Debug, Default)]
pub struct Bench(Option<(Found, Arc<InForce>)>);

/// What rules are made of.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Found {
    commit: Option<String>,
    before: Version,
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
}

impl Bench {
    /// The rules for a change on top of the commit that `base` names, or of HEAD.
    ///
    /// # Errors
    /// When the repository does not know the name, or cannot be read.
    pub fn rules(&mut self, repo: &Repo, base: Option<&str>) -> Result<Arc<InForce>, GitError> {
        let (commit, content) = repo.committed(base, Path::new(FILE_NAME), MAX_FILE_BYTES)?;
        let found = Found {
            commit,
            before: version_of(content),
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

/// The settings in HEAD's `governance.yaml`; the defaults where there is no such file.
///
/// # Errors
/// When HEAD cannot be read; within, why the file cannot be used.
pub(super) fn committed_settings(repo: &Repo) -> Result<Result<Settings, String>, GitError> {
    let (_, content) = repo.committed(None, Path::new(FILE_NAME), MAX_FILE_BYTES)?;
    Ok(version_of(content).and_then(|text| match text {
        Some(text) => Settings::read(&text).map_err(|error| reason_of(&error)),
        None => Ok(Settings::default()),
    }))
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

fn make(found: &Found) -> InForce {
    let parse = |version: &Version| -> Result<Option<Governance>, String> {
        let text = version.as_ref().map_err(Clone::clone)?;
        let governance = text.as_deref().map(Governance::parse).transpose();
        governance.map_err(|error| reason_of(&error))
    };
    let committed = parse(&found.before);
    let commit = found.commit.clone();
    let before = match (&committed, commit) {
        (Ok(Some(_)), Some(commit)) => Before::Committed { commit },
        (Err(reason), Some(commit)) => Before::Unusable {
            commit,
            reason: reason.clone(),
        },
        (_, commit) => Before::BuiltIn { commit },
    };
    let is_committed = matches!(committed, Ok(Some(_)));
    let rules = committed.ok().flatten().unwrap_or_default();
    // The same text is the same file, whatever is wrong with it.
    let on_disk = match found.on_disk == found.before {
        true if found.on_disk.is_ok() => Ok(None),
        _ => parse(&found.on_disk),
    };
    let (governance, on_disk) = match on_disk {
        Ok(Some(beside)) => match rules.judging_with(&beside) {
            Ok(both) => (both, rules.difference(&beside).into()),
            // Each is sound; together they have too much to look for.
            Err(error) => (
                rules,
                OnDisk::Unusable {
                    reason: format!("beside the rules before it: {error}"),
                },
            ),
        },
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
