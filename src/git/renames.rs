//! Renames and copies: which new files come from which others. It follows Git's rules (`-M -C` with 50 %): the same
//! content first, then the most alike pair first; a file that is still there, or that others took already, is copied.
//!
//! To compare each new file with everything that changed takes longer than all the rest of a large comparison. From
//! [`MAX_COPY_PAIRS`] on it is done as `git diff -M` does it: only what is gone is compared, and a copy is one when its
//! content is the same. [`Extent`] says so.

mod likeness;

use std::collections::HashMap;

use git2::Oid;

use super::GitError;
use super::deadline::Deadline;
use super::rows::{Half, Halves, Side};
use crate::domain::report::ChangeStatus;
use likeness::Likeness;

/// With more pairs of a new and another changed file than this, copies are not looked for. Fifty new files beside four
/// hundred changed ones are below it.
const MAX_COPY_PAIRS: usize = 20_000;

/// The same with more files than this to copy from, each of which has to be read.
const MAX_COPY_SOURCES: usize = 1_000;

/// So many on either side are compared with each other, as `diff.renameLimit` has it. With more, only the same content
/// and the same name count.
const MAX_PAIRS: usize = 1_000 * 1_000;

/// As many files of the same content are tried for one new file.
const MAX_SAME: usize = 100;

/// How far renames and copies were looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Extent {
    /// As `git diff -M -C` does.
    #[default]
    Copies,
    /// As `git diff -M` does; of the copies only those that are the same.
    Renames,
    /// What is the same, and what is alike and has the same name.
    Names,
}

/// A new file and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pair {
    pub path: Vec<u8>,
    pub from: Vec<u8>,
    pub half: Half,
}

/// Where the contents are, for whichever thread asks.
pub(super) trait Contents: Sync {
    /// Id of what stands on one side of `path`, and its size where that is known by then.
    fn identity(&self, path: &[u8], side: Side) -> Option<(Oid, Option<u64>)>;
    /// Size of a recorded content.
    fn size(&self, id: Oid) -> u64;
    /// The content itself.
    fn read(&self, path: &[u8], side: Side) -> Option<Vec<u8>>;
}

/// A new file, or one that it may come from.
struct File<'a> {
    path: &'a [u8],
    half: &'a Half,
    /// The side that is compared.
    side: Side,
    id: Oid,
    size: Option<u64>,
}

impl<'a> File<'a> {
    fn of(path: &'a [u8], half: &'a Half, side: Side, contents: &impl Contents) -> Option<Self> {
        let (id, size) = contents.identity(path, side)?;
        Some(Self {
            path,
            half,
            side,
            id,
            size,
        })
    }

    fn name(&self) -> &'a [u8] {
        let slash = self.path.iter().rposition(|byte| *byte == b'/');
        &self.path[slash.map_or(0, |at| at + 1)..]
    }

    fn is_regular(&self) -> bool {
        self.side.mode & 0o170_000 == 0o100_000
    }
}

/// Pairs the new files of one comparison with those that they come from, in the order of the new files.
///
/// # Errors
/// When the time is over.
pub(super) fn find(
    halves: &Halves,
    contents: &impl Contents,
    deadline: &Deadline,
) -> Result<(Vec<Pair>, Extent), GitError> {
    let is_target = |half: &Half| half.status == ChangeStatus::Added;
    let is_source = |half: &Half| {
        use ChangeStatus::{Deleted, Modified, TypeChanged};
        matches!(half.status, Deleted | Modified | TypeChanged)
    };
    if !halves.values().any(is_target) || !halves.values().any(is_source) {
        return Ok((Vec::new(), Extent::default()));
    }
    let (mut targets, mut sources) = (Vec::new(), Vec::new());
    for (path, half) in halves {
        deadline.check()?;
        if is_target(half) {
            targets.extend(File::of(path, half, half.new, contents));
        } else if is_source(half) {
            sources.extend(File::of(path, half, half.old, contents));
        }
    }
    let mut pairing = Pairing::new(targets, sources);
    pairing.same_content();
    let extent = pairing.most_alike(contents, deadline)?;
    Ok((pairing.pairs(), extent))
}

/// Who comes from whom, as far as it is known.
struct Pairing<'a> {
    targets: Vec<File<'a>>,
    sources: Vec<File<'a>>,
    /// For each source, how many files have its content now.
    users: Vec<usize>,
    /// For each target, where it comes from.
    chosen: Vec<Option<usize>>,
}

impl<'a> Pairing<'a> {
    fn new(targets: Vec<File<'a>>, sources: Vec<File<'a>>) -> Self {
        // Whoever is still there has a user already: all others are copies of it.
        let is_there = |source: &File<'_>| source.half.status != ChangeStatus::Deleted;
        Self {
            users: sources.iter().map(is_there).map(usize::from).collect(),
            chosen: vec![None; targets.len()],
            targets,
            sources,
        }
    }

    fn choose(&mut self, to: usize, from: usize) {
        self.users[from] += 1;
        self.chosen[to] = Some(from);
    }

    /// Sources that nobody uses come first, then those of the same name.
    fn same_content(&mut self) {
        let mut by_id: HashMap<Oid, Vec<usize>> = HashMap::new();
        for (at, source) in self.sources.iter().enumerate() {
            by_id.entry(source.id).or_default().push(at);
        }
        for to in 0..self.targets.len() {
            let target = &self.targets[to];
            let mut best: Option<(u8, usize)> = None;
            for from in by_id.get(&target.id).into_iter().flatten().take(MAX_SAME) {
                let source = &self.sources[*from];
                let is_one_kind = source.is_regular() && target.is_regular();
                if !is_one_kind && source.side.mode != target.side.mode {
                    continue;
                }
                let is_unused = self.users[*from] == 0;
                let score = u8::from(is_unused) + u8::from(source.name() == target.name());
                if best.is_none_or(|(best, _)| score > best) {
                    best = Some((score, *from));
                }
            }
            if let Some((_, from)) = best {
                self.choose(to, from);
            }
        }
    }

    /// What is alike, of all that it is worth the time to compare.
    fn most_alike(
        &mut self,
        contents: &impl Contents,
        deadline: &Deadline,
    ) -> Result<Extent, GitError> {
        let mut likeness = Likeness::new(contents, deadline);
        let (targets, sources) = (self.open(), self.sources.len());
        if targets.is_empty() {
            return Ok(Extent::Copies);
        }
        if sources <= MAX_COPY_SOURCES && targets.len() * sources <= MAX_COPY_PAIRS {
            let matches = likeness.best(self, &targets, &(0..sources).collect::<Vec<_>>())?;
            for may_copy in [false, true] {
                for (to, from) in &matches {
                    if self.chosen[*to].is_none() && (may_copy || self.users[*from] == 0) {
                        self.choose(*to, *from);
                    }
                }
            }
            return Ok(Extent::Copies);
        }
        for (to, from) in likeness.of_same_name(self, &targets, &self.unused())? {
            self.choose(to, from);
        }
        let (targets, sources) = (self.open(), self.unused());
        if targets.len() * sources.len() > MAX_PAIRS {
            return Ok(Extent::Names);
        }
        for (to, from) in likeness.best(self, &targets, &sources)? {
            if self.chosen[to].is_none() && self.users[from] == 0 {
                self.choose(to, from);
            }
        }
        Ok(Extent::Renames)
    }

    /// The targets of which it is not known where they come from.
    fn open(&self) -> Vec<usize> {
        let all = 0..self.targets.len();
        all.filter(|at| self.chosen[*at].is_none()).collect()
    }

    /// The sources that are gone, as far as it is known.
    fn unused(&self) -> Vec<usize> {
        let all = 0..self.sources.len();
        all.filter(|at| self.users[*at] == 0).collect()
    }

    fn pairs(mut self) -> Vec<Pair> {
        let mut pairs = Vec::new();
        for (target, chosen) in self.targets.iter().zip(self.chosen) {
            let Some(source) = chosen else { continue };
            self.users[source] -= 1;
            // The last user takes the file along.
            let status = match self.users[source] {
                0 => ChangeStatus::Renamed,
                _ => ChangeStatus::Copied,
            };
            let source = &self.sources[source];
            pairs.push(Pair {
                path: target.path.to_vec(),
                from: source.path.to_vec(),
                half: Half {
                    status,
                    old: source.half.old,
                    new: target.half.new,
                },
            });
        }
        pairs
    }
}
