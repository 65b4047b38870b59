//! Text into cells: wrapping, wide characters, combining marks, insert mode. Follows xterm.js' `InputHandler.print`.

use super::canvas::Canvas;
use super::cell::Cell;
use super::utf8;
use super::width::width;

impl Canvas {
    /// Text up to what is none; 0: there is none.
    #[inline]
    pub fn text(&mut self, bytes: &[u8]) -> usize {
        let is_plain = !self.modes.insert && self.charsets.active.is_none();
        let mut at = 0;
        let mut printed = false;
        loop {
            if is_plain {
                at += self.print_run(&bytes[at..], &mut printed);
            }
            let Some(&byte) = bytes.get(at) else {
                break;
            };
            if byte < 0x20 || byte == 0x7f {
                break;
            }
            match utf8::decode(&bytes[at..]) {
                utf8::Decoded::Char(0x80..=0x9f, _) | utf8::Decoded::Partial => break,
                utf8::Decoded::Char(c, count) => {
                    self.begin_text(&mut printed);
                    self.print(c);
                    at += count;
                }
                utf8::Decoded::Nothing(count) => at += count,
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
        if !*printed {
            *printed = true;
            let look = self.key_of_pen();
            let x = self.grid.x;
            self.grid.here().split_before(x, look);
        }
    }

    /// At its end: what it overwrote the left half of loses its right half as well.
    #[inline]
    fn end_text(&mut self) {
        let look = self.key_of_pen();
        let x = self.grid.x;
        self.grid.here().split_after(x, look);
    }

    /// Prints characters as far as each only takes cells of its own in this row; gives the bytes used.
    #[inline]
    fn print_run(&mut self, bytes: &[u8], printed: &mut bool) -> usize {
        let look = self.key_of_pen();
        let start = self.grid.x;
        let room = self.grid.cols.saturating_sub(start);
        let run = self.run.fill(bytes, room, look);
        let cells = self.run.cells();
        if !cells.is_empty() {
            let row = self.grid.here();
            row.write(start, cells);
            if !*printed {
                row.split_before(start, look);
            }
            *printed = true;
            self.grid.x = start + cells.len();
            self.preceding = self.run.last_columns();
        }
        run
    }

    /// To the beginning of the next row, which continues this one.
    #[cold]
    fn wrap(&mut self) {
        let look = self.key_of_pen();
        let (from, cols) = (self.grid.x, self.grid.cols);
        if from < cols {
            self.grid.here().fill(from, cols, Cell::blank(look));
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
        let look = self.key_of_pen();
        let insert = self.modes.insert;
        let row = self.grid.here();
        if insert {
            row.insert(x, columns, Cell::blank(look));
            if row.width_at(cols - 1) == 2 {
                row.set(cols - 1, Cell::blank(look));
            }
        }
        row.put(x, c, columns, look);
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
