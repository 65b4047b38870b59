//! Messages to Codex sessions: delivered once, also over crashes of either side. Never decides what is owed.

use super::live::Activity;
use super::office::Office;
use super::reconciler::Done;
use crate::codex::calls::{ThreadItemsList, TurnStart};
use crate::codex::items::{Item, UserInput};
use crate::codex::wire::ThreadId;
use crate::codex::{CallError, Codex};
use crate::domain::event::Event;
use crate::domain::message::Message;
use crate::domain::session::Session;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A message that Codex has taken is listed up to some 100 ms later. Whoever looks for one was just restarted, so this
/// costs nobody anything.
const LISTED_WITHIN: Duration = Duration::from_millis(400);
/// A turn that runs for so long has listed what began it.
const TURN_BEGINS_WITHIN: Duration = Duration::from_secs(5);
/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(40);

/// The text of a message that reached the thread although nobody lived to record it; `None` when it did not.
///
/// # Errors
/// When Codex cannot be asked.
pub async fn was_sent(
    codex: &Codex,
    thread_id: &ThreadId,
    client_id: &str,
) -> Result<Option<String>, CallError> {
    let begin = Instant::now();
    loop {
        if let Some(said) = listed(codex, thread_id, client_id).await? {
            return Ok(Some(said));
        }
        // A turn that has begun may be about this very message, which is not listed yet.
        let limit = match codex.read_thread(thread_id).await {
            Ok(thread) if thread.status.is_active() => TURN_BEGINS_WITHIN,
            Ok(_) | Err(CallError::Refused { .. }) => LISTED_WITHIN,
            Err(error) => return Err(error),
        };
        if begin.elapsed() >= limit {
            return Ok(None);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn listed(
    codex: &Codex,
    thread_id: &ThreadId,
    client_id: &str,
) -> Result<Option<String>, CallError> {
    let newest = ThreadItemsList {
        thread_id: thread_id.clone(),
        turn_id: None,
        cursor: None,
        limit: Some(100),
        sort_direction: Some("desc".to_owned()),
    };
    let page = match codex.call(&newest).await {
        // A thread without a turn has nothing to list.
        Err(CallError::Refused { .. }) => return Ok(None),
        page => page?,
    };
    Ok(page.data.iter().find_map(|entry| match &entry.item {
        Item::UserMessage {
            client_id: Some(id),
            content,
            ..
        } if id == client_id => {
            let texts = content.iter().filter_map(|part| match part {
                UserInput::Text { text } => Some(text.as_str()),
                UserInput::Other(_) => None,
            });
            Some(texts.collect::<Vec<_>>().join("\n"))
        }
        _ => None,
    }))
}

/// Delivers what is owed: everything at once when the thread is idle, a person's words even into a running turn.
pub async fn deliver(office: &Arc<Office>, session: &Session) -> Done {
    let (Ok(codex), Some(thread_id)) = (&office.codex, &session.thread_id) else {
        return Done::Again;
    };
    let thread_id = ThreadId::from(thread_id.as_str());
    let idle = office.live.observed(session.id()).activity == Activity::Idle;
    let owed: Vec<Message> = office.ledger.read(|state| {
        let mine = state
            .messages
            .values()
            .filter(|message| message.session_id == *session.id());
        mine.filter(|message| idle || message.purpose.interrupts())
            .cloned()
            .collect()
    });
    let Some(first) = owed.first() else {
        return Done::Settled;
    };
    let client_id = first.message_id.to_string();
    let unsure =
        office.live.observed(session.id()).delivery_unsure || first.queued_at < office.boot;
    let arrived = match unsure {
        true => was_sent(codex, &thread_id, &client_id).await,
        false => Ok(None),
    };
    let delivered = match arrived {
        Err(error) => {
            tracing::warn!(session.id = %session.id(), %error, "nobody can say whether a message was delivered");
            return Done::Again;
        }
        // What was queued after that delivery is still owed.
        Ok(Some(said)) => owed
            .into_iter()
            .filter(|message| said.contains(&message.text))
            .collect(),
        Ok(None) => {
            let texts: Vec<&str> = owed.iter().map(|message| message.text.as_str()).collect();
            let turn = TurnStart {
                client_user_message_id: Some(client_id),
                ..TurnStart::text(thread_id, texts.join("\n\n"))
            };
            office.live.set_activity(session.id(), Activity::Working);
            if let Err(error) = codex.start_turn(&turn).await {
                tracing::warn!(session.id = %session.id(), %error, "a message could not be delivered");
                let refused = matches!(error, CallError::Refused { .. });
                office.live.update(session.id(), |observed| {
                    // Without an answer the message may have arrived all the same.
                    observed.delivery_unsure |= !refused;
                });
                if idle {
                    office.live.set_activity(session.id(), Activity::Idle);
                }
                return Done::Again;
            }
            owed
        }
    };
    office
        .live
        .update(session.id(), |observed| observed.delivery_unsure = false);
    let delivered = delivered
        .into_iter()
        .map(|message| Event::MessageDelivered {
            message_id: message.message_id,
            session_id: message.session_id,
        });
    match office.record(delivered.collect()).await {
        true => Done::Settled,
        false => Done::Again,
    }
}
