//! What every handler may use.

use crate::git;
use crate::sessions::office::Office;
use std::sync::Arc;
use tokio::sync::mpsc;

/// The handlers' view of the running launcher. Clones share it.
#[derive(Clone)]
pub struct App {
    /// Sessions, plans, queue, terminals.
    pub office: Arc<Office>,
    /// Asks the launcher to end; the value says whether sessions stay.
    pub shutdown: mpsc::Sender<bool>,
    /// One report at a time: a second caller waits instead of doubling the load.
    pub reports: Arc<tokio::sync::Semaphore>,
}

impl App {
    /// Makes a report off the runtime's threads.
    ///
    /// # Errors
    /// When the repository or the revision cannot be read.
    pub async fn report(
        &self,
        request: crate::governance::report::ReportRequest,
    ) -> Result<crate::domain::report::Report, crate::web::error::ApiError> {
        let turn = self.reports.acquire().await;
        let repo = self.office.place.repo.clone();
        let governance = Arc::clone(&self.office.policy().governance);
        let made = tokio::task::spawn_blocking(move || {
            crate::governance::report::build(&repo, &governance, &request)
        });
        let outcome = made.await;
        drop(turn);
        match outcome {
            Ok(Ok(report)) => Ok(report),
            Ok(Err(error)) => Err(report_error(&error)),
            Err(_) => Err(crate::web::error::ApiError::internal()),
        }
    }
}

fn report_error(error: &crate::governance::report::ReportError) -> crate::web::error::ApiError {
    use crate::governance::report::ReportError;
    use crate::web::error::ApiError;
    let sentence = error.to_string();
    match error {
        ReportError::Git(git::GitError::UnknownRevision { .. }) => {
            ApiError::invalid("unknown_revision", format!("base: {sentence}"))
        }
        _ => ApiError::unavailable("report_failed", sentence),
    }
}
