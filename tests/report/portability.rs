//! The scan for references that only hold on one machine.

use std::os::unix::fs::symlink;

use zhongshu::domain::report::{Decision, Report};
use zhongshu::governance::Governance;
use zhongshu::governance::portability::references;
use zhongshu::governance::report::{ReportRequest, build};

use crate::sandbox::Sandbox;

#[test]
fn machine_local_references_need_review() {
    let sandbox = Sandbox::new();
    sandbox.write("AGENTS.md", "Read /home/jane/notes.md first.\n");
    sandbox.write("docs/guide.md", "Open `C:\\Users\\jane\\x` or /home/<you>/x.\n\n```\ncat /Users/jane/y\n```\n$ ls /home/jane\n");
    sandbox.commit_all();
    // Not a surface, and not changed.
    sandbox.write("notes/old.md", "see /home/jane/old\n");
    sandbox.commit_all();
    sandbox.write(
        "notes/new.md",
        "see file:///srv/jane/new, and D:\\work\\x.\n",
    );
    sandbox.write("src/code.rs", "// /home/jane/code\n");
    let report = sandbox.worktree();
    let scan = &report.preflight.checks.portability_reference_scan;
    let rows = |list: &[zhongshu::domain::report::PortabilityReference]| -> Vec<String> {
        list.iter()
            .map(|r| {
                format!(
                    "{}:{}:{} {} {} {}",
                    r.path, r.line, r.column, r.kind, r.classification, r.reference
                )
            })
            .collect()
    };
    assert_eq!(
        rows(&scan.violations),
        [
            "AGENTS.md:1:6 home_directory violation /home/jane/notes.md",
            "notes/new.md:1:5 file_url violation file:///srv/jane/new",
            "notes/new.md:1:31 windows_path violation D:\\work\\x",
        ]
    );
    assert_eq!(
        rows(&scan.exceptions),
        [
            "docs/guide.md:1:7 windows_path inline_code C:\\Users\\jane\\x",
            "docs/guide.md:1:27 home_directory placeholder /home/<you>/x",
            "docs/guide.md:4:5 home_directory code_block /Users/jane/y",
            "docs/guide.md:6:6 home_directory command /home/jane",
        ]
    );
    assert_eq!(
        scan.scanned_files,
        ["AGENTS.md", "README.md", "docs/guide.md", "notes/new.md"]
    );
    assert_eq!(
        (scan.decision, report.decision),
        (Decision::Review, Decision::Review)
    );
    let quiet = Governance::parse(
        "preflight: {allow_references: [/home/jane, 'D:\\work'], allow_paths: /notes/}\n",
    )
    .unwrap();
    let report = build(&sandbox.repo, &quiet, &ReportRequest::default()).unwrap();
    assert_eq!(report.preflight.decision, Decision::Pass);
}

#[test]
fn the_staged_scan_reads_what_a_commit_would_take() {
    let sandbox = Sandbox::new();
    sandbox.write("docs/guide.md", "see /home/jane/x\n");
    sandbox.write("other.md", "see /home/jane/y\n");
    sandbox.git(&["add", "-A"]);
    sandbox.write("docs/guide.md", "fine\n");
    sandbox.write("other.md", "fine\n");
    let violations = |report: &Report| {
        report
            .preflight
            .checks
            .portability_reference_scan
            .violations
            .len()
    };
    assert_eq!(violations(&sandbox.staged()), 2);
    assert_eq!(violations(&sandbox.worktree()), 0);
}

#[test]
fn documents_that_cannot_be_read_are_named() {
    let sandbox = Sandbox::new();
    sandbox.write("docs/latin.md", b"caf\xe9 /home/jane\n");
    sandbox.write("docs/large.md", vec![b'x'; 2 << 20]);
    symlink("/etc/passwd", sandbox.path("docs/link.md")).unwrap();
    let report = sandbox.worktree();
    let scan = &report.preflight.checks.portability_reference_scan;
    let skipped: Vec<(&str, &str)> = scan
        .skipped_files
        .iter()
        .map(|s| (s.path.as_str(), &*s.reason))
        .collect();
    assert_eq!(
        skipped,
        [
            ("docs/large.md", "too_large"),
            ("docs/latin.md", "not_utf8")
        ]
    );
    assert_eq!(scan.scanned_files, ["README.md", "docs/guide.md"]);
}

#[test]
fn what_only_looks_like_a_machine_local_reference_is_left_alone() {
    for text in [
        "https://example.com/home/jane/x",
        "see docs/home/jane/x",
        "~/x and $HOME/x",
        "a:b and k:\\n",
        "GET /users/7/home",
        "ratio 1:/2",
        "s/a/b/",
        "\\alpha\\beta",
        "//home",
        "${ROOT}/home/x/y",
    ] {
        assert_eq!(references("x.md", text).len(), 0, "{text}");
    }
    for text in [
        "/home/jane",
        "(/Users/jane/x)",
        "file:///x/y",
        "\\\\nas\\share\\x",
        "/mnt/c/Users/jane/x",
        "/root/x",
        "c:\\Users\\jane",
    ] {
        let found = references("x.md", text);
        assert_eq!(found.len(), 1, "{text}");
        assert_eq!(found[0].classification, "violation", "{text}");
    }
    let closed = references(
        "x.md",
        "```\n/home/jane/a\n```\n/home/jane/b\n~~~\n```\n/home/jane/c\n",
    );
    let kinds: Vec<&str> = closed.iter().map(|r| &*r.classification).collect();
    assert_eq!(kinds, ["code_block", "violation", "code_block"]);
    assert_eq!(
        references("x.toml", "`/home/jane` /home/jane\n")[1].classification,
        "violation"
    );
}

#[test]
fn only_names_that_the_docs_list_stand_for_anybody() {
    let docs = include_str!("../../docs/governance.md");
    let listed = docs
        .split_once("in any case: ")
        .and_then(|(_, rest)| rest.split_once(". Any other"))
        .unwrap()
        .0;
    let listed: Vec<&str> = listed
        .split(',')
        .map(|name| name.trim().trim_matches('`'))
        .collect();
    assert_eq!(listed, zhongshu::governance::portability::PLACEHOLDER_NAMES);
    let sandbox = Sandbox::new();
    let lines = listed
        .iter()
        .chain(&["alice", "bob"])
        .map(|name| format!("see /home/{name}/notes\n"));
    sandbox.write("docs/guide.md", lines.collect::<String>());
    let governance = Governance::default();
    let report = build(&sandbox.repo, &governance, &ReportRequest::default()).unwrap();
    let scan = report.preflight.checks.portability_reference_scan;
    let found: Vec<&str> = scan
        .violations
        .iter()
        .map(|it| it.reference.as_str())
        .collect();
    assert_eq!(found, ["/home/alice/notes", "/home/bob/notes"]);
}
