//! The suggested next message of a thread, as its page shows it beside the field in which one writes.

use crate::domain::harness::job::{Job, JobState, Work};
use crate::domain::language::Language;
use crate::domain::transcript::Turn;
use crate::harness::Harness;
use crate::harness::index::Known;
use crate::harness::refused::Refused;
use crate::harness::suggestions::turn_of;

/// What of suggestions is shown in a thread.
#[derive(Debug, Clone)]
pub struct SuggestionView {
    /// Why none can be asked for, if that is so.
    pub refused: Option<String>,
    /// The newest one, as long as the thread has not gone on.
    pub newest: Option<NewestSuggestion>,
}

/// One that was asked for.
#[derive(Debug, Clone)]
pub struct NewestSuggestion {
    /// The job that makes it.
    pub job_id: String,
    /// How far it is.
    pub state: SuggestionState,
}

/// How far a suggestion is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SuggestionState {
    /// It waits; with what went wrong before, as a sentence.
    Waiting(Option<String>),
    /// The model is asked.
    Running,
    /// It is about to be taken back.
    Ending,
    /// The model's text.
    Made(String),
    /// The model gave nothing; what stands in.
    StandsIn(String),
    /// There is none, and why.
    Failed(String),
    /// Somebody took it back.
    TakenBack,
}

impl SuggestionState {
    /// Its name on the page.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Waiting(None) => "waiting",
            Self::Waiting(Some(_)) => "again",
            Self::Running => "running",
            Self::Ending => "ending",
            Self::Made(_) => "made",
            Self::StandsIn(_) => "stands_in",
            Self::Failed(_) => "failed",
            Self::TakenBack => "taken_back",
        }
    }

    /// The text that was suggested.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Made(text) | Self::StandsIn(text) => Some(text),
            _ => None,
        }
    }

    /// Why there is none, or not yet.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Failed(reason) => Some(reason),
            Self::Waiting(reason) => reason.as_deref(),
            _ => None,
        }
    }

    /// Whether it can be taken back.
    pub const fn may_be_canceled(&self) -> bool {
        matches!(self, Self::Waiting(_) | Self::Running)
    }

    fn of(job: &Job) -> Self {
        let said = |field: &str| {
            let result = job.result.as_ref();
            result.and_then(|it| it[field].as_str()).unwrap_or_default()
        };
        match job.state {
            JobState::Queued | JobState::Running if job.canceled.is_some() => Self::Ending,
            JobState::Queued => Self::Waiting(job.error.clone()),
            JobState::Running => Self::Running,
            JobState::Completed if said("status") == "ok" => {
                Self::Made(said("suggestion").to_owned())
            }
            JobState::Completed => Self::StandsIn(said("suggestion").to_owned()),
            JobState::Failed => Self::Failed(job.error.clone().unwrap_or_default()),
            JobState::Canceled => Self::TakenBack,
        }
    }
}

impl SuggestionView {
    /// What is shown in a thread whose newest turn is this one.
    pub fn of(harness: &Harness, known: &Known, newest: Option<&Turn>, language: Language) -> Self {
        let refused = harness.queue_must_be_on().err();
        let no_context = || (!known.is_materialized()).then(|| Refused::no_context(&known.id));
        let refused = refused.or_else(no_context);
        Self {
            refused: refused.map(|it| it.message.text(language)),
            newest: harness.ledger.read(|state| {
                let key_of = |job: &Job| match &job.work {
                    Work::SuggestRequest(it) if it.session_id == known.id => {
                        Some(it.request_key.clone())
                    }
                    _ => None,
                };
                let jobs = state.jobs.iter();
                let of_thread = jobs.filter_map(|job| Some((job, key_of(job)?)));
                let (job, key) = of_thread.max_by_key(|(job, _)| job.created_at)?;
                let is_shown = !job.state.is_over()
                    || newest.is_some_and(|turn| {
                        let of = turn_of(state, &known.id, &key);
                        // One that was over before it began stands in no turn.
                        let has_gone_on = || turn.started_at > job.completed_at;
                        of == turn.id || (of.is_empty() && !has_gone_on())
                    });
                is_shown.then(|| NewestSuggestion {
                    job_id: job.id.0.clone(),
                    state: SuggestionState::of(job),
                })
            }),
        }
    }
}
