//! Characters that nobody sees, in plans: refused in what a program obeys, told of everywhere else.

use crate::domain::department::Localized;
use crate::domain::plan::{PlanCheck, PlanFinding, PlanLevel, PlannedAssignment};
use crate::domain::refusal::Refusal;
use crate::domain::sentence::say;
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
        ("任务", "task", line.task.as_str()),
        ("理由", "reason", &line.reason),
        ("选用模型的理由", "reason for the model", &line.model_reason),
    ];
    let prose = prose.map(|(zh, en, text)| (zh, en, Vec::from_iter(shown::hidden(text))));
    let strict = [
        ("文件", "files", &line.files),
        ("验证命令", "verify", &line.verify),
    ];
    let strict = strict.map(|(zh, en, list)| {
        let all = list.iter().flat_map(|entry| entry.chars());
        (zh, en, Vec::from_iter(all.filter(|c| shown::is_hidden(*c))))
    });
    let is_obeyed = strict.iter().any(|(_, _, chars)| !chars.is_empty());
    let fields: Vec<_> = strict.into_iter().chain(prose).collect();
    let fields = fields.into_iter().filter(|(_, _, chars)| !chars.is_empty());
    let (mut zh, mut en, mut chars) = (Vec::new(), Vec::new(), Vec::new());
    for (name_zh, name_en, found) in fields {
        zh.push(name_zh);
        en.push(name_en);
        chars.extend(found);
    }
    let names = named(&chars)?;
    let (then_zh, then_en) = match is_obeyed {
        true => ("去除后才能确认", "it can be confirmed without them only"),
        false => ("编辑表单中已去除", "the form leaves them out"),
    };
    Some(PlanFinding {
        check: PlanCheck::HiddenCharacters,
        level: match is_obeyed {
            true => PlanLevel::Error,
            false => PlanLevel::Warning,
        },
        assignments: vec![at],
        path: None,
        message: Localized::new(
            format!("{}中含有看不见的字符（{names}）；{then_zh}", zh.join("、")),
            format!(
                "characters that nobody sees ({names}) in: {}; {then_en}",
                en.join(", ")
            ),
        ),
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
        message: Localized::new(
            format!("方案摘要中含有看不见的字符（{names}）；页面上已标出"),
            format!(
                "the summary holds characters that nobody sees ({names}); they are spelled out here"
            ),
        ),
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
