//! What begins the review of a plan: the word of an author who is known, or else a person's.
//!
//! A review starts a session, and a file could be anybody's: so what nobody is known to have written waits.

use super::plan_reviews::{MAX_REVIEWS, since_person};
use super::{Decision, named};
use crate::domain::event::Event;
use crate::domain::ids::SessionId;
use crate::domain::plan::{Plan, Source};
use crate::domain::plan_review::{Review, ReviewRule};
use crate::domain::refusal::Refusal;
use crate::domain::sentence::say;
use crate::domain::session::Session;
use crate::domain::state::State;

/// What follows from a version that was reported: a review, the person at once, or a wait for the person's word.
pub(super) fn of_report(
    planner: &Session,
    rule: ReviewRule,
    version: u32,
    digest: &str,
    source: Source,
) -> Option<Event> {
    if !rule.required || source.is_verified() {
        return of_known(planner, rule, version, digest);
    }
    Some(Event::PlanReviewWithheld {
        session_id: planner.id().clone(),
        version,
        plan_sha256: digest.to_owned(),
        reason: Review::AuthorUnknown.reason()?.to_string(),
    })
}

/// What follows from a version that somebody known reported, or that a person took: a review, or the person at once.
pub(super) fn of_known(
    planner: &Session,
    rule: ReviewRule,
    version: u32,
    digest: &str,
) -> Option<Event> {
    let (vetoes, reviews) = since_person(planner);
    let enough = vetoes >= rule.veto_limit || reviews >= MAX_REVIEWS;
    let event = match enough {
        true => Event::PlanLeftToPerson {
            session_id: planner.id().clone(),
            version,
            vetoes,
        },
        false => requested(planner, version, digest),
    };
    rule.required.then_some(event)
}

/// A plan as a person has it before their eyes.
#[derive(Debug, Clone)]
pub struct SeenPlan {
    /// Its planner.
    pub session_id: SessionId,
    /// Its version.
    pub version: u32,
    /// Its digest.
    pub plan_sha256: String,
}

/// A person has a plan reviewed that nobody is known to have written: exactly this one. However many reviews there were,
/// one that a person asks for begins.
///
/// # Errors
/// When it is not the pending plan any more, or waits for no such word, or plans are not reviewed any more.
pub fn ask(state: &State, rule: ReviewRule, seen: &SeenPlan) -> Decision<()> {
    let planner = named::live_planner(state, &seen.session_id, "session_id")?;
    let plan = named::pending_plan(planner, &seen.plan_sha256)?;
    if plan.version != seen.version {
        return Err(named::changed(plan));
    }
    if plan.review != Review::AuthorUnknown {
        return Err(waits_for_no_word(plan));
    }
    if !rule.required {
        let message = say!("refusal.reviews_are_off", version = plan.version);
        return Err(Refusal::conflict("reviews_are_off", message));
    }
    let event = requested(planner, plan.version, &plan.sha256);
    Ok((vec![event], ()))
}

fn requested(planner: &Session, version: u32, digest: &str) -> Event {
    Event::PlanReviewRequested {
        session_id: planner.id().clone(),
        version,
        plan_sha256: digest.to_owned(),
    }
}

fn waits_for_no_word(plan: &Plan) -> Refusal {
    let message = say!(
        "refusal.review_not_withheld",
        version = plan.version,
        state = plan.review.word()
    );
    Refusal::conflict("review_not_withheld", message)
}
