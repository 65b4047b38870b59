//! `GET /api/report`: the governance report.

use crate::domain::language::Language;
use crate::domain::report::ReportMode;
use crate::domain::sentence::say;
use crate::governance::render::Format;
use crate::governance::report::ReportRequest;
use crate::web::app::App;
use crate::web::body::Query;
use crate::web::caller::RequireReader;
use crate::web::error::ApiError;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

/// `?mode=&base=&format=`.
#[derive(Debug, Deserialize)]
pub struct ReportQuery {
    #[serde(default = "worktree")]
    mode: String,
    #[serde(default)]
    base: Option<String>,
    #[serde(default)]
    format: Option<String>,
}

fn worktree() -> String {
    "worktree".to_owned()
}

impl ReportQuery {
    /// The form that it asks for.
    ///
    /// # Errors
    /// An unknown form.
    pub fn format(&self) -> Result<Format, ApiError> {
        let name = self.format.as_deref().unwrap_or("json");
        Format::named(name)
            .ok_or_else(|| ApiError::invalid("unknown_format", say!("refusal.unknown_format")))
    }

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
                    say!("refusal.unknown_mode"),
                ));
            }
        };
        let base = self.base.filter(|base| !base.trim().is_empty());
        if mode == ReportMode::Base && base.is_none() {
            return Err(ApiError::invalid(
                "missing_base",
                say!("refusal.missing_base"),
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
) -> Result<Response, ApiError> {
    let language = app.agents.core.policy().catalog.language;
    let format = wish.format()?;
    let report = app.report_as(wish.request(language)?, format).await?;
    Ok(([(CONTENT_TYPE, format.media_type())], report).into_response())
}
