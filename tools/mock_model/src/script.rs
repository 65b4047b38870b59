//! The script: which requests the model answers with what. Plain data, read from JSON; never does anything itself.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::conversation::Kind;
use crate::limits::{Limits, Usage};

/// Everything that the model is going to say. The default one answers `ok` to every request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// Tried in order; the first that fits and has a step left answers.
    #[serde(default)]
    pub rules: Vec<Rule>,
    /// The answer to a turn that no rule answers; `ok` when absent. Played for each such request; keep it free of calls,
    /// whose outputs would only ask for it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub otherwise: Option<Step>,
}

/// Why a script file could not be used.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// The file could not be read.
    #[error("cannot read the script {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is no script.
    #[error("the script {path} is not valid: {source}")]
    Parse {
        /// The file.
        path: PathBuf,
        /// What is wrong and where.
        source: serde_json::Error,
    },
}

impl Script {
    /// A script of these rules, with `ok` for everything else.
    pub fn new(rules: impl IntoIterator<Item = Rule>) -> Self {
        Self {
            rules: rules.into_iter().collect(),
            otherwise: None,
        }
    }

    /// Reads a script from a JSON file.
    pub fn load(path: &Path) -> Result<Self, ScriptError> {
        let text = std::fs::read_to_string(path).map_err(|source| ScriptError::Read {
            path: path.to_owned(),
            source,
        })?;
        serde_json::from_str(&text).map_err(|source| ScriptError::Parse {
            path: path.to_owned(),
            source,
        })
    }
}

/// One rule: when it fits, and the steps that it plays.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Shown in the record of requests and in errors.
    pub name: String,
    /// Which requests the rule answers; an empty one fits every turn.
    #[serde(default)]
    pub when: When,
    /// What the step counter counts over.
    #[serde(default)]
    pub count: Count,
    /// The n-th request that the rule answers gets the n-th step.
    pub steps: Vec<Step>,
    /// What happens after the last step.
    #[serde(default)]
    pub then: Then,
}

/// What a request must look like. All given conditions must hold; text matches are plain substrings.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct When {
    /// All of these occur in the thread's first message from a user (context that Codex adds is not one).
    #[serde(default, skip_serializing_if = "Texts::is_empty")]
    pub first_user_contains: Texts,
    /// All of these occur in the newest message from a user: a reminder, a notification, a second prompt.
    #[serde(default, skip_serializing_if = "Texts::is_empty")]
    pub last_user_contains: Texts,
    /// All of these occur somewhere in the input: any message of any role, any call, any tool output.
    #[serde(default, skip_serializing_if = "Texts::is_empty")]
    pub any_input_contains: Texts,
    /// The model that the request names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The Codex thread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_id: Option<String>,
    /// The kind of request; `turn` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
}

/// One text or a list of texts; in JSON either `"a"` or `["a", "b"]`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "OneOrMany")]
pub struct Texts(pub Vec<String>);

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl From<OneOrMany> for Texts {
    fn from(value: OneOrMany) -> Self {
        match value {
            OneOrMany::One(text) => Self(vec![text]),
            OneOrMany::Many(texts) => Self(texts),
        }
    }
}

impl From<&str> for Texts {
    fn from(text: &str) -> Self {
        Self(vec![text.to_owned()])
    }
}

impl Texts {
    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn all_in(&self, haystack: &str) -> bool {
        self.0.iter().all(|text| haystack.contains(text.as_str()))
    }
}

/// What a rule's step counter counts over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Count {
    /// All requests of a thread: a second prompt goes on where the first one stopped.
    #[default]
    Thread,
    /// The requests since the newest user message: each message starts at the first step again.
    Message,
}

/// What a rule does when its steps are used up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Then {
    /// Plays its last step again; when that one makes calls, only its `say`, because calls would never end the turn.
    #[default]
    Repeat,
    /// Answers `ok` and does nothing more.
    Idle,
    /// Does not fit any more: the rules below it are tried.
    Next,
}

/// One answer of the model: say something, make calls, fail, or hang. An empty step answers `ok`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Waits before the answer begins.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub delay_ms: u64,
    /// The assistant's text. Templates are filled in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub say: Option<String>,
    /// Streams the text word by word with this pause; at once when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chunk_delay_ms: Option<u64>,
    /// Tool calls, after the text. Templates are filled in in every string.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<Call>,
    /// Answers with an HTTP error instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fail: Option<Fail>,
    /// Opens the stream and says nothing until `release` is called (then the step goes on) or the client goes away.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hang: bool,
    /// The tokens that it says the answer took; none are told when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// The account's limits, in the headers of the answer, an error included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Step {
    /// A step that says `text`.
    pub fn say(text: impl Into<String>) -> Self {
        Self {
            say: Some(text.into()),
            ..Self::default()
        }
    }

    /// A step that makes one call.
    pub fn call(call: Call) -> Self {
        Self {
            calls: vec![call],
            ..Self::default()
        }
    }
}

/// An HTTP error as the answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fail {
    /// The HTTP status, 400 to 599.
    pub status: u16,
    /// The JSON body; a plain error object when absent.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub body: Value,
}

/// One tool call. For models in code mode the call is wrapped into the `exec` tool's JavaScript.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Call {
    /// Runs a command (`exec_command`).
    Shell {
        /// The shell command.
        cmd: String,
        /// The working directory; the thread's when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        workdir: Option<String>,
        /// Asks to run outside the sandbox, with this reason.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        escalate: Option<String>,
        /// How long Codex waits for the output before it leaves the command running; its own default when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        yield_time_ms: Option<u64>,
    },
    /// Calls a tool of an MCP server.
    Mcp {
        /// The server's name in Codex's configuration, without `mcp__`.
        server: String,
        /// The tool.
        tool: String,
        /// Its arguments, an object.
        #[serde(default)]
        arguments: Value,
    },
    /// Applies a patch (freeform `apply_patch`; the catalogue's model has the tool, an unknown model has not).
    ApplyPatch {
        /// `*** Begin Patch …`.
        patch: String,
    },
    /// Any function tool by name, such as `spawn_agent` in the namespace `multi_agent_v1`.
    Function {
        /// The namespace, when the tool is in one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        namespace: Option<String>,
        /// The function.
        name: String,
        /// Its arguments, an object.
        #[serde(default)]
        arguments: Value,
    },
    /// Any Responses API output item as it is, with templates filled in.
    Raw {
        /// The item.
        item: Value,
    },
}

impl Call {
    /// Runs `cmd` in the sandbox.
    pub fn shell(cmd: impl Into<String>) -> Self {
        Self::Shell {
            cmd: cmd.into(),
            workdir: None,
            escalate: None,
            yield_time_ms: None,
        }
    }

    /// Calls `tool` of the MCP server `server`.
    pub fn mcp(server: impl Into<String>, tool: impl Into<String>, arguments: Value) -> Self {
        Self::Mcp {
            server: server.into(),
            tool: tool.into(),
            arguments,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_reads_from_json_and_writes_back_the_same() {
        let text = r#"{"rules":[{"name":"a","when":{"first_user_contains":"x","kind":"turn"},"count":"message","then":"next",
            "steps":[{"say":"hi","chunk_delay_ms":5,"calls":[{"shell":{"cmd":"ls","escalate":"why"}},{"mcp":{"server":"s","tool":"t"}},
            {"apply_patch":{"patch":"p"}},{"function":{"name":"f","arguments":{"a":1}}},{"raw":{"item":{"type":"x"}}}]},
            {"fail":{"status":500}},{"hang":true,"delay_ms":3},{"usage":{"input":7,"output":1},"limits":{"primary":{"used_percent":50,"resets_in_s":-3}}}]}],"otherwise":{"say":"no"}}"#;
        let script: Script = serde_json::from_str(text).unwrap();
        assert_eq!(script.rules[0].when.first_user_contains, Texts::from("x"));
        assert_eq!(script.rules[0].steps[0].calls.len(), 5);
        let again: Script = serde_json::from_str(&serde_json::to_string(&script).unwrap()).unwrap();
        assert_eq!(again, script);
    }

    #[test]
    fn a_misspelt_field_is_refused_at_every_level() {
        for text in [
            r#"{"rule":[]}"#,
            r#"{"rules":[{"name":"a","steps":[],"whem":{}}]}"#,
            r#"{"rules":[{"name":"a","steps":[],"when":{"first_user":"x"}}]}"#,
            r#"{"rules":[{"name":"a","steps":[{"sey":"x"}]}]}"#,
            r#"{"rules":[{"name":"a","steps":[{"calls":[{"shell":{"cmd":"x","cwd":"y"}}]}]}]}"#,
            r#"{"rules":[{"name":"a","steps":[{"fail":{"status":1,"text":""}}]}]}"#,
        ] {
            let error = serde_json::from_str::<Script>(text)
                .unwrap_err()
                .to_string();
            assert!(error.contains("unknown field"), "{text}: {error}");
        }
    }
}
