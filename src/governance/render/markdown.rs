//! A report as a Markdown document.

use super::escape::{cell, code};
use super::words::{Words, path_of, place_of};
use crate::domain::language::Language;
use crate::domain::report::Report;

/// All of a report.
pub(super) fn whole(report: &Report, language: Language) -> String {
    let words = Words(language);
    let colon = words.colon();
    let mut out = format!("# {}\n\n", words.title());
    let mut fact = |name: &str, value: String| out.push_str(&format!("- {name}{colon}{value}\n"));
    fact(words.compared(), code(&words.what_was_compared(report)));
    fact(words.branch(), code(&words.where_head_is(report)));
    fact(words.decision(), format!("**{}**", words.decided(report)));
    fact(words.changes(), words.size(report));
    for sentence in &report.rules.sentences {
        fact(words.rules(), code(sentence));
    }
    for notice in &report.notices {
        fact(words.notice(), notice.clone());
    }
    if let Some(tree) = &report.tree {
        fact(words.tree(), code(tree));
    }
    fact(words.digest(), code(&report.digest));
    out.push_str(&files(report, words));
    let mut risks: Vec<String> = report
        .risks
        .iter()
        .map(|risk| {
            format!(
                "**{}** {} {}{colon}{} {}",
                words.level(risk.level),
                code(&risk.rule),
                code(&place_of(risk)),
                code(&risk.message),
                code(&risk.how_to_silence),
            )
        })
        .collect();
    let left_out = report.counts.risks_left_out;
    risks.extend((left_out > 0).then(|| words.left_out(left_out)));
    out.push_str(&list(words.risks(), risks));
    let mut silenced: Vec<String> = report
        .silenced
        .iter()
        .map(|risk| format!("{} {}", code(&risk.rule), code(&place_of(risk))))
        .collect();
    let hidden = report.counts.risks_silenced - report.silenced.len();
    silenced.extend((hidden > 0).then(|| words.left_out(hidden)));
    out.push_str(&list(words.silenced(), silenced));
    let skipped = report.content_scan.skipped_files.iter();
    out.push_str(&list(
        words.skipped(),
        skipped.map(|file| format!("{}{colon}{}", code(&file.path), words.reason(file))),
    ));
    out.push_str(&owners(report, words));
    let codes = |texts: &[String]| texts.iter().map(|text| code(text)).collect::<Vec<_>>();
    out.push_str(&list(words.uncategorised(), codes(&report.uncategorised)));
    out.push_str(&list(words.verify(), codes(&report.verify_commands)));
    out.push_str(&preflight(report, words, "##"));
    out
}

/// The checks before a commit alone.
pub(super) fn preflight_only(report: &Report, language: Language) -> String {
    let words = Words(language);
    let mut out = preflight(report, words, "#").trim_start().to_owned();
    out.push('\n');
    for sentence in &report.rules.sentences {
        let (rules, colon) = (words.rules(), words.colon());
        out.push_str(&format!("- {rules}{colon}{}\n", code(sentence)));
    }
    out
}

fn files(report: &Report, words: Words) -> String {
    let mut out = String::new();
    if report.changed_files.is_empty() {
        return out;
    }
    out.push_str(&format!("\n{}", words.table()));
    for file in &report.changed_files {
        let number = |value: Option<u64>| value.map_or("-".to_owned(), |n| n.to_string());
        let risks: Vec<String> = file.risks.iter().map(|rule| cell(rule)).collect();
        out.push_str(&format!(
            "| {} | {} | {} | {} | {} | {} |\n",
            words.status(file.status),
            cell(&path_of(file)),
            number(file.additions),
            number(file.deletions),
            file.departments.join(", "),
            risks.join(", "),
        ));
    }
    out
}

fn owners(report: &Report, words: Words) -> String {
    let shares = report.owners.iter().map(|share| {
        // In a code span nobody is called by name.
        let name = code(&share.owner);
        format!("{name}{}{}", words.colon(), words.files(share.files.len()))
    });
    let mut out = list(words.owners(), shares);
    if let Some(file) = &report.owners_file {
        let notices = file.notices.iter().map(|notice| {
            let place = format!("{}:{}", file.path, notice.line);
            format!("{} {}", code(&place), code(&notice.message))
        });
        out.push_str(&list(words.owners_notices(), notices));
    }
    out
}

fn preflight(report: &Report, words: Words, level: &str) -> String {
    let scan = &report.preflight.checks.portability_reference_scan;
    let mut out = format!(
        "\n{level} {}\n\n**{}**, {}\n",
        words.preflight(),
        scan.decision.name(),
        words.files_read(scan.scanned_files.len()),
    );
    if !scan.violations.is_empty() {
        out.push('\n');
    }
    for found in &scan.violations {
        let place = format!("{}:{}:{}", found.path, found.line, found.column);
        out.push_str(&format!("- {} {}\n", code(&place), code(&found.reference)));
    }
    out
}

/// A heading and its items; nothing without items.
fn list(title: &str, items: impl IntoIterator<Item = String>) -> String {
    let mut out = String::new();
    for item in items {
        if out.is_empty() {
            out = format!("\n## {title}\n\n");
        }
        out.push_str(&format!("- {item}\n"));
    }
    out
}
