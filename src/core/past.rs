//! What was put away, for everybody who looks and acts: somebody looks at it as if it had never left, takes it out to do something to it,
//! and puts away what is settled (`sweep`).
//!
//! A look changes nothing: what is looked for is held beside a copy of the state, which is small. Only what somebody acts on comes back.

mod sweep;

pub use sweep::sweep;

use super::{Core, LAUNCHER, Refused};
use crate::domain::event::Event;
use crate::domain::ids::SessionId;
use crate::domain::refusal::Refusal;
use crate::domain::sentence::say;
use crate::domain::session::Session;
use crate::domain::state::State;
use crate::domain::state::past::Past;
use crate::domain::state::recent::{NEWEST, Page};
use crate::history::{Find, HistoryError, Kind};

/// So many planners in a row that took over from each other are followed.
const MOST_PLANNERS: usize = 100;

impl From<HistoryError> for Refusal {
    fn from(error: HistoryError) -> Self {
        match error {
            HistoryError::Making => {
                Self::unavailable("history_not_ready", say!("refusal.history.making"))
            }
            error => Self::unavailable("history_failed", say!("refusal.history.failed", error)),
        }
    }
}

/// What somebody looks at beside the state.
#[derive(Debug, Default)]
pub struct Beside<'a> {
    /// The session of this name: its id, or that of its thread, a copy of that, its report or its assignment.
    pub named: Option<&'a str>,
    /// And these.
    pub pages: Vec<Find<'a>>,
}

impl<'a> Beside<'a> {
    /// The session of a name.
    pub fn named(name: &'a str) -> Self {
        Self {
            named: Some(name),
            pages: Vec::new(),
        }
    }

    /// A planner with the newest of its departments and of their results.
    pub fn work_of(planner: &'a SessionId) -> Self {
        let departments = Kind::DepartmentsOf(planner.as_str());
        Self {
            named: Some(planner.as_str()),
            pages: vec![Find::newest(departments, None, NEWEST)],
        }
    }

    /// And a page of these.
    #[must_use]
    pub fn and<Id: AsRef<str>>(mut self, kind: Kind<'a>, page: &'a Page<Id>) -> Self {
        let before = page.before.as_ref().map(AsRef::as_ref);
        self.pages.push(Find::newest(kind, before, page.limit));
        self
    }
}

/// What somebody sees.
pub struct Seen<'a> {
    /// The state, with what it is looked at for.
    pub state: &'a State,
    /// Sequence number of the newest event in it.
    pub seq: u64,
    /// Of each page, how many there are that are older and not in the state either.
    older: Vec<usize>,
}

impl Seen<'_> {
    /// How many there are that are older than the first page, and not in the state. A list without a beginning has counted them.
    pub fn older<Id>(&self, page: &Page<Id>) -> usize {
        match page.before {
            Some(_) => self.beyond(),
            None => 0,
        }
    }

    /// How many there are that are older than the first page, and not in the state.
    pub fn beyond(&self) -> usize {
        self.older.first().copied().unwrap_or(0)
    }
}

impl Core {
    /// Looks at the state, with something in it that may have been put away.
    ///
    /// # Errors
    /// When that cannot be read now.
    pub fn look<T>(
        &self,
        beside: &Beside<'_>,
        look: impl FnOnce(Seen<'_>) -> T,
    ) -> Result<T, Refusal> {
        let mut found = beside
            .named
            .map_or(Ok(Vec::new()), |name| self.line_of(name))?;
        let mut older = Vec::new();
        for page in &beside.pages {
            let (shown, besides) = match self.ledger.read(|state| may_be_past(state, page.kind)) {
                true => self.history.page(page)?,
                false => (Vec::new(), 0),
            };
            found.extend(shown);
            older.push(besides);
        }
        if found.is_empty() {
            return Ok(self
                .ledger
                .read_at(|state, seq| look(Seen { state, seq, older })));
        }
        let (state, seq) = self.ledger.read_at(|state, seq| (state.with(&found), seq));
        let state = &state;
        Ok(look(Seen { state, seq, older }))
    }

    /// Looks at the state with the session in it that has this name, wherever that is.
    ///
    /// # Errors
    /// As [`Core::look`].
    pub fn look_for<T>(&self, name: &str, look: impl FnOnce(&State) -> T) -> Result<T, Refusal> {
        self.look(&Beside::named(name), |seen| look(seen.state))
    }

    /// Whether a thread is a session's, or a copy of one's, that was put away.
    pub fn is_past(&self, thread_id: &str) -> bool {
        // What cannot be read now was somebody's, as far as anybody knows.
        self.has_past() && self.history.has(thread_id).unwrap_or(true)
    }

    /// Brings the session of this name back, with the planners that it belongs to, because somebody does something to it.
    ///
    /// # Errors
    /// When it may have been put away, and that cannot be read now, or the journal not be written.
    pub async fn take_out(&self, name: &str) -> Result<(), Refused> {
        let is_here = |state: &State| is_here(state, name);
        if self.ledger.read(is_here) {
            return Ok(());
        }
        // What is read here must not be put away anew, and differently, before it is back.
        let _moving = self.moving.lock().await;
        let found = self.line_of(name)?;
        if found.is_empty() {
            return Ok(());
        }
        let ids = Vec::from_iter(found.iter().map(|it| it.id().clone()));
        self.decide(LAUNCHER, move |state| {
            let gone = found
                .into_iter()
                .filter(|it| state.session(it.id()).is_none());
            let events = gone.map(|past| Event::SessionTakenOut {
                past: Box::new(past),
            });
            Ok((events.collect(), ()))
        })
        .await?;
        // What stays there is overwritten when the session is put away again, and removed at the next start.
        if let Err(error) = self.history.remove(&ids) {
            tracing::warn!(%error, "what was taken out is kept twice");
        }
        Ok(())
    }

    fn has_past(&self) -> bool {
        self.ledger.read(|state| state.put_away.sessions > 0)
    }

    /// The session of this name and the planners that it belongs to, as far as they were put away; planners first.
    fn line_of(&self, name: &str) -> Result<Vec<Past>, Refusal> {
        let mut found: Vec<Past> = Vec::new();
        let mut wanted = self.has_past().then(|| name.to_owned());
        while let Some(name) = wanted.take() {
            let is_found = found.iter().any(|it| it.id().as_str() == name);
            if is_found
                || found.len() > MOST_PLANNERS
                || self.ledger.read(|state| is_here(state, &name))
            {
                break;
            }
            let Some(past) = self.history.named(&name)? else {
                break;
            };
            let Session {
                brief, replaced_by, ..
            } = &past.session;
            wanted = brief
                .parent_session_id
                .as_ref()
                .or(replaced_by.as_ref())
                .map(ToString::to_string);
            found.insert(0, past);
        }
        Ok(found)
    }
}

/// Whether any of a kind was put away. Of a planner that is there the state knows.
fn may_be_past(state: &State, kind: Kind<'_>) -> bool {
    let gone = |planner: &str| {
        let planner = SessionId::parse(planner).ok()?;
        state.session(&planner)?;
        Some(state.put_away.of(&planner))
    };
    let is_gone = match kind {
        Kind::All | Kind::Planners => None,
        Kind::DepartmentsOf(planner) => gone(planner).map(|it| it.departments > 0),
        Kind::ReportsTo(planner) => gone(planner).map(|it| it.reports > 0),
    };
    is_gone.unwrap_or(state.put_away.sessions > 0)
}

fn is_here(state: &State, name: &str) -> bool {
    state.named(name).is_some()
}
