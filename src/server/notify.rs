//! Tells a program of the person's, once for each, what waits for them: `notify` of `governance.yaml`, once a person has said yes to it.

use crate::core::policy::stray;
use crate::domain::attention::Item;
use crate::domain::rules::lines::masked;
use crate::hub::SubscribeError;
use crate::paths::write_private;
use crate::process::{self, Job, JobEnd};
use crate::sessions::agents::Agents;
use crate::web::attention::Attention;
use crate::web::session_frames::LOOK_AGAIN;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How long the program may take for one item. A message to a phone takes a second; one that hangs holds up the next.
const TIME_LIMIT: Duration = Duration::from_secs(10);
/// What it may write; nobody reads more than the end of it, in the log.
const OUTPUT_LIMIT: u64 = 1 << 20;
/// Kept of that.
const TAIL_BYTES: usize = 400;
/// Items that are told one by one when many come at once; a flood must not start thousands of programs.
const AT_ONCE: usize = 20;
/// Marks what it starts.
const MARK: &str = "ZHONGSHU_NOTIFY";
/// All that it inherits: what a program needs to find itself, its person and their screen. Keys and tokens have other names.
const INHERITED: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LC_ALL",
    "TZ",
    "TMPDIR",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "DBUS_SESSION_BUS_ADDRESS",
    "XDG_RUNTIME_DIR",
];

/// Tells until `stop`.
pub async fn tell(agents: Arc<Agents>, attention: Arc<Attention>, stop: CancellationToken) {
    let mut told = Told::open(agents.core.place.state.join("told.json"));
    while !stop.is_cancelled() {
        let seq = agents.core.ledger.snapshot_seq();
        let policy = agents.core.policy();
        if !policy.notify.is_empty() {
            let items = attention.items(&agents, policy.catalog.language);
            for item in told.fresh(&items) {
                tokio::select! {
                    () = run(&agents, &policy.notify, item) => {}
                    () = stop.cancelled() => return,
                }
            }
        }
        let journal = async {
            match agents.core.ledger.subscribe(Some(seq)) {
                Ok(mut subscription) => drop(subscription.recv().await),
                Err(SubscribeError::Closed) => std::future::pending().await,
                Err(SubscribeError::Lagged { .. } | SubscribeError::Ahead { .. }) => {}
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = journal => {}
            () = tokio::time::sleep(LOOK_AGAIN) => {}
        }
    }
}

/// What was told, over restarts. An item that is gone may come again.
struct Told {
    path: PathBuf,
    ids: BTreeSet<String>,
}

impl Told {
    fn open(path: PathBuf) -> Self {
        let read = std::fs::read(&path).ok();
        let ids = read.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        Self {
            path,
            ids: ids.unwrap_or_default(),
        }
    }

    /// Those that were not told yet. They are noted before they are told: after a crash one is not told rather than told twice.
    fn fresh<'a>(&mut self, items: &'a [Item]) -> Vec<&'a Item> {
        let now: BTreeSet<String> = items.iter().map(|item| item.id.clone()).collect();
        if now == self.ids {
            return Vec::new();
        }
        let fresh = items.iter().filter(|item| !self.ids.contains(&item.id));
        let fresh = fresh.take(AT_ONCE).collect();
        self.ids = now;
        let bytes = serde_json::to_vec(&self.ids).expect("it is plain data");
        if let Err(error) = write_private(&self.path, &bytes) {
            tracing::warn!(%error, "what was told could not be noted; it is told again after a restart");
        }
        fresh
    }
}

async fn run(agents: &Agents, command: &[String], item: &Item) {
    let core = &agents.core;
    let (config, named) = (Arc::clone(&core.config), command.to_vec());
    // Looked at again each time: agents may have put something there since.
    let stray = tokio::task::spawn_blocking(move || stray(&config, &named)).await;
    if let Ok(None) = stray {
    } else {
        tracing::warn!(?stray, "the program of `notify` is not started");
        return;
    }
    let job = Job {
        argv: command.to_vec(),
        // Not in the repository: what a shell or a library looks for beside it, agents could have put there.
        cwd: core.place.state.clone(),
        env_set: Vec::new(),
        env_only: Some(INHERITED),
        input: without_secrets(serde_json::to_value(item).unwrap_or_default())
            .to_string()
            .into_bytes(),
        mark: (
            MARK.to_owned(),
            format!("{}-{}", std::process::id(), item.id),
        ),
        time_limit: TIME_LIMIT,
        output_limit: OUTPUT_LIMIT,
        tail: TAIL_BYTES,
    };
    match process::run(&job).await {
        Ok(outcome) if matches!(outcome.end, JobEnd::Ended(status) if status.success()) => {}
        Ok(outcome) => {
            let said = String::from_utf8_lossy(&outcome.tail);
            tracing::warn!(end = ?outcome.end, %said, item = item.id, "the program of `notify` did not do its work");
        }
        Err(error) => tracing::warn!(%error, "the program of `notify` could not be run"),
    }
}

/// The same with everything masked that looks like a secret: what others wrote goes to a program that may send it anywhere.
fn without_secrets(value: Value) -> Value {
    match value {
        Value::String(text) => {
            let lines = text.split('\n').map(masked);
            Value::String(lines.collect::<Vec<_>>().join("\n"))
        }
        Value::Array(list) => list.into_iter().map(without_secrets).collect(),
        Value::Object(fields) => {
            let fields = fields.into_iter();
            Value::Object(
                fields
                    .map(|(name, it)| (name, without_secrets(it)))
                    .collect(),
            )
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_looks_like_a_secret_is_masked_and_the_rest_stays() {
        let token = format!("ghp_{}", "aB3dE5gH7jK9mN1pQ3sT5vW7xY9zA1cD3eF5");
        let item = json!({"what": {"command": format!("curl -H 'x: {token}' y\nls"), "n": 3}});
        let shown = without_secrets(item);
        let text = shown.to_string();
        assert!(!text.contains(&token), "{text}");
        assert!(
            text.contains("curl -H") && text.contains("\\nls") && text.contains('3'),
            "{text}"
        );
    }
}
