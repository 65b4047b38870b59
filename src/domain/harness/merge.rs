//! A transcript put together from its three sources: what Codex has stored, what streams now, and rows of ours. Pure: the same in, the same out.

use super::change::NO_TURN;
use super::job::JobId;
use super::job::rows::job_of;
use super::row::{Role, RowStatus, TranscriptEntry};
use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// A turn with what Codex says of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Turn {
    /// Its id.
    pub id: String,
    /// Whether it has ended.
    pub is_over: bool,
    /// When it began, in milliseconds since 1970.
    pub started_at: Option<i64>,
    /// Its rows as they are stored, in their order.
    pub stored: Vec<TranscriptEntry>,
    /// Its rows as they were heard, in their order.
    pub heard: Vec<TranscriptEntry>,
    /// What tells how it ended, where that is no matter of course.
    pub end: Option<TranscriptEntry>,
}

/// Puts a transcript together. `turns` are the newest ones, oldest first; `own` are rows of ours in the order they were first written, also of
/// turns that are not here: those were taken back, or are older than what is shown. `is_all` says that there are no older turns. Rows of jobs
/// that are `at_work` still come, however their turn ended: such a row ends with its job.
pub fn transcript(
    turns: Vec<Turn>,
    own: Vec<TranscriptEntry>,
    is_all: bool,
    at_work: &HashSet<JobId>,
) -> Vec<TranscriptEntry> {
    let begins = turns.first().and_then(|turn| turn.started_at);
    let shown: HashSet<String> = turns.iter().map(|turn| turn.id.clone()).collect();
    let (mut of_turns, mut between) = (HashMap::<String, Vec<_>>::new(), Vec::new());
    for row in once(own) {
        if shown.contains(&row.turn_id) {
            of_turns.entry(row.turn_id.clone()).or_default().push(row);
        } else if row.turn_id.is_empty() || row.turn_id == NO_TURN {
            // What is older than the oldest turn here belongs to what is not shown.
            let is_older = time(&row)
                .zip(begins)
                .is_some_and(|(its, begins)| its < begins);
            if is_all || !is_older {
                between.push(row);
            }
        }
    }
    // Stable: those of one moment, and those of none, stay as they were written.
    between.sort_by_key(|row| time(row).unwrap_or(i64::MAX));
    let mut between = between.into_iter().peekable();
    let mut rows = Vec::new();
    for turn in turns {
        if let Some(begins) = turn.started_at {
            while let Some(row) = between.next_if(|row| time(row).is_some_and(|it| it < begins)) {
                rows.push(row);
            }
        }
        let own = of_turns.remove(&turn.id).unwrap_or_default();
        rows.extend(of_turn(turn, own, at_work));
    }
    rows.extend(between);
    rows
}

fn of_turn(
    turn: Turn,
    own: Vec<TranscriptEntry>,
    at_work: &HashSet<JobId>,
) -> Vec<TranscriptEntry> {
    let mut rows = turn.stored;
    join(&mut rows, turn.heard);
    // An account of an item that Codex has is no row of its own.
    let known: HashSet<String> = rows.iter().map(|row| row.message_id.clone()).collect();
    let is_account = |row: &TranscriptEntry| {
        known.contains(&row.message_id)
            || is_synthetic(row) && rows.iter().any(|it| it.kind == row.kind)
    };
    let (accounts, own): (Vec<_>, Vec<_>) = own.into_iter().partition(is_account);
    join(&mut rows, accounts);
    let mut anchored = HashMap::<String, String>::new();
    for row in own {
        let place = place(&rows, &row, &anchored);
        if let Some(anchor) = anchor(&row) {
            anchored.insert(anchor, row.message_id.clone());
        }
        rows.insert(place, row);
    }
    // It is Codex's to say how a turn ended.
    rows.retain(|row| {
        turn.end
            .as_ref()
            .is_none_or(|end| end.message_id != row.message_id)
    });
    rows.extend(turn.end);
    if turn.is_over {
        // Nothing of a turn that has ended still comes.
        let open = rows
            .iter_mut()
            .filter(|it| it.status == RowStatus::Streaming)
            .filter(|it| !job_of(it).is_some_and(|job| at_work.contains(&job)));
        open.for_each(|row| row.status = RowStatus::Canceled);
    }
    rows
}

/// Several accounts from one source are one row, where the first of them was.
fn once(rows: Vec<TranscriptEntry>) -> Vec<TranscriptEntry> {
    let mut found: Vec<TranscriptEntry> = Vec::with_capacity(rows.len());
    let mut places = HashMap::new();
    for row in rows {
        match places.get(&row.message_id) {
            Some(&at) => both(&mut found[at], row),
            None => {
                places.insert(row.message_id.clone(), found.len());
                found.push(row);
            }
        }
    }
    found
}

/// Takes in another source. Rows of both are one; an id that somebody has made up counts for nothing beside one of Codex's.
fn join(rows: &mut Vec<TranscriptEntry>, others: Vec<TranscriptEntry>) {
    let others = once(others);
    let named: HashSet<String> = others.iter().map(|it| it.message_id.clone()).collect();
    let mut taken: HashSet<String> = HashSet::new();
    for other in others {
        let same = rows
            .iter()
            .position(|row| row.message_id == other.message_id);
        let same = same.or_else(|| {
            rows.iter().position(|row| {
                row.kind == other.kind
                    && is_synthetic(row) != is_synthetic(&other)
                    && !named.contains(&row.message_id)
                    && !taken.contains(&row.message_id)
            })
        });
        match same {
            Some(at) => {
                let row = &mut rows[at];
                let id = match is_synthetic(row) {
                    true => other.message_id.clone(),
                    false => row.message_id.clone(),
                };
                both(row, other);
                row.message_id.clone_from(&id);
                taken.insert(id);
            }
            None => {
                let at = place(rows, &other, &HashMap::new());
                rows.insert(at, other);
            }
        }
    }
}

/// Makes two accounts of one row one.
fn both(row: &mut TranscriptEntry, other: TranscriptEntry) {
    let times = (
        row.started_at.or(other.started_at),
        row.completed_at.or(other.completed_at),
    );
    let whole = row.clone().or(other);
    *row = whole;
    row.started_at = row.started_at.or(times.0);
    row.completed_at = row.completed_at.or(times.1);
}

/// `item-<n>`: counted, not named by Codex.
fn is_synthetic(row: &TranscriptEntry) -> bool {
    let number = row.message_id.strip_prefix("item-");
    number.is_some_and(|it| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit()))
}

fn time(row: &TranscriptEntry) -> Option<i64> {
    row.started_at.or(row.completed_at)
}

/// The item that a row stands behind, as its details say.
fn anchor(row: &TranscriptEntry) -> Option<String> {
    let details: Value = serde_json::from_str(row.details.as_deref()?).ok()?;
    Some(details.get("anchorItemId")?.as_str()?.to_owned())
}

/// Where a row comes: behind its anchor and what stands there already, else by its time, else before the last message of the model.
fn place(
    rows: &[TranscriptEntry],
    row: &TranscriptEntry,
    anchored: &HashMap<String, String>,
) -> usize {
    let at = |id: &str| rows.iter().position(|it| it.message_id == id);
    if let Some(anchor) = anchor(row)
        && let Some(item) = at(&anchor)
    {
        let last = anchored.get(&anchor).and_then(|id| at(id));
        return last.unwrap_or(item).max(item) + 1;
    }
    if let Some(own) = time(row) {
        let before = rows
            .iter()
            .rposition(|it| time(it).is_some_and(|its| its <= own));
        if let Some(before) = before {
            return before + 1;
        }
        let after = rows
            .iter()
            .position(|it| time(it).is_some_and(|its| its > own));
        if let Some(after) = after {
            return after;
        }
    }
    let is_message = |it: &TranscriptEntry| it.role == Role::Assistant && it.kind == "agentMessage";
    rows.iter().rposition(is_message).unwrap_or(rows.len())
}

#[cfg(test)]
mod tests;
