//! What becomes of an ask of Codex: raised, answered, settled. Whoever comes second finds it decided.

use super::Decision;
use super::messages::queued;
use crate::domain::ask::asked::{Asked, How, Stage};
use crate::domain::ask::given::{Checked, Reply};
use crate::domain::ask::rule::{MAX_RULES, Rule, Wish};
use crate::domain::ask::{Ask, RequestKey, What};
use crate::domain::event::Event;
use crate::domain::ids::{AskId, RuleId, SessionId};
use crate::domain::message::Purpose;
use crate::domain::refusal::Refusal;
use crate::domain::sentence::{Sentence, say};
use crate::domain::state::State;

/// A request came, or came again: the same one finds its ask. One that comes again is open, whatever was thought of it: where its ask is
/// settled, there is a new one. `written` are the rules of `governance.yaml` that a person has approved.
///
/// # Errors
/// None.
pub fn raise(state: &State, written: &[Rule], ask: Ask) -> Decision<Asked> {
    let known = state.asks.of_request(&ask.request_key);
    if let Some(known) = known.filter(|it| !it.is_settled()) {
        return Ok((Vec::new(), known.clone()));
    }
    let session = ask.session_id.as_ref().and_then(|id| state.session(id));
    let rule = session.and_then(|session| state.asks.rule_for(written, &ask, session));
    let yes = rule.map(|rule| {
        let reply = Reply {
            decision: "accept".to_owned(),
            ..Reply::default()
        };
        (rule.rule_id.clone(), reply)
    });
    let stage = match &yes {
        None => Stage::Open,
        Some((_, reply)) => Stage::Answered {
            by: BY_RULE.to_owned(),
            at: ask.raised_at,
            reply: reply.clone(),
        },
    };
    let answered = yes.map(|(rule_id, reply)| Event::AskAnswered {
        ask_id: ask.id.clone(),
        session_id: ask.session_id.clone(),
        by: BY_RULE.to_owned(),
        rule_id: Some(rule_id),
        reply,
    });
    let raised = Event::AskRaised { ask: ask.clone() };
    let events = [raised].into_iter().chain(answered);
    Ok((events.collect(), Asked { ask, stage }))
}

/// Who decides when a rule does.
const BY_RULE: &str = "rule";

/// What waits for a decision under this id.
///
/// # Errors
/// When it is unknown, or was decided before.
pub fn waiting<'a>(state: &'a State, id: &AskId) -> Result<&'a Ask, Refusal> {
    let asked = state.asks.find(id).ok_or_else(|| {
        let message = say!("refusal.unknown_ask", id);
        Refusal::not_found("unknown_ask", message)
    })?;
    match asked.stage {
        Stage::Open => Ok(&asked.ask),
        _ => Err(decided(asked)),
    }
}

/// Somebody decides what was held against the ask before ([`Ask::check`]), since that may take long and an ask never changes; `wish` is
/// the rule that shall come of it. The answer is the ask.
///
/// # Errors
/// When it is unknown, was decided before, or no such rule is possible.
pub fn answer(
    state: &State,
    by: &str,
    id: &AskId,
    checked: &Checked,
    wish: Option<Wish>,
) -> Decision<Ask> {
    let ask = waiting(state, id)?;
    let mut events = vec![Event::AskAnswered {
        ask_id: id.clone(),
        session_id: ask.session_id.clone(),
        by: by.to_owned(),
        rule_id: None,
        reply: checked.kept(&ask.what),
    }];
    if let Some(wish) = wish {
        if state.asks.rules().len() >= MAX_RULES {
            let message = say!("refusal.rule.too_many", max_rules = MAX_RULES);
            return Err(Refusal::conflict("too_many_rules", message));
        }
        let session = ask.session_id.as_ref().and_then(|id| state.session(id));
        let rule = ask.rule(wish, session, by)?;
        events.push(Event::AskRuleAdded { rule });
    }
    Ok((events, ask.clone()))
}

/// A person takes a rule away.
///
/// # Errors
/// When there is none with this id, or it stands in the file.
pub fn remove_rule(state: &State, written: &[Rule], id: &RuleId) -> Decision<()> {
    if written.iter().any(|rule| rule.rule_id == *id) {
        let message = say!("refusal.rule.of_file", id);
        return Err(Refusal::conflict("rule_of_file", message));
    }
    let standing = state.asks.rules().get(id).ok_or_else(|| {
        let message = say!("refusal.unknown_rule", id);
        Refusal::not_found("unknown_rule", message)
    })?;
    let event = Event::AskRuleRemoved {
        rule_id: id.clone(),
        title: standing.rule.title(),
    };
    Ok((vec![event], ()))
}

/// Who was first, with what.
fn decided(asked: &Asked) -> Refusal {
    let said = |reply: &Reply| {
        let decision = &reply.decision;
        say!("refusal.decided.said", decision)
    };
    let sentence = match &asked.stage {
        Stage::Open => say!("refusal.decided.open"),
        Stage::Answered { by, reply, .. } => {
            say!("refusal.decided.just_now", by, said => said(reply))
        }
        Stage::Settled {
            how, by, reply, at, ..
        } => {
            let nothing = || Sentence::verbatim("");
            let said = reply.as_ref().map_or_else(nothing, said);
            let at = at.format("%H:%M:%S");
            match how {
                How::Here => {
                    let somebody = || say!("refusal.decided.somebody");
                    let by = by.as_deref().map_or_else(somebody, Sentence::verbatim);
                    say!("refusal.decided.here", by => by, at, said => said)
                }
                How::InTerminal => say!("refusal.decided.in_terminal", at, said => said),
                How::Both => say!("refusal.decided.both", at, said => said),
                How::Elsewhere => say!("refusal.decided.elsewhere", at, said => said),
                How::Expired => say!("refusal.decided.expired", at),
            }
        }
    };
    let message = say!("refusal.decided.already", sentence => sentence);
    match asked.stage {
        Stage::Settled {
            how: How::Expired, ..
        } => Refusal::conflict("ask_expired", message),
        _ => Refusal::conflict("ask_answered", message),
    }
}

/// An answer was kept without what is secret in it, and was not sent: it has to be given again.
///
/// # Errors
/// None.
pub fn reopen(state: &State, id: &AskId) -> Decision<()> {
    let is_answered = state
        .asks
        .find(id)
        .is_some_and(|asked| matches!(asked.stage, Stage::Answered { .. }));
    let event = is_answered.then(|| Event::AskReopened {
        ask_id: id.clone(),
        reason: say!("reason.ask_reopened").to_string(),
    });
    Ok((Vec::from_iter(event), ()))
}

/// Codex says that a request needs no answer any more. What was answered here was; otherwise the terminal did it, if there is one, and
/// `told` is what it said.
///
/// # Errors
/// None.
pub fn resolved(state: &State, key: &RequestKey, told: Option<Reply>) -> Decision<()> {
    let Some(asked) = state.asks.of_request(key) else {
        return Ok((Vec::new(), ()));
    };
    let has_terminal = asked
        .ask
        .session_id
        .as_ref()
        .and_then(|id| state.session(id))
        .is_some_and(|session| session.terminal_id.is_some());
    let event = match &asked.stage {
        Stage::Settled { .. } => return Ok((Vec::new(), ())),
        Stage::Answered { reply, .. } => {
            let told = told.filter(|told| differ(reply, told));
            let how = match told.is_some() && !shows(asked) {
                true => How::Both,
                false => How::Here,
            };
            settled(asked, how, told)
        }
        Stage::Open if told.is_some() || has_terminal => settled(asked, How::InTerminal, told),
        Stage::Open => settled(asked, How::Elsewhere, None),
    };
    let words = words(asked);
    Ok(([event].into_iter().chain(words).collect(), ()))
}

/// Whether what is done next tells which of two answers Codex took: of a command or a patch it does.
fn shows(asked: &Asked) -> bool {
    match &asked.ask.what {
        What::Command { .. } | What::Patch { .. } => !asked.ask.what.is_of_a_part(),
        _ => false,
    }
}

/// Whether a terminal answered something else than was answered here, as far as anybody can tell.
fn differ(here: &Reply, there: &Reply) -> bool {
    // What the session is told with a no is of here alone.
    let said = |reply: &Reply| Reply {
        words: None,
        ..reply.clone()
    };
    let is_secret = !here.withheld.is_empty() && here.withheld == there.withheld;
    is_secret || said(here) != said(there)
}

/// These came to their end unanswered: their turn ended, or Codex did. One whose answer is known to have been sent (`was_sent`) was
/// answered.
///
/// # Errors
/// None.
pub fn expire(
    state: &State,
    is_over: impl Fn(&Ask) -> bool,
    was_sent: impl Fn(&AskId) -> bool,
) -> Decision<Vec<Ask>> {
    let over = state.asks.unsettled().filter(|asked| is_over(&asked.ask));
    let (mut events, mut asks) = (Vec::new(), Vec::new());
    for asked in over {
        let how = match &asked.stage {
            Stage::Answered { .. } if was_sent(&asked.ask.id) => How::Here,
            _ => How::Expired,
        };
        events.push(settled(asked, how, None));
        events.extend(words(asked));
        asks.push(asked.ask.clone());
    }
    Ok((events, asks))
}

/// What the session is told with a no: once Codex has the no, so that it is not said into the turn that waits for it.
fn words(asked: &Asked) -> Option<Event> {
    let Stage::Answered { reply, .. } = &asked.stage else {
        return None;
    };
    let (words, session_id) = (reply.words.clone()?, asked.ask.session_id.as_ref()?);
    Some(queued(session_id, Purpose::Input, None, words))
}

/// A session ended: nobody waits with what it asked. What was answered has been.
pub(super) fn of_ended_session(state: &State, id: &SessionId) -> Vec<Event> {
    let mine = |asked: &&Asked| asked.ask.session_id.as_ref() == Some(id);
    let unsettled = state.asks.unsettled().filter(mine);
    let end = |asked: &Asked| match asked.stage {
        Stage::Answered { .. } => settled(asked, How::Here, None),
        _ => settled(asked, How::Expired, None),
    };
    unsettled.map(end).collect()
}

/// A turn was interrupted: what seemed to have been answered by somebody unknown was not answered at all.
///
/// # Errors
/// None.
pub fn interrupted(state: &State, thread_id: &str, turn_id: &str) -> Decision<()> {
    let of_turn = |asked: &&Asked| {
        asked.ask.thread_id == thread_id && asked.ask.turn_id.as_deref() == Some(turn_id)
    };
    let unknown = |asked: &&Asked| {
        matches!(
            asked.stage,
            Stage::Settled {
                how: How::InTerminal | How::Elsewhere,
                reply: None,
                ..
            }
        )
    };
    let recent = state.asks.settled().rev().take(RECENT);
    let events = recent
        .filter(of_turn)
        .filter(unknown)
        .map(|asked| settled(asked, How::Expired, None));
    Ok((events.collect(), ()))
}

/// What was done or not done about an item tells what was decided about it: where nobody told, and where two answered at the same moment.
///
/// # Errors
/// None.
pub fn item_ended(
    state: &State,
    thread_id: &str,
    item_id: &str,
    was_declined: bool,
) -> Decision<()> {
    let of_item = |asked: &&Asked| {
        asked.ask.thread_id == thread_id && asked.ask.item_id.as_deref() == Some(item_id)
    };
    // Several may belong to one item; only the last one decided.
    let last = state.asks.settled().rev().take(RECENT).find(of_item);
    let Some(asked) = last.filter(|it| !it.ask.what.is_of_a_part()) else {
        return Ok((Vec::new(), ()));
    };
    let inferred = || Reply {
        decision: if was_declined { "decline" } else { "accept" }.to_owned(),
        inferred: true,
        ..Reply::default()
    };
    let allows = |reply: &Reply| {
        let decision = asked.ask.offers(&reply.decision);
        decision.is_none_or(|decision| decision.allows())
    };
    let event = match &asked.stage {
        Stage::Settled {
            how: how @ (How::InTerminal | How::Elsewhere),
            reply: None,
            ..
        } => Some(settled(asked, *how, Some(inferred()))),
        Stage::Settled {
            how: How::Here,
            reply: Some(reply),
            other,
            ..
        } if allows(reply) == was_declined => {
            // Two answers crossed, and ours was the second. What the terminal told says more than what was done.
            let told = other.as_deref().filter(|it| allows(it) != was_declined);
            let reply = told.cloned().unwrap_or_else(inferred);
            Some(settled(asked, How::InTerminal, Some(reply)))
        }
        _ => None,
    };
    Ok((Vec::from_iter(event), ()))
}

/// A terminal tells what was answered in it, after Codex had said that something was.
///
/// # Errors
/// None.
pub fn told_late(state: &State, id: &AskId, reply: Reply) -> Decision<()> {
    let asked = state.asks.find(id);
    let event = asked.and_then(|asked| match &asked.stage {
        Stage::Settled {
            how: How::InTerminal | How::Elsewhere,
            reply: known,
            ..
        } if known.as_ref().is_none_or(|known| known.inferred) => {
            Some(settled(asked, How::InTerminal, Some(reply)))
        }
        Stage::Settled {
            how: How::Here,
            reply: Some(here),
            other: None,
            ..
        } if differ(here, &reply) => {
            let how = if shows(asked) { How::Here } else { How::Both };
            Some(settled(asked, how, Some(reply)))
        }
        _ => None,
    });
    Ok((Vec::from_iter(event), ()))
}

/// So many of the newest are looked through for one that is to be amended: what amends it comes within moments.
pub const RECENT: usize = 64;

fn settled(asked: &Asked, how: How, reply: Option<Reply>) -> Event {
    Event::AskSettled {
        ask_id: asked.ask.id.clone(),
        session_id: asked.ask.session_id.clone(),
        how,
        reply,
    }
}
