//! Reads the repository in a child process that cannot take more than its share: a hostile repository may make it slow,
//! large or broken, and then there is a sentence instead of a report. The child is this program. A command asks one once; a
//! server keeps one, which remembers what [`crate::governance::report_cache`] remembers, and starts another when it has ended.

mod child;
mod written;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::domain::report::FailOn;
use crate::domain::review::GitId;
use crate::domain::sentence::say;
use crate::gate::commits::{Memory, Scan};
use crate::gate::notes::Committed;
use crate::gate::observe::{Moment, Observation};
use crate::gate::review::{Review, SnapshotEntry, Wanted};
use crate::gate::strictness::Statements;
use crate::git::hooks::HooksFolder;
use crate::git::snapshot::Snapshot;
use crate::git::{GitError, Head};
use crate::governance::entries::Entry;
use crate::governance::judging::CommittedFile;
use crate::governance::render::{Format, Part};
use crate::governance::report::{DEFAULT_TIME_LIMIT, ReportError, ReportRequest};
use crate::process::confined::{Answer, Confined, Fault, Limits};

pub use child::serve;

/// Name of the hidden command that the child runs.
pub const COMMAND: &str = "reader";

/// What a child may take. A report of a hundred thousand files takes 37 MB, an index of a million files a quarter of the
/// memory. The time is what two processors can do until the child is killed: it is for one that nobody can kill any more.
const LIMITS: Limits = Limits {
    memory_bytes: 1 << 30,
    open_files: 1024,
    processor_time: DEFAULT_TIME_LIMIT.saturating_mul(2),
};

/// The child gives up by itself, and says at what, when it can look at the clock; when it cannot, it is killed so much later.
const GRACE: Duration = Duration::from_secs(1);

/// What a child is asked.
#[derive(Debug, Serialize, Deserialize)]
enum Question {
    /// What the commit gate has to know.
    Look {
        /// The index that Git named.
        index: Option<OsString>,
        moment: Moment,
    },
    /// A report in one form.
    Report {
        request: ReportRequest,
        format: Format,
    },
    /// A report for a person's terminal.
    Print(Print),
    /// What the entries of an assignment's files stand for.
    Entries { files: Vec<String> },
    /// Whether it can be opened, and what HEAD has for rules.
    Open,
    /// Where HEAD stands.
    Head,
    /// What the hooks depend on.
    Hooks,
    /// The trees that a transaction moves branches to.
    Moved { lines: String },
    /// Which commits came.
    Commits {
        known: Option<GitId>,
        noted: Vec<Committed>,
        memory: Memory,
    },
    /// What stands in the working tree.
    Snapshot,
    /// Where two of these differ.
    Changed { before: Snapshot, after: Snapshot },
    /// What is staged, for a person.
    Review {
        request: ReportRequest,
        wanted: Option<Wanted>,
        seen: BTreeSet<SnapshotEntry>,
    },
}

/// A report as a command prints it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Print {
    /// About what.
    pub request: ReportRequest,
    /// In which form.
    pub format: Format,
    /// What of it.
    pub part: Part,
    /// What makes the command fail.
    pub fail_on: FailOn,
}

/// What came of a [`Print`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Printed {
    /// The report.
    pub text: String,
    /// 1 when a finding makes the command fail, else 0.
    pub code: u8,
}

/// What Git and the committed `governance.yaml` say about the hooks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HooksGround {
    /// Where they are.
    pub folder: HooksFolder,
    /// What is said about the gate.
    pub statements: Statements,
}

/// Why the repository was not read. Display is a sentence without a beginning or an end.
#[derive(Debug, thiserror::Error, Serialize, Deserialize)]
pub enum ReadError {
    /// The repository does not know the base.
    #[error("{0}")]
    UnknownRevision(String),
    /// It cannot be read, and this is why.
    #[error("{0}")]
    Refused(String),
    /// The child gave no answer.
    #[error("{}", say!("reason.reader.no_answer", why = .0))]
    #[serde(skip)]
    NoAnswer(#[from] Fault),
    /// The program on disk is another one than this.
    #[error("{}", say!("reason.reader.other_version", why = .0))]
    #[serde(skip)]
    Nonsense(#[from] serde_json::Error),
}

impl From<ReportError> for ReadError {
    fn from(error: ReportError) -> Self {
        let sentence = error.to_string();
        match error {
            ReportError::Git(GitError::UnknownRevision { .. }) => Self::UnknownRevision(sentence),
            ReportError::Git(_) | ReportError::BaseMissing => Self::Refused(sentence),
        }
    }
}

impl From<GitError> for ReadError {
    fn from(error: GitError) -> Self {
        ReportError::from(error).into()
    }
}

/// Reads one repository by way of a child. It starts nothing by itself; the first question does.
#[derive(Debug)]
pub struct Reader {
    program: PathBuf,
    root: PathBuf,
    slot: Mutex<ChildSlot>,
}

#[derive(Debug, Default)]
struct ChildSlot {
    child: Option<Confined>,
    used_at: Option<Instant>,
    /// Somebody will ask to let go of what is unused.
    is_attended: bool,
}

impl Reader {
    /// Reads the repository at `root` with `program`, which is this one.
    pub fn new(program: PathBuf, root: PathBuf) -> Self {
        Self {
            program,
            root,
            slot: Mutex::default(),
        }
    }

    /// What the commit gate has to know of the commit at `moment`, which uses the index that Git named.
    ///
    /// # Errors
    /// When the repository cannot be read.
    pub fn look(&self, index: Option<&OsStr>, moment: Moment) -> Result<Observation, ReadError> {
        let index = index.map(OsStr::to_owned);
        self.value(&Question::Look { index, moment }, DEFAULT_TIME_LIMIT)
    }

    /// A report, written down in one form.
    ///
    /// # Errors
    /// When the repository cannot be read, or does not know the base.
    pub fn report(&self, request: &ReportRequest, format: Format) -> Result<Vec<u8>, ReadError> {
        let question = Question::Report {
            request: request.clone(),
            format,
        };
        self.ask(&question, request.time_limit)
    }

    /// A report as a command prints it.
    ///
    /// # Errors
    /// As [`report`](Self::report).
    pub fn print(&self, print: Print) -> Result<Printed, ReadError> {
        let limit = print.request.time_limit;
        self.value(&Question::Print(print), limit)
    }

    /// Where HEAD stands.
    ///
    /// # Errors
    /// When the repository cannot be read.
    pub fn head(&self) -> Result<Head, ReadError> {
        self.value(&Question::Head, DEFAULT_TIME_LIMIT)
    }

    /// What the hooks depend on.
    ///
    /// # Errors
    /// When the configuration or HEAD cannot be read.
    pub fn hooks_ground(&self) -> Result<HooksGround, ReadError> {
        self.value(&Question::Hooks, DEFAULT_TIME_LIMIT)
    }

    /// What [`crate::gate::observe::trees_moved_to`] finds.
    ///
    /// # Errors
    /// When the repository cannot be read.
    pub fn trees_moved_to(&self, lines: String) -> Result<Vec<GitId>, ReadError> {
        self.value(&Question::Moved { lines }, DEFAULT_TIME_LIMIT)
    }

    /// What these entries of an assignment's files stand for.
    ///
    /// # Errors
    /// When the repository cannot be read.
    pub fn entries(&self, files: Vec<String>) -> Result<Vec<Entry>, ReadError> {
        self.value(&Question::Entries { files }, DEFAULT_TIME_LIMIT)
    }

    /// Opens the repository, and answers with HEAD's `governance.yaml`.
    ///
    /// # Errors
    /// When it cannot be opened, with what is wrong. A HEAD that cannot be read is none.
    pub fn open(&self) -> Result<CommittedFile, ReadError> {
        self.value(&Question::Open, DEFAULT_TIME_LIMIT)
    }

    /// Which commits came, as [`crate::gate::commits::look`] finds them.
    ///
    /// # Errors
    /// When the repository cannot be read.
    pub fn commits(
        &self,
        known: Option<&GitId>,
        noted: &[Committed],
        memory: Memory,
    ) -> Result<Scan, ReadError> {
        let question = Question::Commits {
            known: known.cloned(),
            noted: noted.to_vec(),
            memory,
        };
        self.value(&question, DEFAULT_TIME_LIMIT)
    }

    /// What stands in the working tree now, where that differs from HEAD.
    ///
    /// # Errors
    /// When the repository cannot be read.
    pub fn snapshot(&self) -> Result<Snapshot, ReadError> {
        self.value(&Question::Snapshot, DEFAULT_TIME_LIMIT)
    }

    /// Paths at which something else stands than in `before`, with what stands there in `after`.
    ///
    /// # Errors
    /// When a commit of either cannot be read (any more).
    pub fn changed_between(
        &self,
        before: Snapshot,
        after: Snapshot,
    ) -> Result<BTreeMap<String, String>, ReadError> {
        let question = Question::Changed { before, after };
        self.value(&question, DEFAULT_TIME_LIMIT)
    }

    /// What is staged, as [`crate::gate::review::read`] reads it.
    ///
    /// # Errors
    /// When the repository cannot be read, or its index changes all the time.
    pub fn review(
        &self,
        request: &ReportRequest,
        wanted: Option<Wanted>,
        seen: BTreeSet<SnapshotEntry>,
    ) -> Result<Review, ReadError> {
        let question = Question::Review {
            request: request.clone(),
            wanted,
            seen,
        };
        self.value(&question, request.time_limit)
    }

    fn value<T: DeserializeOwned>(
        &self,
        question: &Question,
        limit: Duration,
    ) -> Result<T, ReadError> {
        Ok(serde_json::from_slice(&self.ask(question, limit)?)?)
    }

    fn ask(&self, question: &Question, limit: Duration) -> Result<Vec<u8>, ReadError> {
        let question = serde_json::to_vec(question)?;
        let mut slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
        // Somebody may have ended it while nobody asked.
        let child = match slot.child.take().and_then(Confined::if_it_runs) {
            Some(child) => child,
            None => self.start()?,
        };
        let (answer, child): (Answer, Confined) = child.ask(&question, limit + GRACE)?;
        slot.child = Some(child);
        slot.used_at = Some(Instant::now());
        match answer {
            Ok(answer) => Ok(answer),
            Err(reason) => Err(serde_json::from_slice(&reason)?),
        }
    }

    fn start(&self) -> Result<Confined, Fault> {
        let mut command = Command::new(&self.program);
        command.arg(COMMAND).arg("--repo").arg(&self.root);
        Confined::start(command.current_dir(&self.root))
    }

    /// Ends the child; the next question starts another.
    pub fn let_go(&self) {
        *self.slot.lock().unwrap_or_else(PoisonError::into_inner) = ChildSlot::default();
    }

    /// Whether the caller is the one to call [`Self::end_unused`] from now on.
    pub fn wants_attention(&self) -> bool {
        match self.slot.try_lock() {
            Ok(mut slot) if slot.child.is_some() => !std::mem::replace(&mut slot.is_attended, true),
            _ => false,
        }
    }

    /// Ends the child when nobody asked it for so long. Answers when to ask again; none when there is nothing left to end.
    pub fn end_unused(&self, idle: Duration) -> Option<Duration> {
        let mut slot = match self.slot.try_lock() {
            Ok(slot) => slot,
            Err(TryLockError::Poisoned(slot)) => slot.into_inner(),
            // It is being asked.
            Err(TryLockError::WouldBlock) => return Some(idle),
        };
        let unused = slot.used_at.map_or(idle, |used_at| used_at.elapsed());
        if let Some(rest) = idle.checked_sub(unused).filter(|rest| !rest.is_zero()) {
            return Some(rest);
        }
        *slot = ChildSlot::default();
        None
    }
}
