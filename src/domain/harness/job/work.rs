//! What a job asks for, and what its result has to look like.

use super::JobType;
use crate::domain::harness::row::MAX_CONTENT_BYTES;
use crate::domain::sentence::{Sentence, say};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// Characters of a draft.
const MAX_DRAFT: usize = 4_000;
/// Characters of a name: of a model, an agent, a thread, a row.
const MAX_NAME: usize = 200;
/// Rows that follow a job.
const MAX_TARGETS: usize = 8;
/// Texts that one of them may begin with.
const MAX_PLACEHOLDERS: usize = 12;
/// Actions that a result may ask for.
const MAX_INTENTS: usize = 32;

/// What a job asks for: its type and its payload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", content = "payload", rename_all = "snake_case")]
pub enum Work {
    /// A suggestion of what the user of a session could ask next.
    SuggestRequest(SuggestRequest),
    /// What an agent is to do.
    AgentInstruction(Box<AgentInstruction>),
}

/// A suggestion of what the user of a session could ask next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SuggestRequest {
    /// The session.
    pub session_id: String,
    /// What names the suggestion in the session's transcript.
    pub request_key: String,
    /// The model; otherwise the session's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// How hard it thinks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effort: Option<String>,
    /// What the user has written so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draft: Option<String>,
}

/// What an agent is to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentInstruction {
    /// Which agent.
    pub agent: String,
    /// What kind of job this is to it.
    pub job_kind: String,
    /// The project that it works for; `session:<id>` for a session without one.
    pub project_id: String,
    /// The session that it is about.
    pub source_session_id: String,
    /// Codex's thread of that.
    pub thread_id: String,
    /// The turn that it is about.
    pub turn_id: String,
    /// The item that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item_id: Option<String>,
    /// What waits for an answer there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval_id: Option<String>,
    /// Rows of it stand behind this item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anchor_item_id: Option<String>,
    /// What the agent is told once, before its first instruction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bootstrap_instruction: Option<Bootstrap>,
    /// What it is told.
    pub instruction_text: String,
    /// What makes another instruction the same one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dedupe_key: Option<String>,
    /// The model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// How hard it thinks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effort: Option<String>,
    /// What is suggested when the agent suggests nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback_suggestion_draft: Option<String>,
    /// What it answers with.
    #[serde(default)]
    pub expect_response: Expect,
    /// Rows of the session's transcript that follow the job.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub supplemental_targets: Vec<Target>,
    /// What else is over with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completion_signal: Option<CompletionSignal>,
}

/// What an agent is told once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Bootstrap {
    /// Under this name it is told once.
    pub key: String,
    /// What it is told.
    pub instruction_text: String,
}

/// What an agent answers with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Expect {
    /// Nothing that anybody reads.
    #[default]
    None,
    /// A text.
    AssistantText,
    /// Actions that the server performs.
    ActionIntents,
}

/// A row that follows a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    /// The row's name.
    pub message_id: String,
    /// The row's type.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it says while the job waits and runs; one of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub placeholder_texts: Vec<String>,
    /// What it says when the job is complete and nobody wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub complete_fallback: Option<String>,
    /// What it says when the job failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_fallback: Option<String>,
    /// What it says when the job was taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canceled_fallback: Option<String>,
}

/// What else is over with a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum CompletionSignal {
    /// A suggestion.
    SuggestedRequest {
        /// Its key.
        #[serde(rename = "requestKey")]
        request_key: String,
    },
}

/// Why a payload or a result is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unfit {
    /// No job is of this type.
    UnknownType(String),
    /// A field is missing, too long or wrong.
    Field {
        /// Which.
        path: String,
        /// What is wrong with it.
        message: Sentence,
    },
}

fn unfit(path: impl Into<String>, message: Sentence) -> Unfit {
    Unfit::Field {
        path: path.into(),
        message,
    }
}

impl Work {
    /// Reads what somebody sent.
    ///
    /// # Errors
    /// When no job is of this type, or the payload is not what its type asks for.
    pub fn read(kind: &str, payload: Value) -> Result<Self, Unfit> {
        let work = match kind {
            "suggest_request" => Self::SuggestRequest(read(payload)?),
            "agent_instruction" => Self::AgentInstruction(Box::new(read(payload)?)),
            other => return Err(Unfit::UnknownType(other.chars().take(MAX_NAME).collect())),
        };
        work.check()?;
        Ok(work)
    }

    /// The kind of work.
    pub const fn kind(&self) -> JobType {
        match self {
            Self::SuggestRequest(_) => JobType::SuggestRequest,
            Self::AgentInstruction(_) => JobType::AgentInstruction,
        }
    }

    /// The session that it is about.
    pub fn session_id(&self) -> &str {
        match self {
            Self::SuggestRequest(it) => &it.session_id,
            Self::AgentInstruction(it) => &it.source_session_id,
        }
    }

    /// The project that it names, where it names one.
    pub fn project_id(&self) -> Option<&str> {
        match self {
            Self::SuggestRequest(_) => None,
            Self::AgentInstruction(it) => Some(&it.project_id),
        }
    }

    /// What makes another job the same one, where nobody says otherwise.
    pub fn key(&self) -> String {
        match self {
            Self::SuggestRequest(it) => it.session_id.clone(),
            Self::AgentInstruction(it) => it.dedupe_key.clone().unwrap_or_else(|| {
                let parts = [&it.project_id, &it.thread_id, &it.turn_id, &it.job_kind];
                parts.map(String::as_str).join(":")
            }),
        }
    }

    /// Whether it is within its bounds.
    ///
    /// # Errors
    /// When it is not.
    pub fn check(&self) -> Result<(), Unfit> {
        match self {
            Self::SuggestRequest(it) => it.check(),
            Self::AgentInstruction(it) => it.check(),
        }
    }

    /// Whether a result is what this kind of work comes to.
    ///
    /// # Errors
    /// When it is not.
    pub fn takes(&self, result: &Value) -> Result<(), Unfit> {
        match self {
            Self::SuggestRequest(_) => {
                let _: Suggested = read(result.clone())?;
            }
            Self::AgentInstruction(_) => {
                let done: Done = read(result.clone())?;
                let intents = done.action_intents.as_ref().map(Vec::len);
                if intents.is_some_and(|it| it == 0 || it > MAX_INTENTS) {
                    let most = MAX_INTENTS;
                    return Err(unfit(
                        "actionIntents",
                        say!("refusal.harness.job_list", most),
                    ));
                }
            }
        }
        Ok(())
    }
}

/// Read for its form only.
#[derive(Deserialize)]
#[expect(dead_code, reason = "only whether it can be read counts")]
#[serde(rename_all = "camelCase")]
struct Suggested {
    status: SuggestedStatus,
    request_key: String,
    suggestion: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum SuggestedStatus {
    Ok,
    Fallback,
}

/// Read for its form, and the number of intents.
#[derive(Deserialize)]
#[expect(dead_code, reason = "only whether it can be read counts")]
#[serde(rename_all = "camelCase")]
struct Done {
    status: DoneStatus,
    output_text: Option<String>,
    action_intents: Option<Vec<serde_json::Map<String, Value>>>,
    action_results: Option<Vec<serde_json::Map<String, Value>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum DoneStatus {
    Ok,
}

fn read<T: for<'de> Deserialize<'de>>(value: Value) -> Result<T, Unfit> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        unfit(path, Sentence::recognised(&error.inner().to_string()))
    })
}

impl SuggestRequest {
    fn check(&self) -> Result<(), Unfit> {
        name("sessionId", &self.session_id)?;
        name("requestKey", &self.request_key)?;
        names([("model", &self.model), ("effort", &self.effort)])?;
        let draft = self.draft.as_deref().unwrap_or_default();
        match draft.chars().count() > MAX_DRAFT {
            true => Err(unfit("draft", too_long(MAX_DRAFT))),
            false => Ok(()),
        }
    }
}

impl AgentInstruction {
    fn check(&self) -> Result<(), Unfit> {
        for (field, text) in [
            ("agent", &self.agent),
            ("jobKind", &self.job_kind),
            ("projectId", &self.project_id),
            ("sourceSessionId", &self.source_session_id),
            ("threadId", &self.thread_id),
            ("turnId", &self.turn_id),
        ] {
            name(field, text)?;
        }
        names([
            ("itemId", &self.item_id),
            ("approvalId", &self.approval_id),
            ("anchorItemId", &self.anchor_item_id),
            ("model", &self.model),
            ("effort", &self.effort),
        ])?;
        text("instructionText", &self.instruction_text)?;
        if self.instruction_text.trim().is_empty() {
            return Err(unfit("instructionText", say!("refusal.harness.job_empty")));
        }
        if let Some(bootstrap) = &self.bootstrap_instruction {
            name("bootstrapInstruction.key", &bootstrap.key)?;
            let path = "bootstrapInstruction.instructionText";
            text(path, &bootstrap.instruction_text)?;
        }
        if let Some(key) = &self.dedupe_key
            && key.chars().count() > MAX_NAME * 4
        {
            return Err(unfit("dedupeKey", too_long(MAX_NAME * 4)));
        }
        if let Some(draft) = &self.fallback_suggestion_draft {
            text("fallbackSuggestionDraft", draft)?;
        }
        if let Some(CompletionSignal::SuggestedRequest { request_key }) = &self.completion_signal {
            name("completionSignal.requestKey", request_key)?;
        }
        if self.supplemental_targets.len() > MAX_TARGETS {
            let message = say!("refusal.harness.job_list", most = MAX_TARGETS);
            return Err(unfit("supplementalTargets", message));
        }
        self.supplemental_targets.iter().try_for_each(Target::check)
    }
}

impl Target {
    fn check(&self) -> Result<(), Unfit> {
        name("supplementalTargets.messageId", &self.message_id)?;
        name("supplementalTargets.type", &self.kind)?;
        if self.placeholder_texts.len() > MAX_PLACEHOLDERS {
            let message = say!("refusal.harness.job_list", most = MAX_PLACEHOLDERS);
            return Err(unfit("supplementalTargets.placeholderTexts", message));
        }
        let fallbacks = [
            &self.complete_fallback,
            &self.error_fallback,
            &self.canceled_fallback,
        ];
        let texts = fallbacks.into_iter().flatten();
        for said in texts.chain(&self.placeholder_texts) {
            text("supplementalTargets", said)?;
        }
        Ok(())
    }
}

fn name(path: &str, said: &str) -> Result<(), Unfit> {
    match said.trim().is_empty() {
        true => Err(unfit(path, say!("refusal.harness.job_empty"))),
        false if said.chars().count() > MAX_NAME => Err(unfit(path, too_long(MAX_NAME))),
        false => Ok(()),
    }
}

fn names<const N: usize>(all: [(&str, &Option<String>); N]) -> Result<(), Unfit> {
    let said = all
        .into_iter()
        .filter_map(|(path, it)| Some((path, it.as_deref()?)));
    said.into_iter().try_for_each(|(path, it)| name(path, it))
}

/// A text of any length that a row takes.
fn text(path: &str, said: &str) -> Result<(), Unfit> {
    match said.len() > MAX_CONTENT_BYTES {
        true => Err(unfit(path, too_long(MAX_CONTENT_BYTES))),
        false => Ok(()),
    }
}

fn too_long(most: usize) -> Sentence {
    say!("refusal.harness.job_too_long", most)
}
