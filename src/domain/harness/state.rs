//! What the events of the harness fold into. Says nothing of what runs: that is Codex's to say.

use super::actions::Actions;
use super::controls::{Controls, SessionControls, Settings};
use super::event::{Event, Scope};
use super::extension::content::Digest;
use super::extension::manifest::AgentId;
use super::jobs::Jobs;
use super::project::{Project, ProjectId, folded};
use super::row::{MAX_BYTES, MAX_ROWS, TranscriptEntry};
use super::worker::Workers;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// Contents of one extension that are remembered as trusted; the oldest gives way. Whoever goes back to an earlier one is not asked again.
const MAX_TRUSTED: usize = 32;

/// All of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Every project.
    pub projects: BTreeMap<ProjectId, Project>,
    /// What is known of threads beyond what Codex knows.
    pub sessions: HashMap<String, Session>,
    /// Threads that were deleted here, for ever.
    pub deleted: HashMap<String, Tombstone>,
    /// What new threads begin with.
    pub defaults: Controls,
    /// What new threads begin with.
    pub default_settings: Settings,
    /// The set of extensions in force.
    pub extensions: Extensions,
    /// Contents of extensions that the person lets run.
    pub trusted: BTreeMap<AgentId, Vec<Digest>>,
    /// Bytes of all rows, as [`TranscriptEntry::bytes`] counts them.
    pub row_bytes: usize,
    /// What waits in the queue, runs, or is over.
    pub jobs: Jobs,
    /// Actions that were performed under a key.
    pub actions: Actions,
    /// Threads that do what jobs say.
    pub workers: Workers,
}

/// A set of extensions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extensions {
    /// Counts the sets.
    pub version: u64,
    /// When it was loaded; `None`: with the server.
    pub loaded_at: Option<DateTime<Utc>>,
}

/// What is known of one thread.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Session {
    /// Whether it was begun here.
    pub started_here: bool,
    /// What it is a copy of.
    pub forked_from: Option<String>,
    /// Its project.
    pub project_id: Option<ProjectId>,
    /// Its controls, where anybody set them.
    pub controls: Option<Controls>,
    /// Its settings.
    pub settings: Settings,
    /// Rows of ours, in the order they were first written.
    pub rows: Vec<Row>,
}

/// A row of ours, and when it was first written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// When.
    pub at: DateTime<Utc>,
    /// The row.
    pub entry: TranscriptEntry,
}

/// What is left of a deleted thread.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tombstone {
    /// What it was called.
    pub title: Option<String>,
    /// When.
    pub deleted_at: DateTime<Utc>,
    /// Codex still has it: it is about to be removed there, or copies need its history.
    pub kept_for_copies: bool,
}

/// Room for rows that are about to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    rows: usize,
    bytes: usize,
}

impl Room {
    /// Takes the room of a row, which may be there already in another version; whether there was any.
    pub fn take(&mut self, known: Option<&TranscriptEntry>, entry: &TranscriptEntry) -> bool {
        let bytes = self.bytes + known.map_or(0, TranscriptEntry::bytes);
        let rows = self.rows + usize::from(known.is_some());
        let fits = rows > 0 && entry.bytes() <= bytes;
        if fits {
            self.rows = rows - 1;
            self.bytes = bytes - entry.bytes();
        }
        fits
    }
}

impl State {
    /// The project with this name, whatever its case.
    pub fn project_named(&self, name: &str) -> Option<&Project> {
        let wanted = folded(name);
        let mut projects = self.projects.values();
        projects.find(|project| folded(&project.name) == wanted)
    }

    /// What holds for a thread: its own controls, else those that new threads begin with.
    pub fn controls_of(&self, session_id: &str) -> Controls {
        let own = self.sessions.get(session_id);
        own.and_then(|it| it.controls.clone())
            .unwrap_or_else(|| self.defaults.clone())
    }

    /// What holds for a thread, with its settings.
    pub fn session_controls(&self, session_id: &str) -> SessionControls {
        let own = self.sessions.get(session_id);
        SessionControls {
            controls: self.controls_of(session_id),
            settings: own.map(|it| it.settings.clone()).unwrap_or_default(),
        }
    }

    /// What new threads begin with.
    pub fn default_controls(&self) -> SessionControls {
        SessionControls {
            controls: self.defaults.clone(),
            settings: self.default_settings.clone(),
        }
    }

    /// The threads of a project.
    pub fn sessions_in(&self, project_id: &ProjectId) -> Vec<&str> {
        let all = self.sessions.iter();
        let inside = all.filter(|(_, it)| it.project_id.as_ref() == Some(project_id));
        inside.map(|(id, _)| id.as_str()).collect()
    }

    /// Takes in what happened at `ts`.
    pub fn apply(&mut self, ts: DateTime<Utc>, event: &Event) {
        match event {
            Event::ProjectCreated { project } | Event::ProjectRenamed { project } => {
                let id = project.project_id.clone();
                self.projects.insert(id, project.clone());
            }
            Event::ProjectDeleted { project_id } => {
                self.projects.remove(project_id);
            }
            Event::SessionStarted {
                session_id,
                forked_from,
                project_id,
                controls,
                settings,
            } => {
                let session = self.session(session_id);
                session.started_here = true;
                session.forked_from.clone_from(forked_from);
                session.project_id.clone_from(project_id);
                session.controls = Some(controls.clone());
                session.settings.clone_from(settings);
            }
            Event::SessionAssigned {
                session_id,
                project_id,
            } => self.session(session_id).project_id.clone_from(project_id),
            Event::SessionDeleted {
                session_id,
                title,
                kept_for_copies,
            } => {
                self.workers.apply(event);
                if let Some(gone) = self.sessions.remove(session_id) {
                    self.row_bytes -= gone.rows.iter().map(|it| it.entry.bytes()).sum::<usize>();
                }
                let tombstone = Tombstone {
                    title: title.clone(),
                    deleted_at: ts,
                    kept_for_copies: *kept_for_copies,
                };
                self.deleted.insert(session_id.clone(), tombstone);
            }
            Event::SessionPurged { session_id } => {
                if let Some(tombstone) = self.deleted.get_mut(session_id) {
                    tombstone.kept_for_copies = false;
                }
            }
            Event::ControlsSet {
                scope, controls, ..
            } => match scope {
                Scope::Default => self.defaults = controls.clone(),
                Scope::Session(id) => self.session(id).controls = Some(controls.clone()),
            },
            Event::SettingsSet {
                scope, settings, ..
            } => match scope {
                Scope::Default => self.default_settings.clone_from(settings),
                Scope::Session(id) => self.session(id).settings.clone_from(settings),
            },
            Event::RowUpserted { session_id, entry } => self.upsert(ts, session_id, entry),
            Event::RowsDropped {
                session_id,
                turn_ids,
            } => {
                let rows = &mut self.session(session_id).rows;
                let before: usize = rows.iter().map(|it| it.entry.bytes()).sum();
                rows.retain(|it| !turn_ids.contains(&it.entry.turn_id));
                let after: usize = rows.iter().map(|it| it.entry.bytes()).sum();
                self.row_bytes -= before - after;
            }
            Event::ExtensionsReloaded { version_after, .. } => {
                self.extensions = Extensions {
                    version: *version_after,
                    loaded_at: Some(ts),
                };
            }
            Event::JobQueued { .. }
            | Event::JobMerged { .. }
            | Event::JobStarted { .. }
            | Event::JobTurnBegun { .. }
            | Event::JobRetried { .. }
            | Event::JobCompleted { .. }
            | Event::JobFailed { .. }
            | Event::JobCancelAsked { .. }
            | Event::JobCanceled { .. } => self.jobs.apply(ts, event),
            Event::ExtensionTrusted { agent_id, digest } => self.trust(agent_id, digest),
            Event::ExtensionDistrusted { agent_id } => {
                self.trusted.remove(agent_id);
            }
            Event::ActionClaimed { key, digest } => self.actions.claim(key, digest),
            Event::ActionDone { key, result } => self.actions.end(key, result),
            Event::WorkerBegun { .. }
            | Event::WorkerTold { .. }
            | Event::WorkerHeard { .. }
            | Event::WorkerUsed { .. } => self.workers.apply(event),
            Event::CeilingMet { .. }
            | Event::AutomaticDecision { .. }
            | Event::ExtensionEnded { .. } => {}
        }
    }

    /// A row of ours, by its name.
    pub fn row(&self, session_id: &str, message_id: &str) -> Option<&TranscriptEntry> {
        let rows = self.sessions.get(session_id)?.rows.iter().rev();
        let mut entries = rows.map(|row| &row.entry);
        entries.find(|entry| entry.message_id == message_id)
    }

    /// Whether this row, or what is new of it, fits in.
    pub fn has_room_for(&self, session_id: &str, entry: &TranscriptEntry) -> bool {
        let known = self.row(session_id, &entry.message_id);
        self.room(session_id).take(known, entry)
    }

    /// The room that there is for rows of a thread.
    pub fn room(&self, session_id: &str) -> Room {
        let rows = self.sessions.get(session_id).map_or(0, |it| it.rows.len());
        Room {
            rows: MAX_ROWS.saturating_sub(rows),
            bytes: MAX_BYTES.saturating_sub(self.row_bytes),
        }
    }

    /// Whether the person lets exactly this run.
    pub fn trusts(&self, agent_id: &AgentId, digest: &Digest) -> bool {
        let known = self.trusted.get(agent_id);
        known.is_some_and(|known| known.contains(digest))
    }

    fn trust(&mut self, agent_id: &AgentId, digest: &Digest) {
        let known = self.trusted.entry(agent_id.clone()).or_default();
        known.retain(|it| it != digest);
        known.push(digest.clone());
        let excess = known.len().saturating_sub(MAX_TRUSTED);
        known.drain(..excess);
    }

    fn session(&mut self, id: &str) -> &mut Session {
        self.sessions.entry(id.to_owned()).or_default()
    }

    fn upsert(&mut self, at: DateTime<Utc>, session_id: &str, entry: &TranscriptEntry) {
        let rows = &mut self.session(session_id).rows;
        let id = &entry.message_id;
        // The newest rows are those that change.
        let known = rows.iter_mut().rev().find(|it| &it.entry.message_id == id);
        let before = known.as_ref().map_or(0, |it| it.entry.bytes());
        match known {
            Some(row) => row.entry.take(entry.clone()),
            None => rows.push(Row {
                at,
                entry: entry.clone(),
            }),
        }
        self.row_bytes += entry.bytes();
        self.row_bytes -= before;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::{Value, json};

    fn happened() -> Vec<Value> {
        let controls = serde_json::to_value(Controls::default()).unwrap();
        let row = |id: &str| {
            json!({ "messageId": id, "turnId": "t", "role": "assistant", "type": "note", "content": "said",
                "details": "{}", "startedAt": 1, "status": "complete" })
        };
        let project = json!({ "projectId": "p", "name": "One", "workingDirectory": "/w",
            "createdAt": "2026-01-02T03:04:05Z", "updatedAt": "2026-01-02T03:04:05Z" });
        let job = |id: &str| {
            json!({ "id": id, "type": "suggest_request", "payload": { "sessionId": "s", "requestKey": "r" },
                "version": 1, "projectId": "p", "sourceSessionId": "s", "priority": "interactive", "state": "queued",
                "dedupeKey": "d", "attempts": 0, "maxAttempts": 3, "interruptions": 0, "createdAt": "2026-01-02T03:04:05Z",
                "runningContext": {} })
        };
        let key = json!({ "actor": "a", "sessionId": "s", "key": "k" });
        vec![
            json!({ "event": "project_created", "project": project }),
            json!({ "event": "session_started", "session_id": "s", "project_id": "p", "controls": controls, "settings": { "x": [1] } }),
            json!({ "event": "session_started", "session_id": "gone", "forked_from": "s", "controls": controls }),
            json!({ "event": "row_upserted", "session_id": "s", "entry": row("m") }),
            json!({ "event": "row_upserted", "session_id": "s", "entry": row("n") }),
            json!({ "event": "session_deleted", "session_id": "gone", "title": "Old", "kept_for_copies": true }),
            json!({ "event": "settings_set", "scope": "default", "settings": { "y": null } }),
            json!({ "event": "extension_trusted", "agent_id": "agent", "digest": "ab" }),
            json!({ "event": "job_queued", "job": job("one") }),
            json!({ "event": "job_queued", "job": job("two") }),
            json!({ "event": "job_started", "job_id": "one" }),
            json!({ "event": "job_completed", "job_id": "one", "result": { "z": 1.5 } }),
            json!({ "event": "action_claimed", "key": key, "digest": "d" }),
            json!({ "event": "action_done", "key": key, "result": { "actionType": "t", "status": "performed" } }),
            json!({ "event": "worker_begun", "project_id": "p", "agent": "a", "thread_id": "w" }),
            json!({ "event": "worker_used", "thread_id": "w", "tokens": 7 }),
        ]
    }

    #[test]
    fn what_is_written_into_a_snapshot_is_read_back() {
        let mut state = State::default();
        let ts = DateTime::<Utc>::UNIX_EPOCH;
        for event in happened() {
            let event = serde_json::from_value(event).unwrap();
            state.apply(ts, &event);
            let text = serde_json::to_string(&state).unwrap();
            let back: State = serde_json::from_str(&text).unwrap();
            assert_eq!(back, state, "{event:?}");
        }
        assert!(state.row_bytes > 0 && !state.trusted.is_empty());
        assert_eq!((state.jobs.iter().count(), state.deleted.len()), (2, 1));
        let State {
            actions, workers, ..
        } = state;
        assert_ne!((actions, workers), (Actions::default(), Workers::default()));
    }
}
