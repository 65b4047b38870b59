//! All that a screen is, as lines of text, so that two screens (or this one and xterm.js) can be compared and
//! a difference be read. For tests and for whoever looks for a fault.

use super::Screen;
use super::canvas::Canvas;
use super::cell::Cell;
use super::grid::Grid;
use super::row::Row;
use super::style::{COLOUR, EXTENDED, P16, P256, RGB, Style, UNDERLINE};

impl Screen {
    /// Every row with its scrollback, cursors, and modes.
    pub fn picture(&self) -> Vec<String> {
        let canvas = &self.canvas;
        let mut out = Vec::new();
        let (main, alternate) = if canvas.alternate {
            (&canvas.hidden, Some(&canvas.grid))
        } else {
            (&canvas.grid, None)
        };
        canvas.picture_of(main, "main", &mut out);
        if let Some(alternate) = alternate {
            canvas.picture_of(alternate, "alternate", &mut out);
        }
        let modes = &canvas.modes;
        out.push(format!("cursor {} {}", canvas.grid.x, canvas.grid.y));
        out.push(format!("pen {}", canvas.look(canvas.pen)));
        out.push(format!("joins {}", canvas.preceding));
        let charset = |set: Option<super::charset::Charset>| set.map_or('B', |set| set.name());
        out.push(format!(
            "charsets {} at {} with {}",
            canvas.charsets.sets.map(charset).iter().collect::<String>(),
            canvas.charsets.level,
            charset(canvas.charsets.active),
        ));
        let switches = [
            ("insert", modes.insert),
            ("origin", modes.origin),
            ("wraparound", modes.wraparound),
            ("reverse", modes.reverse_wrap),
            ("cursor-keys", modes.cursor_keys),
            ("keypad", modes.keypad),
            ("paste", modes.bracketed_paste),
            ("focus", modes.focus_events),
            ("synchronized", modes.synchronized),
            ("hidden", modes.cursor_hidden),
            ("newline", modes.newline),
        ];
        let set = switches
            .iter()
            .filter(|(_, set)| *set)
            .map(|(name, _)| *name);
        out.push(format!("modes {}", set.collect::<Vec<_>>().join(" ")));
        out.push(format!("cursor style {}", modes.cursor_style));
        let mouse = modes.mouse.mode().unwrap_or(0);
        out.push(format!(
            "mouse {mouse} {}",
            modes.mouse_report.mode().unwrap_or(0)
        ));
        out
    }
}

impl Canvas {
    fn picture_of(&self, grid: &Grid, name: &str, out: &mut Vec<String>) {
        let base = grid.base();
        out.push(format!(
            "{name}: {} columns, {} rows, {base} above",
            grid.cols, grid.rows
        ));
        out.push(format!("{name}: region {} to {}", grid.top, grid.bottom));
        let stops = (0..grid.cols).filter(|x| grid.tabs.get(*x) == Some(&true));
        out.push(format!("{name}: tabs {:?}", stops.collect::<Vec<_>>()));
        let saved = grid.saved;
        // What counts is where it would be restored to.
        let y = saved.y.clamp(0, grid.rows as i64 - 1);
        let mut look = Style {
            fg: saved.fg,
            bg: saved.bg,
            ..Style::default()
        };
        look.set_underline(saved.fg >> 28 & 1);
        let set = saved.charset.map_or('B', |set| set.name());
        out.push(format!(
            "{name}: saved {} {y} {} {set}",
            saved.x.min(grid.cols - 1),
            self.look(look)
        ));
        for (y, row) in grid.lines.iter().enumerate() {
            let y = y as i64 - base as i64;
            out.push(format!(
                "{name} {y}{}:{}",
                if row.wrapped { "w" } else { "" },
                self.cells(row, grid.cols)
            ));
        }
    }

    fn cells(&self, row: &Row, cols: usize) -> String {
        let mut out = String::new();
        let mut look = self.look(Style::default());
        let cells = row.cells().iter().take(cols).enumerate();
        for (x, cell) in cells.filter(|(_, cell)| **cell != Cell::NULL) {
            let own = self.look(self.styles.get(cell.look()));
            out.push_str(&format!(" {x}"));
            if own != look {
                out.push_str(&own);
                look = own;
            }
            out.push_str(&format!("/{}", cell.width()));
            row.write_text(*cell, &mut out);
        }
        out
    }

    fn look(&self, style: Style) -> String {
        let style = style.stored();
        let underline = if style.link > 0 { 5 } else { style.underline() };
        // A restored cursor may have an underline without a kind, which shows nothing.
        let fg = if underline == 0 {
            style.fg & !UNDERLINE
        } else {
            style.fg
        };
        format!(
            "{{{:x}.{:x}.{}.{:x}.{}}}",
            colour(fg) | fg & !COLOUR,
            colour(style.bg) | style.bg & !COLOUR & !EXTENDED,
            underline,
            colour(style.ext),
            self.links.address(style.link).unwrap_or_default(),
        )
    }
}

fn colour(part: u32) -> u32 {
    match part & RGB {
        P16 | P256 => part & (RGB | 0xff),
        RGB => part & COLOUR,
        _ => 0,
    }
}
