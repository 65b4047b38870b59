//! The last report of the working tree, which stands as long as it can be shown that a new one would say the same: nothing
//! happened in any folder that was read, and what lies outside of the tree is as it was. Whatever cannot be shown is read
//! again, from the beginning. A review and the commit gate never ask here.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::judging::{InForce, RulesCache};
use super::owners::Owners;
use super::reading::{Reading, read};
use super::report::{Name, ReportError, ReportRequest, compose, judge};
use crate::domain::language::Language;
use crate::domain::report::judges::Judges;
use crate::domain::report::{Report, ReportMode};
use crate::git::changes::{Deadline, Scope};
use crate::git::surroundings::Surroundings;
use crate::git::watch::Watch;
use crate::git::{GitError, Repo};

/// The longest that a report stands. What the kernel does not tell, writes through mapped memory above all, is seen after
/// this time; ten times as long would be longer than a person believes a page.
const MAX_AGE: Duration = Duration::from_secs(60);

/// How long it is believed that watching is of no use in a repository. To find that out can cost as much as the pass itself.
const RETRY: Duration = Duration::from_secs(600);

/// Largest report that is kept. Larger ones take memory for as long as they stand, and nobody reads them twice.
const MAX_CHANGES: usize = 20_000;

/// See the module. It starts nothing by itself; the first report does.
#[derive(Default)]
pub struct ReportCache(Mutex<Cached>);

#[derive(Default)]
struct Cached {
    rules_cache: RulesCache,
    watch: Option<Arc<Watch>>,
    last: Option<Last>,
    /// Until when it is of no use to watch.
    useless_until: Option<Instant>,
    readings: u64,
}

struct Last {
    reading: Reading,
    /// What was said of it the last time, in which language.
    said: (Language, Arc<Report>),
    depends_on: Dependencies,
    read_at: Instant,
}

/// What a report of the working tree depends on beside the tree.
#[derive(PartialEq, Eq)]
struct Dependencies {
    surroundings: Surroundings,
    /// May lie in a folder that is not read, because it is ignored.
    owners: String,
    /// Names the rules: what they find, and where they are from.
    rules: (String, Judges),
}

impl Dependencies {
    fn read(repo: &Repo, rules: &InForce, deadline: &Deadline) -> Result<Self, GitError> {
        Ok(Self {
            surroundings: repo.surroundings()?,
            owners: Owners::read(repo, ReportMode::Worktree, deadline)?.digest(),
            rules: (rules.governance.digest().to_owned(), rules.judges.clone()),
        })
    }
}

/// A report that was made now, or one that stands, with an id and a time of its own.
pub(crate) struct Told {
    pub made: Arc<Report>,
    /// None for what was made now, which has its own.
    pub renamed: Option<Name>,
}

impl From<Report> for Told {
    fn from(made: Report) -> Self {
        Self {
            made: Arc::new(made),
            renamed: None,
        }
    }
}

impl Told {
    /// The report by itself.
    pub(crate) fn into_report(self) -> Report {
        let made = Arc::unwrap_or_clone(self.made);
        match self.renamed {
            Some(Name { id, generated_at }) => Report {
                id,
                generated_at,
                ..made
            },
            None => made,
        }
    }
}

impl ReportCache {
    /// As [`judge`]: the report that stands, with an id and a time of its own, or a new one.
    ///
    /// # Errors
    /// When the repository cannot be read.
    pub fn report(&self, root: &Path, request: &ReportRequest) -> Result<Report, ReportError> {
        Ok(self.tell(root, request)?.into_report())
    }

    /// The same, without a copy of what stands.
    pub(crate) fn tell(&self, root: &Path, request: &ReportRequest) -> Result<Told, ReportError> {
        let mut cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if request.mode != ReportMode::Worktree {
            return Ok(judge(root, &mut cached.rules_cache, request)?.into());
        }
        let deadline = Deadline::after(request.time_limit);
        let repo = Repo::open(root)?;
        let rules = cached.rules_cache.rules(&repo, None)?;
        let depends_on = Dependencies::read(&repo, &rules, &deadline)?;
        if let Some(last) = cached.standing(&depends_on) {
            if last.said.0 != request.language {
                let report = compose(&last.reading, &rules, request, &deadline)?;
                last.said = (request.language, Arc::new(report));
            }
            return Ok(Told {
                made: Arc::clone(&last.said.1),
                renamed: Some(Name::new()),
            });
        }
        cached.last = None;
        cached.readings += 1;
        let Some(watch) = cached.begin(root) else {
            return Ok(judge(root, &mut cached.rules_cache, request)?.into());
        };
        let read_at = Instant::now();
        let scope = (request.mode, &Scope::Worktree);
        let reading = read(root, &rules.governance, scope, Some(&watch), &deadline)?;
        if !reading.is_judged_by(&rules, request.mode) {
            // Somebody committed meanwhile.
            return Ok(judge(root, &mut cached.rules_cache, request)?.into());
        }
        let told = Told::from(compose(&reading, &rules, request, &deadline)?);
        if let Some(doubt) = watch.doubts() {
            tracing::debug!(%doubt, "reports are made anew each time");
            cached.give_up();
        } else if reading.changes.rows.len() <= MAX_CHANGES {
            cached.last = Some(Last {
                said: (request.language, Arc::clone(&told.made)),
                reading,
                depends_on,
                read_at,
            });
        }
        Ok(told)
    }

    /// How often the working tree was read.
    pub fn readings(&self) -> u64 {
        let cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        cached.readings
    }
}

impl Cached {
    /// The last one, if a new one would be the same.
    fn standing(&mut self, depends_on: &Dependencies) -> Option<&mut Last> {
        let last = self.last.as_mut()?;
        let is_quiet = self.watch.as_ref()?.is_quiet();
        let stands = is_quiet && last.depends_on == *depends_on && last.read_at.elapsed() < MAX_AGE;
        stands.then_some(last)
    }

    /// A watch for a pass that begins now; none where watching is of no use.
    fn begin(&mut self, root: &Path) -> Option<Arc<Watch>> {
        if self
            .useless_until
            .is_some_and(|until| Instant::now() < until)
        {
            return None;
        }
        if self.watch.as_ref().is_none_or(|watch| !watch.begin()) {
            // The old one first: what a person may watch is counted.
            self.watch = None;
            match Watch::new(root) {
                Ok(watch) => self.watch = Some(Arc::new(watch)),
                Err(doubt) => {
                    tracing::debug!(%doubt, "reports are made anew each time");
                    self.give_up();
                }
            }
        }
        self.watch.clone()
    }

    fn give_up(&mut self) {
        self.watch = None;
        self.last = None;
        self.useless_until = Some(Instant::now() + RETRY);
    }
}
