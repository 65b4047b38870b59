//! `GET /api/report`: the governance report.

use crate::domain::language::Language;
use crate::domain::report::{Report, ReportMode};
use crate::governance::report::ReportRequest;
use crate::web::app::App;
use crate::web::body::Query;
use crate::web::caller::RequireReader;
use crate::web::error::ApiError;
use axum::Json;
use axum::extract::State;
use serde::Deserialize;

/// `?mode=&base=`.
#[derive(Debug, Deserialize)]
pub struct ReportQuery {
    #[serde(default = "worktree")]
    mode: String,
    #[serde(default)]
    base: Option<String>,
}

fn worktree() -> String {
    "worktree".to_owned()
}

impl ReportQuery {
    /// The request that it asks for.
    ///
    /// # Errors
    /// An unknown mode, or no base where one is needed.
    pub fn request(self, language: Language) -> Result<ReportRequest, ApiError> {
        let mode = match self.mode.as_str() {
            "worktree" => ReportMode::Worktree,
            "staged" => ReportMode::Staged,
            "base" => ReportMode::Base,
            _ => {
                return Err(ApiError::invalid(
                    "unknown_mode",
                    "mode: choose worktree, staged or base",
                ));
            }
        };
        let base = self.base.filter(|base| !base.trim().is_empty());
        if mode == ReportMode::Base && base.is_none() {
            return Err(ApiError::invalid(
                "missing_base",
                "base: name the branch, tag or commit to compare with, as in `?mode=base&base=main`",
            ));
        }
        Ok(ReportRequest {
            mode,
            base,
            language,
            ..ReportRequest::default()
        })
    }
}

pub async fn report(
    State(app): State<App>,
    RequireReader(_): RequireReader,
    Query(wish): Query<ReportQuery>,
) -> Result<Json<Report>, ApiError> {
    let request = wish.request(app.office.policy().catalog.language)?;
    Ok(Json(app.report(request).await?))
}
