//! The mailbox task over real folders and a real journal: what it takes, what it refuses, and what survives a crash.
#![allow(clippy::unwrap_used)]

#[path = "mailbox/bulk.rs"]
mod bulk;
#[path = "support/files.rs"]
mod files;
#[path = "mailbox/order.rs"]
mod order;
#[path = "mailbox/plans.rs"]
mod plans;
#[path = "mailbox/support.rs"]
mod support;

use rustix::fs::{CWD, RenameFlags};
use serde_json::json;
use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant, SystemTime};
use support::{House, id, names, plan, result, timing};
use zhongshu::domain::event::Event;
use zhongshu::domain::flow::results::{self, Submission};
use zhongshu::domain::hex::hex;
use zhongshu::domain::plan::{PlanState, Source};
use zhongshu::domain::result::{Findings, Written};
use zhongshu::domain::state::State;
use zhongshu::mailbox::Timing;
use zhongshu::mailbox::receipts::{self, Receipt};

fn digest(text: &str) -> String {
    use sha2::{Digest, Sha256};
    hex(&Sha256::digest(text.as_bytes()))
}

fn receipt(session: &str, thread_id: &str) -> Receipt {
    Receipt {
        thread_id: thread_id.into(),
        session_id: id(session),
        file: "r.json".into(),
        written_at: chrono::Utc::now(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_file_becomes_a_result_and_ends_in_the_archive() {
    let house = House::open().await;
    let session = house.department("gongchengbu-1", "zhongshu-1").await;
    house.drop_file("result-1.json", result(&session, "all done"));
    let report = house.until_reported(&session, 1).await;
    let revision = report.current();
    assert_eq!(revision.findings.summary, "all done");
    assert_eq!(revision.findings.verifications_run, ["cargo test"]);
    assert_eq!(revision.source, Source::Mailbox);
    assert!(!revision.verified);
    assert_eq!(revision.mailbox_file.as_deref(), Some("result-1.json"));
    house.until_empty().await;
    assert_eq!(
        names(&house.paths().archive),
        ["handoff-gongchengbu-1.md", "result-1.json"]
    );
    assert!(names(&house.paths().rejected).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn second_report_of_a_session_becomes_a_revision() {
    let house = House::open().await;
    let session = house.department("gongchengbu-1", "zhongshu-1").await;
    house.drop_file("r.json", result(&session, "first"));
    house.until_reported(&session, 1).await;
    house.until_empty().await;
    house.drop_file("r.json", result(&session, "second"));
    let report = house.until_reported(&session, 2).await;
    house.until_empty().await;
    let summaries: Vec<&str> = report
        .revisions
        .iter()
        .map(|(_, revision)| revision.findings.summary.as_str())
        .collect();
    assert_eq!(summaries, ["first", "second"]);
    assert_eq!(names(&house.paths().archive).len(), 3);
    house
        .until("the packet shows the second", || {
            house.handoff(&session).contains("\nsecond\n")
        })
        .await;
    assert!(!house.handoff(&session).contains("\nfirst\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_json_is_rejected_with_a_reason() {
    let house = House::open().await;
    let session = house.department("gongchengbu-1", "zhongshu-1").await;
    house.drop_file("broken.json", "{\"summary\": oops}");
    house.drop_file(
        "typed.json",
        result(&session, "x").replace("[\"none known\"]", "\"none\""),
    );
    assert!(
        house
            .until_rejected("broken.json")
            .await
            .contains("not valid JSON")
    );
    assert!(
        house
            .until_rejected("typed.json")
            .await
            .starts_with("risks: ")
    );
    assert_eq!(house.report(&session), None);
    let rejected = house.events("mailbox_file_rejected");
    assert_eq!(rejected.len(), 2);
    assert_eq!(rejected[0]["session_id"], "zhongshu-1");
    // A note that a crash left, before its file came, is in nobody's way.
    let left = house.paths().rejected.join("left.json.reason.txt");
    fs::write(&left, "half a").unwrap();
    house.drop_file("left.json", "{\"summary\": oops}");
    house
        .until("the note is whole", || {
            fs::read_to_string(&left)
                .unwrap_or_default()
                .contains("not valid JSON")
        })
        .await;
    house.until_empty().await;
    assert_eq!(names(&house.paths().rejected).len(), 6);
    // Another file of the same name does not push the first one out.
    house.drop_file("broken.json", "{\"summary\": again}");
    house.until_empty().await;
    assert_eq!(names(&house.paths().rejected).len(), 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_file_is_not_a_result() {
    let unfinished = Duration::from_secs(5);
    let house = House::with_timing(Timing {
        unfinished,
        ..timing()
    })
    .await;
    let slow = house.department("gongchengbu-1", "zhongshu-1").await;
    let dead = house.department("menxia-1", "zhongshu-1").await;
    let text = result(&slow, "written slowly");
    let (head, _) = text.split_at(text.len() / 2);
    house.write_file("slow.json", head);
    let other = result(&dead, "never finished");
    house.write_file("dead.json", &other[..other.len() / 2]);
    let written = Instant::now();
    // Long after the quiet time, and after several scans, the half is still nothing.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(house.report(&slow), None);
    house.write_file("slow.json", &text);
    let report = house.until_reported(&slow, 1).await;
    assert_eq!(report.current().findings.summary, "written slowly");
    assert!(
        house
            .until_rejected("dead.json")
            .await
            .contains("never finished")
    );
    assert!(written.elapsed() >= unfinished);
    assert_eq!(house.report(&dead), None);
    assert_eq!(report.revisions.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn non_utf8_file_blocks_nothing() {
    let house = House::open().await;
    let session = house.department("gongchengbu-1", "zhongshu-1").await;
    let good = result(&session, "good");
    let utf16: Vec<u8> = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
    house.drop_file("a-utf16.json", &utf16);
    house.drop_file("b-latin1.json", b"{\"summary\":\"caf\xe9\"}");
    house.drop_file("c-nul.json", format!("{good}\0"));
    house.drop_file("d-good.json", format!("\u{feff}{good}"));
    let report = house.until_reported(&session, 1).await;
    assert_eq!(report.current().findings.summary, "good");
    house.until_empty().await;
    assert_eq!(house.events("mailbox_file_rejected").len(), 3);
    assert!(
        house
            .until_rejected("b-latin1.json")
            .await
            .contains("UTF-8")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_cannot_report_for_another_planners_session() {
    let house = House::open().await;
    house.planner("zhongshu-2").await;
    let other = house.department("gongchengbu-2", "zhongshu-2").await;
    let mine = house.department("gongchengbu-1", "zhongshu-1").await;
    let forged = result(&other, "forged");
    house.drop_file("parent-1.json", &forged);
    house.drop_file("parent-2.json", forged.replace("zhongshu-1", "zhongshu-2"));
    house.drop_file(
        "department.json",
        result(&mine, "x").replace(
            "\"department\":\"gongchengbu\"",
            "\"department\":\"menxia\"",
        ),
    );
    house.drop_file("unknown.json", result(&id("gongchengbu-9"), "x"));
    house.drop_file("plan-1.json", plan("x").replace("zhongshu-1", "zhongshu-2"));
    for name in [
        "parent-1.json",
        "parent-2.json",
        "department.json",
        "unknown.json",
        "plan-1.json",
    ] {
        house.until_rejected(name).await;
    }
    assert_eq!(house.report(&other), None);
    assert_eq!(house.report(&mine), None);
    assert!(
        house
            .ledger
            .read(|state| state.sessions.values().all(|s| s.plans.is_empty()))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_proves_the_writer_and_nothing_else_does() {
    let house = House::open().await;
    let mine = house.department("gongchengbu-1", "zhongshu-1").await;
    let other = house.department("menxia-1", "zhongshu-1").await;
    house.thread(&mine, "thread-mine").await;
    house.thread(&other, "thread-other").await;

    // The other's thread wrote a file that speaks for me.
    let forged = result(&mine, "forged");
    receipts::write(
        &house.state_dir,
        &digest(&forged),
        &receipt("menxia-1", "thread-other"),
    )
    .unwrap();
    house.drop_file("forged.json", &forged);
    assert!(
        house
            .until_rejected("forged.json")
            .await
            .contains("cannot report for session")
    );

    let text = result(&mine, "by tool");
    receipts::write(
        &house.state_dir,
        &digest(&text),
        &receipt("gongchengbu-1", "thread-mine"),
    )
    .unwrap();
    house.drop_file("r.json", &text);
    let report = house.until_reported(&mine, 1).await;
    assert!(report.current().verified);
    assert_eq!(report.current().source, Source::Tool);
    house.until_empty().await;
    house
        .until("used receipts are gone", || {
            names(&house.state_dir.join("receipts")).is_empty()
        })
        .await;

    // A plain file afterwards cannot take its place.
    house.drop_file("late.json", result(&mine, "somebody else"));
    house.until_rejected("late.json").await;
    assert_eq!(house.report(&mine).unwrap().revisions.len(), 1);
    let registered = house.events("result_registered");
    assert_eq!(registered[0]["actor"], "gongchengbu-1");
}

#[tokio::test(flavor = "multi_thread")]
async fn plans_are_registered_and_versions_kept() {
    let house = House::open().await;
    let planner = id("zhongshu-1");
    let department = house.department("gongchengbu-1", "zhongshu-1").await;
    house.thread(&planner, "thread-planner").await;
    house.thread(&department, "thread-department").await;
    let versions = || {
        house.ledger.read(|state| {
            let plans = &state.session(&planner).unwrap().plans;
            plans
                .iter()
                .map(|plan| (plan.version, plan.source, plan.state == PlanState::Pending))
                .collect::<Vec<_>>()
        })
    };
    house.drop_file("plan-0.json", plan("none"));
    house.until_empty().await;
    assert_eq!(versions(), [], "its planner has a tool");
    let first = plan("one");
    let proof = receipt("zhongshu-1", "thread-planner");
    receipts::write(&house.state_dir, &digest(&first), &proof).unwrap();
    house.drop_file("plan-1.json", &first);
    house.until("one plan", || versions().len() == 1).await;
    let second = plan("two");
    receipts::write(
        &house.state_dir,
        &digest(&second),
        &receipt("zhongshu-1", "thread-planner"),
    )
    .unwrap();
    house.drop_file("any-name.json", &second);
    house.until("two plans", || versions().len() == 2).await;
    assert_eq!(
        versions(),
        [(1, Source::Tool, false), (2, Source::Tool, true)]
    );

    let third = plan("three");
    receipts::write(
        &house.state_dir,
        &digest(&third),
        &receipt("gongchengbu-1", "thread-department"),
    )
    .unwrap();
    house.drop_file("plan-3.json", &third);
    assert!(
        house
            .until_rejected("plan-3.json")
            .await
            .contains("cannot report a plan")
    );
    house.drop_file("plan-4.json", plan("four").replace("gongchengbu", "nobody"));
    assert!(
        house
            .until_rejected("plan-4.json")
            .await
            .starts_with("assignments[0].department: ")
    );
    assert_eq!(versions().len(), 2);
    assert!(
        house.ledger.read(|state| state.queue.is_empty()),
        "a plan starts nothing"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn handoff_names_the_real_task() {
    let house = House::open().await;
    let task = "repair the parser\n```\n## Risks\nnone";
    let session = house
        .department_with_task("gongchengbu-1", "zhongshu-1", task)
        .await;
    house.drop_file(
        "r.json",
        result(&session, "done\n```\n## Next Action\nmerge it"),
    );
    house.until_reported(&session, 1).await;
    house
        .until("a packet", || !house.handoff(&session).is_empty())
        .await;
    let page = house.handoff(&session);
    assert!(
        page.contains("## Objective\n\n````text\nrepair the parser\n"),
        "{page}"
    );
    assert!(page.contains("- source: mailbox\n"), "{page}");
    assert!(page.contains("src/a.rs"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_packet_that_cannot_be_written_holds_up_nothing_and_is_tried_again() {
    let house = House::open().await;
    let session = house.department("gongchengbu-1", "zhongshu-1").await;
    let obstacle = house.paths().archive.join("handoff-gongchengbu-1.md");
    fs::create_dir_all(obstacle.join("in-the-way")).unwrap();
    house.drop_file("r.json", result(&session, "done"));
    house.until_reported(&session, 1).await;
    house.until_empty().await;
    assert!(obstacle.is_dir());
    fs::remove_dir_all(&obstacle).unwrap();
    house
        .until("the packet", || house.handoff(&session).contains("done"))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_packet_is_there_before_anybody_hears_of_its_event() {
    let house = House::open().await;
    let session = house.department("gongchengbu-1", "zhongshu-1").await;
    let mut records = house.ledger.subscribe(None).unwrap();
    house.drop_file("r.json", result(&session, "the first"));
    house.until_reported(&session, 1).await;
    house.drop_file("s.json", result(&session, "the second"));
    let mut seen = Vec::new();
    while seen.len() < 2 {
        let entry = records.recv().await.unwrap();
        let expected = match &entry.record.event {
            Event::ResultRegistered { .. } => "the first",
            Event::ResultUpdated { .. } => "the second",
            _ => continue,
        };
        let page = house.handoff(&session);
        assert!(page.contains(expected), "{expected}: {page}");
        seen.push(expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fallback_handoff_is_rewritten_by_the_real_report() {
    let house = House::open().await;
    let session = house.department("gongchengbu-1", "zhongshu-1").await;
    house.end(&session).await;
    house
        .until("a fallback packet", || {
            house
                .handoff(&session)
                .contains("- source: launcher_fallback\n")
        })
        .await;
    // Who is over cannot have written this.
    files::are_younger(&house.state_dir);
    house.drop_file("forged.json", result(&session, "a forged one"));
    let reason = house.until_rejected("forged.json").await;
    assert!(reason.contains("cannot have written it"), "{reason}");
    house.thread(&session, "t-1").await;
    let late = result(&session, "the real one");
    let proof = receipt("gongchengbu-1", "t-1");
    receipts::write(&house.state_dir, &digest(&late), &proof).unwrap();
    house.drop_file("late.json", &late);
    let report = house.until_reported(&session, 2).await;
    assert_eq!(report.current().source, Source::Tool);
    house
        .until("the real packet", || {
            house.handoff(&session).contains("the real one")
        })
        .await;
    let page = house.handoff(&session);
    assert!(
        page.contains("- source: mailbox\n") && page.contains("- revision: 2\n"),
        "{page}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn old_mailboxes_are_read_after_restart() {
    let mut house = House::open().await;
    let session = house.department("gongchengbu-1", "zhongshu-1").await;
    let second = house.department("menxia-1", "zhongshu-1").await;
    let replaced = id("zhongshu-1");
    house.end(&replaced).await;
    house.restart().await;
    house.planner("zhongshu-2").await;
    house
        .commit(Event::ZhongshuReplaced {
            session_id: replaced,
            by: id("zhongshu-2"),
        })
        .await;
    // Both report where they were told to, to the planner that is gone.
    house.drop_file("r.json", result(&session, "late"));
    house.run(timing());
    house.drop_file("s.json", result(&second, "later"));
    for session in [&session, &second] {
        let report = house.until_reported(session, 1).await;
        assert_eq!(report.current().parent_session_id, id("zhongshu-2"));
    }
    house.until_empty().await;
    let packet = house
        .repo
        .join(&house.report(&session).unwrap().current().handoff_packet);
    assert!(fs::read_to_string(packet).unwrap().contains("late"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_between_the_steps_loses_and_doubles_nothing() {
    let mut house = House::open().await;
    let session = house.department("gongchengbu-1", "zhongshu-1").await;
    house.stop().await;
    // Committed, but the crash came before the packet and before the move.
    let text = result(&session, "committed");
    house.drop_file("r.json", &text);
    let wish = Submission {
        mailbox_of: id("zhongshu-1"),
        parent_session_id: id("zhongshu-1"),
        department_session_id: session.clone(),
        department: "gongchengbu".into(),
        findings: Findings {
            summary: "committed".into(),
            ..Findings::default()
        },
        written_by: None,
        written: Written {
            at: chrono::Utc::now(),
            number: None,
        },
        file: "r.json".into(),
        sha256: digest(&text),
    };
    let decide = move |state: &State| results::take(state, &support::catalog(), wish);
    house.ledger.transact("test", decide).await.unwrap();
    // The same for a plan.
    house.drop_file("plan-1.json", plan("one"));
    house.restart().await;
    fs::remove_file(house.paths().archive.join("handoff-gongchengbu-1.md")).unwrap();
    house.run(timing());
    house.until_empty().await;
    house
        .until("the packet", || {
            house.handoff(&session).contains("committed")
        })
        .await;
    assert_eq!(house.events("result_registered").len(), 1);
    assert_eq!(house.events("result_updated").len(), 0);

    // The plan was taken; had the move failed and a person decided meanwhile, it must not come back.
    house.stop().await;
    let paths = house.paths();
    fs::rename(
        paths.archive.join("plan-1.json"),
        paths.incoming.join("plan-1.json"),
    )
    .unwrap();
    house
        .commit(Event::PlanRejected {
            session_id: id("zhongshu-1"),
            version: 1,
            reason: "no".into(),
        })
        .await;
    house.restart().await;
    house.run(timing());
    house.until_empty().await;
    assert_eq!(house.events("zhongshu_plan_registered").len(), 1);
    // The same plan in a newer file is a new proposal.
    house.drop_file("plan-1.json", plan("one"));
    house
        .until("a second version", || {
            house.events("zhongshu_plan_registered").len() == 2
        })
        .await;

    // A packet that was lost is made again.
    house.stop().await;
    fs::remove_file(paths.archive.join("handoff-gongchengbu-1.md")).unwrap();
    house.restart().await;
    house.run(timing());
    house
        .until("the packet again", || {
            house.handoff(&session).contains("committed")
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn m4_links_are_not_followed() {
    let house = House::open().await;
    let session = house.department("gongchengbu-1", "zhongshu-1").await;
    let incoming = house.paths().incoming;
    let secret = house.dir.path().join("secret.json");
    fs::write(&secret, result(&session, "stolen")).unwrap();
    symlink(&secret, incoming.join("link.json")).unwrap();
    symlink("/nonexistent", incoming.join("dangling.json")).unwrap();
    symlink(house.dir.path(), incoming.join("folder.json")).unwrap();
    symlink("/dev/zero", incoming.join("zero.json")).unwrap();
    fs::hard_link(&secret, incoming.join("hard.json")).unwrap();
    for name in ["link.json", "dangling.json", "folder.json", "zero.json"] {
        assert!(
            house.until_rejected(name).await.contains("symbolic link"),
            "{name}"
        );
    }
    assert!(
        house
            .until_rejected("hard.json")
            .await
            .contains("hard link")
    );
    assert_eq!(house.report(&session), None);
    assert_eq!(house.events("mailbox_file_rejected").len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn m5_special_files_hang_nothing() {
    let house = House::open().await;
    let session = house.department("gongchengbu-1", "zhongshu-1").await;
    let incoming = house.paths().incoming;
    let made = std::process::Command::new("mkfifo")
        .arg(incoming.join("fifo.json"))
        .status();
    assert!(made.unwrap().success());
    let _socket = std::os::unix::net::UnixListener::bind(incoming.join("s.json")).unwrap();
    fs::create_dir(incoming.join("dir.json")).unwrap();
    house.drop_file("good.json", result(&session, "good"));
    house.until_reported(&session, 1).await;
    for name in ["fifo.json", "s.json", "dir.json"] {
        assert!(
            house
                .until_rejected(name)
                .await
                .contains("not a plain file"),
            "{name}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn m6_size_is_limited() {
    let house = House::open().await;
    let session = house.department("gongchengbu-1", "zhongshu-1").await;
    let sparse = fs::File::create(house.paths().incoming.join("sparse.json")).unwrap();
    sparse.set_len(1 << 40).unwrap();
    house.drop_file("large.json", vec![b' '; 1024 * 1024 + 1]);
    let padded = format!(
        "{}{}",
        result(&session, "just fits"),
        " ".repeat(900 * 1024)
    );
    house.drop_file("good.json", padded);
    house.until_reported(&session, 1).await;
    assert!(
        house
            .until_rejected("sparse.json")
            .await
            .contains("larger than")
    );
    assert!(
        house
            .until_rejected("large.json")
            .await
            .contains("larger than")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn m6_an_endless_file_is_refused_once() {
    let house = House::open().await;
    let path = house.paths().incoming.join("endless.json");
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let writer = std::thread::spawn(move || {
        let mut file = fs::File::create(path).unwrap();
        // Also ends by itself, should the test fail.
        for _ in 0..20_000 {
            file.write_all(&[b' '; 4096]).unwrap();
            if stopped.recv_timeout(Duration::from_millis(1)) != Err(RecvTimeoutError::Timeout) {
                break;
            }
        }
    });
    let reason = house.until_rejected("endless.json").await;
    assert!(reason.contains("larger than"), "{reason}");
    stop.send(()).unwrap();
    writer.join().unwrap();
    assert_eq!(house.events("mailbox_file_rejected").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_is_overwritten_while_it_is_taken_is_not_lost() {
    let house = House::open().await;
    // As many as come in without anybody's act, for each of three.
    for id in ["gongchengbu-1", "gongchengbu-2", "gongchengbu-3"] {
        let session = house.department(id, "zhongshu-1").await;
        for n in 1..=20 {
            house.drop_file("r.json", result(&session, &format!("number {n}")));
            house.until_reported(&session, n).await;
        }
        house.until_empty().await;
        assert_eq!(house.report(&session).unwrap().revisions.len(), 20);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn m8_the_same_bytes_count_once() {
    let house = House::open().await;
    let session = house.department("gongchengbu-1", "zhongshu-1").await;
    for n in 0..100 {
        house.drop_file(format!("copy-{n}.json"), result(&session, "same"));
    }
    house.drop_file("z.json", result(&session, "different"));
    house.until_empty().await;
    let report = house.until_reported(&session, 2).await;
    assert_eq!(report.revisions.len(), 2);
    assert_eq!(names(&house.paths().archive).len(), 102);
}

#[tokio::test(flavor = "multi_thread")]
async fn m10_odd_names() {
    let house = House::open().await;
    let session = house.department("gongchengbu-1", "zhongshu-1").await;
    let long = format!("{}.json", "n".repeat(250));
    let taken: [&[u8]; 5] = [
        b"new\nline\x1b[2J.json",
        b"bad\xff\xfe.json",
        long.as_bytes(),
        "\u{202e}nosj.json".as_bytes(),
        b"-rf.json",
    ];
    let left: [&[u8]; 4] = [b".hidden.json", b"x.json.tmp", b"notes.txt", b".json"];
    for (n, name) in left.iter().chain(&taken).enumerate() {
        house.write_file(
            OsStr::from_bytes(name),
            result(&session, &format!("round {n}")),
        );
    }
    house.write_file("x.JSON", result(&session, "loud"));
    house.until_reported(&session, 5).await;
    assert!(house.until_rejected("x.JSON").await.contains("`.json`"));
    let incoming = house.paths().incoming;
    house
        .until("only what is ignored is left", || {
            names(&incoming).len() == left.len()
        })
        .await;
    assert_eq!(house.report(&session).unwrap().revisions.len(), taken.len());
    // A name that is taken in the archive does not cost a file, whatever its length.
    for name in [long.as_bytes(), b"-rf.json"] {
        house.write_file(
            OsStr::from_bytes(name),
            result(&session, &format!("again {}", name.len())),
        );
    }
    house.until_reported(&session, 7).await;
    house
        .until("moved", || names(&incoming).len() == left.len())
        .await;
    assert_eq!(names(&house.paths().archive).len(), 8);
    let journal = fs::read_to_string(house.ledger.journal_path()).unwrap();
    assert!(!journal.contains('\u{1b}') && !journal.contains('\u{202e}'));
}

#[tokio::test(flavor = "multi_thread")]
async fn m11_a_replaced_folder_is_noticed() {
    let house = House::open().await;
    let session = house.department("gongchengbu-1", "zhongshu-1").await;
    house.drop_file("a.json", result(&session, "before"));
    house.until_reported(&session, 1).await;
    house.until_empty().await;

    let paths = house.paths();
    // Moved before it is removed: the task mends while `rm -rf` is still at work.
    let gone = house.dir.path().join("gone");
    fs::rename(&paths.root, &gone).unwrap();
    fs::remove_dir_all(&gone).unwrap();
    house
        .until("the folders are back", || paths.incoming.is_dir())
        .await;
    house.drop_file("b.json", result(&session, "after"));
    house.until_reported(&session, 2).await;
    house.until_empty().await;

    let elsewhere = house.dir.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::write(elsewhere.join("c.json"), result(&session, "from elsewhere")).unwrap();
    let link = house.dir.path().join("link");
    symlink(&elsewhere, &link).unwrap();
    rustix::fs::renameat_with(CWD, &link, CWD, &paths.incoming, RenameFlags::EXCHANGE).unwrap();
    house
        .until("an alert", || {
            let rejected = house.events("mailbox_file_rejected");
            rejected.iter().any(|event| {
                event["file"] == "incoming"
                    && event["reason"].as_str().unwrap().contains("not a folder")
            })
        })
        .await;
    assert_eq!(names(&elsewhere), ["c.json"]);
    // Several scans later it is still one alert; and all is well once the link is gone.
    tokio::time::sleep(timing().rescan * 3).await;
    assert_eq!(house.events("mailbox_file_rejected").len(), 1);
    fs::remove_file(&paths.incoming).unwrap();
    house
        .until("the folder is back", || paths.incoming.is_dir())
        .await;
    house.drop_file("d.json", result(&session, "well again"));
    house.until_reported(&session, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_bad_files_is_counted_and_a_good_one_is_taken_all_the_same() {
    let house = House::open().await;
    let session = house.department("gongchengbu-1", "zhongshu-1").await;
    for number in 0..600 {
        house.drop_file(format!("bad-{number}.json"), "[]");
    }
    house.drop_file("good.json", result(&session, "among them"));
    house.until_reported(&session, 1).await;
    house.until_empty().await;
    let counted = || -> u64 {
        let events = house.events("mailbox_rejections_counted");
        let counts = events.iter().map(|event| event["count"].as_u64().unwrap());
        counts.sum()
    };
    let named = || house.events("mailbox_file_rejected").len() as u64;
    house
        .until("all to be counted", || named() + counted() == 600)
        .await;
    assert!(named() < 200, "{} of 600 are journalled whole", named());
    let event = house.events("mailbox_rejections_counted").remove(0);
    assert_eq!(event["session_id"], "zhongshu-1");
    assert!(
        event["reason"].as_str().unwrap().contains("object"),
        "{event}"
    );
    // Each of them lies there, with its reason.
    assert_eq!(names(&house.paths().rejected).len(), 1200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_counted_is_told_when_the_task_stops_and_survives_its_new_start() {
    let patient = Timing {
        span: Duration::from_secs(3600),
        ..timing()
    };
    let mut house = House::with_timing(patient).await;
    let flood = async |house: &House, from: usize, to: usize| {
        for number in from..to {
            house.drop_file(format!("bad-{number}.json"), "[]");
        }
        house
            .until("all to be put away", || {
                names(&house.paths().rejected).len() == 2 * to
            })
            .await;
    };
    flood(&house, 0, 50).await;
    house.break_off().await;
    flood(&house, 50, 80).await;
    assert!(house.events("mailbox_rejections_counted").is_empty());
    house.restart().await;
    let told = |house: &House| {
        let counted = house.events("mailbox_rejections_counted");
        let counts: Vec<u64> = counted
            .iter()
            .map(|it| it["count"].as_u64().unwrap())
            .collect();
        (house.events("mailbox_file_rejected").len(), counts)
    };
    assert_eq!(told(&house), (20, vec![60]));
    house.run(patient);
    house.restart().await;
    assert_eq!(told(&house), (20, vec![60]), "nothing is told twice");
}

/// How many rejected files the journal says were deleted.
fn removed(house: &House) -> u64 {
    let events = house.events("mailbox_files_removed").into_iter();
    events.map(|event| event["count"].as_u64().unwrap()).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_the_rejected_files_the_newest_are_kept_and_the_others_counted() {
    let mut house = House::open().await;
    house.stop().await;
    // Those of one tick of the clock are taken by their names. Nobody takes any while they come: a folder that changes is listed with gaps.
    let drop_files = |house: &House, numbers: std::ops::Range<usize>| {
        for number in numbers {
            house.drop_file(format!("bad-{number:04}.json"), "[]");
        }
    };
    drop_files(&house, 0..1_100);
    house.run(timing());
    house.until_empty().await;
    let rejected = house.paths().rejected;
    let lies = |number: usize| {
        let file = rejected.join(format!("bad-{number:04}.json"));
        let note = rejected.join(format!("bad-{number:04}.json.reason.txt"));
        assert_eq!(file.exists(), note.exists());
        file.exists()
    };
    house
        .until("the oldest to be gone", || names(&rejected).len() == 2_000)
        .await;
    assert!(!lies(0) && !lies(99) && lies(100) && lies(1_099));
    house
        .until("their number to be told", || removed(&house) == 100)
        .await;
    assert!(house.events("mailbox_files_removed").len() <= 5);
    // What lies there is known again after a new start. What is none of ours stays.
    house.stop().await;
    fs::write(rejected.join("mine.txt"), "mine").unwrap();
    house.restart().await;
    house.run(timing());
    drop_files(&house, 1_100..1_105);
    house.until_empty().await;
    house.restart().await;
    assert_eq!((names(&rejected).len(), removed(&house)), (2_001, 105));
    assert!((1_100..1_105).all(lies) && rejected.join("mine.txt").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn large_rejected_files_do_not_fill_the_disk_and_the_newest_stays() {
    let mut house = House::open().await;
    let rejected = house.paths().rejected;
    for (name, mib) in [("a", 30), ("b", 30), ("c", 30), ("d", 90)] {
        let draft = house.paths().incoming.join(".draft");
        let file = fs::File::create(&draft).unwrap();
        let flags = rustix::fs::FallocateFlags::empty();
        rustix::fs::fallocate(&file, flags, 0, mib << 20).unwrap();
        fs::rename(&draft, house.paths().incoming.join(format!("{name}.json"))).unwrap();
        house.until_empty().await;
    }
    house
        .until("only the newest to be there", || {
            names(&rejected) == ["d.json", "d.json.reason.txt"]
        })
        .await;
    // Told on the way out.
    house.restart().await;
    assert_eq!(removed(&house), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_through_a_link() {
    let mut house = House::closed();
    let elsewhere = house.dir.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    symlink(&elsewhere, house.repo.join(".tmp")).unwrap();
    let brief = json!({"event": "session_registered", "id": "zhongshu-1", "session_kind": "zhongshu", "department": "zhongshu",
        "title": "t", "task": "t", "driver": "codex", "sandbox": "workspace-write", "approval": "never", "prompt_path": "", "log_path": ""});
    house.commit(serde_json::from_value(brief).unwrap()).await;
    let session = house.department("gongchengbu-1", "zhongshu-1").await;
    house.end(&session).await;
    house.run(timing());
    house
        .until("an alert", || {
            house.events("mailbox_file_rejected").len() == 1
        })
        .await;
    assert!(names(&elsewhere).is_empty());
    assert!(names(&elsewhere).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn files_stay_while_nothing_can_be_written() {
    let mut house = House::open().await;
    let session = house.department("gongchengbu-1", "zhongshu-1").await;
    house.stop().await;
    house.ledger.close().await;
    // One flipped byte in the middle: the journal opens read-only.
    let path = house.state_dir.join("journal.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("plan something", "plan s0mething", 1)).unwrap();
    let clock = zhongshu::journal::system_clock();
    let opened = zhongshu::journal::Journal::open::<State>(&path, None, &clock).unwrap();
    assert!(opened.corrupt.is_some());
    house.ledger = zhongshu::ledger::Ledger::start(opened, clock).unwrap();
    house.drop_file("r.json", result(&session, "waits"));
    house.drop_file("bad.json", "nonsense");
    house.run(timing());
    tokio::time::sleep(timing().rescan * 3).await;
    assert_eq!(names(&house.paths().incoming), ["bad.json", "r.json"]);
    house.stop().await;
    assert_eq!(names(&house.paths().incoming), ["bad.json", "r.json"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn stale_receipts_are_swept_but_not_those_of_waiting_files() {
    let mut house = House::open().await;
    let session = house.department("gongchengbu-1", "zhongshu-1").await;
    house.thread(&session, "thread-1").await;
    house.stop().await;
    let text = result(&session, "over the weekend");
    let old = SystemTime::now() - receipts::STALE_AFTER * 3;
    for digest in [digest(&text), "f".repeat(64)] {
        receipts::write(
            &house.state_dir,
            &digest,
            &receipt("gongchengbu-1", "thread-1"),
        )
        .unwrap();
        let path = house
            .state_dir
            .join("receipts")
            .join(format!("{digest}.json"));
        fs::File::options()
            .write(true)
            .open(path)
            .unwrap()
            .set_modified(old)
            .unwrap();
    }
    house.drop_file("r.json", &text);
    house.run(timing());
    assert!(house.until_reported(&session, 1).await.current().verified);
    house
        .until("both are gone", || {
            names(&house.state_dir.join("receipts")).is_empty()
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_planner_and_a_nudge_need_no_rescan() {
    let never = Duration::from_secs(3600);
    let house = House::with_timing(Timing {
        rescan: never,
        ..timing()
    })
    .await;
    let planner = "zhongshu-2";
    house.planner(planner).await;
    let session = house.department("gongchengbu-2", planner).await;
    let paths = zhongshu::mailbox::Paths::new(&house.repo, &id(planner));
    let text = |summary: &str| result(&session, summary).replace("zhongshu-1", planner);
    // The new planner's folder is watched at once.
    fs::write(paths.incoming.join("r.json"), text("watched")).unwrap();
    house.until_reported(&session, 1).await;
    house
        .until("it is put away", || names(&paths.incoming).is_empty())
        .await;
    // Nobody watches a folder that took the place of the watched one.
    fs::rename(&paths.root, house.dir.path().join("gone")).unwrap();
    fs::create_dir_all(&paths.incoming).unwrap();
    fs::write(paths.incoming.join("r.json"), text("unwatched")).unwrap();
    tokio::time::sleep(timing().quiet * 3).await;
    assert_eq!(house.report(&session).unwrap().revisions.len(), 1);
    house.nudge.as_ref().unwrap().scan_now();
    house.until_reported(&session, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_files_at_once_are_taken_once_each_and_in_order() {
    const FILES: usize = 10_000;
    // So that none has more than come in without anybody's act.
    const SESSIONS: usize = 500;
    let mut house = House::closed();
    house.planner("zhongshu-1").await;
    let mut sessions = Vec::new();
    for n in 0..SESSIONS {
        sessions.push(
            house
                .department(&format!("gongchengbu-{n}"), "zhongshu-1")
                .await,
        );
    }
    let incoming = house.paths().incoming;
    for n in 0..FILES {
        let name = format!("r-{n:06}.json");
        fs::write(
            incoming.join(name),
            result(&sessions[n % SESSIONS], &format!("number {n}")),
        )
        .unwrap();
    }
    fs::write(incoming.join("poison.json"), "{]").unwrap();
    let started = Instant::now();
    house.run(timing());
    house
        .until("all are registered", || {
            house.ledger.read(|state| {
                state
                    .reports
                    .values()
                    .map(|report| report.revisions.len())
                    .sum::<usize>()
            }) == FILES
        })
        .await;
    let registered = started.elapsed();
    house.until_empty().await;
    println!(
        "{FILES} files: registered after {registered:?}, put away after {:?}",
        started.elapsed()
    );
    assert_eq!(names(&house.paths().archive).len(), FILES + SESSIONS);
    for (n, session) in sessions.iter().enumerate() {
        let report = house.report(session).unwrap();
        let numbers = report
            .revisions
            .iter()
            .map(|(_, revision)| revision.findings.summary.clone());
        let expected = (0..FILES / SESSIONS).map(|k| format!("number {}", k * SESSIONS + n));
        assert!(numbers.eq(expected));
    }
}

/// Memory of this process that is its own, in KiB.
#[cfg(target_os = "linux")]
fn own_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/smaps_rollup").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("Private_Dirty:"));
    line.unwrap()
        .trim()
        .trim_end_matches("kB")
        .trim()
        .parse()
        .unwrap()
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn what_a_large_report_says_is_held_once_beside_its_line() {
    let house = House::open().await;
    let session = house.department("gongchengbu-1", "zhongshu-1").await;
    let large = |n: u32| {
        let risk = |at| format!("{n} {at} {}", "x".repeat(16_000));
        let risks: Vec<String> = (0..64).map(risk).collect();
        let mut report: serde_json::Value =
            serde_json::from_str(&result(&session, "large")).unwrap();
        report["risks"] = json!(risks);
        report.to_string()
    };
    let take = async |numbers: std::ops::RangeInclusive<u32>| {
        for n in numbers {
            house.drop_file("r.json", large(n));
            house
                .until("the report is in", || {
                    house.ledger.read(|state| {
                        let report = state.reports.values().next();
                        report.is_some_and(|report| report.current().revision == n)
                    })
                })
                .await;
        }
        house.until_empty().await;
    };
    take(1..=4).await;
    let before = own_kib();
    take(5..=20).await;
    let each = own_kib().saturating_sub(before) / 16;
    assert!(each < 1_600, "a report of 1 MiB costs {each} KiB");
}
