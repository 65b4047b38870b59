//! What extensions hear of beside turns, and answers that are none: too late, twice, too long, or about what they were not told of.

use super::rig::{Extension, governance, house, says};
use crate::rig::house_with;
use crate::support::House;
use crate::support::script::on_message;
use crate::waits::asking_with;
use mock_model::{Call, Step};
use serde_json::{Value, json};

/// Has an agent look at what a suggestion is asked for.
const ENQUEUES: &str = r#"
def handle(event, payload):
    job = {"type": "agent_instruction", "payload": {
        "agent": "looker", "jobKind": "look", "projectId": payload["projectId"], "sourceSessionId": payload["sessionId"],
        "threadId": payload["threadId"], "turnId": payload["turnId"], "instructionText": "Look at it."}}
    return [{"kind": "enqueue_result", "job": job, "idempotencyKey": payload["requestKey"]}]
"#;

#[tokio::test]
async fn a_wish_for_a_suggestion_is_told_and_may_be_answered_with_a_job() {
    let suggests = on_message(
        "suggests",
        "Suggest what I could ask of you next",
        vec![Step::say("Write the tests.")],
    );
    let house = house_with([suggests], &governance()).await;
    let event = "suggest_request.requested";
    let enqueuing = Extension {
        id: "enqueuing",
        events: json!([event]),
        declares: json!({"events": [event], "actions": ["queue.enqueue"]}),
        code: ENQUEUES,
    };
    house.runs(&enqueuing).await;
    let (id, turn) = house.session_with_turn().await;
    let path = format!("/sessions/{id}/suggested-request");
    let wish = json!({"draft": "tests"});
    let made = house.granted("POST", &path, Some(wish), 200).await;
    assert_eq!(made["suggestion"], "Write the tests.");
    let heard = house.noted_times("enqueuing", "heard", 1).await;
    let told = &heard[0]["payload"];
    assert_eq!(
        (
            &told["requestKey"],
            &told["sessionId"],
            &told["turnId"],
            &told["projectId"],
            &told["draft"]
        ),
        (
            &made["requestKey"],
            &json!(id),
            &json!(turn),
            &json!(format!("session:{id}")),
            &json!("tests")
        )
    );
    assert_eq!(told["userRequest"], "Hello.");
    assert!(told["turnTranscript"].as_str().unwrap().contains("Told."));
    let path = format!("/projects/session:{id}/orchestrator/jobs");
    house
        .wait_for("the job of the extension", async || {
            let jobs = house.look(&path).await;
            let mut jobs = jobs["data"].as_array().unwrap().iter();
            jobs.find(|it| it["type"] == "agent_instruction").cloned()
        })
        .await;
    let queued = house.recorded("job_queued");
    assert_eq!(queued.last().unwrap()["actor"], "extension:enqueuing");
    let module = house.module("enqueuing").await;
    assert_eq!(module["diagnostics"], json!([]), "{module:#}");
    house.close().await;
}

const DECLINES: &str = r#"
def handle(event, payload):
    decide = {"approvalId": payload["context"]["approvalId"], "decision": "decline", "risk": "high"}
    return [{"kind": "action_request", "actionType": "approval.decide", "payload": decide}]
"#;

#[tokio::test]
async fn what_waits_already_is_told_once_when_an_extension_begins() {
    let patch = |house: &House| {
        let file = house.codex_home.join("file");
        let patch = format!(
            "*** Begin Patch\n*** Add File: {}\n+louder\n*** End Patch\n",
            file.display()
        );
        vec![Step::call(Call::ApplyPatch { patch })]
    };
    let house = asking_with(&governance(), "", patch).await;
    let begin = json!({ "filesystemSandbox": "read-only" });
    let begun = house.make("/sessions", begin).await;
    let id = begun["session"]["sessionId"].as_str().unwrap().to_owned();
    house.lets_reject(&id).await;
    let (turn, waiting) = house.asks(&id, "approvals").await;
    let event = "file_change.approval_requested";
    let late = Extension {
        id: "late",
        events: json!([event]),
        declares: json!({"events": [event], "actions": ["approval.decide"]}),
        code: DECLINES,
    };
    house.runs(&late).await;
    let heard = house.noted_times("late", "heard", 1).await;
    let told = &heard[0]["payload"];
    assert_eq!(
        (&told["sourceEvent"], &told["context"]["approvalId"]),
        (&json!("approvals_reconcile"), &waiting["approvalId"])
    );
    assert_eq!(house.over(&id, &turn).await["status"], "completed");
    // Another set hears nothing of what it was told before.
    house.reloads().await;
    house
        .module_that("late", "it runs", |it| it["state"] == "running")
        .await;
    assert_eq!(house.noted("late", "heard").len(), 1);
    house.close().await;
}

/// A row in the turn of the event.
const ROW: &str = r#"
def row(payload, kind, **more):
    turn = payload["context"]["turnId"]
    row = {"messageId": kind + turn, "turnId": turn, "role": "system", "type": kind, "content": "x", "status": "complete"}
    return {"kind": "action_request", "actionType": "transcript.upsert", "payload": {**row, **more}}
"#;

const LATE: &str = r#"
def handle(event, payload):
    time.sleep(0.8)
    return [row(payload, "late.note")]
"#;

const TWICE: &str = r#"
def handle(event, payload):
    said = {"content": [], "structuredContent": {"results": [row(payload, "twice.first")]}}
    print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": said}), flush=True)
    return [row(payload, "twice.second")]
"#;

const LONG: &str = r#"
def handle(event, payload):
    return [row(payload, "long.note", content="x" * 10_000_000)]
"#;

const OUTSIDE: &str = r#"
def handle(event, payload):
    job = {"agent": "a", "jobKind": "k", "projectId": payload["context"]["projectId"], "sourceSessionId": "other",
           "threadId": "other", "turnId": payload["context"]["turnId"], "instructionText": "Look."}
    return [row(payload, "outside.note", turnId="other"), row(payload, "outside.note", sessionId="other"),
            row(payload, "outside.note", projectId="other"),
            {"kind": "enqueue_result", "job": {"type": "agent_instruction", "payload": job}}]
"#;

const HUNGRY: &str = r#"
def handle(event, payload):
    hoard = bytearray(2 << 30)
    return [row(payload, "hungry.note")]
"#;

const DONE: &str = r#"
def handle(event, payload):
    return [row(payload, "done.note")]
"#;

#[tokio::test]
async fn answers_that_are_none_change_nothing_and_hold_nobody_up() {
    let house = house().await;
    for (priority, (id, code)) in [
        ("late", LATE),
        ("twice", TWICE),
        ("long", LONG),
        ("outside", OUTSIDE),
        ("hungry", HUNGRY),
        // The last of all: what it does is done when the others have had their turn.
        ("done", DONE),
    ]
    .into_iter()
    .enumerate()
    {
        let code = format!("{ROW}{code}");
        let limit = if id == "late" { 400 } else { 20_000 };
        let event = json!({"event": "turn.completed", "priority": priority, "timeoutMs": limit});
        house
            .runs(&Extension {
                events: json!([event]),
                ..Extension::of_turns(id, &code)
            })
            .await;
    }
    let (id, _) = house.session_with_turn().await;
    house.row(&id, "done.note").await;
    for (name, code, words) in [
        ("late", "process_ended", "400 ms"),
        ("long", "process_ended", "1 MiB"),
        ("hungry", "process_ended", "turn.completed"),
    ] {
        let module = house
            .module_that(name, "it is told why", |it| says(it, code, words))
            .await;
        let notes = module["diagnostics"].to_string();
        assert!(name != "hungry" || notes.contains("MemoryError"), "{notes}");
    }
    let outside = house.module("outside").await;
    let notes = outside["diagnostics"].as_array().unwrap().iter();
    let forbidden = notes.filter(|it| it["code"] == "forbidden");
    let times: u64 = forbidden.map(|it| it["times"].as_u64().unwrap()).sum();
    assert_eq!(times, 4, "{outside:#}");
    // All of them are there again, and are told of the next one.
    for name in ["late", "twice", "long", "outside", "hungry"] {
        house
            .module_that(name, "it runs", |it| it["state"] == "running")
            .await;
    }
    let seen = house.look(&format!("/sessions/{id}")).await;
    let rows = seen["transcript"].as_array().unwrap().iter();
    let kinds = rows.filter_map(|it| it["type"].as_str());
    let mut kinds: Vec<_> = kinds.filter(|it| it.contains('.')).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["done.note", "twice.first"]);
    let jobs = house
        .look(&format!("/projects/session:{id}/orchestrator/jobs"))
        .await;
    assert_eq!(jobs["data"], json!([]));
    house.close().await;
}

/// Two that are alike but for their folder.
#[tokio::test]
async fn of_two_with_one_id_none_takes_the_place_of_the_one_that_is_trusted() {
    let house = house().await;
    let code = format!("{ROW}{DONE}");
    house.runs(&Extension::of_turns("first", &code)).await;
    let manifest = super::rig::manifest("first", &json!({"events": ["turn.completed"]}));
    house.writes(
        "another",
        &[
            ("extension.manifest.json", &manifest.to_string()),
            ("main.py", ""),
        ],
    );
    let (status, answer) = house.reloads().await;
    assert_eq!((status, &answer["code"]), (400, &json!("reload_failed")));
    let errors = answer["errors"].as_array().unwrap().iter();
    let codes: Vec<&Value> = errors.map(|it| &it["code"]).collect();
    assert_eq!(codes, [&json!("agent_id_conflict")]);
    let (id, _) = house.session_with_turn().await;
    house.row(&id, "done.note").await;
    assert_eq!(house.module("first").await["state"], "running");
    house.close().await;
}
