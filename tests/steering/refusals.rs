//! What does not fit is refused before Codex hears of it, and nothing of it is recorded.

use crate::rig::idle_planner;
use serde_json::{Value, json};
use zhongshu::client::ClientError;

#[tokio::test(flavor = "multi_thread")]
async fn codex_bad_input_is_refused_by_its_field_and_an_agent_does_nothing() {
    let (house, id) = idle_planner().await;
    let long = "x".repeat(121);
    let settings = "/api/session_settings";
    let review = "/api/review_session";
    let table: Vec<(&str, Value, u16, &str)> = vec![
        ("/api/rename_session", json!({ "title": " " }), 400, "title"),
        (
            "/api/rename_session",
            json!({ "title": long }),
            400,
            "title",
        ),
        (
            "/api/rename_session",
            json!({ "title": "a\nb" }),
            400,
            "title",
        ),
        ("/api/rename_session", json!({}), 400, "title"),
        ("/api/fork_session", json!({ "title": "" }), 400, "title"),
        (settings, json!({}), 400, "model"),
        (settings, json!({ "effort": "gigantic" }), 400, "effort: "),
        (
            settings,
            json!({ "model": "no-such-model" }),
            400,
            "model: ",
        ),
        (
            settings,
            json!({ "approval": "on-failure" }),
            400,
            "on-failure",
        ),
        (settings, json!({ "sandbox": "none" }), 400, "none"),
        (
            settings,
            json!({ "sandbox": "read-only", "confirm": "yes" }),
            400,
            "yes",
        ),
        (settings, json!({ "models": "x" }), 400, "models"),
        (settings, json!({ "approval": "never" }), 409, "confirm"),
        (review, json!({}), 400, "target"),
        (review, json!({ "target": "all" }), 400, "all"),
        (review, json!({ "target": "commit" }), 400, "commit"),
        (
            review,
            json!({ "target": "commit", "commit": "--all" }),
            400,
            "commit: ",
        ),
        (
            review,
            json!({ "target": "base_branch", "branch": "a b" }),
            400,
            "branch: ",
        ),
        (
            review,
            json!({ "target": "custom", "instructions": " " }),
            400,
            "instructions: ",
        ),
        ("/api/revert_session", json!({}), 400, "turn_id"),
        (
            "/api/revert_session",
            json!({ "turn_id": "nobody" }),
            404,
            "turn_id: ",
        ),
        (
            "/api/compact_session",
            json!({ "interrupt": "yes" }),
            400,
            "interrupt",
        ),
        ("/api/interrupt_session", json!({}), 409, "no turn"),
        (
            "/api/session_input",
            json!({ "input": "x", "when": "never" }),
            400,
            "never",
        ),
        (
            "/api/session_browser_terminal/back",
            json!({}),
            409,
            "terminal",
        ),
        (
            "/api/session_browser_terminal/fork",
            json!({ "fork_id": "x" }),
            404,
            "fork_id: ",
        ),
        (
            "/api/delete_session",
            json!({ "fork_id": "x" }),
            404,
            "fork_id: ",
        ),
    ];
    for (path, more, status, says) in &table {
        let mut body = json!({ "session_id": id });
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        let refused = house.client().post(path, &body).await;
        let Err(ClientError::Refused {
            status: was,
            message,
            ..
        }) = refused
        else {
            panic!("{path} {more}: {refused:?}");
        };
        assert_eq!(was, *status, "{path} {more}: {message}");
        assert!(message.contains(says), "{path} {more}: {message}");
        // Nobody's session, and nobody's right.
        body["session_id"] = json!("zhongshu-nobody");
        if was == 409 {
            let (status, code) = house.refused(path, body.clone()).await;
            assert_eq!((status, code.as_str()), (404, "unknown_session"), "{path}");
        }
        body["session_id"] = json!(id);
        let session = house.idle(&id).await;
        let agent = house
            .client()
            .for_thread(session["thread_id"].as_str().unwrap());
        let refused = agent.post(path, &body).await;
        let is_no = matches!(
            &refused,
            Err(ClientError::Refused {
                status: 401 | 403,
                ..
            })
        );
        assert!(is_no, "{path}: {refused:?}");
    }
    let audit = house.audit().await;
    let steered = audit.iter().filter(|it| it["event"] == "session_steered");
    assert_eq!(steered.count(), 0, "what is refused did not happen");
    house.close().await;
}
