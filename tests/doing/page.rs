//! The page of work in a real browser, which watches one session.

use crate::support::House;
use crate::support::browser::{chromium, playwright, program};
use serde_json::Value;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// A browser starts within some seconds; on a busy machine it takes many.
const PATIENCE: Duration = Duration::from_secs(90);

/// A browser that looks at the page.
pub struct Watcher {
    _browser: Child,
    answers: ChildStdin,
    said: Lines<BufReader<ChildStdout>>,
}

impl Watcher {
    /// Opens the page, and comes back when the session stands on it.
    pub async fn of(house: &House, session: &str) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let (code, said, complaint) = house.run(&["open", "--no-open"]).await;
        assert_eq!(code, Some(0), "{complaint}");
        let login = said.split_whitespace().find(|word| word.contains("#key="));
        let mut browser = Command::new(program("NODE", &["node"]))
            .arg(root.join("tests/doing/page.mjs"))
            .env("WALK_LOGIN", login.unwrap())
            .env("WALK_SESSION", session)
            .env("WALK_CHROMIUM", chromium())
            .env("WALK_PLAYWRIGHT", playwright())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let said = BufReader::new(browser.stdout.take().unwrap()).lines();
        let mut watcher = Self {
            answers: browser.stdin.take().unwrap(),
            _browser: browser,
            said,
        };
        watcher.until("PLEASE watch").await;
        watcher
    }

    /// Comes back when this state has stood on the page.
    pub async fn until_shown(&mut self, state: &str) {
        let line = format!("{state}\n");
        self.answers.write_all(line.as_bytes()).await.unwrap();
        self.until("PLEASE watch").await;
    }

    /// What stood on the page, one state after the other: `state`, and `at` in milliseconds since 1970.
    pub async fn seen(mut self) -> Vec<Value> {
        self.answers.write_all(b"\n").await.unwrap();
        let said = self.until("SEEN ").await;
        let seen: Value = serde_json::from_str(&said).unwrap();
        assert_eq!(seen["complaints"], serde_json::json!([]), "of the browser");
        self.until_end().await;
        seen["seen"].as_array().unwrap().clone()
    }

    async fn until(&mut self, begin: &str) -> String {
        let look = async {
            while let Some(line) = self.said.next_line().await.unwrap() {
                if let Some(rest) = line.strip_prefix(begin) {
                    return rest.to_owned();
                }
            }
            panic!("the browser ended before it said {begin}");
        };
        let found = tokio::time::timeout(PATIENCE, look).await;
        found.unwrap_or_else(|_| panic!("the browser does not say {begin}"))
    }

    async fn until_end(&mut self) {
        let end = async { while let Ok(Some(_)) = self.said.next_line().await {} };
        let ended = tokio::time::timeout(PATIENCE, end).await;
        ended.expect("the browser does not end");
    }
}
