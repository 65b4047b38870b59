//! The mock below `codex app-server`: compaction and several turns of one thread, over the protocol on stdio.

use std::process::Stdio;

use crate::common::{DEADLINE, World, codex_bin};
use mock_model::{Kind, Rule, Script, Step};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout};

struct AppServer {
    _child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    calls: u64,
}

impl AppServer {
    async fn start(world: &World) -> Self {
        let mut command = world.command(&codex_bin());
        let mut child = command
            .arg("app-server")
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take(), child.stdout.take().unwrap());
        let output = BufReader::new(output).lines();
        let mut server = Self {
            _child: child,
            input: input.unwrap(),
            output,
            calls: 0,
        };
        let client = json!({"clientInfo": {"name": "test", "title": "test", "version": "1"}, "capabilities": {"experimentalApi": true}});
        server.call("initialize", client).await;
        server.send(&json!({"method": "initialized"})).await;
        server
    }

    async fn send(&mut self, message: &Value) {
        self.input
            .write_all(format!("{message}\n").as_bytes())
            .await
            .unwrap();
    }

    async fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        let mut seen = Vec::new();
        let found = tokio::time::timeout(DEADLINE, async {
            loop {
                let line = self
                    .output
                    .next_line()
                    .await
                    .unwrap()
                    .expect("the app-server is up");
                let message: Value = serde_json::from_str(&line).unwrap();
                if wanted(&message) {
                    return message;
                }
                seen.push(line);
            }
        });
        found.await.unwrap_or_else(|_| {
            panic!("the app-server did not say what was waited for; it said {seen:#?}")
        })
    }

    async fn call(&mut self, method: &str, params: Value) -> Value {
        self.calls += 1;
        let id = self.calls;
        self.send(&json!({"id": id, "method": method, "params": params}))
            .await;
        let answer = self.until(|message| message["id"] == id).await;
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }

    async fn turn(&mut self, thread_id: &str, text: &str) -> Value {
        self.call(
            "turn/start",
            json!({"threadId": thread_id, "input": [{"type": "text", "text": text}]}),
        )
        .await;
        self.until(|message| message["method"] == "turn/completed")
            .await["params"]["turn"]
            .clone()
    }
}

#[tokio::test]
async fn compaction_is_answered_without_touching_the_rules() {
    let steps = ["one", "two", "three"].map(Step::say).to_vec();
    let rule = Rule {
        name: "counting".to_owned(),
        steps,
        ..Rule::default()
    };
    let world = World::new(Script::new([rule])).await;
    let mut codex = AppServer::start(&world).await;
    let thread = codex
        .call("thread/start", json!({"cwd": world.path("repo")}))
        .await;
    let thread_id = thread["thread"]["id"].as_str().unwrap().to_owned();
    assert_eq!(
        codex.turn(&thread_id, "first").await["items"][0]["text"],
        "one"
    );
    codex
        .call("thread/compact/start", json!({"threadId": thread_id}))
        .await;
    let compacted = codex
        .until(|message| message["method"] == "turn/completed")
        .await;
    assert_eq!(
        compacted["params"]["turn"]["status"], "completed",
        "{compacted}"
    );
    assert_eq!(
        codex.turn(&thread_id, "second").await["items"][0]["text"],
        "two"
    );

    let requests = world.server.requests();
    let seen: Vec<(Kind, Option<&str>, usize)> = requests
        .iter()
        .map(|r| (r.kind, r.rule.as_deref(), r.step))
        .collect();
    let counting = Some("counting");
    assert_eq!(
        seen,
        [
            (Kind::Turn, counting, 0),
            (Kind::Compaction, None, 0),
            (Kind::Turn, counting, 1)
        ]
    );
    assert!(
        requests.iter().all(|r| r.thread_id == thread_id),
        "{requests:#?}"
    );
    // The first message is still the first one, so that rules which look at it go on fitting after a compaction.
    assert_eq!(
        requests[2].user_texts.first().map(String::as_str),
        Some("first"),
        "{:#?}",
        requests[2].user_texts
    );
}
