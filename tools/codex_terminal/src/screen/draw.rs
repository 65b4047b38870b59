//! Rows as the bytes that draw them on a blank terminal: every cell, empty ones in a colour too, and which rows are
//! one line. Knows nothing of modes.

use super::canvas::Canvas;
use super::cell::Cell;
use super::grid::Grid;
use super::row::Row;
use super::style::{COLOUR, Style, write_into};

/// What is drawn, and what the terminal that draws it has selected.
pub struct Drawing<'a> {
    pub out: String,
    canvas: &'a Canvas,
    look: Style,
    /// Numbers of links in the order in which they are met.
    links: Vec<u32>,
}

impl<'a> Drawing<'a> {
    /// Nothing yet, on a terminal with the default look.
    pub fn new(canvas: &'a Canvas) -> Self {
        Self {
            out: String::new(),
            canvas,
            look: Style::default(),
            links: Vec::new(),
        }
    }

    /// Adds a sequence.
    pub fn add(&mut self, text: std::fmt::Arguments<'_>) {
        write_into(&mut self.out, text);
    }

    /// Adds text, or a sequence that is always the same.
    pub fn text(&mut self, text: &str) {
        self.out.push_str(text);
    }

    /// Selects a look.
    pub fn select(&mut self, look: Style) {
        if look == self.look {
            return;
        }
        if (Style { link: 0, ..look })
            != (Style {
                link: 0,
                ..self.look
            })
            || look.link == 0
        {
            look.write(&mut self.out);
        }
        if look.link != self.look.link {
            self.link(look.link);
        }
        self.look = look;
    }

    /// The terminal has the default look again.
    pub fn default_look(&mut self) {
        self.select(Style::default());
    }

    /// Opens a link, if it is one.
    pub fn open_link(&mut self, number: u32) {
        if number > 0 {
            self.link(number);
        }
    }

    fn link(&mut self, number: u32) {
        let Some(address) = self.canvas.links.address(number) else {
            self.out.push_str("\x1b]8;;\x1b\\");
            return;
        };
        let known = self.links.iter().position(|known| *known == number);
        let name = known.unwrap_or_else(|| {
            self.links.push(number);
            self.links.len() - 1
        });
        self.add(format_args!("\x1b]8;id=z{name};{address}\x1b\\"));
    }

    /// Draws all rows of a buffer on a blank screen of its size; what does not fit scrolls out of the screen. `save`
    /// comes at the beginning of the row with that number: only there can it save a cursor that has scrolled out.
    pub fn rows(&mut self, grid: &Grid, save: Option<(usize, &str)>) {
        let cols = grid.cols;
        let mut before = Flow::None;
        if grid.rows > 1 && grid.lines.front().is_some_and(|row| row.wrapped) {
            // What it continues is gone: a row above it goes as well.
            self.add(format_args!("\x1b[{cols}Gxx\x1b[S\x1b[H\x1b[X"));
        }
        let mut rows = grid.lines.iter().enumerate().peekable();
        while let Some((at, row)) = rows.next() {
            let next = rows.peek().map(|(_, next)| *next);
            if let Some((_, save)) = save.filter(|(place, _)| *place == at) {
                self.default_look();
                self.text(save);
                self.text("\r");
            }
            let saves_next = save.is_some_and(|(place, _)| place == at + 1);
            let wraps = next.is_some_and(|next| next.wrapped) && grid.rows > 1;
            let flow = match next {
                Some(next) if wraps && !saves_next => self.flow(row, next, cols),
                _ => Flow::None,
            };
            if wraps && flow == Flow::None {
                if before != Flow::None {
                    self.first_cell(row, cols, before);
                    before = Flow::None;
                }
                // The next row is made a continuation before this one is drawn, with letters that go again.
                self.default_look();
                self.add(format_args!("\x1b[{cols}Gxx\x1b[A\x1b[{cols}G\x1b[X\r"));
            }
            self.row(row, cols, before, flow);
            before = flow;
            if next.is_some() && flow == Flow::None {
                self.default_look();
                self.out
                    .push_str(if wraps { "\x1b[B\r\x1b[X" } else { "\r\n" });
            }
        }
        self.default_look();
    }

    fn style(&self, cell: Cell) -> Style {
        self.canvas.styles.get(cell.look())
    }

    /// How the text of one row goes on in the next, if just printing it on makes the next row what it is.
    fn flow(&self, row: &Row, next: &Row, cols: usize) -> Flow {
        let first = next.get(0);
        let fits = is_whole(next, 0) && first.width() > 0 && self.style(first).bg & COLOUR == 0;
        if !fits || next.cells().iter().any(|cell| self.is_odd(*cell)) {
            return Flow::None;
        }
        let last = row.get(cols - 1);
        if (last.width() == 1 && last.has_content()) || (last.is_tail() && is_whole(row, cols - 2))
        {
            Flow::Full
        } else if first.width() == 2 && last == Cell::blank(first.look()) {
            Flow::Wide
        } else {
            Flow::None
        }
    }

    /// Prints the first cell so that its row is a continuation.
    fn first_cell(&mut self, row: &Row, cols: usize, before: Flow) {
        if before == Flow::Wide {
            self.add(format_args!("\x1b[{cols}G"));
        }
        self.select(self.style(row.get(0)));
        self.cell(row, row.get(0));
    }

    fn cell(&mut self, row: &Row, cell: Cell) {
        row.write_text(cell, &mut self.out);
    }

    /// Whether a cell is empty and yet looks like something that erasing does not make.
    fn is_odd(&self, cell: Cell) -> bool {
        let look = self.style(cell);
        !cell.has_content() && cell.width() == 1 && look != look.erased()
    }

    fn row(&mut self, row: &Row, cols: usize, before: Flow, flow: Flow) {
        let mut end = row.cells().len().min(cols);
        if flow == Flow::Wide {
            end = end.min(cols - 1);
        }
        // Where the terminal's cursor is, if that is known.
        let mut cursor = Some(0);
        if before == Flow::Wide {
            self.add(format_args!("\x1b[{cols}G"));
        } else if self.odd_cells(row, end, cols) {
            cursor = None;
        }
        let mut x = 0;
        while x < end {
            let cell = row.get(x);
            let look = self.style(cell);
            if cell.has_content() && (cell.width() < 2 || is_whole(row, x)) {
                self.go(cursor, x);
                self.select(look);
                if cell.width() == 0 {
                    // A combining mark with nothing before it.
                    look.write(&mut self.out);
                }
                self.cell(row, cell);
                x += cell.width().max(1);
                cursor = Some(x);
                continue;
            }
            if is_overrun(row, x, cols) {
                self.go(cursor, x);
                self.select(look);
                self.out.push_str("\x1b[?7l");
                self.cell(row, cell);
                self.cell(row, row.get(x + 1));
                self.out.push_str("\x1b[?7h");
                return;
            }
            let same = (x..end).take_while(|x| row.get(*x) == cell).count();
            if cell != Cell::NULL && !cell.is_tail() && !self.is_odd(cell) {
                self.go(cursor, x);
                cursor = Some(x);
                self.select(look.erased());
                self.add(format_args!("\x1b[{same}X"));
            }
            x += same;
        }
    }

    fn go(&mut self, from: Option<usize>, x: usize) {
        if from != Some(x) {
            self.add(format_args!("\x1b[{}G", x + 1));
        }
    }

    /// Makes the empty cells that erasing does not: they are what is left when half of a wide character is
    /// overwritten. Whether there were any.
    fn odd_cells(&mut self, row: &Row, end: usize, cols: usize) -> bool {
        let odd = |x: &usize| self.is_odd(row.get(*x));
        let places: Vec<_> = (0..end).filter(odd).collect();
        let in_a_row = (0..).zip(&places).take_while(|(at, x)| at == *x).count();
        for x in places[in_a_row..].iter().rev() {
            self.leave_half(row.get(*x), x - 1, x - 1);
        }
        for x in places[..in_a_row].iter().filter(|x| **x + 1 < cols) {
            self.leave_half(row.get(*x), *x, x + 1);
        }
        !places.is_empty()
    }

    /// Prints a wide character at `wide`, and overwrites its half at `narrow`, where nothing is left in the end.
    fn leave_half(&mut self, cell: Cell, wide: usize, narrow: usize) {
        let (wide, narrow) = (wide + 1, narrow + 1);
        self.add(format_args!("\x1b[{wide}G\u{3000}\x1b[{narrow}G"));
        self.select(self.style(cell));
        self.out.push(' ');
        self.default_look();
        self.add(format_args!("\x1b[{narrow}G\x1b[X"));
    }
}

/// How a row's text goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    /// Not at all, or not just so.
    None,
    /// Behind its last column.
    Full,
    /// In its last column there was no room for a wide character.
    Wide,
}

/// Whether the character at `x`, if it is wide, has both its halves.
pub fn is_whole(row: &Row, x: usize) -> bool {
    let cell = row.get(x);
    cell.has_content() && (cell.width() < 2 || row.get(x + 1).is_tail())
}

/// Whether the right half of the wide character at `x`, at the end of the row, was overwritten by text that did not
/// wrap: then its left half stays.
pub fn is_overrun(row: &Row, x: usize, cols: usize) -> bool {
    let (cell, last) = (row.get(x), row.get(x + 1));
    x + 2 == cols && cell.width() == 2 && last.has_content() && last.look() == cell.look()
}
