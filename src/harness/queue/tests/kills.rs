//! A queue that is killed again and again, as a process of its own.

#[allow(dead_code)]
#[path = "../../../../tests/e2e/support/random.rs"]
mod random;

use super::*;
use random::Random;
use std::process::{Command, Stdio};

/// How often the process is killed in a run of the tests; `ZHONGSHU_TEST_QUEUE_KILLS` asks for more. Each takes a tenth of a second.
const KILLS: u64 = 10;
/// Jobs that have to be done once each nevertheless, before there are others.
const JOBS: usize = 24;
/// The variable that tells the process that is killed where its journal is.
const JOURNAL: &str = "ZHONGSHU_TEST_QUEUE_JOURNAL";

/// What the process does that is killed: works on the journal that it is told of until nothing is left.
#[tokio::test]
#[ignore = "is run by the test below, as a process that it kills"]
async fn works_until_nothing_is_left() {
    let Some(path) = std::env::var_os(JOURNAL) else {
        return;
    };
    let ledger = open(Path::new(&path));
    let hands = Handed::new(|run| {
        async move {
            // As long as a kill takes to come, more or less.
            let busy = run.job.id.0.bytes().map(u64::from).sum::<u64>() % 12;
            run.running("thread", Some("turn")).await?;
            tokio::time::sleep(Duration::from_millis(busy)).await;
            Ok(done(&run.job))
        }
        .boxed()
    });
    let (wake, end) = (Arc::<Notify>::default(), CancellationToken::new());
    let runner = tokio::spawn(Runner::new(ledger.clone(), wake, hands).run(end.clone()));
    let mut changes = ledger.subscribe(None).unwrap();
    while ledger.read(|state| state.jobs.active().count()) > 0 {
        changes.recv().await.unwrap();
    }
    end.cancel();
    runner.await.unwrap();
    ledger.close().await;
}

fn begin(journal: &Path) -> std::process::Child {
    Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "--ignored",
            "harness::queue::tests::kills::works_until_nothing_is_left",
        ])
        .env(JOURNAL, journal)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// What became of some jobs, and how often the process was killed over them.
#[derive(Debug, Default)]
struct Tally {
    kills: u64,
    broken_off: usize,
    done: usize,
}

/// Kills the process at most so many times while it works on new jobs, then lets it end.
fn round(most: u64, random: &mut Random) -> Tally {
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("harness.jsonl");
    let ledger = open(&journal);
    for number in 0..JOBS {
        let decide =
            move |state: &State| admit(state, wanted(number % 5), JobId::fresh(), Utc::now());
        ledger.transact_blocking("tests", decide).unwrap();
    }
    ledger.close_blocking();
    let length = || std::fs::metadata(&journal).map_or(0, |it| it.len());
    let mut kills = 0;
    while kills < most {
        let before = length();
        let mut process = begin(&journal);
        let deadline = std::time::Instant::now() + PATIENCE;
        // It has begun to write; then some moment of the next hundredths of a second.
        while length() == before && process.try_wait().unwrap().is_none() {
            assert!(std::time::Instant::now() < deadline, "it does not begin");
            std::thread::sleep(Duration::from_millis(1));
        }
        let moment = Duration::from_micros(random.below(30_000).into());
        std::thread::sleep(moment);
        if process.try_wait().unwrap().is_some() {
            break;
        }
        // Should it have ended in this moment, the count of what was broken off says so.
        let _ = process.kill();
        process.wait().unwrap();
        kills += 1;
    }
    assert!(begin(&journal).wait().unwrap().success());

    let text = std::fs::read_to_string(&journal).unwrap();
    let such = |event: &str| {
        let name = format!("\"{event}\"");
        let lines = text.lines().filter(move |line| line.contains(&name));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    for event in ["job_completed", "row_upserted"] {
        assert_eq!(such(event).len(), JOBS, "{text}");
    }
    let rows = such("row_upserted");
    let ids = rows
        .iter()
        .filter_map(|line| line.split("row-of-").nth(1)?.split('"').next());
    let ids: std::collections::BTreeSet<_> = ids.collect();
    assert_eq!(ids.len(), JOBS, "{text}");
    Tally {
        kills,
        broken_off: such("interrupted").len(),
        done: ids.len(),
    }
}

#[test]
fn killed_at_any_moment_each_job_is_done_once() {
    let wanted = std::env::var("ZHONGSHU_TEST_QUEUE_KILLS");
    let wanted = wanted.map_or(KILLS, |it| it.parse().unwrap());
    let seed = Random::seed();
    let mut random = Random::of(seed);
    let mut all = Tally::default();
    while all.kills < wanted {
        let Tally {
            kills,
            broken_off,
            done,
        } = round(wanted - all.kills, &mut random);
        assert!(kills > 0, "it ends before it can be killed");
        all.kills += kills;
        all.broken_off += broken_off;
        all.done += done;
    }
    // Whoever asks for many wants to know the figures.
    #[allow(clippy::print_stdout)]
    {
        println!("seed {seed}: {all:?}");
    }
    assert!(all.broken_off > 0, "nothing was broken off: {all:?}");
}
