//! Workers: threads in which agents do what jobs say, with the real Codex.

use crate::rig::{HANG, house, house_with};
use crate::support::script::{fails, hang, on_message, takes};
use crate::support::thread::Stranger;
use crate::support::{GOVERNANCE, House};
use crate::waits::{QUESTIONS, asking_with, question, touches};
use mock_model::{Call, RecordedRequest, Rule, Step};
use serde_json::{Value, json};

/// Words of an instruction at which the model does what a test wants.
pub const DO: &str = "LOOK AT THIS";
/// Words of what every worker is told once.
const ORIENTED: &str = "You are the worker \"supervisor\"";

/// What workers need.
pub fn governance() -> String {
    format!("{GOVERNANCE}harness: {{workers: {{mode: on}}}}\n")
}

/// The model answers an instruction so.
pub fn works(steps: Vec<Step>) -> Rule {
    on_message("works", DO, steps)
}

/// A house in which workers work.
async fn working(steps: Vec<Step>) -> House {
    house_with([works(steps)], &governance()).await
}

/// A job about a turn.
fn instruction(session: &str, turn: &str) -> Value {
    json!({
        "type": "agent_instruction",
        "dedupe": "none",
        "payload": {
            "agent": "supervisor", "jobKind": "turn_review", "projectId": format!("session:{session}"),
            "sourceSessionId": session, "threadId": session, "turnId": turn, "instructionText": DO,
        },
    })
}

/// The same with more in its payload.
fn with(mut wish: Value, more: Value) -> Value {
    for (field, value) in more.as_object().unwrap() {
        wish["payload"][field] = value.clone();
    }
    wish
}

impl House {
    /// A session that has had a turn, and that turn.
    async fn talked(&self) -> (String, String) {
        let id = self.chat().await;
        let turn = self.has_turn(&id, "Hello").await;
        (id, turn)
    }

    async fn puts(&self, wish: Value) -> Value {
        let queued = self
            .granted("POST", "/orchestrator/jobs", Some(wish), 202)
            .await;
        queued["job"]["id"].clone()
    }

    /// A job from its beginning to its end.
    async fn does(&self, wish: Value) -> Value {
        let id = self.puts(wish).await;
        self.job_over(&id).await
    }

    /// A job that has to come to something.
    async fn completes(&self, wish: Value) -> Value {
        let job = self.does(wish).await;
        assert_eq!(job["state"], "completed", "{job:#}\n{}", self.log());
        job
    }

    /// The rows of a type in a session.
    async fn rows_of_type(&self, id: &str, kind: &str) -> Vec<Value> {
        let session = self.look(&format!("/sessions/{id}")).await;
        let rows = session["transcript"].as_array().unwrap().iter();
        rows.filter(|it| it["type"] == kind).cloned().collect()
    }

    /// What the row of a job's worker says.
    async fn lifecycle(&self, id: &str, job: &Value) -> Value {
        let name = format!("worker:{}", job["id"].as_str().unwrap());
        let rows = self.rows_of_type(id, "agent.worker.lifecycle").await;
        let row = rows.iter().find(|it| it["messageId"] == name.as_str());
        let row = row.unwrap_or_else(|| panic!("{rows:#?}"));
        let details = row["details"].as_str().unwrap();
        let details: Value = serde_json::from_str(details).unwrap();
        let what = details["happened"].as_array().unwrap().iter();
        let what: Vec<_> = what.map(|it| it["what"].clone()).collect();
        json!({"status": row["status"], "content": row["content"], "what": what})
    }

    /// What workers were told, one after the other.
    fn worked(&self) -> Vec<RecordedRequest> {
        let all = self.model.requests().into_iter();
        all.filter(|it| it.rule.as_deref() == Some("works"))
            .collect()
    }

    async fn worker_is_asked(&self) {
        let asked = |it: &RecordedRequest| it.rule.as_deref() == Some("works");
        self.requests("the worker's turn", |all| all.iter().any(asked))
            .await;
    }

    /// The only worker of a project.
    async fn worker(&self, project: &str) -> String {
        let path = format!("/projects/{project}/agent-sessions");
        let list = self.look(&path).await;
        let data = list["data"].as_array().unwrap();
        assert_eq!(data.len(), 1, "{list:#}");
        assert_eq!(
            (&data[0]["agent"], &data[0]["systemOwned"]),
            (&json!("supervisor"), &json!(true))
        );
        data[0]["sessionId"].as_str().unwrap().to_owned()
    }
}

fn last_words(request: &RecordedRequest) -> &str {
    request.user_texts.last().unwrap()
}

#[tokio::test]
async fn workers_are_off_until_the_person_switches_them_on() {
    let house = house([works(vec![Step::say("Seen.")])]).await;
    let (id, turn) = house.talked().await;
    let off = |job: &Value| {
        assert_eq!(
            (&job["state"], &job["errorCode"], &job["attempts"]),
            (&json!("failed"), &json!("workers_off"), &json!(1)),
            "{job:#}"
        );
        let error = job["error"].as_str().unwrap();
        assert!(error.contains("harness.workers.mode"), "{error}");
    };
    off(&house.does(instruction(&id, &turn)).await);
    // The file alone does not do it: agents can write it.
    std::fs::write(house.repo.join("governance.yaml"), governance()).unwrap();
    let asked = |status: &Value| {
        let lines = status["powers"]["lines"].to_string();
        lines.contains("harness.workers.mode")
    };
    house.status("the question", asked).await;
    off(&house.does(instruction(&id, &turn)).await);
    let (_, said, _) = house.run(&["ps"]).await;
    assert!(said.contains("harness.workers.max_tokens"), "{said}");
    house.allow().await;
    house.completes(instruction(&id, &turn)).await;
    assert_eq!(house.worked().len(), 1);
    house.close().await;
}

#[tokio::test]
async fn what_is_said_once_is_said_once_over_a_restart_and_nobody_sees_the_worker() {
    let mut house = working(vec![Step::say("Seen.")]).await;
    let (id, turn) = house.talked().await;
    let mut stream = house.listens("").await;
    let first = |key: &str| json!({"bootstrapInstruction": {"key": key, "instructionText": format!("BOOT {key}")}});
    let wish = || instruction(&id, &turn);
    let job = house.completes(with(wish(), first("one"))).await;
    assert_eq!(job["result"], json!({"status": "ok"}));
    let row = house.lifecycle(&id, &job).await;
    assert_eq!(
        (&row["status"], &row["what"]),
        (&json!("complete"), &json!(["begun"])),
        "{row:#}"
    );
    let told = stream
        .until(|it| it["type"] == "orchestrator_job_completed")
        .await;
    // Codex may tell of a thread's MCP servers before it tells of the thread itself: then nobody can know whose it is.
    let starts = |it: &Value| it.to_string().contains("mcpServer/startupStatus/updated");
    let of_others = told
        .iter()
        .filter(|it| !it["threadId"].is_null() && it["threadId"] != id.as_str() && !starts(it));
    assert_eq!(of_others.count(), 0, "{told:#?}");
    house.completes(with(wish(), first("one"))).await;
    house.kill_launcher().await;
    house.start(&[]).await;
    house.knows_sessions().await;
    let job = house.completes(with(wish(), first("one"))).await;
    let row = house.lifecycle(&id, &job).await;
    assert_eq!(row["what"], json!(["continued"]));
    house.completes(with(wish(), first("two"))).await;

    let told = house.worked();
    let said: Vec<_> = told
        .iter()
        .map(|it| {
            let text = last_words(it);
            [ORIENTED, "BOOT one", "BOOT two", DO].map(|words| text.contains(words))
        })
        .collect();
    assert_eq!(
        said,
        [
            [true, true, false, true],
            [false, false, false, true],
            [false, false, false, true],
            [false, false, true, true]
        ]
    );
    let worker = house.worker(&format!("session:{id}")).await;
    assert!(told.iter().all(|it| it.thread_id == worker));
    // A search of the web is a way out that no sandbox sees.
    let searches = |it: &RecordedRequest| it.tool_names.iter().any(|it| it.contains("web_search"));
    assert!(!told.iter().any(searches), "{:?}", told[0].tool_names);
    assert!(house.model.requests().iter().any(searches));
    let listed = |list: &Value| {
        let data = list["data"].as_array().unwrap().iter();
        data.filter(|it| it["sessionId"] == worker.as_str()).count()
    };
    assert_eq!(listed(&house.look("/sessions").await), 0);
    let all = house.look("/sessions?includeSystemOwned=true").await;
    assert_eq!(listed(&all), 1, "{all:#}");
    let path = format!("/sessions/{worker}/messages");
    let no = house
        .denied("POST", &path, Some(json!({"text": "Hello"})), 403)
        .await;
    assert_eq!(no["code"], "system_session");
    // What holds it back, as Codex has it.
    let mut stranger = Stranger::connect(&house).await;
    let resume = json!({"threadId": worker, "excludeTurns": true});
    let thread = stranger.call("thread/resume", resume).await;
    assert_eq!(
        (&thread["approvalPolicy"], &thread["sandbox"]),
        (
            &json!("never"),
            &json!({"type": "readOnly", "networkAccess": false})
        )
    );
    house.close().await;
}

#[tokio::test]
async fn what_a_worker_asks_for_is_declined_and_told() {
    let house = asking_with(&governance(), QUESTIONS, |_| Vec::new()).await;
    house.model.set_script(crate::rig::script([works(vec![
        question(),
        Step::say("I went on without."),
    ])]));
    let (id, turn) = house.talked().await;
    let wish = with(
        instruction(&id, &turn),
        json!({"expectResponse": "assistant_text"}),
    );
    let job = house.does(wish).await;
    let row = house.lifecycle(&id, &job).await;
    assert_eq!(row["what"], json!(["begun", "declined"]), "{row:#}");
    assert_eq!(job["state"], "completed", "{job:#}");
    assert_eq!(job["result"]["outputText"], "I went on without.");
    let waits = house.get("/api/attention").await;
    assert!(!waits.to_string().contains("Which colour?"), "{waits:#}");
    house.close().await;
}

#[tokio::test]
async fn a_worker_that_has_taken_all_that_it_may_says_which_setting_gives_more() {
    let governance = format!("{GOVERNANCE}harness: {{workers: {{mode: on, max_tokens: 1000}}}}\n");
    let step = takes(600, 500, Step::say("Seen."));
    let house = house_with([works(vec![step])], &governance).await;
    let (id, turn) = house.talked().await;
    // What it was asked for is there, whatever it took.
    house.completes(instruction(&id, &turn)).await;
    let job = house.does(instruction(&id, &turn)).await;
    assert_eq!(
        (&job["state"], &job["errorCode"], &job["attempts"]),
        (&json!("failed"), &json!("worker_budget"), &json!(1)),
        "{job:#}"
    );
    let error = job["error"].as_str().unwrap();
    assert!(
        error.contains("1100") && error.contains("harness.workers.max_tokens"),
        "{error}"
    );
    assert_eq!(house.worked().len(), 1);

    // Nobody looks on while one goes on and on.
    let (id, turn) = house.talked().await;
    let looks = || takes(600, 500, Step::call(Call::shell("true")));
    let steps = vec![looks(), looks(), hang()];
    house.model.set_script(crate::rig::script([works(steps)]));
    let job = house.does(instruction(&id, &turn)).await;
    assert_eq!(job["errorCode"], "worker_budget", "{job:#}");
    house.close().await;
}

#[tokio::test]
async fn what_an_answer_wants_done_is_done_in_the_scope_of_its_job() {
    let house = working(vec![]).await;
    let (id, turn) = house.talked().await;
    let intent = |kind: &str, payload: Value| json!({"actionType": kind, "payload": payload, "idempotencyKey": null});
    let row = |turn: &str| {
        json!({"messageId": "verdict", "turnId": turn, "role": "assistant", "type": "turn.supervisorReview",
            "content": "Fine.", "details": null, "status": "complete"})
    };
    let answer = json!({"outputText": "One row.", "actionIntents": [
        intent("transcript.upsert", row(&turn)),
        intent("transcript.upsert", row("another")),
        intent("turn.steer.create", json!({"input": "Stop."})),
        intent("queue.enqueue", instruction(&id, &turn)),
        intent("repository.delete", json!({})),
    ]});
    let steps = vec![Step::say(answer.to_string())];
    house.model.set_script(crate::rig::script([works(steps)]));
    let mut stream = house.listens("?frames=one").await;
    let wish = with(
        instruction(&id, &turn),
        json!({"expectResponse": "action_intents"}),
    );
    let job = house.completes(wish.clone()).await;
    let result = &job["result"];
    assert_eq!(result["outputText"], "One row.");
    assert_eq!(result["actionIntents"].as_array().unwrap().len(), 5);
    let statuses = |result: &Value| -> Vec<Value> {
        let results = result["actionResults"].as_array().unwrap().iter();
        results.map(|it| it["status"].clone()).collect()
    };
    assert_eq!(
        statuses(result),
        ["performed", "forbidden", "conflict", "forbidden", "invalid"],
        "{result:#}"
    );
    let rows = house.rows_of_type(&id, "turn.supervisorReview").await;
    assert_eq!(rows.len(), 1, "{rows:#?}");
    assert_eq!(rows[0]["content"], "Fine.");
    let told = stream
        .until(|it| it["type"] == "orchestrator_job_completed")
        .await;
    let progress: Vec<_> = told
        .iter()
        .filter(|it| it["type"] == "orchestrator_job_progress")
        .map(|it| &it["payload"]["progress"])
        .collect();
    let intents: Vec<_> = progress
        .iter()
        .filter(|it| it["stage"] == "action_intent")
        .map(|it| it["index"].clone())
        .collect();
    assert_eq!(intents, [0, 1, 2, 3, 4]);
    let said = |it: &&&Value| it["stage"] == "assistant_output" && it["status"] == "complete";
    assert_eq!(progress.iter().filter(said).count(), 1, "{progress:#?}");
    // The model is held to the form.
    let body = house.worked()[0].body();
    let form = &body["text"]["format"];
    assert_eq!(form["type"], "json_schema", "{:#}", body["text"]);
    assert!(form["schema"]["properties"]["actionIntents"].is_object());

    house
        .model
        .set_script(crate::rig::script([works(vec![Step::say("Fine.")])]));
    let job = house.does(wish).await;
    assert_eq!(
        (&job["state"], &job["errorCode"]),
        (&json!("failed"), &json!("invalid_output")),
        "{job:#}"
    );
    house.close().await;
}

/// Rows and a suggestion that follow a job.
fn followed() -> Value {
    json!({
        "expectResponse": "assistant_text",
        "supplementalTargets": [{
            "messageId": "note", "type": "turn.supervisorReview", "placeholderTexts": ["Looking …"],
            "completeFallback": "Nothing to say.", "errorFallback": "It could not be looked at.", "canceledFallback": "Nobody looked.",
        }],
        "completionSignal": {"kind": "suggested_request", "requestKey": "next"},
    })
}

#[tokio::test]
async fn rows_and_a_suggestion_follow_their_job_to_its_end() {
    let house = working(vec![hang(), Step::say("Write the tests.")]).await;
    let (id, turn) = house.talked().await;
    let wish = with(instruction(&id, &turn), followed());
    let job = house.puts(wish.clone()).await;
    house.worker_is_asked().await;
    let note = async || house.rows_of_type(&id, "turn.supervisorReview").await[0].clone();
    let text = |row: &Value| (row["status"].clone(), row["content"].clone());
    assert_eq!(
        text(&note().await),
        (json!("streaming"), json!("Looking …"))
    );
    // It is taken back, and with it the turn.
    let path = format!("/orchestrator/jobs/{}/cancel", job.as_str().unwrap());
    house.make(&path, json!({})).await;
    let over = house.job_over(&job).await;
    assert_eq!(over["state"], "canceled", "{over:#}");
    let worker = house.worker(&format!("session:{id}")).await;
    house
        .wait_for("the end of its turn", async || {
            let turns = house.history(&worker).await;
            (turns[0]["status"] == "interrupted").then_some(())
        })
        .await;
    assert_eq!(
        text(&note().await),
        (json!("canceled"), json!("Nobody looked."))
    );
    let suggested = async || house.rows_of_type(&id, "agent.suggestedRequest").await[0].clone();
    assert_eq!(suggested().await["status"], "canceled");

    let (id, turn) = house.talked().await;
    let says = || works(vec![Step::say("Write the tests.")]);
    house.model.set_script(crate::rig::script([says()]));
    let wish = with(instruction(&id, &turn), followed());
    let job = house.completes(wish.clone()).await;
    assert_eq!(job["result"]["outputText"], "Write the tests.");
    let note = house.rows_of_type(&id, "turn.supervisorReview").await[0].clone();
    assert_eq!(text(&note), (json!("complete"), json!("Write the tests.")));
    let suggested = house.rows_of_type(&id, "agent.suggestedRequest").await[0].clone();
    assert_eq!(
        text(&suggested),
        (json!("complete"), json!("Write the tests."))
    );

    let (id, turn) = house.talked().await;
    house
        .model
        .set_script(crate::rig::script([works(vec![fails("broken")])]));
    let wish = with(instruction(&id, &turn), followed());
    let job = house.does(wish).await;
    assert_eq!(job["state"], "failed", "{job:#}");
    assert_ne!(job["error"], Value::Null, "{job:#}");
    let note = house.rows_of_type(&id, "turn.supervisorReview").await[0].clone();
    assert_eq!(
        text(&note),
        (json!("error"), json!("It could not be looked at."))
    );
    assert_eq!(house.lifecycle(&id, &job).await["status"], "error");
    house.close().await;
}

/// A worker in the middle of its turn, which says this once it may go on; with the session and the job.
async fn at_work(say: &str) -> (House, String, Value) {
    let answer = Step {
        say: Some(say.to_owned()),
        ..hang()
    };
    let house = working(vec![answer]).await;
    let (id, turn) = house.talked().await;
    let text = json!({"expectResponse": "assistant_text"});
    let job = house.puts(with(instruction(&id, &turn), text)).await;
    house.worker_is_asked().await;
    (house, id, job)
}

#[tokio::test]
async fn a_job_whose_server_was_killed_is_completed_once_in_its_own_turn() {
    let (mut house, id, job) = at_work("Once.").await;
    let begun = async || {
        let path = format!("/orchestrator/jobs/{}", job.as_str().unwrap());
        let job = house.look(&path).await["job"].clone();
        job["runningContext"]["turnId"].is_string().then_some(())
    };
    house.wait_for("its turn on record", begun).await;
    house.kill_launcher().await;
    house.start(&[]).await;
    house.knows_sessions().await;
    let found = async || {
        let rows = house.rows_of_type(&id, "agent.worker.lifecycle").await;
        let content = rows[0]["content"].as_str().unwrap().to_owned();
        content.contains("found again").then_some(())
    };
    house.wait_for("the turn is found again", found).await;
    house.model.release();
    let job = house.job_over(&job).await;
    assert_eq!(
        (
            &job["state"],
            &job["result"]["outputText"],
            &job["interruptions"]
        ),
        (&json!("completed"), &json!("Once."), &json!(1)),
        "{job:#}"
    );
    let worker = house.worker(&format!("session:{id}")).await;
    let turns = house.history(&worker).await;
    assert_eq!(turns.as_array().unwrap().len(), 1, "{turns:#}");
    assert_eq!(house.worked().len(), 1);
    house.close().await;
}

#[tokio::test]
async fn a_turn_that_ended_while_no_server_was_there_is_taken_as_it_is() {
    let (mut house, id, job) = at_work("Meanwhile.").await;
    let worker = house.worker(&format!("session:{id}")).await;
    house.kill_launcher().await;
    house.model.release();
    house
        .wait_for("the end of its turn", async || {
            let turns = house.history(&worker).await;
            (turns[0]["status"] == "completed").then_some(())
        })
        .await;
    house.start(&[]).await;
    house.knows_sessions().await;
    let job = house.job_over(&job).await;
    assert_eq!(job["result"]["outputText"], "Meanwhile.", "{job:#}");
    assert_eq!(house.worked().len(), 1);
    house.close().await;
}

#[tokio::test]
async fn a_worker_whose_thread_is_gone_has_another_and_goes_with_its_project() {
    let house = working(vec![Step::say("Seen.")]).await;
    let (id, turn) = house.talked().await;
    let project = house.make("/projects", json!({"name": "Greeter"})).await;
    let project = project["project"]["projectId"].as_str().unwrap().to_owned();
    let moved = |to: Value| json!({ "projectId": to });
    let path = format!("/sessions/{id}/project");
    house.make(&path, moved(json!(project))).await;
    let wish = || with(instruction(&id, &turn), json!({"projectId": project}));
    house.completes(wish()).await;
    let before = house.worker(&project).await;
    let mut stranger = Stranger::connect(&house).await;
    stranger
        .call("thread/delete", json!({"threadId": before}))
        .await;
    let job = house.completes(wish()).await;
    let row = house.lifecycle(&id, &job).await;
    assert_eq!(row["what"], json!(["begun_anew"]), "{row:#}");
    let after = house.worker(&project).await;
    assert_ne!(after, before);
    let told = house.worked();
    assert!(told.iter().all(|it| last_words(it).contains(ORIENTED)));

    house.make(&path, moved(Value::Null)).await;
    house
        .granted("DELETE", &format!("/projects/{project}"), None, 200)
        .await;
    for gone in [&before, &after] {
        house
            .denied("GET", &format!("/sessions/{gone}"), None, 410)
            .await;
        let read = json!({"threadId": gone, "includeTurns": false});
        stranger.refused("thread/read", read).await;
    }
    let job = house.does(instruction(&id, &turn)).await;
    assert_eq!(job["state"], "completed", "{job:#}");
    let own = house.worker(&format!("session:{id}")).await;
    house
        .granted("DELETE", &format!("/sessions/{id}"), None, 200)
        .await;
    house
        .denied("GET", &format!("/sessions/{own}"), None, 410)
        .await;
    house.close().await;
}

#[tokio::test]
async fn a_worker_decides_about_what_its_job_is_about() {
    let house = asking_with(&governance(), "", |house| {
        vec![touches(&house.root.join("outside"))]
    })
    .await;
    let id = house.chat().await;
    let auto = json!({"enabled": true, "threshold": "med"});
    house
        .lets(&id, "command", json!({"approve": auto, "reject": auto}))
        .await;
    let (turn, asked) = house.asks(&id, "approvals").await;
    let approval = asked["approvalId"].as_str().unwrap();
    let decides = |decision: &str, risk: &str| {
        let payload = json!({"approvalId": approval, "decision": decision, "risk": risk});
        json!({"actionType": "approval.decide", "payload": payload})
    };
    // A no is for more risk here; and to leave the sandbox is more than programs may allow at all.
    let answer = json!({"actionIntents": [decides("decline", "low"), decides("accept", "low"), decides("decline", "high")]});
    house.model.set_script(crate::rig::script([
        works(vec![Step::say(answer.to_string())]),
        on_message("asks", crate::waits::ASK, vec![Step::say("Done.")]),
    ]));
    let wish = with(
        instruction(&id, &turn),
        json!({"expectResponse": "action_intents", "approvalId": approval}),
    );
    let job = house.completes(wish).await;
    let results = &job["result"]["actionResults"];
    assert_eq!(
        [
            &results[0]["status"],
            &results[1]["status"],
            &results[2]["status"]
        ],
        ["forbidden", "forbidden", "performed"],
        "{job:#}"
    );
    let decided = house.recorded("automatic_decision");
    let said = decided
        .iter()
        .map(|it| (&it["role"], &it["actor"], &it["result"]));
    let said: Vec<_> = said.collect();
    let (role, actor) = (json!("worker"), json!("worker:supervisor"));
    let results = ["below_threshold", "allowed", "allowed"].map(|it| json!(it));
    let expected = results.iter().map(|it| (&role, &actor, it));
    assert_eq!(said, expected.collect::<Vec<_>>());
    assert_eq!(house.over(&id, &turn).await["status"], "completed");
    assert!(!house.root.join("outside").exists());
    assert!(last_words(&house.worked()[0]).contains(approval));
    house.close().await;
}

#[tokio::test]
async fn while_its_session_works_a_worker_works_beside_it() {
    let house = working(vec![Step::say("Seen.")]).await;
    let (id, _) = house.talked().await;
    let (_stranger, turn) = house.begins_turn(&id, HANG).await;
    house.completes(instruction(&id, &turn)).await;
    let turns = house.history(&id).await;
    assert_eq!(turns[0]["status"], "inProgress");
    house.close().await;
}
