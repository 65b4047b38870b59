//! Forms of MCP servers: what was filled in, held against the JSON schema that came with the form.

use crate::domain::refusal::Refusal;
use crate::domain::sentence::{Sentence, say};
use crate::domain::shown::short;
use boon::{Compiler, Schemas, UrlLoader, ValidationError};
use serde_json::{Value, json};
use std::error::Error;

/// What the schema is called while it is read.
const PLACE: &str = "form:///schema";

/// Refuses what does not fit the schema; nothing at all is an empty form.
///
/// # Errors
/// A sentence that names the field, or says that the schema cannot be used.
pub fn check(schema: &Value, content: Option<&Value>) -> Result<(), Refusal> {
    let nothing = json!({});
    let content = content.unwrap_or(&nothing);
    if !content.is_object() {
        let message = say!("refusal.form.not_an_object");
        return Err(Refusal::invalid("content_not_an_object", message));
    }
    let mut schemas = Schemas::new();
    let mut compiler = Compiler::new();
    // A schema may name others by their address; nothing is fetched.
    compiler.use_loader(Box::new(Nowhere));
    compiler.enable_format_assertions();
    let mut cost = Cost::default();
    if cost.add(schema, schema, 0).is_none() {
        let message = say!("refusal.form.unusable", reason => say!("refusal.form.too_costly"));
        return Err(Refusal::invalid("form_unusable", message));
    }
    let compiled = match schema.is_object() || schema.is_boolean() {
        true => match compiler.add_resource(PLACE, schema.clone()) {
            Ok(()) => compiler.compile(PLACE, &mut schemas),
            Err(error) => Err(error),
        }
        .map_err(|error| Sentence::verbatim(short(&error.to_string()))),
        false => Err(say!("refusal.form.no_schema")),
    };
    let compiled = compiled.map_err(|reason| {
        let message = say!("refusal.form.unusable", reason => reason);
        Refusal::invalid("form_unusable", message)
    })?;
    schemas.validate(content, compiled).map_err(|error| {
        let (place, reason) = first_reason(&error);
        let message = say!("refusal.form.does_not_fit", place, reason => reason);
        Refusal::invalid("content_invalid", message)
    })
}

/// What looking through a schema costs, with everything that it refers to put in its place: whoever writes a form that doubles with each
/// line, or goes round in circles, shall not keep us busy with it.
#[derive(Default)]
struct Cost {
    parts: usize,
    patterns: usize,
}

impl Cost {
    const PARTS: usize = 10_000;
    const DEPTH: usize = 256;
    const PATTERNS: usize = 32;
    const PATTERN_BYTES: usize = 200;
    /// What makes a name in a reference mean something else than a place from the root.
    const NAMES: [&str; 7] = [
        "$id",
        "id",
        "$anchor",
        "$dynamicRef",
        "$dynamicAnchor",
        "$recursiveRef",
        "$recursiveAnchor",
    ];

    /// None when it is too much, or cannot be told.
    fn add(&mut self, root: &Value, part: &Value, depth: usize) -> Option<()> {
        self.parts += 1;
        if self.parts > Self::PARTS || depth > Self::DEPTH {
            return None;
        }
        match part {
            Value::Array(list) => list.iter().try_for_each(|it| self.add(root, it, depth + 1)),
            Value::Object(fields) => fields.iter().try_for_each(|(name, it)| {
                match (name.as_str(), it) {
                    // Any other reference may be one to this same document, under the name that it has while it is read.
                    ("$ref", Value::String(place)) => {
                        let place = root.pointer(place.strip_prefix('#')?)?;
                        return self.add(root, place, depth + 1);
                    }
                    ("pattern", Value::String(pattern)) => self.pattern(pattern)?,
                    ("patternProperties", Value::Object(keyed)) => {
                        keyed.keys().try_for_each(|it| self.pattern(it))?;
                    }
                    (name, Value::String(_)) if Self::NAMES.contains(&name) => return None,
                    _ => {}
                }
                self.add(root, it, depth + 1)
            }),
            _ => Some(()),
        }
    }

    fn pattern(&mut self, pattern: &str) -> Option<()> {
        self.patterns += 1;
        (self.patterns <= Self::PATTERNS && pattern.len() <= Self::PATTERN_BYTES).then_some(())
    }
}

/// Fields whose content is kept nowhere: those that are written and never read, and passwords.
pub fn secret_fields(schema: &Value) -> Vec<String> {
    let fields = schema.get("properties").and_then(Value::as_object);
    let is_secret = |field: &Value| {
        field.get("writeOnly") == Some(&Value::Bool(true))
            || field.get("format").and_then(Value::as_str) == Some("password")
    };
    fields
        .into_iter()
        .flatten()
        .filter(|(_, field)| is_secret(field))
        .map(|(name, _)| name.clone())
        .collect()
}

/// The first fault that has no fault below it, and where it is, as in `.colour`. What was filled in is not repeated: it may be secret.
fn first_reason(error: &ValidationError<'_, '_>) -> (String, Sentence) {
    let mut deepest = error;
    while let Some(cause) = deepest.causes.first() {
        deepest = cause;
    }
    let place = deepest.instance_location.to_string().replace('/', ".");
    let place = place.strip_prefix('#').unwrap_or(&place).to_owned();
    let reason = match &deepest.kind {
        boon::ErrorKind::Enum { want } => {
            let want = Sentence::names(want.iter().map(|it| short(&it.to_string())));
            say!("refusal.form.one_of", want => want)
        }
        boon::ErrorKind::Const { want } => {
            say!("refusal.form.exactly", want = short(&want.to_string()))
        }
        boon::ErrorKind::Pattern { want, .. } => say!("refusal.form.pattern", want = short(want)),
        boon::ErrorKind::Format { want, .. } => say!("refusal.form.format", want),
        boon::ErrorKind::Minimum { want, .. } => say!("refusal.form.at_least", want),
        boon::ErrorKind::Maximum { want, .. } => say!("refusal.form.at_most", want),
        boon::ErrorKind::ExclusiveMinimum { want, .. } => say!("refusal.form.more_than", want),
        boon::ErrorKind::ExclusiveMaximum { want, .. } => say!("refusal.form.less_than", want),
        boon::ErrorKind::MultipleOf { want, .. } => say!("refusal.form.multiple_of", want),
        other => Sentence::verbatim(other.to_string()),
    };
    (place, reason)
}

struct Nowhere;

impl UrlLoader for Nowhere {
    fn load(&self, _: &str) -> Result<Value, Box<dyn Error>> {
        Err("other documents are not fetched".into())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_was_filled_in_fits_the_schema_or_is_refused_by_its_field() {
        let schema = json!({
            "type": "object",
            "properties": {
                "colour": {"type": "string", "enum": ["red", "blue"]},
                "count": {"type": "integer", "minimum": 1},
                "mail": {"type": "string", "format": "email"},
                "pin": {"type": "string", "maxLength": 4, "writeOnly": true},
            },
            "required": ["colour"],
        });
        let says = |content: Value| check(&schema, Some(&content)).unwrap_err().to_string();
        assert_eq!(
            check(&schema, Some(&json!({"colour": "red", "count": 2}))),
            Ok(())
        );
        for (content, place) in [
            (json!({"colour": "green"}), "content.colour: "),
            (
                json!({"colour": "red", "count": -48151623}),
                "content.count: ",
            ),
            (json!({"colour": "red", "count": "x"}), "content.count: "),
            (json!({"colour": "red", "mail": "no"}), "content.mail: "),
            (json!({"colour": "red", "pin": "48151623"}), "content.pin: "),
            (json!({}), "content: "),
            (json!([]), "content: "),
        ] {
            let said = says(content);
            assert!(said.starts_with(place), "{said}");
            assert!(
                !said.contains("48151623") && !said.contains("green"),
                "{said}"
            );
        }
        assert!(check(&schema, None).is_err());
        assert_eq!(secret_fields(&schema), ["pin"]);
    }

    #[test]
    fn a_schema_that_cannot_be_used_refuses_and_fetches_nothing() {
        let deep = (0..120).fold(
            json!({"type": "string"}),
            |inner, _| json!({"type": "object", "properties": {"x": inner}}),
        );
        assert_eq!(check(&deep, Some(&json!({}))), Ok(()));
        let itself = json!({"$ref": "#"});
        for schema in [
            json!("schema"),
            json!(null),
            json!(7),
            json!({"type": "nonsense"}),
            json!({"$ref": "http://127.0.0.1:1/other"}),
            json!({"$ref": "file:///etc/hostname"}),
            json!({"properties": {"x": {"pattern": "("}}}),
            itself,
        ] {
            assert!(
                check(&schema, Some(&json!({"x": "y"}))).is_err(),
                "{schema}"
            );
        }
    }

    /// A form that a hostile server made so that looking at it takes long: what the answer to it is, and that it comes soon.
    fn soon(schema: Value, content: Value) -> Result<(), Refusal> {
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || tell.send(check(&schema, Some(&content))));
        told.recv_timeout(std::time::Duration::from_secs(5))
            .expect("it takes too long")
    }

    #[test]
    fn a_schema_made_to_take_long_is_refused_soon() {
        let doubling = |document: &str| {
            let twice = |n: usize| {
                let place = format!("{document}#/$defs/a{n}");
                json!({"allOf": [{"$ref": place}, {"$ref": place}]})
            };
            let mut defs: serde_json::Map<String, Value> =
                (0..40).map(|n| (format!("a{n}"), twice(n + 1))).collect();
            defs.insert("a40".to_owned(), json!({"type": "object"}));
            json!({"$ref": format!("{document}#/$defs/a0"), "$defs": defs})
        };
        let whole = json!({"properties": {"x": {"anyOf": [{"$ref": ""}, {"$ref": ""}, {"$ref": ""}]}}, "required": ["y"]});
        let patterns: serde_json::Map<String, Value> = (0..2000)
            .map(|n| (format!("p{n}"), json!({"pattern": "(\\w{200}){200}"})))
            .collect();
        let patterns = json!({ "properties": patterns });
        let keyed: serde_json::Map<String, Value> = (0..2000)
            .map(|n| (format!("(\\w{{{}}}){{200}}", 200 + n), json!({})))
            .collect();
        let keyed = json!({ "patternProperties": keyed });
        let recursive = json!({"properties": {"x": {"anyOf": [{"$ref": "#"}, {"$ref": "#"}, {"$ref": "#"}]}}, "required": ["y"]});
        let content = (0..40).fold(json!({}), |inner, _| json!({ "x": inner }));
        for (name, schema) in [
            ("doubles", doubling("")),
            ("doubles by its name", doubling("schema")),
            ("doubles by its address", doubling(PLACE)),
            ("the whole of it", whole),
            ("patterns", patterns),
            ("keyed", keyed),
            ("recursive", recursive),
        ] {
            let refused = soon(schema, content.clone()).unwrap_err();
            assert_eq!(refused.code, "form_unusable", "{name}: {refused:?}");
        }
    }
}
