//! How every value gets into a page: as text, and with what nobody would see spelled out. Templates name no filter for it;
//! `askama.toml` makes it the rule for all of them.

use crate::domain::shown::{is_hidden, shown};
use askama::filters::{Escaper, Html};
use std::fmt;

/// Text that can be seen, and is no markup.
#[derive(Debug, Clone, Copy)]
pub struct Shown;

impl Escaper for Shown {
    fn write_escaped_str<W: fmt::Write>(&self, dest: W, text: &str) -> fmt::Result {
        Html.write_escaped_str(dest, &shown(text))
    }

    fn write_escaped_char<W: fmt::Write>(&self, dest: W, c: char) -> fmt::Result {
        match is_hidden(c) {
            true => self.write_escaped_str(dest, c.encode_utf8(&mut [0; 4])),
            false => Html.write_escaped_char(dest, c),
        }
    }
}
