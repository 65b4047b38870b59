//! Text into cells: wrapping, wide characters, combining marks, insert mode. Follows xterm.js' `InputHandler.print`.

use super::canvas::Canvas;
use super::cell::Cell;
use super::utf8;
use super::width::width;

impl Canvas {
    /// Text up to what is none; 0: there is none.
    #[inline]
    pub fn text(&mut self, bytes: &[u8]) -> usize {
        let mut at = 0;
        let mut printed = false;
        while let Some(&byte) = bytes.get(at) {
            if byte.wrapping_sub(0x20) <= 0x5e {
                let run = utf8::ascii_run(&bytes[at..]);
                self.begin_text(&mut printed);
                self.print_ascii(&bytes[at..at + run]);
                at += run;
                continue;
            }
            if byte < 0x80 {
                break;
            }
            match utf8::decode(&bytes[at..]) {
                utf8::Decoded::Char(c @ 0xa0.., count) => {
                    self.begin_text(&mut printed);
                    match self.print_run(&bytes[at..]) {
                        0 => {
                            self.print(c);
                            at += count;
                        }
                        used => at += used,
                    }
                }
                utf8::Decoded::Nothing(count) => at += count,
                // An old-style control character, or the rest has not come.
                _ => break,
            }
        }
        if printed {
            self.end_text();
        }
        at
    }

    /// At the beginning of a run of text: what it overwrites the right half of loses its left half as well.
    #[inline]
    fn begin_text(&mut self, printed: &mut bool) {
        if *printed {
            return;
        }
        *printed = true;
        let x = self.grid.x;
        if x > 0 && self.grid.row(self.grid.y).width_at(x - 1) == 2 {
            let blank = Cell::blank(self.number_of_pen());
            self.grid.here().set(x - 1, blank);
        }
    }

    /// At its end: what it overwrote the left half of loses its right half as well.
    #[inline]
    fn end_text(&mut self) {
        let x = self.grid.x;
        if x < self.grid.cols && self.grid.row(self.grid.y).get(x).is_tail() {
            let blank = Cell::blank(self.number_of_pen());
            self.grid.here().set(x, blank);
        }
    }

    /// Prints ASCII.
    #[inline]
    fn print_ascii(&mut self, mut text: &[u8]) {
        if self.modes.insert || self.charsets.active.is_some() {
            for byte in text {
                self.print(u32::from(*byte));
            }
            return;
        }
        self.preceding = 1;
        let style = self.number_of_pen();
        loop {
            let x = self.grid.x;
            let room = self.grid.cols.saturating_sub(x);
            if room == 0 {
                if self.modes.wraparound {
                    self.wrap();
                } else {
                    // Each character takes the last one's place.
                    self.grid.x = self.grid.cols - 1;
                    text = &text[text.len() - 1..];
                }
                continue;
            }
            let count = room.min(text.len());
            let (now, rest) = text.split_at(count);
            self.grid.here().put_ascii(x, now, style);
            self.grid.x = x + count;
            if rest.is_empty() {
                return;
            }
            text = rest;
        }
    }

    /// Prints characters beyond ASCII as far as each only takes cells of its own in this row; gives the bytes used.
    #[inline]
    fn print_run(&mut self, bytes: &[u8]) -> usize {
        if self.modes.insert || self.charsets.active.is_some() {
            return 0;
        }
        let style = self.number_of_pen();
        let (cols, mut x) = (self.grid.cols, self.grid.x);
        let row = self.grid.here();
        let mut at = 0;
        while at < bytes.len() {
            let utf8::Decoded::Char(c @ 0xa0.., count) = utf8::decode(&bytes[at..]) else {
                break;
            };
            let columns = width(c);
            if columns == 0 || x + columns > cols {
                break;
            }
            row.put(x, c, columns, style);
            self.preceding = columns;
            x += columns;
            at += count;
        }
        self.grid.x = x;
        at
    }

    /// To the beginning of the next row, which continues this one.
    #[cold]
    fn wrap(&mut self) {
        let style = self.number_of_pen();
        let (from, cols) = (self.grid.x, self.grid.cols);
        if from < cols {
            self.grid.here().fill(from, cols, Cell::blank(style));
        }
        self.grid.x = 0;
        self.grid.y += 1;
        if self.grid.y == self.grid.bottom + 1 {
            self.grid.y -= 1;
            let blank = self.blank();
            self.grid.scroll(blank, true);
        } else {
            self.grid.y = self.grid.y.min(self.grid.rows - 1);
            self.grid.here().wrapped = true;
        }
    }

    /// Prints any character.
    fn print(&mut self, c: u32) {
        let c = match self.charsets.active {
            Some(set) if c < 0x7f => set.shown(c),
            _ => c,
        };
        let own = width(c);
        let joins = own == 0 && self.preceding != 0;
        let columns = if joins { self.preceding } else { own };
        self.preceding = columns;
        let cols = self.grid.cols;
        let taken = if joins { 0 } else { columns };
        if self.grid.x + taken > cols {
            if self.modes.wraparound {
                self.wrap();
            } else {
                self.grid.x = cols - 1;
                if columns == 2 {
                    return;
                }
            }
        }
        let x = self.grid.x;
        if joins && x > 0 {
            let back = if self.grid.row(self.grid.y).width_at(x - 1) == 0 {
                2
            } else {
                1
            };
            if let (Some(at), Some(mark)) = (x.checked_sub(back), char::from_u32(c)) {
                self.grid.here().join(at, mark, columns);
            }
            return;
        }
        let style = self.number_of_pen();
        let insert = self.modes.insert;
        let row = self.grid.here();
        if insert {
            row.insert(x, columns, Cell::blank(style));
            if row.width_at(cols - 1) == 2 {
                row.set(cols - 1, Cell::blank(style));
            }
        }
        row.put(x, c, columns, style);
        self.grid.x = x + columns.max(1);
    }

    /// Prints what stands before the cursor again.
    pub(super) fn repeat(&mut self, count: usize) {
        if self.preceding == 0 {
            return;
        }
        let mut text = String::new();
        if let Some(x) = self.grid.x.checked_sub(self.preceding) {
            let row = self.grid.row(self.grid.y);
            row.write_text(row.get(x), &mut text);
        }
        let mut printed = false;
        for _ in 0..count.min(MAX_REPEATS) {
            for c in text.chars() {
                self.begin_text(&mut printed);
                self.print(u32::from(c));
            }
        }
        if printed {
            self.end_text();
        }
    }
}

/// More repetitions than the largest screen has columns can only be meant to cost time.
const MAX_REPEATS: usize = 1 << 14;
