//! A repository in a folder of its own, and short ways to ask for its report.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use zhongshu::domain::report::{ChangedFile, Report, ReportMode};
use zhongshu::governance::Governance;
use zhongshu::governance::report::{ReportError, ReportRequest, build};

/// A repository in a folder of its own, with a Git that knows no other configuration.
pub struct Sandbox {
    pub folder: tempfile::TempDir,
    pub repo: PathBuf,
}

impl Sandbox {
    /// An initialised repository without a commit.
    pub fn unborn() -> Self {
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
    pub fn new() -> Self {
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

    pub fn command(&self) -> Command {
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

    pub fn try_git(&self, args: &[&str]) -> (bool, Vec<u8>) {
        let output = self.command().args(args).output().unwrap();
        (output.status.success(), output.stdout)
    }

    #[track_caller]
    pub fn git(&self, args: &[&str]) -> Vec<u8> {
        let output = self.command().args(args).output().unwrap();
        assert!(
            output.status.success(),
            "git {args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        output.stdout
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.repo.join(path)
    }

    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    pub fn commit_all(&self) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", "more"]);
    }

    pub fn try_report(&self, mode: ReportMode, base: Option<&str>) -> Result<Report, ReportError> {
        let request = ReportRequest {
            mode,
            base: base.map(str::to_owned),
            ..ReportRequest::default()
        };
        build(&self.repo, &Governance::default(), &request)
    }

    #[track_caller]
    pub fn worktree(&self) -> Report {
        self.try_report(ReportMode::Worktree, None).unwrap()
    }

    #[track_caller]
    pub fn staged(&self) -> Report {
        self.try_report(ReportMode::Staged, None).unwrap()
    }

    #[track_caller]
    pub fn base(&self, base: &str) -> Report {
        self.try_report(ReportMode::Base, Some(base)).unwrap()
    }
}

#[track_caller]
pub fn file<'a>(report: &'a Report, path: &str) -> &'a ChangedFile {
    report
        .changed_files
        .iter()
        .find(|file| file.path == path)
        .unwrap_or_else(|| panic!("{path} is not among {:?}", paths(report)))
}

pub fn paths(report: &Report) -> Vec<&str> {
    report
        .changed_files
        .iter()
        .map(|file| file.path.as_str())
        .collect()
}

pub fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub fn walk(root: &Path) -> BTreeSet<PathBuf> {
    walkdir::WalkDir::new(root)
        .into_iter()
        .map(|entry| entry.unwrap().into_path())
        .collect()
}

pub const LONG: &str = "l1\nl2\nl3\nl4\nl5\nl6\nl7\nl8\nl9\nl10\nl11\nl12\n";
