//! What the library says, in this process.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use zhongshu::domain::report::ReportMode;
use zhongshu::git::Repo;
use zhongshu::git::changes::{Deadline, Scope};
use zhongshu::governance::Governance;
use zhongshu::governance::report::{DEFAULT_TIME_LIMIT, ReportRequest, build};

use crate::repositories::Subject;
use crate::yardstick::Answer;

/// The changed paths alone, with their lines counted.
pub fn scan(subject: &Subject, mode: ReportMode) -> Answer {
    let scope = match mode {
        ReportMode::Worktree => Scope::Worktree,
        ReportMode::Staged => Scope::Staged,
        ReportMode::Base => Scope::Base(subject.base.to_owned()),
    };
    let begin = Instant::now();
    let repo = Repo::open(&subject.path).unwrap();
    let changes = repo
        .changes(&scope, &Deadline::after(DEFAULT_TIME_LIMIT))
        .unwrap();
    let took = begin.elapsed();
    let name = |path: &[u8]| String::from_utf8_lossy(path).into_owned();
    let paths = changes.rows.iter().map(|row| name(&row.path)).collect();
    Answer { took, paths }
}

/// The whole report.
pub fn report(subject: &Subject, mode: ReportMode) -> Answer {
    let governance = governance(&subject.path);
    let request = ReportRequest {
        mode,
        base: Some(subject.base.to_owned()),
        ..ReportRequest::default()
    };
    let begin = Instant::now();
    let report = build(&subject.path, &governance, &request).unwrap();
    let took = begin.elapsed();
    let paths = report
        .changed_files
        .into_iter()
        .map(|file| file.path)
        .collect();
    Answer { took, paths }
}

fn governance(repo: &Path) -> Governance {
    Governance::load(repo).unwrap()
}

/// What memory a process took that made one report of the working tree, in KiB.
pub fn peak(subject: &Subject) -> u64 {
    let program = std::env::current_exe().unwrap();
    let output = Command::new(program)
        .arg("--once")
        .arg(&subject.path)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout)
        .unwrap()
        .trim()
        .parse()
        .unwrap()
}

/// What that process does.
pub fn peak_of_one(repo: &Path) -> u64 {
    build(repo, &governance(repo), &ReportRequest::default()).unwrap();
    peak_kib("self")
}

/// The most memory that a process ever had.
pub fn peak_kib(process: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
