//! A thread's history in pages, read from Codex: which turns there are is asked each time, so that what was taken back is gone; what a
//! turn that is over holds is asked once. Nothing of it is ever written down.
//!
//! Items are asked for turn by turn and a few at a time: an answer of Codex that holds too much would end the connection.

use super::Threads;
use super::rows::{self, Frame};
use super::running::Running;
use crate::codex::calls::{ItemEntry, Page, ThreadItemsList, ThreadTurnsList};
use crate::codex::features::Feature;
use crate::codex::items::{Turn as CodexTurn, TurnStatus};
use crate::codex::wire::{ThreadId, TurnId};
use crate::codex::{CallError, Codex};
use crate::domain::sentence::{Sentence, say};
use crate::domain::transcript::{Row, TEXT_BYTES, Turn};
use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Turns in one page, at most.
pub const MAX_TURNS: u32 = 100;
/// Items in one answer of Codex: with outputs as long as it keeps them, each letter escaped, still below the largest message.
const ITEMS: u32 = 30;
/// Rows of one turn that a page shows: the last ones.
const TURN_ROWS: usize = 1000;
/// Bytes of one turn; a longer one has shorter texts.
const TURN_BYTES: usize = 2 << 20;
/// Bytes after which a page has no further turn.
const PAGE_BYTES: usize = 4 << 20;
/// Bytes of turns that are remembered.
const KEPT_BYTES: usize = 2 << 20;
/// Bytes of a text that is asked for by itself.
const WHOLE_BYTES: usize = 8 << 20;
/// A reader waits so long for Codex to come up.
const READY_LIMIT: Duration = Duration::from_secs(10);

/// Which page.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Where to go on, as the page before said; from the beginning without.
    pub cursor: Option<String>,
    /// Turns, 1 to [`MAX_TURNS`].
    pub limit: u32,
    /// Whether the oldest turn comes first, instead of the newest.
    pub oldest_first: bool,
}

/// One page.
#[derive(Debug)]
pub struct TurnPage {
    /// Its turns.
    pub turns: Vec<Turn>,
    /// Where the next one goes on; none on the last.
    pub next: Option<String>,
}

/// Why a history could not be read. Display is a sentence.
#[derive(Debug)]
pub enum NotRead {
    /// There is no Codex, or it does not answer.
    NoCodex(String),
    /// This Codex does not tell what a thread did.
    Lacking,
    /// Codex has no such thread (any more).
    Nothing,
    /// The cursor is none of Codex's.
    BadCursor,
}

impl NotRead {
    /// Why, and what to do.
    pub fn sentence(&self) -> Sentence {
        match self {
            Self::NoCodex(reason) => {
                say!("refusal.thread.no_codex", reason => Sentence::recognised(reason))
            }
            Self::Lacking => Feature::Transcript.loss(),
            Self::Nothing => say!("refusal.thread.nothing"),
            Self::BadCursor => say!("refusal.thread.bad_cursor"),
        }
    }
}

impl fmt::Display for NotRead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.sentence().fmt(f)
    }
}

impl std::error::Error for NotRead {}

impl From<CallError> for NotRead {
    fn from(error: CallError) -> Self {
        let refused = |said: &[&str]| said.iter().any(|said| error.is_refusal(said));
        if refused(&["cursor"]) {
            return Self::BadCursor;
        }
        match refused(&["not loaded", "not found", "no rollout found", "is empty"]) {
            true => Self::Nothing,
            false => Self::NoCodex(error.to_string()),
        }
    }
}

/// Turns that are over, the newest read last.
#[derive(Debug, Default)]
pub(super) struct Remembered {
    turns: Mutex<VecDeque<(String, Turn, usize)>>,
    /// Counts what became void, so that nothing is kept that was read before.
    forgotten: AtomicU64,
}

impl Remembered {
    /// The turn of this header, if it was the same when it was read: one that has just begun or ended Codex lists as interrupted for a moment.
    fn find(&self, thread: &str, header: &CodexTurn) -> Option<Turn> {
        let now = rows::turn(header, Vec::new(), false);
        let turns = self.lock();
        let mut found = turns
            .iter()
            .filter(|(of, turn, _)| of == thread && turn.id == now.id);
        let (_, turn, _) = found.next_back()?;
        let is_same = turn.status == now.status
            && turn.ended_at == now.ended_at
            && turn.duration_ms == now.duration_ms;
        is_same.then(|| turn.clone())
    }

    fn count(&self) -> u64 {
        self.forgotten.load(Ordering::Acquire)
    }

    /// Keeps a turn that was read when `count` was the number of what had become void.
    fn keep(&self, thread: &str, turn: &Turn, count: u64) {
        let bytes = turn.bytes() + 512 * turn.rows.len();
        let mut turns = self.lock();
        if self.count() != count {
            return;
        }
        turns.retain(|(of, kept, _)| of != thread || kept.id != turn.id);
        turns.push_back((thread.to_owned(), turn.clone(), bytes));
        let mut all: usize = turns.iter().map(|(_, _, bytes)| bytes).sum();
        while all > KEPT_BYTES {
            all -= turns.pop_front().map_or(all, |(_, _, bytes)| bytes);
        }
    }

    /// Something of a thread is another one now; of all its turns, or of one.
    pub(super) fn forget(&self, thread: &str, turn: Option<&str>) {
        let mut turns = self.lock();
        self.forgotten.fetch_add(1, Ordering::AcqRel);
        turns.retain(|(of, kept, _)| of != thread || turn.is_some_and(|turn| turn != kept.id));
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(String, Turn, usize)>> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Threads {
    /// What is kept of the turns that run now.
    pub fn running(&self) -> &Running {
        &self.running
    }

    /// One page of a thread's history, loaded or not, archived or not, with what runs now.
    ///
    /// # Errors
    /// When Codex cannot be asked, has no such thread, or does not know the cursor.
    pub async fn page(&self, thread: &str, wanted: &Wanted) -> Result<TurnPage, NotRead> {
        let codex = self.reader().await?;
        let _turn = self.pages.acquire().await.ok();
        let headers = headers(codex, thread, wanted, wanted.limit).await;
        let mut headers = match (headers, self.running.turn(thread)) {
            // Its first turn has begun, and is not listed yet.
            (Err(NotRead::Nothing), Some(_)) => Page {
                data: Vec::new(),
                next_cursor: None,
            },
            (headers, _) => headers?,
        };
        let listed = headers.data.len();
        let mut turns: Vec<Turn> = Vec::with_capacity(listed);
        let mut bytes = 0;
        for header in &headers.data {
            let turn = self.turn_of(codex, thread, header).await?;
            bytes += turn.bytes();
            turns.push(turn);
            if bytes > PAGE_BYTES {
                break;
            }
        }
        if turns.len() < listed {
            let fewer = u32::try_from(turns.len()).unwrap_or(MAX_TURNS);
            headers.next_cursor = self::headers(codex, thread, wanted, fewer)
                .await?
                .next_cursor;
        }
        let is_newest = match wanted.oldest_first {
            true => headers.next_cursor.is_none(),
            false => wanted.cursor.is_none(),
        };
        if let Some(running) = self.running.turn(thread).filter(|_| is_newest) {
            put_running(&mut turns, running, wanted.oldest_first);
        }
        Ok(TurnPage {
            turns,
            next: headers.next_cursor,
        })
    }

    /// One row of a thread with its texts whole, as far as Codex keeps them.
    ///
    /// # Errors
    /// When Codex cannot be asked or has no such thread. `None` when the thread has no such row.
    pub async fn row(&self, thread: &str, row_id: &str) -> Result<Option<Row>, NotRead> {
        let codex = self.reader().await?;
        let Some((turn, _)) = row_id.split_once('/') else {
            return Ok(None);
        };
        let mut rows = Vec::new();
        let mut cursor = None;
        loop {
            let page = match items(codex, thread, turn, "asc", cursor).await {
                Err(NotRead::BadCursor | NotRead::Nothing) => return Ok(None),
                page => page?,
            };
            for entry in &page.data {
                rows.push(row_of(entry, rows.len(), WHOLE_BYTES));
            }
            rows::set_apart(&mut rows);
            if let Some(found) = rows.iter().position(|row| row.id == row_id) {
                return Ok(Some(rows.swap_remove(found)));
            }
            // Their names are all that is needed.
            rows.iter_mut().for_each(|row| row.what.shorten(0));
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        let running = self.running.turn(thread);
        let running = running.map(|turn| turn.rows).unwrap_or_default();
        Ok(running.into_iter().find(|row| row.id == row_id))
    }

    async fn turn_of(
        &self,
        codex: &Codex,
        thread: &str,
        header: &CodexTurn,
    ) -> Result<Turn, NotRead> {
        let is_over = header.status != TurnStatus::InProgress && header.completed_at.is_some();
        if let Some(known) = self.remembered.find(thread, header).filter(|_| is_over) {
            return Ok(known);
        }
        let count = self.remembered.count();
        let mut rows = Vec::new();
        let mut longest = TEXT_BYTES;
        let mut cursor = None;
        loop {
            let page = items(codex, thread, &header.id.0, "desc", cursor).await?;
            for entry in &page.data {
                rows.push(row_of(entry, rows.len(), longest));
            }
            longest = fit(&mut rows, longest);
            cursor = page.next_cursor;
            if cursor.is_none() || rows.len() >= TURN_ROWS {
                break;
            }
        }
        rows.reverse();
        rows::set_apart(&mut rows);
        let turn = rows::turn(header, rows, cursor.is_some());
        if is_over {
            self.remembered.keep(thread, &turn, count);
        }
        Ok(turn)
    }

    async fn reader(&self) -> Result<&Codex, NotRead> {
        let codex = match &self.codex {
            Ok(codex) => codex,
            Err(reason) => return Err(NotRead::NoCodex(reason.en.clone())),
        };
        codex.ready(READY_LIMIT).await.map_err(NotRead::NoCodex)?;
        match self.can(Feature::Transcript) {
            true => Ok(codex),
            false => Err(NotRead::Lacking),
        }
    }
}

/// Shortens the texts of rows that have at most `longest` bytes each, until all of them are within [`TURN_BYTES`] or they are as short
/// as may be. Says how long one may be from now on.
fn fit(rows: &mut [Row], mut longest: usize) -> usize {
    for shorter in [16 << 10, 4 << 10, 1 << 10] {
        let bytes: usize = rows.iter().map(Row::bytes).sum();
        if shorter < longest && bytes > TURN_BYTES {
            rows.iter_mut().for_each(|row| row.what.shorten(shorter));
            longest = shorter;
        }
    }
    longest
}

fn row_of(entry: &ItemEntry, number: usize, bytes: usize) -> Row {
    let frame = Frame {
        turn_id: &entry.turn_id.0,
        started_ms: entry.started_at_ms,
        completed_ms: entry.completed_at_ms,
        bytes,
    };
    rows::row(&entry.item, frame, number)
}

/// Puts what was heard of the running turn behind what Codex lists of it.
fn put_running(turns: &mut Vec<Turn>, running: Turn, oldest_first: bool) {
    let Some(listed) = turns.iter_mut().find(|turn| turn.id == running.id) else {
        match oldest_first {
            true => turns.push(running),
            false => turns.insert(0, running),
        }
        return;
    };
    if !listed.is_running() {
        return;
    }
    for row in running.rows {
        if listed.rows.iter().any(|it| it.id == row.id) {
            continue;
        }
        // One that Codex does not list, as a refused command, stands where it was.
        let later = |it: &Row| it.at.zip(row.at).is_some_and(|(its, own)| its > own);
        let place = listed.rows.iter().position(later);
        listed.rows.insert(place.unwrap_or(listed.rows.len()), row);
    }
}

async fn headers(
    codex: &Codex,
    thread: &str,
    wanted: &Wanted,
    limit: u32,
) -> Result<Page<CodexTurn>, NotRead> {
    let direction = match wanted.oldest_first {
        true => "asc",
        false => "desc",
    };
    let list = ThreadTurnsList {
        thread_id: ThreadId::from(thread),
        cursor: wanted.cursor.clone(),
        limit: Some(limit),
        items_view: Some("notLoaded".to_owned()),
        sort_direction: Some(direction.to_owned()),
    };
    Ok(codex.call(&list).await?)
}

async fn items(
    codex: &Codex,
    thread: &str,
    turn: &str,
    direction: &str,
    cursor: Option<String>,
) -> Result<Page<ItemEntry>, NotRead> {
    let list = ThreadItemsList {
        thread_id: ThreadId::from(thread),
        turn_id: Some(TurnId::from(turn)),
        cursor,
        limit: Some(ITEMS),
        sort_direction: Some(direction.to_owned()),
    };
    Ok(codex.call(&list).await?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::domain::transcript::{Text, What};
    use serde_json::json;

    fn answer(bytes: usize) -> Row {
        let text = Text::end(&"x".repeat(bytes), TEXT_BYTES);
        Row {
            id: String::new(),
            at: None,
            ended_at: None,
            what: What::Answer { text },
        }
    }

    fn header(status: &str, completed_at: i64) -> CodexTurn {
        let header = json!({"id": "t", "status": status, "completedAt": completed_at});
        serde_json::from_value(header).unwrap()
    }

    #[test]
    fn a_turn_that_ended_otherwise_than_it_was_read_is_read_again() {
        let remembered = Remembered::default();
        let read = |header: &CodexTurn| rows::turn(header, Vec::new(), false);
        let early = header("interrupted", 5);
        remembered.keep("T", &read(&early), 0);
        assert!(remembered.find("T", &early).is_some());
        assert!(remembered.find("other", &early).is_none());
        let failed = header("failed", 5);
        assert!(remembered.find("T", &failed).is_none());
        remembered.keep("T", &read(&failed), 0);
        assert_eq!(remembered.find("T", &failed).unwrap().status, "failed");
        // What was read before something became void is not kept.
        remembered.forget("T", Some("t"));
        remembered.keep("T", &read(&failed), 0);
        assert!(remembered.find("T", &failed).is_none());
        remembered.keep("T", &read(&failed), remembered.count());
        remembered.forget("T", None);
        assert_eq!(remembered.lock().len(), 0);
    }

    #[test]
    fn rows_are_shortened_while_they_are_collected() {
        let row = || answer(TEXT_BYTES);
        let mut rows = vec![row()];
        assert_eq!(fit(&mut rows, TEXT_BYTES), TEXT_BYTES);
        while rows.len() * TEXT_BYTES <= TURN_BYTES {
            rows.push(row());
        }
        let longest = fit(&mut rows, TEXT_BYTES);
        assert_eq!(longest, 16 << 10);
        assert!(rows.iter().all(|row| row.bytes() <= longest));
        // They have room now.
        assert_eq!(fit(&mut rows, longest), longest);
    }

    #[test]
    fn no_more_is_remembered_than_there_is_room_for() {
        let remembered = Remembered::default();
        for number in 0..100 {
            let mut turn = rows::turn(&header("completed", 1), Vec::new(), false);
            turn.id = number.to_string();
            turn.rows = vec![answer(60_000)];
            remembered.keep("T", &turn, 0);
        }
        let turns = remembered.lock();
        let bytes: usize = turns.iter().map(|(_, _, bytes)| bytes).sum();
        assert!(bytes <= KEPT_BYTES && turns.back().unwrap().1.id == "99");
    }
}
