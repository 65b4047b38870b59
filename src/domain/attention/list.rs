//! The list while it is made: what is looked at, and how an item gets into it.

use super::{Glimpse, House, Item, Urgency, Waiting, short};
use crate::domain::ask::Ask;
use crate::domain::flow::holds::Limits;
use crate::domain::hex::hex;
use crate::domain::ids::SessionId;
use crate::domain::language::Language;
use crate::domain::plan_review::ReviewRule;
use crate::domain::session::Session;
use crate::domain::state::State;
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

/// Everything that is looked at, at one moment.
pub struct Scene<'a> {
    /// What the journal says.
    pub state: &'a State,
    /// What Codex asks and nobody has answered.
    pub asks: &'a [Ask],
    /// The house, apart from its sessions.
    pub house: &'a House,
    /// What was observed of a session.
    pub glimpse: &'a dyn Fn(&SessionId) -> Glimpse,
    /// What bounds dispatch.
    pub limits: &'a Limits,
    /// Whether plans are reviewed.
    pub review: ReviewRule,
    /// Name of a department, for people.
    pub title: &'a dyn Fn(&str) -> String,
    /// When something was first seen whose begin nobody recorded, by its id.
    pub first_seen: &'a dyn Fn(&str) -> DateTime<Utc>,
    /// Language of the sentences.
    pub language: Language,
    /// Now.
    pub now: DateTime<Utc>,
}

pub(super) struct List<'a> {
    pub scene: &'a Scene<'a>,
    pub items: Vec<Item>,
}

/// What an item is about.
#[derive(Clone, Copy, Default)]
pub(super) struct About<'a> {
    pub session: Option<&'a Session>,
    pub planner: Option<&'a SessionId>,
    pub department: Option<&'a str>,
    pub since: Option<DateTime<Utc>>,
}

impl<'a> About<'a> {
    pub fn session(state: &'a State, session: &'a Session) -> Self {
        let parent = session.brief.parent_session_id.as_ref();
        Self {
            session: Some(session),
            planner: Some(parent.map_or(session.id(), |id| state.current_planner(id))),
            department: (!session.is_planner()).then_some(session.brief.department.as_str()),
            since: None,
        }
    }

    pub fn since(self, since: DateTime<Utc>) -> Self {
        Self {
            since: Some(since),
            ..self
        }
    }
}

impl List<'_> {
    pub fn add(&mut self, urgency: Urgency, subject: &str, about: About<'_>, waiting: Waiting) {
        let (scene, language) = (self.scene, self.scene.language);
        let id = format!("{}-{subject}", waiting.kind());
        let said = waiting.words(scene, &about);
        self.items.push(Item {
            urgency,
            session_id: about.session.map(|it| it.id().clone()),
            planner_id: about.planner.cloned(),
            department: about.department.map(ToOwned::to_owned),
            title: said.title.text(language),
            why: said.why.map(|why| short(&why.text(language))),
            since: about.since.unwrap_or_else(|| (scene.first_seen)(&id)),
            if_nobody_answers: said.if_nobody_answers.text(language),
            actions: waiting.actions(language, &about),
            link: format!("/#item={id}"),
            place: waiting.place(),
            thread_id: None,
            waiting,
            id,
        });
    }
}

pub(super) fn first(digits: &str) -> String {
    digits.chars().take(12).collect()
}

pub(super) fn digest(text: &str) -> String {
    first(&hex(&Sha256::digest(text)))
}
