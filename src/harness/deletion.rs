//! The end of sessions. A deletion is recorded first: from then on the session is gone for everybody, whatever happens to Codex or to this
//! server, and what is left of it in Codex is removed as soon as that can be.
//!
//! Codex keeps a thread as long as copies of it need its history. Then it is put away, and goes when the last copy has gone.

use super::Harness;
use super::index::Known;
use super::refused::Refused;
use crate::codex::{CallError, Status};
use crate::core::LAUNCHER;
use crate::domain::harness::event::Event;
use crate::domain::harness::project::ProjectId;
use std::path::PathBuf;

/// What became of a session that was deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deleted {
    /// What it was called.
    pub title: String,
    /// Files that are gone: none while copies need them.
    pub files: usize,
}

impl Harness {
    /// Deletes a session for good; a turn that runs is broken off. Of two who do it at once one is told that it is deleted already.
    ///
    /// # Errors
    /// When it was deleted before, or Codex cannot be reached.
    pub async fn delete(&self, actor: String, known: &Known) -> Result<Deleted, Refused> {
        let codex = self.codex()?;
        if !matches!(&*codex.status().borrow(), Status::Ready { .. }) {
            let reason = self.threads.down().unwrap_or_default();
            return Err(Refused::codex_unavailable(reason).of_session(&known.id));
        }
        let file = self.file_of(known).await;
        let (session_id, title) = (known.id.clone(), known.title().to_owned());
        let told = Some(title.clone());
        let any_worker = self.decide(actor, move |state| {
            if let Some(tombstone) = state.deleted.get(&session_id) {
                return Err(Refused::deleted(&session_id, tombstone));
            }
            let mut events = Self::cancel_jobs_of(state, &session_id);
            let workers = state.workers.end(&ProjectId::of_session(&session_id));
            let any = !workers.is_empty();
            events.extend(workers);
            events.push(Event::SessionDeleted {
                session_id,
                title: told,
                kept_for_copies: true,
            });
            Ok((events, any))
        });
        let any_worker = any_worker.await?;
        self.wake_queue();
        self.index.remove(&known.id);
        let is_gone = self.remove(&known.id).await;
        if is_gone || any_worker {
            self.purge().await;
        }
        let is_left = match &file {
            Some(file) => tokio::fs::try_exists(file).await.unwrap_or(true),
            None => true,
        };
        Ok(Deleted {
            title,
            files: usize::from(is_gone && !is_left),
        })
    }

    /// The file that Codex keeps a thread in, where there is one.
    async fn file_of(&self, known: &Known) -> Option<PathBuf> {
        let codex = self.threads.codex.as_ref().ok()?;
        let read = codex.read_thread(&known.id.as_str().into()).await;
        let path = read.ok()?.path?;
        tokio::fs::try_exists(&path).await.ok()?.then_some(path)
    }

    /// Removes what is left in Codex of sessions that were deleted here, the last copies of which may have gone.
    pub(super) async fn purge(&self) {
        loop {
            let left = self.ledger.read(|state| {
                let left = state.deleted.iter().filter(|(_, it)| it.kept_for_copies);
                left.map(|(id, _)| id.clone()).collect::<Vec<_>>()
            });
            let mut freed = false;
            for id in left {
                // Codex looks through all its threads before it says no.
                if !self.index.has_copy_of(&id) {
                    freed |= self.remove(&id).await;
                }
            }
            // What has gone may have been the last copy of another one.
            if !freed {
                return;
            }
        }
    }

    /// Removes one in Codex, or puts it away for as long as copies need it. Whether nothing is left.
    async fn remove(&self, id: &str) -> bool {
        let Some(thread) = self.threads.thread(id) else {
            return false;
        };
        match thread.delete().await {
            Ok(()) => {}
            Err(error) if error.is_refusal("still references") => {
                match thread.archive().await {
                    // A refusal: it is put away already.
                    Ok(()) | Err(CallError::Refused { .. }) => {}
                    Err(error) => {
                        tracing::warn!(thread.id = %id, %error, "a deleted thread that copies need was not put away");
                    }
                }
                return false;
            }
            Err(error) if is_unknown(&error) => {}
            Err(error) => {
                tracing::warn!(thread.id = %id, %error, "a deleted thread was not removed yet");
                return false;
            }
        }
        let session_id = id.to_owned();
        let purged = self.decide(LAUNCHER, move |state| {
            let tombstone = state.deleted.get(&session_id);
            let is_left = tombstone.is_some_and(|it| it.kept_for_copies);
            let purged = is_left.then_some(Event::SessionPurged { session_id });
            Ok((purged.into_iter().collect(), ()))
        });
        match purged.await {
            Ok(()) => true,
            // It is tried again after the next start, and found to be gone.
            Err(error) => {
                tracing::warn!(thread.id = %id, error = %error.message, "that a thread is gone was not recorded");
                false
            }
        }
    }
}

fn is_unknown(error: &CallError) -> bool {
    let said = ["no rollout found", "not found", "not loaded"];
    said.iter().any(|said| error.is_refusal(said))
}
