//! One cell of the screen in eight bytes: what stands there, how wide it is, and the key of its look. Knows no row.

use super::key::{BITS, Key};

/// A cell: 21 bits of character (or the number of a cluster that its row keeps), a flag for such a cluster, two bits
/// of width, and above them the key of the look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cell(u64);

const CHARACTER: u64 = 0x1f_ffff;
const CLUSTER: u64 = 1 << 21;
const CONTENT: u64 = CHARACTER | CLUSTER;
const WIDTH_SHIFT: u32 = 22;
const WIDTH: u64 = 3 << WIDTH_SHIFT;
const LOOK_SHIFT: u32 = u64::BITS - BITS;

impl Cell {
    /// Nothing with the default look: what a fresh screen is made of.
    pub const NULL: Self = Self(0);

    /// A character of `width` columns (0, 1 or 2).
    #[inline]
    pub fn new(character: u32, width: usize, look: Key) -> Self {
        Self(u64::from(character) | width_bits(width) | look.bits() << LOOK_SHIFT)
    }

    /// Nothing, with a look; it shows a background at most.
    #[inline]
    pub fn blank(look: Key) -> Self {
        Self(look.bits() << LOOK_SHIFT)
    }

    /// The right half of a wide character.
    #[inline]
    pub fn tail(look: Key) -> Self {
        Self::new(0, 0, look)
    }

    /// The cluster that the row keeps under `number`.
    pub fn cluster(number: usize, width: usize, look: Key) -> Self {
        Self(number as u64 & CHARACTER | CLUSTER | width_bits(width) | look.bits() << LOOK_SHIFT)
    }

    /// Columns: 1, 2 for the left half of a wide character, 0 for its right half.
    #[inline]
    pub fn width(self) -> usize {
        // 0, 1 and 2 mean 1, 2 and 0 columns: looked up, as nothing tells which comes next.
        0b00_10_01 >> (2 * ((self.0 & WIDTH) >> WIDTH_SHIFT)) & 3
    }

    /// Whether a character stands here.
    #[inline]
    pub fn has_content(self) -> bool {
        self.0 & CONTENT != 0
    }

    /// Whether this is the right half of a wide character, or what is left of one.
    #[inline]
    pub fn is_tail(self) -> bool {
        self.width() == 0 && !self.has_content()
    }

    /// The character, if it is a single one; 0 for none.
    #[inline]
    pub fn character(self) -> u32 {
        (self.0 & CHARACTER) as u32
    }

    /// The number of the cluster, if it is one.
    #[inline]
    pub fn cluster_number(self) -> Option<usize> {
        (self.0 & CLUSTER != 0).then_some((self.0 & CHARACTER) as usize)
    }

    /// The key of the look.
    #[inline]
    pub fn look(self) -> Key {
        Key::from_bits(self.0 >> LOOK_SHIFT)
    }

    /// The same with another look.
    #[inline]
    pub fn with_look(self, look: Key) -> Self {
        Self(self.0 & ((1 << LOOK_SHIFT) - 1) | look.bits() << LOOK_SHIFT)
    }
}

/// See [`Cell::width`].
#[inline]
fn width_bits(width: usize) -> u64 {
    (0b01_00_10 >> (2 * width) & 3) << WIDTH_SHIFT
}
