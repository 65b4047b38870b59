//! Two versions of the rules that judge together: a finding counts when either version finds it, at the higher level, and is
//! silent only when every version that finds it silences it. Owns which rule says at least as much as another.

use serde::{Deserialize, Serialize};

use super::{ChangeTest, RiskRule, Subject};

/// The pattern that covers every path: a rule that exempts it finds nothing.
const EVERYTHING: &str = "**";

/// How a second version of the rules differs from the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Difference {
    /// It judges alike.
    Same,
    /// It finds more, and silences nothing that the first one finds.
    Stricter,
    /// It finds less.
    Looser,
    /// Stricter in some things and looser in others.
    Mixed,
}

impl Difference {
    /// From what each version has that the other does not cover.
    pub fn of(is_stricter: bool, is_looser: bool) -> Self {
        match (is_stricter, is_looser) {
            (false, false) => Self::Same,
            (true, false) => Self::Stricter,
            (false, true) => Self::Looser,
            (true, true) => Self::Mixed,
        }
    }

    /// The name used in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Stricter => "stricter",
            Self::Looser => "looser",
            Self::Mixed => "mixed",
        }
    }
}

/// The rules of both versions: all of `first`, and behind them those of `second` that none of `first` covers. Rules of the
/// same name are one rule to whoever reads the findings.
pub fn both(first: &[RiskRule], second: &[RiskRule]) -> Vec<RiskRule> {
    let more = second.iter().filter(|rule| !is_covered(rule, first));
    first.iter().chain(more).cloned().collect()
}

/// How the rules `second` differ from `first`.
pub fn difference(first: &[RiskRule], second: &[RiskRule]) -> Difference {
    let has_more =
        |rules: &[RiskRule], than: &[RiskRule]| rules.iter().any(|rule| !is_covered(rule, than));
    Difference::of(has_more(second, first), has_more(first, second))
}

fn is_covered(rule: &RiskRule, by: &[RiskRule]) -> bool {
    let is_silent = rule.allow_pattern.iter().any(|it| it == EVERYTHING);
    is_silent || by.iter().any(|other| covers(other, rule))
}

/// Whether `rule` finds whatever `other` finds, under the same name, at the same level or a higher one. Patterns are compared
/// as they are written: where two are spelled differently both rules judge.
fn covers(rule: &RiskRule, other: &RiskRule) -> bool {
    rule.name == other.name
        && rule.level >= other.level
        && looks_at_least_at(&rule.subject, &other.subject)
        && holds_at_least_in(rule, other)
        && has_all(&other.allow_pattern, &rule.allow_pattern)
}

fn looks_at_least_at(subject: &Subject, other: &Subject) -> bool {
    match (subject, other) {
        (Subject::Expressions(mine), Subject::Expressions(theirs)) => has_all(mine, theirs),
        (
            Subject::Change(ChangeTest::LargeFile { limit_bytes: mine }),
            Subject::Change(ChangeTest::LargeFile {
                limit_bytes: theirs,
            }),
        ) => mine <= theirs,
        _ => subject == other,
    }
}

/// Without a pattern a rule that looks at more than the path holds everywhere.
fn holds_at_least_in(rule: &RiskRule, other: &RiskRule) -> bool {
    let is_everywhere = |rule: &RiskRule| rule.subject != Subject::Path && rule.pattern.is_empty();
    is_everywhere(rule) || (!is_everywhere(other) && has_all(&rule.pattern, &other.pattern))
}

/// Whether `all` has everything that `some` has.
pub fn has_all(all: &[String], some: &[String]) -> bool {
    some.iter().all(|text| all.contains(text))
}

#[cfg(test)]
mod tests {
    use super::{Difference, both, difference};
    use crate::domain::department::Localized;
    use crate::domain::rules::{ChangeTest, RiskLevel, RiskRule, Subject};

    fn rule(subject: Subject, pattern: &[&str]) -> RiskRule {
        RiskRule {
            name: "a".to_owned(),
            level: RiskLevel::Medium,
            subject,
            pattern: pattern.iter().map(|it| (*it).to_owned()).collect(),
            message: Localized::same("look"),
            allow_pattern: vec!["kept/".to_owned()],
            locked: false,
        }
    }

    fn path(pattern: &[&str]) -> RiskRule {
        rule(Subject::Path, pattern)
    }

    fn content(expressions: &[&str], pattern: &[&str]) -> RiskRule {
        let expressions = expressions.iter().map(|it| (*it).to_owned()).collect();
        rule(Subject::Expressions(expressions), pattern)
    }

    fn large(limit_bytes: u64) -> RiskRule {
        rule(Subject::Change(ChangeTest::LargeFile { limit_bytes }), &[])
    }

    #[test]
    fn a_rule_is_stricter_in_each_of_its_parts() {
        let high = RiskRule {
            level: RiskLevel::High,
            ..path(&["x"])
        };
        let unsilenced = RiskRule {
            allow_pattern: Vec::new(),
            ..path(&["x"])
        };
        for (looser, stricter) in [
            (path(&["x"]), high),
            (path(&["x"]), unsilenced),
            (path(&["x"]), path(&["y", "x"])),
            (content(&["p"], &["x"]), content(&["p"], &[])),
            (content(&["p"], &[]), content(&["q", "p"], &[])),
            (large(9), large(8)),
        ] {
            let (looser, stricter) = ([looser], [stricter]);
            assert_eq!(difference(&looser, &stricter), Difference::Stricter);
            assert_eq!(difference(&stricter, &looser), Difference::Looser);
            assert_eq!(difference(&looser, &looser), Difference::Same);
            assert_eq!(both(&stricter, &looser), stricter);
            assert_eq!(both(&looser, &stricter).len(), 2);
            assert_eq!(difference(&looser, &[]), Difference::Looser);
        }
        // A path rule without a pattern hits nothing; another kind of rule is another rule.
        let (nowhere, somewhere) = ([path(&[])], [path(&["x"])]);
        assert_eq!(difference(&nowhere, &somewhere), Difference::Stricter);
        let silent = RiskRule {
            allow_pattern: vec!["**".to_owned()],
            ..path(&["x"])
        };
        assert_eq!(difference(&somewhere, &[silent]), Difference::Looser);
        let (one, other) = ([path(&["x"])], [content(&["p"], &["x"])]);
        assert_eq!(difference(&one, &other), Difference::Mixed);
        let reworded = RiskRule {
            message: Localized::same("all is well"),
            ..path(&["x"])
        };
        assert_eq!(both(&[path(&["x"])], &[reworded]), [path(&["x"])]);
    }
}
