//! Whether an extension does what a server expects of it: loaded as the server loads it, told of made events, and its answers held against
//! what may be asked for. Nothing of what it asks for is done.

use super::finding::{self, Content};
use super::launch::{Ground, Launch, Process};
use super::live::{Told, Trouble};
use super::samples;
use crate::domain::harness::action::{ActionType, Scope};
use crate::domain::harness::extension::compatibility::{CORE_API, Compatibility, Host};
use crate::domain::harness::extension::fault::{Code, Fault};
use crate::domain::harness::extension::manifest::Manifest;
use crate::domain::harness::extension::mode::{Allowed, Mode, allowed};
use crate::domain::harness::extension::registration::{Registration, SUGGEST_REQUESTED};
use crate::domain::harness::extension::reply::{self, Reply};
use crate::domain::sentence::{Sentence, say};
use crate::harness::queue::read_work;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use std::path::{Path, PathBuf};
use tokio::time::Instant;

/// The action that queues a job.
const ENQUEUE: &str = "queue.enqueue";

/// What was found out.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// When.
    pub generated_at: DateTime<Utc>,
    /// The version of the API for extensions.
    pub core_version: String,
    /// The extension.
    pub fixture_path: PathBuf,
    /// Once for each kind of server.
    pub profiles: Vec<OfProfile>,
    /// Whether it runs on every kind, and queues a job when a suggestion is asked for.
    pub portable_extension: bool,
}

/// What was found out on one kind of server.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OfProfile {
    /// Its name.
    pub profile_id: &'static str,
    /// Its version.
    pub profile_version: String,
    /// In one word.
    pub status: Status,
    /// Extensions that run.
    pub loaded_module_count: usize,
    /// What it does when a suggestion is asked for.
    pub enqueue_status: Enqueued,
    /// What kind of job it queues then.
    pub enqueue_job_type: Option<String>,
    /// How it took each event, by handler.
    pub events: Vec<OfEvent>,
    /// What is not as it has to be.
    pub errors: Vec<Problem>,
}

/// How it goes with a kind of server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It does what is expected.
    Passed,
    /// It was written for another kind.
    Incompatible,
    /// Something is wrong.
    Failed,
}

/// What comes of the event that asks for a suggestion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Enqueued {
    /// It does not hear of it.
    NotRegistered,
    /// It queues nothing.
    Nothing,
    /// It queues one job.
    Enqueued,
    /// It queues more.
    Several,
}

/// How a handler took an event.
#[derive(Debug, Serialize)]
pub struct OfEvent {
    /// The event.
    pub event: String,
    /// How long that took.
    pub milliseconds: u128,
    /// What it answered, by kind.
    pub results: Vec<String>,
}

/// What is not as it has to be.
#[derive(Debug, Serialize)]
pub struct Problem {
    /// Its kind, as in the list of extensions.
    pub code: &'static str,
    /// In words.
    pub message: String,
}

impl Report {
    /// Whether it does here what is expected of it.
    pub fn is_fine(&self) -> bool {
        let mut all = self.profiles.iter();
        let ours = |it: &OfProfile| it.profile_id == Host::OURS.name;
        all.clone().all(|it| it.status != Status::Failed)
            && all.any(|it| ours(it) && it.status == Status::Passed)
    }
}

/// Runs the extension in this folder, once for each kind of server.
pub async fn check(ground: &Ground, folder: &Path) -> Report {
    let mut profiles = Vec::new();
    for host in [Host::OURS, Host::ANY] {
        let mut found = OfProfile::new(&host);
        if let Err(fault) = found.check(ground, folder, &host).await {
            found.status = match fault.code {
                Code::IncompatibleRuntime => Status::Incompatible,
                _ => Status::Failed,
            };
            found.problem(fault.code.word(), &fault.message);
        } else if !found.errors.is_empty() {
            found.status = Status::Failed;
        }
        profiles.push(found);
    }
    let is_whole =
        |it: &OfProfile| it.status == Status::Passed && it.enqueue_status == Enqueued::Enqueued;
    Report {
        generated_at: Utc::now(),
        core_version: CORE_API.to_string(),
        fixture_path: folder.to_owned(),
        portable_extension: profiles.iter().all(is_whole),
        profiles,
    }
}

impl OfProfile {
    fn new(host: &Host) -> Self {
        Self {
            profile_id: host.name,
            profile_version: host.version.to_string(),
            status: Status::Passed,
            loaded_module_count: 0,
            enqueue_status: Enqueued::NotRegistered,
            enqueue_job_type: None,
            events: Vec::new(),
            errors: Vec::new(),
        }
    }

    fn problem(&mut self, code: &'static str, message: &Sentence) {
        let message = message.to_string();
        self.errors.push(Problem { code, message });
    }

    /// Everything that can be found out; what keeps it from running at all is the error.
    async fn check(&mut self, ground: &Ground, folder: &Path, host: &Host) -> Result<(), Fault> {
        let path = folder.to_owned();
        let read = tokio::task::spawn_blocking(move || finding::one(&path));
        let read = read.await.map_err(|error| {
            let message = say!(
                "reason.extension.file_unreadable",
                path = folder.display(),
                error
            );
            Fault::new(Code::InvalidManifest, message)
        })?;
        let Content {
            manifest, files, ..
        } = read?;
        let compatibility = Compatibility::with(&manifest.runtime, host);
        if let Some(reason) = compatibility.reasons.into_iter().next() {
            return Err(Fault::new(Code::IncompatibleRuntime, reason));
        }
        let launch = Launch::prepare(ground.clone(), &manifest, files).await?;
        let (mut process, registrations) = launch.start().await?;
        for Registration { event, .. } in &registrations {
            if allowed(Mode::Enforced, &manifest.capabilities.events, event) == Allowed::Denied {
                process.live.end().await;
                let message = say!("reason.extension.undeclared_event", event);
                return Err(Fault::new(Code::TrustDenied, message));
            }
        }
        self.loaded_module_count = 1;
        for registration in &registrations {
            if !self.tell(&process, &manifest, registration).await {
                // A server would end it as well, and start it again.
                process.live.end_after_notice().await;
                process = launch.start().await?.0;
            }
        }
        // It is ended without a word, as by a server that is killed; what is started in its place is the same.
        process.live.end().await;
        let (process, again) = launch.start().await?;
        process.live.end().await;
        if again != registrations {
            let message = say!("reason.extension.registers_otherwise");
            self.problem(Code::RegistrationFailed.word(), &message);
        }
        Ok(())
    }

    /// Tells a handler of a made event; whether the process goes on.
    async fn tell(
        &mut self,
        process: &Process,
        manifest: &Manifest,
        registration: &Registration,
    ) -> bool {
        let event = registration.event.as_str();
        let payload = samples::payload(event);
        let told = Told {
            event,
            payload: &payload,
            handler: registration.handler.as_deref(),
        };
        let began = Instant::now();
        let answer = process.live.handle(told, registration.limit).await;
        let milliseconds = began.elapsed().as_millis();
        let mut results = Vec::new();
        let mut jobs = 0;
        let goes_on = !matches!(answer, Err(Trouble::Gone(_) | Trouble::TooSlow));
        match answer {
            Ok(content) => {
                for reply in reply::read(content.as_ref()) {
                    results.push(self.hold(manifest, event, reply, &mut jobs));
                }
            }
            Err(trouble) => {
                let message = match trouble {
                    Trouble::Said(said) => say!("reason.extension.handler_error", event, said),
                    Trouble::Gone(reason) => {
                        say!("reason.extension.gone_during", event, reason => reason)
                    }
                    Trouble::TooSlow => {
                        let milliseconds = registration.limit.as_millis();
                        say!("reason.extension.too_slow", event, milliseconds)
                    }
                };
                self.problem("handler_error", &message);
            }
        }
        if event == SUGGEST_REQUESTED {
            self.enqueue_status = match (self.enqueue_status, jobs) {
                (before @ (Enqueued::Enqueued | Enqueued::Several), 0) => before,
                (_, 0) => Enqueued::Nothing,
                (Enqueued::NotRegistered | Enqueued::Nothing, 1) => Enqueued::Enqueued,
                _ => Enqueued::Several,
            };
        }
        self.events.push(OfEvent {
            event: event.to_owned(),
            milliseconds,
            results,
        });
        goes_on
    }

    /// Holds a result against what may be asked for; its kind.
    fn hold(&mut self, manifest: &Manifest, event: &str, reply: Reply, jobs: &mut u32) -> String {
        let (action, payload) = match reply {
            Reply::Done => return "handler_result".to_owned(),
            Reply::Failed(said) => {
                let message = say!("reason.extension.handler_error", event, said);
                self.problem("handler_error", &message);
                return "handler_error".to_owned();
            }
            Reply::Invalid(reason) => {
                let message = say!("reason.extension.invalid_result", event, reason => reason);
                self.problem("invalid", &message);
                return "invalid".to_owned();
            }
            Reply::Action {
                action_type,
                payload,
                ..
            } => (action_type, payload),
            Reply::Enqueue { job, .. } => (ENQUEUE.to_owned(), job),
        };
        let action: String = action.chars().take(80).collect();
        let declared = &manifest.capabilities.actions;
        if allowed(Mode::Enforced, declared, &action) == Allowed::Denied {
            let message = say!(
                "reason.extension.undeclared_action",
                action = action.as_str()
            );
            self.problem("forbidden", &message);
        }
        match objection(&action, &payload) {
            Some((code, reason)) => {
                let action = action.as_str();
                let message = say!("reason.extension.not_done", action, event, reason => reason);
                self.problem(code, &message);
            }
            None if action == ENQUEUE => {
                *jobs += 1;
                if event == SUGGEST_REQUESTED {
                    self.enqueue_job_type = job_type(&payload).map(str::to_owned);
                }
            }
            None => {}
        }
        action
    }
}

fn job_type(job: &Value) -> Option<&str> {
    job["type"].as_str().or(job["jobType"].as_str())
}

/// Why an action would not be done at a made event, as far as that can be said without doing it.
fn objection(action: &str, payload: &Value) -> Option<(&'static str, Sentence)> {
    let Scope { session_id, .. } = &samples::scope();
    let out_of_scope = || Some(("forbidden", say!("reason.action.out_of_scope")));
    let Some(kind) = ActionType::named(action) else {
        return Some(("invalid", say!("reason.action.unknown")));
    };
    if !samples::scope().has(payload) {
        return out_of_scope();
    }
    if kind != ActionType::QueueEnqueue {
        return None;
    }
    if !samples::scope().has(&payload["payload"]) {
        return out_of_scope();
    }
    match read_work(
        job_type(payload).unwrap_or_default(),
        payload["payload"].clone(),
    ) {
        Ok(work) if work.session_id() == session_id => None,
        Ok(_) => out_of_scope(),
        Err(refused) => Some(("invalid", refused.message)),
    }
}
