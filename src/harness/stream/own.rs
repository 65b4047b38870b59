//! What happens here, as events: records of the journal of the harness, and how Codex stands.

use super::frames::Own;
use super::jobs;
use crate::codex::Status;
use crate::domain::harness::controls::Controls;
use crate::domain::harness::event::{Event, Provenance, Scope};
use crate::domain::harness::extension::manifest::AgentId;
use crate::domain::harness::job::{Job, JobId};
use crate::domain::harness::project::{Project, ProjectId};
use crate::domain::harness::row::{RowStatus, TranscriptEntry};
use crate::domain::harness::state::Tombstone;
use crate::harness::refused::Refused;
use crate::harness::suggestions;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value};

#[derive(Serialize)]
struct Upserted<'a> {
    project: &'a Project,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ProjectDeleted<'a> {
    project_id: &'a ProjectId,
    /// Those that left it with this; they are told of one by one before.
    session_ids: [&'a str; 0],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Created<'a> {
    session_id: &'a str,
    project_id: Option<&'a ProjectId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    forked_from: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Assigned<'a> {
    session_id: &'a str,
    project_id: Option<&'a ProjectId>,
}

/// Controls or settings of a session, or those that new ones begin with.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Set<'a> {
    scope: &'static str,
    session_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    controls: Option<&'a Controls>,
    #[serde(skip_serializing_if = "Option::is_none")]
    settings: Option<&'a Map<String, Value>>,
    #[serde(flatten)]
    by: &'a Provenance,
}

impl<'a> Set<'a> {
    fn of(scope: &'a Scope, by: &'a Provenance) -> Self {
        let (scope, session_id) = match scope {
            Scope::Default => ("default", None),
            Scope::Session(id) => ("session", Some(id.as_str())),
        };
        Self {
            scope,
            session_id,
            controls: None,
            settings: None,
            by,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Transcript<'a> {
    thread_id: &'a str,
    turn_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<&'a str>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entry: Option<&'a TranscriptEntry>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Suggested<'a> {
    session_id: &'a str,
    request_key: &'a str,
    status: RowStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    suggestion: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Reloaded<'a> {
    reload_id: &'a str,
    result: &'a str,
    version_before: u64,
    version_after: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExtensionEnded<'a> {
    agent_id: &'a AgentId,
    reason: &'a str,
    retry_at: DateTime<Utc>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Runtime<'a> {
    state: &'static str,
    running: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_at: Option<DateTime<Utc>>,
}

/// What a record of the journal of the harness is told as; what is known of a job it looks up.
pub fn of_record(
    at: DateTime<Utc>,
    event: &Event,
    job: impl FnOnce(&JobId) -> Option<Job>,
) -> Vec<Own> {
    if let Some(id) = event.job_id() {
        return jobs::of_record(at, event, job(id).as_ref())
            .into_iter()
            .collect();
    }
    match event {
        Event::ProjectCreated { project } | Event::ProjectRenamed { project } => {
            vec![Own::new("project_upserted", None, &Upserted { project }).for_everybody()]
        }
        Event::ProjectDeleted { project_id } => {
            let deleted = ProjectDeleted {
                project_id,
                session_ids: [],
            };
            vec![Own::new("project_deleted", None, &deleted).for_everybody()]
        }
        Event::SessionStarted {
            session_id,
            forked_from,
            project_id,
            ..
        } => {
            let created = Created {
                session_id,
                project_id: project_id.as_ref(),
                forked_from: forked_from.as_deref(),
            };
            vec![Own::new("session_created", Some(session_id), &created)]
        }
        Event::SessionAssigned {
            session_id,
            project_id,
        } => {
            let assigned = Assigned {
                session_id,
                project_id: project_id.as_ref(),
            };
            let own = Own::new("session_project_updated", Some(session_id), &assigned);
            vec![own.for_everybody()]
        }
        Event::SessionDeleted {
            session_id,
            title,
            kept_for_copies,
        } => {
            let tombstone = Tombstone {
                title: title.clone(),
                deleted_at: at,
                kept_for_copies: *kept_for_copies,
            };
            let body = Refused::deleted(session_id, &tombstone).body();
            vec![Own::new("session_deleted", Some(session_id), &body).for_everybody()]
        }
        Event::ControlsSet {
            scope,
            controls,
            by,
        } => {
            let set = Set {
                controls: Some(controls),
                ..Set::of(scope, by)
            };
            vec![Own::new("session_controls_updated", set.session_id, &set)]
        }
        Event::SettingsSet {
            scope,
            settings,
            by,
        } => {
            let set = Set {
                settings: Some(settings),
                ..Set::of(scope, by)
            };
            vec![Own::new("session_settings_updated", set.session_id, &set)]
        }
        Event::RowUpserted { session_id, entry } => of_row(session_id, entry),
        Event::RowsDropped {
            session_id,
            turn_ids,
        } => {
            let dropped = turn_ids.iter().map(|turn_id| {
                let dropped = Transcript {
                    thread_id: session_id,
                    turn_id,
                    message_id: None,
                    kind: None,
                    entry: None,
                };
                Own::new("transcript_updated", Some(session_id), &dropped)
            });
            dropped.collect()
        }
        Event::ExtensionsReloaded {
            reload_id,
            result,
            version_before,
            version_after,
            ..
        } => {
            let reloaded = Reloaded {
                reload_id,
                result,
                version_before: *version_before,
                version_after: *version_after,
            };
            vec![Own::new("extensions_reloaded", None, &reloaded)]
        }
        Event::ExtensionEnded {
            agent_id,
            reason,
            retry_at,
        } => {
            let ended = ExtensionEnded {
                agent_id,
                reason,
                retry_at: *retry_at,
            };
            vec![Own::new("extension_ended", None, &ended)]
        }
        // The jobs were told of above; the others are nobody's news.
        Event::JobQueued { .. }
        | Event::JobMerged { .. }
        | Event::JobStarted { .. }
        | Event::JobTurnBegun { .. }
        | Event::JobRetried { .. }
        | Event::JobCompleted { .. }
        | Event::JobFailed { .. }
        | Event::JobCancelAsked { .. }
        | Event::JobCanceled { .. }
        | Event::ActionClaimed { .. }
        | Event::ActionDone { .. }
        | Event::ExtensionTrusted { .. }
        | Event::ExtensionDistrusted { .. }
        | Event::WorkerBegun { .. }
        | Event::WorkerTold { .. }
        | Event::WorkerHeard { .. }
        | Event::WorkerUsed { .. }
        | Event::SessionPurged { .. }
        | Event::AutomaticDecision { .. }
        | Event::CeilingMet { .. } => Vec::new(),
    }
}

fn of_row(session_id: &str, entry: &TranscriptEntry) -> Vec<Own> {
    let updated = Transcript {
        thread_id: session_id,
        turn_id: &entry.turn_id,
        message_id: Some(&entry.message_id),
        kind: Some(&entry.kind),
        entry: Some(entry),
    };
    let mut all = vec![Own::new("transcript_updated", Some(session_id), &updated)];
    if let Some((request_key, told)) = suggestions::of_row(entry) {
        let suggested = Suggested {
            session_id,
            request_key,
            status: told.status,
            suggestion: told.suggestion,
            error: told.error,
        };
        let own = Own::new("suggested_request_updated", Some(session_id), &suggested);
        all.push(own);
    }
    all
}

/// How Codex stands.
pub fn of_runtime(status: &Status) -> Own {
    let (state, pid, reason, retry_at) = match status {
        Status::Idle => ("idle", None, None, None),
        Status::Starting => ("starting", None, None, None),
        Status::Ready { pid, .. } => ("ready", Some(*pid), None, None),
        Status::Down { reason, retry_at } => ("down", None, Some(reason.as_str()), Some(*retry_at)),
        Status::Unavailable { reason } => ("unavailable", None, Some(reason.as_str()), None),
        Status::Stopped => ("stopped", None, None, None),
    };
    let runtime = Runtime {
        state,
        running: pid.is_some(),
        pid,
        reason,
        retry_at,
    };
    Own::new("runtime_state", None, &runtime)
}
