//! What the gate says in the terminal of whoever commits, in Chinese and English: what is wrong and what to do next.

use chrono::{DateTime, Local, Utc};
use std::path::Path;

use super::judge::{Reason, Verdict};
use crate::domain::language::Language;
use crate::domain::review::{GateMode, GitId, Said};
use crate::domain::sentence::{Sentence, say};
use crate::governance::render::printable;

/// Where a person can review.
#[derive(Debug, Clone, Copy)]
pub struct Way<'a> {
    /// The repository.
    pub repo: &'a Path,
    /// The dashboard's address, while a server runs.
    pub page_url: Option<&'a str>,
}

/// The lines for a verdict that is against the commit; none when there is nothing to say.
pub fn lines(verdict: &Verdict, way: Way<'_>, language: Language) -> Vec<String> {
    let Some(against) = &verdict.against else {
        return Vec::new();
    };
    if verdict.mode == GateMode::Off {
        return Vec::new();
    }
    let what = what(against, verdict.tree.as_ref());
    let enforce = verdict.mode == GateMode::Enforce;
    let head = match enforce {
        true => say!("gate.says.refused", what => what),
        false => say!("gate.says.warns", what => what),
    };
    let mut lines = vec![head.text(language)];
    let advice = advice(against);
    lines.extend(advice.map(|advice| indented(&advice, language)));
    if needs_review(against) {
        lines.extend(review_at(way, language));
    }
    if !enforce {
        lines.push(indented(&say!("gate.says.goes_on"), language));
    }
    lines
}

fn indented(sentence: &Sentence, language: Language) -> String {
    format!("  {}", sentence.text(language))
}

/// Why a commit is not let through, as the journal has it; `None` when nothing is against it.
pub fn reason(verdict: &Verdict) -> Option<String> {
    let tree = verdict.tree.as_ref();
    let against = verdict.against.as_ref();
    against.map(|it| what(it, tree).to_string())
}

/// What is said when Git is about to commit another tree than the one that the gate let pass.
pub fn swapped(passed: &GitId, moved_to: &GitId, refused: bool, language: Language) -> String {
    let (passed, moved_to) = (passed.short(), moved_to.short());
    let said = match refused {
        true => say!("gate.says.swapped", passed, moved_to),
        false => say!("gate.says.swapped_warns", passed, moved_to),
    };
    said.text(language)
}

fn what(against: &Reason, tree: Option<&GitId>) -> Sentence {
    let tree = tree.map(GitId::short).unwrap_or_default();
    match against {
        Reason::Unseen => say!("reason.gate.unseen", tree),
        Reason::Changed(decision) => {
            let then = decision.staged().tree.short();
            say!("reason.gate.changed", at = when(decision.at), then, tree)
        }
        Reason::Rejected(decision) => {
            let reason = match &decision.said {
                Said::Rejected(rejection) => printable(&rejection.reason),
                Said::Approved(_) => String::new(),
            };
            say!("reason.gate.rejected", at = when(decision.at), reason)
        }
        Reason::OtherBase(decision) => {
            say!("reason.gate.other_base", tree, at = when(decision.at))
        }
        Reason::NotWhatIsStaged => say!("reason.gate.not_what_is_staged"),
        Reason::OwnIndex => say!("reason.gate.own_index"),
        Reason::Unmerged => say!("reason.gate.unmerged"),
        Reason::Contradicted(folder) => {
            let folder = printable(if folder.is_empty() { "." } else { folder });
            say!("reason.gate.contradicted", folder)
        }
        Reason::Unreadable(reason) => {
            say!("reason.gate.unreadable", reason = printable(reason))
        }
        Reason::NoJournal(reason) => {
            say!("reason.gate.no_journal", reason = printable(reason))
        }
    }
}

/// What to do about it, besides a review.
fn advice(against: &Reason) -> Option<Sentence> {
    match against {
        Reason::Unmerged => Some(say!("gate.advice.unmerged")),
        Reason::Contradicted(_) => Some(say!("gate.advice.contradicted")),
        Reason::NoJournal(_) => Some(say!("gate.advice.no_journal")),
        Reason::NotWhatIsStaged => Some(say!("gate.advice.not_what_is_staged")),
        Reason::OwnIndex => Some(say!("gate.advice.own_index")),
        Reason::Unreadable(_)
        | Reason::Unseen
        | Reason::Changed(_)
        | Reason::Rejected(_)
        | Reason::OtherBase(_) => None,
    }
}

/// Whether a review, or another one, would let it pass.
fn needs_review(against: &Reason) -> bool {
    matches!(
        against,
        Reason::OwnIndex
            | Reason::Unseen
            | Reason::Changed(_)
            | Reason::Rejected(_)
            | Reason::OtherBase(_)
    )
}

/// Where to review; the address stands on a line of its own, so that it can be clicked.
fn review_at(way: Way<'_>, language: Language) -> Vec<String> {
    let repo = printable(&way.repo.to_string_lossy());
    match way.page_url {
        Some(page) => vec![
            indented(&say!("gate.advice.review"), language),
            format!("  {page}#review"),
        ],
        None => vec![indented(&say!("gate.advice.start", repo), language)],
    }
}

/// What is said when the gate cannot see the commit.
pub fn blind(error: &str, refused: bool, language: Language) -> String {
    let error = printable(error);
    let said = match refused {
        true => say!("gate.says.blind", error),
        false => say!("gate.says.blind_warns", error),
    };
    said.text(language)
}

/// What is said when it cannot be seen what Git is about to commit.
pub fn cannot_compare(error: &str, language: Language) -> String {
    say!("gate.says.cannot_compare", error = printable(error)).text(language)
}

/// What is said when a note for the server cannot be written.
pub fn cannot_note(error: &std::io::Error, language: Language) -> String {
    let error = printable(&error.to_string());
    say!("gate.says.cannot_note", error).text(language)
}

/// What is said after a commit that nobody approved.
pub fn went_around(tree: &GitId, language: Language) -> String {
    say!("gate.says.went_around", tree = tree.short()).text(language)
}

fn when(at: DateTime<Utc>) -> String {
    at.with_timezone(&Local)
        .format("%Y-%m-%d %H:%M")
        .to_string()
}
