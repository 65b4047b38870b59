//! The governance in force: what `governance.yaml` at the repository's root says, on top of what is built in. Owns the
//! values and their loading; `parse` owns the file format. It keeps no state: who holds the last good version reloads it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::preflight::{Preflight, PreflightTexts};
use super::{defaults, parse};
use crate::domain::department::{self, Approval, Department, Localized, Sandbox};
use crate::domain::driver::Driver;
use crate::domain::hex::hex;
use crate::domain::language::Language;
use crate::domain::plan_review::ReviewRule;
use crate::domain::review::GateMode;
use crate::domain::rules::book::BookError;
use crate::domain::rules::strictness::{self, Difference};
use crate::domain::rules::{RiskRule, Rulebook};
use crate::git::files::{self, Entry};

/// Name of the file, at the repository's root.
pub const FILE_NAME: &str = "governance.yaml";

/// Largest file that is taken; the longest sensible one is a twentieth of it.
pub(crate) const MAX_FILE_BYTES: u64 = 256 << 10;

/// Counts the changes of what the built-in tests find: another number is another digest, because the same tree may then
/// have other findings.
const BUILT_IN_TESTS: u32 = 1;

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
    /// Silence after which a department counts as stalled.
    pub department_stale_seconds: Option<u64>,
    /// Terminals that may be open at once.
    pub max_terminals: Option<u32>,
    /// Whether menxia reviews plans before a person decides.
    pub review: ReviewRule,
    /// Results that may wait unacknowledged before nothing more starts; none is no bound.
    pub review_limit: Option<usize>,
    /// Time between the second reminder and the end of a department that does not report.
    pub reminder_grace_seconds: u64,
    /// How long terminals and the app-server wait for a launcher to come back.
    pub orphan_exit_seconds: u64,
    /// Whether the launcher runs the verify commands of confirmed work itself, after each report.
    pub run_verify: bool,
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
}

impl Settings {
    /// The settings in the text of a `governance.yaml`, without the rules: those take longer to compile than a commit
    /// should wait for.
    pub fn read(text: &str) -> Result<Self, GovernanceError> {
        Ok(parse::parse(text)?.settings)
    }

    /// Those of the file at the root of `repo`; the defaults without one.
    pub fn load(repo: &Path) -> Result<Self, GovernanceError> {
        read_file(repo)?.map_or_else(|| Ok(Self::default()), |text| Self::read(&text))
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            language: None,
            models: Vec::new(),
            zhongshu_model: None,
            department_model: None,
            max_departments: None,
            department_stale_seconds: None,
            max_terminals: None,
            review: ReviewRule::OFF,
            review_limit: None,
            reminder_grace_seconds: 60,
            orphan_exit_seconds: 24 * 60 * 60,
            run_verify: false,
            verify_limit_seconds: 600,
            driver: Driver::Codex,
            planner: PlannerSettings::default(),
            drivers: BTreeMap::new(),
            tuis_started_with_session: 4,
            workflow_doc: None,
            project_name: None,
            gate: None,
            commit_trailers: false,
        }
    }
}

/// Everything that governs a repository.
#[derive(Clone, Debug)]
pub struct Governance {
    /// The file's own name for itself.
    pub name: Option<String>,
    /// The offices.
    pub provinces: Vec<Province>,
    /// The departments, built-in ones first unless the file defines them.
    pub departments: Vec<Department>,
    /// The risk rules, built-in ones first.
    pub risk_rules: Vec<RiskRule>,
    /// What the preflight scan looks at.
    pub preflight: Preflight,
    /// Everything else.
    pub settings: Settings,
    rulebook: Rulebook,
    digest: String,
}

/// What `parse` hands over, before anything is compiled.
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

impl Default for Governance {
    fn default() -> Self {
        Self::from_parts(Parts::default()).expect("the built-in patterns are valid")
    }
}

impl Governance {
    /// Reads `governance.yaml` at the root of `repo`; without one, the built-in governance holds.
    pub fn load(repo: &Path) -> Result<Self, GovernanceError> {
        match read_file(repo)? {
            Some(text) => Self::parse(&text),
            None => Ok(Self::default()),
        }
    }

    /// Reads the text of a `governance.yaml`.
    pub fn parse(text: &str) -> Result<Self, GovernanceError> {
        let parts = parse::parse(text)?;
        Self::from_parts(parts).map_err(|error| GovernanceError::Invalid {
            // `parse` has checked each pattern where it stands; what is left is their sum.
            line: 1,
            column: 1,
            message: format!("the rules cannot be used together: {error}"),
        })
    }

    fn from_parts(parts: Parts) -> Result<Self, BookError> {
        let rulebook = Rulebook::new(&parts.departments, &parts.risk_rules)?;
        let preflight = Preflight::of(parts.preflight)?;
        Ok(Self {
            name: parts.name,
            provinces: parts.provinces,
            digest: digest_of(&parts.departments, &parts.risk_rules, &preflight),
            preflight,
            departments: parts.departments,
            risk_rules: parts.risk_rules,
            settings: parts.settings,
            rulebook,
        })
    }

    /// The rules of both judge together, see [`strictness`]; whose the files are is what `beside` says.
    ///
    /// # Errors
    /// When they are too many for each other.
    pub(super) fn judging_with(&self, beside: &Self) -> Result<Self, BookError> {
        let risk_rules = strictness::both(&self.risk_rules, &beside.risk_rules);
        let preflight = self.preflight.and(&beside.preflight);
        Ok(Self {
            rulebook: Rulebook::new(&beside.departments, &risk_rules)?,
            digest: digest_of(&beside.departments, &risk_rules, &preflight),
            departments: beside.departments.clone(),
            risk_rules,
            preflight,
            ..self.clone()
        })
    }

    /// How the rules of `beside` differ from these.
    pub(super) fn difference(&self, beside: &Self) -> Difference {
        let rules = strictness::difference(&self.risk_rules, &beside.risk_rules);
        let stricter = |it| matches!(it, Difference::Stricter | Difference::Mixed);
        let looser = |it| matches!(it, Difference::Looser | Difference::Mixed);
        Difference::of(
            stricter(rules) || !self.preflight.covers(&beside.preflight),
            looser(rules) || !beside.preflight.covers(&self.preflight),
        )
    }

    /// The department with this key.
    pub fn department(&self, key: &str) -> Option<&Department> {
        self.departments
            .iter()
            .find(|department| department.key == key)
    }

    /// The compiled patterns of departments and risk rules, by their positions here.
    pub fn rulebook(&self) -> &Rulebook {
        &self.rulebook
    }

    /// Hash over everything that decides what a report finds. Titles, languages and settings are not part of it.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The language of the file, or English.
    pub fn language(&self) -> Language {
        self.settings.language.unwrap_or_default()
    }
}

/// The text of the file at the root of `repo`; none when it is not there.
pub(super) fn read_file(repo: &Path) -> Result<Option<String>, GovernanceError> {
    let path = repo.join(FILE_NAME);
    let read_error = |source| GovernanceError::Read {
        path: path.clone(),
        source,
    };
    let not_usable = |reason: String| GovernanceError::NotUsable {
        path: path.clone(),
        reason,
    };
    let bytes = match files::look(repo, FILE_NAME.as_bytes()).map_err(read_error)? {
        Entry::Missing => return Ok(None),
        Entry::File(file, _) => files::read_limited(file, MAX_FILE_BYTES)
            .map_err(read_error)?
            .ok_or_else(|| not_usable(format!("is larger than {} KiB", MAX_FILE_BYTES >> 10)))?,
        Entry::Symlink(_) | Entry::Directory | Entry::Special => {
            return Err(not_usable(
                "is not an ordinary file; symbolic links are not followed".to_owned(),
            ));
        }
    };
    text_of(bytes).map(Some)
}

/// The bytes of such a file as text.
pub(super) fn text_of(bytes: Vec<u8>) -> Result<String, GovernanceError> {
    String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + good.iter().filter(|byte| **byte == b'\n').count();
        GovernanceError::Invalid {
            line: line as u64,
            column: 1,
            message: "this line is not UTF-8; save the file as UTF-8".to_owned(),
        }
    })
}

fn digest_of(departments: &[Department], rules: &[RiskRule], preflight: &Preflight) -> String {
    let departments: Vec<_> = departments
        .iter()
        .map(|department| (&department.key, &department.globs, &department.verify))
        .collect();
    let rules: Vec<_> = rules
        .iter()
        .map(|rule| {
            (
                &rule.name,
                rule.level,
                &rule.subject,
                &rule.pattern,
                &rule.allow_pattern,
            )
        })
        .collect();
    let text = serde_json::to_vec(&(BUILT_IN_TESTS, departments, rules, preflight))
        .expect("strings and enums serialise without fail");
    hex(&Sha256::digest(&text))
}

fn built_in_provinces() -> Vec<Province> {
    let province = |key: &str, title: (&str, &str), duty: (&str, &str)| Province {
        key: key.to_owned(),
        title: Localized::new(title.0, title.1),
        duty: Localized::new(duty.0, duty.1),
    };
    vec![
        province(
            "zhongshu",
            ("中书省", "Secretariat (zhongshu)"),
            (
                "任务拆分、范围判断、拟定执行计划",
                "split the task, judge its scope, draft the plan",
            ),
        ),
        province(
            "menxia",
            ("门下省", "Chancellery (menxia)"),
            (
                "风险复核、边界检查、必要时驳回",
                "review risks, check boundaries, veto where it is needed",
            ),
        ),
        province(
            "shangshu",
            ("尚书省", "Department of State Affairs (shangshu)"),
            (
                "按部执行、验证、交付",
                "have the departments carry it out, verify, deliver",
            ),
        ),
    ]
}
