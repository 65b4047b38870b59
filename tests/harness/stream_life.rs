//! The stream over time: readers that are cut off, come back, do not read, or are too many; and an app-server that dies.

use crate::listener::Listener;
use crate::rig::house;
use crate::support::thread::app_server_pid;
use crate::support::{House, PATIENCE, Random};
use serde_json::{Value, json};

/// Times that a reader is cut off.
const CUTS: u32 = 500;
/// What is put into the settings so that the backlog overflows, and how often.
const LARGE: usize = 60 << 10;
const TIMES: usize = 120;
/// A thread that is not there.
const NOWHERE: &str = "01900000-0000-7000-8000-000000000001";

async fn make_project(house: &House, name: &str) -> String {
    let made = house.make("/projects", json!({ "name": name })).await;
    made["project"]["projectId"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn whoever_is_cut_off_again_and_again_has_everything_once() {
    let house = house([]).await;
    let seed = Random::seed();
    let mut random = Random::of(seed);
    // One that follows what is not there is told of what is for everybody alone.
    let query = format!("?frames=one&threadId={NOWHERE}");
    let mut listener = house.listens(&query).await;
    let mut cursor = listener.cursor();
    let epoch = cursor.rsplit_once('.').unwrap().0.to_owned();
    let id = make_project(&house, "0").await;
    let made = listener.until_type("project_upserted").await;
    cursor = format!("{epoch}.{}", made[made.len() - 1]["seq"]);
    let (mut cuts, mut written, mut read) = (0, 0_u32, 0_u32);
    while cuts < CUTS {
        for _ in 0..random.below(3) {
            written += 1;
            let name = json!({ "name": written.to_string() });
            house.make(&format!("/projects/{id}/rename"), name).await;
        }
        for _ in 0..random.below(3).min(written - read) {
            let told = listener.next().await;
            assert_eq!(told["type"], "project_upserted", "seed {seed}");
            read += 1;
            let name = &told["payload"]["project"]["name"];
            assert_eq!(*name, read.to_string(), "seed {seed}");
            cursor = format!("{epoch}.{}", told["seq"]);
        }
        // In the middle of whatever it is being told.
        drop(listener);
        cuts += 1;
        listener = house.listens(&format!("{query}&after={cursor}")).await;
        assert_eq!(listener.cursor(), cursor, "seed {seed}");
    }
    while read < written {
        read += 1;
        let told = listener.next().await;
        assert_eq!(told["payload"]["project"]["name"], read.to_string());
    }
    assert!(written > CUTS / 2, "{written}");
    house.close().await;
}

/// More than the backlog holds.
async fn flood(house: &House, id: &str) {
    let path = format!("/sessions/{id}/settings");
    for number in 0..TIMES {
        let value = format!("{number}{}", "x".repeat(LARGE));
        let set = json!({ "scope": "session", "key": "k", "value": value });
        house.make(&path, set).await;
    }
}

#[tokio::test]
async fn a_place_that_is_gone_is_said_to_be() {
    let mut house = house([]).await;
    let id = house.chat().await;
    let mut early = house.listens("?frames=one").await;
    let old = early.cursor();
    make_project(&house, "first").await;
    early.until_type("project_upserted").await;
    flood(&house, &id).await;
    // When this one is told, all of it is.
    let mut now = house.listens(&format!("?threadId={NOWHERE}")).await;
    make_project(&house, "flooded").await;
    now.until(|it| it["payload"]["project"]["name"] == "flooded")
        .await;
    let late = format!("?frames=one&threadId={NOWHERE}&after={old}");
    let mut late = house.listens(&late).await;
    let reset = late.next().await;
    assert_eq!(reset["type"], "reset", "{reset}");
    make_project(&house, "second").await;
    let told = late.next().await;
    assert_eq!(told["payload"]["project"]["name"], "second");
    let expected: u64 = told["seq"].as_u64().unwrap() - 1;
    let reset = reset["cursor"].as_str().unwrap();
    assert!(reset.ends_with(&format!(".{expected}")), "{reset} {told}");
    // What does not exist yet, and what is of another start.
    let epoch = old.rsplit_once('.').unwrap().0;
    for place in [format!("{epoch}.99999999"), "elsewhere.1".to_owned()] {
        let mut ahead = house.listens(&format!("?after={place}")).await;
        assert_eq!(ahead.next().await["type"], "reset", "{place}");
    }
    house.kill_launcher().await;
    house.start(&[]).await;
    let mut after = house.listens(&format!("?after={reset}")).await;
    let again = after.next().await;
    assert_eq!(again["type"], "reset");
    assert_ne!(
        again["cursor"].as_str().unwrap().split('.').next(),
        Some(epoch)
    );
    house.close().await;
}

fn resident_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|it| it.starts_with("VmRSS")).unwrap();
    let mut words = line.split_whitespace();
    words.nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn readers_that_do_not_read_cost_no_memory_and_are_told_what_they_missed() {
    const READERS: usize = 60;
    let house = house([]).await;
    let id = house.chat().await;
    let mut listeners = Vec::new();
    for _ in 0..READERS {
        listeners.push(house.listens("?frames=one").await);
    }
    // Once with everything warm, so that only the readers can make a difference.
    flood(&house, &id).await;
    let before = resident_kib(house.launcher_pid());
    for _ in 0..3 {
        flood(&house, &id).await;
    }
    let grown = resident_kib(house.launcher_pid()).saturating_sub(before) >> 10;
    let all = (3 * TIMES * LARGE * READERS) >> 20;
    assert!(
        all > 1000 && grown < 100,
        "{grown} MiB for {all} MiB unread"
    );
    // What lies in the sockets is told first, then that the rest is gone.
    for listener in &mut listeners {
        let told = listener.until_type("reset").await;
        let seqs: Vec<_> = told.iter().filter_map(|it| it["seq"].as_u64()).collect();
        assert!(seqs.is_sorted_by(|a, b| a < b));
    }
    make_project(&house, "end").await;
    for listener in &mut listeners {
        listener.until_type("project_upserted").await;
    }
    drop(listeners);
    house.close().await;
}

#[tokio::test]
async fn an_open_stream_ends_with_its_token() {
    let house = house([]).await;
    let token = house.token("ears", "read").await;
    let mut mine = house.stream_with(&token, "").await.ok().unwrap();
    let others = house.token("others", "harness").await;
    let mut others = house.stream_with(&others, "").await.ok().unwrap();
    let (code, _, error) = house.run(&["token", "revoke", "ears"]).await;
    assert_eq!(code, Some(0), "{error}");
    // The command itself is over when the token does not hold any more.
    assert!(mine.ends_within(PATIENCE).await);
    assert_eq!(house.stream_with(&token, "").await.err(), Some(401));
    make_project(&house, "after").await;
    others.until_type("project_upserted").await;
    house.close().await;
}

#[tokio::test]
async fn there_are_only_so_many_streams_and_each_that_ends_makes_room() {
    let house = house([]).await;
    let (mut open, mut refused): (Vec<Listener>, _) = (Vec::new(), 0);
    for _ in 0..500 {
        match house.stream("").await {
            Ok(listener) => open.push(listener),
            Err(status) => {
                assert_eq!(status, 503);
                refused += 1;
            }
        }
    }
    assert_eq!((open.len(), refused), (128, 372));
    // Everything else goes on.
    make_project(&house, "all").await;
    for listener in &mut open {
        listener.until_type("project_upserted").await;
    }
    drop(open);
    house
        .wait_for("room for another stream", async || {
            house.stream("").await.ok().map(drop)
        })
        .await;
    house.close().await;
}

#[tokio::test]
async fn the_death_of_the_app_server_is_told_and_what_is_followed_is_heard_after_it() {
    let house = house([]).await;
    let id = house.chat().await;
    house.has_turn(&id, "Hello").await;
    let mut listener = house.listens("").await;
    let mut follower = house.listens(&format!("?threadId={id}&frames=one")).await;
    let pid = rustix::process::Pid::from_raw(app_server_pid(&house).cast_signed()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    let is_state = |state: &'static str| {
        move |it: &Value| it["type"] == "runtime_state" && it["payload"]["state"] == state
    };
    let told = listener.until(is_state("down")).await;
    let down = told.last().unwrap();
    assert_eq!(down["payload"]["running"], false);
    assert!(down["payload"]["reason"].is_string(), "{down}");
    let told = listener.until(is_state("ready")).await;
    let ready = told.last().unwrap();
    assert!(ready["payload"]["pid"].is_number(), "{ready}");
    house.knows_sessions().await;
    let message = json!({ "text": "Again" });
    house
        .granted(
            "POST",
            &format!("/sessions/{id}/messages"),
            Some(message),
            202,
        )
        .await;
    follower.until_type("app_server.turn.started").await;
    follower.until_type("app_server.turn.completed").await;
    house.close().await;
}
