//! The dictionary as templates ask for it.

use crate::domain::language::Language;
use crate::domain::sentence::Sentence;
use crate::domain::words;
use std::borrow::Cow;
use std::fmt::Display;

/// The words of one language.
#[derive(Debug, Clone, Copy)]
pub struct Words {
    language: Language,
}

impl Words {
    /// The words of this language.
    pub fn of(language: Language) -> Self {
        Self { language }
    }

    /// The text of a key. An unknown key shows itself: ugly, and found by a test.
    pub fn get<'a>(&self, key: &'a str) -> &'a str {
        words::text(self.language, key)
    }

    /// The text of a key with one value in it.
    pub fn one(&self, key: &str, value: impl Display) -> String {
        let value = value.to_string();
        words::fill(self.get(key), |hole| {
            (hole == "0").then_some(Cow::Borrowed(&*value))
        })
    }

    /// The text of a key with two values in it.
    pub fn two(&self, key: &str, first: impl Display, second: impl Display) -> String {
        let (first, second) = (first.to_string(), second.to_string());
        words::fill(self.get(key), |hole| match hole {
            "0" => Some(Cow::Borrowed(&*first)),
            "1" => Some(Cow::Borrowed(&*second)),
            _ => None,
        })
    }

    /// The text for one of the API's words; a word that nobody translated shows itself.
    pub fn word<'a>(&self, group: &str, word: &'a str) -> Cow<'a, str> {
        match words::find(self.language, &format!("{group}.{word}")) {
            Some(text) => Cow::Borrowed(text),
            None => Cow::Borrowed(word),
        }
    }

    /// The text for one of the API's words, with one value in it.
    pub fn one_of(&self, group: &str, word: &str, value: impl Display) -> String {
        self.one(&format!("{group}.{word}"), value)
    }

    /// A sentence that was kept as English text, in this language; a text that is not ours stays as it is.
    pub fn said<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self.language {
            Language::En => Cow::Borrowed(text),
            other => Cow::Owned(Sentence::recognised(text).text(other)),
        }
    }

    /// For `<html lang>`.
    pub fn tag(&self) -> &'static str {
        self.language.tag()
    }

    /// Tag of the language that the switch offers.
    pub fn other_tag(&self) -> &'static str {
        self.other().tag()
    }

    /// Name of the language that the switch offers, in that language.
    pub fn other_name(&self) -> &'static str {
        words::text(self.other(), "language.name")
    }

    fn other(&self) -> Language {
        self.language.pick(Language::Zh, Language::En)
    }
}
