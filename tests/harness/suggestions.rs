//! The suggested next request: asked beside the thread or in a copy nobody hears of, told as it comes, and done once.

use crate::listener::types;
use crate::rig::{HANG, house, house_with};
use crate::support::House;
use crate::support::script::{fails, hang, on_message};
use crate::support::thread::Stranger;
use mock_model::{Call, Rule, Step};
use serde_json::{Value, json};

/// Words of our prompt, in English.
const ASKED: &str = "Suggest what I could ask of you next";

/// The model suggests this way.
fn suggests(steps: Vec<Step>) -> Rule {
    on_message("suggests", ASKED, steps)
}

impl House {
    /// What Codex has of a thread: how many turns, and all of the newest.
    pub async fn history(&self, id: &str) -> Value {
        let mut stranger = Stranger::connect(self).await;
        let params = json!({ "threadId": id, "limit": 50, "itemsView": "full" });
        stranger.call("thread/turns/list", params).await["data"].clone()
    }

    async fn suggest(&self, id: &str, wish: Value, status: u16) -> Value {
        let path = format!("/sessions/{id}/suggested-request");
        self.granted("POST", &path, Some(wish), status).await
    }

    async fn enqueue_suggestion(&self, id: &str, wish: Value) -> Value {
        let path = format!("/sessions/{id}/suggested-request/jobs");
        self.granted("POST", &path, Some(wish), 202).await
    }

    pub async fn job_over(&self, id: &Value) -> Value {
        let path = format!("/orchestrator/jobs/{}", id.as_str().unwrap());
        self.wait_for("the end of a job", async || {
            let job = self.look(&path).await["job"].clone();
            let state = job["state"].as_str().unwrap();
            ["completed", "failed", "canceled"]
                .contains(&state)
                .then_some(job)
        })
        .await
    }

    /// The rows of suggestions in a session.
    async fn suggested(&self, id: &str) -> Vec<Value> {
        let session = self.look(&format!("/sessions/{id}")).await;
        let rows = session["transcript"].as_array().unwrap().iter();
        let rows = rows.filter(|it| it["type"] == "agent.suggestedRequest");
        rows.cloned().collect()
    }

    async fn model_was_asked(&self) {
        let asked = |it: &mock_model::RecordedRequest| it.rule.as_deref() == Some("suggests");
        self.requests("the question", |all| all.iter().any(asked))
            .await;
    }
}

#[tokio::test]
async fn a_suggestion_leaves_no_trace_in_the_history_and_is_told_in_order() {
    let house = house([suggests(vec![Step::say("\"Now write the tests.\"")])]).await;
    let id = house.chat().await;
    house.has_turn(&id, "Hello").await;
    let before = house.history(&id).await;
    let mut stream = house.listens("?frames=one").await;
    let made = house
        .suggest(&id, json!({ "draft": "tests please" }), 200)
        .await;
    assert_eq!(
        (&made["status"], &made["sessionId"], &made["suggestion"]),
        (&json!("ok"), &json!(id), &json!("Now write the tests."))
    );
    let told = stream.until_type("orchestrator_job_completed").await;
    let ours: Vec<_> = told
        .iter()
        .filter(|it| {
            let name = it["type"].as_str().unwrap();
            name.starts_with("orchestrator_job") || name == "suggested_request_updated"
        })
        .cloned()
        .collect();
    assert_eq!(
        types(&ours),
        [
            "orchestrator_job_queued",
            "orchestrator_job_started",
            "suggested_request_updated",
            "suggested_request_updated",
            "orchestrator_job_completed",
        ]
    );
    let states = [&ours[2], &ours[3]].map(|it| it["payload"]["status"].clone());
    assert_eq!(states, ["streaming", "complete"]);
    assert_eq!(ours[3]["payload"]["requestKey"], made["requestKey"]);
    assert!(
        !told
            .iter()
            .any(|it| it["type"] == "app_server.turn.started"),
        "{told:#?}"
    );
    assert_eq!(house.history(&id).await, before);
    let rows = house.suggested(&id).await;
    assert_eq!(rows.len(), 1, "{rows:#?}");
    assert_eq!(
        (&rows[0]["status"], &rows[0]["content"]),
        (&json!("complete"), &json!("Now write the tests."))
    );
    let requests = house.model.requests();
    let asked = requests.last().unwrap().user_texts.last().unwrap().clone();
    assert!(asked.contains("<draft>\ntests please\n</draft>"), "{asked}");
    house.close().await;
}

#[tokio::test]
async fn while_a_turn_runs_it_goes_on_and_the_suggestion_comes() {
    let house = house([suggests(vec![Step::say("Then write the tests.")])]).await;
    let id = house.chat().await;
    let (_stranger, turn) = house.begins_turn(&id, HANG).await;
    let hangs = |it: &mock_model::RecordedRequest| it.rule.as_deref() == Some("hang");
    house
        .requests("the turn hangs", |all| all.iter().any(hangs))
        .await;
    let made = house.suggest(&id, json!({}), 200).await;
    assert_eq!(made["suggestion"], "Then write the tests.");
    let history = house.history(&id).await;
    assert_eq!(history.as_array().unwrap().len(), 1);
    assert_eq!(
        (&history[0]["id"], &history[0]["status"]),
        (&json!(turn), &json!("inProgress"))
    );
    house.close().await;
}

#[tokio::test]
async fn another_model_is_asked_in_a_copy_that_nobody_hears_of() {
    let governance = format!("{}models: [other-model]\n", crate::support::GOVERNANCE);
    let house = house_with(
        [suggests(vec![Step::say("Ask me differently.")])],
        &governance,
    )
    .await;
    let id = house.chat().await;
    house.has_turn(&id, "Hello").await;
    let (_stranger, _) = house.begins_turn(&id, HANG).await;
    let hangs = |it: &mock_model::RecordedRequest| it.rule.as_deref() == Some("hang");
    house
        .requests("the turn hangs", |all| all.iter().any(hangs))
        .await;
    let before = house.history(&id).await;
    let mut stream = house.listens("").await;
    let wish = json!({ "model": "other-model" });
    let made = house.suggest(&id, wish, 200).await;
    assert_eq!(made["suggestion"], "Ask me differently.");
    let told = stream.until_type("orchestrator_job_completed").await;
    let (mine, of_job): (Vec<&Value>, Vec<&Value>) = told
        .iter()
        .partition(|it| it["threadId"].is_null() || it["threadId"] == id.as_str());
    assert!(of_job.is_empty(), "{of_job:#?}");
    assert!(
        !mine.iter().any(|it| it["type"] == "turn_diff_updated"),
        "{mine:#?}"
    );
    assert_eq!(house.history(&id).await, before);
    let requests = house.model.requests();
    let asked = requests.last().unwrap();
    assert_eq!(asked.model, "other-model");
    assert_ne!(asked.thread_id, id);
    let list = house.look("/sessions?includeSystemOwned=true").await;
    assert_eq!(list["data"].as_array().unwrap().len(), 1, "{list:#}");
    house.close().await;
}

#[tokio::test]
async fn two_at_once_are_one_job_with_one_key_and_one_that_is_killed_is_done_once() {
    let mut house = house([suggests(vec![hang(), Step::say("Once.")])]).await;
    let id = house.chat().await;
    house.has_turn(&id, "Hello").await;
    let first = house.enqueue_suggestion(&id, json!({})).await;
    let second = house.enqueue_suggestion(&id, json!({ "draft": "x" })).await;
    for field in ["jobId", "requestKey", "sessionId", "projectId"] {
        assert_eq!(first[field], second[field], "{field}");
    }
    assert_eq!(
        (&first["dedupe"], &second["dedupe"]),
        (&json!("enqueued"), &json!("already_queued"))
    );
    house.model_was_asked().await;
    house.kill_launcher().await;
    house
        .model
        .set_script(crate::rig::script([suggests(vec![Step::say("Once.")])]));
    house.start(&[]).await;
    house.knows_sessions().await;
    let job = house.job_over(&first["jobId"]).await;
    assert_eq!(job["result"]["suggestion"], "Once.", "{job:#}");
    assert_eq!(job["result"]["requestKey"], first["requestKey"]);
    let rows = house.suggested(&id).await;
    assert_eq!(rows.len(), 1, "{rows:#?}");
    assert_eq!(rows[0]["status"], "complete");
    house.close().await;
}

#[tokio::test]
async fn one_that_takes_its_time_is_answered_with_its_job_and_comes_later() {
    let late = Step {
        hang: true,
        ..Step::say("At last.")
    };
    let house = house([suggests(vec![late])]).await;
    let id = house.chat().await;
    house.has_turn(&id, "Hello").await;
    // Whoever asks waits no longer than 12 s.
    let queued = house.suggest(&id, json!({}), 202).await;
    assert_eq!(
        (&queued["status"], &queued["sessionId"]),
        (&json!("queued"), &json!(id))
    );
    house.model.release();
    let job = house.job_over(&queued["jobId"]).await;
    assert_eq!(job["result"]["suggestion"], "At last.", "{job:#}");
    assert_eq!(job["result"]["requestKey"], queued["requestKey"]);
    house.close().await;
}

#[tokio::test]
async fn without_words_of_the_model_something_stands_in_and_a_failure_is_told() {
    let call = Step::call(Call::shell("ls"));
    let house = house([suggests(vec![call])]).await;
    let id = house.chat().await;
    house.has_turn(&id, "Hello").await;
    let wish = json!({ "draft": "Do this" });
    let made = house.suggest(&id, wish, 200).await;
    assert_eq!(
        (&made["status"], &made["suggestion"]),
        (&json!("fallback"), &json!("Do this"))
    );
    let other = house.chat().await;
    house.has_turn(&other, "Hello again").await;
    house
        .model
        .set_script(crate::rig::script([suggests(vec![fails("broken")])]));
    let failed = house.enqueue_suggestion(&other, json!({})).await;
    let job = house.job_over(&failed["jobId"]).await;
    assert_eq!(job["state"], "failed", "{job:#}");
    let rows = house.suggested(&other).await;
    assert_eq!(rows[0]["status"], "error", "{rows:#?}");
    assert!(!rows[0]["content"].as_str().unwrap().is_empty());
    house.close().await;
}

#[tokio::test]
async fn what_stands_in_the_way_of_a_suggestion_is_said() {
    let governance = format!("{}harness:\n  queue: off\n", crate::support::GOVERNANCE);
    let house = house_with([], &governance).await;
    let id = house.chat().await;
    for path in ["suggested-request", "suggested-request/jobs"] {
        let path = format!("/sessions/{id}/{path}");
        let off = house.denied("POST", &path, None, 503).await;
        assert_eq!(
            (&off["code"], &off["sessionId"]),
            (&json!("job_conflict"), &json!(id))
        );
    }
    house.close().await;
}

#[tokio::test]
async fn a_session_without_a_turn_or_deleted_meanwhile_gets_none() {
    let house = house([suggests(vec![hang()])]).await;
    let fresh = house.chat().await;
    let path = format!("/sessions/{fresh}/suggested-request");
    let none = house.denied("POST", &path, None, 409).await;
    assert_eq!(
        (&none["status"], &none["code"], &none["sessionId"]),
        (&json!("no_context"), &json!("no_context"), &json!(fresh))
    );
    let unknown = json!({ "model": "nobody-knows-it" });
    house.denied("POST", &path, Some(unknown), 409).await;
    let job = house.enqueue_suggestion(&fresh, json!({})).await;
    let job = house.job_over(&job["jobId"]).await;
    assert_eq!(
        (&job["state"], &job["errorCode"]),
        (&json!("failed"), &json!("no_context"))
    );
    let id = house.chat().await;
    house.has_turn(&id, "Hello").await;
    let queued = house.enqueue_suggestion(&id, json!({})).await;
    house.model_was_asked().await;
    house
        .granted("DELETE", &format!("/sessions/{id}"), None, 200)
        .await;
    let job = house.job_over(&queued["jobId"]).await;
    assert_eq!(
        (&job["state"], &job["canceled"]),
        (&json!("canceled"), &json!("session_deleted"))
    );
    let path = format!("/sessions/{id}/suggested-request");
    house.denied("POST", &path, None, 410).await;
    house.close().await;
}

#[tokio::test]
async fn a_full_queue_takes_no_suggestion() {
    let house = house([suggests(vec![hang()])]).await;
    let id = house.chat().await;
    house.has_turn(&id, "Hello").await;
    for number in 0..100 {
        let payload = json!({ "sessionId": id, "requestKey": format!("k{number}") });
        let job = json!({ "type": "suggest_request", "payload": payload, "dedupe": "none" });
        house
            .granted("POST", "/orchestrator/jobs", Some(job), 202)
            .await;
    }
    for path in ["suggested-request", "suggested-request/jobs"] {
        let path = format!("/sessions/{id}/{path}");
        let full = house.denied("POST", &path, None, 429).await;
        assert_eq!(
            (&full["code"], &full["sessionId"]),
            (&json!("queue_full"), &json!(id))
        );
    }
    house.close().await;
}
