//! Reports: whose they are, which revision they become, and who is told.

use super::{Catalog, Decision, messages};
use crate::domain::event::Event;
use crate::domain::handoff;
use crate::domain::ids::{ReportId, SessionId};
use crate::domain::plan::Source;
use crate::domain::prompts;
use crate::domain::refusal::Refusal;
use crate::domain::result::{Findings, MAX_BARE, Revision, TaskResult, Written};
use crate::domain::sentence::{Sentence, say};
use crate::domain::session::{Outcome, Session};
use crate::domain::state::State;
use chrono::{DateTime, SecondsFormat, Utc};
use std::sync::Arc;

/// A report as it came in, with what is known about its writer.
#[derive(Debug, Clone)]
pub struct Submission {
    /// The planner whose mailbox it was in.
    pub mailbox_of: SessionId,
    /// The planner that the report names.
    pub parent_session_id: SessionId,
    /// The session that it claims to come from.
    pub department_session_id: SessionId,
    /// The department that it names.
    pub department: String,
    /// What it says.
    pub findings: Findings,
    /// The session that wrote it, when the launcher knows for sure.
    pub written_by: Option<SessionId>,
    /// When it was written.
    pub written: Written,
    /// Name of the file.
    pub file: String,
    /// Digest of the file.
    pub sha256: String,
}

/// What became of a submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// It is registered.
    Registered {
        /// The report.
        report_id: ReportId,
        /// Which revision it is.
        revision: u32,
    },
    /// These very bytes were registered before.
    Already,
}

/// Registers a report, or says why it cannot be one.
///
/// Identity is the folder and the writer, not what the file claims: a claim that does not fit is refused.
///
/// # Errors
/// When the session is unknown, is not this planner's child, or has already reported in a way that this cannot replace.
pub fn take(state: &State, catalog: &Catalog, wish: Submission) -> Decision<Taken> {
    let session = check_identity(state, &wish)?;
    if state.has_taken(session.id(), &wish.sha256) {
        return Ok((Vec::new(), Taken::Already));
    }
    let verified = wish.written_by.is_some();
    let report = state.report_of(session);
    if !verified {
        must_be_in_time(session, &wish.written)?;
    }
    match report {
        // What the launcher said in a silent session's place is no report of its own.
        Some(report) if !verified && report.is_from_its_session() => {
            return Err(Refusal::conflict(
                "already_reported",
                say!("refusal.already_reported", id = session.id()),
            ));
        }
        Some(report) if !verified && report.has_enough_bare() => {
            return Err(Refusal::conflict(
                "too_many_revisions",
                say!(
                    "refusal.too_many_revisions",
                    max_bare = MAX_BARE,
                    id = session.id()
                ),
            ));
        }
        // Anybody can write a file, so it never stands in the way of the session's own word.
        Some(report) if report.current().verified == verified => {
            must_not_be_older(report.current(), &wish.written)?;
        }
        _ => {}
    }
    let revision = Revision {
        revision: next_revision(report),
        parent_session_id: state.current_planner(&wish.mailbox_of).clone(),
        department_session_id: session.id().clone(),
        department: session.brief.department.clone(),
        findings: wish.findings,
        source: if verified {
            Source::Tool
        } else {
            Source::Mailbox
        },
        verified,
        mailbox_file: Some(wish.file),
        sha256: Some(wish.sha256),
        written: Some(wish.written),
        handoff_packet: handoff::path(state.current_planner(&wish.mailbox_of), session.id()),
    };
    let number = revision.revision;
    let (report_id, events) = register(state, catalog, report, revision);
    Ok((
        events,
        Taken::Registered {
            report_id,
            revision: number,
        },
    ))
}

/// What the launcher says in place of a session that ended without a word.
pub fn fallback(
    state: &State,
    catalog: &Catalog,
    session: &Session,
    outcome: &Outcome,
) -> Vec<Event> {
    let Some(parent) = session.brief.parent_session_id.as_ref() else {
        return Vec::new();
    };
    let report = state.report_of(session);
    // A session that was resumed and ended again without a word says so again.
    if session.is_planner()
        || session.is_review()
        || report.is_some_and(|report| !report.is_fallback())
    {
        return Vec::new();
    }
    let parent = state.current_planner(parent);
    let revision = Revision {
        revision: next_revision(report),
        parent_session_id: parent.clone(),
        department_session_id: session.id().clone(),
        department: session.brief.department.clone(),
        findings: prompts::fallback_findings(catalog.language, outcome),
        source: Source::LauncherFallback,
        verified: true,
        mailbox_file: None,
        sha256: None,
        written: None,
        handoff_packet: handoff::path(parent, session.id()),
    };
    register(state, catalog, report, revision).1
}

fn check_identity<'a>(state: &'a State, wish: &Submission) -> Result<&'a Session, Refusal> {
    let forged = |message: Sentence| Err(Refusal::forbidden("not_yours", message));
    let id = &wish.department_session_id;
    let Some(session) = state.session(id) else {
        return forged(say!("refusal.no_such_department_session", id));
    };
    let planner = state.current_planner(&wish.mailbox_of);
    let parent = session
        .brief
        .parent_session_id
        .as_ref()
        .map(|parent| state.current_planner(parent));
    if session.is_planner() || parent != Some(planner) {
        return forged(say!(
            "refusal.foreign_department",
            id,
            planner = wish.mailbox_of
        ));
    }
    if session.is_review() {
        let message = say!("refusal.verdict_wanted", id);
        return Err(Refusal::invalid("verdict_wanted", message));
    }
    if state.current_planner(&wish.parent_session_id) != planner {
        return forged(say!(
            "refusal.foreign_parent",
            parent = wish.parent_session_id
        ));
    }
    if session.brief.department != wish.department {
        return forged(say!(
            "refusal.other_department",
            id,
            department = session.brief.department
        ));
    }
    if let Some(writer) = &wish.written_by
        && writer != id
    {
        return forged(say!("refusal.foreign_result", writer, id));
    }
    Ok(session)
}

/// A file that was written when its session had ended already is not that session's.
fn must_be_in_time(session: &Session, written: &Written) -> Result<(), Refusal> {
    let Some(ended_at) = session.ended_at().filter(|at| written.at > *at) else {
        return Ok(());
    };
    let message = say!(
        "refusal.ended_before_writing",
        id = session.id(),
        ended = stamp(ended_at),
        written = stamp(written.at)
    );
    Err(Refusal::conflict("session_ended", message))
}

/// What waited while something newer came in changes nothing any more.
fn must_not_be_older(current: &Revision, written: &Written) -> Result<(), Refusal> {
    let newer = current.written.as_ref();
    let Some(newer) = newer.filter(|newer| written.is_before(newer)) else {
        return Ok(());
    };
    let known = match (written.number, newer.number) {
        (Some(own), Some(others)) if own != others => {
            say!("refusal.older.revision", own, others)
        }
        _ => say!(
            "refusal.older.time",
            this = stamp(written.at),
            that = stamp(newer.at)
        ),
    };
    let message = say!("refusal.older_report", id = current.department_session_id, revision = current.revision, known => known);
    Err(Refusal::conflict("older_report", message))
}

fn stamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn next_revision(report: Option<&TaskResult>) -> u32 {
    report.map_or(0, |report| report.current().revision) + 1
}

fn register(
    state: &State,
    catalog: &Catalog,
    report: Option<&TaskResult>,
    revision: Revision,
) -> (ReportId, Vec<Event>) {
    let report_id = report.map_or_else(
        || ReportId::fresh("report"),
        |report| report.report_id.clone(),
    );
    // With a tree to compare with, the planner hears of the report together with what came of the comparison.
    let is_judged_first = state
        .session(&revision.department_session_id)
        .is_some_and(|session| session.baseline.is_some());
    let notice = match is_judged_first {
        true => None,
        false => messages::about_result(state, &revision.parent_session_id, &report_id, || {
            prompts::result_notice(catalog.language, &report_id, &revision, None)
        }),
    };
    let revision = Arc::new(revision);
    let event = match report {
        None => Event::ResultRegistered {
            report_id: report_id.clone(),
            revision,
        },
        Some(_) => Event::ResultUpdated {
            report_id: report_id.clone(),
            revision,
        },
    };
    (report_id, std::iter::once(event).chain(notice).collect())
}
