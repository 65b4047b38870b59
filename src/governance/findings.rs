//! Turns what rules hit into findings: which of them count, which are exempt, and how many there are. Lists are bounded,
//! sums are not.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::inspect::{FileHits, RuleHit, shown};
use super::settings::FILE_NAME;
use super::{Governance, advice};
use crate::domain::language::Language;
use crate::domain::report::{ChangeStatus, FileKind, Finding};
use crate::domain::rules::{RiskLevel, RiskRule};
use crate::domain::words;
use crate::git::changes::Change;

/// The rule that every unresolved merge hits.
const CONFLICT_RULE: &str = "merge_conflict";

/// The rule that a `governance.yaml` hits that cannot be used.
const UNUSABLE_RULE: &str = "unusable_rules";

/// Findings of one rule that are listed; a person who has seen as many knows enough of that rule.
const MAX_LISTED: usize = 500;

/// The findings of one report.
pub(super) struct Findings<'a> {
    governance: &'a Governance,
    language: Language,
    /// Those that count.
    pub listed: Vec<Finding>,
    /// Those that are exempt.
    pub silenced: Vec<Finding>,
    /// How many count, by level.
    pub counts: BTreeMap<RiskLevel, usize>,
    /// How many of those are not listed.
    pub left_out: usize,
    /// How many are exempt.
    pub silenced_count: usize,
    of_rule: BTreeMap<(usize, bool), usize>,
    /// For each rule the position of the first one of its name: they are versions of one rule.
    named_as: Vec<usize>,
}

/// What all versions of one rule say of one place.
struct Judged {
    /// The position of the rule whose words are told: the first one that counts, else the first one that is exempt.
    rule: usize,
    /// The highest level of those that count; none when all are exempt.
    level: Option<RiskLevel>,
}

impl Judged {
    fn counts(rule: usize, level: RiskLevel) -> Self {
        Self {
            rule,
            level: Some(level),
        }
    }

    fn exempt(rule: usize) -> Self {
        Self { rule, level: None }
    }

    /// Another version says something, too.
    fn join(&mut self, other: Self) {
        let is_first = match (self.level, other.level) {
            (None, Some(_)) => true,
            (Some(_), None) => false,
            _ => other.rule < self.rule,
        };
        if is_first {
            self.rule = other.rule;
        }
        self.level = self.level.max(other.level);
    }
}

impl<'a> Findings<'a> {
    pub(super) fn new(governance: &'a Governance, language: Language) -> Self {
        Self {
            governance,
            language,
            listed: Vec::new(),
            silenced: Vec::new(),
            counts: BTreeMap::new(),
            left_out: 0,
            silenced_count: 0,
            of_rule: BTreeMap::new(),
            named_as: first_of_each_name(&governance.risk_rules),
        }
    }

    /// Adds the findings of one change; answers the names of the rules that count for it.
    pub(super) fn add(&mut self, change: &Change, inspection: &FileHits) -> Vec<String> {
        let mut counting = Vec::new();
        if change.status == ChangeStatus::Conflicted {
            self.conflict(change);
            counting.push(CONFLICT_RULE);
        }
        for (judged, path) in self.of_paths(change) {
            counting.extend(self.record(&judged, path, None, None));
        }
        for (judged, seen) in self.of_contents(change, inspection) {
            counting.extend(self.record(&judged, &change.path, seen.line, seen.what));
        }
        let mut names = BTreeSet::new();
        counting.retain(|name| names.insert(*name));
        counting.into_iter().map(str::to_owned).collect()
    }

    /// What the names of a change hit, once for each rule: first what counts, then what is exempt.
    fn of_paths<'c>(&self, change: &'c Change) -> Vec<(Judged, &'c [u8])> {
        let rulebook = self.governance.rulebook();
        let mut counting: BTreeMap<usize, (Judged, &[u8])> = BTreeMap::new();
        let mut exempt = BTreeMap::new();
        for (path, name) in names(change) {
            let verdict = rulebook.judge(&name);
            for rule in verdict.hits {
                let judged = || Judged::counts(rule, self.level(rule));
                let known = counting.entry(self.named_as[rule]);
                let (known, _) = known.or_insert_with(|| (judged(), path));
                known.join(judged());
            }
            for rule in verdict.exempt {
                let known = exempt.entry(self.named_as[rule]);
                known.or_insert((Judged::exempt(rule), path));
            }
        }
        // A rename that is exempt under one of its names only is not exempt, and neither is what one version of a rule
        // finds and another silences.
        exempt.retain(|name, _| !counting.contains_key(name));
        counting.into_values().chain(exempt.into_values()).collect()
    }

    /// What was seen in a change, once for each rule and line.
    fn of_contents(&mut self, change: &Change, inspection: &FileHits) -> Vec<(Judged, RuleHit)> {
        if inspection.seen.is_empty() {
            return Vec::new();
        }
        let rulebook = self.governance.rulebook();
        let force = rulebook.in_force_for(&as_rules_see(change, &change.path));
        let mut places = BTreeMap::new();
        let mut found: Vec<(Judged, RuleHit)> = Vec::new();
        for seen in &inspection.seen {
            let judged = if force.hits.contains(&seen.rule) {
                Judged::counts(seen.rule, self.level(seen.rule))
            } else if force.exempt.contains(&seen.rule) {
                Judged::exempt(seen.rule)
            } else {
                continue;
            };
            let key = (self.named_as[seen.rule], seen.line, seen.what);
            let place = *places.entry(key).or_insert(found.len());
            match found.get_mut(place) {
                Some((known, _)) => known.join(judged),
                None => found.push((judged, *seen)),
            }
        }
        // A rule of which two versions leave something out leaves out what the longer list has.
        let mut left_out: BTreeMap<usize, usize> = BTreeMap::new();
        for (rule, count) in &inspection.left_out {
            if force.hits.contains(rule) {
                let known = left_out.entry(self.named_as[*rule]).or_default();
                *known = (*known).max(*count);
            }
        }
        self.left_out += left_out.values().sum::<usize>();
        found
    }

    fn level(&self, rule: usize) -> RiskLevel {
        self.governance.risk_rules[rule].level
    }

    /// Counts one finding and lists it while its rule has few; answers the rule's name when it counts.
    fn record(
        &mut self,
        judged: &Judged,
        path: &[u8],
        line: Option<u64>,
        what: Option<&'static str>,
    ) -> Option<&'a str> {
        let rule: &'a RiskRule = &self.governance.risk_rules[judged.rule];
        let so_far = self
            .of_rule
            .entry((judged.rule, judged.level.is_none()))
            .or_default();
        *so_far += 1;
        let is_listed = *so_far <= MAX_LISTED;
        let (list, how) = match judged.level {
            Some(level) => {
                *self.counts.entry(level).or_default() += 1;
                self.left_out += usize::from(!is_listed);
                let how = advice::how_to_silence(rule, self.language);
                (&mut self.listed, how)
            }
            None => {
                self.silenced_count += 1;
                let how = advice::why_silent(rule, self.language);
                (&mut self.silenced, how)
            }
        };
        if is_listed {
            list.push(Finding {
                rule: rule.name.clone(),
                level: judged.level.unwrap_or(rule.level),
                path: shown(path),
                line,
                message: advice::message(rule, what, self.language),
                how_to_silence: how,
            });
        }
        judged.level.map(|_| rule.name.as_str())
    }

    fn conflict(&mut self, change: &Change) {
        let message = words::text(self.language, "governance.conflict");
        let how = words::text(self.language, "governance.conflict_how");
        *self.counts.entry(RiskLevel::High).or_default() += 1;
        self.listed.push(Finding {
            rule: CONFLICT_RULE.to_owned(),
            level: RiskLevel::High,
            path: shown(&change.path),
            line: None,
            message: message.to_owned(),
            how_to_silence: how.to_owned(),
        });
    }

    /// One of the two versions of `governance.yaml` cannot be used; `fault` says which, and why.
    pub(super) fn unusable_rules(&mut self, fault: &str) {
        let how = words::text(self.language, "governance.have_person_mend_file");
        *self.counts.entry(RiskLevel::High).or_default() += 1;
        self.listed.push(Finding {
            rule: UNUSABLE_RULE.to_owned(),
            level: RiskLevel::High,
            path: FILE_NAME.to_owned(),
            line: None,
            message: fault.to_owned(),
            how_to_silence: how.to_owned(),
        });
    }

    /// Highest level first; within a level they stay in the order of the paths.
    pub(super) fn sort(&mut self) {
        for list in [&mut self.listed, &mut self.silenced] {
            list.sort_by_key(|finding| std::cmp::Reverse(finding.level));
        }
    }
}

fn first_of_each_name(rules: &[RiskRule]) -> Vec<usize> {
    let mut first = BTreeMap::new();
    let named = rules.iter().enumerate();
    named
        .map(|(at, rule)| *first.entry(rule.name.as_str()).or_insert(at))
        .collect()
}

/// The names that a change is judged by: a rename counts under both, a copy leaves its source as it was. Each comes as the
/// rules see it.
pub(super) fn names(change: &Change) -> Vec<(&[u8], Cow<'_, [u8]>)> {
    let old = change
        .old_path
        .as_deref()
        .filter(|_| change.status == ChangeStatus::Renamed);
    std::iter::once(change.path.as_slice())
        .chain(old)
        .map(|path| (path, as_rules_see(change, path)))
        .collect()
}

/// A whole repository at a path ends in `/`, so that folder patterns cover it.
fn as_rules_see<'c>(change: &Change, path: &'c [u8]) -> Cow<'c, [u8]> {
    match change.kind {
        FileKind::Submodule => Cow::Owned([path, b"/"].concat()),
        _ => Cow::Borrowed(path),
    }
}
