//! What the library says, in this process.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use zhongshu::domain::report::{Report, ReportMode};
use zhongshu::git::changes::{Changes, Deadline, Scope};
use zhongshu::git::{GitError, Repo};
use zhongshu::governance::judging::RulesCache;
use zhongshu::governance::report::{DEFAULT_TIME_LIMIT, ReportError, ReportRequest, judge};
use zhongshu::governance::report_cache::ReportCache;

use crate::repositories::Subject;
use crate::yardstick::Answer;

/// The changed paths alone.
pub fn paths(subject: &Subject, mode: ReportMode) -> Answer {
    scan(subject, mode, Repo::changed_paths)
}

/// The changed paths, with their lines counted.
pub fn lines(subject: &Subject, mode: ReportMode) -> Answer {
    scan(subject, mode, Repo::changes)
}

fn scan(
    subject: &Subject,
    mode: ReportMode,
    look: impl FnOnce(&Repo, &Scope, &Deadline) -> Result<Changes, GitError>,
) -> Answer {
    let scope = match mode {
        ReportMode::Worktree => Scope::Worktree,
        ReportMode::Staged => Scope::Staged,
        ReportMode::Base => Scope::Base(subject.base.to_owned()),
    };
    let begin = Instant::now();
    let repo = Repo::open(&subject.path).unwrap();
    let changes = look(&repo, &scope, &Deadline::after(DEFAULT_TIME_LIMIT)).unwrap();
    let took = begin.elapsed();
    let name = |path: &[u8]| String::from_utf8_lossy(path).into_owned();
    let paths = changes.rows.iter().map(|row| name(&row.path)).collect();
    Answer { took, paths }
}

/// The whole report.
pub fn report(subject: &Subject, mode: ReportMode) -> Answer {
    whole(subject, mode, |repo, request| {
        judge(repo, &mut RulesCache::default(), request)
    })
}

/// The whole report, which may be the one that stands.
pub fn again(subject: &Subject, standing: &ReportCache, mode: ReportMode) -> Answer {
    whole(subject, mode, |repo, request| {
        standing.report(repo, request)
    })
}

fn whole(
    subject: &Subject,
    mode: ReportMode,
    make: impl FnOnce(&Path, &ReportRequest) -> Result<Report, ReportError>,
) -> Answer {
    let request = ReportRequest {
        mode,
        base: Some(subject.base.to_owned()),
        ..ReportRequest::default()
    };
    let begin = Instant::now();
    let report = make(&subject.path, &request).unwrap();
    let took = begin.elapsed();
    let files = report.changed_files.into_iter();
    let paths = files.map(|file| file.path).collect();
    Answer { took, paths }
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
    judge(repo, &mut RulesCache::default(), &ReportRequest::default()).unwrap();
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
