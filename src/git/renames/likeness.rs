//! What the files of a comparison are like. Each is read once, by whichever thread is free, and what it is made of is kept as
//! long as there is room.

use std::collections::{BTreeMap, HashMap};

use super::{Contents, File, Pairing};
use crate::git::deadline::Deadline;
use crate::git::similarity::{MAX_SCORE, MIN_SCORE, Pieces, may_be_alike};
use crate::git::{GitError, counts, threads};

/// Three quarters of a file are the same: what Git asks of two files because they have the same name.
const MIN_SCORE_OF_NAMES: u64 = (MIN_SCORE + MAX_SCORE) / 2;

/// Largest file that is compared by what it is like.
const MAX_BYTES: u64 = 8 << 20;

/// What the comparison may read and keep of all files; four bytes of it stand for a line or so.
const MAX_TOTAL_BYTES: u64 = 256 << 20;

/// As many of the best sources are remembered for each new file.
const CANDIDATES: usize = 4;

/// How well a source suits: by likeness, then by name.
type Score = (u64, bool);

/// See the module.
pub(super) struct Likeness<'a, C> {
    contents: &'a C,
    deadline: &'a Deadline,
    budget: u64,
    targets: Known,
    sources: Known,
}

/// What is known of some files.
#[derive(Default)]
struct Known {
    sizes: BTreeMap<usize, u64>,
    /// None for what cannot be read.
    pieces: BTreeMap<usize, Option<Pieces>>,
}

impl Known {
    fn look(&mut self, files: &[File<'_>], which: &[usize], contents: &impl Contents) {
        for at in which {
            let (file, size) = (&files[*at], self.sizes.entry(*at));
            size.or_insert_with(|| file.size.unwrap_or_else(|| contents.size(file.id)));
        }
    }

    fn pieces(&self, at: usize) -> Option<&Pieces> {
        self.pieces.get(&at)?.as_ref()
    }
}

impl<'a, C: Contents> Likeness<'a, C> {
    pub(super) fn new(contents: &'a C, deadline: &'a Deadline) -> Self {
        Self {
            contents,
            deadline,
            budget: MAX_TOTAL_BYTES,
            targets: Known::default(),
            sources: Known::default(),
        }
    }

    /// Targets and sources that alone have their name and are alike.
    pub(super) fn of_same_name(
        &mut self,
        files: &Pairing<'_>,
        targets: &[usize],
        sources: &[usize],
    ) -> Result<Vec<(usize, usize)>, GitError> {
        let names = alone(&files.targets, targets);
        let named = alone(&files.sources, sources).into_iter();
        let mut pairs: Vec<(usize, usize)> = named
            .filter_map(|(name, from)| Some((*names.get(name)?, from)))
            .collect();
        pairs.sort_unstable();
        let (to, from): (Vec<usize>, Vec<usize>) = pairs.iter().copied().unzip();
        self.load(files, &to, &from)?;
        pairs.retain(|(to, from)| {
            let score = self.score(*to, *from);
            score.is_some_and(|score| score >= MIN_SCORE_OF_NAMES)
        });
        Ok(pairs)
    }

    /// The pairs that are half alike, the most alike ones first. Of each target only the best few.
    pub(super) fn best(
        &mut self,
        files: &Pairing<'_>,
        targets: &[usize],
        sources: &[usize],
    ) -> Result<Vec<(usize, usize)>, GitError> {
        self.load(files, targets, sources)?;
        let likeness = &*self;
        let found = threads::map(targets, |to| {
            likeness.deadline.check()?;
            let mut best: Vec<(Score, usize)> = Vec::with_capacity(CANDIDATES);
            for from in sources {
                if let Some(score) = likeness.score(*to, *from) {
                    let has_name = files.sources[*from].name() == files.targets[*to].name();
                    remember(&mut best, ((score, has_name), *from));
                }
            }
            Ok::<_, GitError>(best)
        });
        let mut matches: Vec<(Score, usize, usize)> = Vec::new();
        for (to, best) in targets.iter().zip(found) {
            matches.extend(best?.into_iter().map(|(score, from)| (score, *to, from)));
        }
        matches.retain(|((score, _), ..)| *score >= MIN_SCORE);
        // Stable: what is equally alike stays in the order of the paths.
        matches.sort_by_key(|(score, ..)| std::cmp::Reverse(*score));
        Ok(matches
            .into_iter()
            .map(|(_, to, from)| (to, from))
            .collect())
    }

    /// Reads those of some files that have the size of another side's, as far as there is room. Which these are does not
    /// depend on the number of threads.
    fn load(
        &mut self,
        files: &Pairing<'_>,
        targets: &[usize],
        sources: &[usize],
    ) -> Result<(), GitError> {
        let regular = |files: &[File<'_>], which: &[usize]| -> Vec<usize> {
            let which = which.iter().copied();
            which.filter(|at| files[*at].is_regular()).collect()
        };
        let targets = regular(&files.targets, targets);
        let sources = regular(&files.sources, sources);
        self.targets.look(&files.targets, &targets, self.contents);
        self.sources.look(&files.sources, &sources, self.contents);
        self.deadline.check()?;
        let new = self.wanted(&self.targets, &targets, &self.sources, &sources);
        let old = self.wanted(&self.sources, &sources, &self.targets, &targets);
        let new = new.into_iter().map(|(at, size)| (true, at, size));
        let old = old.into_iter().map(|(at, size)| (false, at, size));
        let mut wanted: Vec<(bool, usize, u64)> = new.chain(old).collect();
        wanted.retain(|(.., size)| {
            let rest = self.budget.checked_sub(*size);
            self.budget = rest.unwrap_or(self.budget);
            rest.is_some()
        });
        let (contents, deadline) = (self.contents, self.deadline);
        let read = threads::map(&wanted, |(is_target, at, _)| {
            deadline.check()?;
            let files = if *is_target {
                &files.targets
            } else {
                &files.sources
            };
            let bytes = contents.read(files[*at].path, files[*at].side);
            Ok::<_, GitError>(bytes.map(|bytes| Pieces::of(&bytes, !counts::is_binary(&bytes))))
        });
        for ((is_target, at, _), pieces) in wanted.into_iter().zip(read) {
            let known = if is_target {
                &mut self.targets
            } else {
                &mut self.sources
            };
            known.pieces.insert(at, pieces?);
        }
        Ok(())
    }

    /// Those of `which` that were not read yet and may be like one of the others, with their sizes.
    fn wanted(
        &self,
        known: &Known,
        which: &[usize],
        others: &Known,
        among: &[usize],
    ) -> Vec<(usize, u64)> {
        let other_sizes: Vec<u64> = among.iter().map(|at| others.sizes[at]).collect();
        let which = which.iter().map(|at| (*at, known.sizes[at]));
        which
            .filter(|(at, size)| *size <= MAX_BYTES && !known.pieces.contains_key(at))
            .filter(|(_, size)| other_sizes.iter().any(|other| may_be_alike(*size, *other)))
            .collect()
    }

    /// How alike two files are; none when they cannot be half alike, or were not read.
    fn score(&self, to: usize, from: usize) -> Option<u64> {
        let (new, old) = (self.targets.pieces(to)?, self.sources.pieces(from)?);
        may_be_alike(old.size(), new.size()).then(|| old.score(new))
    }
}

/// Those of `among` that alone have their name, by it.
fn alone<'a>(files: &[File<'a>], among: &[usize]) -> HashMap<&'a [u8], usize> {
    let mut names: HashMap<&[u8], Option<usize>> = HashMap::new();
    for at in among {
        let place = names.entry(files[*at].name());
        place.and_modify(|at| *at = None).or_insert(Some(*at));
    }
    let alone = names.into_iter();
    alone.filter_map(|(name, at)| Some((name, at?))).collect()
}

/// Keeps the best few; of equals the earlier ones.
fn remember(best: &mut Vec<(Score, usize)>, candidate: (Score, usize)) {
    if best.len() < CANDIDATES {
        best.push(candidate);
        return;
    }
    let worst = (0..best.len()).min_by_key(|at| best[*at].0);
    if let Some(worst) = worst
        && best[worst].0 < candidate.0
    {
        best[worst] = candidate;
    }
}
