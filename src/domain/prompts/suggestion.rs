//! What the model is asked when it is to suggest the next request of a session.

use crate::domain::language::Language;

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
    fn a_draft_is_in_the_prompt_and_stands_in() {
        for language in [Language::En, Language::Zh] {
            assert!(prompt(language, Some(" fix it ")).ends_with("<draft>\nfix it\n</draft>"));
            assert!(!prompt(language, Some("  ")).contains("draft"));
            assert_eq!(fallback(language, Some("fix it")), "fix it");
            assert!(!fallback(language, None).is_empty());
        }
    }
}
