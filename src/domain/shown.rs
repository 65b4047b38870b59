//! Somebody else's text so that a person sees all of it: characters that show nothing, or change how others are read, are
//! spelled out as `⟨U+202E⟩`.
//!
//! Everything that is for people goes through here: pages, handoff packets, reports, the command line, our own sentences, and
//! what one agent's words become in another agent's prompt. Data for machines (the JSON API, the journal) stays as it is.

use serde_json::Value;
use std::borrow::Cow;

/// Longest piece of a stranger's text that is repeated in a sentence, in characters.
const SHORT: usize = 60;

/// Whether a character shows nothing by itself, or changes how others are read: controls, format characters (directions, widths,
/// tags), line and paragraph separators, and what Unicode lets programs ignore (fillers, variation selectors). A line break
/// and a tab are controls as well.
pub fn is_hidden(c: char) -> bool {
    // The categories Cc, Cf, Zl and Zp, the property Default_Ignorable_Code_Point, and the blank pattern of Braille.
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}'..='\u{891}'
            | '\u{8e2}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}'
            | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// A character by its number, `U+202E`.
pub fn number(c: char) -> String {
    format!("U+{:04X}", u32::from(c))
}

/// A text as a page shows it. Line breaks and tabs stay, and so do joiners and selectors where they belong: inside an emoji, and
/// a joiner between two letters of a script that is written with them.
pub fn shown(text: &str) -> Cow<'_, str> {
    spelled(text, pieces(text))
}

/// A text on one line that steers no terminal: line breaks and tabs are spelled out as well.
pub fn shown_line(text: &str) -> Cow<'_, str> {
    let breaks = |c: char| matches!(c, '\n' | '\r' | '\t');
    spelled(
        text,
        pieces(text).map(move |(c, stays)| (c, stays && !breaks(c))),
    )
}

/// The beginning of a text on one line, to be repeated in a sentence.
pub fn short(text: &str) -> String {
    let end = text.char_indices().nth(SHORT).map(|(at, _)| at);
    let mut shown = shown_line(&text[..end.unwrap_or(text.len())]).into_owned();
    if end.is_some() {
        shown.push('…');
    }
    shown
}

/// The characters that [`shown`] spells out, in their order.
pub fn hidden(text: &str) -> impl Iterator<Item = char> + '_ {
    pieces(text).filter(|(_, stays)| !stays).map(|(c, _)| c)
}

/// The text without what [`shown`] spells out.
pub fn without_hidden(text: &str) -> String {
    let seen = pieces(text).filter(|(_, stays)| *stays);
    seen.map(|(c, _)| c).collect()
}

/// A JSON value with every text in it, names included, as [`shown`] has it.
pub fn shown_value(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(shown(&text).into_owned()),
        Value::Array(items) => items.into_iter().map(shown_value).collect(),
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, value)| (shown(&name).into_owned(), shown_value(value)))
            .collect(),
        other => other,
    }
}

fn spelled(text: &str, pieces: impl Iterator<Item = (char, bool)>) -> Cow<'_, str> {
    // Most texts hide nothing, and breaks are rare in what goes on one line.
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for (c, stays) in pieces {
        match stays {
            true => out.push(c),
            false => out.push_str(&format!("⟨{}⟩", number(c))),
        }
    }
    Cow::Owned(out)
}

/// Each character, and whether [`shown`] leaves it as it is.
pub fn pieces(text: &str) -> impl Iterator<Item = (char, bool)> + '_ {
    let mut before = Before::default();
    let mut rest = text.chars().peekable();
    std::iter::from_fn(move || {
        let c = rest.next()?;
        let stays = before.allows(c, rest.peek().copied());
        before = before.and(c, stays);
        Some((c, stays))
    })
}

/// What stands before a character, as far as it decides about joiners and selectors.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Before {
    /// A pictograph.
    Emoji,
    /// A pictograph with its selector.
    SelectedEmoji,
    /// What becomes a key with a selector and a frame: `1️⃣`.
    Key,
    /// A letter of a script that is written with joiners.
    Joining,
    #[default]
    Other,
}

impl Before {
    fn allows(self, c: char, next: Option<char>) -> bool {
        match c {
            '\n' | '\t' => true,
            '\r' => next == Some('\n'),
            '\u{fe0e}' | '\u{fe0f}' => {
                self == Self::Emoji || (self == Self::Key && next == Some('\u{20e3}'))
            }
            '\u{200d}' if matches!(self, Self::Emoji | Self::SelectedEmoji) => {
                next.is_some_and(is_pictograph)
            }
            '\u{200c}' | '\u{200d}' => self == Self::Joining && next.is_some_and(is_joining),
            c => !is_hidden(c),
        }
    }

    fn and(self, c: char, stays: bool) -> Self {
        match c {
            '\u{fe0e}' | '\u{fe0f}' if stays && self == Self::Emoji => Self::SelectedEmoji,
            '0'..='9' | '#' | '*' => Self::Key,
            c if is_pictograph(c) => Self::Emoji,
            c if is_joining(c) => Self::Joining,
            _ => Self::Other,
        }
    }
}

/// Blocks of pictographs, tones of skin included. Wider than what is really an emoji: a selector after an arrow changes nothing.
fn is_pictograph(c: char) -> bool {
    matches!(c,
        '\u{a9}' | '\u{ae}' | '\u{203c}' | '\u{2049}' | '\u{2122}' | '\u{2139}' | '\u{2190}'..='\u{21ff}'
        | '\u{2300}'..='\u{23ff}' | '\u{24c2}' | '\u{25a0}'..='\u{27bf}' | '\u{2934}'..='\u{2935}'
        | '\u{2b00}'..='\u{2bff}' | '\u{3030}' | '\u{303d}' | '\u{3297}' | '\u{3299}' | '\u{1f000}'..='\u{1faff}')
}

/// Letters and marks of scripts in which joiners belong to spelling: Arabic, Syriac, those of India, Burmese, Khmer.
fn is_joining(c: char) -> bool {
    let is_of_script = matches!(c,
        '\u{620}'..='\u{77f}' | '\u{8a0}'..='\u{dff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17d3}');
    is_of_script && !c.is_numeric() && !is_hidden(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_would_see_is_spelled_out() {
        for (text, expected) in [
            ("plain, 中书省, é, עברית", "plain, 中书省, é, עברית"),
            ("a\u{202e}b\u{2066}c\u{2069}", "a⟨U+202E⟩b⟨U+2066⟩c⟨U+2069⟩"),
            ("\u{200e}\u{200f}\u{61c}", "⟨U+200E⟩⟨U+200F⟩⟨U+061C⟩"),
            ("r\u{200b}m\u{2060}\u{feff}", "r⟨U+200B⟩m⟨U+2060⟩⟨U+FEFF⟩"),
            ("\u{e0001}\u{e0041}\u{e007f}", "⟨U+E0001⟩⟨U+E0041⟩⟨U+E007F⟩"),
            ("a\u{ad}b\u{180e}c", "a⟨U+00AD⟩b⟨U+180E⟩c"),
            (
                "\u{3164}\u{115f}\u{1160}\u{ffa0}\u{2800}",
                "⟨U+3164⟩⟨U+115F⟩⟨U+1160⟩⟨U+FFA0⟩⟨U+2800⟩",
            ),
            ("\u{fff9}x\u{fffb}", "⟨U+FFF9⟩x⟨U+FFFB⟩"),
            ("a\u{fe00}b\u{fe0f}\u{e0100}", "a⟨U+FE00⟩b⟨U+FE0F⟩⟨U+E0100⟩"),
            (
                "\u{0}\u{1b}[2J\u{7f}\u{9b}",
                "⟨U+0000⟩⟨U+001B⟩[2J⟨U+007F⟩⟨U+009B⟩",
            ),
            ("\u{2028}\u{2029}", "⟨U+2028⟩⟨U+2029⟩"),
            ("a\nb\r\nc\td", "a\nb\r\nc\td"),
            ("a\rb", "a⟨U+000D⟩b"),
        ] {
            assert_eq!(shown(text), expected, "{text:?}");
            let hides = hidden(text).count() > 0;
            assert_eq!(hides, text != expected, "{text:?}");
            let clean = without_hidden(text);
            assert_eq!(shown(&clean), clean, "{text:?}");
        }
    }

    #[test]
    fn joiners_and_selectors_stay_where_they_belong() {
        for text in [
            "👩\u{200d}💻 ❤\u{fe0f}\u{200d}🔥 🏳\u{fe0f}\u{200d}🌈 ☎\u{fe0e} 1\u{fe0f}\u{20e3} 👍🏽",
            "می\u{200c}خواهم",
            "क्\u{200d}ष",
        ] {
            assert_eq!(shown(text), text);
            assert_eq!(hidden(text).count(), 0);
        }
        for (text, expected) in [
            ("a\u{200d}b", "a⟨U+200D⟩b"),
            ("rm\u{200c} x", "rm⟨U+200C⟩ x"),
            ("👩\u{200d}", "👩⟨U+200D⟩"),
            ("👩\u{200d}\u{200d}💻", "👩⟨U+200D⟩⟨U+200D⟩💻"),
            ("❤\u{fe0f}\u{fe0f}", "❤\u{fe0f}⟨U+FE0F⟩"),
            ("1\u{fe0f}2", "1⟨U+FE0F⟩2"),
            ("می\u{200c}\u{200c}خواهم", "می⟨U+200C⟩⟨U+200C⟩خواهم"),
            ("x\u{200c}می", "x⟨U+200C⟩می"),
        ] {
            assert_eq!(shown(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_line_is_one_line_and_a_short_piece_is_short() {
        assert_eq!(
            shown_line("a\nb\r\n\tc\u{1b}"),
            "a⟨U+000A⟩b⟨U+000D⟩⟨U+000A⟩⟨U+0009⟩c⟨U+001B⟩"
        );
        assert_eq!(short("`x`\u{202e}"), "`x`⟨U+202E⟩");
        assert_eq!(short(&"ä".repeat(60)), "ä".repeat(60));
        assert_eq!(short(&"ä".repeat(61)), format!("{}…", "ä".repeat(60)));
    }

    #[test]
    fn every_text_of_a_value_is_shown() {
        let value = serde_json::json!({"a\u{200b}": ["b\u{202e}", 1, {"c": "d"}]});
        let expected = serde_json::json!({"a⟨U+200B⟩": ["b⟨U+202E⟩", 1, {"c": "d"}]});
        assert_eq!(shown_value(value), expected);
    }
}
