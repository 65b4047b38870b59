//! What is reported on: repositories of three sizes, with as much changed in them as the targets say, and one of two versions
//! of a real source tree. They are made with git, once, and are the same each time.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// A repository and what it is compared with.
pub struct Subject {
    pub name: String,
    pub path: PathBuf,
    /// The revision of base mode.
    pub base: &'static str,
    /// It was made for this, so that a file may be written into it.
    pub is_ours: bool,
    /// Whether the answer of a server is to be had within a time.
    pub is_small: bool,
}

/// What is made.
struct Plan {
    name: &'static str,
    files: usize,
    files_per_folder: usize,
    /// Commits that change some files each.
    commits: usize,
    changes: Changes,
    is_small: bool,
}

/// How much is changed and not committed.
#[derive(Clone, Copy)]
struct Changes {
    modified: usize,
    untracked: usize,
    staged: usize,
}

const PLANS: [Plan; 3] = [
    Plan {
        name: "100,000 files",
        files: 100_000,
        files_per_folder: 18,
        commits: 2,
        changes: Changes {
            modified: 1_000,
            untracked: 500,
            staged: 200,
        },
        is_small: false,
    },
    Plan {
        name: "5,000 files",
        files: 5_000,
        files_per_folder: 12,
        commits: 200,
        changes: Changes {
            modified: 60,
            untracked: 20,
            staged: 15,
        },
        is_small: false,
    },
    Plan {
        name: "17 files",
        files: 17,
        files_per_folder: 6,
        commits: 3,
        changes: Changes {
            modified: 3,
            untracked: 2,
            staged: 1,
        },
        is_small: true,
    },
];

/// What `CODEOWNERS` says in all of them.
pub const OWNERS: &str = "* @everybody\n/part001/ @first\n";

/// The repositories that are made for this, in `folder`.
pub fn made(folder: &Path) -> Vec<Subject> {
    fs::create_dir_all(folder).unwrap();
    let folder = folder.canonicalize().unwrap();
    let subject = |plan: &Plan| {
        let path = folder.join(plan.name.replace([' ', ','], "-"));
        if !path.join(".git/made").exists() {
            eprintln!("making the repository of {}", plan.name);
            if path.exists() {
                fs::remove_dir_all(&path).unwrap();
            }
            make(plan, &path);
        }
        Subject {
            name: plan.name.to_owned(),
            path,
            base: "HEAD~1",
            is_ours: true,
            is_small: plan.is_small,
        }
    };
    PLANS.iter().map(subject).collect()
}

/// A repository with two versions of a source tree as its commits, in `folder`.
pub fn of_versions(folder: &Path, [old, new]: [&Path; 2]) -> Subject {
    let folder = folder.canonicalize().unwrap();
    let name = new.file_name().unwrap().to_string_lossy().into_owned();
    let path = folder.join(&name);
    if !path.join(".git/made").exists() {
        eprintln!("making the repository of {name}");
        if path.exists() {
            fs::remove_dir_all(&path).unwrap();
        }
        make_of_versions([old, new], &path);
    }
    Subject {
        name,
        path,
        base: "HEAD~1",
        is_ours: true,
        is_small: false,
    }
}

/// Somebody's repository.
pub fn given(path: PathBuf) -> Subject {
    let path = path.canonicalize().unwrap();
    Subject {
        name: path.file_name().unwrap().to_string_lossy().into_owned(),
        path,
        base: "HEAD~1",
        is_ours: false,
        is_small: false,
    }
}

fn make(plan: &Plan, root: &Path) {
    fs::create_dir_all(root).unwrap();
    git(root, &["init", "-q", "-b", "main"]);
    // Two folders deep, as source trees are; some of them have patterns of their own.
    let path = |file: usize| {
        let folder = file / plan.files_per_folder;
        root.join(format!("part{:03}/mod{folder:05}", folder / 25))
            .join(format!(
                "file{file:06}.{}",
                ["rs", "md", "py", "ts"][file % 4]
            ))
    };
    for file in 0..plan.files {
        let path = path(file);
        let folder = path.parent().unwrap();
        if file % plan.files_per_folder == 0 {
            fs::create_dir_all(folder).unwrap();
            if (file / plan.files_per_folder).is_multiple_of(40) {
                fs::write(folder.join(".gitignore"), "*.o\n/build/\n").unwrap();
            }
        }
        fs::write(&path, text(file, 0)).unwrap();
    }
    fs::write(
        root.join(".gitignore"),
        "target/\nnode_modules/\n*.log\n*.tmp\n",
    )
    .unwrap();
    fs::write(root.join("CODEOWNERS"), OWNERS).unwrap();
    commit(root, "all of it");
    for turn in 1..plan.commits {
        let share = (plan.files / 100).clamp(1, 300);
        for step in 0..share {
            let file = (turn * 7919 + step * 31) % plan.files;
            fs::write(path(file), text(file, turn)).unwrap();
        }
        commit(root, &format!("change {turn}"));
    }
    git(root, &["gc", "-q"]);
    // What is built is ignored, whatever there is of it.
    for file in 0..plan.files / 50 {
        let folder = root
            .join("target/debug")
            .join(format!("unit{}", file / 100));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{file}.o")), "object").unwrap();
    }
    let files: Vec<PathBuf> = (0..plan.files).map(path).collect();
    leave(root, &files, plan.changes, text);
}

fn make_of_versions(versions: [&Path; 2], root: &Path) {
    fs::create_dir_all(root).unwrap();
    git(root, &["init", "-q", "-b", "main"]);
    for version in versions {
        let version = version.canonicalize().unwrap();
        let tree = format!("--work-tree={}", version.display());
        git(root, &[&tree, "add", "-A"]);
        git(root, &["commit", "-q", "-m", &version.to_string_lossy()]);
    }
    git(root, &["reset", "-q", "--hard"]);
    fs::write(root.join("CODEOWNERS"), OWNERS).unwrap();
    git(root, &["add", "CODEOWNERS"]);
    git(root, &["commit", "-q", "--amend", "-m", "the newer one"]);
    git(root, &["gc", "-q"]);
    let sources = [".c", ".h", ".sh", ".perl", ".txt"];
    let list = git(root, &["ls-files", "-z"]);
    let files: Vec<PathBuf> = list
        .split('\0')
        .filter(|path| sources.iter().any(|ending| path.ends_with(ending)))
        .map(|path| root.join(path))
        .collect();
    let changes = Changes {
        modified: 60,
        untracked: 20,
        staged: 15,
    };
    leave(root, &files, changes, |file, turn| {
        let text = fs::read(&files[file]).unwrap();
        format!("{}changed {turn}\n", String::from_utf8_lossy(&text))
    });
}

/// Changes some of the files, and leaves that uncommitted. `text` is what a file has in a turn.
fn leave(root: &Path, files: &[PathBuf], changes: Changes, text: impl Fn(usize, usize) -> String) {
    let spread = |count: usize| (0..count).map(move |nth| nth * files.len() / count);
    for file in spread(changes.staged) {
        fs::write(&files[file], text(file, 9_000)).unwrap();
    }
    git(root, &["add", "-u"]);
    // Other files than those that are staged.
    for file in spread(changes.modified).map(|file| (file + 3) % files.len()) {
        fs::write(&files[file], text(file, 9_001)).unwrap();
    }
    for file in spread(changes.untracked) {
        fs::write(files[file].with_extension("new"), text(file, 9_002)).unwrap();
    }
    // Until then a file may have changed in the second in which the index was written, and has to be read.
    std::thread::sleep(Duration::from_millis(1_500));
    git(root, &["status", "--porcelain"]);
    fs::write(root.join(".git/made"), "").unwrap();
}

/// Some lines that look like a source file; each turn changes a few of them.
fn text(file: usize, turn: usize) -> String {
    let lines = 8 + file % 29;
    let mut text = String::new();
    for line in 0..lines {
        let changed = if line % 7 == 3 { turn } else { 0 };
        writeln!(
            text,
            "let value_{line} = compute(\"{file}\", {line}, {changed});"
        )
        .unwrap();
    }
    text
}

fn commit(root: &Path, message: &str) {
    git(root, &["add", "-A"]);
    git(root, &["commit", "-q", "-m", message]);
}

/// Runs git and gives what it prints.
fn git(root: &Path, arguments: &[&str]) -> String {
    let settings = [
        "user.name=bench",
        "user.email=bench@example.org",
        "gc.auto=0",
        "maintenance.auto=false",
    ];
    let mut command = Command::new("git");
    command.arg("-C").arg(root);
    for setting in settings {
        command.args(["-c", setting]);
    }
    command.args(arguments);
    let output = command.output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
