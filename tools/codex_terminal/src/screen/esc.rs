//! Control characters and escape sequences: moving down and up, tabs, saved cursors, character sets, resets.

use super::canvas::{Canvas, Charsets};
use super::cell::Cell;
use super::charset::designated;
use super::grid::{Grid, Saved};
use super::key::Key;
use super::parser::{Params, Receiver};
use super::style::{EXTENDED, Style};

impl Receiver for Canvas {
    #[inline]
    fn control(&mut self, code: u32) {
        match code {
            0x08 => self.backspace(),
            0x09 if self.grid.x < self.grid.cols => self.grid.x = self.grid.next_tab(self.grid.x),
            0x0a..=0x0c => self.line_feed(),
            0x0d => self.grid.x = 0,
            0x0e => self.shift(1),
            0x0f => self.shift(0),
            0x84 => self.index(),
            0x85 => self.next_line(),
            0x88 => self.grid.set_tab(self.grid.x, true),
            _ => {}
        }
        self.preceding = 0;
    }

    #[inline]
    fn csi(&mut self, name: u32, params: &Params) {
        self.dispatch_csi(name, params);
    }

    fn esc(&mut self, name: u32) {
        self.preceding = 0;
        let last = (name & 0xff) as u8;
        if name > 0xff {
            return self.designate(name >> 8, last);
        }
        match last {
            b'7' => self.save_cursor(),
            b'8' => self.restore_cursor(),
            b'D' => self.index(),
            b'E' => self.next_line(),
            b'H' => self.grid.set_tab(self.grid.x, true),
            b'M' => self.reverse_index(),
            b'=' => self.modes.keypad = true,
            b'>' => self.modes.keypad = false,
            b'c' => self.reset(),
            b'n' | b'}' => self.shift(2),
            b'o' | b'|' => self.shift(3),
            b'~' => self.shift(1),
            _ => {}
        }
    }

    fn osc(&mut self, data: &[u8]) {
        self.preceding = 0;
        self.command(data);
    }

    fn other(&mut self) {
        self.preceding = 0;
    }
}

impl Canvas {
    #[inline]
    fn line_feed(&mut self) {
        if self.modes.newline {
            self.grid.x = 0;
        }
        let grid = &mut self.grid;
        grid.y += 1;
        if grid.y == grid.bottom + 1 {
            grid.y -= 1;
            let blank = self.blank();
            self.grid.scroll(blank, false);
        } else if grid.y >= grid.rows {
            grid.y = grid.rows - 1;
        } else {
            grid.here().wrapped = false;
        }
        if self.grid.x >= self.grid.cols {
            self.grid.x -= 1;
        }
    }

    fn index(&mut self) {
        self.restrict(1);
        let grid = &mut self.grid;
        grid.y += 1;
        if grid.y == grid.bottom + 1 {
            grid.y -= 1;
            let blank = self.blank();
            self.grid.scroll(blank, false);
        } else if grid.y >= grid.rows {
            grid.y = grid.rows - 1;
        }
        self.restrict(1);
    }

    fn next_line(&mut self) {
        self.grid.x = 0;
        self.index();
    }

    fn reverse_index(&mut self) {
        self.restrict(1);
        if self.grid.y == self.grid.top {
            let blank = self.blank();
            self.grid.insert_rows(self.grid.top, 1, blank);
        } else {
            self.grid.y = self.grid.y.saturating_sub(1);
            self.restrict(1);
        }
    }

    fn backspace(&mut self) {
        if !self.modes.reverse_wrap {
            self.restrict(1);
            self.grid.x = self.grid.x.saturating_sub(1);
            return;
        }
        self.restrict(0);
        let grid = &mut self.grid;
        if grid.x > 0 {
            grid.x -= 1;
        } else if grid.y > grid.top && grid.y <= grid.bottom && grid.here().wrapped {
            grid.here().wrapped = false;
            grid.y -= 1;
            grid.x = grid.cols - 1;
            let last = grid.row(grid.y).get(grid.x);
            // Left free because a wide character did not fit.
            if last.width() > 0 && !last.has_content() {
                grid.x -= 1;
            }
        }
        self.restrict(1);
    }

    fn shift(&mut self, level: usize) {
        self.charsets.level = level;
        self.charsets.active = self.charsets.sets[level];
    }

    fn designate(&mut self, collected: u32, last: u8) {
        let level = match u8::try_from(collected) {
            Ok(b'#') if last == b'8' => return self.alignment_test(),
            Ok(b'%') if matches!(last, b'@' | b'G') => {
                self.shift(0);
                self.charsets.sets[0] = None;
                self.charsets.active = None;
                return;
            }
            Ok(b'(') => 0,
            Ok(b')' | b'-') => 1,
            Ok(b'*' | b'.') => 2,
            Ok(b'+') => 3,
            _ => return,
        };
        if let Some(set) = designated(last) {
            self.charsets.sets[level] = set;
            if self.charsets.level == level {
                self.charsets.active = set;
            }
        }
    }

    /// Fills the screen with E.
    fn alignment_test(&mut self) {
        let look = Style {
            fg: self.pen.fg,
            bg: self.pen.bg & !EXTENDED,
            ..Style::default()
        };
        let cell = Cell::new(u32::from(b'E'), 1, self.styles.key(look));
        self.place(0, 0);
        for y in self.grid.y..self.grid.rows {
            let row = self.grid.row_mut(y);
            let width = row.width();
            row.reset(width, cell, false);
        }
        self.place(0, 0);
    }

    pub(super) fn save_cursor(&mut self) {
        self.grid.saved = Saved {
            x: self.grid.x,
            y: self.grid.y as i64,
            fg: self.pen.fg,
            bg: self.pen.bg,
            charset: self.charsets.active,
        };
    }

    pub(super) fn restore_cursor(&mut self) {
        let saved = self.grid.saved;
        self.grid.x = saved.x;
        self.grid.y = saved.y.max(0) as usize;
        // The underline's kind and an open link are not part of it.
        (self.pen.fg, self.pen.bg) = (saved.fg, saved.bg);
        self.pen_key = None;
        self.charsets.active = saved.charset;
        self.restrict(1);
    }

    pub(super) fn soft_reset(&mut self) {
        (self.grid.top, self.grid.bottom) = (0, self.grid.rows - 1);
        self.pen = Style::default();
        self.pen_key = Some(Key::default());
        self.modes.soft_reset();
        self.charsets = Charsets::default();
        self.grid.saved = Saved::default();
    }

    fn reset(&mut self) {
        let (cols, rows) = (self.grid.cols, self.grid.rows);
        self.grid = Grid::new(cols, rows, true);
        self.grid.populate(Cell::NULL);
        self.hidden = Grid::new(cols, rows, false);
        self.alternate = false;
        self.pen = Style::default();
        self.pen_key = Some(Key::default());
        self.charsets = Charsets::default();
        self.modes.reset();
    }
}
