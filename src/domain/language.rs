//! The two languages that people and agents are spoken to in.

use serde::{Deserialize, Serialize};

/// A language of the dashboard, of prompts and of reports.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// English.
    #[default]
    En,
    /// 中文.
    Zh,
}

impl Language {
    /// The language of a locale name such as `zh_CN.UTF-8`, or of an `Accept-Language` header.
    pub fn of_locale(locale: &str) -> Self {
        if locale.trim_start().to_ascii_lowercase().starts_with("zh") {
            Self::Zh
        } else {
            Self::En
        }
    }

    /// Picks the text in this language.
    pub fn pick<T>(self, en: T, zh: T) -> T {
        match self {
            Self::En => en,
            Self::Zh => zh,
        }
    }

    /// The tag for `<html lang>`.
    pub fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Zh => "zh",
        }
    }
}

/// A text in both languages.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Localized {
    /// Chinese text.
    pub zh: String,
    /// English text.
    pub en: String,
}

impl Localized {
    /// Pairs a Chinese with an English text.
    pub fn new(zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self {
            zh: zh.into(),
            en: en.into(),
        }
    }

    /// One text that serves both languages.
    pub fn same(text: impl Into<String>) -> Self {
        let text = text.into();
        Self {
            zh: text.clone(),
            en: text,
        }
    }

    /// The text in `language`.
    pub fn get(&self, language: Language) -> &str {
        language.pick(&self.en, &self.zh)
    }
}
