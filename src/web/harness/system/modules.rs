//! Extensions as they are shown.

use crate::domain::harness::extension::compatibility::{CORE_API, PROFILE};
use crate::domain::harness::extension::manifest::{FILE, Manifest};
use crate::harness::extensions::{Doing, Note, Worker, set};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

/// An extension that was found.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Module {
    /// The name of its folder.
    module_name: String,
    /// The name of its package.
    name: String,
    /// Its version.
    version: String,
    /// Who it is.
    agent_id: String,
    /// What a person calls it.
    display_name: String,
    /// Where its manifest is.
    manifest_path: String,
    /// Where its program is, or how it is started.
    entrypoint_path: Option<String>,
    /// What it hears of, once it runs.
    events: Vec<String>,
    /// Where it comes from.
    origin: ModuleOrigin,
    /// Whether it fits to this server.
    compatibility: ModuleCompatibility,
    /// What it declares.
    capabilities: ModuleCapabilities,
    /// How it stands to what the person trusts.
    trust: ModuleTrust,
    /// `running`, `waiting` (it failed, and is started again at `retryAt`), or `off`.
    #[schema(example = "running")]
    state: &'static str,
    /// When it is started again.
    retry_at: Option<DateTime<Utc>>,
    /// Events that wait for it.
    queued: usize,
    /// Signals that it did not keep up with, and was not told of.
    dropped: u64,
    /// Why it does not run, and what happened to it, newest last.
    diagnostics: Vec<ModuleDiagnostic>,
}

/// Where an extension comes from.
#[derive(Serialize, ToSchema)]
struct ModuleOrigin {
    /// `repository`, or `folder` for one that the person named.
    #[serde(rename = "type")]
    #[schema(example = "repository")]
    kind: &'static str,
    /// Its folder.
    path: String,
}

/// Whether an extension fits to this server.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ModuleCompatibility {
    /// The API that it was written for.
    api_version: Option<String>,
    /// A range of it.
    api_version_range: Option<String>,
    /// The API that is here.
    runtime_version: String,
    /// The profile that is here.
    profile_id: &'static str,
    /// The version of that which it was written for.
    profile_version: Option<String>,
    /// Whether it fits.
    compatible: bool,
    /// Why it does not.
    reasons: Vec<String>,
}

/// What an extension declares.
#[derive(Serialize, ToSchema)]
struct ModuleCapabilities {
    /// What it hears of.
    events: Vec<String>,
    /// What it asks for.
    actions: Vec<String>,
}

/// How an extension stands to what the person trusts.
#[derive(Serialize, ToSchema)]
struct ModuleTrust {
    /// How strictly its word is held: `disabled`, `warn` or `enforced`.
    #[schema(example = "enforced")]
    mode: &'static str,
    /// `trusted`, `untrusted`, `changed` since it was trusted, or `unknown` where it cannot be read.
    #[schema(example = "trusted")]
    status: &'static str,
    /// Its files as one name: a yes is for exactly these.
    digest: Option<String>,
    /// What it does that it does not declare.
    warnings: Vec<String>,
    /// What it was refused for.
    errors: Vec<String>,
}

/// Something that happened to an extension.
#[derive(Serialize, ToSchema)]
struct ModuleDiagnostic {
    /// When; `null` for why it was not loaded.
    at: Option<DateTime<Utc>>,
    /// `info`, `warning` or `error`.
    #[schema(example = "error")]
    level: &'static str,
    /// What kind of thing.
    #[schema(example = "handler_error")]
    code: &'static str,
    /// What.
    message: String,
    /// The end of what it said on standard error.
    stderr: Option<String>,
    /// How often in a row.
    times: u64,
}

impl Module {
    pub(super) fn of(module: &set::Module) -> Self {
        let manifest = module.said.as_ref().map(|(manifest, _)| manifest);
        let text = |of: fn(&Manifest) -> &String| manifest.map(of).cloned().unwrap_or_default();
        let worker = module.worker.as_ref();
        let (state, retry_at) = match module.doing() {
            Some(Doing::Running) => ("running", None),
            Some(Doing::Waiting { until }) => ("waiting", Some(until)),
            Some(Doing::Ended) | None => ("off", None),
        };
        let compatibility = &module.compatibility;
        let faults = module.faults.iter();
        let denied = faults.clone().filter(|it| it.code.word() == "trust_denied");
        let mut diagnostics: Vec<_> = faults
            .map(|fault| ModuleDiagnostic {
                at: None,
                level: "error",
                code: fault.code.word(),
                message: fault.message.to_string(),
                stderr: None,
                times: 1,
            })
            .collect();
        diagnostics.extend(module.notes().into_iter().map(ModuleDiagnostic::of));
        Self {
            module_name: module.name.clone(),
            name: text(|it| &it.name),
            version: text(|it| &it.version),
            agent_id: text(|it| &it.agent_id.0),
            display_name: text(|it| &it.display_name),
            manifest_path: module.path.join(FILE).display().to_string(),
            entrypoint_path: manifest.map(|it| entrypoint(module, it)),
            events: worker.map(|it| events(it)).unwrap_or_default(),
            origin: ModuleOrigin {
                kind: module.origin.word(),
                path: module.path.display().to_string(),
            },
            compatibility: ModuleCompatibility {
                api_version: compatibility.api_version.clone(),
                api_version_range: compatibility.api_version_range.clone(),
                runtime_version: CORE_API.to_string(),
                profile_id: PROFILE,
                profile_version: compatibility.profile.clone().and_then(|(_, it)| it),
                compatible: compatibility.is_compatible(),
                reasons: compatibility
                    .reasons
                    .iter()
                    .map(ToString::to_string)
                    .collect(),
            },
            capabilities: ModuleCapabilities {
                events: manifest
                    .map(|it| it.capabilities.events.clone())
                    .unwrap_or_default(),
                actions: manifest
                    .map(|it| it.capabilities.actions.clone())
                    .unwrap_or_default(),
            },
            trust: ModuleTrust {
                mode: module.mode.word(),
                status: module.trust.word(),
                digest: module.said.as_ref().map(|(_, digest)| digest.to_string()),
                warnings: module.undeclared.clone(),
                errors: denied.map(|it| it.message.to_string()).collect(),
            },
            state,
            retry_at,
            queued: worker.map_or(0, |it| it.queue.len()),
            dropped: worker.map_or(0, |it| it.queue.dropped()),
            diagnostics,
        }
    }
}

impl ModuleDiagnostic {
    fn of(note: Note) -> Self {
        Self {
            at: Some(note.at),
            level: note.level.word(),
            code: note.code,
            message: note.message,
            stderr: note.complaints,
            times: note.times,
        }
    }
}

fn entrypoint(module: &set::Module, manifest: &Manifest) -> String {
    match &manifest.entrypoints.events {
        Some(path) => module.path.join(path).display().to_string(),
        None => manifest.command.join(" "),
    }
}

fn events(worker: &Worker) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for registration in &worker.registrations {
        // Several handlers may hear of the same.
        if !all.contains(&registration.event) {
            all.push(registration.event.clone());
        }
    }
    all
}

/// An extension that runs.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct LoadedModule {
    /// The name of its package.
    name: String,
    /// Its version.
    version: String,
    /// Who it is.
    agent_id: String,
    /// What it hears of.
    events: Vec<String>,
}

impl LoadedModule {
    pub(super) fn of(worker: &Worker) -> Self {
        Self {
            name: worker.manifest.name.clone(),
            version: worker.manifest.version.clone(),
            agent_id: worker.agent_id.0.clone(),
            events: events(worker),
        }
    }
}
