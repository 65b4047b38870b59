//! The `mock-model` program and the HTTP side, without Codex.
#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use mock_model::{Outcome, Script, Server, Step};
use serde_json::{Value, json};

const DEADLINE: Duration = Duration::from_secs(30);

struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        // Already ended in a test that passes.
        let _ = self.0.kill();
        self.0.wait().unwrap();
    }
}

fn start(arguments: &[&str]) -> Program {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mock-model"));
    Program(
        command
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap(),
    )
}

async fn ask(base_url: &str, text: &str) -> reqwest::Response {
    let title = json!({"role": "user", "type": "message", "content": [{"type": "input_text", "text": text}]});
    let body = json!({"model": "m", "prompt_cache_key": "t-1", "input": [title]});
    reqwest::Client::new()
        .post(format!("{base_url}/responses"))
        .json(&body)
        .send()
        .await
        .unwrap()
}

#[tokio::test]
async fn the_program_plays_a_script_shows_its_requests_and_ends_on_sigterm() {
    let dir = tempfile::tempdir().unwrap();
    let script = dir.path().join("script.json");
    std::fs::write(
        &script,
        r#"{"rules":[{"name":"greet","steps":[{"say":"hi {{last_user}}"}]}]}"#,
    )
    .unwrap();
    let mut program = start(&["--script", script.to_str().unwrap()]);
    let mut line = String::new();
    BufReader::new(program.0.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let base_url = serde_json::from_str::<Value>(&line).unwrap()["base_url"]
        .as_str()
        .unwrap()
        .to_owned();

    let answer = ask(&base_url, "there").await.text().await.unwrap();
    assert!(
        answer.contains("hi there") && answer.contains("response.completed"),
        "{answer}"
    );
    // What a TUI asks for its title is JSON and no matter for the script.
    let title = ask(
        &base_url,
        "Generate a concise, single-line task title for this",
    )
    .await
    .text()
    .await
    .unwrap();
    assert!(title.contains(r#"{\"title\":"#), "{title}");

    let admin = base_url.replace("/v1", "/__mock/requests");
    let requests: Value = reqwest::get(admin).await.unwrap().json().await.unwrap();
    assert_eq!(
        (
            &requests[0]["thread_id"],
            &requests[0]["rule"],
            &requests[0]["user_texts"]
        ),
        (&json!("t-1"), &json!("greet"), &json!(["there"]))
    );
    assert_eq!(
        (&requests[1]["kind"], &requests[1]["rule"]),
        (&json!("title"), &Value::Null)
    );

    let pid = program.0.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(program.0.wait().unwrap().code(), Some(0));
}

#[test]
fn a_script_with_a_misspelt_field_is_refused_with_its_name() {
    let dir = tempfile::tempdir().unwrap();
    let script = dir.path().join("script.json");
    std::fs::write(&script, r#"{"rules":[{"name":"x","stepz":[]}]}"#).unwrap();
    let mut program = start(&["--script", script.to_str().unwrap()]);
    assert_eq!(program.0.wait().unwrap().code(), Some(1));
    let mut error = String::new();
    program
        .0
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut error)
        .unwrap();
    assert!(
        error.contains("script.json") && error.contains("stepz"),
        "{error}"
    );
}

#[tokio::test]
async fn a_dropped_server_ends_its_hanging_answers_and_frees_its_port() {
    let hang = Script {
        otherwise: Some(Step {
            hang: true,
            ..Step::say("never")
        }),
        ..Script::default()
    };
    let server = Server::start(hang).await.unwrap();
    let base_url = server.base_url();
    let answer = ask(&base_url, "x").await;
    assert_eq!(server.requests()[0].outcome, Outcome::Answering);
    drop(server);
    let text = tokio::time::timeout(DEADLINE, answer.text())
        .await
        .expect("the answer ends")
        .unwrap();
    assert!(
        text.contains("response.created") && !text.contains("never"),
        "{text}"
    );
    let port: u16 = base_url
        .trim_end_matches("/v1")
        .rsplit(':')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    let start = Instant::now();
    while let Err(error) = Server::start_on(port, Script::default()).await {
        assert!(
            start.elapsed() < DEADLINE,
            "the port is still taken: {error}"
        );
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn waiting_in_vain_tells_what_came() {
    let server = Server::start(Script::default()).await.unwrap();
    ask(&server.base_url(), "an only request")
        .await
        .text()
        .await
        .unwrap();
    let error = server
        .wait_for(|requests| requests.len() == 2, Duration::from_millis(50))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("an only request"), "{error}");
    server.set_script(Script {
        otherwise: Some(Step::say("new")),
        ..Script::default()
    });
    assert!(
        ask(&server.base_url(), "x")
            .await
            .text()
            .await
            .unwrap()
            .contains("new")
    );
    server.shutdown().await;
}
