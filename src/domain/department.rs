//! Departments: who they are, what they own and how their sessions run. Owns the four built-in ones.
//! It never reads a file; `governance::settings` merges what `governance.yaml` says into these values.

use super::driver::Driver;
pub use super::language::{Language, Localized};
use super::sentence::{Sentence, say};
use serde::{Deserialize, Serialize};

/// The department that reviews risks and may veto a plan.
pub const MENXIA: &str = "menxia";

/// Longest key of a department: it becomes part of session ids and file names.
pub const MAX_KEY_CHARS: usize = 32;

/// What a session's commands may touch, from narrow to wide; Codex's own names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sandbox {
    /// Reads only.
    ReadOnly,
    /// Writes inside the workspace, no network.
    WorkspaceWrite,
    /// No sandbox at all.
    DangerFullAccess,
}

impl Sandbox {
    /// The one with this name.
    pub fn named(name: &str) -> Option<Self> {
        let all = [Self::ReadOnly, Self::WorkspaceWrite, Self::DangerFullAccess];
        all.into_iter().find(|it| it.name() == name)
    }

    /// The name used in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::ReadOnly => "read-only",
            Self::WorkspaceWrite => "workspace-write",
            Self::DangerFullAccess => "danger-full-access",
        }
    }
}

/// When a session asks a person, from often to never; Codex's own names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Approval {
    /// Everything that is not known to be harmless.
    Untrusted,
    /// When the agent asks to leave the sandbox.
    OnRequest,
    /// Never; what is not allowed fails.
    Never,
}

impl Approval {
    /// The one with this name.
    pub fn named(name: &str) -> Option<Self> {
        let all = [Self::Untrusted, Self::OnRequest, Self::Never];
        all.into_iter().find(|it| it.name() == name)
    }

    /// The name used in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Untrusted => "untrusted",
            Self::OnRequest => "on-request",
            Self::Never => "never",
        }
    }
}

/// A department as the governance in force defines it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Department {
    /// Stable name in ids, files and the API: `[a-z][a-z0-9_-]{0,31}`.
    pub key: String,
    /// Name shown to people.
    pub title: Localized,
    /// What it is for; part of its sessions' prompts.
    pub duty: Localized,
    /// Path patterns (see `domain::rules`) of the files it owns.
    pub globs: Vec<String>,
    /// Commands that show that its work holds. Shown, never run on an agent's word.
    pub verify: Vec<String>,
    /// Model override; none means the configuration's own model.
    pub model: Option<String>,
    /// Driver override; none means the default driver.
    pub driver: Option<Driver>,
    /// Sandbox override.
    pub sandbox: Option<Sandbox>,
    /// Approval override.
    pub approval: Option<Approval>,
}

/// Whether `key` is fit to be a department's key.
pub fn is_valid_key(key: &str) -> bool {
    key.len() <= MAX_KEY_CHARS
        && key.starts_with(|c: char| c.is_ascii_lowercase())
        && key
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-')
}

/// The departments that exist without any configuration, in their order of precedence.
pub fn built_in() -> Vec<Department> {
    vec![
        department(
            MENXIA,
            say!("department.menxia.title"),
            say!("department.menxia.duty"),
            &[],
        ),
        department(
            "zhilibu",
            say!("department.zhilibu.title"),
            say!("department.zhilibu.duty"),
            &[
                "*.md",
                "/docs/",
                "/.codex/",
                "/governance.yaml",
                "LICENSE*",
                "NOTICE*",
                "CHANGELOG*",
                "CODEOWNERS",
                ".cursorrules",
            ],
        ),
        department(
            "gongchengbu",
            say!("department.gongchengbu.title"),
            say!("department.gongchengbu.duty"),
            &[
                "/tools/",
                "/scripts/",
                "/bin/",
                "/static/",
                "/templates/",
                "/web/",
                "/frontend/",
                "/.ci/",
                "/.github/",
                "/ci/",
                "/docker/",
                "tests/",
                "test/",
                "Dockerfile*",
                "Makefile",
                "*.mk",
                "*.sh",
                "*.ps1",
                "build.rs",
                "Cargo.toml",
                "Cargo.lock",
                "package.json",
                "package-lock.json",
                "pnpm-lock.yaml",
                "yarn.lock",
                "pyproject.toml",
                "uv.lock",
                "poetry.lock",
                "requirements*.txt",
                "go.mod",
                "go.sum",
                ".gitignore",
                ".gitattributes",
                ".editorconfig",
            ],
        ),
        department(
            "lingyubu",
            say!("department.lingyubu.title"),
            say!("department.lingyubu.duty"),
            &[
                "/src/",
                "/lib/",
                "/crates/",
                "/packages/",
                "/app/",
                "/apps/",
                "/internal/",
                "/pkg/",
                "/models/",
                "/data/",
            ],
        ),
    ]
}

fn department(key: &str, title: Sentence, duty: Sentence, globs: &[&str]) -> Department {
    Department {
        key: key.to_owned(),
        title: title.both(),
        duty: duty.both(),
        globs: globs.iter().map(|glob| (*glob).to_owned()).collect(),
        // Always available and changes nothing: whitespace errors and left-over conflict markers.
        verify: vec!["git diff --check".to_owned()],
        model: None,
        driver: None,
        sandbox: None,
        approval: None,
    }
}
