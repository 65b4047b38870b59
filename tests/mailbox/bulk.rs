//! Many files at once, in whatever order the folder tells of them, and mailboxes in which nobody waits for anything.

use crate::support::{House, id, names, plan, result, timing};
use std::fs;
use zhongshu::mailbox::Paths;

const SESSIONS: usize = 40;
/// So many count of one session that nobody is known to have written.
const OF_EACH: usize = 20;

#[tokio::test(flavor = "multi_thread")]
async fn of_a_flood_nothing_is_overtaken() {
    let mut house = House::open().await;
    let mut sessions = Vec::new();
    for number in 0..SESSIONS {
        let name = format!("gongchengbu-{number}");
        sessions.push(house.department(&name, "zhongshu-1").await);
    }
    for number in 0..OF_EACH {
        if number == OF_EACH / 2 {
            house.drop_file("bad.json", "[");
        }
        for session in &sessions {
            // Those of one tick of the clock are taken in the order of their names.
            let name = format!("{session}-{number:02}.json");
            house.drop_file(name, result(session, &format!("word {number}")));
        }
    }
    for session in &sessions {
        let report = house.until_reported(session, OF_EACH as u32).await;
        let said = report.revisions.iter();
        let said = Vec::from_iter(said.map(|(_, it)| it.findings.summary.clone()));
        let meant = Vec::from_iter((0..OF_EACH).map(|number| format!("word {number}")));
        assert_eq!(said, meant);
    }
    // The bad one, which may yet become whole, has held up nobody.
    let incoming = house.paths().incoming;
    house
        .until("the others are put away", || {
            names(&incoming) == ["bad.json"]
        })
        .await;
    assert_eq!(names(&house.paths().rejected), [""; 0]);
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_in_a_mailbox_of_nobodys_is_rejected() {
    let mut house = House::closed();
    house.planner("zhongshu-1").await;
    let session = house.department("gongchengbu-1", "zhongshu-1").await;
    let stray = Paths::new(&house.repo, &id("zhongshu-9"));
    fs::create_dir_all(&stray.incoming).unwrap();
    let empty = Paths::new(&house.repo, &id("zhongshu-8"));
    fs::create_dir_all(&empty.incoming).unwrap();
    let words = result(&session, "lost").replace("zhongshu-1", "zhongshu-9");
    fs::write(stray.incoming.join("a.json"), words).unwrap();
    let words = plan("nobody's").replace("zhongshu-1", "zhongshu-9");
    fs::write(stray.incoming.join("plan.json"), words).unwrap();
    house.run(timing());
    // At the start; what comes later is found as well.
    for name in ["a.json", "plan.json", "later.json"] {
        let reason = stray.rejected.join(format!("{name}.reason.txt"));
        house
            .until(&format!("{name} is rejected"), || reason.exists())
            .await;
        if name == "plan.json" {
            let words = result(&id("gongchengbu-7"), "later");
            fs::write(stray.incoming.join("later.json"), words).unwrap();
        }
    }
    house
        .until("all are told", || {
            house.events("mailbox_file_rejected").len() == 3
        })
        .await;
    for event in house.events("mailbox_file_rejected") {
        assert_eq!(event["session_id"], "zhongshu-9", "{event}");
    }
    assert_eq!(house.report(&session), None);
    assert!(!empty.rejected.exists(), "nothing lay there");
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_for_a_planner_that_is_over_gets_an_answer() {
    let mut house = House::closed();
    let planner = house.planner("zhongshu-1").await;
    let session = house.department("gongchengbu-1", "zhongshu-1").await;
    house.end(&session).await;
    house.end(&planner).await;
    house.run(timing());
    for name in ["first.json", "second.json"] {
        house.drop_file(name, result(&session, "too late"));
        let reason = house.until_rejected(name).await;
        assert!(reason.contains("before this file was written"), "{reason}");
    }
    // A folder that cannot be used is told of where it is somebody's.
    let stray = Paths::new(&house.repo, &id("zhongshu-9"));
    fs::create_dir_all(&stray.incoming).unwrap();
    fs::write(stray.incoming.join("a.json"), "{}").unwrap();
    fs::write(&stray.rejected, "in the way").unwrap();
    let other = house.planner("zhongshu-2").await;
    let paths = Paths::new(&house.repo, &other);
    house
        .until("something is in the way", || {
            // The task may make the folder again in between.
            fs::remove_dir_all(&paths.archive).ok();
            fs::write(&paths.archive, "in the way").is_ok()
        })
        .await;
    let told = || {
        let events = house.events("mailbox_file_rejected").into_iter();
        Vec::from_iter(events.filter(|it| it["file"] == "incoming"))
    };
    house.until("it is told", || !told().is_empty()).await;
    assert_eq!(told()[0]["session_id"], "zhongshu-2");
    house.stop().await;
}
