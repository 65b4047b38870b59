//! Output whose text is gone before anybody can see it. A flood scrolls thousands of rows through a screen between two looks at
//! it: what none of the rows that are kept in the end can show is not drawn at all. Only the cursor's row, the pen and the
//! number of rows that scroll away are followed, over text, lines, looks, and moves of the cursor. Whatever else comes ends the
//! stretch, and is drawn, so that nothing has to be known of it here.

use super::canvas::{Canvas, Charsets};
use super::parser::{Params, csi};
use super::sgr;
use super::swar::{HIGH, control, equal};

/// A stretch of output that only draws and scrolls.
pub struct Stretch {
    /// Its end: what comes there is something else, or has not come yet.
    pub end: usize,
    /// Where to begin so that all rows are the same at its end, if that is not at its beginning.
    pub seen_from: Option<Place>,
}

/// The beginning of a line, with the cursor in the last row.
#[derive(Clone, Copy)]
pub struct Place {
    pub at: usize,
    /// The last sequence before it that resets the pen, if there is one.
    reset_at: usize,
    /// Rows that left the screen before it, at least.
    scrolled: usize,
}

/// As many bytes for each row that is kept: shorter output has few more rows than that, and is looked at in vain.
const USUAL_ROW_BYTES: usize = 100;
/// So many places are looked at while the rows that are kept scroll by: as much too much of them is drawn at most.
const PLACES: usize = 16;

impl Canvas {
    /// How much output there must be to look for what nobody sees; none: all has to be drawn now, as every row is counted, or
    /// rows do not just scroll.
    pub fn least_unseen(&self) -> Option<usize> {
        let grid = &self.grid;
        let just_scrolls = grid.is_whole_region() && grid.counts_no_rows();
        (just_scrolls && !self.modes.reverse_wrap).then_some(self.rows_kept() * USUAL_ROW_BYTES)
    }

    fn rows_kept(&self) -> usize {
        self.grid.max_base() + self.grid.rows
    }

    /// The stretch at the beginning of `bytes`.
    pub fn stretch(&self, bytes: &[u8], params: &mut Params) -> Stretch {
        let rows_kept = self.rows_kept();
        let mut survey = Survey {
            bytes,
            bottom: self.grid.bottom,
            y: self.grid.y.min(self.grid.bottom),
            scrolled: 0,
            reset_at: 0,
            is_ascii: self.charsets == Charsets::default(),
            spacing: rows_kept.div_ceil(PLACES),
            next_place: 1,
            places: Vec::new(),
        };
        let end = survey.run(params);
        let is_gone = |place: &Place| place.scrolled + rows_kept <= survey.scrolled;
        let gone = survey.places.partition_point(is_gone);
        Stretch {
            end,
            seen_from: gone.checked_sub(1).map(|last| survey.places[last]),
        }
    }

    /// Goes on at a place of `bytes` without what is before it.
    pub fn go_on_at(&mut self, place: Place, bytes: &[u8], params: &mut Params) {
        let before = &bytes[place.reset_at..place.at];
        for sequence in before.split(|byte| *byte == ESC).skip(1) {
            if let Some((name, _)) = csi(sequence, params)
                && name == u32::from(b'm')
            {
                sgr::apply(&mut self.pen, params);
            }
        }
        self.pen_key = None;
        (self.grid.x, self.grid.y) = (0, self.grid.bottom);
    }
}

/// What is followed. Text that wraps only moves the cursor further down, so it need not be looked at: rows scroll away at least as
/// often as is counted here.
struct Survey<'a> {
    bytes: &'a [u8],
    bottom: usize,
    /// The cursor's row, or one above it.
    y: usize,
    /// Rows that left the screen at least.
    scrolled: usize,
    reset_at: usize,
    /// `ESC ( B`, which many programs send with each look, changes nothing.
    is_ascii: bool,
    spacing: usize,
    /// So many rows must have scrolled for the next place.
    next_place: usize,
    places: Vec<Place>,
}

impl Survey<'_> {
    /// Follows all that belongs to the stretch; gives its end.
    fn run(&mut self, params: &mut Params) -> usize {
        let (blocks, rest) = self.bytes.as_chunks();
        let mut last = [b' '; BLOCK];
        last[..rest.len()].copy_from_slice(rest);
        for (begin, block) in (0..).step_by(BLOCK).zip(blocks.iter().chain([&last])) {
            let mut odd = odd(block);
            while odd != 0 {
                let at = begin + odd.trailing_zeros() as usize;
                odd &= odd - 1;
                if !self.follow(at, params) {
                    return at;
                }
            }
        }
        self.bytes.len()
    }

    /// Whether what is at `at` belongs to the stretch.
    #[inline]
    fn follow(&mut self, at: usize, params: &mut Params) -> bool {
        match self.bytes[at] {
            b'\n' => self.line(at),
            ESC => return self.sequence(at, params),
            SHIFT_OUT | SHIFT_IN => return false,
            C1_LEAD => return matches!(self.bytes.get(at + 1), Some(..=0x7f | 0xa0..)),
            _ => {}
        }
        true
    }

    #[inline]
    fn line(&mut self, at: usize) {
        if self.y < self.bottom {
            self.y += 1;
            return;
        }
        self.scrolled += 1;
        if self.scrolled >= self.next_place && self.bytes[..at].ends_with(b"\r") {
            self.next_place = self.scrolled + self.spacing;
            self.places.push(Place {
                at: at + 1,
                reset_at: self.reset_at,
                scrolled: self.scrolled,
            });
        }
    }

    #[inline]
    fn sequence(&mut self, at: usize, params: &mut Params) -> bool {
        let Some((count, last)) = numbers(&self.bytes[at + 1..]) else {
            return self.is_ascii && self.bytes[at + 1..].starts_with(b"(B");
        };
        match Kind::of(last) {
            Kind::Drawing => true,
            Kind::Look => {
                let numbers = &self.bytes[at + 2..at + 2 + count];
                if matches!(numbers, b"" | b"0") {
                    self.reset_at = at;
                }
                true
            }
            Kind::Counted(effect) => self.counted(at, effect, params),
            Kind::Other => false,
        }
    }

    #[inline(never)]
    fn counted(&mut self, at: usize, effect: Counted, params: &mut Params) -> bool {
        if csi(&self.bytes[at + 1..], params).is_none() {
            return false;
        }
        match effect {
            Counted::Up => self.y = self.y.saturating_sub(params.count_at(0)),
            Counted::ToRow => self.y = self.bottom.min(params.count_at(0) - 1),
            // The rest or all of the screen, but not what was above it.
            Counted::Erase => return matches!(params.first(), 0 | 2),
        }
        true
    }
}

/// What a control sequence does, by its final byte.
#[derive(Clone, Copy)]
enum Kind {
    /// Something else.
    Other,
    /// Draws in the cursor's row, or moves the cursor in it or down, which only brings it closer to the last one.
    Drawing,
    Look,
    Counted(Counted),
}

/// What depends on the sequence's numbers.
#[derive(Clone, Copy)]
enum Counted {
    Up,
    ToRow,
    Erase,
}

impl Kind {
    #[inline]
    fn of(last: u8) -> Self {
        match last {
            b'm' => Self::Look,
            b'K' | b'X' | b'P' | b'@' | b'C' | b'D' | b'G' | b'B' | b'E' => Self::Drawing,
            b'A' | b'F' => Self::Counted(Counted::Up),
            b'H' | b'f' | b'd' => Self::Counted(Counted::ToRow),
            b'J' => Self::Counted(Counted::Erase),
            _ => Self::Other,
        }
    }
}

const ESC: u8 = 0x1b;
const SHIFT_OUT: u8 = 0x0e;
const SHIFT_IN: u8 = 0x0f;
/// Control characters beyond ASCII begin with it.
const C1_LEAD: u8 = 0xc2;

/// So many bytes are looked at together.
const BLOCK: usize = 64;

/// Which bytes may be more than text, the first one in the lowest bit: controls but CR, and [`C1_LEAD`].
#[inline]
fn odd(block: &[u8; BLOCK]) -> u64 {
    let mut odd = 0;
    for (at, eight) in block.as_chunks().0.iter().enumerate() {
        let bytes = u64::from_le_bytes(*eight);
        let flags = (control(bytes) & !equal(bytes, b'\r') | equal(bytes, C1_LEAD)) & HIGH;
        // Each flag goes to a bit of its own in the top byte.
        let gathered = (flags >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        odd |= gathered << (8 * at);
    }
    odd
}

/// How many bytes of numbers a control sequence has, and the final byte behind them; `bytes` begins with what follows ESC. None:
/// there is something else in it, it is no control sequence, or its end has not come.
#[inline]
fn numbers(bytes: &[u8]) -> Option<(usize, u8)> {
    let (b'[', rest) = bytes.split_first()? else {
        return None;
    };
    let count = rest.iter().position(|byte| !matches!(byte, b'0'..=b';'))?;
    Some((count, rest[count]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_that_may_be_more_than_text_is_found() {
        for at in 0..BLOCK {
            for byte in 0..=u8::MAX {
                for others in [b' ', b'\r', b'~', 0x7f, 0x80, 0xc1, 0xc3, 0xff] {
                    let mut block = [others; BLOCK];
                    block[at] = byte;
                    let is_odd = (byte < b' ' && byte != b'\r') || byte == C1_LEAD;
                    assert_eq!(
                        odd(&block),
                        u64::from(is_odd) << at,
                        "{byte:#x} in {others:#x}"
                    );
                }
            }
        }
        assert_eq!(odd(&[0; BLOCK]), u64::MAX);
    }
}
