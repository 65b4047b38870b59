//! `{{…}}` in a script's strings, filled in from the conversation. Pure text work.

use serde_json::Value;

use crate::conversation::Conversation;

/// What is wrong with a template, or what it did not find.
///
/// | form | becomes |
/// |---|---|
/// | `{{thread_id}}`, `{{turn_id}}`, `{{model}}` | of this request |
/// | `{{first_user}}`, `{{last_user}}` | the whole message |
/// | `{{last_output}}` | the text of the newest tool output |
/// | `{{after:"session_id: "}}` | the token behind the first place where the text occurs |
/// | `{{line_after:"Task: "}}` | the rest of that line |
/// | `{{between:"<id>","</id>"}}` | what stands between the two texts |
/// | `{{last_after:"…"}}`, `{{last_line_after:"…"}}`, `{{last_between:"…","…"}}` | the same, behind the last place |
/// | `{{literal:"{{"}}` | the text itself |
///
/// The quoted texts are JSON strings (`\n`, `\"`). They are looked for in the user messages and tool outputs in their
/// order; where none has them, in the whole input (developer messages and context too). A token ends at white space or
/// at a quote, back quote, comma, semicolon, bracket or angle; quotes and blanks before it and full stops and colons
/// behind it do not belong to it. A template that finds nothing fails the request: HTTP 400 with this error's text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// `{{` without `}}`.
    #[error("a template is not closed: {0}")]
    Open(String),
    /// No such form.
    #[error("unknown template {{{{{0}}}}}")]
    Unknown(String),
    /// The conversation has no such text, or nothing behind it.
    #[error("template {{{{{0}}}}} found nothing in the conversation")]
    Missing(String),
}

/// Fills in every string inside `value`, object keys excepted.
pub(crate) fn fill_value(
    value: &Value,
    conversation: &Conversation,
) -> Result<Value, TemplateError> {
    Ok(match value {
        Value::String(text) => Value::String(fill(text, conversation)?),
        Value::Array(items) => {
            let items: Result<_, _> = items
                .iter()
                .map(|item| fill_value(item, conversation))
                .collect();
            Value::Array(items?)
        }
        Value::Object(fields) => {
            let mut filled = serde_json::Map::new();
            for (key, field) in fields {
                filled.insert(key.clone(), fill_value(field, conversation)?);
            }
            Value::Object(filled)
        }
        other => other.clone(),
    })
}

/// Fills in one string.
pub(crate) fn fill(text: &str, conversation: &Conversation) -> Result<String, TemplateError> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("{{") {
        filled.push_str(&rest[..start]);
        let (form, behind) = take_form(&rest[start + 2..])
            .ok_or_else(|| TemplateError::Open(rest[start..].chars().take(60).collect()))?;
        filled.push_str(&resolve(form, conversation)?);
        rest = behind;
    }
    filled.push_str(rest);
    Ok(filled)
}

/// Splits at the closing braces that stand outside quoted texts.
fn take_form(text: &str) -> Option<(&str, &str)> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '}' if !quoted && text[at + 1..].starts_with('}') => {
                return Some((&text[..at], &text[at + 2..]));
            }
            _ => {}
        }
    }
    None
}

fn resolve(form: &str, conversation: &Conversation) -> Result<String, TemplateError> {
    let unknown = || TemplateError::Unknown(form.to_owned());
    let (name, arguments) = form.split_once(':').unwrap_or((form, ""));
    let arguments: Vec<String> =
        serde_json::from_str(&format!("[{arguments}]")).map_err(|_| unknown())?;
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (last, name) = name
        .trim()
        .strip_prefix("last_")
        .map_or((false, name.trim()), |rest| (true, rest));
    let behind = |text: &str| find(conversation, text, last);
    let found = match (name, arguments.as_slice()) {
        ("thread_id", []) => Some(conversation.thread_id.clone()),
        ("turn_id", []) => Some(conversation.turn_id.clone()),
        ("model", []) => Some(conversation.model.clone()),
        ("first_user", []) => Some(conversation.first_user().to_owned()),
        ("user", []) if last => Some(conversation.last_user().to_owned()),
        ("output", []) if last => conversation
            .outputs
            .last()
            .map(|output| output.output.clone()),
        ("literal", [text]) => Some((*text).to_owned()),
        ("after", [text]) => behind(text).map(token),
        ("line_after", [text]) => behind(text)
            .and_then(|found| found.lines().next())
            .map(|line| line.trim().to_owned()),
        ("between", [from, to]) => behind(from)
            .and_then(|found| found.split_once(to))
            .map(|(inside, _)| inside.to_owned()),
        _ => return Err(unknown()),
    };
    found
        .filter(|text| !text.is_empty())
        .ok_or_else(|| TemplateError::Missing(form.to_owned()))
}

/// What stands behind the first (or last) place where `text` occurs.
fn find<'a>(conversation: &'a Conversation, text: &str, last: bool) -> Option<&'a str> {
    let said: Vec<&str> = conversation
        .all_texts
        .iter()
        .map(String::as_str)
        .filter(|candidate| {
            conversation.user_texts.iter().any(|user| user == candidate)
                || conversation
                    .outputs
                    .iter()
                    .any(|output| output.output == *candidate)
        })
        .collect();
    let everything: Vec<&str> = conversation.all_texts.iter().map(String::as_str).collect();
    [said, everything].into_iter().find_map(|texts| {
        if last {
            texts
                .into_iter()
                .rev()
                .find_map(|found| found.rfind(text).map(|at| &found[at + text.len()..]))
        } else {
            texts
                .into_iter()
                .find_map(|found| found.find(text).map(|at| &found[at + text.len()..]))
        }
    })
}

fn token(text: &str) -> String {
    let text = text.trim_start_matches(|character: char| {
        character.is_whitespace() || matches!(character, '"' | '\'' | '`')
    });
    let end = text
        .find(|character: char| character.is_whitespace() || "\"'`,;()[]{}<>".contains(character))
        .unwrap_or(text.len());
    text[..end].trim_end_matches(['.', ':']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conversation::ToolOutput;

    fn conversation() -> Conversation {
        let user = [
            "Your session_id: `zs-7f3.a`.\nTask: mend the roof \nEnd".to_owned(),
            "report_id: r2, then report_id: \"r3\"".to_owned(),
        ];
        Conversation {
            thread_id: "t-1".to_owned(),
            user_texts: user.to_vec(),
            all_texts: vec![
                "developer says session_id: wrong, cwd: /d".to_owned(),
                user[0].clone(),
                user[1].clone(),
                "out".to_owned(),
            ],
            outputs: vec![ToolOutput {
                call_id: "c".to_owned(),
                output: "out".to_owned(),
            }],
            ..Conversation::default()
        }
    }

    #[test]
    fn every_form_is_filled_in() {
        for (template, expected) in [
            ("a {{thread_id}} b", "a t-1 b"),
            (r#"{{after:"session_id:"}}"#, "zs-7f3.a"),
            (r#"{{line_after:"Task: "}}"#, "mend the roof"),
            (r#"{{between:"Task: "," roof"}}"#, "mend the"),
            (
                r#"{{after:"report_id: "}}-{{last_after:"report_id: "}}"#,
                "r2-r3",
            ),
            (r#"{{after:"cwd: "}}"#, "/d"),
            (r#"{{after:"roof \n"}}"#, "End"),
            (r#"{{literal:"{{x}}"}}"#, "{{x}}"),
            ("{{last_output}}", "out"),
            ("no { template }", "no { template }"),
        ] {
            assert_eq!(
                fill(template, &conversation()).as_deref(),
                Ok(expected),
                "{template}"
            );
        }
    }

    #[test]
    fn a_bad_or_empty_template_is_an_error() {
        assert_eq!(
            fill(r#"{{after:"nowhere"}}"#, &conversation()),
            Err(TemplateError::Missing(r#"after:"nowhere""#.to_owned()))
        );
        assert_eq!(
            fill("{{afer}}", &conversation()),
            Err(TemplateError::Unknown("afer".to_owned()))
        );
        assert_eq!(
            fill("x {{thread_id", &conversation()),
            Err(TemplateError::Open("{{thread_id".to_owned()))
        );
    }
}
