//! The governance report as a page, from the very JSON that `GET /api/report` answers. Owns how findings are grouped; each
//! part of the page is a template of its own.

mod shape;

use super::Words;
use crate::domain::department::Department;
use crate::domain::language::Language;
use askama::Template;
use serde::Deserialize;
use serde_json::Value;
use shape::{ChangedFile, Report, Risk, Scan};
use std::collections::HashMap;

/// The levels of findings, worst first.
const LEVELS: [&str; 3] = ["high", "medium", "low"];

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

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    t: Words,
    r: &'a Report,
    groups: Vec<Group<'a>>,
    /// Where each changed path, or its former name, stands in the list.
    positions: &'a HashMap<&'a str, usize>,
    departments: &'a [Department],
    language: Language,
}

/// The findings in the files of one department.
struct Group<'a> {
    /// The department's key; empty when none owns the files.
    key: &'a str,
    title: &'a str,
    risks: Vec<&'a Risk>,
}

impl Group<'_> {
    /// How many findings of each level there are, worst first.
    fn levels(&self) -> Vec<(&'static str, usize)> {
        let of = |level: &str| self.risks.iter().filter(|risk| risk.level == level).count();
        let all = LEVELS.iter().map(|level| (*level, of(level)));
        all.filter(|(_, count)| *count > 0).collect()
    }

    /// Worse groups come first.
    fn rank(&self) -> usize {
        let rank = |risk: &&Risk| LEVELS.iter().position(|level| *level == risk.level);
        self.risks
            .iter()
            .filter_map(rank)
            .min()
            .unwrap_or(LEVELS.len())
    }
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
    let t = Words::of(language);
    let mut positions = HashMap::new();
    for (position, file) in report.changed_files.iter().enumerate() {
        positions.insert(file.path.as_str(), position);
        if let Some(old) = &file.old_path {
            positions.entry(old.as_str()).or_insert(position);
        }
    }
    let page = Page {
        t,
        r: &report,
        groups: groups(&report, &positions, t),
        positions: &positions,
        departments,
        language,
    };
    Ok(page.render()?)
}

/// Each finding once, under the first department that owns its file.
fn groups<'a>(report: &'a Report, positions: &HashMap<&str, usize>, t: Words) -> Vec<Group<'a>> {
    let shares = report.departments.iter();
    let mut groups: Vec<Group<'a>> = shares
        .map(|share| (share.key.as_str(), share.title.as_str()))
        .chain([("", t.get("report.uncategorised"))])
        .map(|(key, title)| Group {
            key,
            title,
            risks: Vec::new(),
        })
        .collect();
    for risk in &report.risks {
        let file = positions.get(risk.path.as_str());
        let owners = file.map(|at| report.changed_files[*at].departments.as_slice());
        let owned = |group: &Group<'_>| {
            owners.is_some_and(|owners| owners.iter().any(|owner| owner == group.key))
        };
        let place = groups.iter().position(owned).unwrap_or(groups.len() - 1);
        groups[place].risks.push(risk);
    }
    groups.retain(|group| !group.risks.is_empty());
    groups.sort_by_key(Group::rank);
    groups
}

impl<'a> Page<'a> {
    fn scan(&self) -> &Scan {
        &self.r.preflight.checks.portability_reference_scan
    }

    fn short_hash<'s>(&self, hash: &'s str) -> &'s str {
        hash.get(..10).unwrap_or(hash)
    }

    /// A level that the page knows; another one counts as medium.
    fn level(&self, risk: &Risk) -> &'static str {
        let known = LEVELS.iter().find(|level| **level == risk.level);
        known.unwrap_or(&"medium")
    }

    fn file(&self, risk: &Risk) -> Option<(usize, &'a ChangedFile)> {
        let position = *self.positions.get(risk.path.as_str())?;
        Some((position, &self.r.changed_files[position]))
    }

    /// Id of the row that shows the file of a finding.
    fn place(&self, risk: &Risk) -> String {
        self.file(risk)
            .map_or_else(String::new, |(at, _)| format!("changed-{at}"))
    }

    /// The other departments that own the file of a finding.
    fn also(&self, risk: &Risk, shown: &str) -> Vec<&'a str> {
        let owners = self.file(risk).map(|(_, file)| file.departments.iter());
        let keys = owners.into_iter().flatten().map(String::as_str);
        keys.filter(|key| *key != shown).collect()
    }

    fn files_of(&self, files: &[String]) -> String {
        match files.len() {
            1 => self.t.get("report.one_file").to_owned(),
            count => self.t.one("report.n_files", count),
        }
    }

    fn title<'s>(&'s self, key: &'s str) -> &'s str {
        let known = self.departments.iter().find(|d| d.key == key);
        known.map_or(key, |d| d.title.get(self.language))
    }
}
