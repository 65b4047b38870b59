//! What is asked in threads, and what came of it, as events: by the journal of the server, so that each is told when it is durable.

use super::Streams;
use super::frames::Own;
use crate::domain::ask::asked::How;
use crate::domain::ask::given::Reply;
use crate::domain::ask::{Ask, What};
use crate::domain::event::Event;
use crate::domain::harness::asked::{scope, word};
use crate::domain::ids::AskId;
use crate::harness::Harness;
use crate::harness::waits::Group;
use serde::Serialize;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Asks that were told of, and of whose end was not.
#[derive(Debug, Default)]
pub struct Open(Mutex<HashMap<AskId, Ask>>);

impl Open {
    /// Those that wait already.
    pub fn of(asks: Vec<Ask>) -> Self {
        let named = asks.into_iter().map(|ask| (ask.id.clone(), ask));
        Self(Mutex::new(named.collect()))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<AskId, Ask>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What came of an ask.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Resolved<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    approval_id: Option<&'a AskId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a AskId>,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    success: Option<bool>,
}

impl Harness {
    /// Tells of what a record of the server's journal says about an ask. Its end is told once: with the answer, where it is answered here.
    pub(super) fn tell_of_ask(&self, event: &Event) {
        let open = &self.streams.open_asks;
        match event {
            Event::AskRaised { ask } => {
                open.lock().insert(ask.id.clone(), ask.clone());
                self.streams.tell_of_request(self, ask);
            }
            Event::AskReopened { ask_id, .. } => {
                let find = |state: &crate::domain::state::State| {
                    state.asks.find(ask_id).map(|asked| asked.ask.clone())
                };
                if let Some(ask) = self.core.ledger.read(find) {
                    open.lock().insert(ask.id.clone(), ask.clone());
                    self.streams.tell_of_request(self, &ask);
                }
            }
            Event::AskAnswered { ask_id, reply, .. } => {
                if let Some(ask) = open.lock().remove(ask_id) {
                    self.streams.tell_of_end(&ask, false, Some(reply));
                }
            }
            Event::AskSettled {
                ask_id, how, reply, ..
            } => {
                if let Some(ask) = open.lock().remove(ask_id) {
                    self.streams
                        .tell_of_end(&ask, *how == How::Expired, reply.as_ref());
                }
            }
            _ => {}
        }
    }
}

impl Streams {
    fn tell_of_request(&self, harness: &Harness, ask: &Ask) {
        let name = match Group::of(&ask.what) {
            Group::Approval => "approval",
            Group::ToolInput => "tool_user_input_requested",
            Group::ToolCall => "tool_call_requested",
        };
        self.tell(|| Own::new(name, Some(&ask.thread_id), &harness.pending(ask)));
    }

    fn tell_of_end(&self, ask: &Ask, is_expired: bool, reply: Option<&Reply>) {
        let group = Group::of(&ask.what);
        let (name, is_approval) = match group {
            Group::Approval => ("approval_resolved", true),
            Group::ToolInput => ("tool_user_input_resolved", false),
            Group::ToolCall => ("tool_call_resolved", false),
        };
        let reply = reply.filter(|_| !is_expired);
        let is_call = matches!(ask.what, What::ToolCall { .. });
        let decided = reply.filter(|_| !is_call);
        let taken = decided.and_then(|it| ask.takes(&it.decision));
        let content = reply.filter(|_| is_call).and_then(|it| it.content.as_ref());
        let resolved = Resolved {
            approval_id: is_approval.then_some(&ask.id),
            request_id: (!is_approval).then_some(&ask.id),
            status: if is_expired { "expired" } else { "resolved" },
            decision: decided.map(|it| word(&it.decision)),
            scope: taken.as_ref().and_then(scope),
            success: content
                .and_then(|it| it.get("success"))
                .and_then(Value::as_bool),
        };
        self.tell(|| Own::new(name, Some(&ask.thread_id), &resolved));
    }
}
