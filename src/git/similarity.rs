//! How much two files are alike, on Git's scale: each file is cut into lines (long ones into pieces), and what is common
//! to both is weighed by its bytes against the larger of the two.

/// The whole content is the same.
pub(super) const MAX_SCORE: u64 = 60_000;

/// Half of it is: what Git asks of a rename.
pub(super) const MIN_SCORE: u64 = 30_000;

/// A line longer than this counts in pieces.
const MAX_PIECE_BYTES: usize = 64;

/// As many different pieces are told apart.
const PIECES: u32 = 107_927;

/// The pieces of one file, ordered, with the bytes that they make up.
#[derive(Debug)]
pub(super) struct Pieces {
    size: u64,
    weights: Vec<(u32, u32)>,
}

impl Pieces {
    /// Cuts a content; the CR of a line end counts in no text.
    pub(super) fn of(bytes: &[u8], is_text: bool) -> Self {
        let mut weights: Vec<(u32, u32)> = Vec::new();
        // Two shift registers that pass bits to each other.
        let (mut high, mut low) = (0_u32, 0_u32);
        let mut length = 0;
        for (at, byte) in bytes.iter().enumerate() {
            if is_text && *byte == b'\r' && bytes.get(at + 1) == Some(&b'\n') {
                continue;
            }
            let before = high;
            high = (high << 7) ^ (low >> 25);
            low = (low << 7) ^ (before >> 25);
            high = high.wrapping_add(u32::from(*byte));
            length += 1;
            if length == MAX_PIECE_BYTES || *byte == b'\n' {
                weights.push((piece(high, low), length as u32));
                (high, low, length) = (0, 0, 0);
            }
        }
        if length > 0 {
            weights.push((piece(high, low), length as u32));
        }
        weights.sort_unstable();
        weights.dedup_by(|again, first| {
            let is_same = again.0 == first.0;
            if is_same {
                first.1 += again.1;
            }
            is_same
        });
        Self {
            size: bytes.len() as u64,
            weights,
        }
    }

    /// Size of the whole, in bytes.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// How much of `self` is in `other`, from 0 to [`MAX_SCORE`].
    pub(super) fn score(&self, other: &Self) -> u64 {
        if other.size == 0 {
            return 0;
        }
        let mut common = 0_u64;
        let (mut left, mut right) = (self.weights.as_slice(), other.weights.as_slice());
        while let ([(one, ours), ..], [(two, theirs), ..]) = (left, right) {
            if one == two {
                common += u64::from(*ours.min(theirs));
            }
            left = &left[usize::from(one <= two)..];
            right = &right[usize::from(two <= one)..];
        }
        common * MAX_SCORE / self.size.max(other.size)
    }
}

fn piece(high: u32, low: u32) -> u32 {
    high.wrapping_add(low.wrapping_mul(0x61)) % PIECES
}

/// Whether files of these sizes can be half alike at all.
pub(super) fn may_be_alike(one: u64, two: u64) -> bool {
    let (larger, smaller) = (one.max(two), one.min(two));
    larger * (MAX_SCORE - MIN_SCORE) >= (larger - smaller) * MAX_SCORE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(one: &str, two: &str) -> u64 {
        Pieces::of(one.as_bytes(), true).score(&Pieces::of(two.as_bytes(), true))
    }

    #[test]
    fn what_is_common_counts_by_its_bytes() {
        assert_eq!(score("a\nb\n", "b\na\n"), MAX_SCORE);
        assert_eq!(score("a\nb\n", "a\nc\n"), MAX_SCORE / 2);
        assert_eq!(score("a\n", ""), 0);
        assert_eq!(score("a\r\nb\r\n", "a\r\nb\r\n"), MAX_SCORE * 4 / 6);
        assert_eq!(score("a\na\n", "a\n"), MAX_SCORE / 2);
    }

    #[test]
    fn sizes_rule_pairs_out() {
        assert!(may_be_alike(100, 50));
        assert!(!may_be_alike(100, 49));
        assert!(may_be_alike(0, 0));
    }
}
