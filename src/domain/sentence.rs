//! A sentence for a person: a key of the dictionary ([`words`]) and the values that stand in it, so that whoever shows it
//! chooses the language. What has to be kept as text (the journal, the log, the command line) is its English.

use super::language::{Language, Localized};
use super::words::{self, Piece};
use std::borrow::Cow;
use std::fmt;
use std::sync::LazyLock;

/// What stands in a hole.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Value {
    Text(String),
    Sentence(Sentence),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    Keyed(&'static str, Vec<(&'static str, Value)>),
    Word(&'static str, &'static str),
    All(Vec<Sentence>),
    List(Vec<Sentence>),
    Both(Localized),
    Verbatim(String),
}

/// A sentence, in no language yet. `say!` makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentence(Form);

/// Makes a [`Sentence`]: the key, then what stands in its holes. `name` and `name = value` are shown as they are, in
/// `name => sentence` a sentence is shown in the language of the whole.
macro_rules! say {
    (@with $said:expr $(,)?) => { $said };
    (@with $said:expr, $name:ident => $value:expr $(, $($rest:tt)*)?) => {
        say!(@with $said.saying(stringify!($name), $value) $(, $($rest)*)?)
    };
    (@with $said:expr, $name:ident = $value:expr $(, $($rest:tt)*)?) => {
        say!(@with $said.with(stringify!($name), &$value) $(, $($rest)*)?)
    };
    (@with $said:expr, $name:ident $(, $($rest:tt)*)?) => {
        say!(@with $said.with(stringify!($name), &$name) $(, $($rest)*)?)
    };
    ($key:literal $(, $($rest:tt)*)?) => {
        say!(@with $crate::domain::sentence::Sentence::of($key) $(, $($rest)*)?)
    };
}
pub(crate) use say;

impl Sentence {
    /// The sentence of a key, without values yet.
    pub fn of(key: &'static str) -> Self {
        Self(Form::Keyed(key, Vec::new()))
    }

    /// One of the API's words, as `running`: in English it is itself.
    pub fn word(group: &'static str, word: &'static str) -> Self {
        Self(Form::Word(group, word))
    }

    /// One after the other, as in "a, b, c".
    pub fn list(all: impl IntoIterator<Item = Self>) -> Self {
        Self(Form::List(all.into_iter().collect()))
    }

    /// Names that are the same in every language, as in "a, b, c".
    pub fn names(all: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::list(all.into_iter().map(Self::verbatim))
    }

    /// Words that are not ours, or that came to us as text, the same in every language.
    pub fn verbatim(text: impl Into<String>) -> Self {
        Self(Form::Verbatim(text.into()))
    }

    /// A sentence that came as English text, from the journal or from another process: ours, if the dictionary has it among its
    /// refusals and reasons, else the text as it is. So is one of more than 4 KiB, and what stands deeper in it than 8 levels:
    /// others may have written it, and looking costs.
    pub fn recognised(text: &str) -> Self {
        match text.len() > LONGEST {
            true => Self::verbatim(text),
            false => recognise(text, DEEPEST),
        }
    }

    /// Whether the dictionary has it, so that it is a sentence in every language.
    pub fn is_ours(&self) -> bool {
        !matches!(self.0, Form::Verbatim(_))
    }

    /// Puts a value into a hole.
    #[must_use]
    pub fn with(self, name: &'static str, value: &(impl fmt::Display + ?Sized)) -> Self {
        self.put(name, Value::Text(value.to_string()))
    }

    /// Puts a sentence into a hole.
    #[must_use]
    pub fn saying(self, name: &'static str, value: Self) -> Self {
        self.put(name, Value::Sentence(value))
    }

    fn put(mut self, name: &'static str, value: Value) -> Self {
        if let Form::Keyed(_, values) = &mut self.0 {
            values.push((name, value));
        }
        self
    }

    /// Its text.
    pub fn text(&self, language: Language) -> String {
        match &self.0 {
            Form::Keyed(key, values) => words::fill(words::text(language, key), |hole| {
                let value = values.iter().find(|(name, _)| *name == hole);
                value.map(|(_, value)| match value {
                    Value::Text(text) => Cow::Borrowed(text.as_str()),
                    Value::Sentence(sentence) => Cow::Owned(sentence.text(language)),
                })
            }),
            Form::Word(group, word) => words::word(language, group, word).to_owned(),
            Form::All(all) => all.iter().map(|it| it.text(language)).collect(),
            Form::List(all) => {
                let all = all.iter().map(|it| it.text(language));
                all.collect::<Vec<_>>()
                    .join(words::text(language, "list.comma"))
            }
            Form::Both(both) => both.get(language).to_owned(),
            Form::Verbatim(text) => text.clone(),
        }
    }

    /// Its text in both languages.
    pub fn both(&self) -> Localized {
        Localized::new(self.text(Language::Zh), self.text(Language::En))
    }
}

/// What stands in somebody's file in both languages.
impl From<Localized> for Sentence {
    fn from(both: Localized) -> Self {
        Self(Form::Both(both))
    }
}

/// One after the other, with nothing between.
impl FromIterator<Sentence> for Sentence {
    fn from_iter<I: IntoIterator<Item = Self>>(all: I) -> Self {
        Self(Form::All(all.into_iter().collect()))
    }
}

impl fmt::Display for Sentence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(Language::En))
    }
}

/// The keys whose English is looked for in a text.
const RECOGNISED: [&str; 2] = ["refusal.", "reason."];

/// So much of a text must be the dictionary's own words, in bytes. Less would find a sentence in anything.
const ENOUGH_WORDS: usize = 8;

/// Bytes of the longest text in which a sentence is looked for.
const LONGEST: usize = 4 << 10;

/// So many sentences may stand in each other.
const DEEPEST: usize = 8;

struct Known {
    key: &'static str,
    pieces: Vec<Piece<'static>>,
    words: usize,
}

/// What is recognised, the most words first: the closest fit wins.
static KNOWN: LazyLock<Vec<Known>> = LazyLock::new(|| {
    let keys = words::keys().filter(|key| RECOGNISED.iter().any(|area| key.starts_with(area)));
    let mut known: Vec<Known> = keys
        .map(|key| {
            let pieces = words::pieces(words::text(Language::En, key));
            let words = pieces.iter().map(|piece| match piece {
                Piece::Words(words) => words.len(),
                Piece::Hole(_) => 0,
            });
            let words = words.sum();
            Known { key, pieces, words }
        })
        .filter(|known| known.words >= ENOUGH_WORDS)
        .collect();
    known.sort_by(|a, b| b.words.cmp(&a.words).then(a.key.cmp(b.key)));
    known
});

fn recognise(text: &str, levels: usize) -> Sentence {
    let Some(deeper) = levels.checked_sub(1) else {
        return Sentence::verbatim(text);
    };
    let found = KNOWN.iter().find_map(|known| {
        let values = values(&known.pieces, text)?;
        let said = values
            .into_iter()
            .fold(Sentence::of(known.key), |said, (name, value)| {
                said.saying(name, recognise(value, deeper))
            });
        Some(said)
    });
    found.unwrap_or_else(|| Sentence::verbatim(text))
}

/// What stands in the holes, if the text is these pieces. A hole ends where the words after it begin for the first time; the
/// last one, where the text's last words do.
fn values<'t>(
    pieces: &[Piece<'static>],
    mut text: &'t str,
) -> Option<Vec<(&'static str, &'t str)>> {
    let mut found = Vec::new();
    let mut hole = None;
    for (index, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Hole(name) => hole = Some(*name),
            Piece::Words(words) => {
                let at = match hole {
                    None => text.starts_with(words).then_some(0)?,
                    Some(_) if index + 1 == pieces.len() => text
                        .len()
                        .checked_sub(words.len())
                        .filter(|_| text.ends_with(words))?,
                    Some(_) => text.find(words)?,
                };
                found.extend(hole.take().map(|name| (name, &text[..at])));
                text = &text[at + words.len()..];
            }
        }
    }
    match hole {
        Some(name) => found.push((name, text)),
        None if !text.is_empty() => return None,
        None => {}
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_says_the_same_in_both_languages_and_is_recognised_in_english() {
        let id = "zhongshu-1";
        let said = say!("refusal.unknown_session", id);
        let english = "there is no session `zhongshu-1`; GET /api/sessions lists all";
        assert_eq!(said.to_string(), english);
        let chinese = said.text(Language::Zh);
        assert!(chinese.contains("没有会话 `zhongshu-1`"), "{chinese}");
        assert_eq!(said.both(), Localized::new(&*chinese, english));
        assert_eq!(Sentence::recognised(english).text(Language::Zh), chinese);
        for other in [
            "",
            "there is no",
            "their own words: {id}",
            &format!("{english}!"),
        ] {
            assert_eq!(Sentence::recognised(other), Sentence::verbatim(other));
        }
    }

    #[test]
    fn each_refusal_and_reason_is_recognised_as_itself() {
        let mut missed = Vec::new();
        for known in KNOWN.iter() {
            let fill = |language| {
                let value = |name: &str| Some(Cow::Owned(format!("<{name}>")));
                words::fill(words::text(language, known.key), value)
            };
            let found = Sentence::recognised(&fill(Language::En)).text(Language::Zh);
            if found != fill(Language::Zh) {
                missed.push((known.key, found));
            }
        }
        assert!(missed.is_empty(), "{missed:#?}");
    }

    #[test]
    fn a_sentence_in_a_sentence_is_in_the_same_language_and_a_value_is_never_read() {
        let inner = say!("refusal.empty_task", field = "{id}");
        let outer = say!("refusal.unknown_session", id => inner);
        let english = outer.to_string();
        assert!(english.contains("`{id}: the task is empty"), "{english}");
        let chinese = outer.text(Language::Zh);
        assert!(chinese.contains("`{id}："), "{chinese}");
        assert_eq!(Sentence::recognised(&english).text(Language::Zh), chinese);
    }

    #[test]
    fn a_text_that_is_too_long_or_too_deep_stays_as_it_is() {
        let chinese = |text: &str| Sentence::recognised(text).text(Language::Zh);
        let long = say!("refusal.unknown_session", id = "x".repeat(LONGEST)).to_string();
        assert_eq!(chinese(&long), long);
        let mut deep = say!("refusal.unknown_session", id = "core");
        for _ in 0..DEEPEST {
            deep = say!("refusal.empty_task", field => deep);
        }
        let text = chinese(&deep.to_string());
        assert!(text.contains("there is no session `core`"), "{text}");
        assert!(!text.contains("the task is empty"), "{text}");
    }
}
