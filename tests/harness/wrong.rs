//! What is wrong with a request whatever it is about: for each operation that the document describes, those that come later as well.

use crate::bot::Bot;
use crate::described::{Answer, Document, Operation};
use crate::rig::house;
use crate::support::script::{assignment, plan, planner};
use serde_json::{Value, json};

const JSON: &str = "application/json";

/// A body that nobody takes: its type, itself, and what it is answered.
fn bodies() -> [(&'static str, Vec<u8>, u16); 8] {
    [
        (JSON, Vec::new(), 400),
        (JSON, b"{".to_vec(), 400),
        (JSON, b"{}}".to_vec(), 400),
        (JSON, b"[]".to_vec(), 400),
        (JSON, vec![b'{', 0xff, b'}'], 400),
        ("application/x-www-form-urlencoded", b"a=b".to_vec(), 415),
        ("text/plain", b"{}".to_vec(), 415),
        (JSON, vec![b' '; (1 << 20) + 1], 413),
    ]
}

/// Values that a parameter of this schema cannot have.
fn values(schema: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    if schema["type"] == "boolean" {
        wrong.extend(["", "1", "yes", "TRUE"].map(str::to_owned));
    }
    if schema["type"] == "integer" {
        wrong.extend(["", "-1", "many", "1.5"].map(str::to_owned));
        let bounds = [("minimum", -1), ("maximum", 1)];
        let beyond = bounds.map(|(bound, step)| schema[bound].as_i64().map(|it| it + step));
        wrong.extend(beyond.into_iter().flatten().map(|it| it.to_string()));
    }
    if schema["enum"].is_array() {
        wrong.extend(["", "none of them"].map(|it| it.replace(' ', "%20")));
    }
    wrong
}

struct Place {
    session: String,
    project: String,
}

impl Place {
    /// `None` where the path names what has to wait for somebody first.
    fn of(&self, operation: &Operation) -> Option<String> {
        let waits = operation.is_of("approvalId") || operation.is_of("requestId");
        let path = operation.at(|name| match name {
            "sessionId" => self.session.clone(),
            "projectId" => self.project.clone(),
            _ => "none".to_owned(),
        });
        (!waits).then_some(path)
    }
}

struct Findings(Vec<String>);

impl Findings {
    fn expect(
        &mut self,
        document: &mut Document,
        operation: &Operation,
        here: &str,
        status: u16,
        answer: &Answer,
    ) {
        let promised = document.promises(operation, answer);
        let says = |field: &str| answer.body[field].is_string();
        let is_said = ["status", "code", "message"].into_iter().all(says);
        if answer.status != status || promised.is_err() || !is_said {
            let id = &operation.id;
            let (is, body) = (answer.status, &answer.body);
            self.0.push(format!(
                "{id} {here}: {is}, not {status}: {promised:?} {body}"
            ));
        }
    }
}

#[tokio::test]
async fn what_fits_no_operation_is_refused_by_each_in_the_same_way() {
    let house = house([]).await;
    let bot = Bot::scoped(&house, "human").await;
    let made = house.make("/projects", json!({ "name": "p" })).await;
    let project = made["project"]["projectId"].as_str().unwrap().to_owned();
    let place = Place {
        session: house.chat().await,
        project,
    };
    let mut document = Document::served();
    let mut findings = Findings(Vec::new());
    let mut tried = 0;
    for operation in document.operations.clone() {
        let Some(path) = place.of(&operation) else {
            continue;
        };
        let method = &operation.method;
        if operation.takes().is_some() {
            for (kind, body, status) in bodies() {
                let here = format!("{kind} of {} bytes", body.len());
                let answer = bot.send(method, &path, Some((kind, body))).await;
                findings.expect(&mut document, &operation, &here, status, &answer);
                tried += 1;
            }
        }
        for (name, schema) in operation.query() {
            for value in values(schema) {
                let here = format!("?{name}={value}");
                let answer = bot.send(method, &format!("{path}{here}"), None).await;
                findings.expect(&mut document, &operation, &here, 400, &answer);
                tried += 1;
            }
        }
    }
    assert!(findings.0.is_empty(), "{}", findings.0.join("\n"));
    assert!(tried > 200, "{tried}");
    house.close().await;
}

/// Before anything else is looked at it counts which session it is about.
#[tokio::test]
async fn a_session_that_is_not_there_or_not_any_more_is_said_first() {
    let house = house([]).await;
    let bot = Bot::scoped(&house, "human").await;
    let deleted = house.chat().await;
    house
        .granted("DELETE", &format!("/sessions/{deleted}"), None, 200)
        .await;
    let long = "x".repeat(3_000);
    let nobody = [
        "01900000-0000-7000-8000-000000000001",
        "nope",
        "%00",
        "%FF",
        "..%2F",
        "session:x",
        &long,
    ];
    let mut document = Document::served();
    let mut findings = Findings(Vec::new());
    for operation in document.operations.clone() {
        if !operation.is_of("sessionId") {
            continue;
        }
        let all = nobody.iter().map(|id| (*id, 404));
        for (id, status) in all.chain([(deleted.as_str(), 410)]) {
            let path = operation.at(|name| match name {
                "sessionId" => id.to_owned(),
                _ => "none".to_owned(),
            });
            // Nor does it matter what it carries.
            let body = operation.takes().map(|_| (JSON, b"{\"text\":5}".to_vec()));
            let answer = bot.send(&operation.method, &path, body).await;
            findings.expect(&mut document, &operation, id, status, &answer);
        }
    }
    assert!(findings.0.is_empty(), "{}", findings.0.join("\n"));
    house.close().await;
}

/// What may be done to a session of the launcher as to any other; whatever is not here is refused.
const NOT_DRIVING: [&str; 2] = ["sessions_get", "transcript_upsert"];

#[tokio::test]
async fn a_session_of_the_launcher_is_driven_by_no_operation() {
    let rule = planner(plan([assignment("lingyubu", "works")]));
    let house = house([rule]).await;
    let bot = Bot::scoped(&house, "human").await;
    let planner = house.planner("Make the greeter louder.").await;
    house.plan(&planner, 1).await;
    let has_thread = |it: &Value| it["thread_id"].is_string();
    let shown = house.session(&planner, "its thread", has_thread).await;
    let id = shown["thread_id"].as_str().unwrap();
    let mut document = Document::served();
    let mut findings = Findings(Vec::new());
    for operation in document.operations.clone() {
        if !operation.is_of("sessionId") || NOT_DRIVING.contains(&operation.id.as_str()) {
            continue;
        }
        let path = operation.at(|name| match name {
            "sessionId" => id.to_owned(),
            _ => "none".to_owned(),
        });
        let body = operation.takes().map(|_| (JSON, b"{\"text\":5}".to_vec()));
        let answer = bot.send(&operation.method, &path, body).await;
        findings.expect(&mut document, &operation, id, 403, &answer);
        assert_eq!(answer.body["code"], "system_session", "{}", operation.id);
    }
    assert!(findings.0.is_empty(), "{}", findings.0.join("\n"));
    house.close().await;
}
