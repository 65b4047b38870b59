//! Checks of a plan before a person confirms it. Findings are shown and stored with the plan; this module decides nothing.
//!
//! An assignment's `files` are paths from the repository's root; a `/` at the end, or a wildcard as in `domain::rules`,
//! makes an entry stand for many files.

use serde::Serialize;

use super::Governance;
use crate::domain::department::MENXIA;
use crate::domain::language::Language;
use crate::domain::rules::{PathPattern, PatternSet, RiskLevel};

/// What the checks need to know of one assignment.
#[derive(Clone, Copy, Debug)]
pub struct AssignmentView<'a> {
    /// Key of its department.
    pub department: &'a str,
    /// What it is to do.
    pub task: &'a str,
    /// The files it may change.
    pub files: &'a [String],
    /// How to show that it holds.
    pub verify: &'a [String],
    /// Whether the person left it selected.
    pub selected: bool,
}

/// Which check a finding comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanCheck {
    /// No department has this key.
    UnknownDepartment,
    /// Nothing to do.
    EmptyTask,
    /// Two assignments may change the same file.
    OverlappingFiles,
    /// High-risk files, and menxia is not part of the plan.
    HighRiskWithoutMenxia,
    /// A path that leaves the repository, or lies in Git's own folder.
    OutsideRepository,
    /// Nothing shows that the work holds.
    MissingVerify,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PlanLevel {
    /// Worth knowing.
    Info,
    /// A person should look.
    Warning,
    /// It cannot be carried out as it stands.
    Error,
}

/// One thing that a check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlanFinding {
    /// The check.
    pub check: PlanCheck,
    /// How bad it is.
    pub level: PlanLevel,
    /// Positions of the assignments concerned, from 0.
    pub assignments: Vec<usize>,
    /// The path concerned, where there is one.
    pub path: Option<String>,
    /// What is wrong, as a sentence.
    pub message: String,
}

/// Checks the selected assignments of a plan; sentences come in `language`.
pub fn check_plan(
    assignments: &[AssignmentView<'_>],
    governance: &Governance,
    language: Language,
) -> Vec<PlanFinding> {
    let mut findings = Vec::new();
    let mut claims: Vec<(usize, Claim<'_>)> = Vec::new();
    let mut add =
        |check, level, positions: &[usize], path: Option<&str>, zh: String, en: String| {
            findings.push(PlanFinding {
                check,
                level,
                assignments: positions.to_vec(),
                path: path.map(str::to_owned),
                message: match language {
                    Language::Zh => zh,
                    Language::En => en,
                },
            });
        };
    let selected = || {
        assignments
            .iter()
            .enumerate()
            .filter(|(_, assignment)| assignment.selected)
    };
    let has_menxia = selected().any(|(_, assignment)| assignment.department == MENXIA);
    for (position, assignment) in selected() {
        let department = assignment.department;
        if governance.department(department).is_none() {
            let keys: Vec<&str> = governance
                .departments
                .iter()
                .map(|d| d.key.as_str())
                .collect();
            add(
                PlanCheck::UnknownDepartment,
                PlanLevel::Error,
                &[position],
                None,
                format!(
                    "没有名为 {department:?} 的部门；可用的有 {}",
                    keys.join("、")
                ),
                format!(
                    "there is no department {department:?}; there are {}",
                    keys.join(", ")
                ),
            );
        }
        if assignment.task.trim().is_empty() {
            add(
                PlanCheck::EmptyTask,
                PlanLevel::Error,
                &[position],
                None,
                "任务为空".to_owned(),
                "the task is empty".to_owned(),
            );
        }
        // Menxia reviews; it has nothing of its own to verify.
        let needs_verify = department != MENXIA;
        if needs_verify
            && assignment
                .verify
                .iter()
                .all(|command| command.trim().is_empty())
        {
            add(
                PlanCheck::MissingVerify,
                PlanLevel::Warning,
                &[position],
                None,
                format!("{department} 没有验证命令"),
                format!("{department} has no command that shows that its work holds"),
            );
        }
        for file in assignment.files {
            match Claim::parse(file) {
                Ok(claim) => {
                    let risks = claim.high_risks(governance);
                    if !has_menxia && !risks.is_empty() {
                        let rules = risks.join(", ");
                        add(
                            PlanCheck::HighRiskWithoutMenxia,
                            PlanLevel::Warning,
                            &[position],
                            Some(file),
                            format!("{file} 属于高风险（{rules}），但计划中没有门下省复核"),
                            format!(
                                "{file} is of high risk ({rules}), and menxia is not part of the plan"
                            ),
                        );
                    }
                    // Menxia reads what the others change.
                    if department != MENXIA {
                        claims.push((position, claim));
                    }
                }
                Err(why) => add(
                    PlanCheck::OutsideRepository,
                    PlanLevel::Error,
                    &[position],
                    Some(file),
                    format!("{file:?} 不是仓库内的路径（{}）", why.0),
                    format!("{file:?} is not a path inside the repository ({})", why.1),
                ),
            }
        }
    }
    for (index, (left_position, left)) in claims.iter().enumerate() {
        for (right_position, right) in &claims[index + 1..] {
            if left_position != right_position && left.overlaps(right) {
                let (first, second) = (left.text, right.text);
                add(
                    PlanCheck::OverlappingFiles,
                    PlanLevel::Warning,
                    &[*left_position, *right_position],
                    Some(second),
                    format!("{first} 与 {second} 可能是同一文件，两项任务会互相影响"),
                    format!(
                        "{first} and {second} may be the same file: these two assignments would work on it at once"
                    ),
                );
            }
        }
    }
    findings
}

/// One entry of an assignment's files.
struct Claim<'a> {
    text: &'a str,
    pattern: PathPattern,
    set: PatternSet,
}

/// Why an entry is no path inside the repository, in Chinese and English.
type Reason = (&'static str, &'static str);

impl<'a> Claim<'a> {
    fn parse(text: &'a str) -> Result<Self, Reason> {
        let trimmed = text.trim();
        let bytes = trimmed.as_bytes();
        let has_drive = bytes.len() > 1 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':';
        if trimmed.starts_with(['/', '\\', '~']) || has_drive || trimmed.contains("://") {
            return Err((
                "绝对路径",
                "it is absolute; paths start at the repository's root",
            ));
        }
        let parts = || trimmed.split(['/', '\\']);
        if parts().any(|part| part == "..") {
            return Err(("包含 ..", "it contains \"..\""));
        }
        if parts().any(|part| part.eq_ignore_ascii_case(".git")) {
            return Err(("Git 自己的目录", "it lies in Git's own folder"));
        }
        let body = trimmed.trim_start_matches("./");
        // The whole repository, written as people write it.
        let body = if body.is_empty() || body == "." {
            "**"
        } else {
            body
        };
        if trimmed.is_empty() {
            return Err(("为空", "it is empty"));
        }
        let is_wild = body.contains(['*', '?', '[', '{']);
        let expression = if is_wild || body.starts_with('/') {
            body.to_owned()
        } else {
            format!("/{body}")
        };
        let pattern = PathPattern::parse(&expression)
            .map_err(|_| ("无法解析", "it cannot be read as a path or a pattern"))?;
        let set = PatternSet::new(vec![pattern.clone()])
            .map_err(|_| ("无法解析", "it cannot be read as a path or a pattern"))?;
        Ok(Self {
            text: trimmed,
            pattern,
            set,
        })
    }

    /// Names of the high-risk rules that this entry hits, or may hit because it covers their files.
    fn high_risks<'g>(&self, governance: &'g Governance) -> Vec<&'g str> {
        let mut rules = governance.rulebook().risks_within(&self.set);
        if let Some(literal) = self.pattern.literal() {
            let folder = if self.text.ends_with('/') { "/" } else { "" };
            rules.extend(
                governance
                    .rulebook()
                    .risks_of(format!("{literal}{folder}").as_bytes()),
            );
        }
        rules.sort_unstable();
        rules.dedup();
        rules
            .into_iter()
            .map(|rule| &governance.risk_rules[rule])
            .filter(|rule| rule.level == RiskLevel::High)
            .map(|rule| rule.name.as_str())
            .collect()
    }

    /// Whether both may stand for one file. Two wildcards are compared by what they start with, on the safe side.
    fn overlaps(&self, other: &Self) -> bool {
        let covers = |set: &PatternSet, pattern: &PathPattern| {
            pattern
                .literal()
                .is_some_and(|literal| set.is_match(literal.as_bytes()))
        };
        // Names such as `app/[id]/page.tsx` read as wildcards; equal texts are one file all the same.
        if self.text == other.text
            || covers(&self.set, &other.pattern)
            || covers(&other.set, &self.pattern)
        {
            return true;
        }
        let both_wild = self.pattern.literal().is_none() && other.pattern.literal().is_none();
        let (left, right) = (self.pattern.prefix(), other.pattern.prefix());
        if both_wild {
            return left.starts_with(right) || right.starts_with(left);
        }
        // A folder holds whatever a pattern finds below it; a pattern for any depth may find something there.
        let below = |folder: &Self, pattern: &Self| {
            folder.pattern.literal().is_some_and(|name| {
                let prefix = pattern.pattern.prefix();
                prefix.starts_with(&format!("{name}/"))
                    || (folder.text.ends_with('/') && format!("{name}/").starts_with(prefix))
            })
        };
        (other.pattern.literal().is_none() && below(self, other))
            || (self.pattern.literal().is_none() && below(other, self))
    }
}
