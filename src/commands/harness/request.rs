//! What is sent: the words and flags of a line, put where the document says.

use crate::cli::harness::{BODY, Field, Kind, Operation, Place};
use crate::client::ClientError;
use crate::commands::error::CommandError;
use crate::commands::input;
use crate::commands::transcript::escaped;
use clap::ArgMatches;
use serde_json::{Map, Value, json};

/// A request to the harness.
#[derive(Debug, PartialEq)]
pub(super) struct Request {
    pub(super) method: String,
    /// Behind the prefix, with its parameters.
    pub(super) path: String,
    pub(super) body: Option<Value>,
}

impl Request {
    /// One that changes nothing.
    pub(super) fn look(path: &str) -> Self {
        Self {
            method: "GET".to_owned(),
            path: path.to_owned(),
            body: None,
        }
    }
}

/// What the line asks of an operation.
pub(super) fn of(operation: &Operation, given: &ArgMatches) -> Result<Request, CommandError> {
    let mut path = operation.path.clone();
    let mut query = Vec::new();
    let whole = match operation.takes_body {
        true => given.get_one::<String>(BODY),
        false => None,
    };
    let mut body = whole.map_or(Ok(json!({})), |text| json_of("--body", text))?;
    for field in &operation.fields {
        let Some(value) = value(field, given)? else {
            continue;
        };
        let text = || match &value {
            Value::String(text) => escaped(text),
            other => escaped(&other.to_string()),
        };
        match field.place {
            Place::Path => path = path.replace(&format!("{{{}}}", field.name()), &text()),
            Place::Query => query.push(format!("{}={}", field.name(), text())),
            Place::Body => put(&mut body, &field.path, value)?,
        }
    }
    if !query.is_empty() {
        path = format!("{path}?{}", query.join("&"));
    }
    Ok(Request {
        method: operation.method.clone(),
        path,
        body: operation.takes_body.then_some(body),
    })
}

/// `request METHOD PATH`.
pub(super) fn raw(given: &ArgMatches) -> Result<Request, CommandError> {
    let text = |name: &str| given.get_one::<String>(name).cloned().unwrap_or_default();
    let mut path = text("path");
    if !path.is_empty() && !path.starts_with('/') {
        let message = "a path begins with `/`, such as /sessions".to_owned();
        return Err(ClientError::BadRequest(message).into());
    }
    for pair in given.get_many::<String>("query").into_iter().flatten() {
        let (name, value) = pair.split_once('=').ok_or_else(|| {
            CommandError::Usage(format!("--query {pair}: NAME=VALUE is expected"))
        })?;
        let separator = if path.contains('?') { '&' } else { '?' };
        path.push_str(&format!("{separator}{}={}", escaped(name), escaped(value)));
    }
    let body = given.get_one::<String>(BODY);
    Ok(Request {
        method: text("method").to_ascii_uppercase(),
        path,
        body: body.map(|text| json_of("--body", text)).transpose()?,
    })
}

/// What the line says of a field.
fn value(field: &Field, given: &ArgMatches) -> Result<Option<Value>, CommandError> {
    let id = field.id();
    let flag = || format!("--{}", field.flag());
    let text = || given.get_one::<String>(&id);
    Ok(match &field.kind {
        Kind::Boolean => given.get_one::<bool>(&id).map(|it| json!(it)),
        Kind::Number(..) => given.get_one::<i64>(&id).map(|it| json!(it)),
        Kind::Texts => given
            .get_many::<String>(&id)
            .map(|all| json!(all.collect::<Vec<_>>())),
        Kind::Text if field.takes_null && text().is_some_and(|it| it == "null") => {
            Some(Value::Null)
        }
        Kind::Text | Kind::Choice(_) => text().map(|it| json!(it)),
        Kind::Any => text().map(|it| serde_json::from_str(it).unwrap_or_else(|_| json!(it))),
        Kind::Json => text().map(|it| json_of(&flag(), it)).transpose()?,
        Kind::Secret => text().map(|it| secret_of(&flag(), it)).transpose()?,
    })
}

fn json_of(flag: &str, given: &str) -> Result<Value, CommandError> {
    let text = input::read(flag, given)?;
    serde_json::from_str(&text)
        .map_err(|error| CommandError::Usage(format!("{flag}: this is no JSON: {error}")))
}

fn secret_of(flag: &str, given: &str) -> Result<Value, CommandError> {
    if given != "-" && !given.starts_with('@') {
        return Err(CommandError::Usage(format!(
            "{flag} takes @FILE, or - for standard input: everybody on this machine sees what stands on a command line"
        )));
    }
    Ok(json!(input::read(flag, given)?.trim()))
}

/// Puts a value into a body, where its name says.
fn put(body: &mut Value, path: &[String], value: Value) -> Result<(), CommandError> {
    let mut here = body;
    for name in path {
        if here.is_null() {
            *here = Value::Object(Map::new());
        }
        let fields = here.as_object_mut().ok_or_else(|| {
            CommandError::Usage("--body: an object is expected where flags add fields".to_owned())
        })?;
        here = fields.entry(name.clone()).or_insert(Value::Null);
    }
    *here = value;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::cli::harness::{command, every_operation};

    fn asked(line: &[&str]) -> Result<Request, String> {
        let operations = every_operation();
        let matches = command(&operations).try_get_matches_from(line);
        let matches = matches.map_err(|error| error.to_string())?;
        let (group, under) = matches.subcommand().unwrap();
        if group == "request" {
            return raw(under).map_err(|error| error.to_string());
        }
        let (verb, given) = under.subcommand().unwrap();
        let is_it = |it: &&Operation| it.group == group && it.verb == verb;
        let operation = operations.iter().find(is_it).unwrap();
        of(operation, given).map_err(|error| error.to_string())
    }

    fn request(method: &str, path: &str, body: Option<Value>) -> Request {
        Request {
            method: method.to_owned(),
            path: path.to_owned(),
            body,
        }
    }

    #[test]
    fn words_and_flags_go_where_the_document_says() {
        for (line, expected) in [
            (
                &[
                    "sessions",
                    "list",
                    "--limit",
                    "5",
                    "--archived",
                    "--cursor",
                    "a b",
                ][..],
                ("GET", "/sessions?archived=true&cursor=a%20b&limit=5", None),
            ),
            (
                &["sessions", "send", "s/1", "Hello.", "--model", "m"],
                (
                    "POST",
                    "/sessions/s%2F1/messages",
                    Some(json!({"text": "Hello.", "model": "m"})),
                ),
            ),
            (
                &["sessions", "project", "s", "null"],
                (
                    "POST",
                    "/sessions/s/project",
                    Some(json!({"projectId": null})),
                ),
            ),
            (
                &[
                    "controls",
                    "set",
                    "s",
                    "--scope",
                    "session",
                    "--model",
                    "null",
                    "--approval-policy",
                    "never",
                    "--network-access",
                    "restricted",
                    "--filesystem-sandbox",
                    "read-only",
                ],
                (
                    "POST",
                    "/sessions/s/session-controls",
                    Some(json!({"scope": "session", "controls": {"model": null,
                    "approvalPolicy": "never", "networkAccess": "restricted", "filesystemSandbox": "read-only"}})),
                ),
            ),
            (
                &["commands", "exec", "git", "log", "-n", "1"],
                (
                    "POST",
                    "/commands/exec",
                    Some(json!({"command": ["git", "log", "-n", "1"]})),
                ),
            ),
            (
                &["config", "set", "a.b", "3", "--merge-strategy", "replace"],
                (
                    "POST",
                    "/config/value",
                    Some(json!({"keyPath": "a.b", "value": 3, "mergeStrategy": "replace"})),
                ),
            ),
            (
                &[
                    "config",
                    "set",
                    "model",
                    "gpt-6",
                    "--merge-strategy",
                    "upsert",
                ],
                (
                    "POST",
                    "/config/value",
                    Some(json!({"keyPath": "model", "value": "gpt-6", "mergeStrategy": "upsert"})),
                ),
            ),
            (
                &[
                    "projects",
                    "rename",
                    "p",
                    "New",
                    "--body",
                    r#"{"name":"Old","workingDirectory":null}"#,
                ],
                (
                    "POST",
                    "/projects/p/rename",
                    Some(json!({"name": "New", "workingDirectory": null})),
                ),
            ),
            (
                &["skills", "configure", "/a", "--enabled=false"],
                (
                    "POST",
                    "/skills/config",
                    Some(json!({"path": "/a", "enabled": false})),
                ),
            ),
            (
                &["request", "get", "/sessions?limit=1", "--query", "a=b c"],
                ("GET", "/sessions?limit=1&a=b%20c", None),
            ),
        ] {
            let (method, path, body) = expected;
            assert_eq!(asked(line), Ok(request(method, path, body)), "{line:?}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_before_anything_is_sent() {
        for (line, why) in [
            (&["sessions", "send", "s"][..], "required"),
            (&["sessions", "list", "--limit", "0"], "1..=200"),
            (
                &["sessions", "create", "--approval-policy", "seldom"],
                "on-request",
            ),
            (&["projects", "create", "a", "--body", "{"], "no JSON"),
            (
                &["projects", "create", "a", "--body", "[]"],
                "an object is expected",
            ),
            (
                &["account", "login", "apiKey", "--api-key", "sk-1"],
                "@FILE",
            ),
            (&["request", "GET", "sessions"], "begins with `/`"),
            (
                &["request", "GET", "/sessions", "--query", "a"],
                "NAME=VALUE",
            ),
        ] {
            let error = asked(line).unwrap_err();
            assert!(error.contains(why), "{line:?}: {error}");
        }
    }
}
