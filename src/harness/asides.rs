//! Asides: copies of threads that leave no trace, in which the model is asked one thing. They are in no list, no stream and no transcript, and
//! gone when they are let go.
//!
//! Codex keeps such a copy in its memory only, and tells everybody of it; whoever hears of it here asks [`Asides::is_one`] first.

use super::Harness;
use super::refused::Refused;
use crate::codex::Overheard;
use crate::domain::sentence::{Sentence, say};
use crate::threads::PASSED_ON_LIMIT;
use serde_json::{Value, json};
use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// How Codex labels them for us: whoever hears of one knows it by that, also before its maker has its name.
const LABEL: &str = "zhongshu-aside";
/// Asides that are remembered. Codex tells of one for a minute after it was let go, and two run at once.
const REMEMBERED: usize = 256;

/// What was heard of one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Heard {
    /// What the model said last.
    said: Option<String>,
    /// Whether it wants to do something instead of answering.
    acts: bool,
    /// How its turn ended: as Codex names it, with its words for a failure.
    ended: Option<(String, Option<String>)>,
}

/// All of them.
#[derive(Debug, Default)]
pub struct Asides(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    known: HashSet<String>,
    order: VecDeque<String>,
    /// Those that somebody waits for.
    awaited: Vec<(String, watch::Sender<Heard>)>,
}

impl Inner {
    fn remember(&mut self, id: &str) {
        if self.known.insert(id.to_owned()) {
            self.order.push_back(id.to_owned());
        }
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }
}

impl Asides {
    /// None but these, which an earlier server had.
    pub fn of(earlier: impl IntoIterator<Item = String>) -> Arc<Self> {
        let asides = Self::default();
        for id in earlier {
            asides.inner().remember(&id);
        }
        Arc::new(asides)
    }

    /// Whether a thread is one.
    pub fn is_one(&self, thread_id: &str) -> bool {
        self.inner().known.contains(thread_id)
    }

    /// Takes note of what Codex says. Never waits.
    pub fn hear(&self, told: &Overheard<'_>) {
        if told.method == "thread/started" {
            let thread = &told.params["thread"];
            if let Some(id) = thread["id"].as_str()
                && thread["threadSource"] == LABEL
            {
                self.inner().remember(id);
            }
            return;
        }
        let Some(id) = told.params["threadId"].as_str() else {
            return;
        };
        let inner = self.inner();
        let Some((_, awaited)) = inner.awaited.iter().find(|(it, _)| it == id) else {
            return;
        };
        let params = told.params;
        match told.method {
            "item/started" if !is_talk(&params["item"]) => {
                awaited.send_modify(|heard| heard.acts = true);
            }
            "item/completed" if params["item"]["type"] == "agentMessage" => {
                let said = params["item"]["text"].as_str().map(str::to_owned);
                awaited.send_modify(|heard| heard.said = said);
            }
            "turn/completed" => {
                let turn = &params["turn"];
                let status = turn["status"].as_str().unwrap_or_default().to_owned();
                let error = turn["error"]["message"].as_str().map(str::to_owned);
                awaited.send_modify(|heard| heard.ended = Some((status, error)));
            }
            _ => {}
        }
    }

    fn await_one(&self, id: &str) -> watch::Receiver<Heard> {
        let (sender, heard) = watch::channel(Heard::default());
        let mut inner = self.inner();
        inner.remember(id);
        inner.awaited.push((id.to_owned(), sender));
        heard
    }

    fn forget(&self, id: &str) {
        self.inner().awaited.retain(|(it, _)| it != id);
    }

    /// Codex is gone, and with it every one of them.
    pub fn lost(&self) {
        self.inner().awaited.clear();
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether an item does nothing.
fn is_talk(item: &Value) -> bool {
    let talk = ["userMessage", "agentMessage", "reasoning", "plan"];
    item["type"].as_str().is_some_and(|it| talk.contains(&it))
}

/// A copy of a thread, until it is let go.
pub struct Aside<'a> {
    harness: &'a Harness,
    /// Codex's thread.
    pub id: String,
    heard: watch::Receiver<Heard>,
}

impl Drop for Aside<'_> {
    fn drop(&mut self) {
        self.harness.asides.forget(&self.id);
    }
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
        let heard = self.asides.await_one(id);
        Ok(Aside {
            harness: self,
            id: id.to_owned(),
            heard,
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
            .heard
            .wait_for(|heard| heard.acts || heard.ended.is_some());
        let Ok(heard) = heard.await else {
            return Err(Refused::codex_unavailable(String::new()));
        };
        match &heard.ended {
            None => Ok(None),
            Some((status, _)) if status == "completed" => Ok(heard.said.clone()),
            Some((_, Some(error))) => Err(Refused::new(
                500,
                "codex_error",
                Sentence::recognised(error),
            )),
            Some((_, None)) => Err(Refused::new(
                500,
                "codex_error",
                say!("reason.aside_broken_off"),
            )),
        }
    }

    /// Lets it go; `turn_id` is broken off, if it still runs.
    pub async fn let_go(self, turn_id: Option<&str>) {
        let runs = self.heard.borrow().ended.is_none();
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
