//! The operations of the harness as the document tells of them, each with its name on the command line and what it takes.

use super::names;
use super::schema::{Kind, Property, Shape};
use serde_json::Value;

/// Where a value goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Into the path.
    Path,
    /// Behind the path.
    Query,
    /// Into the body.
    Body,
}

/// How a value is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As a word, by its place.
    Word,
    /// Behind a flag.
    Flag,
}

/// One value that an operation takes.
#[derive(Debug, Clone)]
pub struct Field {
    /// Its name in the request; in the body, of a record in the body as well.
    pub path: Vec<String>,
    /// Where it goes.
    pub place: Place,
    /// How it is given.
    pub form: Form,
    /// What it looks like.
    pub kind: Kind,
    /// Whether the operation needs it.
    pub is_required: bool,
    /// Whether the word `null` stands for nothing.
    pub takes_null: bool,
    /// What it is.
    pub about: String,
    /// One that the document shows.
    pub sample: Option<Value>,
}

impl Field {
    /// The last part of its name.
    pub fn name(&self) -> &str {
        self.path.last().map_or("", String::as_str)
    }

    /// Its name to the parser, which no flag of our own has.
    pub fn id(&self) -> String {
        format!("={}", self.path.join("."))
    }

    /// Its flag.
    pub fn flag(&self) -> String {
        kebab(self.name())
    }
}

/// One operation.
#[derive(Debug, Clone)]
pub struct Operation {
    /// Its id in the document.
    pub id: String,
    /// `GET`, …
    pub method: String,
    /// Its path behind the prefix.
    pub path: String,
    /// The command above it.
    pub group: String,
    /// Its command.
    pub verb: String,
    /// What it does.
    pub summary: String,
    /// What it takes: of the path, words, flags.
    pub fields: Vec<Field>,
    /// Whether it has a body.
    pub takes_body: bool,
}

impl Operation {
    /// Whether it is about a session that may be left out: then it is about all in which something waits.
    pub fn is_of_all(&self) -> bool {
        names::OF_ALL.contains(&self.id.as_str())
    }

    /// What it does, in a sentence, and what else there is to say.
    pub fn sentences(&self) -> (&str, Option<&str>) {
        match self.summary.split_once(". ") {
            Some((first, rest)) => (first, Some(rest)),
            None => (self.summary.trim_end_matches('.'), None),
        }
    }

    /// The words of an example, as a shell takes them.
    pub fn example(&self) -> String {
        let mut line = format!("zhongshu harness {} {}", self.group, self.verb);
        let (words, flags): (Vec<&Field>, Vec<&Field>) =
            self.fields.iter().partition(|it| it.form == Form::Word);
        let needed = flags.iter().filter(|it| it.is_required);
        // Without anything that is needed, one flag shows how they look.
        let shown = flags.iter().filter(|it| !it.is_required);
        let shown = shown.take(usize::from(words.is_empty()));
        for field in words {
            line.push(' ');
            line.push_str(&sample(field));
        }
        for field in needed.chain(shown) {
            match field.kind {
                Kind::Boolean => line.push_str(&format!(" --{}", field.flag())),
                _ => line.push_str(&format!(" --{} {}", field.flag(), sample(field))),
            }
        }
        line
    }
}

/// Every operation of a document that is a request and an answer.
pub fn operations(document: &Value, prefix: &str) -> Vec<Operation> {
    let paths = document["paths"].as_object();
    let all = paths.into_iter().flatten().flat_map(|(path, item)| {
        let item = item.as_object().into_iter().flatten();
        let operations = item.filter(|(_, it)| it["operationId"].is_string());
        operations.map(move |(method, it)| (method, path.strip_prefix(prefix), it))
    });
    let all = all.filter_map(|(method, path, it)| Some((method, path?, it)));
    let all = all.filter(|(_, path, _)| *path != names::STREAM);
    all.map(|(method, path, it)| operation(&document["components"], method, path, it))
        .collect()
}

fn operation(components: &Value, method: &str, path: &str, told: &Value) -> Operation {
    let id = told["operationId"].as_str().unwrap_or_default();
    let tag = told["tags"][0].as_str().unwrap_or("other");
    let (group, verb, words) = names::of(id, tag);
    let mut fields = Vec::new();
    for parameter in told["parameters"].as_array().into_iter().flatten() {
        fields.push(of_parameter(components, path, parameter));
    }
    // As the path has them, whatever order they are told in.
    fields.sort_by_key(|field| match field.place {
        Place::Path => path.find(&format!("{{{}}}", field.name())),
        _ => Some(usize::MAX),
    });
    let media = &told["requestBody"]["content"]["application/json"];
    let body = Shape::of(components, &media["schema"]);
    let mut of_body = Vec::new();
    for property in body.properties() {
        let example = &media["example"][property.name];
        of_property(&body, &property, &mut of_body, &[], example, words);
    }
    let place = |field: &Field| words.iter().position(|word| *word == field.name());
    of_body.sort_by_key(|field| place(field).unwrap_or(usize::MAX));
    fields.extend(of_body);
    Operation {
        id: id.to_owned(),
        method: method.to_uppercase(),
        path: path.to_owned(),
        group,
        verb,
        summary: told["summary"].as_str().unwrap_or_default().to_owned(),
        fields,
        takes_body: media.is_object(),
    }
}

fn of_parameter(components: &Value, path: &str, parameter: &Value) -> Field {
    let name = parameter["name"].as_str().unwrap_or_default();
    let schema = Shape::of(components, &parameter["schema"]);
    let in_path = path.contains(&format!("{{{name}}}"));
    let description = parameter["description"].as_str().or(schema.about);
    Field {
        path: vec![name.to_owned()],
        place: if in_path { Place::Path } else { Place::Query },
        form: if in_path { Form::Word } else { Form::Flag },
        kind: schema.kind(name),
        is_required: in_path || parameter["required"] == true,
        takes_null: false,
        about: about(name, description, schema.default, None),
        sample: parameter.get("example").cloned(),
    }
}

fn of_property<'a>(
    body: &Shape<'a>,
    property: &Property<'a>,
    fields: &mut Vec<Field>,
    above: &[String],
    example: &Value,
    words: &[&str],
) {
    let (name, schema) = (property.name, &property.schema);
    let path: Vec<String> = above.iter().cloned().chain([name.to_owned()]).collect();
    // What is needed and has fields itself is asked for field by field.
    if above.is_empty() && property.is_required && schema.is_record() {
        for inner in schema.properties() {
            of_property(schema, &inner, fields, &path, &example[inner.name], words);
        }
        return;
    }
    let of_forms = body.words_of_forms(name);
    let kind = match of_forms.is_empty() {
        true => schema.kind(name),
        false => Kind::Choice(of_forms),
    };
    let is_word = above.is_empty() && words.contains(&name);
    let forms = property.of_forms.as_deref();
    fields.push(Field {
        path,
        place: Place::Body,
        form: if is_word { Form::Word } else { Form::Flag },
        is_required: property.is_required,
        takes_null: property.is_required && schema.is_nullable && kind == Kind::Text,
        about: about(name, schema.about, schema.default, forms),
        kind,
        sample: (!example.is_null()).then(|| example.clone()),
    });
}

/// The sentence about a field.
fn about(name: &str, told: Option<&str>, default: Option<&Value>, forms: Option<&str>) -> String {
    let known = names::MEANINGS.iter().find(|(field, _)| *field == name);
    let known = known.map(|(_, meaning)| (*meaning).to_owned());
    let mut text = match told.map(str::trim).filter(|it| !it.is_empty()) {
        Some(told) => told.trim_end_matches('.').to_owned(),
        None => known.unwrap_or_else(|| kebab(name).replace('-', " ")),
    };
    if let Some(forms) = forms {
        text.push_str(&format!(" (with {forms})"));
    }
    match default {
        Some(Value::String(word)) => text.push_str(&format!(" [default: {word}]")),
        Some(value) if !value.is_null() => text.push_str(&format!(" [default: {value}]")),
        _ => {}
    }
    text
}

/// A value for an example, quoted where a shell needs it.
fn sample(field: &Field) -> String {
    let name = field.name();
    let text = match (&field.kind, &field.sample) {
        (Kind::Secret, _) => "@key.txt".to_owned(),
        (Kind::Choice(words), _) => words.first().cloned().unwrap_or_default(),
        (Kind::Texts, Some(Value::Array(items))) if field.form == Form::Word => {
            let items = items.iter().filter_map(Value::as_str);
            return items.collect::<Vec<_>>().join(" ");
        }
        (Kind::Texts, Some(Value::Array(items))) => {
            let first = items.first().and_then(Value::as_str);
            first.unwrap_or("text").to_owned()
        }
        (Kind::Text | Kind::Any, Some(Value::String(text))) if text != "text" && !is_id(name) => {
            text.clone()
        }
        (Kind::Number(..) | Kind::Json, Some(value)) => value.to_string(),
        (Kind::Number(least, _), None) => (*least).max(10).to_string(),
        _ => word_for(name).to_owned(),
    };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./@:=…".contains(c);
    match text.chars().all(is_plain) {
        true => text,
        false => format!("'{text}'"),
    }
}

fn is_id(name: &str) -> bool {
    name.ends_with("Id")
}

/// Something that may stand in a field of this name.
fn word_for(name: &str) -> &'static str {
    match name {
        "text" | "input" => "Write the tests first.",
        "title" | "name" => "Tests first",
        "keyPath" => "model",
        "key" => "colour",
        "value" => "gpt-6",
        "serverName" => "docs",
        "words" => "Not this way.",
        "cursor" => "next",
        name if is_id(name) => "0199a1b2-…",
        _ => "text",
    }
}

/// `filesystemSandbox` as a flag.
pub(super) fn kebab(name: &str) -> String {
    let mut flag = String::new();
    for c in name.chars() {
        match c {
            c if c.is_ascii_uppercase() => {
                flag.push('-');
                flag.push(c.to_ascii_lowercase());
            }
            '_' => flag.push('-'),
            c => flag.push(c),
        }
    }
    flag
}
