//! The page of a transcript, in a real browser, with the real Codex behind it.

use crate::support::browser::person;
use crate::support::script::{assignment, fails, on_message, plan, planner};
use crate::support::thread::Stranger;
use crate::support::{GOVERNANCE, House};
use mock_model::{Call, Script, Step};
use serde_json::json;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};

/// It takes some fifteen seconds; a machine that is busy gets many times that.
const PATIENCE: Duration = Duration::from_secs(180);

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

async fn login(house: &House) -> String {
    let (code, said, complaint) = house.run(&["open", "--no-open"]).await;
    assert_eq!(code, Some(0), "{complaint}");
    let link = said.split_whitespace().find(|word| word.contains("#key="));
    link.unwrap_or_else(|| panic!("no link: {said}")).to_owned()
}

/// What the person in the browser asks for.
async fn obey(house: &House, session: &str, wish: &str) -> String {
    match wish {
        "login" => return login(house).await,
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
    let login = login(&house).await;
    let mut person = person("transcript.mjs", &login, &house.root)
        .env("WALK_SESSION", &session)
        .spawn()
        .unwrap();
    let mut answers = person.stdin.take().unwrap();
    let mut lines = BufReader::new(person.stdout.take().unwrap()).lines();
    let walk = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            println!("{line}");
            if let Some(wish) = line.strip_prefix("PLEASE ") {
                let answer = obey(&house, &session, wish).await;
                answers
                    .write_all(format!("{answer}\n").as_bytes())
                    .await
                    .unwrap();
            }
        }
        person.wait().await.unwrap()
    };
    let ended = tokio::time::timeout(PATIENCE, walk).await;
    assert!(
        ended.expect("the walk does not end").success(),
        "{}",
        house.scene().await
    );
    house.close().await;
}
