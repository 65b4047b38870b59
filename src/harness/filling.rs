//! How the index is filled: Codex's own list after each connection, and what it says by itself from then on.

use super::Harness;
use super::index::Known;
use crate::codex::items::{Item, Thread, ThreadStatus, UserInput};
use crate::codex::{CallError, Incoming, Status};
use crate::threads::wire::{Notification, ThreadId};
use chrono::Utc;
use futures_util::StreamExt as _;
use futures_util::stream;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::AbortHandle;

/// Threads that are read by themselves at the same time; more are not faster.
const AT_ONCE: usize = 8;
/// A pause before the list is asked for again: Codex is busy, or about to be connected anew.
const AGAIN: Duration = Duration::from_secs(1);
/// How long a request waits for the list. A thousand threads take a second or two, and Codex's own start as long.
const PATIENCE: Duration = Duration::from_secs(15);
/// Characters of a first message that are kept of it.
const PREVIEW: usize = 400;

/// The task that reads Codex's list, while one does.
#[derive(Default)]
pub struct Filling(Mutex<Option<AbortHandle>>);

impl Filling {
    fn replace(&self, task: Option<AbortHandle>) {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = std::mem::replace(&mut *running, task) {
            before.abort();
        }
    }
}

impl Harness {
    /// Takes note of what Codex says by itself. Never waits.
    pub fn hear(self: &Arc<Self>, event: &Incoming) {
        match event {
            Incoming::Connected { .. } => self.connected(),
            Incoming::Disconnected { .. } => {
                self.filling.replace(None);
                self.index.lost();
                self.subscriptions.lost();
                self.streams.lost();
                self.asides.lost();
                self.workers.lost();
            }
            Incoming::Notification(notification) => self.notified(notification),
            Incoming::Request { .. } => {}
        }
    }

    /// Whether every thread is known; waits for it if Codex is there or about to be.
    pub async fn knows_all(&self) -> bool {
        if self.index.is_filled() {
            return true;
        }
        let is_allowed = self.core.ledger.read(|state| state.trusted.is_some());
        let comes = self.threads.codex.as_ref().is_ok_and(|codex| {
            let status = codex.status();
            let status = status.borrow();
            // It begins as soon as somebody allows it.
            is_allowed && !matches!(*status, Status::Unavailable { .. } | Status::Stopped)
        });
        comes && self.index.filled_within(PATIENCE).await
    }

    fn connected(self: &Arc<Self>) {
        self.index.begin_filling();
        self.subscriptions.lost();
        let harness = Arc::clone(self);
        let task = tokio::spawn(async move {
            while let Err(error) = harness.fill().await {
                tracing::warn!(%error, "Codex's threads could not be listed");
                tokio::time::sleep(AGAIN).await;
                harness.index.begin_filling();
            }
            harness.hold_active().await;
            harness.hold_followed().await;
            harness.purge().await;
        });
        self.filling.replace(Some(task.abort_handle()));
    }

    async fn fill(&self) -> Result<(), CallError> {
        let Ok(codex) = &self.threads.codex else {
            return Ok(());
        };
        let mut found = Vec::new();
        for archived in [false, true] {
            let listed = codex.threads(archived).await?;
            let known = listed.iter().filter(|it| self.concerns(it));
            found.extend(known.map(|thread| Known {
                // Codex lists none that has not.
                had_turn: true,
                ..Known::of(thread, archived)
            }));
        }
        let listed: HashSet<&str> = found.iter().map(|it| it.id.as_str()).collect();
        let begun = self.ledger.read(|state| {
            let begun = state.sessions.iter().filter(|(_, it)| it.started_here);
            let begun = begun.map(|(id, _)| id.as_str());
            let begun = begun.chain(state.workers.threads());
            begun.map(str::to_owned).collect::<Vec<_>>()
        });
        // What somebody has open is in Codex's memory, and in no list before something was said in it.
        let loaded = codex.loaded_threads().await?.into_iter().map(|id| id.0);
        let all = begun.into_iter().chain(loaded);
        let unlisted: HashSet<_> = all.filter(|id| !listed.contains(id.as_str())).collect();
        let read = unlisted.into_iter().map(|id| async move {
            match codex.read_thread(&ThreadId(id)).await {
                Ok(thread) => Ok(Some(thread)),
                // It is gone: it was never named, or somebody else deleted it.
                Err(CallError::Refused { .. }) => Ok(None),
                Err(error) => Err(error),
            }
        });
        let mut read = stream::iter(read).buffer_unordered(AT_ONCE);
        while let Some(thread) = read.next().await {
            if let Some(thread) = thread?.filter(|it| self.concerns(it)) {
                found.push(Known::of(&thread, is_in_archive(&thread)));
            }
        }
        self.index.fill(found);
        Ok(())
    }

    /// Subscribes to what runs: a turn that another client began, or one that outlived this server.
    async fn hold_active(&self) {
        for archived in [false, true] {
            for known in self.index.list(archived, None) {
                if known.is_active() && !self.is_system_owned(&known.id) {
                    self.hold_quietly(&known.id).await;
                }
            }
        }
    }

    /// Whether a thread is any of our business.
    fn concerns(&self, thread: &Thread) -> bool {
        let id = &thread.id.0;
        let (is_begun_here, is_deleted) = self.ledger.read(|state| {
            let begun = state.sessions.get(id).is_some_and(|it| it.started_here);
            (
                begun || state.workers.has_thread(id),
                state.deleted.contains_key(id),
            )
        });
        let is_inside = thread.cwd.starts_with(&self.core.place.repo);
        !thread.ephemeral && !is_deleted && (is_begun_here || is_inside)
    }

    fn notified(self: &Arc<Self>, notification: &Notification) {
        match notification {
            Notification::ThreadStarted(started) if self.concerns(&started.thread) => {
                self.index.begun(Known::of(&started.thread, false));
            }
            Notification::ThreadStatusChanged(change) => {
                self.status_changed(&change.thread_id.0, &change.status);
            }
            Notification::ThreadClosed(thread) => {
                self.index.change(&thread.thread_id.0, |known| {
                    known.status = super::index::status(&ThreadStatus::NotLoaded);
                });
            }
            Notification::ThreadNameUpdated(change) => {
                let name = change.thread_name.clone();
                let rename = move |known: &mut Known| known.name.clone_from(&name);
                self.index.change(&change.thread_id.0, rename);
            }
            Notification::ThreadArchived(thread) => {
                self.index
                    .change(&thread.thread_id.0, |known| known.archived = true);
            }
            Notification::ThreadUnarchived(thread) => {
                self.index
                    .change(&thread.thread_id.0, |known| known.archived = false);
            }
            Notification::ThreadDeleted(thread) => {
                let id = &thread.thread_id.0;
                let is_copy = match self.index.remove(id) {
                    Some(known) => known.forked_from.is_some(),
                    // Who deletes here looks for what that frees; of others nothing is known.
                    None => !self.ledger.read(|state| state.deleted.contains_key(id)),
                };
                if is_copy {
                    // It may have been the last one of a session that was deleted here.
                    let harness = Arc::clone(self);
                    self.core.errand(async move { harness.purge().await });
                }
            }
            Notification::TurnStarted(turn) | Notification::TurnCompleted(turn) => {
                let told = turn.turn.completed_at.or(turn.turn.started_at);
                let at = told.unwrap_or_else(|| Utc::now().timestamp());
                self.index.change(&turn.thread_id.0, move |known| {
                    known.had_turn = true;
                    known.updated_at = known.updated_at.max(at);
                });
            }
            Notification::ItemStarted(item) | Notification::ItemCompleted(item) => {
                if let Item::UserMessage { content, .. } = &item.item {
                    let preview = preview(content);
                    self.index.change(&item.thread_id.0, move |known| {
                        if known.preview.is_empty() {
                            known.preview.clone_from(&preview);
                        }
                    });
                }
            }
            _ => {}
        }
    }

    fn status_changed(self: &Arc<Self>, id: &str, status: &ThreadStatus) {
        let told = super::index::status(status);
        self.index
            .change(id, move |known| known.status.clone_from(&told));
        let known = self.index.get(id);
        let is_news = !known.is_some_and(|it| it.is_materialized() && !it.preview.is_empty());
        let is_active = status.is_active();
        if !is_news && !is_active || self.is_system_owned(id) || self.asides.is_one(id) {
            return;
        }
        let (harness, id) = (Arc::clone(self), id.to_owned());
        self.core.errand(async move {
            if is_news {
                harness.look_at(&id).await;
            }
            if is_active && harness.index.get(&id).is_some() {
                harness.hold_quietly(&id).await;
            }
        });
    }

    /// Reads what is to be known of a thread that does something, and of which not all is known.
    async fn look_at(&self, id: &str) {
        let Ok(codex) = &self.threads.codex else {
            return;
        };
        let read = match codex.read_thread(&ThreadId::from(id)).await {
            Ok(thread) if self.concerns(&thread) => thread,
            // A refusal: one that leaves no trace, or is gone by now.
            Ok(_) | Err(CallError::Refused { .. }) => return,
            Err(error) => {
                return tracing::info!(thread.id = %id, %error, "a thread could not be read");
            }
        };
        let archived = is_in_archive(&read);
        self.index.begun(Known::of(&read, archived));
        let (preview, updated_at) = (read.preview, read.updated_at);
        self.index.change(id, move |known| {
            if known.preview.is_empty() {
                known.preview.clone_from(&preview);
            }
            known.updated_at = known.updated_at.max(updated_at);
        });
    }
}

/// Codex says it by the list that a thread is in; of one that is in none the folder of its file does.
fn is_in_archive(thread: &Thread) -> bool {
    let path = thread.path.as_deref();
    path.is_some_and(|path| path.iter().any(|part| part == "archived_sessions"))
}

fn preview(content: &[UserInput]) -> String {
    let texts = content.iter().filter_map(|part| match part {
        UserInput::Text { text } => Some(text.trim()),
        UserInput::Other(_) => None,
    });
    let text = texts.collect::<Vec<_>>().join("\n");
    text.chars().take(PREVIEW).collect()
}
