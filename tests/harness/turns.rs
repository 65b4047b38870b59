//! What is said in a session, and what is done to its turns and to the whole of it.

use crate::rig::{HANG, house};
use crate::support::House;
use crate::support::script::hang;
use crate::support::thread::Stranger;
use mock_model::{Kind, Rule, Step, When};
use serde_json::{Value, json};

/// An answer to whatever sums a thread up.
fn summary() -> Rule {
    Rule {
        name: "compaction".to_owned(),
        when: When {
            kind: Some(Kind::Compaction),
            ..When::default()
        },
        steps: vec![Step::say("A summary.")],
        ..Rule::default()
    }
}

impl House {
    /// Says something, which must be taken; the turn.
    pub async fn says(&self, id: &str, body: Value) -> Value {
        let path = format!("/sessions/{id}/messages");
        self.granted("POST", &path, Some(body), 202).await
    }

    /// What is refused on a session.
    pub async fn no(&self, id: &str, act: &str, body: Value, status: u16) -> Value {
        let path = format!("/sessions/{id}/{act}");
        self.denied("POST", &path, Some(body), status).await
    }

    /// An act on a session without a body.
    pub async fn act(&self, id: &str, act: &str, body: Value) -> Value {
        self.make(&format!("/sessions/{id}/{act}"), body).await
    }

    /// Says something, in a turn that does not end.
    pub async fn stands_still(&self, id: &str) -> String {
        let said = self.says(id, json!({ "text": HANG })).await;
        self.requests("the turn", |all| {
            let last = |it: &mock_model::RecordedRequest| it.user_texts.last().cloned();
            all.iter()
                .any(|it| it.thread_id == id && last(it).is_some_and(|it| it.contains(HANG)))
        })
        .await;
        said["turnId"].as_str().unwrap().to_owned()
    }

    /// A turn from its beginning to its end, by a message.
    pub async fn talks(&self, id: &str, words: &str) -> String {
        let said = self.says(id, json!({ "text": words })).await;
        let turn = said["turnId"].as_str().unwrap().to_owned();
        self.over(id, &turn).await;
        turn
    }

    /// What Codex has in force in a thread.
    async fn held(&self, id: &str) -> Value {
        let mut stranger = Stranger::connect(self).await;
        let resume = json!({ "threadId": id, "excludeTurns": true });
        stranger.call("thread/resume", resume).await
    }
}

#[tokio::test]
async fn words_begin_a_turn_or_go_into_the_one_that_runs() {
    let house = house([]).await;
    let id = house.chat().await;
    let empty = house
        .no(&id, "messages", json!({ "text": "  " }), 400)
        .await;
    assert_eq!(empty["issues"][0]["path"], "text");
    house.no(&id, "messages", json!({}), 400).await;
    let idle = house.no(&id, "interrupt", json!({}), 409).await;
    assert_eq!(
        (&idle["status"], &idle["sessionId"]),
        (&json!("no_active_turn"), &json!(id))
    );

    let turn = house.stands_still(&id).await;
    let steered = house
        .says(&id, json!({ "text": format!("And more. {HANG}") }))
        .await;
    assert_eq!(
        steered,
        json!({ "status": "accepted", "sessionId": id, "turnId": turn, "steered": true })
    );
    let steer = |turn: &str| format!("turns/{turn}/steer");
    let words = json!({ "input": format!("Even more. {HANG}") });
    let other = house.no(&id, &steer("nope"), words.clone(), 409).await;
    assert_eq!(
        (&other["code"], &other["turnId"], &other["result"]["status"]),
        (&json!("conflict"), &json!("nope"), &json!("conflict"))
    );
    assert_eq!(other["result"]["actionType"], "turn.steer");
    house
        .no(&id, &steer(&turn), json!({ "input": "" }), 400)
        .await;
    let done = house.act(&id, &steer(&turn), words.clone()).await;
    assert_eq!(
        (&done["status"], &done["turnId"], &done["result"]["status"]),
        (&json!("ok"), &json!(turn), &json!("performed"))
    );

    let wrong = house
        .no(&id, "interrupt", json!({ "turnId": "nope" }), 409)
        .await;
    assert_eq!(
        (&wrong["status"], &wrong["code"]),
        (&json!("error"), &json!("invalid_state"))
    );
    let path = format!("/sessions/{id}/interrupt");
    let ended = house.granted("POST", &path, Some(json!({})), 200).await;
    assert_eq!(
        ended,
        json!({ "status": "ok", "sessionId": id, "turnId": turn })
    );
    assert_eq!(house.over(&id, &turn).await["status"], "interrupted");
    let late = house.no(&id, &steer(&turn), words, 409).await;
    assert_eq!(late["code"], "conflict");
    house.close().await;
}

#[tokio::test]
async fn what_was_accepted_can_be_broken_off_at_once() {
    let house = house([]).await;
    let id = house.chat().await;
    for round in 0..20 {
        let said = house.says(&id, json!({ "text": HANG })).await;
        let turn = said["turnId"].clone();
        // With its name, and without.
        let body = match round % 2 {
            0 => json!({}),
            _ => json!({ "turnId": turn }),
        };
        let ended = house.act(&id, "interrupt", body).await;
        assert_eq!(ended["turnId"], turn, "{round}");
        // It may have ended before the model was asked.
        house
            .listed(&id, "it is over", |it| it["status"] != "running")
            .await;
    }
    let none = house.no(&id, "interrupt", json!({}), 409).await;
    assert_eq!(none["status"], "no_active_turn");
    house.close().await;
}

#[tokio::test]
async fn what_a_message_wants_otherwise_becomes_the_controls() {
    let house = house([]).await;
    let id = house.chat().await;
    let controls = async || {
        house
            .look(&format!("/sessions/{id}/session-controls"))
            .await["controls"]
            .clone()
    };
    let before = controls().await;
    let mut stranger = Stranger::connect(&house).await;
    let offered = stranger.call("model/list", json!({})).await;
    let offered = &offered["data"][0];
    let model = offered["model"].as_str().unwrap();

    // What is refused leaves nothing behind.
    let wish = |more: Value| {
        let mut body = json!({ "text": "Hello.", "approvalPolicy": "never" });
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        body
    };
    let unknown = house
        .no(&id, "messages", wish(json!({ "model": "gpt-none" })), 400)
        .await;
    assert_eq!(unknown["issues"][0]["path"], "model");
    let gigantic = wish(json!({ "model": model, "effort": "gigantic" }));
    let gigantic = house.no(&id, "messages", gigantic, 400).await;
    assert_eq!(gigantic["issues"][0]["path"], "effort");
    house
        .no(
            &id,
            "messages",
            wish(json!({ "approvalPolicy": "seldom" })),
            400,
        )
        .await;
    let tools = json!([{ "name": "t", "description": "d", "inputSchema": {} }]);
    let tools = house
        .no(&id, "messages", wish(json!({ "dynamicTools": tools })), 501)
        .await;
    assert_eq!(tools["code"], "method_not_supported");
    assert_eq!(controls().await, before);

    let wanted = json!({ "model": model, "approvalPolicy": "on-failure", "networkAccess": "enabled",
        "filesystemSandbox": "read-only" });
    let said = house.says(&id, wish(wanted.clone())).await;
    house.over(&id, said["turnId"].as_str().unwrap()).await;
    let after = controls().await;
    for (name, value) in wanted.as_object().unwrap() {
        assert_eq!(&after[name], value, "{name}");
    }
    // Codex has no `on-failure`.
    let held = house.held(&id).await;
    assert_eq!(held["approvalPolicy"], "on-request");
    assert_eq!(
        held["sandbox"],
        json!({ "type": "readOnly", "networkAccess": true })
    );
    assert_eq!(held["model"], model);
    let told = house.model.requests();
    assert!(
        told.iter()
            .any(|it| it.thread_id == id && it.model == model)
    );
    // Its own last choice needs nobody to offer it.
    let again = house
        .says(&id, json!({ "text": "Again.", "model": model }))
        .await;
    house.over(&id, again["turnId"].as_str().unwrap()).await;
    house.close().await;
}

#[tokio::test]
async fn nothing_breaks_off_a_turn_but_an_interrupt() {
    let house = house([summary()]).await;
    let id = house.chat().await;
    house.talks(&id, "One.").await;
    let turn = house.stands_still(&id).await;
    for act in ["compact", "rollback", "review"] {
        let busy = house.no(&id, act, json!({}), 409).await;
        assert_eq!(busy["code"], "invalid_state", "{act}");
    }
    let cleaned = house
        .act(&id, "background-terminals/clean", json!({}))
        .await;
    assert_eq!(
        cleaned,
        json!({ "status": "ok", "sessionId": id, "result": {} })
    );
    house.act(&id, "interrupt", json!({ "turnId": turn })).await;
    house.over(&id, &turn).await;
    house.close().await;
}

#[tokio::test]
async fn what_sums_a_thread_up_takes_no_words() {
    let long = Rule {
        steps: vec![hang()],
        ..summary()
    };
    let house = house([long]).await;
    let id = house.chat().await;
    house.talks(&id, "One.").await;
    house.act(&id, "compact", json!({})).await;
    // At once, while Codex has no turn in its history yet, and when it has.
    for _ in 0..2 {
        let busy = house
            .no(&id, "messages", json!({ "text": "Two." }), 409)
            .await;
        assert_eq!(busy["code"], "invalid_state", "{busy}");
        house
            .requests("the summary", |all| {
                all.iter().any(|it| it.kind == Kind::Compaction)
            })
            .await;
    }
    // Who asks for a turn of its own is told in other words: that may come in between.
    let mut stranger = Stranger::connect(&house).await;
    let input = json!([{ "type": "text", "text": "Three." }]);
    let turn = json!({ "threadId": id, "input": input });
    let said = stranger.refused("turn/start", turn).await;
    assert!(said.contains("NotSteerable"), "{said}");
    house.act(&id, "interrupt", json!({})).await;
    house.close().await;
}

#[tokio::test]
async fn turns_are_taken_back_summed_up_and_reviewed() {
    let house = house([summary()]).await;
    let id = house.chat().await;
    let none = house.no(&id, "rollback", json!({}), 400).await;
    assert_eq!(none["issues"][0]["path"], "numTurns");
    let first = house.talks(&id, "One.").await;
    house.talks(&id, "Two.").await;
    house.talks(&id, "Three.").await;
    house
        .no(&id, "rollback", json!({ "numTurns": 0 }), 400)
        .await;
    house
        .no(&id, "rollback", json!({ "numTurns": 4 }), 400)
        .await;
    let back = house.act(&id, "rollback", json!({ "numTurns": 2 })).await;
    assert_eq!(
        (&back["status"], &back["numTurns"]),
        (&json!("ok"), &json!(2))
    );
    let turns = back["result"]["thread"]["turns"].as_array().unwrap();
    assert_eq!(turns.len(), 1);
    assert_eq!(turns[0]["id"], first.as_str());
    assert!(!turns[0]["items"].as_array().unwrap().is_empty());

    let summed = house.act(&id, "compact", json!({})).await;
    assert_eq!(
        summed,
        json!({ "status": "ok", "sessionId": id, "result": {} })
    );
    house
        .requests("the summary", |all| {
            all.iter().any(|it| it.kind == Kind::Compaction)
        })
        .await;
    let listed = async || {
        let idle = house
            .ask(
                "POST",
                &format!("/sessions/{id}/interrupt"),
                Some(json!({})),
            )
            .await;
        (idle.0 == 409).then_some(())
    };
    house.wait_for("the end of it", listed).await;

    let detached = json!({ "delivery": "detached" });
    assert_eq!(
        house.no(&id, "review", detached, 501).await["code"],
        "method_not_supported"
    );
    let commit = json!({ "targetType": "commit" });
    assert_eq!(
        house.no(&id, "review", commit, 400).await["issues"][0]["path"],
        "sha"
    );
    house
        .no(&id, "review", json!({ "targetType": "everything" }), 400)
        .await;
    let reviewed = house.act(&id, "review", json!({})).await;
    assert_eq!(reviewed["result"]["reviewThreadId"], id.as_str());
    assert!(reviewed["result"]["turn"]["id"].is_string());
    house.close().await;
}

#[tokio::test]
async fn a_copy_has_what_its_source_has() {
    let house = house([]).await;
    let id = house.chat().await;
    house.talks(&id, "One.").await;
    let controls = json!({ "model": null, "approvalPolicy": "untrusted", "networkAccess": "restricted",
        "filesystemSandbox": "read-only", "settings": { "a": 1 } });
    let set = json!({ "scope": "session", "controls": controls });
    house.act(&id, "session-controls", set).await;
    let forked = house.act(&id, "fork", json!({})).await;
    assert_eq!(
        (&forked["status"], &forked["sourceSessionId"]),
        (&json!("ok"), &json!(id))
    );
    let copy = forked["session"]["sessionId"].as_str().unwrap();
    assert_ne!(copy, id);
    assert_eq!(forked["thread"]["id"], copy);
    let held = house
        .look(&format!("/sessions/{copy}/session-controls"))
        .await;
    assert_eq!(held["controls"], controls);
    house.talks(copy, "Two.").await;
    let said: Vec<_> = house.model.requests();
    let last = said.iter().rev().find(|it| it.thread_id == copy).unwrap();
    assert_eq!(last.user_texts, ["One.", "Two."]);
    house.act(&id, "archive", json!({})).await;
    for act in ["fork", "messages", "compact", "rollback", "review"] {
        let archived = house.no(&id, act, json!({ "text": "Hello." }), 409).await;
        assert_eq!(archived["code"], "invalid_state", "{act}");
    }
    house.close().await;
}

#[tokio::test]
async fn without_a_login_nothing_is_tried() {
    let mut house = House::build(crate::rig::script([]), crate::support::GOVERNANCE).await;
    let config = house.codex_home.join("config.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    let needs = text.replace(
        "requires_openai_auth = false",
        "requires_openai_auth = true",
    );
    assert_ne!(needs, text);
    std::fs::write(&config, needs).unwrap();
    house.start(&[]).await;
    house.allow().await;
    house.knows_sessions().await;
    let id = house.chat().await;
    let no = house
        .no(&id, "messages", json!({ "text": "Hello." }), 401)
        .await;
    assert_eq!(
        (&no["code"], &no["sessionId"]),
        (&json!("auth_required"), &json!(id))
    );
    assert!(house.model.requests().is_empty());
    house.close().await;
}

#[tokio::test]
async fn nobody_acts_on_what_is_not_there() {
    let house = house([]).await;
    for (act, body) in [
        ("messages", json!({ "text": "Hello." })),
        ("interrupt", json!({})),
        ("turns/t/steer", json!({ "input": "Hello." })),
        ("fork", json!({})),
        ("compact", json!({})),
        ("rollback", json!({})),
        ("review", json!({})),
        ("background-terminals/clean", json!({})),
        ("approval-policy", json!({ "approvalPolicy": "never" })),
        // The session comes before what is asked of it.
        ("session-controls", json!({})),
        ("settings", json!({})),
    ] {
        for id in ["nope", "00000000-0000-0000-0000-000000000000"] {
            let unknown = house.no(id, act, body.clone(), 404).await;
            assert_eq!(
                (&unknown["status"], &unknown["sessionId"]),
                (&json!("not_found"), &json!(id)),
                "{act}"
            );
        }
    }
    house.close().await;
}
