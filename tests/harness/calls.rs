//! Tools that clients perform: called, answered once, and failed where nobody answers.

use crate::support::{GOVERNANCE, House};
use crate::waits::{asking, asking_with, calls};
use serde_json::{Value, json};

fn weather() -> Value {
    json!([{ "name": "weather", "description": "Tells the weather.",
        "inputSchema": { "type": "object", "properties": { "place": { "type": "string" } } } }])
}

impl House {
    /// A session with a tool of a client.
    async fn with_tool(&self) -> String {
        let begun = self
            .make("/sessions", json!({ "dynamicTools": weather() }))
            .await;
        begun["session"]["sessionId"].as_str().unwrap().to_owned()
    }

    /// What the model was told by tools.
    fn outputs(&self) -> Vec<String> {
        let all = self
            .model
            .requests()
            .into_iter()
            .flat_map(|it| it.tool_outputs);
        all.map(|it| it.output).collect()
    }
}

fn response_to(call: &Value) -> String {
    format!(
        "/tool-calls/{}/response",
        call["requestId"].as_str().unwrap()
    )
}

#[tokio::test]
async fn a_client_answers_the_calls_of_its_tool_once() {
    let house = asking(|_| vec![calls("weather", json!({ "place": "Chang'an" }))]).await;
    for (body, success, told) in [
        (json!({ "text": "Sunny one." }), true, "Sunny one."),
        (
            json!({ "contentItems": [{ "type": "inputText", "text": "Sunny two." }], "success": true }),
            true,
            "Sunny two.",
        ),
        (
            json!({ "text": "No such place.", "success": false }),
            false,
            "No such place.",
        ),
        (
            json!({ "response": { "contentItems": [{ "type": "inputText", "text": "Sunny four." }], "success": true } }),
            true,
            "Sunny four.",
        ),
    ] {
        let id = house.with_tool().await;
        let (turn, call) = house.asks(&id, "tool-calls").await;
        assert_eq!(
            (&call["method"], &call["tool"], &call["arguments"]["place"]),
            (
                &json!("item/tool/call"),
                &json!("weather"),
                &json!("Chang'an")
            )
        );
        assert_eq!(
            (&call["threadId"], &call["turnId"]),
            (&json!(id), &json!(turn))
        );
        assert!(
            call["callId"].is_string() && call["itemId"].is_string(),
            "{call}"
        );
        // It is nobody's to decide about.
        let everybody = house.get("/api/attention").await;
        let items = everybody["items"].as_array().unwrap();
        assert!(items.iter().all(|it| it["id"] != call["requestId"]));
        let path = response_to(&call);
        for wrong in [
            json!({ "contentItems": [{ "type": "inputSound" }] }),
            json!({ "text": "a", "response": { "contentItems": [] } }),
            json!({ "success": "yes" }),
        ] {
            house.denied("POST", &path, Some(wrong), 400).await;
        }
        let done = house.make(&path, body.clone()).await;
        assert_eq!(
            done,
            json!({ "status": "ok", "requestId": call["requestId"], "threadId": id })
        );
        let again = house.denied("POST", &path, Some(body), 409).await;
        assert_eq!(
            (&again["status"], &again["code"], &again["requestId"]),
            (&json!("conflict"), &json!("in_flight"), &call["requestId"])
        );
        assert_eq!(house.over(&id, &turn).await["status"], "completed");
        assert!(house.outputs().iter().any(|it| it.contains(told)), "{told}");
        let seen = house.look(&format!("/sessions/{id}")).await;
        let rows = seen["transcript"].as_array().unwrap();
        let row = rows
            .iter()
            .find(|it| it["type"] == "dynamicToolCall")
            .unwrap();
        let details: Value = serde_json::from_str(row["details"].as_str().unwrap()).unwrap();
        assert_eq!(details["success"], success, "{details}");
    }
    house.close().await;
}

#[tokio::test]
async fn a_call_that_nobody_answers_fails_and_the_model_hears_why() {
    let governance = format!("{GOVERNANCE}harness: {{tool_call_seconds: 1}}\n");
    let call = || vec![calls("weather", json!({ "place": "Luoyang" }))];
    let house = asking_with(&governance, "", |_| call()).await;
    let id = house.with_tool().await;
    let (turn, call) = house.asks(&id, "tool-calls").await;
    assert_eq!(house.over(&id, &turn).await["status"], "completed");
    let outputs = house.outputs();
    let says = |it: &String| it.contains("No client answered this call within 1 seconds");
    assert!(outputs.iter().any(says), "{outputs:?}");
    let path = response_to(&call);
    let rain = json!({ "text": "Rain." });
    let late = house.denied("POST", &path, Some(rain), 409).await;
    assert_eq!(late["code"], "in_flight");
    house.close().await;
}

#[tokio::test]
async fn a_call_waits_through_a_crash() {
    let mut house = asking(|_| vec![calls("weather", json!({ "place": "Kaifeng" }))]).await;
    let id = house.with_tool().await;
    let (turn, before) = house.asks(&id, "tool-calls").await;
    house.kill_launcher().await;
    house.start(&[]).await;
    house.knows_sessions().await;
    let call = house.pending(&id, "tool-calls").await;
    assert_eq!(call["requestId"], before["requestId"]);
    let body = json!({ "text": "Fog." });
    house
        .wait_for("Codex can be reached", async || {
            let (status, _) = house
                .ask("POST", &response_to(&call), Some(body.clone()))
                .await;
            (status == 200).then_some(())
        })
        .await;
    assert_eq!(house.over(&id, &turn).await["status"], "completed");
    assert!(house.outputs().iter().any(|it| it.contains("Fog.")));
    house.close().await;
}
