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
    // The common case without a loop: three bytes make most of what is not ASCII on a terminal.
    if let [
        first @ 0xe1..=0xec,
        second @ 0x80..=0xbf,
        third @ 0x80..=0xbf,
        ..,
    ] = *bytes
    {
        let c =
            u32::from(first & 0x0f) << 12 | u32::from(second & 0x3f) << 6 | u32::from(third & 0x3f);
        return Decoded::Char(c, 3);
    }
    slowly(bytes)
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

/// How many bytes at the beginning are printable ASCII.
#[inline]
pub fn ascii_run(bytes: &[u8]) -> usize {
    const BLOCK: usize = 16;
    let mut run = 0;
    // A whole block without a branch becomes a few vector instructions.
    while let Some(block) = bytes.get(run..run + BLOCK) {
        let odd = block.iter().fold(0, |odd, byte| {
            odd | u8::from(byte.wrapping_sub(0x20) > 0x5e)
        });
        if odd != 0 {
            break;
        }
        run += BLOCK;
    }
    run + bytes[run..]
        .iter()
        .take_while(|byte| byte.wrapping_sub(0x20) <= 0x5e)
        .count()
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

    #[test]
    fn runs_end_at_the_first_byte_that_is_not_printable() {
        for length in 0..50 {
            let mut text = vec![b'~'; length];
            assert_eq!(ascii_run(&text), length);
            for end in [b'\x1f', 0x7f, 0x80, 0xff] {
                text.push(end);
                text.extend_from_slice(b"   more of it    ");
                assert_eq!(ascii_run(&text), length);
                text.truncate(length);
            }
        }
    }
}
