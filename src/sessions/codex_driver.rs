//! The `codex` driver: a session is a thread of the app-server; its prompt and every later message go in by protocol.

use super::live::Activity;
use super::office::{LAUNCHER, Office};
use super::reconciler::Done;
use super::{briefs, texts};
use crate::codex::calls::{
    ApprovalPolicy, SandboxMode, ThreadItemsList, ThreadResume, ThreadStart, TurnStart,
};
use crate::codex::items::{Item, ThreadStatus, UserInput};
use crate::codex::wire::ThreadId;
use crate::codex::{CallError, Codex};
use crate::domain::department::{Approval, Sandbox};
use crate::domain::event::Event;
use crate::domain::ids::{SessionId, TerminalId};
use crate::domain::message::Message;
use crate::domain::session::{Outcome, Session, Status};
use crate::mailbox::threads;
use crate::paths::TUI_PREFIX;
use crate::terminal::CLOSE_GRACE;
use codex_terminal::descriptor::Mode;
use codex_terminal::spec::{Source, Spec};
use std::collections::BTreeMap;
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
    let prompted =
        !is_new && (session.prompted || was_sent(codex, &thread_id, &client_id).await?.is_some());
    if !prompted {
        let (policy, brief) = (office.policy(), &session.brief);
        let prompt = office
            .ledger
            .read(|state| briefs::prompt(&policy, &office.place, state, brief));
        texts::write_prompt(&office.place.repo, &brief.prompt_path, &prompt)
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

/// The text of a message that reached the thread although nobody lived to record it; `None` when it did not.
async fn was_sent(
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
                adopt_tui(office, session.id(), terminal_id).await;
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

async fn adopt_tui(office: &Office, id: &SessionId, terminal_id: &TerminalId) {
    if office.terminals.is_open(terminal_id) || office.terminals.adopt(terminal_id).await.is_ok() {
        let url = office.terminals.url(terminal_id, Mode::Write);
        office
            .live
            .update(id, |observed| observed.terminal_url = url);
    } else {
        office
            .terminal_closed(terminal_id, "it was gone after a restart")
            .await;
    }
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
    office.record(delivered.collect()).await;
    Done::Settled
}

/// Ends a session: its turn, its running commands, its terminal; then its end is recorded.
pub async fn close(office: &Arc<Office>, session: &Session) -> Done {
    if let (Ok(codex), Some(thread_id)) = (&office.codex, &session.thread_id) {
        let thread_id = ThreadId::from(thread_id.as_str());
        end_thread(codex, &thread_id).await;
    }
    if let Some(terminal_id) = &session.terminal_id {
        close_tui(office, terminal_id, "its session ended").await;
    }
    let outcome = match &session.status {
        Status::Closing { outcome } => outcome.clone(),
        _ => Outcome::Stopped,
    };
    office.closed(session.id(), outcome).await;
    Done::Settled
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

/// Shows a session's thread in the real TUI, in a terminal of its own.
pub async fn open_tui(office: &Arc<Office>, session: &Session) -> Done {
    if let Err(reason) = show_tui(office, session).await {
        tracing::warn!(session.id = %session.id(), %reason, "the terminal of a session could not be opened");
        office
            .live
            .update(session.id(), |observed| observed.notice = Some(reason));
    }
    Done::Settled
}

/// Starts the TUI of a session.
///
/// # Errors
/// A sentence when the session has no thread or its terminal cannot be started.
pub async fn show_tui(office: &Office, session: &Session) -> Result<TerminalId, String> {
    let thread_id = session
        .thread_id
        .clone()
        .ok_or("the session has no thread yet; try again in a moment")?;
    let id = TerminalId::fresh(TUI_PREFIX);
    let remote = format!("unix://{}", office.place.app_server_socket().display());
    let codex = office.codex_bin.display().to_string();
    let argv = vec![
        codex,
        "resume".to_owned(),
        thread_id,
        "--remote".to_owned(),
        remote,
    ];
    let mut spec = Spec::program(id.as_str(), argv, office.place.repo.clone());
    spec.title = session.brief.title.clone();
    if let Source::Program {
        env_set,
        env_remove,
        ..
    } = &mut spec.source
    {
        *env_set = BTreeMap::from([
            (
                "CODEX_HOME".to_owned(),
                office.place.tui_home().display().to_string(),
            ),
            ("TERM".to_owned(), "xterm-256color".to_owned()),
        ]);
        *env_remove = vec!["NO_COLOR".to_owned()];
    }
    let (session_id, key, title) = (session.id().clone(), id.clone(), spec.title.clone());
    // Recorded first, so that it can be found and ended whatever happens next, and only while nobody ends the session.
    let recorded = office.decide(LAUNCHER, move |state| {
        let started = Event::TerminalStarted {
            terminal_id: key,
            session_id: Some(session_id.clone()),
            title,
            preview: false,
        };
        let running = state.session(&session_id).is_some_and(|session| {
            session.status == Status::Running && session.terminal_id.is_none()
        });
        Ok((Vec::from_iter(running.then_some(started)), running))
    });
    match recorded.await {
        Ok(true) => {}
        Ok(false) => return Err("the session is ending, or has a terminal already".to_owned()),
        Err(error) => return Err(error.to_string()),
    }
    let descriptor = match office.terminals.start(&id, spec).await {
        Ok(descriptor) => descriptor,
        Err(error) => {
            let reason = format!("failed to {error}");
            office.terminal_closed(&id, &reason).await;
            return Err(reason);
        }
    };
    let wanted = |state: &crate::domain::state::State| state.terminals.contains_key(&id);
    if !office.ledger.read(wanted) {
        // The session was ended while its terminal was starting.
        close_tui(office, &id, "its session ended").await;
        return Err("the session has ended".to_owned());
    }
    office.live.update(session.id(), |observed| {
        observed.terminal_url = Some(descriptor.url(Mode::Write))
    });
    Ok(id)
}

/// Ends a TUI; its session goes on unless somebody ends that too.
pub async fn close_tui(office: &Office, terminal_id: &TerminalId, reason: &str) {
    if let Err(error) = office.terminals.close(terminal_id, CLOSE_GRACE).await {
        tracing::error!(terminal.id = %terminal_id, %error, "a terminal could not be ended");
    }
    office.terminal_closed(terminal_id, reason).await;
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
