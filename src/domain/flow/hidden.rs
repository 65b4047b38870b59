//! Characters that nobody sees, in plans: refused in what a program obeys, told of everywhere else.

use crate::domain::plan::{PlanCheck, PlanFinding, PlanLevel, PlannedAssignment};
use crate::domain::refusal::Refusal;
use crate::domain::sentence::{Sentence, say};
use crate::domain::shown;

/// Different characters that a finding names; who hides more than this hides something.
const NAMED: usize = 8;

/// Refuses entries of `files` or `verify` that hold a character which shows nothing or changes how others are read: what
/// a program obeys must be what a person saw. Line breaks and tabs are such characters here.
///
/// # Errors
/// A sentence that names the field, the entry and the character.
pub fn refuse(list: &[String], field: &str) -> Result<(), Refusal> {
    let found = list
        .iter()
        .enumerate()
        .find_map(|(index, entry)| Some((index, entry.chars().find(|c| shown::is_hidden(*c))?)));
    let Some((index, c)) = found else {
        return Ok(());
    };
    let what_else = match c {
        '\n' | '\r' => say!("refusal.hidden.own_entry"),
        _ => say!("refusal.hidden.leave_out"),
    };
    let message = say!("refusal.hidden_character", field, index, character = shown::number(c), what_else => what_else);
    Err(Refusal::invalid("hidden_character", message))
}

/// One finding for each line that holds such characters.
pub fn in_lines(lines: &[PlannedAssignment]) -> Vec<PlanFinding> {
    let lines = lines.iter().enumerate();
    lines.filter_map(|(at, line)| in_line(at, line)).collect()
}

fn in_line(at: usize, line: &PlannedAssignment) -> Option<PlanFinding> {
    let prose = [
        (say!("plan_check.field.task"), line.task.as_str()),
        (say!("plan_check.field.reason"), &line.reason),
        (say!("plan_check.field.model_reason"), &line.model_reason),
    ];
    let prose = prose.map(|(name, text)| (name, Vec::from_iter(shown::hidden(text))));
    let strict = [
        (say!("plan_check.field.files"), &line.files),
        (say!("plan_check.field.verify"), &line.verify),
    ];
    let strict = strict.map(|(name, list)| {
        let all = list.iter().flat_map(|entry| entry.chars());
        (name, Vec::from_iter(all.filter(|c| shown::is_hidden(*c))))
    });
    let is_obeyed = strict.iter().any(|(_, chars)| !chars.is_empty());
    let found = strict.into_iter().chain(prose);
    let (fields, chars): (Vec<_>, Vec<_>) = found.filter(|(_, it)| !it.is_empty()).unzip();
    let names = named(&chars.concat())?;
    let fields = Sentence::list(fields);
    let message = match is_obeyed {
        true => say!("plan_check.hidden_in_what_is_obeyed", names, fields => fields),
        false => say!("plan_check.hidden_in_prose", names, fields => fields),
    };
    Some(PlanFinding {
        check: PlanCheck::HiddenCharacters,
        level: match is_obeyed {
            true => PlanLevel::Error,
            false => PlanLevel::Warning,
        },
        assignments: vec![at],
        path: None,
        message: message.both(),
    })
}

/// A finding when the summary holds such characters.
pub fn in_summary(summary: &str) -> Option<PlanFinding> {
    let names = named(&Vec::from_iter(shown::hidden(summary)))?;
    Some(PlanFinding {
        check: PlanCheck::HiddenCharacters,
        level: PlanLevel::Warning,
        assignments: Vec::new(),
        path: None,
        message: say!("plan_check.summary_holds_characters_nobody", names).both(),
    })
}

/// "U+200B, U+202E, …": the different ones, in their order; `None` for none.
fn named(chars: &[char]) -> Option<String> {
    let mut different: Vec<char> = Vec::new();
    for c in chars {
        if !different.contains(c) {
            different.push(*c);
        }
        if different.len() > NAMED {
            break;
        }
    }
    if different.is_empty() {
        return None;
    }
    let mut names: Vec<String> = different
        .iter()
        .take(NAMED)
        .map(|c| shown::number(*c))
        .collect();
    if different.len() > NAMED {
        names.push("…".to_owned());
    }
    Some(names.join(", "))
}
