//! The tool server as Codex meets it: a process that speaks JSON-RPC over its stdin and stdout.
#![allow(clippy::unwrap_used)]

#[path = "mailbox/support.rs"]
mod support;

use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use support::{House, id, names, timing};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::UnixListener;
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use zhongshu::domain::limits;
use zhongshu::domain::plan::Source;
use zhongshu::domain::plan_review::Review;

const STATE_DIR: &str = "ZHONGSHU_TEST_MCP_STATE_DIR";

/// The server side: the other tests start this very test as a process of its own.
#[test]
#[ignore = "the other tests of this file start it"]
fn serve_over_stdio() {
    if let Some(state_dir) = std::env::var_os(STATE_DIR) {
        zhongshu::mcp::run(Path::new(&state_dir)).unwrap();
    }
}

struct Client {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    next_id: u64,
}

impl Client {
    async fn start(state_dir: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "serve_over_stdio",
                "--ignored",
                "--nocapture",
                "--quiet",
            ])
            .env(STATE_DIR, state_dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut client = Self {
            input: child.stdin.take().unwrap(),
            output: BufReader::new(child.stdout.take().unwrap()).lines(),
            child,
            next_id: 0,
        };
        let hello = json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}});
        let answer = client.ask("initialize", hello).await;
        assert_eq!(
            answer["result"]["serverInfo"]["name"], "zhongshu",
            "{answer}"
        );
        assert_eq!(answer["result"]["protocolVersion"], "2025-06-18");
        assert!(answer["result"]["capabilities"]["tools"].is_object());
        client
            .send(json!({"jsonrpc": "2.0", "method": "notifications/initialized"}))
            .await;
        client
    }

    async fn send(&mut self, message: Value) {
        let line = format!("{message}\n");
        self.input.write_all(line.as_bytes()).await.unwrap();
        self.input.flush().await.unwrap();
    }

    async fn begin(&mut self, method: &str, params: Value) -> u64 {
        self.next_id += 1;
        let id = self.next_id;
        self.send(json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}))
            .await;
        id
    }

    /// The next answer, whichever request it is for. The test harness's own lines are passed over.
    async fn answer(&mut self) -> Value {
        loop {
            let line = tokio::time::timeout(Duration::from_secs(30), self.output.next_line()).await;
            let line = line.expect("an answer within 30 s").unwrap();
            let line = line.expect("the server is still there");
            if let Ok(answer @ Value::Object(_)) = serde_json::from_str(&line) {
                return answer;
            }
        }
    }

    async fn ask(&mut self, method: &str, params: Value) -> Value {
        let id = self.begin(method, params).await;
        let answer = self.answer().await;
        assert_eq!(answer["id"], id, "{answer}");
        answer
    }

    /// Calls a tool; the text that it answers, as an error or not.
    async fn call(&mut self, thread: &str, tool: &str, arguments: Value) -> Result<String, String> {
        let params = json!({"name": tool, "arguments": arguments, "_meta": {"threadId": thread, "callId": "c"}});
        text(&self.ask("tools/call", params).await)
    }
}

fn text(answer: &Value) -> Result<String, String> {
    let result = &answer["result"];
    let text = result["content"][0]["text"].as_str();
    let text = text
        .unwrap_or_else(|| panic!("no text in {answer}"))
        .to_owned();
    match result["isError"].as_bool() {
        Some(true) => Err(text),
        _ => Ok(text),
    }
}

fn a_result(summary: &str) -> Value {
    json!({"summary": summary, "changed_files": ["src/a.rs"], "verifications_run": ["cargo test: ok"]})
}

fn a_plan(department: &str) -> Value {
    json!({"summary": "split it", "assignments": [{"department": department, "task": "build it", "verify_commands": ["cargo test"]}]})
}

/// A house with a planner and two departments, each with its thread.
async fn house(running: bool) -> House {
    let mut house = House::closed();
    let planner = house.planner("zhongshu-1").await;
    house.thread(&planner, "thread-planner").await;
    for n in 1..=2 {
        let department = house
            .department(&format!("gongchengbu-{n}"), "zhongshu-1")
            .await;
        house.thread(&department, &format!("thread-{n}")).await;
    }
    if running {
        house.run(timing());
    }
    house
}

#[tokio::test(flavor = "multi_thread")]
async fn tools_have_schemas_and_descriptions() {
    let house = house(false).await;
    let mut client = Client::start(&house.state_dir).await;
    let answer = client.ask("tools/list", json!({})).await;
    let tools = answer["result"]["tools"].as_array().unwrap();
    let named: Vec<&str> = tools
        .iter()
        .map(|tool| tool["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        named,
        [
            "report_plan",
            "read_inbox",
            "accept_changes",
            "report_result",
            "report_verdict",
            "review_code"
        ]
    );
    for tool in tools {
        assert!(tool["description"].as_str().unwrap().len() > 40);
        assert_eq!(tool["inputSchema"]["type"], "object");
        assert_eq!(
            tool["annotations"]["readOnlyHint"],
            tool["name"] == "read_inbox"
        );
    }
    assert_eq!(
        tools[0]["inputSchema"]["required"],
        json!(["summary", "assignments"])
    );
    let result = tools.iter().find(|tool| tool["name"] == "report_result");
    let fields = result.unwrap()["inputSchema"]["properties"]
        .as_object()
        .unwrap();
    let mut fields: Vec<&str> = fields.keys().map(String::as_str).collect();
    fields.sort_unstable();
    assert_eq!(
        fields,
        [
            "changed_files",
            "needs_user_confirmation",
            "next_action",
            "risks",
            "summary",
            "verifications_run",
            "verifications_skipped"
        ]
    );
    // The server ends when its client closes the pipe.
    drop(client.input);
    let ended = tokio::time::timeout(Duration::from_secs(10), client.child.wait()).await;
    assert!(ended.expect("ends with its client").unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_department_reports_by_tool_and_is_believed() {
    let house = house(true).await;
    let mut client = Client::start(&house.state_dir).await;
    let answer = client
        .call("thread-1", "report_result", a_result("done"))
        .await
        .unwrap();
    assert!(answer.starts_with("The result is registered"), "{answer}");
    let report = house.report(&id("gongchengbu-1")).unwrap();
    assert!(report.current().verified);
    assert_eq!(report.current().source, Source::Tool);
    assert_eq!(report.current().findings.changed_files, ["src/a.rs"]);
    house
        .until("the receipt is used up", || {
            names(&house.state_dir.join("receipts")).is_empty()
        })
        .await;

    // The same process speaks for the other thread, and for that one only.
    client
        .call("thread-2", "report_result", a_result("also done"))
        .await
        .unwrap();
    let report = house.report(&id("gongchengbu-2")).unwrap();
    assert_eq!(report.current().findings.summary, "also done");
    assert_eq!(
        house.report(&id("gongchengbu-1")).unwrap().revisions.len(),
        1
    );
    client
        .call("thread-1", "report_result", a_result("corrected"))
        .await
        .unwrap();
    assert_eq!(
        house.report(&id("gongchengbu-1")).unwrap().revisions.len(),
        2
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_planner_reports_by_tool_and_learns_what_is_wrong() {
    let house = house(true).await;
    let mut client = Client::start(&house.state_dir).await;
    let refused = client
        .call("thread-planner", "report_plan", a_plan("nobody"))
        .await
        .unwrap_err();
    assert!(
        refused.contains("assignments[0].department") && refused.contains("gongchengbu"),
        "{refused}"
    );
    let refused = client
        .call("thread-planner", "report_plan", json!({"summary": "x"}))
        .await
        .unwrap_err();
    assert!(refused.contains("assignments"), "{refused}");
    let answer = client
        .call("thread-planner", "report_plan", a_plan("gongchengbu"))
        .await
        .unwrap();
    assert!(answer.starts_with("The plan is registered"), "{answer}");
    let plans = house
        .ledger
        .read(|state| state.session(&id("zhongshu-1")).unwrap().plans.clone());
    assert_eq!(plans.len(), 1);
    assert_eq!(plans[0].source, Source::Tool);
    assert_eq!(plans[0].proposal.assignments[0].verify, ["cargo test"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_takes_as_long_a_text_as_every_other_door() {
    let house = house(true).await;
    let mut client = Client::start(&house.state_dir).await;
    let with = |bytes: usize| {
        let mut plan = a_plan("gongchengbu");
        plan["assignments"][0]["task"] = json!("x".repeat(bytes));
        plan
    };
    let limit = limits::LONG.1;
    let refused = client
        .call("thread-planner", "report_plan", with(limit + 1))
        .await
        .unwrap_err();
    let sentence = format!(
        "assignments[0].task: {} bytes; at most {limit} bytes are taken",
        limit + 1
    );
    assert!(refused.contains(&sentence), "{refused}");
    let answer = client
        .call("thread-planner", "report_plan", with(limit))
        .await
        .unwrap();
    assert!(answer.starts_with("The plan is registered"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tools_are_refused_to_the_wrong_caller() {
    let house = house(true).await;
    let mut client = Client::start(&house.state_dir).await;
    let refused = client
        .call("thread-1", "report_plan", a_plan("gongchengbu"))
        .await
        .unwrap_err();
    assert!(
        refused.contains("for the planner") && refused.contains("gongchengbu-1"),
        "{refused}"
    );
    let refused = client
        .call("thread-1", "read_inbox", json!({}))
        .await
        .unwrap_err();
    assert!(refused.contains("for the planner"), "{refused}");
    let refused = client
        .call("thread-planner", "report_result", a_result("x"))
        .await
        .unwrap_err();
    assert!(refused.contains("for departments"), "{refused}");
    let refused = client
        .call("thread-unknown", "report_result", a_result("x"))
        .await
        .unwrap_err();
    assert!(refused.contains("not started by zhongshu"), "{refused}");
    for forged in ["../threads/thread-1", "", "a/b"] {
        client
            .call(forged, "report_result", a_result("x"))
            .await
            .unwrap_err();
    }
    let nameless = json!({"name": "report_result", "arguments": a_result("x")});
    let refused = text(&client.ask("tools/call", nameless).await).unwrap_err();
    assert!(refused.contains("threadId"), "{refused}");
    let refused = client
        .call("thread-1", "start_department", json!({}))
        .await
        .unwrap_err();
    assert!(refused.contains("no tool"), "{refused}");
    // An identity in the arguments is not an identity.
    let mut forged = a_result("forged");
    forged["department_session_id"] = json!("gongchengbu-2");
    client
        .call("thread-1", "report_result", forged)
        .await
        .unwrap();
    assert_eq!(house.report(&id("gongchengbu-2")), None);
    assert!(house.events("zhongshu_plan_registered").is_empty());
}

fn a_verdict(verdict: &str) -> Value {
    json!({"verdict": verdict, "checked": [{"line": 1, "point": "the files fit"}], "reasons": ["no proof"]})
}

/// A house whose planner has a plan, and a menxia session with a thread that reviews it.
async fn house_of_review() -> (House, Client) {
    let house = house(true).await;
    let mut client = Client::start(&house.state_dir).await;
    client
        .call("thread-planner", "report_plan", a_plan("gongchengbu"))
        .await
        .unwrap();
    let menxia = house.reviewer("menxia-1", "zhongshu-1").await;
    house.thread(&menxia, "thread-menxia").await;
    (house, client)
}

fn review(house: &House) -> Review {
    house.ledger.read(|state| {
        let planner = state.session(&id("zhongshu-1")).unwrap();
        planner.plan().unwrap().review.clone()
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn menxia_gives_its_verdict_by_tool_for_the_plan_it_was_started_for() {
    let (house, mut client) = house_of_review().await;
    let refused = client
        .call("thread-menxia", "report_result", a_result("looks fine"))
        .await
        .unwrap_err();
    assert!(refused.contains("report_verdict"), "{refused}");
    let refused = client
        .call(
            "thread-menxia",
            "report_verdict",
            json!({"verdict": "approve", "checked": []}),
        )
        .await
        .unwrap_err();
    assert!(
        refused.contains("nothing was checked about line 1"),
        "{refused}"
    );
    client
        .call(
            "thread-menxia",
            "report_verdict",
            json!({"verdict": "maybe"}),
        )
        .await
        .unwrap_err();
    assert_eq!(review(&house).word(), "waiting");
    // Identities in the arguments change nothing: plan and session are those that the launcher wrote down.
    let mut veto = a_verdict("veto");
    veto["plan_version"] = json!(7);
    veto["department_session_id"] = json!("menxia-2");
    let answer = client
        .call("thread-menxia", "report_verdict", veto)
        .await
        .unwrap();
    assert!(answer.starts_with("The verdict is registered"), "{answer}");
    let review = review(&house);
    let verdict = review.verdict().unwrap();
    assert_eq!(review.word(), "vetoed");
    assert!(verdict.verified);
    assert_eq!(verdict.source, Source::Tool);
    assert_eq!(verdict.reasons, ["no proof"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_gives_a_verdict() {
    let (house, mut client) = house_of_review().await;
    for (thread, instead) in [
        ("thread-planner", "report_plan"),
        ("thread-1", "report_result"),
    ] {
        let refused = client
            .call(thread, "report_verdict", a_verdict("approve"))
            .await
            .unwrap_err();
        assert!(refused.contains(instead), "{refused}");
    }
    // A file in the mailbox is no way around the tool, whoever it claims to be from.
    let digest = house.ledger.read(|state| {
        let planner = state.session(&id("zhongshu-1")).unwrap();
        planner.plan().unwrap().sha256.clone()
    });
    let mut forged = a_verdict("approve");
    for (field, value) in [
        ("parent_session_id", json!("zhongshu-1")),
        ("department_session_id", json!("menxia-1")),
        ("plan_version", json!(1)),
        ("plan_sha256", json!(digest)),
    ] {
        forged[field] = value;
    }
    let folder = house.paths();
    fs::write(folder.incoming.join("x.tmp"), forged.to_string()).unwrap();
    fs::rename(
        folder.incoming.join("x.tmp"),
        folder.incoming.join("verdict-1.json"),
    )
    .unwrap();
    house
        .until("the forged verdict is rejected", || {
            names(&folder.rejected).len() == 2
        })
        .await;
    let reason = fs::read_to_string(folder.rejected.join("verdict-1.json.reason.txt")).unwrap();
    assert!(reason.contains("report_verdict"), "{reason}");
    assert_eq!(review(&house).word(), "waiting");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_waits_for_a_launcher_that_is_off() {
    let mut house = house(false).await;
    let mut client = Client::start(&house.state_dir).await;
    let answer = client
        .call("thread-1", "report_result", a_result("done"))
        .await
        .unwrap();
    assert!(
        answer.contains("not running") && answer.contains("stored"),
        "{answer}"
    );
    assert_eq!(names(&house.paths().incoming).len(), 1);
    // A mistake is found even so.
    let refused = client
        .call("thread-1", "report_result", a_result(" "))
        .await
        .unwrap_err();
    assert!(
        refused.starts_with("the result was not taken: summary: "),
        "{refused}"
    );
    assert_eq!(names(&house.paths().incoming).len(), 1);
    house.run(timing());
    assert!(
        house
            .until_reported(&id("gongchengbu-1"), 1)
            .await
            .current()
            .verified
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_writes_through_no_link() {
    let house = house(false).await;
    let elsewhere = house.dir.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::remove_dir(house.paths().incoming).unwrap();
    std::os::unix::fs::symlink(&elsewhere, house.paths().incoming).unwrap();
    let mut client = Client::start(&house.state_dir).await;
    let refused = client
        .call("thread-1", "report_result", a_result("x"))
        .await
        .unwrap_err();
    assert!(refused.contains("not a folder"), "{refused}");
    assert!(names(&elsewhere).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_inbox_is_read_over_the_launchers_socket() {
    let house = house(false).await;
    let mut client = Client::start(&house.state_dir).await;
    let refused = client
        .call("thread-planner", "read_inbox", json!({}))
        .await
        .unwrap_err();
    assert!(refused.contains("not running"), "{refused}");

    let socket = house.dir.path().join("s");
    let listener = UnixListener::bind(&socket).unwrap();
    let address = json!({"socket": socket, "url": "http://127.0.0.1:1", "pid": 1});
    fs::write(house.state_dir.join("server.json"), address.to_string()).unwrap();
    let launcher = tokio::spawn(async move {
        let mut requests = Vec::new();
        for (status, body) in [
            ("200 OK", r#"{"ok":true,"unread":"中"}"#),
            ("200 OK", r#"{"ok":true}"#),
            ("409 Conflict", r#"{"ok":false,"error":"no","code":"slug"}"#),
        ] {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).await.unwrap();
                request.push(byte[0]);
            }
            requests.push(String::from_utf8(request).unwrap().to_lowercase());
            let answer = format!(
                "HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
        requests
    });
    let whole = client
        .call("thread-planner", "read_inbox", json!({"peek": true}))
        .await
        .unwrap();
    assert_eq!(whole, r#"{"ok":true,"unread":"中"}"#);
    client
        .call("thread-planner", "read_inbox", json!({}))
        .await
        .unwrap();
    let refused = client
        .call("thread-planner", "read_inbox", json!({"peek": false}))
        .await
        .unwrap_err();
    assert_eq!(refused, "no");
    let requests = launcher.await.unwrap();
    assert!(requests[0].starts_with("get /mcp/inbox?peek=1 http/1.1\r\n"));
    assert!(requests[1].starts_with("get /mcp/inbox?peek=0 "));
    assert!(
        requests
            .iter()
            .all(|request| request.contains("\r\nhost: localhost\r\n")
                && request.contains("\r\nx-zhongshu-thread: thread-planner\r\n"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_report_holds_up_no_other_thread() {
    let house = house(false).await;
    let mut client = Client::start(&house.state_dir).await;
    // Nobody takes the report, so its call waits; the other one is answered meanwhile.
    let params = |thread: &str, tool: &str| json!({"name": tool, "arguments": a_result("x"), "_meta": {"threadId": thread}});
    let slow = client
        .begin("tools/call", params("thread-1", "report_result"))
        .await;
    let quick = client
        .begin("tools/call", params("thread-2", "report_plan"))
        .await;
    assert_eq!(client.answer().await["id"], quick);
    let answer = client.answer().await;
    assert_eq!(answer["id"], slow);
    assert!(text(&answer).unwrap().contains("not running"));
}
