//! What output changes: two buffers of cells, the pen, modes, and what a program says about itself. Holds them together;
//! what each sequence does to them stands in the neighbouring files.

use super::cell::Cell;
use super::charset::Charset;
use super::grid::Grid;
use super::key::Key;
use super::links::Links;
use super::modes::Modes;
use super::palette::Palette;
use super::run::Run;
use super::style::{self, Style, Styles};
use crate::signals::Signals;

/// xterm.js has no narrower terminals: a wide character needs two columns.
const MIN_COLS: usize = 2;

/// The character sets that shifts choose from, and the one in use, which a restored cursor brings back on its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Charsets {
    pub sets: [Option<Charset>; 4],
    pub level: usize,
    pub active: Option<Charset>,
}

/// See the module.
pub struct Canvas {
    /// The buffer in use and the other one.
    pub grid: Grid,
    pub hidden: Grid,
    /// Whether the one in use is the alternate one.
    pub alternate: bool,
    pub pen: Style,
    /// The key of the pen's look, once it was needed.
    pub pen_key: Option<Key>,
    pub styles: Styles,
    pub links: Links,
    pub charsets: Charsets,
    pub modes: Modes,
    pub palette: Palette,
    /// Width of the character that was printed last, for a combining mark; 0 when there was something else since.
    pub preceding: usize,
    pub signals: Signals,
    /// Text on its way into a row.
    pub run: Run,
}

impl Canvas {
    /// An empty one.
    pub fn new(cols: u16, rows: u16) -> Self {
        let (cols, rows) = sides(cols, rows);
        let mut grid = Grid::new(cols, rows, true);
        grid.populate(Cell::NULL);
        Self {
            grid,
            hidden: Grid::new(cols, rows, false),
            alternate: false,
            pen: Style::default(),
            pen_key: Some(Key::default()),
            styles: Styles::new(),
            links: Links::default(),
            charsets: Charsets::default(),
            modes: Modes::default(),
            palette: Palette::default(),
            preceding: 0,
            signals: Signals::default(),
            run: Run::new(),
        }
    }

    /// Applies a size.
    pub fn resize(&mut self, cols: u16, rows: u16) {
        let (cols, rows) = sides(cols, rows);
        if (cols, rows) != (self.grid.cols, self.grid.rows) {
            self.grid.resize(cols, rows);
            self.hidden.resize(cols, rows);
        }
    }

    /// The text on the screen, row by row.
    pub fn rows(&self) -> Vec<String> {
        (0..self.grid.rows)
            .map(|y| self.grid.row(y).text())
            .collect()
    }

    /// The text on the screen; wrapped lines are one line.
    pub fn contents(&self) -> String {
        let mut out = String::new();
        for y in 0..self.grid.rows {
            let row = self.grid.row(y);
            if y > 0 && !row.wrapped {
                out.push('\n');
            }
            out.push_str(&row.text());
        }
        out.truncate(out.trim_end_matches('\n').len());
        out
    }

    /// The key of the pen's look.
    #[inline]
    pub fn key_of_pen(&mut self) -> Key {
        if let Some(key) = self.pen_key {
            return key;
        }
        let key = Key::of(self.pen).unwrap_or_else(|| self.place_pen());
        self.pen_key = Some(key);
        key
    }

    #[cold]
    fn place_pen(&mut self) -> Key {
        if self.styles.crowded() {
            self.drop_unused_styles();
        }
        self.styles.placed(self.pen.stored())
    }

    /// What erasing leaves.
    #[inline]
    pub fn blank(&mut self) -> Cell {
        if self.pen.bg & style::COLOUR == 0 {
            return Cell::NULL;
        }
        Cell::blank(self.styles.key(self.pen.erased()))
    }

    /// Gives the looks that cells still have new places, and forgets the others and their links.
    pub fn drop_unused_styles(&mut self) {
        let mut fresh = Styles::new();
        let mut keys = vec![None; self.styles.len()];
        for row in self.grid.lines.iter_mut().chain(&mut self.hidden.lines) {
            for cell in row.cells_mut() {
                if let Some(place) = cell.look().place() {
                    let key =
                        keys[place].get_or_insert_with(|| fresh.key(self.styles.get(cell.look())));
                    *cell = cell.with_look(*key);
                }
            }
        }
        fresh.set_limit();
        self.styles = fresh;
        self.pen_key = None;
        let pen = self.pen.link;
        let styles = &self.styles;
        self.links
            .keep(|link| link == pen || styles.iter().any(|style| style.link == link));
    }
}

fn sides(cols: u16, rows: u16) -> (usize, usize) {
    (usize::from(cols).max(MIN_COLS), usize::from(rows).max(1))
}
