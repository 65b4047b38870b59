//! Jobs over the API of a real server: queued, told of, refused, kept over its end however it ends, and switched off.

use crate::listener::types;
use crate::rig::{house, house_with};
use crate::support::{GOVERNANCE, House};
use serde_json::{Value, json};

const JOBS: &str = "/orchestrator/jobs";

/// An instruction for an agent about a turn that never was: what becomes of it does not matter here, but that it is over soon.
fn instruction(session: &str) -> Value {
    json!({
        "type": "agent_instruction",
        "payload": {
            "agent": "nobody", "jobKind": "look", "projectId": format!("session:{session}"),
            "sourceSessionId": session, "threadId": session, "turnId": "none", "instructionText": "Look.",
        },
    })
}

async fn queued(house: &House, wish: Value) -> Value {
    let queued = house.granted("POST", JOBS, Some(wish), 202).await;
    assert_eq!(queued["status"], "queued");
    queued["job"].clone()
}

async fn over(house: &House, id: &str) -> Value {
    house
        .wait_for("the end of the job", async || {
            let found = house.look(&format!("{JOBS}/{id}")).await;
            let state = found["job"]["state"].as_str().unwrap().to_owned();
            (state != "queued" && state != "running").then(|| found["job"].clone())
        })
        .await
}

#[tokio::test]
async fn a_job_is_told_of_from_its_beginning_to_its_end_and_kept_over_a_kill() {
    let mut house = house([]).await;
    let session = house.chat().await;
    let mut stream = house.listens(&format!("?threadId={session}")).await;
    let job = queued(&house, instruction(&session)).await;
    let id = job["id"].as_str().unwrap();
    assert_eq!(
        (
            &job["type"],
            &job["state"],
            &job["priority"],
            &job["projectId"]
        ),
        (
            &json!("agent_instruction"),
            &json!("queued"),
            &json!("interactive"),
            &json!(format!("session:{session}"))
        )
    );
    let told = stream
        .until(|it| it["type"] == "orchestrator_job_failed")
        .await;
    let told: Vec<_> = told
        .into_iter()
        .filter(|it| it["type"].as_str().unwrap().starts_with("orchestrator_"))
        .collect();
    assert_eq!(
        types(&told),
        [
            "orchestrator_job_queued",
            "orchestrator_job_started",
            "orchestrator_job_failed"
        ]
    );
    for (event, state) in told.iter().zip(["queued", "running", "failed"]) {
        let payload = &event["payload"];
        assert_eq!(
            (
                &payload["jobId"],
                &payload["jobType"],
                &payload["sourceSessionId"],
                &payload["state"]
            ),
            (&json!(id), &job["type"], &json!(session), &json!(state))
        );
    }
    let job = over(&house, id).await;
    assert_eq!(
        (&job["state"], &job["attempts"]),
        (&json!("failed"), &json!(1))
    );
    assert_eq!(job["error"], told[2]["payload"]["error"]);
    assert!(
        job["errorCode"].is_string() && job["completedAt"].is_string(),
        "{job:#}"
    );

    let list = format!("/projects/session:{session}{JOBS}");
    assert_eq!(house.look(&list).await["data"], json!([job]));
    assert_eq!(
        house.look(&format!("{list}?state=failed")).await["data"],
        json!([job])
    );
    assert_eq!(
        house.look(&format!("{list}?state=queued")).await["data"],
        json!([])
    );
    assert_eq!(
        house.look("/projects/none/orchestrator/jobs").await["data"],
        json!([])
    );
    let health = house.look("/health").await["orchestratorQueue"].clone();
    assert_eq!(
        health,
        json!({"enabled": true, "queued": 0, "running": 0, "completed": 0, "failed": 1, "canceled": 0, "projects": 1})
    );

    house.kill_launcher().await;
    house.start(&[]).await;
    house.knows_sessions().await;
    assert_eq!(house.look(&format!("{JOBS}/{id}")).await["job"], job);
    let again = house.make(&format!("{JOBS}/{id}/retry"), json!({})).await;
    assert_eq!(
        (&again["status"], &again["job"]["id"]),
        (&json!("ok"), &json!(id))
    );
    let job = over(&house, id).await;
    assert_eq!(
        (&job["state"], &job["attempts"]),
        (&json!("failed"), &json!(1))
    );
    let late = house
        .denied("POST", &format!("{JOBS}/{id}/cancel"), None, 409)
        .await;
    assert_eq!(
        (&late["status"], &late["job"]),
        (&json!("already_terminal"), &job)
    );
    house.close().await;
}

#[tokio::test]
async fn what_no_job_is_and_whom_none_is_for_is_refused() {
    let house = house([]).await;
    let session = house.chat().await;
    let with = |field: &str, value: Value| {
        let mut wish = instruction(&session);
        wish["payload"][field] = value;
        wish
    };
    let other = json!({"type": "explode", "payload": {}});
    for (wish, status, code, path) in [
        (other, 409, "job_conflict", None),
        (
            with("instructionText", json!(" ")),
            409,
            "invalid_payload",
            Some("instructionText"),
        ),
        (
            with("turnId", json!(7)),
            409,
            "invalid_payload",
            Some("turnId"),
        ),
        (
            with("agent", json!("x".repeat(201))),
            409,
            "invalid_payload",
            Some("agent"),
        ),
        (
            with("projectId", json!("another")),
            409,
            "invalid_payload",
            Some("projectId"),
        ),
        (
            with("sourceSessionId", json!("nobody")),
            404,
            "not_found",
            None,
        ),
        (
            json!({"type": "suggest_request"}),
            400,
            "invalid_request",
            Some("."),
        ),
    ] {
        let no = house.denied("POST", JOBS, Some(wish.clone()), status).await;
        assert_eq!(no["code"], code, "{wish}");
        if let Some(path) = path {
            assert_eq!(no["issues"][0]["path"], path, "{wish}: {no:#}");
        }
    }
    for path in ["/nope", "/nope/cancel", "/nope/retry"] {
        let method = if path == "/nope" { "GET" } else { "POST" };
        let no = house
            .denied(method, &format!("{JOBS}{path}"), None, 404)
            .await;
        assert_eq!(
            (&no["status"], &no["jobId"]),
            (&json!("not_found"), &json!("nope"))
        );
    }
    let no = house
        .denied("GET", "/projects/p/orchestrator/jobs?state=lost", None, 400)
        .await;
    assert_eq!(no["issues"][0]["path"], "state");
    let job = queued(&house, instruction(&session)).await;
    over(&house, job["id"].as_str().unwrap()).await;
    house
        .granted("DELETE", &format!("/sessions/{session}"), None, 200)
        .await;
    let gone = house
        .denied("POST", JOBS, Some(instruction(&session)), 410)
        .await;
    assert_eq!(gone["status"], "deleted");
    let retry = format!("{JOBS}/{}/retry", job["id"].as_str().unwrap());
    house.denied("POST", &retry, None, 410).await;
    house.close().await;
}

#[tokio::test]
async fn a_project_that_was_deleted_has_no_jobs() {
    let house = house([]).await;
    let session = house.chat().await;
    let project = house.make("/projects", json!({ "name": "Tea" })).await;
    let project = project["project"]["projectId"].as_str().unwrap().to_owned();
    let place = format!("/sessions/{session}/project");
    house.make(&place, json!({ "projectId": project })).await;
    let payload = json!({ "sessionId": session, "requestKey": "one" });
    let wish = json!({ "type": "suggest_request", "payload": payload });
    let job = queued(&house, wish).await;
    let id = job["id"].as_str().unwrap();
    let job = over(&house, id).await;
    let list = format!("/projects/{project}{JOBS}");
    assert_eq!(house.look(&list).await["data"], json!([job]));
    house.make(&place, json!({ "projectId": null })).await;
    let gone = format!("/projects/{project}");
    house.granted("DELETE", &gone, None, 200).await;
    assert_eq!(house.look(&list).await["data"], json!([]));
    assert_eq!(house.look(&format!("{JOBS}/{id}")).await["job"], job);
    house.close().await;
}

#[tokio::test]
async fn while_the_queue_is_off_everything_about_it_says_so() {
    let governance = format!("{GOVERNANCE}harness: {{queue: off}}\n");
    let house = house_with([], &governance).await;
    let session = house.chat().await;
    for (method, path) in [
        ("GET", "/projects/p/orchestrator/jobs".to_owned()),
        ("GET", format!("{JOBS}/j")),
        ("POST", format!("{JOBS}/j/cancel")),
        ("POST", format!("{JOBS}/j/retry")),
    ] {
        let off = house.denied(method, &path, None, 503).await;
        assert_eq!(off["code"], "job_conflict", "{path}");
    }
    let wish = Some(instruction(&session));
    let off = house.denied("POST", JOBS, wish, 503).await;
    assert_eq!(off["code"], "job_conflict");
    let health = house.look("/health").await;
    assert_eq!(health["orchestratorQueue"], json!({"enabled": false}));
    house.close().await;
}
