//! Threads that the server itself begins to have something answered, and what is heard of them while somebody waits for that. One such set has
//! a label, by which whoever hears of one of its threads knows it before its maker has its name.
//!
//! - `asides`: copies that leave no trace; `workers`: threads that do what jobs say

use crate::codex::Overheard;
use serde_json::Value;
use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// Threads of one label that are remembered. Codex tells of one for a minute after it was let go, and two run at once.
const REMEMBERED: usize = 256;

/// What was heard of one since somebody waits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heard {
    /// What the model said last.
    pub said: Option<String>,
    /// Whether it wants to do something instead of answering.
    pub acts: bool,
    /// The name that our newest message has.
    pub message_id: Option<String>,
    /// What the thread has taken in its life, in tokens.
    pub tokens: Option<u64>,
    /// The turn that ended last, and how.
    pub ended: Option<Ended>,
}

/// How a turn ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Which.
    pub turn_id: String,
    /// As Codex names it.
    pub status: String,
    /// Its words for a failure.
    pub error: Option<String>,
}

impl Ended {
    /// What Codex says of a turn.
    pub fn of(turn: &Value) -> Self {
        let text = |it: &Value| it.as_str().map(str::to_owned);
        Self {
            turn_id: text(&turn["id"]).unwrap_or_default(),
            status: text(&turn["status"]).unwrap_or_default(),
            error: text(&turn["error"]["message"]),
        }
    }
}

/// The threads of one label.
#[derive(Debug)]
pub struct Ears {
    label: &'static str,
    inner: Mutex<Inner>,
}

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

impl Ears {
    /// Those that Codex labels so (`threadSource`), and these, which an earlier server had.
    pub fn of(label: &'static str, earlier: impl IntoIterator<Item = String>) -> Arc<Self> {
        let ears = Self {
            label,
            inner: Mutex::default(),
        };
        for id in earlier {
            ears.inner().remember(&id);
        }
        Arc::new(ears)
    }

    /// Whether a thread is one of them.
    pub fn is_one(&self, thread_id: &str) -> bool {
        self.inner().known.contains(thread_id)
    }

    /// Takes note of what Codex says. Never waits.
    pub fn hear(&self, told: &Overheard<'_>) {
        if told.method == "thread/started" {
            let thread = &told.params["thread"];
            if let Some(id) = thread["id"].as_str()
                && thread["threadSource"] == self.label
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
        take(awaited, told);
    }

    /// Listens to a thread from now on.
    pub fn listen(self: &Arc<Self>, thread_id: &str) -> Listening {
        let (sender, heard) = watch::channel(Heard::default());
        let mut inner = self.inner();
        inner.remember(thread_id);
        inner.awaited.push((thread_id.to_owned(), sender));
        drop(inner);
        Listening {
            ears: Arc::clone(self),
            thread_id: thread_id.to_owned(),
            heard,
        }
    }

    /// Codex is gone, and with it every turn.
    pub fn lost(&self) {
        self.inner().awaited.clear();
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn take(awaited: &watch::Sender<Heard>, told: &Overheard<'_>) {
    let params = told.params;
    let item = &params["item"];
    let text = |it: &Value| it.as_str().map(str::to_owned);
    match (told.method, item["type"].as_str()) {
        ("item/started" | "item/completed", Some("userMessage")) => {
            let message_id = text(&item["clientId"]);
            awaited.send_modify(|heard| heard.message_id = message_id);
        }
        ("item/started", Some(kind)) if !is_talk(kind) => {
            awaited.send_modify(|heard| heard.acts = true);
        }
        ("item/completed", Some("agentMessage")) => {
            let said = text(&item["text"]);
            awaited.send_modify(|heard| heard.said = said);
        }
        ("thread/tokenUsage/updated", _) => {
            let total = params["tokenUsage"]["total"]["totalTokens"].as_u64();
            awaited.send_modify(|heard| heard.tokens = total.or(heard.tokens));
        }
        ("turn/completed", _) => {
            let ended = Ended::of(&params["turn"]);
            awaited.send_modify(|heard| heard.ended = Some(ended));
        }
        _ => {}
    }
}

/// Whether an item of this type does nothing.
fn is_talk(kind: &str) -> bool {
    ["userMessage", "agentMessage", "reasoning", "plan"].contains(&kind)
}

/// Somebody who waits for what a thread says; as long as this lives.
#[derive(Debug)]
pub struct Listening {
    ears: Arc<Ears>,
    thread_id: String,
    /// What was heard so far. It ends with the connection.
    pub heard: watch::Receiver<Heard>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        let id = &self.thread_id;
        self.ears.inner().awaited.retain(|(it, _)| it != id);
    }
}
