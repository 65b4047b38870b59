//! A review by Codex that menxia asks for itself, in its own thread: asked for in a turn, begun when that turn is over, and told of when the
//! review is.

use super::messages::queued;
use super::sessions::has_reported;
use super::steering::check_target;
use super::{Decision, named};
use crate::domain::department::MENXIA;
use crate::domain::event::Event;
use crate::domain::ids::SessionId;
use crate::domain::language::Language;
use crate::domain::message::Purpose;
use crate::domain::prompts;
use crate::domain::refusal::Refusal;
use crate::domain::sentence::say;
use crate::domain::session::{Session, Status};
use crate::domain::state::State;
use crate::domain::steering::{OwnReview, Target};

/// Reviews that one session may ask for until somebody resumes it: each is a turn that takes tokens. A task needs one or two; an agent that
/// asks ten times turns in a circle.
pub const MAX_OWN_REVIEWS: u32 = 5;

/// A session asks for a review. It begins when the turn that runs is over: Codex would break that turn off.
///
/// # Errors
/// When it is not menxia's, is not at work, has reported, or has asked before, too often or for one that is not over; or when the target
/// cannot be used.
pub fn ask(state: &State, id: &SessionId, target: Target) -> Decision<()> {
    let session = state
        .session(id)
        .ok_or_else(|| named::unknown_session(id))?;
    if session.brief.department != MENXIA {
        let message = say!("refusal.own_review.not_menxia");
        return Err(Refusal::forbidden("not_menxia", message));
    }
    if session.status != Status::Running || has_reported(state, session) {
        let message = say!("refusal.own_review.over");
        return Err(Refusal::conflict("already_reported", message));
    }
    if session.own_reviews.open.is_some() {
        let message = say!("refusal.own_review.waits");
        return Err(Refusal::conflict("review_waits", message));
    }
    if session.own_reviews.asked >= MAX_OWN_REVIEWS {
        let message = say!("refusal.own_review.too_many", max = MAX_OWN_REVIEWS);
        return Err(Refusal::conflict("too_many_reviews", message));
    }
    check_target(&target)?;
    let session_id = id.clone();
    Ok((vec![Event::CodexReviewAsked { session_id, target }], ()))
}

/// The review that waits begins: Codex is told next. Answers what is reviewed; nothing where none waits.
///
/// # Errors
/// Never refuses.
pub fn begin(state: &State, id: &SessionId) -> Decision<Option<Target>> {
    Ok(match open(state, id) {
        Some(OwnReview::Waits(target)) => {
            let session_id = id.clone();
            let events = vec![Event::CodexReviewBegun { session_id }];
            (events, Some(target.clone()))
        }
        _ => (Vec::new(), None),
    })
}

/// The review that had begun is over, or could not run, for this `reason`: its session is told to go on.
///
/// # Errors
/// Never refuses.
pub fn end(
    state: &State,
    language: Language,
    id: &SessionId,
    reason: Option<String>,
) -> Decision<()> {
    if open(state, id) != Some(&OwnReview::Begun) {
        return Ok((Vec::new(), ()));
    }
    let text = prompts::reviewed(language, reason.as_deref());
    let ended = Event::CodexReviewEnded {
        session_id: id.clone(),
        reason,
    };
    let told = queued(id, Purpose::GoOn, None, text);
    Ok((vec![ended, told], ()))
}

fn open<'a>(state: &'a State, id: &SessionId) -> Option<&'a OwnReview> {
    let session: &Session = state.session(id)?;
    session
        .own_reviews
        .open
        .as_ref()
        .filter(|_| session.status == Status::Running)
}
