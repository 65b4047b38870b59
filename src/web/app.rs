//! What every handler may use.

use crate::domain::language::Language;
use crate::domain::report::Report;
use crate::git::GitError;
use crate::governance::Governance;
use crate::governance::report::{ReportError, ReportRequest};
use crate::governance::review::{self, Review, Wanted};
use crate::sessions::office::Office;
use crate::web::error::ApiError;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::{mpsc, watch};

/// The handlers' view of the running launcher. Clones share it.
#[derive(Clone)]
pub struct App {
    /// Sessions, plans, queue, terminals.
    pub office: Arc<Office>,
    /// Asks the launcher to end; the value says whether sessions stay.
    pub shutdown: mpsc::Sender<bool>,
    /// One report at a time: a second caller waits instead of doubling the load.
    pub reports: Arc<tokio::sync::Semaphore>,
    /// Whether the gate stands before every commit; `None` until somebody has looked.
    pub guarded: watch::Receiver<Option<bool>>,
}

impl App {
    /// Makes a report off the runtime's threads.
    ///
    /// # Errors
    /// When the repository or the revision cannot be read.
    pub async fn report(&self, request: ReportRequest) -> Result<Report, ApiError> {
        self.read_repository(move |repo, governance| {
            crate::governance::report::build(repo, governance, &request)
        })
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
        let turn = self.reports.acquire().await;
        let repo = self.office.place.repo.clone();
        let governance = Arc::clone(&self.office.policy().governance);
        let made = tokio::task::spawn_blocking(move || read(&repo, &governance));
        let outcome = made.await;
        drop(turn);
        match outcome {
            Ok(Ok(made)) => Ok(made),
            Ok(Err(error)) => Err(report_error(&error)),
            Err(_) => Err(ApiError::internal()),
        }
    }
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
