//! A planner's inbox: reading and acknowledging.

use super::Decision;
use super::checks::known;
use super::named::unknown_session;
use crate::domain::event::Event;
use crate::domain::ids::{ReportId, SessionId};
use crate::domain::state::State;
use crate::domain::state::recent::NEWEST;

/// Marks what is unread as read and says what that was, so that the reader sees it as unread this once: the newest [`NEWEST`], which are
/// all that are shown.
///
/// # Errors
/// When there is no such planner.
pub fn read(state: &State, session_id: &SessionId) -> Decision<Vec<ReportId>> {
    let planner = state
        .session(session_id)
        .filter(|session| session.is_planner());
    let planner = planner.ok_or_else(|| unknown_session(session_id))?;
    let unread: Vec<ReportId> = state
        .unread(planner.id())
        .take(NEWEST)
        .map(|report| report.report_id.clone())
        .collect();
    let events = match unread.is_empty() {
        true => Vec::new(),
        false => vec![Event::ResultsRead {
            session_id: planner.id().clone(),
            report_ids: unread.clone(),
        }],
    };
    Ok((events, unread))
}

/// Takes notice of one result; work that waited for it goes on.
///
/// # Errors
/// When there is no such result.
pub fn acknowledge(state: &State, report_id: &ReportId) -> Decision<()> {
    let report = known(state, report_id, None)?;
    let events = match report.acknowledged {
        true => Vec::new(),
        false => vec![Event::ResultAcknowledged {
            report_id: report_id.clone(),
        }],
    };
    Ok((events, ()))
}
