//! What a session, or queued work, is doing, as lists show it.

use crate::domain::doing::Doing;
use crate::domain::ids::AskId;
use chrono::{DateTime, Utc};
use serde::Serialize;

/// What something is doing, and why it does not go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DoingView {
    /// The state in one word.
    pub state: &'static str,
    /// Since when, where that is known.
    pub since: Option<DateTime<Utc>>,
    /// Whether it stands still, or turns in a circle, until somebody does something.
    pub needs_somebody: bool,
    /// Why, as a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What runs, or what repeats itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// What it asks; each is in the list of what waits.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ask_ids: Vec<AskId>,
    /// Until when the provider refuses it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<DateTime<Utc>>,
    /// How often the same came of the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<usize>,
}

impl DoingView {
    /// Of a session, with English reasons, as all that programs read.
    pub fn of(doing: &Doing) -> Self {
        Self {
            state: doing.word(),
            since: doing.since,
            needs_somebody: doing.needs_somebody(),
            reason: doing.reason().map(|it| it.to_string()),
            tool: doing.tool().map(str::to_owned),
            ask_ids: doing.ask_ids().to_vec(),
            until: doing.until(),
            times: doing.times(),
        }
    }

    /// Of work in the queue.
    pub fn queued(since: DateTime<Utc>, reason: Option<String>) -> Self {
        Self {
            state: "queued",
            since: Some(since),
            needs_somebody: false,
            reason,
            tool: None,
            ask_ids: Vec::new(),
            until: None,
            times: None,
        }
    }
}
