//! A walk through the pages of one session, whose script asks the test by lines that begin with PLEASE.

use super::House;
use super::browser::person;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};

/// A walk takes some fifteen seconds; a machine that is busy gets many times that.
const PATIENCE: Duration = Duration::from_secs(180);

impl House {
    /// A link that opens the dashboard.
    pub async fn login(&self) -> String {
        let (code, said, complaint) = self.run(&["open", "--no-open"]).await;
        assert_eq!(code, Some(0), "{complaint}");
        let link = said.split_whitespace().find(|word| word.contains("#key="));
        link.unwrap_or_else(|| panic!("no link: {said}")).to_owned()
    }

    /// Walks through the pages of a session by a script of `tests/browser`; `obey` answers what it asks.
    pub async fn walk(&self, script: &str, session: &str, obey: impl AsyncFn(&str) -> String) {
        let mut person = person(script, &self.login().await, &self.root)
            .env("WALK_SESSION", session)
            .spawn()
            .unwrap();
        let mut answers = person.stdin.take().unwrap();
        let mut lines = BufReader::new(person.stdout.take().unwrap()).lines();
        let walk = async {
            while let Some(line) = lines.next_line().await.unwrap() {
                println!("{line}");
                if let Some(wish) = line.strip_prefix("PLEASE ") {
                    let answer = obey(wish).await;
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
            self.scene().await
        );
    }
}
