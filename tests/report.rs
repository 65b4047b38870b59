//! The report beside Git itself: each situation is built in a real repository and compared with what the `git` on PATH says.
//! Git is only the yardstick here; the code under test never runs it.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use zhongshu::domain::language::Language;
use zhongshu::domain::report::{ChangeStatus, ChangedFile, Decision, FileKind, Report, ReportMode};
use zhongshu::git::GitError;
use zhongshu::governance::Governance;
use zhongshu::governance::assignments::{ProposalRequest, propose};
use zhongshu::governance::portability::references;
use zhongshu::governance::render;
use zhongshu::governance::report::{ReportError, ReportRequest, build};

/// A repository in a folder of its own, with a Git that knows no other configuration.
struct Sandbox {
    folder: tempfile::TempDir,
    repo: PathBuf,
}

impl Sandbox {
    /// An initialised repository without a commit.
    fn unborn() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let repo = folder.path().join("repo");
        std::fs::create_dir(&repo).unwrap();
        let sandbox = Self { folder, repo };
        sandbox.git(&["init", "-q", "-b", "main"]);
        // What a developer's own configuration could say otherwise must not reach the code under test.
        for (key, value) in [
            ("core.excludesFile", "/dev/null"),
            ("core.attributesFile", "/dev/null"),
            ("core.autocrlf", "false"),
            ("commit.gpgSign", "false"),
            ("user.name", "Tester"),
            ("user.email", "tester@example.invalid"),
        ] {
            sandbox.git(&["config", key, value]);
        }
        sandbox
    }

    /// A repository with a few committed files.
    fn new() -> Self {
        let sandbox = Self::unborn();
        for (path, text) in [
            ("README.md", "# Project\n\nWords.\n"),
            (
                "src/a.rs",
                "fn a() {}\nfn b() {}\nfn c() {}\nfn d() {}\nfn e() {}\n",
            ),
            ("src/deep/b.rs", "one\ntwo\nthree\nfour\nfive\nsix\n"),
            ("tools/run.sh", "#!/bin/sh\necho run\n"),
            ("docs/guide.md", "Guide\n"),
        ] {
            sandbox.write(path, text);
        }
        sandbox.git(&["add", "-A"]);
        sandbox.git(&["commit", "-q", "-m", "first"]);
        sandbox
    }

    fn command(&self) -> Command {
        let mut command = Command::new("git");
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.folder.path())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null())
            .current_dir(&self.repo);
        command
    }

    fn try_git(&self, args: &[&str]) -> (bool, Vec<u8>) {
        let output = self.command().args(args).output().unwrap();
        (output.status.success(), output.stdout)
    }

    #[track_caller]
    fn git(&self, args: &[&str]) -> Vec<u8> {
        let output = self.command().args(args).output().unwrap();
        assert!(
            output.status.success(),
            "git {args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        output.stdout
    }

    fn path(&self, path: &str) -> PathBuf {
        self.repo.join(path)
    }

    fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    fn commit_all(&self) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", "more"]);
    }

    fn try_report(&self, mode: ReportMode, base: Option<&str>) -> Result<Report, ReportError> {
        let request = ReportRequest {
            mode,
            base: base.map(str::to_owned),
            ..ReportRequest::default()
        };
        build(&self.repo, &Governance::default(), &request)
    }

    #[track_caller]
    fn worktree(&self) -> Report {
        self.try_report(ReportMode::Worktree, None).unwrap()
    }

    #[track_caller]
    fn staged(&self) -> Report {
        self.try_report(ReportMode::Staged, None).unwrap()
    }

    #[track_caller]
    fn base(&self, base: &str) -> Report {
        self.try_report(ReportMode::Base, Some(base)).unwrap()
    }
}

#[track_caller]
fn file<'a>(report: &'a Report, path: &str) -> &'a ChangedFile {
    report
        .changed_files
        .iter()
        .find(|file| file.path == path)
        .unwrap_or_else(|| panic!("{path} is not among {:?}", paths(report)))
}

fn paths(report: &Report) -> Vec<&str> {
    report
        .changed_files
        .iter()
        .map(|file| file.path.as_str())
        .collect()
}

/// path → (former name of a rename, letters of both halves)
type Rows = BTreeMap<String, (Option<String>, String)>;

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// `git status --porcelain=v2 -z -uall`, with both lines of a path that is listed twice joined.
fn git_status(sandbox: &Sandbox) -> Rows {
    let output = sandbox.git(&["status", "--porcelain=v2", "-z", "-uall"]);
    let mut records = output
        .split(|byte| *byte == 0)
        .filter(|record| !record.is_empty());
    let mut rows = Rows::new();
    while let Some(record) = records.next() {
        let skip = match record[0] {
            b'1' => 8,
            b'2' => 9,
            b'u' => 10,
            b'?' => 1,
            other => panic!("unknown record {other}"),
        };
        let path = lossy(
            record
                .splitn(skip + 1, |byte| *byte == b' ')
                .nth(skip)
                .unwrap(),
        );
        let letters = match record[0] {
            b'?' => ".?".to_owned(),
            b'u' => "UU".to_owned(),
            _ => lossy(&record[2..4]),
        };
        let old = (record[0] == b'2').then(|| lossy(records.next().unwrap()));
        let row = rows.entry(path).or_insert((None, "..".to_owned()));
        let join = |old: char, new: char| if new == '.' { old } else { new };
        row.1 = row
            .1
            .chars()
            .zip(letters.chars())
            .map(|(old, new)| join(old, new))
            .collect();
        row.0 = old.or(row.0.take());
    }
    rows
}

/// The same from a report.
fn report_status(report: &Report) -> Rows {
    let letter = |status: Option<ChangeStatus>| match status {
        None => '.',
        Some(ChangeStatus::Added | ChangeStatus::Copied) => 'A',
        Some(ChangeStatus::Modified | ChangeStatus::ModeChanged) => 'M',
        Some(ChangeStatus::Deleted) => 'D',
        Some(ChangeStatus::Renamed) => 'R',
        Some(ChangeStatus::TypeChanged) => 'T',
        Some(ChangeStatus::Untracked) => '?',
        Some(ChangeStatus::Conflicted) => 'U',
    };
    report
        .changed_files
        .iter()
        .map(|file| {
            let mut letters: String = [letter(file.index_status), letter(file.worktree_status)]
                .iter()
                .collect();
            if file.status == ChangeStatus::Conflicted {
                letters = "UU".to_owned();
            }
            let old = file
                .old_path
                .clone()
                .filter(|_| file.status == ChangeStatus::Renamed);
            (file.path.clone(), (old, letters))
        })
        .collect()
}

/// `git diff --raw -z -M …`: path → (former name, letter).
fn git_raw(sandbox: &Sandbox, args: &[&str]) -> Rows {
    let mut all = vec!["diff", "--raw", "-z", "-M"];
    all.extend(args);
    let output = sandbox.git(&all);
    let mut records = output
        .split(|byte| *byte == 0)
        .filter(|record| !record.is_empty());
    let mut rows = Rows::new();
    while let Some(record) = records.next() {
        let letter = lossy(record.rsplit(|byte| *byte == b' ').next().unwrap());
        let mut path = lossy(records.next().unwrap());
        let mut old = None;
        if letter.starts_with('R') {
            old = Some(path);
            path = lossy(records.next().unwrap());
        }
        // A conflict is listed twice: once as such and once as a modification.
        let letter = letter[..1].to_owned();
        let row = rows.entry(path).or_insert((old, letter.clone()));
        if letter == "U" {
            row.1 = letter;
        }
    }
    rows
}

fn report_raw(report: &Report) -> Rows {
    report
        .changed_files
        .iter()
        .map(|file| {
            let letter = match file.status {
                ChangeStatus::Added | ChangeStatus::Copied => "A",
                ChangeStatus::Modified | ChangeStatus::ModeChanged => "M",
                ChangeStatus::Deleted => "D",
                ChangeStatus::Renamed => "R",
                ChangeStatus::TypeChanged => "T",
                ChangeStatus::Untracked => "?",
                ChangeStatus::Conflicted => "U",
            };
            let old = file
                .old_path
                .clone()
                .filter(|_| file.status == ChangeStatus::Renamed);
            (file.path.clone(), (old, letter.to_owned()))
        })
        .collect()
}

/// `git diff --numstat -z -M -C …`: path → (additions, deletions), none for binary.
fn git_numstat(sandbox: &Sandbox, args: &[&str]) -> BTreeMap<String, (Option<u64>, Option<u64>)> {
    let mut all = vec!["diff", "--numstat", "-z", "-M", "-C"];
    all.extend(args);
    let output = sandbox.git(&all);
    let mut records = output
        .split(|byte| *byte == 0)
        .filter(|record| !record.is_empty());
    let mut rows = BTreeMap::new();
    while let Some(record) = records.next() {
        let mut fields = record.splitn(3, |byte| *byte == b'\t').map(lossy);
        let (plus, minus, mut path) = (
            fields.next().unwrap(),
            fields.next().unwrap(),
            fields.next().unwrap(),
        );
        if path.is_empty() {
            records.next().unwrap();
            path = lossy(records.next().unwrap());
        }
        rows.insert(path, (plus.parse().ok(), minus.parse().ok()));
    }
    rows
}

/// Compares all three modes with Git.
#[track_caller]
fn assert_like_git(sandbox: &Sandbox, what: &str) {
    let worktree = sandbox.worktree();
    assert_eq!(
        report_status(&worktree),
        git_status(sandbox),
        "worktree: {what}"
    );
    let staged = sandbox.staged();
    let mut expected = git_raw(sandbox, &["--cached"]);
    assert_eq!(report_raw(&staged), expected, "staged: {what}");
    assert_counts(
        &staged,
        &git_numstat(sandbox, &["--cached"]),
        &format!("staged: {what}"),
    );
    let (is_mergeable, tree) = sandbox.try_git(&["write-tree"]);
    let expected_tree = is_mergeable.then(|| lossy(&tree).trim().to_owned());
    assert_eq!(staged.tree, expected_tree, "tree: {what}");
    assert_eq!(worktree.tree, None, "only staged mode has a tree: {what}");
    if !sandbox.try_git(&["rev-parse", "-q", "--verify", "HEAD"]).0 {
        return;
    }
    assert_counts(
        &worktree,
        &git_numstat(sandbox, &["HEAD"]),
        &format!("worktree: {what}"),
    );
    let mut bases = vec!["HEAD"];
    if sandbox
        .try_git(&["rev-parse", "-q", "--verify", "HEAD~1"])
        .0
    {
        bases.push("HEAD~1");
    }
    for base in bases {
        let report = sandbox.base(base);
        expected = git_raw(sandbox, &[base]);
        // Git's base diff shows a conflicted file as it lies there, or not at all; a report says that it is conflicted.
        for file in &report.changed_files {
            if file.status == ChangeStatus::Conflicted {
                expected.insert(file.path.clone(), (None, "U".to_owned()));
            }
        }
        assert_eq!(report_raw(&report), expected, "base {base}: {what}");
        assert_counts(
            &report,
            &git_numstat(sandbox, &[base]),
            &format!("base {base}: {what}"),
        );
    }
}

#[track_caller]
fn assert_counts(
    report: &Report,
    expected: &BTreeMap<String, (Option<u64>, Option<u64>)>,
    what: &str,
) {
    for file in &report.changed_files {
        if let Some(expected) = expected.get(&file.path)
            && file.status != ChangeStatus::Conflicted
        {
            assert_eq!(
                (file.additions, file.deletions),
                *expected,
                "{}: {what}",
                file.path
            );
            assert_eq!(file.binary, expected.0.is_none(), "{}: {what}", file.path);
        }
    }
}

/// Builds one situation, starting from the committed files of `Sandbox::new`.
type Situation = (&'static str, fn(&Sandbox));

const LONG: &str = "l1\nl2\nl3\nl4\nl5\nl6\nl7\nl8\nl9\nl10\nl11\nl12\n";

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
        matches!(error, ReportError::Git(GitError::UnknownRevision(_))),
        "{error}"
    );
}

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
            Err(ReportError::Git(GitError::UnknownRevision(name))) => {
                assert!(name.chars().count() <= 80)
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

#[test]
fn departments_risks_and_verify_commands() {
    let sandbox = Sandbox::new();
    sandbox.write("src/a.rs", "x\n");
    sandbox.write("docs/guide.md", "Guide 2\n");
    sandbox.write("config.env.py", "x\n");
    sandbox.write("myoutput/x", "x\n");
    sandbox.write("output/x", "x\n");
    sandbox.write("deploy/.env", "KEY=1\n");
    let report = sandbox.worktree();
    let keys: Vec<&str> = report
        .departments
        .iter()
        .map(|share| share.key.as_str())
        .collect();
    assert_eq!(keys, ["zhilibu", "lingyubu"]);
    assert_eq!(report.departments[1].files, ["src/a.rs"]);
    assert_eq!(
        report.uncategorised,
        ["config.env.py", "deploy/.env", "myoutput/x", "output/x"]
    );
    let found: Vec<(&str, &str)> = report
        .risks
        .iter()
        .map(|r| (r.rule.as_str(), r.path.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            ("secret_files", "deploy/.env"),
            ("build_output", "output/x")
        ]
    );
    assert!(report.risks[0].how_to_silence.contains("allow_pattern"));
    assert_eq!(report.verify_commands, ["git diff --check"]);
    assert_eq!(report.decision, Decision::Review);
    assert_eq!((report.exit_code(true), report.exit_code(false)), (1, 0));
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["ok"], true);
    assert_eq!(
        json["preflight"]["checks"]["portability_reference_scan"]["decision"],
        "PASS"
    );
    for key in [
        "id",
        "digest",
        "generated_at",
        "mode",
        "base",
        "branch",
        "head",
        "ahead",
        "behind",
        "changed_files",
        "departments",
        "risks",
        "uncategorised",
        "verify_commands",
        "decision",
        "counts",
        "preflight",
    ] {
        assert!(json.get(key).is_some(), "{key}");
    }
}

#[test]
fn a_quiet_change_passes() {
    let sandbox = Sandbox::new();
    sandbox.write("src/a.rs", "x\n");
    let report = sandbox.worktree();
    assert_eq!(
        (report.decision, report.exit_code(true)),
        (Decision::Pass, 0)
    );
    assert_eq!(report.decision_reasons, Vec::<String>::new());
}

#[test]
fn a_conflict_needs_review() {
    let sandbox = Sandbox::new();
    sandbox.git(&["checkout", "-q", "-b", "side"]);
    sandbox.write("src/a.rs", "side\n");
    sandbox.commit_all();
    sandbox.git(&["checkout", "-q", "main"]);
    sandbox.write("src/a.rs", "main\n");
    sandbox.commit_all();
    assert!(!sandbox.try_git(&["merge", "-q", "side"]).0);
    for report in [sandbox.worktree(), sandbox.staged()] {
        assert_eq!(report.risks[0].rule, "merge_conflict");
        assert_eq!(
            (report.decision, report.counts.conflicted),
            (Decision::Review, 1)
        );
    }
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

#[test]
fn hostile_configuration_starts_nothing() {
    let sandbox = Sandbox::new();
    let canaries = sandbox.folder.path().join("canaries");
    std::fs::create_dir(&canaries).unwrap();
    let program = |name: &str| {
        let path = sandbox.folder.path().join(format!("{name}.sh"));
        std::fs::write(
            &path,
            format!(
                "#!/bin/sh\ntouch '{}'\ncat\n",
                canaries.join(name).display()
            ),
        )
        .unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path.display().to_string()
    };
    for (key, name) in [
        ("core.fsmonitor", "fsmonitor"),
        ("filter.evil.clean", "clean"),
        ("filter.evil.smudge", "smudge"),
        ("filter.other.process", "process"),
        ("diff.external", "external"),
        ("diff.evil.command", "command"),
        ("diff.evil.textconv", "textconv"),
        ("core.pager", "pager"),
        ("core.editor", "editor"),
        ("core.sshCommand", "ssh"),
        ("core.alternateRefsCommand", "alternates"),
        ("credential.helper", "credential"),
    ] {
        sandbox.git(&["config", key, &program(name)]);
    }
    let hooks = sandbox.folder.path().join("hooks");
    std::fs::create_dir(&hooks).unwrap();
    for hook in ["post-index-change", "fsmonitor-watchman", "pre-commit"] {
        std::fs::copy(program("hook"), hooks.join(hook)).unwrap();
    }
    let config = sandbox.path(".git/config");
    let mut text = std::fs::read_to_string(&config).unwrap();
    text.push_str(&format!("[core]\n\thooksPath = {}\n", hooks.display()));
    std::fs::write(&config, text).unwrap();
    sandbox.write(
        ".gitattributes",
        "*.rs filter=evil diff=evil\n*.md filter=other diff=evil\n",
    );
    sandbox.write("src/a.rs", "changed\n");
    sandbox.write("README.md", "changed\n");
    sandbox.write("new.rs", "x\n");
    sandbox.worktree();
    sandbox.staged();
    sandbox.base("HEAD");
    assert_eq!(std::fs::read_dir(&canaries).unwrap().count(), 0);
    // The trap works: Git itself walks into it.
    sandbox.git(&["status", "--porcelain"]);
    assert!(std::fs::read_dir(&canaries).unwrap().count() > 0);
}

#[test]
fn only_the_named_folder_is_read() {
    let sandbox = Sandbox::new();
    let through_link = sandbox.folder.path().join("through-link");
    symlink(&sandbox.repo, &through_link).unwrap();
    sandbox.write("governance.yaml", "language: zh\n");
    let governance = Governance::load(&through_link).unwrap();
    assert_eq!(governance.settings.language, Some(Language::Zh));
    let report = build(&through_link, &governance, &ReportRequest::default()).unwrap();
    assert_eq!(paths(&report), ["governance.yaml"]);
    let open = |path: &Path| build(path, &Governance::default(), &ReportRequest::default());
    let error = |path: &Path| match open(path) {
        Err(ReportError::Git(error)) => error,
        other => panic!("{}: {other:?}", path.display()),
    };
    assert!(
        matches!(error(&sandbox.path("src")), GitError::NotARepository(_)),
        "no discovery upwards"
    );
    assert!(matches!(
        error(sandbox.folder.path()),
        GitError::NotARepository(_)
    ));
    assert!(matches!(
        error(Path::new("/no/such/folder")),
        GitError::NotARepository(_)
    ));

    let bare = sandbox.folder.path().join("bare.git");
    sandbox.git(&["clone", "-q", "--bare", ".", bare.to_str().unwrap()]);
    let told = error(&bare);
    assert!(matches!(told, GitError::Bare(_)), "{told}");
    assert!(told.to_string().contains("bare"));

    let other = |name: &str| {
        let path = sandbox.folder.path().join(name);
        std::fs::create_dir(&path).unwrap();
        path
    };
    let pointing = other("pointing");
    std::fs::write(
        pointing.join(".git"),
        format!("gitdir: {}\n", sandbox.path(".git").display()),
    )
    .unwrap();
    assert!(matches!(error(&pointing), GitError::Elsewhere { .. }));
    let linked = other("linked");
    symlink(sandbox.path(".git"), linked.join(".git")).unwrap();
    assert!(matches!(error(&linked), GitError::Elsewhere { .. }));
    let buried = other("buried");
    sandbox.git(&["init", "-q", buried.to_str().unwrap()]);
    std::fs::write(
        buried.join(".git/config"),
        format!(
            "[core]\n\trepositoryformatversion = 0\n\tworktree = {}\n",
            sandbox.repo.display()
        ),
    )
    .unwrap();
    assert!(matches!(error(&buried), GitError::Elsewhere { .. }));
    let shared = other("shared");
    sandbox.git(&["init", "-q", shared.to_str().unwrap()]);
    std::fs::write(
        shared.join(".git/commondir"),
        format!("{}\n", sandbox.path(".git").display()),
    )
    .unwrap();
    assert!(matches!(error(&shared), GitError::Elsewhere { .. }));
    // A bare repository's files in a folder whose .git is broken are not taken for one.
    let mixed = other("mixed");
    sandbox.git(&[
        "clone",
        "-q",
        "--bare",
        ".",
        mixed.join("x").to_str().unwrap(),
    ]);
    for entry in std::fs::read_dir(mixed.join("x")).unwrap() {
        let entry = entry.unwrap();
        std::fs::rename(entry.path(), mixed.join(entry.file_name())).unwrap();
    }
    std::fs::create_dir(mixed.join(".git")).unwrap();
    open(&mixed).unwrap_err();
}

#[test]
fn somebody_elses_repository_is_refused() {
    let sandbox = Sandbox::new();
    // Giving files away takes root; elsewhere there is nothing to test.
    for path in walk(&sandbox.repo) {
        if std::os::unix::fs::lchown(path, Some(4711), None).is_err() {
            return;
        }
    }
    let error = sandbox.try_report(ReportMode::Worktree, None).unwrap_err();
    assert!(
        matches!(error, ReportError::Git(GitError::ForeignOwner(_))),
        "{error}"
    );
}

#[test]
fn linked_worktrees_submodules_and_separate_git_dirs_are_their_own_roots() {
    let sandbox = Sandbox::new();
    let report =
        |path: &Path| build(path, &Governance::default(), &ReportRequest::default()).unwrap();
    let linked = sandbox.folder.path().join("linked");
    sandbox.git(&[
        "worktree",
        "add",
        "-q",
        "-b",
        "side",
        linked.to_str().unwrap(),
    ]);
    std::fs::write(linked.join("only-here.txt"), "x\n").unwrap();
    let told = report(&linked);
    assert_eq!(
        (paths(&told), told.branch.as_deref()),
        (vec!["only-here.txt"], Some("side"))
    );
    assert_eq!(paths(&sandbox.worktree()), Vec::<&str>::new());

    sandbox.git(&[
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "add",
        "-q",
        sandbox.repo.to_str().unwrap(),
        "sub",
    ]);
    let told = report(&sandbox.path("sub"));
    assert_eq!(paths(&told), Vec::<&str>::new());
    assert_eq!(file(&sandbox.worktree(), "sub").kind, FileKind::Submodule);

    let separate = sandbox.folder.path().join("separate");
    let store = sandbox.folder.path().join("store");
    sandbox.git(&[
        "init",
        "-q",
        "--separate-git-dir",
        store.to_str().unwrap(),
        separate.to_str().unwrap(),
    ]);
    std::fs::write(separate.join("new.txt"), "x\n").unwrap();
    // Git records no way back by itself, so this cannot be told from a planted `.git` file until somebody does.
    let refused = build(&separate, &Governance::default(), &ReportRequest::default()).unwrap_err();
    assert!(refused.to_string().contains("core.worktree"), "{refused}");
    let path = separate.to_str().unwrap();
    sandbox.git(&[
        "--git-dir",
        store.to_str().unwrap(),
        "config",
        "core.worktree",
        path,
    ]);
    assert_eq!(paths(&report(&separate)), ["new.txt"]);
}

#[test]
fn formats_that_cannot_be_read_are_refused_with_a_sentence() {
    let sandbox = Sandbox::new();
    sandbox.git(&["config", "core.repositoryformatversion", "1"]);
    sandbox.git(&["config", "extensions.unheardOf", "true"]);
    let error = sandbox.try_report(ReportMode::Worktree, None).unwrap_err();
    assert!(
        matches!(error, ReportError::Git(GitError::Unsupported(_))),
        "{error}"
    );
}

#[test]
fn a_report_that_takes_too_long_is_an_error() {
    let sandbox = Sandbox::new();
    sandbox.write("src/a.rs", "x\n");
    let request = ReportRequest {
        time_limit: Duration::ZERO,
        ..ReportRequest::default()
    };
    let error = build(&sandbox.repo, &Governance::default(), &request).unwrap_err();
    assert!(
        matches!(error, ReportError::Git(GitError::TooSlow(0))),
        "{error}"
    );
}

#[test]
fn nothing_in_the_repository_is_written() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "src/a.rs",
        "fn a() {}\nfn b() {}\nfn c() {}\nfn d() {}\nfn x() {}\n",
    );
    let index = std::fs::read(sandbox.path(".git/index")).unwrap();
    let list = || walk(&sandbox.repo);
    let before = list();
    sandbox.worktree();
    sandbox.staged();
    sandbox.base("HEAD");
    assert_eq!(list(), before);
    assert_eq!(std::fs::read(sandbox.path(".git/index")).unwrap(), index);
}

fn walk(root: &Path) -> BTreeSet<PathBuf> {
    walkdir::WalkDir::new(root)
        .into_iter()
        .map(|entry| entry.unwrap().into_path())
        .collect()
}

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
        .map(|s| (s.path.as_str(), s.reason))
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
    let kinds: Vec<&str> = closed.iter().map(|r| r.classification).collect();
    assert_eq!(kinds, ["code_block", "violation", "code_block"]);
    assert_eq!(
        references("x.toml", "`/home/jane` /home/jane\n")[1].classification,
        "violation"
    );
}

#[test]
fn renderings_keep_hostile_names_inert() {
    let sandbox = Sandbox::new();
    sandbox.write("esc\u{1b}[31m\u{202e}.txt", "x\n");
    sandbox.write("tick`|<b>.md", "x\n");
    sandbox.write("line\n## Forged\n.txt", "x\n");
    sandbox.write(".env", "x\n");
    let report = sandbox.worktree();
    for language in [Language::Zh, Language::En] {
        let text = render::text(&report, language);
        assert!(
            !text.contains('\u{1b}') && !text.contains('\u{202e}'),
            "{text}"
        );
        assert!(
            text.contains("secret_files") && text.contains("REVIEW"),
            "{text}"
        );
        let markdown = render::markdown(&report, language);
        assert!(
            !markdown.lines().any(|line| line.starts_with("## Forged")),
            "{markdown}"
        );
        assert!(markdown.contains("``tick`\\|<b>.md``"), "{markdown}");
        assert_eq!(
            markdown
                .lines()
                .filter(|line| line.starts_with("# "))
                .count(),
            1
        );
    }
    assert!(render::text(&report, Language::Zh).contains("治理报告"));
}

#[test]
fn assignments_are_proposed_for_the_departments_that_are_hit() {
    let sandbox = Sandbox::new();
    sandbox.write("src/a.rs", "x\n");
    sandbox.write("docs/guide.md", "x\n");
    let request = ProposalRequest {
        task: "do it",
        department_model: None,
        language: Language::En,
    };
    let governance = Governance::default();
    let keys = |report: &Report| -> Vec<String> {
        propose(report, &governance, request)
            .into_iter()
            .map(|p| p.department)
            .collect()
    };
    assert_eq!(keys(&sandbox.worktree()), ["zhilibu", "lingyubu"]);
    sandbox.write("Cargo.lock", "x\n");
    let report = sandbox.worktree();
    assert_eq!(
        keys(&report),
        ["menxia", "zhilibu", "gongchengbu", "lingyubu"]
    );
    let proposals = propose(&report, &governance, request);
    assert_eq!(proposals[0].files, ["Cargo.lock"]);
    assert_eq!(
        (proposals[3].task.as_str(), proposals[3].selected),
        ("do it", true)
    );
    assert_eq!(proposals[3].files, ["src/a.rs"]);
    assert_eq!(
        (proposals[3].model.clone(), proposals[3].verify.len()),
        (None, 1)
    );
    assert!(
        proposals
            .iter()
            .all(|p| !p.reason.is_empty() && !p.model_reason.is_empty())
    );
    let named = ProposalRequest {
        department_model: Some("gpt-small"),
        ..request
    };
    assert_eq!(
        propose(&report, &governance, named)[0].model.as_deref(),
        Some("gpt-small")
    );
}

#[test]
fn a_small_repository_is_quick() {
    let sandbox = Sandbox::new();
    sandbox.write("src/a.rs", "x\n");
    let governance = Governance::default();
    let best = (0..50)
        .map(|_| {
            let started = Instant::now();
            build(&sandbox.repo, &governance, &ReportRequest::default()).unwrap();
            started.elapsed()
        })
        .min()
        .unwrap();
    assert!(best < Duration::from_millis(3), "{best:?}");
}
