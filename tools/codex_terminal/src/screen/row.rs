//! One row of cells. Keeps only the cells up to the last one that was touched, so blank rows and the ends of short
//! ones cost nothing. Does to cells what xterm.js' `BufferLine` does; knows no cursor and no neighbours.

use super::cell::Cell;
use super::key::Key;

/// Combining marks beyond this many bytes in one cell are dropped.
const MAX_CLUSTER_BYTES: usize = 128;

/// A row.
#[derive(Clone, Debug, Default)]
pub struct Row {
    cells: Vec<Cell>,
    clusters: Vec<Box<str>>,
    width: usize,
    /// Whether the row above flows into this one.
    pub wrapped: bool,
}

impl Row {
    /// An empty row.
    pub fn new(width: usize) -> Self {
        Self {
            width,
            ..Self::default()
        }
    }

    /// Makes it empty again, keeping its memory.
    #[inline]
    pub fn reset(&mut self, width: usize, blank: Cell, wrapped: bool) {
        self.cells.clear();
        if !self.clusters.is_empty() {
            self.clusters = Vec::new();
        }
        self.width = width;
        self.wrapped = wrapped;
        if blank != Cell::NULL {
            self.cells.resize(width, blank);
        }
    }

    /// Columns.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The cells up to the last one that was touched.
    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// See [`Row::cells`]; for a change of looks.
    pub fn cells_mut(&mut self) -> &mut [Cell] {
        &mut self.cells
    }

    /// A cell; those never touched and those outside are empty.
    #[inline]
    pub fn get(&self, x: usize) -> Cell {
        self.cells.get(x).copied().unwrap_or(Cell::NULL)
    }

    /// Columns that the cell takes.
    #[inline]
    pub fn width_at(&self, x: usize) -> usize {
        self.get(x).width()
    }

    /// Puts a cell; outside of the row nothing happens.
    #[inline]
    pub fn set(&mut self, x: usize, cell: Cell) {
        if let Some(place) = self.cells.get_mut(x) {
            *place = cell;
        } else if x < self.width && cell != Cell::NULL {
            self.cells.resize(x, Cell::NULL);
            self.cells.push(cell);
        }
    }

    /// Puts a character with all its columns.
    #[inline]
    pub fn put(&mut self, x: usize, c: u32, columns: usize, look: Key) {
        self.set(x, Cell::new(c, columns, look));
        if columns == 2 {
            self.set(x + 1, Cell::tail(look));
        }
    }

    /// Writes cells from `x` on; the caller knows that they fit.
    #[inline]
    pub fn write(&mut self, x: usize, cells: &[Cell]) {
        let end = x + cells.len();
        if end <= self.cells.len() {
            self.cells[x..end].copy_from_slice(cells);
        } else {
            self.cells.resize(x, Cell::NULL);
            self.cells.extend_from_slice(cells);
        }
    }

    /// Before something stands at `x`: a wide character whose right half is there loses its left half as well.
    #[inline]
    pub fn split_before(&mut self, x: usize, look: Key) {
        if x > 0 && self.width_at(x - 1) == 2 {
            self.set(x - 1, Cell::blank(look));
        }
    }

    /// After something that ends before `x`: a wide character whose left half was there loses its right half as well.
    #[inline]
    pub fn split_after(&mut self, x: usize, look: Key) {
        if self.get(x).is_tail() {
            self.set(x, Cell::blank(look));
        }
    }

    /// Adds a combining mark to a cell, which then has `width`.
    pub fn join(&mut self, x: usize, mark: char, width: usize) {
        let cell = self.get(x);
        let mut text = String::new();
        match cell.cluster_number() {
            Some(number) => {
                let before = &self.clusters[number];
                if before.len() + mark.len_utf8() > MAX_CLUSTER_BYTES {
                    return;
                }
                text.push_str(before);
                text.push(mark);
                self.clusters[number] = text.into();
                self.set(x, Cell::cluster(number, width, cell.look()));
            }
            None if cell.has_content() => {
                text.extend(char::from_u32(cell.character()));
                text.push(mark);
                let number = self.keep_cluster(text.into());
                self.set(x, Cell::cluster(number, width, cell.look()));
            }
            None => self.set(x, Cell::new(u32::from(mark), width, cell.look())),
        }
    }

    fn keep_cluster(&mut self, text: Box<str>) -> usize {
        if self.clusters.len() > self.width * 2 {
            self.drop_unused_clusters();
        }
        self.clusters.push(text);
        self.clusters.len() - 1
    }

    fn drop_unused_clusters(&mut self) {
        let mut kept = Vec::new();
        for cell in &mut self.cells {
            if let Some(number) = cell.cluster_number() {
                kept.push(std::mem::take(&mut self.clusters[number]));
                *cell = Cell::cluster(kept.len() - 1, cell.width(), cell.look());
            }
        }
        self.clusters = kept;
    }

    /// Appends the text of a cell, nothing for an empty one.
    pub fn write_text(&self, cell: Cell, out: &mut String) {
        if let Some(number) = cell.cluster_number() {
            out.push_str(&self.clusters[number]);
        } else if cell.has_content() {
            out.extend(char::from_u32(cell.character()));
        }
    }

    /// Fills `start..end`, splitting no wide character.
    pub fn replace(&mut self, start: usize, end: usize, fill: Cell) {
        if start > 0 && self.width_at(start - 1) == 2 {
            self.set(start - 1, fill);
        }
        if end < self.width && end > 0 && self.width_at(end - 1) == 2 {
            self.set(end, fill);
        }
        self.fill(start, end, fill);
    }

    /// Fills `start..end` where `keep` does not hold.
    pub fn replace_unless(
        &mut self,
        start: usize,
        end: usize,
        fill: Cell,
        keep: impl Fn(Cell) -> bool,
    ) {
        if start > 0 && self.width_at(start - 1) == 2 && !keep(self.get(start - 1)) {
            self.set(start - 1, fill);
        }
        if end < self.width && end > 0 && self.width_at(end - 1) == 2 && !keep(self.get(end)) {
            self.set(end, fill);
        }
        for x in start..end.min(self.width) {
            if !keep(self.get(x)) {
                self.set(x, fill);
            }
        }
    }

    /// Fills `start..end` as it is.
    pub fn fill(&mut self, start: usize, end: usize, fill: Cell) {
        let end = end.min(self.width);
        if fill == Cell::NULL {
            if end >= self.cells.len() {
                self.cells.truncate(start);
                return;
            }
        } else if end > self.cells.len() {
            self.cells.resize(end, Cell::NULL);
        }
        if start < end {
            self.cells[start..end].fill(fill);
        }
    }

    /// Shifts the cells from `x` on to the right by `count`.
    pub fn insert(&mut self, x: usize, count: usize, fill: Cell) {
        let x = x % self.width;
        if x > 0 && self.width_at(x - 1) == 2 {
            self.set(x - 1, fill);
        }
        if count < self.width - x {
            let old = self.cells.len();
            if x < old {
                let new = (old + count).min(self.width);
                self.cells.resize(new, Cell::NULL);
                self.cells.copy_within(x..new - count, x + count);
            }
            self.fill(x, x + count, fill);
        } else {
            self.fill(x, self.width, fill);
        }
        if self.width_at(self.width - 1) == 2 {
            self.set(self.width - 1, fill);
        }
    }

    /// Removes `count` cells at `x`; the rest comes closer.
    pub fn delete(&mut self, x: usize, count: usize, fill: Cell) {
        let x = x % self.width;
        if count < self.width - x {
            let old = self.cells.len();
            if x < old {
                self.cells.drain(x..old.min(x + count));
            }
            self.fill(self.width - count, self.width, fill);
        } else {
            self.fill(x, self.width, fill);
        }
        if x > 0 && self.width_at(x - 1) == 2 {
            self.set(x - 1, fill);
        }
        if self.get(x).is_tail() {
            self.set(x, fill);
        }
    }

    /// Cuts or extends the row.
    pub fn resize(&mut self, width: usize) {
        self.cells.truncate(width);
        self.width = width;
    }

    /// Columns up to the last character.
    pub fn text_width(&self) -> usize {
        self.cells
            .iter()
            .rposition(|cell| cell.has_content())
            .map_or(0, |x| x + self.cells[x].width())
    }

    /// Copies `count` cells of another row (or of this one's clone).
    pub fn copy_from(&mut self, source: &Self, from: usize, to: usize, count: usize) {
        for at in 0..count {
            let cell = source.get(from + at);
            let copied = match cell.cluster_number() {
                Some(number) => {
                    let number = self.keep_cluster(source.clusters[number].clone());
                    Cell::cluster(number, cell.width(), cell.look())
                }
                None => cell,
            };
            self.set(to + at, copied);
        }
    }

    /// The text up to the last character, blanks for empty cells.
    pub fn text(&self) -> String {
        let mut out = String::new();
        for cell in &self.cells[..self.cells.len().min(self.text_width())] {
            if cell.has_content() {
                self.write_text(*cell, &mut out);
            } else if cell.width() == 1 {
                out.push(' ');
            }
        }
        out
    }
}
