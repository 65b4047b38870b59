//! What Codex asks while a turn runs: may this command run, may these files change, which of these options. One ask is one request of the
//! app-server; it waits until somebody decides, here or in a terminal, or until its turn ends.
//!
//! - `decision`: what may be decided, and what each decision does
//! - `given`, `form`: what somebody decides, held against what was asked
//! - `rule`: rules that answer for a person
//! - `asked`: where an ask stands
//! - `shorten`: what is remembered of those that are over

pub mod asked;
pub mod decision;
mod form;
pub mod given;
pub mod rule;
mod shorten;

use super::ids::{AskId, SessionId};
use super::sentence::{Sentence, say};
use super::shown;
use chrono::{DateTime, Utc};
use decision::Decision;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Which request of which app-server it is. The numbers begin again with each app-server, so one without the other means nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RequestKey {
    /// The app-server's process.
    pub server: String,
    /// The request's id, as it stands in the protocol: `0`, or `"a text"` with its quotes.
    pub request: String,
}

/// One question of Codex, as it was raised. Nothing of it changes later.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ask {
    /// Its id for ever.
    #[serde(rename = "ask_id")]
    pub id: AskId,
    /// The request behind it.
    pub request_key: RequestKey,
    /// Codex's thread.
    pub thread_id: String,
    /// The turn that waits for it; an MCP server may ask outside of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn_id: Option<String>,
    /// The item that waits for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item_id: Option<String>,
    /// The session whose thread it is; `None` for a thread that is nobody's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// What is asked.
    pub what: What,
    /// Why, in the model's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// When it came.
    pub raised_at: DateTime<Utc>,
    /// What may be decided, the first being what most people want. Empty for what only a terminal can answer.
    pub offered: Vec<Decision>,
    /// Which texts are not kept whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cut: Vec<Cut>,
}

/// A text that was too long to keep.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cut {
    /// Which: `command`, `files`, the path of a file, `schema`, …
    pub field: String,
    /// How long it was, in bytes.
    pub bytes: u64,
    /// Digest of all of it.
    pub sha256: String,
}

/// Leaves the beginning of a text, of at most so many bytes.
pub fn cut_to(text: &mut String, bytes: usize) {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
}

/// What is asked, by kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum What {
    /// May this command run?
    Command {
        /// The whole command line.
        command: String,
        /// Where it runs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cwd: Option<String>,
        /// The host that it wants to reach, when that is the question.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        network: Option<Network>,
        /// What it wants beyond its sandbox.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        permissions: Option<Access>,
        /// What Codex makes of it: `{type: read | listFiles | search | unknown, command, …}` each.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        parsed: Vec<Value>,
        /// What becomes of the command line.
        #[serde(default)]
        command_kind: CommandKind,
        /// Which of several questions about one item it is, when there are several.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        approval_id: Option<String>,
    },
    /// May these files change?
    Patch {
        /// The files.
        files: Vec<PatchedFile>,
        /// How many more there are.
        #[serde(default)]
        omitted: u64,
        /// The folder that Codex wants to write to for the rest of the session.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        grant_root: Option<String>,
    },
    /// May the sandbox be widened?
    Permissions {
        /// By what.
        #[serde(flatten)]
        access: Access,
        /// Where the session works.
        cwd: String,
    },
    /// Questions of the model.
    Questions {
        /// One to three.
        questions: Vec<Question>,
        /// Whether the turn stands still until they are answered.
        is_blocking: bool,
        /// After so many milliseconds a terminal that shows them answers with nothing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        answers_itself_ms: Option<u64>,
    },
    /// A form of an MCP server.
    Form {
        /// The server.
        server: String,
        /// What it says.
        message: String,
        /// The JSON schema of what it wants; `null` when it was too long to keep.
        schema: Value,
    },
    /// An MCP server wants a page to be opened.
    Url {
        /// The server.
        server: String,
        /// What it says.
        message: String,
        /// The page.
        url: String,
    },
    /// May this tool of an MCP server be called?
    McpTool {
        /// The server.
        server: String,
        /// The tool.
        tool: String,
        /// What it is called with.
        params: Value,
        /// How long a yes may be remembered: `session`, `always`.
        #[serde(default)]
        persist: Vec<String>,
    },
    /// A call of a tool that a client of the harness performs; a person has nothing to decide about it.
    ToolCall {
        /// The tool.
        tool: String,
        /// What it is called with.
        arguments: Value,
    },
    /// Something that this version does not know.
    Unknown {
        /// Its method.
        method: String,
        /// All that came with it.
        params: Value,
    },
}

/// What becomes of a command line that is asked about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommandKind {
    /// It runs.
    #[default]
    Command,
    /// It is input to a program that runs already.
    WriteStdin,
    /// It runs because a person wrote it.
    HumanCommand,
    /// Something that this version does not know.
    Other,
}

/// A host that a command wants to reach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// The host.
    pub host: String,
    /// `http`, `https`, `socks5Tcp` or `socks5Udp`.
    pub protocol: String,
}

/// What is wanted, or granted, beyond a sandbox.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Access {
    /// The network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<bool>,
    /// Paths to read.
    #[serde(default)]
    pub read: Vec<String>,
    /// Paths to write.
    #[serde(default)]
    pub write: Vec<String>,
    /// More, as Codex words it: patterns and special folders, each with its access.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<Value>,
    /// How deep patterns look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scan_depth: Option<u64>,
}

impl Access {
    /// Entries that say more than the paths do: Codex tells plain paths both ways.
    pub fn other_entries(&self) -> impl Iterator<Item = &Value> {
        self.entries.iter().filter(|entry| {
            let path = entry["path"]["path"].as_str();
            let listed = match entry["access"].as_str() {
                Some("read") => &self.read,
                Some("write") => &self.write,
                _ => return true,
            };
            !path.is_some_and(|path| listed.iter().any(|it| it == path))
        })
    }
}

/// A file that would change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PatchedFile {
    /// The file.
    pub path: String,
    /// `add`, `update` or `delete`.
    pub kind: String,
    /// How: a unified difference, or the content of a new or deleted file.
    pub diff: String,
    /// Where the file goes, if it moves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_to: Option<String>,
}

/// A question with its options.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// Its name in the answer.
    pub id: String,
    /// A word or two.
    pub header: String,
    /// The question.
    pub question: String,
    /// Whether a text that is no option may be the answer.
    #[serde(default)]
    pub is_other: bool,
    /// Whether the answer is kept nowhere.
    #[serde(default)]
    pub is_secret: bool,
    /// What one may choose from; none means that any text will do.
    #[serde(default)]
    pub options: Vec<Choice>,
}

impl Question {
    /// Whether the person may write what they like.
    pub fn takes_text(&self) -> bool {
        self.is_other || self.options.is_empty()
    }
}

/// An option of a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// What is answered by choosing it.
    pub label: String,
    /// What that means.
    #[serde(default)]
    pub description: String,
}

impl Ask {
    /// The decision with this id, if it is offered.
    pub fn offers(&self, id: &str) -> Option<&Decision> {
        self.offered.iter().find(|decision| decision.id() == id)
    }

    /// The decision with this id, if it is taken: what is offered, and what Codex takes without offering it.
    pub fn takes(&self, id: &str) -> Option<Decision> {
        if let Some(offered) = self.offers(id) {
            return Some(offered.clone());
        }
        let unsaid = match &self.what {
            What::Command { network: None, .. } => Decision::AcceptForSession,
            // The turn is broken off, which answers nothing.
            What::Questions { .. } | What::Permissions { .. } => Decision::Cancel,
            _ => return None,
        };
        (unsaid.id() == id).then_some(unsaid)
    }

    /// What it asks, in one line that shows everything.
    pub fn title(&self) -> Sentence {
        self.what.title()
    }

    /// What happens if nobody answers.
    pub fn unanswered(&self) -> Sentence {
        match &self.what {
            What::Questions {
                answers_itself_ms: Some(ms),
                ..
            } => say!("ask.answers_itself", seconds = ms.div_ceil(1000)),
            What::Questions { is_blocking, .. } if !is_blocking => say!("ask.goes_on_unanswered"),
            _ => say!("ask.waits_until_decided"),
        }
    }
}

impl What {
    /// The name of its kind, as in the API.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Command { .. } => "command",
            Self::Patch { .. } => "patch",
            Self::Permissions { .. } => "permissions",
            Self::Questions { .. } => "questions",
            Self::Form { .. } => "form",
            Self::Url { .. } => "url",
            Self::McpTool { .. } => "mcp_tool",
            Self::ToolCall { .. } => "tool_call",
            Self::Unknown { .. } => "unknown",
        }
    }

    /// Whether a client answers it, and no person.
    pub fn is_for_clients(&self) -> bool {
        matches!(self, Self::ToolCall { .. })
    }

    /// Whether this decision about it answers nothing, and breaks its turn off instead.
    pub fn is_broken_off_by(&self, decision: &Decision) -> bool {
        matches!(self, Self::Questions { .. } | Self::Permissions { .. })
            && *decision == Decision::Cancel
    }

    /// Whether it is one of several questions about an item: that the item ran does not tell what was decided about a host, or about a part.
    pub fn is_of_a_part(&self) -> bool {
        match self {
            Self::Command {
                network,
                approval_id,
                ..
            } => network.is_some() || approval_id.is_some(),
            _ => false,
        }
    }

    /// What it asks, in one line. Texts of strangers are short in it, and show everything.
    pub fn title(&self) -> Sentence {
        let short = shown::short;
        match self {
            Self::Command {
                network: Some(network),
                ..
            } => say!("ask.asks.host", host = short(&network.host)),
            Self::Command {
                command,
                command_kind: CommandKind::WriteStdin,
                ..
            } => say!("ask.asks.input", input = short(command)),
            Self::Command { command, .. } => say!("ask.asks.command", command = short(command)),
            Self::Patch { files, omitted, .. } => patch_title(files, *omitted),
            Self::Permissions { .. } => say!("ask.asks.permissions"),
            Self::Questions { questions, .. } => {
                let question = questions.first().map(|one| short(&one.question));
                say!("ask.asks.question", question = question.unwrap_or_default())
            }
            Self::Form {
                server, message, ..
            }
            | Self::Url {
                server, message, ..
            } => say!(
                "ask.asks.mcp",
                server = short(server),
                message = short(message)
            ),
            Self::McpTool { server, tool, .. } => {
                say!(
                    "ask.asks.mcp_tool",
                    tool = short(tool),
                    server = short(server)
                )
            }
            Self::ToolCall { tool, .. } => say!("ask.asks.tool_call", tool = short(tool)),
            Self::Unknown { method, .. } => say!("ask.asks.unknown", method = short(method)),
        }
    }
}

fn patch_title(files: &[PatchedFile], omitted: u64) -> Sentence {
    let all = files.len() as u64 + omitted;
    match files {
        [] => say!("ask.asks.patch"),
        [one] if omitted == 0 => say!("ask.asks.patch_of_one", path = shown::short(&one.path)),
        [one, ..] => say!(
            "ask.asks.patch_of_many",
            all,
            path = shown::short(&one.path)
        ),
    }
}
