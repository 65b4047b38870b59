//! What an extension has a worker do.

use super::rig::Extension;
use crate::rig::house_with;
use crate::support::GOVERNANCE;
use crate::workers::works;
use mock_model::{Rule, Step, When};
use serde_json::{Value, json};
use std::path::Path;

/// The example of the document, as the handler of an extension.
fn handler() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/extensions.md");
    let text = std::fs::read_to_string(path).unwrap();
    let blocks = text.split("```json\n").skip(1);
    let mut blocks = blocks.map(|it| it.split("```").next().unwrap());
    let example = blocks.find(|it| it.contains("agent_instruction")).unwrap();
    let _: Value = serde_json::from_str(example).unwrap();
    format!(
        "EXAMPLE = r'''{example}'''\n\
         def handle(event, payload):\n    \
             context, text = payload['context'], EXAMPLE\n    \
             for name, field in [('PROJECT', 'projectId'), ('SESSION', 'sourceSessionId'), ('TURN', 'turnId')]:\n        \
                 text = text.replace(name, context[field])\n    \
             return json.loads(text)['results']\n"
    )
}

#[tokio::test]
async fn a_job_that_an_extension_queues_is_done_by_a_worker_and_followed_by_its_row() {
    let governance =
        format!("{GOVERNANCE}harness: {{extensions: {{mode: enforced}}, workers: {{mode: on}}}}\n");
    let looks = Rule {
        when: When {
            last_user_contains: "Say in one sentence".into(),
            ..When::default()
        },
        ..works(vec![Step::say("The tests are open.")])
    };
    let house = house_with([looks], &governance).await;
    let code = handler();
    let mut reviewer = Extension::of_turns("reviewer", &code);
    reviewer.declares = json!({"events": ["turn.completed"], "actions": ["queue.enqueue"]});
    house.runs(&reviewer).await;
    let (id, turn) = house.session_with_turn().await;
    let row = house
        .wait_for("the row of the job", async || {
            let seen = house.look(&format!("/sessions/{id}")).await;
            let mut rows = seen["transcript"].as_array().unwrap().iter();
            let wanted =
                |it: &&Value| it["type"] == "turn.supervisorReview" && it["status"] == "complete";
            rows.find(wanted).cloned()
        })
        .await;
    assert_eq!(
        (&row["content"], &row["turnId"]),
        (&json!("The tests are open."), &json!(turn))
    );
    let agents = house
        .look(&format!("/projects/session:{id}/agent-sessions"))
        .await;
    assert_eq!(agents["data"][0]["agent"], "reviewer", "{agents:#}");
    // The worker's own turn is told to nobody.
    let heard = house.noted("reviewer", "heard");
    assert_eq!(heard.len(), 1, "{heard:#?}");
    house.close().await;
}
