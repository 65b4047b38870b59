//! What is done to a session's thread, wherever: here, in its terminal, by another program. Each is recorded once, whoever says it first,
//! Codex by itself or its answer to us.

use crate::core::LAUNCHER;
use crate::domain::event::Event;
use crate::domain::flow::Decision;
use crate::domain::flow::steering;
use crate::domain::ids::SessionId;
use crate::domain::state::State;
use crate::domain::steering::{Fate, Settings};
use crate::sessions::agents::Agents;
use crate::sessions::texts;
use crate::threads::wire::{Item, Notification, ThreadId};
use crate::threads::{self, Overtaken};

/// Takes note of a notification, if it tells of something that was done to a thread.
pub async fn heard(agents: &Agents, notification: &Notification) {
    match notification {
        Notification::ThreadNameUpdated(change) => {
            if let Some(name) = &change.thread_name {
                renamed(agents, &change.thread_id, name).await;
            }
        }
        Notification::ThreadSettingsUpdated(change) => {
            let settings = threads::in_force(&change.thread_settings);
            in_force(agents, &change.thread_id, settings, None).await;
        }
        Notification::ThreadReverted(thread) => {
            happened(agents, &thread.thread_id, |session_id, thread_id| {
                Event::ThreadReverted {
                    session_id,
                    thread_id,
                }
            })
            .await;
        }
        Notification::ItemCompleted(change)
            if matches!(change.item, Item::ContextCompaction { .. }) =>
        {
            happened(agents, &change.thread_id, |session_id, thread_id| {
                Event::ThreadCompacted {
                    session_id,
                    thread_id,
                }
            })
            .await;
        }
        Notification::ThreadArchived(thread) => {
            became(agents, &thread.thread_id, Fate::Archived).await;
        }
        Notification::ThreadUnarchived(thread) => {
            became(agents, &thread.thread_id, Fate::Kept).await;
        }
        Notification::ThreadDeleted(thread) => {
            became(agents, &thread.thread_id, Fate::Deleted).await;
        }
        _ => {}
    }
}

/// A thread has this name.
pub async fn renamed(agents: &Agents, thread_id: &ThreadId, name: &str) {
    let (thread_id, name) = (thread_id.to_string(), name.to_owned());
    note(agents, move |state| {
        let session = state.session_of_thread(&thread_id);
        let own = session.map(|session| texts::thread_name(&session.brief));
        steering::renamed(state, &thread_id, &name, own.as_deref())
    })
    .await;
}

/// These settings are in force in a thread, unless what told of them, an answer, was overtaken.
pub async fn in_force(
    agents: &Agents,
    thread_id: &ThreadId,
    now: Settings,
    overtaken: Option<Overtaken>,
) {
    let Some(id) = session_of(agents, thread_id) else {
        return;
    };
    let seen = agents.core.live.observed(&id).settings;
    let (thread_id, settings) = (thread_id.to_string(), now.clone());
    let is_old = {
        let overtaken = overtaken.clone();
        move || overtaken.as_ref().is_some_and(Overtaken::is)
    };
    // Looked at as it is recorded: what overtook it is recorded after that, or was before.
    let noted = note(agents, move |state| match is_old() {
        true => Vec::new(),
        false => steering::settings_in_force(state, &thread_id, seen.as_ref(), &settings),
    });
    if noted.await {
        agents.core.live.update(&id, |observed| {
            if !overtaken.is_some_and(|it| it.is()) {
                observed.settings = Some(now);
            }
        });
    }
}

/// Something became of a thread.
pub async fn became(agents: &Agents, thread_id: &ThreadId, fate: Fate) {
    let thread_id = thread_id.to_string();
    note(agents, move |state| {
        steering::became(state, &thread_id, fate)
    })
    .await;
}

async fn happened(agents: &Agents, thread_id: &ThreadId, event: fn(SessionId, String) -> Event) {
    if let Some(id) = session_of(agents, thread_id) {
        agents
            .core
            .record(vec![event(id, thread_id.to_string())])
            .await;
    }
}

fn session_of(agents: &Agents, thread_id: &ThreadId) -> Option<SessionId> {
    agents.core.ledger.read(|state| {
        let session = state.session_of_thread(&thread_id.0);
        session.map(|session| session.id().clone())
    })
}

/// Records what is news; false when the journal cannot be written.
async fn note(agents: &Agents, news: impl Fn(&State) -> Vec<Event> + Send + 'static) -> bool {
    // Most of it is known: then nothing waits for the journal.
    if agents.core.ledger.read(&news).is_empty() {
        return true;
    }
    let decide = move |state: &State| -> Decision<()> { Ok((news(state), ())) };
    match agents.core.decide(LAUNCHER, decide).await {
        Ok(()) => true,
        Err(error) => {
            tracing::error!(?error, "what was done to a thread could not be recorded");
            false
        }
    }
}
