//! What an assignment may change: the entries of its `files`, as one test for a path. It only answers; who may do what
//! about a path outside is decided elsewhere.
//!
//! `domain::claims` says what an entry stands for.

use super::claims::Claim;
use super::rules::PatternSet;

/// The files of one assignment.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// `None`: the assignment names no files, so nothing lies outside of it.
    set: Option<PatternSet>,
}

impl Scope {
    /// The scope of these entries. An entry that cannot be a path or a pattern covers nothing: the plan checks have
    /// said so before the person confirmed it.
    pub fn of(files: &[String]) -> Self {
        if files.iter().all(|file| file.trim().is_empty()) {
            return Self::default();
        }
        let claims = files.iter().filter_map(|file| Claim::parse(file).ok());
        let patterns = claims.map(|claim| claim.pattern().clone()).collect();
        Self {
            // A set of sound patterns only fails when it is too large to be built; then nothing is covered, which is seen.
            set: Some(PatternSet::new(patterns).unwrap_or_default()),
        }
    }

    /// Whether the assignment says which files it is about.
    pub fn is_named(&self) -> bool {
        self.set.is_some()
    }

    /// Whether a path from the repository's root lies inside.
    pub fn covers(&self, path: &str) -> bool {
        self.set
            .as_ref()
            .is_none_or(|set| set.is_match(path.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(files: &[&str]) -> Scope {
        let files: Vec<String> = files.iter().map(ToString::to_string).collect();
        Scope::of(&files)
    }

    #[test]
    fn entries_cover_what_they_name() {
        let scope = scope(&["src/a.rs", "docs/", "web", "tests/**/*.json", "./x/y.txt"]);
        for path in [
            "src/a.rs",
            "docs/d/e.md",
            "web/index.html",
            "tests/a/b.json",
            "x/y.txt",
        ] {
            assert!(scope.covers(path), "{path}");
        }
        for path in [
            "src/a.rs.bak",
            "deep/docs/e.md",
            "website/x",
            "a/src/a.rs",
            "tests/a.toml",
        ] {
            assert!(!scope.covers(path), "{path}");
        }
    }

    #[test]
    fn names_that_look_like_patterns_are_inside_their_own_assignment() {
        for name in [
            "app/[id]/page.tsx",
            "app/[...slug]/page.tsx",
            "app/(shop)/[[...all]]/page.tsx",
            "docs/{draft}.md",
            "odd/back\\slash.txt",
            "odd/a[b",
            "odd/a{b",
            "odd/a]b}c",
            "[id].tsx",
        ] {
            assert!(scope(&[name]).covers(name), "{name}");
            assert!(!scope(&[name]).covers("app/other/page.tsx"), "{name}");
            let folder = format!("{}/", name.rsplit_once('/').map_or(name, |(it, _)| it));
            assert!(
                scope(&[&folder]).covers(&format!("{folder}x/y.rs")),
                "{folder}"
            );
        }
        assert!(
            !scope(&["[id].tsx"]).covers("app/[id].tsx"),
            "it stands at the root"
        );
        // They are patterns besides.
        assert!(scope(&["src/[ab].rs"]).covers("src/a.rs"));
        assert!(scope(&["src/{a,b}.rs"]).covers("src/b.rs"));
    }

    #[test]
    fn no_entry_means_no_limit_and_a_broken_one_covers_nothing() {
        assert!(scope(&[]).covers("anything") && !scope(&[" "]).is_named());
        assert!(scope(&["."]).covers("a/b") && scope(&["."]).is_named());
        assert!(!scope(&["a[b"]).covers("anything"));
        assert!(!scope(&["../x"]).covers("x"));
    }
}
