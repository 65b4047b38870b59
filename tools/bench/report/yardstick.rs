//! What git says and how long it takes, without the locks that it may leave out.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use zhongshu::domain::report::ReportMode;

use crate::repositories::Subject;

/// Changed paths, as far as they are readable text.
pub type Paths = BTreeSet<String>;

/// What somebody named, and how long that took.
pub struct Answer {
    pub took: Duration,
    pub paths: Paths,
}

/// The command that a mode is measured by.
pub fn arguments(subject: &Subject, mode: ReportMode) -> Vec<&'static str> {
    match mode {
        ReportMode::Worktree => vec!["status", "--porcelain", "-z", "-uall"],
        ReportMode::Staged => vec!["diff", "--cached", "--name-only", "-z"],
        ReportMode::Base => vec!["diff", "--name-only", "-z", subject.base],
    }
}

/// Asks git.
pub fn ask(subject: &Subject, mode: ReportMode) -> Answer {
    let mut command = Command::new("git");
    command
        .arg("-C")
        .arg(&subject.path)
        .args(arguments(subject, mode))
        .env("GIT_OPTIONAL_LOCKS", "0")
        .stderr(Stdio::null());
    let begin = Instant::now();
    let output = command.output().unwrap();
    let took = begin.elapsed();
    assert!(output.status.success(), "{command:?}");
    let mut records = output
        .stdout
        .split(|byte| *byte == 0)
        .filter(|record| !record.is_empty());
    let mut paths = Paths::new();
    while let Some(record) = records.next() {
        let path = match mode {
            ReportMode::Worktree => {
                if record[..2].contains(&b'R') {
                    // Its former name.
                    records.next();
                }
                &record[3..]
            }
            ReportMode::Staged | ReportMode::Base => record,
        };
        // The launcher's own.
        if mode != ReportMode::Worktree || !path.starts_with(b".tmp/") {
            paths.insert(String::from_utf8_lossy(path).into_owned());
        }
    }
    Answer { took, paths }
}
