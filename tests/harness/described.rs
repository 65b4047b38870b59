//! The operations as the document describes them, and whether an answer is one of those that it promises.

use crate::bot::Bot;
use crate::document::operations;
use crate::rig::PREFIX;
use crate::support::House;
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use zhongshu::client::ClientError;

/// An operation.
#[derive(Debug, Clone)]
pub struct Operation {
    pub id: String,
    pub method: String,
    /// Its path behind the prefix, with names in braces.
    pub path: String,
    /// All that the document says of it.
    pub described: Value,
}

impl Operation {
    /// The path with these in place of its names.
    pub fn at(&self, of_name: impl Fn(&str) -> String) -> String {
        let parts = self.path.split(['{', '}']).enumerate();
        let filled = parts.map(|(number, part)| match number % 2 {
            0 => part.to_owned(),
            _ => of_name(part),
        });
        filled.collect()
    }

    /// Whether its path has this name.
    pub fn is_of(&self, name: &str) -> bool {
        self.path.contains(&format!("{{{name}}}"))
    }

    /// The schema of what it takes; `None` for nothing.
    pub fn takes(&self) -> Option<&Value> {
        let medium = &self.described["requestBody"]["content"]["application/json"];
        medium.get("schema")
    }

    /// Its query parameters: names and schemas.
    pub fn query(&self) -> Vec<(&str, &Value)> {
        let all = self.described["parameters"].as_array();
        let all = all.into_iter().flatten();
        let all = all.filter(|it| it["in"] == "query");
        all.map(|it| (it["name"].as_str().unwrap(), &it["schema"]))
            .collect()
    }
}

/// What the document promises.
pub struct Document {
    pub operations: Vec<Operation>,
    pub components: Value,
    schemas: boon::Schemas,
    compiler: boon::Compiler,
    known: HashMap<String, boon::SchemaIndex>,
}

const FILE: &str = "answers.json";

impl Document {
    /// The one that is served.
    pub fn served() -> Self {
        let document = zhongshu::web::harness::document();
        let all = operations(&document).into_iter();
        let all = all.map(|(method, path, described)| Operation {
            id: described["operationId"].as_str().unwrap().to_owned(),
            method,
            path: path.strip_prefix(PREFIX).unwrap().to_owned(),
            described,
        });
        let operations: Vec<_> = all.collect();
        assert!(operations.len() > 60, "the operations were not found");
        let components = document["components"].clone();
        // Under plain names, so that each can be pointed to.
        let mut answers = Map::new();
        for operation in &operations {
            for (status, answer) in operation.described["responses"].as_object().unwrap() {
                let schema = &answer["content"]["application/json"]["schema"];
                if schema.is_object() {
                    answers.insert(format!("{}-{status}", operation.id), schema.clone());
                }
            }
        }
        let mut compiler = boon::Compiler::new();
        compiler.enable_format_assertions();
        let whole = json!({ "components": components, "answers": answers });
        compiler.add_resource(FILE, whole).unwrap();
        Self {
            operations,
            components,
            schemas: boon::Schemas::new(),
            compiler,
            known: HashMap::new(),
        }
    }

    /// Whether an operation may answer so.
    pub fn promises(&mut self, operation: &Operation, answer: &Answer) -> Result<(), String> {
        let status = answer.status.to_string();
        let promised = &operation.described["responses"][&status];
        if promised.is_null() {
            return Err(format!("{status} is not described"));
        }
        if !promised["content"].is_object() {
            return Ok(());
        }
        let name = format!("{}-{status}", operation.id);
        let index = match self.known.get(&name) {
            Some(index) => *index,
            None => {
                let at = format!("{FILE}#/answers/{name}");
                let compiled = self.compiler.compile(&at, &mut self.schemas);
                let index = compiled.map_err(|error| format!("{at}: {error:#}"))?;
                self.known.insert(name, index);
                index
            }
        };
        let fits = self.schemas.validate(&answer.body, index);
        fits.map_err(|error| format!("{error:#}"))
    }
}

/// What was answered.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
}

impl Answer {
    /// One that failed inside: of Codex's reasons, one that nobody knows; of ours, a defect.
    pub fn is_failure(&self) -> bool {
        self.status == 500
    }

    pub fn is_done(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

impl House {
    /// Sends an operation's request as the person. It is on its way when this is polled, whatever becomes of the house.
    pub fn sends(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> impl Future<Output = Result<Answer, ClientError>> + Send + use<> {
        let (client, method) = (self.client(), method.to_owned());
        let path = format!("{PREFIX}{path}");
        let body = body.or_else(|| (method != "GET").then(|| json!({})));
        let body = body.map(|body| body.to_string());
        async move {
            let reply = client.request(&method, &path, body.as_deref()).await?;
            Ok(Answer {
                status: reply.status.as_u16(),
                body: serde_json::from_slice(&reply.body).unwrap_or(Value::Null),
            })
        }
    }
}

impl Bot {
    /// Sends an operation's request; without a body, no word of one.
    pub async fn send(&self, method: &str, path: &str, body: Option<(&str, Vec<u8>)>) -> Answer {
        let method: reqwest::Method = method.parse().unwrap();
        let url = format!("{}{PREFIX}{path}", self.url);
        let mut attempts = 0;
        loop {
            let request = self.http.request(method.clone(), &url);
            let mut request = request.bearer_auth(&self.token);
            if let Some((kind, body)) = &body {
                request = request.header("Content-Type", *kind).body(body.clone());
            }
            match request.send().await {
                Ok(answer) => {
                    let status = answer.status().as_u16();
                    let body = answer.bytes().await.unwrap();
                    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
                    return Answer { status, body };
                }
                // Of what is too large the rest is not read, and who still writes it may not get to read the answer.
                Err(error) => {
                    attempts += 1;
                    let is_large = body.as_ref().is_some_and(|(_, it)| it.len() > 1 << 20);
                    assert!(is_large && attempts < 50, "{method} {path}: {error:?}");
                }
            }
        }
    }
}
