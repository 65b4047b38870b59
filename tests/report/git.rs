//! What the `git` on PATH says, in the form in which a report can be compared with it.

use std::collections::BTreeMap;

use zhongshu::domain::report::{ChangeStatus, Report};

use crate::sandbox::{Sandbox, lossy};

/// path → (former name of a rename, letters of both halves)
pub type Rows = BTreeMap<String, (Option<String>, String)>;

/// `git status --porcelain=v2 -z -uall`, with both lines of a path that is listed twice joined.
pub fn git_status(sandbox: &Sandbox) -> Rows {
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
pub fn report_status(report: &Report) -> Rows {
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
pub fn git_raw(sandbox: &Sandbox, args: &[&str]) -> Rows {
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

pub fn report_raw(report: &Report) -> Rows {
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
pub fn git_numstat(
    sandbox: &Sandbox,
    args: &[&str],
) -> BTreeMap<String, (Option<u64>, Option<u64>)> {
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
pub fn assert_like_git(sandbox: &Sandbox, what: &str) {
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
pub fn assert_counts(
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
