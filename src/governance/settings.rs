//! What `governance.yaml` can say, as values, on top of what is built in. It reads no file: `parse` knows the format, `load`
//! makes the governance of it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

use super::defaults;
use super::preflight::PreflightTexts;
use crate::domain::ask::rule::Rule;
use crate::domain::department::{self, Approval, Department, Localized, Sandbox};
use crate::domain::driver::Driver;
use crate::domain::harness::ceilings::Ceilings;
use crate::domain::harness::switch::Switch;
use crate::domain::language::Language;
use crate::domain::plan_review::ReviewRule;
use crate::domain::review::GateMode;
use crate::domain::rules::RiskRule;
use crate::domain::sentence::{Sentence, say};
use crate::domain::usage::budgets::Defaults;

/// Name of the file, at the repository's root.
pub const FILE_NAME: &str = "governance.yaml";

/// Largest file that is taken; the longest sensible one is a twentieth of it.
pub(crate) const MAX_FILE_BYTES: u64 = 256 << 10;

/// Why `governance.yaml` cannot be used. Display is a whole sentence: it is shown to a person as it is.
#[derive(Debug, thiserror::Error)]
pub enum GovernanceError {
    /// The file is there and cannot be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The file is not what it should be.
    #[error("{}: {reason}", path.display())]
    NotUsable {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        reason: String,
    },
    /// A mistake in it.
    #[error("{FILE_NAME}:{line}:{column}: {message}")]
    Invalid {
        /// Line, from 1.
        line: u64,
        /// Column, from 1.
        column: u64,
        /// What is wrong and what is allowed.
        message: String,
    },
}

impl GovernanceError {
    /// Line of the mistake, where it has one.
    pub fn line(&self) -> Option<u64> {
        match self {
            Self::Invalid { line, .. } => Some(*line),
            _ => None,
        }
    }
}

/// One of the offices above the departments; shown, and part of prompts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Province {
    /// Its key.
    pub key: String,
    /// Its name.
    pub title: Localized,
    /// What it is for.
    pub duty: Localized,
}

/// A program that runs sessions instead of Codex.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CommandDriver {
    /// Program and arguments, with `{prompt_file}`, `{session_id}`, `{repo}` and `{mailbox}` to be filled in.
    pub command: Vec<String>,
}

/// How planner sessions run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PlannerSettings {
    /// Driver override.
    pub driver: Option<Driver>,
    /// Sandbox override.
    pub sandbox: Option<Sandbox>,
    /// Approval override.
    pub approval: Option<Approval>,
    /// Model override.
    pub model: Option<String>,
}

/// What clients of the harness may.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HarnessSettings {
    /// What they have at most.
    pub ceilings: Ceilings,
    /// Whether what new threads begin with stays as it is.
    pub defaults_locked: bool,
    /// A call of a client's tool that nobody answers for so many seconds has failed.
    pub tool_call_seconds: u64,
    /// Whether jobs are done.
    pub queue: Switch,
}

impl Default for HarnessSettings {
    fn default() -> Self {
        Self {
            ceilings: Ceilings::default(),
            defaults_locked: false,
            tool_call_seconds: 300,
            queue: Switch::On,
        }
    }
}

/// Settings that are no rules. What flags or the environment can also set is optional here, so that the configuration
/// knows whether the file said anything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Settings {
    /// Language of pages, prompts and reports.
    pub language: Option<Language>,
    /// Models on offer besides what the installed Codex offers.
    pub models: Vec<String>,
    /// Model of planner sessions.
    pub zhongshu_model: Option<String>,
    /// Model of department sessions.
    pub department_model: Option<String>,
    /// Departments that may run at once.
    pub max_departments: Option<u32>,
    /// A turn in which nothing runs and nothing is said for so long is silent; the file may call it by its former name.
    pub silent_after_seconds: Option<u64>,
    /// The same command with the same end so often in a row is a loop.
    pub looping_after: usize,
    /// Terminals that may be open at once.
    pub max_terminals: Option<u32>,
    /// Whether menxia reviews plans before a person decides.
    pub review: ReviewRule,
    /// Results that may wait unacknowledged before nothing more starts; none is no bound.
    pub review_limit: Option<usize>,
    /// What plans and sessions may take, in tokens.
    pub budgets: Defaults,
    /// Time between the second reminder and the end of a department that does not report.
    pub reminder_grace_seconds: u64,
    /// How long terminals and the app-server wait for a launcher to come back.
    pub orphan_exit_seconds: u64,
    /// Whether the launcher runs the verify commands of confirmed work itself, after each report.
    pub run_verify: bool,
    /// Program and arguments that are told of what waits for the person; none tells nobody.
    pub notify: Vec<String>,
    /// How long one of them may take.
    pub verify_limit_seconds: u64,
    /// Driver of sessions that name none.
    pub driver: Driver,
    /// How planner sessions run.
    pub planner: PlannerSettings,
    /// Drivers besides `codex`, by name.
    pub drivers: BTreeMap<String, CommandDriver>,
    /// Codex terminals that start with their session; later ones start when somebody looks.
    pub tuis_started_with_session: u32,
    /// The document that sessions are told to read first.
    pub workflow_doc: Option<String>,
    /// Name of the project as people see it.
    pub project_name: Option<String>,
    /// What the commit gate does with a commit that nobody approved, if the file says so.
    pub gate: Option<GateMode>,
    /// Whether commits name the report and the plan that they belong to.
    pub commit_trailers: bool,
    /// Rules that answer what Codex asks.
    pub allow: Vec<Rule>,
    /// What clients of the harness may.
    pub harness: HarnessSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            language: None,
            models: Vec::new(),
            zhongshu_model: None,
            department_model: None,
            max_departments: None,
            silent_after_seconds: None,
            looping_after: 5,
            max_terminals: None,
            review: ReviewRule::OFF,
            review_limit: None,
            budgets: Defaults::default(),
            reminder_grace_seconds: 60,
            orphan_exit_seconds: 24 * 60 * 60,
            run_verify: false,
            notify: Vec::new(),
            verify_limit_seconds: 600,
            driver: Driver::Codex,
            planner: PlannerSettings::default(),
            drivers: BTreeMap::new(),
            tuis_started_with_session: 4,
            workflow_doc: None,
            project_name: None,
            gate: None,
            commit_trailers: false,
            allow: Vec::new(),
            harness: HarnessSettings::default(),
        }
    }
}

/// What a file says, before anything is compiled.
pub(super) struct Parts {
    pub name: Option<String>,
    pub provinces: Vec<Province>,
    pub departments: Vec<Department>,
    pub risk_rules: Vec<RiskRule>,
    pub preflight: PreflightTexts,
    pub settings: Settings,
}

impl Default for Parts {
    fn default() -> Self {
        Self {
            name: None,
            provinces: built_in_provinces(),
            departments: department::built_in(),
            risk_rules: defaults::risk_rules(),
            preflight: PreflightTexts::default(),
            settings: Settings::default(),
        }
    }
}

fn built_in_provinces() -> Vec<Province> {
    let province = |key: &str, title: Sentence, duty: Sentence| Province {
        key: key.to_owned(),
        title: title.both(),
        duty: duty.both(),
    };
    vec![
        province(
            "zhongshu",
            say!("province.zhongshu.title"),
            say!("province.zhongshu.duty"),
        ),
        province(
            "menxia",
            say!("province.menxia.title"),
            say!("province.menxia.duty"),
        ),
        province(
            "shangshu",
            say!("province.shangshu.title"),
            say!("province.shangshu.duty"),
        ),
    ]
}
