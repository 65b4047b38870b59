//! The event stream: from the file, from memory, live, without a gap.

use crate::house::{Happened, House};
use serde_json::Value;

async fn happen(house: &House, numbers: std::ops::Range<u32>) {
    for number in numbers {
        let event = Happened::ThingDone { number };
        house.ledger.commit("test", vec![event]).await.unwrap();
    }
}

/// Ids of the stream so far, which must be those of its lines.
fn ids(text: &str) -> Vec<u64> {
    let mut ids = Vec::new();
    for block in text.split("\n\n") {
        let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name));
        if let (Some(id), Some(data)) = (field("id: "), field("data: ")) {
            let id: u64 = id.trim().parse().unwrap();
            let line: Value = serde_json::from_str(data).unwrap();
            assert_eq!(line["seq"], id);
            assert_eq!(field("event: "), Some("thing_done"));
            ids.push(id);
        }
    }
    ids
}

#[tokio::test]
async fn a_stream_begins_where_it_is_told_and_goes_on() {
    let house = House::open().await;
    let session = house.session();
    happen(&house, 0..20).await;
    let ask = |path: &str| house.ask("GET", path).session(&session);
    let mut all = ask("/api/events?after=0").open().await;
    let mut back = ask("/api/events?after=3")
        .header("Last-Event-ID", "15")
        .open()
        .await;
    let mut live = ask("/api/events").open().await;
    live.until(": connected").await;
    happen(&house, 20..25).await;
    for (stream, first) in [(&mut all, 1), (&mut back, 16), (&mut live, 21)] {
        stream.until("id: 25\n").await;
        stream.until("\"number\":24").await;
        let text = stream.text.replace("\r\n", "\n");
        assert_eq!(ids(&text), (first..=25).collect::<Vec<u64>>());
        assert!(text.contains("text/event-stream"));
    }
    house.close().await;
}

#[tokio::test]
async fn a_place_that_does_not_exist_is_told_and_a_bad_one_is_refused() {
    let house = House::open().await;
    let session = house.session();
    happen(&house, 0..2).await;
    let ask = |path: &str| house.ask("GET", path).session(&session);
    let mut ahead = ask("/api/events?after=99").open().await;
    ahead.end().await;
    assert!(ahead.text.contains("event: reset"), "{}", ahead.text);
    assert!(ahead.text.contains("{\"last\":2}"), "{}", ahead.text);
    for path in [
        "/api/events?after=x",
        "/api/events?after=-1",
        "/api/events?since=1",
    ] {
        ask(path).send().await.refused(400);
    }
    let bad = ask("/api/events").header("Last-Event-ID", "x");
    bad.send().await.refused(400);
    house.close().await;
}
