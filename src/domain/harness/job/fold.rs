//! What becomes of a job with each event about it.

use super::{Again, Job, JobState, RunningContext};
use crate::domain::harness::event::Event;
use chrono::{DateTime, Utc};

impl Job {
    /// Takes in what happened to it at `ts`; other events are none of its business.
    pub fn take(&mut self, ts: DateTime<Utc>, event: &Event) {
        match event {
            Event::JobMerged { work, .. } => self.work = work.clone(),
            Event::JobStarted { .. } => {
                self.state = JobState::Running;
                self.attempts += 1;
                self.started_at.get_or_insert(ts);
                self.last_attempt_at = Some(ts);
                self.next_attempt_at = None;
            }
            Event::JobTurnBegun {
                thread_id, turn_id, ..
            } => {
                self.running_context = RunningContext {
                    thread_id: Some(thread_id.clone()),
                    turn_id: turn_id.clone(),
                };
            }
            Event::JobRetried {
                why,
                next_attempt_at,
                ..
            } => self.again(why, *next_attempt_at),
            Event::JobCancelAsked { why, .. } => {
                self.cancel_requested_at.get_or_insert(ts);
                self.canceled.get_or_insert(*why);
            }
            Event::JobCompleted { result, .. } => {
                self.over(ts, JobState::Completed, None);
                self.result = Some(result.clone());
                self.canceled = None;
            }
            Event::JobFailed { code, message, .. } => {
                self.over(ts, JobState::Failed, Some((code.clone(), message.clone())));
            }
            Event::JobCanceled { why, .. } => {
                self.over(ts, JobState::Canceled, why.error());
                self.cancel_requested_at.get_or_insert(ts);
                self.canceled = Some(*why);
            }
            _ => {}
        }
    }

    fn again(&mut self, why: &Again, next_attempt_at: Option<DateTime<Utc>>) {
        self.state = JobState::Queued;
        self.next_attempt_at = next_attempt_at;
        match why {
            Again::Failed { code, message } => self.error(Some((code.clone(), message.clone()))),
            Again::Interrupted => {
                self.attempts = self.attempts.saturating_sub(1);
                self.interruptions += 1;
            }
            Again::Asked => {
                self.error(None);
                (self.attempts, self.interruptions) = (0, 0);
                (self.completed_at, self.cancel_requested_at) = (None, None);
                (self.canceled, self.result) = (None, None);
                // What it began in Codex before is over: it is to begin another turn.
                self.running_context = RunningContext::default();
            }
        }
    }

    fn over(&mut self, ts: DateTime<Utc>, state: JobState, error: Option<(String, String)>) {
        self.state = state;
        self.completed_at = Some(ts);
        self.next_attempt_at = None;
        self.error(error);
    }

    fn error(&mut self, error: Option<(String, String)>) {
        (self.error_code, self.error) = error.unzip();
    }
}
