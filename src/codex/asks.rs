//! The requests by which Codex asks somebody something, in the form of the protocol: read into what the domain calls an ask, and answered. What
//! this version does not know is kept whole.

mod answers;
mod requests;

pub use answers::{Told, answer, read_answer};
pub use requests::{decision_name, method, params};

use super::events::{RequestKind, ServerRequest};
use super::incoming::RequestKey;
use super::items::FileChange;
use super::wire::RequestId;
use crate::domain::ask::decision::Decision;
use crate::domain::ask::{
    Access, Ask, Choice, CommandKind, Cut, Network, PatchedFile, Question, RequestKey as AskKey,
    What, cut_to,
};
use crate::domain::hex::hex;
use crate::domain::ids::{AskId, SessionId};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// What is kept of one text, in bytes.
const TEXT: usize = 64 * 1024;
/// What is kept of all differences of a patch together, and how many files.
const PATCH: usize = 1024 * 1024;
const FILES: usize = 200;

/// The key of a request, as the domain has it.
pub fn key(key: &RequestKey) -> AskKey {
    AskKey {
        server: server(key),
        request: request_id(&key.id),
    }
}

/// The app-server that made a request, as the domain has it.
pub fn server(key: &RequestKey) -> String {
    name(&key.server)
}

/// An app-server, as the domain has it.
pub fn name(server: &crate::process::Identity) -> String {
    format!("{}@{}", server.pid, server.start_ticks)
}

/// The id of a request, as the domain has it.
pub fn request_id(id: &RequestId) -> String {
    match id {
        RequestId::Number(number) => number.to_string(),
        RequestId::Text(text) => Value::String(text.clone()).to_string(),
    }
}

/// Where an ask comes from, beside what stands in the request.
pub struct Origin {
    /// The request's key.
    pub key: AskKey,
    /// The session whose thread it is.
    pub session_id: Option<SessionId>,
    /// When it came.
    pub at: DateTime<Utc>,
    /// The changes that it is about, which are in the item before it.
    pub changes: Vec<FileChange>,
}

/// Reads a request as an ask.
pub fn read(request: &ServerRequest, origin: Origin) -> Ask {
    let mut kept = Kept::default();
    let known = match request.kind() {
        RequestKind::CommandApproval => command(&request.params, &mut kept),
        RequestKind::FileApproval => patch(&request.params, origin.changes, &mut kept),
        RequestKind::PermissionApproval => permissions(&request.params, &mut kept),
        RequestKind::UserInput => questions(&request.params, &mut kept),
        RequestKind::Elicitation => elicitation(&request.params, &mut kept),
        RequestKind::ToolCall => tool_call(&request.params, &mut kept),
        RequestKind::Unknown => None,
    };
    let (what, offered) = known.unwrap_or_else(|| {
        let method = kept.text("method", request.method.clone());
        let params = kept.value("params", request.params.clone());
        (What::Unknown { method, params }, Vec::new())
    });
    let why = text(&request.params, "reason").map(|why| kept.text("why", why));
    Ask {
        id: AskId::fresh("ask"),
        request_key: origin.key,
        thread_id: request.thread_id().unwrap_or_default().0,
        turn_id: request.turn_id().map(|id| id.0),
        item_id: request
            .item_id()
            .map(|id| id.0)
            .or_else(|| text(&request.params, "callId")),
        session_id: origin.session_id,
        what,
        why,
        raised_at: origin.at,
        offered,
        cut: kept.cut,
    }
}

/// Cuts what is too long, and says so.
#[derive(Default)]
struct Kept {
    cut: Vec<Cut>,
}

impl Kept {
    fn text(&mut self, field: &str, text: String) -> String {
        self.text_of(field, text, TEXT)
    }

    fn text_of(&mut self, field: &str, mut text: String, limit: usize) -> String {
        if text.len() > limit {
            self.note(field, &text);
            cut_to(&mut text, limit);
        }
        text
    }

    fn value(&mut self, field: &str, value: Value) -> Value {
        let text = value.to_string();
        if text.len() <= TEXT {
            return value;
        }
        self.note(field, &text);
        Value::Null
    }

    fn note(&mut self, field: &str, whole: &str) {
        self.cut.push(Cut {
            field: field.to_owned(),
            bytes: whole.len() as u64,
            sha256: hex(&Sha256::digest(whole)),
        });
    }
}

fn text(params: &Value, name: &str) -> Option<String> {
    Some(params.get(name)?.as_str()?.to_owned())
}

fn command(params: &Value, kept: &mut Kept) -> Option<(What, Vec<Decision>)> {
    let network = params.get("networkApprovalContext");
    let network = network.and_then(|it| {
        Some(Network {
            host: text(it, "host")?,
            protocol: text(it, "protocol")?,
        })
    });
    let command = text(params, "command").unwrap_or_default();
    if command.is_empty() && network.is_none() {
        return None;
    }
    let parsed = params.get("commandActions").and_then(Value::as_array);
    let parsed =
        parsed.filter(|actions| Value::from_iter((*actions).clone()).to_string().len() <= TEXT);
    let what = What::Command {
        command: kept.text("command", command),
        cwd: text(params, "cwd").map(|cwd| kept.text("cwd", cwd)),
        network,
        permissions: params.get("additionalPermissions").and_then(access),
        parsed: parsed.cloned().unwrap_or_default(),
        command_kind: match text(params, "kind").as_deref() {
            None | Some("command") => CommandKind::Command,
            Some("writeStdin") => CommandKind::WriteStdin,
            Some("humanCommand") => CommandKind::HumanCommand,
            Some(_) => CommandKind::Other,
        },
        approval_id: text(params, "approvalId"),
    };
    let mut offered = match params.get("availableDecisions").and_then(Value::as_array) {
        Some(available) => available.iter().filter_map(decision).collect(),
        None => {
            let mut usual = vec![Decision::Accept, Decision::AcceptForSession];
            let words = params.get("proposedExecpolicyAmendment").and_then(words);
            usual.extend(words.map(|rule| Decision::AcceptWithRule { rule }));
            usual.push(Decision::Cancel);
            usual
        }
    };
    // Codex takes it although it does not always offer it: who says no need not interrupt the turn.
    if !offered.contains(&Decision::Decline) {
        let before_cancel = offered.iter().position(|it| *it == Decision::Cancel);
        offered.insert(before_cancel.unwrap_or(offered.len()), Decision::Decline);
    }
    Some((what, offered))
}

fn words(list: &Value) -> Option<Vec<String>> {
    Vec::deserialize(list).ok()
}

/// A decision that Codex offers; one of another version is not offered by us.
fn decision(offered: &Value) -> Option<Decision> {
    let rule = |name: &str, inner: &str| offered.get(name)?.get(inner);
    match offered.as_str() {
        Some("accept") => Some(Decision::Accept),
        Some("acceptForSession") => Some(Decision::AcceptForSession),
        Some("decline") => Some(Decision::Decline),
        Some("cancel") => Some(Decision::Cancel),
        Some(_) => None,
        None => {
            if let Some(list) = rule("acceptWithExecpolicyAmendment", "execpolicy_amendment") {
                let rule = words(list)?;
                return Some(Decision::AcceptWithRule { rule });
            }
            let rule = rule("applyNetworkPolicyAmendment", "network_policy_amendment")?;
            let host = text(rule, "host")?;
            match rule.get("action")?.as_str()? {
                "allow" => Some(Decision::AllowHost { host }),
                "deny" => Some(Decision::DenyHost { host }),
                _ => None,
            }
        }
    }
}

fn patch(
    params: &Value,
    changes: Vec<FileChange>,
    kept: &mut Kept,
) -> Option<(What, Vec<Decision>)> {
    let omitted = changes.len().saturating_sub(FILES) as u64;
    let mut room = PATCH;
    if omitted > 0 {
        // One digest for all, so that what was left out can be told from something else.
        let all: Vec<Value> = changes
            .iter()
            .map(|it| json!([it.path, it.kind, it.diff]))
            .collect();
        kept.note("files", &Value::from(all).to_string());
    }
    let files = changes.into_iter().take(FILES).map(|change| {
        let path = change.path.to_string_lossy().into_owned();
        let kind = text(&change.kind, "type").unwrap_or_else(|| "update".to_owned());
        let moved_to = text(&change.kind, "move_path");
        let diff = kept.text_of(&path, change.diff, TEXT.min(room));
        room -= diff.len();
        PatchedFile {
            path,
            kind,
            diff,
            moved_to,
        }
    });
    let what = What::Patch {
        files: files.collect(),
        omitted,
        grant_root: text(params, "grantRoot"),
    };
    let offered = vec![
        Decision::Accept,
        Decision::AcceptForSession,
        Decision::Decline,
        Decision::Cancel,
    ];
    Some((what, offered))
}

fn access(profile: &Value) -> Option<Access> {
    let files = profile.get("fileSystem").unwrap_or(&Value::Null);
    let paths = |name: &str| files.get(name).and_then(words).unwrap_or_default();
    let network = profile.get("network").and_then(|it| it.get("enabled"));
    let access = Access {
        network: network.and_then(Value::as_bool),
        read: paths("read"),
        write: paths("write"),
        entries: files
            .get("entries")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default(),
        scan_depth: files.get("globScanMaxDepth").and_then(Value::as_u64),
    };
    (access != Access::default()).then_some(access)
}

fn permissions(params: &Value, kept: &mut Kept) -> Option<(What, Vec<Decision>)> {
    let wanted = params.get("permissions")?;
    if wanted.to_string().len() > TEXT {
        // Cut permissions could not be granted: then only a terminal can.
        return None;
    }
    let what = What::Permissions {
        access: access(wanted).unwrap_or_default(),
        cwd: kept.text("cwd", text(params, "cwd").unwrap_or_default()),
    };
    let offered = vec![
        Decision::GrantTurn,
        Decision::GrantSession,
        Decision::Decline,
    ];
    Some((what, offered))
}

fn questions(params: &Value, kept: &mut Kept) -> Option<(What, Vec<Decision>)> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Wire {
        id: String,
        #[serde(default)]
        header: String,
        #[serde(default)]
        question: String,
        #[serde(default)]
        is_other: bool,
        #[serde(default)]
        is_secret: bool,
        #[serde(default)]
        options: Option<Vec<Choice>>,
    }
    let asked = params.get("questions")?;
    if asked.to_string().len() > TEXT * 4 {
        return None;
    }
    let asked: Vec<Wire> = Vec::deserialize(asked).ok()?;
    let questions = asked.into_iter().map(|it| Question {
        question: kept.text(&format!("questions.{}", it.id), it.question),
        id: it.id,
        header: it.header,
        is_other: it.is_other,
        is_secret: it.is_secret,
        options: it.options.unwrap_or_default(),
    });
    let what = What::Questions {
        questions: questions.collect(),
        is_blocking: params
            .get("isBlocking")
            .and_then(Value::as_bool)
            .unwrap_or(true),
        answers_itself_ms: params.get("autoResolutionMs").and_then(Value::as_u64),
    };
    Some((what, vec![Decision::Answer, Decision::Decline]))
}

fn tool_call(params: &Value, kept: &mut Kept) -> Option<(What, Vec<Decision>)> {
    let what = What::ToolCall {
        tool: text(params, "tool")?,
        arguments: kept.value(
            "arguments",
            params.get("arguments").cloned().unwrap_or_default(),
        ),
    };
    Some((what, vec![Decision::Answer]))
}

fn elicitation(params: &Value, kept: &mut Kept) -> Option<(What, Vec<Decision>)> {
    let no = [Decision::Decline, Decision::Cancel];
    let server = text(params, "serverName").unwrap_or_default();
    let meta = params.get("_meta").unwrap_or(&Value::Null);
    if text(meta, "codex_approval_kind").as_deref() == Some("mcp_tool_call") {
        let persist = match meta.get("persist") {
            Some(Value::String(one)) => vec![one.clone()],
            Some(list) => words(list).unwrap_or_default(),
            None => Vec::new(),
        };
        let remembers = |how: &str| persist.iter().any(|it| it == how);
        let mut offered = vec![Decision::Accept];
        offered.extend(remembers("session").then_some(Decision::AcceptForSession));
        offered.extend(remembers("always").then_some(Decision::AcceptAlways));
        offered.extend(no);
        let what = What::McpTool {
            server,
            tool: text(meta, "tool_name").unwrap_or_default(),
            params: kept.value(
                "params",
                meta.get("tool_params").cloned().unwrap_or_default(),
            ),
            persist,
        };
        return Some((what, offered));
    }
    let message = kept.text("message", text(params, "message").unwrap_or_default());
    let what = match params.get("mode").and_then(Value::as_str)? {
        "form" | "openai/form" | "openaiForm" => What::Form {
            server,
            message,
            schema: kept.value(
                "schema",
                params.get("requestedSchema").cloned().unwrap_or_default(),
            ),
        },
        "url" => What::Url {
            server,
            message,
            url: kept.text("url", text(params, "url").unwrap_or_default()),
        },
        _ => return None,
    };
    let mut offered = vec![Decision::Accept];
    offered.extend(no);
    Some((what, offered))
}

#[cfg(test)]
mod tests;
