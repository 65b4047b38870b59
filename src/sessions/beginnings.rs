//! How sessions begin by somebody's wish: planners, and what goes on after its end.

use super::agents::Agents;
use super::briefs;
use crate::core::Refused;
use crate::domain::flow::sessions;
use crate::domain::ids::SessionId;
use crate::domain::refusal::Refusal;
use crate::domain::request::Request;
use crate::domain::sentence::say;
use crate::domain::session::Brief;
use crate::ledger::TransactError;

/// What may be asked of sessions.
pub struct Sessions<'a>(&'a Agents);

impl Agents {
    /// Sessions that begin by somebody's wish.
    pub fn sessions(&self) -> Sessions<'_> {
        Sessions(self)
    }
}

impl Sessions<'_> {
    /// Starts a planner, once for each request with a key.
    ///
    /// # Errors
    /// An empty task, an unknown model, no Codex, or no permission to use it here; or a key that stands for another request.
    pub async fn start_planner(
        &self,
        actor: &str,
        task: &str,
        model: Option<String>,
        request: Option<Request>,
    ) -> Result<SessionId, Refused> {
        let policy = self.0.core.policy();
        let brief = briefs::planner(&policy, &self.0.core.place, task, model, None);
        let before = self.0.core.ledger.read(|state| {
            let before = sessions::started_before(state, request.as_ref())?;
            if before.is_none() {
                self.0.permission().check_brief(state, &policy, &brief)?;
            }
            Ok(before)
        });
        if let Some(id) = before.map_err(TransactError::Refused)? {
            return Ok(id);
        }
        self.0
            .core
            .decide(actor, move |state| {
                sessions::start_planner(state, &policy.catalog, brief, request)
            })
            .await
    }

    /// Puts a new planner in the place of an old one.
    ///
    /// # Errors
    /// When the old one is unknown, no planner, or was replaced before.
    pub async fn restart_planner(
        &self,
        actor: &str,
        old: &SessionId,
        model: Option<String>,
    ) -> Result<SessionId, Refused> {
        let policy = self.0.core.policy();
        let brief: Result<Brief, Refusal> = self.0.core.ledger.read(|state| {
            let planner = sessions::planner(state, old)?;
            let brief = briefs::planner(
                &policy,
                &self.0.core.place,
                &planner.brief.task,
                model,
                Some(planner),
            );
            self.0.permission().check_brief(state, &policy, &brief)?;
            Ok(brief)
        });
        let (brief, old) = (brief.map_err(TransactError::Refused)?, old.clone());
        let brief = self
            .0
            .core
            .decide(actor, move |state| {
                sessions::replace_planner(state, &policy.catalog, &old, brief)
            })
            .await?;
        Ok(brief.id)
    }

    /// The planner that a manual start belongs to, when the person names none: the only live one.
    ///
    /// # Errors
    /// When there is none, or more than one.
    pub fn only_planner(&self) -> Result<SessionId, Refusal> {
        self.0.core.ledger.read(|state| {
            let mut live = state
                .sessions
                .values()
                .filter(|session| session.is_planner() && session.is_live());
            match (live.next(), live.next()) {
                (Some(planner), None) => Ok(planner.id().clone()),
                (None, _) => Err(Refusal::conflict("no_planner", say!("refusal.no_planner"))),
                (Some(_), Some(_)) => Err(Refusal::invalid(
                    "ambiguous_planner",
                    say!("refusal.several_planners"),
                )),
            }
        })
    }

    /// Lets an ended session go on.
    ///
    /// # Errors
    /// When it still runs, was replaced, has reported, or no slot is free.
    pub async fn resume(&self, actor: &str, id: &SessionId) -> Result<(), Refused> {
        let (policy, id) = (self.0.core.policy(), id.clone());
        let may = self.0.core.ledger.read(|state| match state.session(&id) {
            Some(session) => self
                .0
                .permission()
                .check_brief(state, &policy, &session.brief),
            None => Ok(()),
        });
        may.map_err(TransactError::Refused)?;
        self.0
            .core
            .decide(actor, move |state| {
                sessions::resume(state, policy.slots, &id)
            })
            .await
    }
}
