//! `zhongshu attention answer ID DECISION`: one decision, once, about whatever waits.

use super::checked;
use crate::cli::attention::Answer;
use crate::client::Client;
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
    let path = format!("/api/attention/{}", checked(&given.id)?);
    if !given.id.starts_with("ask-") {
        return act(client, given, &path, out).await;
    }
    let body = body(given, || {
        let mut text = String::new();
        std::io::stdin()
            .take(MAX_INPUT_BYTES)
            .read_to_string(&mut text)?;
        Ok(text.trim_end_matches(['\n', '\r']).to_owned())
    })?;
    let ask = client.post(&path, &body).await?["ask"].clone();
    let decision = shown_line(&given.decision);
    match ask["stage"].as_str() {
        Some("answered" | "settled") => writeln!(out, "{}: {decision}", given.id)?,
        _ => writeln!(out, "{}: {decision}, and it is asked again", given.id)?,
    }
    Ok(())
}

/// Does what an item that is no ask offers: the request that stands in the item, with what the person adds in words.
async fn act(
    client: &Client,
    given: &Answer,
    path: &str,
    out: &mut impl Write,
) -> Result<(), CommandError> {
    let item = client.get(path).await?["item"].clone();
    let (label, path, body) = action_of(&item, given)?;
    client.post(&path, &body).await?;
    writeln!(out, "{}: {}", given.id, shown_line(&label))?;
    Ok(())
}

/// What the action is called, where it is sent, and what with.
fn action_of(item: &Value, given: &Answer) -> Result<(String, String, Value), CommandError> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let actions = item["actions"].as_array();
    let all = actions.into_iter().flatten();
    let Some(action) = all.clone().find(|it| it["id"] == given.decision.as_str()) else {
        let offered: Vec<String> = all.map(|it| text(&it["id"])).collect();
        return Err(CommandError::Usage(format!(
            "{} offers {}",
            given.id,
            match offered.is_empty() {
                true => "nothing that can be done from here; `zhongshu open` shows it".to_owned(),
                false => offered.join(", "),
            }
        )));
    };
    let mut body = action["body"].clone();
    let needs = action["needs"].as_array().into_iter().flatten();
    let fields = needs.map(|need| (text(&need["field"]), need["required"] == true));
    for (field, required) in fields {
        match &given.words {
            Some(words) => body[field] = words.as_str().into(),
            None if required => {
                return Err(CommandError::Usage(format!(
                    "{} needs a `{field}`: add --words TEXT",
                    given.decision
                )));
            }
            None => {}
        }
    }
    Ok((text(&action["label"]), text(&action["path"]), body))
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

    #[test]
    fn what_is_no_ask_is_done_by_the_request_that_stands_in_it() {
        let item = json!({"actions": [
            {"id": "accept", "label": "Allow", "path": "/api/trust", "body": {"accept": true}},
            {"id": "reject", "label": "Reject", "path": "/api/reject_plan", "body": {"session_id": "s"},
             "needs": [{"field": "reason", "required": true}]},
        ]});
        let given = |decision: &str, words: Option<&str>| Answer {
            id: "plan-1".to_owned(),
            decision: decision.to_owned(),
            answers: Vec::new(),
            content: None,
            permissions: None,
            always: None,
            unsandboxed: false,
            words: words.map(str::to_owned),
        };
        let (label, path, body) = action_of(&item, &given("accept", None)).unwrap();
        assert_eq!((label.as_str(), path.as_str()), ("Allow", "/api/trust"));
        assert_eq!(body, json!({"accept": true}));
        let (_, _, body) = action_of(&item, &given("reject", Some("too much"))).unwrap();
        assert_eq!(body, json!({"session_id": "s", "reason": "too much"}));
        let refused = action_of(&item, &given("reject", None)).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "reject needs a `reason`: add --words TEXT"
        );
        let refused = action_of(&item, &given("allow", None)).unwrap_err();
        assert_eq!(refused.to_string(), "plan-1 offers accept, reject");
    }
}
