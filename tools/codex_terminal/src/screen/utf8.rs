//! UTF-8 as xterm.js decodes it: what is no character vanishes without a trace. Looks at bytes only.

/// What the first bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decoded {
    /// A character of so many bytes.
    Char(u32, usize),
    /// So many bytes that are nothing.
    Nothing(usize),
    /// The beginning of a character whose rest has not come yet.
    Partial,
}

/// Decodes the beginning of `bytes`, which must not be empty.
#[inline]
pub fn decode(bytes: &[u8]) -> Decoded {
    let first = bytes[0];
    if first < 0x80 {
        return Decoded::Char(u32::from(first), 1);
    }
    // The common cases without a loop: most of what is not ASCII on a terminal has two or three bytes.
    if let Some(four) = bytes.first_chunk() {
        let [first, second, third, _] = *four;
        if u32::from_le_bytes(*four) & 0x00c0_c0f0 == 0x0080_80e0 {
            let c = bits(first, 0x0f) << 12 | bits(second, 0x3f) << 6 | bits(third, 0x3f);
            if (0x1000..0xd000).contains(&c) {
                return Decoded::Char(c, 3);
            }
        } else if (0xc2..=0xdf).contains(&first) && second & 0xc0 == 0x80 {
            return Decoded::Char(bits(first, 0x1f) << 6 | bits(second, 0x3f), 2);
        }
    }
    slowly(bytes)
}

#[inline]
fn bits(byte: u8, mask: u8) -> u32 {
    u32::from(byte & mask)
}

fn slowly(bytes: &[u8]) -> Decoded {
    let (length, bits) = match bytes[0] {
        0xc0..=0xdf => (2, 0x1f),
        0xe0..=0xef => (3, 0x0f),
        0xf0..=0xf7 => (4, 0x07),
        _ => return Decoded::Nothing(1),
    };
    let mut c = u32::from(bytes[0] & bits);
    for at in 1..length {
        match bytes.get(at) {
            None => return Decoded::Partial,
            Some(byte) if byte & 0xc0 == 0x80 => c = c << 6 | u32::from(byte & 0x3f),
            // What does not continue the character begins the next one.
            Some(_) => return Decoded::Nothing(at),
        }
    }
    let wrong = match length {
        2 => c < 0x80,
        // Surrogates, and the byte order mark.
        3 => c < 0x800 || (0xd800..=0xdfff).contains(&c) || c == 0xfeff,
        _ => !(0x1_0000..=0x10_ffff).contains(&c),
    };
    if wrong {
        Decoded::Nothing(length)
    } else {
        Decoded::Char(c, length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Decoded::*;

    #[test]
    fn what_is_no_character_vanishes() {
        let cases: &[(&[u8], Decoded)] = &[
            (b"a", Char(0x61, 1)),
            ("é".as_bytes(), Char(0xe9, 2)),
            ("宽".as_bytes(), Char(0x5bbd, 3)),
            ("—x".as_bytes(), Char(0x2014, 3)),
            ("🙂".as_bytes(), Char(0x1f642, 4)),
            (b"\xe2", Partial),
            (b"\xe2\x80", Partial),
            (b"\xf0\x9f\x99", Partial),
            (b"\xe2a", Nothing(1)),
            (b"\xe2\x80a", Nothing(2)),
            (b"\xff", Nothing(1)),
            (b"\x80", Nothing(1)),
            (b"\xc1\x81", Nothing(2)),
            (b"\xed\xa0\x80", Nothing(3)),
            (b"\xef\xbb\xbf", Nothing(3)),
            (b"\xf4\x90\x80\x80", Nothing(4)),
        ];
        for (bytes, expected) in cases {
            assert_eq!(decode(bytes), *expected, "{}", bytes.escape_ascii());
        }
    }
}
