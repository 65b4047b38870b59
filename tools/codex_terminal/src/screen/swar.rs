//! Eight bytes looked at together, as the bytes of one integer (SWAR).

/// One in each byte: times a byte, it stands in all of them.
pub const ONES: u64 = 0x0101_0101_0101_0101;
/// The top bit of each byte.
pub const HIGH: u64 = 0x80 * ONES;

/// How many of eight bytes, from the first one on, are printable ASCII.
#[inline]
pub fn printable(eight: [u8; 8]) -> usize {
    // Top bits: what is not ASCII, what DEL becomes by one more, what controls become by 32 less. A carry or borrow can only
    // reach a byte behind one that is flagged rightly, and the first one counts.
    let bytes = u64::from_le_bytes(eight);
    let odd = (bytes | bytes.wrapping_add(ONES) | bytes.wrapping_sub(0x20 * ONES)) & HIGH;
    odd.trailing_zeros() as usize / 8
}

/// The top bit of each byte that is a C0 control character; the other bits are anything.
#[inline]
pub fn control(bytes: u64) -> u64 {
    // No byte borrows from the next one.
    !((bytes | HIGH) - 0x20 * ONES) & !bytes
}

/// The top bit of each byte that is this one; the other bits are anything.
#[inline]
pub fn equal(bytes: u64, byte: u8) -> u64 {
    let differing = bytes ^ (u64::from(byte) * ONES);
    // No byte carries into the next one.
    !(((differing & !HIGH) + !HIGH) | differing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printable_ends_at_the_first_byte_that_is_not() {
        for length in 0..8 {
            for end in 0..=u8::MAX {
                for behind in [0, b' ', b'~', 0x7f, 0x80, 0xff] {
                    let mut eight = [behind; 8];
                    eight[..length].fill(b' ' + length as u8);
                    eight[length] = end;
                    let expected = eight.iter().position(|byte| !(b' '..=b'~').contains(byte));
                    assert_eq!(printable(eight), expected.unwrap_or(8), "{eight:?}");
                }
            }
        }
    }
}
