//! What every handler may use.

use crate::domain::language::Language;
use crate::domain::report::Report;
use crate::git::GitError;
use crate::governance::Governance;
use crate::governance::report::{DEFAULT_TIME_LIMIT, ReportError, ReportRequest};
use crate::governance::review::{self, Review, Wanted};
use crate::governance::standing::Standing;
use crate::sessions::office::Office;
use crate::web::error::ApiError;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

/// How long a report is waited for. It gives up by itself after its own limit; this is for one that cannot, because the
/// system does not answer it.
const REPORT_PATIENCE: Duration = DEFAULT_TIME_LIMIT.saturating_add(Duration::from_secs(2));

/// After so long without a report, what is kept of the last one is let go, and the folders are no longer watched.
const STANDING_IDLE: Duration = Duration::from_secs(600);

/// The handlers' view of the running launcher. Clones share it.
#[derive(Clone)]
pub struct App {
    /// Sessions, plans, queue, terminals.
    pub office: Arc<Office>,
    /// Asks the launcher to end; the value says whether sessions stay.
    pub shutdown: mpsc::Sender<bool>,
    /// One report at a time: a second caller waits instead of doubling the load.
    pub reports: Arc<tokio::sync::Semaphore>,
    /// The last report of the working tree.
    pub standing: Arc<Standing>,
    /// Whether the gate stands before every commit; `None` until somebody has looked.
    pub guarded: watch::Receiver<Option<bool>>,
}

impl App {
    /// Makes a report off the runtime's threads.
    ///
    /// # Errors
    /// When the repository or the revision cannot be read.
    pub async fn report(&self, request: ReportRequest) -> Result<Report, ApiError> {
        let standing = Arc::clone(&self.standing);
        let made = self
            .read_repository(move |repo, governance| standing.report(repo, governance, &request));
        let made = made.await;
        self.forget_when_unused();
        made
    }

    /// Sees that what the last report left behind does not stay for ever.
    fn forget_when_unused(&self) {
        if self.standing.wants_attention() {
            let standing = Arc::clone(&self.standing);
            tokio::spawn(async move {
                while let Some(rest) = standing.forget_unused(STANDING_IDLE) {
                    tokio::time::sleep(rest).await;
                }
            });
        }
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
        let seen = self.office.ledger.read(crate::web::views::work::seen);
        self.read_repository(move |repo, governance| {
            review::read(repo, governance, &request, wanted, &seen)
        })
        .await
    }

    async fn read_repository<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Path, &Governance) -> Result<T, ReportError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let Ok(turn) = timeout(REPORT_PATIENCE, Arc::clone(&self.reports).acquire_owned()).await
        else {
            return Err(unanswered("a report before this one has not ended yet"));
        };
        let repo = self.office.place.repo.clone();
        let governance = Arc::clone(&self.office.policy().governance);
        let made = tokio::task::spawn_blocking(move || {
            let made = read(&repo, &governance);
            // Here, so that one that nobody waits for any more still counts.
            drop(turn);
            made
        });
        match timeout(REPORT_PATIENCE, made).await {
            Ok(Ok(Ok(made))) => Ok(made),
            Ok(Ok(Err(error))) => Err(report_error(&error)),
            Ok(Err(_)) => Err(ApiError::internal()),
            Err(_) => Err(unanswered("the file system does not answer")),
        }
    }
}

fn unanswered(reason: &str) -> ApiError {
    let seconds = REPORT_PATIENCE.as_secs();
    ApiError::unavailable(
        "report_failed",
        format!("reading the repository took longer than {seconds} seconds: {reason}"),
    )
}

fn report_error(error: &ReportError) -> ApiError {
    let sentence = error.to_string();
    match error {
        ReportError::Git(GitError::UnknownRevision { .. }) => {
            ApiError::invalid("unknown_revision", format!("base: {sentence}"))
        }
        _ => ApiError::unavailable("report_failed", sentence),
    }
}
