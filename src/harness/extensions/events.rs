//! How what happens is worded for extensions.

use super::happening::{Happening, Place};
use crate::domain::ask::{Ask, PatchedFile, What};
use crate::domain::harness::extension::registration::{
    FILE_CHANGE_REQUESTED, SIGNALS, SUGGEST_REQUESTED, TURN_COMPLETED,
};
use crate::domain::harness::job::{JobId, Work};
use crate::domain::harness::project::ProjectId;
use crate::domain::harness::row::TranscriptEntry;
use crate::domain::ids::AskId;
use crate::harness::Harness;
use crate::harness::standing::Standing;
use crate::harness::transcript;
use crate::harness::waits::shapes::Pending;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::time::Duration;

/// The most bytes of a turn's text that an event has.
const MAX_TEXT: usize = 64 << 10;
/// How long a turn is looked up before an event goes without its text.
const LOOK_UP: Duration = Duration::from_secs(5);
/// Turns of which questions are counted; those that never end are few.
const MAX_TURNS: usize = 4096;

/// What was told so far.
#[derive(Debug, Default)]
pub struct Known {
    /// Questions about files that somebody was told of, and that wait.
    asked: HashSet<AskId>,
    /// How many there were in each turn that runs.
    counts: HashMap<String, u32>,
}

/// What stands in every frame.
#[derive(Deserialize)]
struct Frame<'a> {
    #[serde(rename = "type", borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    payload: &'a RawValue,
}

/// A turn, as far as it is told.
#[derive(Default)]
struct Seen {
    /// Which one it is.
    turn_id: Option<String>,
    user_request: Option<String>,
    text: String,
}

impl Harness {
    /// Tells of what a frame of the stream says.
    pub(super) async fn tell_frame(&self, frame: &str, known: &mut Known) {
        let Ok(frame) = serde_json::from_str::<Frame<'_>>(frame) else {
            return;
        };
        let hears = |name: &str| self.extensions.hears(name);
        let name = frame.name.as_ref();
        let payload = || serde_json::from_str::<Value>(frame.payload.get()).unwrap_or_default();
        if name.starts_with(SIGNALS) {
            if hears(name) {
                let payload = payload();
                let place = place_of(&payload);
                self.extensions
                    .deliver(&Happening::new(name, payload, place));
            }
            if name == "app_server.turn.completed" {
                self.tell_turn(&payload(), known).await;
            }
            return;
        }
        match name {
            "approval" => {
                let payload = payload();
                let ask = payload["approvalId"].as_str().and_then(|id| self.ask(id));
                if let Some(ask) = ask {
                    self.tell_change(&ask, "approval_request", known).await;
                }
            }
            "orchestrator_job_queued" if hears(SUGGEST_REQUESTED) => {
                let payload = payload();
                if let Some(id) = payload["jobId"].as_str() {
                    self.tell_suggestion(&JobId(id.to_owned())).await;
                }
            }
            _ => {}
        }
    }

    /// Tells of questions that wait and of which nobody was told.
    pub(super) async fn reconcile(&self, known: &mut Known) {
        if !self.extensions.hears(FILE_CHANGE_REQUESTED) {
            return;
        }
        let open: Vec<Ask> = self.core.ledger.read(|state| {
            let open = state.asks.open();
            let patches = open.filter(|ask| matches!(ask.what, What::Patch { .. }));
            patches.cloned().collect()
        });
        let ids: HashSet<_> = open.iter().map(|ask| ask.id.clone()).collect();
        known.asked.retain(|id| ids.contains(id));
        for ask in open {
            if !known.asked.contains(&ask.id) {
                self.tell_change(&ask, "approvals_reconcile", known).await;
            }
        }
    }

    fn ask(&self, id: &str) -> Option<Ask> {
        let id = AskId::parse(id).ok()?;
        let find = |state: &crate::domain::state::State| state.asks.find(&id).cloned();
        let asked = self.core.ledger.read(find)?;
        matches!(asked.ask.what, What::Patch { .. }).then_some(asked.ask)
    }

    async fn tell_change(&self, ask: &Ask, source: &str, known: &mut Known) {
        if let Some(turn_id) = &ask.turn_id {
            if known.counts.len() >= MAX_TURNS {
                known.counts.clear();
            }
            *known.counts.entry(turn_id.clone()).or_default() += 1;
        }
        let is_users = matches!(self.standing(&ask.thread_id), Standing::User(_));
        if !self.extensions.hears(FILE_CHANGE_REQUESTED) || !is_users {
            return;
        }
        known.asked.insert(ask.id.clone());
        let Pending::Approval(pending) = self.pending(ask) else {
            return;
        };
        let place = self.place(&ask.thread_id, ask.turn_id.as_deref());
        let seen = self.seen(&ask.thread_id, ask.turn_id.as_deref()).await;
        let mut context = context(&place, &seen);
        context["approvalId"] = json!(pending.approval_id);
        if let Some(item_id) = &ask.item_id {
            context["itemId"] = json!(item_id);
            context["anchorItemId"] = json!(item_id);
        }
        let payload = json!({
            "context": context,
            "summary": pending.summary,
            "details": with_changes(pending.details, ask),
            "sourceEvent": source,
            "fileChangeStatus": "pending_approval",
        });
        self.extensions
            .deliver(&Happening::new(FILE_CHANGE_REQUESTED, payload, place));
    }

    async fn tell_turn(&self, signal: &Value, known: &mut Known) {
        let context = &signal["context"];
        let (Some(session_id), Some(turn_id)) =
            (context["threadId"].as_str(), context["turnId"].as_str())
        else {
            return;
        };
        let count = known.counts.remove(turn_id).unwrap_or_default();
        if !self.extensions.hears(TURN_COMPLETED) {
            return;
        }
        let place = self.place(session_id, Some(turn_id));
        let seen = self.seen(session_id, Some(turn_id)).await;
        let payload = json!({
            "context": self::context(&place, &seen),
            "hadFileChangeRequests": count > 0,
            "fileChangeRequestCount": count,
            "turnTranscriptSnapshot": seen.text,
        });
        self.extensions
            .deliver(&Happening::new(TURN_COMPLETED, payload, place));
    }

    async fn tell_suggestion(&self, id: &JobId) {
        let job = self.ledger.read(|state| state.jobs.get(id).cloned());
        let Some(Work::SuggestRequest(wish)) = job.map(|it| it.work) else {
            return;
        };
        let seen = self.seen(&wish.session_id, None).await;
        // It is about the newest turn: what comes of it has to be said of one.
        let place = self.place(&wish.session_id, seen.turn_id.as_deref());
        let payload = json!({
            "requestKey": wish.request_key,
            "sessionId": wish.session_id,
            "projectId": place.project_id,
            "threadId": wish.session_id,
            "turnId": place.turn_id,
            "userRequest": seen.user_request,
            "turnTranscript": seen.text,
            "model": wish.model,
            "effort": wish.effort,
            "draft": wish.draft,
        });
        self.extensions
            .deliver(&Happening::new(SUGGEST_REQUESTED, payload, place));
    }

    fn place(&self, session_id: &str, turn_id: Option<&str>) -> Place {
        let project_id = self.ledger.read(|state| {
            let session = state.sessions.get(session_id)?;
            session.project_id.clone()
        });
        let project_id = project_id.unwrap_or_else(|| ProjectId::of_session(session_id));
        Place {
            project_id: Some(project_id.0),
            session_id: Some(session_id.to_owned()),
            turn_id: turn_id.map(str::to_owned),
        }
    }

    /// What was said in a turn, or in the newest one.
    async fn seen(&self, session_id: &str, turn_id: Option<&str>) -> Seen {
        let Some(known) = self.index.get(session_id) else {
            return Seen::default();
        };
        let rows = tokio::time::timeout(LOOK_UP, transcript::of(self, &known, 1)).await;
        let Ok(Ok((_, rows, _))) = rows else {
            return Seen::default();
        };
        let newest = rows.last().map(|row| row.turn_id.clone());
        let turn_id = turn_id.map(str::to_owned).or(newest);
        let rows = rows
            .iter()
            .filter(|row| Some(&row.turn_id) == turn_id.as_ref());
        Seen {
            turn_id: turn_id.clone(),
            ..seen(rows)
        }
    }
}

fn seen<'a>(rows: impl Iterator<Item = &'a TranscriptEntry>) -> Seen {
    let mut seen = Seen::default();
    for row in rows {
        if row.kind == "userMessage" && seen.user_request.is_none() {
            seen.user_request = Some(row.content.clone());
        }
        if !row.content.is_empty() {
            seen.text
                .push_str(&format!("[{}] {}\n\n", row.kind, row.content));
        }
    }
    let excess = seen.text.len().saturating_sub(MAX_TEXT);
    let cut = (excess..=seen.text.len()).find(|at| seen.text.is_char_boundary(*at));
    seen.text.drain(..cut.unwrap_or(0));
    seen
}

/// The parameters of a request, with what it would change: Codex has told that before, with the item.
fn with_changes(mut details: Value, ask: &Ask) -> Value {
    if let What::Patch { files, omitted, .. } = &ask.what {
        let change = |file: &PatchedFile| {
            json!({
                "path": file.path,
                "kind": {"type": file.kind, "move_path": file.moved_to},
                "diff": file.diff,
            })
        };
        details["changes"] = files.iter().map(change).collect();
        // Whoever judges has to know what they do not see.
        details["isWhole"] = json!(*omitted == 0 && ask.cut.is_empty());
    }
    details
}

fn context(place: &Place, seen: &Seen) -> Value {
    json!({
        "projectId": place.project_id,
        "sourceSessionId": place.session_id,
        "threadId": place.session_id,
        "turnId": place.turn_id,
        "userRequest": seen.user_request,
        "turnTranscript": seen.text,
    })
}

/// Where a signal happened.
fn place_of(signal: &Value) -> Place {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let session_id = text(&signal["context"]["threadId"]);
    let project_id = text(&signal["session"]["projectId"]);
    Place {
        project_id: project_id.or_else(|| Some(ProjectId::of_session(session_id.as_ref()?).0)),
        turn_id: text(&signal["context"]["turnId"]),
        session_id,
    }
}
