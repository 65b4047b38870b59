//! Cuts a byte stream into whole pieces: runs of text and complete control sequences. Holds no state, so whoever
//! keeps an incomplete tail back always stands between two sequences. Interprets nothing itself.

/// The first piece of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    /// This many bytes of text and controls, whole characters only.
    Text(usize),
    /// A complete control sequence of this many bytes.
    Sequence(usize),
    /// The bytes end inside a sequence or character; for a sequence that can have any length, which kind.
    Partial(Option<StringKind>),
}

/// Sequences of any length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StringKind {
    /// `ESC ]`, ended by BEL or ST.
    Osc,
    /// `ESC P`, ended by ST.
    Dcs,
    /// `ESC X`, `ESC ^`, `ESC _`, ended by ST.
    Other,
    /// `ESC [`, ended by its last byte. A sound one is short.
    Control,
    /// Any other `ESC`, ended by its last byte. A sound one is shorter still.
    Escape,
}

impl StringKind {
    fn ends_with(self, byte: u8) -> bool {
        match self {
            Self::Osc => byte == 7,
            Self::Dcs | Self::Other => false,
            Self::Control => (0x40..=0x7e).contains(&byte),
            Self::Escape => (0x30..=0x7e).contains(&byte),
        }
    }

    /// Whether `ESC \\` ends it, so that an ESC alone does not yet.
    fn has_terminator(self) -> bool {
        matches!(self, Self::Osc | Self::Dcs | Self::Other)
    }
}

const ESC: u8 = 0x1b;
/// Shift out and in select a character set; they are cut out like sequences so that the model can follow them.
const SHIFTS: [u8; 2] = [0x0e, 0x0f];

/// The first piece of `bytes`, which must not be empty and must begin between two pieces.
pub fn first_piece(bytes: &[u8]) -> Piece {
    let text = bytes
        .iter()
        .position(|b| *b == ESC || SHIFTS.contains(b))
        .unwrap_or(bytes.len());
    if text > 0 {
        let whole = if text == bytes.len() {
            text - partial_character(&bytes[..text])
        } else {
            text
        };
        return if whole == 0 {
            Piece::Partial(None)
        } else {
            Piece::Text(whole)
        };
    }
    if SHIFTS.contains(&bytes[0]) {
        return Piece::Sequence(1);
    }
    sequence(bytes)
}

fn sequence(bytes: &[u8]) -> Piece {
    let Some(second) = bytes.get(1) else {
        return Piece::Partial(None);
    };
    let (kind, begin) = match second {
        b'[' => (StringKind::Control, 2),
        b']' => (StringKind::Osc, 2),
        b'P' => (StringKind::Dcs, 2),
        b'X' | b'^' | b'_' => (StringKind::Other, 2),
        _ => (StringKind::Escape, 1),
    };
    string_end(&bytes[begin..], kind).map_or(Piece::Partial(Some(kind)), |end| {
        Piece::Sequence(begin + end)
    })
}

/// Where a sequence that is already open ends in `bytes`: the number of bytes up to and with its terminator. CAN and SUB
/// break it off, ESC breaks it off and begins the next. An `ESC` at the very end may be the first half of ST, so it does
/// not end a string yet.
pub fn string_end(bytes: &[u8], kind: StringKind) -> Option<usize> {
    let at = bytes
        .iter()
        .position(|b| matches!(*b, 0x18 | 0x1a | ESC) || kind.ends_with(*b))?;
    match bytes[at] {
        ESC if !kind.has_terminator() => Some(at),
        ESC => match bytes.get(at + 1) {
            Some(b'\\') => Some(at + 2),
            Some(_) => Some(at),
            None => None,
        },
        _ => Some(at + 1),
    }
}

/// How many bytes at the end are the beginning of a UTF-8 character whose rest has not come yet.
fn partial_character(bytes: &[u8]) -> usize {
    for back in 1..=bytes.len().min(3) {
        let b = bytes[bytes.len() - back];
        let length = match b {
            0xc2..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf4 => 4,
            0x80..=0xbf => continue,
            _ => return 0,
        };
        return if length > back { back } else { 0 };
    }
    0
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn pieces_are_whole() {
        use Piece::*;
        let cases: &[(&[u8], Piece)] = &[
            (b"abc", Text(3)),
            (b"abc\x1b[m", Text(3)),
            ("aé".as_bytes(), Text(3)),
            (b"a\xc3", Text(1)),
            (b"\xe4\xb8", Partial(None)),
            (b"\xff\xff", Text(2)),
            (b"\x80\x80", Text(2)),
            (b"\x1b", Partial(None)),
            (b"\x1b[", Partial(Some(StringKind::Control))),
            (b"\x1b[1;3", Partial(Some(StringKind::Control))),
            (b"\x1b[1;31mx", Sequence(7)),
            (b"\x1b[1\x18mx", Sequence(4)),
            (b"\x1b[1\x1b[m", Sequence(3)),
            (b"\x1b7x", Sequence(2)),
            (b"\x1b(", Partial(Some(StringKind::Escape))),
            (b"\x1b(0x", Sequence(3)),
            (b"\x1b]0;t", Partial(Some(StringKind::Osc))),
            (b"\x1b]0;t\x07x", Sequence(6)),
            (b"\x1b]0;t\x1b", Partial(Some(StringKind::Osc))),
            (b"\x1b]0;t\x1b\\x", Sequence(7)),
            (b"\x1bPq\x07#", Partial(Some(StringKind::Dcs))),
            (b"\x1bPq\x1b\\", Sequence(5)),
            (b"\x0eq", Sequence(1)),
        ];
        for (bytes, expected) in cases {
            assert_eq!(first_piece(bytes), *expected, "{}", bytes.escape_ascii());
        }
    }
}
