//! The dictionary: every sentence that a person reads, in both languages, by key. It is compiled in, and parsed once.
//! `static/i18n/{en,zh}.json` hold it; the page's scripts read the same files. Keys are grouped by area (`refusal.`, `gate.`).

use super::language::Language;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

type Dictionary = HashMap<&'static str, Cow<'static, str>>;

static EN: LazyLock<Dictionary> =
    LazyLock::new(|| parse(include_str!("../../static/i18n/en.json")));
static ZH: LazyLock<Dictionary> =
    LazyLock::new(|| parse(include_str!("../../static/i18n/zh.json")));

fn parse(text: &'static str) -> Dictionary {
    serde_json::from_str(text).expect("a test reads both dictionaries")
}

/// The text of a key, with its holes; `None` for a key that nobody wrote.
pub fn find(language: Language, key: &str) -> Option<&'static str> {
    let dictionary: &'static Dictionary = match language {
        Language::En => &EN,
        Language::Zh => &ZH,
    };
    dictionary.get(key).map(AsRef::as_ref)
}

/// The text of a key. An unknown key shows itself: ugly, and found by a test.
pub fn text(language: Language, key: &str) -> &str {
    find(language, key).unwrap_or(key)
}

/// One of the API's words in a language; in English it is itself.
pub fn word(language: Language, group: &str, word: &'static str) -> &'static str {
    match language {
        Language::En => word,
        other => find(other, &format!("{group}.{word}")).unwrap_or(word),
    }
}

/// All keys, in no order.
pub(super) fn keys() -> impl Iterator<Item = &'static str> {
    EN.keys().copied()
}

/// A piece of a text of the dictionary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    Words(&'a str),
    /// `{name}`.
    Hole(&'a str),
}

/// A text as its pieces, in their order. What is in braces and is no name stays as it is.
pub(super) fn pieces(mut text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut from = 0;
    while let Some(open) = text[from..].find('{').map(|at| from + at) {
        let name = text[open + 1..].split('}').next().unwrap_or_default();
        let end = open + 1 + name.len();
        let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if name.is_empty() || !is_name || end == text.len() {
            from = open + 1;
            continue;
        }
        if open > 0 {
            pieces.push(Piece::Words(&text[..open]));
        }
        pieces.push(Piece::Hole(name));
        (text, from) = (&text[end + 1..], 0);
    }
    if !text.is_empty() {
        pieces.push(Piece::Words(text));
    }
    pieces
}

/// A text with its holes filled in one pass, so that a value with braces stays as it is. A hole that `value` does not know
/// shows its name.
pub fn fill<'v>(text: &str, value: impl Fn(&str) -> Option<Cow<'v, str>>) -> String {
    let mut filled = String::with_capacity(text.len() + 32);
    for piece in pieces(text) {
        match piece {
            Piece::Words(words) => filled.push_str(words),
            Piece::Hole(name) => match value(name) {
                Some(value) => filled.push_str(&value),
                None => filled.extend(["{", name, "}"]),
            },
        }
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_are_filled_once_and_other_braces_stay() {
        let value = |name: &str| match name {
            "a" => Some(Cow::Borrowed("{b}")),
            "b" => Some(Cow::Borrowed("two")),
            _ => None,
        };
        for (text, filled) in [
            ("", ""),
            ("no hole", "no hole"),
            ("{a} and {b}", "{b} and two"),
            ("`{…}` {} {b}{b}", "`{…}` {} twotwo"),
            ("{c} {", "{c} {"),
            ("{b", "{b"),
        ] {
            assert_eq!(fill(text, value), filled, "{text}");
        }
    }
}
