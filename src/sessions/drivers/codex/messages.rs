//! Messages to Codex sessions: each arrives once, over crashes of either side. Never decides what is owed.
//!
//! Codex accepts a message before it has it: until the item of that message is in the thread's history, a crash of the app-server
//! or an interrupted turn loses it without a word. So the answer to `turn/start` means nothing here. A message carries its own id
//! (`clientUserMessageId`), and it is delivered when Codex shows that id: in `item/completed`, or in the list of the thread's
//! items, where it is looked for when something came between. Texts are never compared.

use crate::core::LAUNCHER;
use crate::core::done::Done;
use crate::core::live::Activity;
use crate::domain::event::Event;
use crate::domain::flow::usage::stands_still;
use crate::domain::ids::{MessageId, SessionId};
use crate::domain::message::Message;
use crate::domain::sentence::say;
use crate::domain::session::Session;
use crate::domain::state::State;
use crate::sessions::agents::Agents;
use crate::threads::wire::CallError;
use crate::threads::{Arrivals, Thread};
use std::collections::BTreeSet;

/// Hands over what is owed: everything when the thread is idle, a person's words even into a running turn. At a limit or a budget only
/// what passes it.
///
/// What may have arrived already is looked for first, and nothing overtakes it.
pub async fn deliver(agents: &Agents, session: &Session) -> Done {
    let thread = session.thread_id.as_deref();
    let Some(thread) = thread.and_then(|id| agents.threads.thread(id)) else {
        return Done::Again;
    };
    let id = session.id();
    match hand_over(agents, id, &thread).await {
        Ok(done) => done,
        Err(error) => {
            tracing::warn!(session.id = %id, %error, "a message could not be delivered yet");
            Done::Again
        }
    }
}

async fn hand_over(
    agents: &Agents,
    id: &SessionId,
    thread: &Thread<'_>,
) -> Result<Done, CallError> {
    let observed = agents.core.live.observed(id);
    let idle = observed.activity == Activity::Idle;
    let all = agents.core.ledger.read(|state| owed(state, id));
    // On an idle thread nothing waits inside of Codex any more: what was handed over and never shown was dropped.
    let is_doubtful = |message: &Message| {
        message.attempted && (idle || !observed.handed.contains(&message.message_id))
    };
    let doubtful: BTreeSet<String> = all
        .iter()
        .filter(|message| is_doubtful(message))
        .map(|message| message.message_id.to_string())
        .collect();
    if !doubtful.is_empty() {
        match thread.look_for(&doubtful).await? {
            Arrivals::All(arrived) => {
                note_doubt(agents, id, false);
                if !confirm(agents, id, &arrived).await {
                    return Ok(Done::Again);
                }
            }
            Arrivals::InDoubt(arrived) => {
                note_doubt(agents, id, true);
                confirm(agents, id, &arrived).await;
                return Ok(Done::Again);
            }
        }
    }
    let bounds = agents.core.bounds(&agents.core.policy());
    let (still_owed, stands_still) = agents.core.ledger.read(|state| {
        let session = state.session(id);
        let stands_still = session.is_some_and(|it| stands_still(state, it, &bounds));
        (owed(state, id), stands_still)
    });
    let next: Vec<Message> = still_owed
        .into_iter()
        .filter(|message| !stands_still || message.purpose.passes_limits())
        .filter(|message| idle || message.purpose.interrupts())
        .filter(|message| idle || !observed.handed.contains(&message.message_id))
        .collect();
    send(agents, id, thread, &next).await
}

/// Says on the page why a message waits, until it is known whether it has arrived.
fn note_doubt(agents: &Agents, id: &SessionId, doubt: bool) {
    let doubtful = say!("reason.message_in_doubt").to_string();
    agents
        .core
        .live
        .update(id, |observed| match (&observed.notice, doubt) {
            (None, true) => observed.notice = Some(doubtful),
            (Some(notice), false) if *notice == doubtful => observed.notice = None,
            _ => {}
        });
}

fn owed(state: &State, id: &SessionId) -> Vec<Message> {
    state.owed_to(id).into_iter().cloned().collect()
}

/// One item each, in order; Codex keeps the order.
async fn send(
    agents: &Agents,
    id: &SessionId,
    thread: &Thread<'_>,
    messages: &[Message],
) -> Result<Done, CallError> {
    if messages.is_empty() {
        return Ok(Done::Settled);
    }
    let Some(kept) = claim(agents, id, messages).await else {
        return Ok(Done::Again);
    };
    for message in messages.iter().filter(|it| kept.contains(&it.message_id)) {
        let begins_turn = agents.core.live.observed(id).activity == Activity::Idle;
        agents.core.live.update(id, |observed| {
            observed.handed.insert(message.message_id.clone());
        });
        if begins_turn {
            agents.core.live.set_activity(id, Activity::Working);
        }
        let (client_id, text) = (message.message_id.to_string(), message.text.clone());
        if let Err(error) = thread.message(client_id, text).await {
            agents.core.live.update(id, |observed| {
                observed.handed.remove(&message.message_id);
            });
            if begins_turn {
                agents.core.live.set_activity(id, Activity::Idle);
            }
            return Err(error);
        }
    }
    Ok(Done::Settled)
}

/// Records that these are handed over now, and answers those that are still owed: a person may have taken one back meanwhile. `None` when the
/// journal cannot be written.
async fn claim(
    agents: &Agents,
    id: &SessionId,
    messages: &[Message],
) -> Option<BTreeSet<MessageId>> {
    let wanted: BTreeSet<MessageId> = messages.iter().map(|it| it.message_id.clone()).collect();
    let session_id = id.clone();
    let claimed = agents.core.decide(LAUNCHER, move |state| {
        let owed = state.owed_to(&session_id).into_iter();
        let owed: Vec<&Message> = owed.filter(|it| wanted.contains(&it.message_id)).collect();
        let new = owed.iter().filter(|message| !message.attempted);
        let attempts = new.map(|message| Event::MessageAttempted {
            message_id: message.message_id.clone(),
            session_id: session_id.clone(),
        });
        let kept = owed.iter().map(|it| it.message_id.clone()).collect();
        Ok((attempts.collect(), kept))
    });
    match claimed.await {
        Ok(kept) => Some(kept),
        Err(error) => {
            tracing::error!(session.id = %id, ?error, "that a message is handed over could not be recorded");
            None
        }
    }
}

/// Whether a session's prompt has reached its thread. One that Codex showed while nobody listened is recorded now: it does not say so again.
///
/// # Errors
/// When Codex cannot be asked.
pub async fn has_begun(
    agents: &Agents,
    session: &Session,
    thread: &Thread<'_>,
) -> Result<bool, CallError> {
    let prompt = session.id().as_str();
    if session.prompted {
        return Ok(true);
    }
    let was_sent = thread.was_sent(prompt).await?;
    if was_sent {
        shown(agents, session, prompt).await;
    }
    Ok(was_sent)
}

/// Codex shows something of ours: it is delivered.
pub async fn shown(agents: &Agents, session: &Session, client_id: &str) {
    if client_id == session.id().as_str() {
        if !session.prompted {
            let session_id = session.id().clone();
            agents
                .core
                .record(vec![Event::SessionPrompted { session_id }])
                .await;
        }
        return;
    }
    let is_owed = agents.core.ledger.read(|state| {
        let mut owed = state.owed_to(session.id()).into_iter();
        owed.any(|message| message.message_id.as_str() == client_id)
    });
    if is_owed {
        confirm(
            agents,
            session.id(),
            &BTreeSet::from([client_id.to_owned()]),
        )
        .await;
    }
}

/// Records that these messages have arrived; false when the journal cannot be written.
async fn confirm(agents: &Agents, id: &SessionId, arrived: &BTreeSet<String>) -> bool {
    if arrived.is_empty() {
        return true;
    }
    let (session_id, wanted) = (id.clone(), arrived.clone());
    let recorded = agents.core.decide(LAUNCHER, move |state| {
        let owed = state.owed_to(&session_id).into_iter();
        let arrived: Vec<MessageId> = owed
            .filter(|message| wanted.contains(message.message_id.as_str()))
            .map(|message| message.message_id.clone())
            .collect();
        let events = arrived.iter().map(|message_id| Event::MessageDelivered {
            message_id: message_id.clone(),
            session_id: session_id.clone(),
        });
        Ok((events.collect(), arrived))
    });
    match recorded.await {
        Ok(arrived) => {
            agents.core.live.update(id, |observed| {
                for message_id in &arrived {
                    observed.handed.remove(message_id);
                }
            });
            true
        }
        Err(error) => {
            tracing::error!(session.id = %id, ?error, "the arrival of a message could not be recorded");
            false
        }
    }
}
