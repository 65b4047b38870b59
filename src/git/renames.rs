//! Renames and copies: which new files come from which others. It follows Git's rules (`-M -C` with 50 %): the same
//! content first, then the most alike pair first; a file that is still there, or that others took already, is copied.

use std::collections::BTreeMap;

use git2::Oid;

use super::changes::Deadline;
use super::rows::{Half, Halves, Side};
use super::similarity::{MIN_SCORE, Pieces, may_be_alike};
use super::{GitError, counts};
use crate::domain::report::ChangeStatus;

/// So many on either side are compared with each other, as `diff.renameLimit` has it. With more, only the same content
/// counts.
const MAX_PAIRS: usize = 1_000 * 1_000;

/// Largest file that is compared by what it is like.
const MAX_BYTES: u64 = 8 << 20;

/// What the comparison may keep of all files; four bytes of it stand for a line or so.
const MAX_TOTAL_BYTES: u64 = 256 << 20;

/// As many of the best sources are remembered for each new file.
const CANDIDATES: usize = 4;

/// As many files of the same content are tried for one new file.
const MAX_SAME: usize = 100;

/// A new file and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pair {
    pub path: Vec<u8>,
    pub from: Vec<u8>,
    pub half: Half,
}

/// Where the contents are.
pub(super) trait Contents {
    /// Id and size of what stands on one side of `path`.
    fn identity(&self, path: &[u8], side: Side) -> Option<(Oid, u64)>;
    /// The content itself.
    fn read(&self, path: &[u8], side: Side) -> Option<Vec<u8>>;
}

struct File<'a> {
    path: &'a [u8],
    side: Side,
    id: Oid,
    size: u64,
    pieces: Option<Pieces>,
}

impl<'a> File<'a> {
    fn of(path: &'a [u8], side: Side, contents: &impl Contents) -> Option<Self> {
        let (id, size) = contents.identity(path, side)?;
        Some(Self {
            path,
            side,
            id,
            size,
            pieces: None,
        })
    }

    fn name(&self) -> &[u8] {
        let slash = self.path.iter().rposition(|byte| *byte == b'/');
        &self.path[slash.map_or(0, |at| at + 1)..]
    }

    fn is_regular(&self) -> bool {
        self.side.mode & 0o170_000 == 0o100_000
    }

    fn load(&mut self, contents: &impl Contents, budget: &mut u64) {
        if self.pieces.is_some() || self.size > MAX_BYTES || self.size > *budget {
            return;
        }
        let Some(bytes) = contents.read(self.path, self.side) else {
            return;
        };
        *budget -= self.size;
        self.pieces = Some(Pieces::of(&bytes, !counts::is_binary(&bytes)));
    }
}

/// Pairs the new files of one comparison with those that they come from. In the order of the new files.
pub(super) fn find(
    halves: &Halves,
    contents: &impl Contents,
    deadline: &Deadline,
) -> Result<Vec<Pair>, GitError> {
    let is_target = |half: &Half| half.status == ChangeStatus::Added;
    let is_source = |half: &Half| {
        use ChangeStatus::{Deleted, Modified, TypeChanged};
        matches!(half.status, Deleted | Modified | TypeChanged)
    };
    if !halves.values().any(is_target) || !halves.values().any(is_source) {
        return Ok(Vec::new());
    }
    let mut targets: Vec<(File<'_>, &Half)> = Vec::new();
    let mut sources: Vec<(File<'_>, &Half)> = Vec::new();
    for (path, half) in halves {
        deadline.check()?;
        if is_target(half) {
            targets.extend(File::of(path, half.new, contents).map(|file| (file, half)));
        } else if is_source(half) {
            sources.extend(File::of(path, half.old, contents).map(|file| (file, half)));
        }
    }
    // Whoever is still there has a user already: all others are copies of it.
    let mut users: Vec<usize> = sources
        .iter()
        .map(|(_, half)| usize::from(half.status != ChangeStatus::Deleted))
        .collect();
    let mut chosen: Vec<Option<usize>> = vec![None; targets.len()];
    same_content(&targets, &sources, &mut users, &mut chosen);
    most_alike(
        &mut targets,
        &mut sources,
        &mut users,
        &mut chosen,
        contents,
        deadline,
    )?;

    let mut pairs = Vec::new();
    for ((target, half), chosen) in targets.iter().zip(chosen) {
        let Some(source) = chosen else { continue };
        users[source] -= 1;
        // The last user takes the file along.
        let status = match users[source] {
            0 => ChangeStatus::Renamed,
            _ => ChangeStatus::Copied,
        };
        pairs.push(Pair {
            path: target.path.to_vec(),
            from: sources[source].0.path.to_vec(),
            half: Half {
                status,
                old: sources[source].1.old,
                new: half.new,
            },
        });
    }
    Ok(pairs)
}

/// Sources that nobody uses come first, then those of the same name.
fn same_content(
    targets: &[(File<'_>, &Half)],
    sources: &[(File<'_>, &Half)],
    users: &mut [usize],
    chosen: &mut [Option<usize>],
) {
    let mut by_id: BTreeMap<Oid, Vec<usize>> = BTreeMap::new();
    for (at, (source, _)) in sources.iter().enumerate() {
        by_id.entry(source.id).or_default().push(at);
    }
    for ((target, _), chosen) in targets.iter().zip(chosen) {
        let mut best: Option<(u8, usize)> = None;
        for at in by_id.get(&target.id).into_iter().flatten().take(MAX_SAME) {
            let (source, _) = &sources[*at];
            let is_one_kind = source.is_regular() && target.is_regular();
            if !is_one_kind && source.side.mode != target.side.mode {
                continue;
            }
            let score = u8::from(users[*at] == 0) + u8::from(source.name() == target.name());
            if best.is_none_or(|(best, _)| score > best) {
                best = Some((score, *at));
            }
        }
        if let Some((_, at)) = best {
            users[at] += 1;
            *chosen = Some(at);
        }
    }
}

/// How well a source suits: by likeness, then by name.
type Score = (u64, bool);

fn most_alike(
    targets: &mut [(File<'_>, &Half)],
    sources: &mut [(File<'_>, &Half)],
    users: &mut [usize],
    chosen: &mut [Option<usize>],
    contents: &impl Contents,
    deadline: &Deadline,
) -> Result<(), GitError> {
    let open = chosen.iter().filter(|chosen| chosen.is_none()).count();
    if open * sources.len() > MAX_PAIRS {
        return Ok(());
    }
    let mut budget = MAX_TOTAL_BYTES;
    let mut matches: Vec<(Score, usize, usize)> = Vec::new();
    for (to, (target, _)) in targets.iter_mut().enumerate() {
        if chosen[to].is_some() || !target.is_regular() {
            continue;
        }
        deadline.check()?;
        let mut best: Vec<(Score, usize)> = Vec::with_capacity(CANDIDATES);
        for (from, (source, _)) in sources.iter_mut().enumerate() {
            if !source.is_regular() || !may_be_alike(source.size, target.size) {
                continue;
            }
            target.load(contents, &mut budget);
            source.load(contents, &mut budget);
            let (Some(new), Some(old)) = (&target.pieces, &source.pieces) else {
                continue;
            };
            let score = (old.score(new), source.name() == target.name());
            remember(&mut best, (score, from));
        }
        if target.pieces.take().is_some() {
            budget += target.size;
        }
        matches.extend(best.into_iter().map(|(score, from)| (score, to, from)));
    }
    matches.retain(|((score, _), ..)| *score >= MIN_SCORE);
    // Stable: what is equally alike stays in the order of the paths.
    matches.sort_by_key(|(score, ..)| std::cmp::Reverse(*score));
    for may_copy in [false, true] {
        for (_, to, from) in &matches {
            if chosen[*to].is_none() && (may_copy || users[*from] == 0) {
                users[*from] += 1;
                chosen[*to] = Some(*from);
            }
        }
    }
    Ok(())
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
