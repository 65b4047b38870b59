//! Codex's configuration, without what is secret in it.

use super::ceilings::By;
use super::{Harness, Refused};
use crate::domain::harness::ceilings::Act;
use serde_json::{Map, Value, json};

/// What stands in place of a secret.
pub const BLANK: &str = "***";

/// Tables whose every text is secret: what programs get as environment, and what goes to servers.
const SECRET_TABLES: [&str; 6] = [
    "env",
    "set",
    "headers",
    "http_headers",
    "query_params",
    "httpheaders",
];
/// What the names of secrets have in them.
const SECRET_WORDS: [&str; 11] = [
    "token",
    "secret",
    "password",
    "passwd",
    "passphrase",
    "apikey",
    "api_key",
    "api-key",
    "private_key",
    "credential",
    "authorization",
];
/// Names that only say where a secret is.
const PLACES: [&str; 6] = ["_env_var", "env_key", "_file", "_path", "_store", "_url"];

impl Harness {
    /// The configuration in force in a folder; without a folder in the repository.
    ///
    /// # Errors
    /// When the folder is outside of the repository; else what Codex says, by cause.
    pub async fn configuration(
        &self,
        by: &By,
        cwd: Option<&str>,
        include_layers: bool,
    ) -> Result<Value, Refused> {
        let cwd = self.folder(by, cwd).await?;
        let params = json!({"cwd": cwd, "includeLayers": include_layers});
        let mut answer = self.call("config/read", params).await?;
        if let Value::Object(parts) = &mut answer {
            // Where a value comes from stands under the value's name, and is none.
            for (_, part) in parts.iter_mut().filter(|(name, _)| *name != "origins") {
                blank(part);
            }
        }
        Ok(answer)
    }

    /// Writes something into the configuration.
    ///
    /// # Errors
    /// When a person does not let the caller; else what Codex says, by cause.
    pub async fn configure(&self, by: &By, method: &str, params: Value) -> Result<Value, Refused> {
        self.allows_act(by, Act::ConfigWrites).await?;
        self.call(method, params).await
    }
}

/// Blanks whatever looks like a secret.
fn blank(value: &mut Value) {
    match value {
        Value::Object(table) => blank_table(table),
        Value::Array(list) => {
            blank_arguments(list);
            list.iter_mut().for_each(blank);
        }
        Value::String(text) => blank_url(text),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn blank_table(table: &mut Map<String, Value>) {
    for (name, value) in table {
        match is_secret(name) {
            true => blank_all(value),
            false => blank(value),
        }
    }
}

/// Blanks every text.
fn blank_all(value: &mut Value) {
    match value {
        Value::String(text) => BLANK.clone_into(text),
        Value::Array(list) => list.iter_mut().for_each(blank_all),
        Value::Object(table) => table.values_mut().for_each(blank_all),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn is_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    let is_place = PLACES.iter().any(|place| name.ends_with(place));
    SECRET_TABLES.contains(&name.as_str())
        || !is_place && SECRET_WORDS.iter().any(|word| name.contains(word))
}

/// A command line: `--token=x`, and what comes after `--token`.
fn blank_arguments(list: &mut [Value]) {
    let mut follows = false;
    for value in list {
        let Value::String(text) = value else {
            follows = false;
            continue;
        };
        let is_option = text.starts_with('-');
        if follows && !is_option {
            BLANK.clone_into(text);
        }
        follows = false;
        if is_option {
            let name = text.split('=').next().unwrap_or_default();
            let name = name.to_owned();
            if is_secret(&name) {
                match text.contains('=') {
                    true => *text = format!("{name}={BLANK}"),
                    false => follows = true,
                }
            }
        }
    }
}

/// An address: who logs in with it.
fn blank_url(text: &mut String) {
    let Some((scheme, rest)) = text.split_once("://") else {
        return;
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    if let Some((_, host)) = rest[..end].rsplit_once('@') {
        *text = format!("{scheme}://{BLANK}@{host}{}", &rest[end..]);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn secrets_are_blanked_and_everything_else_stays() {
        let mut config = json!({
            "model": "m",
            "model_auto_compact_token_limit": 5,
            "cli_auth_credentials_store": "file",
            "model_providers": {"p": {
                "base_url": "https://me:pw@host/v1?x=1",
                "env_key": "OPENAI_API_KEY",
                "experimental_bearer_token": "sk",
                "http_headers": {"x": "sk"},
                "env_http_headers": {"x": "NAME"},
            }},
            "mcp_servers": {"s": {
                "command": "prog",
                "args": ["--token", "sk", "--api-key=sk", "--verbose", "a", "--token", "--x"],
                "env": {"A": "sk", "B": "sk"},
                "bearer_token_env_var": "NAME",
            }},
            "shell_environment_policy": {"set": {"A": "sk"}, "inherit": "core"},
        });
        blank(&mut config);
        let expected = json!({
            "model": "m",
            "model_auto_compact_token_limit": 5,
            "cli_auth_credentials_store": "file",
            "model_providers": {"p": {
                "base_url": "https://***@host/v1?x=1",
                "env_key": "OPENAI_API_KEY",
                "experimental_bearer_token": "***",
                "http_headers": {"x": "***"},
                "env_http_headers": {"x": "NAME"},
            }},
            "mcp_servers": {"s": {
                "command": "prog",
                "args": ["--token", "***", "--api-key=***", "--verbose", "a", "--token", "--x"],
                "env": {"A": "***", "B": "***"},
                "bearer_token_env_var": "NAME",
            }},
            "shell_environment_policy": {"set": {"A": "***"}, "inherit": "core"},
        });
        assert_eq!(config, expected);
    }
}
