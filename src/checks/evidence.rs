//! Runs verify commands that a person wants to see run: one at a time, after the department's work is over, within the
//! same walls as the session that did it. Commands come from the confirmed assignment, never from a report.

use crate::core::done::Done;
use crate::core::{Core, LAUNCHER};
use crate::domain::department::Sandbox;
use crate::domain::evidence::{End, Run};
use crate::domain::flow::checks::{self, Due};
use crate::domain::hex::hex;
use crate::domain::sentence::say;
use crate::domain::session::Session;
use crate::process::{self, Job, JobEnd, JobOutcome};
use crate::threads::Threads;
use chrono::Utc;
use std::collections::HashSet;
use std::ffi::OsString;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Marks every process of a verification, so that a launcher that comes back after a crash can end what was left.
const MARK: &str = "ZHONGSHU_VERIFICATION";
/// What a command may write. A test run writes kilobytes; ten times as much as this would only fill a disk.
const OUTPUT_LIMIT: u64 = 64 << 20;
/// What is kept of it, for people and the journal.
const TAIL_BYTES: usize = 8 << 10;

/// Runs the next verify command that is due. It may take minutes; what is broken off is due again at the next start.
pub async fn verify(core: &Core, threads: &Threads, cancel: &CancellationToken) -> Done {
    tokio::select! {
        done = run_next(core, threads) => done,
        () = cancel.cancelled() => {
            sweep(core).await;
            Done::Settled
        }
    }
}

async fn run_next(core: &Core, threads: &Threads) -> Done {
    let due = core.ledger.read(|state| {
        let due = checks::next_verification(state)?;
        let session = state.session(&due.session_id)?.clone();
        Some((due, session))
    });
    let Some((due, session)) = due else {
        return Done::Settled;
    };
    let run = observe(core, threads, &due, &session).await;
    let policy = core.policy();
    let recorded = core.decide(LAUNCHER, move |state| {
        checks::verified(state, &policy.catalog, &due.report_id, due.revision, run)
    });
    Done::of(recorded.await)
}

/// Ends what a launcher that was killed has left running.
pub async fn sweep(core: &Core) {
    if let Err(error) = process::terminate_marked(MARK, HashSet::from([mark(core)])).await {
        tracing::error!(%error, "a verification of the launcher before could not be ended");
    }
}

fn mark(core: &Core) -> String {
    core.place.state.display().to_string()
}

async fn observe(core: &Core, threads: &Threads, due: &Due, session: &Session) -> Run {
    let mut run = Run {
        command: due.command.clone(),
        argv: Vec::new(),
        cwd: core.root_of(&session.brief).to_owned(),
        tree: tree(core, session).await,
        tree_moved: false,
        end: End::NotStarted {
            reason: String::new(),
        },
        started_at: Utc::now(),
        duration_ms: 0,
        output_tail: String::new(),
        output_bytes: 0,
        output_sha256: String::new(),
    };
    let time_limit = core.policy().verify_limit;
    run.argv = match argv(threads, session, &due.command) {
        Ok(argv) => argv,
        Err(reason) => {
            run.end = End::NotStarted { reason };
            return run;
        }
    };
    let home = core.place.tui_home();
    let job = Job {
        argv: run.argv.clone(),
        cwd: run.cwd.clone(),
        env_set: match run.argv.first().is_some_and(|program| program != SHELL) {
            true => vec![(OsString::from("CODEX_HOME"), home.into_os_string())],
            false => Vec::new(),
        },
        env_only: None,
        input: Vec::new(),
        mark: (MARK.to_owned(), mark(core)),
        time_limit,
        output_limit: OUTPUT_LIMIT,
        tail: TAIL_BYTES,
    };
    match process::run(&job).await {
        Ok(outcome) => fill(&mut run, &outcome, time_limit),
        Err(error) => {
            run.end = End::NotStarted {
                reason: say!("reason.failed", error).to_string(),
            };
        }
    }
    run.tree_moved = run.tree.is_some() && tree(core, session).await != run.tree;
    run
}

fn fill(run: &mut Run, outcome: &JobOutcome, time_limit: Duration) {
    run.end = match (outcome.end, outcome.end.code()) {
        (_, Some(Ok(code))) => End::Exited { code },
        (_, Some(Err(signal))) => End::Signalled { signal },
        (JobEnd::TooMuchOutput, None) => End::TooMuchOutput {
            limit_bytes: OUTPUT_LIMIT,
        },
        (_, None) => End::TimedOut {
            after_seconds: time_limit.as_secs(),
        },
    };
    run.duration_ms = u64::try_from(outcome.took.as_millis()).unwrap_or(u64::MAX);
    run.output_tail = String::from_utf8_lossy(&outcome.tail).into_owned();
    run.output_bytes = outcome.bytes;
    run.output_sha256 = hex(&outcome.sha256);
}

const SHELL: &str = "/bin/sh";

/// The command in a shell, as the department would run it, inside Codex's sandbox when the department had one: the
/// command may run what the department wrote.
fn argv(threads: &Threads, session: &Session, command: &str) -> Result<Vec<String>, String> {
    let brief = &session.brief;
    let shell = [SHELL, "-c", command].map(str::to_owned);
    let mode = match (brief.driver.has_sandbox(), brief.sandbox) {
        (false, _) | (true, Sandbox::DangerFullAccess) => return Ok(shell.to_vec()),
        // Checks write caches and build output, wherever their department was only to read.
        (true, Sandbox::ReadOnly | Sandbox::WorkspaceWrite) => "sandbox_mode=\"workspace-write\"",
    };
    if let Err(reason) = &threads.codex {
        return Err(say!("reason.sandbox_missing", reason = reason.en).to_string());
    }
    let codex = threads.program.display().to_string();
    let walls = [codex.as_str(), "sandbox", "-c", mode, "--"].map(str::to_owned);
    Ok(walls.into_iter().chain(shell).collect())
}

async fn tree(core: &Core, session: &Session) -> Option<String> {
    let reader = core.reader_of(&session.brief);
    let looked = tokio::task::spawn_blocking(move || reader.snapshot()).await;
    looked.ok()?.ok().map(|snapshot| snapshot.digest())
}
