//! An ask as clients of the harness see it while it waits.

use super::Group;
use crate::codex::asks;
use crate::domain::ask::{Ask, What};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// Something that waits.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Pending {
    /// May this be done?
    Approval(PendingApproval),
    /// Questions of the model.
    ToolInput(PendingToolInput),
    /// A call of a tool that a client performs.
    ToolCall(PendingToolCall),
}

/// How what waits is told from what does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PendingStatus {
    /// It waits.
    Pending,
}

/// Something that Codex wants to do, and asks about.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PendingApproval {
    /// Its id for ever.
    pub approval_id: String,
    /// The request of Codex behind it.
    pub method: String,
    /// The session.
    pub thread_id: String,
    /// The turn that waits; MCP servers ask outside of one, too.
    pub turn_id: Option<String>,
    /// The item that waits.
    pub item_id: Option<String>,
    /// What is asked, in one line.
    pub summary: String,
    /// The parameters of the request.
    #[schema(value_type = Object)]
    pub details: Value,
    /// When it came.
    pub created_at: DateTime<Utc>,
    /// That it waits.
    pub status: PendingStatus,
    /// What may be decided: `accept`, `acceptForSession`, `decline`, `cancel`, or an amendment as Codex words it. Empty for what can be
    /// answered in a terminal only.
    #[schema(value_type = Vec<Value>, example = json!(["accept", "decline", "cancel"]))]
    pub available_decisions: Vec<Value>,
}

/// Questions of the model.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PendingToolInput {
    /// Its id for ever.
    pub request_id: String,
    /// The request of Codex behind it.
    pub method: String,
    /// The session.
    pub thread_id: String,
    /// The turn that waits.
    pub turn_id: String,
    /// The item that waits.
    pub item_id: String,
    /// What is asked, in one line.
    pub summary: String,
    /// One to three.
    pub questions: Vec<PendingQuestion>,
    /// The parameters of the request.
    #[schema(value_type = Object)]
    pub details: Value,
    /// When it came.
    pub created_at: DateTime<Utc>,
    /// That it waits.
    pub status: PendingStatus,
}

/// A question.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PendingQuestion {
    /// Its name in the answer.
    pub id: String,
    /// A word or two.
    pub header: String,
    /// The question.
    pub question: String,
    /// What one may choose from; `null` where any text will do.
    pub options: Option<Vec<PendingOption>>,
    /// Whether a text that is no option may be the answer.
    pub is_other: bool,
    /// Whether the answer is kept nowhere.
    pub is_secret: bool,
}

/// An option of a question.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct PendingOption {
    /// What is answered by choosing it.
    pub label: String,
    /// What that means.
    pub description: String,
}

/// A call of a tool that a client performs.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PendingToolCall {
    /// Its id for ever.
    pub request_id: String,
    /// The request of Codex behind it.
    pub method: String,
    /// The session.
    pub thread_id: String,
    /// The turn that waits.
    pub turn_id: String,
    /// The item that waits.
    pub item_id: String,
    /// The call, as Codex names it.
    pub call_id: Option<String>,
    /// The tool.
    pub tool: String,
    /// What it is called with.
    #[schema(value_type = Value)]
    pub arguments: Value,
    /// What is called, in one line.
    pub summary: String,
    /// The parameters of the request.
    #[schema(value_type = Object)]
    pub details: Value,
    /// When it came.
    pub created_at: DateTime<Utc>,
    /// That it waits.
    pub status: PendingStatus,
}

impl Pending {
    /// An ask whose request has these parameters.
    pub fn of(ask: &Ask, details: Value) -> Self {
        let id = ask.id.to_string();
        let method = asks::method(&ask.what).to_owned();
        let (thread_id, summary) = (ask.thread_id.clone(), ask.title().to_string());
        let (created_at, status) = (ask.raised_at, PendingStatus::Pending);
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        match &ask.what {
            What::Questions { questions, .. } => Self::ToolInput(PendingToolInput {
                request_id: id,
                method,
                thread_id,
                turn_id: text(&ask.turn_id),
                item_id: text(&ask.item_id),
                summary,
                questions: questions.iter().map(question).collect(),
                details,
                created_at,
                status,
            }),
            What::ToolCall { tool, arguments } => Self::ToolCall(PendingToolCall {
                request_id: id,
                method,
                thread_id,
                turn_id: text(&ask.turn_id),
                item_id: text(&ask.item_id),
                call_id: ask.item_id.clone(),
                tool: tool.clone(),
                // What is too long to be kept stands in the request.
                arguments: details.get("arguments").unwrap_or(arguments).clone(),
                summary,
                details,
                created_at,
                status,
            }),
            _ => Self::Approval(PendingApproval {
                approval_id: id,
                method,
                thread_id,
                turn_id: ask.turn_id.clone(),
                item_id: ask.item_id.clone(),
                summary,
                details,
                created_at,
                status,
                available_decisions: ask.offered.iter().map(asks::decision_name).collect(),
            }),
        }
    }

    /// Which list it stands in.
    pub fn group(&self) -> Group {
        match self {
            Self::Approval(_) => Group::Approval,
            Self::ToolInput(_) => Group::ToolInput,
            Self::ToolCall(_) => Group::ToolCall,
        }
    }
}

fn question(asked: &crate::domain::ask::Question) -> PendingQuestion {
    let options = asked.options.iter().map(|it| PendingOption {
        label: it.label.clone(),
        description: it.description.clone(),
    });
    PendingQuestion {
        id: asked.id.clone(),
        header: asked.header.clone(),
        question: asked.question.clone(),
        options: (!asked.options.is_empty()).then(|| options.collect()),
        is_other: asked.is_other,
        is_secret: asked.is_secret,
    }
}
