//! Control sequences. Each does what xterm.js' `InputHandler` does, its peculiarities included where they can be seen;
//! queries are for the viewer that writes to answer.

use super::canvas::Canvas;
use super::cell::Cell;
use super::modes::{Mouse, MouseReport};
use super::parser::{Params, name};
use super::sgr;
use super::style::PROTECTED;

const PRIVATE: u32 = (b'?' as u32) << 8;

impl Canvas {
    #[inline]
    pub(super) fn dispatch_csi(&mut self, name: u32, params: &Params) {
        if name == u32::from(b'm') {
            sgr::apply(&mut self.pen, params);
            self.pen_key = None;
        } else {
            self.other_csi(name, params);
        }
        self.preceding = 0;
    }

    fn other_csi(&mut self, sequence: u32, params: &Params) {
        const fn spaced(last: u8) -> u32 {
            name(b" ", last)
        }
        const BANG_P: u32 = name(b"!", b'p');
        const QUOTE_Q: u32 = name(b"\"", b'q');
        const INSERT_COLUMNS: u32 = name(b"'", b'}');
        const DELETE_COLUMNS: u32 = name(b"'", b'~');
        const ERASE_DISPLAY: u32 = name(b"?", b'J');
        const ERASE_LINE: u32 = name(b"?", b'K');
        const SET: u32 = PRIVATE | b'h' as u32;
        const RESET: u32 = PRIVATE | b'l' as u32;
        const LEFT: u32 = spaced(b'@');
        const RIGHT: u32 = spaced(b'A');
        const CURSOR_STYLE: u32 = spaced(b'q');
        const PUSH_KEYBOARD: u32 = name(b">", b'u');
        const POP_KEYBOARD: u32 = name(b"<", b'u');
        const CHANGE_KEYBOARD: u32 = name(b"=", b'u');

        let count = params.count_at(0);
        if let Ok(last) = u8::try_from(sequence) {
            return self.plain_csi(last, count, params);
        }
        match sequence {
            SET | RESET => {
                for number in params.numbers() {
                    self.private_mode(*number, sequence == SET);
                }
            }
            ERASE_DISPLAY => self.erase_display(params.first(), true),
            ERASE_LINE => self.erase_line(params.first(), true),
            LEFT => self.change_columns(0, |row, x, blank| row.delete(x, count, blank)),
            RIGHT => self.change_columns(0, |row, x, blank| row.insert(x, count, blank)),
            INSERT_COLUMNS => {
                self.change_columns(self.grid.x, |row, x, blank| row.insert(x, count, blank))
            }
            DELETE_COLUMNS => {
                self.change_columns(self.grid.x, |row, x, blank| row.delete(x, count, blank))
            }
            BANG_P => self.soft_reset(),
            CURSOR_STYLE => match params.first() {
                style @ 0..=6 => self.modes.cursor_style = style as u8,
                // Others say at least whether it blinks; the shape stays.
                style => {
                    let even = 2 * self.modes.cursor_style.div_ceil(2);
                    self.modes.cursor_style = even.max(2) - (style % 2) as u8;
                }
            },
            QUOTE_Q => {
                match params.first() {
                    1 => self.pen.bg |= PROTECTED,
                    0 | 2 => self.pen.bg &= !PROTECTED,
                    _ => {}
                }
                self.pen_key = None;
            }
            PUSH_KEYBOARD => self
                .modes
                .push_keyboard(self.alternate, params.first() as u32),
            POP_KEYBOARD => self.modes.pop_keyboard(self.alternate, count),
            CHANGE_KEYBOARD => {
                self.modes.change_keyboard(
                    self.alternate,
                    params.first() as u32,
                    params.count_at(1),
                );
            }
            _ => {}
        }
    }

    fn plain_csi(&mut self, last: u8, count: usize, params: &Params) {
        let step = count as i64;
        let (x, y) = (self.grid.x as i64, self.grid.y as i64);
        match last {
            b'A' => self.up(step),
            b'B' => self.down(step),
            b'C' | b'a' => self.step(step, 0),
            b'D' => self.step(-step, 0),
            b'E' => {
                self.down(step);
                self.grid.x = 0;
            }
            b'F' => {
                self.up(step);
                self.grid.x = 0;
            }
            b'G' | b'`' => self.place(step - 1, y),
            b'H' | b'f' => self.place(params.count_at(1) as i64 - 1, step - 1),
            b'd' => self.place(x, step - 1),
            b'e' => self.step(0, step),
            b'I' if self.grid.x < self.grid.cols => {
                for _ in 0..count.min(self.grid.cols) {
                    self.grid.x = self.grid.next_tab(self.grid.x);
                }
            }
            b'Z' if self.grid.x < self.grid.cols => {
                for _ in 0..count.min(self.grid.cols) {
                    self.grid.x = self.grid.previous_tab(self.grid.x);
                }
            }
            b'g' => match params.first() {
                0 => self.grid.set_tab(self.grid.x, false),
                3 => self.grid.tabs.clear(),
                _ => {}
            },
            b'J' => self.erase_display(params.first(), false),
            b'K' => self.erase_line(params.first(), false),
            b'X' => self.change_row(|row, x, blank| row.replace(x, x.saturating_add(count), blank)),
            b'@' => self.change_row(|row, x, blank| row.insert(x, count, blank)),
            b'P' => self.change_row(|row, x, blank| row.delete(x, count, blank)),
            b'L' | b'M' => {
                self.restrict(1);
                if self.grid.in_region() {
                    let blank = self.blank();
                    if last == b'L' {
                        self.grid.insert_rows(self.grid.y, count, blank);
                    } else {
                        self.grid.delete_rows(self.grid.y, count, blank);
                    }
                    self.grid.x = 0;
                }
            }
            b'S' => {
                let blank = self.blank();
                self.grid.delete_rows(self.grid.top, count, blank);
            }
            b'T' => self.grid.insert_rows(self.grid.top, count, Cell::NULL),
            b'b' => self.repeat(count),
            b'h' | b'l' => {
                for number in params.numbers() {
                    match number {
                        4 => self.modes.insert = last == b'h',
                        20 => self.modes.newline = last == b'h',
                        _ => {}
                    }
                }
            }
            b'r' => {
                let rows = self.grid.rows;
                let bottom = match params.numbers() {
                    [_, bottom, ..] if *bottom > 0 => rows.min(*bottom as usize),
                    _ => rows,
                };
                if bottom > count {
                    (self.grid.top, self.grid.bottom) = (count - 1, bottom - 1);
                    self.place(0, 0);
                }
            }
            b's' => self.save_cursor(),
            b'u' => self.restore_cursor(),
            _ => {}
        }
    }

    /// Keeps the cursor on the screen, or in the region in origin mode; `short` is 1, or 0 where it may also stand
    /// behind the last column.
    pub(super) fn restrict(&mut self, short: usize) {
        let grid = &mut self.grid;
        grid.x = grid.x.min(grid.cols - short);
        grid.y = if self.modes.origin {
            grid.y.clamp(grid.top, grid.bottom)
        } else {
            grid.y.min(grid.rows - 1)
        };
    }

    /// Puts the cursor, in origin mode counted from the region.
    pub(super) fn place(&mut self, x: i64, y: i64) {
        let y = if self.modes.origin {
            y + self.grid.top as i64
        } else {
            y
        };
        self.grid.x = x.max(0) as usize;
        self.grid.y = y.max(0) as usize;
        self.restrict(1);
    }

    /// Moves the cursor. As in xterm.js the row counts from the region in origin mode, although it did before.
    fn step(&mut self, right: i64, down: i64) {
        self.restrict(1);
        self.place(self.grid.x as i64 + right, self.grid.y as i64 + down);
    }

    fn up(&mut self, count: i64) {
        let room = self.grid.y as i64 - self.grid.top as i64;
        self.step(0, if room >= 0 { -room.min(count) } else { -count });
    }

    fn down(&mut self, count: i64) {
        let room = self.grid.bottom as i64 - self.grid.y as i64;
        self.step(0, if room >= 0 { room.min(count) } else { count });
    }

    fn change_row(&mut self, change: impl FnOnce(&mut super::row::Row, usize, Cell)) {
        self.restrict(1);
        let blank = self.blank();
        let x = self.grid.x;
        change(self.grid.here(), x, blank);
    }

    fn change_columns(&mut self, x: usize, change: impl Fn(&mut super::row::Row, usize, Cell)) {
        if !self.grid.in_region() {
            return;
        }
        let blank = self.blank();
        for y in self.grid.top..=self.grid.bottom {
            let row = self.grid.row_mut(y);
            change(row, x, blank);
            row.wrapped = false;
        }
    }

    fn erase_in_row(&mut self, y: usize, from: usize, to: usize, selective: bool) {
        let blank = self.blank();
        let styles = &self.styles;
        let row = self.grid.row_mut(y);
        if selective {
            row.replace_unless(from, to, blank, |cell| {
                styles.get(cell.look()).bg & PROTECTED != 0
            });
        } else {
            row.replace(from, to, blank);
        }
    }

    fn erase_row(&mut self, y: usize, selective: bool) {
        if selective {
            // Without a look at wide characters.
            let blank = self.blank();
            let styles = &self.styles;
            let row = self.grid.row_mut(y);
            let width = row.width();
            row.replace_unless(0, width, blank, |cell| {
                styles.get(cell.look()).bg & PROTECTED != 0
            });
            row.wrapped = false;
        } else {
            let blank = self.blank();
            let row = self.grid.row_mut(y);
            let width = row.width();
            row.reset(width, blank, false);
        }
    }

    fn erase_display(&mut self, what: usize, selective: bool) {
        self.restrict(0);
        let (x, y, cols, rows) = (self.grid.x, self.grid.y, self.grid.cols, self.grid.rows);
        match what {
            0 => {
                self.erase_in_row(y, x, cols, selective);
                if x == 0 {
                    self.grid.row_mut(y).wrapped = false;
                }
                for y in y + 1..rows {
                    self.erase_row(y, selective);
                }
            }
            1 => {
                self.erase_in_row(y, 0, x + 1, selective);
                self.grid.row_mut(y).wrapped = false;
                // xterm.js counts this row from the top of the scrollback.
                if x + 1 >= cols
                    && let Some(row) = self.grid.lines.get_mut(y + 1)
                {
                    row.wrapped = false;
                }
                for y in 0..y {
                    self.erase_row(y, selective);
                }
            }
            2 => {
                for y in 0..rows {
                    self.erase_row(y, selective);
                }
            }
            3 => self.grid.drop_scrollback(),
            _ => {}
        }
    }

    fn erase_line(&mut self, what: usize, selective: bool) {
        self.restrict(0);
        let (x, y, cols) = (self.grid.x, self.grid.y, self.grid.cols);
        let (from, to, unwrap) = match what {
            0 => (x, cols, x == 0),
            1 => (0, x + 1, false),
            2 => (0, cols, true),
            _ => return,
        };
        self.erase_in_row(y, from, to, selective);
        if unwrap {
            self.grid.row_mut(y).wrapped = false;
        }
    }

    fn private_mode(&mut self, number: i32, set: bool) {
        let modes = &mut self.modes;
        match number {
            1 => modes.cursor_keys = set,
            2 if set => {
                self.charsets.sets = [None; 4];
                self.charsets.active = None;
            }
            6 => {
                modes.origin = set;
                self.place(0, 0);
            }
            7 => modes.wraparound = set,
            12 => modes.blink = Some(set),
            25 => modes.cursor_hidden = !set,
            45 => modes.reverse_wrap = set,
            66 => modes.keypad = set,
            9 | 1000 | 1002 | 1003 => {
                modes.mouse = match number {
                    _ if !set => Mouse::Off,
                    9 => Mouse::X10,
                    1000 => Mouse::Clicks,
                    1002 => Mouse::Drags,
                    _ => Mouse::Motion,
                };
            }
            1004 => modes.focus_events = set,
            1006 | 1016 => {
                modes.mouse_report = match number {
                    _ if !set => MouseReport::Bytes,
                    1006 => MouseReport::Cells,
                    _ => MouseReport::Pixels,
                };
            }
            1048 if set => self.save_cursor(),
            1048 => self.restore_cursor(),
            47 | 1047 => self.switch(set),
            1049 if set => {
                self.save_cursor();
                self.switch(true);
            }
            1049 => {
                self.switch(false);
                self.restore_cursor();
            }
            2004 => modes.bracketed_paste = set,
            2026 => modes.synchronized = set,
            _ => {}
        }
    }

    /// To the alternate buffer, which begins empty, or back. The cursor stays where it is.
    fn switch(&mut self, alternate: bool) {
        if self.alternate == alternate {
            return;
        }
        let (x, y) = (self.grid.x, self.grid.y);
        if alternate {
            let blank = self.blank();
            self.hidden.populate(blank);
        } else {
            self.grid.clear();
        }
        std::mem::swap(&mut self.grid, &mut self.hidden);
        self.alternate = alternate;
        (self.grid.x, self.grid.y) = (x, y);
    }
}
