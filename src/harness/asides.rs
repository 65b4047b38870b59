//! Asides: copies of threads that leave no trace, in which the model is asked one thing. They are in no list, no stream and no transcript, and
//! gone when they are let go.
//!
//! Codex keeps such a copy in its memory only, and tells everybody of it; whoever hears of it here asks [`Ears::is_one`](super::ears::Ears::is_one) first.

use super::Harness;
use super::ears::Listening;
use super::refused::Refused;
use crate::domain::sentence::{Sentence, say};
use crate::threads::PASSED_ON_LIMIT;
use serde_json::json;

/// How Codex labels them for us: whoever hears of one knows it by that, also before its maker has its name.
pub(super) const LABEL: &str = "zhongshu-aside";

/// A copy of a thread, until it is let go.
pub struct Aside<'a> {
    harness: &'a Harness,
    /// Codex's thread.
    pub id: String,
    listening: Listening,
}

impl Harness {
    /// Copies a thread, as far as it has come, into one that may change nothing and asks nobody.
    ///
    /// # Errors
    /// When Codex cannot be asked, or refuses.
    pub async fn aside(&self, session_id: &str, model: Option<&str>) -> Result<Aside<'_>, Refused> {
        let mut fork = json!({
            "threadId": session_id,
            "ephemeral": true,
            "excludeTurns": true,
            "sandbox": "read-only",
            "approvalPolicy": "never",
            "threadSource": LABEL,
        });
        if let Some(model) = model {
            fork["model"] = json!(model);
        }
        let opened = self.call("thread/fork", fork).await;
        let opened = opened.map_err(|refused| refused.of_session(session_id))?;
        let id = opened["thread"]["id"].as_str().unwrap_or_default();
        Ok(Aside {
            harness: self,
            id: id.to_owned(),
            listening: self.asides.listen(id),
        })
    }

    /// Ends what an attempt before has left of an aside: it may still run, and nobody waits for it.
    pub async fn end_aside(&self, id: &str, turn_id: Option<&str>) {
        if let Some(turn_id) = turn_id {
            let interrupt = json!({"threadId": id, "turnId": turn_id});
            // A refusal: Codex is another one, has forgotten it, or it is over.
            let _ = self.call("turn/interrupt", interrupt).await;
        }
    }
}

impl Aside<'_> {
    /// Asks, and answers the turn in which that is.
    ///
    /// # Errors
    /// When Codex cannot be asked, or refuses.
    pub async fn ask(
        &self,
        message_id: &str,
        prompt: &str,
        effort: Option<&str>,
    ) -> Result<String, Refused> {
        let mut turn = json!({
            "threadId": self.id,
            "input": [{"type": "text", "text": prompt}],
            "clientUserMessageId": message_id,
        });
        if let Some(effort) = effort {
            turn["effort"] = json!(effort);
        }
        let started = self.harness.call("turn/start", turn).await?;
        let id = started["turn"]["id"].as_str().unwrap_or_default();
        Ok(id.to_owned())
    }

    /// What is answered; nothing, when the model would rather do something. Waits as long as it takes.
    ///
    /// # Errors
    /// When the turn fails or is broken off, or Codex is lost.
    pub async fn answer(&mut self) -> Result<Option<String>, Refused> {
        let heard = self
            .listening
            .heard
            .wait_for(|heard| heard.acts || heard.ended.is_some());
        let Ok(heard) = heard.await else {
            return Err(Refused::codex_unavailable(String::new()));
        };
        match &heard.ended {
            None => Ok(None),
            Some(ended) if ended.status == "completed" => Ok(heard.said.clone()),
            Some(ended) => {
                let error = ended.error.as_deref().map(Sentence::recognised);
                let message = error.unwrap_or_else(|| say!("reason.aside_broken_off"));
                Err(Refused::new(500, "codex_error", message))
            }
        }
    }

    /// Lets it go; `turn_id` is broken off, if it still runs.
    pub async fn let_go(self, turn_id: Option<&str>) {
        let runs = self.listening.heard.borrow().ended.is_none();
        if let Some(turn_id) = turn_id.filter(|_| runs) {
            self.harness.end_aside(&self.id, Some(turn_id)).await;
        }
        if let Ok(codex) = self.harness.codex() {
            let codex = codex.within(PASSED_ON_LIMIT);
            if let Err(error) = codex.unsubscribe(&self.id.as_str().into()).await {
                // It goes with the connection, then.
                tracing::info!(thread.id = %self.id, %error, "a copy of a thread was not let go");
            }
        }
    }
}
