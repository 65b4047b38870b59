//! Turns what rules hit into findings: which of them count, which are exempt, and how many there are. Lists are bounded,
//! sums are not.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::inspect::Inspection;
use super::{Governance, advice};
use crate::domain::language::Language;
use crate::domain::report::{ChangeStatus, FileKind, Finding};
use crate::domain::rules::{RiskLevel, RiskRule};
use crate::git::changes::Change;

/// The rule that every unresolved merge hits.
const CONFLICT_RULE: &str = "merge_conflict";

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
        }
    }

    /// Adds the findings of one change; answers the names of the rules that count for it.
    pub(super) fn add(&mut self, change: &Change, inspection: &Inspection) -> Vec<String> {
        let mut counting = Vec::new();
        if change.status == ChangeStatus::Conflicted {
            self.conflict(change);
            counting.push(CONFLICT_RULE);
        }
        let rulebook = self.governance.rulebook();
        let mut hits = BTreeMap::new();
        let mut exempt = BTreeMap::new();
        for (path, name) in names(change) {
            let verdict = rulebook.judge(&name);
            for rule in verdict.hits {
                hits.entry(rule).or_insert(path);
            }
            for rule in verdict.exempt {
                exempt.entry(rule).or_insert(path);
            }
        }
        // A rename that is exempt under one of its names only is not exempt.
        exempt.retain(|rule, _| !hits.contains_key(rule));
        for (rule, path) in &hits {
            counting.push(self.record(*rule, path, None, None, false));
        }
        for (rule, path) in exempt {
            self.record(rule, path, None, None, true);
        }
        if !inspection.seen.is_empty() {
            let force = rulebook.in_force_for(&as_rules_see(change, &change.path));
            for seen in &inspection.seen {
                let is_exempt = force.exempt.contains(&seen.rule);
                if is_exempt || force.hits.contains(&seen.rule) {
                    let name =
                        self.record(seen.rule, &change.path, seen.line, seen.what, is_exempt);
                    counting.extend((!is_exempt).then_some(name));
                }
            }
            self.left_out += inspection.left_out;
        }
        let mut names = BTreeSet::new();
        counting.retain(|name| names.insert(*name));
        counting.into_iter().map(str::to_owned).collect()
    }

    /// Counts one finding and lists it while its rule has few; answers the rule's name.
    fn record(
        &mut self,
        position: usize,
        path: &[u8],
        line: Option<u64>,
        what: Option<(&'static str, &'static str)>,
        is_exempt: bool,
    ) -> &'a str {
        let rule: &'a RiskRule = &self.governance.risk_rules[position];
        let so_far = self.of_rule.entry((position, is_exempt)).or_default();
        *so_far += 1;
        let is_listed = *so_far <= MAX_LISTED;
        if is_exempt {
            self.silenced_count += 1;
        } else {
            *self.counts.entry(rule.level).or_default() += 1;
            self.left_out += usize::from(!is_listed);
        }
        if !is_listed {
            return &rule.name;
        }
        let how = if is_exempt {
            advice::why_silent(rule, self.language)
        } else {
            advice::how_to_silence(rule, self.language)
        };
        let list = if is_exempt {
            &mut self.silenced
        } else {
            &mut self.listed
        };
        list.push(Finding {
            rule: rule.name.clone(),
            level: rule.level,
            path: shown(path),
            line,
            message: advice::message(rule, what, self.language),
            how_to_silence: how,
        });
        &rule.name
    }

    fn conflict(&mut self, change: &Change) {
        let (message, how) = match self.language {
            Language::Zh => ("合并冲突尚未解决", "解决冲突后用 git add 标记该文件。"),
            Language::En => (
                "a merge left this file unresolved",
                "Resolve the conflict and mark the file with git add.",
            ),
        };
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

    /// Highest level first; within a level they stay in the order of the paths.
    pub(super) fn sort(&mut self) {
        for list in [&mut self.listed, &mut self.silenced] {
            list.sort_by_key(|finding| std::cmp::Reverse(finding.level));
        }
    }
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

/// A path as it is shown: bytes that are no UTF-8 become U+FFFD.
pub(super) fn shown(path: &[u8]) -> String {
    String::from_utf8_lossy(path).into_owned()
}
