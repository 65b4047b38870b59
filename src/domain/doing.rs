//! What a session is doing, and why it does not go on: one pure function of what was observed, with what a person needs to know beside it.
//! Pages, API, command line, `activity`, `heartbeat_status` and the list of what waits all follow from it.

mod turn;
mod words;

#[cfg(test)]
mod tests;

pub use turn::{End, Flow, Part, Ran, Turn};

use super::ids::AskId;
use super::sentence::say;
use super::session::{Outcome, Session, Status};
use chrono::{DateTime, Utc};
use serde::Serialize;
use std::time::Duration;

/// What a session says, or Codex says of it, in one of the API's four words. `activity` shows it after what is asked was looked at.
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

/// One moment by two clocks: people read the one, and only the other decides how long something took, since nobody can set it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// By the clock on the wall.
    pub at: DateTime<Utc>,
    /// By a clock that only goes forward, since the launcher began; it stands while the machine sleeps.
    pub ticks: Duration,
}

impl Moment {
    /// How long ago it was; never less than nothing.
    pub fn age(self, now: Self) -> Duration {
        now.ticks.saturating_sub(self.ticks)
    }
}

/// From when on something is worth a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thresholds {
    /// A turn in which nothing runs and nothing is said for so long is silent.
    pub silent_after: Duration,
    /// The same command with the same exit code and output, so often in a row, is a loop.
    pub looping_after: usize,
}

/// What was observed of a session.
#[derive(Debug, Clone)]
pub struct Observation<'a> {
    /// The session.
    pub session: &'a Session,
    /// What it asks and nobody has answered, oldest first, and since when.
    pub asks: (Vec<AskId>, Option<DateTime<Utc>>),
    /// What is said of it.
    pub activity: Activity,
    /// Since when.
    pub activity_since: Option<DateTime<Utc>>,
    /// Its turn.
    pub turn: &'a Turn,
    /// What a person should know about it now.
    pub notice: Option<&'a str>,
    /// When it is tried again, if the provider refuses it; past, when its turn has not come yet.
    pub limited_until: Option<DateTime<Utc>>,
    /// Why Codex cannot be asked about it, if that is so.
    pub codex_down: Option<&'a str>,
}

/// What a session is doing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Doing {
    /// What.
    pub state: State,
    /// Since when, where that is known.
    pub since: Option<DateTime<Utc>>,
}

/// What a session is doing, with its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It does not run yet.
    Starting {
        /// What keeps it.
        reason: Option<String>,
    },
    /// The model was asked, or thinks.
    Thinking,
    /// The model writes.
    Writing,
    /// Something runs for it.
    Tool {
        /// The first words of a command, `server/tool`, or the name of a tool of Codex.
        tool: String,
        /// Whether it ran before this launcher did.
        is_old: bool,
    },
    /// A turn runs; more is not known.
    Working {
        /// Whether it ran before this launcher did.
        is_old: bool,
    },
    /// It waits for a person.
    Waiting {
        /// What it asks, where that can be answered here.
        ask_ids: Vec<AskId>,
        /// What it asks, as a sentence.
        reason: Option<String>,
    },
    /// It waits for its next message.
    Idle,
    /// Nothing runs and nothing is said, for too long.
    Silent {
        /// Whether a turn is said to run.
        in_turn: bool,
        /// Why nothing can be heard, where that is known.
        reason: Option<String>,
    },
    /// The same command comes to the same end, again and again.
    Looping {
        /// The command.
        command: String,
        /// How often, in a row.
        times: usize,
    },
    /// The provider refuses it for now.
    RateLimited {
        /// Until when, where that is known.
        until: Option<DateTime<Utc>>,
        /// What the provider said.
        reason: Option<String>,
    },
    /// The provider failed, and Codex tries again.
    Retrying {
        /// How it failed.
        reason: String,
    },
    /// Its turn was broken off.
    Interrupted {
        /// Whether Codex ended in it; otherwise somebody interrupted it.
        codex_ended: bool,
    },
    /// Its last turn failed, or it could not go on.
    Failed {
        /// Why.
        reason: String,
    },
    /// What ran it is gone.
    Lost {
        /// Why.
        reason: String,
    },
    /// It is being ended.
    Ending,
    /// It is over.
    Ended {
        /// How, in one word of the API.
        how: &'static str,
    },
    /// It runs, and nothing says what it does.
    Unknown {
        /// Why nothing does.
        reason: Option<String>,
    },
}

impl Default for State {
    fn default() -> Self {
        Self::Unknown { reason: None }
    }
}

/// What a session is doing.
pub fn doing(seen: &Observation<'_>, thresholds: &Thresholds, now: Moment) -> Doing {
    let session = seen.session;
    match &session.status {
        Status::Closed { outcome, at } => {
            let state = match outcome {
                Outcome::Failed { reason } => State::Failed {
                    reason: reason.clone(),
                },
                Outcome::Lost { reason } => State::Lost {
                    reason: reason.clone(),
                },
                other => State::Ended { how: other.word() },
            };
            Doing::since(state, *at)
        }
        Status::Closing { .. } => Doing::of(State::Ending, None),
        Status::Starting | Status::Running if seen.waits() => {
            let (ask_ids, asked_at) = seen.asks.clone();
            let reason = seen.notice.map(str::to_owned);
            let state = State::Waiting { ask_ids, reason };
            Doing::of(state, asked_at.or(seen.activity_since))
        }
        Status::Starting => {
            let reason = seen.notice.map(str::to_owned);
            // One that is resumed was registered long ago.
            let since = match session.started_at {
                None => Some(session.registered_at),
                Some(_) => None,
            };
            Doing::of(State::Starting { reason }, since)
        }
        Status::Running => match seen.activity {
            Activity::Working | Activity::Blocked => seen.working(thresholds, now),
            // The end of its turn is told a moment after its thread is idle, and only that says how it ended.
            Activity::Idle if seen.turn.is_open() => seen.working(thresholds, now),
            Activity::Idle => Doing::of(seen.idle(now), seen.activity_since),
            Activity::Unknown => seen.unknown(thresholds, now),
        },
    }
}

impl Observation<'_> {
    fn waits(&self) -> bool {
        !self.asks.0.is_empty() || self.activity == Activity::Blocked
    }

    fn is_codex(&self) -> bool {
        self.session.brief.driver.needs_codex()
    }

    /// The last sign of life, where it was too long ago.
    fn quiet_since(&self, thresholds: &Thresholds, now: Moment) -> Option<DateTime<Utc>> {
        let sign = self.turn.last_sign()?;
        (sign.age(now) >= thresholds.silent_after).then_some(sign.at)
    }

    fn working(&self, thresholds: &Thresholds, now: Moment) -> Doing {
        let turn = self.turn;
        if turn.newest_running().is_none()
            && let Some(since) = self.quiet_since(thresholds, now)
        {
            let (in_turn, reason) = (true, None);
            return Doing::since(State::Silent { in_turn, reason }, since);
        }
        if let Some((reason, since)) = turn.failing() {
            let reason = reason.to_owned();
            return Doing::since(State::Retrying { reason }, since.at);
        }
        if let Some((command, times, since)) = turn.repeats(thresholds.looping_after) {
            let command = command.to_owned();
            return Doing::since(State::Looping { command, times }, since.at);
        }
        if let Some(running) = turn.shown_tool(thresholds.silent_after, now) {
            let (tool, is_old) = (running.tool.clone(), running.since.is_none());
            let since = running.since.map(|it| it.at);
            return Doing::of(State::Tool { tool, is_old }, since);
        }
        match turn.flow() {
            Some((Flow::Writing, since)) => Doing::since(State::Writing, since.at),
            Some((Flow::Asked | Flow::Thinking, since)) => Doing::since(State::Thinking, since.at),
            None if turn.is_resumed() && turn.end().is_none() => {
                Doing::of(State::Working { is_old: true }, None)
            }
            // It was given a message a moment ago.
            None if self.is_codex() => Doing::of(State::Thinking, self.activity_since),
            None => Doing::of(State::Working { is_old: false }, self.activity_since),
        }
    }

    fn idle(&self, now: Moment) -> State {
        let end = self.turn.end();
        let said = match end {
            Some(End::Failed { reason, .. }) => Some(reason.clone()),
            _ => None,
        };
        let is_limited = matches!(end, Some(End::Failed { is_limit: true, .. }));
        if is_limited || self.limited_until.is_some() {
            return State::RateLimited {
                until: self.limited_until.filter(|until| *until > now.at),
                reason: said,
            };
        }
        match (said, end) {
            (Some(reason), _) => State::Failed { reason },
            (None, Some(End::Interrupted)) => State::Interrupted { codex_ended: false },
            (None, Some(End::CodexEnded)) => State::Interrupted { codex_ended: true },
            _ => State::Idle,
        }
    }

    fn unknown(&self, thresholds: &Thresholds, now: Moment) -> Doing {
        if self.is_codex() {
            let reason = self.notice.or(self.codex_down).map(str::to_owned);
            let looked_for = || say!("reason.doing.looked_for").to_string();
            let reason = Some(reason.unwrap_or_else(looked_for));
            // While Codex is there a session is found within moments: one that is not never will be, until somebody does something.
            if self.codex_down.is_none()
                && let Some(since) = self.quiet_since(thresholds, now)
            {
                let in_turn = false;
                return Doing::since(State::Silent { in_turn, reason }, since);
            }
            return Doing::of(State::Unknown { reason }, None);
        }
        // Who plans may wait for hours for an answer, and a plain program does not say that it waits.
        match self.quiet_since(thresholds, now) {
            Some(since) if !self.session.is_planner() => {
                let (in_turn, reason) = (false, None);
                Doing::since(State::Silent { in_turn, reason }, since)
            }
            _ => Doing::default(),
        }
    }
}

impl Doing {
    fn of(state: State, since: Option<DateTime<Utc>>) -> Self {
        Self { state, since }
    }

    fn since(state: State, since: DateTime<Utc>) -> Self {
        Self::of(state, Some(since))
    }

    /// The same in one of four words.
    pub fn activity(&self) -> Activity {
        match &self.state {
            State::Thinking
            | State::Writing
            | State::Tool { .. }
            | State::Working { .. }
            | State::Looping { .. }
            | State::Retrying { .. }
            | State::Silent { in_turn: true, .. } => Activity::Working,
            State::Waiting { .. } => Activity::Blocked,
            State::Idle | State::RateLimited { .. } | State::Interrupted { .. } => Activity::Idle,
            State::Failed { .. } => Activity::Idle,
            State::Starting { .. }
            | State::Silent { in_turn: false, .. }
            | State::Lost { .. }
            | State::Ending
            | State::Ended { .. }
            | State::Unknown { .. } => Activity::Unknown,
        }
    }

    /// Whether it gives no sign of life although it should.
    pub fn is_silent(&self) -> bool {
        matches!(self.state, State::Silent { .. })
    }

    /// Whether it stands still, or turns in a circle, until somebody does something.
    pub fn needs_somebody(&self) -> bool {
        matches!(
            self.state,
            State::Waiting { .. }
                | State::Silent { .. }
                | State::Looping { .. }
                | State::Failed { .. }
        )
    }
}
