//! What one request of Codex says: whose it is, of which kind, and the texts in it. Reads only; decides nothing.

use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a request is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The agent's work.
    #[default]
    Turn,
    /// The summary of a long conversation.
    Compaction,
    /// A TUI asks for a title of an unnamed thread, in a hidden thread of its own.
    Title,
}

/// The output of one tool call, as the model gets it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolOutput {
    /// The call that it answers.
    pub call_id: String,
    /// The text.
    pub output: String,
}

/// One request, taken apart.
#[derive(Debug, Clone, Default)]
pub(crate) struct Conversation {
    pub thread_id: String,
    pub turn_id: String,
    pub model: String,
    pub kind: Kind,
    pub user_texts: Vec<String>,
    pub tool_names: Vec<String>,
    pub outputs: Vec<ToolOutput>,
    /// Every text of the input in order, context and developer messages too.
    pub all_texts: Vec<String>,
    pub code_mode: bool,
}

/// How the title request of Codex's TUI begins.
const TITLE_REQUEST: &str = "Generate a concise, single-line task title";

/// User messages that Codex itself puts in front of what a person or a program said.
const CONTEXT_MESSAGES: [&str; 4] = [
    "<environment_context>",
    "<user_instructions>",
    "# AGENTS.md instructions",
    "<turn_aborted>",
];

impl Conversation {
    pub fn read(headers: &HeaderMap, body: &Value) -> Self {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let metadata: Value = header("x-codex-turn-metadata")
            .and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or(Value::Null);
        let client = &body["client_metadata"];
        let thread_id = header("thread-id")
            .or_else(|| metadata["thread_id"].as_str())
            .or_else(|| client["thread_id"].as_str())
            .or_else(|| body["prompt_cache_key"].as_str());
        let mut read = Self {
            thread_id: thread_id.unwrap_or_default().to_owned(),
            turn_id: metadata["turn_id"].as_str().unwrap_or_default().to_owned(),
            model: body["model"].as_str().unwrap_or_default().to_owned(),
            ..Self::default()
        };
        for tool in list(&body["tools"]) {
            read.tool(tool, "");
        }
        for item in list(&body["input"]) {
            read.item(item);
        }
        let last = read.last_user();
        read.kind = if metadata["request_kind"] == "compaction" {
            Kind::Compaction
        } else if last.starts_with(TITLE_REQUEST) {
            Kind::Title
        } else {
            Kind::Turn
        };
        read
    }

    pub fn first_user(&self) -> &str {
        self.user_texts.first().map_or("", String::as_str)
    }

    pub fn last_user(&self) -> &str {
        self.user_texts.last().map_or("", String::as_str)
    }

    fn tool(&mut self, tool: &Value, namespace: &str) {
        let name = tool["name"]
            .as_str()
            .or_else(|| tool["type"].as_str())
            .unwrap_or_default();
        if tool["type"] == "namespace" {
            for inner in list(&tool["tools"]) {
                self.tool(inner, name);
            }
        } else if namespace.is_empty() {
            self.tool_names.push(name.to_owned());
        } else {
            self.tool_names.push(format!("{namespace}.{name}"));
        }
    }

    fn item(&mut self, item: &Value) {
        match item["type"].as_str().unwrap_or("message") {
            "message" => {
                let text = text_of(&item["content"]);
                if item["role"] == "user"
                    && !CONTEXT_MESSAGES
                        .iter()
                        .any(|start| text.trim_start().starts_with(start))
                {
                    self.user_texts.push(text.clone());
                }
                self.all_texts.push(text);
            }
            "function_call_output" | "custom_tool_call_output" | "tool_search_output" => {
                let text = text_of(&item["output"]);
                let call_id = item["call_id"].as_str().unwrap_or_default().to_owned();
                self.all_texts.push(text.clone());
                self.outputs.push(ToolOutput {
                    call_id,
                    output: text,
                });
            }
            // Models in code mode get their tools here instead of in the body's `tools`.
            "additional_tools" => {
                for tool in list(&item["tools"]) {
                    self.tool(tool, "");
                }
                self.code_mode = self.tool_names.iter().any(|name| name == "functions.exec");
            }
            _ => self.all_texts.push(item.to_string()),
        }
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The text of a message's content or of a tool's output: a string, or a list of parts.
fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts: Vec<&str> = parts
                .iter()
                .filter_map(|part| part["text"].as_str())
                .collect();
            texts.join("\n")
        }
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
