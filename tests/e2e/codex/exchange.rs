//! A person, two planners and their departments exchange words and results while the launcher is killed again and again at random
//! moments. What the person was told is accepted stands in a ledger of its own; at the end it is held against what Codex's records
//! say each planner was told, and against the journal: nothing lost, nothing doubled, nothing out of order.
//!
//! `ZHONGSHU_KILLS` (30) and `ZHONGSHU_SEED` (drawn, and said when it fails) choose another run. A long one has to go around the
//! runner's time limit: `ZHONGSHU_KILLS=500 cargo test --test e2e exchange -- --nocapture`.

use super::events;
use crate::support::script::{assignment, by_file, by_tool, department, on_message, plan, planner};
use crate::support::{House, Random};
use mock_model::{Call, Script, Step};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use zhongshu::client::Client;

/// No terminals: they are not what is looked at, and cost the most.
const QUIET: &str = "version: 1\nlanguage: en\nmax_departments: 3\ntuis_started_with_session: 0\n";

fn script() -> Script {
    let busy = Step::call(Call::shell("sleep 0.4"));
    Script::new([
        on_message("busy", "take your time", vec![busy, Step::say("Done.")]),
        planner(plan([assignment("menxia", "never confirmed")])),
        department("lingyubu", vec![Step::call(by_tool("BY-TOOL"))]),
        department("zhilibu", vec![Step::call(by_file("BY-FILE"))]),
    ])
}

/// What one planner was told, as the person knows it.
#[derive(Default)]
struct Told {
    thread: String,
    said: u32,
    accepted: BTreeSet<u32>,
}

/// Each text stands inside of later ones, so that nothing but its id tells it apart.
fn words(number: u32) -> String {
    match number % 4 {
        0 => format!("#{number} take your time"),
        1 => format!("#{number}"),
        2 => format!("#{number} and then #{} again", number - 1),
        _ => format!("#{number} go on"),
    }
}

fn number_of(text: &str) -> Option<u32> {
    let digits: String = text
        .strip_prefix('#')?
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    digits.parse().ok()
}

/// Says some things, one after the other, and gives up when nobody answers: which were accepted.
async fn talk(client: Client, id: String, numbers: Vec<u32>, pause: Duration) -> Vec<u32> {
    let mut accepted = Vec::new();
    for number in numbers {
        let body = json!({ "session_id": id, "input": words(number) });
        match client.post("/api/session_input", &body).await {
            Ok(_) => accepted.push(number),
            Err(_) => return accepted,
        }
        tokio::time::sleep(pause).await;
    }
    accepted
}

async fn begin_work(client: Client, id: String, department: &'static str) {
    let body = json!({ "parent_session_id": id, "department": department, "task": "Report." });
    // Whether it was taken, the journal tells.
    drop(
        client
            .post("/api/start_department_for_zhongshu", &body)
            .await,
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_nothing_is_lost_doubled_or_out_of_order_over_many_kills() {
    let kills: u32 = setting("ZHONGSHU_KILLS").unwrap_or(30);
    let seed = setting("ZHONGSHU_SEED").unwrap_or_else(Random::seed);
    println!("ZHONGSHU_SEED={seed} ZHONGSHU_KILLS={kills}");
    let mut random = Random::of(seed);
    let mut house = House::open(script(), QUIET).await;
    let mut planners = BTreeMap::new();
    for task in ["Make the greeter louder.", "Make the greeter softer."] {
        let id = house.planner(task).await;
        let session = house
            .session(&id, "it is idle", |session| session["activity"] == "idle")
            .await;
        let thread = session["thread_id"].as_str().unwrap().to_owned();
        planners.insert(
            id,
            Told {
                thread,
                ..Told::default()
            },
        );
    }
    for kill in 0..kills {
        let mut talks = Vec::new();
        for (id, told) in &mut planners {
            let count = random.below(4);
            let numbers: Vec<u32> = (told.said + 1..=told.said + count).collect();
            told.said += count;
            let pause = Duration::from_millis(random.below(25).into());
            talks.push(tokio::spawn(talk(
                house.client(),
                id.clone(),
                numbers,
                pause,
            )));
            if random.below(5) == 0 {
                let department = ["lingyubu", "zhilibu"][random.below(2) as usize];
                tokio::spawn(begin_work(house.client(), id.clone(), department));
            }
        }
        tokio::time::sleep(Duration::from_millis(random.below(120).into())).await;
        house.kill_launcher().await;
        for (told, talk) in planners.values_mut().zip(talks) {
            told.accepted.extend(talk.await.unwrap());
        }
        house.start(&[]).await;
        if kill % 100 == 99 {
            println!("{} kills", kill + 1);
        }
    }
    let audit = settled(&house).await;
    for (id, told) in &planners {
        check(&house, &audit, id, told);
    }
    let (code, said, error) = house.run(&["audit", "verify"]).await;
    assert_eq!(code, Some(0), "{said}{error}");
    house.close().await;
}

fn setting<T: std::str::FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok()?.parse().ok()
}

/// Everybody is done, and everything that was queued came to its end; the audit log then.
async fn settled(house: &House) -> Vec<Value> {
    let look = async || {
        let audit = house.audit().await;
        let count = |name: &str| events(&audit, name).len();
        let status = house.get("/api/status").await;
        let done = count("message_queued") == count("message_delivered") + count("message_dropped")
            && count("assignment_queued") == count("result_registered")
            && status["active_department_sessions"] == 0;
        done.then_some(audit)
    };
    house.wait_for("everything has come to its end", look).await
}

fn check(house: &House, audit: &[Value], id: &str, told: &Told) {
    let said = house.said_to(&told.thread);
    let mine = |name: &str| -> Vec<&Value> {
        let all = events(audit, name).into_iter();
        all.filter(|event| event["session_id"] == id).collect()
    };
    // The person's words.
    let heard: Vec<u32> = said.iter().filter_map(|text| number_of(text)).collect();
    assert!(
        heard.windows(2).all(|pair| pair[0] < pair[1]),
        "{id}: doubled or out of order: {heard:?}"
    );
    let heard: BTreeSet<u32> = heard.into_iter().collect();
    let lost: Vec<&u32> = told.accepted.difference(&heard).collect();
    assert!(lost.is_empty(), "{id}: accepted and never said: {lost:?}");
    let queued: BTreeSet<u32> = mine("message_queued")
        .iter()
        .filter_map(|event| number_of(event["text"].as_str().unwrap()))
        .collect();
    assert_eq!(heard, queued, "{id}: the journal and Codex's record differ");
    // Word of results.
    let named = |text: &str| {
        let (_, rest) = text.split_once("A department reported (`")?;
        Some(rest.split('`').next().unwrap_or_default().to_owned())
    };
    let reported: Vec<String> = mine("message_queued")
        .iter()
        .filter_map(|event| named(event["text"].as_str().unwrap()))
        .collect();
    let heard: Vec<String> = said.iter().filter_map(|text| named(text)).collect();
    assert_eq!(heard, reported, "{id}: word of results");
    let delivered = mine("message_delivered");
    let ids: BTreeSet<&str> = delivered
        .iter()
        .map(|event| event["message_id"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), delivered.len(), "{id}: recorded twice");
    println!(
        "{id}: {} words accepted, {} said, {} results",
        told.accepted.len(),
        queued.len(),
        reported.len()
    );
}
