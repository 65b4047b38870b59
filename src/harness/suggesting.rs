//! How the model is asked for the next request of a session: in the thread's context, and without a trace in its history.
//!
//! A Codex that can answers beside the thread (`thread/sample`), also while a turn runs. Where it cannot, or another model is to answer, an
//! aside is asked. Everything that is known while it goes on stands in a row of ours; what comes of it is recorded with the job's end.

use super::Harness;
use super::queue::Enqueued;
use super::queue::run::{Failure, Outcome, Run};
use super::refused::Refused;
use super::suggestions::{self, Suggestion};
use super::turns::unless_archived;
use crate::codex::CallError;
use crate::codex::items::{Turn, TurnStatus};
use crate::core::LAUNCHER;
use crate::domain::harness::event::Event;
use crate::domain::harness::job::{
    Dedupe, Job, JobId, JobState, NewJob, Priority, SuggestRequest, Work,
};
use crate::domain::harness::row::RowStatus;
use crate::domain::harness::state::State;
use crate::domain::harness::suggestion::cleaned;
use crate::domain::prompts::suggestion::{fallback, prompt};
use crate::domain::sentence::{Sentence, say};
use chrono::Utc;
use serde_json::{Value, json};
use std::time::Duration;

/// A turn may end between the look at it and the question about it, and another begin. Whoever meets that three times in a row asks aside.
const ATTEMPTS: usize = 3;
/// Longest answer that somebody waits for at the other end of a request.
const WAIT: Duration = Duration::from_secs(12);
/// The method by which Codex answers beside a thread.
const METHOD: &str = "thread/sample";

/// What a suggestion is to be made with.
#[derive(Debug, Clone, Default)]
pub struct SuggestionWish {
    /// Who answers; otherwise whoever answers in the session.
    pub model: Option<String>,
    /// How long it thinks.
    pub effort: Option<String>,
    /// What the user has written so far.
    pub draft: Option<String>,
}

/// What came of a wish within the time that somebody waits for it.
#[derive(Debug, Clone, PartialEq)]
pub enum Suggested {
    /// A text.
    Made {
        /// `ok`, or `fallback` where the model gave nothing.
        status: String,
        /// The text.
        suggestion: String,
    },
    /// It still goes on.
    Later,
}

/// Asides that jobs of an earlier server asked: Codex may tell of them still.
pub(super) fn asides_of(state: &State) -> Vec<String> {
    let of_job = |job: &Job| {
        let thread_id = job.running_context.thread_id.clone()?;
        let is_aside = matches!(&job.work, Work::SuggestRequest(it) if it.session_id != thread_id);
        is_aside.then_some(thread_id)
    };
    state.jobs.active().filter_map(of_job).collect()
}

impl Harness {
    /// Has the next request of a session suggested; the job that does it, which may be one that somebody asked for before.
    ///
    /// # Errors
    /// When the queue is off or full, or there is no such model or effort.
    pub async fn enqueue_suggestion(
        &self,
        actor: &str,
        session_id: &str,
        wish: SuggestionWish,
    ) -> Result<Enqueued, Refused> {
        let of_session = |refused: Refused| refused.of_session(session_id);
        self.queue_must_be_on().map_err(of_session)?;
        // Codex answers in none that is put away.
        if let Some(known) = self.index.get(session_id) {
            unless_archived(&known)?;
        }
        if let Some(model) = &wish.model {
            self.check_model(model).await.map_err(of_session)?;
        }
        if let Some(effort) = &wish.effort {
            let own = self.in_force(session_id).controls.controls.model;
            let model = wish.model.clone().or(own);
            let checked = self.check_effort(model.as_deref(), effort).await;
            checked.map_err(of_session)?;
        }
        let work = Work::SuggestRequest(SuggestRequest {
            session_id: session_id.to_owned(),
            request_key: format!("suggestion-{}", uuid::Uuid::now_v7().simple()),
            model: wish.model,
            effort: wish.effort,
            draft: wish.draft,
        });
        let new = NewJob {
            project_id: self.project_of(session_id),
            source_session_id: Some(session_id.to_owned()),
            work,
            dedupe: Dedupe::SingleFlight,
            dedupe_key: None,
            priority: Priority::Interactive,
        };
        self.enqueue(actor, new).await.map_err(of_session)
    }

    /// Lets a session through in which something was said that a suggestion could follow.
    ///
    /// # Errors
    /// When nothing was.
    pub fn has_context(&self, session_id: &str) -> Result<(), Refused> {
        match self.index.get(session_id) {
            Some(known) if known.is_materialized() => Ok(()),
            _ => Err(Refused::no_context(session_id)),
        }
    }

    /// Waits a while for what comes of such a job.
    ///
    /// # Errors
    /// When nothing came of it.
    pub async fn suggestion_of(&self, id: &JobId) -> Result<Suggested, Refused> {
        let over = async {
            loop {
                let number = self.number();
                let job = self.job(id)?;
                if job.state.is_over() {
                    return Ok::<_, Refused>(job);
                }
                self.changed_after(number).await;
            }
        };
        let Ok(job) = tokio::time::timeout(WAIT, over).await else {
            return Ok(Suggested::Later);
        };
        let job = job?;
        let text = |field: &str| {
            let said = job.result.as_ref().and_then(|it| it[field].as_str());
            said.unwrap_or_default().to_owned()
        };
        match job.state {
            JobState::Completed => Ok(Suggested::Made {
                status: text("status"),
                suggestion: text("suggestion"),
            }),
            _ => Err(Refused::suggestion_failed(&job)),
        }
    }

    /// Does what such a job asks for.
    ///
    /// # Errors
    /// When the model cannot be asked, or not now.
    pub(super) async fn suggest(
        &self,
        run: &Run,
        wish: &SuggestRequest,
    ) -> Result<Outcome, Failure> {
        let id = wish.session_id.as_str();
        self.end_earlier(run, id).await;
        let turn = self.turn_to_follow(id).await?;
        let streaming = suggestions::entry(
            &wish.request_key,
            &turn.id.0,
            &Suggestion::streaming(),
            Some(&run.job.id),
            Utc::now(),
        );
        let session_id = id.to_owned();
        let begun = self.decide(LAUNCHER, move |state| {
            suggestions::begun(state, session_id, streaming)
        });
        begun.await.map_err(failure)?;
        let language = self.core.policy().catalog.language;
        let asked = prompt(language, wish.draft.as_deref());
        let said = tokio::select! {
            said = self.said(run, wish, turn.clone(), &asked) => said?,
            () = run.cancel.cancelled() => {
                return Err(Failure::new("canceled", say!("reason.job_canceled")));
            }
        };
        let (status, suggestion) = match said.as_deref().and_then(cleaned) {
            Some(suggestion) => ("ok", suggestion),
            None => ("fallback", fallback(language, wish.draft.as_deref())),
        };
        let told = Suggestion {
            status: RowStatus::Complete,
            suggestion: Some(suggestion.clone()),
            error: None,
        };
        let key = &wish.request_key;
        let entry = suggestions::entry(key, &turn.id.0, &told, Some(&run.job.id), Utc::now());
        Ok(Outcome {
            result: json!({"status": status, "requestKey": key, "suggestion": suggestion}),
            effects: vec![Event::RowUpserted {
                session_id: id.to_owned(),
                entry,
            }],
        })
    }

    /// The newest turn of a session.
    async fn turn_to_follow(&self, id: &str) -> Result<Turn, Failure> {
        // A job that outlived a server begins before Codex has told of its threads.
        if !self.knows_all().await {
            let reason = self.threads.down().unwrap_or_default();
            return Err(failure(Refused::codex_unavailable(reason)));
        }
        self.has_context(id).map_err(failure)?;
        let thread = self.thread(id).map_err(failure)?;
        match thread.newest_turn().await {
            Ok(Some(turn)) => Ok(turn),
            Ok(None) => Err(failure(Refused::no_context(id))),
            Err(error) => Err(failure(Refused::of_codex(&error))),
        }
    }

    async fn said(
        &self,
        run: &Run,
        wish: &SuggestRequest,
        mut turn: Turn,
        prompt: &str,
    ) -> Result<Option<String>, Failure> {
        let id = wish.session_id.as_str();
        let calls = self.threads.calls();
        let can = calls.is_none_or(|calls| calls.methods.contains(METHOD));
        let own = self.in_force(id).controls.controls.model;
        let is_other = wish.model.is_some() && wish.model != own;
        if can && !is_other {
            for _ in 0..ATTEMPTS {
                match self.sampled(wish, &turn, prompt).await {
                    Ok(said) => return Ok(said),
                    // Another turn is the newest one by now, or this Codex waits for its end.
                    Err(error) if error.is_refusal("sample source") => {}
                    Err(error) if is_unknown(&error) => break,
                    Err(error) => return Err(failure(Refused::of_codex(&error))),
                }
                turn = self.turn_to_follow(id).await?;
            }
        }
        self.said_aside(run, wish, prompt).await
    }

    async fn sampled(
        &self,
        wish: &SuggestRequest,
        turn: &Turn,
        prompt: &str,
    ) -> Result<Option<String>, CallError> {
        let id = wish.session_id.as_str();
        let mut params = json!({"threadId": id, "expectedTurnId": turn.id, "prompt": prompt});
        if let Some(effort) = &wish.effort {
            params["effort"] = json!(effort);
        }
        if turn.status == TurnStatus::InProgress {
            params["allowInProgressTurn"] = Value::Bool(true);
        }
        let codex = self.reached()?.within(run_limit());
        let answer = match codex.call_raw(METHOD, &params).await {
            // It was put away, or let go, whatever we know of it.
            Err(error) if error.is_refusal("requires a loaded source") => {
                if let Some(thread) = self.threads.thread(id) {
                    thread.resume().await?;
                    self.holds(id).await;
                }
                codex.call_raw(METHOD, &params).await
            }
            answer => answer,
        };
        Ok(answer?["text"].as_str().map(str::to_owned))
    }

    async fn said_aside(
        &self,
        run: &Run,
        wish: &SuggestRequest,
        prompt: &str,
    ) -> Result<Option<String>, Failure> {
        let opened = self.aside(&wish.session_id, wish.model.as_deref()).await;
        let mut aside = opened.map_err(failure)?;
        let mut turn_id = None;
        let said = async {
            // Before anything runs in it: whoever comes after a crash ends what he finds.
            run.running(&aside.id, None).await?;
            let asked = aside.ask(&run.job.id.0, prompt, wish.effort.as_deref());
            let turn = asked.await.map_err(failure)?;
            run.running(&aside.id, Some(&turn)).await?;
            turn_id = Some(turn);
            tokio::select! {
                said = aside.answer() => said.map_err(failure),
                () = run.cancel.cancelled() => {
                    Err(Failure::new("canceled", say!("reason.job_canceled")))
                }
            }
        };
        let said = said.await;
        aside.let_go(turn_id.as_deref()).await;
        said
    }

    /// Ends the aside in which an attempt before asked.
    async fn end_earlier(&self, run: &Run, session_id: &str) {
        let before = &run.job.running_context;
        if let Some(thread_id) = before.thread_id.as_deref().filter(|it| *it != session_id) {
            self.end_aside(thread_id, before.turn_id.as_deref()).await;
        }
    }
}

const fn run_limit() -> Duration {
    crate::domain::harness::job::JobType::SuggestRequest.limit()
}

/// Whether this Codex has no such method.
fn is_unknown(error: &CallError) -> bool {
    Refused::of_codex(error).http == 501
}

/// A no as a job tells of it. What passes is met again by nobody who comes a little later.
pub(super) fn failure(refused: Refused) -> Failure {
    let passes = matches!(
        refused.code,
        "codex_unavailable" | "codex_busy" | "codex_timeout"
    );
    Failure {
        code: refused.code.to_owned(),
        message: refused.message,
        passes,
    }
}

/// What else is recorded when such a job is over without a suggestion.
pub(super) fn ended(state: &State, job: &Job, wish: &SuggestRequest) -> Option<Event> {
    let status = match job.state {
        JobState::Failed => RowStatus::Error,
        JobState::Canceled => RowStatus::Canceled,
        JobState::Queued | JobState::Running | JobState::Completed => return None,
    };
    let session_id = &wish.session_id;
    if state.deleted.contains_key(session_id) {
        return None;
    }
    let error = match job.state {
        JobState::Failed => job.error.clone(),
        _ => Some(say!("reason.job_canceled").to_string()),
    };
    let told = Suggestion {
        status,
        suggestion: None,
        error,
    };
    let turn_id = suggestions::turn_of(state, session_id, &wish.request_key);
    let at = job.completed_at.unwrap_or_else(Utc::now);
    let entry = suggestions::entry(&wish.request_key, &turn_id, &told, Some(&job.id), at);
    state
        .has_room_for(session_id, &entry)
        .then(|| Event::RowUpserted {
            session_id: session_id.clone(),
            entry,
        })
}

impl Refused {
    /// 409: nothing was said yet that a suggestion could follow.
    pub fn no_context(session_id: &str) -> Self {
        Self::new(409, "no_context", say!("refusal.harness.no_context"))
            .named("no_context")
            .of_session(session_id)
    }

    /// No suggestion: by the cause that its job tells.
    fn suggestion_failed(job: &Job) -> Self {
        let session_id = job.work.session_id();
        let said = job.error.as_deref().unwrap_or_default();
        let message = match said.is_empty() {
            true => say!("reason.job_canceled"),
            false => Sentence::recognised(said),
        };
        let refused = match job.error_code.as_deref().unwrap_or_default() {
            "no_context" => return Self::no_context(session_id),
            "auth_required" => Self::auth_required(message),
            "codex_unavailable" => Self::new(503, "codex_unavailable", message),
            "codex_busy" => Self::new(503, "codex_busy", message),
            "codex_timeout" | "timeout" => Self::new(504, "codex_timeout", message),
            "rows_full" => Self::new(507, "rows_full", message),
            _ if job.state == JobState::Canceled => Self::new(409, "job_conflict", message),
            _ => Self::new(500, "codex_error", message),
        };
        refused
            .of_session(session_id)
            .with("jobId", job.id.0.as_str())
    }
}
