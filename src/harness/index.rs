//! Every thread that concerns this repository: begun here, or with its directory inside. Kept in memory, so that a list costs no call to Codex.

use super::cursor::Place;
use crate::codex::items::{Thread, ThreadStatus};
use serde_json::Value;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// What a thread is called as long as nobody has named it or spoken in it. Codex keeps a thread without a turn only if it has a name.
pub const UNNAMED: &str = "New chat";

/// What Codex tells of a thread.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    /// Its id.
    pub id: String,
    /// Its name, where it has one.
    pub name: Option<String>,
    /// The first lines of its first message; empty before that.
    pub preview: String,
    /// Whether it has had a turn, whatever was said in it.
    pub had_turn: bool,
    /// Who answers.
    pub model_provider: String,
    /// When it was begun, in seconds since 1970.
    pub created_at: i64,
    /// When something last happened in it, in seconds since 1970.
    pub updated_at: i64,
    /// Where its commands run.
    pub cwd: PathBuf,
    /// What began it, as Codex names it.
    pub source: String,
    /// The thread it was forked from, where it was.
    pub forked_from: Option<String>,
    /// The thread whose agent began it as a helper, where one did.
    pub parent: Option<String>,
    /// What a helper is there for, or is called.
    pub agent: Option<String>,
    /// Whether it is put away.
    pub archived: bool,
    /// What it does, as Codex says: `{type, activeFlags?}`.
    pub status: Value,
}

impl Known {
    /// What Codex says of a thread, which does not say whether it is put away.
    pub fn of(thread: &Thread, archived: bool) -> Self {
        Self {
            id: thread.id.0.clone(),
            name: thread.name.clone(),
            preview: thread.preview.clone(),
            had_turn: !thread.preview.is_empty(),
            model_provider: thread.model_provider.clone(),
            created_at: thread.created_at,
            updated_at: thread.updated_at,
            cwd: thread.cwd.clone(),
            source: source(&thread.source),
            forked_from: thread.forked_from_id.as_ref().map(ToString::to_string),
            parent: thread.parent_thread_id.as_ref().map(ToString::to_string),
            agent: thread
                .agent_role
                .clone()
                .or_else(|| thread.agent_nickname.clone()),
            archived,
            status: status(&thread.status),
        }
    }

    /// Whether anybody has named it.
    pub fn is_named(&self) -> bool {
        self.given_name().is_some()
    }

    fn given_name(&self) -> Option<&str> {
        let name = self.name.as_deref();
        name.filter(|name| !name.is_empty() && *name != UNNAMED)
    }

    /// Its name, else how it begins, else that it is new.
    pub fn title(&self) -> &str {
        self.given_name()
            .or(Some(self.preview.as_str()).filter(|text| !text.is_empty()))
            .unwrap_or(UNNAMED)
    }

    /// Whether it has had a turn.
    pub fn is_materialized(&self) -> bool {
        self.had_turn || !self.preview.is_empty()
    }

    /// Whether a turn of it runs.
    pub fn is_active(&self) -> bool {
        self.status["type"] == "active"
    }
}

/// A state as Codex words it.
pub fn status(status: &ThreadStatus) -> Value {
    serde_json::to_value(status).unwrap_or_default()
}

/// `cli`, `vscode`, `exec`, …, `subAgent`, or what another program calls itself.
fn source(said: &Value) -> String {
    let custom = said.get("custom").and_then(Value::as_str);
    match said.as_str().or(custom) {
        Some(name) => name.to_owned(),
        None if said.get("subAgent").is_some() => "subAgent".to_owned(),
        None => "unknown".to_owned(),
    }
}

/// All of them.
pub struct Index {
    inner: Mutex<Inner>,
    /// Whether Codex's own list has been read since it was last connected.
    filled: watch::Sender<bool>,
    /// Counts the changes, so that whoever shows a list knows when to look again.
    changes: watch::Sender<u64>,
}

impl Default for Index {
    fn default() -> Self {
        Self {
            inner: Mutex::default(),
            filled: watch::Sender::new(false),
            changes: watch::Sender::new(0),
        }
    }
}

#[derive(Default)]
struct Inner {
    threads: HashMap<String, Known>,
    /// What became known while Codex's list is read, in its order: the list may be older.
    meanwhile: Option<Vec<Noted>>,
}

/// Something that became known.
enum Noted {
    Put(Box<Known>),
    Begun(Box<Known>),
    Changed(String, Box<dyn Fn(&mut Known) + Send>),
    Removed(String),
}

impl Noted {
    fn id(&self) -> &str {
        match self {
            Self::Put(known) | Self::Begun(known) => &known.id,
            Self::Changed(id, _) | Self::Removed(id) => id,
        }
    }
}

impl Inner {
    fn take(&mut self, noted: &Noted) -> Option<Known> {
        match noted {
            Noted::Put(known) => self.threads.insert(known.id.clone(), (**known).clone()),
            Noted::Begun(known) => {
                let id = known.id.clone();
                self.threads.entry(id).or_insert_with(|| (**known).clone());
                None
            }
            Noted::Changed(id, change) => {
                if let Some(known) = self.threads.get_mut(id) {
                    change(known);
                }
                None
            }
            Noted::Removed(id) => self.threads.remove(id),
        }
    }
}

impl Index {
    /// One thread.
    pub fn get(&self, id: &str) -> Option<Known> {
        self.inner().threads.get(id).cloned()
    }

    /// Takes note of a thread as it is now.
    pub fn put(&self, known: Known) {
        self.note(Noted::Put(Box::new(known)));
    }

    /// Takes note of a thread that was begun, unless more is known of it already.
    pub fn begun(&self, known: Known) {
        self.note(Noted::Begun(Box::new(known)));
    }

    /// Changes what is known of one thread, if it is known. While Codex's list is read it happens once more afterwards.
    pub fn change(&self, id: &str, change: impl Fn(&mut Known) + Send + 'static) {
        self.note(Noted::Changed(id.to_owned(), Box::new(change)));
    }

    /// Forgets a thread.
    pub fn remove(&self, id: &str) -> Option<Known> {
        self.note(Noted::Removed(id.to_owned()))
    }

    fn note(&self, noted: Noted) -> Option<Known> {
        let mut inner = self.inner();
        let was = inner.threads.get(noted.id()).cloned();
        let before = inner.take(&noted);
        let is_news = inner.threads.get(noted.id()) != was.as_ref();
        if let Some(meanwhile) = &mut inner.meanwhile {
            meanwhile.push(noted);
        }
        drop(inner);
        if is_news {
            self.count_change();
        }
        before
    }

    fn count_change(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    /// How often something in here has changed; wakes when it does again.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Those that are put away, or those that are not, newest first, from behind `after` on.
    pub fn list(&self, archived: bool, after: Option<&Place>) -> Vec<Known> {
        let is_wanted = |known: &&Known| {
            known.archived == archived
                && after.is_none_or(|place| place.is_before(known.created_at, &known.id))
        };
        let inner = self.inner();
        let mut found: Vec<_> = inner.threads.values().filter(is_wanted).cloned().collect();
        drop(inner);
        found.sort_by_cached_key(|known| Reverse((known.created_at, known.id.clone())));
        found
    }

    /// The threads that are helpers of this one, oldest first.
    pub fn helpers_of(&self, id: &str) -> Vec<Known> {
        let inner = self.inner();
        let all = inner.threads.values();
        let mut found: Vec<_> = all
            .filter(|it| it.parent.as_deref() == Some(id))
            .cloned()
            .collect();
        drop(inner);
        found.sort_unstable_by_key(|known| known.created_at);
        found
    }

    /// Whether a thread is known that was copied from this one.
    pub fn has_copy_of(&self, id: &str) -> bool {
        let inner = self.inner();
        let mut all = inner.threads.values();
        all.any(|known| known.forked_from.as_deref() == Some(id))
    }

    /// Whether what is not in here does not exist.
    pub fn is_filled(&self) -> bool {
        *self.filled.borrow()
    }

    /// Waits until it is filled, for so long.
    pub async fn filled_within(&self, limit: Duration) -> bool {
        let mut filled = self.filled.subscribe();
        let filled = filled.wait_for(|filled| *filled);
        matches!(tokio::time::timeout(limit, filled).await, Ok(Ok(_)))
    }

    /// Codex's list is about to be read.
    pub fn begin_filling(&self) {
        self.inner().meanwhile = Some(Vec::new());
    }

    /// Codex's list has been read: what is not in it, and did not become known meanwhile, is gone.
    pub fn fill(&self, listed: Vec<Known>) {
        let mut inner = self.inner();
        inner.threads = listed.into_iter().map(|it| (it.id.clone(), it)).collect();
        for noted in inner.meanwhile.take().unwrap_or_default() {
            inner.take(&noted);
        }
        drop(inner);
        self.filled.send_replace(true);
        self.count_change();
    }

    /// Codex is gone: what its threads do is unknown, and what is not in here may exist.
    pub fn lost(&self) {
        self.filled.send_replace(false);
        let mut inner = self.inner();
        inner.meanwhile = None;
        for known in inner.threads.values_mut() {
            known.status = status(&ThreadStatus::NotLoaded);
        }
        drop(inner);
        self.count_change();
    }

    /// Whether any of them is in the middle of something.
    pub fn is_any_active(&self) -> bool {
        let inner = self.inner();
        let mut threads = inner.threads.values();
        threads.any(|known| known.is_active())
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
