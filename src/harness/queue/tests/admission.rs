//! What comes into the queue, and goes with its session.

use super::*;

#[tokio::test]
async fn of_many_that_are_the_same_and_come_at_once_one_is_queued() {
    let works = Works::begin(ends_when_told);
    let same = || NewJob {
        dedupe: Dedupe::SingleFlight,
        ..wanted(0)
    };
    let come = (0..8).map(|_| {
        let (new, id, now) = (same(), JobId::fresh(), Utc::now());
        let decide = move |state: &State| admit(state, new, id, now);
        works.ledger.transact("tests", decide)
    });
    let all = futures_util::future::join_all(come).await;
    let all: Vec<_> = all.into_iter().map(Result::unwrap).collect();
    let new = all.iter().filter(|it| matches!(it, Enqueued::New(_)));
    assert_eq!(new.count(), 1);
    let ids: std::collections::BTreeSet<_> = all.into_iter().map(|it| it.into_job().id).collect();
    assert_eq!(ids.len(), 1);
    works.close().await;
}

#[tokio::test]
async fn the_jobs_of_a_session_that_is_deleted_are_taken_back_and_its_late_results_with_it() {
    let works = Works::begin(|run| {
        async move {
            run.running("thread", Some("turn")).await?;
            run.cancel.cancelled().await;
            Ok(done(&run.job))
        }
        .boxed()
    });
    let running = works.queue(wanted(0)).await;
    works.until(&running, "its turn", runs).await;
    let waiting = works.queue(wanted(0)).await;
    let delete = |state: &State| -> Decision<()> {
        let mut events = Harness::cancel_jobs_of(state, "s");
        events.push(Event::SessionDeleted {
            session_id: "s".to_owned(),
            title: None,
            kept_for_copies: false,
        });
        Ok((events, ()))
    };
    works.ledger.transact("tests", delete).await.unwrap();
    works.wake.notify_one();
    for id in [running, waiting] {
        let job = works.until(&id, "its end", is_over).await;
        assert_eq!(job.state, JobState::Canceled);
        assert_eq!(job.error_code.as_deref(), Some("session_deleted"));
    }
    assert!(works.ledger.read(|state| state.sessions.is_empty()));
    works.close().await;
}

#[test]
fn a_full_queue_says_when_to_come_back() {
    let full = Refused::queue_full(queue::Full::Project, Some("s"));
    assert_eq!((full.http, full.code), (429, "queue_full"));
    assert!(full.retry_after.is_some() && full.fields["sessionId"] == "s");
}
