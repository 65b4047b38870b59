//! What the answer of a model is taken for that was to suggest the next request of a session.

/// Characters of a suggestion.
pub const MAX_CHARS: usize = 8_000;

/// What a text may be wrapped in by a model that was told not to.
const QUOTES: [(&str, &str); 8] = [
    ("```", "```"),
    ("\"", "\""),
    ("'", "'"),
    ("`", "`"),
    ("“", "”"),
    ("‘", "’"),
    ("«", "»"),
    ("\u{300c}", "\u{300d}"),
];

/// What a model said, without what it is wrapped in; nothing where it said nothing.
pub fn cleaned(said: &str) -> Option<String> {
    let mut text = said.trim();
    while let Some(inner) = unwrapped(text) {
        text = inner.trim();
    }
    let text: String = text.chars().take(MAX_CHARS).collect();
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn unwrapped(text: &str) -> Option<&str> {
    QUOTES.iter().find_map(|(open, close)| {
        let inner = text.strip_prefix(open)?.strip_suffix(close)?;
        // Two quotations with words between them are no wrapping.
        (!inner.contains(open) && !inner.contains(close)).then_some(inner)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_model_wraps_its_answer_in_is_taken_off() {
        for (said, text) in [
            ("Write the tests.", Some("Write the tests.")),
            ("  \"Write the tests.\"\n", Some("Write the tests.")),
            ("“`Write the tests.`”", Some("Write the tests.")),
            ("```\nWrite the tests.\n```", Some("Write the tests.")),
            ("\"A\" and \"B\"", Some("\"A\" and \"B\"")),
            ("Say \"yes\"", Some("Say \"yes\"")),
            ("「请写测试」", Some("请写测试")),
            ("'it's'", Some("'it's'")),
            ("\"\"", None),
            (" \n", None),
            ("\"", Some("\"")),
        ] {
            assert_eq!(cleaned(said).as_deref(), text, "{said:?}");
        }
        let long = "x".repeat(MAX_CHARS + 1);
        assert_eq!(cleaned(&long).map(|it| it.len()), Some(MAX_CHARS));
    }
}
