//! A set of extensions: all that were found, how each stands, and who hears of what in which order.

use super::diary::Note;
use super::finding::Origin;
use super::happening::{Delivery, Happening};
use super::worker::{Doing, Worker};
use crate::domain::harness::extension::compatibility::Compatibility;
use crate::domain::harness::extension::content::Digest;
use crate::domain::harness::extension::fault::Fault;
use crate::domain::harness::extension::manifest::Manifest;
use crate::domain::harness::extension::mode::Mode;
use crate::domain::harness::extension::order::Place;
use crate::domain::harness::extension::registration::is_signal;
use chrono::{DateTime, Utc};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

/// How an extension stands to what the person trusts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// Exactly this may run.
    Trusted,
    /// Nobody has said anything yet.
    Untrusted,
    /// Something else of it may run: its files have changed.
    Changed,
    /// There is nothing to trust: it cannot be read.
    Unknown,
}

impl Trust {
    /// Its name in the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Trusted => "trusted",
            Self::Untrusted => "untrusted",
            Self::Changed => "changed",
            Self::Unknown => "unknown",
        }
    }
}

/// One extension, as it was found.
#[derive(Clone)]
pub struct Module {
    /// The name of its folder.
    pub name: String,
    /// Where it comes from.
    pub origin: Origin,
    /// Its folder.
    pub path: PathBuf,
    /// What it says of itself, and its files as one name, where it can be read.
    pub said: Option<(Manifest, Digest)>,
    /// Whether it fits to this server.
    pub compatibility: Compatibility,
    /// How strictly its word is held.
    pub mode: Mode,
    /// How it stands to what the person trusts.
    pub trust: Trust,
    /// What it does that it does not declare.
    pub undeclared: Vec<String>,
    /// Why it does not run.
    pub faults: Vec<Fault>,
    /// It at work.
    pub worker: Option<Arc<Worker>>,
}

impl Module {
    /// What to call it where it has no name of its own.
    pub fn label(&self) -> &str {
        let said = self.said.as_ref();
        said.map_or(&self.name, |(manifest, _)| &manifest.agent_id.0)
    }

    /// How it stands.
    pub fn doing(&self) -> Option<Doing> {
        self.worker.as_ref().map(|it| it.doing())
    }

    /// What happened to it since it was loaded.
    pub fn notes(&self) -> Vec<Note> {
        let worker = self.worker.as_ref();
        worker.map(|it| it.diary.notes()).unwrap_or_default()
    }
}

struct Handler {
    place: Place,
    limit: Duration,
    name: Option<String>,
    worker: Arc<Worker>,
}

/// The set.
#[derive(Default)]
pub struct Set {
    /// All that were found.
    pub modules: Vec<Module>,
    /// Since when it is in force; nothing before the first.
    pub loaded_at: Option<DateTime<Utc>>,
    handlers: HashMap<String, Vec<Handler>>,
}

impl Set {
    /// A set of these.
    pub fn of(modules: Vec<Module>) -> Self {
        let mut handlers: HashMap<String, Vec<Handler>> = HashMap::new();
        for module in &modules {
            let Some(worker) = &module.worker else {
                continue;
            };
            for (index, registration) in worker.registrations.iter().enumerate() {
                let place = Place {
                    priority: registration.priority,
                    module: module.name.clone(),
                    index,
                };
                let all = handlers.entry(registration.event.clone()).or_default();
                all.push(Handler {
                    place,
                    limit: registration.limit,
                    name: registration.handler.clone(),
                    worker: Arc::clone(worker),
                });
            }
        }
        for all in handlers.values_mut() {
            all.sort_by(|one, other| one.place.cmp(&other.place));
        }
        Self {
            modules,
            loaded_at: Some(Utc::now()),
            handlers,
        }
    }

    /// Those that are at work.
    pub fn workers(&self) -> impl Iterator<Item = &Arc<Worker>> {
        self.modules.iter().filter_map(|it| it.worker.as_ref())
    }

    /// Whether anybody hears of anything.
    pub fn is_deaf(&self) -> bool {
        self.handlers.is_empty()
    }

    /// Whether anybody hears of this.
    pub fn hears(&self, name: &str) -> bool {
        self.handlers.contains_key(name)
    }

    /// Gives an event to whoever hears of it. Of what somebody may decide each hears only when those before are done with it; signals are for
    /// all at once.
    pub fn deliver(&self, event: &Arc<Happening>) {
        let mut before = None;
        for handler in self.handlers.get(&event.name).into_iter().flatten() {
            let is_one_by_one = !is_signal(&event.name);
            let (after, done) = match is_one_by_one {
                true => {
                    let (after, done) = oneshot::channel();
                    (Some(after), Some(done))
                }
                false => (None, None),
            };
            handler.worker.queue.put(Delivery {
                event: Arc::clone(event),
                limit: handler.limit,
                handler: handler.name.clone(),
                before: before.take(),
                after,
            });
            before = done;
        }
    }

    /// Takes over what waits for those of an earlier set, as far as the same extension still hears of it; that set takes nothing more.
    pub fn succeed(&self, earlier: &Self) {
        for old in earlier.workers() {
            old.retire();
            let new = self.workers().find(|it| it.agent_id == old.agent_id);
            for delivery in old.queue.drain() {
                let (name, handler) = (&delivery.event.name, &delivery.handler);
                if let Some(new) = new
                    && new
                        .registrations
                        .iter()
                        .any(|it| &it.event == name && &it.handler == handler)
                {
                    new.queue.put(delivery);
                }
            }
        }
    }
}
