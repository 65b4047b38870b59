//! What Codex says when it will not do something to a thread, in our words.

use crate::core::Refused;
use crate::domain::flow::steering::{archived, has_forks};
use crate::domain::ids::SessionId;
use crate::domain::refusal::Refusal;
use crate::domain::sentence::say;
use crate::domain::shown::short;
use crate::threads::wire::CallError;
use crate::threads::{is_archived, is_open_elsewhere};

/// The refusal for what Codex did not do to this session's thread.
pub(super) fn refused(id: &SessionId, error: CallError) -> Refused {
    refusal(id, error).into()
}

/// The same, as it is.
pub(super) fn refusal(id: &SessionId, error: CallError) -> Refusal {
    let says = |texts: &[&str]| texts.iter().any(|text| error.is_refusal(text));
    if is_open_elsewhere(&error) {
        return Refusal::conflict("thread_open_elsewhere", say!("refusal.steer.elsewhere"));
    }
    if is_archived(&error) {
        return archived(id);
    }
    if says(&["forked history still references"]) {
        return has_forks();
    }
    if says(&["turn not found"]) {
        return Refusal::not_found("unknown_turn", say!("refusal.steer.unknown_turn"));
    }
    if says(&["no active turn", "expected active turn"]) {
        return Refusal::conflict("no_turn_running", say!("refusal.steer.no_turn", id));
    }
    if says(&["thread not found", "no rollout found", "thread not loaded"]) {
        return Refusal::conflict("no_thread", say!("refusal.steer.thread_gone"));
    }
    match &error {
        CallError::Refused { message, .. } => {
            let message = say!("refusal.steer.codex_refused", reason = short(message));
            Refusal::conflict("codex_refused", message)
        }
        error => Refusal::unavailable("codex_unavailable", say!("refusal.steer.no_answer", error)),
    }
}
