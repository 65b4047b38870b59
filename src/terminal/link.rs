//! The connection to one sidecar: what it says, whose tokens it asks about, and which credentials it hears the end of.

use super::{Open, TerminalError, TerminalEvent, Terminals};
use crate::access::{Holder, Lease};
use crate::domain::ids::TerminalId;
use codex_terminal::client;
use codex_terminal::control::{Event, Granted, Over, Request};
use codex_terminal::descriptor::{Descriptor, State};
use codex_terminal::token::TokenHash;

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
        let (client, mut events) = client::connect(&socket).await?;
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
        let terminals = self.clone();
        let terminal_id = id.clone();
        tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                if let Event::Presented { ask, token_sha256 } = event {
                    terminals.answer(&terminal_id, ask, &token_sha256);
                    continue;
                }
                if let Some(open) = terminals.lock().get_mut(&terminal_id) {
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
                    terminal_id: terminal_id.clone(),
                    event: Some(event),
                };
                if terminals.inner.events.send(event).await.is_err() {
                    return;
                }
            }
            terminals.inner.addresses.forget(&terminal_id);
            // Taken out already, or about to be: then by whoever closes it.
            let found = terminals.lock().remove(&terminal_id);
            if found.is_none_or(|open| open.closing) {
                return;
            }
            // Nobody listens any more when the launcher ends.
            terminals
                .inner
                .events
                .send(TerminalEvent {
                    terminal_id,
                    event: None,
                })
                .await
                .ok();
        });
        Ok(())
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
        tokio::spawn(async move {
            lease.ended.cancelled().await;
            if terminals.front().closing.is_cancelled() && lease.holder.outlives_the_server() {
                return;
            }
            terminals.inner.addresses.end(&lease.holder);
            // All at once: one that does not answer must not hold up the others.
            let all = terminals.open_ids().into_iter().map(|id| {
                let (terminals, holder) = (terminals.clone(), lease.holder.clone());
                tokio::spawn(async move { terminals.revoke(&id, &holder).await })
            });
            for one in all.collect::<Vec<_>>() {
                // A panic is in the log already.
                one.await.ok();
            }
        });
    }

    async fn revoke(&self, id: &TerminalId, holder: &Holder) {
        let over = match holder {
            Holder::Token { .. } => Over::Revoked,
            Holder::Browser { .. } | Holder::CommandLine => Over::LoggedOut,
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
