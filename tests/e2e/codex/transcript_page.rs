//! The page of a transcript, in a real browser, with the real Codex behind it.

use crate::support::script::{assignment, fails, on_message, plan, planner};
use crate::support::thread::Stranger;
use crate::support::{GOVERNANCE, House};
use mock_model::{Call, Script, Step};
use serde_json::json;

const TOLD: &str = "# Heading\n\n**Bold**, `code`, a [link](https://example.org/a), no [link](javascript:alert(1)) and no picture: \
    ![here](https://example.org/x.png)\n\n<img src=x onerror=alert(1)> \u{202e}turned\n\n* one\n* two\n\n```rust\nfn main() {\n    let x = \"a\"; // why\n}\n```\n\n\
    | file | lines |\n|-|-|\n| src/greet.py | 2 |\n";

fn script() -> Script {
    let slow = Step {
        say: Some("one two three four five six seven eight".to_owned()),
        chunk_delay_ms: Some(250),
        ..Step::default()
    };
    let many = "for i in $(seq 1 20000); do echo line $i; done; exit 3";
    let patch = "*** Begin Patch\n*** Update File: src/greet.py\n@@\n def greet(name):\n-    return name\n+    return name.upper()\n\
                 *** Add File: NEWS.md\n+The greeter is louder.\n*** End Patch\n";
    Script::new([
        on_message("slow", "SLOW", vec![slow]),
        on_message(
            "run",
            "RUN",
            vec![Step::call(Call::shell(many)), Step::say("It ran.")],
        ),
        on_message("tell", "TELL", vec![Step::say(TOLD)]),
        on_message(
            "patch",
            "PATCH",
            vec![
                Step::call(Call::ApplyPatch {
                    patch: patch.into(),
                }),
                Step::say("Patched."),
            ],
        ),
        on_message("fail", "FAIL", vec![fails("flooded")]),
        planner(plan([assignment("lingyubu", "works")])),
    ])
}

/// What the person in the browser asks for.
async fn obey(house: &House, session: &str, wish: &str) -> String {
    match wish {
        "login" => return house.login().await,
        "stop" => {
            let body = json!({ "session_id": session });
            house.post("/api/stop_session", body).await;
        }
        "revert" => {
            let page = house
                .get(&format!("/api/thread?id={session}&limit=1"))
                .await;
            let (thread, turn) = (&page["thread_id"], &page["turns"][0]["id"]);
            let mut stranger = Stranger::connect(house).await;
            let revert = json!({ "threadId": thread, "beforeTurnId": turn });
            stranger.call("thread/revert", revert).await;
        }
        text => {
            house
                .session(session, "it rests", |session| session["activity"] == "idle")
                .await;
            let body = json!({ "session_id": session, "input": text });
            house.post("/api/session_input", body).await;
        }
    }
    String::new()
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_the_page_of_a_transcript_is_read_in_a_browser() {
    let governance = format!("{GOVERNANCE}planner: {{sandbox: workspace-write}}\n");
    let house = House::open(script(), &governance).await;
    let session = house.planner("Make the greeter louder.").await;
    house.plan(&session, 1).await;
    let obey = async |wish: &str| obey(&house, &session, wish).await;
    house.walk("transcript.mjs", &session, obey).await;
    house.close().await;
}
