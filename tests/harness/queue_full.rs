//! The queue at its bounds: as many jobs as it takes, and one more; and a journal that takes no further byte.

use crate::bot::Bot;
use crate::rig::{PREFIX, house, house_with, script};
use crate::support::script::on_message;
use crate::support::{GOVERNANCE, House};
use mock_model::{Rule, Step};
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::{Value, json};

const JOBS: &str = "/orchestrator/jobs";
/// Words of our prompt, in English.
const ASKED: &str = "Suggest what I could ask of you next";

/// The model suggests this once the test lets it.
fn suggests_later(text: &str) -> Rule {
    let held = Step {
        hang: true,
        ..Step::say(text)
    };
    on_message("suggests", ASKED, vec![held])
}

fn wish(session: &str, key: &str) -> Value {
    json!({ "type": "suggest_request", "payload": { "sessionId": session, "requestKey": key }, "dedupe": "none" })
}

impl House {
    async fn session_to_suggest_in(&self) -> String {
        let id = self.chat().await;
        self.has_turn(&id, "Hello").await;
        id
    }

    /// Fills the queue of a session with jobs that wait; one of them may run.
    async fn fills_queue(&self, session: &str) {
        for number in 0..100 {
            let job = wish(session, &format!("k{number}"));
            self.granted("POST", JOBS, Some(job), 202).await;
        }
    }

    async fn jobs_of(&self, session: &str, state: &str) -> usize {
        let path = format!("/projects/session:{session}{JOBS}?state={state}");
        self.look(&path).await["data"].as_array().unwrap().len()
    }
}

/// What the bot is answered, with its `Retry-After`.
async fn enqueue(bot: &Bot, body: &Value) -> (u16, Option<u64>, Value) {
    let url = format!("{}{PREFIX}{JOBS}", bot.url);
    let request = bot.http.post(url).bearer_auth(&bot.token).json(body);
    let answer = request.send().await.unwrap();
    let after = answer.headers().get("retry-after");
    let after = after.map(|it| it.to_str().unwrap().parse().unwrap());
    (
        answer.status().as_u16(),
        after,
        answer.json().await.unwrap(),
    )
}

#[tokio::test]
async fn a_project_has_a_hundred_jobs_and_all_have_five_hundred() {
    let house = house([suggests_later("Go on.")]).await;
    let bot = Bot::of(&house).await;
    let mut sessions = Vec::new();
    for _ in 0..6 {
        sessions.push(house.session_to_suggest_in().await);
    }
    let (first, last) = (sessions[0].clone(), sessions[5].clone());
    house.fills_queue(&first).await;
    let (status, after, full) = enqueue(&bot, &wish(&first, "more")).await;
    assert_eq!(
        (status, &full["code"]),
        (429, &json!("queue_full")),
        "{full}"
    );
    assert!(after.is_some_and(|it| it > 0), "{after:?}");
    assert_eq!(full["sessionId"], json!(first));
    let of_project = full["message"].clone();
    assert_eq!(
        house.jobs_of(&first, "queued").await + house.jobs_of(&first, "running").await,
        100
    );
    // What is there already takes no room.
    let mut same = wish(&first, "k50");
    (same["dedupe"], same["dedupeKey"]) = (json!("single_flight"), json!("one"));
    assert_eq!(enqueue(&bot, &same).await.0, 429);
    for session in &sessions[1..5] {
        house.fills_queue(session).await;
    }
    let health = house.look("/health").await["orchestratorQueue"].clone();
    let waiting = health["queued"].as_u64().unwrap() + health["running"].as_u64().unwrap();
    assert_eq!((waiting, &health["projects"]), (500, &json!(5)), "{health}");
    let (status, after, full) = enqueue(&bot, &wish(&last, "more")).await;
    assert_eq!(
        (status, &full["code"]),
        (429, &json!("queue_full")),
        "{full}"
    );
    assert!(after.is_some());
    assert_ne!(full["message"], of_project, "it is told which bound it is");
    let path = format!("/sessions/{last}/suggested-request/jobs");
    let none = house.denied("POST", &path, None, 429).await;
    assert_eq!(none["code"], "queue_full");

    // With a session its jobs go, those that wait as well as the one that runs, and there is room again.
    house
        .granted("DELETE", &format!("/sessions/{first}"), None, 200)
        .await;
    let list = format!("/projects/session:{first}{JOBS}");
    house
        .wait_for("the end of its jobs", async || {
            let canceled = house.look(&format!("{list}?state=canceled")).await;
            let all = canceled["data"].as_array().unwrap();
            let gone = all.iter().filter(|it| it["canceled"] == "session_deleted");
            (gone.count() == 100).then_some(())
        })
        .await;
    let (status, _, queued) = enqueue(&bot, &wish(&last, "more")).await;
    assert_eq!((status, &queued["status"]), (202, &json!("queued")));
    let (status, _, gone) = enqueue(&bot, &wish(&first, "late")).await;
    assert_eq!((status, &gone["status"]), (410, &json!("deleted")));
    house.close().await;
}

/// Lets the server write files only up to so many bytes, as a full disk would.
fn limit_files(house: &House, bytes: Option<u64>) {
    let pid = Pid::from_raw(house.launcher_pid().cast_signed()).unwrap();
    let limit = Rlimit {
        current: bytes,
        maximum: None,
    };
    prlimit(Some(pid), Resource::Fsize, limit).unwrap();
}

#[tokio::test]
async fn with_a_full_disk_nothing_is_acknowledged_and_what_was_is_done_once() {
    let mut house = house_with([suggests_later("Now.")], GOVERNANCE).await;
    let (running, other) = (
        house.session_to_suggest_in().await,
        house.session_to_suggest_in().await,
    );
    let one = house
        .granted("POST", JOBS, Some(wish(&running, "one")), 202)
        .await;
    let asked = |it: &mock_model::RecordedRequest| it.rule.as_deref() == Some("suggests");
    house
        .requests("the question", |all| all.iter().any(asked))
        .await;
    let two = house
        .granted("POST", JOBS, Some(wish(&running, "two")), 202)
        .await;
    let journal = house.state.join("harness.jsonl");
    limit_files(&house, Some(std::fs::metadata(&journal).unwrap().len()));

    let full = house
        .denied("POST", JOBS, Some(wish(&other, "three")), 507)
        .await;
    assert_eq!(full["code"], "read_only", "{full:#}");
    assert!(!full["message"].as_str().unwrap().is_empty());
    let cancel = format!("{JOBS}/{}/cancel", two["job"]["id"].as_str().unwrap());
    let full = house.denied("POST", &cancel, None, 507).await;
    assert_eq!(full["code"], "read_only");
    assert_eq!(house.jobs_of(&other, "queued").await, 0);
    // The model answers, and that cannot be written: it is not done yet, for nobody.
    house.model.set_script(script([on_message(
        "suggests",
        ASKED,
        vec![Step::say("Later.")],
    )]));
    house.model.release();
    house
        .wait_for("a word about the journal", async || {
            let log = house.log();
            log.contains("waits for the journal").then_some(())
        })
        .await;
    assert_eq!(house.jobs_of(&running, "completed").await, 0);
    assert_eq!(house.jobs_of(&running, "running").await, 1);

    // Killed in this state, what was acknowledged is there, and nothing else.
    house.kill_launcher().await;
    house.start(&[]).await;
    house.knows_sessions().await;
    house
        .wait_for("both to be done", async || {
            (house.jobs_of(&running, "completed").await == 2).then_some(())
        })
        .await;
    for job in [one, two] {
        let id = &job["job"]["id"];
        let done = house.recorded("job_completed");
        let done = done.iter().filter(|it| &it["job_id"] == id);
        assert_eq!(done.count(), 1, "{id}");
    }
    assert_eq!(house.jobs_of(&other, "completed").await, 0);

    // Once there is room again it goes on by itself.
    limit_files(&house, Some(std::fs::metadata(&journal).unwrap().len()));
    house
        .denied("POST", JOBS, Some(wish(&other, "four")), 507)
        .await;
    limit_files(&house, None);
    let five = house
        .wait_for("room", async || {
            let (status, queued) = house.ask("POST", JOBS, Some(wish(&other, "five"))).await;
            (status == 202).then_some(queued)
        })
        .await;
    house
        .wait_for("its end", async || {
            let path = format!("{JOBS}/{}", five["job"]["id"].as_str().unwrap());
            let job = house.look(&path).await["job"].clone();
            (job["state"] == "completed").then_some(())
        })
        .await;
    house.close().await;
}
