//! Codex, as a person needs to know it.

use crate::codex::Status;
use crate::codex::features::{Feature, Lack};
use crate::domain::language::Language;
use crate::domain::sentence::say;
use crate::sessions::agents::Agents;
use crate::threads::Abilities;
use serde::Serialize;

/// Codex, as a person needs to know it.
#[derive(Debug, Clone, Serialize)]
pub struct CodexView {
    /// `untrusted`, `starting`, `ready`, `down`, `unavailable`, `stopped` or `unused`.
    pub state: &'static str,
    /// Why, and what to do.
    pub reason: Option<String>,
    /// What it says it is.
    pub user_agent: Option<String>,
    /// What this version of it cannot do, and is switched off for that reason; null while that is not known.
    pub lacks: Option<Vec<LackView>>,
}

/// Something that the installed Codex cannot do.
#[derive(Debug, Clone, Serialize)]
pub struct LackView {
    /// Which.
    pub feature: Feature,
    /// The methods that it does not have.
    pub methods: Vec<&'static str>,
    /// What that means.
    pub loss: String,
}

impl CodexView {
    /// As it stands at this moment.
    pub fn of(agents: &Agents, language: Language) -> Self {
        let (state, reason, user_agent) = match &agents.threads.codex {
            // Nobody asked for it: no fault, and nothing to mend.
            Err(_) if !agents.core.policy().uses_codex() => ("unused", None, None),
            Err(reason) => ("unavailable", Some(reason.get(language).to_owned()), None),
            Ok(codex) => match &*codex.status().borrow() {
                Status::Idle if agents.permission().is_given() => ("starting", None, None),
                Status::Idle => ("untrusted", Some(not_started(agents, language)), None),
                Status::Starting => ("starting", None, None),
                Status::Ready { user_agent, .. } => ("ready", None, Some(user_agent.clone())),
                Status::Down { reason, .. } => ("down", Some(reason.clone()), None),
                Status::Unavailable { reason } => ("unavailable", Some(reason.clone()), None),
                Status::Stopped => ("stopped", None, None),
            },
        };
        Self {
            state,
            reason,
            user_agent,
            lacks: lacks(&agents.threads.abilities(), language),
        }
    }
}

fn lacks(abilities: &Abilities, language: Language) -> Option<Vec<LackView>> {
    let Abilities::AllBut(lacks) = abilities else {
        return None;
    };
    let view = |lack: &Lack| LackView {
        feature: lack.feature,
        methods: lack.methods.clone(),
        loss: lack.feature.loss().text(language),
    };
    Some(lacks.iter().map(view).collect())
}

/// What is known of Codex before it may run, and what is not.
fn not_started(agents: &Agents, language: Language) -> String {
    let program = agents.threads.program.display();
    say!("codex.not_started", program).text(language)
}
