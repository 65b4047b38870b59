//! Texts that the launcher owes a session: who is owed one, and what becomes of it when the session ends or goes on.

use super::Decision;
use super::named::unknown_session;
use crate::domain::event::Event;
use crate::domain::ids::{MessageId, ReportId, SessionId};
use crate::domain::message::{Message, Purpose};
use crate::domain::refusal::Refusal;
use crate::domain::sentence::say;
use crate::domain::session::{Outcome, Session};
use crate::domain::state::State;

/// A message for a session.
pub fn queued(
    session_id: &SessionId,
    purpose: Purpose,
    report_id: Option<&ReportId>,
    text: String,
) -> Event {
    Event::MessageQueued {
        message_id: MessageId::fresh("message"),
        session_id: session_id.clone(),
        purpose,
        text,
        report_id: report_id.cloned(),
        request: None,
    }
}

/// A message about a result for the planner that it went to, or the one that took over. A planner that has ended gets it when it
/// is resumed.
pub fn about_result(
    state: &State,
    planner: &SessionId,
    report_id: &ReportId,
    text: impl FnOnce() -> String,
) -> Option<Event> {
    let planner = state.session(state.current_planner(planner))?;
    Some(queued(
        planner.id(),
        Purpose::Result,
        Some(report_id),
        text(),
    ))
}

/// Drops everything that a session is owed.
pub fn drop_all(state: &State, id: &SessionId, reason: &str) -> Vec<Event> {
    let owed = state.owed_to(id).into_iter();
    owed.map(|message| dropped(message, reason)).collect()
}

/// Drops what a session that ends will have no use for. What it should hear when it goes on waits for that.
pub fn drop_at_end(state: &State, session: &Session, outcome: &Outcome) -> Vec<Event> {
    let is_over = matches!(outcome, Outcome::Reported | Outcome::NotNeeded);
    let owed = state.owed_to(session.id()).into_iter();
    owed.filter(|message| {
        matches!(message.purpose, Purpose::Reminder | Purpose::GoOn)
            || (is_over && !session.is_planner())
    })
    .map(|message| dropped(message, &say!("reason.session_over").to_string()))
    .collect()
}

/// Drops what a session that goes on has learnt meanwhile, or what can wait for nothing any more.
pub fn drop_at_resume(state: &State, session: &Session) -> Vec<Event> {
    let is_read = |message: &&Message| {
        let report = message.report_id.as_ref();
        report
            .and_then(|id| state.reports.get(id))
            .is_some_and(|report| report.read)
    };
    let owed = state.owed_to(session.id()).into_iter();
    owed.filter(is_read)
        .map(|message| dropped(message, &say!("reason.result_read").to_string()))
        .collect()
}

/// A person takes a message of theirs back that waits for the end of a turn. It is gone for good; nothing was sent.
///
/// # Errors
/// When the session is unknown, or the message is on its way or there, or never was a person's to take back.
pub fn take_back(state: &State, id: &SessionId, message_id: &MessageId) -> Decision<()> {
    state.session(id).ok_or_else(|| unknown_session(id))?;
    let mut owed = state.owed_to(id).into_iter();
    let message = owed.find(|message| message.message_id == *message_id);
    match message {
        Some(message) if message.purpose != Purpose::Later => {
            let refusal = say!("refusal.message_not_yours", message_id);
            Err(Refusal::conflict("message_not_yours", refusal))
        }
        Some(message) if !message.attempted => {
            let reason = say!("reason.message_taken_back").to_string();
            Ok((vec![dropped(message, &reason)], ()))
        }
        _ => {
            let refusal = say!("refusal.message_sent", message_id);
            Err(Refusal::conflict("message_sent", refusal))
        }
    }
}

fn dropped(message: &Message, reason: &str) -> Event {
    Event::MessageDropped {
        message_id: message.message_id.clone(),
        session_id: message.session_id.clone(),
        reason: reason.to_owned(),
    }
}
