//! The gate before the person: a plan that must be reviewed goes to a menxia session, whose verdict approves or vetoes it.
//!
//! A verdict confirms nothing; it only decides whether a person can confirm without giving a reason. Whatever menxia, the
//! planner or a file in the mailbox do, the person can overrule, reject, or wait.

use super::{Catalog, Decision, messages};
use crate::domain::event::Event;
use crate::domain::ids::SessionId;
use crate::domain::limits;
use crate::domain::message::Purpose;
use crate::domain::plan::{Plan, PlanState, Source};
use crate::domain::plan_review::{CheckedPoint, Judgement, Review, ReviewedPlan, Verdict};
use crate::domain::prompts;
use crate::domain::refusal::Refusal;
use crate::domain::sentence::{Sentence, say};
use crate::domain::session::{Brief, Outcome, Session, Status};
use crate::domain::state::State;

/// Reviews of one planner without a person's decision in between. Each one starts a session, and what starts it is an
/// agent's report: a planner that reports plan after plan must not keep starting sessions. What starts one: `review_wanted`.
pub const MAX_REVIEWS: usize = 20;

/// Vetoes and reviews of a planner's plans since a person last decided about one.
pub fn since_person(planner: &Session) -> (usize, usize) {
    let undecided = |plan: &&Plan| matches!(plan.state, PlanState::Pending | PlanState::Superseded);
    let since = planner.plans.iter().rev().take_while(undecided);
    since.fold((0, 0), |(vetoes, reviews), plan| match &plan.review {
        Review::Vetoed { .. } => (vetoes + 1, reviews + 1),
        Review::Waiting { .. } | Review::Approved { .. } | Review::Ended { .. } => {
            (vetoes, reviews + 1)
        }
        Review::NotRequired | Review::AuthorUnknown | Review::LeftToPerson { .. } => {
            (vetoes, reviews)
        }
    })
}

/// The plan of a planner that is there which still needs a session to review it.
pub fn unassigned<'a>(state: &'a State, planner: &'a Session) -> Option<&'a Plan> {
    let is_there = matches!(planner.status, Status::Starting | Status::Running);
    let plan = planner.plan().filter(|plan| {
        is_there
            && planner.is_planner()
            && plan.state == PlanState::Pending
            && plan.review == Review::Waiting { session_id: None }
    })?;
    // One at a time: the session of an older version ends first.
    let mut children = state.children(planner.id());
    (!children.any(|it| it.is_review() && it.is_live())).then_some(plan)
}

/// Gives a plan to a new session; `brief` makes that session.
///
/// # Errors
/// Never refuses: when nothing is to be reviewed, there are no events and the answer is `None`.
pub fn begin(
    state: &State,
    planner: &SessionId,
    brief: impl FnOnce(&Session, ReviewedPlan) -> Brief,
) -> Decision<Option<Brief>> {
    let planner = state.session(planner);
    let Some((planner, plan)) = planner.and_then(|it| Some((it, unassigned(state, it)?))) else {
        return Ok((Vec::new(), None));
    };
    let reviewed = ReviewedPlan {
        plan_version: plan.version,
        plan_sha256: plan.sha256.clone(),
    };
    let brief = brief(planner, reviewed);
    let event = Event::SessionRegistered {
        brief: brief.clone(),
        request: None,
    };
    Ok((vec![event], Some(brief)))
}

/// The plan that a session reviews, as its planner has it now, with that planner.
pub fn subject<'a>(state: &'a State, session: &'a Session) -> Option<(&'a Session, &'a Plan)> {
    let reviewed = session.brief.review.as_ref()?;
    let parent = session.brief.parent_session_id.as_ref()?;
    let planner = state.session(state.current_planner(parent))?;
    let mut plans = planner.plans.iter();
    let plan = plans.find(|plan| plan.version == reviewed.plan_version)?;
    (plan.sha256 == reviewed.plan_sha256).then_some((planner, plan))
}

/// Whether a reviewing session has given its verdict.
pub fn has_spoken(state: &State, session: &Session) -> bool {
    subject(state, session)
        .and_then(|(_, plan)| plan.review.verdict())
        .is_some_and(|verdict| verdict.department_session_id == *session.id())
}

/// Whether a verdict of this session is still waited for.
pub fn is_wanted(state: &State, session: &Session) -> bool {
    subject(state, session).is_some_and(|(_, plan)| {
        plan.state == PlanState::Pending
            && plan.review
                == Review::Waiting {
                    session_id: Some(session.id().clone()),
                }
    })
}

/// Whether this session ended without a verdict on a plan that still needs one.
pub fn can_go_on(state: &State, session: &Session) -> bool {
    subject(state, session).is_some_and(|(_, plan)| {
        plan.state == PlanState::Pending
            && matches!(&plan.review, Review::Ended { session_id, .. } if session_id == session.id())
    })
}

/// What the end of a reviewing session means for its plan.
pub(super) fn ended(state: &State, session: &Session, outcome: &Outcome) -> Vec<Event> {
    if !is_wanted(state, session) {
        return Vec::new();
    }
    let event = subject(state, session).map(|(planner, plan)| Event::PlanReviewEnded {
        session_id: planner.id().clone(),
        version: plan.version,
        department_session_id: session.id().clone(),
        outcome: outcome.clone(),
    });
    event.into_iter().collect()
}

/// Which line a point is about: its number from 1, or its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineRef {
    /// The number.
    Number(u64),
    /// The id.
    Id(String),
}

/// What a verdict says, as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opinion {
    /// The version that it names.
    pub plan_version: u64,
    /// The digest that it names.
    pub plan_sha256: String,
    /// Yes or no.
    pub verdict: Judgement,
    /// What was looked at.
    pub checked: Vec<(LineRef, String)>,
    /// Why not.
    pub reasons: Vec<String>,
}

/// A verdict as it came in, with what is known about its writer.
#[derive(Debug, Clone)]
pub struct Submission {
    /// The planner whose mailbox it was in.
    pub mailbox_of: SessionId,
    /// The planner that it names.
    pub parent_session_id: SessionId,
    /// The session that it claims to come from.
    pub department_session_id: SessionId,
    /// What it says.
    pub opinion: Opinion,
    /// The session that wrote it, when the launcher knows for sure.
    pub written_by: Option<SessionId>,
    /// Name of the file.
    pub file: String,
    /// Digest of the file.
    pub sha256: String,
}

/// Registers a verdict, or says why it cannot be one.
///
/// Identity is the session, as with results: the folder and the writer count, not what the file claims. A session that
/// has a tool must use it, since any program in the repository can write a file. A veto stands: an approval never
/// replaces one, while a later veto of the same session replaces its approval.
///
/// # Errors
/// When the session does not review this plan, the plan is no longer open, or the verdict lacks what it must have.
pub fn take(state: &State, catalog: &Catalog, wish: Submission) -> Decision<()> {
    let session = check_identity(state, &wish)?;
    if state.has_taken(session.id(), &wish.sha256) {
        return Ok((Vec::new(), ()));
    }
    let (planner, plan) = check_plan(state, session, &wish.opinion)?;
    match &plan.review {
        Review::Waiting { .. } | Review::Ended { .. } => {}
        Review::Approved { .. } if wish.opinion.verdict == Judgement::Veto => {}
        _ => {
            let message = say!("refusal.verdict_given", id = session.id());
            return Err(Refusal::conflict("verdict_given", message));
        }
    }
    let verdict = verdict(plan, &wish)?;
    let (session_id, version) = (planner.id().clone(), plan.version);
    let plan_sha256 = plan.sha256.clone();
    if verdict.verdict == Judgement::Approve {
        let event = Event::PlanApproved {
            session_id,
            version,
            plan_sha256,
            verdict,
        };
        return Ok((vec![event], ()));
    }
    let again = since_person(planner).0 + 1 < catalog.review.veto_limit;
    let told = messages::queued(
        &session_id,
        Purpose::Veto,
        None,
        prompts::veto(catalog.language, version, &verdict, again),
    );
    let vetoed = Event::PlanVetoed {
        session_id,
        version,
        plan_sha256,
        verdict,
    };
    Ok((vec![vetoed, told], ()))
}

fn check_identity<'a>(state: &'a State, wish: &Submission) -> Result<&'a Session, Refusal> {
    let forged = |message: Sentence| Err(Refusal::forbidden("not_yours", message));
    let id = &wish.department_session_id;
    let planner = state.current_planner(&wish.mailbox_of);
    let reviewer = state.session(id).filter(|session| {
        let parent = session.brief.parent_session_id.as_ref();
        session.is_review() && parent.map(|it| state.current_planner(it)) == Some(planner)
    });
    let Some(session) = reviewer else {
        return forged(say!(
            "refusal.foreign_review",
            id,
            planner = wish.mailbox_of
        ));
    };
    if state.current_planner(&wish.parent_session_id) != planner {
        return forged(say!(
            "refusal.foreign_parent",
            parent = wish.parent_session_id
        ));
    }
    match &wish.written_by {
        Some(writer) if writer == id => Ok(session),
        Some(writer) => forged(say!("refusal.foreign_verdict", writer, id)),
        None if session.has_tools() => forged(say!("refusal.verdict_by_tool", id)),
        None => Ok(session),
    }
}

fn check_plan<'a>(
    state: &'a State,
    session: &'a Session,
    opinion: &Opinion,
) -> Result<(&'a Session, &'a Plan), Refusal> {
    let gone = || Refusal::conflict("plan_changed", say!("refusal.reviewed_plan_gone"));
    let (planner, plan) = subject(state, session).ok_or_else(gone)?;
    if opinion.plan_version != u64::from(plan.version) || opinion.plan_sha256 != plan.sha256 {
        let message = say!(
            "refusal.other_plan",
            version = plan.version,
            digest = plan.sha256
        );
        return Err(Refusal::conflict("plan_changed", message));
    }
    if plan.state != PlanState::Pending {
        let message = say!("refusal.plan_decided", version = plan.version, state => Sentence::word("plan.status", plan.state.word()));
        return Err(Refusal::conflict("plan_decided", message));
    }
    match plan.review.session_id() == Some(session.id()) {
        true => Ok((planner, plan)),
        false => Err(gone()),
    }
}

/// The verdict with its lines resolved, if it has all that it must have.
fn verdict(plan: &Plan, wish: &Submission) -> Result<Verdict, Refusal> {
    let invalid = |message: Sentence| Refusal::invalid("invalid_verdict", message);
    let lines = &plan.proposal.assignments;
    let opinion = &wish.opinion;
    limits::check_entries(opinion.checked.len(), "checked")?;
    limits::check_entries(opinion.reasons.len(), "reasons")?;
    let mut checked = Vec::with_capacity(opinion.checked.len());
    for (index, (line, point)) in opinion.checked.iter().enumerate() {
        let position = match line {
            LineRef::Number(number) => usize::try_from(*number)
                .ok()
                .and_then(|number| number.checked_sub(1))
                .filter(|at| *at < lines.len()),
            LineRef::Id(id) => lines.iter().position(|it| it.id.as_ref() == Some(id)),
        };
        let position = position
            .ok_or_else(|| invalid(say!("refusal.no_such_line", index, count = lines.len())))?;
        check_text(point, &format!("checked[{index}].point"))?;
        checked.push(CheckedPoint {
            line: position + 1,
            point: point.clone(),
        });
    }
    if let Some(missing) =
        (1..=lines.len()).find(|line| checked.iter().all(|point| point.line != *line))
    {
        return Err(invalid(say!(
            "refusal.line_not_checked",
            missing,
            count = lines.len()
        )));
    }
    for (index, reason) in opinion.reasons.iter().enumerate() {
        check_text(reason, &format!("reasons[{index}]"))?;
    }
    if opinion.verdict == Judgement::Veto && opinion.reasons.is_empty() {
        let message = say!("refusal.veto_without_reason");
        return Err(invalid(message));
    }
    let verified = wish.written_by.is_some();
    Ok(Verdict {
        department_session_id: wish.department_session_id.clone(),
        verdict: opinion.verdict,
        checked,
        reasons: opinion.reasons.clone(),
        source: match verified {
            true => Source::Tool,
            false => Source::Mailbox,
        },
        verified,
        mailbox_file: Some(wish.file.clone()),
        sha256: Some(wish.sha256.clone()),
    })
}

fn check_text(text: &str, field: &str) -> Result<(), Refusal> {
    limits::check_text(text, field)?;
    match text.trim().is_empty() {
        false => Ok(()),
        true => Err(Refusal::invalid(
            "invalid_verdict",
            say!("refusal.verdict_field_empty", field),
        )),
    }
}

/// Refuses to confirm a plan that was not approved, unless the person overrules; says so in an event then.
pub(super) fn overrule(
    catalog: &Catalog,
    planner: &Session,
    plan: &Plan,
    reason: Option<&str>,
) -> Result<Option<Event>, Refusal> {
    if plan.review.lets_pass(catalog.review.required) {
        return Ok(None);
    }
    let Some(reason) = reason else {
        return Err(not_approved(plan));
    };
    limits::check_text(reason, "override_reason")?;
    if reason.trim().is_empty() {
        let message = say!("refusal.override_reason");
        return Err(Refusal::invalid("invalid_reason", message));
    }
    Ok(Some(Event::PlanReviewOverruled {
        session_id: planner.id().clone(),
        version: plan.version,
        plan_sha256: plan.sha256.clone(),
        reason: reason.to_owned(),
    }))
}

/// Why a plan cannot be confirmed without a reason.
pub(super) fn not_approved(plan: &Plan) -> Refusal {
    let version = plan.version;
    let how = say!("refusal.how_to_overrule");
    match &plan.review {
        Review::Vetoed { .. } => Refusal::conflict(
            "plan_vetoed",
            say!("refusal.plan_vetoed", version, how => how),
        ),
        Review::Waiting { .. } => Refusal::conflict(
            "verdict_missing",
            say!("refusal.verdict_waits", version, how => how),
        ),
        Review::AuthorUnknown => Refusal::conflict(
            "verdict_missing",
            say!("refusal.author_unknown", version, how => how),
        ),
        _ => Refusal::conflict(
            "verdict_missing",
            say!("refusal.no_verdict", version, how => how),
        ),
    }
}
