//! A repository in a folder of its own, with a Git that knows no other configuration.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

/// Twelve lines that are alike nothing else.
pub const LONG: &str = "l1\nl2\nl3\nl4\nl5\nl6\nl7\nl8\nl9\nl10\nl11\nl12\n";

/// What a developer's own configuration could say otherwise must not reach the code under test.
const CONFIG: &str = "\
[core]
\texcludesFile = /dev/null
\tattributesFile = /dev/null
\tautocrlf = false
[commit]
\tgpgSign = false
[user]
\tname = Tester
\temail = tester@example.invalid
[advice]
\taddEmbeddedRepo = false
";

pub struct Sandbox {
    pub folder: tempfile::TempDir,
    pub repo: PathBuf,
}

impl Sandbox {
    /// An initialised repository without a commit.
    pub fn unborn() -> Self {
        Self::init(&[])
    }

    /// The same, with further arguments for `git init`.
    pub fn init(args: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let repo = folder.path().join("repo");
        std::fs::create_dir(&repo).unwrap();
        let sandbox = Self { folder, repo };
        sandbox.git(&[&["init", "-q", "-b", "main"], args].concat());
        sandbox.configure(CONFIG);
        sandbox
    }

    /// A repository with a few committed files, all of them older than the index, so that nothing about them is racy.
    pub fn new() -> Self {
        let sandbox = Self::unborn();
        for (path, text) in [
            ("README.md", "# Project\n\nWords.\n"),
            ("docs/guide.md", "Guide\n"),
            (
                "src/a.rs",
                "fn a() {}\nfn b() {}\nfn c() {}\nfn d() {}\nfn e() {}\n",
            ),
            ("src/deep/b.rs", "one\ntwo\nthree\nfour\nfive\nsix\n"),
            ("src/deep/er/c.rs", LONG),
            ("tools/run.sh", "#!/bin/sh\necho run\n"),
        ] {
            sandbox.write_old(path, text);
        }
        sandbox.commit_all();
        sandbox
    }

    /// Appends to the repository's configuration.
    pub fn configure(&self, text: &str) {
        let file = self.repo.join(".git/config");
        let before = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, before + text).unwrap();
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

    pub fn try_git(&self, args: &[&str]) -> bool {
        self.command().args(args).output().unwrap().status.success()
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
        self.write_bytes(path.as_bytes(), content);
    }

    /// For names that are no UTF-8.
    pub fn write_bytes(&self, path: &[u8], content: impl AsRef<[u8]>) {
        let path = self.repo.join(OsStr::from_bytes(path));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    /// Writes a file that looks an hour old: an index written now can rely on its time.
    pub fn write_old(&self, path: &str, content: impl AsRef<[u8]>) {
        self.write(path, content);
        self.age(path);
    }

    /// Makes a file look an hour old.
    pub fn age(&self, path: &str) {
        self.date(path, SystemTime::now() - Duration::from_secs(3600));
    }

    pub fn date(&self, path: &str, time: SystemTime) {
        let file = std::fs::File::open(self.path(path)).unwrap();
        file.set_modified(time).unwrap();
    }

    pub fn remove(&self, path: &str) {
        let path = self.path(path);
        if path.is_dir() && !path.is_symlink() {
            std::fs::remove_dir_all(path).unwrap();
        } else {
            std::fs::remove_file(path).unwrap();
        }
    }

    pub fn link(&self, target: &str, path: &str) {
        symlink(target, self.path(path)).unwrap();
    }

    pub fn chmod(&self, path: &str, mode: u32) {
        std::fs::set_permissions(self.path(path), std::fs::Permissions::from_mode(mode)).unwrap();
    }

    pub fn add_all(&self) {
        self.git(&["add", "-A"]);
    }

    pub fn commit_all(&self) {
        self.add_all();
        self.git(&["commit", "-q", "-m", "more"]);
    }

    /// Two branches that both changed things, merged as far as Git can.
    pub fn conflict(&self, ours: impl Fn(&Self), theirs: impl Fn(&Self)) {
        self.git(&["checkout", "-q", "-b", "side"]);
        theirs(self);
        self.commit_all();
        self.git(&["checkout", "-q", "main"]);
        ours(self);
        self.commit_all();
        assert!(!self.try_git(&["merge", "-q", "side"]), "no conflict");
    }

    /// A repository below this one, with one commit.
    pub fn inner(&self, path: &str) -> Inner<'_> {
        self.git(&["init", "-q", "-b", "main", path]);
        let inner = Inner {
            outer: self,
            path: path.to_owned(),
        };
        self.write_old(&format!("{path}/file.txt"), "x\n");
        inner.git(&["add", "-A"]);
        inner.git(&["commit", "-q", "-m", "inner"]);
        inner
    }

    /// A submodule at `sub`, committed, that came from a repository beside this one.
    pub fn submodule(&self) -> Inner<'_> {
        let origin = self.folder.path().join("origin");
        let origin = origin.to_str().unwrap();
        self.git(&["init", "-q", "-b", "main", origin]);
        std::fs::write(Path::new(origin).join("file.txt"), "x\n").unwrap();
        let inner = Inner {
            outer: self,
            path: origin.to_owned(),
        };
        inner.git(&["add", "-A"]);
        inner.git(&["commit", "-q", "-m", "origin"]);
        let allow = "protocol.file.allow=always";
        self.git(&["-c", allow, "submodule", "--quiet", "add", origin, "sub"]);
        self.commit_all();
        Inner {
            outer: self,
            path: "sub".to_owned(),
        }
    }
}

/// A repository inside of a sandbox.
pub struct Inner<'a> {
    outer: &'a Sandbox,
    path: String,
}

impl Inner<'_> {
    #[track_caller]
    pub fn git(&self, args: &[&str]) -> Vec<u8> {
        let here = [
            "-C",
            &self.path,
            "-c",
            "user.name=T",
            "-c",
            "user.email=t@example.invalid",
        ];
        self.outer.git(&[&here, args].concat())
    }
}
