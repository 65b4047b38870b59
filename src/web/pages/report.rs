//! The governance report as a page, from the very JSON that `GET /api/report` answers.

use super::Words;
use crate::domain::department::Department;
use crate::domain::language::Language;
use askama::Template;
use serde::Deserialize;
use serde_json::Value;

/// Why a report could not be shown.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not the report that this page knows.
    #[error("read the report: {0}")]
    Shape(#[from] serde_json::Error),
    /// The template engine failed.
    #[error("render the report: {0}")]
    Template(#[from] askama::Error),
}

#[derive(Deserialize)]
struct Report {
    digest: String,
    generated_at: String,
    mode: String,
    base: Option<String>,
    branch: Option<String>,
    head: Option<String>,
    ahead: Option<u64>,
    behind: Option<u64>,
    changed_files: Vec<ChangedFile>,
    departments: Vec<Share>,
    risks: Vec<Risk>,
    uncategorised: Vec<String>,
    verify_commands: Vec<String>,
    decision: String,
    #[serde(default)]
    decision_reasons: Vec<String>,
    counts: Counts,
    preflight: Preflight,
}

#[derive(Deserialize)]
struct ChangedFile {
    path: String,
    old_path: Option<String>,
    status: String,
    additions: Option<u64>,
    deletions: Option<u64>,
    #[serde(default)]
    binary: bool,
    #[serde(default)]
    departments: Vec<String>,
    #[serde(default)]
    risks: Vec<String>,
}

#[derive(Deserialize)]
struct Share {
    key: String,
    title: String,
    files: Vec<String>,
}

#[derive(Deserialize)]
struct Risk {
    rule: String,
    level: Value,
    path: String,
    line: Option<u64>,
    message: String,
    #[serde(default)]
    how_to_silence: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Counts {
    additions: u64,
    deletions: u64,
    risks_high: u64,
    risks_medium: u64,
    risks_low: u64,
}

#[derive(Deserialize)]
struct Preflight {
    decision: String,
    checks: Checks,
}

#[derive(Deserialize)]
struct Checks {
    portability_reference_scan: Scan,
}

#[derive(Deserialize)]
struct Scan {
    scanned_files: Vec<String>,
    violations: Vec<Reference>,
    exceptions: Vec<Reference>,
}

#[derive(Deserialize)]
struct Reference {
    path: String,
    line: u64,
    reference: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    classification: String,
    #[serde(default)]
    excerpt: String,
}

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    t: Words,
    r: &'a Report,
    departments: &'a [Department],
    language: Language,
}

/// Renders `GET /ui/report` from the report's JSON.
///
/// # Errors
/// When the JSON is no report.
pub fn render(
    report: &Value,
    departments: &[Department],
    language: Language,
) -> Result<String, Error> {
    let report = Report::deserialize(report)?;
    let page = Page {
        t: Words::of(language),
        r: &report,
        departments,
        language,
    };
    Ok(page.render()?)
}

impl Page<'_> {
    fn scan(&self) -> &Scan {
        &self.r.preflight.checks.portability_reference_scan
    }

    fn short_hash<'s>(&self, hash: &'s str) -> &'s str {
        hash.get(..10).unwrap_or(hash)
    }

    fn level<'s>(&self, risk: &'s Risk) -> &'s str {
        risk.level.as_str().unwrap_or("medium")
    }

    fn title<'s>(&'s self, key: &'s str) -> &'s str {
        let known = self.departments.iter().find(|d| d.key == key);
        known.map_or(key, |d| d.title.get(self.language))
    }
}
