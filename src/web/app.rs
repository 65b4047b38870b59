//! What every handler may use.

use crate::domain::language::Language;
use crate::domain::sentence::{Sentence, say};
use crate::gate::observe::Moment;
use crate::gate::review::{Review, Wanted};
use crate::gate::strictness::Statements;
use crate::governance::entries::Entry;
use crate::governance::render::Format;
use crate::governance::report::{DEFAULT_TIME_LIMIT, ReportRequest};
use crate::harness::Harness;
use crate::reader::{ReadError, Reader};
use crate::sessions::agents::Agents;
use crate::web::attention::Attention;
use crate::web::body::Subjects;
use crate::web::error::ApiError;
use crate::web::preferences::PreferenceFile;
use crate::web::session_frames::SessionFrames;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

/// How long a report is waited for. The child gives up by itself after its own limit, and is killed soon after; this is for
/// a system that does not even do that.
const REPORT_PATIENCE: Duration = DEFAULT_TIME_LIMIT.saturating_add(Duration::from_secs(2));

/// After so long without a report the child ends, and with it what is kept of the last one; the folders are no longer
/// watched.
const READER_IDLE: Duration = Duration::from_secs(600);

/// The handlers' view of the running launcher. Clones share it.
#[derive(Clone)]
pub struct App {
    /// Sessions, plans, queue, terminals.
    pub agents: Arc<Agents>,
    /// Threads that are no sessions.
    pub harness: Arc<Harness>,
    /// Asks the launcher to end; the value says whether sessions stay.
    pub shutdown: mpsc::Sender<bool>,
    /// One report at a time: a second caller waits instead of doubling the load.
    pub reports: Arc<tokio::sync::Semaphore>,
    /// Reads the repository in a limited child.
    pub reader: Arc<Reader>,
    /// What readers of the sessions' stream are sent.
    pub sessions: Arc<SessionFrames>,
    /// How the person's pages look.
    pub preferences: Arc<PreferenceFile>,
    /// What waits for a person.
    pub attention: Arc<Attention>,
    /// Whether the gate stands before every commit; `None` until somebody has looked.
    pub guarded: watch::Receiver<Option<bool>>,
}

impl Subjects for App {
    async fn take_out(&self, names: Vec<String>) -> Result<(), ApiError> {
        for name in names {
            self.agents.core.take_out(&name).await?;
        }
        Ok(())
    }
}

impl App {
    /// A report in one form, made in the limited child.
    ///
    /// # Errors
    /// When the repository or the revision cannot be read.
    pub async fn report_as(
        &self,
        request: ReportRequest,
        format: Format,
    ) -> Result<Vec<u8>, ApiError> {
        self.read_repository(move |reader| reader.report(&request, format))
            .await
    }

    /// The same as a value.
    ///
    /// # Errors
    /// When the repository or the revision cannot be read.
    pub async fn report<T: DeserializeOwned>(&self, request: ReportRequest) -> Result<T, ApiError> {
        let json = self.report_as(request, Format::Json).await?;
        serde_json::from_slice(&json).map_err(|error| read_error(&error.into()))
    }

    /// Reads what entries of an assignment's files stand for.
    ///
    /// # Errors
    /// When the repository cannot be read.
    pub async fn entries(&self, files: Vec<String>) -> Result<Vec<Entry>, ApiError> {
        self.read_repository(move |reader| reader.entries(files))
            .await
    }

    /// Reads what is staged, as a person reviews it.
    ///
    /// # Errors
    /// When the repository cannot be read.
    pub async fn review(
        &self,
        language: Language,
        wanted: Option<Wanted>,
    ) -> Result<Review, ApiError> {
        let request = ReportRequest {
            language,
            ..ReportRequest::default()
        };
        let seen = self.agents.core.ledger.read(crate::web::views::work::seen);
        self.read_repository(move |reader| reader.review(&request, wanted, seen))
            .await
    }

    /// What `governance.yaml` says about the gate, as it is committed and as it lies there.
    ///
    /// # Errors
    /// When the repository cannot be read.
    pub async fn gate_statements(&self) -> Result<Statements, ApiError> {
        let look = self.read_repository(|reader| reader.look(None, Moment::Before));
        Ok(look.await?.statements)
    }

    async fn read_repository<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Reader) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let Ok(turn) = timeout(REPORT_PATIENCE, Arc::clone(&self.reports).acquire_owned()).await
        else {
            return Err(unanswered(say!("refusal.report.busy")));
        };
        let reader = Arc::clone(&self.reader);
        let made = tokio::task::spawn_blocking(move || {
            let made = read(&reader);
            // Here, so that one that nobody waits for any more still counts.
            drop(turn);
            made
        });
        let made = timeout(REPORT_PATIENCE, made).await;
        self.end_reader_when_unused();
        match made {
            Ok(Ok(Ok(made))) => Ok(made),
            Ok(Ok(Err(error))) => Err(read_error(&error)),
            Ok(Err(_)) => Err(ApiError::internal()),
            Err(_) => Err(unanswered(say!("refusal.report.disk"))),
        }
    }

    /// Sees that the child, and what it remembers of the last report, does not stay for ever.
    fn end_reader_when_unused(&self) {
        if self.reader.wants_attention() {
            let reader = Arc::clone(&self.reader);
            tokio::spawn(async move {
                while let Some(rest) = reader.end_unused(READER_IDLE) {
                    tokio::time::sleep(rest).await;
                }
            });
        }
    }
}

fn unanswered(reason: Sentence) -> ApiError {
    let seconds = REPORT_PATIENCE.as_secs();
    ApiError::unavailable(
        "report_failed",
        say!("refusal.report.slow", seconds, reason => reason),
    )
}

fn read_error(error: &ReadError) -> ApiError {
    let sentence = Sentence::recognised(&error.to_string());
    match error {
        ReadError::UnknownRevision(_) => ApiError::invalid(
            "unknown_revision",
            say!("refusal.unknown_revision", sentence => sentence),
        ),
        ReadError::Refused(_) | ReadError::NoAnswer(_) | ReadError::Nonsense(_) => {
            ApiError::unavailable("report_failed", sentence)
        }
    }
}
