//! What a thread's items say: which of our messages have arrived, and which files its editing tool changed.
//!
//! Codex accepts a message before it has it: until the item of that message is in the thread's history, a crash of the app-server
//! or an interrupted turn loses it without a word. Texts are never compared, only our ids (`clientUserMessageId`).

use super::thread::Thread;
use crate::codex::CallError;
use crate::codex::calls::{ItemEntry, Page, ThreadItemsList};
use crate::codex::items::Item;
use crate::codex::wire::TurnId;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

/// A message that Codex has taken on an idle thread is listed some 100 ms later. Whoever looks for one has just met with a crash or
/// an interruption, so this costs nobody anything.
const LISTED_WITHIN: Duration = Duration::from_secs(1);
/// A turn that runs for so long has listed what began it.
const TURN_BEGINS_WITHIN: Duration = Duration::from_secs(5);
/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(40);
/// Items in one page of the list, when messages are looked for.
const MESSAGE_PAGE: u32 = 100;
/// The same when edits are; so many pages are looked through.
const EDIT_PAGE: u32 = 200;
const EDIT_PAGES: usize = 20;
/// Time for Codex to answer with one page of edits.
const EDITS_LIMIT: Duration = Duration::from_secs(2);

/// What came of looking for messages that may have arrived.
#[derive(Debug)]
pub enum Arrivals {
    /// These have arrived, the others certainly not.
    All(BTreeSet<String>),
    /// These have arrived; a turn runs, which may hold others that nobody can see.
    InDoubt(BTreeSet<String>),
}

impl Thread<'_> {
    /// Whether its first message reached it although nobody lived to record it.
    ///
    /// # Errors
    /// When Codex cannot be asked.
    pub async fn was_sent(&self, client_id: &str) -> Result<bool, CallError> {
        Ok(self.turn_with(client_id).await?.is_some())
    }

    /// The turn that a message of ours began or went into, with patience for one that was sent a moment ago.
    ///
    /// # Errors
    /// When Codex cannot be asked.
    pub async fn turn_with(&self, client_id: &str) -> Result<Option<TurnId>, CallError> {
        let wanted = BTreeSet::from([client_id.to_owned()]);
        let begin = Instant::now();
        loop {
            if let Some(turn_id) = self.listed(&wanted).await?.into_values().next() {
                return Ok(Some(turn_id));
            }
            // A turn that has begun may be about this very message, which is not listed yet.
            let limit = match self.is_active().await? {
                true => TURN_BEGINS_WITHIN,
                false => LISTED_WITHIN,
            };
            if begin.elapsed() >= limit {
                return Ok(None);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Which of these messages of ours have arrived.
    ///
    /// # Errors
    /// When Codex cannot be asked.
    pub async fn look_for(&self, wanted: &BTreeSet<String>) -> Result<Arrivals, CallError> {
        let begin = Instant::now();
        loop {
            // In this order: what a turn held when it ended is in the list that is read afterwards.
            let active = self.is_active().await?;
            let arrived: BTreeSet<_> = self.listed(wanted).await?.into_keys().collect();
            if arrived.len() == wanted.len() {
                return Ok(Arrivals::All(arrived));
            }
            if active {
                return Ok(Arrivals::InDoubt(arrived));
            }
            if begin.elapsed() >= LISTED_WITHIN {
                return Ok(Arrivals::All(arrived));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Which of these ids of ours stand in the history, and in which turns. Reads it from its end until all are found.
    async fn listed(
        &self,
        wanted: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, TurnId>, CallError> {
        let mut found = BTreeMap::new();
        let mut cursor = None;
        loop {
            let page = match self.items(cursor.take(), MESSAGE_PAGE).await {
                // A thread without a turn has nothing to list.
                Err(CallError::Refused { .. }) => return Ok(found),
                page => page?,
            };
            let ids = page.data.into_iter().filter_map(|entry| match entry.item {
                Item::UserMessage { client_id, .. } => Some((client_id?, entry.turn_id)),
                _ => None,
            });
            found.extend(ids.filter(|(id, _)| wanted.contains(id)));
            cursor = page.next_cursor;
            if cursor.is_none() || found.len() == wanted.len() {
                return Ok(found);
            }
        }
    }

    /// Files below `root` that its editing tool changed, as Codex recorded it, with their paths from there. Fewer when Codex does not
    /// answer: then less can be told apart.
    pub async fn edited(&self, root: &Path) -> BTreeSet<String> {
        let mut edited = BTreeSet::new();
        let mut cursor = None;
        for _ in 0..EDIT_PAGES {
            let page = self.items(cursor.take(), EDIT_PAGE);
            let Ok(Ok(page)) = tokio::time::timeout(EDITS_LIMIT, page).await else {
                break;
            };
            for entry in &page.data {
                if let Item::FileChange {
                    changes, status, ..
                } = &entry.item
                    && status == "completed"
                {
                    let relative = |path: &Path| {
                        let inside = path.strip_prefix(root).unwrap_or(path);
                        inside.to_string_lossy().into_owned()
                    };
                    edited.extend(changes.iter().map(|change| relative(&change.path)));
                }
            }
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        edited
    }

    /// One page of its items, newest first.
    async fn items(
        &self,
        cursor: Option<String>,
        limit: u32,
    ) -> Result<Page<ItemEntry>, CallError> {
        let list = ThreadItemsList {
            thread_id: self.id.clone(),
            turn_id: None,
            cursor,
            limit: Some(limit),
            sort_direction: Some("desc".to_owned()),
        };
        self.codex.call(&list).await
    }
}
