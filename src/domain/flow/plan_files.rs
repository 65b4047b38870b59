//! Plans that come as files: the plan, for a planner that can only write files; beside the plan, for everybody else.
//!
//! | the planner | what stands | a file from nobody known |
//! |---|---|---|
//! | has the tool (Codex) | anything | stands beside it |
//! | can only write files | a pending plan that a person reported | stands beside it |
//! | can only write files | anything else | is the plan, not verified |
//!
//! A person has to act after so many files, whether they stand beside or are the plan ([`MAX_FOUND`]).
//!
//! What the tool or a person reports is always the plan. Only what is the plan goes to a review or to a confirmation, and a
//! file goes to a review by a person's word alone (`review_wanted`).

use super::named::live_planner;
use super::plans::{self, PlanReceipt, Reported};
use super::{Catalog, Decision, review_wanted};
use crate::domain::event::Event;
use crate::domain::ids::SessionId;
use crate::domain::plan::{PlanState, Source};
use crate::domain::plan_file::{Beside, MAX_FOUND, PlanFile, Why};
use crate::domain::refusal::Refusal;
use crate::domain::sentence::say;
use crate::domain::session::Session;
use crate::domain::state::State;
use std::sync::Arc;

/// A file as it lies in the mailbox.
#[derive(Debug, Clone)]
pub struct InFile {
    /// The name that it will have in the archive.
    pub file: String,
    /// Digest of its bytes.
    pub sha256: String,
}

/// Why what comes through this door cannot be the planner's plan now; `None` when it can.
pub fn why_beside(planner: &Session, source: Source) -> Option<Why> {
    let waits = planner
        .plan()
        .filter(|plan| plan.state == PlanState::Pending);
    match source {
        source if source.is_verified() => None,
        _ if planner.has_tools() => Some(Why::PlannerHasTool),
        _ if waits.is_some_and(|plan| plan.source.is_verified()) => Some(Why::VerifiedPlanWaits),
        _ => None,
    }
}

/// Takes a plan out of a file: as the plan, or beside it.
///
/// # Errors
/// As [`plans::report`]; what can be no plan stands beside none. And when so many stood there that a person has to act first.
pub fn come_in(
    state: &State,
    catalog: &Catalog,
    session_id: &SessionId,
    plan: Reported,
    file: InFile,
) -> Decision<()> {
    let planner = live_planner(state, session_id, "session_id")?;
    let Some(why) = why_beside(planner, plan.source) else {
        let is_bare = !plan.source.is_verified();
        let (events, _) = plans::report(state, catalog, session_id, plan)?;
        if is_bare && !events.is_empty() && planner.plan_files.are_enough() {
            return Err(too_many());
        }
        return Ok((events, ()));
    };
    plans::check_proposal(catalog, &plan.checked.proposal)?;
    let plan_sha256 = plan.checked.proposal.sha256();
    let says_nothing_new = planner
        .plan()
        .is_some_and(|newest| newest.state == PlanState::Pending && newest.sha256 == plan_sha256);
    let files = &planner.plan_files;
    if says_nothing_new
        || files.find(&plan_sha256).is_some()
        || state.has_taken(planner.id(), &file.sha256)
    {
        return Ok((Vec::new(), ()));
    }
    if files.are_enough() {
        return Err(too_many());
    }
    let event = Event::PlanFileFound {
        session_id: planner.id().clone(),
        gave_way: files.next_to_go().map(ToOwned::to_owned),
        reason: why.sentence().to_string(),
        found: PlanFile {
            plan_sha256,
            proposal: Arc::new(plan.checked.proposal),
            findings: plan.checked.findings,
            file: file.file,
            sha256: file.sha256,
            written_at: plan.written_at.unwrap_or_default(),
            why,
        },
    };
    Ok((vec![event], ()))
}

/// A person takes a file that stands beside as the plan. It is a new version, not verified; taking it is the
/// person's word for its review as well.
///
/// # Errors
/// When there is no such file, its planner has ended, or it names what does not exist any more.
pub fn take(
    state: &State,
    catalog: &Catalog,
    session_id: &SessionId,
    plan_sha256: &str,
) -> Decision<PlanReceipt> {
    let planner = live_planner(state, session_id, "session_id")?;
    let file = &find(planner, plan_sha256)?.file;
    plans::check_proposal(catalog, &file.proposal)?;
    let version = planner.plan().map_or(0, |plan| plan.version) + 1;
    let mut events = vec![
        Event::ZhongshuPlanRegistered {
            session_id: planner.id().clone(),
            version,
            plan_sha256: file.plan_sha256.clone(),
            proposal: file.proposal.clone(),
            findings: Some(file.findings.clone()),
            source: Source::Mailbox,
            written_at: Some(file.written_at),
        },
        Event::PlanFileTaken {
            session_id: planner.id().clone(),
            version,
            plan_sha256: file.plan_sha256.clone(),
            file: file.file.clone(),
        },
    ];
    let rule = catalog.review;
    events.extend(review_wanted::of_known(planner, rule, version, plan_sha256));
    let receipt = PlanReceipt {
        version,
        plan_sha256: plan_sha256.to_owned(),
        new: true,
    };
    Ok((events, receipt))
}

/// A person takes a file away that stands beside the plan; it stays in the archive.
///
/// # Errors
/// When there is no such file.
pub fn discard(state: &State, session_id: &SessionId, plan_sha256: &str) -> Decision<()> {
    let planner = super::sessions::planner(state, state.current_planner(session_id))?;
    let file = &find(planner, plan_sha256)?.file;
    let event = Event::PlanFileDiscarded {
        session_id: planner.id().clone(),
        plan_sha256: plan_sha256.to_owned(),
        file: file.file.clone(),
    };
    Ok((vec![event], ()))
}

fn too_many() -> Refusal {
    let message = say!("refusal.too_many_plan_files", max_found = MAX_FOUND);
    Refusal::conflict("too_many_plan_files", message)
}

fn find<'a>(planner: &'a Session, plan_sha256: &str) -> Result<&'a Beside, Refusal> {
    planner.plan_files.find(plan_sha256).ok_or_else(|| {
        let message = say!("refusal.unknown_plan_file", id = planner.id());
        Refusal::not_found("unknown_plan_file", message)
    })
}
