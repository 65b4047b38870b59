//! A call to Codex by its name: what the harness passes on keeps the form that Codex gives it.

use super::Harness;
use super::refused::Refused;
use crate::codex::{CallError, Codex};
use crate::threads::Thread;
use serde_json::Value;

impl Harness {
    /// Codex.
    ///
    /// # Errors
    /// When there is none, with the reason.
    pub fn codex(&self) -> Result<&Codex, Refused> {
        let codex = self.threads.codex.as_ref();
        codex.map_err(|reason| Refused::codex_unavailable(reason.en.clone()))
    }

    /// Calls a method.
    ///
    /// # Errors
    /// What Codex says, by cause.
    pub async fn call(&self, method: &str, params: Value) -> Result<Value, Refused> {
        let answer = self.codex()?.call_raw(method, &params).await;
        answer.map_err(|error| Refused::of_codex(&error))
    }

    /// Calls a method that needs the thread in Codex's memory. It is listened to from before the call on, so that nothing of what the call
    /// brings about is missed; one that was unloaded all the same is loaded, and then the call is made once more.
    ///
    /// # Errors
    /// What Codex says, by cause.
    pub async fn call_thread(
        &self,
        session_id: &str,
        method: &str,
        params: Value,
    ) -> Result<Value, Refused> {
        let thread = self.thread(session_id)?;
        let no = |error: CallError| Refused::of_codex(&error).of_session(session_id);
        self.hold(session_id).await.map_err(no)?;
        let answer = thread.call_raw(method, &params).await;
        answer.map_err(no)
    }

    /// A thread of Codex.
    ///
    /// # Errors
    /// When there is no Codex.
    pub(super) fn thread(&self, session_id: &str) -> Result<Thread<'_>, Refused> {
        self.codex()?;
        let thread = self.threads.thread(session_id);
        thread.ok_or_else(|| Refused::codex_unavailable(String::new()))
    }
}
