//! What a model is asked when it is to suggest the next request of a session, and what its answer is taken for.

use crate::domain::language::Language;

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
    ("「", "」"),
];

/// What the model is asked; `draft` is what the user has written so far.
pub fn prompt(language: Language, draft: Option<&str>) -> String {
    let draft = draft.map(str::trim).filter(|it| !it.is_empty());
    let (task, go_on) = match language {
        Language::En => (
            "Suggest what I could ask of you next in this conversation, as the one message that I would write: in my words and in the \
             language that I write in, short, concrete, and about what is still open here. Use no tool and do no work. Answer with \
             that message alone: no quotation marks, no heading, no explanation, no choice of several.",
            "I have begun to write this; keep what it wants and make it a whole message:",
        ),
        Language::Zh => (
            "请建议我在这段对话里接下来可以向你提出的要求，写成我会发出的那一条消息：用我的口吻和我所用的语言，简短、具体，针对这里尚未完成的事。\
             不要使用任何工具，也不要动手做事。只回答这条消息本身：不要引号、标题、解释，也不要给出多个选择。",
            "我已经开始写下面这些；保留其中的意图，把它写成一条完整的消息：",
        ),
    };
    match draft {
        None => task.to_owned(),
        Some(draft) => format!("{task}\n\n{go_on}\n<draft>\n{draft}\n</draft>"),
    }
}

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

/// What stands in for a suggestion where the model gave none.
pub fn fallback(language: Language, draft: Option<&str>) -> String {
    let draft = draft.map(str::trim).filter(|it| !it.is_empty());
    let otherwise = match language {
        Language::En => "Please go on.",
        Language::Zh => "请继续。",
    };
    draft.unwrap_or(otherwise).to_owned()
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
        assert_eq!(cleaned(&long).unwrap().len(), MAX_CHARS);
    }

    #[test]
    fn a_draft_is_in_the_prompt_and_stands_in() {
        for language in [Language::En, Language::Zh] {
            assert!(prompt(language, Some(" fix it ")).ends_with("<draft>\nfix it\n</draft>"));
            assert!(!prompt(language, Some("  ")).contains("draft"));
            assert_eq!(fallback(language, Some("fix it")), "fix it");
            assert!(!fallback(language, None).is_empty());
        }
    }
}
