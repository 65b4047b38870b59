//! Checks of a plan before a person confirms it. Findings are shown and stored with the plan; this module decides nothing.
//!
//! Who can be asked follows `governance.yaml` on disk, as sessions do. What is risky follows the rules that judge changes: agents
//! write that file, and must not silence what is said of their plans.

use super::Governance;
use super::judging::{CommittedFile, InForce};
use crate::domain::claims::{Budget, Claim, Claims, Meeting, NotInside};
use crate::domain::department::{Localized, MENXIA};
use crate::domain::flow::dependencies::{self, Among};
use crate::domain::flow::shown;
use crate::domain::language::Language;
use crate::domain::plan::{PlanCheck, PlanChecker, PlanFinding, PlanLevel, PlannedAssignment};
use crate::domain::rules::RiskLevel;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

/// More than this many nobody reads, and each is stored.
const MAX_FINDINGS: usize = 100;
/// What looking for the risks of one entry costs.
const RISKS: usize = 2_000;
/// What looking for risks may cost altogether: about a thousand entries.
const ALL_RISKS: usize = 5_000_000;

/// Checks plans by the rules in force.
#[derive(Debug)]
pub struct PlanChecks {
    /// As it is on disk, or was when it could last be used.
    on_disk: Arc<Governance>,
    rules: InForce,
}

/// Makes such checks of the file on disk and the committed one, and keeps the last: to make them takes a while.
#[derive(Debug, Default)]
pub struct PlanCheckCache {
    committed: Mutex<CommittedFile>,
    last: Mutex<Option<(CommittedFile, Arc<PlanChecks>)>>,
}

impl PlanCheckCache {
    /// From now on this is the committed file. Says whether that is another one.
    pub fn set_committed(&self, committed: CommittedFile) -> bool {
        let mut known = self
            .committed
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let is_another = *known != committed;
        *known = committed;
        is_another
    }

    /// The checks for this file on disk.
    pub fn checks(&self, on_disk: &Arc<Governance>) -> Arc<PlanChecks> {
        let committed = self
            .committed
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let committed = committed.clone();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((before, checks)) = &*last
            && *before == committed
            && Arc::ptr_eq(&checks.on_disk, on_disk)
        {
            return Arc::clone(checks);
        }
        let checks = Arc::new(PlanChecks {
            rules: InForce::for_plans(&committed, on_disk),
            on_disk: Arc::clone(on_disk),
        });
        *last = Some((committed, Arc::clone(&checks)));
        checks
    }
}

impl PlanChecker for PlanChecks {
    fn check(&self, lines: &[PlannedAssignment], models: Option<&[String]>) -> Vec<PlanFinding> {
        let mut check = Check {
            governance: &self.on_disk,
            rules: &self.rules,
            lines,
            models,
            budget: Budget::for_a_plan(),
            budget_for_risks: Budget::new(ALL_RISKS),
            findings: Vec::new(),
            left_out: 0,
        };
        check.run();
        check.findings
    }
}

struct Check<'a> {
    governance: &'a Governance,
    rules: &'a InForce,
    lines: &'a [PlannedAssignment],
    models: Option<&'a [String]>,
    budget: Budget,
    budget_for_risks: Budget,
    findings: Vec<PlanFinding>,
    /// Findings that there was no room for.
    left_out: usize,
}

impl<'a> Check<'a> {
    fn run(&mut self) {
        for (position, line) in self.selected() {
            self.words(position, line);
        }
        self.order();
        self.files();
        self.judges();
        if self.left_out > 0 {
            let more = self.left_out;
            self.findings.push(PlanFinding {
                check: PlanCheck::Incomplete,
                level: PlanLevel::Warning,
                assignments: Vec::new(),
                path: None,
                message: Localized::new(
                    format!("还有 {more} 条检查结果未列出"),
                    format!("{more} more findings are not listed"),
                ),
            });
        }
    }

    fn selected(&self) -> Vec<(usize, &'a PlannedAssignment)> {
        let lines = self.lines.iter().enumerate();
        lines.filter(|(_, line)| line.selected).collect()
    }

    fn add(
        &mut self,
        check: PlanCheck,
        level: PlanLevel,
        positions: &[usize],
        path: Option<&str>,
        (zh, en): (String, String),
    ) {
        if self.findings.len() >= MAX_FINDINGS {
            self.left_out += 1;
            return;
        }
        self.findings.push(PlanFinding {
            check,
            level,
            assignments: positions.to_vec(),
            path: path.map(|path| path.chars().take(400).collect()),
            message: Localized::new(zh, en),
        });
    }

    /// Department, model, task and verify commands of one line.
    fn words(&mut self, position: usize, line: &PlannedAssignment) {
        use PlanLevel::{Error, Warning};
        let here = [position];
        let department = line.department.as_str();
        if self.governance.department(department).is_none() {
            let keys = self.governance.departments.iter().map(|d| d.key.as_str());
            let keys: Vec<&str> = keys.collect();
            let key = shown(department);
            let say = (
                format!("没有名为 `{key}` 的部门；可用的有 {}", keys.join("、")),
                format!(
                    "there is no department `{key}`; there are {}",
                    keys.join(", ")
                ),
            );
            self.add(PlanCheck::UnknownDepartment, Error, &here, None, say);
        }
        if let (Some(model), Some(models)) = (&line.model, self.models)
            && !models.contains(model)
        {
            let model = shown(model);
            let say = match models {
                [] => (
                    format!("没有模型 `{model}`；这里不能选择模型"),
                    format!("there is no model `{model}`; none can be chosen here"),
                ),
                known => (
                    format!("没有模型 `{model}`；可用的有 {}", known.join("、")),
                    format!(
                        "there is no model `{model}`; there are {}",
                        known.join(", ")
                    ),
                ),
            };
            self.add(PlanCheck::UnknownModel, Error, &here, None, say);
        }
        if line.task.trim().is_empty() {
            let say = ("任务为空".to_owned(), "the task is empty".to_owned());
            self.add(PlanCheck::EmptyTask, Error, &here, None, say);
        }
        // Menxia reviews; it has nothing of its own to verify.
        let proves = |command: &String| !command.trim().is_empty();
        if department != MENXIA && !line.verify.iter().any(proves) {
            let key = shown(department);
            let say = (
                format!("{key} 没有验证命令"),
                format!("{key} has no command that shows that its work holds"),
            );
            self.add(PlanCheck::MissingVerify, Warning, &here, None, say);
        }
    }

    /// Who waits for whom.
    fn order(&mut self) {
        for (position, line) in self.selected() {
            for wanted in &line.after {
                let named = |it: &&PlannedAssignment| it.id.as_ref() == Some(wanted);
                let id = shown(wanted);
                let say = match self.lines.iter().find(named) {
                    Some(other) if other.selected => continue,
                    Some(_) => (
                        format!("它要等待的 `{id}` 没有选中"),
                        format!("it waits for `{id}`, which is not selected"),
                    ),
                    None => (
                        format!("它要等待 `{id}`，但方案中没有这一项"),
                        format!("it waits for `{id}`, and no line has that id"),
                    ),
                };
                let check = PlanCheck::UnknownDependency;
                self.add(check, PlanLevel::Error, &[position], None, say);
            }
        }
        let lines = self.lines;
        if let Some(cycle) = dependencies::cycle(lines, Among::Selected) {
            let at = |id: &&str| lines.iter().position(|it| it.id.as_deref() == Some(id));
            let positions: Vec<usize> = cycle.iter().filter_map(at).collect();
            let ids: Vec<String> = cycle.iter().map(|id| format!("`{}`", shown(id))).collect();
            let say = (
                format!("{} 相互等待，永远无法启动", ids.join("、")),
                format!(
                    "{}; none of this could ever start",
                    dependencies::waits(&cycle)
                ),
            );
            let check = PlanCheck::DependencyCycle;
            self.add(check, PlanLevel::Error, &positions, None, say);
        }
    }

    /// What a person should know about the rules themselves.
    fn judges(&mut self) {
        if self.selected().is_empty() {
            return;
        }
        let judges = &self.rules.judges;
        let say = |it: &dyn Fn(Language) -> Vec<String>| {
            let both = it(Language::Zh).into_iter().zip(it(Language::En));
            both.collect::<Vec<_>>()
        };
        for say in say(&|language| judges.faults(language)) {
            self.add(PlanCheck::UnusableRules, PlanLevel::Warning, &[], None, say);
        }
        for say in say(&|language| judges.loosened(language).into_iter().collect()) {
            self.add(PlanCheck::LooserRules, PlanLevel::Info, &[], None, say);
        }
    }

    /// Paths: inside the repository, of high risk, shared.
    fn files(&mut self) {
        let selected = self.selected();
        let has_menxia = selected.iter().any(|(_, line)| line.department == MENXIA);
        let mut unchecked = false;
        for (position, line) in &selected {
            for file in &line.files {
                match Claim::parse(file) {
                    Err(why) => self.outside(*position, file, why),
                    Ok(_) if has_menxia => {}
                    Ok(claim) => match self.high_risks(&claim) {
                        None => unchecked = true,
                        Some(rules) if rules.is_empty() => {}
                        Some(rules) => {
                            let (path, rules) = (shown(file), rules.join(", "));
                            let say = (
                                format!("{path} 属于高风险（{rules}），但方案中没有门下省复核"),
                                format!(
                                    "{path} is of high risk ({rules}), and menxia is not part of the plan"
                                ),
                            );
                            let check = PlanCheck::HighRiskWithoutMenxia;
                            self.add(check, PlanLevel::Warning, &[*position], Some(file), say);
                        }
                    },
                }
            }
        }
        unchecked |= self.overlaps(&selected);
        if unchecked {
            let say = (
                "文件太多，无法逐一检查；未检查的分工不会同时运行".to_owned(),
                "there are too many files to check them all; assignments that were not compared do not run side by side"
                    .to_owned(),
            );
            self.add(PlanCheck::Incomplete, PlanLevel::Warning, &[], None, say);
        }
    }

    fn outside(&mut self, position: usize, file: &str, why: NotInside) {
        let (zh, en) = match why {
            NotInside::Absolute => (
                "绝对路径",
                "it is absolute; paths start at the repository's root",
            ),
            NotInside::Parent => ("包含 ..", "it contains \"..\""),
            NotInside::Git => ("Git 自己的目录", "it lies in Git's own folder"),
            NotInside::Empty => ("为空", "it is empty"),
            NotInside::Unreadable => ("无法解析", "it cannot be read as a path or a pattern"),
        };
        let path = shown(file);
        let say = (
            format!("`{path}` 不是仓库内的路径（{zh}）"),
            format!("`{path}` is not a path inside the repository ({en})"),
        );
        let check = PlanCheck::OutsideRepository;
        self.add(check, PlanLevel::Error, &[position], Some(file), say);
    }

    /// One finding for each two assignments that may meet. True when not all could be compared.
    fn overlaps(&mut self, selected: &[(usize, &'a PlannedAssignment)]) -> bool {
        // Menxia reads what the others change.
        let mut claims: Vec<(usize, Claims)> = Vec::new();
        for (position, line) in selected {
            if line.department != MENXIA {
                claims.push((*position, Claims::of(&line.files, &mut self.budget)));
            }
        }
        let before = self.all_before();
        let mut unchecked = false;
        for (index, (left, one)) in claims.iter().enumerate() {
            for (right, other) in &claims[index + 1..] {
                let (first, second) = match one.meeting(other, &mut self.budget) {
                    Meeting::Never => continue,
                    Meeting::Unknown => {
                        unchecked = true;
                        continue;
                    }
                    Meeting::In(first, second) => (shown(first.text()), shown(second.text())),
                };
                let in_order = before[*left].contains(right) || before[*right].contains(left);
                let (level, say) = match in_order {
                    true => (
                        PlanLevel::Info,
                        (
                            format!("{first} 与 {second} 可能是同一文件；这两项按先后顺序进行"),
                            format!(
                                "{first} and {second} may be the same file; these two run one after the other"
                            ),
                        ),
                    ),
                    false => (
                        PlanLevel::Warning,
                        (
                            format!(
                                "{first} 与 {second} 可能是同一文件；这两项不会同时运行，除非您允许"
                            ),
                            format!(
                                "{first} and {second} may be the same file; these two do not run at once unless you allow it"
                            ),
                        ),
                    ),
                };
                let path = second.clone();
                let check = PlanCheck::OverlappingFiles;
                self.add(check, level, &[*left, *right], Some(&path), say);
            }
        }
        unchecked
    }

    /// For each line the positions of those that come before it, at any distance.
    fn all_before(&self) -> Vec<Vec<usize>> {
        let named: BTreeMap<&str, usize> = self
            .lines
            .iter()
            .enumerate()
            .filter_map(|(at, line)| Some((line.id.as_deref()?, at)))
            .collect();
        let direct = |at: usize| {
            let after = self.lines[at].after.iter();
            after.filter_map(|id| named.get(id.as_str()).copied())
        };
        let reach = |at: usize| {
            let mut found: Vec<usize> = Vec::new();
            let mut open: Vec<usize> = direct(at).collect();
            while let Some(next) = open.pop() {
                if !found.contains(&next) {
                    found.push(next);
                    open.extend(direct(next));
                }
            }
            found
        };
        (0..self.lines.len()).map(reach).collect()
    }

    /// Names of the high-risk rules that this entry hits, or may hit because it covers their files. `None` when there is
    /// too much to look at.
    fn high_risks(&mut self, claim: &Claim) -> Option<Vec<&'a str>> {
        let governance = &self.rules.governance;
        if !self.budget_for_risks.spend(RISKS) {
            return None;
        }
        let set = claim.set(&mut self.budget_for_risks)?;
        let mut rules = governance.rulebook().risks_within(set);
        if let Some(literal) = claim.literal() {
            rules.extend(governance.rulebook().risks_of(literal.as_bytes()));
        }
        rules.sort_unstable();
        rules.dedup();
        let rules = rules.into_iter().map(|rule| &governance.risk_rules[rule]);
        let high = rules.filter(|rule| rule.level == RiskLevel::High);
        let mut names: Vec<&str> = high.map(|rule| rule.name.as_str()).collect();
        // Two versions of a rule have one name.
        let mut seen = BTreeSet::new();
        names.retain(|name| seen.insert(*name));
        Some(names)
    }
}
