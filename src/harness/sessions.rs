//! The life of sessions but for its end: begun, listed, loaded, named, grouped, put away and fetched back.

use super::Harness;
use super::ceilings::By;
use super::cursor::Place;
use super::index::{Known, UNNAMED};
use super::refused::Refused;
use super::summary::SessionSummary;
use crate::codex::items::Thread;
use crate::codex::{CallError, calls};
use crate::domain::harness::controls::{
    ApprovalPolicy, Controls, FilesystemSandbox, NetworkAccess,
};
use crate::domain::harness::event::Event;
use crate::domain::harness::project::ProjectId;
use crate::domain::sentence::say;
use crate::threads::Thread as Handle;
use serde::Deserialize as _;
use serde_json::{Map, Value, json};
use std::path::{Component, Path, PathBuf};

/// A tool that a client performs.
#[derive(Debug, Clone)]
pub struct Tool {
    /// What the model calls it by.
    pub name: String,
    /// What the model is told of it.
    pub description: String,
    /// A JSON schema of its arguments.
    pub input_schema: Map<String, Value>,
}

impl Tool {
    fn for_codex(self) -> Value {
        json!({
            "type": "function",
            "name": self.name,
            "description": self.description,
            "inputSchema": self.input_schema,
        })
    }
}

/// What a session begins with; what is left out is as for every new one.
#[derive(Debug, Clone, Default)]
pub struct Beginning {
    /// Where its commands run; relative to the repository.
    pub cwd: Option<String>,
    /// The model.
    pub model: Option<String>,
    /// When it asks.
    pub approval_policy: Option<ApprovalPolicy>,
    /// Whether its commands reach the network.
    pub network_access: Option<NetworkAccess>,
    /// What its commands may write.
    pub filesystem_sandbox: Option<FilesystemSandbox>,
    /// Tools that a client performs.
    pub dynamic_tools: Vec<Tool>,
}

/// Which page of the list.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Those that are put away instead of the others.
    pub archived: bool,
    /// Where the page before ended.
    pub cursor: Option<String>,
    /// How many.
    pub limit: usize,
    /// Also what the launcher drives.
    pub include_system_owned: bool,
}

impl Harness {
    /// A page of the list, newest first, and where it goes on.
    ///
    /// # Errors
    /// When Codex has not told of its threads, or the cursor is of no such list.
    pub async fn list(
        &self,
        wanted: &Wanted,
    ) -> Result<(Vec<SessionSummary>, Option<String>), Refused> {
        let place =
            match &wanted.cursor {
                None => None,
                Some(cursor) => Some(Place::read(cursor, wanted.archived).ok_or_else(|| {
                    Refused::invalid("cursor", say!("refusal.harness.bad_cursor"))
                })?),
            };
        if !self.knows_all().await {
            let reason = self.threads.down().unwrap_or_default();
            return Err(Refused::codex_unavailable(reason));
        }
        let mut page = self.index.list(wanted.archived, place.as_ref());
        if !wanted.include_system_owned {
            page.retain(|known| !self.is_system_owned(&known.id));
        }
        let goes_on = page.len() > wanted.limit;
        page.truncate(wanted.limit);
        let next = page
            .last()
            .filter(|_| goes_on)
            .map(|last| Place::behind(last.archived, last.created_at, &last.id).cursor());
        Ok((page.iter().map(|known| self.summary(known)).collect(), next))
    }

    /// Begins a session: recorded before anybody hears of it, and kept by Codex although nothing was said in it yet.
    ///
    /// # Errors
    /// When nobody has allowed Codex to work here, there is no such model, something is above a ceiling, or Codex refuses.
    pub async fn begin(&self, by: &By, beginning: Beginning) -> Result<(Known, Value), Refused> {
        if self.core.ledger.read(|state| state.trusted.is_none()) {
            return Err(Refused::trust_required());
        }
        let codex = self.codex()?;
        if let Some(model) = &beginning.model {
            self.check_model(model).await?;
        }
        let cwd = self.folder(by, beginning.cwd.as_deref()).await?;
        let controls = self.controls_at_beginning(&beginning);
        self.allows(by, None, &controls).await?;
        let mut start = json!({
            "cwd": cwd,
            "approvalPolicy": controls.approval_policy.for_codex(),
            "sandbox": controls.filesystem_sandbox.for_codex(),
            "config": { "sandbox_workspace_write": {
                "network_access": controls.network_access == NetworkAccess::Enabled,
            } },
        });
        if let Some(model) = &controls.model {
            start["model"] = json!(model);
        }
        if !beginning.dynamic_tools.is_empty() {
            let tools = beginning.dynamic_tools.into_iter();
            start["dynamicTools"] = tools.map(Tool::for_codex).collect();
        }
        let opened = self.call("thread/start", start).await?;
        let thread = read_thread(&opened["thread"])?;
        let id = thread.id.clone();
        self.holds(&id.0).await;
        let session_id = id.0.clone();
        self.decide(by.actor.clone(), move |state| {
            let begun = Event::SessionStarted {
                session_id,
                forked_from: None,
                project_id: None,
                controls,
                settings: state.default_settings.clone(),
            };
            Ok((vec![begun], ()))
        })
        .await?;
        // Without a turn Codex keeps what has a name only.
        let named = codex.name_thread(&id, UNNAMED).await;
        named.map_err(|error| Refused::of_codex(&error))?;
        let known = Known {
            name: Some(UNNAMED.to_owned()),
            ..Known::of(&thread, false)
        };
        self.index.put(known.clone());
        let thread = self.thread_as_it_is(&known).await?;
        Ok((known, thread))
    }

    /// What holds in a session that begins like this.
    fn controls_at_beginning(&self, beginning: &Beginning) -> Controls {
        let defaults = self.ledger.read(|state| state.defaults.clone());
        Controls {
            model: beginning.model.clone().or(defaults.model),
            approval_policy: beginning
                .approval_policy
                .unwrap_or(defaults.approval_policy),
            network_access: beginning.network_access.unwrap_or(defaults.network_access),
            filesystem_sandbox: beginning
                .filesystem_sandbox
                .unwrap_or(defaults.filesystem_sandbox),
        }
    }

    /// The folder of a session that begins, all links followed.
    pub(super) async fn folder(&self, by: &By, cwd: Option<&str>) -> Result<PathBuf, Refused> {
        let repo = &self.core.place.repo;
        match cwd {
            None => Ok(repo.clone()),
            Some(cwd) => self.allows_folder(by, cwd, &plain(&repo.join(cwd))).await,
        }
    }

    /// A thread as Codex tells of it now, without its turns.
    ///
    /// # Errors
    /// When Codex cannot be asked, or does not have it any more.
    pub async fn thread_as_it_is(&self, known: &Known) -> Result<Value, Refused> {
        let read = json!({ "threadId": known.id, "includeTurns": false });
        let answer = self.call("thread/read", read).await;
        let mut answer = answer.map_err(|no| no.of_session(&known.id))?;
        Ok(answer["thread"].take())
    }

    /// Loads a session into Codex's memory.
    ///
    /// # Errors
    /// When it is put away, or Codex refuses.
    pub async fn resume(&self, known: &Known) -> Result<Value, Refused> {
        let resume = json!({ "threadId": known.id, "excludeTurns": true });
        let answer = self.call("thread/resume", resume).await;
        let mut answer = answer.map_err(|no| no.of_session(&known.id))?;
        self.holds(&known.id).await;
        Ok(answer["thread"].take())
    }

    /// Names a session.
    ///
    /// # Errors
    /// When it is put away, or Codex refuses.
    pub async fn rename(&self, known: &Known, title: String) -> Result<(), Refused> {
        if known.archived {
            return Err(archived(known));
        }
        let done = self.handle(known)?.name(&title).await;
        done.map_err(|error| no(known, &error))?;
        let name = Some(title);
        self.index
            .change(&known.id, move |known| known.name.clone_from(&name));
        Ok(())
    }

    /// Puts a session into a project, or takes it out of its own; answers which that was.
    ///
    /// # Errors
    /// When there is no such project, or the session was deleted meanwhile.
    pub async fn assign(
        &self,
        actor: String,
        known: &Known,
        project_id: Option<ProjectId>,
    ) -> Result<Option<ProjectId>, Refused> {
        let session_id = known.id.clone();
        self.decide(actor, move |state| {
            if let Some(tombstone) = state.deleted.get(&session_id) {
                return Err(Refused::deleted(&session_id, tombstone));
            }
            if let Some(wanted) = project_id
                .as_ref()
                .filter(|it| !state.projects.contains_key(it))
            {
                return Err(Refused::no_project_for(&session_id, &wanted.0));
            }
            let own = state.sessions.get(&session_id);
            let previous = own.and_then(|it| it.project_id.clone());
            if previous == project_id {
                return Ok((Vec::new(), previous));
            }
            let assigned = Event::SessionAssigned {
                session_id,
                project_id,
            };
            Ok((vec![assigned], previous))
        })
        .await
    }

    /// Puts a session away; a turn that runs is broken off. Whether it was not yet.
    ///
    /// # Errors
    /// When it has had no turn, or Codex refuses.
    pub async fn archive(&self, known: &Known) -> Result<bool, Refused> {
        if known.archived {
            return Ok(false);
        }
        if !known.is_materialized() {
            return Err(Refused::not_materialized(&known.id));
        }
        match self.handle(known)?.archive().await {
            Ok(()) => {}
            // Somebody else was quicker: Codex knows it in the archive only.
            Err(error) if error.is_refusal("no rollout found") && self.is_put_away(known) => {}
            Err(error) => return Err(no(known, &error)),
        }
        self.index.change(&known.id, |known| known.archived = true);
        Ok(true)
    }

    /// Fetches a session back.
    ///
    /// # Errors
    /// When Codex refuses.
    pub async fn unarchive(&self, known: &Known) -> Result<(), Refused> {
        if !known.archived {
            return Ok(());
        }
        match self.handle(known)?.unarchive().await {
            Ok(()) => {}
            Err(error) if error.is_refusal("no archived rollout") && !self.is_put_away(known) => {}
            Err(error) => return Err(no(known, &error)),
        }
        self.index.change(&known.id, |known| known.archived = false);
        Ok(())
    }

    fn is_put_away(&self, known: &Known) -> bool {
        let now = self.index.get(&known.id);
        now.is_some_and(|now| now.archived)
    }

    pub(super) fn handle(&self, known: &Known) -> Result<Handle<'_>, Refused> {
        let handle = self.threads.thread(&known.id);
        handle.ok_or_else(|| {
            let reason = self.threads.down().unwrap_or_default();
            Refused::codex_unavailable(reason).of_session(&known.id)
        })
    }
}

/// What Codex says no to, about this session.
pub(super) fn no(known: &Known, error: &CallError) -> Refused {
    Refused::of_codex(error).of_session(&known.id)
}

fn archived(known: &Known) -> Refused {
    Refused::invalid_state(say!("refusal.harness.archived")).of_session(&known.id)
}

/// A path without `.` and `..`, as it is written.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}

pub(super) fn read_thread(thread: &Value) -> Result<Thread, Refused> {
    Thread::deserialize(thread).map_err(|error| {
        let error = CallError::Malformed {
            method: <calls::ThreadStart as calls::Call>::METHOD.to_owned(),
            reason: error.to_string(),
        };
        Refused::of_codex(&error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_dots_lead_out() {
        let inside = |path: &str| plain(&Path::new("/repo").join(path)).starts_with("/repo");
        for path in ["", ".", "src", "/repo", "/repo/src/../docs", "src/./a"] {
            assert!(inside(path), "{path}");
        }
        for path in [
            "..",
            "/",
            "src/../..",
            "/repo/../etc",
            "/repository",
            "../repo2",
        ] {
            assert!(!inside(path), "{path}");
        }
    }
}
