//! `zhongshu watchdog`: ends the app-server and the TUIs when no launcher has come back for a day.
//!
//! The app-server outlives the launcher so that the next one can adopt it. Should there never be a next one, somebody
//! has to end it; this small process does. It ends with the app-server, and an orderly stop of the launcher ends both.

use crate::codex::orphan::Orphan;
use crate::paths::{self, Places, write_private};
use crate::process::{self, Identity, Output, ProcessError};
use codex_terminal::descriptor::Descriptor;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::Instant;

/// Fine enough for a limit of a day, too rare to be noticed.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// A freshly started app-server writes its descriptor within a second; a busy machine gets longer.
const APPEAR_LIMIT: Duration = Duration::from_secs(60);
/// TUIs only show; they need no time to end.
const TUI_GRACE: Duration = Duration::from_secs(1);

/// Where the running watchdog is written down.
fn own_file(places: &Places) -> PathBuf {
    places.state.join("watchdog.json")
}

/// Starts a watchdog, unless one of an earlier launcher still watches.
///
/// # Errors
/// When it cannot be started or written down.
pub fn start(places: &Places, program: &Path, limit: Duration) -> Result<(), ProcessError> {
    if running(places).is_some() {
        return Ok(());
    }
    let detached = process::spawn_detached(&process::Spec {
        program: program.to_owned(),
        args: vec![
            "watchdog".into(),
            "--repo".into(),
            places.repo.clone().into(),
            "--state-dir".into(),
            places.state.clone().into(),
            "--limit-seconds".into(),
            limit.as_secs().to_string().into(),
        ],
        cwd: places.state.clone(),
        env_set: Vec::new(),
        env_remove: Vec::new(),
        stdout: Output::Null,
        stderr: Output::Null,
    })?;
    let bytes = serde_json::to_vec(&detached.identity).expect("an identity is plain data");
    let path = own_file(places);
    write_private(&path, &bytes).map_err(|source| ProcessError::Log {
        path: path.display().to_string(),
        source,
    })
}

/// Ends the watchdog, since the launcher has ended everything itself.
pub async fn end(places: &Places) {
    if let Some(identity) = running(places)
        && let Err(error) = process::terminate_tree(identity, TUI_GRACE).await
    {
        tracing::warn!(%error, "the watchdog could not be ended");
    }
    std::fs::remove_file(own_file(places)).ok();
}

fn running(places: &Places) -> Option<Identity> {
    let bytes = std::fs::read(own_file(places)).ok()?;
    let identity: Identity = serde_json::from_slice(&bytes).ok()?;
    identity.is_alive().then_some(identity)
}

/// Watches until the app-server is gone, or ends it.
///
/// # Errors
/// When the app-server survives its end.
pub async fn watch(places: &Places, limit: Duration) -> Result<(), ProcessError> {
    let descriptor = places.app_server_descriptor();
    let look_every = LOOK_EVERY.min(limit / 4).max(Duration::from_millis(50));
    let mut alone_since: Option<Instant> = None;
    let mut missing_since: Option<Instant> = None;
    loop {
        let Some(orphan) = Orphan::find(&descriptor) else {
            // It may be between two lives; a launcher that is there starts it again.
            let since = *missing_since.get_or_insert_with(Instant::now);
            if since.elapsed() > APPEAR_LIMIT {
                return Ok(());
            }
            tokio::time::sleep(look_every).await;
            continue;
        };
        missing_since = None;
        let watched = matches!(paths::running(places), Ok(Some(_)) | Err(_));
        let since = alone_since.get_or_insert_with(Instant::now);
        if watched {
            alone_since = None;
        } else if since.elapsed() >= limit && orphan.is_idle().await {
            end_tuis(places).await;
            return orphan.end().await;
        }
        tokio::select! {
            () = orphan.ended() => {}
            () = tokio::time::sleep(look_every) => {}
        }
    }
}

/// Without the app-server they could only say that it is gone.
async fn end_tuis(places: &Places) {
    let entries = std::fs::read_dir(places.terminals())
        .into_iter()
        .flatten()
        .flatten();
    let descriptors = entries.filter(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        name.starts_with(paths::TUI_PREFIX)
            && name.ends_with(".json")
            && !name.ends_with(".spec.json")
    });
    for entry in descriptors {
        let Ok(tui) = Descriptor::read(&entry.path()) else {
            continue;
        };
        let identity = Identity {
            pid: tui.pid,
            start_ticks: tui.started_at_ticks,
        };
        if let Err(error) = process::terminate_tree(identity, TUI_GRACE).await {
            tracing::warn!(%error, "a terminal could not be ended");
        }
    }
}
