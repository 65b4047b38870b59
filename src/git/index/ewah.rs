//! Compressed bitmaps (EWAH) as Git writes them into a split index; gitformat-bitmap(5), appendix A.

use super::cursor::Cursor;

/// Most bits that are taken: an index cannot have more entries.
const MAX_BITS: usize = 1 << 28;

/// Positions of the bits that are set.
pub(super) fn positions(reader: &mut Cursor<'_>) -> Option<Vec<usize>> {
    let bits = reader.number()? as usize;
    let words = reader.number()? as usize;
    if bits > MAX_BITS {
        return None;
    }
    let mut words = Cursor(reader.take(words.checked_mul(8)?)?);
    let _position_of_the_last_marker = reader.number()?;
    let mut positions = Vec::new();
    let mut at = 0_usize;
    while !words.0.is_empty() {
        // A marker: one bit, how many words are filled with it, and how many words follow as they are.
        let marker = word(&mut words)?;
        let is_set = marker & 1 != 0;
        let filled = (marker >> 1 & 0xffff_ffff) as usize * 64;
        if is_set {
            positions.extend(at..at.checked_add(filled)?.min(bits));
        }
        at = at.checked_add(filled)?;
        for _ in 0..marker >> 33 {
            let literal = word(&mut words)?;
            positions.extend(
                (0..64)
                    .filter(|bit| literal >> bit & 1 != 0)
                    .map(|bit| at + bit),
            );
            at = at.checked_add(64)?;
        }
        if at > MAX_BITS + 64 {
            return None;
        }
    }
    positions.retain(|position| *position < bits);
    Some(positions)
}

fn word(reader: &mut Cursor<'_>) -> Option<u64> {
    Some(u64::from_be_bytes(reader.take(8)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bitmap(bits: u32, words: &[u64]) -> Vec<u8> {
        let mut bytes = bits.to_be_bytes().to_vec();
        bytes.extend((words.len() as u32).to_be_bytes());
        bytes.extend(words.iter().flat_map(|word| word.to_be_bytes()));
        bytes.extend(0_u32.to_be_bytes());
        bytes
    }

    #[test]
    fn runs_and_words_are_read() {
        // One word of ones, one word of zeros, one literal.
        let bytes = bitmap(200, &[1 | 1 << 1, 1 << 1 | 1 << 33, 0b1010]);
        let mut expected: Vec<usize> = (0..64).collect();
        expected.extend([129, 131]);
        assert_eq!(positions(&mut Cursor(&bytes)), Some(expected));
    }

    #[test]
    fn forged_ones_are_refused() {
        assert_eq!(positions(&mut Cursor(&bitmap(u32::MAX, &[u64::MAX]))), None);
        assert_eq!(positions(&mut Cursor(&bitmap(64, &[1 << 33]))), None);
        assert_eq!(positions(&mut Cursor(&bitmap(64, &[0])[..12])), None);
    }
}
