//! The connection to one sidecar: what it says, whose tokens it asks about, and which credentials it hears the end of. What goes on for as
//! long as a terminal or a credential is kept alive by whoever keeps the launcher's other tasks alive.

use super::{Open, TerminalError, TerminalEvent, Terminals};
use crate::access::{Holder, Lease};
use crate::domain::ids::TerminalId;
use codex_terminal::client;
use codex_terminal::control::{Event, Granted, Over, Request};
use codex_terminal::descriptor::{Descriptor, State};
use codex_terminal::token::TokenHash;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use std::sync::Arc;
use tokio::sync::{Mutex, mpsc};
use tokio_util::sync::CancellationToken;

/// Begins a task, again and again if need be: each goes on where the one before broke.
pub type Begin = Box<dyn Fn() -> BoxFuture<'static, ()> + Send>;

/// Runs a task, and begins it anew whenever it ends before its token is cancelled.
pub type Keep = Arc<dyn Fn(CancellationToken, Begin) + Send + Sync>;

impl Terminals {
    /// Connects as the launcher, and passes on what is said from then on.
    pub(super) async fn connect(
        &self,
        id: &TerminalId,
        descriptor: Descriptor,
    ) -> Result<(), TerminalError> {
        let socket = descriptor
            .control_socket
            .clone()
            .ok_or(TerminalError::Gone)?;
        let (client, events) = client::connect(&socket).await?;
        let front = self.front();
        let standing = front.standing.map_or_else(Vec::new, |standing| standing());
        // Before anybody can be given its address.
        client
            .request(Request::Attend {
                standing: standing
                    .iter()
                    .map(|lease| lease.holder.to_string())
                    .collect(),
                frame_ancestors: front.origins,
            })
            .await?;
        let open = Open {
            descriptor,
            client,
            closing: false,
        };
        self.lock().insert(id.clone(), open);
        // What it remembers of an earlier launcher ends with its credential as well.
        for lease in standing {
            if lease.ended.is_cancelled() {
                self.revoke(id, &lease.holder).await;
            } else if self.inner.addresses.watch(&lease.holder) {
                self.end_with(lease);
            }
        }
        let (terminals, id) = (self.clone(), id.clone());
        let events = Arc::new(Mutex::new(events));
        self.keep(move || {
            let (terminals, id, events) = (terminals.clone(), id.clone(), Arc::clone(&events));
            async move { terminals.pass_on(&id, &mut *events.lock().await).await }
        });
        Ok(())
    }

    /// Has a task kept alive until it ends in order.
    fn keep<W>(&self, work: impl Fn() -> W + Send + 'static)
    where
        W: Future<Output = ()> + Send + 'static,
    {
        let over = CancellationToken::new();
        let ended = over.clone();
        let begin = move || {
            let (work, ended) = (work(), ended.clone());
            let whole = async move {
                work.await;
                ended.cancel();
            };
            whole.boxed()
        };
        match self.front().keep {
            Some(keep) => keep(over, Box::new(begin)),
            None => drop(tokio::spawn(begin())),
        }
    }

    /// Passes on what a sidecar says until it is gone.
    async fn pass_on(&self, id: &TerminalId, events: &mut mpsc::Receiver<Event>) {
        while let Some(event) = events.recv().await {
            if let Event::Presented { ask, token_sha256 } = event {
                self.answer(id, ask, &token_sha256);
                continue;
            }
            if let Some(open) = self.lock().get_mut(id) {
                match &event {
                    Event::Hello { descriptor, .. } => open.descriptor = descriptor.clone(),
                    Event::Exited { code, signal } => {
                        let (code, signal) = (*code, *signal);
                        open.descriptor.state = State::Exited { code, signal };
                    }
                    _ => {}
                }
            }
            let event = TerminalEvent {
                terminal_id: id.clone(),
                event: Some(event),
            };
            if self.inner.events.send(event).await.is_err() {
                return;
            }
        }
        self.inner.addresses.forget(id);
        // Taken out already, or about to be: then by whoever closes it.
        let found = self.lock().remove(id);
        if found.is_none_or(|open| open.closing) {
            return;
        }
        // Nobody listens any more when the launcher ends.
        let gone = TerminalEvent {
            terminal_id: id.clone(),
            event: None,
        };
        self.inner.events.send(gone).await.ok();
    }

    /// Somebody shows a token to a sidecar.
    fn answer(&self, id: &TerminalId, ask: u64, presented: &TokenHash) {
        if self.front().closing.is_cancelled() {
            // Whose credential is over and whose is not is the next launcher's to say.
            return;
        }
        let found = self.inner.addresses.whose(id, presented);
        let found = found.filter(|(lease, _)| !lease.ended.is_cancelled());
        let granted = found.as_ref().map(|(lease, mode)| Granted {
            holder: lease.holder.to_string(),
            mode: *mode,
        });
        let (terminals, id) = (self.clone(), id.clone());
        tokio::spawn(async move {
            let Ok(client) = terminals.client(&id) else {
                return;
            };
            if let Err(error) = client.request(Request::Answer { ask, granted }).await {
                tracing::warn!(terminal.id = %id, %error, "a terminal was not told whose a token is");
            }
            // It may have ended between the look and the answer; whoever told the sidecar of that may have been first.
            if let Some((lease, _)) = found
                && lease.ended.is_cancelled()
            {
                terminals.revoke(&id, &lease.holder).await;
            }
        });
    }

    /// Sees that what a credential opened ends with it.
    pub(super) fn end_with(&self, lease: Lease) {
        let terminals = self.clone();
        self.keep(move || {
            let (terminals, lease) = (terminals.clone(), lease.clone());
            async move { terminals.wait_for_end(&lease).await }
        });
    }

    async fn wait_for_end(&self, lease: &Lease) {
        lease.ended.cancelled().await;
        if self.front().closing.is_cancelled() && lease.holder.outlives_the_server() {
            return;
        }
        self.inner.addresses.end(&lease.holder);
        // All at once: one that does not answer must not hold up the others.
        let all = self.open_ids().into_iter().map(|id| {
            let (terminals, holder) = (self.clone(), lease.holder.clone());
            tokio::spawn(async move { terminals.revoke(&id, &holder).await })
        });
        for one in all.collect::<Vec<_>>() {
            // A panic is in the log already.
            one.await.ok();
        }
    }

    async fn revoke(&self, id: &TerminalId, holder: &Holder) {
        let over = match holder {
            Holder::Token { .. } => Over::Revoked,
            Holder::Browser { .. } | Holder::CommandLine | Holder::Extension { .. } => {
                Over::LoggedOut
            }
        };
        let Ok(client) = self.client(id) else {
            return;
        };
        let holder = holder.to_string();
        if let Err(error) = client.request(Request::Revoke { holder, over }).await {
            tracing::error!(terminal.id = %id, %error, "a terminal was not told that a credential has ended");
        }
    }
}
