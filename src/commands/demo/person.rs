//! The person of the demo: does what somebody would do on the dashboard, and checks that it happened.

use super::answers::Answers;
use super::story::step;
use crate::client::Client;
use crate::commands::error::CommandError;
use crate::journal::verify;
use crate::paths::Places;
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

/// A step that takes longer than this will not happen any more; Codex starts within seconds even on a busy machine.
const STEP_LIMIT: Duration = Duration::from_secs(60);
/// Often enough to see two departments run at once.
const LOOK_EVERY: Duration = Duration::from_millis(25);
/// What the plan asks for, and how many may run at once.
const ASSIGNMENTS: usize = 3;
const SLOTS: u64 = 2;

/// Plays the whole job; with Codex every kind of ask is among it.
///
/// # Errors
/// At the first step that does not happen, with what was there instead.
pub async fn play(
    client: &Client,
    repo: &Path,
    with_codex: bool,
    out: &mut (impl Write + Send),
) -> Result<(), CommandError> {
    let mut answers = Answers::default();
    let status = client.get("/api/status").await?;
    if status["trust"]["needed"] == true {
        client
            .post("/api/trust", &json!({ "accept": true }))
            .await?;
        step(
            out,
            "The person allowed Codex to work in the scratch repository.",
        )?;
    }
    let asked = &status["powers"];
    if asked["needed"] == true {
        let yes = json!({ "sha256": asked["sha256"], "accept": true });
        client.post("/api/powers", &yes).await?;
        step(
            out,
            "The person approved the program that plays the agents: governance.yaml names it, and no sandbox holds it.",
        )?;
    }
    let task = "Add a --shout option to the greeter.";
    let started = client
        .post("/api/start_zhongshu_session", &json!({ "task": task }))
        .await?;
    let planner = started["session"]["id"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    step(
        out,
        &format!("The planner {planner} was started with the task: {task}"),
    )?;

    let path = format!("/api/zhongshu_plan?id={planner}");
    let deadline = Instant::now() + STEP_LIMIT;
    let plan = loop {
        let answer = client.get(&path).await?;
        if !answer["plan"].is_null() {
            break answer["plan"].clone();
        }
        if Instant::now() > deadline {
            return Err(missing("the plan", &answer));
        }
        answers.look(client, out).await?;
        tokio::time::sleep(LOOK_EVERY).await;
    };
    let count = plan["assignments"].as_array().map_or(0, Vec::len);
    step(
        out,
        &format!(
            "It reported a plan with {count} assignments: {}",
            plan["summary"].as_str().unwrap_or_default()
        ),
    )?;
    let status = client.get("/api/status").await?;
    expect(
        count == ASSIGNMENTS,
        "the plan has three assignments",
        &plan,
    )?;
    expect(
        status["department_sessions"] == json!([]),
        "nothing runs before the confirmation",
        &status["department_sessions"],
    )?;

    let confirmation = json!({
        "parent_session_id": planner,
        "assignments": plan["assignments"],
        "plan_sha256": plan["plan_sha256"],
    });
    client.post("/api/start_assignments", &confirmation).await?;
    step(
        out,
        "The person confirmed it; departments start, two at a time.",
    )?;

    let mut most_at_once = 0;
    let inbox = format!("/api/zhongshu_inbox?id={planner}&peek=1");
    let deadline = Instant::now() + STEP_LIMIT;
    let results = loop {
        let taken = client.get("/api/status").await?["slots_taken"]
            .as_u64()
            .unwrap_or_default();
        most_at_once = most_at_once.max(taken);
        let answer = client.get(&inbox).await?;
        let results = answer["unread_results"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        if results.len() == ASSIGNMENTS {
            break results;
        }
        if Instant::now() > deadline {
            return Err(missing("three results", &answer["unread_results"]));
        }
        answers.look(client, out).await?;
        tokio::time::sleep(LOOK_EVERY).await;
    };
    expect(
        most_at_once == SLOTS,
        "two departments ran at once, and the third waited",
        &json!(most_at_once),
    )?;
    if with_codex && let Some(kind) = answers.missing() {
        return Err(missing(&format!("Codex asked for {kind}"), &Value::Null));
    }
    for result in &results {
        let packet = repo.join(result["handoff_packet"].as_str().unwrap_or_default());
        expect(
            result["source"] == "mailbox",
            "the department itself reported",
            result,
        )?;
        // The packet follows the journal by a moment.
        while !packet.is_file() && Instant::now() < deadline {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        expect(packet.is_file(), "the handoff packet is there", result)?;
        let (department, summary) = (result["department"].as_str(), result["summary"].as_str());
        step(
            out,
            &format!(
                "{}: {} ({})",
                department.unwrap_or_default(),
                summary.unwrap_or_default(),
                packet.display()
            ),
        )?;
    }
    wait_for(
        client,
        "/api/audit?limit=1000",
        "word to the planner of each result",
        |answer| {
            let events = answer["events"]
                .as_array()
                .map(Vec::as_slice)
                .unwrap_or_default();
            events
                .iter()
                .filter(|event| event["event"] == "message_delivered")
                .count()
                >= ASSIGNMENTS
        },
    )
    .await?;
    step(out, "The planner was told of each result.")?;

    let report = client.get("/api/report?mode=worktree").await?;
    let changed = report["changed_files"].as_array().map_or(0, Vec::len);
    expect(
        changed == ASSIGNMENTS,
        "the report shows the three changed files",
        &report["changed_files"],
    )?;
    step(
        out,
        &format!(
            "The governance report shows {changed} changed files: {}",
            report["decision"].as_str().unwrap_or_default()
        ),
    )
}

/// After the end: the journal and its copy in the repository say the same, line by line.
///
/// # Errors
/// When they do not.
pub fn check_journal(places: &Places, out: &mut impl Write) -> Result<(), CommandError> {
    let found = verify(&places.journal(), Some(&places.audit_copy()))?;
    if !found.is_sound() {
        return Err(CommandError::Failed(format!(
            "the journal does not verify: {found:?}"
        )));
    }
    step(
        out,
        &format!(
            "The journal verifies: {} events, and its copy is the same.",
            found.records
        ),
    )
}

async fn wait_for(
    client: &Client,
    path: &str,
    what: &str,
    there: impl Fn(&Value) -> bool,
) -> Result<Value, CommandError> {
    let deadline = Instant::now() + STEP_LIMIT;
    loop {
        let answer = client.get(path).await?;
        if there(&answer) {
            return Ok(answer);
        }
        if Instant::now() > deadline {
            return Err(missing(what, &answer));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn expect(holds: bool, what: &str, instead: &Value) -> Result<(), CommandError> {
    if holds {
        Ok(())
    } else {
        Err(missing(what, instead))
    }
}

fn missing(what: &str, instead: &Value) -> CommandError {
    CommandError::Failed(format!(
        "this step did not happen: {what}. Instead: {instead}"
    ))
}
