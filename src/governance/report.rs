//! Builds the governance report: changed paths, whose they are, what they risk, what shows that they hold, and whether a
//! person should look. It only reads; nothing in the repository is started or changed.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use chrono::Utc;
use sha2::{Digest, Sha256};

use super::{Governance, portability};
use crate::domain::language::Language;
use crate::domain::report::{
    ChangeStatus, ChangedFile, Counts, Decision, DepartmentShare, FileKind, Finding,
    PortabilityScan, Preflight, PreflightChecks, Report, ReportMode,
};
use crate::domain::rules::RiskLevel;
use crate::git::changes::{Change, Changes, Deadline, Scope};
use crate::git::counts::hex;
use crate::git::{GitError, Head, Repo};

/// Time for one report, after which it is an error.
pub const DEFAULT_TIME_LIMIT: Duration = Duration::from_secs(10);

/// How often a staged report starts again because somebody changed the index meanwhile. A person's `git add` happens once;
/// a script that never stops gets an answer that says so.
const MAX_READINGS: usize = 3;

/// The rule that every unresolved merge hits.
const CONFLICT_RULE: &str = "merge_conflict";

/// What somebody wants to know.
#[derive(Clone, Debug, PartialEq, Eq)]
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

/// Compares two states of the repository at `repo` under `governance`.
pub fn build(
    repo: &Path,
    governance: &Governance,
    request: &ReportRequest,
) -> Result<Report, ReportError> {
    let deadline = Deadline::after(request.time_limit);
    let scope = match (request.mode, &request.base) {
        (ReportMode::Worktree, _) => Scope::Worktree,
        (ReportMode::Staged, _) => Scope::Staged,
        (ReportMode::Base, Some(base)) => Scope::Base(base.clone()),
        (ReportMode::Base, None) => return Err(ReportError::BaseMissing),
    };
    let Reading {
        head,
        changes,
        tree,
        scan,
    } = read(repo, governance, request.mode, &scope, &deadline)?;
    let language = request.language;

    let mut changed_files = Vec::with_capacity(changes.rows.len());
    let mut risks = Vec::new();
    let mut shares: Vec<Vec<String>> = vec![Vec::new(); governance.departments.len()];
    let mut uncategorised = Vec::new();
    for change in &changes.rows {
        let owners = owners(change, governance);
        let findings = findings(change, governance, language);
        let path = shown(&change.path);
        for owner in &owners {
            shares[*owner].push(path.clone());
        }
        if owners.is_empty() {
            uncategorised.push(path);
        }
        changed_files.push(changed_file(change, &owners, &findings, governance));
        risks.extend(findings);
    }
    // Stable: within a level they stay in the order of the paths.
    risks.sort_by_key(|finding| std::cmp::Reverse(finding.level));

    let departments: Vec<DepartmentShare> = governance
        .departments
        .iter()
        .zip(shares)
        .filter(|(_, files)| !files.is_empty())
        .map(|(department, files)| DepartmentShare {
            key: department.key.clone(),
            title: department.title.get(language).to_owned(),
            files,
            verify: department.verify.clone(),
        })
        .collect();
    let mut seen = BTreeSet::new();
    let verify_commands = departments
        .iter()
        .flat_map(|department| &department.verify)
        .filter(|command| seen.insert(command.as_str()))
        .cloned()
        .collect();
    let counts = counts(&changed_files, &risks, uncategorised.len());
    let decision_reasons = reasons(&counts, scan.violations.len(), language);
    Ok(Report {
        ok: true,
        id: format!("report-{}", uuid::Uuid::now_v7().simple()),
        digest: digest(request.mode, tree.as_deref(), &changes, governance),
        generated_at: Utc::now(),
        mode: request.mode,
        base: request
            .base
            .clone()
            .filter(|_| request.mode == ReportMode::Base),
        base_commit: changes.base_commit,
        tree,
        branch: head.branch,
        head: head.commit,
        upstream: head.upstream,
        ahead: head.ahead,
        behind: head.behind,
        changed_files,
        departments,
        risks,
        uncategorised,
        verify_commands,
        decision: Decision::review_if(!decision_reasons.is_empty()),
        decision_reasons,
        counts,
        preflight: Preflight {
            decision: scan.decision,
            checks: PreflightChecks {
                portability_reference_scan: scan,
            },
        },
    })
}

/// Everything that a report needs of the repository, read of one index.
struct Reading {
    head: Head,
    changes: Changes,
    tree: Option<String>,
    scan: PortabilityScan,
}

/// Reads the repository. In staged mode the tree's id must name exactly the changes that are reported beside it, so what
/// was read of two different indexes is thrown away; and what could not be read because the index was replaced meanwhile
/// is read again, in every mode.
fn read(
    root: &Path,
    governance: &Governance,
    mode: ReportMode,
    scope: &Scope,
    deadline: &Deadline,
) -> Result<Reading, GitError> {
    for _ in 0..MAX_READINGS {
        // Opened anew each time: libgit2 keeps what it has read of an index, also when the reading failed.
        let repo = Repo::open(root)?;
        let before = repo.index_stamp();
        let reading = read_once(&repo, governance, mode, scope, deadline);
        let is_steady = repo.index_stamp() == before;
        match reading {
            Ok(_) if mode == ReportMode::Staged && !is_steady => {}
            Err(GitError::Library { .. }) if !is_steady => {}
            outcome => return outcome,
        }
        deadline.check()?;
    }
    Err(GitError::Unsteady)
}

fn read_once(
    repo: &Repo,
    governance: &Governance,
    mode: ReportMode,
    scope: &Scope,
    deadline: &Deadline,
) -> Result<Reading, GitError> {
    let head = repo.head()?;
    let tree = match mode {
        ReportMode::Staged => repo.staged_tree()?,
        ReportMode::Worktree | ReportMode::Base => None,
    };
    let changes = repo.changes(scope, deadline)?;
    let scan = portability::scan(repo, governance, mode, &changes.rows, deadline)?;
    Ok(Reading {
        head,
        changes,
        tree,
        scan,
    })
}

/// The names that a change is judged by: a rename counts under both, a copy leaves its source as it was. Each comes as the
/// rules see it (a whole repository at a path ends in `/`, so that folder patterns cover it).
fn names(change: &Change) -> Vec<(&[u8], Cow<'_, [u8]>)> {
    let old = change
        .old_path
        .as_deref()
        .filter(|_| change.status == ChangeStatus::Renamed);
    std::iter::once(change.path.as_slice())
        .chain(old)
        .map(|path| match change.kind {
            FileKind::Submodule => (path, Cow::Owned([path, b"/"].concat())),
            _ => (path, Cow::Borrowed(path)),
        })
        .collect()
}

fn owners(change: &Change, governance: &Governance) -> Vec<usize> {
    let owners: BTreeSet<usize> = names(change)
        .into_iter()
        .flat_map(|(_, name)| governance.rulebook().departments_of(&name))
        .collect();
    owners.into_iter().collect()
}

fn findings(change: &Change, governance: &Governance, language: Language) -> Vec<Finding> {
    let mut findings = Vec::new();
    if change.status == ChangeStatus::Conflicted {
        findings.push(conflict(change, language));
    }
    let mut seen = BTreeSet::new();
    for (path, name) in names(change) {
        for index in governance.rulebook().risks_of(&name) {
            if !seen.insert(index) {
                continue;
            }
            let rule = &governance.risk_rules[index];
            findings.push(Finding {
                rule: rule.name.clone(),
                level: rule.level,
                path: shown(path),
                line: None,
                message: rule.message.get(language).to_owned(),
                how_to_silence: how_to_silence(&rule.name, rule.locked, language),
            });
        }
    }
    findings
}

fn conflict(change: &Change, language: Language) -> Finding {
    let (message, how) = match language {
        Language::Zh => ("合并冲突尚未解决", "解决冲突后用 git add 标记该文件"),
        Language::En => (
            "a merge left this file unresolved",
            "Resolve the conflict and mark the file with git add.",
        ),
    };
    Finding {
        rule: CONFLICT_RULE.to_owned(),
        level: RiskLevel::High,
        path: shown(&change.path),
        line: None,
        message: message.to_owned(),
        how_to_silence: how.to_owned(),
    }
}

fn how_to_silence(rule: &str, locked: bool, language: Language) -> String {
    match (locked, language) {
        (true, Language::Zh) => "此规则不能关闭：必须由人复核这项改动。".to_owned(),
        (true, Language::En) => {
            "This rule cannot be silenced: a person has to review the change.".to_owned()
        }
        (false, Language::Zh) => format!(
            "不要提交该文件；如果它确实属于这里，在 governance.yaml 的 risk_rules 中为 {rule} 增加 allow_pattern。"
        ),
        (false, Language::En) => format!(
            "Leave the file out of the change, or, if it belongs here, add an allow_pattern for it to the rule {rule} under risk_rules in governance.yaml."
        ),
    }
}

fn changed_file(
    change: &Change,
    owners: &[usize],
    findings: &[Finding],
    governance: &Governance,
) -> ChangedFile {
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
        departments: owners
            .iter()
            .map(|owner| governance.departments[*owner].key.clone())
            .collect(),
        risks: findings
            .iter()
            .map(|finding| finding.rule.clone())
            .collect(),
    }
}

fn counts(files: &[ChangedFile], risks: &[Finding], uncategorised: usize) -> Counts {
    let with_status = |status| files.iter().filter(|file| file.status == status).count();
    let of_level = |level| {
        risks
            .iter()
            .filter(|finding| finding.level == level)
            .count()
    };
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
        uncategorised,
    }
}

/// Why a person should look; nothing when nobody needs to.
fn reasons(counts: &Counts, violations: usize, language: Language) -> Vec<String> {
    let sentences = match language {
        Language::Zh => [
            (counts.risks_high, "项高风险"),
            (counts.risks_medium, "项中风险"),
            (violations, "处只在一台机器上成立的引用"),
        ],
        Language::En => [
            (counts.risks_high, "findings of high risk"),
            (counts.risks_medium, "findings of medium risk"),
            (violations, "references that only hold on one machine"),
        ],
    };
    sentences
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| match language {
            Language::Zh => format!("{count} {what}"),
            Language::En if count == 1 => format!("1 {}", singular(what)),
            Language::En => format!("{count} {what}"),
        })
        .collect()
}

fn singular(what: &str) -> String {
    what.replacen("findings", "finding", 1).replacen(
        "references that only hold",
        "reference that only holds",
        1,
    )
}

/// Hash over both sides of the comparison and the rules. Names, times and languages are not part of it.
fn digest(
    mode: ReportMode,
    tree: Option<&str>,
    changes: &Changes,
    governance: &Governance,
) -> String {
    let mut hasher = Sha256::new();
    // Every field is preceded by its length, so that no two different reports read the same.
    let mut add = |bytes: &[u8]| {
        hasher.update((bytes.len() as u64).to_be_bytes());
        hasher.update(bytes);
    };
    add(b"zhongshu-report-2");
    add(mode.name().as_bytes());
    add(governance.digest().as_bytes());
    add(changes.left_tree.as_deref().unwrap_or_default().as_bytes());
    add(tree.unwrap_or_default().as_bytes());
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

/// A path as it is shown: bytes that are no UTF-8 become U+FFFD.
fn shown(path: &[u8]) -> String {
    String::from_utf8_lossy(path).into_owned()
}
