//! A terminal's screen: cells, cursor and modes, and nothing else. It does with each byte what xterm.js does with it,
//! because the page is xterm.js: a viewer that comes later gets the same picture as one that saw everything.
//!
//! - `utf8`, `parser` bytes → characters and sequences, the usual ones on a short way through `mod`
//! - `canvas` what they change · `print`, `csi`, `sgr`, `esc`, `osc` how · `modes` switches · `links`, `palette`
//! - `unseen` what need not be drawn, because it scrolls away at once
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
mod swar;
mod unseen;
mod utf8;
mod width;

use crate::signals::Signals;
use canvas::Canvas;
pub use grid::{PAGE_SCROLLBACK_ROWS, SCROLLBACK_ROWS};
use parser::{MAX_STRING, Parser, Receiver, State};

/// So much is drawn before another look for what nobody will see: output in which that ends often is not looked at for nothing.
const LEAST_DRAWN: usize = 1 << 10;

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
        while at < bytes.len() {
            let (unseen, until) = self.skip_unseen(&bytes[at..]);
            let until = at + until;
            at += unseen;
            // What is there is drawn too: nothing is known of it.
            while at < bytes.len() && at <= until {
                match self.draw(&bytes[at..]) {
                    0 => return at,
                    used => at += used,
                }
            }
        }
        at
    }

    /// Passes over what nobody will see at the beginning of `bytes`; gives how much that is, and where another look is due.
    fn skip_unseen(&mut self, bytes: &[u8]) -> (usize, usize) {
        let is_enough = |least| bytes.len() >= least;
        if !self.canvas.least_unseen().is_some_and(is_enough) {
            return (0, bytes.len());
        }
        let params = &mut self.parser.params;
        let stretch = self.canvas.stretch(bytes, params);
        let unseen = stretch.seen_from.map_or(0, |place| {
            self.canvas.go_on_at(place, bytes, params);
            place.at
        });
        (unseen, stretch.end.max(unseen + LEAST_DRAWN))
    }

    /// Draws the text, control character or sequence at the beginning of `bytes`; gives how much of them that is, 0 when its end has
    /// not come.
    #[inline]
    fn draw(&mut self, bytes: &[u8]) -> usize {
        match bytes[0] {
            0x20..=0x7e | 0x80.. => match self.canvas.text(bytes) {
                0 => self.sequence(bytes),
                used => used,
            },
            0x1b => match self.short_sequence(bytes) {
                0 => self.sequence(bytes),
                used => used,
            },
            0x7f => 1,
            byte => {
                self.canvas.control(u32::from(byte));
                1
            }
        }
    }

    /// A sequence without anything unusual in it; 0: it is another kind, or its end has not come.
    #[inline]
    fn short_sequence(&mut self, bytes: &[u8]) -> usize {
        match bytes.get(1) {
            Some(b'[') => {
                let params = &mut self.parser.params;
                let Some((name, length)) = parser::csi(&bytes[1..], params) else {
                    return 0;
                };
                self.canvas.csi(name, params);
                1 + length
            }
            Some(last @ (b'0'..=b'O' | b'Q'..=b'W' | b'Y' | b'Z' | b'\\' | b'`'..=b'~')) => {
                self.canvas.esc(u32::from(*last));
                2
            }
            _ => 0,
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
