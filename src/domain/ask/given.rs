//! What somebody decides about an ask: held against what was asked before it goes out, and what of it is kept.

use super::decision::{Decision, Needs};
use super::rule::Wish;
use super::{Access, Ask, Question, What, form};
use crate::domain::limits::check_text;
use crate::domain::refusal::Refusal;
use crate::domain::sentence::{Sentence, say};
use crate::domain::shown::short;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

/// Bytes of a tool's result that are kept. A longer one that could not be sent has to be given again.
const MAX_KEPT_RESULT: usize = 64 * 1024;

/// Texts by the question that they answer.
pub type Answers = BTreeMap<String, Vec<String>>;

/// What somebody wants, as it came in. May hold secrets, so it shows nothing of itself.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Given {
    /// Which decision.
    pub decision: String,
    /// Answers to questions; one text may stand without its list.
    #[serde(default, deserialize_with = "texts")]
    pub answers: Answers,
    /// What was filled into a form.
    #[serde(default)]
    pub content: Option<Value>,
    /// What is granted of what was asked; `None` is all of it.
    #[serde(default)]
    pub permissions: Option<Access>,
    /// What the session is told with a no.
    #[serde(default)]
    pub words: Option<String>,
    /// With `accept`: the rule that shall answer the same from now on.
    #[serde(default)]
    pub rule: Option<Wish>,
}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Given")
            .field("decision", &self.decision)
            .finish_non_exhaustive()
    }
}

fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Answers, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Texts {
        One(String),
        Many(Vec<String>),
    }
    let all = BTreeMap::<String, Texts>::deserialize(deserializer)?;
    let list = |texts| match texts {
        Texts::One(text) => vec![text],
        Texts::Many(texts) => texts,
    };
    Ok(all.into_iter().map(|(id, it)| (id, list(it))).collect())
}

/// A decision that fits what was asked. May hold secrets, so it shows nothing of itself.
#[derive(Clone, PartialEq)]
pub struct Checked {
    /// Which of those that were offered.
    pub decision: Decision,
    /// Answers to all questions, if those were asked.
    pub answers: Answers,
    /// What was filled into a form.
    pub content: Option<Value>,
    /// What is granted, if that is what was asked.
    pub permissions: Option<Access>,
    /// What the session is told.
    pub words: Option<String>,
}

impl fmt::Debug for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checked")
            .field("decision", &self.decision)
            .finish_non_exhaustive()
    }
}

/// What is kept of a decision: everything but answers that are secret.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    /// Which decision, by its id.
    pub decision: String,
    /// Answers to questions.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub answers: Answers,
    /// What was filled into a form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Value>,
    /// What was granted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions: Option<Access>,
    /// What the session was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub words: Option<String>,
    /// Questions and fields that were answered, with what is kept nowhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub withheld: Vec<String>,
    /// Whether nobody told this, and it follows from what was done or not done.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub inferred: bool,
}

impl Checked {
    /// What is kept of it.
    pub fn kept(&self, what: &What) -> Reply {
        let mut answers = self.answers.clone();
        let mut content = self.content.clone();
        let mut withheld = Vec::new();
        if let What::Questions { questions, .. } = what {
            // Of what is over not every question is remembered: the answer to one that is not may be secret.
            let is_open = |id: &String| questions.iter().any(|it| it.id == *id && !it.is_secret);
            answers.retain(|id, _| {
                let keeps = is_open(id);
                withheld.extend((!keeps).then(|| id.clone()));
                keeps
            });
        }
        if let (What::Form { schema, .. }, Some(fields)) = (what, &mut content) {
            withheld.extend(withhold(schema, fields));
        }
        if let What::ToolCall { .. } = what {
            let long = content.take_if(|it| it.to_string().len() > MAX_KEPT_RESULT);
            withheld.extend(long.map(|_| "content".to_owned()));
        }
        Reply {
            decision: self.decision.id().to_owned(),
            answers,
            content,
            permissions: self.permissions.clone(),
            words: self.words.clone(),
            withheld,
            inferred: false,
        }
    }

    /// The decision that was kept, if nothing of it was secret.
    pub fn of(ask: &Ask, reply: &Reply) -> Option<Self> {
        let decision = ask.takes(&reply.decision)?;
        reply.withheld.is_empty().then(|| Self {
            decision,
            answers: reply.answers.clone(),
            content: reply.content.clone(),
            permissions: reply.permissions.clone(),
            words: reply.words.clone(),
        })
    }
}

/// Takes what is secret out of what was filled into a form, and names it. Where the schema was too long to keep, nobody can tell what is secret.
fn withhold(schema: &Value, content: &mut Value) -> Vec<String> {
    let Value::Object(fields) = content else {
        *content = Value::Null;
        return vec!["content".to_owned()];
    };
    if !schema.is_object() {
        return std::mem::take(fields).into_iter().map(|it| it.0).collect();
    }
    let secret = form::secret_fields(schema).into_iter();
    secret
        .filter(|field| fields.remove(field).is_some())
        .collect()
}

impl Ask {
    /// Holds what somebody decides against what was asked. Codex checks neither options nor forms.
    ///
    /// # Errors
    /// A sentence that names the field.
    pub fn check(&self, given: Given) -> Result<Checked, Refusal> {
        let decision = self.takes(&given.decision);
        let decision = decision.ok_or_else(|| self.not_offered(&given.decision))?;
        let needs = decision.needs(&self.what);
        let superfluous = [
            (
                "answers",
                Needs::Answers,
                !given.answers.is_empty(),
                say!("refusal.ask.no_question"),
            ),
            (
                "content",
                Needs::Content,
                given.content.is_some(),
                say!("refusal.ask.no_form"),
            ),
            (
                "permissions",
                Needs::Permissions,
                given.permissions.is_some(),
                say!("refusal.ask.no_permissions"),
            ),
            (
                "words",
                Needs::Words,
                given.words.is_some(),
                say!("refusal.ask.words_with_no"),
            ),
        ];
        for (field, needed, is_there, why) in superfluous {
            if is_there && needs != Some(needed) {
                let decision = decision.id();
                let message = say!("refusal.ask.field_not_wanted", field, decision, why => why);
                return Err(Refusal::invalid("field_not_wanted", message));
            }
        }
        if given.rule.is_some() && decision != Decision::Accept {
            let message = say!("refusal.rule.without_accept");
            return Err(Refusal::invalid("field_not_wanted", message));
        }
        let permissions = match (&self.what, needs) {
            (What::Permissions { access, .. }, Some(Needs::Permissions)) => {
                Some(granted(access, given.permissions)?)
            }
            _ => None,
        };
        if let (What::Questions { questions, .. }, Some(Needs::Answers)) = (&self.what, needs) {
            check_answers(questions, &given.answers)?;
        }
        if let (What::Form { schema, .. }, Some(Needs::Content)) = (&self.what, needs) {
            form::check(schema, given.content.as_ref())?;
        }
        if let What::ToolCall { .. } = &self.what {
            check_result(given.content.as_ref().unwrap_or(&Value::Null))?;
        }
        let words = given.words.filter(|words| !words.trim().is_empty());
        if let Some(words) = &words {
            check_text(words, "words")?;
            if self.session_id.is_none() {
                let message = say!("refusal.ask.no_session");
                return Err(Refusal::invalid("no_session", message));
            }
        }
        Ok(Checked {
            decision,
            answers: given.answers,
            content: given.content,
            permissions,
            words,
        })
    }

    fn not_offered(&self, id: &str) -> Refusal {
        let offered: Vec<&str> = self.offered.iter().map(Decision::id).collect();
        let offered = match &offered[..] {
            [] => say!("refusal.ask.in_terminal_only"),
            ids => say!("refusal.ask.offered", ids => Sentence::names(ids.iter().copied())),
        };
        let id = short(id);
        let message = say!("refusal.ask.decision_not_offered", id, offered => offered);
        Refusal::invalid("decision_not_offered", message)
    }
}

/// What a tool answered must be what Codex takes: anything else would end the call in a way that nobody is told of.
fn check_result(result: &Value) -> Result<(), Refusal> {
    let is_item = |it: &Value| match it["type"].as_str() {
        Some("inputText") => it["text"].is_string(),
        Some("inputImage") => it["imageUrl"].is_string(),
        _ => false,
    };
    let items = result["contentItems"].as_array();
    match result["success"].is_boolean() && items.is_some_and(|all| all.iter().all(is_item)) {
        true => Ok(()),
        false => Err(Refusal::invalid(
            "tool_result",
            say!("refusal.ask.tool_result"),
        )),
    }
}

fn check_answers(questions: &[Question], answers: &Answers) -> Result<(), Refusal> {
    let ids = || questions.iter().map(|question| question.id.as_str());
    for id in answers.keys() {
        if !ids().any(|known| known == id) {
            let (id, known) = (short(id), Sentence::names(ids()));
            let message = say!("refusal.ask.unknown_question", id, known => known);
            return Err(Refusal::invalid("unknown_question", message));
        }
    }
    for question in questions {
        let field = format!("answers.{}", short(&question.id));
        let texts = answers.get(&question.id).map_or(&[][..], Vec::as_slice);
        let [first, notes @ ..] = texts else {
            let message = say!("refusal.ask.question_not_answered", field);
            return Err(Refusal::invalid("question_not_answered", message));
        };
        for text in texts {
            check_text(text, &field)?;
        }
        if question.takes_text() {
            if first.trim().is_empty() {
                let message = say!("refusal.ask.answer_empty", field);
                return Err(Refusal::invalid("question_not_answered", message));
            }
            continue;
        }
        let options = || question.options.iter().map(|option| option.label.as_str());
        if !options().any(|label| label == first) || !notes.is_empty() {
            let labels = options().map(|label| format!("`{}`", short(label)));
            // A secret must not come back in a sentence.
            let message =
                say!("refusal.ask.option_not_offered", field, labels => Sentence::names(labels));
            return Err(Refusal::invalid("option_not_offered", message));
        }
    }
    Ok(())
}

/// What is granted: some of what was asked, never more.
fn granted(asked: &Access, wanted: Option<Access>) -> Result<Access, Refusal> {
    let Some(wanted) = wanted else {
        return Ok(asked.clone());
    };
    let more = |field: &str, what: &str| {
        let message = say!("refusal.ask.more_than_asked", field, what = short(what));
        Refusal::invalid("more_than_asked", message)
    };
    if wanted.network == Some(true) && asked.network != Some(true) {
        return Err(more("network", "true"));
    }
    for (field, wanted, asked) in [
        ("read", &wanted.read, &asked.read),
        ("write", &wanted.write, &asked.write),
    ] {
        if let Some(path) = wanted.iter().find(|path| !asked.contains(path)) {
            return Err(more(field, path));
        }
    }
    if let Some(entry) = wanted.entries.iter().find(|it| !asked.entries.contains(it)) {
        return Err(more("entries", &entry.to_string()));
    }
    if wanted.network != Some(true)
        && wanted.read.is_empty()
        && wanted.write.is_empty()
        && wanted.entries.is_empty()
    {
        let message = say!("refusal.ask.nothing_granted");
        return Err(Refusal::invalid("nothing_granted", message));
    }
    // How deep patterns look belongs to the patterns.
    let scan_depth = asked.scan_depth.filter(|_| !wanted.entries.is_empty());
    Ok(Access {
        network: wanted.network.filter(|it| *it),
        scan_depth,
        ..wanted
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn without_a_schema_nothing_of_a_form_is_kept() {
        let secret = json!({"properties": {"pin": {"format": "password"}}});
        let filled = json!({"name": "Mei", "pin": "48151623"});
        for (schema, content, kept, withheld) in [
            (&secret, &filled, json!({"name": "Mei"}), vec!["pin"]),
            (&json!(null), &filled, json!({}), vec!["name", "pin"]),
            (&json!("{\"prop…"), &filled, json!({}), vec!["name", "pin"]),
            (&json!(null), &json!({}), json!({}), vec![]),
            (&secret, &json!("48151623"), json!(null), vec!["content"]),
        ] {
            let what = What::Form {
                server: "forms".to_owned(),
                message: String::new(),
                schema: schema.clone(),
            };
            let checked = Checked {
                decision: Decision::Accept,
                answers: Answers::new(),
                content: Some(content.clone()),
                permissions: None,
                words: None,
            };
            let reply = checked.kept(&what);
            assert_eq!(
                (reply.content, reply.withheld),
                (
                    Some(kept),
                    withheld.into_iter().map(str::to_owned).collect()
                ),
                "{schema}"
            );
        }
    }

    #[test]
    fn a_path_that_codex_tells_twice_is_shown_once() {
        let plain = |path: &str, access: &str| json!({"access": access, "path": {"type": "path", "path": path}});
        let pattern =
            json!({"access": "write", "path": {"type": "glob_pattern", "pattern": "/c/**"}});
        let access = Access {
            read: vec!["/a".to_owned()],
            write: vec!["/c".to_owned()],
            entries: vec![
                plain("/a", "read"),
                plain("/c", "write"),
                plain("/c", "none"),
                plain("/a", "write"),
                pattern.clone(),
            ],
            ..Access::default()
        };
        let shown: Vec<&Value> = access.other_entries().collect();
        assert_eq!(
            shown,
            [&plain("/c", "none"), &plain("/a", "write"), &pattern]
        );
    }
}
