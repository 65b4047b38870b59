//! A thread's own count, as it is heard piece by piece, made into what a turn took.
//!
//! Codex tells after each answer of the model what the thread took in all its life (`total`) and what the answer took
//! (`last`). The difference of two totals holds what was missed in between: while the launcher was away, or after a crash.
//! A total falls when turns are taken back; what they took was taken all the same, so nothing is ever subtracted.

use super::tokens::{Context, Tokens};

/// What is known at the end of a turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The turn that was heard of last.
    pub turn: String,
    /// What it took.
    pub tokens: Tokens,
    /// What the thread has taken in all.
    pub total: Tokens,
}

/// What is heard of one thread.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Meter {
    thread: String,
    /// What the thread had taken when somebody last listened.
    total: Tokens,
    /// The turn that runs, where its begin was heard.
    turn: Option<String>,
    /// The turn that was heard of last.
    heard: String,
    /// What is in no record of a turn yet.
    pending: Tokens,
    /// What the session has taken in all. While a record is on its way the journal says less, never more.
    all: Tokens,
    /// How full the window is.
    pub context: Option<Context>,
}

impl Meter {
    /// Of a thread that is known to have taken `total`, for a session that is known to have taken `spent`.
    pub fn of(thread: &str, total: Tokens, spent: Tokens) -> Self {
        Self {
            thread: thread.to_owned(),
            total,
            all: spent,
            ..Self::default()
        }
    }

    /// Whether it is this thread's.
    pub fn measures(&self, thread: &str) -> bool {
        self.thread == thread
    }

    /// What the session has taken that is not among what the journal says it has (`spent`).
    pub fn beyond(&self, spent: Tokens) -> Tokens {
        self.all.since(spent).unwrap_or_default()
    }

    /// What the session has taken in all.
    pub fn all(&self) -> Tokens {
        self.all
    }

    /// Whether there is something in no record yet.
    pub fn has_pending(&self) -> bool {
        self.pending.total() > 0
    }

    /// A turn began.
    pub fn begun(&mut self, turn: &str) {
        self.turn = Some(turn.to_owned());
    }

    /// Codex told what the thread has taken. What it tells of a turn that does not run is a repetition, or was missed. Answers whether
    /// there is more than before.
    pub fn heard(&mut self, turn: &str, total: Tokens, last: Tokens, context: Context) -> bool {
        self.context = Some(context);
        turn.clone_into(&mut self.heard);
        if total == self.total {
            return false;
        }
        let runs = self.turn.as_deref().is_none_or(|running| running == turn);
        let grown = total.since(self.total);
        // Less than the last answer alone: turns were taken back in between.
        let whole = grown.filter(|grown| grown.since(last).is_some());
        let taken = match (whole, grown) {
            (Some(all), _) => all,
            _ if runs => last,
            (None, grown) => grown.unwrap_or_default(),
        };
        self.pending += taken;
        self.all += taken;
        self.total = total;
        taken.total() > 0
    }

    /// The turn is over. From now on nothing of it is pending.
    pub fn ended(&mut self) -> Ended {
        self.turn = Some(String::new());
        Ended {
            turn: self.heard.clone(),
            tokens: std::mem::take(&mut self.pending),
            total: self.total,
        }
    }
}
