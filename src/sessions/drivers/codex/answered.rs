//! What a person answered in a session's terminal to something that Codex asked.

use crate::domain::session::Session;
use crate::process::Identity;
use crate::sessions::agents::Agents;
use crate::threads::wire::RequestId;
use codex_terminal::relay::report::Outcome;

/// Somebody answered a request in the session's TUI. `server` is the app-server that asked, where the system tells: its requests are numbered
/// from 0. The answer may be secret: it goes into no log and no file as it is.
///
/// Of one answer this may be called again by the next launcher, when the one before was killed in the middle.
pub async fn answered_in_terminal(
    agents: &Agents,
    session: &Session,
    server: Option<Identity>,
    request: &RequestId,
    outcome: Outcome,
) {
    // Of an error, or of an answer too long to be kept, it is only known that there was one, and Codex says that itself.
    let Outcome::Result(secret) = outcome else {
        return;
    };
    let Ok(result) = serde_json::from_str(secret.reveal()) else {
        return;
    };
    agents
        .asks
        .answered_in_terminal(session.id(), server.as_ref(), request, result)
        .await;
}
