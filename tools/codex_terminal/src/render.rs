//! Small renderings that the screen model needs: scrollback as text, and the line-drawing character set. Pure functions.

/// Writes the scrollback as lines and pushes them out at the top of a blank screen of the same size, so that the
/// exact screen can be drawn over what is left. The view is back at the screen afterwards.
pub fn scrollback(screen: &mut vt100::Screen, out: &mut String) {
    let count = screen.scrollback_len();
    if count == 0 {
        return;
    }
    let (rows, cols) = screen.size();
    let page = usize::from(rows.get());
    let mut left = count;
    while left > 0 {
        screen.set_scrollback(left);
        let shown = left.min(page);
        for (at, line) in screen.rows_formatted(0, cols.get()).take(shown).enumerate() {
            out.push_str("\x1b[m");
            out.push_str(&line);
            let row = u16::try_from(at).expect("a screen has at most 65,535 rows");
            if !flows_on(screen, row, shown, cols.get()) {
                out.push_str("\r\n");
            }
        }
        left -= shown;
    }
    screen.set_scrollback(0);
    out.push_str("\x1b[m");
    for _ in 1..page {
        out.push_str("\r\n");
    }
}

/// Whether printing `row` and the one below it without a line end makes the same two rows, the first one wrapped.
fn flows_on(screen: &vt100::Screen, row: u16, shown: usize, cols: u16) -> bool {
    let has_text = |row, col| {
        screen
            .cell(row, col)
            .is_some_and(|cell| cell.has_contents() || cell.is_wide_continuation())
    };
    usize::from(row) + 1 < shown
        && screen.row_wrapped(row)
        && has_text(row, cols - 1)
        && has_text(row + 1, 0)
}

/// To leave the cursor behind the last column of an empty row, vt100 prints a blank and erases it again between ESC 7
/// and ESC 8, which would replace the cursor that the program saved. The blank may stay.
pub fn without_saving(text: String) -> String {
    if text.contains("\x1b7") {
        text.replace("\x1b7\x08\x1b[X\x1b8", "")
    } else {
        text
    }
}

/// A cursor behind the last column (the next character wraps) is reached only by printing the last one again. What
/// does that when the row is called `shown`; none when the cursor is not there.
pub fn waiting_wrap(screen: &vt100::Screen, row: u16, col: u16, shown: u16) -> Option<String> {
    let cols = screen.size().1.get();
    let cell = screen.cell(row, cols - 1)?;
    if col < cols || !(cell.has_contents() || cell.is_wide_continuation()) {
        return None;
    }
    let start = cols - 1 - u16::from(cell.is_wide_continuation());
    let last = screen.rows_formatted(start, cols - start).nth(row.into())?;
    Some(format!("\x1b[{};{}H\x1b[m{last}", shown + 1, start + 1))
}

/// Text of the DEC line-drawing set (programs with `TERM=xterm*` select it for frames) as Unicode.
pub fn line_drawing(text: &[u8]) -> Vec<u8> {
    const SET: [char; 31] = [
        '◆', '▒', '␉', '␌', '␍', '␊', '°', '±', '␤', '␋', '┘', '┐', '┌', '└', '┼', '⎺', '⎻', '─',
        '⎼', '⎽', '├', '┤', '┴', '┬', '│', '≤', '≥', 'π', '≠', '£', '·',
    ];
    let mut out = Vec::with_capacity(text.len() * 3);
    for b in text {
        match b {
            0x60..=0x7e => {
                let mut utf8 = [0; 4];
                let c = SET[usize::from(b - 0x60)];
                out.extend_from_slice(c.encode_utf8(&mut utf8).as_bytes());
            }
            _ => out.push(*b),
        }
    }
    out
}
