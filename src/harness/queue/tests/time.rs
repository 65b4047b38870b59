//! Jobs whose time is over.

use super::*;

/// Far more than a job needs that ends at once, and little to wait for.
const LIMIT: Duration = Duration::from_millis(300);

#[tokio::test]
async fn a_job_out_of_time_is_broken_off_tried_once_more_and_then_has_failed() {
    let works = Works::begin_with(Handed::within(Some(LIMIT), ends_when_told));
    let id = works.queue(wanted(0)).await;
    let again = |job: &Job| job.state == JobState::Queued && job.attempts == 1;
    let job = works.until(&id, "its second attempt", again).await;
    // Whoever asks meanwhile hears why it is there again, and when it goes on.
    assert_eq!(job.error_code.as_deref(), Some("timeout"));
    assert!(job.next_attempt_at.is_some() && job.error.is_some());
    assert_eq!(works.hands.interrupted.lock().unwrap().len(), 1);
    let job = works.until(&id, "its end", is_over).await;
    assert_eq!((job.state, job.attempts), (JobState::Failed, 2));
    assert_eq!(job.error_code.as_deref(), Some("timeout"));
    let interrupted = works.hands.interrupted.lock().unwrap().clone();
    assert_eq!(interrupted.len(), 2);
    let turn = |it: &RunningContext| it.turn_id.as_deref() == Some("turn");
    assert!(interrupted.iter().all(turn), "{interrupted:?}");
    assert_eq!(row_status(&works), RowStatus::Error);
    works.close().await;
}

#[tokio::test]
async fn a_job_that_does_not_listen_when_its_time_is_over_makes_room_for_the_next() {
    let works = Works::begin_with(Handed::within(Some(LIMIT), |run| {
        async move {
            if run.job.work.session_id() == "s" && run.job.dedupe_key.is_some() {
                return Ok(done(&run.job));
            }
            std::future::pending().await
        }
        .boxed()
    }));
    let stuck = works.queue(wanted(0)).await;
    let next = NewJob {
        dedupe_key: Some("next".to_owned()),
        ..wanted(0)
    };
    let next = works.queue(next).await;
    // Of the same project, so that it begins only when nothing of the one before runs.
    let job = works.until(&next, "its end", is_over).await;
    assert_eq!(job.state, JobState::Completed);
    let before = works.job(&stuck);
    assert_eq!(before.error_code.as_deref(), Some("timeout"), "{before:#?}");
    let (ended, began) = (before.last_attempt_at, job.last_attempt_at);
    assert!(began > ended, "{before:#?}");
    works.close().await;
}

#[tokio::test]
async fn what_is_there_when_the_time_is_over_counts() {
    let works = Works::begin_with(Handed::within(Some(LIMIT), |run| {
        async move {
            run.cancel.cancelled().await;
            Ok(done(&run.job))
        }
        .boxed()
    }));
    let id = works.queue(wanted(0)).await;
    let job = works.until(&id, "its end", is_over).await;
    assert_eq!((job.state, job.attempts), (JobState::Completed, 1));
    works.close().await;
}
