//! `zhongshu attention answer ID DECISION`: one decision, once.

use crate::cli::attention::Answer;
use crate::client::{Client, ClientError};
use crate::commands::CommandError;
use crate::domain::shown::shown_line;
use serde_json::{Map, Value, json};
use std::io::{Read as _, Write};

/// As much as the server takes.
const MAX_INPUT_BYTES: u64 = 1 << 20;

/// Sends the decision, and says what it was.
///
/// # Errors
/// When the server says no: the decision does not fit, or somebody was first.
pub async fn run(
    client: &Client,
    given: &Answer,
    out: &mut impl Write,
) -> Result<(), CommandError> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if given.id.is_empty() || !given.id.chars().all(is_plain) {
        let message = "an id has letters, digits, `-` and `_`".to_owned();
        return Err(ClientError::BadRequest(message).into());
    }
    let body = body(given, || {
        let mut text = String::new();
        std::io::stdin()
            .take(MAX_INPUT_BYTES)
            .read_to_string(&mut text)?;
        Ok(text.trim_end_matches(['\n', '\r']).to_owned())
    })?;
    let path = format!("/api/attention/{}", given.id);
    let ask = client.post(&path, &body).await?["ask"].clone();
    let decision = shown_line(&given.decision);
    match ask["stage"].as_str() {
        Some("answered" | "settled") => writeln!(out, "{}: {decision}", given.id)?,
        _ => writeln!(out, "{}: {decision}, and it is asked again", given.id)?,
    }
    Ok(())
}

/// The request. `secret` reads what shall not stand on a command line.
fn body(
    given: &Answer,
    secret: impl FnOnce() -> Result<String, CommandError>,
) -> Result<Value, CommandError> {
    let mut answers: Map<String, Value> = Map::new();
    let mut secret = Some(secret);
    for pair in &given.answers {
        let (question, text) = pair.split_once('=').ok_or_else(|| {
            CommandError::Usage(
                "--answer: write QUESTION=TEXT, as in `--answer colour=Red`".to_owned(),
            )
        })?;
        let text = match text {
            "-" => {
                let read = secret.take().ok_or_else(|| {
                    CommandError::Usage(
                        "--answer: only one answer can come from standard input".to_owned(),
                    )
                })?;
                read()?
            }
            text => text.to_owned(),
        };
        let texts = answers.entry(question).or_insert_with(|| json!([]));
        if let Some(texts) = texts.as_array_mut() {
            texts.push(text.into());
        }
    }
    let mut body = json!({"decision": given.decision});
    if !answers.is_empty() {
        body["answers"] = Value::Object(answers);
    }
    if let Some(scope) = &given.always {
        body["rule"] = json!({ "scope": scope });
        if given.unsandboxed {
            body["rule"]["unsandboxed"] = true.into();
        }
    }
    for (field, text) in [
        ("content", &given.content),
        ("permissions", &given.permissions),
    ] {
        if let Some(text) = text {
            body[field] = serde_json::from_str(text)
                .map_err(|error| CommandError::Usage(format!("--{field}: no JSON: {error}")))?;
        }
    }
    if let Some(words) = &given.words {
        body["words"] = words.as_str().into();
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn of(answers: &[&str], content: Option<&str>) -> Result<Value, CommandError> {
        let given = Answer {
            id: "ask-1".to_owned(),
            decision: "answer".to_owned(),
            answers: answers.iter().map(|it| (*it).to_owned()).collect(),
            content: content.map(str::to_owned),
            permissions: None,
            always: None,
            unsandboxed: false,
            words: None,
        };
        body(&given, || Ok("hunter2".to_owned()))
    }

    #[test]
    fn what_is_typed_becomes_a_request() {
        let expected = json!({"decision": "answer", "answers": {"a": ["x=y", "note"], "b": ["hunter2"]}, "content": {"n": 1}});
        let made = of(&["a=x=y", "b=-", "a=note"], Some("{\"n\":1}")).unwrap();
        assert_eq!(made, expected);
        assert_eq!(of(&[], None).unwrap(), json!({"decision": "answer"}));
        for wrong in [
            of(&["a"], None),
            of(&["a=-", "b=-"], None),
            of(&[], Some("{")),
        ] {
            assert!(matches!(wrong, Err(CommandError::Usage(_))));
        }
    }
}
