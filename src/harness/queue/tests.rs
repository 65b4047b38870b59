//! The runner over a real journal, with work that is handed in: ended at any moment, taken back, out of time, and with a result that is none.
#![allow(clippy::unwrap_used)]

mod admission;
mod kills;
mod time;

use super::run::{Failure, Hands, Outcome, Run};
use super::runner::Runner;
use super::*;
use crate::domain::harness::job::{Dedupe, Priority, RunningContext, SuggestRequest};
use crate::domain::harness::row::{Role, RowStatus, TranscriptEntry};
use crate::domain::sentence::say;
use crate::harness::Ledger;
use crate::journal::{Journal, system_clock};
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

type Work = fn(Run) -> BoxFuture<'static, Result<Outcome, Failure>>;

/// Whoever does the work: what it does, and what it was told to break off.
struct Handed {
    work: Work,
    limit: Option<Duration>,
    interrupted: Mutex<Vec<RunningContext>>,
}

impl Handed {
    fn new(work: Work) -> Arc<Self> {
        Self::within(None, work)
    }

    fn within(limit: Option<Duration>, work: Work) -> Arc<Self> {
        Arc::new(Self {
            work,
            limit,
            interrupted: Mutex::default(),
        })
    }
}

impl Hands for Handed {
    fn is_on(&self) -> bool {
        true
    }

    fn limit(&self, job: &Job) -> Duration {
        self.limit.unwrap_or(job.kind().limit())
    }

    fn work(self: Arc<Self>, run: Run) -> BoxFuture<'static, Result<Outcome, Failure>> {
        (self.work)(run)
    }

    fn interrupt(self: Arc<Self>, running: RunningContext) -> BoxFuture<'static, ()> {
        self.interrupted.lock().unwrap().push(running);
        async {}.boxed()
    }

    fn tell_progress(&self, _: &Job, _: &Value) {}

    fn consequences(&self) -> fn(&State, &Job, &[Event]) -> Vec<Event> {
        work::consequences
    }
}

fn open(path: &Path) -> Ledger {
    let clock = system_clock();
    let opened = Journal::open(path, None, &clock).unwrap();
    Ledger::start(opened, clock).unwrap()
}

fn row(job: &Job, status: RowStatus) -> Event {
    let entry = TranscriptEntry {
        message_id: format!("row-of-{}", job.id),
        turn_id: "t".to_owned(),
        role: Role::System,
        kind: "agent.jobOutput".to_owned(),
        content: "done".to_owned(),
        details: Some(serde_json::json!({ "jobId": job.id }).to_string()),
        started_at: None,
        completed_at: None,
        status,
    };
    Event::RowUpserted {
        session_id: "s".to_owned(),
        entry,
    }
}

fn done(job: &Job) -> Outcome {
    Outcome {
        result: serde_json::json!({"status": "ok", "requestKey": "k", "suggestion": "Go on"}),
        effects: vec![row(job, RowStatus::Complete)],
    }
}

fn wanted(project: usize) -> NewJob {
    NewJob {
        project_id: ProjectId::of_session(&format!("s{project}")),
        source_session_id: Some("s".to_owned()),
        work: crate::domain::harness::job::Work::SuggestRequest(SuggestRequest {
            session_id: "s".to_owned(),
            request_key: "k".to_owned(),
            model: None,
            effort: None,
            draft: None,
        }),
        dedupe: Dedupe::None,
        dedupe_key: None,
        priority: Priority::Interactive,
    }
}

async fn enqueue(ledger: &Ledger, new: NewJob) -> JobId {
    let id = JobId::fresh();
    let (given, now) = (id.clone(), Utc::now());
    let decide = move |state: &State| admit(state, new, given, now);
    ledger.transact("tests", decide).await.unwrap();
    id
}

/// A queue at work on its own journal.
struct Works {
    ledger: Ledger,
    wake: Arc<Notify>,
    hands: Arc<Handed>,
    end: CancellationToken,
    _folder: tempfile::TempDir,
}

impl Works {
    fn begin(work: Work) -> Self {
        Self::begin_with(Handed::new(work))
    }

    fn begin_with(hands: Arc<Handed>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ledger = open(&folder.path().join("harness.jsonl"));
        let (wake, end) = (Arc::<Notify>::default(), CancellationToken::new());
        let runner = Runner::new(ledger.clone(), Arc::clone(&wake), Arc::clone(&hands));
        tokio::spawn(runner.run(end.clone()));
        Self {
            ledger,
            wake,
            hands,
            end,
            _folder: folder,
        }
    }

    async fn queue(&self, new: NewJob) -> JobId {
        let id = enqueue(&self.ledger, new).await;
        self.wake.notify_one();
        id
    }

    fn job(&self, id: &JobId) -> Job {
        self.ledger
            .read(|state| state.jobs.get(id).cloned())
            .unwrap()
    }

    async fn until(&self, id: &JobId, what: &str, holds: impl Fn(&Job) -> bool) -> Job {
        let look = async {
            let mut changes = self.ledger.subscribe(None).unwrap();
            loop {
                let job = self.job(id);
                if holds(&job) {
                    return job;
                }
                changes.recv().await.unwrap();
            }
        };
        let found = tokio::time::timeout(PATIENCE, look).await;
        found.unwrap_or_else(|_| panic!("{what}: {:#?}", self.job(id)))
    }

    async fn cancel(&self, id: &JobId) {
        let id = id.clone();
        let decide = move |state: &State| -> Decision<()> {
            let job = known(state, &id)?;
            let event = queue::cancel(job, Canceled::Asked);
            Ok((recorded(state, job, event, Utc::now()), ()))
        };
        self.ledger.transact("tests", decide).await.unwrap();
        self.wake.notify_one();
    }

    async fn close(self) {
        self.end.cancel();
        self.ledger.close().await;
    }
}

fn is_over(job: &Job) -> bool {
    job.state.is_over()
}

fn runs(job: &Job) -> bool {
    job.state == JobState::Running && job.running_context.turn_id.is_some()
}

#[tokio::test]
async fn a_job_is_done_and_what_it_does_is_recorded_with_its_end() {
    let works = Works::begin(|run| async move { Ok(done(&run.job)) }.boxed());
    let id = works.queue(wanted(0)).await;
    let job = works.until(&id, "its end", is_over).await;
    assert_eq!((job.state, job.attempts), (JobState::Completed, 1));
    assert_eq!(job.result.unwrap()["suggestion"], "Go on");
    let rows = works.ledger.read(|state| state.sessions["s"].rows.len());
    assert_eq!(rows, 1);
    works.close().await;
}

#[tokio::test]
async fn a_result_of_another_form_is_none_and_neither_is_what_came_with_it() {
    let works = Works::begin(|run| {
        async move {
            Ok(Outcome {
                result: serde_json::json!({"status": "well"}),
                ..done(&run.job)
            })
        }
        .boxed()
    });
    let id = works.queue(wanted(0)).await;
    let job = works.until(&id, "its end", is_over).await;
    assert_eq!(job.error_code.as_deref(), Some("invalid_result"));
    let written = format!("row-of-{}", job.id);
    assert!(
        works
            .ledger
            .read(|state| state.row("s", &written).is_none())
    );
    works.close().await;
}

#[tokio::test]
async fn work_that_panics_fails_its_job_and_nothing_else() {
    let works = Works::begin(|run| {
        async move {
            assert!(run.job.project_id.0.ends_with('1'), "it falls over");
            Ok(done(&run.job))
        }
        .boxed()
    });
    let falls = works.queue(wanted(0)).await;
    let job = works.until(&falls, "its end", is_over).await;
    assert_eq!(job.error_code.as_deref(), Some("internal"));
    let other = works.queue(wanted(1)).await;
    let job = works.until(&other, "its end", is_over).await;
    assert_eq!(job.state, JobState::Completed);
    works.close().await;
}

/// Says where it runs, writes a row that streams, and ends when it is told to.
fn ends_when_told(run: Run) -> BoxFuture<'static, Result<Outcome, Failure>> {
    async move {
        let streams = vec![row(&run.job, RowStatus::Streaming)];
        run.ledger.commit("tests", streams).await.unwrap();
        run.running("thread", Some("turn")).await?;
        run.cancel.cancelled().await;
        Err(Failure::new("told", say!("reason.job_canceled")))
    }
    .boxed()
}

fn row_status(works: &Works) -> RowStatus {
    works
        .ledger
        .read(|state| state.sessions["s"].rows[0].entry.status)
}

#[tokio::test]
async fn a_job_that_runs_is_interrupted_when_it_is_taken_back_and_its_rows_end_with_it() {
    let works = Works::begin(ends_when_told);
    let id = works.queue(wanted(0)).await;
    works.until(&id, "its turn", runs).await;
    assert_eq!(row_status(&works), RowStatus::Streaming);
    works.cancel(&id).await;
    let job = works.until(&id, "its end", is_over).await;
    assert_eq!(job.state, JobState::Canceled);
    assert!(job.cancel_requested_at.is_some() && job.error.is_none());
    let interrupted = works.hands.interrupted.lock().unwrap().clone();
    assert_eq!(interrupted, [job.running_context]);
    assert_eq!(row_status(&works), RowStatus::Canceled);
    works.close().await;
}

#[tokio::test]
async fn a_job_that_does_not_listen_is_ended_after_its_grace() {
    let works = Works::begin(|run| {
        async move {
            run.running("thread", Some("turn")).await?;
            std::future::pending().await
        }
        .boxed()
    });
    let id = works.queue(wanted(0)).await;
    works.until(&id, "its turn", runs).await;
    works.cancel(&id).await;
    let job = works.until(&id, "its end", is_over).await;
    assert_eq!(job.state, JobState::Canceled);
    let asked = job.cancel_requested_at.unwrap();
    let took = job.completed_at.unwrap() - asked;
    assert!(took >= chrono::TimeDelta::milliseconds(1_400), "{took}");
    works.close().await;
}

#[tokio::test]
async fn a_job_that_is_taken_back_while_it_completes_is_complete_or_taken_back_but_not_both() {
    // Ends in the moment in which it is told to, with a result.
    let works = Works::begin(|run| {
        async move {
            run.running("thread", Some("turn")).await?;
            run.cancel.cancelled().await;
            Ok(done(&run.job))
        }
        .boxed()
    });
    let id = works.queue(wanted(0)).await;
    works.until(&id, "its turn", runs).await;
    works.cancel(&id).await;
    let job = works.until(&id, "its end", is_over).await;
    assert_eq!((job.state, job.canceled), (JobState::Completed, None));
    assert_eq!(row_status(&works), RowStatus::Complete);
    // Whoever comes later hears that it is over.
    works.cancel(&id).await;
    assert_eq!(works.job(&id).state, JobState::Completed);
    works.close().await;
}

#[tokio::test]
async fn no_more_than_two_run_at_once_and_the_jobs_of_a_project_one_after_the_other() {
    static AT_ONCE: Mutex<(usize, usize)> = Mutex::new((0, 0));
    let works = Works::begin(|run| {
        async move {
            {
                let mut at_once = AT_ONCE.lock().unwrap();
                at_once.0 += 1;
                at_once.1 = at_once.1.max(at_once.0);
            }
            // Long enough that others would begin if they could.
            run.running("thread", None).await?;
            run.running("thread", Some("turn")).await?;
            AT_ONCE.lock().unwrap().0 -= 1;
            Ok(done(&run.job))
        }
        .boxed()
    });
    let mut ids = Vec::new();
    for number in 0..20 {
        ids.push(works.queue(wanted(number % 5)).await);
    }
    for id in &ids {
        works.until(id, "its end", is_over).await;
    }
    let most = AT_ONCE.lock().unwrap().1;
    assert!((1..=2).contains(&most), "{most} ran at once");
    let of_first: Vec<_> = ids.iter().step_by(5).map(|id| works.job(id)).collect();
    for pair in of_first.windows(2) {
        assert!(pair[0].completed_at <= pair[1].started_at, "{pair:#?}");
    }
    works.close().await;
}

#[tokio::test]
async fn after_an_orderly_stop_what_ran_is_done_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("harness.jsonl");
    let ledger = open(&path);
    let (wake, end) = (Arc::<Notify>::default(), CancellationToken::new());
    let id = enqueue(&ledger, wanted(0)).await;
    let hands = Handed::new(ends_when_told);
    let runner = Runner::new(ledger.clone(), Arc::clone(&wake), hands);
    let task = tokio::spawn(runner.run(end.clone()));
    let mut changes = ledger.catch_up(0).unwrap();
    let begun = async {
        while let Some(entry) = changes.next().await.unwrap() {
            if matches!(entry.record.event, Event::JobTurnBegun { .. }) {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, begun).await.unwrap();
    end.cancel();
    task.await.unwrap();
    ledger.close().await;

    let ledger = open(&path);
    let hands = Handed::new(|run| {
        async move {
            // The one before is known by where it ran.
            assert_eq!(run.job.running_context.turn_id.as_deref(), Some("turn"));
            Ok(done(&run.job))
        }
        .boxed()
    });
    let end = CancellationToken::new();
    let works = Works {
        ledger: ledger.clone(),
        wake: Arc::clone(&wake),
        hands: Arc::clone(&hands),
        end: end.clone(),
        _folder: folder,
    };
    tokio::spawn(Runner::new(ledger, wake, hands).run(end));
    let job = works.until(&id, "its end", is_over).await;
    assert_eq!((job.state, job.attempts), (JobState::Completed, 1));
    assert_eq!(job.interruptions, 1);
    works.close().await;
}
