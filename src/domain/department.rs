//! Departments: who they are, what they own and how their sessions run. Owns the four built-in ones.
//! It never reads a file; `governance::settings` merges what `governance.yaml` says into these values.

use super::driver::Driver;
pub use super::language::Language;
use serde::{Deserialize, Serialize};

/// The department that reviews risks and may veto a plan.
pub const MENXIA: &str = "menxia";

/// Longest key of a department: it becomes part of session ids and file names.
pub const MAX_KEY_CHARS: usize = 32;

/// A text in both languages.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Localized {
    /// Chinese text.
    pub zh: String,
    /// English text.
    pub en: String,
}

impl Localized {
    /// Pairs a Chinese with an English text.
    pub fn new(zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self {
            zh: zh.into(),
            en: en.into(),
        }
    }

    /// One text that serves both languages.
    pub fn same(text: impl Into<String>) -> Self {
        let text = text.into();
        Self {
            zh: text.clone(),
            en: text,
        }
    }

    /// The text in `language`.
    pub fn get(&self, language: Language) -> &str {
        language.pick(&self.en, &self.zh)
    }
}

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
            ("门下省", "Chancellery (menxia)"),
            (
                "风险复核、边界检查、必要时驳回",
                "risk review, boundary check, veto where it is needed",
            ),
            &[],
        ),
        department(
            "zhilibu",
            ("治理部", "Governance (zhilibu)"),
            (
                "任务拆分、代理规则、README、文档、发布说明",
                "task split, agent rules, README, docs, release notes",
            ),
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
            ("工程部", "Engineering (gongchengbu)"),
            (
                "launcher、前端、脚本、验证、回归、发布链路",
                "launcher, front end, scripts, verification, regression, release",
            ),
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
            ("领域部", "Domain (lingyubu)"),
            (
                "领域代码、模型与数据、集成联调",
                "domain code, models and data, integration",
            ),
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

fn department(key: &str, title: (&str, &str), duty: (&str, &str), globs: &[&str]) -> Department {
    Department {
        key: key.to_owned(),
        title: Localized::new(title.0, title.1),
        duty: Localized::new(duty.0, duty.1),
        globs: globs.iter().map(|glob| (*glob).to_owned()).collect(),
        // Always available and changes nothing: whitespace errors and left-over conflict markers.
        verify: vec!["git diff --check".to_owned()],
        model: None,
        driver: None,
        sandbox: None,
        approval: None,
    }
}
