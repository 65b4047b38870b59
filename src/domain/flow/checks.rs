//! What the launcher finds out by itself about a department's work, and what people say to it.

use super::{Catalog, Decision, messages};
use crate::domain::conformance::late::SecondLook;
use crate::domain::conformance::{Baseline, Conformance};
use crate::domain::event::Event;
use crate::domain::evidence::{self, Run, Verdict};
use crate::domain::ids::{ReportId, SessionId};
use crate::domain::limits;
use crate::domain::prompts;
use crate::domain::refusal::Refusal;
use crate::domain::result::TaskResult;
use crate::domain::sentence::say;
use crate::domain::session::Status;
use crate::domain::state::State;

/// Whether the working tree has to be looked at before this session begins.
pub fn needs_baseline(state: &State, id: &SessionId) -> bool {
    state.session(id).is_some_and(|session| {
        !session.is_planner() && session.started_at.is_none() && session.baseline.is_none()
    })
}

/// Records the working tree before a department begins. Once it has begun, a later look would hide what it did.
///
/// # Errors
/// Never refuses.
pub fn record_tree(state: &State, id: &SessionId, baseline: Baseline) -> Decision<()> {
    let event = needs_baseline(state, id).then(|| Event::TreeRecorded {
        session_id: id.clone(),
        baseline,
    });
    Ok((Vec::from_iter(event), ()))
}

/// Records what came of holding a revision against the repository, and tells the planner of the report together with it.
///
/// # Errors
/// Never refuses: what was judged already, or has a newer revision, changes nothing.
pub fn judged(
    state: &State,
    catalog: &Catalog,
    report_id: &ReportId,
    revision: u32,
    conformance: Conformance,
) -> Decision<()> {
    let report = state.reports.get(report_id).filter(|report| {
        report.current().revision == revision && state.unjudged.contains(report_id)
    });
    let Some(report) = report else {
        return Ok((Vec::new(), ()));
    };
    let notice = to_planner(state, report, || {
        prompts::result_notice(
            catalog.language,
            report_id,
            report.current(),
            Some(&conformance),
        )
    });
    let judged = Event::ResultJudged {
        report_id: report_id.clone(),
        revision,
        conformance,
    };
    Ok((std::iter::once(judged).chain(notice).collect(), ()))
}

/// Records what came of looking again when the session had ended, and tells the planner when that is something else.
///
/// # Errors
/// Never refuses: what was looked at already, or has a newer revision, changes nothing.
pub fn rejudged(
    state: &State,
    catalog: &Catalog,
    report_id: &ReportId,
    revision: u32,
    look: SecondLook,
) -> Decision<()> {
    let report = state.reports.get(report_id).filter(|report| {
        report.current().revision == revision && needs_second_look(state, report_id)
    });
    let Some(report) = report else {
        return Ok((Vec::new(), ()));
    };
    let notice = match &look {
        SecondLook::Changed { files, conformance } => to_planner(state, report, || {
            prompts::late_notice(
                catalog.language,
                report_id,
                report.current(),
                files,
                conformance,
            )
        }),
        SecondLook::Same | SecondLook::Unknown { .. } => None,
    };
    let event = Event::ResultRejudged {
        report_id: report_id.clone(),
        revision,
        look,
    };
    Ok((std::iter::once(event).chain(notice).collect(), ()))
}

/// Whether a judged report is to be held against the repository once more.
pub fn needs_second_look(state: &State, report_id: &ReportId) -> bool {
    state.unsettled.contains(report_id) && !state.unjudged.contains(report_id)
}

/// Somebody accepts that a department changed files outside of its assignment.
///
/// # Errors
/// When there is no such result, nothing to accept, or no reason.
pub fn accept(
    state: &State,
    report_id: &ReportId,
    by: &str,
    reason: &str,
    only_for: Option<&SessionId>,
) -> Decision<()> {
    let report = known(state, report_id, only_for)?;
    let reason = reason.trim();
    limits::check_text(reason, "reason")?;
    if reason.is_empty() {
        return Err(Refusal::invalid(
            "invalid_reason",
            say!("refusal.accept_reason"),
        ));
    }
    if !report.awaits_acceptance() {
        let message = match &report.acceptance {
            Some(_) => say!("refusal.already_accepted", report_id),
            None => say!("refusal.nothing_to_accept", report_id),
        };
        return Err(Refusal::conflict("nothing_to_accept", message));
    }
    let event = Event::ChangesAccepted {
        report_id: report_id.clone(),
        revision: report.current().revision,
        by: by.to_owned(),
        reason: reason.to_owned(),
    };
    Ok((vec![event], ()))
}

/// Refuses a decision about another revision of a report than the newest, where it says which one was seen.
///
/// # Errors
/// When there is no such report, or it has another revision by now.
pub fn seen(state: &State, report_id: &ReportId, revision: Option<u32>) -> Result<(), Refusal> {
    let current = known(state, report_id, None)?.current().revision;
    if revision.is_none_or(|seen| seen == current) {
        return Ok(());
    }
    let message = say!("refusal.result_changed", report_id, revision = current);
    Err(Refusal::conflict("result_changed", message))
}

/// A person wants the verify commands of a result to be run by the launcher.
///
/// # Errors
/// When there is no such result, or its assignment names no commands.
pub fn request_verification(state: &State, report_id: &ReportId) -> Decision<()> {
    known(state, report_id, None)?;
    if state
        .commands_of(report_id)
        .is_none_or(<[String]>::is_empty)
    {
        let message = say!("refusal.no_verify", report_id);
        return Err(Refusal::conflict("nothing_to_verify", message));
    }
    let event = (!state.unverified.contains(report_id)).then(|| Event::VerificationRequested {
        report_id: report_id.clone(),
    });
    Ok((Vec::from_iter(event), ()))
}

/// The next verify command that the launcher has to run: one at a time, and not while its department still writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The result.
    pub report_id: ReportId,
    /// Which revision of it.
    pub revision: u32,
    /// Whose work it is.
    pub session_id: SessionId,
    /// The command.
    pub command: String,
}

/// See [`Due`].
pub fn next_verification(state: &State) -> Option<Due> {
    state.unverified.iter().find_map(|report_id| {
        let report = state.reports.get(report_id)?;
        let session = state.author(report_id)?;
        // What the commands write must not count as the department's.
        let is_compared =
            !state.unjudged.contains(report_id) && !state.unsettled.contains(report_id);
        let is_over = is_compared && matches!(session.status, Status::Closed { .. });
        let command = session.brief.verify.get(report.evidence.len())?;
        is_over.then(|| Due {
            report_id: report_id.clone(),
            revision: report.current().revision,
            session_id: session.id().clone(),
            command: command.clone(),
        })
    })
}

/// Records one verify command; after the last one the planner hears what does not hold.
///
/// # Errors
/// Never refuses: a run for an older revision changes nothing.
pub fn verified(
    state: &State,
    catalog: &Catalog,
    report_id: &ReportId,
    revision: u32,
    run: Run,
) -> Decision<()> {
    let report = state.reports.get(report_id).filter(|report| {
        report.current().revision == revision && state.unverified.contains(report_id)
    });
    let Some(report) = report else {
        return Ok((Vec::new(), ()));
    };
    let runs: Vec<&Run> = report.evidence.iter().chain([&run]).collect();
    let is_last = state
        .commands_of(report_id)
        .is_none_or(|commands| runs.len() >= commands.len());
    let ran = &report.current().findings.verifications_run;
    let broken: Vec<(&Run, Verdict)> = runs
        .into_iter()
        .map(|run| {
            (
                run,
                run.verdict(evidence::claim(&run.command, ran).is_some()),
            )
        })
        .filter(|(_, verdict)| matches!(verdict, Verdict::Refuted | Verdict::Fails))
        .collect();
    let notice = (is_last && !broken.is_empty())
        .then(|| {
            to_planner(state, report, || {
                prompts::evidence_notice(catalog.language, report_id, report.current(), &broken)
            })
        })
        .flatten();
    let event = Event::VerificationRun {
        report_id: report_id.clone(),
        revision,
        run: run.clone(),
    };
    Ok((std::iter::once(event).chain(notice).collect(), ()))
}

fn to_planner(state: &State, report: &TaskResult, text: impl FnOnce() -> String) -> Option<Event> {
    let planner = &report.current().parent_session_id;
    messages::about_result(state, planner, &report.report_id, text)
}

/// The result, if it is there, and that planner's (`only_for`).
pub(super) fn known<'a>(
    state: &'a State,
    report_id: &ReportId,
    only_for: Option<&SessionId>,
) -> Result<&'a TaskResult, Refusal> {
    let unknown = || Refusal::not_found("unknown_report", say!("refusal.not_in_inbox", report_id));
    let report = state.reports.get(report_id).ok_or_else(unknown)?;
    match only_for {
        Some(planner) if state.current_planner(&report.current().parent_session_id) != planner => {
            Err(unknown())
        }
        _ => Ok(report),
    }
}
