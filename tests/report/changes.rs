//! What is told about changed paths, branches and bases.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};

use zhongshu::domain::report::{ChangeStatus, FileKind, ReportMode};
use zhongshu::git::GitError;
use zhongshu::governance::report::ReportError;

use crate::sandbox::{LONG, Sandbox, file, lossy, paths};

#[test]
fn rename_is_reported_under_both_names() {
    let sandbox = Sandbox::new();
    sandbox.write("deploy/.env", LONG);
    sandbox.commit_all();
    sandbox.git(&["mv", "deploy/.env", "src/settings.txt"]);
    for report in [sandbox.worktree(), sandbox.staged(), sandbox.base("HEAD")] {
        assert_eq!(paths(&report), ["src/settings.txt"]);
        let file = file(&report, "src/settings.txt");
        assert_eq!(file.status, ChangeStatus::Renamed);
        assert_eq!(file.old_path.as_deref(), Some("deploy/.env"));
        assert_eq!(file.risks, ["secret_files"], "the old name counts");
        assert_eq!(file.departments, ["lingyubu"], "the new name counts");
        assert_eq!(report.risks[0].path, "deploy/.env");
    }
}

#[test]
fn copies_name_their_source_and_leave_it_alone() {
    let sandbox = Sandbox::new();
    sandbox.write("long.txt", LONG);
    sandbox.commit_all();
    sandbox.write("copy.txt", LONG);
    sandbox.write("long.txt", format!("{LONG}end\n"));
    sandbox.git(&["add", "-A"]);
    for report in [sandbox.worktree(), sandbox.staged()] {
        let copy = file(&report, "copy.txt");
        assert_eq!(copy.status, ChangeStatus::Copied);
        assert_eq!(copy.old_path.as_deref(), Some("long.txt"));
        assert_eq!(file(&report, "long.txt").status, ChangeStatus::Modified);
    }
}

#[test]
fn modes_kinds_and_counts_are_told() {
    let sandbox = Sandbox::new();
    std::fs::set_permissions(
        sandbox.path("tools/run.sh"),
        std::fs::Permissions::from_mode(0o755),
    )
    .unwrap();
    sandbox.write("src/a.rs", "fn a() {}\nfn new() {}\n");
    sandbox.write("loose.txt", "one\ntwo\nthree");
    sandbox.write("data.bin", b"\0\x01");
    sandbox.write("huge.txt", vec![b'x'; 9 << 20]);
    symlink("/etc/shadow", sandbox.path("shadow")).unwrap();
    sandbox.write("inner/file.txt", "x\n");
    sandbox.git(&["init", "-q", "inner"]);
    let report = sandbox.worktree();
    assert_eq!(
        file(&report, "tools/run.sh").status,
        ChangeStatus::ModeChanged
    );
    let modified = file(&report, "src/a.rs");
    assert_eq!((modified.additions, modified.deletions), (Some(1), Some(4)));
    let loose = file(&report, "loose.txt");
    assert_eq!(
        (loose.status, loose.additions, loose.deletions),
        (ChangeStatus::Untracked, Some(3), Some(0))
    );
    assert!(file(&report, "data.bin").binary);
    let huge = file(&report, "huge.txt");
    assert_eq!(
        (huge.additions, huge.uncounted, huge.binary),
        (None, true, false)
    );
    assert_eq!(file(&report, "shadow").kind, FileKind::Symlink);
    assert_eq!(file(&report, "inner/").kind, FileKind::Repository);
    assert_eq!(report.counts.files, report.changed_files.len());
    assert_eq!(
        (
            report.counts.binary,
            report.counts.uncounted,
            report.counts.untracked
        ),
        (1, 1, 5)
    );
    assert!(report.uncategorised.contains(&"loose.txt".to_owned()));
    let text = serde_json::to_string(&report).unwrap();
    assert!(!text.contains("root:"), "a link's target was read");
}

#[test]
fn names_that_are_no_utf8_are_flagged() {
    let sandbox = Sandbox::new();
    let name = OsStr::from_bytes(b"caf\xe9.txt");
    std::fs::write(sandbox.repo.join(name), "x\n").unwrap();
    let report = sandbox.worktree();
    let odd = file(&report, "caf\u{fffd}.txt");
    assert!(odd.non_utf8);
    assert_eq!(odd.additions, Some(1));
}

#[test]
fn unknown_ref_is_an_error() {
    let sandbox = Sandbox::new();
    sandbox.git(&["branch", "side"]);
    sandbox.git(&["tag", "-a", "v1", "-m", "one"]);
    let canary = sandbox.folder.path().join("canary");
    let output = format!("--output={}", canary.display());
    let long = "x".repeat(1 << 20);
    for base in [
        "no-such-branch",
        "",
        "-",
        "--no-index",
        &output,
        "-O/etc/passwd",
        "HEAD:README.md",
        "HEAD:.env",
        "@{-1}",
        "main@{1}",
        ":/first",
        "HEAD^{/first}",
        "HEAD..main",
        "HEAD^{tree}",
        "main\n",
        "a b",
        &long,
        "../../etc/passwd",
        "refs/heads/../../config",
    ] {
        match sandbox.try_report(ReportMode::Base, Some(base)) {
            Err(ReportError::Git(GitError::UnknownRevision { name, branches })) => {
                assert!(name.chars().count() <= 80);
                assert_eq!(branches, ["main", "side"]);
            }
            other => panic!("{base:.40}: {other:?}"),
        }
    }
    assert!(!canary.exists());
    for base in [
        "HEAD",
        "main",
        "side",
        "v1",
        "HEAD^{commit}",
        "refs/heads/side",
    ] {
        assert_eq!(paths(&sandbox.base(base)), Vec::<&str>::new(), "{base}");
    }
    let error = sandbox.try_report(ReportMode::Base, None).unwrap_err();
    assert!(matches!(error, ReportError::BaseMissing), "{error}");
}

#[test]
fn branch_and_upstream_are_told() {
    let sandbox = Sandbox::new();
    sandbox.git(&["remote", "add", "origin", "https://example.invalid/x.git"]);
    sandbox.git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
    sandbox.git(&["branch", "-q", "--set-upstream-to=origin/main"]);
    sandbox.write("src/a.rs", "x\n");
    sandbox.commit_all();
    let report = sandbox.worktree();
    assert_eq!(report.branch.as_deref(), Some("main"));
    assert_eq!(report.upstream.as_deref(), Some("origin/main"));
    assert_eq!((report.ahead, report.behind), (Some(1), Some(0)));
    assert_eq!(
        report.head.unwrap(),
        lossy(&sandbox.git(&["rev-parse", "HEAD"])).trim()
    );
    assert_eq!(paths(&sandbox.base("origin/main")), ["src/a.rs"]);
    sandbox.git(&["checkout", "-q", "--detach"]);
    assert_eq!(sandbox.worktree().branch, None);
}

#[test]
fn the_launchers_own_folder_is_left_out_unless_it_is_tracked() {
    let sandbox = Sandbox::new();
    sandbox.write(".tmp/codex_governance_audit.jsonl", "{}\n");
    sandbox.write(".tmpx", "x\n");
    assert_eq!(paths(&sandbox.worktree()), [".tmpx"]);
    sandbox.git(&["add", "-f", ".tmp/codex_governance_audit.jsonl"]);
    for report in [sandbox.worktree(), sandbox.staged()] {
        assert!(
            paths(&report).contains(&".tmp/codex_governance_audit.jsonl"),
            "a commit would carry it"
        );
    }
}
