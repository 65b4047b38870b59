//! Codex's threads: whatever is done to one, and whatever one asks, goes through here. Knows no driver.
//!
//! - `thread`: one thread; opened, resumed, spoken to, ended; `acts`: what else a person does to one; `settings`: what is in force in it
//! - `asked`: what a thread asks, from the request to its end
//! - `history`: which messages arrived, and which files were edited, by a thread's items
//! - `pages`, `rows`: a thread's history as a transcript; `running`: what its running turn has said so far
//! - `features`: what the installed Codex cannot do; `models`: the models that it offers
//! - `usage`: the limits of the account
//! - `login`: whether Codex can run a turn at all
//! - `wire`: what drivers of threads hear and answer, in Codex's words

mod acts;
pub mod asked;
mod features;
mod history;
mod login;
mod models;
mod pages;
mod rows;
mod running;
mod settings;
mod thread;
mod usage;
pub mod wire;

pub use self::features::Abilities;
pub use self::history::Arrivals;
pub use self::login::{NotAsked, not_logged_in};
pub use self::models::ModelChoice;
pub use self::pages::{MAX_TURNS, NotRead, TurnPage, Wanted};
pub use self::running::{Change, News, Running};
pub use self::settings::{Overtaken, in_force};
pub use self::thread::{
    Opening, PASSED_ON_LIMIT, Thread, end_commands, has_nothing_left, is_archived,
    is_open_elsewhere,
};

use crate::codex::events::Notification;
pub use crate::codex::features::Feature;
use crate::codex::wire::ThreadId;
use crate::codex::{Codex, Status};
use crate::domain::department::Localized;
use crate::domain::sentence::say;
use crate::domain::usage::limits::RateLimits;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Codex restarts within a second or two; a start waits that long and a little more before it fails.
const READY_LIMIT: Duration = Duration::from_secs(30);

/// Pages of transcripts that are read at once: each may hold some MiB, and more readers are no faster.
const PAGES_AT_ONCE: usize = 2;

/// Codex, or the sentence that says why there is none. Reasons that go on record are English.
pub type CodexOrReason = Result<Codex, Localized>;

/// Every thread of Codex, and what is known of Codex as a whole.
pub struct Threads {
    /// Codex.
    pub codex: CodexOrReason,
    /// The codex program, for TUIs and sandboxes.
    pub program: PathBuf,
    logged_in: Mutex<Option<bool>>,
    limits: Mutex<RateLimits>,
    abilities: Mutex<Abilities>,
    calls: Mutex<Option<Arc<features::Calls>>>,
    models: Mutex<Vec<ModelChoice>>,
    /// One at a time looks for a new login: that restarts the app-server.
    login_check: tokio::sync::Mutex<()>,
    running: Running,
    settings_awaited: settings::Awaited,
    remembered: pages::Remembered,
    /// Whoever reads a page; nobody closes it.
    pages: tokio::sync::Semaphore,
}

impl Threads {
    /// Nothing runs yet.
    pub fn new(codex: CodexOrReason, program: PathBuf) -> Self {
        Self {
            codex,
            program,
            logged_in: Mutex::default(),
            limits: Mutex::default(),
            abilities: Mutex::default(),
            calls: Mutex::default(),
            models: Mutex::default(),
            login_check: tokio::sync::Mutex::default(),
            running: Running::default(),
            settings_awaited: settings::Awaited::default(),
            remembered: pages::Remembered::default(),
            pages: tokio::sync::Semaphore::new(PAGES_AT_ONCE),
        }
    }

    /// Takes note of what Codex says by itself, for the transcripts of its threads and for whoever asks for their settings.
    pub fn hear(&self, notification: &Notification) {
        match notification {
            // Also of a turn that is over: a command outlives it.
            Notification::ItemCompleted(item) => {
                let turn = Some(item.turn_id.0.as_str());
                self.remembered.forget(&item.thread_id.0, turn);
            }
            Notification::ThreadSettingsUpdated(change) => {
                self.settings_awaited.heard(&change.thread_id);
            }
            Notification::TurnCompleted(ended) => {
                let turn = Some(ended.turn.id.0.as_str());
                self.remembered.forget(&ended.thread_id.0, turn);
            }
            Notification::ThreadReverted(thread)
            | Notification::ThreadCompacted(thread)
            | Notification::ThreadDeleted(thread) => {
                self.remembered.forget(&thread.thread_id.0, None);
            }
            _ => {}
        }
        self.running.hear(notification);
    }

    /// Tells later whether what is asked for from now on, the settings of a thread, was overtaken by what Codex said by itself.
    pub fn ask_for_settings(&self, id: &ThreadId) -> Overtaken {
        self.settings_awaited.begin(id)
    }

    /// Codex answered with this turn to words of ours.
    pub fn accept(&self, thread: &str, turn_id: &str) {
        self.running.accept(thread, turn_id);
    }

    /// The turn that Codex took our words for and knows nothing of yet.
    pub fn accepted(&self, thread: &str) -> Option<String> {
        self.running.accepted(thread)
    }

    /// Codex was lost, or came back: what it said of turns that ran is void.
    pub fn lost(&self) {
        self.running.forget();
    }

    /// One thread; `None` when there is no Codex.
    pub fn thread(&self, id: &str) -> Option<Thread<'_>> {
        let codex = self.codex.as_ref().ok()?;
        Some(Thread::of(codex, id.into()))
    }

    /// Waits until Codex can be asked.
    ///
    /// # Errors
    /// A sentence for people: there is no Codex, or it does not answer within half a minute.
    pub async fn ready(&self) -> Result<(), String> {
        match &self.codex {
            Ok(codex) => codex.ready(READY_LIMIT).await,
            Err(reason) => Err(reason.en.clone()),
        }
    }

    /// Why Codex cannot run anything at the moment and will not by itself, if that is so.
    pub fn trouble(&self) -> Option<String> {
        match &self.codex {
            Err(reason) => Some(reason.en.clone()),
            Ok(_) if !self.can(Feature::Sessions) => Some(Feature::Sessions.loss().to_string()),
            Ok(codex) => match &*codex.status().borrow() {
                Status::Unavailable { reason } => Some(reason.clone()),
                _ => None,
            },
        }
    }

    /// Why a thread that is opened now has no chance; `None` when it has.
    pub fn down(&self) -> Option<String> {
        let codex = match &self.codex {
            Err(reason) => return Some(reason.en.clone()),
            Ok(codex) => codex,
        };
        if !self.can(Feature::Sessions) {
            return Some(Feature::Sessions.loss().to_string());
        }
        match &*codex.status().borrow() {
            Status::Ready { .. } if self.logged_in() != Some(false) => None,
            Status::Ready { .. } => Some(not_logged_in().to_string()),
            Status::Idle => Some(say!("reason.codex.untrusted").to_string()),
            Status::Starting => Some(say!("reason.codex.starting").to_string()),
            Status::Stopped => Some(say!("reason.codex.stopping").to_string()),
            Status::Down { reason, .. } | Status::Unavailable { reason } => Some(reason.clone()),
        }
    }
}
