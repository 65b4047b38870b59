//! What a person reads of what a session does: the word of the API, and the reason as a sentence.

use super::{Doing, State};
use crate::domain::ids::AskId;
use crate::domain::sentence::{Sentence, say};
use chrono::{DateTime, Utc};

impl Doing {
    /// The state, as the API spells it.
    pub fn word(&self) -> &'static str {
        match &self.state {
            State::Starting { .. } => "starting",
            State::Thinking => "thinking",
            State::Writing => "writing",
            State::Tool { .. } => "tool",
            State::Working { .. } => "working",
            State::Waiting { .. } => "waiting",
            State::Idle => "idle",
            State::Silent { .. } => "silent",
            State::Looping { .. } => "looping",
            State::RateLimited { .. } => "rate_limited",
            State::Retrying { .. } => "retrying",
            State::Interrupted { .. } => "interrupted",
            State::Failed { .. } => "failed",
            State::Lost { .. } => "lost",
            State::Ending => "ending",
            State::Ended { .. } => "ended",
            State::Unknown { .. } => "unknown",
        }
    }

    /// Why, where there is more to say than the state.
    pub fn reason(&self) -> Option<Sentence> {
        let said = |text: &String| Sentence::recognised(text);
        match &self.state {
            State::Starting { reason }
            | State::Waiting { reason, .. }
            | State::RateLimited { reason, .. }
            | State::Unknown { reason } => reason.as_ref().map(said),
            State::Retrying { reason } | State::Failed { reason } | State::Lost { reason } => {
                Some(said(reason))
            }
            State::Tool { is_old: true, .. } | State::Working { is_old: true } => {
                Some(say!("reason.doing.before_restart"))
            }
            State::Silent {
                reason: Some(reason),
                ..
            } => Some(said(reason)),
            State::Silent { in_turn: true, .. } => Some(say!("reason.doing.nothing_runs")),
            State::Silent { in_turn: false, .. } => Some(say!("reason.doing.prints_nothing")),
            State::Looping { .. } => Some(say!("reason.doing.same_end")),
            State::Interrupted { codex_ended: true } => Some(say!("reason.codex_ended_in_turn")),
            State::Ended { how } => Some(Sentence::word("outcome", how)),
            State::Thinking
            | State::Writing
            | State::Tool { .. }
            | State::Working { .. }
            | State::Idle
            | State::Interrupted { .. }
            | State::Ending => None,
        }
    }

    /// What runs, or what repeats itself.
    pub fn tool(&self) -> Option<&str> {
        match &self.state {
            State::Tool { tool, .. } => Some(tool),
            State::Looping { command, .. } => Some(command),
            _ => None,
        }
    }

    /// What it asks, where that can be answered here.
    pub fn ask_ids(&self) -> &[AskId] {
        match &self.state {
            State::Waiting { ask_ids, .. } => ask_ids,
            _ => &[],
        }
    }

    /// Until when it is refused.
    pub fn until(&self) -> Option<DateTime<Utc>> {
        match &self.state {
            State::RateLimited { until, .. } => *until,
            _ => None,
        }
    }

    /// How often the same came of the same.
    pub fn times(&self) -> Option<usize> {
        match &self.state {
            State::Looping { times, .. } => Some(*times),
            _ => None,
        }
    }
}
