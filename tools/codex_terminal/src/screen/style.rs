//! How a cell looks, laid out as in xterm.js, and the table of the looks that are not their own key. Knows the sequence
//! that selects a look; never parses one.

use std::fmt::Write;

use super::key::Key;

/// Bits of `fg` and `bg` that are a colour: two of kind, 24 of value.
pub const COLOUR: u32 = 0x03ff_ffff;
/// Bits of a colour that are its kind.
pub const KIND: u32 = 0x0300_0000;
/// One of the first sixteen colours.
pub const P16: u32 = 0x0100_0000;
/// One of 256 colours.
pub const P256: u32 = 0x0200_0000;
/// 24 bits of red, green, blue.
pub const RGB: u32 = 0x0300_0000;

/// Flags in `fg`.
pub const INVERSE: u32 = 1 << 26;
/// See [`INVERSE`].
pub const BOLD: u32 = 1 << 27;
/// See [`INVERSE`].
pub const UNDERLINE: u32 = 1 << 28;
/// See [`INVERSE`].
pub const BLINK: u32 = 1 << 29;
/// See [`INVERSE`].
pub const INVISIBLE: u32 = 1 << 30;
/// See [`INVERSE`].
pub const STRUCK: u32 = 1 << 31;

/// Flags in `bg`.
pub const ITALIC: u32 = 1 << 26;
/// See [`ITALIC`].
pub const DIM: u32 = 1 << 27;
/// `ext` and `link` count.
pub const EXTENDED: u32 = 1 << 28;
/// Not erased by selective erase.
pub const PROTECTED: u32 = 1 << 29;
/// See [`ITALIC`].
pub const OVERLINE: u32 = 1 << 30;

const UNDERLINE_SHIFT: u32 = 26;
const UNDERLINE_STYLE: u32 = 7 << UNDERLINE_SHIFT;

/// A look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Colour and flags.
    pub fg: u32,
    /// Colour and flags.
    pub bg: u32,
    /// Colour and kind of the underline.
    pub ext: u32,
    /// Number of the hyperlink; 0 is none.
    pub link: u32,
}

impl Style {
    /// What erasing leaves behind: the background alone.
    pub fn erased(self) -> Self {
        Self {
            bg: self.bg & COLOUR,
            ..Self::default()
        }
    }

    /// Without what does not count.
    pub fn stored(self) -> Self {
        if self.bg & EXTENDED == 0 {
            Self {
                ext: 0,
                link: 0,
                ..self
            }
        } else {
            self
        }
    }

    /// All of it as two numbers, which are quicker to compare than four.
    #[inline]
    fn halves(self) -> [u64; 2] {
        let pair = |low, high| u64::from(low) | u64::from(high) << 32;
        [pair(self.fg, self.bg), pair(self.ext, self.link)]
    }

    /// The kind of underline: 0 none, 1 single, 2 double, 3 curly, 4 dotted, 5 dashed.
    pub fn underline(self) -> u32 {
        (self.ext & UNDERLINE_STYLE) >> UNDERLINE_SHIFT
    }

    /// See [`Style::underline`]; also settles whether the extension counts.
    pub fn set_underline(&mut self, kind: u32) {
        self.ext = self.ext & !UNDERLINE_STYLE | kind << UNDERLINE_SHIFT;
        if kind == 0 {
            self.fg &= !UNDERLINE;
        } else {
            self.fg |= UNDERLINE;
        }
        self.settle();
    }

    /// Settles whether the extension counts.
    pub fn settle(&mut self) {
        if self.underline() == 0 && self.link == 0 {
            self.bg &= !EXTENDED;
        } else {
            self.bg |= EXTENDED;
        }
    }

    /// What `SGR 0` leaves: an open hyperlink stays open.
    pub fn reset(&mut self) {
        *self = Self {
            link: self.link,
            ..Self::default()
        };
        self.settle();
    }

    /// Writes the sequence that selects this look, whatever was selected before. Links are separate.
    pub fn write(self, out: &mut String) {
        out.push_str("\x1b[");
        let flags = [
            (self.fg & BOLD, "1"),
            (self.bg & DIM, "2"),
            (self.bg & ITALIC, "3"),
            (self.fg & BLINK, "5"),
            (self.fg & INVERSE, "7"),
            (self.fg & INVISIBLE, "8"),
            (self.fg & STRUCK, "9"),
            (self.bg & OVERLINE, "53"),
        ];
        let empty = out.len();
        for (_, code) in flags.into_iter().filter(|(set, _)| *set != 0) {
            out.push(';');
            out.push_str(code);
        }
        match (self.fg & UNDERLINE != 0, self.underline()) {
            (false, _) => {}
            // Restored without its kind: nothing is shown.
            (true, 0) => {}
            (true, 1) => out.push_str(";4"),
            (true, kind) => write_into(out, format_args!(";4:{kind}")),
        }
        write_colour(self.fg, 30, 90, 38, out);
        write_colour(self.bg, 40, 100, 48, out);
        write_colour(self.ext & COLOUR, 0, 0, 58, out);
        // With a 0 before the rest; alone it may be left out.
        if out.len() > empty {
            out.insert(empty, '0');
        }
        out.push('m');
        if self.bg & PROTECTED != 0 {
            out.push_str("\x1b[1\"q");
        }
    }
}

fn write_colour(colour: u32, dark: u32, bright: u32, long: u32, out: &mut String) {
    let value = colour & 0xff_ffff;
    match colour & KIND {
        P16 if value < 8 => write_into(out, format_args!(";{}", dark + value)),
        P16 => write_into(out, format_args!(";{}", bright + (value & 7))),
        P256 => write_into(out, format_args!(";{long};5;{value}")),
        RGB => {
            let (red, green, blue) = (value >> 16, value >> 8 & 255, value & 255);
            write_into(out, format_args!(";{long};2;{red};{green};{blue}"));
        }
        _ => {}
    }
}

/// Formats into a string, which cannot fail.
pub fn write_into(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text)
        .expect("writing to a string cannot fail");
}

/// The looks that have a place here instead of being their own key.
pub struct Styles {
    /// By place, of which 0 is nobody's.
    looks: Vec<Style>,
    /// Open addressing: places of looks, 0 where free. At most half full.
    slots: Vec<u32>,
    /// Beyond this many the owner should drop those that no cell has any more.
    limit: usize,
}

/// So many looks are never worth a search for unused ones.
const FREE_LOOKS: usize = 8192;

impl Styles {
    /// None.
    pub fn new() -> Self {
        Self {
            looks: vec![Style::default()],
            slots: vec![0; 32],
            limit: FREE_LOOKS,
        }
    }

    /// Whether unused looks should be dropped now.
    pub fn crowded(&self) -> bool {
        self.looks.len() > self.limit
    }

    /// To be called after dropping: the next time is when as many again have come.
    pub fn set_limit(&mut self) {
        self.limit = FREE_LOOKS.max(self.looks.len() * 2);
    }

    /// The look of a key.
    #[inline]
    pub fn get(&self, key: Key) -> Style {
        match key.place() {
            Some(place) => self.looks[place],
            None => key.look(),
        }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Style> {
        self.looks.iter()
    }

    /// How many places there are.
    pub fn len(&self) -> usize {
        self.looks.len()
    }

    /// The key of a look.
    #[inline]
    pub fn key(&mut self, look: Style) -> Key {
        Key::of(look).unwrap_or_else(|| self.placed(look))
    }

    /// The key of a look that is not its own.
    pub fn placed(&mut self, look: Style) -> Key {
        Key::of_place(self.place(look))
    }

    fn place(&mut self, look: Style) -> u32 {
        let wanted = look.halves();
        let mask = self.slots.len() - 1;
        let mut at = slot(look, self.slots.len());
        loop {
            match self.slots[at] {
                0 => return self.add(look, at),
                place if self.looks[place as usize].halves() == wanted => return place,
                _ => at = (at + 1) & mask,
            }
        }
    }

    #[cold]
    fn add(&mut self, look: Style, at: usize) -> u32 {
        let place = u32::try_from(self.looks.len()).expect("there are fewer looks than cells");
        self.looks.push(look);
        self.slots[at] = place;
        if self.looks.len() * 2 > self.slots.len() {
            let mask = self.slots.len() * 2 - 1;
            let mut slots = vec![0; mask + 1];
            for (place, look) in (0..).zip(&self.looks).skip(1) {
                let mut at = slot(*look, slots.len());
                while slots[at] != 0 {
                    at = (at + 1) & mask;
                }
                slots[at] = place;
            }
            self.slots = slots;
        }
        place
    }
}

/// Where a look belongs among so many slots, a power of two. The highest bits of a product are those that every bit of its
/// factors counts in: shades of one colour, or looks that somebody chose, do not all meet in a few slots.
#[inline]
fn slot(look: Style, slots: usize) -> usize {
    let [colours, rest] = look.halves();
    let mixed =
        colours.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ rest.wrapping_mul(0xc2b2_ae3d_27d4_eb4f);
    (mixed >> (u64::BITS - slots.trailing_zeros())) as usize
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn shades_of_one_colour_have_slots_of_their_own() {
        for channel in [0, 8, 16] {
            let looks = (0..256u32).map(|shade| RGB | shade << channel);
            for slots in [512, 4096, 16384] {
                let used = |look: fn(u32) -> Style| -> BTreeSet<usize> {
                    looks.clone().map(|it| slot(look(it), slots)).collect()
                };
                let behind = used(|bg| Style {
                    bg,
                    ..Style::default()
                });
                let before = used(|fg| Style {
                    fg,
                    ..Style::default()
                });
                let below = used(|ext| Style {
                    ext,
                    ..Style::default()
                });
                for (what, used) in [("bg", behind), ("fg", before), ("ext", below)] {
                    assert!(
                        used.len() >= 128,
                        "{what} {channel} {slots}: {}",
                        used.len()
                    );
                }
            }
        }
    }
}
