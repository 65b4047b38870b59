//! Shows text that somebody else chose so that it stays what it is: on one line, in its own direction, in its own place.

use crate::domain::shown::shown_line;

/// `text` on one line, with everything that could move a cursor, turn the reading direction or stay unseen spelled out.
pub fn printable(text: &str) -> String {
    shown_line(text).into_owned()
}

/// A Markdown code span that `text` cannot leave.
pub(super) fn code(text: &str) -> String {
    let text = printable(text);
    let mut longest = 0;
    let mut current = 0;
    for c in text.chars() {
        current = if c == '`' { current + 1 } else { 0 };
        longest = longest.max(current);
    }
    let fence = "`".repeat(longest + 1);
    let is_space = |c: Option<char>| c.is_none_or(|c| c == '`' || c == ' ');
    // Markdown takes one space away at both ends, so a text that has some gets one more.
    let space = if is_space(text.chars().next()) || is_space(text.chars().next_back()) {
        " "
    } else {
        ""
    };
    format!("{fence}{space}{text}{space}{fence}")
}

/// A code span for a table cell.
pub(super) fn cell(text: &str) -> String {
    code(text).replace('|', "\\|")
}
