//! The bytes that make the same terminal of any other: rows, then everything that cannot be seen. The order matters:
//! most of it moves the cursor, and the last character is printed last, because a combining mark may follow.

use super::Screen;
use super::canvas::Canvas;
use super::charset::Charset;
use super::draw::{Drawing, is_overrun, is_whole};
use super::grid::{Grid, Saved};
use super::style::{EXTENDED, Style, UNDERLINE, write_into};

impl Screen {
    /// Bytes that draw this screen, with scrollback, on a terminal of its size in any state.
    pub fn redraw(&self) -> Vec<u8> {
        let mut drawing = Drawing::new(&self.canvas);
        // Whatever sequence the terminal is in ends. A reset leaves colours and a few modes alone.
        drawing.text("\x18\x1bc\x1b[20l");
        self.canvas.redraw(&mut drawing);
        drawing.text(self.parser.state.reopened());
        drawing.out.into_bytes()
    }
}

/// Does nothing; a combining mark does not join what is before it.
const NOTHING: &str = "\x1b[?0h";
/// A combining mark on its own moves the cursor beyond the last column.
const MARK: char = '\u{301}';

/// The character that was printed last.
struct Last {
    x: usize,
    columns: usize,
    /// As it has to be typed for the character set in use.
    text: String,
}

impl Canvas {
    fn redraw(&self, drawing: &mut Drawing<'_>) {
        self.palette.write(&mut drawing.out);
        let (main, hidden) = if self.alternate {
            (&self.hidden, None)
        } else {
            (&self.grid, Some(&self.hidden))
        };
        let above = main.saved_above().map(|y| (y, save(main)));
        drawing.rows(main, above.as_ref().map(|(y, save)| (*y, save.as_str())));
        self.keyboard(false, drawing);
        tabs(main, drawing);
        if let Some(hidden) = hidden.filter(|hidden| hidden.saved != Saved::default()) {
            drawing.text("\x1b[?47h");
            saved(hidden, drawing);
            drawing.text("\x1b[?47l");
        }
        if above.is_none() {
            saved(main, drawing);
        }
        region(main, drawing);
        if self.alternate {
            // What a change of size does to the rows that are not shown depends on where the cursor was in them.
            drawing.add(format_args!("\x1b[{}H\x1b[?47h\x1b[H", main.y + 1));
            drawing.rows(&self.grid, None);
            self.keyboard(true, drawing);
            tabs(&self.grid, drawing);
            saved(&self.grid, drawing);
            region(&self.grid, drawing);
        }
        self.character_sets(drawing);
        if self.modes.origin {
            drawing.text("\x1b[?6h");
        }
        let last = self.last_character();
        if last.is_none() {
            self.cursor(drawing);
        }
        self.switches(drawing);
        if let Some(title) = &self.signals.title {
            drawing.text(&format!("\x1b]2;{title}\x07"));
        }
        // All of the pen: it may hold more than a cell does.
        drawing.default_look();
        self.pen.write(&mut drawing.out);
        drawing.open_link(self.pen.stored().link);
        if let Some(last) = last {
            self.go(last.x, drawing);
            if self.modes.insert {
                // It is going to push aside what stands there.
                drawing.add(format_args!("\x1b[{}P", last.columns));
            }
            drawing.text(&last.text);
        }
    }

    fn keyboard(&self, alternate: bool, drawing: &mut Drawing<'_>) {
        for flags in &self.modes.keyboard[usize::from(alternate)] {
            drawing.add(format_args!("\x1b[>{flags}u"));
        }
    }

    /// The sets, and the one in use, which may be none of them: a restored cursor brings its own.
    fn character_sets(&self, drawing: &mut Drawing<'_>) {
        let mut sets = self.charsets.sets;
        let own = sets[self.charsets.level];
        let restored =
            self.charsets.active != own && self.charsets.active == self.grid.saved.charset;
        if !restored {
            sets[self.charsets.level] = self.charsets.active;
        }
        for (set, slot) in sets.into_iter().zip(['(', ')', '*', '+']) {
            if let Some(set) = set {
                drawing.add(format_args!("\x1b{slot}{}", set.name()));
            }
        }
        drawing.text(["", "\x0e", "\x1bn", "\x1bo"][self.charsets.level]);
        if restored {
            drawing.text("\x1b8");
        }
    }

    fn switches(&self, drawing: &mut Drawing<'_>) {
        let modes = &self.modes;
        let switches = [
            (modes.cursor_keys, "\x1b[?1h"),
            (modes.keypad, "\x1b="),
            (!modes.wraparound, "\x1b[?7l"),
            (modes.reverse_wrap, "\x1b[?45h"),
            (modes.focus_events, "\x1b[?1004h"),
            (modes.bracketed_paste, "\x1b[?2004h"),
            (modes.newline, "\x1b[20h"),
            (modes.insert, "\x1b[4h"),
            (modes.blink == Some(true), "\x1b[?12h"),
            (modes.blink == Some(false), "\x1b[?12l"),
            (modes.cursor_hidden, "\x1b[?25l"),
            (!modes.cursor_hidden, "\x1b[?25h"),
            (modes.synchronized, "\x1b[?2026h"),
        ];
        for (_, text) in switches.into_iter().filter(|(set, _)| *set) {
            drawing.text(text);
        }
        for mode in modes
            .mouse
            .mode()
            .into_iter()
            .chain(modes.mouse_report.mode())
        {
            drawing.add(format_args!("\x1b[?{mode}h"));
        }
        if modes.cursor_style > 0 {
            drawing.add(format_args!("\x1b[{} q", modes.cursor_style));
        }
    }

    /// What was printed last, if something may still join it.
    fn last_character(&self) -> Option<Last> {
        let (columns, cols) = (self.preceding, self.grid.cols);
        if columns == 2 && !self.modes.wraparound && self.grid.x == cols - 1 {
            // It had no room and was dropped, as it will be again.
            return Some(Last {
                x: cols - 1,
                columns: 0,
                text: "\u{3000}".to_owned(),
            });
        }
        let mut x = self.grid.x.checked_sub(columns).filter(|_| columns > 0)?;
        let row = self.grid.row(self.grid.y);
        let cell = row.get(x);
        let same = self.styles.get(cell.look()) == self.pen.stored();
        if !is_whole(row, x) || cell.width() != columns || !same {
            return None;
        }
        let mut text = String::new();
        if x > 0 && is_overrun(row, x - 1, cols) {
            x -= 1;
            row.write_text(row.get(x), &mut text);
        }
        row.write_text(cell, &mut text);
        let text = self.typed(&text)?;
        Some(Last { x, columns, text })
    }

    fn typed(&self, text: &str) -> Option<String> {
        let typed = |c: char| match self.charsets.active {
            Some(set) => Charset::printed(set, c),
            None => Some(c),
        };
        text.chars().map(typed).collect()
    }

    /// Moves the cursor to a column of its row.
    fn go(&self, x: usize, drawing: &mut Drawing<'_>) {
        let (x, y) = (x + 1, self.grid.y + 1);
        if !self.modes.origin {
            drawing.add(format_args!("\x1b[{y};{x}H"));
        } else if self.grid.in_region() {
            drawing.add(format_args!("\x1b[{};{x}H", y - self.grid.top));
        } else {
            // Not to be reached here; coming back from the other buffer it is.
            drawing.add(format_args!("\x1b[?47h\x1b[{y};{x}H\x1b[?47l"));
        }
    }

    /// Puts the cursor, also behind the last column, where only printing brings it.
    fn cursor(&self, drawing: &mut Drawing<'_>) {
        let (x, cols) = (self.grid.x, self.grid.cols);
        if x < cols {
            return self.go(x, drawing);
        }
        if !self.alternate {
            // In the other buffer, which is empty again afterwards.
            let y = self.grid.y + 1;
            drawing.add(format_args!("\x1b[?47h\x1b[{y};{cols}Hx{NOTHING}"));
            drawing.out.extend(std::iter::repeat_n(MARK, x - cols));
            return drawing.text("\x1b[?47l");
        }
        let row = self.grid.row(self.grid.y);
        let mut at = cols - 1;
        if row.get(at).is_tail() {
            at -= 1;
        }
        let cell = row.get(at);
        let mut text = String::new();
        row.write_text(cell, &mut text);
        // Where the last cell was erased a blank takes its place: it looks the same.
        let text = self.typed(&text).filter(|text| !text.is_empty());
        self.go(at, drawing);
        drawing.select(self.styles.get(cell.look()));
        drawing.text(text.as_deref().unwrap_or(" "));
        drawing.text(NOTHING);
        drawing.out.extend(std::iter::repeat_n(MARK, x - cols));
    }
}

fn tabs(grid: &Grid, drawing: &mut Drawing<'_>) {
    if grid.has_default_tabs() {
        return;
    }
    drawing.text("\x1b[3g");
    for x in (0..grid.cols).filter(|x| grid.tabs.get(*x) == Some(&true)) {
        drawing.add(format_args!("\x1b[{}G\x1bH", x + 1));
    }
}

/// Saves the cursor that the program saved. The region is set later, so rows count from the top.
fn saved(grid: &Grid, drawing: &mut Drawing<'_>) {
    if grid.saved == Saved::default() {
        return;
    }
    let y = grid.saved.y.clamp(0, grid.rows as i64 - 1) + 1;
    drawing.add(format_args!("\x1b[{y}d"));
    drawing.text(&save(grid));
}

/// What saves the cursor with all that is saved with it, in the row where it is.
fn save(grid: &Grid) -> String {
    let saved = grid.saved;
    let mut out = format!("\x1b[{}G", saved.x.min(grid.cols - 1) + 1);
    let mut look = Style {
        fg: saved.fg,
        bg: saved.bg,
        ..Style::default()
    };
    let linked = saved.bg & EXTENDED != 0 && saved.fg & UNDERLINE == 0;
    if saved.fg & UNDERLINE != 0 {
        look.set_underline(1);
    }
    look.write(&mut out);
    if linked {
        out.push_str("\x1b]8;;about:blank\x1b\\");
    }
    if let Some(set) = saved.charset {
        write_into(&mut out, format_args!("\x1b({}", set.name()));
    }
    out.push_str("\x1b7\x1b(B\x1b[m");
    if linked {
        out.push_str("\x1b]8;;\x1b\\");
    }
    out
}

fn region(grid: &Grid, drawing: &mut Drawing<'_>) {
    if (grid.top, grid.bottom) != (0, grid.rows - 1) {
        drawing.add(format_args!("\x1b[{};{}r", grid.top + 1, grid.bottom + 1));
    }
}
