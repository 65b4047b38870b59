//! Workers: threads of Codex that do what jobs say, one for each project and agent. Here stands what is on record of them: which thread it is,
//! what it was told once, and what it has taken. Pure; who drives them is `harness::workers`.
//!
//! - `answer`: what one answers with, where that has a form; `targets`: rows that follow a job
//! - `telling`: a message for one

pub mod answer;
pub mod targets;
pub mod telling;

use super::event::Event;
use super::project::ProjectId;
use crate::domain::pairs;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use telling::Telling;

/// Tokens that one may take in all, where nobody says otherwise. A turn in a middling repository takes some ten thousand: that is a hundred of
/// them, and no more than a person who forgot a worker would put up with.
pub const MAX_TOKENS: u64 = 1_000_000;
/// Names under which one was told something once that are remembered; the extension that makes up a new one each time is told each time.
const MAX_BOOTSTRAPS: usize = 64;

/// Whether any works. From the least that is given to the most, so that the lower of two is the smaller one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// None does.
    #[default]
    Off,
    /// Jobs begin them.
    On,
}

impl Mode {
    /// Its word in `governance.yaml`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::On => "on",
        }
    }
}

/// Whose a worker is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Owner {
    /// The project that it works for; what stands for one where a session is in none.
    pub project_id: ProjectId,
    /// The agent that it is.
    pub agent: String,
}

/// What is on record of one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Worker {
    /// Codex's thread.
    pub thread_id: String,
    /// Whether it knows what a worker is.
    pub is_oriented: bool,
    /// What it was told once, by name.
    pub bootstraps: BTreeSet<String>,
    /// The newest message for it.
    pub told: Option<Telling>,
    /// Whether that is known to have arrived.
    pub has_arrived: bool,
    /// Tokens that threads before this one took.
    before: u64,
    /// Tokens that this one has taken.
    here: u64,
}

impl Worker {
    /// Tokens that it has taken, when its thread has taken so many.
    pub fn tokens_with(&self, here: u64) -> u64 {
        self.before.saturating_add(self.here.max(here))
    }

    /// Tokens that it has taken.
    pub fn tokens(&self) -> u64 {
        self.tokens_with(0)
    }

    fn arrived(&mut self, message_id: &str) {
        if self
            .told
            .as_ref()
            .is_none_or(|it| it.message_id != message_id)
        {
            return;
        }
        let Some(told) = self.told.clone() else {
            return;
        };
        self.has_arrived = true;
        self.is_oriented |= told.orients;
        if let Some(key) = told.bootstrap_key
            && self.bootstraps.len() < MAX_BOOTSTRAPS
        {
            self.bootstraps.insert(key);
        }
    }
}

/// All of them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Workers {
    #[serde(with = "pairs")]
    all: BTreeMap<Owner, Worker>,
    /// Every thread that is one, or was.
    threads: HashMap<String, Owner>,
}

impl Workers {
    /// The worker of an owner.
    pub fn of(&self, owner: &Owner) -> Option<&Worker> {
        self.all.get(owner)
    }

    /// Whether a thread is a worker's.
    pub fn has_thread(&self, thread_id: &str) -> bool {
        self.threads.contains_key(thread_id)
    }

    /// Every thread of a worker.
    pub fn threads(&self) -> impl Iterator<Item = &str> {
        self.threads.keys().map(String::as_str)
    }

    /// The workers of a project: agent and thread.
    pub fn in_project<'a>(
        &'a self,
        project_id: &'a ProjectId,
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        let all = self.all.iter();
        let inside = all.filter(move |(owner, _)| &owner.project_id == project_id);
        inside.map(|(owner, it)| (owner.agent.as_str(), it.thread_id.as_str()))
    }

    /// What ends the workers of a project, which is about to be gone: their threads are deleted as others are.
    pub fn end(&self, project_id: &ProjectId) -> Vec<Event> {
        let all = self.threads.iter();
        let inside = all.filter(|(_, owner)| &owner.project_id == project_id);
        let ended = inside.map(|(thread_id, owner)| Event::SessionDeleted {
            session_id: thread_id.clone(),
            title: Some(owner.agent.clone()),
            kept_for_copies: true,
        });
        ended.collect()
    }

    /// Takes in what happened to a worker; other events are none of its business.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::WorkerBegun {
                project_id,
                agent,
                thread_id,
            } => {
                let owner = Owner {
                    project_id: project_id.clone(),
                    agent: agent.clone(),
                };
                let before = self.all.get(&owner).map_or(0, Worker::tokens);
                let worker = Worker {
                    thread_id: thread_id.clone(),
                    before,
                    ..Worker::default()
                };
                self.threads.insert(thread_id.clone(), owner.clone());
                self.all.insert(owner, worker);
            }
            Event::WorkerTold { thread_id, told } => {
                if let Some(worker) = self.at(thread_id) {
                    worker.told = Some(told.clone());
                    worker.has_arrived = false;
                }
            }
            Event::WorkerHeard {
                thread_id,
                message_id,
            } => {
                if let Some(worker) = self.at(thread_id) {
                    worker.arrived(message_id);
                }
            }
            Event::WorkerUsed { thread_id, tokens } => {
                if let Some(worker) = self.at(thread_id) {
                    worker.here = worker.here.max(*tokens);
                }
            }
            Event::SessionDeleted { session_id, .. } => {
                if let Some(owner) = self.threads.remove(session_id)
                    && self
                        .all
                        .get(&owner)
                        .is_some_and(|it| &it.thread_id == session_id)
                {
                    self.all.remove(&owner);
                }
            }
            _ => {}
        }
    }

    /// The worker whose thread this is, unless it has another one by now.
    fn at(&mut self, thread_id: &str) -> Option<&mut Worker> {
        let owner = self.threads.get(thread_id)?;
        let worker = self.all.get_mut(owner);
        worker.filter(|it| it.thread_id == thread_id)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::domain::harness::job::JobId;

    fn project(id: &str) -> ProjectId {
        ProjectId(id.to_owned())
    }

    fn begun(project_id: &str, agent: &str, thread_id: &str) -> Event {
        Event::WorkerBegun {
            project_id: project(project_id),
            agent: agent.to_owned(),
            thread_id: thread_id.to_owned(),
        }
    }

    fn told(thread_id: &str, message_id: &str, orients: bool, key: Option<&str>) -> Event {
        let told = Telling {
            message_id: message_id.to_owned(),
            job_id: JobId("j".to_owned()),
            attempt: 1,
            orients,
            bootstrap_key: key.map(str::to_owned),
        };
        let thread_id = thread_id.to_owned();
        Event::WorkerTold { thread_id, told }
    }

    fn heard(thread_id: &str, message_id: &str) -> Event {
        Event::WorkerHeard {
            thread_id: thread_id.to_owned(),
            message_id: message_id.to_owned(),
        }
    }

    fn owner() -> Owner {
        Owner {
            project_id: project("p"),
            agent: "a".to_owned(),
        }
    }

    fn after(events: impl IntoIterator<Item = Event>) -> Workers {
        let mut workers = Workers::default();
        for event in events {
            workers.apply(&event);
        }
        workers
    }

    #[test]
    fn what_is_said_once_counts_once_it_has_arrived() {
        let mut workers = after([begun("p", "a", "t"), told("t", "m", true, Some("k"))]);
        let worker = workers.of(&owner()).unwrap();
        assert!(!worker.is_oriented && worker.bootstraps.is_empty());
        workers.apply(&heard("t", "another"));
        assert!(!workers.of(&owner()).unwrap().is_oriented);
        workers.apply(&heard("t", "m"));
        let worker = workers.of(&owner()).unwrap();
        assert!(worker.is_oriented && worker.bootstraps.contains("k") && worker.has_arrived);
    }

    #[test]
    fn another_thread_knows_nothing_and_has_taken_what_the_one_before_took() {
        let used = |thread_id: &str, tokens| Event::WorkerUsed {
            thread_id: thread_id.to_owned(),
            tokens,
        };
        let workers = after([
            begun("p", "a", "t"),
            told("t", "m", true, None),
            heard("t", "m"),
            used("t", 70),
            used("t", 50),
            begun("p", "a", "u"),
            used("u", 5),
            used("t", 900),
        ]);
        let worker = workers.of(&owner()).unwrap();
        assert_eq!((worker.tokens(), worker.tokens_with(9)), (75, 79));
        assert!(!worker.is_oriented);
        assert!(workers.has_thread("t") && workers.has_thread("u"));
    }

    #[test]
    fn they_end_with_their_project() {
        let mut workers = after([
            begun("p", "a", "t"),
            begun("p", "a", "u"),
            begun("p", "b", "v"),
            begun("o", "a", "w"),
        ]);
        let (p, o) = (project("p"), project("o"));
        assert_eq!(
            workers.in_project(&p).collect::<Vec<_>>(),
            [("a", "u"), ("b", "v")]
        );
        let ended = workers.end(&p);
        assert_eq!(ended.len(), 3);
        for event in &ended {
            workers.apply(event);
        }
        assert_eq!(workers.in_project(&p).count(), 0);
        assert_eq!(workers.in_project(&o).collect::<Vec<_>>(), [("a", "w")]);
        assert_eq!(workers.threads().collect::<Vec<_>>(), ["w"]);
    }
}
