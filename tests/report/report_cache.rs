//! A report that stands: it is the same as a new one after whatever was done, and nothing is read where nothing was done.

use std::os::unix::fs::PermissionsExt;

use proptest::prelude::*;
use zhongshu::domain::language::Language;
use zhongshu::domain::report::{Report, ReportMode};
use zhongshu::governance::judging::RulesCache;
use zhongshu::governance::report::{ReportRequest, judge};
use zhongshu::governance::report_cache::ReportCache;

use crate::sandbox::Sandbox;

/// A repository and the report that stands of it.
struct Place {
    sandbox: Sandbox,
    report_cache: ReportCache,
}

impl Place {
    fn new() -> Self {
        Self {
            sandbox: Sandbox::new(),
            report_cache: ReportCache::default(),
        }
    }

    fn ask(&self, request: &ReportRequest) -> Report {
        let repo = &self.sandbox.repo;
        self.report_cache.report(repo, request).unwrap()
    }

    fn report(&self) -> Report {
        self.ask(&ReportRequest::default())
    }

    /// That the report that stands, or is made now, says what a new one says.
    #[track_caller]
    fn agrees(&self, after: &str) {
        let report = self.report();
        let request = ReportRequest::default();
        let fresh = judge(&self.sandbox.repo, &mut RulesCache::default(), &request).unwrap();
        assert_eq!(without_names(report), without_names(fresh), "after {after}");
    }

    /// Whether a report is made without reading the tree again.
    fn stands(&self) -> bool {
        let before = self.report_cache.readings();
        self.report();
        self.report_cache.readings() == before
    }

    /// Does something, and sees that the report knows.
    #[track_caller]
    fn notices(&self, what: &str, change: impl FnOnce(&Sandbox)) {
        self.report();
        assert!(self.stands(), "before {what}");
        change(&self.sandbox);
        assert!(!self.stands(), "{what}");
        self.agrees(what);
        assert!(self.stands(), "after {what}");
    }
}

/// Id and time are of each report alone.
pub fn without_names(report: Report) -> Report {
    Report {
        id: String::new(),
        generated_at: Default::default(),
        ..report
    }
}

#[test]
fn nothing_is_read_again_while_nothing_happens() {
    let place = Place::new();
    place.sandbox.write(".env", "A=1\n");
    let (first, second) = (place.report(), place.report());
    assert_eq!(place.report_cache.readings(), 1);
    assert_ne!(first.id, second.id, "each report has a name of its own");
    assert!(second.generated_at > first.generated_at);
    assert_eq!(without_names(first), without_names(second));
    // The same in other words.
    let chinese = place.ask(&ReportRequest {
        language: Language::Zh,
        ..ReportRequest::default()
    });
    assert_eq!(place.report_cache.readings(), 1);
    assert_ne!(chinese.risks[0].message, place.report().risks[0].message);
    // The other modes look at what they need, always.
    let staged = place.ask(&ReportRequest {
        mode: ReportMode::Staged,
        ..ReportRequest::default()
    });
    assert_eq!(staged.mode, ReportMode::Staged);
    assert_eq!(place.report_cache.readings(), 1);
}

#[test]
fn every_kind_of_change_is_noticed() {
    let place = Place::new();
    place.sandbox.write("kept/.gitignore", "build/\n");
    place.sandbox.git(&["add", "-A"]);
    let notices = |what, change: &dyn Fn(&Sandbox)| place.notices(what, change);
    notices("a write", &|s| s.write("src/a.rs", "fn other() {}\n"));
    notices("the same bytes again", &|s| {
        s.write("src/a.rs", "fn other() {}\n")
    });
    notices("a new file", &|s| s.write("src/deep/new.rs", "new\n"));
    notices("a new file in a new folder", &|s| {
        s.write("x/y/z.txt", "new\n")
    });
    notices("a file in that folder", &|s| {
        s.write("x/y/more.txt", "new\n")
    });
    notices("a renamed folder", &|s| {
        std::fs::rename(s.path("x"), s.path("w")).unwrap()
    });
    notices("a file below it", &|s| s.write("w/y/z.txt", "other\n"));
    notices("a mode", &|s| {
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(s.path("src/a.rs"), mode).unwrap();
    });
    notices("a removed file", &|s| {
        std::fs::remove_file(s.path("w/y/z.txt")).unwrap()
    });
    notices("a removed folder", &|s| {
        std::fs::remove_dir_all(s.path("w")).unwrap()
    });
    notices("a link", &|s| {
        std::os::unix::fs::symlink("a.rs", s.path("src/link")).unwrap()
    });
    notices("patterns", &|s| s.write("src/.gitignore", "link\n"));
    notices("patterns of the repository", &|s| {
        s.write(".git/info/exclude", "loose*\n")
    });
    notices("attributes of the repository", &|s| {
        s.write(".git/info/attributes", "*.rs -diff\n");
    });
    notices("attributes", &|s| s.write(".gitattributes", "*.md -diff\n"));
    notices("a setting", &|s| {
        drop(s.git(&["config", "core.fileMode", "false"]))
    });
    notices("owners", &|s| s.write("CODEOWNERS", "* @somebody\n"));
    notices("git add", &|s| drop(s.git(&["add", "-A"])));
    notices("git commit", &|s| {
        drop(s.git(&["commit", "-q", "-m", "more"]))
    });
    notices("git branch", &|s| {
        drop(s.git(&["checkout", "-q", "-b", "side"]))
    });
    notices("git reset", &|s| {
        drop(s.git(&["reset", "-q", "--soft", "HEAD~1"]))
    });
}

#[test]
fn what_is_ignored_costs_nothing() {
    let place = Place::new();
    place.sandbox.write(".gitignore", "target/\n");
    place.sandbox.write("target/debug/a.o", "object");
    place.report();
    for round in 0..50 {
        place
            .sandbox
            .write(&format!("target/debug/{round}.o"), "object");
        place
            .sandbox
            .write(&format!("target/new{round}/x.o"), "object");
    }
    // The launcher's own folder, too.
    place.sandbox.write(".tmp/log", "line\n");
    place.report();
    place.sandbox.write(".tmp/log", "another line\n");
    assert!(place.stands());
    place.agrees("work in ignored folders");
}

#[test]
fn owners_in_an_ignored_folder_are_noticed() {
    let place = Place::new();
    place.sandbox.write(".gitignore", ".github/\n");
    place.sandbox.write(".github/CODEOWNERS", "* @one\n");
    place.sandbox.write("loose.txt", "loose\n");
    place.notices("owners that are ignored", |s| {
        s.write(".github/CODEOWNERS", "* @two\n");
    });
    assert_eq!(place.report().owners[0].owner, "@two");
}

#[test]
fn other_rules_are_noticed() {
    let place = Place::new();
    place.sandbox.write(".gitignore", "governance.yaml\n");
    place.sandbox.write("odd.name", "x\n");
    let odd = "risk_rules: [{name: odd, level: low, pattern: '*.name', message: odd}]\n";
    place.notices("a file that is ignored", |s| {
        s.write("governance.yaml", odd)
    });
    assert_eq!(place.report().risks[0].rule, "odd");
    place.notices("a broken one", |s| {
        s.write("governance.yaml", "risk_rules: [")
    });
    place.notices("none", |s| {
        std::fs::remove_file(s.path("governance.yaml")).unwrap()
    });
    place.sandbox.write("governance.yaml", odd);
    place.notices("a committed one", |s| {
        s.git(&["add", "-f", "governance.yaml"]);
        s.git(&["commit", "-q", "-m", "rules"]);
    });
}

#[test]
fn more_events_than_the_kernel_keeps_are_a_new_reading() {
    let place = Place::new();
    place.report();
    for number in 0..20_000 {
        let path = place
            .sandbox
            .path(if number % 2 == 0 { "even" } else { "odd" });
        std::fs::write(path, "x").unwrap();
    }
    std::fs::remove_file(place.sandbox.path("odd")).unwrap();
    place.agrees("a storm");
    assert!(place.stands());
    place.notices("a write after the storm", |s| {
        s.write("src/deep/b.rs", "x\n")
    });
}

#[test]
fn repositories_inside_are_looked_at_each_time() {
    let place = Place::new();
    let inner = place.sandbox.path("inner");
    std::fs::create_dir(&inner).unwrap();
    place.sandbox.git(&["init", "-q", "inner"]);
    place.agrees("a repository inside");
    // One in the making is no repository yet, and becomes one where nobody watches.
    std::fs::rename(inner.join(".git/HEAD"), inner.join(".git/later")).unwrap();
    std::fs::write(inner.join("file"), "x").unwrap();
    place.agrees("half a repository");
    std::fs::rename(inner.join(".git/later"), inner.join(".git/HEAD")).unwrap();
    place.agrees("a whole one");
}

const PATHS: [&str; 12] = [
    "README.md",
    "src/a.rs",
    "src/b.rs",
    "src/deep/b.rs",
    "src/deep/er/c.rs",
    "docs/guide.md",
    "docs",
    "new",
    "new/x",
    "src/.gitignore",
    ".gitignore",
    "CODEOWNERS",
];

const TEXTS: [&str; 6] = [
    "one\n",
    "two\nthree\n",
    "*.rs\n",
    "deep/\n!b.rs\n",
    "* @a\n",
    "/home/somebody/x\n",
];

/// Does one thing; what is refused has done nothing.
fn act(sandbox: &Sandbox, (what, path, other, text): (u8, usize, usize, usize)) {
    let (path, other, text) = (PATHS[path], PATHS[other], TEXTS[text]);
    let full = sandbox.path(path);
    let git = |arguments: &[&str]| drop(sandbox.try_git(arguments));
    match what {
        0..=4 => {
            std::fs::create_dir_all(full.parent().unwrap()).ok();
            std::fs::write(&full, text).ok();
        }
        5 => {
            std::fs::remove_file(&full).ok();
        }
        6 => {
            std::fs::remove_dir_all(&full).ok();
        }
        7 => {
            std::fs::rename(&full, sandbox.path(other)).ok();
        }
        8 => {
            let mode = std::fs::Permissions::from_mode(0o644 | ((text.len() as u32 & 1) * 0o111));
            std::fs::set_permissions(&full, mode).ok();
        }
        9 => {
            std::fs::create_dir_all(&full).ok();
        }
        10 => {
            std::os::unix::fs::symlink(other, &full).ok();
        }
        11 => git(&["add", "-A"]),
        12 => git(&["add", "--", path]),
        13 => git(&["commit", "-q", "-m", "more"]),
        14 => git(&["stash", "-q"]),
        15 => git(&["stash", "pop", "-q"]),
        16 => git(&["checkout", "-q", "--", "."]),
        17 => git(&["checkout", "-q", "HEAD~1"]),
        18 => git(&["reset", "-q"]),
        19 => std::fs::write(sandbox.path(".git/info/exclude"), text).unwrap(),
        20 => git(&["update-index", "--refresh"]),
        _ => git(&["rm", "-q", "-r", "--cached", "--", path]),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_done_the_report_says_what_a_new_one_says(
        turns in prop::collection::vec(
            prop::collection::vec((0..22_u8, 0..PATHS.len(), 0..PATHS.len(), 0..TEXTS.len()), 0..4),
            1..10,
        )
    ) {
        let place = Place::new();
        for turn in turns {
            for step in &turn {
                act(&place.sandbox, *step);
            }
            place.agrees(&format!("{turn:?}"));
            // Also when nothing was done; whether it is read again then depends on what lies there.
            place.agrees("a pause");
        }
    }
}
