//! Which rules judged a change: those that were in force before it, and what the file on disk says more strictly. Owns what
//! is told about them; `governance::judging` finds them.

use serde::{Deserialize, Serialize};

use crate::domain::language::Language;
use crate::domain::rules::strictness::Difference;
use crate::domain::sentence::say;

/// Digits of a commit's id that are shown.
const SHORT: usize = 12;

/// The rules that judged one report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judges {
    /// Those in force before the change.
    pub before: Before,
    /// What `governance.yaml` on disk has to do with it.
    pub on_disk: OnDisk,
    /// The same as sentences, in the report's language.
    #[serde(default)]
    pub sentences: Vec<String>,
}

/// The rules in force before a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum Before {
    /// `governance.yaml` of the commit that the change is compared with.
    Committed {
        /// Its id.
        commit: String,
    },
    /// That commit has no such file, or there is no commit yet: what is built in.
    BuiltIn {
        /// Its id.
        commit: Option<String>,
    },
    /// That commit has a file that cannot be used; what is built in stands in for it.
    Unusable {
        /// Its id.
        commit: String,
        /// Why it cannot be used.
        reason: String,
    },
    /// Neither: whoever asked named the rules. No program of ours does.
    Given,
}

/// What `governance.yaml` on disk has to do with a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum OnDisk {
    /// It judges alike.
    Same,
    /// It is stricter, which counts.
    Stricter,
    /// It is looser, which does not count.
    Looser,
    /// Stricter in some things and looser in others.
    Mixed,
    /// It is gone, which changes nothing.
    Absent,
    /// It cannot be used and does not count.
    Unusable {
        /// Why not.
        reason: String,
    },
}

impl From<Difference> for OnDisk {
    fn from(difference: Difference) -> Self {
        match difference {
            Difference::Same => Self::Same,
            Difference::Stricter => Self::Stricter,
            Difference::Looser => Self::Looser,
            Difference::Mixed => Self::Mixed,
        }
    }
}

impl OnDisk {
    /// The name used in the API.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Stricter => "stricter",
            Self::Looser => "looser",
            Self::Mixed => "mixed",
            Self::Absent => "absent",
            Self::Unusable { .. } => "unusable",
        }
    }
}

impl Judges {
    /// Rules that the caller named.
    pub fn given() -> Self {
        Self {
            before: Before::Given,
            on_disk: OnDisk::Same,
            sentences: Vec::new(),
        }
    }

    /// The commit before the change.
    pub fn commit(&self) -> Option<&str> {
        match &self.before {
            Before::Committed { commit } | Before::Unusable { commit, .. } => Some(commit),
            Before::BuiltIn { commit } => commit.as_deref(),
            Before::Given => None,
        }
    }

    /// What cannot be used of the two files, each as a sentence without an end.
    pub fn faults(&self, language: Language) -> Vec<String> {
        let before = match &self.before {
            Before::Unusable { .. } => Some(self.before_sentence(language)),
            _ => None,
        };
        let on_disk = match &self.on_disk {
            OnDisk::Unusable { .. } => self.on_disk_sentence(language),
            _ => None,
        };
        before.into_iter().chain(on_disk).collect()
    }

    /// That the file on disk loosens something, which does not count, as a sentence without an end.
    pub fn loosened(&self, language: Language) -> Option<String> {
        match &self.on_disk {
            OnDisk::Looser | OnDisk::Mixed => self.on_disk_sentence(language),
            _ => None,
        }
    }

    /// The same judges, with their sentences in `language`.
    pub fn told(&self, language: Language) -> Self {
        let mut sentences = vec![self.before_sentence(language)];
        sentences.extend(self.on_disk_sentence(language));
        Self {
            sentences,
            ..self.clone()
        }
    }

    fn before_sentence(&self, language: Language) -> String {
        let short = |commit: &str| commit.get(..SHORT).unwrap_or(commit).to_owned();
        let said = match &self.before {
            Before::Committed { commit } => {
                say!("governance.judge.committed", commit = short(commit))
            }
            Before::BuiltIn {
                commit: Some(commit),
            } => say!("governance.judge.built_in", commit = short(commit)),
            Before::BuiltIn { commit: None } => say!("governance.judge.no_commit"),
            Before::Unusable { commit, reason } => {
                say!("governance.judge.unusable", commit = short(commit), reason)
            }
            Before::Given => say!("governance.judge.given"),
        };
        said.text(language)
    }

    fn on_disk_sentence(&self, language: Language) -> Option<String> {
        let said = match &self.on_disk {
            OnDisk::Same => return None,
            OnDisk::Stricter => say!("governance.judge.disk_stricter"),
            OnDisk::Looser => say!("governance.judge.disk_looser"),
            OnDisk::Mixed => say!("governance.judge.disk_mixed"),
            OnDisk::Absent => say!("governance.judge.disk_absent"),
            OnDisk::Unusable { reason } => say!("governance.judge.disk_unusable", reason),
        };
        Some(said.text(language))
    }
}
