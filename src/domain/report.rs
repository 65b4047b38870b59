//! The governance report: the values that `GET /api/report` and `zhongshu report` hand out. Owns their shape and the
//! exit code that they lead to; `governance::report` fills them, `governance::render` prints them.

pub mod judges;

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::rules::RiskLevel;
use judges::Judges;

/// Which two states of the repository are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReportMode {
    /// HEAD with index and files: staged, unstaged and untracked changes, as `git status -uall` lists them.
    #[default]
    Worktree,
    /// HEAD with the index: what a commit would take.
    Staged,
    /// A commit with the tracked files as they are on disk, as `git diff <ref>` does.
    Base,
}

impl ReportMode {
    /// The name used in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Worktree => "worktree",
            Self::Staged => "staged",
            Self::Base => "base",
        }
    }
}

/// What happened to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeStatus {
    /// New in the index.
    Added,
    /// Content differs (and perhaps the mode).
    Modified,
    /// Gone.
    Deleted,
    /// Moved; `old_path` is the former name.
    Renamed,
    /// New and alike another changed file; `old_path` is that file.
    Copied,
    /// Became another kind: file, link or submodule.
    TypeChanged,
    /// Same content, other executable bit.
    ModeChanged,
    /// Not known to Git yet.
    Untracked,
    /// A merge left it unresolved.
    Conflicted,
}

impl ChangeStatus {
    /// The name used in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Modified => "modified",
            Self::Deleted => "deleted",
            Self::Renamed => "renamed",
            Self::Copied => "copied",
            Self::TypeChanged => "type_changed",
            Self::ModeChanged => "mode_changed",
            Self::Untracked => "untracked",
            Self::Conflicted => "conflicted",
        }
    }
}

/// What stands at a changed path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileKind {
    /// An ordinary file.
    File,
    /// A symbolic link; its target is never opened.
    Symlink,
    /// Another repository, recorded by its commit.
    Submodule,
    /// A repository inside this one that is not recorded; its files belong to it.
    Repository,
}

/// Whether something needs a person's eyes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Decision {
    /// Nothing to look at.
    Pass,
    /// A person should look.
    Review,
}

impl Decision {
    /// `Review` when `needed`.
    pub fn review_if(needed: bool) -> Self {
        if needed { Self::Review } else { Self::Pass }
    }

    /// The name used in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Review => "REVIEW",
        }
    }
}

/// One changed path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangedFile {
    /// Path from the repository's root. Bytes that are no UTF-8 are shown as U+FFFD, and `non_utf8` is set.
    pub path: String,
    /// Former name of a renamed, or source of a copied file.
    pub old_path: Option<String>,
    /// What happened, all in all.
    pub status: ChangeStatus,
    /// The staged part of it (worktree mode).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index_status: Option<ChangeStatus>,
    /// The part that is not staged (worktree mode).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worktree_status: Option<ChangeStatus>,
    /// What stands there.
    pub kind: FileKind,
    /// Lines added; none for binary and very large files.
    pub additions: Option<u64>,
    /// Lines deleted; none for binary and very large files.
    pub deletions: Option<u64>,
    /// Not a text file.
    pub binary: bool,
    /// Too large to be counted, or not readable.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub uncounted: bool,
    /// `path` is not exactly the name on disk.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub non_utf8: bool,
    /// Keys of the departments that own it (under its old or its new name).
    pub departments: Vec<String>,
    /// Its owners by `CODEOWNERS` (under its old or its new name).
    pub owners: Vec<String>,
    /// Names of the risk rules that it hits.
    pub risks: Vec<String>,
}

/// A department with changed files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DepartmentShare {
    /// Its key.
    pub key: String,
    /// Its title in the report's language.
    pub title: String,
    /// Its changed files.
    pub files: Vec<String>,
    /// Commands that show that its work holds.
    pub verify: Vec<String>,
}

/// Somebody whom `CODEOWNERS` names, with changed files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnerShare {
    /// `@user`, `@organisation/team` or an email address.
    pub owner: String,
    /// The changed files.
    pub files: Vec<String>,
}

/// The `CODEOWNERS` file that was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnersFile {
    /// Its path.
    pub path: String,
    /// Lines of it that could not be read and do not count.
    pub notices: Vec<OwnersNotice>,
}

/// A line of `CODEOWNERS` that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnersNotice {
    /// Line, from 1; 0 for the file as a whole.
    pub line: u64,
    /// What is wrong with it.
    pub message: String,
}

/// Something that a rule found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The rule's name.
    pub rule: String,
    /// Its level.
    pub level: RiskLevel,
    /// The path that hit it; for a rename this may be the old name.
    pub path: String,
    /// Line, where the finding has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// What is to be looked at, as a sentence.
    pub message: String,
    /// How to make it go away properly.
    pub how_to_silence: String,
}

/// Sums over the report.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Changed files.
    pub files: usize,
    /// Lines added in files that were counted.
    pub additions: u64,
    /// Lines deleted in files that were counted.
    pub deletions: u64,
    /// Binary files.
    pub binary: usize,
    /// Files without a line count although they are no binary files.
    pub uncounted: usize,
    /// Untracked files.
    pub untracked: usize,
    /// Conflicted files.
    pub conflicted: usize,
    /// Findings of level high.
    pub risks_high: usize,
    /// Findings of level medium.
    pub risks_medium: usize,
    /// Findings of level low.
    pub risks_low: usize,
    /// Findings that are counted above and not listed, because their rule has so many.
    pub risks_left_out: usize,
    /// Findings that an `allow_pattern` exempts; they count nowhere else.
    pub risks_silenced: usize,
    /// Files that no department owns.
    pub uncategorised: usize,
}

/// Checks that run before a commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preflight {
    /// All checks passed, or a person should look.
    pub decision: Decision,
    /// The checks by name.
    pub checks: PreflightChecks,
}

/// The preflight checks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreflightChecks {
    /// References that only hold on one machine.
    pub portability_reference_scan: PortabilityScan,
}

/// Result of the scan for references that only hold on one machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortabilityScan {
    /// `REVIEW` when there are violations.
    pub decision: Decision,
    /// Name of the family of files that was scanned.
    pub scope: String,
    /// The files that were read, all of them valid UTF-8.
    pub scanned_files: Vec<String>,
    /// References that need review.
    pub violations: Vec<PortabilityReference>,
    /// References that are command or inline-code examples, placeholders, or allowed.
    pub exceptions: Vec<PortabilityReference>,
    /// Files of the scope that could not be read as text, with the reason.
    pub skipped_files: Vec<SkippedFile>,
}

/// A reference to something on one machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortabilityReference {
    /// File that holds it.
    pub path: String,
    /// Line, from 1.
    pub line: u64,
    /// Column in characters, from 1.
    pub column: u64,
    /// The reference itself.
    pub reference: String,
    /// What it is: `home_directory`, `windows_path`, `unc_path`, `file_url`, `temporary_directory`.
    pub kind: Cow<'static, str>,
    /// Why it counts or does not: `violation`, `code_block`, `inline_code`, `command`, `placeholder`, `allowed`.
    pub classification: Cow<'static, str>,
    /// The line, shortened.
    pub excerpt: String,
}

/// What was looked at for the rules about content.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentScan {
    /// Files whose added lines were looked at.
    pub scanned_files: usize,
    /// Files whose added lines were not, with the reason.
    pub skipped_files: Vec<SkippedFile>,
}

/// A file that a check could not read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkippedFile {
    /// The file.
    pub path: String,
    /// Why.
    pub reason: Cow<'static, str>,
}

/// What changed in a repository and what it means under the governance in force.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Always true; failures have another shape.
    pub ok: bool,
    /// Name of this report.
    pub id: String,
    /// Hash over the compared trees and the rules: same trees and rules, same digest.
    pub digest: String,
    /// When it was made.
    pub generated_at: DateTime<Utc>,
    /// What was compared.
    pub mode: ReportMode,
    /// The revision of base mode as it was asked for.
    pub base: Option<String>,
    /// The commit it stands for.
    pub base_commit: Option<String>,
    /// Staged mode: id of the tree that a commit would take from the index, as `git write-tree` gives it; none while a
    /// merge is unresolved, and in the other modes.
    pub tree: Option<String>,
    /// Which rules judged.
    pub rules: Judges,
    /// Branch, unless HEAD is detached.
    pub branch: Option<String>,
    /// Commit of HEAD, unless there is none yet.
    pub head: Option<String>,
    /// The branch's upstream, as `origin/main`.
    pub upstream: Option<String>,
    /// Commits that the upstream lacks.
    pub ahead: Option<usize>,
    /// Commits that the branch lacks.
    pub behind: Option<usize>,
    /// The changed paths, by name.
    pub changed_files: Vec<ChangedFile>,
    /// The departments that own them, in the governance's order.
    pub departments: Vec<DepartmentShare>,
    /// Whom `CODEOWNERS` names for them, by name.
    pub owners: Vec<OwnerShare>,
    /// The `CODEOWNERS` file, where there is one.
    pub owners_file: Option<OwnersFile>,
    /// Findings, highest level first.
    pub risks: Vec<Finding>,
    /// Findings that an `allow_pattern` exempts, so that silence can be seen.
    pub silenced: Vec<Finding>,
    /// Changed paths that no department owns.
    pub uncategorised: Vec<String>,
    /// All verify commands of the departments above, each once.
    pub verify_commands: Vec<String>,
    /// Whether a person should look before this is committed.
    pub decision: Decision,
    /// Why, as sentences; empty when the decision is `PASS`.
    pub decision_reasons: Vec<String>,
    /// What this report could not look for, as sentences; empty nearly always.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<String>,
    /// Sums.
    pub counts: Counts,
    /// What was looked at for the rules about content.
    pub content_scan: ContentScan,
    /// Checks before a commit.
    pub preflight: Preflight,
}

/// From which level on a finding makes a report fail. References that only hold on one machine count as medium.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FailOn {
    /// At this level and above.
    Level(RiskLevel),
    /// Nothing does.
    Never,
}

impl Preflight {
    /// The process exit code: 1 when there is something to review and it counts, else 0.
    pub fn exit_code(&self, fail_on: FailOn) -> u8 {
        let worst = (self.decision == Decision::Review).then_some(RiskLevel::Medium);
        fail_on.exit_code(worst)
    }
}

impl Report {
    /// The level of its worst finding, those of the checks before a commit among them.
    pub fn worst(&self) -> Option<RiskLevel> {
        let has = |count: usize, level| (count > 0).then_some(level);
        let scan = &self.preflight.checks.portability_reference_scan;
        has(self.counts.risks_high, RiskLevel::High)
            .or(has(self.counts.risks_medium, RiskLevel::Medium))
            .or(has(scan.violations.len(), RiskLevel::Medium))
            .or(has(self.counts.risks_low, RiskLevel::Low))
    }

    /// The process exit code: 1 when a finding is at `fail_on` or above, else 0.
    pub fn exit_code(&self, fail_on: FailOn) -> u8 {
        fail_on.exit_code(self.worst())
    }
}

impl FailOn {
    fn exit_code(self, worst: Option<RiskLevel>) -> u8 {
        match (self, worst) {
            (Self::Level(level), Some(worst)) => u8::from(worst >= level),
            (Self::Level(_), None) | (Self::Never, _) => 0,
        }
    }
}
