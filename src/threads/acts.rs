//! What a person does to a thread beside speaking in it. Whether they may is decided elsewhere; what it means for a session as well.

use super::settings;
use super::thread::Thread;
use crate::codex::CallError;
use crate::codex::calls::{
    ReviewStart, ReviewTarget, ThreadBackgroundTerminalsClean, ThreadCompactStart, ThreadDelete,
    ThreadFork, ThreadItemsList, ThreadRevert, ThreadSettingsUpdate, ThreadUnarchive,
    TurnInterrupt,
};
use crate::codex::items::TurnStatus;
use crate::codex::wire::TurnId;
use crate::domain::steering::{Target, Wish};

impl Thread<'_> {
    /// The turn that runs, if one does.
    ///
    /// # Errors
    /// When Codex cannot be asked, or refuses.
    pub async fn running_turn(&self) -> Result<Option<TurnId>, CallError> {
        let page = self.codex.turns(&self.id, 1).await?;
        let newest = page.data.into_iter().next();
        let running = newest.filter(|turn| turn.status == TurnStatus::InProgress);
        Ok(running.map(|turn| turn.id))
    }

    /// Whether its history has this turn.
    ///
    /// # Errors
    /// When Codex cannot be asked. A refusal is about the turn.
    pub async fn has_turn(&self, turn_id: &str) -> Result<bool, CallError> {
        let items = ThreadItemsList {
            thread_id: self.id.clone(),
            turn_id: Some(TurnId::from(turn_id)),
            cursor: None,
            limit: Some(1),
            sort_direction: None,
        };
        match self.codex.call(&items).await {
            Ok(page) => Ok(!page.data.is_empty()),
            Err(CallError::Refused { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Breaks its turn off. Commands of it go on in the background.
    ///
    /// # Errors
    /// When Codex cannot be asked, or another turn runs by now, or none.
    pub async fn interrupt(&self, turn: &TurnId) -> Result<(), CallError> {
        let params = TurnInterrupt {
            thread_id: self.id.clone(),
            turn_id: turn.clone(),
        };
        self.call(&params).await.map(drop)
    }

    /// Ends the commands that it left in the background.
    ///
    /// # Errors
    /// When Codex cannot be asked, or refuses.
    pub async fn end_background(&self) -> Result<(), CallError> {
        let params = ThreadBackgroundTerminalsClean {
            thread_id: self.id.clone(),
        };
        self.codex.call(&params).await.map(drop)
    }

    /// Has the model sum it up, and goes on from that. A turn that runs is broken off.
    ///
    /// # Errors
    /// When Codex cannot be asked, or refuses.
    pub async fn compact(&self) -> Result<(), CallError> {
        let params = ThreadCompactStart {
            thread_id: self.id.clone(),
        };
        self.call(&params).await.map(drop)
    }

    /// Takes back a turn and all after it; files stay as they are. A turn that runs is broken off.
    ///
    /// # Errors
    /// When Codex cannot be asked, or there is no such turn.
    pub async fn revert(&self, turn_id: &str) -> Result<(), CallError> {
        let params = ThreadRevert {
            thread_id: self.id.clone(),
            before_turn_id: TurnId::from(turn_id),
        };
        self.call(&params).await.map(drop)
    }

    /// Copies it, and answers the copy, which is there from then on, and is listened to until it is [dismissed](Self::dismiss_copy).
    ///
    /// # Errors
    /// When Codex cannot be asked, or refuses.
    pub async fn fork(&self, model: Option<String>) -> Result<Self, CallError> {
        let params = ThreadFork {
            thread_id: self.id.clone(),
            model,
            exclude_turns: true,
        };
        let copy = self.codex.call(&params).await?.thread.id;
        Ok(Self::of(self.codex, copy))
    }

    /// Names it, a copy, and listens to it no more. A failure is in the log: the copy is there all the same.
    pub async fn dismiss_copy(&self, name: &str) {
        // A TUI attaches to a thread with a name at once, and two of one name would be told apart by nothing.
        let named = self.name(name).await;
        let dismissed = self.codex.unsubscribe(&self.id).await;
        if let Err(error) = named.and(dismissed) {
            tracing::warn!(thread.id = %self.id, %error, "a copy of a thread has no name, or is still listened to");
        }
    }

    /// Puts it away.
    ///
    /// # Errors
    /// When Codex cannot be asked, or refuses.
    pub async fn archive(&self) -> Result<(), CallError> {
        self.codex.archive(&self.id).await
    }

    /// Fetches it back.
    ///
    /// # Errors
    /// When Codex cannot be asked, or it is not put away.
    pub async fn unarchive(&self) -> Result<(), CallError> {
        let params = ThreadUnarchive {
            thread_id: self.id.clone(),
        };
        self.codex.call(&params).await.map(drop)
    }

    /// Deletes it for good.
    ///
    /// # Errors
    /// When Codex cannot be asked, or a copy needs its history.
    pub async fn delete(&self) -> Result<(), CallError> {
        let params = ThreadDelete {
            thread_id: self.id.clone(),
        };
        self.codex.call(&params).await.map(drop)
    }

    /// Has other settings hold from the next turn on. Codex takes any model and any effort.
    ///
    /// # Errors
    /// When Codex cannot be asked, or refuses.
    pub async fn set(&self, wish: &Wish) -> Result<(), CallError> {
        let params = ThreadSettingsUpdate {
            thread_id: self.id.clone(),
            model: wish.model.clone(),
            effort: wish.effort.clone(),
            approval_policy: wish.approval.map(settings::approval),
            sandbox_policy: wish.sandbox.map(settings::sandbox_in_full),
        };
        self.call(&params).await.map(drop)
    }

    /// Has it review something, in a turn of its own, and answers that turn. A turn that runs is broken off.
    ///
    /// # Errors
    /// When Codex cannot be asked, or refuses.
    pub async fn review(&self, target: &Target) -> Result<TurnId, CallError> {
        let target = match target.clone() {
            Target::Uncommitted => ReviewTarget::UncommittedChanges,
            Target::BaseBranch { branch } => ReviewTarget::BaseBranch { branch },
            Target::Commit { commit } => ReviewTarget::Commit { sha: commit },
            Target::Custom { instructions } => ReviewTarget::Custom { instructions },
        };
        let params = ReviewStart {
            thread_id: self.id.clone(),
            target,
        };
        self.call(&params).await.map(|review| review.turn.id)
    }
}
