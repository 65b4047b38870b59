//! Situations of a repository, each reported and compared with Git.

use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{PermissionsExt, symlink};

use zhongshu::domain::report::ReportMode;
use zhongshu::git::GitError;
use zhongshu::governance::report::ReportError;

use crate::git::assert_like_git;
use crate::sandbox::{LONG, Sandbox, paths};

/// Builds one situation, starting from the committed files of `Sandbox::new`.
type Situation = (&'static str, fn(&Sandbox));

const SITUATIONS: &[Situation] = &[
    ("nothing changed", |_| {}),
    ("modified, not staged", |s| {
        s.write("src/a.rs", "fn a() {}\nfn z() {}\n")
    }),
    ("modified and staged", |s| {
        s.write("src/a.rs", "fn a() {}\n");
        s.git(&["add", "src/a.rs"]);
    }),
    ("staged, then modified again", |s| {
        s.write("src/a.rs", "fn a() {}\n");
        s.git(&["add", "src/a.rs"]);
        s.write("src/a.rs", "fn a() {}\nfn more() {}\n");
    }),
    ("staged, then changed back on disk", |s| {
        let former = std::fs::read(s.path("src/a.rs")).unwrap();
        s.write("src/a.rs", "other\n");
        s.git(&["add", "src/a.rs"]);
        s.write("src/a.rs", former);
    }),
    ("added", |s| {
        s.write("new.txt", "a\nb");
        s.git(&["add", "new.txt"]);
    }),
    ("added, then deleted on disk", |s| {
        s.write("new.txt", "a\n");
        s.git(&["add", "new.txt"]);
        std::fs::remove_file(s.path("new.txt")).unwrap();
    }),
    ("intent to add", |s| {
        s.write("new.txt", "a\nb\n");
        s.git(&["add", "-N", "new.txt"]);
    }),
    ("deleted on disk", |s| {
        std::fs::remove_file(s.path("src/a.rs")).unwrap()
    }),
    ("deleted in both", |s| {
        s.git(&["rm", "-q", "src/a.rs"]);
    }),
    ("unlisted, file stays", |s| {
        s.git(&["rm", "-q", "--cached", "src/a.rs"]);
    }),
    ("untracked folders", |s| {
        s.write("u/v/w/x.txt", "x\n");
        s.write("u/y.txt", "y\n");
        std::fs::create_dir_all(s.path("empty/inner")).unwrap();
    }),
    ("ignored files", |s| {
        s.write(".gitignore", "*.log\n/build/\n!keep.log\n");
        s.write("a.log", "x\n");
        s.write("keep.log", "x\n");
        s.write("build/x", "x\n");
        s.write("src/build/x", "x\n");
        s.write("docs/.gitignore", "*\n");
        s.write("docs/new.md", "x\n");
    }),
    ("pure rename, staged", |s| {
        s.git(&["mv", "src/deep/b.rs", "src/deep/renamed.rs"]);
    }),
    ("rename with changes, staged", |s| {
        s.write("long.txt", LONG);
        s.commit_all();
        s.git(&["mv", "long.txt", "moved.txt"]);
        s.write("moved.txt", LONG.replace("l7", "seven"));
        s.git(&["add", "-A"]);
    }),
    ("rename staged, then modified", |s| {
        s.write("long.txt", LONG);
        s.commit_all();
        s.git(&["mv", "long.txt", "moved.txt"]);
        s.write("moved.txt", LONG.replace("l7", "seven"));
    }),
    ("rename staged, then deleted", |s| {
        s.git(&["mv", "src/deep/b.rs", "src/moved.rs"]);
        std::fs::remove_file(s.path("src/moved.rs")).unwrap();
    }),
    ("rename on disk only", |s| {
        std::fs::rename(s.path("src/a.rs"), s.path("src/z.rs")).unwrap();
    }),
    ("rename, and a new file under the old name", |s| {
        s.git(&["mv", "src/deep/b.rs", "src/moved.rs"]);
        s.write("src/deep/b.rs", "something else\n");
    }),
    ("folder renamed", |s| {
        s.git(&["mv", "src", "source"]);
    }),
    ("copy of a modified file", |s| {
        s.write("long.txt", LONG);
        s.commit_all();
        s.write("copy.txt", LONG);
        s.write("long.txt", format!("{LONG}end\n"));
        s.git(&["add", "-A"]);
    }),
    ("executable bit on disk", |s| {
        std::fs::set_permissions(
            s.path("tools/run.sh"),
            std::fs::Permissions::from_mode(0o755),
        )
        .unwrap();
    }),
    ("executable bit staged", |s| {
        s.git(&["update-index", "--chmod=+x", "tools/run.sh"]);
        std::fs::set_permissions(
            s.path("tools/run.sh"),
            std::fs::Permissions::from_mode(0o755),
        )
        .unwrap();
    }),
    ("executable bit ignored by configuration", |s| {
        s.git(&["config", "core.fileMode", "false"]);
        std::fs::set_permissions(
            s.path("tools/run.sh"),
            std::fs::Permissions::from_mode(0o755),
        )
        .unwrap();
    }),
    ("file became a link", |s| {
        std::fs::remove_file(s.path("src/a.rs")).unwrap();
        symlink("deep/b.rs", s.path("src/a.rs")).unwrap();
    }),
    ("file became a link, staged", |s| {
        std::fs::remove_file(s.path("src/a.rs")).unwrap();
        symlink("deep/b.rs", s.path("src/a.rs")).unwrap();
        s.git(&["add", "-A"]);
    }),
    ("file became a folder", |s| {
        std::fs::remove_file(s.path("src/a.rs")).unwrap();
        s.write("src/a.rs/inner.rs", "x\n");
    }),
    ("folder became a file", |s| {
        std::fs::remove_dir_all(s.path("src/deep")).unwrap();
        s.write("src/deep", "x\n");
    }),
    ("untracked links, dangling and to a folder", |s| {
        symlink("/etc/shadow", s.path("shadow")).unwrap();
        symlink("nowhere", s.path("dangling")).unwrap();
        symlink("src", s.path("folder")).unwrap();
        symlink("loop", s.path("loop")).unwrap();
    }),
    ("binary files", |s| {
        s.write("old.bin", b"a\0b\n");
        s.commit_all();
        s.write("old.bin", b"a\0c\n");
        s.write("new.bin", b"\0\0\0");
        s.git(&["add", "new.bin"]);
    }),
    ("empty files", |s| {
        s.write("empty.txt", "");
        s.commit_all();
        s.write("empty2.txt", "");
        s.git(&["add", "-A"]);
        s.git(&["rm", "-q", "empty.txt"]);
    }),
    ("no end of line at the end", |s| {
        s.write("docs/guide.md", "Guide");
        s.write("README.md", "# Project\n\nWords.\nMore");
    }),
    ("odd names", |s| {
        for name in [
            "with space",
            "tab\tname",
            "new\nline",
            "quote\"",
            "back\\slash",
            "-rf",
            "日本語",
            "esc\u{1b}[31m",
            "<b>",
        ] {
            s.write(name, "x\n");
        }
        s.git(&["add", "--", "-rf", "new\nline"]);
    }),
    ("names that are no UTF-8", |s| {
        let name = std::ffi::OsString::from_vec(b"caf\xe9.txt".to_vec());
        std::fs::write(s.repo.join(&name), "x\n").unwrap();
        let tracked = std::ffi::OsString::from_vec(b"tr\xff.md".to_vec());
        std::fs::write(s.repo.join(&tracked), "x\n").unwrap();
        let added = s.command().arg("add").arg(&tracked).status().unwrap();
        assert!(added.success());
    }),
    ("merge conflict", |s| {
        s.git(&["checkout", "-q", "-b", "side"]);
        s.write("src/a.rs", "side\n");
        s.write("clean.txt", "clean\n");
        s.commit_all();
        s.git(&["checkout", "-q", "main"]);
        s.write("src/a.rs", "main\n");
        s.commit_all();
        assert!(!s.try_git(&["merge", "-q", "side"]).0);
    }),
    ("deleted by them", |s| {
        s.git(&["checkout", "-q", "-b", "side"]);
        s.git(&["rm", "-q", "src/a.rs"]);
        s.git(&["commit", "-q", "-m", "gone"]);
        s.git(&["checkout", "-q", "main"]);
        s.write("src/a.rs", "main\n");
        s.commit_all();
        assert!(!s.try_git(&["merge", "-q", "side"]).0);
    }),
    ("a repository inside", |s| {
        s.write("inner/file.txt", "x\n");
        s.git(&["init", "-q", "inner"]);
    }),
    ("submodule added, then moved on", |s| {
        s.git(&["init", "-q", "sub"]);
        s.write("sub/file.txt", "x\n");
        let inner = |args: &[&str]| {
            let mut all = vec![
                "-C",
                "sub",
                "-c",
                "user.name=T",
                "-c",
                "user.email=t@example.invalid",
            ];
            all.extend(args);
            s.git(&all);
        };
        inner(&["add", "-A"]);
        inner(&["commit", "-q", "-m", "one"]);
        s.git(&["-c", "advice.addEmbeddedRepo=false", "add", "sub"]);
        s.git(&["commit", "-q", "-m", "with sub"]);
        s.write("sub/file.txt", "y\n");
        inner(&["commit", "-q", "-a", "-m", "two"]);
    }),
    ("line ends converted", |s| {
        s.write(".gitattributes", "*.txt text eol=crlf\n");
        s.write("lines.txt", "a\r\nb\r\n");
        s.commit_all();
        s.write("lines.txt", "a\r\nb\r\nc\r\n");
    }),
    ("touched only", |s| {
        let text = std::fs::read(s.path("src/a.rs")).unwrap();
        std::fs::remove_file(s.path("src/a.rs")).unwrap();
        s.write("src/a.rs", text);
    }),
    ("assumed unchanged and left out of a sparse checkout", |s| {
        s.git(&["update-index", "--assume-unchanged", "src/a.rs"]);
        s.write("src/a.rs", "hidden\n");
        s.git(&["update-index", "--skip-worktree", "docs/guide.md"]);
        std::fs::remove_file(s.path("docs/guide.md")).unwrap();
    }),
    ("a sparse checkout of a changed tree", |s| {
        s.write("src/a.rs", "second\n");
        s.write("docs/more.md", "more\n");
        s.commit_all();
        s.git(&["sparse-checkout", "set", "--no-cone", "/docs/", "!/src/"]);
        s.write("docs/guide.md", "changed\n");
        s.write("src/back.rs", "untracked\n");
    }),
    ("many renames at once", |s| {
        for n in 0..40 {
            s.write(
                &format!("old/{n}.txt"),
                format!("{LONG}number {n}\n").repeat(3),
            );
        }
        s.commit_all();
        s.git(&["mv", "old", "new"]);
    }),
    ("renames crossed", |s| {
        s.write("x.txt", LONG);
        s.commit_all();
        s.git(&["mv", "x.txt", "y.tmp"]);
        s.git(&["mv", "src/deep/b.rs", "x.txt"]);
        s.git(&["mv", "y.tmp", "src/deep/b.rs"]);
    }),
    ("deleted in the index, other content on disk", |s| {
        s.git(&["rm", "-q", "--cached", "src/a.rs"]);
        s.write("src/a.rs", "other\n");
    }),
    (
        "names that sort differently with and without a slash",
        |s| {
            for name in [
                "a",
                "a-b",
                "b.c",
                "b/x",
                "b-c/x",
                "b0/x",
                "c/d/e/f/g",
                "c/d.e",
                "c/d-e/f",
            ] {
                s.write(name, name);
            }
            s.git(&["add", "-A"]);
            s.git(&["update-index", "--chmod=+x", "c/d.e"]);
        },
    ),
    ("a folder with nothing but intents to add", |s| {
        s.write("plans/a/one.txt", "x\n");
        s.write("plans/two.txt", "x\n");
        s.git(&["add", "-N", "plans"]);
    }),
    ("everything deleted", |s| {
        s.git(&["rm", "-r", "-q", "."]);
    }),
    ("detached HEAD", |s| {
        s.git(&["checkout", "-q", "--detach"]);
        s.write("src/a.rs", "x\n");
    }),
    ("packed references and objects", |s| {
        s.git(&["gc", "-q"]);
        s.write("src/a.rs", "x\n");
    }),
    ("index of version 4", |s| {
        s.git(&["update-index", "--index-version", "4"]);
        s.write("src/a.rs", "x\n");
        s.write("new/x", "x\n");
    }),
];

#[test]
fn every_situation_reads_as_git_reads_it() {
    for (what, set_up) in SITUATIONS {
        let sandbox = Sandbox::new();
        set_up(&sandbox);
        assert_like_git(&sandbox, what);
    }
}

#[test]
fn unborn_head_reports_everything_as_new() {
    let sandbox = Sandbox::unborn();
    sandbox.write("staged.txt", "a\n");
    sandbox.git(&["add", "-A"]);
    sandbox.write("loose/file.txt", "b\n");
    assert_like_git(&sandbox, "unborn");
    let report = sandbox.worktree();
    assert_eq!(report.branch.as_deref(), Some("main"));
    assert_eq!((report.head.as_deref(), report.ahead), (None, None));
    assert_eq!(paths(&report), ["loose/file.txt", "staged.txt"]);
    let error = sandbox
        .try_report(ReportMode::Base, Some("HEAD"))
        .unwrap_err();
    assert!(
        matches!(error, ReportError::Git(GitError::UnknownRevision { .. })),
        "{error}"
    );
}
