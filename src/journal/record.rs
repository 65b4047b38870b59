//! What a record is and what folds over it: the types that callers of the journal see.
//!
//! Never touches files. The ledger makes records, replay and the tail reader read them back.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::codec::Codec;

/// What the journal folds over: the whole state of a server, made from its events alone.
///
/// # Determinism
///
/// `apply` must depend on nothing but `self` and the record, and must not panic: the same records are
/// applied once to the writer's private state, once to the published one, and again at every start.
pub trait Fold: Clone + Default + Send + Sync + 'static {
    /// The internally tagged enum (`#[serde(tag = "event", rename_all = "snake_case")]`) of what can happen.
    type Event: Serialize + DeserializeOwned + Clone + Send + Sync + 'static;

    /// How it is written into snapshots; with `None` every start reads the whole journal.
    const SNAPSHOTS: Option<Codec<Self>> = None;

    /// Takes one record into the state.
    fn apply(&mut self, record: &Record<Self::Event>);
}

/// One line of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record<E> {
    /// Position in the journal; the first event has 1.
    pub seq: u64,
    /// When it was appended; never earlier than the record before.
    pub ts: DateTime<Utc>,
    /// Who caused it.
    pub actor: String,
    /// What happened.
    #[serde(flatten)]
    pub event: E,
    /// `hash` of the record before.
    pub prev: String,
    /// SHA-256 of this record's line without this member.
    pub hash: String,
}

/// A durable record together with the very line that stands in the journal.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry<E> {
    /// The record, read back from `line`.
    pub record: Record<E>,
    /// The line without its newline; valid JSON, safe to show and to send on as it is.
    pub line: Box<str>,
}

impl<E> Entry<E> {
    /// Position in the journal.
    pub fn seq(&self) -> u64 {
        self.record.seq
    }
}

/// Where the ledger takes the time from.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// The wall clock.
pub fn system_clock() -> Clock {
    Arc::new(Utc::now)
}
