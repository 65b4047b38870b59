//! The rules of a repository, compiled once per governance file: which departments own a path, which risk rules it hits,
//! and where the rules that look at more than the path hold.

use super::expressions::LineError;
use super::lines::LineScanner;
use super::pattern::{PathPattern, PatternError, PatternSet};
use super::{RiskRule, Subject};
use crate::domain::department::Department;

/// Why rules cannot be used together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BookError {
    /// A path pattern.
    #[error(transparent)]
    Pattern(#[from] PatternError),
    /// A regular expression.
    #[error(transparent)]
    Expression(#[from] LineError),
}

/// Departments' and risk rules' patterns, and what finds things in text.
#[derive(Clone, Debug, Default)]
pub struct Rulebook {
    departments: Owned,
    risks: Owned,
    scopes: Owned,
    everywhere: Vec<usize>,
    allowed: Owned,
    lines: LineScanner,
}

/// Rules that say something about a path, by their positions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Rules that hold for it.
    pub hits: Vec<usize>,
    /// Rules that would hold for it, and whose `allow_pattern` exempts it.
    pub exempt: Vec<usize>,
}

/// A pattern set whose patterns belong to numbered owners.
#[derive(Clone, Debug, Default)]
struct Owned {
    set: PatternSet,
    owners: Vec<usize>,
}

impl Owned {
    fn new<'a>(groups: impl Iterator<Item = (usize, &'a [String])>) -> Result<Self, PatternError> {
        let mut patterns = Vec::new();
        let mut owners = Vec::new();
        for (owner, group) in groups {
            for text in group {
                patterns.push(PathPattern::parse(text)?);
                owners.push(owner);
            }
        }
        Ok(Self {
            set: PatternSet::new(patterns)?,
            owners,
        })
    }

    fn owners_of(&self, path: &[u8]) -> Vec<usize> {
        let mut owners: Vec<usize> = self
            .set
            .matches(path)
            .into_iter()
            .map(|index| self.owners[index])
            .collect();
        owners.sort_unstable();
        owners.dedup();
        owners
    }
}

impl Rulebook {
    /// Compiles the rules; results refer to positions in the slices given here.
    pub fn new(departments: &[Department], risks: &[RiskRule]) -> Result<Self, BookError> {
        let is_about_paths = |rule: &RiskRule| rule.subject == Subject::Path;
        let patterns = |about_paths: bool| {
            risks
                .iter()
                .enumerate()
                .filter(move |(_, rule)| is_about_paths(rule) == about_paths)
                .map(|(at, rule)| (at, rule.pattern.as_slice()))
        };
        Ok(Self {
            departments: Owned::new(departments.iter().map(|d| d.globs.as_slice()).enumerate())?,
            risks: Owned::new(patterns(true))?,
            scopes: Owned::new(patterns(false))?,
            everywhere: patterns(false)
                .filter(|(_, pattern)| pattern.is_empty())
                .map(|(at, _)| at)
                .collect(),
            allowed: Owned::new(risks.iter().map(|r| r.allow_pattern.as_slice()).enumerate())?,
            lines: LineScanner::new(risks)?,
        })
    }

    /// Positions of the departments that own `path`.
    pub fn departments_of(&self, path: &[u8]) -> Vec<usize> {
        self.departments.owners_of(path)
    }

    /// Positions of the path rules that `path` hits and that do not exempt it.
    pub fn risks_of(&self, path: &[u8]) -> Vec<usize> {
        self.judge(path).hits
    }

    /// The path rules that `path` hits.
    pub fn judge(&self, path: &[u8]) -> Verdict {
        self.split(path, self.risks.owners_of(path))
    }

    /// The rules that look at more than the path, as far as they hold for `path`.
    pub fn in_force_for(&self, path: &[u8]) -> Verdict {
        let mut rules = self.scopes.owners_of(path);
        rules.extend(&self.everywhere);
        rules.sort_unstable();
        self.split(path, rules)
    }

    fn split(&self, path: &[u8], rules: Vec<usize>) -> Verdict {
        if rules.is_empty() {
            return Verdict::default();
        }
        let allowed = self.allowed.owners_of(path);
        let (exempt, hits) = rules.into_iter().partition(|rule| allowed.contains(rule));
        Verdict { hits, exempt }
    }

    /// What finds things in text.
    pub fn lines(&self) -> &LineScanner {
        &self.lines
    }

    /// Positions of the path rules with a wildcard-free pattern that `pattern` would cover: what somebody who may touch
    /// everything under `pattern` may also touch.
    pub fn risks_within(&self, pattern: &PatternSet) -> Vec<usize> {
        let mut hits: Vec<usize> = self
            .risks
            .set
            .patterns()
            .iter()
            .zip(&self.risks.owners)
            .filter(|(risk, _)| {
                risk.literal().is_some_and(|literal| {
                    let folder = format!("{literal}/");
                    pattern.is_match(literal.as_bytes())
                        || (risk.directory_only && pattern.is_match(folder.as_bytes()))
                })
            })
            .map(|(_, owner)| *owner)
            .collect();
        hits.sort_unstable();
        hits.dedup();
        hits
    }
}
