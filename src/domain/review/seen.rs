//! What was seen of commits: those that were made, and those that the gate was asked about.

use serde::{Deserialize, Serialize};

use super::{GateMode, GitId};

/// A commit that appeared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitSeen {
    /// Its id.
    pub commit: GitId,
    /// Its tree.
    pub tree: GitId,
    /// The tree of its first parent.
    #[serde(default)]
    pub base_tree: Option<GitId>,
    /// The branch that HEAD was on when it was seen.
    #[serde(default)]
    pub branch: Option<String>,
    /// The first line of its message; whoever made it wrote that.
    #[serde(default)]
    pub subject: String,
    /// The report under which its tree was approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report_id: Option<String>,
    /// Older commits that it stands for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub older: Option<Older>,
}

/// Commits that are counted and not listed, because too many came at once: older than the one that stands for them, and
/// judged as it was, unless there are `more`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Older {
    /// How many.
    pub count: u64,
    /// The first of them.
    pub oldest: GitId,
    /// There are still more, or there may be: some of these were not judged, for there was no time, or there were too many. So the
    /// count is the least, and the oldest is the oldest that was met.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub more: bool,
}

impl CommitSeen {
    /// How many commits this tells of.
    pub fn count(&self) -> u64 {
        1 + self.older.as_ref().map_or(0, |older| older.count)
    }

    /// The first commit that this tells of.
    pub fn oldest(&self) -> &GitId {
        self.older.as_ref().map_or(&self.commit, |it| &it.oldest)
    }

    /// From now on this stands for `before` as well, and for what that stood for.
    pub fn stand_for(&mut self, before: &Self) {
        let has_more = |seen: &Self| seen.older.as_ref().is_some_and(|it| it.more);
        self.older = Some(Older {
            count: before.count() + self.count() - 1,
            oldest: before.oldest().clone(),
            more: has_more(before) || has_more(self),
        });
    }
}

/// A commit that the gate was asked about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// The tree that the commit would take, if there is one.
    #[serde(default)]
    pub tree: Option<GitId>,
    /// The tree of HEAD.
    #[serde(default)]
    pub base_tree: Option<GitId>,
    /// How strict the gate was.
    pub mode: GateMode,
    /// What was against it, as a sentence; left out when nothing was.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "crate::domain::blank"
    )]
    pub reason: Option<String>,
}
