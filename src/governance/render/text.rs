//! A report as lines for a terminal.

use super::escape::printable;
use super::words::{Words, path_of, place_of};
use crate::domain::language::Language;
use crate::domain::report::Report;

/// All of a report.
pub(super) fn whole(report: &Report, language: Language) -> String {
    let words = Words(language);
    let mut page = Page(String::new());
    let colon = words.colon();
    page.line(&format!(
        "{}{colon}{}",
        words.title(),
        words.what_was_compared(report)
    ));
    page.line(&format!(
        "{}{colon}{}",
        words.branch(),
        words.where_head_is(report)
    ));
    page.line(&format!(
        "{}{colon}{}",
        words.decision(),
        words.decided(report)
    ));
    rules(&mut page, report, words);
    for notice in &report.notices {
        page.line(&format!("{}{colon}{notice}", words.notice()));
    }
    files(&mut page, report, words);
    findings(&mut page, report, words);
    let commands = report.verify_commands.iter();
    page.list(words.verify(), commands.map(|command| printable(command)));
    preflight(&mut page, report, words);
    page.line("");
    if let Some(tree) = &report.tree {
        page.line(&format!("{}{colon}{tree}", words.tree()));
    }
    page.line(&format!("{}{colon}{}", words.digest(), report.digest));
    page.0
}

/// The checks before a commit alone.
pub(super) fn preflight_only(report: &Report, language: Language) -> String {
    let mut page = Page(String::new());
    preflight(&mut page, report, Words(language));
    rules(&mut page, report, Words(language));
    page.0.trim_start().to_owned()
}

/// Which rules judged.
fn rules(page: &mut Page, report: &Report, words: Words) {
    for sentence in &report.rules.sentences {
        let sentence = printable(sentence);
        page.line(&format!("{}{}{sentence}", words.rules(), words.colon()));
    }
}

fn files(page: &mut Page, report: &Report, words: Words) {
    if report.changed_files.is_empty() {
        page.line(words.no_changes());
        return;
    }
    page.line(&words.size(report));
    page.line("");
    for file in &report.changed_files {
        page.line(&format!(
            "  {:<12} {} {}",
            words.status(file.status),
            printable(&path_of(file)),
            words.lines_of(file)
        ));
    }
    let departments = report.departments.iter().map(|department| {
        format!(
            "{} {}{}{}",
            department.key,
            printable(&department.title),
            words.colon(),
            words.files(department.files.len())
        )
    });
    page.list(words.departments(), departments);
    let paths = report.uncategorised.iter();
    page.list(words.uncategorised(), paths.map(|path| printable(path)));
    let owners = report.owners.iter().map(|share| {
        format!(
            "{}{}{}",
            printable(&share.owner),
            words.colon(),
            words.files(share.files.len())
        )
    });
    page.list(words.owners(), owners);
    if let Some(file) = &report.owners_file {
        let notices = file.notices.iter().map(|notice| {
            let (path, line) = (&file.path, notice.line);
            format!("{path}:{line}: {}", printable(&notice.message))
        });
        page.list(words.owners_notices(), notices);
    }
}

fn findings(page: &mut Page, report: &Report, words: Words) {
    let mut listed: Vec<String> = report
        .risks
        .iter()
        .map(|risk| {
            format!(
                "{:<6} {}: {}: {}\n         {}",
                words.level(risk.level),
                printable(&risk.rule),
                printable(&place_of(risk)),
                printable(&risk.message),
                printable(&risk.how_to_silence)
            )
        })
        .collect();
    let left_out = report.counts.risks_left_out;
    listed.extend((left_out > 0).then(|| words.left_out(left_out)));
    page.list(words.risks(), listed);
    let mut silenced: Vec<String> = report
        .silenced
        .iter()
        .map(|risk| format!("{}: {}", printable(&risk.rule), printable(&place_of(risk))))
        .collect();
    let hidden = report.counts.risks_silenced - report.silenced.len();
    silenced.extend((hidden > 0).then(|| words.left_out(hidden)));
    page.list(words.silenced(), silenced);
    let skipped = report.content_scan.skipped_files.iter();
    page.list(
        words.skipped(),
        skipped.map(|file| format!("{}: {}", printable(&file.path), words.reason(file))),
    );
}

fn preflight(page: &mut Page, report: &Report, words: Words) {
    let scan = &report.preflight.checks.portability_reference_scan;
    let title = format!(
        "{}{}{}",
        words.preflight(),
        words.colon(),
        words.scanned(scan)
    );
    page.line("");
    page.line(&title);
    for found in &scan.violations {
        page.line(&format!(
            "  {}:{}:{}: {} ({})",
            printable(&found.path),
            found.line,
            found.column,
            printable(&found.reference),
            found.kind
        ));
    }
}

/// Lines as they are put together.
struct Page(String);

impl Page {
    fn line(&mut self, text: &str) {
        self.0.push_str(text);
        self.0.push('\n');
    }

    /// A title and its items; nothing without items.
    fn list(&mut self, title: &str, items: impl IntoIterator<Item = String>) {
        let mut items = items.into_iter().peekable();
        if items.peek().is_some() {
            self.line("");
            self.line(title);
        }
        for item in items {
            self.line(&format!("  {item}"));
        }
    }
}
