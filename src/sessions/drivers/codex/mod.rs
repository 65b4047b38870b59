//! The `codex` driver: a session is a thread of the app-server; its prompt and every later message go in by protocol.
//!
//! - `threads`: its thread, opened, resumed and replaced; `messages`: what is said to it
//! - `usage`: what it takes, and limits of the provider
//! - `listener`: what Codex says by itself; `lanes`: threads do not wait for each other; `doing`: what that means for what a session is doing;
//!   `noticed`: what of it was done to a thread, wherever
//! - `tui`: its view; `relayed`: what is heard on the way between the view and Codex; `answered`: what a person answered there

mod answered;
mod doing;
mod lanes;
pub mod listener;
pub mod messages;
pub mod noticed;
pub mod relayed;
mod threads;
pub mod tui;
mod usage;

use self::threads::Failure;
use crate::core::LAUNCHER;
use crate::core::done::Done;
use crate::core::live::Activity;
use crate::domain::event::Event;
use crate::domain::fault::Shared;
use crate::domain::flow;
use crate::domain::ids::SessionId;
use crate::domain::message::Setback;
use crate::domain::sentence::say;
use crate::domain::session::{Outcome, Session, Status};
use crate::sessions::agents::Agents;
use crate::sessions::{briefs, texts};
use crate::threads::wire::{CallError, Codex, Orphan, TurnStatus};
use crate::threads::{
    NotAsked, Thread, end_commands, has_nothing_left, is_open_elsewhere, not_logged_in,
};

/// Starts a session's thread and gives it its prompt; a resumed session keeps its thread and is not prompted again.
pub async fn start(agents: &Agents, session: &Session) -> Done {
    match try_start(agents, session).await {
        Ok(()) => Done::Settled,
        Err(Failure::Passing(reason)) => {
            agents
                .core
                .live
                .update(session.id(), |observed| observed.notice = Some(reason));
            Done::Again
        }
        Err(Failure::Final(reason)) => {
            tracing::warn!(session.id = %session.id(), %reason, "a session could not be started");
            let opened = agents
                .core
                .session(session.id())
                .and_then(|session| session.thread_id);
            if let Some(thread) = opened.and_then(|id| agents.threads.thread(&id)) {
                // What is recorded as failed must not work on unseen.
                thread.end().await.ok();
            }
            let driver = session.brief.driver.clone();
            let shared = Shared::Driver { driver };
            agents.queue().hold_back(shared, session, &reason).await;
            agents
                .closed(session.id(), Outcome::Failed { reason })
                .await
        }
        Err(Failure::Over) => Done::Settled,
    }
}

async fn try_start(agents: &Agents, session: &Session) -> Result<(), Failure> {
    let codex = agents.threads.codex.as_ref();
    let codex = codex.map_err(|reason| Failure::Final(reason.en.clone()))?;
    let waited = agents.threads.ready().await;
    waited.map_err(|reason| not_ready(agents, reason))?;
    check_login(agents, codex).await?;
    let connection = agents.codex_connection();
    let id = session.id();
    must_be_starting(agents, id)?;
    // What went wrong before is over; what Codex asks from now on is not.
    agents
        .core
        .live
        .update(id, |observed| observed.notice = None);
    let (thread, is_new) = threads::thread(agents, codex, session).await?;
    if is_new || !messages::has_begun(agents, session, &thread).await? {
        // What broke off a turn that never began is of no interest to the one that begins.
        agents
            .core
            .live
            .update(id, |observed| observed.setback = None);
        let (policy, brief) = (agents.core.policy(), &session.brief);
        let prompt = briefs::first(&agents.core, &policy, brief);
        let prompt = prompt.map_err(|error| Failure::Final(error.to_string()))?;
        texts::write_prompt(&agents.core.place.repo, &brief.prompt_path, &prompt)
            .map_err(|error| Failure::Final(error.to_string()))?;
        must_be_starting(agents, id)?;
        agents.core.live.set_activity(id, Activity::Working);
        thread.message(id.to_string(), prompt).await?;
        if let Err(over) = must_be_starting(agents, id) {
            // Whoever ended the session may have come too early to end this turn.
            thread.end().await.ok();
            return Err(over);
        }
    }
    // Where that fails, its thread is resumed as after a restart.
    agents.connect_codex(id, connection);
    let started = Event::SessionStarted {
        session_id: id.clone(),
        department: session.brief.department.clone(),
        parent_session_id: session.brief.parent_session_id.clone(),
        pid: None,
    };
    match agents.core.record(vec![started]).await {
        true => Ok(()),
        false => Err(Failure::Passing(
            say!("reason.journal_unwritable").to_string(),
        )),
    }
}

/// Only what a person must mend is final.
fn not_ready(agents: &Agents, reason: String) -> Failure {
    match agents.threads.trouble() {
        Some(trouble) => Failure::Final(trouble),
        None => Failure::Passing(reason),
    }
}

fn must_be_starting(agents: &Agents, id: &SessionId) -> Result<(), Failure> {
    let starting = agents
        .core
        .session(id)
        .is_some_and(|session| session.status == Status::Starting);
    if starting { Ok(()) } else { Err(Failure::Over) }
}

async fn check_login(agents: &Agents, codex: &Codex) -> Result<(), Failure> {
    let busy = || agents.core.live.any_busy();
    match agents.threads.look_for_login(codex, busy).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(Failure::Final(
            say!("reason.log_in_then_resume", not_logged_in => not_logged_in()).to_string(),
        )),
        Err(NotAsked::NotReady(reason)) => Err(not_ready(agents, reason)),
        Err(NotAsked::Failed(error)) => Err(error.into()),
    }
}

/// Subscribes to a session's thread again, after a restart of the launcher or of the app-server.
pub async fn reconnect(agents: &Agents, session: &Session) -> Done {
    if let Err(reason) = &agents.threads.codex {
        if Orphan::find(&agents.core.place.app_server_descriptor()).is_none() {
            return lost(agents, session, &reason.en).await;
        }
        // It works on, unseen: that is no end.
        agents.core.live.update(session.id(), |observed| {
            observed.notice = Some(reason.en.clone())
        });
        return Done::Again;
    }
    if let Err(reason) = agents.threads.ready().await {
        agents
            .core
            .live
            .update(session.id(), |observed| observed.notice = Some(reason));
        return Done::Again;
    }
    let thread = session.thread_id.as_deref();
    let Some(thread) = thread.and_then(|id| agents.threads.thread(id)) else {
        return lost(agents, session, &say!("reason.no_thread").to_string()).await;
    };
    let connection = agents.codex_connection();
    // Before the thread is subscribed to: what it asks comes with the subscription.
    agents
        .core
        .live
        .update(session.id(), |observed| observed.notice = None);
    match threads::resume(agents, session, &thread).await {
        Ok(()) => {
            match messages::has_begun(agents, session, &thread).await {
                Ok(true) => {}
                Ok(false) => return begin_anew(agents, session).await,
                Err(_) => return Done::Again,
            }
            if let Some(terminal_id) = &session.terminal_id {
                tui::adopt(agents, session.id(), terminal_id).await;
            }
            look_back(agents, session, &thread).await;
            match agents.connect_codex(session.id(), connection) {
                true => Done::Settled,
                false => Done::Again,
            }
        }
        Err(error) if !session.prompted && has_nothing_left(false, &error) => {
            begin_anew(agents, session).await
        }
        Err(error) if is_open_elsewhere(&error) => {
            agents.core.live.update(session.id(), |observed| {
                observed.notice = Some(say!("reason.open_elsewhere").to_string());
            });
            Done::Again
        }
        Err(error @ CallError::Refused { .. }) => {
            lost(agents, session, &say!("reason.failed", error).to_string()).await
        }
        Err(_) => Done::Again,
    }
}

/// Finds out whether a turn was broken off while nobody listened. A department hears of it with its reminder; a planner is asked
/// nothing, so the page says it.
async fn look_back(agents: &Agents, session: &Session, thread: &Thread<'_>) {
    // A thread without a turn, or Codex is gone again: then it is asked again.
    let Ok(newest) = thread.newest_turn().await else {
        return;
    };
    let runs = newest
        .as_ref()
        .is_some_and(|turn| turn.status == TurnStatus::InProgress);
    usage::resumed(agents, session, runs).await;
    let id = session.id();
    let planner = session.is_planner();
    let was_running = agents.core.live.observed(id).setback == Some(Setback::CodexEnded);
    doing::looked_back(agents, session, thread, newest.as_ref(), was_running).await;
    agents.core.live.update(id, |observed| {
        observed.setback = match newest.map(|turn| turn.status) {
            Some(TurnStatus::Interrupted) => observed.setback.or(Some(Setback::Interrupted)),
            _ => None,
        };
        if planner && observed.setback == Some(Setback::CodexEnded) && observed.notice.is_none() {
            observed.notice = Some(say!("reason.codex_ended_in_turn").to_string().to_owned());
        }
    });
}

/// Codex accepted the prompt, and died before it had written it down: the session starts once more.
async fn begin_anew(agents: &Agents, session: &Session) -> Done {
    let reason = say!("reason.begun_anew.codex_ended").to_string();
    tracing::warn!(session.id = %session.id(), %reason, "a session begins anew");
    if let Some(terminal_id) = &session.terminal_id {
        agents
            .end_terminal(
                terminal_id,
                &say!("reason.terminal.begins_anew").to_string(),
            )
            .await;
    }
    let id = session.id().clone();
    Done::of(
        agents
            .core
            .decide(LAUNCHER, move |state| {
                flow::sessions::begin_anew(state, &id, &reason)
            })
            .await,
    )
}

async fn lost(agents: &Agents, session: &Session, reason: &str) -> Done {
    let reason = say!("reason.session_not_found", reason).to_string();
    if let Some(terminal_id) = &session.terminal_id {
        agents
            .end_terminal(
                terminal_id,
                &say!("reason.terminal.session_lost").to_string(),
            )
            .await;
    }
    agents.closed(session.id(), Outcome::Lost { reason }).await
}

/// Interrupts a session's turn, if one runs; what it started in the background goes on.
pub async fn interrupt(agents: &Agents, session: &Session) {
    let thread = session.thread_id.as_deref();
    if let Some(thread) = thread.and_then(|id| agents.threads.thread(id))
        && let Err(error) = thread.interrupt_running().await
    {
        tracing::info!(session.id = %session.id(), %error, "a session's turn could not be interrupted yet");
    }
}

/// Ends a session: its turn, its running commands, its terminal; then its end is recorded.
pub async fn close(agents: &Agents, session: &Session) -> Done {
    let thread = session.thread_id.as_deref();
    if let Some(thread) = thread.and_then(|id| agents.threads.thread(id)) {
        if let Err(error) = thread.end().await
            && agents.threads.trouble().is_none()
        {
            tracing::info!(session.id = %session.id(), %error, "a session's turn could not be ended yet");
            return Done::Again;
        }
        end_commands([thread.id.to_string()]).await;
    }
    if let Some(terminal_id) = &session.terminal_id {
        agents
            .end_terminal(
                terminal_id,
                &say!("reason.terminal.session_ended").to_string(),
            )
            .await;
    }
    usage::missed(agents, session).await;
    // What it is closed with, where that was said, is known to the decision.
    agents.closed(session.id(), Outcome::Stopped).await
}
