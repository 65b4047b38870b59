//! What a worker answers with that is to want something done: one object in JSON, of a form that Codex holds the model to.

use crate::domain::harness::action::Action;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

/// Actions in one answer.
pub const MAX_INTENTS: usize = 32;

/// An answer.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// What it says beside that.
    #[serde(default)]
    pub output_text: Option<String>,
    /// What it wants done.
    #[serde(default)]
    pub action_intents: Vec<Intent>,
}

/// Something that it wants done.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Intent {
    /// What kind.
    pub action_type: String,
    /// What its kind asks for.
    #[serde(default, deserialize_with = "payload")]
    pub payload: Value,
    /// Under this key it is done once.
    #[serde(default)]
    pub idempotency_key: Option<String>,
}

/// A field that a form has to have and that says nothing is null there: it is as if it were not.
fn payload<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
    let mut payload = Value::deserialize(deserializer)?;
    if let Value::Object(fields) = &mut payload {
        fields.retain(|_, it| !it.is_null());
    }
    Ok(payload)
}

impl Intent {
    /// The action; one that has no key of its own has this one.
    pub fn action(self, otherwise: String) -> Action {
        Action {
            action_type: self.action_type,
            payload: self.payload,
            idempotency_key: Some(self.idempotency_key.unwrap_or(otherwise)),
        }
    }
}

/// Reads an answer.
///
/// # Errors
/// Why it is none: it is no JSON of this form, or wants too much at once.
pub fn read(said: &str) -> Result<Answer, String> {
    let said = said.trim();
    let fenced = said
        .strip_prefix("```json")
        .or_else(|| said.strip_prefix("```"));
    let inner = fenced.and_then(|it| it.strip_suffix("```"));
    let value: Value = serde_json::from_str(inner.unwrap_or(said)).map_err(|it| it.to_string())?;
    // A list would be read as the fields of one in their order.
    if !value.is_object() {
        return Err("it is no object".to_owned());
    }
    let answer = Answer::deserialize(value).map_err(|it| it.to_string())?;
    match answer.action_intents.len() {
        0..=MAX_INTENTS => Ok(answer),
        many => Err(format!("actionIntents: {many} entries")),
    }
}

/// The form, as Codex gives it to the model. Providers hold models to forms in which each field is there and nothing else is.
pub fn schema() -> Value {
    let object = |fields: Value| {
        let names: Vec<&String> = fields
            .as_object()
            .into_iter()
            .flatten()
            .map(|it| it.0)
            .collect();
        json!({"type": "object", "required": names, "additionalProperties": false, "properties": fields})
    };
    let text = || json!({"type": "string"});
    let maybe = || json!({"type": ["string", "null"]});
    let one_of = |words: &[&str]| json!({"type": "string", "enum": words});
    let intent = |kind: &str, payload: Value| {
        object(json!({
            "actionType": one_of(&[kind]),
            "payload": object(payload),
            "idempotencyKey": maybe(),
        }))
    };
    let intents = [
        intent(
            "transcript.upsert",
            json!({
                "messageId": text(),
                "role": one_of(&["assistant", "system"]),
                "type": text(),
                "content": text(),
                "details": maybe(),
                "status": one_of(&["complete", "error"]),
            }),
        ),
        intent(
            "approval.decide",
            json!({
                "approvalId": text(),
                "decision": one_of(&["accept", "decline", "cancel"]),
                "risk": one_of(&["none", "low", "med", "high"]),
                "reason": maybe(),
            }),
        ),
        intent("turn.steer.create", json!({"input": text()})),
        intent("session.name", json!({"title": text()})),
    ];
    object(json!({
        "outputText": maybe(),
        "actionIntents": {"type": "array", "items": {"anyOf": intents}},
    }))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_with_and_without_what_models_wrap_it_in() {
        let said = r#"{"outputText": null, "actionIntents": [{"actionType": "turn.steer.create",
            "payload": {"input": "Go on.", "turnId": null}, "idempotencyKey": null}]}"#;
        let answer = read(said).unwrap();
        assert_eq!(read(&format!("```json\n{said}\n```")).unwrap(), answer);
        assert_eq!(answer.output_text, None);
        let action = answer.action_intents[0].clone().action("k".to_owned());
        assert_eq!(action.payload, json!({"input": "Go on."}));
        assert_eq!(action.idempotency_key.as_deref(), Some("k"));
    }

    #[test]
    fn what_is_none_is_refused() {
        let many = json!({"actionIntents": vec![json!({"actionType": "x"}); MAX_INTENTS + 1]});
        for said in [
            "",
            "Done.",
            "[]",
            r#"{"actionIntents": [{}]}"#,
            &many.to_string(),
        ] {
            assert!(read(said).is_err(), "{said}");
        }
    }

    #[test]
    fn the_form_lets_nothing_be_left_out_or_added() {
        fn look(it: &Value, seen: &mut usize) {
            if it["type"] == "object" {
                *seen += 1;
                let fields = it["properties"].as_object().unwrap();
                assert_eq!(fields.len(), it["required"].as_array().unwrap().len());
                assert_eq!(it["additionalProperties"], false);
            }
            match it {
                Value::Object(all) => all.values().for_each(|it| look(it, seen)),
                Value::Array(all) => all.iter().for_each(|it| look(it, seen)),
                _ => {}
            }
        }
        let mut seen = 0;
        look(&schema(), &mut seen);
        assert_eq!(seen, 9);
    }
}
