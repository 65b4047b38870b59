//! Decisions by what they are about, for whoever judges many commits at once: one look at each decision, however many
//! commits there are.

use std::collections::{HashMap, HashSet};

use super::{Candidate, Decision, GitId, ReviewStatus, Reviews, Said};

/// The decisions of one moment.
pub struct Index<'a> {
    /// The newest word about a tree on top of another.
    newest: HashMap<(&'a GitId, Option<&'a GitId>), &'a Decision>,
    /// Approvals of a tree, newest first.
    of_tree: HashMap<&'a GitId, Vec<&'a Decision>>,
    /// The newest approval on top of a tree.
    on_top: HashMap<Option<&'a GitId>, &'a Decision>,
}

impl Reviews {
    /// What was decided until now.
    pub fn index(&self) -> Index<'_> {
        let mut index = Index {
            newest: HashMap::with_capacity(self.decisions.len()),
            of_tree: HashMap::new(),
            on_top: HashMap::new(),
        };
        for decision in self.decisions.iter().rev() {
            let staged = decision.staged();
            let base = staged.base_tree.as_ref();
            index.newest.entry((&staged.tree, base)).or_insert(decision);
            if decision.approval().is_some() {
                let of_tree = index.of_tree.entry(&staged.tree).or_default();
                of_tree.push(decision);
                index.on_top.entry(base).or_insert(decision);
            }
        }
        index
    }
}

impl<'a> Index<'a> {
    /// Where a candidate stands.
    ///
    /// An approval is of a tree on top of another: the same tree on top of something else is another change, which nobody
    /// saw (an old state brought back, say). Approvals that follow each other add up, so that approved commits can be
    /// joined into one.
    pub fn standing(&self, candidate: Candidate<'_>) -> ReviewStatus<'a> {
        let Candidate { tree, base } = candidate;
        if Some(tree) == base {
            return ReviewStatus::Unchanged;
        }
        if let Some(decision) = self.newest.get(&(tree, base)) {
            return match &decision.said {
                Said::Approved(_) => ReviewStatus::Approved(decision),
                Said::Rejected(rejection) => ReviewStatus::Rejected(decision, rejection),
            };
        }
        if let Some(last) = self.last_of_chain(candidate) {
            return ReviewStatus::Approved(last);
        }
        if let Some(decision) = self.of_tree.get(tree).and_then(|all| all.first()) {
            return ReviewStatus::OtherBase(decision);
        }
        let on_top = self.on_top.get(&base).copied();
        on_top.map_or(ReviewStatus::Unseen, ReviewStatus::Changed)
    }

    /// Approvals of this tree that are the newest word about it on top of what they were on top of, newest first.
    fn standing_approvals<'s>(
        &'s self,
        tree: &GitId,
    ) -> impl Iterator<Item = &'a Decision> + use<'a, 's> {
        let all = self.of_tree.get(tree).into_iter().flatten().copied();
        all.filter(|decision| {
            let staged = decision.staged();
            let newest = self.newest.get(&(&staged.tree, staged.base_tree.as_ref()));
            newest.is_some_and(|newest| newest.approval().is_some())
        })
    }

    /// The approval that ends a chain of approvals from the candidate's base to its tree. Each step counts only while it
    /// is the newest word about it.
    fn last_of_chain(&self, candidate: Candidate<'_>) -> Option<&'a Decision> {
        let last = self.standing_approvals(candidate.tree).next()?;
        let mut seen: HashSet<&GitId> = HashSet::new();
        let mut open = vec![candidate.tree];
        while let Some(tree) = open.pop() {
            if !seen.insert(tree) {
                continue;
            }
            for decision in self.standing_approvals(tree) {
                match &decision.staged().base_tree {
                    base if base.as_ref() == candidate.base => return Some(last),
                    Some(base) => open.push(base),
                    None => {}
                }
            }
        }
        None
    }
}
