//! The threads of sessions: opened, resumed, and replaced where Codex has nothing left of them.

use super::codex_driver::{Failure, activity};
use super::live::Activity;
use super::office::{LAUNCHER, Office};
use super::texts;
use crate::codex::calls::{ApprovalPolicy, SandboxMode, ThreadResume, ThreadStart};
use crate::codex::wire::ThreadId;
use crate::codex::{CallError, Codex};
use crate::domain::department::{Approval, Sandbox};
use crate::domain::event::Event;
use crate::domain::session::{Session, Status};
use crate::mailbox::threads;
use chrono::Utc;
use std::sync::Arc;

/// The session's thread, and whether it was opened just now. One of which Codex has nothing left is replaced: whoever
/// resumes a session wants its task done, with or without what was said before.
///
/// # Errors
/// When Codex neither resumes nor opens it, or the session has ended meanwhile.
pub async fn thread(
    office: &Arc<Office>,
    codex: &Codex,
    session: &Session,
) -> Result<(ThreadId, bool), Failure> {
    if let Some(thread_id) = &session.thread_id {
        let thread_id = ThreadId::from(thread_id.as_str());
        match resume(office, codex, session, &thread_id).await {
            Ok(()) => return Ok((thread_id, false)),
            Err(error) if is_gone(session, &error) => {
                tracing::warn!(session.id = %session.id(), %error, "the session's thread is gone; it gets a new one");
                if session.prompted {
                    let reason = FORGOTTEN.to_owned();
                    let session_id = session.id().clone();
                    let anew = Event::SessionBegunAnew { session_id, reason };
                    office.record(vec![anew]).await;
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok((open_thread(office, codex, session).await?, true))
}

/// Whether Codex has nothing left of the session's thread.
///
/// It writes a thread down some 10 ms after it has opened it, and what it answers when it died meanwhile depends on the moment: it
/// knows no such thread, finds its file empty, or cannot read the file's first line. A thread that never got its prompt holds
/// nothing that could be lost, so whatever is refused of it is a reason to begin anew, unless somebody else has it open.
pub fn is_gone(session: &Session, error: &CallError) -> bool {
    const NOTHING_LEFT: [&str; 4] = [
        "no rollout found",
        "not found",
        "is empty",
        "failed to parse first rollout record",
    ];
    match session.prompted {
        true => NOTHING_LEFT.iter().any(|said| error.is_refusal(said)),
        false => matches!(error, CallError::Refused { .. }) && !is_open_elsewhere(error),
    }
}

/// Whether another process has the thread open.
pub fn is_open_elsewhere(error: &CallError) -> bool {
    error.is_refusal("already has an active writer")
}

/// What a person reads of a session whose thread had to be replaced.
const FORGOTTEN: &str = "Codex has nothing left of what was said in it";

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
    let id = brief.id.clone();
    let recorded = office.decide(LAUNCHER, move |state| {
        let starting = state
            .session(&id)
            .is_some_and(|session| session.status == Status::Starting);
        Ok((Vec::from_iter(starting.then_some(event)), starting))
    });
    match recorded.await {
        Ok(true) => {}
        // A thread without a turn leaves nothing behind.
        Ok(false) => return Err(Failure::Over),
        Err(_) => return Err(Failure::Passing("the journal cannot be written".to_owned())),
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
        review: brief.review.clone(),
        task: brief.task.clone(),
    };
    threads::write(&office.place.state, &thread_id.to_string(), &identity)
}

/// Loads the thread and subscribes to it.
///
/// # Errors
/// When Codex cannot be asked, or refuses.
pub async fn resume(
    office: &Office,
    codex: &Codex,
    session: &Session,
    thread_id: &ThreadId,
) -> Result<(), CallError> {
    let opened = codex
        .resume_thread(&ThreadResume::new(thread_id.clone()))
        .await?;
    office.live.update(session.id(), |observed| {
        // A notification that came meanwhile is newer than this answer.
        if observed.activity == Activity::Unknown {
            observed.activity = activity(&opened.thread.status);
            observed.activity_since = Some(Utc::now());
        }
    });
    office.live.touch(session.id());
    Ok(())
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
