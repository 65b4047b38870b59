//! What a writer meant as its newest word stays the newest, in whatever order its files are found.

use crate::support::{House, id, names, plan, result, timing};
use serde_json::Value;
use std::fs::{self, File};
use std::io::Write as _;
use std::time::{Duration, SystemTime};
use zhongshu::mailbox::Timing;

fn numbered(text: &str, number: u32) -> String {
    let mut report: Value = serde_json::from_str(text).unwrap();
    report["revision"] = number.into();
    report.to_string()
}

/// Drops a file whose bytes were written so long ago: a draft that lay there before it was renamed.
fn drop_draft(house: &House, name: &str, text: &str, age: Duration) {
    let incoming = house.paths().incoming;
    let draft = incoming.join(".draft.tmp");
    fs::write(&draft, text).unwrap();
    let file = File::options().write(true).open(&draft).unwrap();
    file.set_modified(SystemTime::now() - age).unwrap();
    fs::rename(&draft, incoming.join(name)).unwrap();
}

#[tokio::test]
async fn reports_that_waited_are_taken_in_the_order_of_their_renames() {
    let mut house = House::closed();
    house.planner("zhongshu-1").await;
    let session = house.department("gongchengbu-1", "zhongshu-1").await;
    drop_draft(
        &house,
        "b.json",
        &result(&session, "first"),
        Duration::from_secs(10),
    );
    // The later one was begun earlier.
    tick(&house).await;
    drop_draft(
        &house,
        "a.json",
        &result(&session, "second"),
        Duration::from_secs(100),
    );
    house.run(timing());
    let report = house.until_reported(&session, 2).await;
    assert_eq!(report.current().findings.summary, "second");
    house.stop().await;
}

/// Waits until the file system's clock, which ticks every few milliseconds, has moved on.
async fn tick(house: &House) {
    let probe = house.dir.path().join("probe");
    let now = || {
        fs::write(&probe, "").unwrap();
        fs::metadata(&probe).unwrap().modified().unwrap()
    };
    let before = now();
    house.until("the clock ticks", || now() > before).await;
}

/// What is written in place has to be quiet for so long; what is renamed counts at once.
fn patient() -> Timing {
    Timing {
        quiet: Duration::from_secs(3),
        ..timing()
    }
}

#[tokio::test]
async fn what_waits_comes_in_before_what_was_written_after_it() {
    let mut house = House::with_timing(patient()).await;
    let session = house.department("gongchengbu-1", "zhongshu-1").await;
    // Once this is taken, the folder is watched.
    let other = house.department("zhilibu-1", "zhongshu-1").await;
    house.drop_file("other.json", result(&other, "other"));
    house.until_reported(&other, 1).await;
    // Whole, but their writer has not let go of them.
    let mut held = Vec::new();
    for (name, text) in [
        ("old.json", result(&session, "old")),
        ("plan-old.json", plan("old")),
    ] {
        let mut file = File::create(house.paths().incoming.join(name)).unwrap();
        file.write_all(text.as_bytes()).unwrap();
        held.push(file);
    }
    tick(&house).await;
    house.drop_file("new.json", result(&session, "new"));
    house.drop_file("plan-new.json", plan("new"));
    let report = house.until_reported(&session, 2).await;
    house.until_empty().await;
    assert_eq!(report.revisions.len(), 2, "the older one is not lost");
    assert_eq!(report.current().findings.summary, "new");
    assert_eq!(names(&house.paths().rejected), [""; 0]);
    let plans = house.ledger.read(|state| {
        let planner = state.session(&id("zhongshu-1")).unwrap();
        planner
            .plans
            .iter()
            .map(|plan| plan.proposal.summary.clone())
            .collect::<Vec<_>>()
    });
    assert_eq!(plans, ["old", "new"]);
    // The same words once more are a new report.
    house.drop_file("again.json", result(&session, "old") + " ");
    let report = house.until_reported(&session, 3).await;
    assert_eq!(report.current().findings.summary, "old");
    house.stop().await;
}

#[tokio::test]
async fn a_writers_own_count_stands_above_the_clock() {
    let mut house = House::open().await;
    let session = house.department("gongchengbu-1", "zhongshu-1").await;
    house.drop_file("a.json", numbered(&result(&session, "third"), 3));
    house.until_reported(&session, 1).await;
    house.drop_file("b.json", numbered(&result(&session, "second"), 2));
    let reason = house.until_rejected("b.json").await;
    assert!(reason.contains("`revision` 2 comes before 3"), "{reason}");
    // The same number again is a correction.
    house.drop_file("c.json", numbered(&result(&session, "third, mended"), 3));
    let report = house.until_reported(&session, 2).await;
    assert_eq!(report.current().findings.summary, "third, mended");
    house.drop_file(
        "d.json",
        numbered(&result(&session, "odd"), 4).replace(":4", ":-4"),
    );
    let reason = house.until_rejected("d.json").await;
    assert!(
        reason.contains("revision: this must be a whole number"),
        "{reason}"
    );
    house.stop().await;
}
