//! The `codex` driver: a session is a thread of the app-server; its prompt and every later message go in by protocol.

use super::live::Activity;
use super::office::Office;
use super::reconciler::Done;
use super::{briefs, codex_messages, codex_tui, texts};
use crate::codex::calls::{ApprovalPolicy, SandboxMode, ThreadResume, ThreadStart, TurnStart};
use crate::codex::items::ThreadStatus;
use crate::codex::wire::ThreadId;
use crate::codex::{CallError, Codex};
use crate::domain::department::{Approval, Sandbox};
use crate::domain::event::Event;
use crate::domain::session::{Outcome, Session, Status};
use crate::mailbox::threads;
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
            office
                .closed(session.id(), Outcome::Failed { reason })
                .await;
            Done::Settled
        }
    }
}

enum Failure {
    Passing(String),
    Final(String),
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        match error {
            // The app-server is being restarted: the thread, if there is one already, is still there afterwards.
            CallError::Closed { .. } | CallError::Outdated => {
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
        .map_err(|reason| Failure::Final(reason.clone()))?;
    codex.ready(READY_LIMIT).await.map_err(Failure::Final)?;
    check_login(office, codex).await?;
    let id = session.id();
    // What went wrong before is over; what Codex asks from now on is not.
    office.live.update(id, |observed| observed.notice = None);
    let (thread_id, is_new) = thread(office, codex, session).await?;
    let client_id = id.to_string();
    let prompted = !is_new
        && (session.prompted
            || codex_messages::was_sent(codex, &thread_id, &client_id)
                .await?
                .is_some());
    if !prompted {
        let (policy, brief) = (office.policy(), &session.brief);
        let prompt = office
            .ledger
            .read(|state| briefs::prompt(&policy, &office.place, state, brief));
        texts::write_prompt(&brief.prompt_path, &prompt)
            .map_err(|error| Failure::Final(error.to_string()))?;
        office.live.set_activity(id, Activity::Working);
        let turn = TurnStart {
            client_user_message_id: Some(client_id),
            ..TurnStart::text(thread_id.clone(), prompt)
        };
        codex.start_turn(&turn).await?;
    }
    office.connect(id);
    let started = Event::SessionStarted {
        session_id: id.clone(),
        department: session.brief.department.clone(),
        parent_session_id: session.brief.parent_session_id.clone(),
        pid: None,
    };
    office.record(vec![started]).await;
    Ok(())
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
        codex.ready(READY_LIMIT).await.map_err(Failure::Final)?;
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

/// The session's thread, and whether it was opened just now. One that Codex does not know any more is replaced: whoever
/// resumes a session wants its task done, with or without what was said before.
async fn thread(
    office: &Arc<Office>,
    codex: &Codex,
    session: &Session,
) -> Result<(ThreadId, bool), Failure> {
    if let Some(thread_id) = &session.thread_id {
        let thread_id = ThreadId::from(thread_id.as_str());
        match resume(office, codex, session, &thread_id).await {
            Ok(()) => return Ok((thread_id, false)),
            Err(error @ CallError::Refused { .. }) => {
                tracing::warn!(session.id = %session.id(), %error, "the session's thread is gone; it gets a new one");
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok((open_thread(office, codex, session).await?, true))
}

async fn open_thread(
    office: &Arc<Office>,
    codex: &Codex,
    session: &Session,
) -> Result<ThreadId, Failure> {
    let brief = &session.brief;
    let opened = codex
        .start_thread(&ThreadStart {
            cwd: Some(office.place.repo.clone()),
            model: brief.model.clone(),
            approval_policy: Some(approval(brief.approval)),
            sandbox: Some(sandbox(brief.sandbox)),
            ..ThreadStart::default()
        })
        .await?;
    let thread_id = opened.thread.id;
    remember_thread(office, session, &thread_id).map_err(|error| {
        Failure::Final(format!(
            "the session's identity could not be stored: {error}; check the state folder"
        ))
    })?;
    let event = Event::SessionThreadOpened {
        session_id: brief.id.clone(),
        thread_id: thread_id.to_string(),
    };
    if !office.record(vec![event]).await {
        return Err(Failure::Passing("the journal cannot be written".to_owned()));
    }
    // Without a name no TUI can attach before the first turn has written something.
    let name = format!("{} · {}", brief.title, texts::first_line(&brief.task, 60));
    codex.name_thread(&thread_id, &name).await?;
    Ok(thread_id)
}

/// The tool server reads from this file on whose behalf a thread speaks.
fn remember_thread(
    office: &Office,
    session: &Session,
    thread_id: &ThreadId,
) -> Result<(), threads::ThreadError> {
    let brief = &session.brief;
    let mailbox_of = brief.parent_session_id.as_ref().unwrap_or(&brief.id);
    let identity = threads::ThreadRecord {
        session_id: brief.id.clone(),
        session_kind: brief.session_kind,
        department: brief.department.clone(),
        parent_session_id: brief.parent_session_id.clone(),
        incoming: office.place.incoming(mailbox_of),
        task: brief.task.clone(),
    };
    threads::write(&office.place.state, &thread_id.to_string(), &identity)
}

async fn resume(
    office: &Office,
    codex: &Codex,
    session: &Session,
    thread_id: &ThreadId,
) -> Result<(), CallError> {
    let opened = codex
        .resume_thread(&ThreadResume::new(thread_id.clone()))
        .await?;
    office
        .live
        .set_activity(session.id(), activity(&opened.thread.status));
    office.live.touch(session.id());
    Ok(())
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
    let Ok(codex) = &office.codex else {
        return lost(office, session, "Codex is not installed any more").await;
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
    match resume(office, codex, session, &ThreadId::from(thread_id.as_str())).await {
        Ok(()) => {
            if let Some(terminal_id) = &session.terminal_id {
                codex_tui::adopt(office, session.id(), terminal_id).await;
            }
            office.connect(session.id());
            Done::Settled
        }
        Err(error @ CallError::Refused { .. }) => {
            lost(office, session, &format!("failed to {error}")).await
        }
        Err(_) => Done::Again,
    }
}

async fn lost(office: &Office, session: &Session, reason: &str) -> Done {
    let reason = format!(
        "after a restart the session was not found again: {reason}; resume it, or start its task anew"
    );
    office.closed(session.id(), Outcome::Lost { reason }).await;
    Done::Settled
}

/// Ends a session: its turn, its running commands, its terminal; then its end is recorded.
pub async fn close(office: &Arc<Office>, session: &Session) -> Done {
    if let (Ok(codex), Some(thread_id)) = (&office.codex, &session.thread_id) {
        let thread_id = ThreadId::from(thread_id.as_str());
        end_thread(codex, &thread_id).await;
        end_commands([thread_id.to_string()]).await;
    }
    if let Some(terminal_id) = &session.terminal_id {
        codex_tui::close(office, terminal_id, "its session ended").await;
    }
    let outcome = match &session.status {
        Status::Closing { outcome } => outcome.clone(),
        _ => Outcome::Stopped,
    };
    office.closed(session.id(), outcome).await;
    Done::Settled
}

/// Ends what commands of these threads have left behind: Codex tells every command whose it is.
pub async fn end_commands(threads: impl IntoIterator<Item = String>) {
    let threads = threads.into_iter().collect();
    if let Err(error) = process::terminate_marked("CODEX_THREAD_ID", threads).await {
        tracing::error!(%error, "commands of a session could not be ended");
    }
}

/// Interrupts, ends background commands and unsubscribes. Failures mean that the thread is gone already.
async fn end_thread(codex: &Codex, thread_id: &ThreadId) {
    if let Ok(page) = codex.turns(thread_id, 1).await
        && let Some(turn) = page.data.first()
        && turn.status == crate::codex::items::TurnStatus::InProgress
        && let Err(error) = codex.interrupt(thread_id, &turn.id).await
    {
        tracing::info!(%error, "a turn could not be interrupted");
    }
    let params = serde_json::json!({ "threadId": thread_id });
    if let Err(error) = codex
        .call_raw("thread/backgroundTerminals/clean", &params)
        .await
    {
        tracing::info!(%error, "background commands could not be ended");
    }
    if let Err(error) = codex.unsubscribe(thread_id).await {
        tracing::info!(%error, "a thread could not be left");
    }
}

fn sandbox(mode: Sandbox) -> SandboxMode {
    match mode {
        Sandbox::ReadOnly => SandboxMode::ReadOnly,
        Sandbox::WorkspaceWrite => SandboxMode::WorkspaceWrite,
        Sandbox::DangerFullAccess => SandboxMode::DangerFullAccess,
    }
}

fn approval(policy: Approval) -> ApprovalPolicy {
    match policy {
        Approval::Untrusted => ApprovalPolicy::Untrusted,
        Approval::OnRequest => ApprovalPolicy::OnRequest,
        Approval::Never => ApprovalPolicy::Never,
    }
}
