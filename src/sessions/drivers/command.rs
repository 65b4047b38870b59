//! The `command` driver: any program in a PTY. It gets its prompt as a file and reports by files; what is typed to it
//! is pasted into its terminal.

use crate::core::done::Done;
use crate::core::live::Activity;
use crate::core::policy::{Policy, ground};
use crate::domain::event::Event;
use crate::domain::fault::Shared;
use crate::domain::flow::sessions::has_reported;
use crate::domain::ids::{SessionId, TerminalId};
use crate::domain::message::Message;
use crate::domain::sentence::say;
use crate::domain::session::{Outcome, Session, Signal, Status};
use crate::domain::shown::shown_line;
use crate::governance::named::{self, Values, fill};
use crate::sessions::agents::Agents;
use crate::sessions::{briefs, texts};
use codex_terminal::signals::{AgentActivity, AgentState};
use codex_terminal::spec::{Source, Spec};
use std::collections::BTreeMap;

/// Starts a session's program in a terminal of its own. A resumed session starts its program anew.
///
/// `policy` is the one by which it may start, `name` its program's there.
pub async fn start(agents: &Agents, policy: &Policy, session: &Session, name: &str) -> Done {
    match try_start(agents, policy, session, name).await {
        Ok(()) => {}
        Err(reason) => {
            tracing::warn!(session.id = %session.id(), %reason, "a session could not be started");
            let driver = session.brief.driver.clone();
            let shared = Shared::Driver { driver };
            agents.queue().hold_back(shared, session, &reason).await;
            return agents
                .closed(session.id(), Outcome::Failed { reason })
                .await;
        }
    }
    Done::Settled
}

async fn try_start(
    agents: &Agents,
    policy: &Policy,
    session: &Session,
    name: &str,
) -> Result<(), String> {
    let brief = &session.brief;
    // Why it waited.
    agents
        .core
        .live
        .update(&brief.id, |observed| observed.notice = None);
    // A launcher that was killed may have left a terminal that nobody recorded as started.
    if let Some(terminal_id) = &session.terminal_id {
        agents
            .end_terminal(
                terminal_id,
                &say!("reason.terminal.starts_again").to_string(),
            )
            .await;
    }
    let template = policy
        .drivers
        .get(name)
        .ok_or_else(|| say!("reason.unknown_driver", name).to_string())?;
    let prompt = briefs::first(&agents.core, policy, brief).map_err(|error| error.to_string())?;
    texts::write_prompt(&agents.core.place.repo, &brief.prompt_path, &prompt)
        .map_err(|error| error.to_string())?;
    let mailbox_of = brief.parent_session_id.as_ref().unwrap_or(&brief.id);
    let incoming = agents.core.place.incoming(mailbox_of);
    let root = agents.core.root_of(brief);
    let values = Values::from([
        ("prompt_file", brief.prompt_path.display().to_string()),
        ("session_id", brief.id.to_string()),
        ("repo", root.display().to_string()),
        ("mailbox", incoming.display().to_string()),
    ]);
    must_be_approved(agents, policy, session, template, values.clone()).await?;
    let argv = template.iter().map(|part| fill(part, &values)).collect();
    let terminal_id = TerminalId::fresh("terminal");
    let mut spec = Spec::program(terminal_id.as_str(), argv, root.to_owned());
    spec.title = brief.title.clone();
    spec.log_path = Some(brief.log_path.clone());
    if let Source::Program { env_set, .. } = &mut spec.source {
        *env_set = BTreeMap::from([
            ("TERM".to_owned(), "xterm-256color".to_owned()),
            ("ZHONGSHU_SESSION_ID".to_owned(), brief.id.to_string()),
            (
                "ZHONGSHU_PROMPT_FILE".to_owned(),
                values["prompt_file"].clone(),
            ),
            ("ZHONGSHU_MAILBOX".to_owned(), values["mailbox"].clone()),
        ]);
    }
    // Makes the folder; when the log is not what it should be, the terminal keeps what is printed until it is closed.
    if !agents.transcribe(session, "") {
        spec.log_path = None;
    }
    // Recorded first: whatever happens next, the terminal can be found and ended.
    let opened = Event::TerminalStarted {
        terminal_id: terminal_id.clone(),
        session_id: Some(brief.id.clone()),
        title: brief.title.clone(),
        preview: false,
    };
    if !agents.core.record(vec![opened]).await {
        return Err(say!("reason.nothing_started").to_string());
    }
    if let Err(error) = agents.terminals.start(&terminal_id, spec).await {
        let reason = say!("reason.program_not_started", error).to_string();
        agents.terminal_closed(&terminal_id, &reason).await;
        return Err(reason);
    }
    show(agents, &brief.id, &terminal_id);
    let started = Event::SessionStarted {
        session_id: brief.id.clone(),
        department: brief.department.clone(),
        parent_session_id: brief.parent_session_id.clone(),
        pid: agents.terminals.child_pid(&terminal_id),
    };
    agents.core.record(vec![started]).await;
    Ok(())
}

/// A command line that is filled in for its session may lead where the one that was approved led nowhere.
async fn must_be_approved(
    agents: &Agents,
    policy: &Policy,
    session: &Session,
    template: &[String],
    values: Values,
) -> Result<(), String> {
    let brief = &session.brief;
    let ground = ground(&agents.core.config).with(values, &brief.prompt_path);
    let driver = brief.driver.name();
    let (name, command) = (driver.to_owned(), template.to_vec());
    let look = move || named::read(&ground, std::iter::once((&name, &command)));
    let found = tokio::task::spawn_blocking(look).await;
    let mut found = found.map_err(|error| say!("reason.command_line_unread", error).to_string())?;
    let found = found.remove(driver).unwrap_or_default();
    match policy.approved.stray(driver, &found) {
        None => Ok(()),
        Some(file) => Err(say!("reason.command_line_strays", file = shown_line(file)).to_string()),
    }
}

fn show(agents: &Agents, id: &SessionId, terminal_id: &TerminalId) {
    let open = agents.terminals.is_open(terminal_id);
    agents
        .core
        .live
        .update(id, |observed| observed.shown = open);
    agents.core.live.touch(id);
    agents.connect(id);
}

/// Finds the program of a session again after a restart.
pub async fn reconnect(agents: &Agents, session: &Session) -> Done {
    let found = match &session.terminal_id {
        Some(id) if agents.terminals.is_open(id) => Ok(id),
        Some(id) => agents
            .terminals
            .adopt(id)
            .await
            .map(|_| id)
            .map_err(|error| error.to_string()),
        None => Err(say!("reason.no_terminal").to_string()),
    };
    match found {
        Ok(id) => show(agents, session.id(), id),
        Err(reason) => {
            if let Some(terminal_id) = &session.terminal_id {
                agents
                    .end_terminal(terminal_id, &say!("reason.terminal.gone").to_string())
                    .await;
            }
            let reason = say!("reason.program_not_found", reason).to_string();
            return agents.closed(session.id(), Outcome::Lost { reason }).await;
        }
    }
    Done::Settled
}

/// Pastes what is owed into the program's terminal, one message at a time.
pub async fn deliver(agents: &Agents, session: &Session) -> Done {
    let Some(terminal_id) = &session.terminal_id else {
        return Done::Again;
    };
    let busy = agents.core.live.observed(session.id()).activity == Activity::Working;
    let owed: Option<Message> = agents.core.ledger.read(|state| {
        let mut mine = state.owed_to(session.id()).into_iter();
        mine.find(|message| !busy || message.purpose.interrupts())
            .cloned()
    });
    let Some(message) = owed else {
        return Done::Settled;
    };
    let typed = agents
        .terminals
        .submit(terminal_id, &message.message_id, &message.text);
    if let Err(error) = typed.await {
        tracing::warn!(session.id = %session.id(), %error, "a message could not be typed");
        return Done::Again;
    }
    let delivered = Event::MessageDelivered {
        message_id: message.message_id,
        session_id: message.session_id,
    };
    agents.core.record(vec![delivered]).await;
    Done::Settled
}

/// Ends the program with everything that it started, then records the end.
pub async fn close(agents: &Agents, session: &Session) -> Done {
    if let Some(terminal_id) = &session.terminal_id {
        agents
            .end_terminal(
                terminal_id,
                &say!("reason.terminal.session_ended").to_string(),
            )
            .await;
    }
    // What it is closed with, where that was said, is known to the decision.
    agents.closed(session.id(), Outcome::Stopped).await
}

/// The program ended by itself.
///
/// The end is recorded before the terminal is taken away: whoever sees a terminal go while its session still counts as
/// running must take the program for lost.
pub async fn exited(agents: &Agents, session: &Session, code: Option<i32>, signal: Option<i32>) {
    agents.core.live.update(session.id(), |observed| {
        observed.preview = texts::tail(&agents.core.place.repo, &session.brief.log_path, 4096)
    });
    // Otherwise somebody is ending it already and records that, or it runs again in another terminal.
    let ends_by_itself = agents.core.session(session.id()).is_some_and(|now| {
        matches!(now.status, Status::Starting | Status::Running)
            && now.terminal_id == session.terminal_id
    });
    if ends_by_itself {
        agents.last_call(session.id()).await;
        let reported = agents.core.ledger.read(|state| {
            let now = state.session(session.id());
            now.is_some_and(|session| has_reported(state, session))
        });
        let outcome = match (reported, signal) {
            (true, _) => Outcome::Reported,
            (false, signal) => Outcome::Exited {
                code,
                signal: signal.map(Signal::Number),
            },
        };
        agents.closed(session.id(), outcome).await;
    }
    if let Some(terminal_id) = &session.terminal_id {
        agents
            .end_terminal(
                terminal_id,
                &say!("reason.terminal.program_ended").to_string(),
            )
            .await;
    }
}

/// Its terminal is gone although nobody ended it.
pub async fn lost(agents: &Agents, session: &Session) {
    let reason = say!("reason.terminal_lost").to_string();
    agents.closed(session.id(), Outcome::Lost { reason }).await;
}

/// Takes the end of its transcript as its preview; what was printed `just_now` is a sign of life as well.
pub fn printed(agents: &Agents, session: &Session, just_now: bool) {
    let preview = texts::tail(&agents.core.place.repo, &session.brief.log_path, 2048);
    agents
        .core
        .live
        .update(session.id(), |observed| observed.preview = preview);
    if just_now {
        agents.core.live.touch(session.id());
    }
}

/// The program says what it is doing.
pub fn said(agents: &Agents, session: &Session, said: &AgentState) {
    let activity = match said.state {
        AgentActivity::Working => Activity::Working,
        AgentActivity::Blocked => Activity::Blocked,
        AgentActivity::Done | AgentActivity::Idle => Activity::Idle,
        AgentActivity::Clear => Activity::Unknown,
    };
    agents.core.live.hears(session.id(), activity);
    if activity == Activity::Blocked {
        let why = said.kind.as_ref();
        let why = why.map_or_else(String::new, |kind| format!(" ({kind})"));
        let notice = say!("reason.waits_for_answer", why).to_string();
        agents
            .core
            .live
            .update(session.id(), |observed| observed.notice = Some(notice));
    }
}
