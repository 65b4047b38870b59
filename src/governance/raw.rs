//! The shape of `governance.yaml` as it is written, with the place of whatever `parse` may have to complain about. It
//! checks names and types of keys, and nothing else.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

use crate::domain::department::{Approval, Localized, Sandbox};
use crate::domain::harness::controls::{ApprovalPolicy, FilesystemSandbox, NetworkAccess};
use crate::domain::harness::extension::mode::Mode;
use crate::domain::harness::switch::Switch;
use crate::domain::harness::worker;
use crate::domain::language::Language;
use crate::domain::review::GateMode;
use crate::domain::rules::RiskLevel;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawFile {
    pub version: Option<Spanned<u64>>,
    pub name: Option<Spanned<String>>,
    pub provinces: Option<Ordered<RawProvince>>,
    pub departments: Option<Ordered<RawDepartment>>,
    pub risk_rules: Option<Vec<RawRiskRule>>,
    pub preflight: Option<RawPreflight>,
    pub language: Option<Language>,
    pub models: Option<Vec<Spanned<String>>>,
    pub zhongshu_model: Option<Spanned<String>>,
    pub department_model: Option<Spanned<String>>,
    pub max_departments: Option<Spanned<u64>>,
    pub department_stale_seconds: Option<Spanned<u64>>,
    pub silent_after_seconds: Option<Spanned<u64>>,
    pub looping_after: Option<Spanned<u64>>,
    pub max_terminals: Option<Spanned<u64>>,
    pub review_limit: Option<Spanned<u64>>,
    pub budgets: Option<RawBudgets>,
    pub plan_review: Option<RawPlanReview>,
    pub veto_limit: Option<Spanned<u64>>,
    pub reminder_grace_seconds: Option<Spanned<u64>>,
    pub orphan_exit_seconds: Option<Spanned<u64>>,
    pub run_verify: Option<bool>,
    pub notify: Option<Spanned<OneOrMany>>,
    pub verify_limit_seconds: Option<Spanned<u64>>,
    pub driver: Option<Spanned<String>>,
    pub planner: Option<RawPlanner>,
    pub drivers: Option<Ordered<RawDriver>>,
    pub tuis_started_with_session: Option<Spanned<u64>>,
    pub workflow_doc: Option<Spanned<String>>,
    pub project_name: Option<Spanned<String>>,
    pub gate: Option<GateMode>,
    pub commit_trailers: Option<bool>,
    pub allow: Option<Spanned<Vec<Spanned<RawAllow>>>>,
    pub harness: Option<RawHarness>,
}

/// What clients of the harness have at most.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawHarness {
    pub sandbox: Option<FilesystemSandbox>,
    pub network: Option<NetworkAccess>,
    pub approval: Option<ApprovalPolicy>,
    pub folders: Option<Spanned<OneOrMany>>,
    pub exec: bool,
    pub config_writes: bool,
    pub account: bool,
    pub feedback: bool,
    pub lock_defaults: bool,
    pub tool_call_seconds: Option<Spanned<u64>>,
    pub extensions: RawExtensions,
    pub queue: Switch,
    pub workers: RawWorkers,
}

/// Whether workers work, and how much.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawWorkers {
    pub mode: worker::Mode,
    pub max_tokens: Option<Spanned<u64>>,
}

/// Whose extensions run.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawExtensions {
    pub mode: Mode,
    pub folders: Option<Spanned<OneOrMany>>,
}

/// What is answered without asking the person.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawAllow {
    pub command: Option<Spanned<OneOrMany>>,
    pub tool: Option<Spanned<String>>,
    pub department: Option<Spanned<String>>,
    pub unsandboxed: Option<bool>,
}

/// What plans and sessions may take.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawBudgets {
    pub plan_tokens: Option<Spanned<u64>>,
    pub session_tokens: Option<Spanned<u64>>,
    pub interrupt: bool,
}

/// Who looks at a plan before the person.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum RawPlanReview {
    Off,
    Menxia,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawProvince {
    pub title: Option<Text>,
    pub duty: Option<Text>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawDepartment {
    pub title: Option<Text>,
    pub duty: Option<Text>,
    pub globs: Option<Spanned<OneOrMany>>,
    pub verify: Option<Spanned<OneOrMany>>,
    pub model: Option<Spanned<String>>,
    pub driver: Option<Spanned<String>>,
    pub sandbox: Option<Sandbox>,
    pub approval: Option<Approval>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRiskRule {
    pub name: Spanned<String>,
    pub level: Option<RiskLevel>,
    pub pattern: Option<Spanned<OneOrMany>>,
    pub content: Option<Spanned<OneOrMany>>,
    pub limit_bytes: Option<Spanned<u64>>,
    pub message: Option<Text>,
    pub allow_pattern: Option<Spanned<OneOrMany>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawPreflight {
    pub surfaces: Option<Spanned<OneOrMany>>,
    pub documents: Option<Spanned<OneOrMany>>,
    pub allow_paths: Option<Spanned<OneOrMany>>,
    pub allow_references: Option<Spanned<OneOrMany>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawPlanner {
    pub driver: Option<Spanned<String>>,
    pub sandbox: Option<Sandbox>,
    pub approval: Option<Approval>,
    pub model: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawDriver {
    pub command: Spanned<OneOrMany>,
}

/// A mapping in the order of the file, with the place of each key.
pub(super) struct Ordered<T>(pub Vec<(Spanned<String>, T)>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Ordered<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct OrderedVisitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for OrderedVisitor<T> {
            type Value = Ordered<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping from names to definitions")
            }
            fn visit_map<A: MapAccess<'de>>(
                self,
                mut map: A,
            ) -> std::result::Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Ordered(entries))
            }
        }
        deserializer.deserialize_map(OrderedVisitor(PhantomData))
    }
}

/// A text for both languages, or one for each.
pub(super) struct Text(pub Localized);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Pair {
            zh: String,
            en: String,
        }
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, or a mapping with one text under zh and one under en")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> std::result::Result<Text, E> {
                Ok(Text(Localized::same(text)))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> std::result::Result<Text, A::Error> {
                let pair = Pair::deserialize(de::value::MapAccessDeserializer::new(map))?;
                Ok(Text(Localized::new(pair.zh, pair.en)))
            }
        }
        deserializer.deserialize_any(TextVisitor)
    }
}

/// One text or a list of texts.
pub(super) enum OneOrMany {
    One(String),
    Many(Vec<Spanned<String>>),
}

impl<'de> Deserialize<'de> for OneOrMany {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct ListVisitor;
        impl<'de> Visitor<'de> for ListVisitor {
            type Value = OneOrMany;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a list of texts")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> std::result::Result<OneOrMany, E> {
                Ok(OneOrMany::One(text.to_owned()))
            }
            fn visit_seq<A: SeqAccess<'de>>(
                self,
                mut seq: A,
            ) -> std::result::Result<OneOrMany, A::Error> {
                let mut texts = Vec::new();
                while let Some(text) = seq.next_element()? {
                    texts.push(text);
                }
                Ok(OneOrMany::Many(texts))
            }
        }
        deserializer.deserialize_any(ListVisitor)
    }
}
