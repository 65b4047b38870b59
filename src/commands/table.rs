//! A table for a terminal: each column as wide as its widest cell, the last one as long as it is.

use std::io::{self, Write};

/// Prints it.
///
/// # Errors
/// When it cannot be printed.
pub(super) fn print(head: &[&str], rows: &[Vec<String>], out: &mut impl Write) -> io::Result<()> {
    let head: Vec<String> = head.iter().map(|it| (*it).to_owned()).collect();
    let all = || std::iter::once(&head).chain(rows);
    let last = head.len().saturating_sub(1);
    let width = |column: usize| {
        let cells = all().map(|row| row[column].chars().count());
        cells.max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..last).map(width).collect();
    for row in all() {
        for (cell, width) in row.iter().zip(&widths) {
            write!(out, "{cell:<width$}  ")?;
        }
        writeln!(out, "{}", row[last])?;
    }
    Ok(())
}
