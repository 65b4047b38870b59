//! What a schema of the document means on a command line.

use super::names;
use serde_json::Value;

/// What a value looks like.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// Text.
    Text,
    /// Text that stands in a file or comes from standard input, never on the command line.
    Secret,
    /// A whole number between two.
    Number(i64, i64),
    /// Yes or no.
    Boolean,
    /// One of these words.
    Choice(Vec<String>),
    /// Any number of texts.
    Texts,
    /// Any JSON; what is none is text.
    Any,
    /// JSON of some shape.
    Json,
}

/// One value that a request can carry.
#[derive(Debug, Clone)]
pub(super) struct Property<'a> {
    pub(super) name: &'a str,
    pub(super) schema: Shape<'a>,
    pub(super) is_required: bool,
    /// For which of several forms of the body it is, where not for all.
    pub(super) of_forms: Option<String>,
}

/// A schema with its references followed.
#[derive(Debug, Clone)]
pub(super) struct Shape<'a> {
    components: &'a Value,
    resolved: &'a Value,
    /// The nearest description.
    pub(super) about: Option<&'a str>,
    /// The nearest default.
    pub(super) default: Option<&'a Value>,
    pub(super) is_nullable: bool,
}

impl<'a> Shape<'a> {
    pub(super) fn of(components: &'a Value, schema: &'a Value) -> Self {
        let mut shape = Self {
            components,
            resolved: schema,
            about: None,
            default: None,
            is_nullable: false,
        };
        // References of a document that is sound end; a circle must not hang the command line.
        for _ in 0..16 {
            let here = shape.resolved;
            shape.about = shape.about.or(here["description"].as_str());
            shape.default = shape.default.or(here.get("default"));
            let kinds = here["type"].as_array();
            shape.is_nullable |= kinds.is_some_and(|kinds| kinds.iter().any(|it| it == "null"));
            if let Some(reference) = here["$ref"].as_str() {
                let name = reference.rsplit('/').next().unwrap_or_default();
                shape.resolved = &components["schemas"][name];
                continue;
            }
            let choices = here["oneOf"].as_array().or(here["anyOf"].as_array());
            let choices = choices.map(|all| {
                let is_null = |it: &&Value| it["type"] == "null";
                let others: Vec<&Value> = all.iter().filter(|it| !is_null(it)).collect();
                (all.len() > others.len(), others)
            });
            match choices {
                Some((nullable, others)) if others.len() == 1 => {
                    shape.is_nullable |= nullable;
                    shape.resolved = others[0];
                }
                _ => break,
            }
        }
        shape
    }

    fn kind_name(&self) -> Option<&'a str> {
        match &self.resolved["type"] {
            Value::Array(kinds) => kinds.iter().find(|it| *it != "null")?.as_str(),
            kind => kind.as_str(),
        }
    }

    /// What its values look like on a command line.
    pub(super) fn kind(&self, name: &str) -> Kind {
        let resolved = self.resolved;
        if let Some(words) = resolved["enum"].as_array() {
            let words = words.iter().filter_map(Value::as_str);
            return Kind::Choice(words.map(str::to_owned).collect());
        }
        let bound = |name: &str, otherwise| resolved[name].as_i64().unwrap_or(otherwise);
        match self.kind_name() {
            Some("string") if names::SECRETS.contains(&name) => Kind::Secret,
            Some("string") => Kind::Text,
            Some("integer") => Kind::Number(bound("minimum", i64::MIN), bound("maximum", i64::MAX)),
            Some("boolean") => Kind::Boolean,
            Some("array") => {
                let items = Self::of(self.components, &resolved["items"]);
                match items.kind_name() {
                    Some("string") if items.resolved["enum"].is_null() => Kind::Texts,
                    _ => Kind::Json,
                }
            }
            None if self.forms().is_empty() && resolved["properties"].is_null() => Kind::Any,
            _ => Kind::Json,
        }
    }

    /// Whether a person names its fields one by one.
    pub(super) fn is_record(&self) -> bool {
        self.kind_name() == Some("object") && self.resolved["properties"].is_object()
    }

    fn forms(&self) -> Vec<&'a Value> {
        let forms = self.resolved["oneOf"].as_array();
        forms.into_iter().flatten().collect()
    }

    /// The fields of a record, or of several forms of one, each once.
    pub(super) fn properties(&self) -> Vec<Property<'a>> {
        let forms = self.forms();
        let forms = if forms.is_empty() {
            vec![self.resolved]
        } else {
            forms
        };
        let requires = |form: &Value, name: &str| {
            let required = form["required"].as_array().into_iter().flatten();
            required.into_iter().any(|it| it == name)
        };
        let mut all: Vec<Property<'a>> = Vec::new();
        for form in &forms {
            for (name, schema) in form["properties"].as_object().into_iter().flatten() {
                if all.iter().any(|it| it.name == name) {
                    continue;
                }
                let having = forms
                    .iter()
                    .filter(|it| it["properties"].get(name).is_some());
                let of_forms = (having.clone().count() < forms.len()).then(|| {
                    having
                        .filter_map(|form| tag(form))
                        .collect::<Vec<_>>()
                        .join(", ")
                });
                all.push(Property {
                    name,
                    schema: Shape::of(self.components, schema),
                    is_required: forms.iter().all(|form| requires(form, name)),
                    of_forms,
                });
            }
        }
        all
    }

    /// What tells the forms of a record apart: the words that a field has in one form each.
    pub(super) fn words_of_forms(&self, name: &str) -> Vec<String> {
        let words = self.forms().into_iter().filter_map(|form| {
            let word = &form["properties"][name]["enum"][0];
            word.as_str().map(str::to_owned)
        });
        words.collect()
    }
}

/// The word that a form of a record is known by.
fn tag(form: &Value) -> Option<&str> {
    let fields = form["properties"].as_object()?;
    let mut words = fields.values().filter_map(|it| it["enum"].as_array());
    words.find(|words| words.len() == 1)?[0].as_str()
}
