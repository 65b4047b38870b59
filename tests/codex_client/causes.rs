//! What the real Codex says when it refuses, and what the harness makes of it: a sentence that another version words differently is
//! found here.

use super::rig::{PATIENCE, Rig};
use serde_json::{Value, json};
use zhongshu::codex::Codex;
use zhongshu::harness::refused::Refused;

const NOBODY: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

/// One provocation: what is called, and what a client is told.
struct Case {
    method: &'static str,
    params: Value,
    http: u16,
    code: &'static str,
}

fn case(method: &'static str, params: Value, http: u16, code: &'static str) -> Case {
    Case {
        method,
        params,
        http,
        code,
    }
}

async fn provoked(codex: &Codex, case: &Case) -> Refused {
    match codex.call_raw(case.method, &case.params).await {
        Ok(answer) => panic!("{} {}: granted: {answer}", case.method, case.params),
        Err(error) => Refused::of_codex(&error),
    }
}

async fn assert_causes(codex: &Codex, cases: &[Case]) {
    let mut wrong = Vec::new();
    for case in cases {
        let was = provoked(codex, case).await;
        if (was.http, was.code) != (case.http, case.code) {
            let Case {
                method,
                params,
                http,
                code,
            } = case;
            wrong.push(format!(
                "{method} {params}: {} {} `{}`, not {http} {code}",
                was.http, was.code, was.message
            ));
        }
        assert_eq!(was.fields["details"]["method"], case.method);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn each_refusal_of_codex_has_its_cause() {
    let rig = Rig::new().await;
    let (codex, _events) = Codex::start(rig.settings());
    codex.ready(PATIENCE).await.unwrap();
    let opened = codex.start_thread(&rig.thread()).await.unwrap();
    let thread = opened.thread.id.0.clone();
    codex.name_thread(&opened.thread.id, "one").await.unwrap();
    let input = json!([{"type": "text", "text": "hello"}]);
    let nobody = json!({"threadId": NOBODY});
    let missing = |method| case(method, nobody.clone(), 404, "not_found");
    let cursor = |method| case(method, json!({"cursor": "x"}), 400, "invalid_params");
    let beyond = |method| case(method, json!({"cursor": "9999"}), 400, "invalid_params");
    let state = |method, params| case(method, params, 409, "invalid_state");
    let invalid = |method, params| case(method, params, 400, "invalid_params");
    let lacking = |method| case(method, json!({}), 501, "method_not_supported");
    let write = |key: &str, value: Value| json!({"keyPath": key, "value": value, "mergeStrategy": "replace"});
    let mut stale = write("model", "m".into());
    stale["expectedVersion"] = "x".into();
    let too_long = "x".repeat(1_048_577);
    assert_causes(
        &codex,
        &[
            missing("thread/read"),
            missing("thread/resume"),
            missing("thread/archive"),
            missing("thread/unarchive"),
            missing("thread/delete"),
            case(
                "turn/start",
                json!({"threadId": NOBODY, "input": input}),
                404,
                "not_found",
            ),
            case("thread/read", json!({"threadId": "x"}), 404, "not_found"),
            case("thread/resume", json!({"threadId": "x"}), 404, "not_found"),
            case(
                "thread/revert",
                json!({"threadId": thread, "beforeTurnId": NOBODY}),
                404,
                "not_found",
            ),
            case(
                "mcpServer/oauth/login",
                json!({"name": "none"}),
                404,
                "not_found",
            ),
            case(
                "account/login/cancel",
                json!({"loginId": "x"}),
                404,
                "not_found",
            ),
            case("account/rateLimits/read", Value::Null, 401, "auth_required"),
            lacking("nothing/here"),
            lacking("thread/rollback"),
            lacking("skills/remote/read"),
            cursor("thread/list"),
            cursor("model/list"),
            cursor("experimentalFeature/list"),
            cursor("mcpServerStatus/list"),
            beyond("model/list"),
            beyond("experimentalFeature/list"),
            beyond("mcpServerStatus/list"),
            invalid("thread/start", json!({"approvalPolicy": "on-failure"})),
            invalid("thread/start", json!({"cwd": 5})),
            invalid("thread/read", json!({})),
            invalid("command/exec", json!({"command": []})),
            invalid("command/exec", json!({"command": ["true", "\u{0}"]})),
            invalid("config/value/write", write("model", 5.into())),
            invalid(
                "config/value/write",
                write("approval_policy", "turn not found".into()),
            ),
            state("config/value/write", stale),
            state(
                "turn/interrupt",
                json!({"threadId": thread, "turnId": NOBODY}),
            ),
            state(
                "turn/steer",
                json!({"threadId": thread, "expectedTurnId": NOBODY, "input": input}),
            ),
            state("thread/unarchive", json!({"threadId": thread})),
            case(
                "turn/start",
                json!({"threadId": thread, "input": [{"type": "text", "text": too_long}]}),
                413,
                "too_large",
            ),
            case(
                "command/exec",
                json!({"command": ["true"], "cwd": "/nonexistent"}),
                500,
                "codex_error",
            ),
        ],
    )
    .await;
    codex.archive(&opened.thread.id).await.unwrap();
    let archived = json!({"threadId": thread});
    assert_causes(
        &codex,
        &[
            state("thread/resume", archived.clone()),
            state("thread/fork", archived),
        ],
    )
    .await;
    rig.end(&codex).await;
}

#[tokio::test]
async fn another_turn_than_the_one_that_runs_is_the_wrong_state_and_no_codex_is_said_to_come_back()
{
    let rig = Rig::new().await;
    let (codex, _events) = Codex::start(rig.settings());
    codex.ready(PATIENCE).await.unwrap();
    let opened = codex.start_thread(&rig.thread()).await.unwrap();
    let thread = opened.thread.id;
    rig.model.will_stop_after("begun");
    let input = json!([{"type": "text", "text": "hello"}]);
    let begin = json!({"threadId": thread, "input": input});
    codex.call_raw("turn/start", &begin).await.unwrap();
    let steer = json!({"threadId": thread, "expectedTurnId": NOBODY, "input": input});
    assert_causes(&codex, &[case("turn/steer", steer, 409, "invalid_state")]).await;
    rig.end(&codex).await;
    let gone = case("model/list", json!({}), 503, "codex_unavailable");
    let refused = provoked(&codex, &gone).await;
    assert_eq!((refused.http, refused.code), (gone.http, gone.code));
    assert!(refused.retry_after.is_some());
}
