//! Which files an assignment may change, and whether two assignments may meet in one file. Pure; no path is looked at.
//!
//! An entry of an assignment's `files` is a path from the repository's root; a `/` at the end, or a wildcard as in
//! `domain::rules`, makes it stand for many files. A path without a wildcard that names a folder covers what is below it.
//! A name with brackets (`app/[id]/page.tsx`) is that name first, and a pattern besides.
//!
//! Plans come from strangers, and comparing patterns costs: [`Budget`] bounds the work, and who runs out of it must take
//! the careful answer.

use super::rules::{PathPattern, PatternSet};
use std::cell::OnceCell;

/// Why an entry is no path inside the repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotInside {
    /// It starts at the machine's root, at a drive or at a home.
    Absolute,
    /// It contains `..`.
    Parent,
    /// It lies in Git's own folder.
    Git,
    /// It says nothing.
    Empty,
    /// It is neither a path nor a pattern.
    Unreadable,
}

/// How much work may still be spent. One unit is about ten nanoseconds.
#[derive(Debug, Clone)]
pub struct Budget {
    left: usize,
}

/// What a plan may cost: some ten milliseconds, and far more than any plan that a person can read needs.
const PLAN: usize = 2_000_000;
/// What reading an entry costs.
const PARSE: usize = 200;
/// What compiling a pattern costs.
const COMPILE: usize = 3_000;
/// What matching a path costs.
const MATCH: usize = 100;

impl Budget {
    /// Enough for one plan.
    pub fn for_a_plan() -> Self {
        Self { left: PLAN }
    }

    /// Enough for this many units.
    pub fn new(units: usize) -> Self {
        Self { left: units }
    }

    /// Takes the price of something, if it is there.
    pub fn spend(&mut self, units: usize) -> bool {
        match self.left.checked_sub(units) {
            Some(left) => {
                self.left = left;
                true
            }
            None => {
                self.left = 0;
                false
            }
        }
    }
}

/// One entry of an assignment's files.
#[derive(Debug)]
pub struct Claim {
    text: String,
    /// As it stands in a pattern: from the root, or for any depth.
    pattern: PathPattern,
    set: OnceCell<PatternSet>,
}

/// Whether two assignments may meet.
#[derive(Debug, Clone, Copy)]
pub enum Meeting<'a> {
    /// In no file.
    Never,
    /// In what these two stand for.
    In(&'a Claim, &'a Claim),
    /// There was too much to compare; they may.
    Unknown,
}

impl Claim {
    /// As it stands among the patterns of `domain::rules`.
    pub fn pattern(&self) -> &PathPattern {
        &self.pattern
    }

    /// Reads an entry.
    ///
    /// # Errors
    /// When it is no path inside the repository.
    pub fn parse(text: &str) -> Result<Self, NotInside> {
        let trimmed = text.trim();
        let bytes = trimmed.as_bytes();
        let has_drive = bytes.len() > 1 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':';
        if trimmed.starts_with(['/', '\\', '~']) || has_drive || trimmed.contains("://") {
            return Err(NotInside::Absolute);
        }
        let parts = || trimmed.split(['/', '\\']);
        if parts().any(|part| part == "..") {
            return Err(NotInside::Parent);
        }
        if parts().any(|part| part.eq_ignore_ascii_case(".git")) {
            return Err(NotInside::Git);
        }
        if trimmed.is_empty() {
            return Err(NotInside::Empty);
        }
        let body = trimmed.trim_start_matches("./");
        // The whole repository, written as people write it.
        let body = if body.is_empty() || body == "." {
            "**"
        } else {
            body
        };
        // Brackets and braces are parts of real names; only these say that any place is meant.
        let is_wild = body.contains(['*', '?']);
        let expression = if is_wild || body.starts_with('/') {
            body.to_owned()
        } else {
            format!("/{body}")
        };
        let pattern = PathPattern::parse(&expression)
            .or_else(|_| PathPattern::spelling(&expression))
            .map_err(|_| NotInside::Unreadable)?;
        Ok(Self {
            text: trimmed.to_owned(),
            pattern,
            set: OnceCell::new(),
        })
    }

    /// The entry as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The path that it names, when it has no wildcard. A `/` at the end says that it is a folder.
    pub fn literal(&self) -> Option<String> {
        let folder = if self.is_folder() { "/" } else { "" };
        self.pattern
            .literal()
            .map(|literal| format!("{literal}{folder}"))
    }

    fn is_folder(&self) -> bool {
        self.text.ends_with('/')
    }

    /// What every file that a pattern finds ends with: `.rs` of `**/*.rs`. A name without a dot may be a folder, and says
    /// nothing about what is below it.
    fn ending(&self) -> &str {
        let wild = ['*', '?', ']', '}', '/', '\\'];
        let end = self.text.rsplit(wild).next().unwrap_or_default();
        if end.contains('.') { end } else { "" }
    }

    /// What it covers; `None` when the budget does not allow for finding out.
    pub fn set(&self, budget: &mut Budget) -> Option<&PatternSet> {
        if self.set.get().is_none() {
            if !budget.spend(COMPILE) {
                return None;
            }
            let set = PatternSet::new(vec![self.pattern.clone()]).ok()?;
            // Nobody else can have filled it meanwhile: the cell is not shared between threads.
            self.set.get_or_init(|| set);
        }
        self.set.get()
    }

    /// Whether both may stand for one file. Two wildcards are compared by what they start with, on the safe side.
    fn meets(&self, other: &Self, budget: &mut Budget) -> Option<bool> {
        if !budget.spend(1) {
            return None;
        }
        // Names such as `app/[id]/page.tsx` read as wildcards; equal texts are one file all the same.
        if self.text == other.text {
            return Some(true);
        }
        match (self.pattern.literal(), other.pattern.literal()) {
            (Some(left), Some(right)) => Some(is_within(left, right) || is_within(right, left)),
            (None, None) => {
                let (left, right) = (self.pattern.prefix(), other.pattern.prefix());
                let (left_end, right_end) = (self.ending(), other.ending());
                Some(
                    (left.starts_with(right) || right.starts_with(left))
                        && (left_end.ends_with(right_end) || right_end.ends_with(left_end)),
                )
            }
            (Some(_), None) => other.finds(self, budget),
            (None, Some(_)) => self.finds(other, budget),
        }
    }

    /// Whether this pattern may find the plain path `other`, or something below it.
    fn finds(&self, other: &Self, budget: &mut Budget) -> Option<bool> {
        let path = other.literal().unwrap_or_default();
        let folder = format!("{}/", path.trim_end_matches('/'));
        let prefix = self.pattern.prefix();
        // A folder holds whatever a pattern finds below it; a pattern for any depth may find something there.
        if prefix.starts_with(&folder) || (other.is_folder() && folder.starts_with(prefix)) {
            return Some(true);
        }
        let set = self.set(budget)?;
        budget.spend(MATCH).then(|| set.is_match(path.as_bytes()))
    }
}

/// Whether `inner` is `outer` or lies below it.
fn is_within(inner: &str, outer: &str) -> bool {
    inner
        .strip_prefix(outer)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// What one assignment may change.
#[derive(Debug)]
pub struct Claims {
    entries: Vec<Claim>,
    /// Whether there were more entries than the budget allowed to read.
    cut: bool,
}

impl Claims {
    /// Reads a list; entries that are no path inside the repository claim nothing.
    pub fn of(files: &[String], budget: &mut Budget) -> Self {
        let mut entries = Vec::new();
        for file in files {
            if !budget.spend(PARSE) {
                return Self { entries, cut: true };
            }
            entries.extend(Claim::parse(file));
        }
        Self {
            entries,
            cut: false,
        }
    }

    /// Whether both may meet in one file.
    pub fn meeting<'a>(&'a self, other: &'a Self, budget: &mut Budget) -> Meeting<'a> {
        for left in &self.entries {
            for right in &other.entries {
                match left.meets(right, budget) {
                    Some(false) => {}
                    Some(true) => return Meeting::In(left, right),
                    None => return Meeting::Unknown,
                }
            }
        }
        match self.cut || other.cut {
            true => Meeting::Unknown,
            false => Meeting::Never,
        }
    }
}
