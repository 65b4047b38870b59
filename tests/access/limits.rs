//! O and P: floods, lengths, descriptors, and ids that would be paths.

use crate::house::{Happened, House, raw};
use serde_json::json;
use std::process::Command;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use zhongshu::access::Scope;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn o1_dribbling_connections_are_closed_and_hinder_nobody() {
    let house = House::open().await;
    let session = house.session();
    let started = Instant::now();
    let mut dribblers = Vec::new();
    for _ in 0..500 {
        let mut stream = TcpStream::connect(("127.0.0.1", house.port)).await.unwrap();
        drop(
            stream
                .write_all(b"GET /api/status HTTP/1.1\r\nHost: 12")
                .await,
        );
        dribblers.push(stream);
    }
    let mut times = Vec::new();
    for _ in 0..100 {
        let asked = Instant::now();
        let answer = house
            .ask("GET", "/api/status")
            .session(&session)
            .send()
            .await;
        assert_eq!(answer.status, 200, "{answer:?}");
        times.push(asked.elapsed());
    }
    times.sort();
    assert!(times[98] < Duration::from_millis(100), "{:?}", times[98]);
    for mut stream in dribblers {
        let mut rest = Vec::new();
        let patience = Duration::from_secs(14).saturating_sub(started.elapsed());
        let closed = tokio::time::timeout(patience, stream.read_to_end(&mut rest)).await;
        assert!(closed.is_ok(), "a dribbling connection is still open");
    }
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_greedy_token_pushes_out_its_own_streams_and_nobody_elses() {
    let house = House::open().await;
    let session = house.session();
    let (greedy, modest) = (
        house.token("greedy", Scope::Read),
        house.token("modest", Scope::Read),
    );
    let ask = |path: &str| house.ask("GET", path);
    let mut page = ask("/api/events").session(&session).open().await;
    page.until(": connected").await;
    let mut quiet = ask("/api/events").bearer(&modest).open().await;
    quiet.until(": connected").await;
    let mut streams = Vec::new();
    for number in 0..300 {
        let mut stream = ask("/api/events").bearer(&greedy).open().await;
        stream.until(": connected").await;
        streams.push(stream);
        if number % 50 == 0 {
            let answer = ask("/api/status").session(&session).send();
            let answer = tokio::time::timeout(Duration::from_secs(1), answer).await;
            assert_eq!(answer.expect("an answer").status, 200, "after {number}");
        }
    }
    let answer = ask("/api/status").session(&session).send().await;
    assert_eq!(answer.status, 200, "{answer:?}");
    // The oldest gave way, with a word; the newest, and those of others, go on.
    let first = &mut streams[0];
    first.end().await;
    assert!(first.text.contains("event: evicted\n"), "{}", first.text);
    assert!(first.text.contains("32 connections"), "{}", first.text);
    let event = Happened::ThingDone { number: 7 };
    house.ledger.commit("test", vec![event]).await.unwrap();
    for stream in [&mut page, &mut quiet, streams.last_mut().unwrap()] {
        stream.until("\"number\":7").await;
    }
    house.close().await;
}

/// Connections that showed a credential once and then say nothing are the first to go.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_connections_of_many_tokens_do_not_fill_the_house() {
    let house = House::open().await;
    let session = house.session();
    let mut page = house
        .ask("GET", "/api/events")
        .session(&session)
        .open()
        .await;
    page.until(": connected").await;
    let mut idle = Vec::new();
    for number in 0..12 {
        let token = house.token(&format!("t{number}"), Scope::Read);
        for _ in 0..32 {
            let mut one = house.ask("GET", "/api/status").bearer(&token).open().await;
            one.until("\"ok\":true").await;
            idle.push(one);
        }
    }
    for _ in 0..3 {
        let answer = house.ask("GET", "/api/status").session(&session).send();
        let answer = tokio::time::timeout(Duration::from_secs(1), answer).await;
        assert_eq!(answer.expect("an answer").status, 200);
    }
    let event = Happened::ThingDone { number: 8 };
    house.ledger.commit("test", vec![event]).await.unwrap();
    page.until("\"number\":8").await;
    house.close().await;
}

#[tokio::test]
async fn o2_wrong_lengths_are_answered_at_once() {
    let house = House::open().await;
    let session = house.session();
    let ask = || house.post("/api/thing", &json!({})).session(&session);
    let started = Instant::now();
    for (length, statuses) in [
        ("1048577", &[413][..]),
        ("99999999999999999999", &[400, 413]),
        ("-1", &[400]),
        ("1e3", &[400]),
        ("0x10", &[400]),
    ] {
        let answer = ask().instead("Content-Length", Some(length)).send().await;
        assert!(statuses.contains(&answer.status), "{length}: {answer:?}");
    }
    // Chunks without an end: refused as soon as they are too many.
    let head = ask()
        .instead("Content-Length", None)
        .header("Transfer-Encoding", "chunked")
        .header("Connection", "close");
    let mut bytes = head.bytes();
    bytes.truncate(bytes.len() - 2);
    for _ in 0..40 {
        bytes.extend_from_slice(b"10000\r\n");
        bytes.extend_from_slice(&[b' '; 0x10000]);
        bytes.extend_from_slice(b"\r\n");
    }
    let answer = raw(house.port, &bytes).await;
    assert_eq!(answer.status, 413, "{answer:?}");
    // A body that ends early.
    let short = ask().instead("Content-Length", Some("100")).bytes();
    let mut stream = TcpStream::connect(("127.0.0.1", house.port)).await.unwrap();
    stream.write_all(&short).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(house.changes(), 0);
    // Exactly the limit is taken.
    let full = format!("{{\"number\":7{}}}", " ".repeat((1 << 20) - 12));
    assert_eq!(full.len(), 1 << 20);
    assert_eq!(ask().body(&full).send().await.json()["number"], 7);
    house.close().await;
}

#[tokio::test]
async fn bodies_that_are_not_what_is_expected_name_what_is_wrong() {
    let house = House::open().await;
    let session = house.session();
    for (body, expected) in [
        ("[]", "must be a JSON object"),
        ("\"x\"", "must be a JSON object"),
        ("", "empty"),
        ("{", "not valid JSON"),
        ("{\"number\":\"x\"}", "field `number`"),
        ("{\"number\":-1}", "field `number`"),
        ("{\"nummer\":1}", "unknown field `nummer`"),
    ] {
        let answer = house
            .post("/api/thing", &json!({}))
            .session(&session)
            .body(body)
            .send()
            .await;
        let error = answer.refused(400).json()["error"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(error.contains(expected), "{body}: {error}");
    }
    assert_eq!(house.changes(), 0);
    house.close().await;
}

#[tokio::test]
async fn p1_ids_that_would_be_paths_are_refused_by_name() {
    let house = House::open().await;
    let session = house.session();
    for id in [
        "../x",
        "%2e%2e%2f",
        "..%5C",
        "a%00",
        &"x".repeat(4096),
        "%EF%BC%8E%EF%BC%8E%EF%BC%8F",
        "",
        "%ff",
    ] {
        let ask = house
            .ask("GET", &format!("/api/by_id?id={id}"))
            .session(&session);
        let error = ask.send().await.refused(400).json()["error"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(error.contains("`id`"), "{id}: {error}");
    }
    let missing = house
        .ask("GET", "/api/by_id")
        .session(&session)
        .send()
        .await;
    assert!(missing.refused(400).body.contains("`id`"), "{missing:?}");
    let twice = house
        .ask("GET", "/api/by_id?id=a&id=b")
        .session(&session)
        .send()
        .await;
    assert!(twice.refused(400).body.contains("`id`"), "{twice:?}");
    let good = house
        .ask("GET", "/api/by_id?id=zhongshu-1")
        .session(&session)
        .send()
        .await;
    assert_eq!(good.body, "zhongshu-1");
    house.close().await;
}

/// Uses up the descriptors of a whole process, so it runs in one of its own.
#[test]
fn o3_the_server_outlives_a_lack_of_descriptors() {
    const CHILD: &str = "ZHONGSHU_TEST_FEW_DESCRIPTORS";
    if std::env::var_os(CHILD).is_none() {
        let output = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "limits::o3_the_server_outlives_a_lack_of_descriptors",
                "--nocapture",
            ])
            .env(CHILD, "1")
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{text}");
        assert!(text.contains("ran out of descriptors"), "{text}");
        return;
    }
    use rustix::process::{Resource, Rlimit, setrlimit};
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let house = House::open().await;
        let session = house.session();
        let few = Rlimit {
            current: Some(64),
            maximum: Some(64),
        };
        setrlimit(Resource::Nofile, few).unwrap();
        let mut held = Vec::new();
        let error = loop {
            match TcpStream::connect(("127.0.0.1", house.port)).await {
                Ok(stream) => held.push(stream),
                Err(error) => break error,
            }
            assert!(held.len() < 100);
            // Lets the server accept, so that both ends of each connection are counted.
            tokio::task::yield_now().await;
        };
        println!("ran out of descriptors after {}: {error}", held.len());
        // Long enough for the accept loop to fail a few times.
        tokio::time::sleep(Duration::from_millis(200)).await;
        held.truncate(2);
        let answer = house
            .ask("GET", "/api/status")
            .session(&session)
            .send()
            .await;
        assert_eq!(answer.status, 200, "{answer:?}");
        drop(held);
        house.close().await;
    });
}
