//! Findings from inside of changed files, in real repositories: added lines, kinds of changes, what is exempt, owners.

use std::os::unix::fs::{PermissionsExt, symlink};

use zhongshu::domain::language::Language;
use zhongshu::domain::report::{Decision, Finding, Report, ReportMode};
use zhongshu::domain::rules::RiskLevel;
use zhongshu::governance::Governance;
use zhongshu::governance::report::{ReportRequest, build};

use crate::sandbox::{Sandbox, file};

/// A token that is none anywhere, put together so that this file holds none.
fn token(last: char) -> String {
    format!("gh{}{}{last}", "p_", "0123456789abcdefghijABCDEFGHIJ01234")
}

fn rows(findings: &[Finding]) -> Vec<(&str, &str, Option<u64>)> {
    findings
        .iter()
        .map(|f| (f.rule.as_str(), f.path.as_str(), f.line))
        .collect()
}

fn under(sandbox: &Sandbox, governance: &str, mode: ReportMode) -> Report {
    let request = ReportRequest {
        mode,
        base: (mode == ReportMode::Base).then(|| "HEAD".to_owned()),
        ..ReportRequest::default()
    };
    let governance = Governance::parse(governance).unwrap();
    build(&sandbox.repo, &governance, &request).unwrap()
}

#[test]
fn secrets_are_found_in_every_mode_and_nowhere_repeated() {
    let sandbox = Sandbox::new();
    let (old, new, loose) = (token('1'), token('2'), token('3'));
    sandbox.write("src/a.rs", format!("one\n{old}\nthree\n"));
    sandbox.commit_all();
    // The former token moves; only the new one is the change's own.
    sandbox.write("src/a.rs", format!("zero\none\n{old}\ntwo\n{new}\nthree\n"));
    sandbox.git(&["add", "-A"]);
    sandbox.write("loose.txt", format!("x\n{loose}\n"));
    let expected = ("access_tokens", "src/a.rs", Some(5));
    let untracked = ("access_tokens", "loose.txt", Some(2));
    for (report, findings) in [
        (sandbox.worktree(), vec![untracked, expected]),
        (sandbox.staged(), vec![expected]),
        (sandbox.base("HEAD"), vec![expected]),
    ] {
        assert_eq!(rows(&report.risks), findings);
        assert_eq!(report.decision, Decision::Review);
        assert_eq!(report.risks[0].level, RiskLevel::High);
        assert!(report.risks[0].message.contains("a GitHub token"));
        assert!(report.risks[0].how_to_silence.contains("allow_pattern"));
        let json = serde_json::to_string(&report).unwrap();
        for secret in [&old, &new, &loose] {
            assert!(!json.contains(secret.as_str()), "{json}");
        }
    }
    assert_eq!(file(&sandbox.staged(), "src/a.rs").risks, ["access_tokens"]);
}

#[test]
fn what_is_staged_and_what_lies_on_disk_are_both_looked_at() {
    let sandbox = Sandbox::new();
    sandbox.write("src/a.rs", format!("{}\n", token('1')));
    sandbox.git(&["add", "-A"]);
    sandbox.write("src/a.rs", "fine again\n");
    sandbox.write("docs/guide.md", "fine\n");
    sandbox.git(&["add", "-A", "docs"]);
    sandbox.write("docs/guide.md", format!("x\n{}\n", token('2')));
    let expected = [
        ("access_tokens", "docs/guide.md", Some(2)),
        ("access_tokens", "src/a.rs", Some(1)),
    ];
    assert_eq!(rows(&sandbox.worktree().risks), expected);
    assert_eq!(rows(&sandbox.staged().risks), expected[1..]);
    assert_eq!(rows(&sandbox.base("HEAD").risks), expected[..1]);
}

#[test]
fn renamed_and_converted_files_show_only_what_was_added() {
    let sandbox = Sandbox::new();
    let lines: String = (0..40).map(|n| format!("line {n}\n")).collect();
    sandbox.write("long.txt", format!("{}\n{lines}", token('1')));
    sandbox.commit_all();
    sandbox.git(&["mv", "long.txt", "moved.txt"]);
    sandbox.write("moved.txt", format!("{}\n{lines}more\n", token('1')));
    sandbox.git(&["add", "-A"]);
    assert_eq!(rows(&sandbox.staged().risks), []);
    sandbox.commit_all();
    let with_returns = format!("{}\n{lines}more\nlast\n", token('1')).replace('\n', "\r\n");
    sandbox.write("moved.txt", with_returns);
    assert_eq!(
        rows(&sandbox.worktree().risks),
        [],
        "only the line ends changed"
    );
    let utf16: Vec<u8> = format!("\u{feff}first\n{}\n", token('3'))
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    sandbox.write("windows.txt", utf16);
    let found = sandbox.worktree();
    assert!(rows(&found.risks).contains(&("access_tokens", "windows.txt", Some(2))));
}

#[test]
fn a_real_conflict_is_told_once_and_its_markers_when_they_are_committed() {
    let sandbox = Sandbox::new();
    sandbox.git(&["checkout", "-q", "-b", "side"]);
    sandbox.write("src/a.rs", "side\n");
    sandbox.commit_all();
    sandbox.git(&["checkout", "-q", "main"]);
    sandbox.write("src/a.rs", "main\n");
    sandbox.commit_all();
    assert!(!sandbox.try_git(&["merge", "-q", "side"]).0);
    let rules = |report: &Report| -> Vec<String> {
        report.risks.iter().map(|risk| risk.rule.clone()).collect()
    };
    assert_eq!(rules(&sandbox.staged()), ["merge_conflict"]);
    assert_eq!(
        rules(&sandbox.worktree()),
        ["merge_conflict", "conflict_markers"]
    );
    sandbox.git(&["add", "-A"]);
    let staged = sandbox.staged();
    assert_eq!(
        rows(&staged.risks),
        [("conflict_markers", "src/a.rs", Some(1))]
    );
    assert_eq!(staged.risks[0].level, RiskLevel::High);
    sandbox.write("notes.md", "Title\n=======\n\ntext\n");
    sandbox.git(&["add", "notes.md"]);
    assert_eq!(sandbox.staged().risks.len(), 1, "an underline is no marker");
}

#[test]
fn kinds_of_changes_are_findings() {
    let sandbox = Sandbox::new();
    sandbox.write("was.bin", b"\0\x01");
    sandbox.write("was.txt", vec![b'x'; 2 << 20]);
    sandbox.commit_all();
    sandbox.write("was.bin", b"\0\x02");
    sandbox.write("was.txt", vec![b'y'; 3 << 20]);
    sandbox.write("new.bin", b"\0\x01");
    sandbox.write("large.txt", vec![b'x'; (1 << 20) + 1]);
    sandbox.write("just.txt", vec![b'x'; 1 << 20]);
    sandbox.write("src/a.rs", vec![b'x'; 2 << 20]);
    let run = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(sandbox.path("tools/run.sh"), run.clone()).unwrap();
    sandbox.write("new.sh", "#!/bin/sh\n");
    std::fs::set_permissions(sandbox.path("new.sh"), run).unwrap();
    symlink("/etc/passwd", sandbox.path("absolute")).unwrap();
    symlink("../../x", sandbox.path("docs/up")).unwrap();
    symlink("../README.md", sandbox.path("docs/inside")).unwrap();
    symlink(".git/config", sandbox.path("git")).unwrap();
    sandbox.write(
        "model.dat",
        "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n",
    );
    sandbox.write("inner/file.txt", "x\n");
    sandbox.git(&["init", "-q", "inner"]);
    let worktree = sandbox.worktree();
    let expected = [
        ("outside_link", "absolute", None),
        ("outside_link", "docs/up", None),
        ("outside_link", "git", None),
        ("submodules", "inner/", None),
        ("large_file", "large.txt", None),
        ("new_binary", "new.bin", None),
        ("new_executable", "new.sh", None),
        ("large_file", "src/a.rs", None),
        ("new_executable", "tools/run.sh", None),
        ("lfs_pointer", "model.dat", None),
    ];
    assert_eq!(rows(&worktree.risks), expected);
    std::fs::remove_dir_all(sandbox.path("inner/.git")).unwrap();
    sandbox.git(&["add", "-A"]);
    let staged = sandbox.staged();
    let without_inner: Vec<_> = expected
        .into_iter()
        .filter(|row| row.1 != "inner/")
        .collect();
    assert_eq!(rows(&staged.risks), without_inner);
    assert_eq!(rows(&sandbox.base("HEAD").risks), without_inner);
    let raised = "risk_rules:\n  - {name: large_file, limit_bytes: 4000000, level: high}\n";
    let report = under(&sandbox, raised, ReportMode::Staged);
    assert!(!rows(&report.risks).iter().any(|row| row.0 == "large_file"));
}

#[test]
fn submodules_are_told_when_they_come_and_when_they_move() {
    let sandbox = Sandbox::new();
    let source = sandbox.repo.to_str().unwrap().to_owned();
    sandbox.git(&[
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "add",
        "-q",
        &source,
        "sub",
    ]);
    let of_sub = |report: &Report| -> Vec<String> { file(report, "sub").risks.clone() };
    assert_eq!(of_sub(&sandbox.staged()), ["submodules"]);
    assert_eq!(of_sub(&sandbox.worktree()), ["submodules"]);
    sandbox.commit_all();
    sandbox.git(&[
        "-C",
        "sub",
        "-c",
        "user.name=T",
        "-c",
        "user.email=t@example.invalid",
        "commit",
        "-q",
        "--allow-empty",
        "-m",
        "next",
    ]);
    assert_eq!(of_sub(&sandbox.worktree()), ["submodules"]);
    assert_eq!(of_sub(&sandbox.base("HEAD")), ["submodules"]);
    sandbox.git(&["rm", "-q", "-f", "sub"]);
    assert_eq!(of_sub(&sandbox.staged()), Vec::<String>::new(), "gone");
}

#[test]
fn silence_is_counted_and_listed() {
    let sandbox = Sandbox::new();
    sandbox.write("tests/data.txt", format!("{}\n", token('1')));
    sandbox.write("src/data.txt", format!("{}\n", token('2')));
    sandbox.write("dist/x.js", "x\n");
    sandbox.write(".env.example", "KEY=\n");
    let rules = "risk_rules:\n  - {name: access_tokens, allow_pattern: /tests/}\n  - {name: build_output, allow_pattern: /dist/}\n";
    let report = under(&sandbox, rules, ReportMode::Worktree);
    assert_eq!(
        rows(&report.risks),
        [("access_tokens", "src/data.txt", Some(1))]
    );
    assert_eq!(
        rows(&report.silenced),
        [
            ("secret_files", ".env.example", None),
            ("access_tokens", "tests/data.txt", Some(1)),
            ("build_output", "dist/x.js", None),
        ]
    );
    assert!(report.silenced[1].how_to_silence.contains("allow_pattern"));
    assert_eq!(
        (report.counts.risks_high, report.counts.risks_silenced),
        (1, 3)
    );
    assert_eq!(file(&report, "tests/data.txt").risks, Vec::<String>::new());
    let open = under(&sandbox, "", ReportMode::Worktree);
    assert_eq!(open.counts.risks_high, 2);
    assert_ne!(open.digest, report.digest);
}

#[test]
fn own_expressions_hold_where_their_patterns_say() {
    let sandbox = Sandbox::new();
    sandbox.write("src/new.rs", "fine\ndbg!(x)\n");
    sandbox.write("src/gen/new.rs", "dbg!(x)\n");
    sandbox.write("docs/new.md", "dbg!(x)\n");
    let rules = "risk_rules:\n  - name: debug_output\n    level: low\n    pattern: '*.rs'\n    content: ['\\bdbg!\\(', 'println!']\n    allow_pattern: /src/gen/\n    message: {zh: 调试输出, en: debug output}\n";
    let report = under(&sandbox, rules, ReportMode::Worktree);
    assert_eq!(
        rows(&report.risks),
        [("debug_output", "src/new.rs", Some(2))]
    );
    assert_eq!(report.risks[0].message, "debug output");
    assert_eq!(rows(&report.silenced).len(), 1);
    assert_eq!(report.decision, Decision::Pass);
}

#[test]
fn floods_are_counted_and_cut() {
    let sandbox = Sandbox::new();
    for n in 0..60 {
        sandbox.write(
            &format!("f{n:02}.txt"),
            format!("{}\n", token('1')).repeat(30),
        );
    }
    let report = sandbox.worktree();
    assert_eq!(report.risks.len(), 500);
    assert_eq!(report.counts.risks_high, 60 * 20);
    assert_eq!(report.counts.risks_left_out, 60 * 20 - 500 + 60 * 10);
}

#[test]
fn what_cannot_be_looked_at_is_named() {
    let sandbox = Sandbox::new();
    sandbox.write("huge.txt", vec![b'x'; 9 << 20]);
    sandbox.write("small.txt", "x\n");
    let report = sandbox.worktree();
    let skipped: Vec<(&str, &str)> = report
        .content_scan
        .skipped_files
        .iter()
        .map(|file| (file.path.as_str(), &*file.reason))
        .collect();
    assert_eq!(skipped, [("huge.txt", "too_large")]);
    assert_eq!(report.content_scan.scanned_files, 1);
    assert_eq!(rows(&report.risks), [("large_file", "huge.txt", None)]);
}

#[test]
fn excerpts_of_the_portability_scan_hold_no_secret() {
    let sandbox = Sandbox::new();
    let secret = token('1');
    sandbox.write(
        "docs/x.md",
        format!("see /home/jane/x with {secret}\nfile:///x?t={secret}\n"),
    );
    let report = sandbox.worktree();
    let violations = &report
        .preflight
        .checks
        .portability_reference_scan
        .violations;
    assert_eq!(violations.len(), 2);
    assert_eq!(violations[0].excerpt, "see /home/jane/x with ***");
    assert!(!serde_json::to_string(&report).unwrap().contains(&secret));
}

#[test]
fn agents_own_rules_are_high_and_stay_so() {
    let sandbox = Sandbox::new();
    for path in [
        "AGENTS.md",
        "pkg/CLAUDE.md",
        ".husky/pre-commit",
        "lefthook.yml",
        ".github/CODEOWNERS",
        "governance.yaml",
    ] {
        sandbox.write(path, "version: 1\n");
    }
    let rules = "risk_rules:\n  - {name: mine, level: low, pattern: '*', message: m, allow_pattern: '**'}\n";
    let report = under(&sandbox, rules, ReportMode::Worktree);
    assert_eq!(report.counts.risks_high, 6);
    assert!(report.risks.iter().all(|risk| risk.rule == "agent_rules"));
    assert!(
        report.risks[0]
            .how_to_silence
            .contains("cannot be silenced")
    );
}

#[test]
fn owners_come_from_the_first_codeowners_file() {
    let sandbox = Sandbox::new();
    sandbox.write("CODEOWNERS", "* @root-file\n");
    sandbox.write(
        ".github/CODEOWNERS",
        "* @all\n*.md @writers\n/src/ @core jane@example.com\n[x] @no\n",
    );
    sandbox.commit_all();
    sandbox.write("README.md", "x\n");
    sandbox.git(&["mv", "src/deep/b.rs", "docs/b.rs"]);
    let report = sandbox.worktree();
    assert_eq!(file(&report, "README.md").owners, ["@writers"]);
    assert_eq!(
        file(&report, "docs/b.rs").owners,
        ["@all", "@core", "jane@example.com"],
        "a rename counts under both names"
    );
    let shares: Vec<(&str, usize)> = report
        .owners
        .iter()
        .map(|share| (share.owner.as_str(), share.files.len()))
        .collect();
    assert_eq!(
        shares,
        [
            ("@all", 1),
            ("@core", 1),
            ("@writers", 1),
            ("jane@example.com", 1)
        ]
    );
    let told = report.owners_file.unwrap();
    assert_eq!(told.path, ".github/CODEOWNERS");
    assert_eq!(told.notices.len(), 0, "`[x]` begins a section of GitLab's");
}

#[test]
fn a_broken_codeowners_line_is_a_notice_and_the_staged_file_counts_for_a_staged_report() {
    let sandbox = Sandbox::new();
    sandbox.write("docs/CODEOWNERS", "* @all\n*.rs nobody\n");
    sandbox.write("src/a.rs", "x\n");
    sandbox.git(&["add", "-A"]);
    sandbox.write("docs/CODEOWNERS", "* @others\n");
    let staged = sandbox.staged();
    let told = staged.owners_file.as_ref().unwrap();
    assert_eq!((told.notices.len(), told.notices[0].line), (1, 2));
    assert_eq!(file(&staged, "src/a.rs").owners, ["@all"]);
    assert_eq!(file(&sandbox.worktree(), "src/a.rs").owners, ["@others"]);
    sandbox.write("docs/CODEOWNERS", vec![b'#'; 2 << 20]);
    let told = sandbox.worktree().owners_file.unwrap();
    assert_eq!((told.notices.len(), told.notices[0].line), (1, 0));
    let none = Sandbox::new();
    none.write("src/a.rs", "x\n");
    let report = none.worktree();
    assert_eq!((report.owners.len(), report.owners_file), (0, None));
}

#[test]
fn both_languages_say_the_same() {
    let sandbox = Sandbox::new();
    sandbox.write("src/a.rs", format!("{}\n", token('1')));
    sandbox.write("new.bin", b"\0");
    let request = |language| ReportRequest {
        language,
        ..ReportRequest::default()
    };
    let governance = Governance::default();
    let [en, zh] = [Language::En, Language::Zh]
        .map(|language| build(&sandbox.repo, &governance, &request(language)).unwrap());
    assert_eq!(rows(&en.risks), rows(&zh.risks));
    assert_eq!(en.digest, zh.digest);
    assert!(
        zh.risks[0].message.contains("GitHub 令牌"),
        "{}",
        zh.risks[0].message
    );
}
