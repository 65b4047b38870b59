//! The page's colours in its two themes, and what a terminal says of them when a program asks (`OSC 10;?`, `OSC 11;?`).
//! Knows nothing of who asks or when.

use serde::{Deserialize, Serialize};

/// How the person's pages look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

/// Which colour a program asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// `OSC 10`: of text.
    Foreground,
    /// `OSC 11`: of what is behind it.
    Background,
}

impl Theme {
    /// Red, green and blue, as the page's own script has them.
    fn rgb(self, colour: Colour) -> [u8; 3] {
        match (self, colour) {
            (Self::Light, Colour::Foreground) => [0x23, 0x26, 0x2b],
            (Self::Light, Colour::Background) => [0xfb, 0xfb, 0xfa],
            (Self::Dark, Colour::Foreground) => [0xd9, 0xdd, 0xe4],
            (Self::Dark, Colour::Background) => [0x14, 0x17, 0x1c],
        }
    }

    /// The answer, in the form that xterm gives it.
    pub fn answer(self, colour: Colour) -> String {
        let code = match colour {
            Colour::Foreground => 10,
            Colour::Background => 11,
        };
        let [r, g, b] = self.rgb(colour);
        format!("\x1b]{code};rgb:{r:02x}{r:02x}/{g:02x}{g:02x}/{b:02x}{b:02x}\x1b\\")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_colours_are_those_of_the_page() {
        let script = include_str!("../static/screen.js");
        for (theme, name) in [(Theme::Light, "light"), (Theme::Dark, "dark")] {
            let [f, b] = [Colour::Foreground, Colour::Background].map(|colour| {
                let [r, g, b] = theme.rgb(colour);
                format!("#{r:02x}{g:02x}{b:02x}")
            });
            let line = format!("{name}: {{\n    background: \"{b}\", foreground: \"{f}\",");
            assert!(script.contains(&line), "{line}");
        }
        assert_eq!(
            Theme::Dark.answer(Colour::Background),
            "\x1b]11;rgb:1414/1717/1c1c\x1b\\"
        );
    }
}
