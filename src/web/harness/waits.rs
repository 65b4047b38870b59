//! What waits for an answer: approvals, questions of the model, and calls of clients' tools.

use super::App;
use super::error::Problem;
use super::gate::{Drivable, named};
use super::input::{Input, Text};
use super::operations::Operations;
use super::refusals::OfSession;
use crate::domain::ask::Ask;
use crate::domain::ask::given::Answers;
use crate::domain::sentence::say;
use crate::harness::refused::Refused;
use crate::harness::waits::Group;
use crate::harness::waits::decisions::{ApprovalWish, Reach, ToolResult, Verdict};
use crate::harness::waits::shapes::{Pending, PendingApproval, PendingToolCall, PendingToolInput};
use crate::web::error::ApiError;
use crate::web::role::{RequireAdmin, RequireMember};
use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::ToSchema;
use utoipa_axum::routes;

type Answer<T> = Result<Json<T>, ApiError>;

/// The routes of what waits.
pub(super) fn routes(to: Operations) -> Operations {
    to.routes(routes!(approvals))
        .routes(routes!(tool_inputs))
        .routes(routes!(tool_calls))
        .routes(routes!(decide_approval))
        .routes(routes!(decide_tool_input))
        .routes(routes!(answer_tool_call))
}

macro_rules! asked {
    ($($(#[$says:meta])* $name:ident: $group:expr;)*) => {$(
        $(#[$says])*
        pub(super) struct $name(Ask);

        impl FromRequestParts<App> for $name {
            type Rejection = ApiError;

            async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
                let id = named(parts, $group.id_field()).await?;
                app.knows_all().await;
                Ok(Self(app.asked($group, &id)?))
            }
        }
    )*};
}

asked! {
    /// The approval in the path, in a session that may be driven.
    OfApproval: Group::Approval;
    /// The questions in the path, in a session that may be driven.
    OfToolInput: Group::ToolInput;
    /// The call in the path, in a session that may be driven.
    OfToolCall: Group::ToolCall;
}

/// What waits for a yes or no, oldest first.
#[derive(Serialize, ToSchema)]
pub(super) struct Approvals {
    data: Vec<PendingApproval>,
}

/// Lists what a session wants to do, and asks about.
#[utoipa::path(get, path = "/sessions/{sessionId}/approvals", tag = "waits", operation_id = "approvals_list",
    params(("sessionId" = String, Path)), responses((status = 200, body = Approvals), OfSession))]
pub(super) async fn approvals(
    _: RequireMember,
    Drivable(known): Drivable,
    State(app): State<App>,
) -> Json<Approvals> {
    let all = app.pending_of(&known.id, Group::Approval).into_iter();
    let data = all.filter_map(|it| match it {
        Pending::Approval(it) => Some(it),
        _ => None,
    });
    Json(Approvals {
        data: data.collect(),
    })
}

/// Questions that wait for answers, oldest first.
#[derive(Serialize, ToSchema)]
pub(super) struct ToolInputs {
    data: Vec<PendingToolInput>,
}

/// Lists what the model of a session asks.
#[utoipa::path(get, path = "/sessions/{sessionId}/tool-input", tag = "waits", operation_id = "tool_input_list",
    params(("sessionId" = String, Path)), responses((status = 200, body = ToolInputs), OfSession))]
pub(super) async fn tool_inputs(
    _: RequireMember,
    Drivable(known): Drivable,
    State(app): State<App>,
) -> Json<ToolInputs> {
    let all = app.pending_of(&known.id, Group::ToolInput).into_iter();
    let data = all.filter_map(|it| match it {
        Pending::ToolInput(it) => Some(it),
        _ => None,
    });
    Json(ToolInputs {
        data: data.collect(),
    })
}

/// Calls that wait for a client, oldest first.
#[derive(Serialize, ToSchema)]
pub(super) struct ToolCalls {
    data: Vec<PendingToolCall>,
}

/// Lists the calls of a session's tools that a client performs.
#[utoipa::path(get, path = "/sessions/{sessionId}/tool-calls", tag = "waits", operation_id = "tool_calls_list",
    params(("sessionId" = String, Path)), responses((status = 200, body = ToolCalls), OfSession))]
pub(super) async fn tool_calls(
    _: RequireMember,
    Drivable(known): Drivable,
    State(app): State<App>,
) -> Json<ToolCalls> {
    let all = app.pending_of(&known.id, Group::ToolCall).into_iter();
    let data = all.filter_map(|it| match it {
        Pending::ToolCall(it) => Some(it),
        _ => None,
    });
    Json(ToolCalls {
        data: data.collect(),
    })
}

/// Yes or no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum DecisionWord {
    /// Yes.
    Accept,
    /// No; the turn goes on.
    Decline,
    /// No, and the turn is broken off.
    Cancel,
}

impl From<DecisionWord> for Verdict {
    fn from(word: DecisionWord) -> Self {
        match word {
            DecisionWord::Accept => Self::Accept,
            DecisionWord::Decline => Self::Decline,
            DecisionWord::Cancel => Self::Cancel,
        }
    }
}

/// How far a yes reaches.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum ScopeWord {
    /// This once; of permissions, until the turn ends.
    #[default]
    Turn,
    /// Until the session ends.
    Session,
}

/// What is decided about an approval.
#[derive(Deserialize, ToSchema)]
pub(super) struct DecideApproval {
    decision: DecisionWord,
    /// How far a yes reaches.
    #[serde(default)]
    #[schema(default = "turn")]
    scope: ScopeWord,
    /// One of `availableDecisions`, instead of a plain yes or no.
    #[schema(value_type = Option<Value>)]
    amendment: Option<Value>,
    /// What the agent is told with a no.
    words: Option<Text<1, 65_536>>,
}

/// It is decided.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ApprovalDecided {
    /// Always `ok`.
    status: &'static str,
    approval_id: String,
    thread_id: String,
}

/// Decides about an approval. It is recorded before Codex hears of it: of two at once one gets 409.
#[utoipa::path(post, path = "/approvals/{approvalId}/decision", tag = "waits", operation_id = "approvals_decide",
    params(("approvalId" = String, Path)), request_body = DecideApproval,
    responses((status = 200, body = ApprovalDecided),
        (status = 409, body = Problem, description = "it was decided before, or cannot be decided so"), OfSession))]
pub(super) async fn decide_approval(
    RequireAdmin(acting): RequireAdmin,
    OfApproval(ask): OfApproval,
    State(app): State<App>,
    Input(body): Input<DecideApproval>,
) -> Answer<ApprovalDecided> {
    let wish = ApprovalWish {
        verdict: body.decision.into(),
        reach: match body.scope {
            ScopeWord::Turn => Reach::Turn,
            ScopeWord::Session => Reach::Session,
        },
        amendment: body.amendment,
        words: body.words.map(|it| it.0),
    };
    app.decide_approval(&acting.into(), &ask, wish).await?;
    Ok(Json(ApprovalDecided {
        status: "ok",
        approval_id: ask.id.to_string(),
        thread_id: ask.thread_id,
    }))
}

/// The answers to one question.
#[derive(Deserialize, ToSchema)]
pub(super) struct QuestionAnswers {
    /// The first is the answer, the others are notes to it.
    answers: Vec<String>,
}

/// The answers, as Codex takes them.
#[derive(Deserialize, ToSchema)]
pub(super) struct ToolInputResponse {
    /// By the question's id.
    answers: BTreeMap<String, QuestionAnswers>,
}

/// What is decided about questions.
#[derive(Deserialize, ToSchema)]
pub(super) struct DecideToolInput {
    decision: DecisionWord,
    /// By the question's id.
    answers: Option<BTreeMap<String, QuestionAnswers>>,
    /// The same as Codex takes it; `answers` counts before it.
    response: Option<ToolInputResponse>,
}

/// It is decided.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RequestDecided {
    /// Always `ok`.
    status: &'static str,
    request_id: String,
    thread_id: String,
}

impl RequestDecided {
    fn of(ask: Ask) -> Json<Self> {
        Json(Self {
            status: "ok",
            request_id: ask.id.to_string(),
            thread_id: ask.thread_id,
        })
    }
}

/// Answers questions of the model. `decline` and `cancel` answer nothing, and break the turn off.
#[utoipa::path(post, path = "/tool-input/{requestId}/decision", tag = "waits", operation_id = "tool_input_decide",
    params(("requestId" = String, Path)), request_body = DecideToolInput,
    responses((status = 200, body = RequestDecided),
        (status = 409, body = Problem, description = "they were answered before"), OfSession))]
pub(super) async fn decide_tool_input(
    RequireAdmin(acting): RequireAdmin,
    OfToolInput(ask): OfToolInput,
    State(app): State<App>,
    Input(body): Input<DecideToolInput>,
) -> Answer<RequestDecided> {
    let given = body.answers.or(body.response.map(|it| it.answers));
    let answers: Option<Answers> = match body.decision {
        DecisionWord::Accept => {
            let given = given.unwrap_or_default().into_iter();
            Some(given.map(|(id, it)| (id, it.answers)).collect())
        }
        DecisionWord::Decline | DecisionWord::Cancel => None,
    };
    app.decide_tool_input(&acting.into(), &ask, answers).await?;
    Ok(RequestDecided::of(ask))
}

/// A part of what a tool came to.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "camelCase")]
pub(super) enum ContentItem {
    /// A text.
    InputText {
        /// The text.
        text: String,
    },
    /// A picture.
    InputImage {
        /// Where it is, or itself as a `data:` address.
        // Named here: the document does not know a rule for the fields of all variants.
        #[serde(rename = "imageUrl")]
        image_url: String,
    },
}

fn as_codex_takes_it(item: &ContentItem) -> Value {
    serde_json::to_value(item).expect("plain data serialises")
}

/// What a tool came to, as Codex takes it.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToolCallResponse {
    content_items: Vec<ContentItem>,
    /// Whether it did what it should.
    success: Option<bool>,
}

/// What a tool came to: `contentItems`, or `text`, or both in this order.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct AnswerToolCall {
    /// Whether it did what it should.
    #[schema(default = true)]
    success: Option<bool>,
    content_items: Option<Vec<ContentItem>>,
    /// The same as one item with this text.
    text: Option<String>,
    /// The whole as Codex takes it, instead of the others.
    response: Option<ToolCallResponse>,
}

impl AnswerToolCall {
    fn result(self) -> Result<ToolResult, Refused> {
        if self.response.is_some() && (self.content_items.is_some() || self.text.is_some()) {
            let message = say!("refusal.harness.one_result");
            return Err(Refused::invalid("response", message));
        }
        let (items, said) = match self.response {
            Some(response) => (response.content_items, response.success),
            None => {
                let text = self.text.map(|text| ContentItem::InputText { text });
                let items = self.content_items.unwrap_or_default();
                (items.into_iter().chain(text).collect(), None)
            }
        };
        Ok(ToolResult {
            success: self.success.or(said).unwrap_or(true),
            content_items: items.iter().map(as_codex_takes_it).collect(),
        })
    }
}

/// Gives the model what a client's tool came to.
#[utoipa::path(post, path = "/tool-calls/{requestId}/response", tag = "waits", operation_id = "tool_calls_respond",
    params(("requestId" = String, Path)), request_body = AnswerToolCall,
    responses((status = 200, body = RequestDecided),
        (status = 409, body = Problem, description = "it was answered before"), OfSession))]
pub(super) async fn answer_tool_call(
    RequireAdmin(acting): RequireAdmin,
    OfToolCall(ask): OfToolCall,
    State(app): State<App>,
    Input(body): Input<AnswerToolCall>,
) -> Answer<RequestDecided> {
    let result = body.result()?;
    app.answer_tool_call(&acting.into(), &ask, result).await?;
    Ok(RequestDecided::of(ask))
}
