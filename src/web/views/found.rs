//! What was found among everything that was ever done, as the API and the page tell it.

use super::{SessionView, ViewContext};
use crate::domain::plan::Source;
use crate::domain::session::Session;
use serde::Serialize;

/// A page of what was found, newest first.
#[derive(Debug, Serialize)]
pub struct FoundView {
    /// These.
    pub sessions: Vec<FoundSession>,
    /// How many there are besides that are older.
    pub older_sessions: usize,
}

/// A session with what came of it.
#[derive(Debug, Serialize)]
pub struct FoundSession {
    /// The session.
    #[serde(flatten)]
    pub session: SessionView,
    /// The summary of its report.
    pub summary: Option<String>,
    /// Whether the server wrote that report, because the session wrote none.
    #[serde(skip)]
    pub is_fallback: bool,
}

impl FoundSession {
    /// A session of the state, or of what is held beside it.
    pub fn of(scene: &ViewContext<'_>, session: &Session) -> Self {
        let report = scene.state.report_of(session).map(|it| it.current());
        Self {
            session: scene.session(session),
            summary: report.map(|it| it.findings.summary.clone()),
            is_fallback: report.is_some_and(|it| it.source == Source::LauncherFallback),
        }
    }
}
