//! A transcript as a Markdown page. Headings are ours; whatever somebody else wrote stands inside a fence.

use super::{Cut, Row, Text, Turn, Via, What};
use crate::domain::language::Language;
use crate::domain::markdown::{code, fence, heading};
use crate::domain::sentence::say;
use chrono::{DateTime, SecondsFormat, Utc};
use std::fmt::Write as _;

const FITS: &str = "writing to a string cannot fail";

/// The head of the page.
pub fn head(title: &str, thread_id: &str, language: Language) -> String {
    let title = say!("export.title", title = code(title));
    let thread = say!("export.thread", thread = code(thread_id));
    format!("# {}\n\n{}\n", title.text(language), thread.text(language))
}

/// One turn of it.
pub fn turn(turn: &Turn, language: Language) -> String {
    let mut page = String::new();
    let at = turn.started_at.map(stamp).unwrap_or_default();
    let title = say!("export.turn", at, turn = code(&turn.id));
    heading(&mut page, 2, &title.text(language));
    if turn.rows_left_out {
        let said = say!("export.rows_left_out").text(language);
        writeln!(page, "{said}").expect(FITS);
    }
    for one in &turn.rows {
        row(&mut page, one, language);
    }
    page
}

/// What stands at the end when it could not be read to its end.
pub fn broken_off(reason: &str, language: Language) -> String {
    let said = say!("export.broken_off", reason = code(reason));
    format!("\n{}\n", said.text(language))
}

fn stamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn row(page: &mut String, row: &Row, language: Language) {
    let title = match &row.what {
        What::Message { via, .. } => match via {
            Via::Zhongshu => say!("export.message"),
            Via::Terminal => say!("export.message_from_terminal"),
        },
        What::Answer { .. } => say!("export.answer"),
        What::Reasoning { .. } => say!("export.reasoning"),
        What::Command {
            status,
            exit_code: Some(code),
            ..
        } => say!("export.command_with_code", status, code),
        What::Command { status, .. } => say!("export.command", status),
        What::Patch { status, .. } => say!("export.patch", status),
        What::Plan { .. } => say!("export.plan"),
        What::Tool { status, .. } => say!("export.tool", status),
        What::WebSearch { .. } => say!("export.web_search"),
        What::Image { .. } => say!("export.image"),
        What::Review { begins: true, .. } => say!("export.review_begins"),
        What::Review { begins: false, .. } => say!("export.review_ends"),
        What::Compaction => say!("export.compaction"),
        What::TurnFailed { .. } => say!("export.turn_failed"),
        What::TurnInterrupted => say!("export.turn_interrupted"),
        What::Ask { .. } => say!("export.ask"),
        What::Unknown { .. } => say!("export.unknown"),
    };
    let title = title.text(language);
    let at = row.at.map(|at| format!(" · {}", stamp(at)));
    heading(page, 3, &format!("{title}{}", at.unwrap_or_default()));
    body(page, &row.what, language);
}

fn body(page: &mut String, what: &What, language: Language) {
    match what {
        What::Message { text, .. }
        | What::Answer { text }
        | What::Reasoning { text }
        | What::Plan { text }
        | What::Review { text, .. } => quoted(page, text, language),
        What::Command {
            command,
            cwd,
            output,
            output_at_limit,
            ..
        } => {
            quoted(page, command, language);
            let folder = say!("export.in", folder = code(cwd)).text(language);
            writeln!(page, "\n{folder}\n").expect(FITS);
            if !output.text.is_empty() {
                quoted(page, output, language);
            }
            if *output_at_limit {
                let said = say!("export.output_at_limit").text(language);
                writeln!(page, "\n{said}").expect(FITS);
            }
        }
        What::Patch {
            files,
            files_left_out,
            ..
        } => {
            for file in files {
                let moved = file.moved_to.as_deref().map(code);
                let moved = moved.map_or(String::new(), |to| format!(" → {to}"));
                writeln!(page, "{} {}{moved}\n", file.change, code(&file.path)).expect(FITS);
                quoted(page, &file.diff, language);
            }
            if *files_left_out > 0 {
                let said = say!("export.more_files", count = files_left_out).text(language);
                writeln!(page, "{said}").expect(FITS);
            }
        }
        What::Tool {
            server,
            tool,
            arguments,
            result,
            error,
            ..
        } => {
            writeln!(page, "{} {}\n", code(server), code(tool)).expect(FITS);
            for text in [arguments, result].into_iter().chain(error) {
                if !text.text.is_empty() {
                    quoted(page, text, language);
                }
            }
        }
        What::WebSearch { query } => quoted(page, query, language),
        What::Image { path } => writeln!(page, "{}", code(path)).expect(FITS),
        What::Compaction | What::TurnInterrupted => {}
        What::TurnFailed { reason, .. } => quoted(page, reason, language),
        What::Ask {
            text,
            decision,
            by,
            words,
            ..
        } => {
            quoted(page, text, language);
            let decision = match decision {
                Some(decision) => code(decision),
                None => code(&say!("export.nobody_yet").text(language)),
            };
            let by = by.as_deref().unwrap_or_default();
            let said = say!("export.decision", decision, by).text(language);
            writeln!(page, "\n{said}").expect(FITS);
            if let Some(words) = words {
                fence(page, std::slice::from_ref(words));
            }
        }
        What::Unknown { item_type, raw } => {
            writeln!(page, "{}\n", code(item_type)).expect(FITS);
            quoted(page, raw, language);
        }
    }
}

fn quoted(page: &mut String, text: &Text, language: Language) {
    let bytes = text.left_out;
    let missing = text.cut.map(|cut| match cut {
        Cut::Beginning => say!("export.left_out_before", bytes),
        Cut::End => say!("export.left_out_after", bytes),
    });
    fence(page, std::slice::from_ref(&text.text));
    if let Some(missing) = missing {
        writeln!(page, "\n{}", missing.text(language)).expect(FITS);
    }
}
