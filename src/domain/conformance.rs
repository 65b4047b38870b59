//! What a department really changed, held against its assignment and its own words. Pure: who looked at the
//! repository, and when, is the caller's business.
//!
//! # Several departments in one working tree
//! Files do not say who wrote them. Told apart is what can be told honestly, in this order:
//! 1. what a session's own editing tool changed, or what it claims, is its own;
//! 2. what another session's editing tool changed is that session's;
//! 3. what lies in one session's files only is that session's;
//! 4. the rest (in several sessions' files, or in nobody's while several worked) is shown with the sessions that come
//!    into question. A person's own edits in that time cannot be told apart and count as the department's.

use super::ids::SessionId;
use super::scope::Scope;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

pub mod late;

/// Paths of one judgement that are kept; what goes beyond is counted.
pub const MAX_FILES: usize = 500;

/// The working tree as it was when a session was given its work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Baseline {
    /// It was recorded, in a file of the state folder.
    Recorded {
        /// Digest of the snapshot: commit, and every path that differs from it.
        tree: String,
        /// The commit below it.
        #[serde(default)]
        head: Option<String>,
    },
    /// It could not be.
    Failed {
        /// A sentence for people.
        reason: String,
    },
}

/// Where a path stands against the assignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScopeStatus {
    /// Changed, and one of the assignment's files.
    InScope,
    /// Changed, and none of the assignment's files.
    Outside,
    /// Said to be changed, and the same as before.
    Absent,
}

/// One path of a judgement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JudgedFile {
    /// From the repository's root.
    pub path: String,
    /// Where it stands.
    pub standing: ScopeStatus,
    /// Whether the report names it. What changed and is not named is undeclared.
    pub claimed: bool,
    /// Sessions that may have changed it instead; empty when it is this department's for all that can be known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ambiguous_with: Vec<SessionId>,
    /// What stood there at the comparison, as a snapshot of the tree spells it; none in journals of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
}

impl JudgedFile {
    /// Whether it changed at all.
    pub fn is_changed(&self) -> bool {
        self.standing != ScopeStatus::Absent
    }
}

/// What came of holding a report against the repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Conformance {
    /// It was compared.
    Judged {
        /// The paths, by name: what lies outside first.
        files: Vec<JudgedFile>,
        /// Paths beyond those that are kept.
        #[serde(default)]
        omitted: usize,
        /// Whether the assignment names files at all.
        scope_named: bool,
        /// Other departments that worked in the same tree at that time.
        #[serde(default)]
        concurrent: Vec<SessionId>,
    },
    /// It could not be compared.
    Unknown {
        /// A sentence for people.
        reason: String,
    },
}

impl Conformance {
    /// Paths outside of the assignment that are kept.
    pub fn outside(&self) -> impl Iterator<Item = &JudgedFile> {
        self.with(|file| file.standing == ScopeStatus::Outside)
    }

    /// Paths that changed and are not in the report.
    pub fn undeclared(&self) -> impl Iterator<Item = &JudgedFile> {
        self.with(|file| file.is_changed() && !file.claimed)
    }

    /// Paths that the report names and that did not change.
    pub fn absent(&self) -> impl Iterator<Item = &JudgedFile> {
        self.with(|file| file.standing == ScopeStatus::Absent)
    }

    /// Paths that changed as the assignment allows.
    pub fn in_scope(&self) -> impl Iterator<Item = &JudgedFile> {
        self.with(|file| file.standing == ScopeStatus::InScope)
    }

    /// Paths that changed, wherever they lie.
    pub fn changed(&self) -> impl Iterator<Item = &JudgedFile> {
        self.with(JudgedFile::is_changed)
    }

    /// Whether somebody has to accept it with a reason.
    pub fn needs_acceptance(&self) -> bool {
        self.outside().next().is_some()
    }

    fn with(&self, keep: impl Fn(&JudgedFile) -> bool) -> impl Iterator<Item = &JudgedFile> {
        let files = match self {
            Self::Judged { files, .. } => files.as_slice(),
            Self::Unknown { .. } => &[],
        };
        files.iter().filter(move |file| keep(file))
    }
}

/// Who took it on themselves that changes lie outside of an assignment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acceptance {
    /// A person or the planner, as the audit log names actors.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// Another department that worked in the same tree.
#[derive(Debug, Clone, Default)]
pub struct Neighbour {
    /// What it may change.
    pub scope: Scope,
    /// What its own editing tool changed.
    pub edited: BTreeSet<String>,
}

/// Everything a judgement rests on.
#[derive(Debug)]
pub struct Facts<'a> {
    /// What the assignment allows.
    pub scope: &'a Scope,
    /// What the report names, as it names it.
    pub claimed: &'a [String],
    /// The repository's folder, which a report may put before its paths.
    pub root: &'a str,
    /// Paths that differ from the tree at dispatch, with what stands there now.
    pub changed: &'a BTreeMap<String, String>,
    /// Paths that the session's own editing tool changed.
    pub edited: &'a BTreeSet<String>,
    /// The others.
    pub neighbours: &'a [(SessionId, Neighbour)],
}

/// Holds a report against what changed.
pub fn judge(facts: &Facts<'_>) -> Conformance {
    let claims: BTreeSet<String> = facts
        .claimed
        .iter()
        .filter_map(|claim| named_path(claim, facts.root))
        .collect();
    let mut files = Vec::new();
    for (path, content) in facts.changed {
        let claimed = is_claimed(&claims, path);
        if let Some(ambiguous_with) = suspects(facts, path, claimed) {
            let standing = match facts.scope.covers(path) {
                true => ScopeStatus::InScope,
                false => ScopeStatus::Outside,
            };
            files.push(JudgedFile {
                path: path.clone(),
                standing,
                claimed,
                ambiguous_with,
                content: Some(content.clone()),
            });
        }
    }
    let changed_below = |folder: &str| {
        let below = facts.changed.range(folder.to_owned()..);
        below.take(1).any(|(path, _)| path.starts_with(folder))
    };
    for claim in &claims {
        let is_there = facts.changed.contains_key(claim)
            || changed_below(&format!("{}/", claim.trim_end_matches('/')));
        if !is_there {
            files.push(JudgedFile {
                path: claim.clone(),
                standing: ScopeStatus::Absent,
                claimed: true,
                ambiguous_with: Vec::new(),
                content: None,
            });
        }
    }
    let rank = |file: &JudgedFile| match file.standing {
        ScopeStatus::Outside => 0,
        ScopeStatus::Absent => 1,
        ScopeStatus::InScope => 2,
    };
    files.sort_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| a.path.cmp(&b.path)));
    let omitted = files.len().saturating_sub(MAX_FILES);
    files.truncate(MAX_FILES);
    Conformance::Judged {
        files,
        omitted,
        scope_named: facts.scope.is_named(),
        concurrent: facts.neighbours.iter().map(|(id, _)| id.clone()).collect(),
    }
}

/// Who else may have changed a path; `None` when it is another session's.
fn suspects(facts: &Facts<'_>, path: &str, claimed: bool) -> Option<Vec<SessionId>> {
    let others = |test: &dyn Fn(&Neighbour) -> bool| -> Vec<SessionId> {
        let found = facts.neighbours.iter().filter(|(_, other)| test(other));
        found.map(|(id, _)| id.clone()).collect()
    };
    let edited_by = others(&|other| other.edited.contains(path));
    if claimed || facts.edited.contains(path) {
        return Some(edited_by);
    }
    if !edited_by.is_empty() {
        return None;
    }
    let named_by = others(&|other| other.scope.is_named() && other.scope.covers(path));
    match (
        facts.scope.is_named() && facts.scope.covers(path),
        named_by.is_empty(),
    ) {
        (true, _) => Some(named_by),
        (false, false) => None,
        (false, true) => Some(others(&|_| true)),
    }
}

fn is_claimed(claims: &BTreeSet<String>, path: &str) -> bool {
    claims.contains(path)
        || claims
            .iter()
            .any(|claim| claim.ends_with('/') && path.starts_with(claim.as_str()))
}

/// The path that an entry of a report names: reports put `./`, the repository's folder or quotes around it. `None` for
/// what cannot be a path of this repository.
fn named_path(claim: &str, root: &str) -> Option<String> {
    let claim = claim.trim().trim_matches(['`', '"', '\'']);
    let claim = claim
        .strip_prefix(root)
        .and_then(|rest| rest.strip_prefix('/'))
        .unwrap_or(claim)
        .trim_start_matches("./");
    (!claim.is_empty()).then(|| claim.to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn paths(list: &[&str]) -> BTreeSet<String> {
        list.iter().map(ToString::to_string).collect()
    }

    fn contents(list: &[&str]) -> BTreeMap<String, String> {
        let entry = |path: &&str| (path.to_string(), format!("100644 {path}"));
        list.iter().map(entry).collect()
    }

    fn texts(list: &[&str]) -> Vec<String> {
        list.iter().map(ToString::to_string).collect()
    }

    fn short(conformance: &Conformance) -> Vec<(String, ScopeStatus, bool, usize)> {
        let Conformance::Judged { files, .. } = conformance else {
            panic!("{conformance:?}");
        };
        let row = |file: &JudgedFile| {
            (
                file.path.clone(),
                file.standing,
                file.claimed,
                file.ambiguous_with.len(),
            )
        };
        files.iter().map(row).collect()
    }

    #[test]
    fn alone_everything_that_changed_is_its_own() {
        let scope = Scope::of(&texts(&["src/"]));
        let verdict = judge(&Facts {
            scope: &scope,
            claimed: &texts(&["./src/a.rs", "/repo/src/gone.rs", "`docs/x.md`"]),
            root: "/repo",
            changed: &contents(&["src/a.rs", "src/b.rs", "docs/x.md", "Cargo.toml"]),
            edited: &paths(&[]),
            neighbours: &[],
        });
        let expected = [
            ("Cargo.toml", ScopeStatus::Outside, false, 0),
            ("docs/x.md", ScopeStatus::Outside, true, 0),
            ("src/gone.rs", ScopeStatus::Absent, true, 0),
            ("src/a.rs", ScopeStatus::InScope, true, 0),
            ("src/b.rs", ScopeStatus::InScope, false, 0),
        ];
        let expected = expected.map(|(p, s, c, a)| (p.to_owned(), s, c, a));
        assert_eq!(short(&verdict), expected);
        assert!(verdict.needs_acceptance());
        assert_eq!(verdict.undeclared().count(), 2);
    }

    #[test]
    fn beside_another_only_what_nobody_can_tell_is_ambiguous() {
        let other = SessionId::parse("lingyubu-1").unwrap();
        let neighbour = Neighbour {
            scope: Scope::of(&texts(&["lib/", "shared/"])),
            edited: paths(&["lib/tool.rs", "misc/by_other"]),
        };
        let scope = Scope::of(&texts(&["src/", "shared/"]));
        let verdict = judge(&Facts {
            scope: &scope,
            claimed: &texts(&["lib/mine.rs"]),
            root: "/repo",
            changed: &contents(&[
                "lib/mine.rs",
                "lib/theirs.rs",
                "lib/tool.rs",
                "misc/by_other",
                "misc/by_us",
                "misc/unknown",
                "shared/x",
                "src/a",
            ]),
            edited: &paths(&["misc/by_us"]),
            neighbours: &[(other, neighbour)],
        });
        let expected = [
            ("lib/mine.rs", ScopeStatus::Outside, true, 0),
            ("misc/by_us", ScopeStatus::Outside, false, 0),
            ("misc/unknown", ScopeStatus::Outside, false, 1),
            ("shared/x", ScopeStatus::InScope, false, 1),
            ("src/a", ScopeStatus::InScope, false, 0),
        ];
        let expected = expected.map(|(p, s, c, a)| (p.to_owned(), s, c, a));
        assert_eq!(short(&verdict), expected);
    }

    #[test]
    fn a_claimed_folder_stands_for_what_changed_in_it() {
        let scope = Scope::default();
        let verdict = judge(&Facts {
            scope: &scope,
            claimed: &texts(&["docs/", "empty/"]),
            root: "/repo",
            changed: &contents(&["docs/a.md", "docs/b.md"]),
            edited: &paths(&[]),
            neighbours: &[],
        });
        let rows = short(&verdict);
        assert!(rows.contains(&("docs/a.md".to_owned(), ScopeStatus::InScope, true, 0)));
        assert!(rows.contains(&("empty/".to_owned(), ScopeStatus::Absent, true, 0)));
        assert!(!verdict.needs_acceptance());
    }

    #[test]
    fn a_flood_of_files_is_bounded_and_what_lies_outside_comes_first() {
        let scope = Scope::of(&texts(&["src/"]));
        let numbered = (0..600).map(|n| (format!("src/{n:04}"), String::new()));
        let mut changed: BTreeMap<String, String> = numbered.collect();
        changed.insert("zzz".to_owned(), String::new());
        let verdict = judge(&Facts {
            scope: &scope,
            claimed: &[],
            root: "/repo",
            changed: &changed,
            edited: &paths(&[]),
            neighbours: &[],
        });
        let Conformance::Judged { files, omitted, .. } = &verdict else {
            panic!("{verdict:?}");
        };
        assert_eq!(
            (files.len(), *omitted, files[0].path.as_str()),
            (500, 101, "zzz")
        );
    }
}
