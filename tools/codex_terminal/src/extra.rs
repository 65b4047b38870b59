//! What a redraw needs beside vt100's cells: scroll region, origin mode, saved cursor, character sets and modes, and the
//! sequences that change them. Keeps and writes; the model decides when.

/// Private modes that vt100 ignores and a viewer must know, with their value after a reset.
pub const EXTRA_MODES: [(u16, bool); 6] = [
    (7, true),
    (12, false),
    (45, false),
    (1004, false),
    (1007, false),
    (1016, false),
];

#[derive(Clone, Debug)]
pub struct SavedCursor {
    pub row: u16,
    pub col: u16,
    pub attributes: String,
    pub origin: bool,
}

/// What a reset takes back.
#[derive(Clone, Debug, Default)]
pub struct Extra {
    /// First and last row of the scroll region, from 0; none: the whole screen. Of the main and the
    /// alternate screen, as the next two.
    pub region: [Option<(u16, u16)>; 2],
    pub origin: [bool; 2],
    pub saved: [Option<SavedCursor>; 2],
    /// Modes that differ from their value after a reset.
    pub changed_modes: Vec<u16>,
    pub insert: bool,
    /// Whether G0 and G1 are the line-drawing set, and whether G1 is in use.
    pub line_drawing: [bool; 2],
    pub shifted: bool,
}

impl Extra {
    /// Whether text is line drawing at the moment.
    pub fn drawing_lines(&self) -> bool {
        self.line_drawing[usize::from(self.shifted)]
    }

    /// What DECSTR takes back on the screen in use.
    pub fn soft_reset(&mut self, buffer: usize) {
        (self.region[buffer], self.origin[buffer]) = (None, false);
        self.saved[buffer] = Some(SavedCursor {
            row: 0,
            col: 0,
            attributes: "\x1b[m".to_owned(),
            origin: false,
        });
        self.changed_modes.retain(|mode| *mode != 7);
        (self.insert, self.line_drawing, self.shifted) = (false, [false; 2], false);
    }

    /// Saves the cursor that the program saved, on a screen whose contents are drawn later. Rows count from the top
    /// because the region is set later too; behind the last column one gets only by printing there.
    pub fn write_saved(&self, buffer: usize, cols: u16, out: &mut String) {
        let Some(saved) = &self.saved[buffer] else {
            return;
        };
        out.push_str(if saved.origin { "\x1b[?6h" } else { "" });
        out.push_str(&format!("\x1b[{};{}H", saved.row + 1, saved.col + 1));
        out.push_str(if saved.col >= cols { "x" } else { "" });
        out.push_str(&saved.attributes);
        out.push_str("\x1b7\x1b[?6l");
    }

    /// Sets the scroll region of one screen.
    pub fn write_region(&self, buffer: usize, out: &mut String) {
        if let Some((top, bottom)) = self.region[buffer] {
            out.push_str(&format!("\x1b[{};{}r", top + 1, bottom + 1));
        }
    }
}

/// A sequence that vt100 does not know, or that changes what this module keeps beside it.
#[derive(Clone, Copy)]
pub enum Replacement {
    Save,
    Restore,
    Index,
    NextLine,
    Region,
    Modes { set: bool },
    Insert { set: bool },
    Charset { slot: usize, lines: bool },
    Shift(bool),
    SoftReset,
    Reset,
}

impl Replacement {
    /// What a whole sequence is, if vt100 does not do all of it.
    pub fn of(sequence: &[u8]) -> Option<Self> {
        Some(match sequence {
            [0x0e] => Self::Shift(true),
            [0x0f] => Self::Shift(false),
            b"\x1b7" | b"\x1b[s" => Self::Save,
            b"\x1b8" | b"\x1b[u" => Self::Restore,
            b"\x1bD" => Self::Index,
            b"\x1bE" => Self::NextLine,
            b"\x1bc" => Self::Reset,
            b"\x1b[!p" => Self::SoftReset,
            b"\x1b[4h" => Self::Insert { set: true },
            b"\x1b[4l" => Self::Insert { set: false },
            [0x1b, b'(', set] => Self::charset(0, *set),
            [0x1b, b')', set] => Self::charset(1, *set),
            [0x1b, b'[', b'?', .., b'h'] => Self::Modes { set: true },
            [0x1b, b'[', b'?', .., b'l'] => Self::Modes { set: false },
            [0x1b, b'[', numbers @ .., b'r']
                if numbers.iter().all(|b| b.is_ascii_digit() || *b == b';') =>
            {
                Self::Region
            }
            _ => return None,
        })
    }

    fn charset(slot: usize, set: u8) -> Self {
        Self::Charset {
            slot,
            lines: set == b'0',
        }
    }
}

/// The numbers of a control sequence; a missing one is 0.
pub fn numbers(parameters: &[u8]) -> impl Iterator<Item = u16> {
    parameters.split(|b| *b == b';').map(|digits| {
        digits
            .iter()
            .filter(|b| b.is_ascii_digit())
            .fold(0u16, |n, b| {
                n.saturating_mul(10).saturating_add(u16::from(b - b'0'))
            })
    })
}
