//! Small tasks that keep the launcher's picture of the outside up to date.

use crate::access::AccessEvent;
use crate::codex::features::Feature;
use crate::config::Reload;
use crate::core::LAUNCHER;
use crate::core::policy::ground;
use crate::domain::event::Event;
use crate::governance::named;
use crate::sessions::agents::Agents;
use crate::watchdog;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// A person who saves `governance.yaml` expects it to hold by the time they are back in the browser.
const GOVERNANCE_POLL: Duration = Duration::from_secs(1);

/// A pause before the journal is listened to again.
const LISTEN_AGAIN: Duration = Duration::from_millis(100);

/// Journals who got access, who lost it and who was refused. Whoever does it again goes on where this one ended.
pub async fn access(
    agents: Arc<Agents>,
    heard: Arc<tokio::sync::Mutex<mpsc::Receiver<AccessEvent>>>,
) {
    let mut heard = heard.lock().await;
    while let Some(event) = heard.recv().await {
        let (by, event) = match event {
            AccessEvent::Granted { to, scope, by } => {
                let scope = scope.to_owned();
                (Some(by), Event::AccessGranted { to, scope })
            }
            AccessEvent::Revoked { to, by } => (by, Event::AccessRevoked { to }),
            AccessEvent::Refused { reason, path, by } => {
                (by, Event::AccessRefused { reason, path })
            }
        };
        let actor = by.as_deref().unwrap_or(LAUNCHER);
        agents.core.record_of(actor, vec![event]).await;
    }
}

/// Takes over changes of `governance.yaml`; a file with a mistake changes nothing but the warning.
pub async fn governance(agents: Arc<Agents>, acting: CancellationToken) {
    let config = Arc::clone(&agents.core.config);
    let path = config.repo().join("governance.yaml");
    // What command lines name is approved with them, and looked at like the file that holds them.
    let ground = Arc::new(ground(&config));
    let stamps = || {
        let (policy, ground, path) = (agents.core.policy(), Arc::clone(&ground), path.clone());
        let look = move || {
            let named = named::glance(&ground, policy.asked.commands.values());
            (stamp(&path), named)
        };
        // A network's file system may take its time.
        tokio::task::spawn_blocking(look)
    };
    // The file may have changed since the configuration was read: the first look takes it as it is.
    let mut seen = None;
    loop {
        tokio::select! {
            () = tokio::time::sleep(GOVERNANCE_POLL) => {}
            () = acting.cancelled() => return,
        }
        let now = match stamps()
            .await
            .map_err(tokio::task::JoinError::try_into_panic)
        {
            Ok(now) => Some(now),
            Err(Ok(panic)) => std::panic::resume_unwind(panic),
            // The runtime is going away.
            Err(Err(_)) => return,
        };
        if now == seen {
            if agents.core.must_look_again() {
                agents.core.renew(None).await;
            }
            continue;
        }
        seen = now;
        let reloading = Arc::clone(&config);
        let reload = tokio::task::spawn_blocking(move || reloading.reload_governance()).await;
        match reload.map_err(tokio::task::JoinError::try_into_panic) {
            Ok(Reload::Failed { error }) => {
                tracing::warn!(%error, "governance.yaml has a mistake; the last good version stays in force");
            }
            Ok(Reload::Changed | Reload::Unchanged) => {}
            Err(Ok(panic)) => std::panic::resume_unwind(panic),
            // The runtime is going away.
            Err(Err(_)) => return,
        }
        agents.core.renew(None).await;
    }
}

fn stamp(path: &Path) -> Option<(SystemTime, u64)> {
    let metadata = std::fs::symlink_metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

/// Starts Codex's app-server, and its watchdog, as soon as a person has allowed Codex to work here: it reads what lies in
/// the repository.
pub async fn codex(agents: Arc<Agents>, program: PathBuf, acting: CancellationToken) {
    let Ok(codex) = &agents.threads.codex else {
        return acting.cancelled().await;
    };
    let mut records = agents.core.ledger.subscribe(None).ok();
    while agents.core.ledger.read(|state| state.trusted.is_none()) {
        let heard = async {
            match &mut records {
                Some(subscription) => subscription.recv().await.is_ok(),
                None => false,
            }
        };
        let alive = tokio::select! {
            alive = heard => alive,
            () = acting.cancelled() => return,
        };
        if !alive {
            // We fell behind, or the journal ends.
            tokio::time::sleep(LISTEN_AGAIN).await;
            records = agents.core.ledger.subscribe(None).ok();
        }
    }
    let limit = agents.core.policy().orphan_limit;
    if let Err(error) = watchdog::start(&agents.core.place, &program, limit) {
        tracing::warn!(%error, "there is no watchdog: after a crash Codex's app-server runs until somebody ends it");
    }
    codex.begin().await;
    acting.cancelled().await;
}

/// Asks Codex after every connection what it offers and whether it is logged in.
pub fn on_connect(agents: Arc<Agents>) -> impl Fn() + Send + Sync {
    let running: Mutex<Option<tokio::task::AbortHandle>> = Mutex::default();
    move || {
        let task = tokio::spawn(ask_codex(Arc::clone(&agents)));
        let before = running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .replace(task.abort_handle());
        if let Some(before) = before {
            before.abort();
        }
    }
}

async fn ask_codex(agents: Arc<Agents>) {
    let Ok(codex) = &agents.threads.codex else {
        return;
    };
    let threads = &agents.threads;
    threads.look_for_abilities(&agents.core.place.state).await;
    agents.core.ring();
    if threads.can(Feature::Login) {
        match codex.account().await {
            Ok(account) => threads.set_logged_in(Some(account.is_usable())),
            Err(error) => tracing::warn!(%error, "Codex could not be asked for its login"),
        }
    }
    let mut offered: Vec<String> = Vec::new();
    match codex.config(Some(agents.core.place.repo.clone())).await {
        Ok(found) => offered.extend(found.model().map(str::to_owned)),
        Err(error) => tracing::warn!(%error, "Codex's configuration could not be read"),
    }
    if !threads.ask_for_models().await {
        return;
    }
    offered.extend(threads.models().into_iter().map(|choice| choice.model));
    agents.core.renew(Some(offered)).await;
}
