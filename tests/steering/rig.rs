//! A planner that has nothing to do, and what a person sees of it.

use crate::support::House;
use crate::support::script::{assignment, hang, on_message, plan, planner};
use mock_model::{Kind, Rule, Script, Step, When};
use serde_json::{Value, json};

/// Says these words, and its turn does not end until somebody breaks it off.
pub const HANG: &str = "STAND STILL";

/// The planner proposes nothing that would start, and answers what it is told.
pub fn script() -> Script {
    let compaction = Rule {
        name: "compaction".to_owned(),
        when: When {
            kind: Some(Kind::Compaction),
            ..When::default()
        },
        steps: vec![Step::say("A summary.")],
        ..Rule::default()
    };
    Script::new([
        compaction,
        on_message("hang", HANG, vec![hang()]),
        on_message("told", "Tell me", vec![Step::say("Told.")]),
        planner(plan([assignment("lingyubu", "works")])),
    ])
}

/// A house whose planner is idle; with the planner's id.
pub async fn idle_planner() -> (House, String) {
    let house = House::open(script(), crate::support::GOVERNANCE).await;
    let planner = house.planner("Make the greeter louder.").await;
    house.idle(&planner).await;
    (house, planner)
}

impl House {
    /// The session, once no turn of it runs and it knows its prompt.
    pub async fn idle(&self, id: &str) -> Value {
        self.session(id, "it is idle", |it| it["activity"] == "idle")
            .await
    }

    /// Says something, in a turn that does not end.
    pub async fn stands_still(&self, id: &str) {
        let before = self.model.requests().len();
        self.say(id, HANG).await;
        self.requests("the turn", |all| {
            let mut new = all.iter().skip(before);
            new.any(|request| {
                request
                    .user_texts
                    .last()
                    .is_some_and(|it| it.contains(HANG))
            })
        })
        .await;
        self.session(id, "it works", |it| it["activity"] == "working")
            .await;
    }

    /// Says something at once.
    pub async fn say(&self, id: &str, words: &str) {
        self.post(
            "/api/session_input",
            json!({ "session_id": id, "input": words }),
        )
        .await;
    }

    /// An act that must work.
    pub async fn act(&self, path: &str, id: &str, more: Value) -> Value {
        self.post(path, body(id, more)).await
    }

    /// An act that must be refused: the code.
    pub async fn no(&self, path: &str, id: &str, more: Value, status: u16) -> String {
        let (was, code) = self.refused(path, body(id, more.clone())).await;
        assert_eq!(was, status, "{path} {more}: {code}");
        code
    }

    /// The newest event of this name, once there is one after `seq`.
    pub async fn event_after(&self, seq: u64, name: &str) -> Value {
        let look = async || {
            let audit = self.audit().await;
            let mut newest = audit.into_iter().rev();
            newest.find(|it| it["event"] == name && it["seq"].as_u64() > Some(seq))
        };
        self.wait_for(name, look).await
    }

    /// Where the journal ends.
    pub async fn seq(&self) -> u64 {
        self.audit().await.last().unwrap()["seq"].as_u64().unwrap()
    }

    /// The turns of a thread, newest first.
    pub async fn turns(&self, id: &str) -> Vec<Value> {
        let page = self.get(&format!("/api/thread?id={id}")).await;
        page["turns"].as_array().unwrap().clone()
    }
}

fn body(id: &str, more: Value) -> Value {
    let mut body = json!({ "session_id": id });
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}
