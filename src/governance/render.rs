//! Prints a report: as text for terminals, as Markdown, as SARIF for other tools. What comes from the repository is data in
//! all of them: control characters are shown as escapes, Markdown sees it in code spans only, SARIF in its own fields.

mod escape;
mod markdown;
mod sarif;
mod text;
mod words;

use serde::{Deserialize, Serialize};

use crate::domain::language::Language;
use crate::domain::report::judges::Judges;
use crate::domain::report::{Preflight, Report};

pub use escape::printable;

/// A form in which a report is handed out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Format {
    /// Lines for a terminal.
    #[default]
    Text,
    /// The values themselves.
    Json,
    /// A document.
    Markdown,
    /// SARIF 2.1.0, which code hosts and editors read.
    Sarif,
}

/// Which part of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Part {
    /// All of it.
    Whole,
    /// The checks before a commit.
    Preflight,
}

impl Format {
    /// Every form, by its name in the API and on the command line.
    pub const ALL: [(&'static str, Self); 4] = [
        ("text", Self::Text),
        ("json", Self::Json),
        ("markdown", Self::Markdown),
        ("sarif", Self::Sarif),
    ];

    /// The form of this name.
    pub fn named(name: &str) -> Option<Self> {
        let known = Self::ALL.iter().find(|(known, _)| *known == name);
        known.map(|(_, format)| *format)
    }

    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; charset=utf-8",
            Self::Json => "application/json",
            Self::Markdown => "text/markdown; charset=utf-8",
            Self::Sarif => "application/sarif+json",
        }
    }
}

/// The checks before a commit as JSON.
#[derive(Serialize)]
struct Checks<'a> {
    #[serde(flatten)]
    preflight: &'a Preflight,
    rules: &'a Judges,
}

/// A report in one form.
///
/// # Errors
/// Only when a value cannot be written as JSON.
pub fn render(
    report: &Report,
    format: Format,
    part: Part,
    language: Language,
) -> Result<String, serde_json::Error> {
    match (format, part) {
        (Format::Text, Part::Whole) => Ok(text::whole(report, language)),
        (Format::Text, Part::Preflight) => Ok(text::preflight_only(report, language)),
        (Format::Markdown, Part::Whole) => Ok(markdown::whole(report, language)),
        (Format::Markdown, Part::Preflight) => Ok(markdown::preflight_only(report, language)),
        (Format::Json, Part::Whole) => serde_json::to_string(report),
        (Format::Json, Part::Preflight) => serde_json::to_string(&Checks {
            preflight: &report.preflight,
            rules: &report.rules,
        }),
        (Format::Sarif, part) => serde_json::to_string(&sarif::log(report, part, language)),
    }
}
