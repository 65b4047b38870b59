//! The sentences of a finding: what is to be looked at, and how it goes away properly. Nothing that a file holds is ever
//! repeated in them.

use crate::domain::language::Language;
use crate::domain::rules::{ChangeTest, LineTest, RiskRule, Subject};
use crate::domain::sentence::{Sentence, say};
use crate::domain::words;

/// What a finding of `rule` says; `what` is what was recognised, a key of the dictionary.
pub(super) fn message(rule: &RiskRule, what: Option<&'static str>, language: Language) -> String {
    let message = rule.message.get(language);
    let Some(what) = what.map(|key| words::text(language, key)) else {
        return message.to_owned();
    };
    match language {
        Language::En => message.replace("{what}", what),
        Language::Zh => message.replace("{what}", &among_chinese(what)),
    }
}

/// `text` with the space that stands between Chinese and other letters.
fn among_chinese(text: &str) -> String {
    let gap = |c: Option<char>| match c {
        Some(c) if c.is_ascii_alphanumeric() => " ",
        _ => "",
    };
    let (before, after) = (gap(text.chars().next()), gap(text.chars().next_back()));
    format!("{before}{text}{after}")
}

/// How a finding of `rule` goes away.
pub(super) fn how_to_silence(rule: &RiskRule, language: Language) -> String {
    if rule.locked {
        return words::text(language, "governance.this_rule_cannot_be").to_owned();
    }
    let (step, name) = (first_step(&rule.subject), &rule.name);
    say!("governance.advice.or_allow", step => step, name).text(language)
}

/// How a finding that is exempt came to be so.
pub(super) fn why_silent(rule: &RiskRule, language: Language) -> String {
    let name = &rule.name;
    say!("governance.exempt_by_rule", name).text(language)
}

fn first_step(subject: &Subject) -> Sentence {
    match subject {
        Subject::Path => say!("governance.advice.path"),
        Subject::Expressions(_) => say!("governance.advice.line"),
        Subject::Lines(LineTest::ConflictMarker) => say!("governance.advice.conflict_marker"),
        Subject::Lines(LineTest::HiddenCharacter) => say!("governance.advice.hidden_character"),
        Subject::Lines(_) => say!("governance.advice.secret"),
        Subject::Change(ChangeTest::OutsideLink) => say!("governance.advice.outside_link"),
        Subject::Change(ChangeTest::Submodule) => say!("governance.advice.submodule"),
        Subject::Change(ChangeTest::NewBinary | ChangeTest::LargeFile { .. }) => {
            say!("governance.advice.binary")
        }
        Subject::Change(ChangeTest::NewExecutable) => say!("governance.advice.executable"),
        Subject::Change(ChangeTest::LfsPointer) => say!("governance.advice.lfs_pointer"),
    }
}
