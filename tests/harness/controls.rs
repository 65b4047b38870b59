//! What sessions run with: their own controls and settings, and those of sessions that begin later.

use crate::rig::{house, house_with};
use crate::support::thread::Stranger;
use crate::support::{GOVERNANCE, House};
use serde_json::{Value, json};

fn controls(approval: &str, sandbox: &str) -> Value {
    json!({ "model": null, "approvalPolicy": approval, "networkAccess": "restricted", "filesystemSandbox": sandbox })
}

impl House {
    async fn controls(&self, id: &str) -> Value {
        self.look(&format!("/sessions/{id}/session-controls")).await
    }

    async fn settings(&self, id: &str, query: &str) -> Value {
        self.look(&format!("/sessions/{id}/settings{query}")).await
    }

    /// What the journal of the harness has of this kind, oldest first.
    pub fn recorded(&self, event: &str) -> Vec<Value> {
        let text = std::fs::read_to_string(self.state.join("harness.jsonl")).unwrap();
        let all = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        all.filter(|it| it["event"] == event).collect()
    }
}

#[tokio::test]
async fn controls_hold_from_the_next_turn_on_and_are_told() {
    let house = house([]).await;
    let id = house.chat().await;
    let path = format!("/sessions/{id}/session-controls");
    let before = house.controls(&id).await;
    assert_eq!(before["status"], "ok");
    assert_eq!(before["controls"], before["defaults"]);
    assert_eq!(
        (&before["defaultsEditable"], &before["defaultLockReason"]),
        (&json!(true), &Value::Null)
    );

    let wanted = controls("on-failure", "read-only");
    let body =
        json!({ "scope": "session", "controls": wanted, "actor": "supervisor", "source": "api" });
    let set = house.make(&path, body.clone()).await;
    assert_eq!(
        (&set["status"], &set["scope"], &set["sessionId"]),
        (&json!("ok"), &json!("session"), &json!(id))
    );
    for name in [
        "model",
        "approvalPolicy",
        "networkAccess",
        "filesystemSandbox",
    ] {
        assert_eq!(set["applied"][name], wanted[name], "{name}");
        assert_eq!(set["controls"][name], wanted[name], "{name}");
    }
    assert_eq!(
        set["summary"],
        "default | on-failure | restricted | read-only"
    );
    // Codex has the thread in memory, and is told at once.
    let mut stranger = Stranger::connect(&house).await;
    let held = stranger
        .call(
            "thread/resume",
            json!({ "threadId": id, "excludeTurns": true }),
        )
        .await;
    assert_eq!(held["sandbox"]["type"], "readOnly");
    assert_eq!(held["approvalPolicy"], "on-request");
    assert_eq!(house.make(&path, body).await["status"], "unchanged");

    let said = house.recorded("controls_set");
    assert_eq!(said.len(), 1);
    assert_eq!(
        (&said[0]["by"]["actor"], &said[0]["scope"]),
        (&json!("supervisor"), &json!({ "session": id }))
    );
    let rows = house.recorded("row_upserted");
    assert_eq!(rows.len(), 1);
    let row = &rows[0]["entry"];
    assert_eq!(row["type"], "session.controls.updated");
    let details: Value = serde_json::from_str(row["details"].as_str().unwrap()).unwrap();
    assert_eq!(
        (
            &details["actor"],
            &details["source"],
            &details["credential"]
        ),
        (&json!("supervisor"), &json!("api"), &json!("person:cli"))
    );
    let policy = house
        .make(
            &format!("/sessions/{id}/approval-policy"),
            json!({ "approvalPolicy": "untrusted" }),
        )
        .await;
    assert_eq!(
        policy,
        json!({ "status": "ok", "sessionId": id, "approvalPolicy": "untrusted" })
    );
    assert_eq!(
        house.controls(&id).await["controls"]["filesystemSandbox"],
        "read-only"
    );
    house.close().await;
}

#[tokio::test]
async fn new_sessions_begin_with_the_defaults_and_old_ones_keep_theirs() {
    let mut house = house([]).await;
    let old = house.chat().await;
    let path = format!("/sessions/{old}/session-controls");
    let held = house.controls(&old).await["controls"].clone();
    let mut wanted = controls("untrusted", "read-only");
    wanted["settings"] = json!({ "a": 1 });
    let set = house
        .make(&path, json!({ "scope": "default", "controls": wanted }))
        .await;
    assert_eq!(set["defaults"], wanted);
    assert_eq!(set["controls"], held);
    house.kill_launcher().await;
    house.start(&[]).await;
    house.knows_sessions().await;
    assert_eq!(house.controls(&old).await["defaults"], wanted);
    let new = house.chat().await;
    assert_eq!(house.controls(&new).await["controls"], wanted);
    assert_eq!(house.controls(&old).await["controls"], held);
    house.close().await;
}

#[tokio::test]
async fn controls_are_said_in_full_or_not_at_all() {
    let house = house([]).await;
    let id = house.chat().await;
    let path = format!("/sessions/{id}/session-controls");
    let mut lacking = controls("never", "read-only");
    lacking.as_object_mut().unwrap().remove("model");
    let mut unknown = controls("never", "read-only");
    unknown["model"] = json!("gpt-none");
    for body in [
        json!({ "scope": "session", "controls": lacking }),
        json!({ "scope": "session", "controls": unknown }),
        json!({ "scope": "everywhere", "controls": controls("never", "read-only") }),
        json!({ "controls": controls("never", "read-only") }),
        json!({ "scope": "session", "controls": controls("seldom", "read-only") }),
        json!({ "scope": "session", "controls": controls("never", "read-only"), "actor": "x".repeat(121) }),
        json!({ "scope": "session", "controls": controls("never", "read-only"), "source": "x".repeat(65) }),
    ] {
        let refused = house.denied("POST", &path, Some(body), 400).await;
        assert_eq!(refused["code"], "invalid_request");
        assert!(refused["issues"][0]["path"].is_string());
    }
    assert!(house.recorded("controls_set").is_empty());
    house.close().await;
}

#[tokio::test]
async fn settings_are_kept_in_both_forms_and_within_bounds() {
    let house = house([]).await;
    let id = house.chat().await;
    let path = format!("/sessions/{id}/settings");
    let set = async |body: Value| house.make(&path, body).await;
    let first =
        set(json!({ "scope": "session", "settings": { "a": 1, "b": { "c": [true] } } })).await;
    assert_eq!(
        first,
        json!({ "status": "ok", "sessionId": id, "scope": "session", "settings": { "a": 1, "b": { "c": [true] } } })
    );
    let one = set(json!({ "scope": "session", "key": "a", "value": null })).await;
    assert_eq!(
        (&one["key"], &one["settings"]["a"]),
        (&json!("a"), &Value::Null)
    );
    assert!(one["settings"].as_object().unwrap().contains_key("a"));
    assert_eq!(
        set(json!({ "scope": "session", "key": "a", "value": null })).await["status"],
        "unchanged"
    );
    let found = house.settings(&id, "?key=a").await;
    assert_eq!(
        found,
        json!({ "status": "ok", "sessionId": id, "scope": "session", "key": "a", "found": true, "value": null })
    );
    assert_eq!(house.settings(&id, "?key=z").await["found"], false);
    let replaced =
        set(json!({ "scope": "session", "settings": { "d": 2 }, "mode": "replace" })).await;
    assert_eq!(replaced["settings"], json!({ "d": 2 }));
    assert_eq!(
        house.settings(&id, "?scope=default").await["settings"],
        json!({})
    );

    for body in [
        json!({ "scope": "session" }),
        json!({ "scope": "session", "key": "a" }),
        json!({ "scope": "session", "value": 1 }),
        json!({ "scope": "session", "settings": {}, "key": "a", "value": 1 }),
        json!({ "scope": "session", "settings": [] }),
        json!({ "settings": {} }),
    ] {
        house.denied("POST", &path, Some(body), 400).await;
    }
    house
        .denied("GET", &format!("{path}?scope=all"), None, 400)
        .await;
    let large = json!({ "scope": "session", "key": "x", "value": "x".repeat(64 << 10) });
    let large = house.denied("POST", &path, Some(large), 413).await;
    assert_eq!(large["code"], "settings_too_large");

    let gone = house
        .granted(
            "DELETE",
            &format!("{path}/d?actor=me"),
            Some(json!({})),
            200,
        )
        .await;
    assert_eq!(
        gone,
        json!({ "status": "ok", "sessionId": id, "scope": "session", "key": "d", "removed": true, "settings": {} })
    );
    let again = house
        .granted("DELETE", &format!("{path}/d"), Some(json!({})), 200)
        .await;
    assert_eq!(again["removed"], false);
    let changes = house.recorded("settings_set");
    assert_eq!(changes.len(), 4);
    assert_eq!(
        (&changes[3]["by"]["actor"], &changes[3]["actor"]),
        (&json!("me"), &json!("person:cli"))
    );
    house.close().await;
}

#[tokio::test]
async fn locked_defaults_stay_and_sessions_change() {
    let house = house_with(
        [],
        &format!("{GOVERNANCE}harness: {{lock_defaults: true}}\n"),
    )
    .await;
    let id = house.chat().await;
    let held = house.controls(&id).await;
    assert_eq!(held["defaultsEditable"], false);
    assert!(held["defaultLockReason"].is_string());
    let locked = [
        (
            "POST",
            "session-controls",
            json!({ "scope": "default", "controls": controls("never", "read-only") }),
        ),
        (
            "POST",
            "settings",
            json!({ "scope": "default", "key": "a", "value": 1 }),
        ),
        ("DELETE", "settings/a", json!({ "scope": "default" })),
    ];
    for (method, act, body) in locked {
        let path = format!("/sessions/{id}/{act}");
        let no = house.denied(method, &path, Some(body), 423).await;
        assert_eq!(
            (
                &no["status"],
                &no["scope"],
                &no["sessionId"],
                &no["settings"]
            ),
            (&json!("locked"), &json!("default"), &json!(id), &json!({}))
        );
    }
    let own = json!({ "scope": "session", "controls": controls("never", "read-only") });
    house
        .make(&format!("/sessions/{id}/session-controls"), own)
        .await;
    house.close().await;
}
