//! Every thread that concerns this repository: begun here, or with its directory inside. Kept in memory, so that a list costs no call to Codex.

use serde_json::Value;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What Codex tells of a thread.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    /// Its id.
    pub id: String,
    /// Its name, where it has one.
    pub name: Option<String>,
    /// The first lines of its first message; empty before that.
    pub preview: String,
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
    /// Whether it is put away.
    pub archived: bool,
    /// What it does, as Codex says: `{type, activeFlags?}`.
    pub status: Value,
}

impl Known {
    /// Its name, else how it begins, else that it is new.
    pub fn title(&self) -> &str {
        let name = self.name.as_deref().filter(|name| !name.is_empty());
        name.or(Some(self.preview.as_str()).filter(|text| !text.is_empty()))
            .unwrap_or("New chat")
    }

    /// Whether it has had a turn.
    pub fn is_materialized(&self) -> bool {
        !self.preview.is_empty()
    }
}

/// All of them.
#[derive(Debug, Default)]
pub struct Index {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    threads: HashMap<String, Known>,
    /// Whether Codex's own list has been read since it was last connected.
    filled: bool,
}

impl Index {
    /// One thread.
    pub fn get(&self, id: &str) -> Option<Known> {
        self.inner().threads.get(id).cloned()
    }

    /// Takes note of a thread as it is now.
    pub fn put(&self, known: Known) {
        self.inner().threads.insert(known.id.clone(), known);
    }

    /// Changes what is known of one thread, if it is known.
    pub fn change(&self, id: &str, change: impl FnOnce(&mut Known)) {
        if let Some(known) = self.inner().threads.get_mut(id) {
            change(known);
        }
    }

    /// Forgets a thread.
    pub fn remove(&self, id: &str) -> Option<Known> {
        self.inner().threads.remove(id)
    }

    /// Whether what is not in here does not exist.
    pub fn is_filled(&self) -> bool {
        self.inner().filled
    }

    /// Whether any of them is in the middle of something.
    pub fn is_any_active(&self) -> bool {
        let inner = self.inner();
        let mut threads = inner.threads.values();
        threads.any(|known| known.status["type"] == "active")
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
