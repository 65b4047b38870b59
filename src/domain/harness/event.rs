//! What can happen in the harness: the events of its own journal. A field's name is that of the API.

use super::action::{ActionResult, KeyId};
use super::automatic::{Risk, Side};
use super::controls::{Controls, Settings};
use super::extension::content::Digest;
use super::extension::manifest::AgentId;
use super::job::{Again, Canceled, Job, JobId, Work};
use super::project::{Project, ProjectId};
use super::row::TranscriptEntry;
use super::worker::telling::Telling;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Whose controls or settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Those that new threads begin with.
    Default,
    /// Those of one thread.
    Session(String),
}

/// Who changed something, by their own account; who they are stands with the record, as its `actor`, so that this has an object of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// A name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// A program, or a place in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

impl Provenance {
    /// Whether nothing was said.
    pub fn is_none(&self) -> bool {
        self.actor.is_none() && self.source.is_none()
    }
}

/// One event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A project was made.
    ProjectCreated {
        /// The project.
        project: Project,
    },
    /// A project has another name or another place.
    ProjectRenamed {
        /// The project as it is now.
        project: Project,
    },
    /// A project is gone; no thread was in it.
    ProjectDeleted {
        /// Which.
        project_id: ProjectId,
    },
    /// A thread was begun here, by a start or as a copy.
    SessionStarted {
        /// Codex's thread.
        session_id: String,
        /// What it was copied from.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        forked_from: Option<String>,
        /// Its project from the beginning.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        project_id: Option<ProjectId>,
        /// What it begins with.
        controls: Controls,
        /// What it begins with.
        #[serde(default, skip_serializing_if = "Settings::is_empty")]
        settings: Settings,
    },
    /// A thread is in another project, or in none.
    SessionAssigned {
        /// Codex's thread.
        session_id: String,
        /// The project.
        project_id: Option<ProjectId>,
    },
    /// A thread was deleted here: for everybody it is gone.
    SessionDeleted {
        /// Codex's thread.
        session_id: String,
        /// What it was called.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        title: Option<String>,
        /// Codex still has it: it is about to be removed there, or copies need its history.
        #[serde(default)]
        kept_for_copies: bool,
    },
    /// Codex has nothing of a deleted thread any more.
    SessionPurged {
        /// Codex's thread.
        session_id: String,
    },
    /// Controls were set.
    ControlsSet {
        /// Whose.
        scope: Scope,
        /// All of them.
        controls: Controls,
        /// By their own account.
        #[serde(default, skip_serializing_if = "Provenance::is_none")]
        by: Provenance,
    },
    /// Settings were set.
    SettingsSet {
        /// Whose.
        scope: Scope,
        /// All of them, as they are now.
        settings: Settings,
        /// By their own account.
        #[serde(default, skip_serializing_if = "Provenance::is_none")]
        by: Provenance,
    },
    /// A row was written.
    RowUpserted {
        /// Codex's thread.
        session_id: String,
        /// The row, as it is now.
        entry: TranscriptEntry,
    },
    /// Rows went with the turns that were taken back.
    RowsDropped {
        /// Codex's thread.
        session_id: String,
        /// The turns.
        turn_ids: Vec<String>,
    },
    /// Somebody asked for more than a person allows.
    CeilingMet {
        /// Codex's thread, where there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        session_id: Option<String>,
        /// What was asked for.
        asked: String,
    },
    /// Somebody who is no person wanted to decide about an approval. Whether it was theirs to decide in the end, the other journal has.
    AutomaticDecision {
        /// Codex's thread.
        session_id: String,
        /// The approval.
        approval_id: String,
        /// What they are: `extension` or `worker`.
        role: String,
        /// What they wanted.
        decision: Side,
        /// What could go wrong, by their own account.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        risk: Option<Risk>,
        /// Why, by their own account.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// The threshold of the session by which it was allowed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        threshold: Option<Risk>,
        /// `allowed`, or why not.
        result: String,
    },
    /// The set of extensions was to be loaded anew.
    ExtensionsReloaded {
        /// Its name in the API.
        reload_id: String,
        /// The role of whoever asked.
        role: String,
        /// `ok`, or why the set before stays.
        result: String,
        /// Of the set before.
        version_before: u64,
        /// Of the set in force now.
        version_after: u64,
    },
    /// The person lets a content of an extension run.
    ExtensionTrusted {
        /// Who the extension is.
        agent_id: AgentId,
        /// Its files, as one name.
        digest: Digest,
    },
    /// The person lets no content of an extension run any more.
    ExtensionDistrusted {
        /// Who the extension is.
        agent_id: AgentId,
    },
    /// An extension's process ended or was ended while it was wanted.
    ExtensionEnded {
        /// Who the extension is.
        agent_id: AgentId,
        /// Why.
        reason: String,
        /// When it is started again.
        retry_at: DateTime<Utc>,
    },
    /// A job came into the queue.
    JobQueued {
        /// The job, as it waits.
        job: Box<Job>,
    },
    /// A job that waits asks for something else now: another one that is the same came.
    JobMerged {
        /// Which.
        job_id: JobId,
        /// What it asks for.
        work: Work,
    },
    /// An attempt began.
    JobStarted {
        /// Which.
        job_id: JobId,
    },
    /// A job does its work in Codex.
    JobTurnBegun {
        /// Which.
        job_id: JobId,
        /// Codex's thread.
        thread_id: String,
        /// Its turn, where one is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        turn_id: Option<String>,
    },
    /// A job waits again.
    JobRetried {
        /// Which.
        job_id: JobId,
        /// Why.
        why: Again,
        /// Before then it is not tried.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        next_attempt_at: Option<DateTime<Utc>>,
    },
    /// A job has its result; what it did stands in the same batch.
    JobCompleted {
        /// Which.
        job_id: JobId,
        /// What came of it.
        result: Value,
    },
    /// A job will have no result.
    JobFailed {
        /// Which.
        job_id: JobId,
        /// The cause, for programs.
        code: String,
        /// The cause, for people.
        message: String,
    },
    /// A job that runs is to be taken back.
    JobCancelAsked {
        /// Which.
        job_id: JobId,
        /// Why.
        why: Canceled,
    },
    /// An action under a key is about to be performed.
    ActionClaimed {
        /// Whose key.
        key: KeyId,
        /// Of what it does: another one under this key is another action.
        digest: String,
    },
    /// An action under a key was performed, or not.
    ActionDone {
        /// Whose key.
        key: KeyId,
        /// What came of it.
        result: ActionResult,
    },
    /// A worker has a thread; the one before, where there was one, is its own no more.
    WorkerBegun {
        /// The project that it works for.
        project_id: ProjectId,
        /// The agent that it is.
        agent: String,
        /// Codex's thread.
        thread_id: String,
    },
    /// A worker is about to be told something.
    WorkerTold {
        /// Codex's thread.
        thread_id: String,
        /// What.
        told: Telling,
    },
    /// What a worker was told has arrived.
    WorkerHeard {
        /// Codex's thread.
        thread_id: String,
        /// The message.
        message_id: String,
    },
    /// What a thread of a worker has taken in its life.
    WorkerUsed {
        /// Codex's thread.
        thread_id: String,
        /// Tokens.
        tokens: u64,
    },
    /// A job was taken back.
    JobCanceled {
        /// Which.
        job_id: JobId,
        /// Why.
        why: Canceled,
    },
}

impl Event {
    /// The job that this happened to.
    pub fn job_id(&self) -> Option<&JobId> {
        match self {
            Self::JobQueued { job } => Some(&job.id),
            Self::JobMerged { job_id, .. }
            | Self::JobStarted { job_id }
            | Self::JobTurnBegun { job_id, .. }
            | Self::JobRetried { job_id, .. }
            | Self::JobCompleted { job_id, .. }
            | Self::JobFailed { job_id, .. }
            | Self::JobCancelAsked { job_id, .. }
            | Self::JobCanceled { job_id, .. } => Some(job_id),
            _ => None,
        }
    }
}
