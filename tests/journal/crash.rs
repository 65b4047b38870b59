//! Processes that are killed or run out of disk in the middle of writing.
//!
//! The child is this very test binary, running one of the ignored tests below.

use super::*;
use std::collections::BTreeSet;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

const DIR: &str = "ZHONGSHU_TEST_JOURNAL_DIR";

pub fn child(test: &str, dir: &Path, wrap: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    command
        .arg("-c")
        .arg(format!("{wrap} exec \"$@\""))
        .arg("sh")
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--ignored", "--nocapture"])
        .env(DIR, dir)
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    command
}

/// Runs a child to its end, which it must reach.
#[track_caller]
pub fn finish(mut child: Command) {
    let output = child.stderr(Stdio::piped()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && text.contains("child done"),
        "{text}\n{errors}"
    );
}

pub fn place_from_env() -> Option<(PathBuf, PathBuf)> {
    let dir = PathBuf::from(std::env::var_os(DIR)?);
    Some((dir.join("journal.jsonl"), dir.join("audit.jsonl")))
}

#[test]
#[ignore = "the child of killed_at_any_moment; writes until it is killed"]
fn child_writes_until_killed() {
    let Some((journal, copy)) = place_from_env() else {
        return;
    };
    let opened = Journal::open::<Hall>(&journal, Some(&copy), &system_clock()).unwrap();
    assert_eq!(opened.corrupt, None);
    let ledger = Ledger::start(opened, system_clock()).unwrap();
    let writers: Vec<_> = (0..6)
        .map(|_| {
            let ledger = ledger.clone();
            std::thread::spawn(move || {
                // Far more than fits into the time until the kill.
                for n in 0..1_000_000_u64 {
                    let acked = ledger.transact_blocking("child", move |hall: &Hall| {
                        let seq = hall.last_seq + 1;
                        Ok::<_, ()>((
                            vec![said(format!("{seq}:{}", "z".repeat(n as usize % 900)))],
                            seq,
                        ))
                    });
                    println!("ack {}", acked.unwrap());
                }
            })
        })
        .collect();
    for writer in writers {
        writer.join().unwrap();
    }
}

/// Ends the child also when the test fails.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[test]
fn killed_at_any_moment_fifty_times_nothing_acknowledged_is_lost() {
    let dir = TempDir::new().unwrap();
    let mut acked = BTreeSet::new();
    let (mut torn, mut before) = (0, 0);
    for round in 0..50_u8 {
        let mut random = [0; 2];
        getrandom::fill(&mut random).unwrap();
        let patience = u16::from_le_bytes(random) % 400;
        let mut command = child("crash::child_writes_until_killed", dir.path(), "");
        let mut running = Killed(command.spawn().unwrap());
        let mut lines = BufReader::new(running.0.stdout.take().unwrap()).lines();
        let mut seen = 0;
        while seen < patience.max(1) {
            let line = lines.next().expect("the child ended by itself").unwrap();
            if let Some(seq) = line.strip_prefix("ack ") {
                acked.insert(seq.parse::<u64>().unwrap());
                seen += 1;
            }
        }
        drop(running);
        // What it had said before it died but we had not read yet; the last line may be cut.
        for line in lines.map_while(Result::ok) {
            if let Some(seq) = line.strip_prefix("ack ") {
                acked.extend(seq.parse::<u64>().ok().filter(|seq| *seq > before));
            }
        }
        let journal = dir.path().join("journal.jsonl");
        let copy = dir.path().join("audit.jsonl");
        let opened = Journal::open::<Hall>(&journal, Some(&copy), &system_clock()).unwrap();
        assert_eq!(opened.corrupt, None, "round {round}");
        torn += u32::from(opened.torn.is_some());
        assert!(opened.last_seq >= before + u64::from(patience.max(1)));
        before = opened.last_seq;
        let present: BTreeSet<u64> = opened.state.said.iter().map(|(seq, _)| *seq).collect();
        for seq in &acked {
            assert!(
                present.contains(seq),
                "round {round}: acknowledged {seq} is lost"
            );
        }
        for (seq, text) in &opened.state.said {
            assert!(
                text.starts_with(&format!("{seq}:")),
                "decided against a stale state"
            );
        }
        assert!(!matches!(
            opened.copy,
            CopyOutcome::Diverged { .. } | CopyOutcome::Failed { .. }
        ));
        drop(opened);
        assert!(verify(&journal, Some(&copy)).unwrap().is_sound());
    }
    println!(
        "{} acknowledged, {before} in the journal, {torn} torn tails",
        acked.len()
    );
}

#[test]
#[ignore = "the child of a_full_disk; needs a file size limit and SIGXFSZ ignored"]
fn child_fills_its_disk() {
    let Some((journal, copy)) = place_from_env() else {
        return;
    };
    let opened = Journal::open::<Hall>(&journal, Some(&copy), &system_clock()).unwrap();
    let ledger = Ledger::start(opened, system_clock()).unwrap();
    let say = |text: &str| {
        let event = said(text);
        ledger.transact_blocking("child", move |_| Ok::<_, ()>((vec![event], ())))
    };
    let mut acked = 0;
    let refused = loop {
        match say(&"q".repeat(700)) {
            Ok(()) => acked += 1,
            Err(error) => break error,
        }
        assert!(acked < 10_000, "the limit does not work");
    };
    let TransactError::ReadOnly { reason } = &refused else {
        panic!("{refused:?}")
    };
    assert!(
        reason.starts_with("the disk that holds the journal is full"),
        "{reason}"
    );
    assert!(matches!(
        ledger.status().borrow().health,
        Health::ReadOnly {
            may_resume: true,
            ..
        }
    ));
    assert!(acked > 3);
    // Nothing of the refused record is anywhere, and reading goes on.
    assert_eq!(ledger.snapshot_seq(), acked);
    assert_eq!(ledger.read(|hall| hall.said.len() as u64), acked);
    let report = verify(&journal, None).unwrap();
    assert!(report.is_sound(), "{report:?}");
    assert_eq!(report.records, acked);
    assert_eq!(ledger.tail(0, 10_000).unwrap().lines.len() as u64, acked);
    // A refusal works in the meantime, a change still does not.
    let no = ledger.transact_blocking("child", |_| Err::<(Vec<Happening>, ()), _>("no"));
    assert_eq!(no, Err(TransactError::Refused("no")));
    assert!(matches!(
        say(&"q".repeat(700)),
        Err(TransactError::ReadOnly { .. })
    ));
    // Room again: it goes on without a restart.
    let limit = getrlimit(Resource::Fsize);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    setrlimit(Resource::Fsize, raised).unwrap();
    say("room again").unwrap();
    assert_eq!(ledger.status().borrow().health, Health::Writable);
    assert_eq!(ledger.snapshot_seq(), acked + 1);
    ledger.close_blocking();
    let report = verify(&journal, Some(&copy)).unwrap();
    assert!(report.is_sound(), "{report:?}");
    assert_eq!(report.records, acked + 1);
    println!("child done");
}

#[test]
fn a_full_disk_refuses_changes_keeps_reading_and_resumes_by_itself() {
    let dir = TempDir::new().unwrap();
    // The unit is 512 or 1024 bytes, depending on the shell.
    finish(child(
        "crash::child_fills_its_disk",
        dir.path(),
        "trap '' XFSZ; ulimit -S -f 21;",
    ));
}
