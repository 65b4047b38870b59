//! Situations that nobody thought of: random work in a repository, and random patterns, beside Git.

use super::sandbox::Sandbox;
use super::yardstick::{Expected, assert_expected, scan};
use std::collections::BTreeSet;
use std::io::Write;
use std::process::Stdio;
use zhongshu::domain::report::ChangeStatus;
use zhongshu::git::changes::Scope;

/// Numbers that look random and are the same in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        // The generator known as splitmix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % sides as u64) as usize
    }

    fn pick<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.roll(list.len())]
    }
}

const PATHS: &[&str] = &[
    "a",
    "a.b",
    "a/x",
    "a/y",
    "a0",
    "b/c/d",
    "b/c/e",
    "b/c.txt",
    "b/d",
    "x y",
    "é",
    "b/.gitignore",
    ".gitignore",
    "README.md",
    "src/a.rs",
    "src/deep/b.rs",
    "src/deep/er/c.rs",
    "docs/guide.md",
];

/// Long enough that an edit leaves a likeness.
fn text(dice: &mut Dice) -> String {
    let kind = dice.roll(3);
    let edited = dice.roll(12);
    (0..10)
        .map(|line| match line == edited {
            true => format!("edit {}\n", dice.roll(5)),
            false => format!("text {kind} line {line}\n"),
        })
        .collect()
}

/// Does something to the repository; what Git refuses has done nothing.
fn act(sandbox: &Sandbox, dice: &mut Dice) -> String {
    let path = dice.pick(PATHS);
    let full = sandbox.path(path);
    let other = dice.pick(PATHS);
    match dice.roll(17) {
        0..=4 => {
            let content = match path.ends_with(".gitignore") {
                true => format!("{}\n{}\n", dice.pick(PATTERNS), dice.pick(PATTERNS)),
                false => text(dice),
            };
            let made = std::fs::create_dir_all(full.parent().unwrap());
            let is_written = made.is_ok() && std::fs::write(&full, content).is_ok();
            format!("write {path}: {is_written}")
        }
        5 | 6 => {
            let is_gone =
                std::fs::remove_file(&full).is_ok() || std::fs::remove_dir_all(&full).is_ok();
            format!("remove {path}: {is_gone}")
        }
        7 => {
            let moved = std::fs::rename(&full, sandbox.path(other));
            format!("move {path} to {other}: {}", moved.is_ok())
        }
        8 => {
            if full.is_file() && !full.is_symlink() {
                sandbox.chmod(path, if dice.roll(2) == 0 { 0o755 } else { 0o644 });
            }
            format!("chmod {path}")
        }
        9 => {
            let made = std::os::unix::fs::symlink(other, &full);
            format!("link {path} to {other}: {}", made.is_ok())
        }
        10 | 11 => format!("add {path}: {}", sandbox.try_git(&["add", "--", path])),
        12 => format!("add all: {}", sandbox.try_git(&["add", "-A"])),
        13 => format!(
            "add by name {path}: {}",
            sandbox.try_git(&["add", "-N", "--", path])
        ),
        14 => format!(
            "git mv {path} {other}: {}",
            sandbox.try_git(&["mv", "--", path, other])
        ),
        15 => {
            let args = ["rm", "-q", "-r", "--cached", "--", path];
            format!("rm --cached {path}: {}", sandbox.try_git(&args))
        }
        _ => format!(
            "commit: {}",
            sandbox.try_git(&["commit", "-q", "-m", "more"])
        ),
    }
}

fn work(seeds: std::ops::Range<u64>) {
    for seed in seeds {
        let sandbox = Sandbox::new();
        let mut dice = Dice(seed);
        let mut history = Vec::new();
        for _ in 0..6 {
            for _ in 0..5 {
                history.push(act(&sandbox, &mut dice));
            }
            let what = format!("seed {seed} after {history:#?}");
            assert_expected(&sandbox, &Expected::of(&sandbox), &what);
        }
    }
}

#[test]
fn work_reads_as_git_reads_it_one() {
    work(0..5);
}

#[test]
fn work_reads_as_git_reads_it_two() {
    work(100..105);
}

#[test]
fn work_reads_as_git_reads_it_three() {
    work(200..205);
}

const PATTERNS: &[&str] = &[
    "a", "a/", "/a", "/a/", "*", "!*", "!a", "!/a/", "a*", "*.b", "!*.b", "/b/*", "!/b/c",
    "b/c/**", "**/d", "!**/c/d", "[a-b]", "?", "b/**/e", "/*", "!/b", "# no", "\\*", "[!a]", "c.*",
    "b/c/", "!b/c/", "**", "**/", "/**/c", "x\\ y",
];

const PIECES: &[&str] = &[
    "a",
    "b",
    "c",
    "/",
    "/",
    "*",
    "*",
    "**",
    "?",
    "[ab]",
    "[!a]",
    "[a-c]",
    "[[:alpha:]]",
    "\\a",
    "\\*",
    "!",
    ".",
    "[",
    "]",
    "[]a]",
    "[\\]]",
    "[a-",
    "\\",
    " ",
    "**/",
    "/**",
    "{a,b}",
    "-",
    "[^b-]",
];

const NAMES: &[&str] = &[
    "a", "b", "c", "ab", "ba", "a.b", "*", "[", "a*", "abc", "-", "]", "{a,b}", "a]",
];

/// Thousands of patterns that no person would write, against as many names.
#[test]
fn patterns_ignore_what_git_ignores() {
    let sandbox = Sandbox::unborn();
    let mut dice = Dice(7);
    let mut paths = BTreeSet::new();
    while paths.len() < 120 {
        let depth = 1 + dice.roll(3);
        let names: Vec<&str> = (0..depth).map(|_| dice.pick(NAMES)).collect();
        let path = names.join("/");
        let clashes = paths.iter().any(|other: &String| {
            other.starts_with(&format!("{path}/")) || path.starts_with(&format!("{other}/"))
        });
        if !clashes && paths.insert(path.clone()) {
            sandbox.write(&path, "x\n");
        }
    }
    for round in 0..60 {
        let patterns: Vec<String> = (0..1 + dice.roll(4))
            .map(|_| (0..1 + dice.roll(6)).map(|_| dice.pick(PIECES)).collect())
            .collect();
        let inner: String = (0..1 + dice.roll(3)).map(|_| dice.pick(PIECES)).collect();
        sandbox.write(".gitignore", patterns.join("\n") + "\n");
        let has_inner = dice.roll(3) == 0;
        if has_inner {
            let folder = paths.iter().find(|path| path.contains('/')).unwrap();
            let folder = &folder[..folder.find('/').unwrap()];
            sandbox.write(&format!("{folder}/.gitignore"), inner.clone() + "\n");
        }
        let ours: BTreeSet<Vec<u8>> = scan(&sandbox, &Scope::Worktree)
            .rows
            .into_iter()
            .filter(|row| row.status == ChangeStatus::Untracked)
            .map(|row| row.path)
            .collect();
        let output = sandbox.git(&["ls-files", "-z", "--others", "--exclude-standard"]);
        let theirs: BTreeSet<Vec<u8>> = output
            .split(|byte| *byte == 0)
            .filter(|path| !path.is_empty())
            .map(<[u8]>::to_vec)
            .collect();
        let different: Vec<String> = ours
            .symmetric_difference(&theirs)
            .map(|path| String::from_utf8_lossy(path).into_owned())
            .collect();
        assert!(
            different.is_empty(),
            "round {round}: {patterns:?} {inner:?}: {different:?}"
        );
    }
}

/// The same for attributes: which files count as changed when their line ends are converted.
#[test]
fn patterns_give_the_attributes_that_git_gives() {
    let sandbox = Sandbox::unborn();
    let mut dice = Dice(11);
    let names: BTreeSet<String> = (0..80)
        .map(|_| {
            (0..1 + dice.roll(2))
                .map(|_| dice.pick(NAMES))
                .collect::<Vec<_>>()
                .join("/")
        })
        .collect();
    let mut paths: Vec<String> = Vec::new();
    for name in names {
        if !paths
            .iter()
            .any(|other| name.starts_with(&format!("{other}/")))
        {
            sandbox.write(&name, "x\n");
            paths.push(name);
        }
    }
    sandbox.commit_all();
    const SAYS: &[&str] = &[
        "text",
        "-text",
        "!text",
        "text=auto",
        "eol=lf",
        "binary",
        "crlf",
        "mine",
        "-mine",
        "diff",
        "-diff",
    ];
    for round in 0..25 {
        let lines: Vec<String> = (0..1 + dice.roll(4))
            .map(|_| {
                let pattern: String = (0..1 + dice.roll(4)).map(|_| dice.pick(PIECES)).collect();
                format!("{pattern} {} {}", dice.pick(SAYS), dice.pick(SAYS))
            })
            .collect();
        let text = format!("[attr]mine text eol=lf -diff\n{}\n", lines.join("\n"));
        sandbox.write(".gitattributes", text);
        for path in &paths {
            sandbox.write(
                path,
                if round % 2 == 0 {
                    "x\r\n"
                } else {
                    "x\r\ny\r\n"
                },
            );
        }
        let mut git = sandbox
            .command()
            .args(["diff", "--numstat", "-z"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        git.stdin.take().unwrap().flush().unwrap();
        let output = git.wait_with_output().unwrap().stdout;
        let theirs: BTreeSet<String> = String::from_utf8(output)
            .unwrap()
            .split_terminator('\0')
            .map(str::to_owned)
            .collect();
        let ours: BTreeSet<String> = scan(&sandbox, &Scope::Worktree)
            .rows
            .into_iter()
            .filter(|row| row.status == ChangeStatus::Modified)
            .map(|row| {
                let shown =
                    |count: Option<u64>| count.map_or("-".to_owned(), |count| count.to_string());
                let (plus, minus) = (row.measured.additions, row.measured.deletions);
                let path = String::from_utf8(row.path).unwrap();
                format!("{}\t{}\t{path}", shown(plus), shown(minus))
            })
            .collect();
        assert_eq!(ours, theirs, "round {round}: {lines:?}");
    }
}
