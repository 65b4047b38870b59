//! What a person does to a session's thread, and what Codex says of it: who may do what when, and what is news.

use super::Decision;
use super::named::unknown_session;
use crate::domain::department::Approval;
use crate::domain::event::Event;
use crate::domain::ids::SessionId;
use crate::domain::limits;
use crate::domain::refusal::Refusal;
use crate::domain::sentence::{Sentence, say};
use crate::domain::session::{Session, Status};
use crate::domain::shown::{is_hidden, shown_line};
use crate::domain::state::State;
use crate::domain::steering::{Act, Fate, MAX_FORKS, Settings, Target, Wider};

/// A name has to fit into a tab and into the line of a list.
pub const MAX_NAME_CHARS: usize = 120;

/// Decides that a person does this to a session; Codex is told next. Answers the session.
///
/// # Errors
/// When the session is unknown, has no thread, or is not in the state for it; or what the act carries is wrong.
pub fn steer(state: &State, id: &SessionId, act: Act) -> Decision<Session> {
    let session = check(state, id, &act)?.clone();
    let event = Event::SessionSteered {
        session_id: id.clone(),
        act,
    };
    Ok((vec![event], session))
}

/// Whether a person may do this to a session now.
///
/// # Errors
/// As [`steer`].
pub fn check<'a>(state: &'a State, id: &SessionId, act: &Act) -> Result<&'a Session, Refusal> {
    let session = state.session(id).ok_or_else(|| unknown_session(id))?;
    check_words(act)?;
    check_moment(session, act)?;
    check_thread(session, act)?;
    Ok(session)
}

fn check_words(act: &Act) -> Result<(), Refusal> {
    match act {
        Act::Rename { title } => {
            let hidden = title.contains(is_hidden);
            if title.trim().is_empty() || title.chars().count() > MAX_NAME_CHARS || hidden {
                let message = say!("refusal.steer.title", max = MAX_NAME_CHARS);
                return Err(Refusal::invalid("invalid_title", message));
            }
        }
        Act::Settings { wish, .. } if *wish == Default::default() => {
            let message = say!("refusal.steer.no_settings");
            return Err(Refusal::invalid("nothing_to_set", message));
        }
        Act::Review { target, .. } => check_target(target)?,
        _ => {}
    }
    Ok(())
}

/// Whether this can be reviewed, as far as its words say.
///
/// # Errors
/// When a name or the instructions cannot be used.
pub(super) fn check_target(target: &Target) -> Result<(), Refusal> {
    let (field, text) = match target {
        Target::Uncommitted => return Ok(()),
        Target::BaseBranch { branch } => ("branch", branch),
        Target::Commit { commit } => ("commit", commit),
        Target::Custom { instructions } => ("instructions", instructions),
    };
    limits::check_text(text, field)?;
    let is_name = !matches!(target, Target::Custom { .. });
    let is_odd = |c: char| c.is_whitespace() || is_hidden(c);
    if text.trim().is_empty() || (is_name && (text.starts_with('-') || text.contains(is_odd))) {
        let message = say!("refusal.steer.target", field);
        return Err(Refusal::invalid("invalid_target", message));
    }
    Ok(())
}

/// Some things are done to a session at work, others to one that is over.
fn check_moment(session: &Session, act: &Act) -> Result<(), Refusal> {
    let id = session.id();
    match act {
        Act::Fork | Act::Rename { .. } | Act::Delete { fork_id: Some(_) } => Ok(()),
        Act::Archive | Act::Delete { fork_id: None } => match session.is_live() {
            false => Ok(()),
            true => Err(Refusal::conflict(
                "session_live",
                say!("refusal.steer.live", id),
            )),
        },
        Act::Interrupt { .. }
        | Act::Compact { .. }
        | Act::Revert { .. }
        | Act::Settings { .. }
        | Act::Review { .. }
        | Act::Back => match session.status {
            Status::Running => Ok(()),
            Status::Starting => Err(Refusal::conflict(
                "session_starting",
                say!("refusal.steer.starting", id),
            )),
            Status::Closing { .. } | Status::Closed { .. } => {
                let message = say!("refusal.session_ended", id, how => Sentence::word("status", session.status_word()));
                Err(Refusal::conflict("session_ended", message))
            }
        },
    }
}

fn check_thread(session: &Session, act: &Act) -> Result<(), Refusal> {
    let id = session.id();
    if let Some(program) = session.brief.driver.program() {
        // A program takes Ctrl-C.
        return match act {
            Act::Interrupt { .. } => Ok(()),
            _ => {
                let message = say!("refusal.steer.of_program", program);
                Err(Refusal::conflict("no_thread", message))
            }
        };
    }
    if session.thread_id.is_none() {
        let message = say!("refusal.thread.not_begun");
        return Err(Refusal::conflict("no_thread", message));
    }
    let forks = &session.thread_state.forks;
    match (act, session.thread_state.fate) {
        (
            Act::Delete {
                fork_id: Some(fork),
            },
            _,
        ) => match forks.contains(fork) {
            true => Ok(()),
            false => Err(Refusal::not_found(
                "unknown_fork",
                say!("refusal.steer.unknown_fork", id),
            )),
        },
        (_, Fate::Deleted) => Err(Refusal::conflict(
            "thread_deleted",
            say!("refusal.steer.deleted"),
        )),
        (Act::Archive | Act::Fork | Act::Rename { .. }, Fate::Archived) => Err(archived(id)),
        (Act::Delete { .. }, _) if !forks.is_empty() => Err(has_forks()),
        (Act::Fork, _) if forks.len() >= MAX_FORKS => Err(Refusal::conflict(
            "too_many_forks",
            say!("refusal.steer.too_many_forks", max = MAX_FORKS),
        )),
        (Act::Back, _) if !session.terminal_elsewhere => Err(Refusal::conflict(
            "terminal_not_left",
            say!("refusal.steer.not_left", id),
        )),
        _ => Ok(()),
    }
}

/// The refusal for a thread that is put away.
pub fn archived(id: &SessionId) -> Refusal {
    Refusal::conflict("thread_archived", say!("refusal.steer.archived", id))
}

/// The refusal for a thread whose history its copies need.
pub fn has_forks() -> Refusal {
    Refusal::conflict("thread_has_forks", say!("refusal.steer.has_forks"))
}

/// Refuses settings that allow more than was confirmed, unless the person said so.
///
/// # Errors
/// Names what would be wider, and how to say yes.
pub fn check_wider(session: &Session, wider: &[Wider], confirmed: bool) -> Result<(), Refusal> {
    if wider.is_empty() || confirmed {
        return Ok(());
    }
    let brief = &session.brief;
    let each = wider.iter().map(|wider| match wider {
        Wider::Approval => say!("refusal.steer.weaker_approval", was => asks(brief.approval)),
        _ => say!(
            "refusal.steer.wider_sandbox",
            was => Sentence::word("sandbox", brief.sandbox.name())
        ),
    });
    let message = say!("refusal.steer.needs_confirmation", what => Sentence::list(each));
    Err(Refusal::conflict("needs_confirmation", message))
}

fn asks(approval: Approval) -> Sentence {
    Sentence::word("approval", approval.name())
}

/// The thread has another name, whoever gave it. Nothing, where that is known, or where it is its `own`, which it began with. What is given
/// elsewhere has no bounds there: it is kept as far as a name may go here, on one line that shows all of it.
pub fn renamed(state: &State, thread_id: &str, name: &str, own: Option<&str>) -> Vec<Event> {
    let (name, own) = (as_name(name), own.map(as_name));
    let session = state.session_of_thread(thread_id);
    let news = session.filter(|it| it.thread_state.name.as_ref().or(own.as_ref()) != Some(&name));
    let event = news.map(|session| Event::ThreadRenamed {
        session_id: session.id().clone(),
        thread_id: thread_id.to_owned(),
        name: name.clone(),
    });
    Vec::from_iter(event)
}

fn as_name(text: &str) -> String {
    let end = text.char_indices().nth(MAX_NAME_CHARS).map(|(at, _)| at);
    let line = shown_line(&text[..end.unwrap_or(text.len())]);
    // What is spelled out is longer than it was.
    line.chars().take(MAX_NAME_CHARS).collect()
}

/// These settings are in force in a thread, whoever wanted them. Nothing, where they were before: by the journal, by what was `seen` of
/// the thread since this launcher began, or by what the session was confirmed with.
pub fn settings_in_force(
    state: &State,
    thread_id: &str,
    seen: Option<&Settings>,
    now: &Settings,
) -> Vec<Event> {
    let Some(session) = state.session_of_thread(thread_id) else {
        return Vec::new();
    };
    let brief = &session.brief;
    let is_known = match session.thread_state.settings.as_ref().or(seen) {
        Some(known) => known == now,
        None => now.are_as_confirmed(brief.model.as_deref(), brief.approval, brief.sandbox),
    };
    let event = (!is_known).then(|| Event::ThreadSettingsChanged {
        session_id: session.id().clone(),
        thread_id: thread_id.to_owned(),
        settings: now.clone(),
        wider: now.wider_than(brief.approval, brief.sandbox),
    });
    Vec::from_iter(event)
}

/// Something became of a thread, or of a copy of one. Nothing, where that is known.
pub fn became(state: &State, thread_id: &str, fate: Fate) -> Vec<Event> {
    let session = state
        .session_of_thread(thread_id)
        .filter(|session| session.thread_state.fate != fate)
        .or_else(|| {
            let fork = state.session_of_fork(thread_id);
            fork.filter(|_| fate == Fate::Deleted)
        });
    let event = session.map(|session| {
        let (session_id, thread_id) = (session.id().clone(), thread_id.to_owned());
        match fate {
            Fate::Kept => Event::ThreadUnarchived {
                session_id,
                thread_id,
            },
            Fate::Archived => Event::ThreadArchived {
                session_id,
                thread_id,
            },
            Fate::Deleted => Event::ThreadDeleted {
                session_id,
                thread_id,
            },
        }
    });
    Vec::from_iter(event)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_from_elsewhere_is_one_line_of_bounded_length() {
        assert_eq!(as_name("A plan · 计划"), "A plan · 计划");
        assert_eq!(as_name("a\n\u{202e}b"), "a⟨U+000A⟩⟨U+202E⟩b");
        assert_eq!(
            as_name(&"x\u{202e}".repeat(5000)).chars().count(),
            MAX_NAME_CHARS
        );
    }
}
