//! Values made of a schema: such as fit it, and such as do not quite.

use crate::support::Random;
use serde_json::{Map, Value, json};

/// Schemas may hold each other.
const DEEPEST: usize = 12;
/// Most texts are short; what lies at a bound is tried as well.
const USUAL: u64 = 40;
/// What a text may be made of.
const LETTERS: [&str; 12] = [
    "a", "B", "7", "-", ".", "é", "中", "😀", "\"", "\\", "\u{200f}", "\t",
];

pub struct Generator<'a> {
    pub random: Random,
    pub components: &'a Value,
    /// Ids that may name something, by the name of their field.
    pub ids: Vec<(String, String)>,
}

impl Generator<'_> {
    pub fn one_in(&mut self, many: u32) -> bool {
        self.random.below(many) == 0
    }

    pub fn pick<'b, T>(&mut self, of: &'b [T]) -> &'b T {
        let count = u32::try_from(of.len()).unwrap();
        &of[self.random.below(count) as usize]
    }

    /// A value for a schema in a field of this name.
    pub fn value(&mut self, schema: &Value, name: &str, depth: usize) -> Value {
        if depth > DEEPEST {
            return Value::Null;
        }
        if let Some(reference) = schema["$ref"].as_str() {
            let target = reference.rsplit('/').next().unwrap();
            let components = self.components;
            return self.value(&components["schemas"][target], name, depth + 1);
        }
        if let Some(all) = schema["enum"].as_array() {
            return self.pick(all).clone();
        }
        for one_of in ["oneOf", "anyOf"] {
            if let Some(all) = schema[one_of].as_array() {
                let one = self.pick(all);
                return self.value(one, name, depth + 1);
            }
        }
        if let Some(all) = schema["allOf"].as_array() {
            let mut whole = Map::new();
            for part in all {
                if let Value::Object(fields) = self.value(part, name, depth + 1) {
                    whole.extend(fields);
                }
            }
            return Value::Object(whole);
        }
        let kind = match &schema["type"] {
            Value::Array(kinds) => self.pick(kinds).clone(),
            kind => kind.clone(),
        };
        match kind.as_str() {
            Some("null") => Value::Null,
            Some("string") => self.text(schema, name).into(),
            Some("integer" | "number") => self.number(schema),
            Some("boolean") => self.one_in(2).into(),
            Some("array") => {
                let least = schema["minItems"].as_u64().unwrap_or(0);
                let count = least + u64::from(self.random.below(3));
                let items = &schema["items"];
                (0..count)
                    .map(|_| self.value(items, name, depth + 1))
                    .collect()
            }
            Some(_) => self.object(schema, depth),
            None => self.anything(depth),
        }
    }

    fn object(&mut self, schema: &Value, depth: usize) -> Value {
        let mut made = Map::new();
        let required = schema["required"].as_array();
        for (field, schema) in schema["properties"].as_object().into_iter().flatten() {
            let is_required = required.is_some_and(|all| all.contains(&json!(field)));
            if is_required || self.one_in(3) {
                let value = self.value(schema, field, depth + 1);
                made.insert(field.clone(), value);
            }
        }
        if schema["properties"].is_null() && self.one_in(2) {
            made.insert("k".to_owned(), self.anything(depth));
        }
        Value::Object(made)
    }

    /// Any value at all.
    pub fn anything(&mut self, depth: usize) -> Value {
        let most = if depth > 4 { 6 } else { 8 };
        match self.random.below(most) {
            0 => Value::Null,
            1 => self.one_in(2).into(),
            2 => json!(-1),
            3 => json!(1.5e300),
            4 => json!(u64::MAX),
            5 => self.text(&json!({}), "").into(),
            6 => json!([self.anything(depth + 1), self.anything(depth + 1)]),
            _ => json!({ "k": self.anything(depth + 1), "": self.anything(depth + 1) }),
        }
    }

    fn text(&mut self, schema: &Value, name: &str) -> String {
        if let Some(text) = self.named(name) {
            return text;
        }
        let least = schema["minLength"].as_u64().unwrap_or(0);
        let most = schema["maxLength"].as_u64().unwrap_or(USUAL);
        let length = match self.random.below(8) {
            0 => least,
            1 if most <= 8_000 => most,
            _ => least + u64::from(self.random.below(12)).min(most.saturating_sub(least)),
        };
        // What is at the ends may be taken for spaces that surround it.
        let letters = (0..length).map(|at| match at == 0 || at + 1 == length {
            true => "x",
            false => *self.pick(&LETTERS),
        });
        letters.collect()
    }

    /// What means something in a field of this name.
    fn named(&mut self, name: &str) -> Option<String> {
        let ids: Vec<_> = self.ids.iter().filter(|(of, _)| of == name).collect();
        let known: Vec<String> = match name {
            // Only what does nothing.
            "command" => vec!["true".to_owned()],
            "cwd" | "workingDirectory" => [".", "src", "nowhere", "../..", "/", "src/greet.py"]
                .map(str::to_owned)
                .into(),
            "model" => ["mock-model", "x", "gpt-6"].map(str::to_owned).into(),
            "effort" => ["low", "medium", "ultra", "x"].map(str::to_owned).into(),
            // Nothing that Codex might obey.
            "keyPath" => ["zz.text", "zz", "model.x", "a..b"]
                .map(str::to_owned)
                .into(),
            "filePath" | "path" => vec!["nowhere/file".to_owned()],
            _ => ids.into_iter().map(|(_, id)| id.clone()).collect(),
        };
        if known.is_empty() || (name.ends_with("Id") && self.one_in(4)) {
            return None;
        }
        Some(self.pick(&known).clone())
    }

    fn number(&mut self, schema: &Value) -> Value {
        let least = schema["minimum"].as_i64().unwrap_or(-5);
        let most = schema["maximum"].as_i64().unwrap_or(i64::from(i32::MAX));
        let among = [least, most, least + 1, (least + 20).min(most)];
        json!(*self.pick(&among))
    }

    /// The same with something wrong in it, or at least odd.
    pub fn spoiled(&mut self, value: Value) -> Value {
        match value {
            Value::Object(mut fields) if !fields.is_empty() && !self.one_in(8) => {
                let names: Vec<_> = fields.keys().cloned().collect();
                let name = self.pick(&names).clone();
                match self.random.below(4) {
                    0 => drop(fields.remove(&name)),
                    1 => drop(fields.insert(format!("{name}X"), json!(1))),
                    2 => drop(fields.insert(name, self.anything(0))),
                    _ => {
                        let inner = fields.remove(&name).unwrap_or_default();
                        fields.insert(name, self.spoiled(inner));
                    }
                }
                Value::Object(fields)
            }
            Value::Array(mut items) if !items.is_empty() && self.one_in(2) => {
                let last = items.pop().unwrap_or_default();
                items.push(self.spoiled(last));
                Value::Array(items)
            }
            Value::String(text) if self.one_in(2) => match self.random.below(3) {
                0 => Value::String(String::new()),
                1 => Value::String(format!(" {text}\u{0}")),
                _ => Value::String(text.repeat(500) + &"y".repeat(9_000)),
            },
            _ => self.anything(0),
        }
    }

    /// Bytes for a body that is to be this value, more or less.
    pub fn body(&mut self, value: &Value) -> (&'static str, Vec<u8>) {
        let bytes = value.to_string().into_bytes();
        let json = "application/json";
        match self.random.below(24) {
            0 => (json, Vec::new()),
            1 => (json, bytes[..bytes.len() / 2].to_vec()),
            2 => (json, [&bytes[..], b"]"].concat()),
            3 => (json, vec![0xff, 0xfe, b'{', b'}']),
            4 => (json, b"[".repeat(100_000)),
            5 => ("text/plain", bytes),
            6 => ("application/x-www-form-urlencoded", b"a=1".to_vec()),
            7 => ("application/json; charset=utf-8", bytes),
            8 => (json, vec![b' '; (1 << 20) + 1]),
            _ => (json, bytes),
        }
    }
}
