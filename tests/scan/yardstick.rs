//! What Git says, in the shape of what we say, and the comparison of both.

use std::collections::BTreeMap;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use zhongshu::domain::report::ChangeStatus;
use zhongshu::git::Repo;
use zhongshu::git::changes::{Change, Changes, Deadline, Scope};

use super::sandbox::Sandbox;

/// A path, shown as text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name(pub Vec<u8>);

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

impl From<&str> for Name {
    fn from(name: &str) -> Self {
        Self(name.as_bytes().to_vec())
    }
}

/// One changed path: former name, letters, modes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub old: Option<Name>,
    pub letters: String,
    pub modes: Option<(u32, u32)>,
}

pub type Lines = BTreeMap<Name, Line>;

/// Lines added and deleted, with the former name that they were counted against; none for binary files.
pub type Counts = BTreeMap<Name, (Option<Name>, Option<u64>, Option<u64>)>;

/// All that Git says of one situation. A test that differs on purpose changes this.
#[derive(Debug)]
pub struct Expected {
    pub worktree: Lines,
    pub worktree_counts: Counts,
    pub staged: Lines,
    pub staged_counts: Counts,
    /// By name of the base.
    pub bases: BTreeMap<String, (Lines, Counts)>,
}

impl Expected {
    pub fn of(sandbox: &Sandbox) -> Self {
        let mut expected = Self {
            worktree: status(sandbox),
            worktree_counts: Counts::new(),
            staged: raw(sandbox, &["--cached"]),
            staged_counts: numstat(sandbox, &["--cached"]),
            bases: BTreeMap::new(),
        };
        if sandbox.try_git(&["rev-parse", "-q", "--verify", "HEAD"]) {
            expected.worktree_counts = numstat(sandbox, &["HEAD"]);
        }
        for base in ["HEAD", "HEAD~1", "side", "v1"] {
            if sandbox.try_git(&["rev-parse", "-q", "--verify", base]) {
                let of_base = (raw(sandbox, &[base, "--"]), numstat(sandbox, &[base, "--"]));
                expected.bases.insert(base.to_owned(), of_base);
            }
        }
        // Nobody else counts them.
        for (name, line) in &expected.worktree {
            if line.letters == ".?" && !name.0.ends_with(b"/") {
                let counted = untracked(sandbox, name);
                expected.worktree_counts.insert(name.clone(), counted);
            }
        }
        expected
    }
}

/// Records of `-z` output.
fn records(output: &[u8]) -> impl Iterator<Item = &[u8]> {
    output
        .split(|byte| *byte == 0)
        .filter(|record| !record.is_empty())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn mode(field: &[u8]) -> u32 {
    u32::from_str_radix(&text(field), 8).unwrap()
}

/// `git status --porcelain=v2 -z -uall`, copies too, with both lines of a path that is listed twice joined.
fn status(sandbox: &Sandbox) -> Lines {
    let output = sandbox.git(&[
        "-c",
        "status.renames=copies",
        "status",
        "--porcelain=v2",
        "-z",
        "-uall",
    ]);
    let mut records = records(&output);
    let mut lines = Lines::new();
    while let Some(record) = records.next() {
        let skip = match record[0] {
            b'1' => 8,
            b'2' => 9,
            b'u' => 10,
            b'?' => 1,
            other => panic!("unknown record {other}"),
        };
        let fields: Vec<&[u8]> = record.splitn(skip + 1, |byte| *byte == b' ').collect();
        let letters = match record[0] {
            b'?' => ".?".to_owned(),
            b'u' => "UU".to_owned(),
            _ => text(fields[1]),
        };
        // Before: HEAD where something is staged, else the index. After: the file where it differs, else the index.
        let modes = matches!(record[0], b'1' | b'2').then(|| {
            let [head, index, file] = [3, 4, 5].map(|at| mode(fields[at]));
            (
                if letters.starts_with('.') {
                    index
                } else {
                    head
                },
                if letters.ends_with('.') { index } else { file },
            )
        });
        let old = (record[0] == b'2').then(|| Name(records.next().unwrap().to_vec()));
        let name = Name(fields[skip].to_vec());
        match lines.entry(name) {
            std::collections::btree_map::Entry::Vacant(free) => {
                free.insert(Line {
                    old,
                    letters,
                    modes,
                });
            }
            std::collections::btree_map::Entry::Occupied(mut taken) => {
                let line = taken.get_mut();
                let join = |old: char, new: char| if new == '.' { old } else { new };
                line.letters = (line.letters.chars().zip(letters.chars()))
                    .map(|(old, new)| join(old, new))
                    .collect();
                line.old = line.old.take().or(old);
                // Deleted for a commit, and there again as an untracked file.
                line.modes = None;
            }
        }
    }
    lines
}

/// `git diff --raw -z -M -C …`
fn raw(sandbox: &Sandbox, args: &[&str]) -> Lines {
    raw_with(sandbox, &[&["-M", "-C"], args].concat())
}

/// The same, with other options.
pub fn raw_with(sandbox: &Sandbox, args: &[&str]) -> Lines {
    let output = sandbox.git(&[&["diff", "--raw", "-z"], args].concat());
    let mut records = records(&output);
    let mut lines = Lines::new();
    while let Some(record) = records.next() {
        let fields: Vec<&[u8]> = record[1..].split(|byte| *byte == b' ').collect();
        let letter = text(&fields[4][..1]);
        let mut name = Name(records.next().unwrap().to_vec());
        let mut old = None;
        if matches!(letter.as_str(), "R" | "C") {
            old = Some(name);
            name = Name(records.next().unwrap().to_vec());
        }
        let modes = Some((mode(fields[0]), mode(fields[1])));
        // A conflict is listed twice: once as such and once as a modification.
        let line = Line {
            old,
            letters: letter.clone(),
            modes: modes.filter(|_| letter != "U"),
        };
        if letter == "U" {
            lines.insert(name, line);
        } else {
            lines.entry(name).or_insert(line);
        }
    }
    lines
}

/// `git diff --numstat -z -M -C …`
fn numstat(sandbox: &Sandbox, args: &[&str]) -> Counts {
    let output = sandbox.git(&[&["diff", "--numstat", "-z", "-M", "-C"], args].concat());
    counts_of(&output)
}

fn counts_of(output: &[u8]) -> Counts {
    let mut records = records(output);
    let mut counts = Counts::new();
    while let Some(record) = records.next() {
        let mut fields = record.splitn(3, |byte| *byte == b'\t');
        let [plus, minus] = [0, 1].map(|_| text(fields.next().unwrap()).parse().ok());
        let mut name = Name(fields.next().unwrap().to_vec());
        let mut old = None;
        if name.0.is_empty() {
            old = Some(Name(records.next().unwrap().to_vec()));
            name = Name(records.next().unwrap().to_vec());
        }
        counts.insert(name, (old, plus, minus));
    }
    counts
}

/// `git diff --no-index --numstat -z /dev/null …`
fn untracked(sandbox: &Sandbox, name: &Name) -> (Option<Name>, Option<u64>, Option<u64>) {
    let path = sandbox.repo.join(std::ffi::OsStr::from_bytes(&name.0));
    // Here, Git follows it.
    if path.is_symlink() {
        return (None, Some(1), Some(0));
    }
    let output = sandbox
        .command()
        .args(["diff", "--no-index", "--numstat", "-z", "--", "/dev/null"])
        .arg(std::ffi::OsStr::from_bytes(&name.0))
        .output()
        .unwrap();
    let counted = counts_of(&output.stdout).into_values().next();
    // Git says nothing about an empty file.
    let (_, plus, minus) = counted.unwrap_or((None, Some(0), Some(0)));
    (None, plus, minus)
}

fn letter(status: Option<ChangeStatus>) -> char {
    match status {
        None => '.',
        Some(ChangeStatus::Added) => 'A',
        Some(ChangeStatus::Copied) => 'C',
        Some(ChangeStatus::Modified | ChangeStatus::ModeChanged) => 'M',
        Some(ChangeStatus::Deleted) => 'D',
        Some(ChangeStatus::Renamed) => 'R',
        Some(ChangeStatus::TypeChanged) => 'T',
        Some(ChangeStatus::Untracked) => '?',
        Some(ChangeStatus::Conflicted) => 'U',
    }
}

/// What we say, as Git would.
pub fn lines(rows: &[Change], is_worktree: bool) -> Lines {
    rows.iter()
        .map(|row| {
            let is_conflict = row.status == ChangeStatus::Conflicted;
            let letters = match (is_worktree, is_conflict) {
                (true, true) => "UU".to_owned(),
                (true, false) => [row.index_status, row.worktree_status]
                    .map(letter)
                    .iter()
                    .collect(),
                (false, _) => letter(Some(row.status)).to_string(),
            };
            let has_modes = !is_conflict && !letters.contains('?');
            let line = Line {
                old: row.old_path.clone().map(Name),
                modes: has_modes.then_some((row.old_mode, row.new_mode)),
                letters,
            };
            (Name(row.path.clone()), line)
        })
        .collect()
}

#[track_caller]
fn assert_counts(rows: &[Change], expected: &Counts, what: &str) {
    for row in rows {
        let name = Name(row.path.clone());
        if row.status == ChangeStatus::Conflicted {
            continue;
        }
        let Some((old, plus, minus)) = expected.get(&name) else {
            continue;
        };
        // Pairing across the index can find another former name than pairing with it.
        if *old != row.old_path.clone().map(Name) {
            continue;
        }
        let counted = (row.measured.additions, row.measured.deletions);
        assert_eq!(counted, (*plus, *minus), "{name:?}: {what}");
        assert_eq!(row.measured.binary, plus.is_none(), "{name:?}: {what}");
        assert!(!row.measured.uncounted, "{name:?}: {what}");
        if row.status == ChangeStatus::ModeChanged {
            assert!(row.old_mode != row.new_mode, "{name:?}: {what}");
            assert!(matches!(counted, (Some(0) | None, Some(0) | None)));
        }
    }
}

pub fn deadline() -> Deadline {
    Deadline::after(Duration::from_secs(60))
}

#[track_caller]
pub fn scan(sandbox: &Sandbox, scope: &Scope) -> Changes {
    let repo = Repo::open(&sandbox.repo).unwrap();
    repo.changes(scope, &deadline()).unwrap()
}

/// Compares all three modes with what is expected.
#[track_caller]
pub fn assert_expected(sandbox: &Sandbox, expected: &Expected, what: &str) {
    let all = expected;
    let ours = scan(sandbox, &Scope::Worktree);
    assert_eq!(
        lines(&ours.rows, true),
        expected.worktree,
        "worktree: {what}"
    );
    assert_counts(
        &ours.rows,
        &expected.worktree_counts,
        &format!("worktree: {what}"),
    );
    let ours = scan(sandbox, &Scope::Staged);
    assert_eq!(lines(&ours.rows, false), expected.staged, "staged: {what}");
    assert_counts(
        &ours.rows,
        &expected.staged_counts,
        &format!("staged: {what}"),
    );
    for (base, (expected, counts)) in &expected.bases {
        let ours = scan(sandbox, &Scope::Base(base.clone()));
        let mut expected = expected.clone();
        // Git's base diff shows a conflicted file as it lies there, or not at all; a report says that it is conflicted.
        for (name, line) in &all.worktree {
            if line.letters == "UU" {
                let line = Line {
                    old: None,
                    letters: "U".to_owned(),
                    modes: None,
                };
                expected.insert(name.clone(), line);
            }
        }
        assert_eq!(lines(&ours.rows, false), expected, "base {base}: {what}");
        assert_counts(&ours.rows, counts, &format!("base {base}: {what}"));
    }
}

/// A situation in which we say what Git says. It starts from the committed files of [`Sandbox::new`].
#[track_caller]
pub fn same(set_up: impl Fn(&Sandbox)) {
    let sandbox = Sandbox::new();
    set_up(&sandbox);
    assert_expected(&sandbox, &Expected::of(&sandbox), "as Git says");
}

/// A line of a file that only has other content on disk.
pub fn other_content() -> Line {
    Line {
        old: None,
        letters: ".M".to_owned(),
        modes: Some((0o100_644, 0o100_644)),
    }
}

/// A situation in which we differ from Git on purpose; `but` changes what Git says into what we say.
#[track_caller]
pub fn same_but(set_up: impl Fn(&Sandbox), but: impl Fn(&mut Expected)) {
    let sandbox = Sandbox::new();
    set_up(&sandbox);
    let mut expected = Expected::of(&sandbox);
    but(&mut expected);
    assert_expected(&sandbox, &expected, "different on purpose");
}

/// Defines tests of situations in which we say what Git says; with `but`, we differ in what follows.
macro_rules! situations {
    ($($(#[$meta:meta])* $name:ident = $set_up:expr $(, but $but:expr)?;)*) => {
        $(
            #[test]
            $(#[$meta])*
            fn $name() {
                $crate::yardstick::situations!(@check $set_up $(, $but)?);
            }
        )*
    };
    (@check $set_up:expr) => {
        $crate::yardstick::same($set_up)
    };
    (@check $set_up:expr, $but:expr) => {
        $crate::yardstick::same_but($set_up, $but)
    };
}
pub(crate) use situations;
