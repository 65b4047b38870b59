//! One buffer of rows, main or alternate: scrollback above the screen, cursor, scroll region, tab stops, saved cursor.
//! Moves rows and cursor as xterm.js' `Buffer` does; prints nothing and knows no modes.

use std::collections::VecDeque;

use super::cell::Cell;
use super::charset::Charset;
use super::row::Row;

/// Rows that the model keeps above the screen; whoever wants more has the transcript.
pub const SCROLLBACK_ROWS: usize = 1000;
/// Cells in them at most, which is 3.2 MB: on very wide screens fewer rows are kept.
const SCROLLBACK_CELLS: usize = 400_000;
/// Rows that the page keeps (`scrollback` in `static/screen.js`). A cursor that was saved there goes up with the text
/// until that many rows have left the screen.
pub const PAGE_SCROLLBACK_ROWS: usize = 10_000;

/// What ESC 7 keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Saved {
    pub x: usize,
    /// From the top of the screen; above it when the text has scrolled since.
    pub y: i64,
    pub fg: u32,
    pub bg: u32,
    pub charset: Option<Charset>,
}

/// A buffer.
#[derive(Clone, Debug)]
pub struct Grid {
    /// Scrollback, then exactly `rows` rows; none at all while the alternate buffer is not in use.
    pub lines: VecDeque<Row>,
    pub cols: usize,
    pub rows: usize,
    pub x: usize,
    pub y: usize,
    /// First and last row of the scroll region.
    pub top: usize,
    pub bottom: usize,
    pub saved: Saved,
    pub tabs: Vec<bool>,
    pub scrollback: bool,
    /// Rows above the screen in a page that has seen everything.
    pub travelled: usize,
}

/// Columns between tab stops.
const TAB: usize = 8;

impl Grid {
    /// A buffer without any rows.
    pub fn new(cols: usize, rows: usize, scrollback: bool) -> Self {
        let mut grid = Self {
            lines: VecDeque::new(),
            cols,
            rows,
            x: 0,
            y: 0,
            top: 0,
            bottom: rows - 1,
            saved: Saved::default(),
            tabs: Vec::new(),
            scrollback,
            travelled: 0,
        };
        grid.default_tabs();
        grid
    }

    /// Blank rows, where there are none.
    pub fn populate(&mut self, blank: Cell) {
        while self.lines.len() < self.rows {
            let mut row = Row::default();
            row.reset(self.cols, blank, false);
            self.lines.push_back(row);
        }
    }

    /// Forgets everything but the saved cursor.
    pub fn clear(&mut self) {
        *self = Self {
            saved: self.saved,
            ..Self::new(self.cols, self.rows, self.scrollback)
        };
    }

    /// Rows above the screen.
    #[inline]
    pub fn base(&self) -> usize {
        self.lines.len().saturating_sub(self.rows)
    }

    /// Rows that may be above the screen.
    pub fn max_base(&self) -> usize {
        if self.scrollback {
            SCROLLBACK_ROWS.min(SCROLLBACK_CELLS / self.cols)
        } else {
            0
        }
    }

    /// A row of the screen.
    #[inline]
    pub fn row(&self, y: usize) -> &Row {
        &self.lines[self.lines.len() - self.rows + y]
    }

    /// See [`Grid::row`].
    #[inline]
    pub fn row_mut(&mut self, y: usize) -> &mut Row {
        let at = self.lines.len() - self.rows + y;
        &mut self.lines[at]
    }

    /// The cursor's row.
    #[inline]
    pub fn here(&mut self) -> &mut Row {
        self.row_mut(self.y)
    }

    /// Moves the region up by one; a row that leaves the top of the screen goes to the scrollback.
    pub fn scroll(&mut self, blank: Cell, wrapped: bool) {
        if self.top > 0 {
            let base = self.base();
            for y in self.top..self.bottom {
                self.lines.swap(base + y, base + y + 1);
            }
            let cols = self.cols;
            self.row_mut(self.bottom).reset(cols, blank, wrapped);
            return;
        }
        let full = self.base() >= self.max_base();
        let mut row = if full {
            self.lines.pop_front().unwrap_or_default()
        } else {
            Row::default()
        };
        row.reset(self.cols, blank, wrapped);
        if self.bottom == self.rows - 1 {
            self.lines.push_back(row);
        } else {
            let below = self.rows - 1 - self.bottom;
            self.lines.insert(self.lines.len() - below, row);
        }
        if self.scrollback && self.travelled < PAGE_SCROLLBACK_ROWS {
            self.travelled += 1;
            self.saved.y -= 1;
        }
    }

    /// Whether the scroll region is the whole screen.
    pub fn is_whole_region(&self) -> bool {
        self.top == 0 && self.bottom == self.rows - 1
    }

    /// Whether it does not matter any more how many rows have scrolled away.
    pub fn counts_no_rows(&self) -> bool {
        !self.scrollback || self.travelled >= PAGE_SCROLLBACK_ROWS
    }

    /// Puts `count` blank rows in at `y`; as many fall out at the bottom of the region.
    pub fn insert_rows(&mut self, y: usize, count: usize, blank: Cell) {
        let base = self.base();
        for _ in 0..count.min(self.bottom + 1 - y) {
            if let Some(mut row) = self.lines.remove(base + self.bottom) {
                row.reset(self.cols, blank, false);
                self.lines.insert(base + y, row);
            }
        }
    }

    /// Takes `count` rows out at `y`; as many blank ones come at the bottom of the region.
    pub fn delete_rows(&mut self, y: usize, count: usize, blank: Cell) {
        let base = self.base();
        for _ in 0..count.min(self.bottom + 1 - y) {
            if let Some(mut row) = self.lines.remove(base + y) {
                row.reset(self.cols, blank, false);
                self.lines.insert(base + self.bottom, row);
            }
        }
    }

    /// Drops what is above the screen.
    pub fn drop_scrollback(&mut self) {
        let base = self.base();
        self.lines.drain(..base);
        self.saved.y += self.travelled as i64;
        self.travelled = 0;
    }

    /// The row of the saved cursor, counted from the first one that is kept, when it has scrolled out of the screen.
    pub fn saved_above(&self) -> Option<usize> {
        let above = usize::try_from(-self.saved.y)
            .ok()
            .filter(|rows| *rows > 0)?;
        Some(self.base().saturating_sub(above))
    }

    /// Whether the cursor is in the scroll region.
    pub fn in_region(&self) -> bool {
        (self.top..=self.bottom).contains(&self.y)
    }

    fn default_tabs(&mut self) {
        self.tabs = (0..self.cols).map(|x| x % TAB == 0).collect();
    }

    /// Sets or clears a tab stop.
    pub fn set_tab(&mut self, x: usize, set: bool) {
        if x >= self.tabs.len() {
            // A cursor beyond the last column cannot be far beyond it.
            if !set || x > self.cols * 2 {
                return;
            }
            self.tabs.resize(x + 1, false);
        }
        self.tabs[x] = set;
    }

    fn has_tab(&self, x: usize) -> bool {
        self.tabs.get(x).copied().unwrap_or(false)
    }

    /// Whether the tab stops are where they are at first.
    pub fn has_default_tabs(&self) -> bool {
        (0..self.cols).all(|x| self.has_tab(x) == (x % TAB == 0))
    }

    /// After a change of width: stops in what is new.
    pub fn extend_tabs(&mut self) {
        let mut x = self.cols;
        if !self.has_tab(x) {
            x = self.previous_tab(x);
        }
        while x < self.cols {
            self.set_tab(x, true);
            x += TAB;
        }
    }

    /// The next stop after `x`.
    pub fn next_tab(&self, x: usize) -> usize {
        let mut x = x + 1;
        while !self.has_tab(x) && x < self.cols {
            x += 1;
        }
        x.min(self.cols - 1)
    }

    /// The stop before `x`.
    pub fn previous_tab(&self, x: usize) -> usize {
        let before = (0..x).rev().find(|x| self.has_tab(*x)).unwrap_or(0);
        before.min(self.cols - 1)
    }
}
