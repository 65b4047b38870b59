//! Shows text that somebody else chose so that it stays what it is: on one line, in its own direction, in its own place.

/// `text` on one line, with everything that could move a cursor, turn the reading direction or stay unseen shown as an
/// escape.
pub fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_unsafe(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

/// Controls, line and paragraph ends, marks of direction, and what Unicode asks programs not to show.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
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
