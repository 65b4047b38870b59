//! Flags over environment over `governance.yaml` over defaults, made into one checked `Config` before anything starts.
//!
//! Nothing below this module reads the environment or the current folder. What `governance.yaml` says can change while
//! the server runs ([`Config::reload_governance`]); what flags and environment say cannot, and stays on top.

mod variables;

pub use variables::Variables;

use crate::domain::ask::rule::Rule;
use crate::domain::doing::Thresholds;
use crate::domain::driver::Driver;
use crate::domain::language::Language;
use crate::governance::Governance;
use crate::governance::settings::{CommandDriver, PlannerSettings};
use crate::paths::{Environment, PathError, Places, find_repository};
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

const DEFAULT_WORKFLOW_DOC: &str = "AGENTS.md";
const DEFAULT_MAX_DEPARTMENTS: u32 = 2;
const DEFAULT_SILENT_SECONDS: u64 = 120;

/// Each costs a process of a few MiB, and with Codex's own screen a hundred.
const DEFAULT_MAX_TERMINALS: u32 = 32;

/// What the command line says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flags {
    /// `--repo`.
    pub repo: Option<PathBuf>,
    /// `--state-dir`.
    pub state_dir: Option<PathBuf>,
    /// `--port`; none and 0 mean any free one.
    pub port: Option<u16>,
    /// `--codex-bin`.
    pub codex_bin: Option<PathBuf>,
    /// `--no-open`.
    pub no_open: bool,
    /// `--keep-sessions`.
    pub keep_sessions: bool,
    /// `--allow-writable-state`.
    pub allow_writable_state: bool,
    /// `--json`.
    pub json: bool,
}

/// Why there is no configuration. Display is a whole sentence for the person.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A flag or a variable holds something that it cannot hold.
    #[error("{name} {problem}")]
    Value {
        /// The flag or variable.
        name: &'static str,
        /// What is wrong and what is allowed.
        problem: String,
    },
    /// The repository or a folder of ours cannot be used.
    #[error(transparent)]
    Path(#[from] PathError),
    /// `governance.yaml` has a mistake; the text names its line.
    #[error("{0}")]
    Governance(String),
}

/// The configuration of one server.
#[derive(Debug)]
pub struct Config {
    /// The repository and our folders.
    pub places: Places,
    /// Port of the dashboard; 0 means any free one.
    pub port: u16,
    /// Codex as named by `--codex-bin` or `CODEX_BIN`; see `codex::find`.
    pub codex_bin: Option<PathBuf>,
    /// The `CODEX_HOME` that was given; `None` is Codex's own default.
    pub codex_home: Option<PathBuf>,
    /// Whether the state folder may be one that sandboxed agents can write.
    pub allow_writable_state: bool,
    /// Whether an orderly stop leaves the sessions running.
    pub keep_sessions: bool,
    /// Whether a browser is opened at the start.
    pub open_browser: bool,
    /// Whether the start prints JSON.
    pub json: bool,
    /// The language of the person's locale, where nothing else says one.
    pub locale_language: Language,
    /// Things that a person should know but that stop nothing.
    pub warnings: Vec<String>,
    environment: Environment,
    variables: Variables,
    in_force: RwLock<InForce>,
}

#[derive(Debug)]
struct InForce {
    settings: Arc<Settings>,
    error: Option<String>,
}

/// What holds at the moment; a reload makes a new one.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Name of the project as people see it.
    pub project_name: String,
    /// The document that sessions are told to read first, relative to the repository.
    pub workflow_doc: String,
    /// Models that were configured; empty means whatever Codex offers.
    pub models: Vec<String>,
    /// Model of planners; `None` leaves it to Codex's own configuration.
    pub zhongshu_model: Option<String>,
    /// Model of departments; `None` leaves it to Codex's own configuration.
    pub department_model: Option<String>,
    /// Departments that may run at once.
    pub max_departments: usize,
    /// When a session counts as silent, and when as looping.
    pub thresholds: Thresholds,
    /// Terminals that may be open at once.
    pub max_terminals: usize,
    /// Codex terminals that start with their session; later ones start when somebody looks.
    pub tuis_started_with_session: usize,
    /// Time between the second reminder and the end of a department that does not report.
    pub reminder_grace: Duration,
    /// Whether the launcher runs the verify commands of confirmed work itself.
    pub run_verify: bool,
    /// Program and arguments that are told of what waits for the person.
    pub notify: Vec<String>,
    /// Rules that answer what Codex asks.
    pub allow: Vec<Rule>,
    /// How long one of them may take.
    pub verify_limit: Duration,
    /// How long terminals and the app-server wait for a launcher to come back.
    pub orphan_limit: Duration,
    /// Language of prompts and pages; `None` means the browser's or the locale's.
    pub language: Option<Language>,
    /// Driver of sessions that name none.
    pub driver: Driver,
    /// How planners run.
    pub planner: PlannerSettings,
    /// Drivers besides `codex`.
    pub drivers: BTreeMap<String, CommandDriver>,
    /// Departments, risk rules and everything else in the file.
    pub governance: Arc<Governance>,
}

/// What a reload did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reload {
    /// The file says what it said before.
    Unchanged,
    /// Something else holds now.
    Changed,
    /// The file has a mistake; what held before still does.
    Failed {
        /// What is wrong, with its line.
        error: String,
    },
}

impl Config {
    /// Checks everything but the repository itself, which the start has a child look at, and reads `governance.yaml`. Makes and starts
    /// nothing.
    ///
    /// # Errors
    /// At the first thing that is wrong.
    pub fn load(flags: &Flags, cwd: &Path, environment: Environment) -> Result<Self, ConfigError> {
        let repo = find_repository(flags.repo.as_deref(), cwd)?;
        let places = Places::of(&repo, flags.state_dir.as_deref(), cwd, &environment)?;
        let variables = Variables::read(&environment)?;
        let codex_bin = codex_bin(flags, cwd, &environment)?;
        let codex_home = codex_home(cwd, &environment)?;
        let governance =
            Governance::load(&repo).map_err(|error| ConfigError::Governance(error.to_string()))?;
        let settings = variables.merge(&repo, governance);
        Ok(Self {
            places,
            port: flags.port.unwrap_or(0),
            codex_bin,
            codex_home,
            allow_writable_state: flags.allow_writable_state,
            keep_sessions: flags.keep_sessions,
            open_browser: !flags.no_open && !flags.json,
            json: flags.json,
            locale_language: locale_language(&environment),
            warnings: Variables::unknown(&environment),
            environment,
            variables,
            in_force: RwLock::new(InForce {
                settings: Arc::new(settings),
                error: None,
            }),
        })
    }

    /// What a person should know about the state folder, where agents can write it and a flag allows that.
    ///
    /// # Errors
    /// Where agents can write it and no flag allows that.
    pub fn check_state(&self) -> Result<Option<String>, PathError> {
        let Some(open) = self.places.open_to_agents(&self.environment) else {
            return Ok(None);
        };
        let state = self.places.state.clone();
        match self.allow_writable_state {
            true => Ok(Some(format!(
                "the state folder {} lies below {}, where sandboxed agents can write: what they do to the journal, nobody prevents",
                state.display(),
                open.display()
            ))),
            false => Err(PathError::StateWithinReach { state, open }),
        }
    }

    /// The repository's root.
    pub fn repo(&self) -> &Path {
        &self.places.repo
    }

    /// What holds now.
    pub fn settings(&self) -> Arc<Settings> {
        let in_force = self.in_force.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&in_force.settings)
    }

    /// What is wrong with `governance.yaml` as it is now; the last good version holds meanwhile.
    pub fn governance_error(&self) -> Option<String> {
        let in_force = self.in_force.read().unwrap_or_else(PoisonError::into_inner);
        in_force.error.clone()
    }

    /// Reads `governance.yaml` again. Blocks on the file.
    pub fn reload_governance(&self) -> Reload {
        let loaded = Governance::load(self.repo());
        let mut in_force = self
            .in_force
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        match loaded {
            Ok(governance) => {
                let had_error = in_force.error.take().is_some();
                let settings = self.variables.merge(self.repo(), governance);
                if !had_error && settings.same_as(&in_force.settings) {
                    return Reload::Unchanged;
                }
                in_force.settings = Arc::new(settings);
                Reload::Changed
            }
            Err(error) => {
                let error = error.to_string();
                in_force.error = Some(error.clone());
                Reload::Failed { error }
            }
        }
    }

    /// Language of prompts: the setting, else the person's locale.
    pub fn language(&self) -> Language {
        self.settings().language.unwrap_or(self.locale_language)
    }

    /// Codex's folder: the one that was given, else its own default.
    pub fn codex_home(&self) -> Option<PathBuf> {
        self.codex_home.clone().or_else(|| {
            let home = self.environment.get("HOME")?;
            Some(Path::new(home).join(".codex"))
        })
    }

    /// The environment as it was at the start.
    pub fn environment(&self) -> &Environment {
        &self.environment
    }
}

impl Settings {
    /// Whether nothing that anybody could notice differs.
    fn same_as(&self, other: &Self) -> bool {
        let (mine, others) = (&self.governance, &other.governance);
        mine.digest() == others.digest()
            && mine.name == others.name
            && mine.provinces == others.provinces
            && mine.departments == others.departments
            && mine.risk_rules == others.risk_rules
            && mine.settings == others.settings
    }
}

fn codex_bin(
    flags: &Flags,
    cwd: &Path,
    environment: &Environment,
) -> Result<Option<PathBuf>, ConfigError> {
    let (name, given) = match (&flags.codex_bin, environment.get("CODEX_BIN")) {
        (Some(path), _) => ("--codex-bin", path.clone()),
        (None, Some(path)) => ("CODEX_BIN", PathBuf::from(path)),
        (None, None) => return Ok(None),
    };
    let path = cwd.join(&given);
    if is_program(&path) {
        return Ok(Some(path));
    }
    Err(ConfigError::Value {
        name,
        problem: format!(
            "names {}, which is not a program; it must be the path of the `codex` binary",
            given.display()
        ),
    })
}

fn codex_home(cwd: &Path, environment: &Environment) -> Result<Option<PathBuf>, ConfigError> {
    let Some(given) = environment.get("CODEX_HOME") else {
        return Ok(None);
    };
    let path = cwd.join(given);
    if path.is_dir() && !given.is_empty() {
        return Ok(Some(path));
    }
    Err(ConfigError::Value {
        name: "CODEX_HOME",
        problem: format!(
            "names {:?}, which is not a folder; make it or unset the variable",
            given.to_string_lossy()
        ),
    })
}

fn is_program(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
}

pub(crate) fn locale_language(environment: &Environment) -> Language {
    // The order in which the C library looks.
    ["LC_ALL", "LC_MESSAGES", "LANG"]
        .iter()
        .filter_map(|name| environment.get(name)?.to_str())
        .find(|value| !value.is_empty())
        .map_or(Language::En, Language::of_locale)
}

#[cfg(test)]
mod tests;
