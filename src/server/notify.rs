//! Tells a program of the person's, once for each, what waits for them: `notify` of `governance.yaml`, once a person has said yes to it. Of very
//! many at once it is told of the first, and how many more there are.

use crate::core::policy::{Policy, stray};
use crate::domain::attention::Item;
use crate::domain::rules::lines::masked;
use crate::domain::sentence::say;
use crate::hub::SubscribeError;
use crate::paths::write_private;
use crate::process::{self, Job, JobEnd};
use crate::sessions::agents::Agents;
use crate::web::attention::Attention;
use crate::web::session_frames::LOOK_AGAIN;
use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How long the program may take for one item. A message to a phone takes a second.
const TIME_LIMIT: Duration = Duration::from_secs(10);
/// What it may write; nobody reads more than the end of it, in the log.
const OUTPUT_LIMIT: u64 = 1 << 20;
/// Kept of that.
const TAIL_BYTES: usize = 400;
/// Items that are told one by one when many come at once; a flood must not start thousands of programs.
const ONE_BY_ONE: usize = 20;
/// Programs that run at once: one that hangs must not hold up the others.
const AT_ONCE: usize = 4;
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
            tokio::select! {
                () = tell_all(&agents, &policy, &mut told, &items) => {}
                () = stop.cancelled() => return,
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

/// Each is noted as its program is started: after a crash one is not told rather than told twice, and those whose turn had not come are told.
async fn tell_all(agents: &Agents, policy: &Policy, told: &mut Told, items: &[Item]) {
    let Fresh { one_by_one, more } = told.fresh(items);
    let begin = |item: &Item| {
        told.note([item.id.clone()]);
        let about = serde_json::to_value(item).unwrap_or_default();
        run(agents, &policy.notify, item.id.clone(), about)
    };
    stream::iter(one_by_one.into_iter().map(begin))
        .buffer_unordered(AT_ONCE)
        .collect::<()>()
        .await;
    if !more.is_empty() {
        let count = more.len();
        told.note(more);
        let title = say!("notify.more", count).text(policy.catalog.language);
        let about =
            json!({ "id": "more", "kind": "more", "count": count, "title": title, "link": "/" });
        run(agents, &policy.notify, "more".to_owned(), about).await;
    }
}

/// What was told, over restarts. An item that is gone may come again.
struct Told {
    path: PathBuf,
    ids: BTreeSet<String>,
}

/// What was not told yet.
struct Fresh<'a> {
    /// At most [`ONE_BY_ONE`], the most urgent first.
    one_by_one: Vec<&'a Item>,
    /// The ids of the others.
    more: Vec<String>,
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

    /// Forgets those that are gone, and finds those that are new.
    fn fresh<'a>(&mut self, items: &'a [Item]) -> Fresh<'a> {
        let before = self.ids.len();
        self.ids
            .retain(|id| items.iter().any(|item| item.id == *id));
        if self.ids.len() != before {
            self.write();
        }
        let mut fresh = items.iter().filter(|item| !self.ids.contains(&item.id));
        Fresh {
            one_by_one: fresh.by_ref().take(ONE_BY_ONE).collect(),
            more: fresh.map(|item| item.id.clone()).collect(),
        }
    }

    fn note(&mut self, ids: impl IntoIterator<Item = String>) {
        self.ids.extend(ids);
        self.write();
    }

    fn write(&self) {
        let bytes = serde_json::to_vec(&self.ids).expect("it is plain data");
        if let Err(error) = write_private(&self.path, &bytes) {
            tracing::warn!(%error, "what was told could not be noted; it is told again after a restart");
        }
    }
}

async fn run(agents: &Agents, command: &[String], id: String, about: Value) {
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
        input: without_secrets(about).to_string().into_bytes(),
        mark: (MARK.to_owned(), format!("{}-{id}", std::process::id())),
        time_limit: TIME_LIMIT,
        output_limit: OUTPUT_LIMIT,
        tail: TAIL_BYTES,
    };
    match process::run(&job).await {
        Ok(outcome) if matches!(outcome.end, JobEnd::Ended(status) if status.success()) => {}
        Ok(outcome) => {
            let said = String::from_utf8_lossy(&outcome.tail);
            tracing::warn!(end = ?outcome.end, %said, item = id, "the program of `notify` did not do its work");
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
    use crate::domain::attention::{Urgency, Waiting};
    use chrono::{DateTime, Utc};

    fn item(number: usize) -> Item {
        Item {
            id: format!("settings-{number}"),
            waiting: Waiting::Settings {
                sentence: String::new(),
            },
            urgency: Urgency::MayWait,
            session_id: None,
            planner_id: None,
            department: None,
            title: String::new(),
            why: None,
            since: DateTime::<Utc>::UNIX_EPOCH,
            if_nobody_answers: String::new(),
            actions: Vec::new(),
            link: "/".to_owned(),
            place: None,
            thread_id: None,
        }
    }

    #[test]
    fn of_very_many_the_first_are_told_and_each_counts_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("told.json");
        let mut told = Told::open(path.clone());
        let items: Vec<Item> = (0..50).map(item).collect();
        let Fresh { one_by_one, more } = told.fresh(&items);
        assert_eq!((one_by_one.len(), more.len()), (ONE_BY_ONE, 30));
        // Killed after the first: the others are told by the next launcher, and that one is not told again.
        told.note([one_by_one[0].id.clone()]);
        let mut told = Told::open(path.clone());
        let Fresh { one_by_one, more } = told.fresh(&items);
        assert_eq!((one_by_one.len(), more.len()), (ONE_BY_ONE, 29));
        assert_eq!(one_by_one[0].id, "settings-1");
        told.note(one_by_one.iter().map(|item| item.id.clone()));
        told.note(more);
        let Fresh { one_by_one, more } = Told::open(path).fresh(&items);
        assert!(one_by_one.is_empty() && more.is_empty());
        // What was gone may come again.
        told.fresh(&[]);
        assert_eq!(told.fresh(&items[..1]).one_by_one.len(), 1);
    }

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
