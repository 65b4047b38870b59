//! Programs of others that take part: found in folders, run as processes of their own, told of what happens, and allowed to do what they
//! declare inside of what they are told of.
//!
//! - `finding`: what lies in the folders; `loading`: a set of them, as it is made; `set`: the set
//! - `places`, `launch`: where a process runs, and with what; `node`: those that are modules of Node; `live`, `metered`: one process, and what it says
//! - `worker`, `queue`, `diary`: one extension at work; `happening`: an event on its way
//! - `telling`: the task that tells them of what happens; `events`: how those are worded; `performing`: what they ask for
//! - `conformance`: one of them tried without a server, with made events (`samples`); `shipped`: those that come with zhongshu
//!
//! # Trust
//!
//! Agents write in the repository, and with it in `agents/`. So nothing starts before the person has said yes to exactly its files, and
//! what starts is a copy of those.

pub mod conformance;
mod diary;
mod events;
pub mod finding;
mod happening;
mod launch;
mod live;
mod loading;
mod metered;
mod node;
mod performing;
mod places;
mod queue;
mod samples;
pub mod set;
pub mod shipped;
mod telling;
mod worker;

pub use diary::{Level, Note};
pub use launch::Ground;
pub use worker::{Doing, Worker};

use self::happening::Happening;
use self::loading::{NotLoaded, Wish};
use self::set::{Set, Trust};
use super::{Harness, Refused};
use crate::access::Passes;
use crate::core::LAUNCHER;
use crate::domain::harness::event::Event;
use crate::domain::harness::extension::content::Digest;
use crate::domain::harness::extension::manifest::AgentId;
use crate::domain::harness::state::State;
use crate::domain::sentence::say;
use chrono::{DateTime, Utc};
use serde_json::json;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The way back to this server, for extensions.
pub struct Door {
    /// Where the API is.
    pub url: String,
    /// Who may come in, and when.
    pub passes: Passes,
}

/// All that has to do with extensions.
pub struct Extensions {
    set: Mutex<Arc<Set>>,
    /// Counts the sets of this start.
    changes: watch::Sender<u64>,
    /// Held while a set is loaded.
    loading: tokio::sync::Mutex<()>,
    /// Ends all of them at once.
    stopping: CancellationToken,
    /// Everything that runs.
    tasks: TaskTracker,
    door: OnceLock<Door>,
}

impl Default for Extensions {
    fn default() -> Self {
        Self {
            set: Mutex::default(),
            changes: watch::Sender::new(0),
            loading: tokio::sync::Mutex::default(),
            stopping: CancellationToken::new(),
            tasks: TaskTracker::new(),
            door: OnceLock::new(),
        }
    }
}

/// The set in force.
#[derive(Clone)]
pub struct Snapshot {
    /// Counts the sets, over all starts.
    pub version: u64,
    /// Since when.
    pub loaded_at: DateTime<Utc>,
    /// What is in it.
    pub set: Arc<Set>,
}

/// What came of a wish to load the set anew, in the journal.
#[derive(Debug, Clone, Copy)]
enum Came {
    Loaded,
    Failed,
    InProgress,
    TooLow,
}

impl Came {
    fn word(self) -> &'static str {
        match self {
            Self::Loaded => "ok",
            Self::Failed => "reload_failed",
            Self::InProgress => "reload_in_progress",
            Self::TooLow => "insufficient_role",
        }
    }
}

impl Extensions {
    /// From now on extensions that are started know the way back.
    pub fn open(&self, door: Door) {
        if self.door.set(door).is_err() {
            tracing::warn!("the way back for extensions was set already");
        }
    }

    fn door(&self) -> Option<&Door> {
        self.door.get()
    }

    /// Whether anybody hears of this.
    fn hears(&self, name: &str) -> bool {
        self.current().hears(name)
    }

    fn current(&self) -> Arc<Set> {
        let set = self.set.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&set)
    }

    /// Gives an event to whoever hears of it. While it is given the set stays: nothing gets lost between two.
    fn deliver(&self, event: &Arc<Happening>) {
        let set = self.set.lock().unwrap_or_else(PoisonError::into_inner);
        set.deliver(event);
    }

    fn put(&self, set: Set) {
        let set = Arc::new(set);
        let earlier = {
            let mut current = self.set.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *current, Arc::clone(&set))
        };
        // From here on what happens goes to the new set; what waited for the earlier one may come behind the first of it.
        set.succeed(&earlier);
        self.changes.send_modify(|count| *count += 1);
    }
}

impl Harness {
    /// The set in force.
    pub fn extensions(&self) -> Snapshot {
        let version = self.ledger.read(|state| state.extensions.version);
        let set = self.extensions.current();
        Snapshot {
            version,
            loaded_at: set.loaded_at.unwrap_or(self.started_at),
            set,
        }
    }

    /// Loads the set anew, all of it or nothing; its name in the journal, and what is in force now. Goes on when nobody waits any more.
    ///
    /// # Errors
    /// When an extension fails, another wish is under way, or the journal of the harness cannot be written.
    pub async fn reload_extensions(
        self: &Arc<Self>,
        actor: &str,
        role: &'static str,
    ) -> Result<(String, Snapshot), Refused> {
        self.anew(actor, role, Wish::AllOrNone).await
    }

    /// Puts on record that somebody wanted the set to be loaded anew who may not.
    pub async fn refused_reload(&self, actor: &str, role: &'static str) {
        let told = self.tell_reload(actor, role, Came::TooLow).await;
        if let Err(refused) = told {
            tracing::warn!(message = %refused.message, "a refusal is not on record");
        }
    }

    /// From now on exactly this may run, or with `accept: false` nothing of this extension any more; then the set is loaded anew as far as it
    /// works.
    ///
    /// # Errors
    /// When this is not what was found there, or the journal of the harness cannot be written.
    pub async fn trust_extension(
        self: &Arc<Self>,
        actor: &str,
        role: &'static str,
        wish: (AgentId, Digest),
        accept: bool,
    ) -> Result<(String, Snapshot), Refused> {
        let (agent_id, digest) = wish;
        let set = self.extensions.current();
        let mut said = set.modules.iter().filter_map(|it| it.said.as_ref());
        let is_known = said.any(|(it, found)| it.agent_id == agent_id && *found == digest);
        let event = match (accept, is_known) {
            (true, true) => Event::ExtensionTrusted { agent_id, digest },
            (true, false) => return Err(Refused::unknown_extension(&agent_id.0)),
            (false, _) => Event::ExtensionDistrusted { agent_id },
        };
        self.decide(actor, move |_| Ok((vec![event], ()))).await?;
        self.anew(actor, role, Wish::WhatWorks).await
    }

    /// Loads the set anew, in a task of its own: half a set must not be left behind by somebody who hangs up.
    async fn anew(
        self: &Arc<Self>,
        actor: &str,
        role: &'static str,
        wish: Wish,
    ) -> Result<(String, Snapshot), Refused> {
        let (harness, actor) = (Arc::clone(self), actor.to_owned());
        let loaded = self.extensions.tasks.spawn(async move {
            let extensions = &harness.extensions;
            let _held = match wish {
                Wish::WhatWorks => extensions.loading.lock().await,
                Wish::AllOrNone => match extensions.loading.try_lock() {
                    Ok(held) => held,
                    Err(_) => {
                        harness.tell_reload(&actor, role, Came::InProgress).await?;
                        return Err(Refused::reload_in_progress());
                    }
                },
            };
            let loaded = tokio::select! {
                loaded = harness.load(wish) => loaded,
                () = extensions.stopping.cancelled() => return Err(Refused::stopping()),
            };
            match loaded {
                Ok(set) => match harness.tell_reload(&actor, role, Came::Loaded).await {
                    Ok(reload_id) => {
                        extensions.put(set);
                        Ok((reload_id, harness.extensions()))
                    }
                    Err(refused) => {
                        set.workers().for_each(|it| it.retire());
                        Err(refused)
                    }
                },
                Err(not_loaded) => {
                    harness.tell_reload(&actor, role, Came::Failed).await?;
                    Err(refused(&not_loaded))
                }
            }
        });
        loaded.await.unwrap_or_else(|error| {
            tracing::error!(%error, "a set of extensions was not loaded");
            Err(Refused::internal())
        })
    }

    /// The first set of this start, which is no news.
    async fn load_first(self: &Arc<Self>) {
        places::sweep(&self.core.place.state).await;
        let _held = self.extensions.loading.lock().await;
        match self.load(Wish::WhatWorks).await {
            Ok(set) => self.extensions.put(set),
            Err(not_loaded) => tracing::warn!("extensions: {}", not_loaded.sentence()),
        }
    }

    /// What the person allows has changed.
    async fn load_otherwise(self: &Arc<Self>) {
        if let Err(refused) = self.anew(LAUNCHER, "system", Wish::WhatWorks).await {
            tracing::warn!("extensions: {}", refused.message);
        }
    }

    async fn tell_reload(
        &self,
        actor: &str,
        role: &'static str,
        came: Came,
    ) -> Result<String, Refused> {
        let reload_id = uuid::Uuid::now_v7().to_string();
        let named = reload_id.clone();
        let decide = move |state: &State| {
            let version_before = state.extensions.version;
            let event = Event::ExtensionsReloaded {
                reload_id: named,
                role: role.to_owned(),
                result: came.word().to_owned(),
                version_before,
                version_after: version_before + u64::from(matches!(came, Came::Loaded)),
            };
            Ok((vec![event], ()))
        };
        self.decide(actor, decide).await?;
        Ok(reload_id)
    }
}

fn refused(not_loaded: &NotLoaded) -> Refused {
    let errors = not_loaded.0.iter().map(|(extension, fault)| {
        json!({
            "extension": extension,
            "code": fault.code.word(),
            "message": fault.message.to_string(),
        })
    });
    let errors: Vec<_> = errors.collect();
    let message = say!("refusal.harness.reload_failed", reasons => not_loaded.sentence());
    Refused::new(400, "reload_failed", message).with("errors", errors)
}

impl Trust {
    /// Whether it may run.
    pub fn is_given(self) -> bool {
        self == Self::Trusted
    }
}
