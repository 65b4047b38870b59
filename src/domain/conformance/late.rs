//! What a department did after it had reported: a session may go on writing until its turn is over, and what was found at
//! its report would then be no longer so. It is held against the repository once more when it has ended.

use super::{Conformance, JudgedFile, Neighbour};
use crate::domain::ids::SessionId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What came of looking again after the session's end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum SecondLook {
    /// Nothing of it changed after the report.
    Same,
    /// It went on.
    Changed {
        /// Paths at which something else stands than at the report, by name.
        files: Vec<String>,
        /// The report, held against what stands there now.
        conformance: Conformance,
    },
    /// It could not be compared.
    Unknown {
        /// A sentence for people.
        reason: String,
    },
}

/// Compares what was found at the report with what is so now. `neighbours` are the sessions that worked in the same tree.
pub fn compare(
    first: &Conformance,
    now: Conformance,
    neighbours: &[(SessionId, Neighbour)],
) -> SecondLook {
    let mut now = match now {
        Conformance::Unknown { reason } => return SecondLook::Unknown { reason },
        judged @ Conformance::Judged { .. } => judged,
    };
    let (before, after) = (contents(first), contents(&now));
    let moved = |path: &&str| match (before.get(path), after.get(path)) {
        // What an older version did not note cannot have changed as far as anybody knows.
        (Some(None), Some(_)) | (Some(_), Some(None)) => false,
        (before, after) => before != after,
    };
    let mut files: Vec<String> = before
        .keys()
        .chain(after.keys())
        .copied()
        .filter(moved)
        .map(ToOwned::to_owned)
        .collect();
    files.sort();
    files.dedup();
    if files.is_empty() {
        return SecondLook::Same;
    }
    suspect(&mut now, &files, neighbours);
    SecondLook::Changed {
        files,
        conformance: now,
    }
}

/// The paths that changed, with what stood there where that was noted.
fn contents(found: &Conformance) -> BTreeMap<&str, Option<&str>> {
    let changed = found.changed();
    changed
        .map(|file| (file.path.as_str(), file.content.as_deref()))
        .collect()
}

/// The slot is free after a report, and the next department may have begun: a claim of before does not say that the
/// change of after is this one's.
fn suspect(now: &mut Conformance, late: &[String], neighbours: &[(SessionId, Neighbour)]) {
    let Conformance::Judged { files, .. } = now else {
        return;
    };
    let is_late = |file: &&mut JudgedFile| late.binary_search(&file.path).is_ok();
    for file in files.iter_mut().filter(is_late) {
        let covering = neighbours.iter().filter(|(_, other)| {
            other.edited.contains(&file.path)
                || other.scope.is_named() && other.scope.covers(&file.path)
        });
        let mut others: Vec<SessionId> = covering.map(|(id, _)| id.clone()).collect();
        others.append(&mut file.ambiguous_with);
        others.sort();
        others.dedup();
        file.ambiguous_with = others;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::domain::conformance::ScopeStatus;
    use crate::domain::scope::Scope;

    fn found(files: &[(&str, Option<&str>)]) -> Conformance {
        let file = |(path, content): &(&str, Option<&str>)| JudgedFile {
            path: (*path).to_owned(),
            standing: ScopeStatus::InScope,
            claimed: true,
            ambiguous_with: Vec::new(),
            content: content.map(ToOwned::to_owned),
        };
        Conformance::Judged {
            files: files.iter().map(file).collect(),
            omitted: 0,
            scope_named: true,
            concurrent: Vec::new(),
        }
    }

    fn late(first: &Conformance, now: &Conformance) -> Vec<String> {
        match compare(first, now.clone(), &[]) {
            SecondLook::Changed { files, conformance } => {
                assert_eq!(conformance, *now);
                files
            }
            SecondLook::Same => Vec::new(),
            SecondLook::Unknown { reason } => panic!("{reason}"),
        }
    }

    #[test]
    fn what_is_new_other_or_taken_back_is_late() {
        let first = found(&[
            ("kept", Some("1")),
            ("again", Some("1")),
            ("back", Some("1")),
        ]);
        let now = found(&[
            ("kept", Some("1")),
            ("again", Some("2")),
            ("new", Some("1")),
        ]);
        assert_eq!(late(&first, &now), ["again", "back", "new"]);
        assert_eq!(compare(&first, first.clone(), &[]), SecondLook::Same);
    }

    #[test]
    fn what_was_not_noted_is_not_called_late() {
        let first = found(&[("old", None), ("gone", None)]);
        let now = found(&[("old", Some("2"))]);
        assert_eq!(late(&first, &now), ["gone"]);
    }

    #[test]
    fn a_look_that_failed_says_why() {
        let failed = Conformance::Unknown {
            reason: "no repository".to_owned(),
        };
        let look = compare(&found(&[]), failed, &[]);
        assert!(matches!(look, SecondLook::Unknown { reason } if reason == "no repository"));
    }

    #[test]
    fn who_may_have_begun_meanwhile_comes_into_question() {
        let other = SessionId::parse("lingyubu-1").unwrap();
        let neighbour = Neighbour {
            scope: Scope::of(&["src/".to_owned()]),
            ..Neighbour::default()
        };
        let first = found(&[
            ("src/a", Some("1")),
            ("docs/b", Some("1")),
            ("src/c", Some("1")),
        ]);
        let now = found(&[
            ("src/a", Some("2")),
            ("docs/b", Some("2")),
            ("src/c", Some("1")),
        ]);
        let SecondLook::Changed { conformance, .. } =
            compare(&first, now, &[(other.clone(), neighbour)])
        else {
            panic!("it changed");
        };
        let doubtful: Vec<_> = conformance
            .changed()
            .map(|file| (file.path.as_str(), file.ambiguous_with.contains(&other)))
            .collect();
        assert_eq!(
            doubtful,
            [("src/a", true), ("docs/b", false), ("src/c", false)]
        );
    }
}
