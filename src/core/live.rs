//! What is observed of sessions and never journalled: activity, signs of life, the last lines.
//!
//! Drivers write here, views read here. After a restart it is empty and fills again from the protocol.

use crate::domain::ids::{MessageId, SessionId};
use crate::domain::message::Setback;
use crate::domain::steering::Settings;
use chrono::{DateTime, Utc};
use serde::Serialize;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard};
use tokio::sync::watch;

/// What a session is doing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Activity {
    /// Nothing was heard of it yet.
    #[default]
    Unknown,
    /// A turn runs.
    Working,
    /// It waits for a person.
    Blocked,
    /// Its turn is over.
    Idle,
}

/// Enough for the last screenful of a transcript; every status answer carries it for every session.
const PREVIEW_CHARS: usize = 1200;

/// What was observed of one session.
#[derive(Debug, Clone, Default)]
pub struct Observed {
    /// What it is doing.
    pub activity: Activity,
    /// Since when it does that.
    pub activity_since: Option<DateTime<Utc>>,
    /// The last sign of life.
    pub last_activity_at: Option<DateTime<Utc>>,
    /// The last lines of its transcript.
    pub preview: String,
    /// Whether its terminal is open.
    pub shown: bool,
    /// Why its last turn failed, if it did.
    pub turn_failure: Option<String>,
    /// What a person should know about it now (a failing model, a missing tool server).
    pub notice: Option<String>,
    /// Messages that Codex has taken and not shown in its history yet.
    pub handed: BTreeSet<MessageId>,
    /// What broke into its last turn, if something did.
    pub setback: Option<Setback>,
    /// What is in force in its thread, as Codex said last.
    pub settings: Option<Settings>,
}

#[derive(Debug, Default)]
struct Known {
    observed: Observed,
    /// The change of [`Live`] that was its last.
    changed: u64,
}

/// Observations of all sessions.
#[derive(Debug, Default)]
pub struct Live {
    sessions: Mutex<HashMap<SessionId, Known>>,
    /// Counts the changes, so that streams know when to look again.
    changes: watch::Sender<u64>,
}

impl Live {
    /// What was observed of a session; empty when nothing was.
    pub fn observed(&self, id: &SessionId) -> Observed {
        let known = self.lock();
        known
            .get(id)
            .map(|it| it.observed.clone())
            .unwrap_or_default()
    }

    /// Changes what is known of a session.
    pub fn update(&self, id: &SessionId, change: impl FnOnce(&mut Observed)) {
        let mut sessions = self.lock();
        let known = sessions.entry(id.clone()).or_default();
        change(&mut known.observed);
        self.changes.send_modify(|count| {
            *count += 1;
            known.changed = *count;
        });
    }

    /// How often anything changed.
    pub fn count(&self) -> u64 {
        *self.changes.borrow()
    }

    /// The sessions that changed after change `count`, and how often anything changed until now.
    pub fn changed_since(&self, count: u64) -> (u64, HashSet<SessionId>) {
        let sessions = self.lock();
        let changed = sessions.iter().filter(|(_, known)| known.changed > count);
        (self.count(), changed.map(|(id, _)| id.clone()).collect())
    }

    /// Wakes whenever anything observed changed.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Notes what a session is doing.
    pub fn set_activity(&self, id: &SessionId, activity: Activity) {
        self.update(id, |observed| {
            if observed.activity != activity {
                observed.activity = activity;
                observed.activity_since = Some(Utc::now());
            }
        });
    }

    /// Notes what a session is doing by its own word, which is a sign of life. A question that it no longer waits with has had its answer.
    pub fn hears(&self, id: &SessionId, activity: Activity) {
        self.update(id, |observed| {
            if observed.activity == Activity::Blocked && activity != Activity::Blocked {
                observed.notice = None;
            }
        });
        self.set_activity(id, activity);
        self.touch(id);
    }

    /// Notes a sign of life.
    pub fn touch(&self, id: &SessionId) {
        self.update(id, |observed| observed.last_activity_at = Some(Utc::now()));
    }

    /// Adds to a session's preview and notes a sign of life.
    pub fn say(&self, id: &SessionId, text: &str) {
        self.update(id, |observed| {
            observed.last_activity_at = Some(Utc::now());
            observed.preview.push_str(text);
            let excess = observed
                .preview
                .chars()
                .count()
                .saturating_sub(PREVIEW_CHARS);
            if excess > 0 {
                observed.preview = observed.preview.chars().skip(excess).collect();
            }
        });
    }

    /// Whether any session is in the middle of something.
    pub fn any_busy(&self) -> bool {
        let sessions = self.lock();
        let busy = |known: &Known| {
            matches!(
                known.observed.activity,
                Activity::Working | Activity::Blocked
            )
        };
        sessions.values().any(busy)
    }

    /// Forgets a session that ended, except its last lines.
    pub fn ended(&self, id: &SessionId) {
        self.update(id, |observed| {
            observed.activity = Activity::Unknown;
            observed.shown = false;
            // What it asked for is not wanted any more.
            observed.notice = None;
            observed.setback = None;
            observed.handed.clear();
        });
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionId, Known>> {
        // A panic while holding this lock leaves plain data behind; it is still the best there is.
        self.sessions
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
