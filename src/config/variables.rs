//! The `CODEX_GOVERNANCE_*` variables: reading, checking, and laying them over what `governance.yaml` says.

use super::{
    ConfigError, DEFAULT_MAX_DEPARTMENTS, DEFAULT_MAX_TERMINALS, DEFAULT_SILENT_SECONDS,
    DEFAULT_WORKFLOW_DOC, Settings,
};
use crate::domain::doing::Thresholds;
use crate::governance::Governance;
use crate::paths::Environment;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const PREFIX: &str = "CODEX_GOVERNANCE_";
const PROJECT_NAME: &str = "CODEX_GOVERNANCE_PROJECT_NAME";
const WORKFLOW_DOC: &str = "CODEX_GOVERNANCE_WORKFLOW_DOC";
const MODELS: &str = "CODEX_GOVERNANCE_MODELS";
const ZHONGSHU_MODEL: &str = "CODEX_GOVERNANCE_ZHONGSHU_MODEL";
const DEPARTMENT_MODEL: &str = "CODEX_GOVERNANCE_DEPARTMENT_MODEL";
const MAX_DEPARTMENTS: &str = "CODEX_GOVERNANCE_MAX_DEPARTMENTS";
const STALE_SECONDS: &str = "CODEX_GOVERNANCE_DEPARTMENT_STALE_SECONDS";

const KNOWN: [&str; 7] = [
    PROJECT_NAME,
    WORKFLOW_DOC,
    MODELS,
    ZHONGSHU_MODEL,
    DEPARTMENT_MODEL,
    MAX_DEPARTMENTS,
    STALE_SECONDS,
];

/// The same limits as `governance.yaml` has.
const DEPARTMENTS: RangeInclusive<u64> = 1..=64;
const SECONDS: RangeInclusive<u64> = 1..=86_400;
const MAX_CHARS: usize = 128;

/// What the environment says; `None` where it says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Variables {
    project_name: Option<String>,
    workflow_doc: Option<String>,
    models: Option<Vec<String>>,
    zhongshu_model: Option<String>,
    department_model: Option<String>,
    max_departments: Option<u32>,
    department_stale_seconds: Option<u64>,
}

impl Variables {
    /// Reads and checks them.
    ///
    /// # Errors
    /// At the first bad value; the error names the variable and what is allowed.
    pub fn read(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            project_name: line(environment, PROJECT_NAME)?,
            workflow_doc: line(environment, WORKFLOW_DOC)?
                .map(|path| inside(WORKFLOW_DOC, path))
                .transpose()?,
            models: models(environment)?,
            zhongshu_model: line(environment, ZHONGSHU_MODEL)?
                .map(|name| model(ZHONGSHU_MODEL, name))
                .transpose()?,
            department_model: line(environment, DEPARTMENT_MODEL)?
                .map(|name| model(DEPARTMENT_MODEL, name))
                .transpose()?,
            max_departments: number(environment, MAX_DEPARTMENTS, DEPARTMENTS)?
                .map(|number| u32::try_from(number).expect("the range was checked")),
            department_stale_seconds: number(environment, STALE_SECONDS, SECONDS)?,
        })
    }

    /// A sentence for each variable that looks like one of ours and is none: most likely a typing error.
    pub fn unknown(environment: &Environment) -> Vec<String> {
        let mut names: Vec<_> = environment
            .names()
            .filter_map(|name| name.to_str())
            .filter(|name| name.starts_with(PREFIX) && !KNOWN.contains(name))
            .map(|name| {
                format!(
                    "{name} is not a variable that zhongshu knows; it knows {}",
                    KNOWN.join(", ")
                )
            })
            .collect();
        names.sort();
        names
    }

    /// What holds: the environment, then the file, then defaults. Models are overridden only when somebody said so; a
    /// configured list gives its first to planners and its last to departments.
    pub fn merge(&self, repo: &Path, governance: Governance) -> Settings {
        let file = &governance.settings;
        let folder_name = || {
            repo.file_name().map_or_else(
                || "repository".to_owned(),
                |it| it.to_string_lossy().into_owned(),
            )
        };
        let models = self.models.clone().unwrap_or_else(|| file.models.clone());
        let seconds = self
            .department_stale_seconds
            .or(file.silent_after_seconds)
            .unwrap_or(DEFAULT_SILENT_SECONDS);
        let departments = self
            .max_departments
            .or(file.max_departments)
            .unwrap_or(DEFAULT_MAX_DEPARTMENTS);
        Settings {
            project_name: self
                .project_name
                .clone()
                .or_else(|| file.project_name.clone())
                .or_else(|| governance.name.clone())
                .unwrap_or_else(folder_name),
            workflow_doc: self
                .workflow_doc
                .clone()
                .or_else(|| file.workflow_doc.clone())
                .unwrap_or_else(|| DEFAULT_WORKFLOW_DOC.to_owned()),
            zhongshu_model: self
                .zhongshu_model
                .clone()
                .or_else(|| file.planner.model.clone())
                .or_else(|| file.zhongshu_model.clone())
                .or_else(|| models.first().cloned()),
            department_model: self
                .department_model
                .clone()
                .or_else(|| file.department_model.clone())
                .or_else(|| models.last().cloned()),
            models,
            max_departments: departments as usize,
            thresholds: Thresholds {
                silent_after: Duration::from_secs(seconds),
                looping_after: file.looping_after,
            },
            max_terminals: file.max_terminals.unwrap_or(DEFAULT_MAX_TERMINALS) as usize,
            tuis_started_with_session: file.tuis_started_with_session as usize,
            reminder_grace: Duration::from_secs(file.reminder_grace_seconds),
            run_verify: file.run_verify,
            notify: file.notify.clone(),
            allow: file.allow.clone(),
            verify_limit: Duration::from_secs(file.verify_limit_seconds),
            orphan_limit: Duration::from_secs(file.orphan_exit_seconds),
            language: file.language,
            driver: file.driver.clone(),
            planner: file.planner.clone(),
            drivers: file.drivers.clone(),
            governance: Arc::new(governance),
        }
    }
}

fn bad(name: &'static str, problem: impl Into<String>) -> ConfigError {
    ConfigError::Value {
        name,
        problem: problem.into(),
    }
}

fn text<'a>(
    environment: &'a Environment,
    name: &'static str,
) -> Result<Option<&'a str>, ConfigError> {
    environment
        .get(name)
        .map(|value| {
            value
                .to_str()
                .ok_or_else(|| bad(name, "is not valid UTF-8; write it as UTF-8 text"))
        })
        .transpose()
}

fn line(environment: &Environment, name: &'static str) -> Result<Option<String>, ConfigError> {
    text(environment, name)?
        .map(|value| checked_line(name, value))
        .transpose()
}

fn checked_line(name: &'static str, value: &str) -> Result<String, ConfigError> {
    let value = value.trim();
    if value.is_empty() {
        return Err(bad(name, "is empty; give it a value or unset it"));
    }
    if value.chars().any(char::is_control) {
        return Err(bad(
            name,
            "holds a line break or another control character; it must be one line of text",
        ));
    }
    if value.chars().count() > MAX_CHARS {
        return Err(bad(
            name,
            format!("is longer than {MAX_CHARS} characters; shorten it"),
        ));
    }
    Ok(value.to_owned())
}

fn inside(name: &'static str, path: String) -> Result<String, ConfigError> {
    let leaves = path.starts_with('/') || path.contains('\\') || path.split('/').any(|p| p == "..");
    if leaves {
        return Err(bad(
            name,
            "must be a path inside the repository, such as AGENTS.md",
        ));
    }
    Ok(path)
}

fn model(name: &'static str, model: String) -> Result<String, ConfigError> {
    if model.starts_with('-') || model.contains(char::is_whitespace) {
        return Err(bad(
            name,
            format!("holds {model:?}; a model's name has no blanks and does not start with `-`"),
        ));
    }
    Ok(model)
}

fn models(environment: &Environment) -> Result<Option<Vec<String>>, ConfigError> {
    let Some(list) = text(environment, MODELS)? else {
        return Ok(None);
    };
    // Empty on purpose: whatever the installed Codex offers.
    if list.trim().is_empty() {
        return Ok(Some(Vec::new()));
    }
    let mut names = Vec::new();
    for part in list.split(',') {
        if part.trim().is_empty() {
            return Err(bad(
                MODELS,
                "has an empty name in its list; write the names with one comma between them",
            ));
        }
        let name = model(MODELS, checked_line(MODELS, part)?)?;
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(Some(names))
}

fn number(
    environment: &Environment,
    name: &'static str,
    allowed: RangeInclusive<u64>,
) -> Result<Option<u64>, ConfigError> {
    let Some(value) = text(environment, name)? else {
        return Ok(None);
    };
    match value.trim().parse() {
        Ok(number) if allowed.contains(&number) => Ok(Some(number)),
        _ => Err(bad(
            name,
            format!(
                "is {value:?}; it must be a whole number from {} to {}",
                allowed.start(),
                allowed.end()
            ),
        )),
    }
}
