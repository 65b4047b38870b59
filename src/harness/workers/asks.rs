//! What a worker asks for. Nobody is there to answer, so it is declined at once, and the session that the job is about is told.

use super::diary::{Diary, Entry};
use crate::core::LAUNCHER;
use crate::domain::ask::given::Given;
use crate::domain::ask::{Ask, What};
use crate::domain::sentence::say;
use crate::harness::Harness;
use crate::harness::waits::decisions::{ToolResult, tool_answer};
use serde_json::json;

impl Harness {
    /// Declines what waits in the thread of a worker.
    pub(super) async fn decline_asks(&self, thread_id: &str, diary: &mut Diary<'_>) {
        let open: Vec<Ask> = self.core.ledger.read(|state| {
            let open = state.asks.open().filter(|ask| ask.thread_id == thread_id);
            open.cloned().collect()
        });
        for ask in open {
            let given = no(&ask);
            match self.asks.answer(LAUNCHER.to_owned(), &ask.id, given).await {
                Ok(_) => diary.note(Entry::Declined(ask.title()), thread_id).await,
                // Somebody was quicker, or Codex is not there: then it comes again.
                Err(error) => {
                    tracing::info!(ask.id = %ask.id, ?error, "what a worker asks for was not declined");
                }
            }
        }
    }
}

/// The no that an ask takes. Where it has none that lets the turn go on, the turn is broken off.
fn no(ask: &Ask) -> Given {
    let nobody = || say!("harness.worker.nobody_answers").to_string();
    match &ask.what {
        What::ToolCall { .. } => tool_answer(ToolResult {
            success: false,
            content_items: vec![json!({"type": "inputText", "text": nobody()})],
        }),
        What::Questions { questions, .. } if questions.iter().all(|it| it.takes_text()) => {
            let answers = questions.iter().map(|it| (it.id.clone(), vec![nobody()]));
            Given {
                decision: "answer".to_owned(),
                answers: answers.collect(),
                ..Given::default()
            }
        }
        _ => {
            let known = ["decline", "cancel"];
            let known = known.into_iter().find(|id| ask.takes(id).is_some());
            Given {
                decision: known.unwrap_or("cancel").to_owned(),
                ..Given::default()
            }
        }
    }
}
