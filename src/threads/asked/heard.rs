//! What Codex, and the terminals of its sessions, say about asks: they come, come again, are answered somewhere, or end with their turn.

use super::OpenAsks;
use crate::codex::asks::{self as wire, Origin};
use crate::codex::calls::ThreadResume;
use crate::codex::events::{RequestKind, ServerRequest};
use crate::codex::items::{FileChange, Item};
use crate::codex::wire::{RequestId, ThreadId};
use crate::codex::{RequestKey as CodexKey, asks};
use crate::core::live::Activity;
use crate::domain::ask::asked::Asked;
use crate::domain::ask::given::Reply;
use crate::domain::ask::{Ask, RequestKey};
use crate::domain::flow::asks as flow;
use crate::domain::ids::{AskId, SessionId};
use crate::ledger::{Health, Status};
use crate::process::Identity;
use chrono::Utc;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// Changes of items that have begun are kept for so many at once; a patch that waits is one of a few.
const MAX_CHANGES: usize = 256;
/// Time for Codex to say what a patch changes, when its item began before we listened. Nothing else of its thread is heard meanwhile.
const CHANGES_LIMIT: Duration = Duration::from_secs(1);
/// What still waits in a thread comes again with the answer to its resumption; what has not come so long afterwards waits no more.
const COMES_AGAIN_WITHIN: Duration = Duration::from_secs(3);
/// What terminals said is kept for so many requests at once; Codex says within moments that each was answered.
const MAX_TOLD: usize = 256;

impl OpenAsks {
    /// A request came. Durable before anybody sees it.
    pub async fn requested(self: &Arc<Self>, key: CodexKey, request: ServerRequest) {
        let thread_id = request.thread_id().unwrap_or_default();
        if request.kind() == RequestKind::ToolCall && !self.is_of_a_client(&thread_id, &request) {
            // Whose tool it is answers it.
            return;
        }
        let named = wire::key(&key);
        let known = self
            .core
            .ledger
            .read(|state| state.asks.of_request(&named).cloned());
        let asked = match known {
            Some(asked) if !asked.is_settled() => asked,
            _ => {
                let ask = self.read(&named, &thread_id, &request).await;
                // Whoever hears of it looks at what was asked, and may be faster than what follows.
                let id = ask.id.clone();
                let params = request.params.clone();
                self.in_flight().params.insert(id.clone(), params);
                let policy = self.core.policy();
                let decide = move |state: &_| flow::raise(state, &policy.allow, ask);
                match self.core.decide(crate::core::LAUNCHER, decide).await {
                    Ok(asked) => {
                        if asked.ask.id != id {
                            self.in_flight().params.remove(&id);
                        }
                        asked
                    }
                    Err(error) => {
                        self.in_flight().params.remove(&id);
                        tracing::error!(?error, "what Codex asks could not be recorded");
                        return self.wait_for_the_journal(key, request);
                    }
                }
            }
        };
        {
            let mut in_flight = self.in_flight();
            in_flight.seen.insert(named);
            let id = asked.ask.id.clone();
            if asked.is_settled() {
                in_flight.params.remove(&id);
            } else {
                in_flight.params.insert(id.clone(), request.params);
                in_flight.keys.insert(id, key);
            }
        }
        self.send_again(&asked).await;
        self.refresh(asked.ask.session_id.as_ref());
        self.core.ring();
    }

    /// Whether a call of a tool is for a client of ours: it is registered by its plain name, while TUIs register theirs under one of their own.
    fn is_of_a_client(&self, thread_id: &ThreadId, request: &ServerRequest) -> bool {
        let is_plain = request.params.get("namespace").is_none_or(Value::is_null);
        let clients = self.clients_tools.get();
        is_plain && clients.is_some_and(|is_theirs| is_theirs(&thread_id.0))
    }

    async fn read(&self, named: &RequestKey, thread_id: &ThreadId, request: &ServerRequest) -> Ask {
        let session_id = self.owner(thread_id);
        let changes = match (request.kind(), request.item_id()) {
            (RequestKind::FileApproval, Some(item)) => self.changes(thread_id, &item.0).await,
            _ => Vec::new(),
        };
        let origin = Origin {
            key: named.clone(),
            session_id,
            at: Utc::now(),
            changes,
        };
        asks::read(request, origin)
    }

    fn owner(&self, thread_id: &ThreadId) -> Option<SessionId> {
        self.core.ledger.read(|state| {
            let session = state.session_of_thread(&thread_id.0)?;
            Some(session.id().clone())
        })
    }

    /// What an item changes: it was said as the item began, or is in the turn that runs.
    async fn changes(&self, thread_id: &ThreadId, item_id: &str) -> Vec<FileChange> {
        let place = (thread_id.0.clone(), item_id.to_owned());
        if let Some(changes) = self.in_flight().changes.get(&place) {
            return changes.clone();
        }
        let Ok(codex) = &self.codex else {
            return Vec::new();
        };
        let params = ThreadResume {
            exclude_turns: false,
            ..ThreadResume::new(thread_id.clone())
        };
        let resumed = tokio::time::timeout(CHANGES_LIMIT, codex.resume_thread(&params)).await;
        let Ok(Ok(opened)) = resumed else {
            tracing::warn!(thread.id = %thread_id, "Codex does not say what a patch changes");
            return Vec::new();
        };
        let items = opened
            .thread
            .turns
            .into_iter()
            .rev()
            .flat_map(|it| it.items);
        let mut changes = items.filter_map(|item| match item {
            Item::FileChange { id, changes, .. } if id.0 == item_id => Some(changes),
            _ => None,
        });
        changes.next().unwrap_or_default()
    }

    /// It is shown once the journal can be written again, if it still waits then. What fails although it can be written would fail again: it is
    /// left to the terminal.
    fn wait_for_the_journal(self: &Arc<Self>, key: CodexKey, request: ServerRequest) {
        let named = wire::key(&key);
        if let Some(session) = self.owner(&request.thread_id().unwrap_or_default()) {
            self.core.live.set_activity(&session, Activity::Blocked);
            const NOTICE: &str = "it asks for something that cannot be recorded, because the journal cannot be written: make room, or answer in its terminal";
            self.core.live.update(&session, |observed| {
                observed.notice = Some(NOTICE.to_owned())
            });
        }
        let is_writable = |now: &Status| now.health == Health::Writable;
        let mut status = self.core.ledger.status();
        if is_writable(&status.borrow()) {
            tracing::error!(request = %named.request, "what Codex asks is not tried again: the journal can be written");
            return;
        }
        if !self.in_flight().unrecorded.insert(named.clone()) {
            return;
        }
        let asks = Arc::clone(self);
        self.core.errand(async move {
            let is_open = status.wait_for(is_writable).await.is_ok();
            let is_wanted = is_open && asks.in_flight().unrecorded.remove(&named);
            if is_wanted {
                Box::pin(asks.requested(key, request)).await;
            }
        });
    }

    /// An item began: what it changes is asked about next, by its id alone.
    pub fn item_began(&self, thread_id: &ThreadId, item: &Item) {
        if let Item::FileChange { id, changes, .. } = item {
            let mut in_flight = self.in_flight();
            if in_flight.changes.len() >= MAX_CHANGES {
                in_flight.changes.clear();
            }
            let place = (thread_id.0.clone(), id.0.clone());
            in_flight.changes.insert(place, changes.clone());
        }
    }

    /// An item ended: whether it was allowed shows.
    pub async fn item_ended(&self, thread_id: &ThreadId, item: &Item) {
        let Some(id) = item.id().map(str::to_owned) else {
            return;
        };
        let approvable = matches!(
            item,
            Item::FileChange { .. } | Item::CommandExecution { .. }
        );
        self.in_flight()
            .changes
            .remove(&(thread_id.0.clone(), id.clone()));
        let was_asked =
            |ask: &Ask| ask.thread_id == thread_id.0 && ask.item_id.as_deref() == Some(id.as_str());
        let concerns = self.core.ledger.read(|state| {
            let newest = state.asks.settled().rev().take(flow::RECENT);
            newest.into_iter().any(|asked| was_asked(&asked.ask))
        });
        if approvable && concerns {
            let (thread_id, declined) = (thread_id.0.clone(), item.was_declined());
            self.note(move |state| flow::item_ended(state, &thread_id, &id, declined))
                .await;
        }
    }

    /// Codex says that a request needs no answer any more.
    pub async fn resolved(&self, thread_id: &ThreadId, request_id: &RequestId) {
        let Some(server) = self.in_flight().server.clone() else {
            return;
        };
        let request = wire::request_id(request_id);
        let key = RequestKey { server, request };
        self.in_flight().unrecorded.remove(&key);
        let asked = self
            .core
            .ledger
            .read(|state| state.asks.of_request(&key).cloned());
        let Some(asked) = asked.filter(|it| it.ask.thread_id == thread_id.0) else {
            return;
        };
        self.settle(&asked.ask).await;
        self.over(&[asked.ask]);
    }

    /// It needs no answer any more. Its terminal may tell what was answered before this, after it, or while it is recorded.
    async fn settle(&self, ask: &Ask) {
        let (key, told) = (ask.request_key.clone(), self.told_about(ask));
        self.note(move |state| flow::resolved(state, &key, told))
            .await;
        self.tell_late(ask).await;
    }

    async fn tell_late(&self, ask: &Ask) {
        if let Some(reply) = self.told_about(ask) {
            let id = ask.id.clone();
            self.note(move |state| flow::told_late(state, &id, reply))
                .await;
        }
    }

    fn told_about(&self, ask: &Ask) -> Option<Reply> {
        let result = self.in_flight().told.remove(&ask.request_key)?;
        wire::read_answer(ask, &result)
    }

    /// A turn ended; what it waited for is void, and what an earlier one did, whose end was not heard.
    pub async fn turn_ended(&self, thread_id: &ThreadId, turn_id: &str, was_interrupted: bool) {
        let thread = thread_id.0.clone();
        // One without a turn is of the thread: an MCP server may ask between turns.
        self.expire(move |ask| ask.thread_id == thread && ask.turn_id.is_some())
            .await;
        if was_interrupted {
            let (thread, turn) = (thread_id.0.clone(), turn_id.to_owned());
            self.note(move |state| flow::interrupted(state, &thread, &turn))
                .await;
        }
        self.in_flight()
            .changes
            .retain(|(thread, _), _| *thread != thread_id.0);
    }

    /// There is a connection: what another app-server asked is void.
    pub async fn connected(&self, server: &Identity) {
        let name = wire::name(server);
        {
            let mut in_flight = self.in_flight();
            if in_flight.server.as_ref() != Some(&name) {
                in_flight.told.retain(|key, _| key.server == name);
                in_flight.changes.clear();
                in_flight.unrecorded.clear();
            }
            in_flight.seen.clear();
            in_flight.server = Some(name.clone());
        }
        self.expire(move |ask| ask.request_key.server != name).await;
    }

    /// The connection is gone, and the app-server with it if `has_ended`.
    pub async fn disconnected(&self, has_ended: bool) {
        self.in_flight().server = None;
        if has_ended {
            self.expire(|_| true).await;
        }
    }

    /// A thread was resumed. What was decided while nobody listened does not come again.
    pub fn resumed(self: &Arc<Self>, thread_id: &ThreadId, still_waits: bool) {
        let of_thread: Vec<Ask> = self.core.ledger.read(|state| {
            let unsettled = state.asks.unsettled().map(|asked| &asked.ask);
            let mine = unsettled.filter(|ask| ask.thread_id == thread_id.0);
            mine.cloned().collect()
        });
        if of_thread.is_empty() {
            return;
        }
        self.refresh(of_thread[0].session_id.as_ref());
        let server = self.in_flight().server.clone();
        let asks = Arc::clone(self);
        self.core.errand(async move {
            if still_waits {
                tokio::time::sleep(COMES_AGAIN_WITHIN).await;
            }
            let gone: Vec<Ask> = {
                let in_flight = asks.in_flight();
                // With another connection the thread is resumed once more.
                let same = in_flight.server == server;
                let is_gone = |ask: &Ask| same && !in_flight.seen.contains(&ask.request_key);
                of_thread.into_iter().filter(is_gone).collect()
            };
            for ask in &gone {
                asks.settle(ask).await;
            }
            asks.over(&gone);
        });
    }

    /// The terminal of a session tells what was answered in it: the one way to learn that. `server` is the app-server that had asked (that of
    /// the moment, where nobody knows). May be told twice.
    pub async fn answered_in_terminal(
        &self,
        session: &SessionId,
        server: Option<&Identity>,
        request: &RequestId,
        result: Value,
    ) {
        let connected = self.in_flight().server.clone();
        let Some(server) = server.map(wire::name).or(connected) else {
            return;
        };
        let request = wire::request_id(request);
        let key = RequestKey { server, request };
        let asked = || {
            self.core.ledger.read(|state| {
                let asked = state.asks.of_request(&key);
                asked
                    .filter(|it| it.ask.session_id.as_ref() == Some(session))
                    .cloned()
            })
        };
        if asked().is_none() {
            return;
        }
        {
            let mut in_flight = self.in_flight();
            if in_flight.told.len() >= MAX_TOLD {
                in_flight.told.clear();
            }
            in_flight.told.insert(key.clone(), result);
        }
        // Whether it was the first, Codex says: until then it waits. Looked up only now, so that whoever settles it meanwhile finds it.
        if let Some(asked) = asked().filter(Asked::is_settled) {
            self.tell_late(&asked.ask).await;
        }
    }

    async fn expire(&self, is_over: impl Fn(&Ask) -> bool + Send + 'static) {
        let any = self.core.ledger.read(|state| {
            let mut unsettled = state.asks.unsettled();
            unsettled.any(|asked| is_over(&asked.ask))
        });
        if !any {
            return;
        }
        let sent = self.in_flight().sent.clone();
        let was_sent = move |id: &AskId| sent.contains(id);
        let expired = self
            .note(move |state| flow::expire(state, is_over, was_sent))
            .await;
        self.over(&expired.unwrap_or_default());
    }

    /// These have come to their end.
    fn over(&self, asks: &[Ask]) {
        self.tidy();
        for ask in asks {
            self.refresh(ask.session_id.as_ref());
        }
        self.core.ring();
    }
}
