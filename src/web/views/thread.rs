//! What a session shows of its thread besides what is said in it.

use super::ViewContext;
use crate::core::live::Observed;
use crate::domain::ids::MessageId;
use crate::domain::message::Purpose;
use crate::domain::session::Session;
use crate::domain::shown::shown_line;
use crate::domain::steering::{Fate, Settings, Wider};
use chrono::{DateTime, Utc};
use serde::Serialize;

/// So much of a message that waits shows what it is.
const SHOWN_CHARS: usize = 200;

/// What is known of a session's thread.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ThreadView {
    /// What somebody called it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thread_name: Option<String>,
    /// `archived` or `deleted`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thread_fate: Option<Fate>,
    /// What is in force in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thread_settings: Option<SettingsView>,
    /// Its copies, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub forks: Vec<String>,
    /// What a person said for after the turn that runs, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub messages_waiting: Vec<WaitingMessage>,
}

/// What is in force in a thread, beside what the session was confirmed with.
#[derive(Debug, Clone, Serialize)]
pub struct SettingsView {
    /// All of it.
    #[serde(flatten)]
    pub settings: Settings,
    /// In what it allows more than was confirmed.
    pub wider: Vec<Wider>,
}

/// A message that waits for the end of a turn.
#[derive(Debug, Clone, Serialize)]
pub struct WaitingMessage {
    /// Its id.
    pub message_id: MessageId,
    /// How it begins.
    pub begins: String,
    /// When it was said.
    pub queued_at: DateTime<Utc>,
}

impl ViewContext<'_> {
    pub(super) fn thread(&self, session: &Session, observed: &Observed) -> ThreadView {
        let state = &session.thread_state;
        let brief = &session.brief;
        let in_force = state.settings.as_ref().or(observed.settings.as_ref());
        let owed = self.state.owed_to(session.id()).into_iter();
        ThreadView {
            thread_name: state.name.clone(),
            thread_fate: (state.fate != Fate::Kept).then_some(state.fate),
            thread_settings: in_force
                .filter(|_| session.is_live())
                .map(|settings| SettingsView {
                    settings: settings.clone(),
                    wider: settings.wider_than(brief.approval, brief.sandbox),
                }),
            forks: state.forks.clone(),
            messages_waiting: owed
                .filter(|message| message.purpose == Purpose::Later)
                .map(|message| WaitingMessage {
                    message_id: message.message_id.clone(),
                    begins: shown_line(&message.text)
                        .chars()
                        .take(SHOWN_CHARS)
                        .collect(),
                    queued_at: message.queued_at,
                })
                .collect(),
        }
    }
}
