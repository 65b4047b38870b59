//! What may be decided about an ask, and what each decision does, in words.

use super::What;
use crate::domain::department::Localized;
use crate::domain::shown;
use serde::{Deserialize, Serialize};

/// One way to decide an ask.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "id", rename_all = "snake_case")]
pub enum Decision {
    /// Yes, this once.
    Accept,
    /// Yes, and the same is not asked again in this session.
    AcceptForSession,
    /// Yes, and Codex writes down a rule.
    AcceptWithRule {
        /// What a command must begin with, word by word.
        rule: Vec<String>,
    },
    /// Yes, and Codex's configuration remembers it.
    AcceptAlways,
    /// Yes, and Codex remembers that this host may be reached.
    AllowHost {
        /// The host.
        host: String,
    },
    /// No, and Codex remembers that this host may not be reached.
    DenyHost {
        /// The host.
        host: String,
    },
    /// The answers to questions.
    Answer,
    /// The permissions, until the turn ends.
    GrantTurn,
    /// The permissions, until the session ends.
    GrantSession,
    /// No; the turn goes on.
    Decline,
    /// No, and the turn is interrupted.
    Cancel,
}

/// What a decision carries beside its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Needs {
    /// `answers`: a list of texts for each question.
    Answers,
    /// `content`: what was filled into a form.
    Content,
    /// `permissions`: what is granted of what was asked; without it all of it is.
    Permissions,
    /// `words`: what the session is told; may be left out.
    Words,
}

impl Decision {
    /// Its name in the API; no two that are offered for one ask share it, but for hosts.
    pub fn id(&self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::AcceptForSession => "accept_for_session",
            Self::AcceptWithRule { .. } => "accept_with_rule",
            Self::AcceptAlways => "accept_always",
            Self::AllowHost { .. } => "allow_host",
            Self::DenyHost { .. } => "deny_host",
            Self::Answer => "answer",
            Self::GrantTurn => "grant_turn",
            Self::GrantSession => "grant_session",
            Self::Decline => "decline",
            Self::Cancel => "cancel",
        }
    }

    /// Whether what was asked is done.
    pub fn allows(&self) -> bool {
        !matches!(self, Self::DenyHost { .. } | Self::Decline | Self::Cancel)
    }

    /// What it carries.
    pub fn needs(&self, what: &What) -> Option<Needs> {
        match (self, what) {
            (Self::Answer, _) => Some(Needs::Answers),
            (Self::Accept, What::Form { .. }) => Some(Needs::Content),
            (Self::GrantTurn | Self::GrantSession, _) => Some(Needs::Permissions),
            (Self::Decline | Self::Cancel, _) => Some(Needs::Words),
            _ => None,
        }
    }

    /// What a button says.
    pub fn label(&self, what: &What) -> Localized {
        let (zh, en) = match self {
            Self::Accept => match what {
                What::Command { .. } => ("允许", "Allow"),
                What::Patch { .. } => ("允许修改", "Allow the change"),
                What::Form { .. } => ("提交", "Submit"),
                What::Url { .. } => ("已完成", "Done"),
                _ => ("允许", "Allow"),
            },
            Self::AcceptForSession => ("本会话中都允许", "Allow in this session"),
            Self::AcceptWithRule { .. } => ("允许并写入规则", "Allow and make it a rule"),
            Self::AcceptAlways => ("总是允许", "Always allow"),
            Self::AllowHost { .. } => ("总是允许该主机", "Always allow this host"),
            Self::DenyHost { .. } => ("总是拒绝该主机", "Never allow this host"),
            Self::Answer => ("回答", "Answer"),
            Self::GrantTurn => ("仅本轮授予", "Grant for this turn"),
            Self::GrantSession => ("本会话中授予", "Grant for this session"),
            Self::Decline => ("拒绝", "Decline"),
            Self::Cancel => ("拒绝并中断", "Decline and interrupt"),
        };
        Localized::new(zh, en)
    }

    /// What happens by it.
    pub fn effect(&self, what: &What) -> Localized {
        match self {
            Self::Accept => accepted(what),
            Self::AcceptForSession => match what {
                What::Patch { .. } => Localized::new(
                    "文件会被修改；本会话中对这些文件的修改不再询问。",
                    "The files are changed; changes to these files are not asked about again in this session.",
                ),
                What::McpTool { .. } => Localized::new(
                    "工具会被调用；本会话中不再询问该工具。",
                    "The tool is called, and is not asked about again in this session.",
                ),
                _ => Localized::new(
                    "命令会运行；本会话中同样的命令不再询问。",
                    "The command runs; the same command is not asked about again in this session.",
                ),
            },
            Self::AcceptWithRule { rule } => {
                let words = shown::shown_line(&rule.join(" ")).into_owned();
                Localized::new(
                    format!(
                        "命令会运行，而且 Codex 会把一条规则写入您自己的设置：今后以 `{words}` 开头的命令，在您的所有仓库中都不再询问，并且不受沙箱限制。"
                    ),
                    format!(
                        "The command runs, and Codex writes a rule into your own settings: commands that begin with `{words}` run without asking from now on, outside of the sandbox, in every repository of yours."
                    ),
                )
            }
            Self::AcceptAlways => Localized::new(
                "工具会被调用；Codex 会把这一许可写入您自己的设置，今后在您的所有仓库中都不再询问。",
                "The tool is called, and Codex writes the permission into your own settings: it is not asked about again, in any repository of yours.",
            ),
            Self::AllowHost { host } => {
                let host = shown::shown_line(host);
                Localized::new(
                    format!("今后在您的所有仓库中都可以访问 {host}，不再询问。"),
                    format!(
                        "{host} may be reached from now on without asking, in every repository of yours."
                    ),
                )
            }
            Self::DenyHost { host } => {
                let host = shown::shown_line(host);
                Localized::new(
                    format!("今后在您的所有仓库中都不能访问 {host}，不再询问。"),
                    format!(
                        "{host} may not be reached from now on, without asking, in any repository of yours."
                    ),
                )
            }
            Self::Answer => Localized::new(
                "模型会得到您的回答并继续。",
                "The model gets your answers and goes on.",
            ),
            Self::GrantTurn => Localized::new(
                "所授予的权限在本轮结束前有效。",
                "What you grant holds until this turn ends.",
            ),
            Self::GrantSession => Localized::new(
                "所授予的权限在本会话结束前有效。",
                "What you grant holds until the session ends.",
            ),
            Self::Decline => declined(what),
            Self::Cancel => match what {
                What::Form { .. } | What::Url { .. } | What::McpTool { .. } => Localized::new(
                    "MCP 服务器得知您没有作出选择；本轮继续。",
                    "The MCP server is told that you made no choice; the turn goes on.",
                ),
                _ => Localized::new(
                    "不会执行，并且本轮被中断；会话等待下一条消息。",
                    "Nothing is done and the turn is interrupted; the session waits for its next message.",
                ),
            },
        }
    }
}

fn accepted(what: &What) -> Localized {
    let (zh, en) = match what {
        What::Command {
            network: Some(_), ..
        } => (
            "允许这一次访问；下次会再次询问。",
            "It may be reached this once; the next time is asked about again.",
        ),
        What::Command { .. } => (
            "命令会运行一次；下次会再次询问。",
            "The command runs, this once; the next one is asked about again.",
        ),
        What::Patch { .. } => (
            "文件会被修改；下一次修改会再次询问。",
            "The files are changed; the next change is asked about again.",
        ),
        What::Form { .. } => (
            "MCP 服务器会得到您填写的内容。",
            "The MCP server gets what you filled in.",
        ),
        What::Url { .. } => (
            "MCP 服务器得知您已打开该页面。Codex 和 zhongshu 都不会替您打开它。",
            "The MCP server is told that you went there. Neither Codex nor zhongshu opens the page for you.",
        ),
        What::McpTool { .. } => (
            "工具会被调用一次；下次会再次询问。",
            "The tool is called, this once; the next call is asked about again.",
        ),
        _ => ("会执行所请求的操作。", "What was asked for is done."),
    };
    Localized::new(zh, en)
}

fn declined(what: &What) -> Localized {
    let (zh, en) = match what {
        What::Command { .. } => (
            "命令不会运行；模型得知后继续。",
            "The command does not run; the model is told and goes on.",
        ),
        What::Patch { .. } => (
            "文件不会被修改；模型得知后继续。",
            "The files are not changed; the model is told and goes on.",
        ),
        What::Permissions { .. } => (
            "不授予任何权限；模型得知后继续。",
            "Nothing is granted; the model is told and goes on.",
        ),
        What::Questions { .. } => (
            "模型得不到任何回答，并继续。",
            "The model gets no answer and goes on.",
        ),
        What::McpTool { .. } | What::ToolCall { .. } => (
            "工具不会被调用；模型得知后继续。",
            "The tool is not called; the model is told and goes on.",
        ),
        What::Form { .. } | What::Url { .. } => (
            "MCP 服务器得知您拒绝了；本轮继续。",
            "The MCP server is told that you declined; the turn goes on.",
        ),
        What::Unknown { .. } => ("拒绝。", "It is declined."),
    };
    Localized::new(zh, en)
}
