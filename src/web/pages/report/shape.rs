//! The part of a report's JSON that the page shows. What an older or newer server leaves out is empty.

use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct Report {
    pub digest: String,
    pub generated_at: String,
    pub mode: String,
    pub base: Option<String>,
    #[serde(default)]
    pub tree: Option<String>,
    #[serde(default)]
    pub rules: Rules,
    pub branch: Option<String>,
    pub head: Option<String>,
    pub ahead: Option<u64>,
    pub behind: Option<u64>,
    pub changed_files: Vec<ChangedFile>,
    pub departments: Vec<Share>,
    #[serde(default)]
    pub owners: Vec<OwnerShare>,
    #[serde(default)]
    pub owners_file: Option<OwnersFile>,
    pub risks: Vec<Risk>,
    #[serde(default)]
    pub silenced: Vec<Risk>,
    pub uncategorised: Vec<String>,
    pub verify_commands: Vec<String>,
    pub decision: String,
    #[serde(default)]
    pub decision_reasons: Vec<String>,
    #[serde(default)]
    pub notices: Vec<String>,
    pub counts: Counts,
    #[serde(default)]
    pub content_scan: ContentScan,
    pub preflight: Preflight,
}

#[derive(Default, Deserialize)]
pub(super) struct Rules {
    pub sentences: Vec<String>,
}

#[derive(Deserialize)]
pub(super) struct ChangedFile {
    pub path: String,
    pub old_path: Option<String>,
    pub status: String,
    pub additions: Option<u64>,
    pub deletions: Option<u64>,
    #[serde(default)]
    pub binary: bool,
    #[serde(default)]
    pub departments: Vec<String>,
    #[serde(default)]
    pub owners: Vec<String>,
    #[serde(default)]
    pub risks: Vec<String>,
}

#[derive(Deserialize)]
pub(super) struct Share {
    pub key: String,
    pub title: String,
    pub files: Vec<String>,
}

#[derive(Deserialize)]
pub(super) struct OwnerShare {
    pub owner: String,
    pub files: Vec<String>,
}

#[derive(Deserialize)]
pub(super) struct OwnersFile {
    pub path: String,
    pub notices: Vec<Notice>,
}

#[derive(Deserialize)]
pub(super) struct Notice {
    pub line: u64,
    pub message: String,
}

#[derive(Deserialize)]
pub(super) struct Risk {
    pub rule: String,
    pub level: String,
    pub path: String,
    pub line: Option<u64>,
    pub message: String,
    #[serde(default)]
    pub how_to_silence: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Counts {
    pub additions: u64,
    pub deletions: u64,
    pub risks_high: u64,
    pub risks_medium: u64,
    pub risks_low: u64,
    pub risks_left_out: u64,
    pub risks_silenced: u64,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct ContentScan {
    pub skipped_files: Vec<Skipped>,
}

#[derive(Deserialize)]
pub(super) struct Skipped {
    pub path: String,
    pub reason: String,
}

#[derive(Deserialize)]
pub(super) struct Preflight {
    pub decision: String,
    pub checks: Checks,
}

#[derive(Deserialize)]
pub(super) struct Checks {
    pub portability_reference_scan: Scan,
}

#[derive(Deserialize)]
pub(super) struct Scan {
    pub scanned_files: Vec<String>,
    pub violations: Vec<Reference>,
    pub exceptions: Vec<Reference>,
}

#[derive(Deserialize)]
pub(super) struct Reference {
    pub path: String,
    pub line: u64,
    pub reference: String,
    #[serde(default)]
    pub kind: String,
    #[serde(default)]
    pub classification: String,
    #[serde(default)]
    pub excerpt: String,
}
