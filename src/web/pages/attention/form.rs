//! A form made from a JSON schema, for the shapes that MCP servers ask for: an object of texts, numbers, yes or no, and choices. What is
//! none of these is written as JSON. The server checks what is sent; here it only becomes easy to write.

use serde_json::Value;

/// Fields that are made; a schema of a stranger may name any number.
const MAX_FIELDS: usize = 100;
/// Choices that are listed.
const MAX_CHOICES: usize = 200;

/// One field.
pub(super) struct Field {
    /// Its name in the answer.
    pub name: String,
    /// What it is called.
    pub title: String,
    /// What it means.
    pub description: String,
    /// Whether it may not be left out.
    pub required: bool,
    /// How it is filled in.
    pub input: Input,
    /// What stands in it at first.
    pub default: String,
}

/// How a field is filled in.
pub(super) enum Input {
    /// A text; the kind is HTML's.
    Text(&'static str),
    /// A number, perhaps a whole one.
    Number { whole: bool },
    /// Yes or no.
    Flag { on: bool },
    /// One of these.
    One(Vec<(String, String)>),
    /// Any of these.
    Some(Vec<(String, String)>),
    /// Whatever it is, as JSON.
    Json,
}

impl Input {
    /// What the page makes of what is typed.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Text(_) | Self::One(_) => "text",
            Self::Number { whole: true } => "integer",
            Self::Number { whole: false } => "number",
            Self::Flag { .. } => "flag",
            Self::Some(_) => "list",
            Self::Json => "json",
        }
    }
}

/// The fields of a schema; none when it is not the schema of an object.
pub(super) fn fields(schema: &Value) -> Vec<Field> {
    let Some(properties) = schema["properties"].as_object() else {
        return Vec::new();
    };
    let required = schema["required"].as_array();
    let is_required =
        |name: &str| required.is_some_and(|names| names.iter().any(|it| it.as_str() == Some(name)));
    let properties = properties.iter().take(MAX_FIELDS);
    let mut fields: Vec<Field> = properties
        .map(|(name, schema)| Field {
            name: name.clone(),
            title: text(&schema["title"]).unwrap_or_else(|| name.clone()),
            description: text(&schema["description"]).unwrap_or_default(),
            required: is_required(name),
            default: match &schema["default"] {
                Value::Null => String::new(),
                Value::String(text) => text.clone(),
                other => other.to_string(),
            },
            input: input(schema),
        })
        .collect();
    // A JSON object has no order; what must be filled in comes first.
    fields.sort_by_key(|field| !field.required);
    fields
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(ToOwned::to_owned)
}

fn input(schema: &Value) -> Input {
    if let Some(choices) = choices(schema) {
        return Input::One(choices);
    }
    match schema["type"].as_str() {
        Some("string") => Input::Text(match schema["format"].as_str() {
            Some("email") => "email",
            Some("uri") => "url",
            Some("date") => "date",
            _ => "text",
        }),
        Some("integer") => Input::Number { whole: true },
        Some("number") => Input::Number { whole: false },
        Some("boolean") => Input::Flag {
            on: schema["default"] == true,
        },
        Some("array") => choices(&schema["items"]).map_or(Input::Json, Input::Some),
        _ => Input::Json,
    }
}

/// Texts to choose from, each with its name: `enum` (with `enumNames`), or `oneOf` and `anyOf` of constants.
fn choices(schema: &Value) -> Option<Vec<(String, String)>> {
    if let Some(values) = schema["enum"].as_array() {
        let names = &schema["enumNames"];
        let choice = |(index, value): (usize, &Value)| {
            let value = text(value)?;
            let name = text(&names[index]).unwrap_or_else(|| value.clone());
            Some((value, name))
        };
        return values
            .iter()
            .enumerate()
            .take(MAX_CHOICES)
            .map(choice)
            .collect();
    }
    let list = schema["oneOf"].as_array().or(schema["anyOf"].as_array())?;
    let choice = |it: &Value| {
        let value = text(&it["const"])?;
        let name = text(&it["title"]).unwrap_or_else(|| value.clone());
        Some((value, name))
    };
    list.iter().take(MAX_CHOICES).map(choice).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_schema_becomes_fields_and_what_is_none_becomes_no_form() {
        let schema = json!({
            "type": "object",
            "required": ["name", "count"],
            "properties": {
                "name": {"type": "string", "title": "Your name", "description": "as on the door"},
                "mail": {"type": "string", "format": "email"},
                "count": {"type": "integer", "default": 3},
                "sure": {"type": "boolean", "default": true},
                "colour": {"type": "string", "enum": ["r", "g"], "enumNames": ["red", "green"]},
                "size": {"oneOf": [{"const": "s", "title": "small"}, {"const": "l"}]},
                "tags": {"type": "array", "items": {"type": "string", "enum": ["a", "b"]}},
                "deep": {"type": "object", "properties": {"x": {"type": "string"}}},
            },
        });
        let fields = fields(&schema);
        let required: Vec<bool> = fields.iter().map(|field| field.required).collect();
        assert!(required.is_sorted_by(|a, b| a >= b), "{required:?}");
        let shape =
            |field: &Field| format!("{}:{}:{}", field.name, field.input.word(), field.required);
        let mut shapes: Vec<String> = fields.iter().map(shape).collect();
        shapes.sort();
        let expected = [
            "colour:text:false",
            "count:integer:true",
            "deep:json:false",
            "mail:text:false",
            "name:text:true",
            "size:text:false",
            "sure:flag:false",
            "tags:list:false",
        ];
        assert_eq!(shapes, expected);
        let count = fields
            .iter()
            .find(|it| it.name == "count")
            .map(|it| it.default.as_str());
        assert_eq!(count, Some("3"));
        for none in [json!(null), json!([]), json!({"type": "string"}), json!(7)] {
            assert_eq!(super::fields(&none).len(), 0, "{none}");
        }
    }
}
