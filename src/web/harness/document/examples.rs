//! An example for each body, made of its schema: what a type names itself, else a value that fits.

use super::refusals;
use serde_json::{Map, Value, json};

/// Types may hold each other.
const DEEPEST: usize = 16;

/// Gives each body of an operation an example that has none.
pub(super) fn complete(operation: &mut Value, components: &Value) {
    let body = &mut operation["requestBody"]["content"];
    give(body, components, None);
    if operation["requestBody"] == json!({"content": null}) {
        operation
            .as_object_mut()
            .expect("an operation is an object")
            .remove("requestBody");
    }
    let answers = operation["responses"].as_object_mut();
    for (status, answer) in answers.into_iter().flatten() {
        if answer["content"].is_object() {
            give(&mut answer["content"], components, status.parse().ok());
        }
    }
}

fn give(content: &mut Value, components: &Value, status: Option<u16>) {
    for (_, media) in content.as_object_mut().into_iter().flatten() {
        if !media["example"].is_null() || !media["examples"].is_null() {
            continue;
        }
        let schema = &media["schema"];
        let example = match status {
            Some(status) if schema["$ref"] == "#/components/schemas/Problem" => problem(status),
            _ => Maker { components }.make(schema, "", 0),
        };
        media["example"] = example;
        // Looking made these.
        let media = media.as_object_mut().expect("a medium is an object");
        media.retain(|_, value| !value.is_null());
    }
}

fn problem(status: u16) -> Value {
    let sentence = "what is wrong, and what to do";
    json!({
        "status": "error",
        "code": refusals::code(status),
        "message": sentence,
        "ok": false,
        "error": sentence,
    })
}

struct Maker<'a> {
    components: &'a Value,
}

impl Maker<'_> {
    fn make(&self, schema: &Value, name: &str, depth: usize) -> Value {
        if depth > DEEPEST {
            return Value::Null;
        }
        if let Some(reference) = schema["$ref"].as_str() {
            let target = reference.rsplit('/').next().unwrap_or_default();
            return self.make(&self.components["schemas"][target], name, depth + 1);
        }
        for named in ["example", "default", "const"] {
            if !schema[named].is_null() {
                return schema[named].clone();
            }
        }
        for list in ["examples", "enum"] {
            if !schema[list][0].is_null() {
                return schema[list][0].clone();
            }
        }
        for one_of in ["oneOf", "anyOf"] {
            let all = schema[one_of].as_array().into_iter().flatten();
            if let Some(first) = all.into_iter().find(|it| it["type"] != "null") {
                return self.make(first, name, depth + 1);
            }
        }
        if let Some(all) = schema["allOf"].as_array() {
            return self.merged(all, name, depth);
        }
        self.by_type(schema, name, depth)
    }

    fn merged(&self, all: &[Value], name: &str, depth: usize) -> Value {
        let mut whole = Map::new();
        for part in all {
            match self.make(part, name, depth + 1) {
                Value::Object(fields) => whole.extend(fields),
                other if all.len() == 1 => return other,
                _ => {}
            }
        }
        Value::Object(whole)
    }

    fn by_type(&self, schema: &Value, name: &str, depth: usize) -> Value {
        let kind = match &schema["type"] {
            Value::Array(kinds) => kinds.iter().find(|kind| *kind != "null"),
            kind => Some(kind),
        };
        match kind.and_then(Value::as_str) {
            Some("string") => text(schema, name).into(),
            Some("integer" | "number") => match schema["minimum"].as_i64() {
                Some(least) if least > 0 => least.into(),
                _ if name.ends_with("At") => 1_790_000_000.into(),
                _ => 1.into(),
            },
            Some("boolean") => (name != "isSecret").into(),
            Some("array") => json!([self.make(&schema["items"], name, depth + 1)]),
            _ => self.object(schema, depth),
        }
    }

    fn object(&self, schema: &Value, depth: usize) -> Value {
        let fields = schema["properties"].as_object().into_iter().flatten();
        let fields = fields.map(|(name, schema)| {
            let value = self.make(schema, name, depth + 1);
            (name.clone(), value)
        });
        Value::Object(fields.collect())
    }
}

/// A text that may stand in a field of this name.
fn text(schema: &Value, name: &str) -> String {
    if schema["format"] == "date-time" {
        return "2026-11-24T12:00:00Z".to_owned();
    }
    let text = match name {
        "cwd" | "workingDirectory" => "/home/me/repo",
        "path" | "filePath" => "/home/me/repo/file",
        "model" => "gpt-6",
        "effort" => "medium",
        "command" => "ls",
        "cursor" | "nextCursor" => "next",
        "stdout" => "done\n",
        "stderr" => "",
        name if name.ends_with("Id") => "01900000-0000-7000-8000-000000000001",
        _ => "text",
    };
    text.to_owned()
}
