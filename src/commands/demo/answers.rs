//! How the scripted person answers what Codex asks, by the same requests as the page makes.

use super::story::step;
use crate::client::Client;
use crate::commands::error::CommandError;
use crate::governance::render::printable;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::Write;

/// What `demo --codex` brings about, each at least once.
const KINDS: [&str; 5] = ["questions", "command", "patch", "permissions", "form"];

/// What was answered so far.
#[derive(Default)]
pub struct Answers {
    kinds: BTreeSet<String>,
}

impl Answers {
    /// Answers whatever is asked now.
    ///
    /// # Errors
    /// When the server does not take an answer.
    pub async fn look(
        &mut self,
        client: &Client,
        out: &mut (impl Write + Send),
    ) -> Result<(), CommandError> {
        let waiting = client.get("/api/attention").await?;
        let items = waiting["items"].as_array().cloned().unwrap_or_default();
        for item in items.iter().filter(|item| item["kind"] == "ask") {
            let kind = item["what"]["kind"].as_str().unwrap_or_default();
            let path = format!("/api/attention/{}", item["id"].as_str().unwrap_or_default());
            client.post(&path, &decision(kind, &item["what"])).await?;
            let who = item["department"].as_str().unwrap_or("It");
            let title = printable(item["title"].as_str().unwrap_or_default());
            step(out, &format!("{who} asked ({kind}): {title} (answered)"))?;
            self.kinds.insert(kind.to_owned());
        }
        Ok(())
    }

    /// The first kind that nobody was asked.
    pub fn missing(&self) -> Option<&'static str> {
        KINDS.into_iter().find(|kind| !self.kinds.contains(*kind))
    }
}

fn decision(kind: &str, what: &Value) -> Value {
    match kind {
        "questions" => {
            let questions = what["questions"].as_array().map(Vec::as_slice);
            let answer = |question: &Value| {
                let id = question["id"].as_str().unwrap_or_default().to_owned();
                (id, question["options"][0]["label"].clone())
            };
            let answers: serde_json::Map<_, _> =
                questions.unwrap_or_default().iter().map(answer).collect();
            json!({ "decision": "answer", "answers": answers })
        }
        "permissions" => json!({ "decision": "grant_turn" }),
        "form" => {
            json!({ "decision": "accept", "content": { "name": "Ada", "risk": "low", "announce": true } })
        }
        _ => json!({ "decision": "accept" }),
    }
}
