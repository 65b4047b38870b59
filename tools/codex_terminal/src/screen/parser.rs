//! Control sequences: where one ends, and what is in it. The states and their transitions are those of xterm.js'
//! `EscapeSequenceParser` (itself Paul Williams' parser for ANSI terminals), so that page and server also agree on broken
//! ones. Acts on nothing; what a sequence does is decided by its receiver.

use super::utf8::{Decoded, decode};

/// Where the parser stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// Between sequences.
    #[default]
    Ground,
    Escape,
    EscapeIntermediate,
    CsiEntry,
    CsiParam,
    CsiIntermediate,
    CsiIgnore,
    /// SOS, PM and APC: nobody reads them.
    Text,
    Osc,
    DcsEntry,
    DcsParam,
    DcsIgnore,
    DcsIntermediate,
    DcsPass,
}

impl State {
    /// What brings a terminal in ground state here, or where it reads on in the same way.
    pub fn reopened(self) -> &'static str {
        match self {
            Self::Ground => "",
            Self::Escape | Self::EscapeIntermediate => "\x1b ",
            Self::CsiEntry | Self::CsiParam | Self::CsiIntermediate | Self::CsiIgnore => "\x1b[0<",
            Self::Text => "\x1b_",
            Self::Osc => "\x1b]7777;",
            Self::DcsEntry | Self::DcsParam | Self::DcsIntermediate => "\x1bP",
            Self::DcsIgnore => "\x1bP0<",
            Self::DcsPass => "\x1bP~",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Nothing,
    Execute,
    Clear,
    Collect,
    Param,
    Csi,
    Esc,
    OscStart,
    OscPut,
    OscEnd,
    DcsEnd,
}

const ESC: u32 = 0x1b;

/// The transition for one character. ESC is never given to it: it ends whatever is open.
fn next(state: State, c: u32) -> (Action, State) {
    use Action::*;
    use State::*;
    match c {
        0x18 | 0x1a => {
            return match state {
                Osc => (OscEnd, Ground),
                DcsPass => (DcsEnd, Ground),
                _ => (Execute, Ground),
            };
        }
        0x9c => {
            return match state {
                Osc => (OscEnd, Ground),
                DcsPass => (DcsEnd, Ground),
                _ => (Nothing, Ground),
            };
        }
        0x90 => return (Clear, DcsEntry),
        0x9b => return (Clear, CsiEntry),
        0x9d => return (OscStart, Osc),
        0x98 | 0x9e | 0x9f => return (Nothing, Text),
        0x80..=0x9f => return (Execute, Ground),
        _ => {}
    }
    let control = c < 0x20;
    match state {
        Ground => (Nothing, Ground),
        Escape => match c {
            _ if control => (Execute, Escape),
            0x7f => (Nothing, Escape),
            0x20..=0x2f => (Collect, EscapeIntermediate),
            0x50 => (Clear, DcsEntry),
            0x58 | 0x5e | 0x5f => (Nothing, Text),
            0x5b => (Clear, CsiEntry),
            0x5d => (OscStart, Osc),
            0x30..=0x7e => (Esc, Ground),
            _ => (Nothing, Ground),
        },
        EscapeIntermediate => match c {
            _ if control => (Execute, state),
            0x7f => (Nothing, state),
            0x20..=0x2f => (Collect, state),
            0x30..=0x7e => (Esc, Ground),
            _ => (Nothing, Ground),
        },
        CsiEntry | CsiParam | CsiIntermediate => match c {
            _ if control => (Execute, state),
            0x7f => (Nothing, state),
            0x40..=0x7e => (Csi, Ground),
            0x20..=0x2f => (Collect, CsiIntermediate),
            0x30..=0x3f if state == CsiIntermediate => (Nothing, CsiIgnore),
            0x30..=0x3b => (Param, CsiParam),
            0x3c..=0x3f if state == CsiEntry => (Collect, CsiParam),
            0x3c..=0x3f => (Nothing, CsiIgnore),
            _ => (Nothing, Ground),
        },
        CsiIgnore => match c {
            _ if control => (Execute, state),
            0x40..=0x7e => (Nothing, Ground),
            _ => (Nothing, state),
        },
        Text => match c {
            0xa0.. => (Nothing, Ground),
            _ => (Nothing, state),
        },
        Osc => match c {
            0x07 => (OscEnd, Ground),
            _ if control => (Nothing, state),
            _ => (OscPut, state),
        },
        DcsEntry | DcsParam | DcsIntermediate => match c {
            _ if control || c == 0x7f => (Nothing, state),
            0x40..=0x7e => (Nothing, DcsPass),
            0x20..=0x2f => (Nothing, DcsIntermediate),
            0x30..=0x3f if state == DcsIntermediate => (Nothing, DcsIgnore),
            0x30..=0x3b => (Nothing, DcsParam),
            0x3c..=0x3f if state == DcsEntry => (Nothing, DcsParam),
            0x3c..=0x3f => (Nothing, DcsIgnore),
            _ => (Nothing, Ground),
        },
        DcsIgnore | DcsPass => (Nothing, state),
    }
}

/// How many bytes the sequence at the beginning of `bytes` has; none when its end has not come yet. A sequence that is
/// broken off by the next one ends before it.
pub fn length(bytes: &[u8]) -> Option<usize> {
    let mut state = State::Ground;
    let mut at = 0;
    while at < bytes.len() {
        match decode(&bytes[at..]) {
            Decoded::Char(ESC, 1) if at > 0 => return Some(at),
            Decoded::Char(c, count) => {
                state = if c == ESC {
                    State::Escape
                } else {
                    next(state, c).1
                };
                at += count;
            }
            Decoded::Nothing(count) => at += count,
            Decoded::Partial => return None,
        }
        if state == State::Ground {
            return Some(at);
        }
    }
    None
}

/// The most numbers of one sequence; more are dropped.
const MAX_NUMBERS: usize = 32;

/// The numbers of a control sequence, and after a colon those that belong to one of them.
#[derive(Clone, Debug)]
pub struct Params {
    numbers: [i32; MAX_NUMBERS],
    count: usize,
    subs: [i32; MAX_NUMBERS],
    sub_count: usize,
    /// For each number the first of its `subs` and the one after the last.
    sub_ranges: [(u8, u8); MAX_NUMBERS],
    reject: bool,
    reject_sub: bool,
    in_sub: bool,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            numbers: [0; MAX_NUMBERS],
            count: 1,
            subs: [0; MAX_NUMBERS],
            sub_count: 0,
            sub_ranges: [(0, 0); MAX_NUMBERS],
            reject: false,
            reject_sub: false,
            in_sub: false,
        }
    }
}

impl Params {
    /// One number, 0.
    #[inline]
    pub fn clear(&mut self) {
        self.numbers[0] = 0;
        self.sub_ranges[0] = (0, 0);
        (self.count, self.sub_count) = (1, 0);
        (self.reject, self.reject_sub, self.in_sub) = (false, false, false);
    }

    #[inline]
    fn semicolon(&mut self) {
        self.in_sub = false;
        if self.count == MAX_NUMBERS {
            self.reject = true;
            return;
        }
        let subs = self.sub_count as u8;
        self.sub_ranges[self.count] = (subs, subs);
        self.numbers[self.count] = 0;
        self.count += 1;
    }

    fn colon(&mut self) {
        self.in_sub = true;
        if self.reject || self.sub_count == MAX_NUMBERS {
            self.reject_sub = true;
            return;
        }
        self.subs[self.sub_count] = -1;
        self.sub_count += 1;
        self.sub_ranges[self.count - 1].1 += 1;
    }

    #[inline]
    fn digit(&mut self, digit: i32) {
        if self.reject || (self.in_sub && (self.reject_sub || self.sub_count == 0)) {
            return;
        }
        let place = if self.in_sub {
            &mut self.subs[self.sub_count - 1]
        } else {
            &mut self.numbers[self.count - 1]
        };
        *place = match *place {
            -1 => digit,
            number => number.saturating_mul(10).saturating_add(digit),
        };
    }

    /// Takes a digit, colon or semicolon.
    #[inline]
    pub fn push(&mut self, byte: u8) {
        match byte {
            b';' => self.semicolon(),
            b':' => self.colon(),
            _ => self.digit(i32::from(byte & 0x0f)),
        }
    }

    /// Takes the numbers at the beginning of `bytes` that are just digits and semicolons, as nearly all are; gives how
    /// many bytes that was. To be called on cleared numbers, and [`Params::push`] for what comes behind them.
    #[inline]
    pub fn take_plain(&mut self, bytes: &[u8]) -> usize {
        let mut at = 0;
        // Longer numbers, and the last bytes of all, are for `push`.
        while let Some((digits, number)) = bytes.get(at..).and_then(short_number) {
            self.numbers[self.count - 1] = number;
            at += digits;
            if bytes[at] != b';' || self.count == MAX_NUMBERS {
                break;
            }
            self.semicolon();
            at += 1;
        }
        at
    }

    /// Whether there are no numbers after colons.
    #[inline]
    pub fn are_plain(&self) -> bool {
        self.sub_count == 0
    }

    /// All numbers; a missing one is 0.
    #[inline]
    pub fn numbers(&self) -> &[i32] {
        &self.numbers[..self.count]
    }

    /// The first number.
    #[inline]
    pub fn first(&self) -> usize {
        self.numbers[0].max(0) as usize
    }

    /// A number that counts something: missing and 0 mean 1.
    #[inline]
    pub fn count_at(&self, at: usize) -> usize {
        match self.numbers().get(at) {
            Some(number) if *number > 0 => *number as usize,
            _ => 1,
        }
    }

    /// The numbers after colons of the number at `at`; a missing one is -1.
    #[inline]
    pub fn subs(&self, at: usize) -> &[i32] {
        let (from, to) = self.sub_ranges[at];
        &self.subs[usize::from(from)..usize::from(to)]
    }
}

/// How many digits `bytes` begins with, and their number; none when there may be more than three. Without a branch on how
/// many: in colours that is as random as can be.
#[inline]
fn short_number(bytes: &[u8]) -> Option<(usize, i32)> {
    const ONES: u32 = 0x0101_0101;
    let values = u32::from_le_bytes(*bytes.first_chunk()?) ^ (ONES * 0x30);
    // The top bit of each byte that is no digit. A carry can only reach a byte behind such a one.
    let others = (values.wrapping_add(ONES * (0x7f - 9)) | values) & (ONES * 0x80);
    if others == 0 {
        return None;
    }
    let digits = others.trailing_zeros() as usize / 8;
    // The last digit goes to the top, and what is no digit goes out there.
    let aligned = (u64::from(values) << (32 - 8 * digits)) as u32;
    let [_, hundreds, tens, ones] = aligned.to_le_bytes();
    let number = i32::from(hundreds) * 100 + i32::from(tens) * 10 + i32::from(ones);
    Some((digits, number))
}

/// A control sequence, from the byte after its ESC on, when there is nothing unusual in it: its name (see [`name`]) and its length
/// from there.
#[inline(always)]
pub fn csi(bytes: &[u8], params: &mut Params) -> Option<(u32, usize)> {
    if bytes.first() != Some(&b'[') {
        return None;
    }
    let mut at = 1;
    let mut prefix = 0;
    if let Some(&byte @ b'<'..=b'?') = bytes.get(at) {
        prefix = u32::from(byte) << 8;
        at += 1;
    }
    params.clear();
    at += params.take_plain(&bytes[at..]);
    loop {
        match bytes.get(at) {
            Some(byte @ b'0'..=b';') => params.push(*byte),
            Some(last @ 0x40..=0x7e) => return Some((prefix | u32::from(*last), at + 1)),
            _ => return None,
        }
        at += 1;
    }
}

/// What a sequence is named by: its final byte, and above it the prefix and intermediate bytes in their order.
pub const fn name(collected: &[u8], last: u8) -> u32 {
    let mut name = 0;
    let mut at = 0;
    while at < collected.len() {
        name = name << 8 | collected[at] as u32;
        at += 1;
    }
    name << 8 | last as u32
}

/// Who acts on sequences.
pub trait Receiver {
    /// A control character.
    fn control(&mut self, code: u32);
    /// A control sequence (see [`name`]).
    fn csi(&mut self, name: u32, params: &Params);
    /// An escape sequence (see [`name`]).
    fn esc(&mut self, name: u32);
    /// A whole operating system command.
    fn osc(&mut self, data: &[u8]);
    /// Anything else that ends text.
    fn other(&mut self);
}

/// A sequence in progress.
#[derive(Clone, Debug, Default)]
pub struct Parser {
    /// Where it stands; only a sequence that is too long to wait for leaves it elsewhere than on the ground.
    pub state: State,
    /// The numbers so far.
    pub params: Params,
    collected: u32,
    osc: Vec<u8>,
    /// The string was too long to keep; it does nothing.
    dropped: bool,
}

/// Longer strings do nothing: titles, links and announcements are shorter.
pub const MAX_STRING: usize = 16 << 10;

impl Parser {
    /// Reads one sequence, or what comes of one that is open; gives the bytes used. Stops before an ESC that breaks
    /// it off, and at the end of `bytes`, also inside a character.
    pub fn read(&mut self, bytes: &[u8], receiver: &mut impl Receiver) -> usize {
        let mut at = 0;
        while at < bytes.len() {
            match decode(&bytes[at..]) {
                Decoded::Char(ESC, 1) if self.state == State::Ground => {
                    self.act(Action::Clear, 0, receiver);
                    self.state = State::Escape;
                    at += 1;
                }
                Decoded::Char(ESC, 1) => {
                    self.broken_off(receiver);
                    return at;
                }
                Decoded::Char(c, count) => {
                    let (action, state) = next(self.state, c);
                    self.act(action, c, receiver);
                    self.state = state;
                    at += count;
                }
                Decoded::Nothing(count) => at += count,
                Decoded::Partial => return at,
            }
            if self.state == State::Ground {
                return at;
            }
        }
        at
    }

    /// The open sequence is too long to be anything.
    pub fn give_up(&mut self) {
        self.dropped = true;
        self.osc = Vec::new();
        self.state = match self.state {
            State::CsiEntry | State::CsiParam | State::CsiIntermediate => State::CsiIgnore,
            state => state,
        };
    }

    fn broken_off(&mut self, receiver: &mut impl Receiver) {
        match self.state {
            State::Osc => self.act(Action::OscEnd, 0, receiver),
            State::DcsPass => self.act(Action::DcsEnd, 0, receiver),
            _ => {}
        }
        self.state = State::Ground;
    }

    fn act(&mut self, action: Action, c: u32, receiver: &mut impl Receiver) {
        match action {
            Action::Nothing => {}
            Action::Execute => receiver.control(c),
            Action::Clear => {
                self.params.clear();
                self.collected = 0;
            }
            Action::Collect => self.collected = self.collected << 8 | c,
            Action::Param => self.params.push(c as u8),
            Action::Csi => receiver.csi(self.collected << 8 | c, &self.params),
            Action::Esc => receiver.esc(self.collected << 8 | c),
            Action::OscStart => {
                self.osc.clear();
                self.dropped = false;
            }
            Action::OscPut => {
                let mut utf8 = [0; 4];
                let text =
                    char::from_u32(c).map_or(&[][..], |c| c.encode_utf8(&mut utf8).as_bytes());
                if self.osc.len() + text.len() > MAX_STRING {
                    self.dropped = true;
                } else if !self.dropped {
                    self.osc.extend_from_slice(text);
                }
            }
            Action::OscEnd => {
                let aborted = matches!(c, 0x18 | 0x1a);
                let data = std::mem::take(&mut self.osc);
                if aborted || self.dropped {
                    receiver.other();
                } else {
                    receiver.osc(&data);
                }
                self.act(Action::Clear, 0, receiver);
            }
            Action::DcsEnd => {
                receiver.other();
                self.act(Action::Clear, 0, receiver);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_sequence_is_found() {
        let cases: &[(&[u8], Option<usize>)] = &[
            (b"\x1b", None),
            (b"\x1b[", None),
            (b"\x1b[1;3", None),
            (b"\x1b[1;31mx", Some(7)),
            (b"\x1b[1\x18mx", Some(4)),
            (b"\x1b[1\x1b[m", Some(3)),
            (b"\x1b[1\nm", Some(5)),
            (b"\x1b[\xffm", Some(4)),
            (b"\x1b[\xe2\x80m", Some(5)),
            (b"\x1b[1\xe2\x80", None),
            (b"\x1b7x", Some(2)),
            (b"\x1b(", None),
            (b"\x1b(0x", Some(3)),
            (b"\x1b]0;t", None),
            (b"\x1b]0;t\x07x", Some(6)),
            // ST is a sequence of its own: the string ends with its ESC.
            (b"\x1b]0;t\x1b", Some(5)),
            (b"\x1bPq\x07#", None),
            (b"\x1bPq\x1b\\", Some(3)),
            (b"\x1b_\xc3\xa9", Some(4)),
            (b"\xc2\x9b1m", Some(4)),
            (b"\xc2\x85", Some(2)),
        ];
        for (bytes, expected) in cases {
            assert_eq!(length(bytes), *expected, "{}", bytes.escape_ascii());
        }
    }
}
