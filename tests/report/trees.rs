//! The id of the staged tree, and the digest: what they change with, and what they do not.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use zhongshu::domain::language::Language;
use zhongshu::domain::report::ReportMode;
use zhongshu::git::GitError;
use zhongshu::governance::Governance;
use zhongshu::governance::report::{ReportError, ReportRequest, build};

use crate::sandbox::{Sandbox, lossy};

#[test]
fn the_tree_changes_with_the_index_and_with_nothing_else() {
    let sandbox = Sandbox::unborn();
    let empty = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
    assert_eq!(sandbox.staged().tree.as_deref(), Some(empty));
    sandbox.write("src/a.rs", "one\n");
    assert_eq!(sandbox.staged().tree.as_deref(), Some(empty));
    sandbox.git(&["add", "-A"]);
    let one = sandbox.staged().tree.unwrap();
    assert_eq!(one, lossy(&sandbox.git(&["write-tree"])).trim());
    sandbox.git(&["commit", "-q", "-m", "first"]);
    assert_eq!(
        one,
        lossy(&sandbox.git(&["rev-parse", "HEAD^{tree}"])).trim()
    );
    sandbox.write("src/a.rs", "two\n");
    assert_eq!(sandbox.staged().tree.as_ref(), Some(&one));
    sandbox.git(&["add", "-A"]);
    assert_ne!(sandbox.staged().tree.unwrap(), one);
}

#[test]
fn a_tree_and_the_changes_beside_it_are_of_one_index() {
    let sandbox = Sandbox::new();
    sandbox.write("one.txt", "one\n");
    sandbox.git(&["add", "-A"]);
    let with = std::fs::read(sandbox.path(".git/index")).unwrap();
    let tree_with = sandbox.staged().tree.unwrap();
    sandbox.git(&["rm", "-q", "--cached", "one.txt"]);
    let without = std::fs::read(sandbox.path(".git/index")).unwrap();
    let tree_without = sandbox.staged().tree.unwrap();
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let index = sandbox.path(".git/index");
    let writer = std::thread::spawn(move || {
        let next = index.with_extension("next");
        for bytes in [&with, &without].into_iter().cycle() {
            if stopped.try_recv() == Err(std::sync::mpsc::TryRecvError::Disconnected) {
                return;
            }
            std::fs::write(&next, bytes).unwrap();
            std::fs::rename(&next, &index).unwrap();
            std::thread::sleep(Duration::from_millis(1));
        }
    });
    let mut seen = BTreeSet::new();
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut rounds = 0;
    while (rounds < 100 || seen.len() < 2) && Instant::now() < deadline {
        rounds += 1;
        match sandbox.try_report(ReportMode::Staged, None) {
            Ok(report) => {
                let is_with = !report.changed_files.is_empty();
                let expected = if is_with { &tree_with } else { &tree_without };
                assert_eq!(report.tree.as_ref(), Some(expected));
                seen.insert(if is_with { "with" } else { "without" });
            }
            Err(error) => {
                assert!(
                    matches!(error, ReportError::Git(GitError::Unsteady)),
                    "{error}"
                );
            }
        }
    }
    drop(stop);
    writer.join().unwrap();
    assert!(
        seen.contains("with") && seen.contains("without"),
        "{seen:?}"
    );
}

#[test]
fn the_same_tree_has_the_same_digest() {
    let make = || {
        let sandbox = Sandbox::new();
        sandbox.write("src/a.rs", "changed\n");
        sandbox.write("loose.txt", "loose\n");
        sandbox.git(&["add", "src/a.rs"]);
        sandbox
    };
    let (one, two) = (make(), make());
    let digests = |s: &Sandbox| {
        [
            s.worktree().digest,
            s.staged().digest,
            s.base("HEAD").digest,
        ]
    };
    let first = digests(&one);
    assert_eq!(first, digests(&two), "another folder, other commit times");
    assert_eq!(first, digests(&one), "a second time");
    assert_ne!(one.worktree().id, one.worktree().id);
    assert_eq!(first.iter().collect::<BTreeSet<_>>().len(), 3);
    let in_chinese = ReportRequest {
        language: Language::Zh,
        ..ReportRequest::default()
    };
    assert_eq!(
        build(&one.repo, &Governance::default(), &in_chinese)
            .unwrap()
            .digest,
        first[0]
    );
    // One byte more, of the same length, in an untracked file.
    one.write("loose.txt", "l0ose\n");
    assert_ne!(one.worktree().digest, first[0]);
    assert_eq!(one.staged().digest, first[1]);
    // The same file staged: a commit would now take it.
    one.write("loose.txt", "loose\n");
    one.git(&["add", "loose.txt"]);
    assert_ne!(one.worktree().digest, first[0]);
    assert_ne!(one.staged().digest, first[1]);
    let other_rules =
        Governance::parse("risk_rules:\n  - {name: build_output, level: low}\n").unwrap();
    let report = build(&two.repo, &other_rules, &ReportRequest::default()).unwrap();
    assert_ne!(report.digest, first[0]);
}
