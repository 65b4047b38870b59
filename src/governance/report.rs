//! Builds the governance report: changed paths, whose they are, what they risk, what shows that they hold, and whether a
//! person should look. It only reads; nothing in the repository is started or changed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Governance;
use super::findings::{Findings, names};
use super::inspect::shown;
use super::judging::{InForce, RulesCache};
use super::owners::Owners;
use super::reading::{MAX_READINGS, Reading, read};
use crate::domain::hex::hex;
use crate::domain::language::Language;
use crate::domain::report::{
    ChangeStatus, ChangedFile, Counts, Decision, DepartmentShare, OwnerShare, Preflight,
    PreflightChecks, Report, ReportMode,
};
use crate::domain::rules::RiskLevel;
use crate::domain::sentence::{Sentence, say};
use crate::domain::words;
use crate::git::changes::{Change, Changes, Deadline, Extent, Scope};
use crate::git::{GitError, Repo};

/// Time for one report, after which it is an error.
pub const DEFAULT_TIME_LIMIT: Duration = Duration::from_secs(10);

/// What somebody wants to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportRequest {
    /// Which two states to compare.
    pub mode: ReportMode,
    /// The revision of base mode; left alone in the other modes.
    pub base: Option<String>,
    /// Language of titles and sentences; the digest does not depend on it.
    pub language: Language,
    /// When to give up.
    pub time_limit: Duration,
}

impl Default for ReportRequest {
    fn default() -> Self {
        Self {
            mode: ReportMode::Worktree,
            base: None,
            language: Language::default(),
            time_limit: DEFAULT_TIME_LIMIT,
        }
    }
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// Base mode without a base.
    #[error("mode base needs a base: the name of a branch, a tag or a commit to compare with")]
    BaseMissing,
    /// The repository could not be read, or does not know the base.
    #[error(transparent)]
    Git(#[from] GitError),
}

impl ReportRequest {
    fn scope(&self) -> Result<Scope, ReportError> {
        match (self.mode, &self.base) {
            (ReportMode::Worktree, _) => Ok(Scope::Worktree),
            (ReportMode::Staged, _) => Ok(Scope::Staged),
            (ReportMode::Base, Some(base)) => Ok(Scope::Base(base.clone())),
            (ReportMode::Base, None) => Err(ReportError::BaseMissing),
        }
    }

    /// The name of the commit that the change is compared with; none is HEAD.
    pub(super) fn compared_with(&self) -> Option<&str> {
        let base = self.base.as_deref();
        base.filter(|_| self.mode == ReportMode::Base)
    }
}

/// Compares two states of the repository at `root`. What judges the change is what was in force before it, see
/// [`super::judging`]; `rules_cache` remembers that.
///
/// # Errors
/// When the repository cannot be read, does not know the base, or changes all the time.
pub fn judge(
    root: &Path,
    rules_cache: &mut RulesCache,
    request: &ReportRequest,
) -> Result<Report, ReportError> {
    let deadline = Deadline::after(request.time_limit);
    let scope = request.scope()?;
    for _ in 0..MAX_READINGS {
        let rules = rules_cache.rules(&Repo::open(root)?, request.compared_with())?;
        let scope = (request.mode, &scope);
        let reading = read(root, &rules.governance, scope, None, &deadline)?;
        if reading.is_judged_by(&rules, request.mode) {
            return compose(&reading, &rules, request, &deadline);
        }
        deadline.check()?;
    }
    Err(GitError::Unsteady.into())
}

/// The same under rules that the caller names.
///
/// # Errors
/// When the repository cannot be read, or does not know the base.
pub fn build(
    root: &Path,
    governance: &Governance,
    request: &ReportRequest,
) -> Result<Report, ReportError> {
    let deadline = Deadline::after(request.time_limit);
    let scope = (request.mode, &request.scope()?);
    let reading = read(root, governance, scope, None, &deadline)?;
    compose(&reading, &InForce::given(governance), request, &deadline)
}

/// Says what was read, in the words of `request`.
pub(super) fn compose(
    reading: &Reading,
    rules: &InForce,
    request: &ReportRequest,
    deadline: &Deadline,
) -> Result<Report, ReportError> {
    let governance = &rules.governance;
    let digest = digest(request.mode, reading, governance);
    let Reading {
        head,
        changes,
        inspections,
        content_scan,
        tree,
        owners,
        scan,
    } = reading;
    let (head, scan) = (head.clone(), scan.clone());
    let language = request.language;

    let mut findings = Findings::new(governance, language);
    let mut shares = Shares::new(governance);
    let mut changed_files = Vec::with_capacity(changes.rows.len());
    for (change, inspection) in changes.rows.iter().zip(inspections) {
        deadline.check()?;
        let risks = findings.add(change, inspection);
        let file = ChangedFile {
            departments: shares.departments_of(change),
            owners: shares.owners_of(change, owners),
            risks,
            ..changed_file(change)
        };
        changed_files.push(file);
    }
    for fault in rules.judges.faults(language) {
        findings.unusable_rules(&fault);
    }
    findings.sort();
    let departments = shares.departments(language);
    let mut seen = BTreeSet::new();
    let verify_commands = departments
        .iter()
        .flat_map(|department| &department.verify)
        .filter(|command| seen.insert(command.as_str()))
        .cloned()
        .collect();
    let Name { id, generated_at } = Name::new();
    let counts = counts(&changed_files, &findings, shares.uncategorised.len());
    let decision_reasons = reasons(&counts, scan.violations.len(), language);
    Ok(Report {
        ok: true,
        id,
        digest,
        generated_at,
        mode: request.mode,
        base: request
            .base
            .clone()
            .filter(|_| request.mode == ReportMode::Base),
        base_commit: changes.base_commit.clone(),
        tree: tree.clone(),
        rules: rules.judges.told(language),
        branch: head.branch,
        head: head.commit,
        upstream: head.upstream,
        ahead: head.ahead,
        behind: head.behind,
        changed_files,
        departments,
        owners: shares.owners(),
        owners_file: owners.view(language),
        risks: findings.listed,
        silenced: findings.silenced,
        uncategorised: shares.uncategorised,
        verify_commands,
        decision: Decision::review_if(!decision_reasons.is_empty()),
        decision_reasons,
        notices: notices(changes.extent, language),
        counts,
        content_scan: content_scan.clone(),
        preflight: Preflight {
            decision: Decision::review_if(
                scan.decision == Decision::Review || !rules.judges.faults(language).is_empty(),
            ),
            checks: PreflightChecks {
                portability_reference_scan: scan,
            },
        },
    })
}

/// What tells two reports apart that say the same.
pub(crate) struct Name {
    pub id: String,
    pub generated_at: DateTime<Utc>,
}

impl Name {
    pub(crate) fn new() -> Self {
        Self {
            id: format!("report-{}", uuid::Uuid::now_v7().simple()),
            generated_at: Utc::now(),
        }
    }
}

/// Who owns which of the changed files.
struct Shares<'a> {
    governance: &'a Governance,
    of_departments: Vec<Vec<String>>,
    of_owners: BTreeMap<String, Vec<String>>,
    /// Changed paths that no department owns.
    uncategorised: Vec<String>,
}

impl<'a> Shares<'a> {
    fn new(governance: &'a Governance) -> Self {
        Self {
            governance,
            of_departments: vec![Vec::new(); governance.departments.len()],
            of_owners: BTreeMap::new(),
            uncategorised: Vec::new(),
        }
    }

    /// Keys of the departments that own a change, which is noted down.
    fn departments_of(&mut self, change: &Change) -> Vec<String> {
        let owners: BTreeSet<usize> = names(change)
            .into_iter()
            .flat_map(|(_, name)| self.governance.rulebook().departments_of(&name))
            .collect();
        for owner in &owners {
            self.of_departments[*owner].push(shown(&change.path));
        }
        if owners.is_empty() {
            self.uncategorised.push(shown(&change.path));
        }
        let key = |owner: usize| self.governance.departments[owner].key.clone();
        owners.into_iter().map(key).collect()
    }

    /// The owners of a change by `CODEOWNERS`, which is noted down.
    fn owners_of(&mut self, change: &Change, file: &Owners) -> Vec<String> {
        let owners: BTreeSet<String> = names(change)
            .into_iter()
            .flat_map(|(_, name)| file.of(&name))
            .collect();
        for owner in &owners {
            let files = self.of_owners.entry(owner.clone()).or_default();
            files.push(shown(&change.path));
        }
        owners.into_iter().collect()
    }

    fn departments(&self, language: Language) -> Vec<DepartmentShare> {
        self.governance
            .departments
            .iter()
            .zip(&self.of_departments)
            .filter(|(_, files)| !files.is_empty())
            .map(|(department, files)| DepartmentShare {
                key: department.key.clone(),
                title: department.title.get(language).to_owned(),
                files: files.clone(),
                verify: department.verify.clone(),
            })
            .collect()
    }

    fn owners(&self) -> Vec<OwnerShare> {
        self.of_owners
            .iter()
            .map(|(owner, files)| OwnerShare {
                owner: owner.clone(),
                files: files.clone(),
            })
            .collect()
    }
}

/// What is told of a change as it is; whose it is and what it risks is added by the caller.
fn changed_file(change: &Change) -> ChangedFile {
    let is_utf8 = |path: &[u8]| std::str::from_utf8(path).is_ok();
    ChangedFile {
        path: shown(&change.path),
        old_path: change.old_path.as_deref().map(shown),
        status: change.status,
        index_status: change.index_status,
        worktree_status: change.worktree_status,
        kind: change.kind,
        additions: change.measured.additions,
        deletions: change.measured.deletions,
        binary: change.measured.binary,
        uncounted: change.measured.uncounted,
        non_utf8: !is_utf8(&change.path)
            || change
                .old_path
                .as_deref()
                .is_some_and(|path| !is_utf8(path)),
        departments: Vec::new(),
        owners: Vec::new(),
        risks: Vec::new(),
    }
}

fn counts(files: &[ChangedFile], findings: &Findings<'_>, uncategorised: usize) -> Counts {
    let with_status = |status| files.iter().filter(|file| file.status == status).count();
    let of_level = |level| findings.counts.get(&level).copied().unwrap_or_default();
    Counts {
        files: files.len(),
        additions: files.iter().filter_map(|file| file.additions).sum(),
        deletions: files.iter().filter_map(|file| file.deletions).sum(),
        binary: files.iter().filter(|file| file.binary).count(),
        uncounted: files.iter().filter(|file| file.uncounted).count(),
        untracked: with_status(ChangeStatus::Untracked),
        conflicted: with_status(ChangeStatus::Conflicted),
        risks_high: of_level(RiskLevel::High),
        risks_medium: of_level(RiskLevel::Medium),
        risks_low: of_level(RiskLevel::Low),
        risks_left_out: findings.left_out,
        risks_silenced: findings.silenced_count,
        uncategorised,
    }
}

/// Why a person should look; nothing when nobody needs to.
fn reasons(counts: &Counts, violations: usize, language: Language) -> Vec<String> {
    let one_or_many = |count, [one, many]: [Sentence; 2]| match count {
        0 => None,
        1 => Some(one.text(language)),
        _ => Some(many.text(language)),
    };
    let (high, medium) = (counts.risks_high, counts.risks_medium);
    let sentences = [
        one_or_many(
            high,
            [
                say!("governance.high_risk"),
                say!("governance.high_risks", count = high),
            ],
        ),
        one_or_many(
            medium,
            [
                say!("governance.medium_risk"),
                say!("governance.medium_risks", count = medium),
            ],
        ),
        one_or_many(
            violations,
            [
                say!("governance.violation"),
                say!("governance.violations", count = violations),
            ],
        ),
    ];
    sentences.into_iter().flatten().collect()
}

/// What was not looked for, because too much is changed.
fn notices(extent: Extent, language: Language) -> Vec<String> {
    let sentence = match extent {
        Extent::Copies => return Vec::new(),
        Extent::Renames => words::text(language, "governance.so_much_changed_copies"),
        Extent::Names => words::text(language, "governance.so_much_changed_renames"),
    };
    vec![sentence.to_owned()]
}

/// Hash over both sides of the comparison and the rules. Names, times and languages are not part of it.
fn digest(mode: ReportMode, reading: &Reading, governance: &Governance) -> String {
    let changes: &Changes = &reading.changes;
    let mut hasher = Sha256::new();
    // Every field is preceded by its length, so that no two different reports read the same.
    let mut add = |bytes: &[u8]| {
        hasher.update((bytes.len() as u64).to_be_bytes());
        hasher.update(bytes);
    };
    add(b"zhongshu-report-2");
    add(mode.name().as_bytes());
    add(governance.digest().as_bytes());
    add(reading.owners.digest().as_bytes());
    add(changes.left_tree.as_deref().unwrap_or_default().as_bytes());
    add(reading.tree.as_deref().unwrap_or_default().as_bytes());
    for change in &changes.rows {
        let name = |status: Option<ChangeStatus>| status.map_or("", ChangeStatus::name);
        add(&change.path);
        add(change.old_path.as_deref().unwrap_or_default());
        add(change.status.name().as_bytes());
        add(name(change.index_status).as_bytes());
        add(name(change.worktree_status).as_bytes());
        add(&change.new_mode.to_be_bytes());
        add(change.measured.content.as_bytes());
    }
    format!("sha256:{}", hex(&hasher.finalize()))
}
