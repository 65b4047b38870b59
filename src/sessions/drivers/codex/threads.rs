//! The threads of sessions: opened, resumed, and replaced where Codex has nothing left of them.

use super::noticed;
use crate::core::LAUNCHER;
use crate::core::live::{Activity, moment};
use crate::domain::doing::End;
use crate::domain::event::Event;
use crate::domain::sentence::say;
use crate::domain::session::{Session, Status};
use crate::domain::steering::{Fate, Wider, Wish};
use crate::mailbox::threads;
use crate::sessions::agents::Agents;
use crate::sessions::texts;
use crate::threads::wire::{CallError, Codex, ThreadStatus};
use crate::threads::{Feature, Opening, Thread, has_nothing_left, is_archived};
use chrono::Utc;

/// The session's thread, and whether it was opened just now. One of which Codex has nothing left is replaced: whoever
/// resumes a session wants its task done, with or without what was said before.
///
/// # Errors
/// When Codex neither resumes nor opens it, or the session has ended meanwhile.
pub async fn thread<'a>(
    agents: &'a Agents,
    codex: &'a Codex,
    session: &Session,
) -> Result<(Thread<'a>, bool), Failure> {
    let known = session.thread_id.as_deref();
    if let Some(thread) = known.and_then(|id| agents.threads.thread(id)) {
        let resumed = match resume(agents, session, &thread).await {
            // Whoever goes on with a session wants its thread back.
            Err(error) if is_archived(&error) => {
                thread.unarchive().await?;
                noticed::became(agents, &thread.id, Fate::Kept).await;
                resume(agents, session, &thread).await
            }
            resumed => resumed,
        };
        match resumed {
            Ok(()) => {
                narrow(agents, session, &thread).await?;
                return Ok((thread, false));
            }
            Err(error) if has_nothing_left(session.prompted, &error) => {
                tracing::warn!(session.id = %session.id(), %error, "the session's thread is gone; it gets a new one");
                if session.prompted {
                    let reason = say!("reason.begun_anew.forgotten").to_string();
                    let session_id = session.id().clone();
                    let anew = Event::SessionBegunAnew { session_id, reason };
                    agents.core.record(vec![anew]).await;
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok((open_thread(agents, codex, session).await?, true))
}

async fn open_thread<'a>(
    agents: &Agents,
    codex: &'a Codex,
    session: &Session,
) -> Result<Thread<'a>, Failure> {
    let brief = &session.brief;
    let opening = Opening {
        root: agents.core.root_of(brief).to_owned(),
        model: brief.model.clone(),
        approval: brief.approval,
        sandbox: brief.sandbox,
    };
    let (thread, settings) = Thread::open(codex, opening).await?;
    remember_thread(agents, session, &thread)
        .await
        .map_err(|error| Failure::Final(say!("reason.identity_not_stored", error).to_string()))?;
    let event = Event::SessionThreadOpened {
        session_id: brief.id.clone(),
        thread_id: thread.id.to_string(),
    };
    let id = brief.id.clone();
    let recorded = agents.core.decide(LAUNCHER, move |state| {
        let starting = state
            .session(&id)
            .is_some_and(|session| session.status == Status::Starting);
        Ok((Vec::from_iter(starting.then_some(event)), starting))
    });
    match recorded.await {
        Ok(true) => {}
        // A thread without a turn leaves nothing behind.
        Ok(false) => return Err(Failure::Over),
        Err(_) => {
            return Err(Failure::Passing(
                say!("reason.journal_unwritable").to_string(),
            ));
        }
    }
    if let Some(settings) = settings {
        noticed::in_force(agents, &thread.id, settings, None).await;
    }
    thread.name(&texts::thread_name(brief)).await?;
    Ok(thread)
}

/// The tool server reads from this file on whose behalf a thread speaks.
async fn remember_thread(
    agents: &Agents,
    session: &Session,
    thread: &Thread<'_>,
) -> Result<(), String> {
    let brief = &session.brief;
    let mailbox_of = brief.parent_session_id.as_ref().unwrap_or(&brief.id);
    let identity = threads::ThreadRecord {
        session_id: brief.id.clone(),
        session_kind: brief.session_kind,
        department: brief.department.clone(),
        parent_session_id: brief.parent_session_id.clone(),
        incoming: agents.core.place.incoming(mailbox_of),
        review: brief.review.clone(),
        task: brief.task.clone(),
    };
    let (state, thread_id) = (agents.core.place.state.clone(), thread.id.to_string());
    // It is synced, twice.
    let write = move || threads::write(&state, &thread_id, &identity);
    let written = tokio::task::spawn_blocking(write).await;
    written
        .map_err(|error| error.to_string())?
        .map_err(|error| error.to_string())
}

/// Loads the thread and subscribes to it.
///
/// # Errors
/// When Codex cannot be asked, or refuses.
pub async fn resume(
    agents: &Agents,
    session: &Session,
    thread: &Thread<'_>,
) -> Result<(), CallError> {
    let overtaken = agents.threads.ask_for_settings(&thread.id);
    let (status, settings) = thread.resume().await?;
    if let Some(settings) = settings {
        noticed::in_force(agents, &thread.id, settings, Some(overtaken)).await;
    }
    agents.core.live.update(session.id(), |observed| {
        // A notification that came meanwhile is newer than this answer.
        if observed.activity == Activity::Unknown {
            observed.turn.is_void(moment());
            observed.activity = activity(&status);
            if observed.activity == Activity::Idle {
                observed.turn.ended(End::Completed);
            }
            observed.activity_since = Some(Utc::now());
        }
    });
    agents.core.live.touch(session.id());
    agents.asks.resumed(&thread.id, status.waits_for_person());
    Ok(())
}

/// A session that goes on after its end has no more than it was confirmed with: what it had beyond that somebody allowed it while it ran,
/// or did so after its end, where nobody sees it.
async fn narrow(agents: &Agents, session: &Session, thread: &Thread<'_>) -> Result<(), CallError> {
    let seen = agents.core.live.observed(session.id()).settings;
    let in_force = seen.or_else(|| session.thread_state.settings.clone());
    let (approval, sandbox) = (session.brief.approval, session.brief.sandbox);
    let wider = in_force.map(|it| it.wider_than(approval, sandbox));
    let wider = wider.unwrap_or_default();
    // What reaches the network by the configuration alone did so from the start.
    let back = Wish {
        approval: wider.contains(&Wider::Approval).then_some(approval),
        sandbox: wider.contains(&Wider::Sandbox).then_some(sandbox),
        ..Wish::default()
    };
    if back == Wish::default() || !agents.threads.can(Feature::ThreadSettings) {
        return Ok(());
    }
    thread.set(&back).await
}

/// What a thread's state means for its session.
pub fn activity(status: &ThreadStatus) -> Activity {
    if status.waits_for_person() {
        Activity::Blocked
    } else if status.is_active() {
        Activity::Working
    } else {
        Activity::Idle
    }
}

/// Why a session does not start.
pub enum Failure {
    /// Try again.
    Passing(String),
    /// It will not work.
    Final(String),
    /// Somebody ended the session meanwhile.
    Over,
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        match error {
            // The app-server is being restarted, or slow: what there is of the thread is looked at afterwards, and what may have
            // arrived all the same is looked up before it is said again.
            CallError::Closed { .. } | CallError::Outdated | CallError::TimedOut { .. } => {
                Self::Passing(say!("reason.failed", error).to_string())
            }
            // Another app-server than the one that loaded the thread.
            _ if error.is_refusal("thread not found") => {
                Self::Passing(say!("reason.failed", error).to_string())
            }
            _ => Self::Final(say!("reason.codex_could_not_start", error).to_string()),
        }
    }
}
