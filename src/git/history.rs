//! What lies between two places of the history, as far as that can be told in the time there is. The library's own walk
//! cannot be interrupted: a history that it does not get through in time would never be looked at.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};

use git2::{ObjectType, Odb, OdbLookupFlags, Oid};

use super::deadline::Deadline;
use super::{GitError, Repo};

/// Known commits that are looked at beyond the oldest new one: clocks are wrong, and a child may be dated before its parent.
const SLOP: usize = 5;

/// A commit on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its id.
    pub id: Oid,
    /// What it stands on.
    pub parents: Vec<Oid>,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Between {
    /// Commits on the way, newest first: each before what it stands on.
    pub found: Vec<Step>,
    /// Where the way goes on and nobody looked, newest first; empty when all was looked at.
    pub unseen: Vec<Oid>,
}

/// How much is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Commits.
    pub commits: usize,
    /// Until when.
    pub deadline: Deadline,
}

impl Repo {
    /// Commits that can be reached from `from` and not from `known`. A name that is not here (a shallow clone, a collected commit)
    /// leads nowhere. When it is cut short, some of what was found may be reached from `known` by a way that was not looked at.
    ///
    /// # Errors
    /// When the objects cannot be opened.
    pub fn between(
        &self,
        from: &[Oid],
        known: &[Oid],
        bounds: Bounds,
    ) -> Result<Between, GitError> {
        let mut walk = Walk {
            objects: self.objects_of_history()?,
            nodes: HashMap::new(),
            open: BinaryHeap::new(),
            wanted: 0,
        };
        let hidden: HashSet<Oid> = known.iter().copied().collect();
        let from: Vec<Oid> = (from.iter().copied())
            .filter(|id| !hidden.contains(id))
            .collect();
        if from.is_empty() {
            return Ok(Between::default());
        }
        for id in from {
            walk.meet(id, false);
        }
        for id in hidden {
            if bounds.deadline.check().is_err() {
                break;
            }
            walk.meet(id, true);
        }
        Ok(walk.go(bounds))
    }

    /// Those of these objects that are here.
    ///
    /// # Errors
    /// When the objects cannot be opened.
    pub fn here(&self, names: impl IntoIterator<Item = Oid>) -> Result<Vec<Oid>, GitError> {
        let objects = self.objects_of_history()?;
        // The library looks through its folders again for each name that it does not find; once is enough for all.
        let is_here = |id: &Oid| objects.exists_ext(*id, OdbLookupFlags::NO_REFRESH);
        let (mut here, missing): (Vec<Oid>, Vec<Oid>) = names.into_iter().partition(is_here);
        if !missing.is_empty() && objects.refresh().is_ok() {
            here.extend(missing.into_iter().filter(is_here));
        }
        Ok(here)
    }

    fn objects_of_history(&self) -> Result<Odb<'_>, GitError> {
        let failed = |error| GitError::from_library("opening the objects", &error);
        self.inner.odb().map_err(failed)
    }
}

/// A commit that was met.
struct Node {
    parents: Vec<Oid>,
    is_known: bool,
    /// Its parents were met as well.
    is_passed: bool,
}

struct Walk<'r> {
    objects: Odb<'r>,
    nodes: HashMap<Oid, Node>,
    /// Those that were not passed, with their time.
    open: BinaryHeap<(i64, Oid)>,
    /// How many of them are not known.
    wanted: usize,
}

impl Walk<'_> {
    fn meet(&mut self, id: Oid, is_known: bool) {
        if let Some(node) = self.nodes.get(&id) {
            if is_known && !node.is_known {
                self.recognise(id);
            }
            return;
        }
        let Some((parents, time)) = self.read(id) else {
            return;
        };
        let node = Node {
            parents,
            is_known,
            is_passed: false,
        };
        self.nodes.insert(id, node);
        self.open.push((time, id));
        self.wanted += usize::from(!is_known);
    }

    /// This one is known after all, and so is what it stands on.
    fn recognise(&mut self, id: Oid) {
        let mut open = vec![id];
        while let Some(id) = open.pop() {
            let Some(node) = self.nodes.get_mut(&id).filter(|node| !node.is_known) else {
                continue;
            };
            node.is_known = true;
            if node.is_passed {
                open.extend(&node.parents);
            } else {
                self.wanted -= 1;
            }
        }
    }

    fn read(&self, id: Oid) -> Option<(Vec<Oid>, i64)> {
        let object = self.objects.read(id).ok()?;
        (object.kind() == ObjectType::Commit).then(|| headers(object.data()))
    }

    /// The newest first, until nothing is left that is new.
    fn go(mut self, bounds: Bounds) -> Between {
        let mut passed = Vec::new();
        let (mut oldest, mut slop) = (i64::MAX, SLOP);
        let mut is_cut = false;
        while let Some((time, id)) = self.open.pop() {
            let Some(node) = self.nodes.get_mut(&id) else {
                continue;
            };
            if self.wanted == 0 {
                slop = if time < oldest { slop - 1 } else { SLOP };
                if slop == 0 || passed.is_empty() {
                    break;
                }
            }
            let is_full = passed.len() >= bounds.commits && !node.is_known;
            if is_full || bounds.deadline.check().is_err() {
                self.open.push((time, id));
                is_cut = self.wanted > 0;
                break;
            }
            node.is_passed = true;
            let (parents, is_known) = (node.parents.clone(), node.is_known);
            if !is_known {
                self.wanted -= 1;
                oldest = oldest.min(time);
                passed.push(id);
            }
            for parent in parents {
                self.meet(parent, is_known);
            }
        }
        let is_new = |id: &Oid| self.nodes.get(id).is_some_and(|node| !node.is_known);
        let unseen = match is_cut {
            true => std::mem::take(&mut self.open).into_sorted_vec(),
            false => Vec::new(),
        };
        Between {
            unseen: (unseen.into_iter().rev())
                .map(|(_, id)| id)
                .filter(is_new)
                .collect(),
            found: in_order(passed.into_iter().filter(is_new).filter_map(|id| {
                let parents = self.nodes.get(&id)?.parents.clone();
                Some(Step { id, parents })
            })),
        }
    }
}

/// Each before what it stands on, else in the order that they come in.
fn in_order(steps: impl Iterator<Item = Step>) -> Vec<Step> {
    let mut steps: Vec<Option<Step>> = steps.map(Some).collect();
    let places: HashMap<Oid, usize> = (steps.iter().flatten().enumerate())
        .map(|(place, step)| (step.id, place))
        .collect();
    let below = |step: &Step| -> Vec<usize> {
        let parents = step.parents.iter();
        parents.filter_map(|id| places.get(id).copied()).collect()
    };
    let mut children = vec![0_usize; steps.len()];
    for place in steps.iter().flatten().flat_map(below) {
        children[place] += 1;
    }
    let free = children
        .iter()
        .enumerate()
        .filter(|(_, count)| **count == 0);
    let mut free: BinaryHeap<Reverse<usize>> = free.map(|(place, _)| Reverse(place)).collect();
    let mut ordered = Vec::with_capacity(steps.len());
    while let Some(Reverse(place)) = free.pop() {
        let Some(step) = steps[place].take() else {
            continue;
        };
        for parent in below(&step) {
            children[parent] -= 1;
            if children[parent] == 0 {
                free.push(Reverse(parent));
            }
        }
        ordered.push(step);
    }
    ordered
}

/// What a commit stands on, and when it was made, in seconds; what cannot be read is none.
fn headers(commit: &[u8]) -> (Vec<Oid>, i64) {
    let mut parents = Vec::new();
    let mut time = 0;
    for line in commit.split(|byte| *byte == b'\n') {
        let Some(space) = line.iter().position(|byte| *byte == b' ') else {
            break;
        };
        let (name, value) = (&line[..space], &line[space + 1..]);
        match name {
            b"parent" => {
                let id = std::str::from_utf8(value).ok();
                parents.extend(id.and_then(|id| Oid::from_str(id).ok()));
            }
            b"committer" => {
                let mut words = value.rsplit(|byte| *byte == b' ').skip(1);
                let seconds = words.next().and_then(|it| std::str::from_utf8(it).ok());
                time = seconds.and_then(|it| it.parse().ok()).unwrap_or(0);
                break;
            }
            _ => {}
        }
    }
    (parents, time)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use git2::{Repository, Signature, Time};
    use std::time::Duration;

    struct Ground {
        _folder: tempfile::TempDir,
        raw: Repository,
        repo: Repo,
    }

    impl Ground {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let root = folder.path().canonicalize().unwrap();
            let raw = Repository::init(&root).unwrap();
            let repo = Repo::open(&root).unwrap();
            Self {
                _folder: folder,
                raw,
                repo,
            }
        }

        fn commit(&self, second: i64, parents: &[Oid]) -> Oid {
            let tree = self.raw.treebuilder(None).unwrap().write().unwrap();
            let tree = self.raw.find_tree(tree).unwrap();
            let who = Signature::new("mei", "m@x", &Time::new(second, 0)).unwrap();
            let find = |id: &Oid| self.raw.find_commit(*id).unwrap();
            let parents: Vec<_> = parents.iter().map(find).collect();
            let parents: Vec<_> = parents.iter().collect();
            let words = format!("{second} {}", parents.len());
            (self.raw)
                .commit(None, &who, &who, &words, &tree, &parents)
                .unwrap()
        }

        fn between(&self, from: &[Oid], known: &[Oid], commits: usize, time: Duration) -> Between {
            let deadline = Deadline::after(time);
            let bounds = Bounds { commits, deadline };
            self.repo.between(from, known, bounds).unwrap()
        }

        fn found(&self, from: &[Oid], known: &[Oid]) -> Vec<Oid> {
            let between = self.between(from, known, usize::MAX, Duration::from_secs(60));
            assert_eq!(between.unseen, []);
            between.found.into_iter().map(|step| step.id).collect()
        }
    }

    #[test]
    fn what_lies_between_is_found_whatever_the_clocks_say() {
        let ground = Ground::new();
        let root = ground.commit(10, &[]);
        let left = ground.commit(20, &[root]);
        let right = ground.commit(15, &[root]);
        let merge = ground.commit(30, &[left, right]);
        assert_eq!(ground.found(&[merge], &[]), [merge, left, right, root]);
        assert_eq!(ground.found(&[merge], &[left]), [merge, right]);
        assert_eq!(ground.found(&[root, left], &[merge]), []);
        assert_eq!(ground.found(&[merge], &[merge]), []);
        // Dated before what they stand on, and all in one second.
        let early = ground.commit(1, &[merge]);
        let late = ground.commit(40, &[early]);
        assert_eq!(ground.found(&[late], &[merge]), [late, early]);
        assert_eq!(ground.found(&[merge], &[early]), []);
        let one = ground.commit(50, &[late]);
        let two = ground.commit(50, &[one]);
        let three = ground.commit(50, &[two]);
        assert_eq!(ground.found(&[one, two, three], &[late]), [three, two, one]);
        // What is not here leads nowhere and hides nothing.
        let gone = Oid::from_str(&"1".repeat(40)).unwrap();
        assert_eq!(ground.found(&[gone, early], &[gone, merge]), [early]);
        assert_eq!(ground.repo.here([gone, early]).unwrap(), [early]);
    }

    #[test]
    fn a_walk_that_is_cut_short_says_where_it_would_go_on() {
        let ground = Ground::new();
        let mut chain = vec![ground.commit(0, &[])];
        for second in 1..10 {
            chain.push(ground.commit(second, &chain[chain.len() - 1..]));
        }
        let hour = Duration::from_secs(3_600);
        let cut = ground.between(&chain[9..], &chain[..1], 4, hour);
        let found: Vec<Oid> = cut.found.iter().map(|step| step.id).collect();
        assert_eq!(found, [chain[9], chain[8], chain[7], chain[6]]);
        assert_eq!(cut.unseen, [chain[5]]);
        let exact = ground.between(&chain[9..], &chain[..1], 9, hour);
        assert_eq!((exact.found.len(), exact.unseen.len()), (9, 0));
        // Without any time it names what it was to begin with.
        let none = ground.between(&chain[9..], &chain[..1], 4, Duration::ZERO);
        assert_eq!((none.found, none.unseen), (Vec::new(), vec![chain[9]]));
    }
}
