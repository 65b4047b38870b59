//! Codex's login: without it Codex would try for half a minute and then fail each turn.

use super::Threads;
use crate::codex::{CallError, Codex};
use crate::domain::sentence::{Sentence, say};
use std::sync::PoisonError;

/// What a person is told when Codex has no login.
pub fn not_logged_in() -> Sentence {
    say!("reason.codex.not_logged_in")
}

/// Why nobody knows whether Codex has a login.
#[derive(Debug)]
pub enum NotAsked {
    /// There is no Codex, or it did not come back; a sentence for people.
    NotReady(String),
    /// It did not answer.
    Failed(CallError),
}

impl From<CallError> for NotAsked {
    fn from(error: CallError) -> Self {
        Self::Failed(error)
    }
}

impl Threads {
    /// Whether Codex has the login that its provider needs; `None` while nobody has asked.
    pub fn logged_in(&self) -> Option<bool> {
        *self
            .logged_in
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what Codex said about its login; `None` makes the next session ask again.
    pub fn set_logged_in(&self, is: Option<bool>) {
        *self
            .logged_in
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = is;
    }

    /// Looks whether Codex has a login now. A login that was made meanwhile is seen by a new app-server only, which is started unless
    /// one is in the middle of something (`busy`).
    ///
    /// # Errors
    /// When Codex cannot be asked.
    pub async fn look_for_login(
        &self,
        codex: &Codex,
        busy: impl Fn() -> bool + Send,
    ) -> Result<bool, NotAsked> {
        if self.logged_in() == Some(true) {
            return Ok(true);
        }
        let _turn = self.login_check.lock().await;
        let known_to_lack = self.logged_in() == Some(false);
        let mut usable = codex.account().await?.is_usable();
        if !usable && known_to_lack && !busy() {
            codex.restart().await;
            self.ready().await.map_err(NotAsked::NotReady)?;
            usable = codex.account().await?.is_usable();
        }
        self.set_logged_in(Some(usable));
        Ok(usable)
    }
}
