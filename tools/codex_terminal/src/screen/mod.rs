//! A terminal's screen: cells, cursor and modes, and nothing else. It does with each byte what xterm.js does with it,
//! because the page is xterm.js: a viewer that comes later gets the same picture as one that saw everything.
//!
//! - `utf8`, `parser` bytes → characters and sequences, the usual ones on a short way through `mod`
//! - `canvas` what they change · `print`, `csi`, `sgr`, `esc`, `osc` how · `modes` switches · `links`, `palette`
//! - `run` text on its way into cells · `cell`, `style`, `key`, `row`, `grid`, `reflow` what it is made of · `width`, `charset` tables
//! - `draw`, `restore` the bytes that make the same screen elsewhere · `picture` all of it, to look at
//!
//! Never talks to anybody, answers no query, and takes whatever comes.

mod canvas;
mod cell;
mod charset;
mod csi;
mod draw;
mod esc;
mod grid;
mod key;
mod links;
mod modes;
mod osc;
mod palette;
mod parser;
mod picture;
mod print;
mod reflow;
mod restore;
mod row;
mod run;
mod sgr;
mod style;
mod utf8;
mod width;

use crate::signals::Signals;
use canvas::Canvas;
pub use grid::{PAGE_SCROLLBACK_ROWS, SCROLLBACK_ROWS};
use parser::{MAX_STRING, Parser, Receiver, State};

/// A screen.
pub struct Screen {
    parser: Parser,
    canvas: Canvas,
}

impl Screen {
    /// An empty screen.
    pub fn new(cols: u16, rows: u16) -> Self {
        Self {
            parser: Parser::default(),
            canvas: Canvas::new(cols, rows),
        }
    }

    /// Applies a size. Narrower than two columns it does not get: xterm.js does not either.
    pub fn resize(&mut self, cols: u16, rows: u16) {
        self.canvas.resize(cols, rows);
    }

    /// What the program signalled.
    pub fn signals(&mut self) -> &mut Signals {
        &mut self.canvas.signals
    }

    /// Whether the program asked for pastes to be bracketed.
    pub fn bracketed_paste(&self) -> bool {
        self.canvas.modes.bracketed_paste
    }

    /// The text on the screen, row by row.
    pub fn rows(&self) -> Vec<String> {
        self.canvas.rows()
    }

    /// The text on the screen; wrapped lines are one line.
    pub fn contents(&self) -> String {
        self.canvas.contents()
    }

    /// Takes output; gives how much of it was used. What is left is the beginning of a sequence or character, and is to
    /// come again with what follows it: so the screen never stands inside of one.
    pub fn advance(&mut self, bytes: &[u8]) -> usize {
        let mut at = 0;
        if self.parser.state != State::Ground {
            // More of what was too long to wait for.
            at = self.parser.read(bytes, &mut self.canvas);
            if self.parser.state != State::Ground {
                return at;
            }
        }
        while let Some(&byte) = bytes.get(at) {
            let rest = &bytes[at..];
            let used = match byte {
                0x20..=0x7e | 0x80.. => match self.canvas.text(rest) {
                    0 => self.sequence(rest),
                    used => used,
                },
                0x1b => match self.short_sequence(rest) {
                    0 => self.sequence(rest),
                    used => used,
                },
                0x7f => 1,
                _ => {
                    self.canvas.control(u32::from(byte));
                    1
                }
            };
            if used == 0 {
                break;
            }
            at += used;
        }
        at
    }

    /// A sequence without anything unusual in it; 0: it is another kind, or its end has not come.
    #[inline]
    fn short_sequence(&mut self, bytes: &[u8]) -> usize {
        match bytes.get(1) {
            Some(b'[') => self.short_csi(bytes),
            Some(last @ (b'0'..=b'O' | b'Q'..=b'W' | b'Y' | b'Z' | b'\\' | b'`'..=b'~')) => {
                self.canvas.esc(u32::from(*last));
                2
            }
            _ => 0,
        }
    }

    #[inline]
    fn short_csi(&mut self, bytes: &[u8]) -> usize {
        let mut at = 2;
        let mut prefix = 0;
        if let Some(&byte @ b'<'..=b'?') = bytes.get(at) {
            prefix = u32::from(byte) << 8;
            at += 1;
        }
        let params = &mut self.parser.params;
        params.clear();
        at += params.take_plain(&bytes[at..]);
        loop {
            match bytes.get(at) {
                Some(byte @ b'0'..=b';') => params.push(*byte),
                Some(last @ 0x40..=0x7e) => {
                    self.canvas.csi(prefix | u32::from(*last), params);
                    return at + 1;
                }
                _ => return 0,
            }
            at += 1;
        }
    }

    /// Any sequence; 0: its end has not come.
    fn sequence(&mut self, bytes: &[u8]) -> usize {
        match parser::length(bytes) {
            Some(_) => self.parser.read(bytes, &mut self.canvas),
            None if bytes.len() > MAX_STRING => {
                let used = self.parser.read(bytes, &mut self.canvas);
                self.parser.give_up();
                used
            }
            None => 0,
        }
    }
}
