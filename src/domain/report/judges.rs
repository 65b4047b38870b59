//! Which rules judged a change: those that were in force before it, and what the file on disk says more strictly. Owns what
//! is told about them; `governance::judging` finds them.

use serde::{Deserialize, Serialize};

use crate::domain::language::Language;
use crate::domain::rules::strictness::Difference;

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
        match (&self.before, language) {
            (Before::Committed { commit }, Language::En) => {
                format!("governance.yaml of commit {} judges", short(commit))
            }
            (Before::Committed { commit }, Language::Zh) => {
                format!("以提交 {} 的 governance.yaml 为准", short(commit))
            }
            (
                Before::BuiltIn {
                    commit: Some(commit),
                },
                Language::En,
            ) => format!(
                "commit {} has no governance.yaml: the built-in rules judge",
                short(commit)
            ),
            (
                Before::BuiltIn {
                    commit: Some(commit),
                },
                Language::Zh,
            ) => format!(
                "提交 {} 没有 governance.yaml：以内置规则为准",
                short(commit)
            ),
            (Before::BuiltIn { commit: None }, _) => language
                .pick(
                    "there is no commit yet: the built-in rules judge",
                    "尚无提交：以内置规则为准",
                )
                .to_owned(),
            (Before::Unusable { commit, reason }, Language::En) => format!(
                "governance.yaml of commit {} cannot be used ({reason}): the built-in rules judge in its place",
                short(commit)
            ),
            (Before::Unusable { commit, reason }, Language::Zh) => format!(
                "提交 {} 的 governance.yaml 无法使用（{reason}）：改以内置规则为准",
                short(commit)
            ),
            (Before::Given, _) => language
                .pick(
                    "rules judge that were named for this report",
                    "以为本报告指定的规则为准",
                )
                .to_owned(),
        }
    }

    fn on_disk_sentence(&self, language: Language) -> Option<String> {
        let (en, zh) = match &self.on_disk {
            OnDisk::Same => return None,
            OnDisk::Stricter => (
                "governance.yaml on disk is stricter, and judges as well",
                "磁盘上的 governance.yaml 更严格，同样生效",
            ),
            OnDisk::Looser => (
                "governance.yaml on disk is looser: what it loosens does not count",
                "磁盘上的 governance.yaml 更宽松：放宽的部分不算数",
            ),
            OnDisk::Mixed => (
                "governance.yaml on disk is another one: what it says more strictly counts as well, what it loosens does not count",
                "磁盘上的 governance.yaml 不同：更严格的部分同样生效，放宽的部分不算数",
            ),
            OnDisk::Absent => (
                "governance.yaml is not on disk, which changes nothing",
                "磁盘上没有 governance.yaml，不影响裁定",
            ),
            OnDisk::Unusable { reason } => {
                return Some(match language {
                    Language::En => format!(
                        "governance.yaml on disk cannot be used and does not count ({reason})"
                    ),
                    Language::Zh => {
                        format!("磁盘上的 governance.yaml 无法使用，不算数（{reason}）")
                    }
                });
            }
        };
        Some(language.pick(en, zh).to_owned())
    }
}
