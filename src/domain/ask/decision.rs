//! What may be decided about an ask, and what each decision does, in words.

use super::What;
use crate::domain::sentence::{Sentence, say};
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
            (Self::Answer, What::ToolCall { .. }) => Some(Needs::Content),
            (Self::Answer, _) => Some(Needs::Answers),
            (Self::Accept, What::Form { .. }) => Some(Needs::Content),
            (Self::GrantTurn | Self::GrantSession, _) => Some(Needs::Permissions),
            (Self::Decline | Self::Cancel, _) => Some(Needs::Words),
            _ => None,
        }
    }

    /// What a button says.
    pub fn label(&self, what: &What) -> Sentence {
        match self {
            Self::Accept => match what {
                What::Command { .. } => say!("decide.accept.label"),
                What::Patch { .. } => say!("decide.accept_patch.label"),
                What::Form { .. } => say!("decide.accept_form.label"),
                What::Url { .. } => say!("decide.accept_url.label"),
                _ => say!("decide.accept.label"),
            },
            Self::AcceptForSession => say!("decide.accept_for_session.label"),
            Self::AcceptWithRule { .. } => say!("decide.accept_with_rule.label"),
            Self::AcceptAlways => say!("decide.accept_always.label"),
            Self::AllowHost { .. } => say!("decide.allow_host.label"),
            Self::DenyHost { .. } => say!("decide.deny_host.label"),
            Self::Answer => say!("decide.answer.label"),
            Self::GrantTurn => say!("decide.grant_turn.label"),
            Self::GrantSession => say!("decide.grant_session.label"),
            Self::Decline => say!("decide.decline.label"),
            Self::Cancel => match what {
                What::Form { .. } | What::Url { .. } | What::McpTool { .. } => {
                    say!("decide.cancel_mcp.label")
                }
                _ => say!("decide.cancel.label"),
            },
        }
    }

    /// What happens by it.
    pub fn effect(&self, what: &What) -> Sentence {
        match self {
            Self::Accept => accepted(what),
            Self::AcceptForSession => match what {
                What::Patch { .. } => say!("decide.accept_for_session.patch"),
                What::McpTool { .. } => say!("decide.accept_for_session.mcp_tool"),
                _ => say!("decide.accept_for_session.command"),
            },
            Self::AcceptWithRule { rule } => {
                say!(
                    "decide.accept_with_rule.effect",
                    words = shown::shown_line(&rule.join(" "))
                )
            }
            Self::AcceptAlways => say!("decide.accept_always.effect"),
            Self::AllowHost { host } => {
                say!("decide.allow_host.effect", host = shown::shown_line(host))
            }
            Self::DenyHost { host } => {
                say!("decide.deny_host.effect", host = shown::shown_line(host))
            }
            Self::Answer => say!("decide.answer.effect"),
            Self::GrantTurn => say!("decide.grant_turn.effect"),
            Self::GrantSession => say!("decide.grant_session.effect"),
            Self::Decline => declined(what),
            Self::Cancel => match what {
                What::Form { .. } | What::Url { .. } | What::McpTool { .. } => {
                    say!("decide.cancel.mcp")
                }
                _ => say!("decide.cancel.effect"),
            },
        }
    }
}

fn accepted(what: &What) -> Sentence {
    match what {
        What::Command {
            network: Some(_), ..
        } => say!("decide.accept.host"),
        What::Command { .. } => say!("decide.accept.command"),
        What::Patch { .. } => say!("decide.accept.patch"),
        What::Form { .. } => say!("decide.accept.form"),
        What::Url { .. } => say!("decide.accept.url"),
        What::McpTool { .. } => say!("decide.accept.mcp_tool"),
        _ => say!("decide.accept.effect"),
    }
}

fn declined(what: &What) -> Sentence {
    match what {
        What::Command { .. } => say!("decide.decline.command"),
        What::Patch { .. } => say!("decide.decline.patch"),
        What::Permissions { .. } => say!("decide.decline.permissions"),
        What::Questions { .. } => say!("decide.decline.questions"),
        What::McpTool { .. } | What::ToolCall { .. } => say!("decide.decline.tool"),
        What::Form { .. } | What::Url { .. } => say!("decide.decline.mcp"),
        What::Unknown { .. } => say!("decide.decline.effect"),
    }
}
