//! The server ends while a job runs, in whichever way and again and again: the job is done once.

use crate::rig::{house, script};
use crate::support::House;
use crate::support::script::{hang, on_message};
use mock_model::{Rule, Step};
use serde_json::{Value, json};

/// Words of our prompt, in English.
const ASKED: &str = "Suggest what I could ask of you next";

fn suggests(step: Step) -> Rule {
    on_message("suggests", ASKED, vec![step])
}

impl House {
    async fn asked_times(&self, times: usize) {
        let asked = |it: &&mock_model::RecordedRequest| it.rule.as_deref() == Some("suggests");
        self.requests("the question", |all| {
            all.iter().filter(asked).count() >= times
        })
        .await;
    }

    async fn job_at(&self, id: &str) -> Value {
        self.look(&format!("/orchestrator/jobs/{id}")).await["job"].clone()
    }
}

#[tokio::test]
async fn a_job_that_runs_outlives_kills_and_orderly_stops_and_is_done_once() {
    let mut house = house([suggests(hang())]).await;
    let session = house.chat().await;
    house.has_turn(&session, "Hello").await;
    let path = format!("/sessions/{session}/suggested-request/jobs");
    let queued = house.granted("POST", &path, None, 202).await;
    let id = queued["jobId"].as_str().unwrap().to_owned();
    for (times, kills) in [true, false, true, false].into_iter().enumerate() {
        house.asked_times(times + 1).await;
        let job = house.job_at(&id).await;
        assert_eq!(
            (&job["state"], &job["attempts"]),
            (&json!("running"), &json!(1)),
            "{job:#}"
        );
        if kills {
            house.kill_launcher().await;
        } else {
            house.stop_launcher().await;
        }
        house.start(&[]).await;
        house.knows_sessions().await;
    }
    house.asked_times(5).await;
    house
        .model
        .set_script(script([suggests(Step::say("Once."))]));
    house.kill_launcher().await;
    house.start(&[]).await;
    house.knows_sessions().await;
    let job = house
        .wait_for("its end", async || {
            let job = house.job_at(&id).await;
            (job["state"] == "completed").then_some(job)
        })
        .await;
    // None of it was its own failure.
    assert_eq!(
        (&job["attempts"], &job["result"]["suggestion"]),
        (&json!(1), &json!("Once.")),
        "{job:#}"
    );
    assert_eq!(house.recorded("job_completed").len(), 1);
    let retried = house.recorded("job_retried");
    assert_eq!(retried.len(), 5, "{retried:#?}");
    let read = house.look(&format!("/sessions/{session}")).await;
    let rows = read["transcript"].as_array().unwrap().iter();
    let rows: Vec<_> = rows
        .filter(|it| it["type"] == "agent.suggestedRequest")
        .collect();
    assert_eq!(rows.len(), 1, "{rows:#?}");
    assert_eq!(rows[0]["status"], "complete");
    house.close().await;
}
