//! `SGR`: what the following text looks like. Follows xterm.js' `InputHandler.charAttributes`.

use super::parser::Params;
use super::style::{
    BLINK, BOLD, COLOUR, DIM, INVERSE, INVISIBLE, ITALIC, OVERLINE, P16, P256, RGB, STRUCK, Style,
};

/// Changes a look as a sequence with these numbers says.
#[inline]
pub fn apply(look: &mut Style, params: &Params) {
    let numbers = params.numbers();
    let mut at = 0;
    while let Some(&number) = numbers.get(at) {
        match number {
            0 => look.reset(),
            1 => look.fg |= BOLD,
            2 => look.bg |= DIM,
            3 => look.bg |= ITALIC,
            4 => look.set_underline(match params.subs(at) {
                [kind @ 0..=5, ..] => *kind as u32,
                _ => 1,
            }),
            5 => look.fg |= BLINK,
            7 => look.fg |= INVERSE,
            8 => look.fg |= INVISIBLE,
            9 => look.fg |= STRUCK,
            21 => look.set_underline(2),
            22 => {
                look.fg &= !BOLD;
                look.bg &= !DIM;
            }
            23 => look.bg &= !ITALIC,
            24 => look.set_underline(0),
            25 => look.fg &= !BLINK,
            27 => look.fg &= !INVERSE,
            28 => look.fg &= !INVISIBLE,
            29 => look.fg &= !STRUCK,
            30..=37 => set(&mut look.fg, P16 | (number - 30) as u32),
            38 | 48 | 58 => at += colour(look, params, at),
            39 => set(&mut look.fg, 0),
            40..=47 => set(&mut look.bg, P16 | (number - 40) as u32),
            49 => set(&mut look.bg, 0),
            53 => look.bg |= OVERLINE,
            55 => look.bg &= !OVERLINE,
            59 => {
                // xterm.js takes the missing colour for the lightest one.
                look.ext |= COLOUR;
                look.settle();
            }
            90..=97 => set(&mut look.fg, P16 | (number - 90) as u32 | 8),
            100..=107 => set(&mut look.bg, P16 | (number - 100) as u32 | 8),
            _ => {}
        }
        at += 1;
    }
}

#[inline]
fn set(part: &mut u32, colour: u32) {
    *part = *part & !COLOUR | colour;
}

/// One of 256 or of 16 million colours; gives how many numbers beside the first it took.
#[inline]
fn colour(look: &mut Style, params: &Params, at: usize) -> usize {
    let numbers = &params.numbers()[at..];
    let (colour, taken) = match *numbers {
        [_, 5, number, ..] if params.are_plain() => (P256 | value(number), 2),
        [_, 2, red, green, blue, ..] if params.are_plain() => {
            (RGB | value(red) << 16 | value(green) << 8 | value(blue), 4)
        }
        _ => return long(look, params, at),
    };
    set(place(look, numbers[0]), colour);
    taken
}

#[inline]
fn value(part: i32) -> u32 {
    (part.max(0) & 255) as u32
}

/// Where the colour goes that 38, 48 or 58 selects.
#[inline]
fn place(look: &mut Style, what: i32) -> &mut u32 {
    match what {
        38 => &mut look.fg,
        48 => &mut look.bg,
        _ => &mut look.ext,
    }
}

/// See [`colour`]: in any of the ways in which they are written.
fn long(look: &mut Style, params: &Params, at: usize) -> usize {
    // What for, kind, colour space, then the values.
    let mut parts = [0, 0, -1, 0, 0, 0];
    let mut space = 0;
    let mut taken = 0;
    let numbers = params.numbers();
    loop {
        parts[taken + space] = numbers[at + taken];
        let subs = params.subs(at + taken);
        if !subs.is_empty() {
            for (index, sub) in subs.iter().enumerate() {
                if parts[1] == 5 {
                    space = 1;
                }
                let Some(part) = parts.get_mut(taken + index + 1 + space) else {
                    break;
                };
                *part = *sub;
            }
            break;
        }
        if (parts[1] == 5 && taken + space >= 2) || (parts[1] == 2 && taken + space >= 5) {
            break;
        }
        if parts[1] != 0 {
            space = 1;
        }
        taken += 1;
        if at + taken >= numbers.len() || taken + space >= parts.len() {
            break;
        }
    }
    let place = place(look, parts[0]);
    match parts[1] {
        2 => set(
            place,
            RGB | value(parts[3]) << 16 | value(parts[4]) << 8 | value(parts[5]),
        ),
        5 => set(place, P256 | value(parts[3])),
        _ => {}
    }
    taken
}
