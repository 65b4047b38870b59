//! Files that have to wait a moment before they count, and those that wait behind them.
//!
//! A file that was moved in is whole at once, and one that was written in place when it has been quiet for a while. Which of the two it
//! was nobody knows after a start, or when the kernel lost its events: so the older of two words of one writer may have to wait where the
//! newer need not. It is not overtaken: who speaks again waits as well, and for no longer, since what is behind was written later.

use super::parse::Parsed;
use super::read::Stamp;
use crate::domain::ids::SessionId;
use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::time::{Duration, Instant, SystemTime};

/// The shortest wait.
const LEAST: Duration = Duration::from_millis(1);

/// A file of a planner's mailbox.
pub(super) type Key = (SessionId, OsString);

/// In whose name a file speaks, and about what.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Voice {
    /// A planner, of what is to be done.
    Plan,
    /// A session, of what it did or thinks.
    Session(SessionId),
}

impl Voice {
    /// Whose words these are, as far as they say it.
    pub(super) fn of(said: &Parsed) -> Self {
        match said {
            Parsed::Plan { .. } => Self::Plan,
            Parsed::Result {
                department_session_id,
                ..
            }
            | Parsed::Verdict {
                department_session_id,
                ..
            } => Self::Session(department_session_id.clone()),
        }
    }
}

/// Until when somebody's older words wait, in one mailbox during one look.
#[derive(Debug, Default)]
pub(super) struct Queue(HashMap<Voice, Instant>);

impl Queue {
    /// Nothing of this voice counts before that.
    pub(super) fn hold(&mut self, voice: Voice, until: Instant) {
        let held = self.0.entry(voice).or_insert(until);
        *held = until.max(*held);
    }

    /// How long this voice has to wait for itself. Until the next look in any case: what was passed over in this one is not taken in it,
    /// however long it takes.
    pub(super) fn left(&self, voice: &Voice) -> Duration {
        let until = self.0.get(voice);
        until.map_or(Duration::ZERO, |until| {
            let left = until.saturating_duration_since(Instant::now());
            left.max(LEAST)
        })
    }
}

struct Seen {
    stamp: Stamp,
    since: Instant,
    again_at: Instant,
    /// Whose words they are, when they are whole and only have to be quiet.
    voice: Option<Voice>,
}

/// Remembers files that had to wait. All of it can be lost without harm.
#[derive(Default)]
pub(super) struct Waits(HashMap<Key, Seen>);

impl Waits {
    /// Has it wait for so long; answers until when.
    pub(super) fn wait(
        &mut self,
        key: Key,
        stamp: Stamp,
        left: Duration,
        voice: Option<Voice>,
    ) -> Instant {
        let now = Instant::now();
        let again_at = now + left.max(LEAST);
        let since = match self.0.get(&key) {
            Some(seen) if seen.stamp == stamp => seen.since,
            _ => now,
        };
        let seen = Seen {
            stamp,
            since,
            again_at,
            voice,
        };
        self.0.insert(key, seen);
        again_at
    }

    /// Until when it waits, as it is now, and who waits with it.
    pub(super) fn still(&self, key: &Key, stamp: Stamp) -> Option<(Instant, Option<&Voice>)> {
        let seen = self.0.get(key)?;
        let waits = seen.stamp == stamp && Instant::now() < seen.again_at;
        waits.then_some((seen.again_at, seen.voice.as_ref()))
    }

    /// How long a file has not changed, as far as its own time or our memory can tell.
    pub(super) fn quiet_for(&self, key: &Key, stamp: Stamp) -> Duration {
        let modified = u64::try_from(stamp.modified_ns / 1_000_000).unwrap_or(0);
        let modified = SystemTime::UNIX_EPOCH + Duration::from_millis(modified);
        let by_its_time = SystemTime::now()
            .duration_since(modified)
            .unwrap_or(Duration::ZERO);
        let watched = self
            .0
            .get(key)
            .filter(|seen| seen.stamp == stamp)
            .map_or(Duration::ZERO, |seen| seen.since.elapsed());
        by_its_time.max(watched)
    }

    /// It waits no longer.
    pub(super) fn over(&mut self, key: &Key) {
        self.0.remove(key);
    }

    /// Forgets what is not in this mailbox any more.
    pub(super) fn keep(&mut self, planner: &SessionId, names: &HashSet<&OsStr>) {
        self.0
            .retain(|(of, name), _| of != planner || names.contains(name.as_os_str()));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
