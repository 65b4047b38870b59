//! How much text is taken: one limit for each field, through whichever door it comes. The API's page shows this table.

use super::refusal::Refusal;
use crate::domain::sentence::say;

/// Fields that hold a whole job or what a person wants to say to an agent, and their limit in bytes: what Codex takes as one
/// message, less our own frame around it.
pub const LONG: (&[&str], usize) = (&["task", "input", "message"], 256 * 1024);
/// Every other text, and each entry of a list of texts, in bytes.
pub const TEXT: usize = 16 * 1024;
/// Lines of one plan; more would not fit a screen and nobody would read it.
pub const LINES: (&[&str], usize) = (&["assignments"], 100);
/// Entries of every other list.
pub const ENTRIES: usize = 256;

/// The limit of a field, where it has one of its own; `field` is where it stands, such as `assignments[2].task`.
fn of(field: &str, (names, limit): (&[&str], usize), otherwise: usize) -> usize {
    let name = field.rsplit('.').next().unwrap_or(field);
    match names.contains(&name) {
        true => limit,
        false => otherwise,
    }
}

/// Refuses a text that is too long.
///
/// # Errors
/// A sentence that names the field, its size and its limit.
pub fn check_text(text: &str, field: &str) -> Result<(), Refusal> {
    let limit = of(field, LONG, TEXT);
    if text.len() <= limit {
        return Ok(());
    }
    let message = say!("refusal.text_too_long", field, bytes = text.len(), limit);
    Err(Refusal::invalid("text_too_long", message))
}

/// Refuses a list of texts that is too long, or has an entry that is.
///
/// # Errors
/// A sentence that names the field, its size and its limit.
pub fn check_list(list: &[String], field: &str) -> Result<(), Refusal> {
    check_entries(list.len(), field)?;
    let mut entries = list.iter().enumerate();
    entries.try_for_each(|(index, entry)| check_text(entry, &format!("{field}[{index}]")))
}

/// Refuses more entries than a list may have.
///
/// # Errors
/// A sentence that names the field, its size and its limit.
pub fn check_entries(count: usize, field: &str) -> Result<(), Refusal> {
    let limit = of(field, LINES, ENTRIES);
    if count <= limit {
        return Ok(());
    }
    let message = say!("refusal.list_too_long", field, count, limit);
    Err(Refusal::invalid("list_too_long", message))
}
