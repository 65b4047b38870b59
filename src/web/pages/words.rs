//! The dictionary: `static/i18n/{en,zh}.json`, read by templates here and by the page's scripts there.

use crate::domain::language::Language;
use crate::web::assets;
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Display;
use std::sync::LazyLock;

type Dictionary = HashMap<String, String>;

static EN: LazyLock<Dictionary> = LazyLock::new(|| load("i18n/en.json"));
static ZH: LazyLock<Dictionary> = LazyLock::new(|| load("i18n/zh.json"));

fn load(path: &str) -> Dictionary {
    let text = assets::text(path).expect("the dictionary is embedded in the binary");
    serde_json::from_str(&text).expect("a test reads both dictionaries")
}

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

    fn find(&self, key: &str) -> Option<&'static str> {
        let dictionary: &'static Dictionary = match self.language {
            Language::En => &EN,
            Language::Zh => &ZH,
        };
        dictionary.get(key).map(String::as_str)
    }

    /// The text of a key. An unknown key shows itself: ugly, and found by a test.
    pub fn get<'a>(&self, key: &'a str) -> &'a str {
        self.find(key).unwrap_or(key)
    }

    /// The text of a key with one value in it.
    pub fn one(&self, key: &str, value: impl Display) -> String {
        self.get(key).replace("{0}", &value.to_string())
    }

    /// The text of a key with two values in it.
    pub fn two(&self, key: &str, first: impl Display, second: impl Display) -> String {
        // Split first, so that a value that contains a placeholder stays as it is.
        let mut parts = Vec::new();
        for (index, part) in self.get(key).split("{1}").enumerate() {
            if index > 0 {
                parts.push(second.to_string());
            }
            parts.push(part.replace("{0}", &first.to_string()));
        }
        parts.concat()
    }

    /// The text for one of the API's words; a word that nobody translated shows itself.
    pub fn word<'a>(&self, group: &str, word: &'a str) -> Cow<'a, str> {
        match self.find(&format!("{group}.{word}")) {
            Some(text) => Cow::Borrowed(text),
            None => Cow::Borrowed(word),
        }
    }

    /// The text for one of the API's words, with one value in it.
    pub fn one_of(&self, group: &str, word: &str, value: impl Display) -> String {
        self.one(&format!("{group}.{word}"), value)
    }

    /// For `<html lang>`.
    pub fn tag(&self) -> &'static str {
        self.language.tag()
    }

    /// Tag of the language that the switch offers.
    pub fn other_tag(&self) -> &'static str {
        self.language.pick("zh", "en")
    }

    /// Name of the language that the switch offers, in that language.
    pub fn other_name(&self) -> &'static str {
        self.language.pick("中文", "English")
    }
}
