//! Reviews: approving and rejecting what is staged, taking notice of commits, and how strict the gate is.

use super::Decision;
use crate::domain::event::Event;
use crate::domain::limits;
use crate::domain::refusal::Refusal;
use crate::domain::review::{
    Approval, Candidate, CommitSeen, GateMode, GitId, Index, Rejection, ReviewStatus, Said, Staged,
};
use crate::domain::sentence::say;
use crate::domain::state::State;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// Approves what is staged. `gate` is how strict the gate is to be from now on, where the change itself says so: the
/// person saw that line as well.
///
/// # Errors
/// When nothing is staged, or the note is too long.
pub fn approve(state: &State, approval: Approval, gate: Option<GateMode>) -> Decision<Approval> {
    limits::check_text(approval.note.as_deref().unwrap_or_default(), "note")?;
    let staged = &approval.staged;
    check_staged(staged)?;
    let newest = state.reviews.decision(candidate(staged));
    if let Some(Said::Approved(before)) = newest.map(|decision| &decision.said)
        && before.report_digest == approval.report_digest
        && before.note == approval.note
    {
        // Said twice: a second click, or a script that repeats itself.
        return Ok((Vec::new(), before.clone()));
    }
    let mode = gate
        .filter(|mode| state.reviews.pinned != Some(*mode))
        .map(|mode| Event::GateModeSet {
            mode,
            reason: say!("reason.gate_mode.approved_change").to_string(),
        });
    let event = Event::TreeApproved {
        approval: approval.clone(),
    };
    Ok((std::iter::once(event).chain(mode).collect(), approval))
}

/// Rejects what is staged.
///
/// # Errors
/// When nothing is staged, or there is no reason.
pub fn reject(state: &State, rejection: Rejection) -> Decision<()> {
    if rejection.reason.trim().is_empty() {
        return Err(Refusal::invalid(
            "invalid_reason",
            say!("refusal.review_reason"),
        ));
    }
    limits::check_text(&rejection.reason, "reason")?;
    check_staged(&rejection.staged)?;
    let newest = state.reviews.decision(candidate(&rejection.staged));
    let again = newest.is_some_and(|decision| match &decision.said {
        Said::Rejected(before) => before.reason == rejection.reason,
        Said::Approved(_) => false,
    });
    let event = (!again).then_some(Event::TreeRejected { rejection });
    Ok((Vec::from_iter(event), ()))
}

fn candidate(staged: &Staged) -> Candidate<'_> {
    Candidate {
        tree: &staged.tree,
        base: staged.base_tree.as_ref(),
    }
}

fn check_staged(staged: &Staged) -> Result<(), Refusal> {
    if Some(&staged.tree) == staged.base_tree.as_ref() {
        return Err(Refusal::conflict(
            "nothing_staged",
            say!("refusal.nothing_staged"),
        ));
    }
    Ok(())
}

/// A commit that appeared, with the tree that HEAD had before: an amended commit is judged by what it changed, too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewCommit {
    /// The commit.
    pub seen: CommitSeen,
    /// The tree that HEAD had before it.
    pub previous_tree: Option<GitId>,
}

/// Commits of one look that are recorded each by itself, the newest. A whole history that came at once is nothing that a
/// person goes through line by line, and shall not fill the journal.
pub const MAX_LISTED: usize = 200;

/// Records commits, oldest first, each with or without its approval. Those that are known already are left out. Of more than
/// [`MAX_LISTED`] the older are judged as well, and told together: one stands for all that were approved, one for all others.
/// `beyond` stands for still older ones that nobody could judge: as long as the gate stands, they count as not approved.
///
/// # Errors
/// Never refuses.
pub fn commits_seen(
    state: &State,
    commits: Vec<NewCommit>,
    beyond: Option<CommitSeen>,
) -> Decision<()> {
    let mode = state.reviews.pinned.unwrap_or(GateMode::Off);
    let decided = state.reviews.index();
    let unreviewed = state.reviews.unreviewed().iter();
    let waiting: HashSet<&GitId> = unreviewed.map(|(_, seen)| &seen.commit).collect();
    let mut older: Vec<Event> = commits
        .into_iter()
        .filter(|new| !waiting.contains(&new.seen.commit))
        .map(|new| record(&decided, new, mode))
        .collect();
    let listed = older.split_off(older.len().saturating_sub(MAX_LISTED));
    let beyond = beyond.filter(|seen| !waiting.contains(&seen.commit));
    let (mut around, mut passed) = match mode {
        GateMode::Off => (None, beyond),
        GateMode::Warn | GateMode::Enforce => (beyond, None),
    };
    for event in older {
        match event {
            Event::CommitUnapproved { seen, .. } => stand_for(&mut around, seen),
            Event::CommitRecorded { seen } => stand_for(&mut passed, seen),
            _ => {}
        }
    }
    let passed = passed.map(|seen| Event::CommitRecorded { seen });
    let around = around.map(|seen| Event::CommitUnapproved { seen, mode });
    let events = passed.into_iter().chain(around).chain(listed);
    Ok((events.collect(), ()))
}

/// The newest stands for those before it.
fn stand_for(group: &mut Option<CommitSeen>, mut newest: CommitSeen) {
    if let Some(before) = group {
        newest.stand_for(before);
    }
    *group = Some(newest);
}

fn record(decided: &Index<'_>, new: NewCommit, mode: GateMode) -> Event {
    let mut seen = new.seen;
    let bases = [seen.base_tree.as_ref(), new.previous_tree.as_ref()];
    let standings = bases.map(|base| {
        decided.standing(Candidate {
            tree: &seen.tree,
            base,
        })
    });
    let approval = standings.iter().find_map(|standing| match standing {
        ReviewStatus::Approved(decision) => decision.approval(),
        _ => None,
    });
    let report_id = approval.map(|approval| approval.report_id.clone());
    let passes = standings.iter().any(ReviewStatus::passes);
    seen.report_id = report_id;
    if passes || mode == GateMode::Off {
        Event::CommitRecorded { seen }
    } else {
        Event::CommitUnapproved { seen, mode }
    }
}

/// HEAD stands somewhere else, and no new commit says so.
///
/// # Errors
/// Never refuses.
pub fn head_moved(state: &State, commit: Option<GitId>, branch: Option<String>) -> Decision<()> {
    let known = state.reviews.head.as_ref().map(|(_, commit)| commit);
    let event = (known != Some(&commit)).then_some(Event::HeadMoved { commit, branch });
    Ok((Vec::from_iter(event), ()))
}

/// Takes notice of a commit that had gone around the gate.
///
/// # Errors
/// When no such commit waits.
pub fn accept_commit(state: &State, commit: GitId, reason: Option<String>) -> Decision<()> {
    limits::check_text(reason.as_deref().unwrap_or_default(), "reason")?;
    let mut unreviewed = state.reviews.unreviewed().iter();
    if !unreviewed.any(|(_, seen)| seen.commit == commit) {
        return Err(Refusal::not_found(
            "unknown_commit",
            say!("refusal.unknown_commit", commit),
        ));
    }
    Ok((vec![Event::CommitAccepted { commit, reason }], ()))
}

/// Sets how strict the gate is at least. Saying it twice is fine.
///
/// # Errors
/// When the reason is too long.
pub fn set_gate(state: &State, mode: GateMode, reason: String) -> Decision<()> {
    limits::check_text(&reason, "reason")?;
    let event = (state.reviews.pinned != Some(mode)).then_some(Event::GateModeSet { mode, reason });
    Ok((Vec::from_iter(event), ()))
}

/// Makes the gate as strict as `mode` if it is less; never the other way round.
///
/// # Errors
/// Never refuses.
pub fn raise_gate(state: &State, mode: GateMode, reason: &str) -> Decision<()> {
    let less = state.reviews.pinned.is_none_or(|pinned| pinned < mode);
    let event = less.then(|| Event::GateModeSet {
        mode,
        reason: reason.to_owned(),
    });
    Ok((Vec::from_iter(event), ()))
}
