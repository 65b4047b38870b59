//! Reading a stranger's JSON: bounded in depth and entries, strict about names, and able to say where it went wrong.

use crate::domain::flow::shown;
use crate::domain::limits;
use crate::domain::sentence::say;
use serde::de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::cell::RefCell;
use std::fmt;

/// Deepest nesting; a plan needs four levels.
const MAX_DEPTH: usize = 32;

/// A JSON value within the limits; a field that appears twice is refused, since two readers could see two reports.
#[derive(Clone, Copy)]
pub(super) struct Limited<'a> {
    depth: usize,
    at: &'a Path,
}

/// Where the reader is: after an error, where it happened.
#[derive(Default)]
pub(super) struct Path(RefCell<Vec<Part>>);

enum Part {
    Field(String),
    Entry(usize),
}

impl Path {
    fn inside<T, E>(&self, part: Part, read: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        self.0.borrow_mut().push(part);
        let value = read()?;
        self.0.borrow_mut().pop();
        Ok(value)
    }

    /// What is wrong, and with which field. The position in the file helps nobody who did not write it by hand.
    pub(super) fn sentence(&self, error: &serde_json::Error) -> String {
        let mut field = String::new();
        for part in self.0.borrow().iter() {
            match part {
                Part::Field(name) if field.is_empty() => field = shown(name),
                Part::Field(name) => field = format!("{field}.{}", shown(name)),
                Part::Entry(index) => field = format!("{field}[{index}]"),
            }
        }
        let text = error.to_string();
        let reason = text
            .rsplit_once(" at line ")
            .map_or(&*text, |(head, _)| head);
        match field.is_empty() {
            true => say!("reason.file.unreadable", reason).to_string(),
            false => format!("{field}: {reason}"),
        }
    }
}

impl<'a> Limited<'a> {
    /// Reads a whole value, and notes where it is.
    pub(super) fn at(at: &'a Path) -> Self {
        Self { depth: 0, at }
    }

    fn deeper<E: de::Error>(self) -> Result<Self, E> {
        if self.depth >= MAX_DEPTH {
            return Err(E::custom(say!("reason.file.nested", max_depth = MAX_DEPTH)));
        }
        Ok(Self {
            depth: self.depth + 1,
            ..self
        })
    }
}

impl<'de> DeserializeSeed<'de> for Limited<'_> {
    type Value = Value;

    fn deserialize<D: de::Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Limited<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut list = Vec::new();
        loop {
            let index = Part::Entry(list.len());
            match self.at.inside(index, || items.next_element_seed(inner))? {
                None => return Ok(Value::Array(list)),
                // Whatever the list is for, it may have no more.
                Some(_) if list.len() >= limits::ENTRIES => {
                    return Err(de::Error::custom(say!(
                        "reason.file.entries",
                        limit = limits::ENTRIES
                    )));
                }
                Some(item) => list.push(item),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            if map.contains_key(&key) {
                return Err(de::Error::custom(say!(
                    "reason.file.field_twice",
                    name = shown(&key)
                )));
            }
            if map.len() >= limits::ENTRIES {
                return Err(de::Error::custom(say!(
                    "reason.file.fields",
                    limit = limits::ENTRIES
                )));
            }
            let field = Part::Field(key.clone());
            let value = self.at.inside(field, || entries.next_value_seed(inner))?;
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}
