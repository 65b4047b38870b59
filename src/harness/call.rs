//! A call to Codex by its name: what the harness passes on keeps the form that Codex gives it.

use super::Harness;
use super::refused::Refused;
use crate::codex::{CallError, Codex};
use crate::threads::{PASSED_ON_LIMIT, Thread};
use serde_json::Value;
use std::time::Duration;

impl Harness {
    /// Codex.
    ///
    /// # Errors
    /// When there is none, with the reason.
    pub fn codex(&self) -> Result<&Codex, Refused> {
        let codex = self.threads.codex.as_ref();
        codex.map_err(|reason| Refused::codex_unavailable(reason.en.clone()))
    }

    /// Codex, for whoever tells refusals apart by what it says itself.
    ///
    /// # Errors
    /// When there is none, as of a connection that is closed.
    pub(super) fn reached(&self) -> Result<&Codex, CallError> {
        let codex = self.threads.codex.as_ref();
        codex.map_err(|reason| CallError::Closed {
            reason: reason.en.clone(),
        })
    }

    /// Calls a method.
    ///
    /// # Errors
    /// When this Codex has no such method; else what Codex says, by cause.
    pub async fn call(&self, method: &str, params: Value) -> Result<Value, Refused> {
        self.call_within(method, params, PASSED_ON_LIMIT).await
    }

    /// Calls a method whose answer may take this long.
    ///
    /// # Errors
    /// As of [`call`](Self::call).
    pub async fn call_within(
        &self,
        method: &str,
        params: Value,
        limit: Duration,
    ) -> Result<Value, Refused> {
        self.has(method)?;
        let answer = self.codex()?.within(limit).call_raw(method, &params).await;
        answer.map_err(|error| Refused::of_codex(&error))
    }

    /// Calls a method that needs the thread in Codex's memory. It is listened to from before the call on, so that nothing of what the call
    /// brings about is missed; one that was unloaded all the same is loaded, and then the call is made once more.
    ///
    /// # Errors
    /// As of [`call`](Self::call).
    pub async fn call_thread(
        &self,
        session_id: &str,
        method: &str,
        params: Value,
    ) -> Result<Value, Refused> {
        self.has(method)
            .map_err(|refused| refused.of_session(session_id))?;
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

    /// Whether this Codex has a method. What is not known is tried.
    fn has(&self, method: &str) -> Result<(), Refused> {
        match self.threads.calls() {
            Some(calls) if !calls.methods.contains(method) => Err(Refused::not_supported(method)),
            _ => Ok(()),
        }
    }
}
