//! Reports: from a tool call to a file in the mailbox, and back to what the launcher said about it.

use super::tools::{ReportPlan, ReportResult, ReportVerdict};
use super::{Answer, Caller, launcher};
use crate::domain::hex::hex;
use crate::domain::plan_review::ReviewedPlan;
use crate::mailbox::receipts::{self, Receipt};
use crate::mailbox::{self, Folders, MAX_FILE_BYTES, Paths};
use chrono::Utc;
use rustix::fs::{AtFlags, Mode, OFlags};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::time::{Duration, Instant};

/// How long the launcher has to take a file. A tenth would say "not yet" on a busy machine; ten times as much would
/// keep an agent waiting while the launcher is off.
const WAIT_FOR_LAUNCHER: Duration = Duration::from_secs(2);

/// First and longest pause between two looks.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(25);

/// Longest reason that is handed on.
const MAX_REASON_BYTES: u64 = 8 * 1024;

pub(super) async fn plan(state_dir: &Path, caller: &Caller, plan: ReportPlan) -> Answer {
    let mut report = json!(plan);
    report["session_id"] = json!(caller.record.session_id);
    deliver(state_dir, caller, "plan", report).await?.sentence(
        "The plan is registered. A person now edits and confirms it; end your turn, you are told what follows.",
        "plan",
    )
}

pub(super) async fn result(state_dir: &Path, caller: &Caller, result: ReportResult) -> Answer {
    let mut report = json!(result);
    let record = &caller.record;
    let parent = record.parent_session_id.as_ref().ok_or_else(|| {
        format!(
            "session `{}` has no planner that it could report to",
            record.session_id
        )
    })?;
    report["parent_session_id"] = json!(parent);
    report["department_session_id"] = json!(record.session_id);
    report["department"] = json!(record.department);
    deliver(state_dir, caller, "result", report)
        .await?
        .sentence(
            "The result is registered and your planner is told. Your task is done; end your turn.",
            "result",
        )
}

pub(super) async fn verdict(
    state_dir: &Path,
    caller: &Caller,
    reviewed: &ReviewedPlan,
    verdict: ReportVerdict,
) -> Answer {
    let mut report = json!(verdict);
    let record = &caller.record;
    report["parent_session_id"] = json!(record.parent_session_id);
    report["department_session_id"] = json!(record.session_id);
    report["plan_version"] = json!(reviewed.plan_version);
    report["plan_sha256"] = json!(reviewed.plan_sha256);
    deliver(state_dir, caller, "verdict", report)
        .await?
        .sentence(
            "The verdict is registered. Your task is done; end your turn.",
            "verdict",
        )
}

enum Delivered {
    Registered,
    Rejected(String),
    /// The launcher is there but has not taken the file yet.
    Pending,
    /// Nobody is there to take it.
    Stored,
}

impl Delivered {
    fn sentence(self, registered: &str, what: &str) -> Answer {
        match self {
            Self::Registered => Ok(registered.to_owned()),
            Self::Rejected(reason) => Err(format!(
                "the {what} was not taken: {reason}. Mend that and call again."
            )),
            Self::Pending => Ok(format!(
                "The {what} is stored in the mailbox and zhongshu will read it in a moment. Do not report it again."
            )),
            Self::Stored => Ok(format!(
                "zhongshu is not running at the moment. The {what} is stored in the mailbox and is read when it is back. Do \
                 not report it again."
            )),
        }
    }
}

/// Writes the file under a name that nobody reads, then the receipt for its bytes, then gives the file its name.
async fn deliver(
    state_dir: &Path,
    caller: &Caller,
    what: &str,
    report: Value,
) -> Result<Delivered, String> {
    let record = &caller.record;
    let bytes = serde_json::to_vec_pretty(&report).expect("a report is plain data");
    let file = format!(
        "{what}-{}-{}.json",
        record.session_id,
        uuid::Uuid::now_v7().simple()
    );
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(format!(
            "the {what} has more than {MAX_FILE_BYTES} bytes; say it in fewer words"
        ));
    }
    // The launcher checks again; this way the agent learns of a mistake even while the launcher is off.
    mailbox::parse(&file, &bytes)
        .map_err(|error| format!("the {what} was not taken: {error}. Mend that and call again."))?;
    let folders = open(&record.incoming)?;
    let receipt = Receipt {
        thread_id: caller.thread_id.clone(),
        session_id: record.session_id.clone(),
        file: file.clone(),
        written_at: Utc::now(),
    };
    let sha256 = hex(&Sha256::digest(&bytes));
    let stored = folders.deposit(OsStr::new(&file), &bytes, || {
        receipts::write(state_dir, &sha256, &receipt)
    });
    stored.map_err(|error| {
        format!("the {what} could not be stored in the mailbox: {error}; try again")
    })?;
    wait(state_dir, &folders, OsStr::new(&file)).await
}

/// Opens the mailbox that the launcher named, following no link on the way.
fn open(incoming: &Path) -> Result<Folders, String> {
    let planner = incoming.parent();
    let name = planner.and_then(Path::file_name).and_then(OsStr::to_str);
    let repo = planner.and_then(|planner| planner.ancestors().nth(3));
    let (Some(name), Some(repo)) = (name, repo) else {
        return Err(
            "zhongshu wrote down no usable mailbox for this session; restart the session".into(),
        );
    };
    let id = name.to_owned().try_into();
    let id = id.map_err(|error| format!("the mailbox of this session cannot be used: {error}"))?;
    if Paths::new(repo, &id).incoming != incoming {
        return Err(
            "zhongshu wrote down no usable mailbox for this session; restart the session".into(),
        );
    }
    Folders::open(repo, &id).map_err(|error| format!("the mailbox cannot be used: {error}"))
}

async fn wait(state_dir: &Path, folders: &Folders, file: &OsStr) -> Result<Delivered, String> {
    let deadline = Instant::now() + WAIT_FOR_LAUNCHER;
    let mut pause = FIRST_PAUSE;
    loop {
        if folders.was_archived(file) {
            return Ok(Delivered::Registered);
        }
        if let Some(reason) = folders.reason_of(file, MAX_REASON_BYTES) {
            return Ok(Delivered::Rejected(reason));
        }
        if Instant::now() >= deadline {
            return Ok(match launcher::launcher_answers(state_dir).await {
                true => Delivered::Pending,
                false => Delivered::Stored,
            });
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

impl Folders {
    /// Writes a file into `incoming/` so that it appears whole, with its proof already in place.
    fn deposit(
        &self,
        name: &OsStr,
        bytes: &[u8],
        prove: impl FnOnce() -> io::Result<()>,
    ) -> io::Result<()> {
        let mut draft = std::ffi::OsString::from(".");
        draft.push(name);
        draft.push(".tmp");
        let incoming = self.incoming();
        mailbox::write_new(incoming, &draft, bytes, true)?;
        let placed = prove().and_then(|()| {
            rustix::fs::renameat(incoming, &draft, incoming, name)?;
            rustix::fs::fsync(incoming)?;
            Ok(())
        });
        if placed.is_err() {
            // The error that we have is the one to report.
            let _ = rustix::fs::unlinkat(incoming, &draft, AtFlags::empty());
        }
        placed
    }

    fn was_archived(&self, name: &OsStr) -> bool {
        rustix::fs::statat(self.archive(), name, AtFlags::SYMLINK_NOFOLLOW).is_ok()
    }

    /// Why a file was rejected; `None` while it was not.
    fn reason_of(&self, name: &OsStr, limit: u64) -> Option<String> {
        let rejected = self.rejected();
        rustix::fs::statat(rejected, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        let mut note = name.to_owned();
        note.push(".reason.txt");
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let read = rustix::fs::openat(rejected, &note, flags, Mode::empty()).map(|file| {
            let mut bytes = Vec::new();
            File::from(file)
                .take(limit)
                .read_to_end(&mut bytes)
                .map(|_| bytes)
        });
        let reason = match read {
            Ok(Ok(bytes)) => String::from_utf8_lossy(&bytes)
                .trim()
                .trim_end_matches('.')
                .to_owned(),
            _ => String::new(),
        };
        Some(match reason.is_empty() {
            true => "zhongshu rejected it without a reason".to_owned(),
            false => reason,
        })
    }
}
