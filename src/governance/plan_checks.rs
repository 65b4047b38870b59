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
use crate::domain::sentence::{Sentence, say};
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
                message: say!("plan_check.more_findings_not_listed", more).both(),
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
        message: Localized,
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
            message,
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
            let say = say!("plan_check.unknown_department", key, known => Sentence::names(keys));
            self.add(PlanCheck::UnknownDepartment, Error, &here, None, say.both());
        }
        if let (Some(model), Some(models)) = (&line.model, self.models)
            && !models.contains(model)
        {
            let model = shown(model);
            let say = match models {
                [] => say!("plan_check.no_model", model),
                known => {
                    say!("plan_check.unknown_model", model, known => Sentence::names(known))
                }
            };
            self.add(PlanCheck::UnknownModel, Error, &here, None, say.both());
        }
        if line.task.trim().is_empty() {
            let say = say!("plan_check.empty_task");
            self.add(PlanCheck::EmptyTask, Error, &here, None, say.both());
        }
        // Menxia reviews; it has nothing of its own to verify.
        let proves = |command: &String| !command.trim().is_empty();
        if department != MENXIA && !line.verify.iter().any(proves) {
            let key = shown(department);
            let say = say!("plan_check.missing_verify", key);
            self.add(PlanCheck::MissingVerify, Warning, &here, None, say.both());
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
                    Some(_) => say!("plan_check.dependency_not_selected", id),
                    None => say!("plan_check.unknown_dependency", id),
                };
                let check = PlanCheck::UnknownDependency;
                self.add(check, PlanLevel::Error, &[position], None, say.both());
            }
        }
        let lines = self.lines;
        if let Some(cycle) = dependencies::cycle(lines, Among::Selected) {
            let at = |id: &&str| lines.iter().position(|it| it.id.as_deref() == Some(id));
            let positions: Vec<usize> = cycle.iter().filter_map(at).collect();
            let waits = dependencies::waits(&cycle);
            let say = say!("plan_check.dependency_cycle", waits => waits);
            let check = PlanCheck::DependencyCycle;
            self.add(check, PlanLevel::Error, &positions, None, say.both());
        }
    }

    /// What a person should know about the rules themselves.
    fn judges(&mut self) {
        if self.selected().is_empty() {
            return;
        }
        let judges = &self.rules.judges;
        let said = |it: &dyn Fn(Language) -> Vec<String>| {
            let both = it(Language::Zh).into_iter().zip(it(Language::En));
            both.map(|(zh, en)| Localized::new(zh, en))
                .collect::<Vec<_>>()
        };
        for said in said(&|language| judges.faults(language)) {
            self.add(
                PlanCheck::UnusableRules,
                PlanLevel::Warning,
                &[],
                None,
                said,
            );
        }
        for said in said(&|language| judges.loosened(language).into_iter().collect()) {
            self.add(PlanCheck::LooserRules, PlanLevel::Info, &[], None, said);
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
                            let say = say!("plan_check.high_risk_without_menxia", path, rules);
                            let check = PlanCheck::HighRiskWithoutMenxia;
                            self.add(
                                check,
                                PlanLevel::Warning,
                                &[*position],
                                Some(file),
                                say.both(),
                            );
                        }
                    },
                }
            }
        }
        unchecked |= self.overlaps(&selected);
        if unchecked {
            let say = say!("plan_check.too_many_files");
            self.add(
                PlanCheck::Incomplete,
                PlanLevel::Warning,
                &[],
                None,
                say.both(),
            );
        }
    }

    fn outside(&mut self, position: usize, file: &str, why: NotInside) {
        let why = match why {
            NotInside::Absolute => say!("plan_check.outside.absolute"),
            NotInside::Parent => say!("plan_check.outside.parent"),
            NotInside::Git => say!("plan_check.outside.git"),
            NotInside::Empty => say!("plan_check.outside.empty"),
            NotInside::Unreadable => say!("plan_check.outside.unreadable"),
        };
        let path = shown(file);
        let say = say!("plan_check.outside", path, why => why);
        let check = PlanCheck::OutsideRepository;
        self.add(check, PlanLevel::Error, &[position], Some(file), say.both());
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
                        say!("plan_check.overlap_in_order", first, second),
                    ),
                    false => (
                        PlanLevel::Warning,
                        say!("plan_check.overlap", first, second),
                    ),
                };
                let path = second.clone();
                let check = PlanCheck::OverlappingFiles;
                self.add(check, level, &[*left, *right], Some(&path), say.both());
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
