//! Small renderings that the screen model needs: scrollback as text, and the line-drawing character set. Pure functions.

use vt100::capture::{BasicFormattedCaptureRange, BasicFormattedCaptureState};

/// Writes scrollback and screen as lines, so that a terminal of the same size ends with the screen visible and
/// the older lines in its own scrollback. The exact screen is drawn over it afterwards.
pub fn scrollback(screen: &vt100::Screen, out: &mut String) {
    if screen.scrollback_len() == 0 {
        return;
    }
    let mut text = String::new();
    let mut state = BasicFormattedCaptureState::new();
    let range = BasicFormattedCaptureRange::Full(&mut state);
    if screen
        .write_contents_formatted_basic(&mut text, range)
        .is_err()
    {
        return;
    }
    let mut coloured = false;
    for (number, line) in text.split('\n').enumerate() {
        if number > 0 {
            out.push_str("\r\n");
        }
        out.push_str(trim(line, &mut coloured));
    }
}

/// Takes blanks off the end of a line when they have no colour; `coloured` carries over from line to line.
fn trim<'a>(line: &'a str, coloured: &mut bool) -> &'a str {
    if let Some(at) = line.rfind('\x1b') {
        *coloured = !matches!(line[at..].split_once('m'), Some(("\x1b[" | "\x1b[0", _)));
    }
    if *coloured {
        line
    } else {
        line.trim_end_matches(' ')
    }
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
