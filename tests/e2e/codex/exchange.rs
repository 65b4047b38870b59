//! A person, two planners and their departments exchange words and results while the launcher is killed again and again at random
//! moments. What the person wished stands in a ledger of its own; a wish whose answer was lost is sent again with its key. At the
//! end the ledger is held against what Codex's records say each thread was told, and against the journal: nothing lost, nothing
//! doubled, nothing out of order.
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
use zhongshu::client::{Client, ClientError};

/// No terminals: they are not what is looked at, and cost the most.
const QUIET: &str = "version: 1\nlanguage: en\nmax_departments: 3\ntuis_started_with_session: 0\n";
/// More than this nobody has in mind at a time.
const WISHES: usize = 8;

fn script() -> Script {
    let busy = Step::call(Call::shell("sleep 0.4"));
    Script::new([
        on_message("busy", "take your time", vec![busy, Step::say("Done.")]),
        planner(plan([assignment("menxia", "never confirmed")])),
        department("lingyubu", vec![Step::call(by_tool("BY-TOOL"))]),
        department("zhilibu", vec![Step::call(by_file("BY-FILE"))]),
    ])
}

/// What the person wants of one planner, by number.
#[derive(Clone, Copy)]
enum Wish {
    Say(u32),
    Work(u32, &'static str),
}

/// What one planner was told and given, as the person knows it.
#[derive(Default)]
struct Told {
    thread: String,
    wished: u32,
    /// Not answered yet, in order; the first may have been granted all the same.
    open: Vec<Wish>,
    words: BTreeSet<u32>,
    /// Assignments, with their tasks.
    works: BTreeMap<String, String>,
    repeated: u32,
}

impl Told {
    fn wish(&mut self, wish: fn(u32, &mut Random) -> Wish, random: &mut Random) {
        if self.open.len() < WISHES {
            self.wished += 1;
            self.open.push(wish(self.wished, random));
        }
    }

    /// Those answered are done, in order; what comes first now is asked for again.
    fn heard(&mut self, answers: Vec<Value>) {
        let granted = self.open.drain(..answers.len());
        for (wish, answer) in granted.zip(answers) {
            match wish {
                Wish::Say(number) => drop(self.words.insert(number)),
                Wish::Work(number, _) => {
                    let id = answer["assignment"]["assignment_id"].as_str().unwrap();
                    self.works.insert(id.to_owned(), task(number));
                }
            }
        }
    }
}

fn say(number: u32, _: &mut Random) -> Wish {
    Wish::Say(number)
}

fn work(number: u32, random: &mut Random) -> Wish {
    Wish::Work(number, ["lingyubu", "zhilibu"][random.below(2) as usize])
}

fn task(number: u32) -> String {
    format!("Report as number {number}.")
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

/// The report that a text gives word of.
fn named(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("A department reported (`")?;
    Some(rest.split('`').next().unwrap_or_default().to_owned())
}

/// Asks for one thing after the other, and gives up when nobody answers: the answers.
async fn talk(client: Client, id: String, wishes: Vec<Wish>, pause: Duration) -> Vec<Value> {
    let mut answers = Vec::new();
    for wish in wishes {
        let (number, path, body) = match wish {
            Wish::Say(number) => {
                let body = json!({ "session_id": id, "input": words(number) });
                (number, "/api/session_input", body)
            }
            Wish::Work(number, department) => {
                let task = task(number);
                let body =
                    json!({ "parent_session_id": id, "department": department, "task": task });
                (number, "/api/start_department_for_zhongshu", body)
            }
        };
        let client = client.clone().with_key(&format!("{id}.{number}"));
        match client.post(path, &body).await {
            Ok(answer) => answers.push(answer),
            Err(error @ ClientError::Refused { .. }) => panic!("{body}: {error}"),
            Err(_) => return answers,
        }
        tokio::time::sleep(pause).await;
    }
    answers
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
            for _ in 0..random.below(4) {
                told.wish(say, &mut random);
            }
            if random.below(5) == 0 {
                told.wish(work, &mut random);
            }
            let pause = Duration::from_millis(random.below(25).into());
            let talk = talk(house.client(), id.clone(), told.open.clone(), pause);
            talks.push(tokio::spawn(talk));
        }
        // Most lives end while something is on its way, some leave the time to bring it to its end.
        let longest = [120, 120, 500, 2000][random.below(4) as usize];
        tokio::time::sleep(Duration::from_millis(random.below(longest).into())).await;
        house.kill_launcher().await;
        for (told, talk) in planners.values_mut().zip(talks) {
            told.heard(talk.await.unwrap());
            told.repeated += u32::from(!told.open.is_empty());
        }
        house.start(&[]).await;
        if kill % 100 == 99 {
            println!("{} kills", kill + 1);
        }
    }
    for (id, told) in &mut planners {
        let talk = talk(
            house.client(),
            id.clone(),
            told.open.clone(),
            Duration::ZERO,
        );
        told.heard(talk.await);
        assert!(told.open.is_empty(), "{id}: nobody answers");
    }
    let audit = settled(&house).await;
    for (id, told) in &planners {
        check_words(&house, &audit, id, told);
        check_works(&house, &audit, id, told);
    }
    let (code, said, error) = house.run(&["audit", "verify"]).await;
    assert_eq!(code, Some(0), "{said}{error}");
    house.close().await;
}

fn setting<T: std::str::FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok()?.parse().ok()
}

/// Everybody is done, and everything that was queued came to its end; the audit log then. A long run leaves much to do: as long as
/// something happens, it is waited for.
async fn settled(house: &House) -> Vec<Value> {
    let mut seen = 0;
    loop {
        let look = async || {
            let audit = house.audit().await;
            let count = |name: &str| events(&audit, name).len();
            let status = house.get("/api/status").await;
            let told = count("message_delivered") + count("message_dropped");
            // A planner hears of a report when it was held against what changed.
            let queued = events(&audit, "message_queued").into_iter();
            let results = queued.filter_map(|event| named(event["text"].as_str()?));
            let done = count("message_queued") == told
                && count("assignment_queued") == results.count()
                && status["active_department_sessions"] == 0;
            (done || audit.len() > seen).then_some((done, audit))
        };
        let (done, audit) = house.wait_for("everything comes to its end", look).await;
        if done {
            return audit;
        }
        seen = audit.len();
    }
}

/// The person's words and word of results: each once and in order, and the journal knows it.
fn check_words(house: &House, audit: &[Value], id: &str, told: &Told) {
    let said = house.said_to(&told.thread);
    let mine = |name: &str| -> Vec<&Value> {
        let all = events(audit, name).into_iter();
        all.filter(|event| event["session_id"] == id).collect()
    };
    let heard: Vec<u32> = said.iter().filter_map(|text| number_of(text)).collect();
    assert!(
        heard.windows(2).all(|pair| pair[0] < pair[1]),
        "{id}: doubled or out of order: {heard:?}"
    );
    let heard: BTreeSet<u32> = heard.into_iter().collect();
    assert_eq!(heard, told.words, "{id}: lost, or said without a wish");
    let queued: BTreeSet<u32> = mine("message_queued")
        .iter()
        .filter_map(|event| number_of(event["text"].as_str().unwrap()))
        .collect();
    assert_eq!(heard, queued, "{id}: the journal and Codex's record differ");
    let reported: Vec<String> = mine("message_queued")
        .iter()
        .filter_map(|event| named(event["text"].as_str().unwrap()))
        .collect();
    let heard: Vec<String> = said.iter().filter_map(|text| named(text)).collect();
    assert_eq!(heard, reported, "{id}: word of results");
    let distinct: BTreeSet<&String> = heard.iter().collect();
    let counts = (heard.len(), distinct.len());
    assert_eq!(
        counts,
        (told.works.len(), told.works.len()),
        "{id}: results"
    );
    let delivered = mine("message_delivered");
    let ids: BTreeSet<&str> = delivered
        .iter()
        .map(|event| event["message_id"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), delivered.len(), "{id}: recorded twice");
    println!(
        "{id}: {} words, {} results, {} lives ended with a wish unanswered",
        told.words.len(),
        told.works.len(),
        told.repeated
    );
}

/// Each assignment was given to one department, which was told its task once and reported by itself once.
fn check_works(house: &House, audit: &[Value], id: &str, told: &Told) {
    let of = |name: &str, field: &str, value: &Value| -> Vec<&Value> {
        let all = events(audit, name).into_iter();
        all.filter(|event| event[field] == *value).collect()
    };
    let queued = of("assignment_queued", "parent_session_id", &json!(id));
    assert_eq!(queued.len(), told.works.len(), "{id}: assignments");
    for (assignment, task) in &told.works {
        let dispatched = of("assignment_dispatched", "assignment_id", &json!(assignment));
        assert_eq!(dispatched.len(), 1, "{assignment}");
        let department = &dispatched[0]["session_id"];
        let results = of("result_registered", "department_session_id", department);
        assert_eq!(results.len(), 1, "{assignment}: {results:#?}");
        assert_ne!(results[0]["source"], "launcher_fallback", "{assignment}");
        let opened = of("session_thread_opened", "session_id", department);
        let thread = opened.last().unwrap()["thread_id"].as_str().unwrap();
        let said = house.said_to(thread);
        let tasks = said.iter().filter(|text| text.contains(task.as_str()));
        assert_eq!(tasks.count(), 1, "{assignment}: {said:#?}");
    }
}
