//! What is observed of sessions and never journalled: activity, signs of life, the last lines.
//!
//! Drivers write here, views read here. After a restart it is empty and fills again from the protocol.

pub use crate::domain::doing::Activity;
use crate::domain::doing::{Doing, Moment, Observation, Thresholds, Turn, doing};
use crate::domain::ids::{MessageId, SessionId};
use crate::domain::message::Setback;
use crate::domain::session::Session;
use crate::domain::state::State;
use crate::domain::steering::Settings;
use crate::domain::usage::meter::Meter;
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{LazyLock, Mutex, MutexGuard};
use std::time::Instant;
use tokio::sync::watch;

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
    /// What was heard of its newest turn.
    pub turn: Turn,
    /// The running turn whose items could not be listed, or are just being asked for.
    pub looked_into: Option<String>,
    /// What a person should know about it now (a failing model, a missing tool server).
    pub notice: Option<String>,
    /// Messages that Codex has taken and not shown in its history yet.
    pub handed: BTreeSet<MessageId>,
    /// What broke into its last turn, if something did.
    pub setback: Option<Setback>,
    /// What its thread takes.
    pub meter: Option<Meter>,
    /// When the model last answered it.
    pub answered_at: Option<DateTime<Utc>>,
    /// What is in force in its thread, as Codex said last.
    pub settings: Option<Settings>,
}

/// Now, by both clocks.
pub fn moment() -> Moment {
    static BEGIN: LazyLock<Instant> = LazyLock::new(Instant::now);
    let begin = *BEGIN;
    Moment {
        at: Utc::now(),
        ticks: begin.elapsed(),
    }
}

impl Observed {
    /// What the session is doing, as far as was observed; `codex_down` says why Codex cannot be asked, if that is so.
    pub fn doing(
        &self,
        state: &State,
        session: &Session,
        thresholds: &Thresholds,
        codex_down: Option<&str>,
        now: Moment,
    ) -> Doing {
        let mut asks = state.asks.open_of(session.id()).peekable();
        let asked_at = asks.peek().map(|ask| ask.raised_at);
        let observation = Observation {
            session,
            asks: (asks.map(|ask| ask.id.clone()).collect(), asked_at),
            activity: self.activity,
            activity_since: self.activity_since,
            turn: &self.turn,
            notice: self.notice.as_deref(),
            limited_until: state.usage.stops.refused_until(session.id()),
            codex_down,
        };
        doing(&observation, thresholds, now)
    }

    fn lives(&mut self, now: Moment) {
        self.last_activity_at = Some(now.at);
        self.turn.sign(now);
    }
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
        let known = sessions.entry(id.clone()).or_insert_with(|| {
            let mut known = Known::default();
            // Who is never heard from the first moment on is silent, too.
            known.observed.turn.sign(moment());
            known
        });
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
                let now = moment();
                observed.activity_since = Some(now.at);
                // From here on something can be missed.
                observed.turn.sign(now);
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
        self.update(id, |observed| observed.lives(moment()));
    }

    /// Takes note of something that was heard of a session's turn, which is a sign of life.
    pub fn hears_turn(&self, id: &SessionId, change: impl FnOnce(&mut Turn, Moment)) {
        self.update(id, |observed| {
            let now = moment();
            observed.last_activity_at = Some(now.at);
            change(&mut observed.turn, now);
        });
    }

    /// What was heard of a session's turn is void.
    pub fn hears_nothing(&self, id: &SessionId) {
        self.update(id, |observed| observed.turn.is_void(moment()));
    }

    /// Adds to a session's preview and notes a sign of life.
    pub fn say(&self, id: &SessionId, text: &str) {
        self.update(id, |observed| {
            observed.lives(moment());
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

    /// Tokens that sessions have taken in all, as far as somebody listens.
    pub fn heard_tokens(&self) -> BTreeMap<SessionId, u64> {
        let sessions = self.lock();
        let heard = sessions.iter().filter_map(|(id, known)| {
            let meter = known.observed.meter.as_ref()?;
            Some((id.clone(), meter.all().total()))
        });
        heard.collect()
    }

    /// When the model last answered a session.
    pub fn answered_at(&self, id: &SessionId) -> Option<DateTime<Utc>> {
        self.lock().get(id)?.observed.answered_at
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
            observed.turn = Turn::default();
            observed.handed.clear();
            observed.meter = None;
        });
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionId, Known>> {
        // A panic while holding this lock leaves plain data behind; it is still the best there is.
        self.sessions
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
