//! Pages that quote agents: headings come from us alone, and whatever an agent wrote stands inside a fence that is longer
//! than any run of backticks in it, or, where it is short, on one line as code. So no text can forge a section, open an HTML comment or load an image.

use super::shown::shown;
use std::fmt::Write;

/// A heading and a text under it.
pub fn section(page: &mut String, level: usize, title: &str, lines: &[String]) {
    heading(page, level, title);
    fence(page, lines);
}

/// A heading; `title` is our own text, or an id.
pub fn heading(page: &mut String, level: usize, title: &str) {
    write!(page, "\n{} {title}\n\n", "#".repeat(level)).expect("writing to a string cannot fail");
}

/// A text that somebody else wrote.
pub fn fence(page: &mut String, lines: &[String]) {
    if lines.iter().all(|line| line.trim().is_empty()) {
        page.push_str("None.\n");
        return;
    }
    let text = lines
        .iter()
        .map(|line| inert(line))
        .collect::<Vec<_>>()
        .join("\n");
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let bar = "`".repeat(longest.max(2) + 1);
    write!(page, "{bar}text\n{text}\n{bar}\n").expect("writing to a string cannot fail");
}

/// A short text that somebody else wrote, on one line, as code.
pub fn code(text: &str) -> String {
    let text = inert(text).replace(['\n', '\t'], " ");
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let bar = "`".repeat(longest + 1);
    let pad = if longest > 0 || text.is_empty() {
        " "
    } else {
        ""
    };
    format!("{bar}{pad}{text}{pad}{bar}")
}

/// What steers a terminal or shows nothing is spelled out; line breaks stay.
fn inert(text: &str) -> String {
    shown(text).replace("\r\n", "\n")
}
