//! A change of size, as xterm.js makes it: rows come from and go to the scrollback, wrapped lines of the main buffer are
//! laid out anew unless the cursor is in them. Follows `Buffer.resize` and `BufferReflow` there step by step, so
//! that viewers and model agree without a new snapshot. Touches nothing but one buffer.

use super::cell::Cell;
use super::grid::Grid;
use super::row::Row;

/// The buffer while it is changed: all its rows, and where the screen begins in them.
struct Change {
    lines: Vec<Row>,
    base: usize,
    y: usize,
    saved_y: i64,
    max_lines: usize,
    old_cols: usize,
    cols: usize,
    rows: usize,
}

impl Grid {
    /// Applies a size.
    pub fn resize(&mut self, cols: usize, rows: usize) {
        if self.lines.is_empty() {
            (self.cols, self.rows, self.bottom) = (cols, rows, rows - 1);
            self.extend_tabs();
            return;
        }
        let base = self.base();
        let old_max = self.rows + self.max_base();
        let (old_cols, old_rows) = (self.cols, self.rows);
        (self.cols, self.rows) = (cols, rows);
        let mut change = Change {
            lines: std::mem::take(&mut self.lines).into(),
            base,
            y: self.y,
            saved_y: self.saved.y + base as i64,
            max_lines: rows + self.max_base(),
            old_cols,
            cols,
            rows,
        };
        if cols > old_cols {
            change.lines.iter_mut().for_each(|row| row.resize(cols));
        }
        change.change_rows(old_rows, old_max);
        self.x = self.x.min(cols - 1);
        self.saved.x = self.saved.x.min(cols - 1);
        (self.top, self.bottom) = (0, rows - 1);
        if self.scrollback {
            if cols > old_cols {
                change.widen();
            } else if cols < old_cols {
                change.narrow();
                change.lines.iter_mut().for_each(|row| row.resize(cols));
            }
        }
        change.settle();
        self.travelled = (self.travelled + change.base).saturating_sub(base);
        self.saved.y = change.saved_y - change.base as i64;
        self.y = change.y;
        self.lines = change.lines.into();
        self.extend_tabs();
    }
}

impl Change {
    fn blank_row(&self) -> Row {
        Row::new(self.cols)
    }

    fn change_rows(&mut self, old_rows: usize, old_max: usize) {
        let mut down = 0;
        for _ in old_rows..self.rows {
            if self.lines.len() >= self.rows + self.base {
                continue;
            }
            if self.base > 0 && self.lines.len() <= self.base + self.y + down + 1 {
                // Nothing below the cursor: what is above comes back.
                self.base -= 1;
                down += 1;
            } else {
                self.lines.push(self.blank_row());
            }
        }
        for _ in self.rows..old_rows {
            if self.lines.len() > self.rows + self.base {
                if self.lines.len() > self.base + self.y + 1 {
                    self.lines.pop();
                } else {
                    self.base += 1;
                }
            }
        }
        if self.max_lines < old_max && self.lines.len() > self.max_lines {
            let excess = self.lines.len() - self.max_lines;
            self.lines.drain(..excess);
            self.base = self.base.saturating_sub(excess);
            self.saved_y = (self.saved_y - excess as i64).max(0);
        }
        self.y = self.y.min(self.rows - 1) + down;
    }

    /// One line longer than a row is several rows, all but the first of them `wrapped`. How many from `first` on.
    fn rows_of_line(&self, first: usize) -> usize {
        let more = self.lines[first + 1..].iter();
        1 + more.take_while(|row| row.wrapped).count()
    }

    fn has_cursor(&self, first: usize, count: usize) -> bool {
        (first..first + count).contains(&(self.base + self.y))
    }

    fn widen(&mut self) {
        let mut removed = Vec::new();
        let mut first = 0;
        while first + 1 < self.lines.len() {
            let count = self.rows_of_line(first);
            if count > 1 && !self.has_cursor(first, count) {
                let gone = self.widen_line(first, count);
                removed.extend(first + count - gone..first + count);
            }
            first += count;
        }
        if removed.is_empty() {
            return;
        }
        let mut at = 0;
        let mut next = removed.iter().peekable();
        self.lines.retain(|_| {
            let keep = next.next_if(|gone| **gone == at).is_none();
            at += 1;
            keep
        });
        for _ in &removed {
            if self.base > 0 {
                self.base -= 1;
                continue;
            }
            self.y = self.y.saturating_sub(1);
            if self.lines.len() < self.rows {
                self.lines.push(self.blank_row());
            }
        }
        self.saved_y = (self.saved_y - removed.len() as i64).max(0);
    }

    /// Moves the cells of one line up into the new room; gives the number of rows that became empty.
    fn widen_line(&mut self, first: usize, count: usize) -> usize {
        let mut rows = self.lines[first..first + count].to_vec();
        let (mut to, mut to_col) = (0, line_width(&rows, 0, self.old_cols));
        let (mut from, mut from_col) = (1, 0);
        while from < count {
            let width = line_width(&rows, from, self.old_cols);
            let copied = (width - from_col).min(self.cols - to_col);
            let source = rows[from].clone();
            rows[to].copy_from(&source, from_col, to_col, copied);
            to_col += copied;
            if to_col == self.cols {
                (to, to_col) = (to + 1, 0);
            }
            from_col += copied;
            if from_col == width {
                (from, from_col) = (from + 1, 0);
            }
            // No wide character is split.
            if to_col == 0 && to > 0 && rows[to - 1].width_at(self.cols - 1) == 2 {
                let source = rows[to - 1].clone();
                rows[to].copy_from(&source, self.cols - 1, 0, 1);
                to_col = 1;
                rows[to - 1].set(self.cols - 1, Cell::NULL);
            }
        }
        if let Some(last) = rows.get_mut(to) {
            last.replace(to_col, self.cols, Cell::NULL);
        }
        let gone = rows.iter().enumerate().skip(1).rev();
        let gone = gone
            .take_while(|(at, row)| *at > to || row.text_width() == 0)
            .count();
        self.lines.splice(first..first + count, rows);
        gone
    }

    fn narrow(&mut self) {
        // From the bottom up. What is put in comes to its place at the end, so that places stay what they are.
        let mut added = Vec::new();
        let mut total = 0;
        // Rows that are taken away at the bottom meanwhile are still laid out, and what that adds stays.
        let mut left = self.lines.len();
        let mut end = left;
        while end > 0 {
            let mut first = end - 1;
            let below = end;
            end = first;
            let last = &self.lines[first];
            if !last.wrapped && last.text_width() <= self.cols {
                continue;
            }
            while self.lines[first].wrapped && first > 0 {
                first -= 1;
            }
            end = first;
            let count = below - first;
            if self.has_cursor(first, count) {
                continue;
            }
            let lengths = new_lengths(&self.lines[first..below], self.old_cols, self.cols);
            let more = lengths.len() as i64 - count as i64;
            let over = if self.base == 0 && self.y + 1 != left {
                self.y
            } else {
                left
            };
            let trimmed = (over as i64 - self.max_lines as i64 + more).max(0);
            let new = self.narrow_line(first, count, &lengths);
            if !new.is_empty() {
                total += new.len();
                added.push((below, new));
            }
            for _ in 0..(more - trimmed).max(0) {
                left -= self.make_room(left + total);
            }
            let lowest = (self.base + self.rows) as i64 - 1;
            self.saved_y = (self.saved_y + more).min(lowest);
        }
        self.lines.truncate(left);
        for (place, rows) in added {
            let place = place.min(left);
            self.lines.splice(place..place, rows);
        }
        let excess = self.lines.len().saturating_sub(self.max_lines);
        self.lines.drain(..excess);
    }

    /// One more row is going to be put in, for `all` of them: the screen moves down by one, or what is below the cursor
    /// goes. Gives how many rows go.
    fn make_room(&mut self, all: usize) -> usize {
        if self.base > 0 {
            if self.base + self.rows < self.max_lines.min(all) {
                self.base += 1;
            }
        } else if self.y + 1 < self.rows {
            self.y += 1;
            return 1;
        } else {
            self.base += 1;
        }
        0
    }

    /// Moves the cells of one line to rows of the given lengths; gives the rows that this takes beside its own.
    fn narrow_line(&mut self, first: usize, count: usize, lengths: &[usize]) -> Vec<Row> {
        let mut rows = self.lines[first..first + count].to_vec();
        let last_length = rows[count - 1].text_width();
        let mut new = self.blank_row();
        new.wrapped = true;
        rows.resize(lengths.len().max(count), new);
        // Backwards, so that nothing is overwritten before it has moved.
        let (mut to, mut to_col) = match lengths.split_last() {
            Some((0, [.., before])) => (lengths.len() - 2, *before),
            Some((last, _)) => (lengths.len() - 1, *last),
            None => return Vec::new(),
        };
        let (mut from, mut from_col) = (count - 1, last_length);
        loop {
            let copied = from_col.min(to_col);
            let source = rows[from].clone();
            rows[to].copy_from(&source, from_col - copied, to_col - copied, copied);
            to_col -= copied;
            from_col -= copied;
            if to_col == 0 {
                let Some(before) = to.checked_sub(1) else {
                    break;
                };
                (to, to_col) = (before, lengths[before]);
            }
            if from_col == 0 {
                let Some(before) = from.checked_sub(1) else {
                    break;
                };
                from = before;
                from_col = line_width(&rows, from, self.old_cols);
            }
        }
        for (row, length) in rows.iter_mut().zip(lengths) {
            if *length < self.cols {
                row.set(*length, Cell::NULL);
            }
        }
        let new = rows.split_off(count);
        self.lines.splice(first..first + count, rows);
        new
    }

    /// Exactly a screen from its beginning on.
    fn settle(&mut self) {
        self.base = self.base.min(self.lines.len());
        let wanted = self.base + self.rows;
        self.lines.truncate(wanted);
        let cols = self.cols;
        self.lines.resize_with(wanted, || Row::new(cols));
        self.y = self.y.min(self.rows - 1);
    }
}

/// How much of a line the row at `at` holds: all of it but where a wide character did not fit at its end.
fn line_width(rows: &[Row], at: usize, cols: usize) -> usize {
    let row = &rows[at];
    let Some(below) = rows.get(at + 1) else {
        return row.text_width();
    };
    let last = row.get(cols - 1);
    let early = !last.has_content() && last.width() == 1 && below.width_at(0) == 2;
    cols - usize::from(early)
}

/// The lengths of the rows that a line takes at another width.
fn new_lengths(rows: &[Row], old_cols: usize, cols: usize) -> Vec<usize> {
    let needed: usize = (0..rows.len())
        .map(|at| line_width(rows, at, old_cols))
        .sum();
    let mut lengths = Vec::new();
    let (mut done, mut at, mut col) = (0, 0, 0);
    while done < needed {
        if needed - done < cols {
            lengths.push(needed - done);
            break;
        }
        col += cols;
        let width = line_width(rows, at.min(rows.len() - 1), old_cols);
        if col > width {
            col -= width;
            at += 1;
        }
        let wide = rows.get(at).is_some_and(|row| row.width_at(col - 1) == 2);
        col -= usize::from(wide);
        let length = cols - usize::from(wide);
        lengths.push(length);
        done += length;
    }
    lengths
}
