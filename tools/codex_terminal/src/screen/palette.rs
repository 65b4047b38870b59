//! Colours that a program has redefined. Keeps what it wrote, if it is a colour; knows no others.

/// Which colour: one of 256, or text, background and cursor.
pub type Index = u16;

/// Text colour; background and cursor follow.
pub const TEXT: Index = 256;
/// The last one.
const CURSOR: Index = TEXT + 2;

/// Redefined colours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Palette {
    colours: Vec<(Index, Box<str>)>,
}

impl Palette {
    /// `OSC 4`: index and colour, any number of times.
    pub fn set_indexed(&mut self, data: &str) {
        let mut parts = data.split(';');
        while let (Some(index), Some(colour)) = (parts.next(), parts.next()) {
            if let Some(index) = indexed(index) {
                self.set(index, colour);
            }
        }
    }

    /// `OSC 10` to `12`: colours from `first` on.
    pub fn set_special(&mut self, first: Index, data: &str) {
        for (index, colour) in (first..=CURSOR).zip(data.split(';')) {
            self.set(index, colour);
        }
    }

    fn set(&mut self, index: Index, colour: &str) {
        if is_colour(colour) {
            self.forget(index);
            self.colours.push((index, colour.into()));
        }
    }

    /// `OSC 104`: some of 256, or all of them.
    pub fn restore_indexed(&mut self, data: &str) {
        if data.is_empty() {
            self.colours.retain(|(index, _)| *index >= TEXT);
        }
        data.split(';')
            .filter_map(indexed)
            .for_each(|index| self.forget(index));
    }

    /// The viewer's own colour again.
    pub fn forget(&mut self, index: Index) {
        self.colours.retain(|(known, _)| *known != index);
    }

    /// Writes what makes a viewer's colours the same.
    pub fn write(&self, out: &mut String) {
        out.push_str("\x1b]104\x07\x1b]110\x07\x1b]111\x07\x1b]112\x07");
        for (index, colour) in &self.colours {
            let command = match index.checked_sub(TEXT) {
                Some(special) => format!("{}", 10 + special),
                None => format!("4;{index}"),
            };
            out.push_str(&format!("\x1b]{command};{colour}\x07"));
        }
    }
}

fn indexed(text: &str) -> Option<Index> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits
        .then(|| text.parse().ok())
        .flatten()
        .filter(|index| *index < TEXT)
}

/// `#rgb` and `rgb:r/g/b` with one to four digits each, as xterm.js reads them.
fn is_colour(text: &str) -> bool {
    let hex = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if let Some(digits) = text.strip_prefix('#') {
        return hex(digits) && matches!(digits.len(), 3 | 6 | 9 | 12);
    }
    let lower = text.to_ascii_lowercase();
    let Some(parts) = lower.strip_prefix("rgb:") else {
        return false;
    };
    let parts: Vec<_> = parts.split('/').collect();
    parts.len() == 3
        && parts
            .iter()
            .all(|part| hex(part) && part.len() <= 4 && part.len() == parts[0].len())
}
