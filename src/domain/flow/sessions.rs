//! Sessions: start, stop, resume, replace, remind, end.

use super::named::unknown_session;
use super::{Catalog, Decision, asks, check_task, messages, plan_reviews, results};
use crate::domain::event::Event;
use crate::domain::ids::{MessageId, SessionId, TerminalId};
use crate::domain::limits;
use crate::domain::message::{Purpose, Setback};
use crate::domain::prompts;
use crate::domain::refusal::Refusal;
use crate::domain::request::{Made, Request};
use crate::domain::sentence::{Sentence, say};
use crate::domain::session::{Brief, Outcome, Session, Status};
use crate::domain::state::State;

/// Times a department that stopped without a report is asked before its silence is recorded.
pub const MAX_REMINDERS: u32 = 2;

/// Registers a planner, once for each request with a key.
///
/// # Errors
/// An empty task or an unknown model, or a key that stands for another request.
pub fn start_planner(
    state: &State,
    catalog: &Catalog,
    brief: Brief,
    request: Option<Request>,
) -> Decision<SessionId> {
    if let Some(id) = started_before(state, request.as_ref())? {
        return Ok((Vec::new(), id));
    }
    check_task(&brief.task, "task")?;
    catalog.check_model(brief.model.as_deref(), "model")?;
    let id = brief.id.clone();
    Ok((vec![Event::SessionRegistered { brief, request }], id))
}

/// The session that this very request has started before.
///
/// # Errors
/// A key that stands for another request.
pub fn started_before(
    state: &State,
    request: Option<&Request>,
) -> Result<Option<SessionId>, Refusal> {
    Ok(match state.requests.made(request)? {
        Some(Made::Session(id)) => Some(id.clone()),
        _ => None,
    })
}

/// Puts a new planner in the place of an old one, which may have ended. Children, queue and results move along.
///
/// # Errors
/// When the old one is unknown, no planner, or was replaced before.
pub fn replace_planner(
    state: &State,
    catalog: &Catalog,
    old: &SessionId,
    brief: Brief,
) -> Decision<Brief> {
    let planner = planner(state, old)?;
    if let Some(by) = &planner.replaced_by {
        let message = say!("refusal.already_replaced", old, by);
        return Err(Refusal::conflict("already_replaced", message));
    }
    catalog.check_model(brief.model.as_deref(), "model")?;
    let mut events = vec![
        Event::SessionRegistered {
            brief: brief.clone(),
            request: None,
        },
        Event::ZhongshuReplaced {
            session_id: old.clone(),
            by: brief.id.clone(),
        },
    ];
    events.extend(messages::drop_all(
        state,
        old,
        &say!("reason.planner_replaced").to_string(),
    ));
    if planner.is_live() {
        let outcome = Outcome::Replaced {
            by: brief.id.clone(),
        };
        events.push(Event::SessionCloseRequested {
            session_id: old.clone(),
            outcome,
        });
    }
    Ok((events, brief))
}

/// Decides that a session ends. Saying it twice is fine; an ended session is a conflict.
///
/// # Errors
/// When it is unknown or has ended.
pub fn request_close(state: &State, id: &SessionId, outcome: Outcome) -> Decision<()> {
    let session = known(state, id)?;
    match &session.status {
        Status::Closed { .. } => Err(Refusal::conflict(
            "session_ended",
            say!("refusal.session_over", id, how => Sentence::word("status", session.status_word())),
        )),
        Status::Closing { .. } => Ok((Vec::new(), ())),
        Status::Starting | Status::Running => Ok((
            vec![Event::SessionCloseRequested {
                session_id: id.clone(),
                outcome,
            }],
            (),
        )),
    }
}

/// Decides that every session ends, and that nothing takes their place.
///
/// # Errors
/// Never refuses.
pub fn request_close_all(state: &State, outcome: &Outcome) -> Decision<()> {
    let running = state
        .live_sessions()
        .filter(|session| matches!(session.status, Status::Starting | Status::Running));
    let events = running.map(|session| Event::SessionCloseRequested {
        session_id: session.id().clone(),
        outcome: outcome.clone(),
    });
    Ok((events.collect(), ()))
}

/// Records the end of a session; a department that never reported gets its fallback in the same step.
///
/// # Errors
/// When it is unknown. An ended session changes nothing.
pub fn close(state: &State, catalog: &Catalog, id: &SessionId, outcome: Outcome) -> Decision<()> {
    let session = known(state, id)?;
    if !session.is_live() {
        return Ok((Vec::new(), ()));
    }
    // What was decided before the end was seen is what the end means.
    let outcome = match &session.status {
        Status::Closing { outcome } => outcome.clone(),
        _ => outcome,
    };
    let mut events = results::fallback(state, catalog, session, &outcome);
    events.extend(plan_reviews::ended(state, session, &outcome));
    events.extend(messages::drop_at_end(state, session, &outcome));
    events.extend(asks::of_ended_session(state, id));
    events.push(Event::SessionClosed {
        session_id: id.clone(),
        outcome,
    });
    Ok((events, ()))
}

/// Lets an ended session go on where it stopped.
///
/// # Errors
/// When it still runs, was replaced, has reported, or no slot is free for it.
pub fn resume(state: &State, slots: usize, id: &SessionId) -> Decision<()> {
    let session = known(state, id)?;
    if session.is_live() {
        return Err(Refusal::conflict(
            "session_live",
            say!("refusal.session_live", id),
        ));
    }
    if let Some(by) = &session.replaced_by {
        return Err(Refusal::conflict(
            "already_replaced",
            say!("refusal.planner_replaced", id, by),
        ));
    }
    if session.is_review() {
        if !plan_reviews::can_go_on(state, session) {
            let message = say!("refusal.review_over", id);
            return Err(Refusal::conflict("review_over", message));
        }
    } else if !session.is_planner() {
        if state
            .report_of(session)
            .is_some_and(|report| !report.is_fallback())
        {
            let message = say!("refusal.session_reported", id);
            return Err(Refusal::conflict("already_reported", message));
        }
        if state.slots_taken() >= slots {
            let message = say!("refusal.no_slot", slots, id);
            return Err(Refusal::conflict("no_free_slot", message));
        }
    }
    let mut events = messages::drop_at_resume(state, session);
    events.push(Event::SessionResumed {
        session_id: id.clone(),
    });
    Ok((events, ()))
}

/// Starts a running session once more, because nothing is left of its first prompt.
///
/// # Errors
/// When it is unknown. One that does not run any more is left alone.
pub fn begin_anew(state: &State, id: &SessionId, reason: &str) -> Decision<()> {
    let session = known(state, id)?;
    let event = (session.status == Status::Running).then(|| Event::SessionBegunAnew {
        session_id: id.clone(),
        reason: reason.to_owned(),
    });
    Ok((Vec::from_iter(event), ()))
}

/// A session's terminal turned away from the session's thread, or back to it. Nothing, where that is known, or where the terminal is another
/// one by now.
pub fn turned(state: &State, id: &SessionId, terminal_id: &TerminalId, away: bool) -> Vec<Event> {
    let shown = state.session(id).filter(|session| {
        session.terminal_id.as_ref() == Some(terminal_id) && session.terminal_elsewhere != away
    });
    let thread_id = shown.and_then(|session| session.thread_id.clone());
    let event = thread_id.map(|thread_id| {
        let (session_id, terminal_id) = (id.clone(), terminal_id.clone());
        match away {
            true => Event::ThreadLeft {
                session_id,
                terminal_id,
                thread_id,
            },
            false => Event::ThreadRejoined {
                session_id,
                terminal_id,
                thread_id,
            },
        }
    });
    Vec::from_iter(event)
}

/// Whether a department has said what it was started for: a result of its own, or a verdict.
pub fn has_reported(state: &State, session: &Session) -> bool {
    match session.is_review() {
        true => plan_reviews::has_spoken(state, session),
        false => state
            .report_of(session)
            .is_some_and(|report| !report.is_fallback()),
    }
}

/// Asks a department that stopped without a report once more, and tells it what broke into its turn, if something did.
///
/// # Errors
/// When it is unknown. A session that reported meanwhile, or was reminded often enough, is left alone.
pub fn remind(
    state: &State,
    catalog: &Catalog,
    id: &SessionId,
    setback: Option<Setback>,
) -> Decision<bool> {
    let session = known(state, id)?;
    if has_reported(state, session)
        || session.status != Status::Running
        || session.reminders >= MAX_REMINDERS
    {
        return Ok((Vec::new(), false));
    }
    let number = session.reminders + 1;
    let mailbox = session.brief.parent_session_id.as_ref();
    let planner = mailbox.and_then(|id| state.session(id));
    let rejected = planner.is_some_and(|planner| {
        let mut files = planner.rejected_files.iter();
        files.any(|file| file.at >= session.registered_at)
    });
    let events = vec![
        Event::ReminderSent {
            session_id: id.clone(),
            number,
            setback,
        },
        messages::queued(
            id,
            Purpose::Reminder,
            None,
            prompts::reminder(catalog.language, number, MAX_REMINDERS, rejected, setback),
        ),
    ];
    Ok((events, true))
}

/// Queues a person's input for a session, once for each request with a key: it goes into the turn that runs.
///
/// # Errors
/// When the session is unknown, has ended, or the input is empty or too long; or a key that stands for another request.
pub fn input(
    state: &State,
    id: &SessionId,
    text: &str,
    request: Option<Request>,
) -> Decision<MessageId> {
    say_to(state, id, text, Purpose::Input, request)
}

/// The same, for after the turn that runs.
///
/// # Errors
/// As [`input`].
pub fn input_after(
    state: &State,
    id: &SessionId,
    text: &str,
    request: Option<Request>,
) -> Decision<MessageId> {
    say_to(state, id, text, Purpose::Later, request)
}

fn say_to(
    state: &State,
    id: &SessionId,
    text: &str,
    purpose: Purpose,
    request: Option<Request>,
) -> Decision<MessageId> {
    if let Some(Made::Message(message_id)) = state.requests.made(request.as_ref())? {
        return Ok((Vec::new(), message_id.clone()));
    }
    let session = known(state, id)?;
    limits::check_text(text, "input")?;
    if text.trim().is_empty() {
        let message = say!("refusal.empty_input");
        return Err(Refusal::invalid("invalid_input", message));
    }
    if !matches!(session.status, Status::Starting | Status::Running) {
        let message = say!("refusal.session_ended", id, how => Sentence::word("status", session.status_word()));
        return Err(Refusal::conflict("session_ended", message));
    }
    let message_id = MessageId::fresh("message");
    let event = Event::MessageQueued {
        message_id: message_id.clone(),
        session_id: id.clone(),
        purpose,
        text: text.to_owned(),
        report_id: None,
        request,
    };
    Ok((vec![event], message_id))
}

/// The planner with this id, live or not.
///
/// # Errors
/// When there is none, or it is a department.
pub fn planner<'a>(state: &'a State, id: &SessionId) -> Result<&'a Session, Refusal> {
    let session = known(state, id)?;
    if session.is_planner() {
        return Ok(session);
    }
    let message = say!("refusal.not_a_planner_session", id);
    Err(Refusal::invalid("not_a_planner", message))
}

fn known<'a>(state: &'a State, id: &SessionId) -> Result<&'a Session, Refusal> {
    state.session(id).ok_or_else(|| unknown_session(id))
}
