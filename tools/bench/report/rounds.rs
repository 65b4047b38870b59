//! Turns of everybody on one repository, and the comparison.

use std::time::Duration;

use zhongshu::domain::report::ReportMode;
use zhongshu::governance::report_cache::ReportCache;

use crate::repositories::{OWNERS, Subject};
use crate::served::Server;
use crate::table::{Targets, Times, print};
use crate::yardstick::Paths;
use crate::{ours, yardstick};

const MODES: [ReportMode; 3] = [ReportMode::Worktree, ReportMode::Staged, ReportMode::Base];

/// The most memory that a report may take, in MB.
const MEMORY_MB: f64 = 150.0;

/// What a report may take beside git when nothing changed since the last one.
const UNCHANGED: f64 = 0.05;

/// The longest that a report on a small repository may take over HTTP, in ms.
const SMALL_MS: f64 = 3.0;

/// Times of one mode.
#[derive(Default)]
struct Row {
    git: Times,
    paths: Times,
    lines: Times,
    report: Times,
    /// The whole report, with nothing changed since the last one.
    stands: Times,
    /// Over HTTP, with something changed since the last one.
    http: Times,
    /// Over HTTP, with nothing changed.
    again: Times,
}

/// Measures one repository.
pub fn measure(subject: &Subject, rounds: usize, targets: &mut Targets) {
    eprintln!("measuring {}", subject.name);
    let server = Server::start(subject);
    let standing = ReportCache::default();
    let mut rows: [Row; 3] = Default::default();
    // The first round only warms everything up.
    for round in 0..=rounds {
        for (mode, row) in MODES.into_iter().zip(&mut rows) {
            let turn = turn(subject, &standing, &server, mode);
            if round > 0 {
                let times = [
                    &mut row.git,
                    &mut row.paths,
                    &mut row.lines,
                    &mut row.report,
                    &mut row.stands,
                    &mut row.http,
                    &mut row.again,
                ];
                for (times, took) in times.into_iter().zip(turn) {
                    times.add(took);
                }
            }
        }
    }
    let (alone, serving) = (mb(ours::peak(subject)), server.peaks().map(mb));
    drop(server);
    show(subject, &rows, (alone, serving));
    compare(subject, &rows, alone, targets);
}

/// Everybody's turn.
fn turn(
    subject: &Subject,
    standing: &ReportCache,
    server: &Server,
    mode: ReportMode,
) -> [Duration; 7] {
    let git = yardstick::ask(subject, mode);
    let paths = ours::paths(subject, mode);
    let lines = ours::lines(subject, mode);
    let report = ours::report(subject, mode);
    ours::again(subject, standing, mode);
    let stands = ours::again(subject, standing, mode);
    if subject.is_ours {
        // The same bytes again: nothing to see, and nobody can know without looking.
        std::fs::write(subject.path.join("CODEOWNERS"), OWNERS).unwrap();
    }
    let http = server.report(subject, mode);
    let again = server.report(subject, mode);
    for (who, paths) in [
        ("the scan", &paths.paths),
        ("the scan with lines", &lines.paths),
        ("the report", &report.paths),
        ("the report that stands", &stands.paths),
        ("the server", &http.paths),
        ("the server, asked again,", &again.paths),
    ] {
        same(subject, mode, who, &git.paths, paths);
    }
    [git, paths, lines, report, stands, http, again].map(|answer| answer.took)
}

fn same(subject: &Subject, mode: ReportMode, who: &str, git: &Paths, ours: &Paths) {
    let apart: Vec<&String> = git.symmetric_difference(ours).take(5).collect();
    assert!(
        apart.is_empty(),
        "{}, {}: {who} and git do not name the same paths: {apart:?} …",
        subject.name,
        mode.name()
    );
}

fn mb(kib: u64) -> f64 {
    kib as f64 * 1024.0 / 1e6
}

fn show(subject: &Subject, rows: &[Row], (alone, serving): (f64, [f64; 2])) {
    let titles = [
        "mode",
        "git",
        "changed paths",
        "with lines",
        "whole report",
        "nothing changed",
        "over HTTP",
        "over HTTP, nothing changed",
    ];
    let mut table = vec![titles.map(str::to_owned).to_vec()];
    for (mode, row) in MODES.into_iter().zip(rows) {
        let times = [
            &row.git,
            &row.paths,
            &row.lines,
            &row.report,
            &row.stands,
            &row.http,
            &row.again,
        ];
        let mut cells = vec![format!(
            "`git {}`",
            yardstick::arguments(subject, mode).join(" ")
        )];
        cells.extend(times.map(Times::shown));
        table.push(cells);
    }
    print(&format!("{}: ms, median (best)", subject.name), &table);
    println!(
        "Peak memory: {alone:.0} MB for one report; after all of them {:.0} MB for the server, {:.0} MB for its reader.\n",
        serving[0], serving[1]
    );
}

fn compare(subject: &Subject, rows: &[Row; 3], alone: f64, targets: &mut Targets) {
    for (mode, row) in MODES.into_iter().zip(rows) {
        let git = row.git.median();
        let mut ratio = |who: &str, times: &Times, limit: f64| {
            let what = format!("{}, {}: {who} ÷ git", subject.name, mode.name());
            targets.at_most(what, times.median() / git, limit, "");
        };
        ratio("changed paths", &row.paths, 1.0);
        ratio("whole report over HTTP", &row.http, 1.0);
        // A small repository is read faster than git starts.
        if mode == ReportMode::Worktree && !subject.is_small {
            ratio("nothing changed", &row.stands, UNCHANGED);
            ratio("nothing changed, over HTTP", &row.again, UNCHANGED);
        }
    }
    let memory = format!("{}: peak memory of a report", subject.name);
    targets.at_most(memory, alone, MEMORY_MB, " MB");
    if subject.is_small {
        let [worktree, ..] = rows;
        let what = format!("{}: worktree over HTTP", subject.name);
        targets.at_most(what, worktree.http.median(), SMALL_MS, " ms");
    }
}
