//! The `codex` driver: a session is a thread of the app-server; its prompt and every later message go in by protocol.

use super::conformance::settle;
use super::live::Activity;
use super::office::{LAUNCHER, Office};
use super::reconciler::Done;
use super::{briefs, codex_messages, codex_threads, codex_tui, texts};
use crate::codex::calls::TurnStart;
use crate::codex::items::{ThreadStatus, TurnStatus};
use crate::codex::orphan::Orphan;
use crate::codex::wire::ThreadId;
use crate::codex::{CallError, Codex};
use crate::domain::event::Event;
use crate::domain::fault::Shared;
use crate::domain::flow;
use crate::domain::ids::SessionId;
use crate::domain::message::Setback;
use crate::domain::session::{Outcome, Session, Status};
use crate::process;
use std::sync::Arc;
use std::time::Duration;

/// Codex restarts within a second or two; a start waits that long and a little more before it fails.
const READY_LIMIT: Duration = Duration::from_secs(30);

/// Starts a session's thread and gives it its prompt; a resumed session keeps its thread and is not prompted again.
pub async fn start(office: &Arc<Office>, session: &Session) -> Done {
    match try_start(office, session).await {
        Ok(()) => Done::Settled,
        Err(Failure::Passing(reason)) => {
            office
                .live
                .update(session.id(), |observed| observed.notice = Some(reason));
            Done::Again
        }
        Err(Failure::Final(reason)) => {
            tracing::warn!(session.id = %session.id(), %reason, "a session could not be started");
            let opened = office
                .session(session.id())
                .and_then(|session| session.thread_id);
            if let (Ok(codex), Some(thread_id)) = (&office.codex, opened) {
                // What is recorded as failed must not work on unseen.
                end_thread(codex, &ThreadId::from(thread_id.as_str()))
                    .await
                    .ok();
            }
            let driver = session.brief.driver.clone();
            let shared = Shared::Driver { driver };
            office.hold_back(shared, session, &reason).await;
            office
                .closed(session.id(), Outcome::Failed { reason })
                .await
        }
        Err(Failure::Over) => Done::Settled,
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
                Self::Passing(format!("failed to {error}"))
            }
            // Another app-server than the one that loaded the thread.
            _ if error.is_refusal("thread not found") => {
                Self::Passing(format!("failed to {error}"))
            }
            _ => Self::Final(format!(
                "Codex could not start the session: failed to {error}"
            )),
        }
    }
}

async fn try_start(office: &Arc<Office>, session: &Session) -> Result<(), Failure> {
    let codex = office
        .codex
        .as_ref()
        .map_err(|reason| Failure::Final(reason.en.clone()))?;
    ready(office, codex).await?;
    check_login(office, codex).await?;
    let id = session.id();
    must_be_starting(office, id)?;
    // What went wrong before is over; what Codex asks from now on is not.
    office.live.update(id, |observed| observed.notice = None);
    let (thread_id, is_new) = codex_threads::thread(office, codex, session).await?;
    let client_id = id.to_string();
    let prompted = !is_new
        && (session.prompted || codex_messages::was_sent(codex, &thread_id, &client_id).await?);
    if !prompted {
        // What broke off a turn that never began is of no interest to the one that begins.
        office.live.update(id, |observed| observed.setback = None);
        let (policy, brief) = (office.policy(), &session.brief);
        let prompt = office
            .ledger
            .read(|state| briefs::prompt(&policy, &office.place, state, brief));
        texts::write_prompt(&office.place.repo, &brief.prompt_path, &prompt)
            .map_err(|error| Failure::Final(error.to_string()))?;
        must_be_starting(office, id)?;
        office.live.set_activity(id, Activity::Working);
        let turn = TurnStart {
            client_user_message_id: Some(client_id),
            ..TurnStart::text(thread_id.clone(), prompt)
        };
        codex.start_turn(&turn).await?;
        if let Err(over) = must_be_starting(office, id) {
            // Whoever ended the session may have come too early to end this turn.
            end_thread(codex, &thread_id).await.ok();
            return Err(over);
        }
    }
    office.connect(id);
    let started = Event::SessionStarted {
        session_id: id.clone(),
        department: session.brief.department.clone(),
        parent_session_id: session.brief.parent_session_id.clone(),
        pid: None,
    };
    match office.record(vec![started]).await {
        true => Ok(()),
        false => Err(Failure::Passing("the journal cannot be written".to_owned())),
    }
}

/// Waits for Codex; only what a person must mend is final.
async fn ready(office: &Office, codex: &Codex) -> Result<(), Failure> {
    let waited = codex.ready(READY_LIMIT).await;
    waited.map_err(|reason| match office.codex_trouble() {
        Some(trouble) => Failure::Final(trouble),
        None => Failure::Passing(reason),
    })
}

fn must_be_starting(office: &Office, id: &SessionId) -> Result<(), Failure> {
    let starting = office
        .session(id)
        .is_some_and(|session| session.status == Status::Starting);
    if starting { Ok(()) } else { Err(Failure::Over) }
}

/// What a person is told when Codex has no login.
pub const NOT_LOGGED_IN: &str =
    "Codex is not logged in: run `codex login` in a terminal, with the same CODEX_HOME as zhongshu";

/// Without its login Codex would try for half a minute and then fail each turn.
async fn check_login(office: &Office, codex: &Codex) -> Result<(), Failure> {
    if office.logged_in() == Some(true) {
        return Ok(());
    }
    let _turn = office.login_check.lock().await;
    let known_to_lack = office.logged_in() == Some(false);
    let mut usable = codex.account().await?.is_usable();
    if !usable && known_to_lack && !office.live.any_busy() {
        // A login that was made meanwhile is seen by a new app-server only.
        codex.restart().await;
        ready(office, codex).await?;
        usable = codex.account().await?.is_usable();
    }
    office.set_logged_in(Some(usable));
    match usable {
        true => Ok(()),
        false => Err(Failure::Final(format!(
            "{NOT_LOGGED_IN}, then resume this session"
        ))),
    }
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

/// Subscribes to a session's thread again, after a restart of the launcher or of the app-server.
pub async fn reconnect(office: &Arc<Office>, session: &Session) -> Done {
    let codex = match &office.codex {
        Ok(codex) => codex,
        Err(reason) if Orphan::find(&office.place.app_server_descriptor()).is_some() => {
            // It works on, unseen: that is no end.
            office.live.update(session.id(), |observed| {
                observed.notice = Some(reason.en.clone())
            });
            return Done::Again;
        }
        Err(reason) => return lost(office, session, &reason.en).await,
    };
    if let Err(reason) = codex.ready(READY_LIMIT).await {
        office
            .live
            .update(session.id(), |observed| observed.notice = Some(reason));
        return Done::Again;
    }
    let Some(thread_id) = &session.thread_id else {
        return lost(office, session, "its thread was never opened").await;
    };
    // Before the thread is subscribed to: what it asks comes with the subscription.
    office
        .live
        .update(session.id(), |observed| observed.notice = None);
    let thread_id = ThreadId::from(thread_id.as_str());
    match codex_threads::resume(office, codex, session, &thread_id).await {
        Ok(()) => {
            if !session.prompted {
                match codex_messages::was_sent(codex, &thread_id, session.id().as_str()).await {
                    Ok(true) => codex_messages::shown(office, session, session.id().as_str()).await,
                    Ok(false) => return begin_anew(office, session).await,
                    Err(_) => return Done::Again,
                }
            }
            if let Some(terminal_id) = &session.terminal_id {
                codex_tui::adopt(office, session.id(), terminal_id).await;
            }
            look_back(office, codex, session).await;
            office.connect(session.id());
            Done::Settled
        }
        Err(error) if !session.prompted && codex_threads::is_gone(session, &error) => {
            begin_anew(office, session).await
        }
        Err(error) if codex_threads::is_open_elsewhere(&error) => {
            const NOTICE: &str =
                "another program has its thread open: it goes on here when that one has ended";
            office.live.update(session.id(), |observed| {
                observed.notice = Some(NOTICE.to_owned());
            });
            Done::Again
        }
        Err(error @ CallError::Refused { .. }) => {
            lost(office, session, &format!("failed to {error}")).await
        }
        Err(_) => Done::Again,
    }
}

/// Finds out whether a turn was broken off while nobody listened. A department hears of it with its reminder; a planner is asked
/// nothing, so the page says it.
async fn look_back(office: &Office, codex: &Codex, session: &Session) {
    let (id, Some(thread_id)) = (session.id(), &session.thread_id) else {
        return;
    };
    let thread_id = ThreadId::from(thread_id.as_str());
    let newest = match codex.turns(&thread_id, 1).await {
        Ok(page) => page.data.into_iter().next().map(|turn| turn.status),
        // A thread without a turn, or Codex is gone again: then it is asked again.
        Err(_) => return,
    };
    let planner = session.is_planner();
    office.live.update(id, |observed| {
        observed.setback = match newest {
            Some(TurnStatus::Interrupted) => observed.setback.or(Some(Setback::Interrupted)),
            _ => None,
        };
        if planner && observed.setback == Some(Setback::CodexEnded) && observed.notice.is_none() {
            observed.notice = Some(
                "Codex ended in the middle of its turn and was started again: write to it to let it go on"
                    .to_owned(),
            );
        }
    });
}

/// Codex accepted the prompt, and died before it had written it down: the session starts once more.
async fn begin_anew(office: &Office, session: &Session) -> Done {
    const REASON: &str = "Codex ended before it had begun with the task";
    tracing::warn!(session.id = %session.id(), "a session begins anew: {REASON}");
    if let Some(terminal_id) = &session.terminal_id {
        codex_tui::close(office, terminal_id, "its session begins anew").await;
    }
    let id = session.id().clone();
    settle(
        office
            .decide(LAUNCHER, move |state| {
                flow::sessions::begin_anew(state, &id, REASON)
            })
            .await,
    )
}

async fn lost(office: &Office, session: &Session, reason: &str) -> Done {
    let reason = format!(
        "after a restart the session was not found again: {reason}; resume it, or start its task anew"
    );
    if let Some(terminal_id) = &session.terminal_id {
        codex_tui::close(office, terminal_id, "its session was lost").await;
    }
    office.closed(session.id(), Outcome::Lost { reason }).await
}

/// Ends a session: its turn, its running commands, its terminal; then its end is recorded.
pub async fn close(office: &Arc<Office>, session: &Session) -> Done {
    if let (Ok(codex), Some(thread_id)) = (&office.codex, &session.thread_id) {
        let ended = end_thread(codex, &ThreadId::from(thread_id.as_str())).await;
        if let Err(error) = ended
            && office.codex_trouble().is_none()
        {
            tracing::info!(session.id = %session.id(), %error, "a session's turn could not be ended yet");
            return Done::Again;
        }
        end_commands([thread_id.clone()]).await;
    }
    if let Some(terminal_id) = &session.terminal_id {
        codex_tui::close(office, terminal_id, "its session ended").await;
    }
    let outcome = match &session.status {
        Status::Closing { outcome } => outcome.clone(),
        _ => Outcome::Stopped,
    };
    office.closed(session.id(), outcome).await
}

/// Ends what commands of these threads have left behind: Codex tells every command whose it is.
pub async fn end_commands(threads: impl IntoIterator<Item = String>) {
    let threads = threads.into_iter().collect();
    if let Err(error) = process::terminate_marked("CODEX_THREAD_ID", threads).await {
        tracing::error!(%error, "commands of a session could not be ended");
    }
}

/// Interrupts, ends background commands and unsubscribes.
///
/// # Errors
/// When Codex could not be asked. A refusal means that what should end is gone already.
async fn end_thread(codex: &Codex, thread_id: &ThreadId) -> Result<(), CallError> {
    if let Some(page) = unless_refused(codex.turns(thread_id, 1).await)?
        && let Some(turn) = page.data.first()
        && turn.status == TurnStatus::InProgress
    {
        unless_refused(codex.interrupt(thread_id, &turn.id).await)?;
    }
    let params = serde_json::json!({ "threadId": thread_id });
    unless_refused(
        codex
            .call_raw("thread/backgroundTerminals/clean", &params)
            .await,
    )?;
    unless_refused(codex.unsubscribe(thread_id).await)?;
    Ok(())
}

fn unless_refused<T>(answer: Result<T, CallError>) -> Result<Option<T>, CallError> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(CallError::Refused { message, .. }) => {
            tracing::info!(%message, "Codex knows nothing of what should end");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
