//! Loads a set: finds what there is, holds it against what the person trusts, starts it beside the set in force, and asks it what it wants
//! to hear of.

use super::finding::{self, Content, Found};
use super::launch::Launch;
use super::set::{Module, Set, Trust};
use super::worker::Worker;
use crate::domain::harness::extension::compatibility::Compatibility;
use crate::domain::harness::extension::fault::{Code, Fault};
use crate::domain::harness::extension::manifest::AgentId;
use crate::domain::harness::extension::mode::{Allowed, Mode, allowed};
use crate::domain::sentence::{Sentence, say};
use crate::harness::Harness;
use futures_util::StreamExt as _;
use std::collections::HashMap;
use std::sync::Arc;

/// Programs that are started at once.
const AT_ONCE: usize = 4;

/// Why a set is not loaded.
#[derive(Debug, Clone)]
pub struct NotLoaded(pub Vec<(String, Fault)>);

/// What is to be done with an extension that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Then the whole set is not wanted.
    AllOrNone,
    /// It is left out, and listed with the reason.
    WhatWorks,
}

impl Harness {
    /// Loads a set. With [`Wish::AllOrNone`] nothing of one that is not wanted runs.
    ///
    /// # Errors
    /// What is wrong with each extension that fails.
    pub(super) async fn load(self: &Arc<Self>, wish: Wish) -> Result<Set, NotLoaded> {
        let policy = self.core.policy();
        let mode = policy.ceilings.extensions;
        let (repo, folders) = (
            self.core.place.repo.clone(),
            policy.ceilings.extension_folders.clone(),
        );
        let found = tokio::task::spawn_blocking(move || finding::find(&repo, &folders)).await;
        let found = found.unwrap_or_else(|error| {
            tracing::error!(%error, "extensions were not looked for");
            Err(say!("refusal.internal"))
        });
        let found = match found {
            Ok(found) => found,
            Err(reason) => {
                let fault = Fault::new(Code::InvalidManifest, reason);
                let folder = finding::FOLDER.to_owned();
                return Err(NotLoaded(vec![(folder, fault)]));
            }
        };
        let taken = self.taken(&found);
        let started = found.into_iter().zip(taken);
        let started = started.map(|(it, is_taken)| self.module(it, mode, is_taken));
        let modules: Vec<Module> = futures_util::stream::iter(started)
            .buffered(AT_ONCE)
            .collect()
            .await;
        let faults = modules.iter().flat_map(|module| {
            let faults = module.faults.iter().cloned();
            faults.map(|fault| (module.label().to_owned(), fault))
        });
        let faults: Vec<_> = faults.collect();
        let set = Set::of(modules);
        if wish == Wish::AllOrNone && mode != Mode::Disabled && !faults.is_empty() {
            set.workers().for_each(|it| it.retire());
            return Err(NotLoaded(faults));
        }
        Ok(set)
    }

    /// Which of these have an id that another one has as well. Where the person trusts one alone, that one is whom they mean: nobody takes its
    /// place by lying beside it.
    fn taken(&self, found: &[Found]) -> Vec<bool> {
        let said = |it: &Found| {
            it.content
                .as_ref()
                .ok()
                .map(|it| it.manifest.agent_id.clone())
        };
        let is_trusted = |it: &Found| {
            let content = it.content.as_ref().ok();
            content.is_some_and(|it| {
                let (agent_id, digest) = (&it.manifest.agent_id, &it.digest);
                self.ledger.read(|state| state.trusts(agent_id, digest))
            })
        };
        let mut counts: HashMap<AgentId, (usize, usize)> = HashMap::new();
        for one in found {
            if let Some(agent_id) = said(one) {
                let (all, trusted) = counts.entry(agent_id).or_default();
                *all += 1;
                *trusted += usize::from(is_trusted(one));
            }
        }
        let is_taken = |it: &Found| match said(it).map(|agent_id| counts[&agent_id]) {
            Some((all, trusted)) => all > 1 && !(trusted == 1 && is_trusted(it)),
            None => false,
        };
        found.iter().map(is_taken).collect()
    }

    async fn module(self: &Arc<Self>, found: Found, mode: Mode, is_taken: bool) -> Module {
        let mut module = Module {
            name: found.module,
            origin: found.origin,
            path: found.path,
            said: None,
            compatibility: Compatibility::default(),
            mode,
            trust: Trust::Unknown,
            undeclared: Vec::new(),
            faults: Vec::new(),
            worker: None,
        };
        let content = match found.content {
            Ok(content) => content,
            Err(fault) => {
                module.faults.push(fault);
                return module;
            }
        };
        let Content {
            manifest, digest, ..
        } = &content;
        let agent_id = manifest.agent_id.clone();
        module.said = Some((manifest.clone(), digest.clone()));
        module.compatibility = Compatibility::of(&manifest.runtime);
        module.trust = self.ledger.read(|state| {
            let known = state.trusted.contains_key(&agent_id);
            match (state.trusts(&agent_id, digest), known) {
                (true, _) => Trust::Trusted,
                (false, true) => Trust::Changed,
                (false, false) => Trust::Untrusted,
            }
        });
        if is_taken {
            let message = say!("reason.extension.id_taken", id = agent_id);
            let fault = Fault::new(Code::AgentIdConflict, message);
            module.faults.push(fault);
        }
        for reason in &module.compatibility.reasons {
            let fault = Fault::new(Code::IncompatibleRuntime, reason.clone());
            module.faults.push(fault);
        }
        let may_run = mode != Mode::Disabled && module.trust == Trust::Trusted;
        if module.faults.is_empty() && may_run {
            match self.employ(content, mode).await {
                Ok((worker, undeclared)) => {
                    module.worker = Some(worker);
                    module.undeclared = undeclared;
                }
                Err(fault) => module.faults.push(fault),
            }
        }
        module
    }

    /// Starts it and holds what it hears of against what it declares.
    async fn employ(
        self: &Arc<Self>,
        content: Content,
        mode: Mode,
    ) -> Result<(Arc<Worker>, Vec<String>), Fault> {
        let Content {
            manifest, files, ..
        } = content;
        let launch = Launch::prepare(self.ground(), &manifest, files).await?;
        let (process, registrations) = launch.start().await?;
        let mut undeclared = Vec::new();
        for registration in &registrations {
            let event = &registration.event;
            match allowed(mode, &manifest.capabilities.events, event) {
                Allowed::Declared => {}
                Allowed::Warned => undeclared.push(event.clone()),
                Allowed::Denied => {
                    process.live.end().await;
                    let message = say!("reason.extension.undeclared_event", event);
                    return Err(Fault::new(Code::TrustDenied, message));
                }
            }
        }
        let stopping = &self.extensions.stopping;
        let worker = Arc::new(Worker::new(manifest, mode, registrations, stopping));
        worker.begin(self, process, launch);
        Ok((worker, undeclared))
    }
}

impl NotLoaded {
    /// All of it in one sentence.
    pub fn sentence(&self) -> Sentence {
        let all = self.0.iter().map(|(extension, fault)| {
            say!("reason.extension.fault", extension, reason => fault.message.clone())
        });
        Sentence::list(all)
    }
}
