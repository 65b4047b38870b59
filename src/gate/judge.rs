//! Whether what a commit is about to take was approved: what was observed, held against what a person said. It reads the
//! journal and no repository.

use std::path::Path;

use super::observe::{Observation, ObservedIndex};
use super::strictness::in_force;
use crate::domain::event::Event;
use crate::domain::review::{Candidate, Decision, GateMode, GitId, ReviewStatus, Reviews};
use crate::domain::state::State;
use crate::journal::{self, PickError, Record};

/// Whether the commit that HEAD stands on went around the gate.
pub fn went_around(seen: &Observation, reviews: &Reviews) -> Option<GitId> {
    let tree = seen.base_tree.as_ref()?;
    let covered = seen.before_head.iter().any(|base| {
        let base = base.as_ref();
        reviews.standing(Candidate { tree, base }).passes()
    });
    let silent = in_force(reviews.pinned, &seen.statements) == GateMode::Off;
    (!covered && !silent).then(|| tree.clone())
}

/// What a person said so far, from the journal on disk.
///
/// # Errors
/// When it is damaged, or not ours.
pub fn reviews_on_disk(journal: &Path) -> Result<Reviews, PickError> {
    let mut state = State::default();
    journal::pick(journal, &Reviews::EVENTS, |record: &Record<Event>| {
        state.apply(record.seq, record.ts, &record.event);
    })?;
    Ok(state.reviews)
}

/// Why a commit is not let through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// Nobody looked at it.
    Unseen,
    /// Something else was approved; it changed since.
    Changed(Decision),
    /// A person said no.
    Rejected(Decision),
    /// It was approved on top of another state.
    OtherBase(Decision),
    /// What is staged was approved, but the commit takes something else.
    NotWhatIsStaged,
    /// The commit uses an index of its own, which cannot be reviewed.
    OwnIndex,
    /// A merge is unresolved.
    Unmerged,
    /// Git would commit something else than its index says.
    Contradicted(String),
    /// The index cannot be judged.
    Unreadable(String),
    /// The journal cannot be read: nothing counts as approved.
    NoJournal(String),
}

/// The gate's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// How strict the gate is.
    pub mode: GateMode,
    /// The tree that the commit would take, if there is one.
    pub tree: Option<GitId>,
    /// Why nobody's approval covers it; `None` when it may pass.
    pub against: Option<Reason>,
}

impl Verdict {
    /// Whether the commit goes on.
    pub fn passes(&self) -> bool {
        self.against.is_none() || self.mode != GateMode::Enforce
    }
}

/// Judges what the child saw by what the person said.
pub fn judge(seen: &Observation, reviews: Result<&Reviews, String>) -> Verdict {
    let pinned = reviews.as_ref().ok().and_then(|reviews| reviews.pinned);
    let mode = in_force(pinned, &seen.statements);
    let (tree, against) = match &seen.index {
        ObservedIndex::Unmerged => (None, Some(Reason::Unmerged)),
        ObservedIndex::Contradicted { folder } => {
            (None, Some(Reason::Contradicted(folder.clone())))
        }
        ObservedIndex::Unreadable { reason } => (None, Some(Reason::Unreadable(reason.clone()))),
        ObservedIndex::Tree { tree } => (Some(tree.clone()), against(seen, tree, reviews)),
    };
    Verdict {
        mode,
        tree,
        against,
    }
}

fn against(seen: &Observation, tree: &GitId, reviews: Result<&Reviews, String>) -> Option<Reason> {
    let base = seen.base_tree.as_ref();
    let reviews = match reviews {
        Ok(reviews) => reviews,
        Err(_) if Some(tree) == base => return None,
        Err(reason) => return Some(Reason::NoJournal(reason)),
    };
    let standing = |tree| reviews.standing(Candidate { tree, base });
    let reason = match standing(tree) {
        ReviewStatus::Unchanged | ReviewStatus::Approved(_) => return None,
        ReviewStatus::Rejected(decision, _) => Reason::Rejected(decision.clone()),
        _ if seen.staged.as_ref().is_some_and(|it| it != tree) => {
            let staged = seen.staged.as_ref().map(standing);
            match staged.is_some_and(|staged| matches!(staged, ReviewStatus::Approved(_))) {
                true => Reason::NotWhatIsStaged,
                false => Reason::OwnIndex,
            }
        }
        ReviewStatus::OtherBase(decision) => Reason::OtherBase(decision.clone()),
        ReviewStatus::Changed(decision) => Reason::Changed(decision.clone()),
        ReviewStatus::Unseen => Reason::Unseen,
    };
    Some(reason)
}

#[cfg(test)]
mod tests;
