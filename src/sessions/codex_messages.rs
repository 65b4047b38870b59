//! Messages to Codex sessions: each arrives once, over crashes of either side. Never decides what is owed.
//!
//! Codex accepts a message before it has it: until the item of that message is in the thread's history, a crash of the app-server
//! or an interrupted turn loses it without a word. So the answer to `turn/start` means nothing here. A message carries its own id
//! (`clientUserMessageId`), and it is delivered when Codex shows that id: in `item/completed`, or in the list of the thread's
//! items, where it is looked for when something came between. Texts are never compared.

use super::live::Activity;
use super::office::{LAUNCHER, Office};
use super::reconciler::Done;
use crate::codex::calls::{ThreadItemsList, TurnStart};
use crate::codex::items::Item;
use crate::codex::wire::ThreadId;
use crate::codex::{CallError, Codex};
use crate::domain::event::Event;
use crate::domain::ids::{MessageId, SessionId};
use crate::domain::message::Message;
use crate::domain::session::Session;
use crate::domain::state::State;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A message that Codex has taken on an idle thread is listed some 100 ms later. Whoever looks for one has just met with a crash or
/// an interruption, so this costs nobody anything.
const LISTED_WITHIN: Duration = Duration::from_secs(1);
/// A turn that runs for so long has listed what began it.
const TURN_BEGINS_WITHIN: Duration = Duration::from_secs(5);
/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(40);
/// Items in one page of the list.
const PAGE: u32 = 100;

/// Whether the first message of a thread reached it although nobody lived to record it.
///
/// # Errors
/// When Codex cannot be asked.
pub async fn was_sent(
    codex: &Codex,
    thread_id: &ThreadId,
    client_id: &str,
) -> Result<bool, CallError> {
    let wanted = BTreeSet::from([client_id.to_owned()]);
    let begin = Instant::now();
    loop {
        if !listed(codex, thread_id, &wanted).await?.is_empty() {
            return Ok(true);
        }
        // A turn that has begun may be about this very message, which is not listed yet.
        let limit = match is_active(codex, thread_id).await? {
            true => TURN_BEGINS_WITHIN,
            false => LISTED_WITHIN,
        };
        if begin.elapsed() >= limit {
            return Ok(false);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn is_active(codex: &Codex, thread_id: &ThreadId) -> Result<bool, CallError> {
    match codex.read_thread(thread_id).await {
        Ok(thread) => Ok(thread.status.is_active()),
        Err(CallError::Refused { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Which of these ids of ours stand in the thread's history. Reads it from its end until all are found.
async fn listed(
    codex: &Codex,
    thread_id: &ThreadId,
    wanted: &BTreeSet<String>,
) -> Result<BTreeSet<String>, CallError> {
    let mut found = BTreeSet::new();
    let mut cursor = None;
    loop {
        let newest = ThreadItemsList {
            thread_id: thread_id.clone(),
            turn_id: None,
            cursor: cursor.take(),
            limit: Some(PAGE),
            sort_direction: Some("desc".to_owned()),
        };
        let page = match codex.call(&newest).await {
            // A thread without a turn has nothing to list.
            Err(CallError::Refused { .. }) => return Ok(found),
            page => page?,
        };
        let ids = page.data.into_iter().filter_map(|entry| match entry.item {
            Item::UserMessage { client_id, .. } => client_id,
            _ => None,
        });
        found.extend(ids.filter(|id| wanted.contains(id)));
        cursor = page.next_cursor;
        if cursor.is_none() || found.len() == wanted.len() {
            return Ok(found);
        }
    }
}

/// Hands over what is owed: everything when the thread is idle, a person's words even into a running turn.
///
/// What may have arrived already is looked for first, and nothing overtakes it.
pub async fn deliver(office: &Arc<Office>, session: &Session) -> Done {
    let (Ok(codex), Some(thread_id)) = (&office.codex, &session.thread_id) else {
        return Done::Again;
    };
    let thread_id = ThreadId::from(thread_id.as_str());
    let id = session.id();
    match hand_over(office, codex, id, &thread_id).await {
        Ok(done) => done,
        Err(error) => {
            tracing::warn!(session.id = %id, %error, "a message could not be delivered yet");
            Done::Again
        }
    }
}

async fn hand_over(
    office: &Arc<Office>,
    codex: &Codex,
    id: &SessionId,
    thread_id: &ThreadId,
) -> Result<Done, CallError> {
    let observed = office.live.observed(id);
    let idle = observed.activity == Activity::Idle;
    let all = office.ledger.read(|state| owed(state, id));
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
        match look_for(codex, thread_id, &doubtful).await? {
            Found::All(arrived) => {
                note_doubt(office, id, false);
                if !confirm(office, id, &arrived).await {
                    return Ok(Done::Again);
                }
            }
            Found::InDoubt(arrived) => {
                note_doubt(office, id, true);
                confirm(office, id, &arrived).await;
                return Ok(Done::Again);
            }
        }
    }
    let still_owed = office.ledger.read(|state| owed(state, id));
    let next: Vec<Message> = still_owed
        .into_iter()
        .filter(|message| idle || message.purpose.interrupts())
        .filter(|message| idle || !observed.handed.contains(&message.message_id))
        .collect();
    send(office, codex, id, thread_id, &next).await
}

/// Says on the page why a message waits, until it is known whether it has arrived.
fn note_doubt(office: &Office, id: &SessionId, doubt: bool) {
    const NOTICE: &str = "a message was being sent when zhongshu or Codex ended: it may wait inside of the turn that runs, and is sent again \
                          only when that turn is over without it; what you write meanwhile follows it";
    office
        .live
        .update(id, |observed| match (&observed.notice, doubt) {
            (None, true) => observed.notice = Some(NOTICE.to_owned()),
            (Some(notice), false) if notice == NOTICE => observed.notice = None,
            _ => {}
        });
}

fn owed(state: &State, id: &SessionId) -> Vec<Message> {
    state.owed_to(id).into_iter().cloned().collect()
}

/// What came of looking for messages that may have arrived.
enum Found {
    /// These have arrived, the others certainly not.
    All(BTreeSet<String>),
    /// These have arrived; a turn runs, which may hold others that nobody can see.
    InDoubt(BTreeSet<String>),
}

async fn look_for(
    codex: &Codex,
    thread_id: &ThreadId,
    wanted: &BTreeSet<String>,
) -> Result<Found, CallError> {
    let begin = Instant::now();
    loop {
        // In this order: what a turn held when it ended is in the list that is read afterwards.
        let active = is_active(codex, thread_id).await?;
        let arrived = listed(codex, thread_id, wanted).await?;
        if arrived.len() == wanted.len() {
            return Ok(Found::All(arrived));
        }
        if active {
            return Ok(Found::InDoubt(arrived));
        }
        if begin.elapsed() >= LISTED_WITHIN {
            return Ok(Found::All(arrived));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// One item each, in order; Codex keeps the order.
async fn send(
    office: &Arc<Office>,
    codex: &Codex,
    id: &SessionId,
    thread_id: &ThreadId,
    messages: &[Message],
) -> Result<Done, CallError> {
    if messages.is_empty() {
        return Ok(Done::Settled);
    }
    let attempts = messages.iter().filter(|message| !message.attempted);
    let attempts: Vec<Event> = attempts
        .map(|message| Event::MessageAttempted {
            message_id: message.message_id.clone(),
            session_id: id.clone(),
        })
        .collect();
    if !attempts.is_empty() && !office.record(attempts).await {
        return Ok(Done::Again);
    }
    for message in messages {
        let begins_turn = office.live.observed(id).activity == Activity::Idle;
        office.live.update(id, |observed| {
            observed.handed.insert(message.message_id.clone());
        });
        if begins_turn {
            office.live.set_activity(id, Activity::Working);
        }
        let turn = TurnStart {
            client_user_message_id: Some(message.message_id.to_string()),
            ..TurnStart::text(thread_id.clone(), message.text.clone())
        };
        if let Err(error) = codex.start_turn(&turn).await {
            office.live.update(id, |observed| {
                observed.handed.remove(&message.message_id);
            });
            if begins_turn {
                office.live.set_activity(id, Activity::Idle);
            }
            return Err(error);
        }
    }
    Ok(Done::Settled)
}

/// Codex shows something of ours: it is delivered.
pub async fn shown(office: &Office, session: &Session, client_id: &str) {
    if client_id == session.id().as_str() {
        if !session.prompted {
            let session_id = session.id().clone();
            office
                .record(vec![Event::SessionPrompted { session_id }])
                .await;
        }
        return;
    }
    let is_owed = office.ledger.read(|state| {
        let mut owed = state.owed_to(session.id()).into_iter();
        owed.any(|message| message.message_id.as_str() == client_id)
    });
    if is_owed {
        confirm(
            office,
            session.id(),
            &BTreeSet::from([client_id.to_owned()]),
        )
        .await;
    }
}

/// Records that these messages have arrived; false when the journal cannot be written.
async fn confirm(office: &Office, id: &SessionId, arrived: &BTreeSet<String>) -> bool {
    if arrived.is_empty() {
        return true;
    }
    let (session_id, wanted) = (id.clone(), arrived.clone());
    let recorded = office.decide(LAUNCHER, move |state| {
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
            office.live.update(id, |observed| {
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
