//! What Codex says by itself, as far as it tells what a session is doing: each notification becomes one step of what was heard of its
//! turn. Decides nothing; `domain::doing` does.

use crate::core::live::Activity;
use crate::domain::doing::{End, Flow, Moment, Part, Ran, Turn};
use crate::domain::ids::SessionId;
use crate::domain::sentence::say;
use crate::domain::session::Session;
use crate::sessions::agents::Agents;
use crate::threads::Thread;
use crate::threads::wire::{Item, Notification, Turn as CodexTurn, TurnError, TurnStatus};

/// Takes note of it. Deltas come many times a second, so of the session nothing but its id is looked up.
pub fn heard(agents: &Agents, notification: &Notification) {
    match notification {
        Notification::TurnStarted(change) => {
            step(agents, &change.thread_id.0, Turn::begins);
        }
        Notification::TurnCompleted(change) => {
            step(agents, &change.thread_id.0, |turn, now| {
                turn.ends(end(&change.turn.status, change.turn.error.as_ref()), now);
            });
        }
        Notification::ItemStarted(change) => step(agents, &change.thread_id.0, |turn, now| {
            turn.part_begins(
                change.item.id().unwrap_or_default(),
                part(&change.item),
                now,
            );
        }),
        Notification::ItemCompleted(change) => step(agents, &change.thread_id.0, |turn, now| {
            let id = change.item.id().unwrap_or_default();
            turn.part_ends(id, ran(&change.item), now);
        }),
        Notification::AgentMessageDelta(delta) | Notification::PlanDelta(delta) => {
            step(agents, &delta.thread_id.0, |turn, now| {
                turn.says(Flow::Writing, now);
            });
        }
        Notification::ReasoningDelta(delta) => step(agents, &delta.thread_id.0, |turn, now| {
            turn.says(Flow::Thinking, now);
        }),
        Notification::CommandOutputDelta(delta) => {
            step(agents, &delta.thread_id.0, Turn::sign);
        }
        Notification::Error(failure) if failure.will_retry => {
            step(agents, &failure.thread_id.0, |turn, now| {
                turn.tries_again(failure.error.message.clone(), now);
            });
        }
        // What we do not read of an item is a sign of life all the same.
        Notification::Other { method, params } if method.starts_with("item/") => {
            let Some(thread) = params.get("threadId").and_then(|it| it.as_str()) else {
                return;
            };
            match method.starts_with("item/reasoning/") {
                true => step(agents, thread, |turn, now| turn.says(Flow::Thinking, now)),
                false => step(agents, thread, Turn::sign),
            }
        }
        _ => {}
    }
}

fn step(agents: &Agents, thread: &str, change: impl FnOnce(&mut Turn, Moment)) {
    let owner: Option<SessionId> = agents.core.ledger.read(|state| {
        let session = state.session_of_thread(thread);
        session.map(|session| session.id().clone())
    });
    if let Some(id) = owner {
        agents.core.live.hears_turn(&id, change);
    }
}

/// What there is of a session's newest turn after a restart of the launcher or of the app-server. What was heard since is newer.
pub async fn looked_back(
    agents: &Agents,
    session: &Session,
    thread: &Thread<'_>,
    newest: Option<&CodexTurn>,
    codex_ended: bool,
) {
    let live = &agents.core.live;
    let Some(newest) = newest else { return };
    if newest.status != TurnStatus::InProgress {
        live.update(session.id(), |observed| {
            if observed.activity == Activity::Idle {
                let end = match end(&newest.status, newest.error.as_ref()) {
                    End::Interrupted if codex_ended => End::CodexEnded,
                    end => end,
                };
                observed.turn.ended(end);
            }
        });
        return;
    }
    // Not again after it failed: an answer that is too long costs the connection, and the next one would be as long.
    let mut is_new = false;
    live.update(session.id(), |observed| {
        is_new = observed.looked_into.as_deref() != Some(&newest.id.0);
        observed.looked_into = Some(newest.id.0.clone());
    });
    if !is_new {
        return;
    }
    match thread.items_of_running_turn().await {
        Ok(items) => {
            let running = items.iter().filter(|item| runs(item));
            let tools = running.filter_map(|item| match part(item) {
                Part::Tool(tool) => Some((item.id()?.to_owned(), tool)),
                _ => None,
            });
            live.update(session.id(), |observed| {
                observed.turn.runs(tools);
                // It was not too long: after the next loss of the connection it is asked for once more.
                observed.looked_into = None;
            });
        }
        Err(error) => {
            tracing::info!(session.id = %session.id(), %error, "what runs in a session's turn is not known");
        }
    }
}

fn end(status: &TurnStatus, error: Option<&TurnError>) -> End {
    match status {
        TurnStatus::Interrupted => End::Interrupted,
        TurnStatus::Failed => {
            let message = error.map_or("", |error| &error.message);
            let is_limit =
                error.is_some_and(|error| error.codex_error_info == "usageLimitExceeded");
            End::Failed {
                reason: say!("reason.turn_failed", error = message).to_string(),
                is_limit,
            }
        }
        TurnStatus::Completed | TurnStatus::InProgress | TurnStatus::Other(_) => End::Completed,
    }
}

/// What it means that an item begins.
fn part(item: &Item) -> Part {
    match item {
        Item::AgentMessage { .. } | Item::Plan { .. } => Part::Model(Flow::Writing),
        Item::Reasoning { .. } => Part::Model(Flow::Thinking),
        Item::UserMessage { .. }
        | Item::EnteredReviewMode { .. }
        | Item::ExitedReviewMode { .. } => Part::Note,
        Item::CommandExecution { command, .. } => Part::Tool(command.clone()),
        Item::McpToolCall { server, tool, .. } => Part::Tool(format!("{server}/{tool}")),
        Item::DynamicToolCall { tool, .. } => Part::Tool(tool.clone()),
        Item::FileChange { .. } => Part::Tool("apply_patch".to_owned()),
        Item::WebSearch { .. } => Part::Tool("web_search".to_owned()),
        Item::ImageView { .. } => Part::Tool("view_image".to_owned()),
        Item::ContextCompaction { .. } => Part::Tool("compact".to_owned()),
        Item::Other(value) => match value.get("type").and_then(|it| it.as_str()) {
            Some(name) => Part::Tool(name.to_owned()),
            None => Part::Note,
        },
    }
}

/// Whether an item of a turn that runs is not complete. Only those that say so by themselves count.
fn runs(item: &Item) -> bool {
    match item {
        Item::CommandExecution { status, .. }
        | Item::FileChange { status, .. }
        | Item::McpToolCall { status, .. }
        | Item::DynamicToolCall { status, .. } => status == "inProgress",
        _ => false,
    }
}

fn ran(item: &Item) -> Option<Ran<'_>> {
    match item {
        Item::CommandExecution {
            command,
            exit_code,
            aggregated_output,
            ..
        } => Some(Ran {
            command,
            exit_code: *exit_code,
            output: aggregated_output.as_deref().unwrap_or_default(),
        }),
        _ => None,
    }
}
