//! The mock with the real Codex CLI: every kind of step, through `codex exec`.

use crate::common::{DEADLINE, World};
use mock_model::{Call, Count, Fail, Kind, Outcome, Rule, Script, Step, Then, When};
use serde_json::{Value, json};

fn rule(name: &str, when: When, steps: impl IntoIterator<Item = Step>) -> Rule {
    Rule {
        name: name.to_owned(),
        when,
        steps: steps.into_iter().collect(),
        ..Rule::default()
    }
}

fn first(text: &str) -> When {
    When {
        first_user_contains: text.into(),
        ..When::default()
    }
}

#[tokio::test]
async fn without_a_script_the_model_says_ok_and_codex_has_nothing_to_complain_about() {
    let world = World::new(Script::default()).await;
    let ended = world.exec(&[], "hello").await;
    assert!(ended.success, "{ended:?}");
    assert_eq!(ended.says(), ["ok"]);
    // Neither an unknown model nor a temporary CODEX_HOME is warned about.
    assert_eq!(ended.items("error").count(), 0, "{ended:?}");
    assert!(!ended.stderr.contains("WARNING"), "{}", ended.stderr);
    let requests = world
        .server
        .wait_for(
            |requests| requests.iter().all(|r| r.outcome == Outcome::Answered),
            DEADLINE,
        )
        .await
        .unwrap();
    assert_eq!(requests.len(), 1);
    assert_eq!(
        (
            requests[0].thread_id.as_str(),
            requests[0].user_texts.as_slice()
        ),
        (ended.thread_id(), &["hello".to_owned()][..])
    );
    assert_eq!(
        (
            requests[0].kind,
            requests[0].model.as_str(),
            requests[0].rule.as_deref()
        ),
        (Kind::Turn, mock_model::MODEL, None)
    );
    for tool in ["exec_command", "apply_patch", "multi_agent_v1.spawn_agent"] {
        assert!(
            requests[0].tool_names.iter().any(|name| name == tool),
            "{tool}: {:?}",
            requests[0].tool_names
        );
    }
}

#[tokio::test]
async fn a_streamed_text_arrives_whole() {
    let text = "one two three\nfour";
    let step = Step {
        chunk_delay_ms: Some(2),
        delay_ms: 5,
        ..Step::say(text)
    };
    let world = World::new(Script::new([rule("r", When::default(), [step])])).await;
    let ended = world.exec(&[], "hello").await;
    assert_eq!(ended.says(), [text], "{ended:?}");
}

#[tokio::test]
async fn a_shell_command_writes_inside_the_sandbox_and_not_outside_of_it() {
    let steps = [
        Step::call(Call::shell(
            "printf %s inside > in.txt; printf x > \"$HOME/out.txt\"",
        )),
        Step::say("written"),
    ];
    let world = World::new(Script::new([rule("r", first("write"), steps)])).await;
    let ended = world
        .exec(
            &[
                "-s",
                "workspace-write",
                "-c",
                "sandbox_workspace_write.exclude_slash_tmp=true",
            ],
            "write it",
        )
        .await;
    assert_eq!(ended.says(), ["written"], "{ended:?}");
    assert_eq!(
        std::fs::read_to_string(world.path("repo/in.txt")).unwrap(),
        "inside"
    );
    assert!(
        !world.path("home/out.txt").exists(),
        "the sandbox let a write out"
    );
    let output = &world.server.requests()[1].tool_outputs[0].output;
    assert!(output.contains("Read-only file system"), "{output}");
}

#[tokio::test]
async fn a_patch_is_applied() {
    let patch = "*** Begin Patch\n*** Add File: a.txt\n+{{line_after:\"put \"}}\n*** End Patch\n"
        .to_owned();
    let steps = [Step::call(Call::ApplyPatch { patch }), Step::say("patched")];
    let world = World::new(Script::new([rule("r", When::default(), steps)])).await;
    let ended = world
        .exec(&["-s", "workspace-write"], "put these words")
        .await;
    assert_eq!(ended.says(), ["patched"], "{ended:?}");
    assert_eq!(
        std::fs::read_to_string(world.path("repo/a.txt")).unwrap(),
        "these words\n"
    );
}

const MCP_SERVER: &str = r#"
import json, sys
log = open(sys.argv[1], "a")
for line in sys.stdin:
    m = json.loads(line)
    if m["method"] == "initialize":
        r = {"protocolVersion": m["params"]["protocolVersion"], "capabilities": {"tools": {}}, "serverInfo": {"name": "mail", "version": "1"}}
    elif m["method"] == "tools/list":
        r = {"tools": [{"name": "send_mail", "description": "Sends.", "inputSchema": {"type": "object", "properties": {"to": {"type": "string"}}}}]}
    elif m["method"] == "tools/call":
        log.write(json.dumps(m["params"]) + "\n"); log.flush()
        r = {"content": [{"type": "text", "text": "sent as mail-42."}]}
    else:
        continue
    print(json.dumps({"jsonrpc": "2.0", "id": m["id"], "result": r}), flush=True)
"#;

/// The `-c` value that adds the server above, without approvals.
fn mcp_config(world: &World) -> String {
    std::fs::write(world.path("mcp.py"), MCP_SERVER).unwrap();
    let arguments = json!([world.path("mcp.py"), world.path("mcp.log")]);
    format!(
        r#"mcp_servers.mail={{command="python3",args={arguments},default_tools_approval_mode="approve"}}"#
    )
}

fn mcp_calls(world: &World) -> Vec<Value> {
    let log = std::fs::read_to_string(world.path("mcp.log")).unwrap();
    log.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test]
async fn an_mcp_tool_is_called_and_learns_the_thread() {
    let steps = [
        Step::call(Call::mcp(
            "mail",
            "send_mail",
            json!({"to": "{{after:\"recipient: \"}}"}),
        )),
        Step::say("got {{after:\"sent as \"}}"),
    ];
    let world = World::new(Script::new([rule("r", When::default(), steps)])).await;
    let ended = world
        .exec(&["-c", &mcp_config(&world)], "recipient: `menxia-1`.")
        .await;
    assert_eq!(ended.says(), ["got mail-42"], "{ended:?}");
    let calls = mcp_calls(&world);
    assert_eq!(calls.len(), 1);
    assert_eq!(
        (&calls[0]["name"], &calls[0]["arguments"]),
        (&json!("send_mail"), &json!({"to": "menxia-1"}))
    );
    assert_eq!(calls[0]["_meta"]["threadId"], ended.thread_id());
    assert!(
        world.server.requests()[0]
            .tool_names
            .contains(&"mcp__mail.send_mail".to_owned())
    );
}

#[tokio::test]
async fn a_model_in_code_mode_makes_the_same_calls() {
    let steps = [
        Step::call(Call::mcp("mail", "send_mail", json!({"to": "x"}))),
        Step::call(Call::shell("echo from-the-$((40+2))-shell > code.txt")),
        Step::call(Call::ApplyPatch {
            patch: "*** Begin Patch\n*** Add File: b.txt\n+b\n*** End Patch\n".to_owned(),
        }),
        Step::say("done"),
    ];
    let world = World::new(Script::new([rule("r", When::default(), steps)])).await;
    // Without our catalogue, whose only model is a plain one, Codex knows its bundled models.
    let config = mock_model::config_toml(&world.server.base_url(), Some(&world.path("repo")));
    std::fs::write(world.path("codex_home/config.toml"), config).unwrap();
    let ended = world
        .exec(
            &[
                "-m",
                "gpt-6.1-sol",
                "-s",
                "workspace-write",
                "-c",
                &mcp_config(&world),
            ],
            "go",
        )
        .await;
    assert_eq!(
        ended.says(),
        ["done"],
        "{ended:?} {:#?}",
        world.server.requests()
    );
    assert_eq!(mcp_calls(&world)[0]["_meta"]["threadId"], ended.thread_id());
    assert_eq!(
        std::fs::read_to_string(world.path("repo/code.txt")).unwrap(),
        "from-the-42-shell\n"
    );
    assert_eq!(
        std::fs::read_to_string(world.path("repo/b.txt")).unwrap(),
        "b\n"
    );
}

#[tokio::test]
async fn two_threads_at_once_keep_their_own_counters() {
    let steps = [
        Step::call(Call::shell(
            "echo {{after:\"session_id: \"}} > {{after:\"session_id: \"}}.txt",
        )),
        Step {
            hang: true,
            ..Step::call(Call::shell("echo two >> {{after:\"session_id: \"}}.txt"))
        },
        Step::say("{{after:\"session_id: \"}} in {{thread_id}}"),
    ];
    let world = World::new(Script::new([rule(
        "department",
        first("session_id"),
        steps,
    )]))
    .await;
    let sandbox = ["-s", "workspace-write"];
    let both = async {
        tokio::join!(
            world.exec(&sandbox, "session_id: alpha"),
            world.exec(&sandbox, "session_id: beta")
        )
    };
    // Both must have played their first step and stand in their second one before either goes on.
    let at_step_one = |requests: &[mock_model::RecordedRequest]| {
        requests.iter().filter(|r| r.step == 1).count() == 2
    };
    let release = async {
        world.server.wait_for(at_step_one, DEADLINE).await.unwrap();
        world.server.release();
    };
    let ((alpha, beta), ()) = tokio::join!(both, release);
    for (ended, name) in [(alpha, "alpha"), (beta, "beta")] {
        assert_eq!(
            ended.says(),
            [format!("{name} in {}", ended.thread_id())],
            "{ended:?}"
        );
        assert_eq!(
            std::fs::read_to_string(world.path(&format!("repo/{name}.txt"))).unwrap(),
            format!("{name}\ntwo\n")
        );
        let requests = world.server.requests();
        let steps: Vec<usize> = requests
            .iter()
            .filter(|r| r.thread_id == ended.thread_id())
            .map(|r| r.step)
            .collect();
        assert_eq!(steps, [0, 1, 2]);
    }
}

#[tokio::test]
async fn a_second_message_in_the_same_thread_meets_its_own_rule() {
    let mut arrived = rule(
        "arrived",
        When {
            last_user_contains: "result".into(),
            ..When::default()
        },
        [
            Step::call(Call::shell("echo x >> seen.txt")),
            Step::say("noted {{last_after:\"result \"}}"),
        ],
    );
    arrived.count = Count::Message;
    let mut planner = rule("planner", first("plan"), [Step::say("planned")]);
    planner.then = Then::Next;
    let world = World::new(Script {
        rules: vec![arrived, planner],
        otherwise: Some(Step::say("no rule")),
    })
    .await;
    let sandbox = ["-s", "workspace-write"];
    let started = world.exec(&sandbox, "plan it").await;
    assert_eq!(started.says(), ["planned"], "{started:?}");
    let resume = async |prompt: &'static str| {
        world
            .exec(
                &[
                    "-c",
                    "sandbox_mode=\"workspace-write\"",
                    "resume",
                    started.thread_id(),
                ],
                prompt,
            )
            .await
    };
    assert_eq!(resume("result r1 arrived").await.says(), ["noted r1"]);
    assert_eq!(resume("anything else").await.says(), ["no rule"]);
    assert_eq!(resume("result r2 arrived").await.says(), ["noted r2"]);
    assert_eq!(
        std::fs::read_to_string(world.path("repo/seen.txt")).unwrap(),
        "x\nx\n"
    );
}

#[tokio::test]
async fn a_fail_step_fails_the_turn() {
    // Codex shows the body of a 400, and its own sentence for a 500.
    for (status, body, shown) in [
        (
            400,
            json!({"error": {"message": "planned refusal"}}),
            "planned refusal",
        ),
        (500, Value::Null, "high demand"),
    ] {
        let fail = Fail { status, body };
        let world = World::new(Script::new([rule(
            "r",
            When::default(),
            [Step {
                fail: Some(fail),
                ..Step::default()
            }],
        )]))
        .await;
        let ended = world.exec(&[], "hello").await;
        assert!(!ended.success);
        let failed = ended
            .events
            .iter()
            .find(|event| event["type"] == "turn.failed")
            .expect("the turn failed");
        assert!(failed.to_string().contains(shown), "{failed}");
        assert_eq!(world.server.requests()[0].outcome, Outcome::Failed);
    }
}

#[tokio::test]
async fn a_template_that_finds_nothing_fails_the_turn_and_says_why() {
    let world = World::new(Script::new([rule(
        "lost",
        When::default(),
        [Step::say("{{after:\"nowhere: \"}}")],
    )]))
    .await;
    let ended = world.exec(&[], "hello").await;
    assert!(!ended.success, "{ended:?}");
    let events = json!(ended.events).to_string();
    assert!(
        events.contains("lost") && events.contains("found nothing"),
        "{events}"
    );
}

#[tokio::test]
async fn a_hanging_answer_waits_for_its_release_or_for_the_client_to_leave() {
    let step = Step {
        hang: true,
        ..Step::say("at last")
    };
    let world = World::new(Script::new([rule("r", When::default(), [step])])).await;
    let release = async {
        let requests = world
            .server
            .wait_for(|requests| requests.len() == 1, DEADLINE)
            .await
            .unwrap();
        assert_eq!(requests[0].outcome, Outcome::Answering);
        world.server.release();
    };
    let (ended, ()) = tokio::join!(world.exec(&[], "hello"), release);
    assert_eq!(ended.says(), ["at last"], "{ended:?}");

    let mut child = world
        .command(&crate::common::codex_bin())
        .args(["exec", "--json", "again"])
        .spawn()
        .unwrap();
    world
        .server
        .wait_for(|requests| requests.len() == 2, DEADLINE)
        .await
        .unwrap();
    child.kill().await.unwrap();
    world
        .server
        .wait_for(
            |requests| requests[1].outcome == Outcome::Abandoned,
            DEADLINE,
        )
        .await
        .unwrap();
}
