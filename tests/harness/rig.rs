//! A house whose harness is asked over the unix socket, and what its threads do without it: a turn that another client of Codex begins.
// Each area takes of it what it needs.
#![allow(dead_code)]

use crate::support::House;
use crate::support::script::hang;
use crate::support::thread::Stranger;
use mock_model::{Rule, Script, Step, When};
use serde_json::{Value, json};

/// Where the API is.
pub const PREFIX: &str = "/harness/api";
/// Says these words, and the turn does not end until somebody breaks it off.
pub const HANG: &str = "STAND STILL";

/// A house that may use Codex. The model answers with `Told.`, hangs at [`HANG`], and follows these rules before that.
pub async fn house(rules: impl IntoIterator<Item = Rule>) -> House {
    house_with(rules, crate::support::GOVERNANCE).await
}

/// The same with another `governance.yaml`.
pub async fn house_with(rules: impl IntoIterator<Item = Rule>, governance: &str) -> House {
    let house = House::open(script(rules), governance).await;
    house.knows_sessions().await;
    house
}

/// What the model of [`house`] says.
pub fn script(rules: impl IntoIterator<Item = Rule>) -> Script {
    let answer = |name: &str, contains: &str, step| Rule {
        name: name.to_owned(),
        when: When {
            last_user_contains: contains.into(),
            ..When::default()
        },
        count: mock_model::Count::Message,
        steps: vec![step],
        ..Rule::default()
    };
    let after = [
        answer("hang", HANG, hang()),
        answer("told", "", Step::say("Told.")),
    ];
    Script::new(rules.into_iter().chain(after))
}

impl House {
    /// A request to the harness, whatever comes of it: status and body. A change carries at least an empty object: whether that may be left
    /// out is not for a test of what it does.
    pub async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let body = body.or_else(|| (method != "GET").then(|| json!({})));
        let body = body.map(|body| body.to_string());
        let path = format!("{PREFIX}{path}");
        let reply = self.client().request(method, &path, body.as_deref()).await;
        let reply = match reply {
            Ok(reply) => reply,
            Err(error) => panic!("{method} {path}: {error}\n{}", self.scene().await),
        };
        let body = serde_json::from_slice(&reply.body).unwrap_or(Value::Null);
        (reply.status.as_u16(), body)
    }

    /// One that must be granted with this status.
    pub async fn granted(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
        status: u16,
    ) -> Value {
        let (was, answer) = self.ask(method, path, body.clone()).await;
        if was != status {
            let scene = self.scene().await;
            panic!("{method} {path} {body:?}: {was} {answer:#}\n{scene}");
        }
        answer
    }

    /// What the harness says at a path.
    pub async fn look(&self, path: &str) -> Value {
        self.granted("GET", path, None, 200).await
    }

    /// A change that must be made.
    pub async fn make(&self, path: &str, body: Value) -> Value {
        self.granted("POST", path, Some(body), 200).await
    }

    /// One that must be refused with this status; the body.
    pub async fn denied(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
        status: u16,
    ) -> Value {
        let answer = self.granted(method, path, body, status).await;
        // Whatever the reason is, these are there.
        for field in ["status", "code", "message"] {
            assert!(answer[field].is_string(), "{method} {path}: {answer:#}");
        }
        answer
    }

    /// Waits until Codex runs and has told of its threads.
    pub async fn knows_sessions(&self) {
        self.wait_for("sessions", async || {
            let (status, _) = self.ask("GET", "/sessions", None).await;
            (status == 200).then_some(())
        })
        .await;
    }

    /// A new session; its id.
    pub async fn chat(&self) -> String {
        let begun = self.make("/sessions", json!({})).await;
        begun["session"]["sessionId"].as_str().unwrap().to_owned()
    }

    /// The session as the list has it, put away or not, once it is as wanted.
    pub async fn listed(&self, id: &str, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let look = async || {
            for archived in ["false", "true"] {
                let path = format!("/sessions?limit=200&archived={archived}");
                let page = self.look(&path).await;
                let data = page["data"].as_array().unwrap();
                let found = data.iter().find(|it| it["sessionId"] == id);
                if let Some(found) = found.filter(|it| wanted(it)) {
                    return Some(found.clone());
                }
            }
            None
        };
        self.wait_for(&format!("{id}: {what}"), look).await
    }

    /// Begins a turn as another client of Codex, which keeps its subscription while the answer lives; the turn's id.
    pub async fn begins_turn(&self, id: &str, words: &str) -> (Stranger, String) {
        let mut stranger = Stranger::connect(self).await;
        let resume = json!({ "threadId": id, "excludeTurns": true });
        stranger.call("thread/resume", resume).await;
        let input = json!([{ "type": "text", "text": words }]);
        let start = json!({ "threadId": id, "input": input });
        let turn = stranger.call("turn/start", start).await;
        let turn = turn["turn"]["id"].as_str().unwrap().to_owned();
        (stranger, turn)
    }

    /// A turn from its beginning to its end, by another client of Codex; its id.
    pub async fn has_turn(&self, id: &str, words: &str) -> String {
        // Whoever copies a turn before its end has a copy of nothing.
        let (_stranger, turn) = self.begins_turn(id, words).await;
        self.over(id, &turn).await;
        turn
    }

    /// Waits for the end of a turn; the turn as Codex has it. One that has just begun looks in the history as if it had been broken off.
    pub async fn over(&self, id: &str, turn: &str) -> Value {
        let asked = |it: &mock_model::RecordedRequest| it.turn_id == turn;
        self.requests("a request of the turn", |all| all.iter().any(asked))
            .await;
        let mut stranger = Stranger::connect(self).await;
        self.wait_for("the end of the turn", async || {
            let read = json!({ "threadId": id, "includeTurns": false });
            let read = stranger.call("thread/read", read).await;
            let params = json!({ "threadId": id, "limit": 1 });
            let page = stranger.call("thread/turns/list", params).await;
            let newest = page["data"][0].clone();
            let is_over =
                read["thread"]["status"]["type"] == "idle" && newest["status"] != "inProgress";
            (is_over && newest["id"] == turn).then_some(newest)
        })
        .await
    }
}
