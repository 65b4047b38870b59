//! Projects: groups of sessions. Codex knows nothing of them.

use super::Harness;
use super::refused::Refused;
use crate::domain::harness::event::Event;
use crate::domain::harness::project::{Project, ProjectId};
use crate::domain::harness::state::State;
use chrono::Utc;

/// Where the sessions of a project go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destination {
    /// Into none.
    Unassigned,
    /// Into none, and put away.
    Archive,
}

/// How many went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Moved {
    /// Those that are in the project no more.
    pub moved: usize,
    /// Of these, those that were put away.
    pub archived: usize,
    /// Of these, those that had been put away before.
    pub already_archived: usize,
}

/// What became of the sessions of a project.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Emptied {
    /// Those that are gone.
    pub deleted: usize,
    /// Those that are not, and why.
    pub skipped: Vec<(String, Refused)>,
}

impl Harness {
    /// Every project, by name.
    pub fn projects(&self) -> Vec<Project> {
        let all = |state: &State| state.projects.values().cloned().collect::<Vec<_>>();
        let mut all = self.ledger.read(all);
        all.sort_by_cached_key(|project| project.name.to_lowercase());
        all
    }

    /// Makes a project.
    ///
    /// # Errors
    /// When another one has the name.
    pub async fn create_project(
        &self,
        actor: String,
        name: String,
        working_directory: Option<String>,
    ) -> Result<Project, Refused> {
        let now = Utc::now();
        let project = Project {
            project_id: ProjectId::fresh(),
            name,
            working_directory,
            created_at: now,
            updated_at: now,
        };
        self.decide(actor, move |state| {
            must_be_free(state, &project)?;
            let created = Event::ProjectCreated {
                project: project.clone(),
            };
            Ok((vec![created], project))
        })
        .await
    }

    /// Gives a project another name, and another place where one is given.
    ///
    /// # Errors
    /// When there is no such project, or another one has the name.
    pub async fn rename_project(
        &self,
        actor: String,
        id: String,
        name: String,
        working_directory: Option<Option<String>>,
    ) -> Result<Project, Refused> {
        let now = Utc::now();
        self.decide(actor, move |state| {
            let before = known(state, &id)?;
            let project = Project {
                name,
                working_directory: working_directory
                    .unwrap_or_else(|| before.working_directory.clone()),
                updated_at: now,
                ..before.clone()
            };
            must_be_free(state, &project)?;
            let renamed = Event::ProjectRenamed {
                project: project.clone(),
            };
            Ok((vec![renamed], project))
        })
        .await
    }

    /// Deletes a project that nothing is in.
    ///
    /// # Errors
    /// When there is no such project, or a session is in it.
    pub async fn delete_project(&self, actor: String, id: String) -> Result<(), Refused> {
        // A session that Codex does not have any more keeps no project.
        let gone = match self.knows_all().await {
            true => self.gone_from(&ProjectId(id.clone())),
            false => Vec::new(),
        };
        let any_worker = self.decide(actor, move |state| {
            let project_id = known(state, &id)?.project_id.clone();
            let inside = state.sessions_in(&project_id);
            let there = inside
                .iter()
                .filter(|it| !gone.iter().any(|gone| gone == *it));
            match there.count() {
                0 => {}
                count => return Err(Refused::project_not_empty(&id, count)),
            }
            let mut events = leave(inside.into_iter());
            // Nobody has anything for them to do any more.
            let workers = state.workers.end(&project_id);
            let any = !workers.is_empty();
            events.extend(workers);
            events.push(Event::ProjectDeleted { project_id });
            Ok((events, any))
        });
        if any_worker.await? {
            self.purge().await;
        }
        Ok(())
    }

    /// Sessions of a project that Codex does not have any more.
    fn gone_from(&self, project_id: &ProjectId) -> Vec<String> {
        let mut inside = self.inside(project_id);
        inside.retain(|id| self.index.get(id).is_none());
        inside
    }

    fn inside(&self, project_id: &ProjectId) -> Vec<String> {
        self.ledger.read(|state| {
            let inside = state.sessions_in(project_id);
            inside.into_iter().map(str::to_owned).collect()
        })
    }

    fn known_project(&self, id: &str) -> Result<ProjectId, Refused> {
        self.ledger
            .read(|state| known(state, id).map(|it| it.project_id.clone()))
    }

    /// The agents at work for a project, or for one session that is in none (`session:<id>`): helpers that its sessions have begun, and its
    /// workers, each with what it is there for and its thread.
    ///
    /// # Errors
    /// When there is no such project, or no such session.
    pub async fn agents_of(&self, id: &str) -> Result<Vec<(String, String)>, Refused> {
        let sessions = match id.strip_prefix("session:") {
            None => self.inside(&self.known_project(id)?),
            Some(session_id) => {
                self.knows_all().await;
                let readable = self.readable(session_id);
                readable.map_err(|no| match no.http {
                    404 | 410 => Refused::unknown_project(id),
                    _ => no,
                })?;
                vec![session_id.to_owned()]
            }
        };
        let helpers = sessions.iter().flat_map(|it| self.index.helpers_of(it));
        let named = helpers.map(|known| {
            let agent = known.agent.clone();
            (agent.unwrap_or_else(|| known.source.clone()), known.id)
        });
        let project_id = ProjectId(id.to_owned());
        let workers: Vec<_> = self.ledger.read(|state| {
            let workers = state.workers.in_project(&project_id);
            let owned = workers.map(|(agent, id)| (agent.to_owned(), id.to_owned()));
            owned.collect()
        });
        Ok(named.chain(workers).collect())
    }

    /// Moves all sessions out of a project. Nothing is done when one of those that should be put away has had no turn.
    ///
    /// # Errors
    /// When there is no such project, one has had no turn, or Codex refuses.
    pub async fn move_all(
        &self,
        actor: String,
        id: &str,
        destination: Destination,
    ) -> Result<Moved, Refused> {
        let project_id = self.known_project(id)?;
        let inside = self.inside(&project_id);
        let mut moved = Moved::default();
        if destination == Destination::Archive {
            if !self.knows_all().await {
                let reason = self.threads.down().unwrap_or_default();
                return Err(Refused::codex_unavailable(reason));
            }
            let known: Vec<_> = inside.iter().filter_map(|it| self.index.get(it)).collect();
            let fresh = known
                .iter()
                .filter(|it| !it.archived && !it.is_materialized());
            let fresh: Vec<_> = fresh.map(|it| it.id.clone()).collect();
            if !fresh.is_empty() {
                return Err(Refused::not_materialized_sessions(id, fresh));
            }
            for known in &known {
                match self.archive(known).await? {
                    true => moved.archived += 1,
                    false => moved.already_archived += 1,
                }
            }
        }
        moved.moved = self
            .decide(actor, move |state| {
                let still = state.sessions_in(&project_id);
                let leaving = inside.iter().map(String::as_str);
                let leaving: Vec<_> = leaving.filter(|it| still.contains(it)).collect();
                let count = leaving.len();
                Ok((leave(leaving.into_iter()), count))
            })
            .await?;
        Ok(moved)
    }

    /// Deletes all sessions of a project, as far as each can be.
    ///
    /// # Errors
    /// When there is no such project, or Codex has not told of its threads.
    pub async fn delete_all(&self, actor: &str, id: &str) -> Result<Emptied, Refused> {
        let project_id = self.known_project(id)?;
        self.knows_all().await;
        let mut emptied = Emptied::default();
        for session_id in self.inside(&project_id) {
            let deleted = match self.drivable(&session_id) {
                Ok(known) => self.delete(actor.to_owned(), &known).await.map(drop),
                Err(no) => Err(no),
            };
            match deleted {
                Ok(()) => emptied.deleted += 1,
                Err(no) => emptied.skipped.push((session_id, no)),
            }
        }
        Ok(emptied)
    }
}

fn known<'a>(state: &'a State, id: &str) -> Result<&'a Project, Refused> {
    let found = state.projects.get(&ProjectId(id.to_owned()));
    found.ok_or_else(|| Refused::unknown_project(id))
}

fn must_be_free(state: &State, project: &Project) -> Result<(), Refused> {
    match state.project_named(&project.name) {
        Some(other) if other.project_id != project.project_id => {
            Err(Refused::duplicate_name(&other.project_id.0))
        }
        _ => Ok(()),
    }
}

fn leave<'a>(sessions: impl Iterator<Item = &'a str>) -> Vec<Event> {
    let leave = sessions.map(|id| Event::SessionAssigned {
        session_id: id.to_owned(),
        project_id: None,
    });
    leave.collect()
}
