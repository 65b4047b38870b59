//! The life of an ask: open, answered and on its way to Codex, settled. What is open is kept whole; of what is settled the newest, shortened.

use super::given::Reply;
use super::rule::{MAX_RULES, Rule, Rules, Standing, Used};
use super::shorten::{shorten, shorten_reply};
use super::{Ask, RequestKey};
use crate::domain::ids::{AskId, RuleId, SessionId};
use crate::domain::session::Session;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// Settled asks that are remembered; the journal has all.
const KEPT: usize = 1000;

/// By which way an ask came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// By the API: the page, the command line, a script.
    Here,
    /// In the session's terminal.
    InTerminal,
    /// Here and in the session's terminal at the same moment, and not the same; which of the two Codex took, it does not tell.
    Both,
    /// By another client of Codex.
    Elsewhere,
    /// By nobody: its turn ended, or Codex did. Nothing was done.
    Expired,
}

/// Where an ask stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub enum Stage {
    /// It waits for a decision.
    Open,
    /// It was decided; Codex has not said yet that it has the answer.
    Answered {
        /// Who decided.
        by: String,
        /// When.
        at: DateTime<Utc>,
        /// What.
        reply: Reply,
    },
    /// It is over.
    Settled {
        /// By which way.
        how: How,
        /// When.
        at: DateTime<Utc>,
        /// Who decided, if it was decided here.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
        /// What was decided, as far as it is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reply: Option<Reply>,
        /// What was answered in the terminal, where both were: also where what is done will tell which of the two counted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        other: Option<Box<Reply>>,
    },
}

/// An ask, and where it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    /// What was asked.
    #[serde(flatten)]
    pub ask: Ask,
    /// Where it stands.
    #[serde(flatten)]
    pub stage: Stage,
}

impl Asked {
    /// Whether it is over.
    pub fn is_settled(&self) -> bool {
        matches!(self.stage, Stage::Settled { .. })
    }
}

/// Asks that are open, and those that were.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Asks {
    /// Those that are not settled, oldest first. There are as many as turns wait, so looking through them is no scan.
    unsettled: BTreeMap<AskId, Asked>,
    /// The newest of the others, oldest first.
    settled: VecDeque<Asked>,
    /// Rules that answer for a person.
    #[serde(default)]
    rules: Rules,
    /// How often those of the file were used.
    #[serde(default)]
    written: BTreeMap<RuleId, Used>,
}

impl Asks {
    /// Those that wait for a decision, oldest first.
    pub fn open(&self) -> impl Iterator<Item = &Ask> {
        let open = self.unsettled().filter(|it| it.stage == Stage::Open);
        open.map(|it| &it.ask)
    }

    /// Those that wait for a decision, or for Codex to take it; oldest first.
    pub fn unsettled(&self) -> impl DoubleEndedIterator<Item = &Asked> {
        self.unsettled.values()
    }

    /// Those that are over and still remembered, oldest first.
    pub fn settled(&self) -> impl DoubleEndedIterator<Item = &Asked> {
        self.settled.iter()
    }

    /// The one with this id.
    pub fn find(&self, id: &AskId) -> Option<&Asked> {
        let is_it = |it: &&Asked| it.ask.id == *id;
        let unsettled = self.unsettled.get(id);
        unsettled.or_else(|| self.settled.iter().rev().find(is_it))
    }

    /// The newest of this request.
    pub fn of_request(&self, key: &RequestKey) -> Option<&Asked> {
        let newest_first = self.unsettled().rev().chain(self.settled().rev());
        newest_first
            .into_iter()
            .find(|it| it.ask.request_key == *key)
    }

    /// What this session waits with, oldest first.
    pub fn open_of<'a>(&'a self, session: &SessionId) -> impl Iterator<Item = &'a Ask> {
        self.open()
            .filter(|ask| ask.session_id.as_ref() == Some(session))
    }

    /// The oldest that this session waits with.
    pub fn first_open_of(&self, session: &SessionId) -> Option<&Ask> {
        self.open_of(session).next()
    }

    /// The rules that hold, oldest first.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The rules of the file, with how often they were used.
    pub fn standing(&self, written: &[Rule]) -> impl Iterator<Item = Standing> {
        written.iter().map(|rule| Standing {
            rule: rule.clone(),
            added_at: None,
            used: self.written.get(&rule.rule_id).copied().unwrap_or_default(),
        })
    }

    /// The oldest rule that says yes to this, before those of the file (`written`).
    pub fn rule_for<'a>(
        &'a self,
        written: &'a [Rule],
        ask: &Ask,
        session: &Session,
    ) -> Option<&'a Rule> {
        let made = self.rules.values().map(|standing| &standing.rule);
        made.chain(written).find(|rule| rule.allows(ask, session))
    }

    pub(in crate::domain) fn rule_added(&mut self, at: DateTime<Utc>, rule: &Rule) {
        let standing = Standing {
            rule: rule.clone(),
            added_at: Some(at),
            used: Used::default(),
        };
        self.rules.insert(rule.rule_id.clone(), standing);
    }

    pub(in crate::domain) fn rule_used(&mut self, at: DateTime<Utc>, id: &RuleId) {
        if let Some(standing) = self.rules.get_mut(id) {
            return standing.used.again(at);
        }
        // A file may say something else each day: what was not used for longest is forgotten.
        if self.written.len() >= MAX_RULES * 2 && !self.written.contains_key(id) {
            let oldest = self.written.iter().min_by_key(|(_, used)| used.used_at);
            let oldest = oldest.map(|(id, _)| id.clone());
            oldest.and_then(|id| self.written.remove(&id));
        }
        self.written.entry(id.clone()).or_default().again(at);
    }

    pub(in crate::domain) fn rule_removed(&mut self, id: &RuleId) {
        self.rules.remove(id);
    }

    pub(in crate::domain) fn raised(&mut self, ask: &Ask) {
        let asked = Asked {
            ask: ask.clone(),
            stage: Stage::Open,
        };
        self.unsettled.insert(ask.id.clone(), asked);
    }

    pub(in crate::domain) fn answered(
        &mut self,
        at: DateTime<Utc>,
        id: &AskId,
        by: &str,
        reply: &Reply,
    ) {
        if let Some(asked) = self.unsettled.get_mut(id) {
            asked.stage = Stage::Answered {
                by: by.to_owned(),
                at,
                reply: reply.clone(),
            };
        }
    }

    pub(in crate::domain) fn reopened(&mut self, id: &AskId) {
        if let Some(asked) = self.unsettled.get_mut(id) {
            asked.stage = Stage::Open;
        }
    }

    /// It is over, or is known better how it came to be so.
    pub(in crate::domain) fn settle(
        &mut self,
        at: DateTime<Utc>,
        id: &AskId,
        how: How,
        reply: Option<&Reply>,
    ) {
        let Some(mut asked) = self.unsettled.remove(id) else {
            let mut remembered = self.settled.iter_mut().rev();
            if let Some(asked) = remembered.find(|it| it.ask.id == *id)
                && let Stage::Settled {
                    how: was,
                    by,
                    reply: known,
                    other,
                    ..
                } = &mut asked.stage
            {
                *was = how;
                let mut reply = reply.cloned();
                reply.iter_mut().for_each(shorten_reply);
                if matches!(how, How::Here | How::Both) {
                    *other = reply.map(Box::new);
                } else {
                    (*by, *known, *other) = (None, reply, None);
                }
            }
            return;
        };
        let (by, mut reply, mut other) = match (asked.stage, how) {
            (
                Stage::Answered {
                    by, reply: ours, ..
                },
                How::Here | How::Both,
            ) => (Some(by), Some(ours), reply.cloned()),
            _ => (None, reply.cloned(), None),
        };
        reply.iter_mut().for_each(shorten_reply);
        other.iter_mut().for_each(shorten_reply);
        let other = other.map(Box::new);
        asked.stage = Stage::Settled {
            how,
            at,
            by,
            reply,
            other,
        };
        shorten(&mut asked.ask);
        if self.settled.len() == KEPT {
            self.settled.pop_front();
        }
        self.settled.push_back(asked);
    }
}
