//! Operating system commands: title, announcements, links, colours. What is for the viewer (clipboard, window) is not
//! looked at.

use super::canvas::Canvas;
use super::palette::TEXT;
use crate::colours::Colour;

impl Canvas {
    /// Takes a whole command.
    pub(super) fn command(&mut self, data: &[u8]) {
        let digits = data.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (number, rest) = data.split_at(digits);
        let Some(number) = std::str::from_utf8(number)
            .ok()
            .and_then(|text| text.parse().ok())
        else {
            return;
        };
        let rest = match rest {
            [] => rest,
            [b';', rest @ ..] => rest,
            _ => return,
        };
        let text = String::from_utf8_lossy(rest);
        match number {
            0 | 2 => self.signals.set_title(&text),
            4 => self.palette.set_indexed(&text),
            8 => self.hyperlink(&text),
            10 if rest == b"?" => self.signals.ask(Colour::Foreground),
            11 if rest == b"?" => self.signals.ask(Colour::Background),
            10..=12 => self.palette.set_special(TEXT + (number - 10), &text),
            104 => self.palette.restore_indexed(&text),
            110..=112 => self.palette.forget(TEXT + (number - 110)),
            7501 => self.signals.announce(&text),
            _ => {}
        }
    }

    fn hyperlink(&mut self, text: &str) {
        let Some((settings, address)) = text.split_once(';') else {
            return;
        };
        if address.is_empty() {
            // Only `OSC 8 ; ;` closes a link.
            if settings.trim().is_empty() {
                self.pen.link = 0;
            }
        } else {
            let mut names = settings
                .trim()
                .split(':')
                .filter_map(|part| part.strip_prefix("id="));
            let name = names.next().filter(|name| !name.is_empty());
            if self.links.full() {
                self.drop_unused_styles();
            }
            self.pen.link = self.links.open(name, address);
        }
        self.pen.settle();
        self.pen_key = None;
    }
}
