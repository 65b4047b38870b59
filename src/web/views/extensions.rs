//! Extensions, as their page shows them: what was found, whether it runs and why not, and what a yes would let run.

use crate::domain::harness::extension::content::FileFact;
use crate::domain::harness::extension::mode::Mode;
use crate::harness::Harness;
use crate::harness::extensions::set::{Module, Trust};
use crate::harness::extensions::{Doing, Note, Worker};
use chrono::{DateTime, Utc};

/// All that were found when the set in force was loaded.
#[derive(Debug, Clone, Default)]
pub struct ExtensionList {
    /// Whether any runs.
    pub mode: Mode,
    /// Since when the set is in force.
    pub loaded_at: Option<DateTime<Utc>>,
    /// Each of them.
    pub items: Vec<ExtensionItem>,
}

/// One of them.
#[derive(Debug, Clone)]
pub struct ExtensionItem {
    /// The name of its folder.
    pub name: String,
    /// Its folder.
    pub path: String,
    /// What it says of itself, where it can be read.
    pub said: Option<ExtensionSaid>,
    /// Whether it runs.
    pub state: ExtensionState,
    /// How it stands to what the person trusts.
    pub trust: Trust,
    /// Why it was not loaded: texts of the journal's language.
    pub faults: Vec<String>,
    /// Events that it registers and does not declare.
    pub undeclared: Vec<String>,
    /// What it hears of.
    pub hears: Vec<String>,
    /// Events that wait for it.
    pub queued: usize,
    /// Signals that it did not keep up with.
    pub dropped: u64,
    /// What happened to it, newest last.
    pub notes: Vec<Note>,
}

/// What an extension says of itself, and what lies in its folder: a yes is for exactly this.
#[derive(Debug, Clone)]
pub struct ExtensionSaid {
    /// Who it is.
    pub agent_id: String,
    /// What a person calls it.
    pub display_name: String,
    /// Its version.
    pub version: String,
    /// Its program with the arguments.
    pub command: String,
    /// What it declares to hear of.
    pub events: Vec<String>,
    /// What it declares to ask for.
    pub actions: Vec<String>,
    /// Its files as one name.
    pub digest: String,
    /// Its files.
    pub files: Vec<FileFact>,
}

/// Whether an extension runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExtensionState {
    /// It does.
    Running,
    /// It failed, and is started again then.
    Waiting(DateTime<Utc>),
    /// Something is wrong with it.
    Failed,
    /// None runs.
    SwitchedOff,
    /// Nobody trusts it yet.
    Untrusted,
    /// Something else of it is trusted.
    Changed,
    /// It is over with it.
    Ended,
}

impl ExtensionState {
    /// Its name on the page.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Waiting(_) => "waiting",
            Self::Failed => "failed",
            Self::SwitchedOff => "switched_off",
            Self::Untrusted => "untrusted",
            Self::Changed => "changed",
            Self::Ended => "ended",
        }
    }

    fn of(module: &Module) -> Self {
        let is_off = module.mode == Mode::Disabled;
        match (module.doing(), module.trust) {
            (Some(Doing::Running), _) => Self::Running,
            (Some(Doing::Waiting { until }), _) => Self::Waiting(until),
            _ if !module.faults.is_empty() => Self::Failed,
            (_, Trust::Untrusted) => Self::Untrusted,
            (_, Trust::Changed) => Self::Changed,
            _ if is_off => Self::SwitchedOff,
            (Some(Doing::Ended) | None, Trust::Trusted | Trust::Unknown) => Self::Ended,
        }
    }
}

impl ExtensionItem {
    /// Whether what lies there now can be trusted.
    pub fn may_be_trusted(&self) -> bool {
        matches!(self.trust, Trust::Untrusted | Trust::Changed)
    }

    /// Whether anything of it is trusted.
    pub fn is_trusted(&self) -> bool {
        matches!(self.trust, Trust::Trusted | Trust::Changed)
    }

    fn of(module: &Module) -> Self {
        let worker = module.worker.as_ref();
        let hears = |it: &Worker| {
            let all = it.registrations.iter();
            all.map(|it| it.event.clone()).collect()
        };
        Self {
            name: module.name.clone(),
            path: module.path.display().to_string(),
            said: module
                .said
                .as_ref()
                .map(|(manifest, digest)| ExtensionSaid {
                    agent_id: manifest.agent_id.to_string(),
                    display_name: manifest.display_name.clone(),
                    version: manifest.version.clone(),
                    command: manifest.command.join(" "),
                    events: manifest.capabilities.events.clone(),
                    actions: manifest.capabilities.actions.clone(),
                    digest: digest.to_string(),
                    files: module.files.clone(),
                }),
            state: ExtensionState::of(module),
            trust: module.trust,
            faults: module
                .faults
                .iter()
                .map(|it| it.message.to_string())
                .collect(),
            undeclared: module.undeclared.clone(),
            hears: worker.map(|it| hears(it)).unwrap_or_default(),
            queued: worker.map_or(0, |it| it.queue.len()),
            dropped: worker.map_or(0, |it| it.queue.dropped()),
            notes: module.notes(),
        }
    }
}

impl ExtensionList {
    /// Them as they are now.
    pub fn of(harness: &Harness) -> Self {
        let set = harness.extensions().set;
        Self {
            mode: harness.core.policy().ceilings.extensions,
            loaded_at: set.loaded_at,
            items: set.modules.iter().map(ExtensionItem::of).collect(),
        }
    }
}
