//! What waits for an answer in a thread: the asks of everybody's list, as clients of the harness know them.
//!
//! - `shapes`: an ask as it is shown; `decisions`: what somebody decides about one, and how it is answered
//! - `gifts`: what a yes gives, held against the ceilings; `calls`: calls of clients' tools that nobody answers
//! - `rows`: what is left of asks in the transcript

mod calls;
pub mod decisions;
mod gifts;
mod rows;
pub mod shapes;

use super::Harness;
use super::refused::Refused;
use super::standing::Standing;
use crate::domain::ask::{Ask, What};
use crate::domain::ids::AskId;
use shapes::Pending;

/// Which of the three lists an ask stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// May this be done? Also permissions, forms and tools of MCP servers, and what nobody knows.
    Approval,
    /// Questions of the model.
    ToolInput,
    /// A call of a tool that a client performs.
    ToolCall,
}

impl Group {
    /// Where this stands.
    pub fn of(what: &What) -> Self {
        match what {
            What::Questions { .. } => Self::ToolInput,
            What::ToolCall { .. } => Self::ToolCall,
            _ => Self::Approval,
        }
    }

    /// What an id of it is called.
    pub fn id_field(self) -> &'static str {
        match self {
            Self::Approval => "approvalId",
            Self::ToolInput | Self::ToolCall => "requestId",
        }
    }
}

impl Harness {
    /// What waits in a thread, oldest first.
    pub fn pending_of(&self, session_id: &str, group: Group) -> Vec<Pending> {
        let asks: Vec<Ask> = self.core.ledger.read(|state| {
            let open = state.asks.open();
            let mine = open.filter(|ask| ask.thread_id == session_id);
            let mine = mine.filter(|ask| Group::of(&ask.what) == group);
            mine.cloned().collect()
        });
        asks.iter().map(|ask| self.pending(ask)).collect()
    }

    /// An ask as it is shown.
    pub fn pending(&self, ask: &Ask) -> Pending {
        Pending::of(ask, self.asks.params(ask))
    }

    /// What waits, or waited, under this id in a thread that may be driven.
    ///
    /// # Errors
    /// When there is no such thing, or its thread is not to be driven from here.
    pub fn asked(&self, group: Group, id: &str) -> Result<Ask, Refused> {
        let unknown = || Refused::unknown_pending(group.id_field(), id);
        // What cannot be an id is nobody's id.
        let ask_id = AskId::parse(id).map_err(|_| unknown())?;
        let ask = self.core.ledger.read(|state| {
            let asked = state.asks.find(&ask_id)?;
            Some(asked.ask.clone())
        });
        let ask = ask.filter(|ask| Group::of(&ask.what) == group);
        let ask = ask.ok_or_else(unknown)?;
        let no = match self.standing(&ask.thread_id) {
            Standing::User(_) => return Ok(ask),
            Standing::System(_) => Refused::system_session(&ask.thread_id),
            Standing::Deleted(tombstone) => Refused::deleted(&ask.thread_id, &tombstone),
            Standing::Unknown if self.index.is_filled() => unknown(),
            Standing::Unknown => {
                let reason = self.threads.down().unwrap_or_default();
                Refused::codex_unavailable(reason)
            }
        };
        Err(no.with(group.id_field(), id))
    }
}
