//! The app-server dies in the middle of each operation: whoever asked is answered, what was acknowledged holds, and everything goes on.

use crate::described::{Answer, Document, Operation};
use crate::frozen::Frozen;
use crate::rig::{PREFIX, script};
use crate::support::script::on_message;
use crate::support::thread::app_server_pid;
use crate::support::{GOVERNANCE, House, PATIENCE};
use crate::waits::{calls, touches};
use mock_model::{Script, Step};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// What a log says of each request and of each call that it makes.
const LOG: &str = "warn,zhongshu::web::guard=debug,zhongshu::codex::peer=trace";
/// Operations that are to be under way when the app-server dies.
const AT_LEAST: usize = 30;

/// What each way to wait is brought about by, and where it is listed.
const WAITS: [(&str, &str, &str); 3] = [
    ("approvals_decide", "MAY I", "approvals"),
    ("tool_input_decide", "WHICH ONE", "tool-input"),
    ("tool_calls_respond", "HOW IS IT", "tool-calls"),
];

async fn house() -> House {
    let mut house = House::build(Script::default(), GOVERNANCE).await;
    house.log = LOG;
    let config = house.codex_home.join("config.toml");
    // The last table of it is that of the features.
    let text =
        std::fs::read_to_string(&config).unwrap() + "default_mode_request_user_input = true\n";
    std::fs::write(&config, text).unwrap();
    let question = json!({ "questions": [{ "id": "colour", "header": "Colour", "question": "Which?",
        "options": [{ "label": "Red", "description": "Loud." }, { "label": "Blue", "description": "Quiet." }] }] });
    let steps = [
        touches(&house.codex_home.join("file")),
        calls("request_user_input", question),
        calls("weather", json!({})),
    ];
    let asks = WAITS
        .into_iter()
        .zip(steps)
        .map(|((name, words, _), step)| on_message(name, words, vec![step, Step::say("Done.")]));
    house.model.set_script(script(asks));
    house.start(&[]).await;
    house.allow().await;
    house.ready(0).await;
    house
}

/// A request, and what it is about; nothing else is about that.
struct Sample {
    operation: Operation,
    session: String,
    turn: String,
    project: String,
    /// What waits in the session.
    waiting: String,
    /// Tells it from the same of another round.
    name: String,
}

impl Sample {
    fn path(&self) -> String {
        self.operation.at(|name| match name {
            "sessionId" => self.session.clone(),
            "turnId" => self.turn.clone(),
            "projectId" => self.project.clone(),
            "approvalId" | "requestId" => self.waiting.clone(),
            _ => "none".to_owned(),
        })
    }

    /// A body that is in order: the document's example, but where that names what is not there.
    fn body(&self) -> Option<Value> {
        let edit =
            json!({ "keyPath": "tui.notifications", "mergeStrategy": "upsert", "value": true });
        let example = || {
            let medium = &self.operation.described["requestBody"]["content"]["application/json"];
            medium.get("example").cloned()
        };
        let body = match self.operation.id.as_str() {
            "messages_send" => json!({ "text": "Go on" }),
            "sessions_create"
            | "sessions_resume"
            | "sessions_review"
            | "turns_interrupt"
            | "suggested_request"
            | "suggested_request_enqueue" => json!({}),
            "commands_exec" => json!({ "command": ["true"] }),
            "config_write_value" => edit,
            "config_write_batch" => json!({ "edits": [edit] }),
            "projects_create" | "projects_rename" => json!({ "name": self.name }),
            "sessions_project" => json!({ "projectId": self.project }),
            "sessions_rename" => json!({ "title": self.name }),
            "settings_set" => json!({ "scope": "session", "key": "k", "value": self.name }),
            "controls_set" => {
                json!({ "scope": "session", "controls": { "model": null, "approvalPolicy": "untrusted",
                "networkAccess": "restricted", "filesystemSandbox": "read-only" } })
            }
            "transcript_upsert" => {
                json!({ "messageId": self.name, "turnId": self.turn, "role": "system", "type": "note",
                "content": "c", "status": "complete" })
            }
            "skills_configure" => json!({ "path": "skill", "enabled": false }),
            "approvals_decide" => json!({ "decision": "accept" }),
            "tool_input_decide" => {
                json!({ "decision": "accept", "answers": { "colour": { "answers": ["Red"] } } })
            }
            "tool_calls_respond" => json!({ "text": "Fog." }),
            _ => return example(),
        };
        Some(body)
    }

    /// Whether the log shows a call of it to Codex.
    fn is_under_way(&self, log: &str) -> bool {
        let path = self.path();
        let request = format!("method={} path=\"{PREFIX}{path}\"", self.operation.method);
        log.lines()
            .any(|line| line.contains(&request) && line.contains("a call is under way"))
    }

    /// Whether its session takes words afterwards, if what it did was done.
    fn takes_words(&self) -> bool {
        !self.session.is_empty()
            && ![
                "sessions_archive",
                "sessions_delete",
                "projects_delete_all",
                "projects_move_all",
            ]
            .contains(&self.operation.id.as_str())
    }
}

impl House {
    /// Waits for an app-server that can be asked, and is not this one.
    async fn ready(&self, but: u32) {
        self.wait_for("Codex", async || {
            let (status, health) = self.ask("GET", "/health?ready=true", None).await;
            (status == 200 && health["codex"]["pid"] != but).then_some(())
        })
        .await;
        self.knows_sessions().await;
    }

    /// One sample of each operation, each with a session and a project of its own where it is about one.
    async fn samples(
        &self,
        document: &Document,
        round: &str,
        leaves_out: fn(&Operation) -> bool,
    ) -> Vec<Sample> {
        let mut samples = Vec::new();
        for operation in &document.operations {
            // What has no end, and what is left out.
            if operation.id == "stream" || leaves_out(operation) {
                continue;
            }
            let name = format!("{round} {}", operation.id);
            let of_project = operation.is_of("projectId") || operation.id == "sessions_project";
            let fills =
                ["projects_delete_all", "projects_move_all"].contains(&operation.id.as_str());
            let wait = WAITS.iter().find(|(id, ..)| *id == operation.id);
            let mut sample = Sample {
                operation: operation.clone(),
                session: String::new(),
                turn: String::new(),
                project: String::new(),
                waiting: String::new(),
                name,
            };
            if of_project {
                let project = json!({ "name": format!("{} before", sample.name) });
                let made = self.make("/projects", project).await;
                sample.project = made["project"]["projectId"].as_str().unwrap().to_owned();
            }
            if operation.is_of("sessionId") || fills || wait.is_some() {
                let tools = json!([{ "name": "weather", "description": "w", "inputSchema": { "type": "object" } }]);
                let begun = self
                    .make("/sessions", json!({ "dynamicTools": tools }))
                    .await;
                sample.session = begun["session"]["sessionId"].as_str().unwrap().to_owned();
                let words = wait.map_or("Hello", |(_, words, _)| *words);
                let said = self.says(&sample.session, json!({ "text": words })).await;
                sample.turn = said["turnId"].as_str().unwrap().to_owned();
            }
            if fills {
                let to = json!({ "projectId": sample.project });
                self.act(&sample.session, "project", to).await;
            }
            if let Some((_, _, list)) = wait {
                let waiting = self.pending(&sample.session, list).await;
                let ids = [&waiting["approvalId"], &waiting["requestId"]];
                sample.waiting = ids.iter().find_map(|it| it.as_str()).unwrap().to_owned();
            }
            samples.push(sample);
        }
        self.quiet(&samples).await;
        for sample in &samples {
            match sample.operation.id.as_str() {
                "sessions_unarchive" => drop(self.act(&sample.session, "archive", json!({})).await),
                "settings_remove" | "settings_get" => {
                    let set = json!({ "scope": "session", "key": "none", "value": 1 });
                    self.act(&sample.session, "settings", set).await;
                }
                _ => {}
            }
        }
        samples
    }

    /// Waits until none of them runs but those in which something waits.
    async fn quiet(&self, samples: &[Sample]) {
        self.wait_for("the end of all turns", async || {
            let page = self.look("/sessions?limit=200").await;
            assert_eq!(page["nextCursor"], json!(null));
            let all = page["data"].as_array().unwrap();
            let mut running = all.iter().filter(|it| it["status"] == "running");
            let waits = |it: &Value| {
                let mut of = samples.iter().filter(|of| !of.waiting.is_empty());
                of.any(|of| it["sessionId"] == *of.session)
            };
            running.all(waits).then_some(())
        })
        .await;
    }

    /// What the first launcher has logged.
    fn logged(&self) -> String {
        std::fs::read_to_string(self.root.join("launcher-1.err")).unwrap()
    }
}

/// All of them at once.
fn send(house: &House, samples: &[Sample]) -> JoinSet<(usize, Answer)> {
    let mut under_way = JoinSet::new();
    for (number, sample) in samples.iter().enumerate() {
        let sent = house.sends(&sample.operation.method, &sample.path(), sample.body());
        under_way.spawn(async move { (number, sent.await.unwrap()) });
    }
    under_way
}

type Answers = BTreeMap<usize, Answer>;

/// All that are not answered yet, in time.
async fn collect(mut under_way: JoinSet<(usize, Answer)>, into: &mut Answers) {
    let rest = timeout(PATIENCE, async {
        while let Some(answered) = under_way.join_next().await {
            let (number, answer) = answered.unwrap();
            into.insert(number, answer);
        }
    });
    rest.await.expect("somebody is not answered");
}

fn assert_promised(document: &mut Document, samples: &[Sample], answers: &Answers) {
    let mut wrong = Vec::new();
    for (number, answer) in answers {
        let operation = &samples[*number].operation;
        let promised = document.promises(operation, answer);
        if answer.is_failure() || promised.is_err() {
            wrong.push(format!(
                "{}: {} {:#}: {promised:?}",
                operation.id, answer.status, answer.body
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(answers.len(), samples.len());
}

/// What was acknowledged is so, whatever died afterwards.
async fn assert_kept(house: &House, sample: &Sample, answer: &Answer) {
    if !answer.is_done() {
        return;
    }
    let (session, project, name) = (&sample.session, &sample.project, json!(sample.name));
    let about = format!("/sessions/{session}");
    let id = sample.operation.id.as_str();
    let is = match id {
        "sessions_create" | "sessions_fork" => {
            let made = answer.body["session"]["sessionId"].as_str().unwrap();
            house.ask("GET", &format!("/sessions/{made}"), None).await.0 == 200
        }
        "sessions_delete" => house.ask("GET", &about, None).await.0 == 410,
        "sessions_rename" => house.look(&about).await["session"]["title"] == name,
        "sessions_project" => house.look(&about).await["session"]["projectId"] == json!(project),
        "sessions_archive" => house.look(&about).await["session"]["archived"] == true,
        "sessions_unarchive" => house.look(&about).await["session"]["archived"] == false,
        "projects_create" | "projects_rename" => {
            let all = house.look("/projects").await;
            all["data"]
                .as_array()
                .unwrap()
                .iter()
                .any(|it| it["name"] == name)
        }
        "projects_delete" => {
            let (status, _) = house
                .ask("GET", &format!("/projects/{project}/agent-sessions"), None)
                .await;
            status == 404
        }
        "settings_set" => house.look(&format!("{about}/settings?key=k")).await["value"] == name,
        "settings_remove" => {
            house.look(&format!("{about}/settings?key=none")).await["found"] == false
        }
        "controls_set" | "approval_policy_set" => {
            let held = house.look(&format!("{about}/session-controls")).await;
            held["controls"]["approvalPolicy"] == "untrusted"
        }
        "transcript_upsert" => {
            let rows = house.look(&about).await;
            rows["transcript"]
                .as_array()
                .unwrap()
                .iter()
                .any(|it| it["messageId"] == name)
        }
        _ => true,
    };
    assert!(is, "{id} was acknowledged and is lost: {:#}", answer.body);
}

/// Everything that was there takes words, and answers.
async fn assert_goes_on(house: &House, dead: u32, samples: &[Sample], answers: &Answers) {
    house.ready(dead).await;
    for (number, answer) in answers {
        assert_kept(house, &samples[*number], answer).await;
    }
    for sample in samples {
        if !sample.takes_words() {
            continue;
        }
        let id = &sample.session;
        if house.look(&format!("/sessions/{id}")).await["session"]["archived"] == true {
            assert_eq!(sample.operation.id, "sessions_unarchive");
            continue;
        }
        house.says(id, json!({ "text": "And now" })).await;
    }
    house.quiet(&[]).await;
}

/// Changes what everything else stands on.
fn unsettles(operation: &Operation) -> bool {
    operation.id.starts_with("account_log")
}

#[tokio::test]
async fn whatever_is_under_way_when_the_app_server_dies_is_answered_and_goes_on() {
    let house = house().await;
    let mut document = Document::served();

    // Each is in its first call, which is never answered.
    let samples = house.samples(&document, "still", |_| false).await;
    let dead = app_server_pid(&house);
    let frozen = Frozen::of(&house);
    let from = house.logged().len();
    let mut under_way = send(&house, &samples);
    let mut answers = Answers::new();
    let waiting = house
        .wait_for("every request to be answered or under way", async || {
            while let Some(answered) = under_way.try_join_next() {
                let (number, answer) = answered.unwrap();
                answers.insert(number, answer);
            }
            let log = house.logged().split_off(from);
            let open = (0..samples.len()).filter(|it| !answers.contains_key(it));
            let open: Vec<_> = open.collect();
            let all = open.iter().all(|it| samples[*it].is_under_way(&log));
            all.then_some(open)
        })
        .await;
    assert!(
        waiting.len() >= AT_LEAST,
        "only {} were under way",
        waiting.len()
    );
    frozen.dies();
    collect(under_way, &mut answers).await;
    assert_promised(&mut document, &samples, &answers);
    for number in waiting {
        let (id, answer) = (&samples[number].operation.id, &answers[&number]);
        // It is known that Codex did not do it, or it was done by the next one.
        let is_said = answer.is_done() || answer.body["code"] == "codex_unavailable";
        assert!(is_said, "{id}: {} {:#}", answer.status, answer.body);
    }
    assert_goes_on(&house, dead, &samples, &answers).await;

    // Each is wherever it happens to be.
    for after in [5, 25] {
        let round = after.to_string();
        let samples = house.samples(&document, &round, unsettles).await;
        let mut under_way = send(&house, &samples);
        let mut answers = Answers::new();
        while answers.len() < after {
            let (number, answer) = under_way.join_next().await.unwrap().unwrap();
            answers.insert(number, answer);
        }
        let dead = app_server_pid(&house);
        Frozen::of(&house).dies();
        collect(under_way, &mut answers).await;
        assert_promised(&mut document, &samples, &answers);
        assert_goes_on(&house, dead, &samples, &answers).await;
    }
    house.close().await;
}
