//! The key of a look, in the forty bits that a cell has for it. Most looks are their own key, so that neither text in many
//! colours nor a picture made of them needs a table; those that do not fit have a place in one.

use super::style::{COLOUR, EXTENDED, KIND, RGB, Style};

/// The key of a look: the default look's is 0, and cells look the same just when their keys are the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Key(u64);

/// Bits of a key.
pub const BITS: u32 = 40;

// From the top: two bits of what the key is, twelve of flags, 26 of colour. A place in the table takes the last two together.
const FLAGS_SHIFT: u32 = 26;
const WHAT_SHIFT: u32 = 38;
/// The text has a colour, or nothing has.
const BEFORE: u64 = 0;
/// What is behind the text has a colour.
const BEHIND: u64 = 1 << WHAT_SHIFT;
/// Both have, out of 256 at most.
const BOTH: u64 = 2 << WHAT_SHIFT;
/// It is a place in the table.
const PLACE: u64 = 3 << WHAT_SHIFT;
const WHAT: u64 = PLACE;

/// A colour out of 256 at most in so many bits: two of kind, eight of value.
const SHORT_BITS: u32 = 10;

impl Key {
    /// The key of a look that has room in one.
    #[inline]
    pub fn of(look: Style) -> Option<Self> {
        let flags = u64::from(look.fg >> FLAGS_SHIFT | (look.bg >> FLAGS_SHIFT) << 6);
        let (before, behind) = (look.fg & COLOUR, look.bg & COLOUR);
        let colours = if look.bg & EXTENDED != 0 {
            return None;
        } else if behind == 0 {
            BEFORE | u64::from(before)
        } else if before == 0 {
            BEHIND | u64::from(behind)
        } else if before & KIND != RGB && behind & KIND != RGB {
            BOTH | u64::from(short(before) | short(behind) << SHORT_BITS)
        } else {
            return None;
        };
        Some(Self(flags << FLAGS_SHIFT | colours))
    }

    /// The look of a key that is not a place.
    #[inline]
    pub fn look(self) -> Style {
        let flags = (self.0 & !WHAT) >> FLAGS_SHIFT;
        let colour = (self.0 & u64::from(COLOUR)) as u32;
        let (before, behind) = match self.0 & WHAT {
            BEFORE => (colour, 0),
            BEHIND => (0, colour),
            _ => (long(colour), long(colour >> SHORT_BITS)),
        };
        Style {
            fg: before | ((flags & 0x3f) as u32) << FLAGS_SHIFT,
            bg: behind | ((flags >> 6) as u32) << FLAGS_SHIFT,
            ..Style::default()
        }
    }

    /// The key of a look with a place in the table.
    #[inline]
    pub fn of_place(place: u32) -> Self {
        Self(PLACE | u64::from(place))
    }

    /// The place in the table, if it is one.
    #[inline]
    pub fn place(self) -> Option<usize> {
        (self.0 & WHAT == PLACE).then_some((self.0 & !WHAT) as usize)
    }

    /// As a number of [`BITS`] bits.
    #[inline]
    pub fn bits(self) -> u64 {
        self.0
    }

    /// The key of which this is the number.
    #[inline]
    pub fn from_bits(bits: u64) -> Self {
        Self(bits)
    }
}

/// Kind and value of a colour out of 256, side by side.
fn short(colour: u32) -> u32 {
    (colour & KIND) >> 16 | colour & 0xff
}

/// See [`short`].
fn long(short: u32) -> u32 {
    (short << 16) & KIND | short & 0xff
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::super::style::{P16, P256};
    use super::*;

    fn colours() -> impl Strategy<Value = u32> {
        prop_oneof![
            Just(0),
            (0..16u32).prop_map(|value| P16 | value),
            (0..256u32).prop_map(|value| P256 | value),
            (0..1u32 << 24).prop_map(|value| RGB | value),
        ]
    }

    fn looks() -> impl Strategy<Value = Style> {
        (colours(), 0..64u32, colours(), 0..32u32).prop_map(|(fg, fg_flags, bg, bg_flags)| Style {
            fg: fg | fg_flags << FLAGS_SHIFT,
            bg: bg | bg_flags << FLAGS_SHIFT,
            ..Style::default()
        })
    }

    proptest! {
        #[test]
        fn a_look_that_is_its_own_key_comes_back_and_others_are_few(look in looks()) {
            let both = look.fg & look.bg & KIND == RGB
                || (look.fg & KIND == RGB && look.bg & COLOUR != 0)
                || (look.bg & KIND == RGB && look.fg & COLOUR != 0);
            match Key::of(look) {
                Some(key) => {
                    prop_assert_eq!(key.look(), look);
                    prop_assert_eq!(key.place(), None);
                    prop_assert!(key.bits() < 1 << BITS);
                    prop_assert_eq!(Key::from_bits(key.bits()), key);
                    prop_assert_eq!(key == Key::default(), look == Style::default());
                }
                None => prop_assert!(both || look.bg & EXTENDED != 0),
            }
        }
    }
}
