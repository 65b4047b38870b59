//! What the launcher does all the time, each by a task of its own, and what became of those tasks. Tasks are kept alive by
//! `server::supervisor`; this is what a person sees of it.

use crate::domain::language::Language;
use crate::domain::sentence::{Sentence, say};
use std::any::Any;
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Mutex, PoisonError};

use futures_util::FutureExt as _;

/// Longest reason that is kept, in characters.
const MAX_REASON_CHARS: usize = 400;

/// Something that a task of the launcher does from its start to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Duty {
    /// Takes in what lies in the mailboxes.
    Mailbox,
    /// Does what is due: dispatch, starts, reminders, ends.
    Reconciler,
    /// One step of that, or one answer to what a driver said.
    Step,
    /// Looks after Codex's app-server.
    AppServer,
    /// Hears what Codex says.
    Codex,
    /// Hears what terminals say.
    Terminals,
    /// Watches for commits.
    Commits,
    /// Takes over changes of `governance.yaml`.
    Governance,
    /// Puts away what is settled.
    History,
    /// Records who got access.
    Access,
    /// Tells a program of the person's what waits.
    Notify,
}

impl Duty {
    /// Its name in the journal.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mailbox => "mailbox",
            Self::Reconciler => "reconciler",
            Self::Step => "step",
            Self::AppServer => "app_server",
            Self::Codex => "codex",
            Self::Terminals => "terminals",
            Self::Commits => "commits",
            Self::Governance => "governance",
            Self::History => "history",
            Self::Access => "access",
            Self::Notify => "notify",
        }
    }

    /// What it does, for people.
    fn title(self) -> Sentence {
        match self {
            Self::Mailbox => say!("duty.mailbox"),
            Self::Reconciler => say!("duty.reconciler"),
            Self::Step => say!("duty.step"),
            Self::AppServer => say!("duty.app_server"),
            Self::Codex => say!("duty.codex"),
            Self::Terminals => say!("duty.terminals"),
            Self::Commits => say!("duty.commits"),
            Self::Governance => say!("duty.governance"),
            Self::History => say!("duty.history"),
            Self::Access => say!("duty.access"),
            Self::Notify => say!("duty.notify"),
        }
    }
}

/// How often a duty failed since the start, and the last reason.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Trouble {
    times: u32,
    reason: String,
}

/// Duties that ended since the start, and those that cannot be done. An end is a defect of the launcher: it stays here until the launcher is
/// started again, so that somebody hears of it. What cannot be done stays until it can be.
#[derive(Debug, Default)]
pub struct Troubles {
    ended: Mutex<BTreeMap<Duty, Trouble>>,
    hindered: Mutex<BTreeMap<Duty, String>>,
}

impl Troubles {
    /// Notes one more failure; answers how many there were.
    pub fn note(&self, duty: Duty, reason: &str) -> u32 {
        let mut all = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let trouble = all.entry(duty).or_insert_with(|| Trouble {
            times: 0,
            reason: String::new(),
        });
        trouble.times = trouble.times.saturating_add(1);
        trouble.reason = reason.chars().take(MAX_REASON_CHARS).collect();
        trouble.times
    }

    /// A duty goes on, and cannot do its work now: this is why.
    pub fn begin(&self, duty: Duty, reason: &str) {
        let reason = reason.chars().take(MAX_REASON_CHARS).collect();
        let mut all = self.hindered.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(duty, reason);
    }

    /// It does its work again.
    pub fn end(&self, duty: Duty) {
        let mut all = self.hindered.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(&duty);
    }

    /// A sentence for each duty that ended (`<name>`) or cannot be done (`<name>-now`).
    pub fn list(&self, language: Language) -> Vec<(String, String)> {
        let all = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let sentence = |(duty, trouble): (&Duty, &Trouble)| {
            let Trouble { times, reason } = trouble;
            let said = say!("duty.ended", duty => duty.title(), times, reason => Sentence::recognised(reason));
            (duty.name().to_owned(), said.text(language))
        };
        let hindered = self.hindered.lock().unwrap_or_else(PoisonError::into_inner);
        let hindrance = |(duty, reason): (&Duty, &String)| {
            let said =
                say!("duty.hindered", duty => duty.title(), reason => Sentence::recognised(reason));
            (format!("{}-now", duty.name()), said.text(language))
        };
        let ended = all.iter().map(sentence);
        ended.chain(hindered.iter().map(hindrance)).collect()
    }
}

/// Runs `work` to its end; when it panics, says with what.
///
/// # Errors
/// The words of the panic.
pub async fn caught<T>(work: impl Future<Output = T>) -> Result<T, String> {
    // What the work shared with others sits behind locks that survive a panic (`PoisonError::into_inner`), or is made anew.
    let ended = AssertUnwindSafe(work).catch_unwind().await;
    ended.map_err(|panic| words_of(&*panic))
}

/// What a panic said.
fn words_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| say!("reason.panicked").to_string())
        .to_owned()
}
