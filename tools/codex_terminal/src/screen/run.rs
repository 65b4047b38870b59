//! A stretch of text as the cells that it takes: what comes between the bytes and a row. Many characters are turned at once,
//! and the row is looked for once.

use super::cell::Cell;
use super::key::Key;
use super::swar::printable;
use super::utf8::{Decoded, decode};
use super::width::width;

/// Cells of one stretch; more text is another one.
const MOST: usize = 256;
/// ASCII is turned in steps of so many bytes, the last of which may be too many.
const STEP: usize = 8;

/// Room for one stretch.
pub struct Run {
    cells: [Cell; MOST + STEP],
    length: usize,
}

impl Run {
    /// An empty one.
    pub fn new() -> Self {
        Self {
            cells: [Cell::NULL; MOST + STEP],
            length: 0,
        }
    }

    /// The cells.
    #[inline]
    pub fn cells(&self) -> &[Cell] {
        &self.cells[..self.length]
    }

    /// Columns of the last character; there must be one.
    #[inline]
    pub fn last_columns(&self) -> usize {
        match self.cells[self.length - 1].is_tail() {
            true => 2,
            false => 1,
        }
    }

    /// Takes characters that need `room` columns at most and stand for themselves; gives the bytes used.
    #[inline]
    pub fn fill(&mut self, bytes: &[u8], room: usize, look: Key) -> usize {
        let room = room.min(MOST);
        let (mut at, mut x) = (0, 0);
        while x < room
            && let Some(&byte) = bytes.get(at)
        {
            let is_printable = byte.wrapping_sub(b' ') <= b'~' - b' ';
            if is_printable {
                let taken = self.ascii(&bytes[at..], x, look).min(room - x);
                x += taken;
                at += taken;
                continue;
            }
            if byte < 0x80 {
                break;
            }
            let Decoded::Char(c @ 0xa0.., count) = decode(&bytes[at..]) else {
                break;
            };
            let columns = width(c);
            if columns == 0 || x + columns > room {
                break;
            }
            // Behind a narrow one comes something else, or nothing that counts.
            self.cells[x..x + 2].copy_from_slice(&[Cell::new(c, columns, look), Cell::tail(look)]);
            x += columns;
            at += count;
        }
        self.length = x;
        at
    }

    /// Takes the printable ASCII at the beginning of `bytes`, where there is some, but no more than a step; gives how many
    /// bytes that is. Cells behind it may be overwritten.
    #[inline]
    fn ascii(&mut self, bytes: &[u8], x: usize, look: Key) -> usize {
        let Some(step) = bytes.first_chunk() else {
            self.cells[x] = Cell::new(u32::from(bytes[0]), 1, look);
            return 1;
        };
        for (cell, byte) in self.cells[x..x + STEP].iter_mut().zip(step) {
            *cell = Cell::new(u32::from(*byte), 1, look);
        }
        printable(*step)
    }
}
