//! Reports from the limited child: the same as without it, and a sentence when the child is gone.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use zhongshu::domain::report::{Report, ReportMode};
use zhongshu::gate::review;
use zhongshu::governance::judging::RulesCache;
use zhongshu::governance::render::Format;
use zhongshu::governance::report::{ReportRequest, judge};
use zhongshu::process::{Identity, Signal};
use zhongshu::reader::{COMMAND, ReadError, Reader};

use crate::report_cache::without_names;
use crate::sandbox::Sandbox;

/// Nothing here takes longer unless something is broken.
const PATIENCE: Duration = Duration::from_secs(30);

fn reader(sandbox: &Sandbox) -> Reader {
    let program = env!("CARGO_BIN_EXE_zhongshu").into();
    Reader::new(program, sandbox.repo.clone())
}

fn report(reader: &Reader, request: &ReportRequest) -> Result<Report, ReadError> {
    let json = reader.report(request, Format::Json)?;
    Ok(serde_json::from_slice(&json).unwrap())
}

/// The child that reads this repository.
fn child(sandbox: &Sandbox) -> Option<Identity> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(Identity::of).find(|process| {
        let arguments = process.arguments().unwrap_or_default();
        arguments.iter().any(|it| it == COMMAND)
            && arguments.iter().any(|it| Path::new(it) == sandbox.repo)
    })
}

#[track_caller]
fn wait_for<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A repository of some size with changes of every kind.
fn large() -> Sandbox {
    let sandbox = Sandbox::new();
    let path = |file: usize| format!("part{:02}/mod{:03}/file{file}.rs", file / 250, file / 10);
    for file in 0..2_500 {
        let text = format!("// {file}\nlet path = \"{}\";\n", "x".repeat(file % 60));
        sandbox.write(&path(file), text);
    }
    sandbox.commit_all();
    for file in (0..2_500).step_by(9) {
        sandbox.write(&path(file), format!("// {file}\ntoken = \"changed\"\n"));
    }
    sandbox.write("moved/here.rs", "// here\n");
    for file in (0..2_500).step_by(100) {
        sandbox.git(&["mv", &path(file), &format!("moved/{file}.rs")]);
    }
    sandbox.git(&["add", "part03"]);
    for file in (4..2_500).step_by(70) {
        std::fs::remove_file(sandbox.path(&path(file))).unwrap();
        sandbox.write(&format!("new/{file}.md"), "see /home/somebody/notes\n");
    }
    sandbox.write("new/.env", "KEY=1\n");
    sandbox
}

#[test]
fn what_stands_is_said_again_under_another_name() {
    let sandbox = Sandbox::new();
    sandbox.write(".env", "A=1\n");
    let reader = reader(&sandbox);
    let request = ReportRequest::default();
    // The first is made, the second written down again, the others are that one with other names.
    let reports: Vec<Report> = (0..4).map(|_| report(&reader, &request).unwrap()).collect();
    for pair in reports.windows(2) {
        assert_ne!(pair[0].id, pair[1].id);
        assert!(pair[0].generated_at < pair[1].generated_at);
        let [one, two] = [0, 1].map(|at| without_names(pair[at].clone()));
        assert_eq!(one, two);
    }
}

#[test]
fn the_child_says_what_is_said_without_it() {
    let sandbox = large();
    let reader = reader(&sandbox);
    for (mode, base) in [
        (ReportMode::Worktree, None),
        (ReportMode::Staged, None),
        (ReportMode::Base, Some("HEAD~1".to_owned())),
        // Asked again, where a report may stand.
        (ReportMode::Worktree, None),
    ] {
        let request = ReportRequest {
            mode,
            base,
            ..ReportRequest::default()
        };
        let own = judge(&sandbox.repo, &mut RulesCache::default(), &request).unwrap();
        assert!(own.changed_files.len() > 20, "{mode:?}");
        let its = report(&reader, &request).unwrap();
        assert_eq!(own.digest, its.digest, "{mode:?}");
        assert_eq!(without_names(own), without_names(its), "{mode:?}");
    }
    let request = ReportRequest::default();
    let mut bench = RulesCache::default();
    let own = review::read(&sandbox.repo, &mut bench, &request, None, &BTreeSet::new()).unwrap();
    let its = reader.review(&request, None, BTreeSet::new()).unwrap();
    assert_eq!(own.staged, its.staged);
    assert_eq!(without_names(own.report), without_names(its.report));
}

#[test]
fn the_rules_are_found_anew_each_time() {
    let sandbox = Sandbox::new();
    sandbox.write("odd.name", "x\n");
    let reader = reader(&sandbox);
    let ask = |text: &str| {
        sandbox.write("governance.yaml", text);
        let report = report(&reader, &ReportRequest::default()).unwrap();
        let rules = report.risks.into_iter().map(|risk| risk.rule);
        rules.filter(|rule| rule == "odd").count()
    };
    let odd = "risk_rules: [{name: odd, level: low, pattern: '*.name', message: odd}]\n";
    let broken = "this is no longer: [right\n";
    assert_eq!([ask(odd), ask(""), ask(odd), ask(broken)], [1, 0, 1, 0]);
}

#[test]
fn an_unknown_base_and_a_missing_repository_are_told_apart() {
    let sandbox = Sandbox::new();
    let reader = reader(&sandbox);
    let request = ReportRequest {
        mode: ReportMode::Base,
        base: Some("nowhere".to_owned()),
        ..ReportRequest::default()
    };
    let error = report(&reader, &request).unwrap_err();
    assert!(matches!(error, ReadError::UnknownRevision(_)), "{error:?}");
    std::fs::remove_dir_all(sandbox.path(".git")).unwrap();
    let error = report(&reader, &ReportRequest::default()).unwrap_err();
    assert!(matches!(error, ReadError::Refused(_)), "{error:?}");
    assert!(error.to_string().contains("is not the top folder"));
}

#[test]
fn a_child_that_was_ended_is_missed_only_by_who_asked_it() {
    let sandbox = Sandbox::new();
    let reader = reader(&sandbox);
    let request = ReportRequest::default();
    assert_eq!(child(&sandbox), None, "nothing was asked yet");
    report(&reader, &request).unwrap();
    let first = child(&sandbox).unwrap();
    assert!(first.signal(Signal::Kill));
    // Of all its threads: until the last one is gone, nobody can tell that it has ended.
    let threads = || std::fs::read_dir(format!("/proc/{}/task", first.pid)).unwrap();
    wait_for("its end", || {
        (!first.is_alive() && threads().count() == 1).then_some(())
    });
    report(&reader, &request).unwrap();
    let second = child(&sandbox).unwrap();
    assert_ne!(first, second);
    // One that is busy: a file that has to be read, and is far too large for that.
    let size = std::fs::metadata(sandbox.path("README.md")).unwrap().len();
    let file = std::fs::File::create(sandbox.path("README.md")).unwrap();
    file.set_len(size + (1 << 40)).unwrap();
    let begin = Instant::now();
    let error = std::thread::scope(|scope| {
        let asked = scope.spawn(|| report(&reader, &request).unwrap_err());
        wait_for("it to work", || {
            (processor_ticks(second) > 20).then_some(())
        });
        assert!(second.signal(Signal::Kill));
        asked.join().unwrap()
    });
    assert!(begin.elapsed() < request.time_limit, "it was waited for");
    let sentence = error.to_string();
    assert!(sentence.contains("it was ended by signal 9"), "{sentence}");
    assert!(sentence.contains("git fsck"), "{sentence}");
    sandbox.write("README.md", "short\n");
    report(&reader, &request).unwrap();
}

/// What it computed so far, in hundredths of a second.
fn processor_ticks(process: Identity) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.pid)).unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split(' ').collect();
    fields[12].parse::<u64>().unwrap() + fields[13].parse::<u64>().unwrap()
}

#[test]
fn a_child_that_stands_still_is_ended_in_time() {
    let sandbox = Sandbox::new();
    let reader = reader(&sandbox);
    let request = ReportRequest {
        time_limit: Duration::from_millis(500),
        ..ReportRequest::default()
    };
    report(&reader, &request).unwrap();
    let first = child(&sandbox).unwrap();
    assert!(first.signal(Signal::Stop));
    let begin = Instant::now();
    let sentence = report(&reader, &request).unwrap_err().to_string();
    assert!(
        sentence.contains("took longer than 1 seconds"),
        "{sentence}"
    );
    assert!(begin.elapsed() < PATIENCE / 3);
    assert!(!first.is_alive());
    report(&reader, &request).unwrap();
}

#[test]
fn a_child_ends_when_nobody_needs_it() {
    let sandbox = Sandbox::new();
    let reader = reader(&sandbox);
    assert!(!reader.wants_attention(), "nothing was started yet");
    report(&reader, &ReportRequest::default()).unwrap();
    assert!(reader.wants_attention());
    assert!(!reader.wants_attention(), "one is enough");
    let hour = Duration::from_secs(3600);
    assert!(reader.end_unused(hour).unwrap() <= hour);
    let first = child(&sandbox).unwrap();
    assert_eq!(reader.end_unused(Duration::ZERO), None);
    assert!(!first.is_alive());
    report(&reader, &ReportRequest::default()).unwrap();
    assert!(reader.wants_attention());
    let second = child(&sandbox).unwrap();
    drop(reader);
    assert!(!second.is_alive());
}

#[test]
fn a_child_may_take_only_so_much() {
    let sandbox = Sandbox::new();
    let reader = reader(&sandbox);
    report(&reader, &ReportRequest::default()).unwrap();
    let child = child(&sandbox).unwrap();
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", child.pid)).unwrap();
    let limit = |name: &str| {
        let line = limits.lines().find(|line| line.starts_with(name)).unwrap();
        line[name.len()..].split_whitespace().next().unwrap()
    };
    assert_eq!(limit("Max data size"), (1_u64 << 30).to_string());
    assert_eq!(limit("Max file size"), "0");
    assert_eq!(limit("Max core file size"), "0");
    assert_eq!(limit("Max open files"), "1024");
    assert!(limit("Max cpu time").parse::<u64>().unwrap() <= 30);
}
