//! Extensions: what was found, why it runs or does not, and exactly what a yes would let run.

use super::Words;
use super::review::in_words;
use crate::domain::harness::extension::content::FileFact;
use crate::domain::harness::extension::mode::Mode;
use crate::domain::language::Language;
use crate::harness::extensions::Note;
use crate::web::views::{ExtensionItem, ExtensionList, ExtensionSaid, ExtensionState};
use askama::Template;
use chrono::{DateTime, SecondsFormat, Utc};

#[derive(Template)]
#[template(path = "extensions.html")]
struct Page<'a> {
    t: Words,
    v: &'a ExtensionList,
}

/// Renders `GET /ui/extensions`.
///
/// # Errors
/// Only when the template engine fails.
pub fn render(language: Language, list: &ExtensionList) -> Result<String, askama::Error> {
    Page {
        t: Words::of(language),
        v: list,
    }
    .render()
}

impl Page<'_> {
    fn is_off(&self) -> bool {
        self.v.mode == Mode::Disabled
    }

    fn badge(&self, item: &ExtensionItem) -> &'static str {
        match item.state {
            ExtensionState::Running => "ok",
            ExtensionState::Waiting(_) | ExtensionState::Changed => "warn",
            ExtensionState::Failed | ExtensionState::Ended => "bad",
            ExtensionState::Untrusted => "ask",
            ExtensionState::SwitchedOff => "",
        }
    }

    fn retry_at(&self, item: &ExtensionItem) -> Option<String> {
        match item.state {
            ExtensionState::Waiting(until) => Some(self.stamp(&until)),
            _ => None,
        }
    }

    fn level(&self, note: &Note) -> &'static str {
        match note.level.word() {
            "error" => "bad",
            "warning" => "warn",
            _ => "",
        }
    }

    fn size(&self, file: &FileFact) -> String {
        in_words(file.bytes)
    }

    fn total(&self, said: &ExtensionSaid) -> String {
        in_words(said.files.iter().map(|file| file.bytes).sum())
    }

    fn stamp(&self, at: &DateTime<Utc>) -> String {
        at.to_rfc3339_opts(SecondsFormat::Secs, true)
    }
}
