//! What a person, a script or a planner may ask for. Each wish becomes one decision; effects follow by themselves.

use super::briefs;
use super::office::Office;
use crate::core::Refused;
use crate::core::policy::Policy;
use crate::domain::assignment::Order;
use crate::domain::driver::Driver;
use crate::domain::event::Event;
use crate::domain::flow::plans::{Confirmation, PlanReceipt};
use crate::domain::flow::{Catalog, checks, inbox, plans, queue, sessions};
use crate::domain::ids::{AssignmentId, MessageId, ReportId, SessionId};
use crate::domain::language::Language;
use crate::domain::plan::{PlanFinding, PlannedAssignment, Proposal, Source};
use crate::domain::powers::Held;
use crate::domain::refusal::Refusal;
use crate::domain::request::Request;
use crate::domain::session::{Brief, Outcome};
use crate::domain::state::State;
use crate::ledger::TransactError;
use std::sync::Arc;

/// What may be asked of the sessions.
impl Office {
    /// What Codex will do to the user's own configuration, in `language`, and whether a person still has to allow it.
    pub fn trust(&self, language: Language) -> Trust {
        let repo = self.core.place.repo.display();
        let statement = match language {
            Language::Zh => format!(
                "Codex 会话会在 {repo} 中写文件并运行命令（在 Codex 自己的沙箱内）。Codex 会把该仓库记为受信任（trust_level = \"trusted\"），\
                 写入它自己的 config.toml，并把会话记录保存在 CODEX_HOME 中；此后仓库里的 .codex/ 设置也会生效。\
                 在您允许之前，Codex 的任何部分都不会在此运行，因此登录状态和可用模型尚不可知。"
            ),
            Language::En => format!(
                "Codex sessions will write files and run commands in {repo}, inside Codex's own sandbox. Codex notes this repository as trusted \
                 (trust_level = \"trusted\") in its own config.toml and keeps its session records in CODEX_HOME; from then on settings in the \
                 repository's .codex/ folder are obeyed as well. Before you allow it nothing of Codex runs here, so its login and its models are not \
                 known yet."
            ),
        };
        let needed = self.threads.codex.is_ok() && !self.is_trusted();
        Trust { needed, statement }
    }

    /// Whether a person allowed Codex to work here.
    pub fn is_trusted(&self) -> bool {
        self.core.ledger.read(|state| state.trusted.is_some())
    }

    /// A person who read the statement in `language` allows Codex to work here.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn allow(&self, actor: &str, language: Language) -> Result<(), Refused> {
        let statement = self.trust(language).statement;
        self.core
            .decide(actor, move |state| {
                let events = match state.trusted {
                    Some(_) => Vec::new(),
                    None => vec![Event::RepositoryTrusted { statement }],
                };
                Ok((events, ()))
            })
            .await
    }

    /// Whether a session of this driver may be started at all; `waits` says that its program waits for the person's yes.
    fn check_driver(
        &self,
        state: &State,
        policy: &Policy,
        driver: &Driver,
        waits: bool,
    ) -> Result<(), Refusal> {
        if waits && let Some(program) = driver.program() {
            let driver = program.to_owned();
            return Err(policy.required(&Held::Nothing { driver }));
        }
        if !driver.needs_codex() {
            return Ok(());
        }
        if let Err(reason) = &self.threads.codex {
            return Err(Refusal::unavailable("codex_unavailable", reason.en.clone()));
        }
        if state.trusted.is_none() {
            let message = "before the first Codex session a person must allow Codex to work in this repository: read `trust.statement` in \
                           /api/status, then POST /api/trust {\"accept\":true} or press Allow on the dashboard";
            return Err(Refusal::conflict("trust_required", message));
        }
        Ok(())
    }

    fn check_brief(&self, state: &State, policy: &Policy, brief: &Brief) -> Result<(), Refusal> {
        if let Some(refusal) = policy.withheld(brief) {
            return Err(refusal);
        }
        self.check_driver(state, policy, &brief.driver, false)
    }

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
        let policy = self.core.policy();
        let brief = briefs::planner(&policy, &self.core.place, task, model, None);
        let before = self.core.ledger.read(|state| {
            let before = sessions::started_before(state, request.as_ref())?;
            if before.is_none() {
                self.check_brief(state, &policy, &brief)?;
            }
            Ok(before)
        });
        if let Some(id) = before.map_err(TransactError::Refused)? {
            return Ok(id);
        }
        self.core
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
        let policy = self.core.policy();
        let brief: Result<Brief, Refusal> = self.core.ledger.read(|state| {
            let planner = sessions::planner(state, old)?;
            let brief = briefs::planner(
                &policy,
                &self.core.place,
                &planner.brief.task,
                model,
                Some(planner),
            );
            self.check_brief(state, &policy, &brief)?;
            Ok(brief)
        });
        let (brief, old) = (brief.map_err(TransactError::Refused)?, old.clone());
        let brief = self
            .core
            .decide(actor, move |state| {
                sessions::replace_planner(state, &policy.catalog, &old, brief)
            })
            .await?;
        Ok(brief.id)
    }

    /// Registers a plan that came over the API.
    ///
    /// # Errors
    /// An unknown or ended planner, or a plan that names what does not exist.
    pub async fn report_plan(
        &self,
        actor: &str,
        id: &SessionId,
        proposal: Proposal,
    ) -> Result<PlanReceipt, Refused> {
        let (policy, id) = (self.core.policy(), id.clone());
        let checked = off_thread(&policy, move |catalog| catalog.look_at(proposal)).await?;
        let plan = plans::Reported {
            checked,
            source: Source::Api,
            written_at: None,
        };
        self.core
            .decide(actor, move |state| {
                plans::report(state, &policy.catalog, &id, plan)
            })
            .await
    }

    /// What the plan checks say about these lines, as they would stand in a plan. Changes nothing.
    ///
    /// # Errors
    /// Only when the checks themselves fail.
    pub async fn findings(
        &self,
        lines: Vec<PlannedAssignment>,
    ) -> Result<Vec<PlanFinding>, Refused> {
        off_thread(&self.core.policy(), move |catalog| catalog.findings(&lines)).await
    }

    /// A person confirms work, once for each request with a key.
    ///
    /// # Errors
    /// When the plan changed meanwhile, was decided already, or names what does not exist; or a key that stands for another
    /// request.
    pub async fn confirm(
        &self,
        actor: &str,
        mut wish: Confirmation,
    ) -> Result<Vec<Order>, Refused> {
        let policy = self.core.policy();
        let before = self
            .core
            .ledger
            .read(|state| plans::confirmed_before(state, wish.request.as_ref()));
        if let Some(orders) = before.map_err(TransactError::Refused)? {
            return Ok(orders);
        }
        wish.findings = self.findings(wish.assignments.clone()).await?;
        self.core
            .ledger
            .read(|state| self.check_drivers(state, &policy, &wish.assignments))
            .map_err(TransactError::Refused)?;
        self.core
            .decide(actor, move |state| {
                plans::confirm(state, &policy.catalog, wish)
            })
            .await
    }

    fn check_drivers(
        &self,
        state: &State,
        policy: &Policy,
        wanted: &[PlannedAssignment],
    ) -> Result<(), Refusal> {
        wanted
            .iter()
            .filter(|item| item.selected)
            .try_for_each(|item| {
                let waits = policy.department_waits(&item.department);
                self.check_driver(state, policy, policy.driver_of(&item.department), waits)
            })
    }

    /// A person rejects the pending plan.
    ///
    /// # Errors
    /// When there is none, or no reason.
    pub async fn reject(
        &self,
        actor: &str,
        id: &SessionId,
        reason: String,
    ) -> Result<u32, Refused> {
        let (policy, id) = (self.core.policy(), id.clone());
        self.core
            .decide(actor, move |state| {
                plans::reject(state, &policy.catalog, &id, &reason)
            })
            .await
    }

    /// The planner that a manual start belongs to, when the person names none: the only live one.
    ///
    /// # Errors
    /// When there is none, or more than one.
    pub fn only_planner(&self) -> Result<SessionId, Refusal> {
        self.core.ledger.read(|state| {
            let mut live = state.sessions.values().filter(|session| session.is_planner() && session.is_live());
            match (live.next(), live.next()) {
                (Some(planner), None) => Ok(planner.id().clone()),
                (None, _) => Err(Refusal::conflict("no_planner", "parent_session_id: no planner is active; start one first")),
                (Some(_), Some(_)) => Err(Refusal::invalid(
                    "ambiguous_planner",
                    "parent_session_id: several planners are active; name the one that shall get the result",
                )),
            }
        })
    }

    /// Ends a session.
    ///
    /// # Errors
    /// When it is unknown or has ended.
    pub async fn stop_session(&self, actor: &str, id: &SessionId) -> Result<(), Refused> {
        let id = id.clone();
        self.core
            .decide(actor, move |state| {
                sessions::request_close(state, &id, Outcome::Stopped)
            })
            .await
    }

    /// Lets an ended session go on.
    ///
    /// # Errors
    /// When it still runs, was replaced, has reported, or no slot is free.
    pub async fn resume_session(&self, actor: &str, id: &SessionId) -> Result<(), Refused> {
        let (policy, id) = (self.core.policy(), id.clone());
        let may = self.core.ledger.read(|state| match state.session(&id) {
            Some(session) => self.check_brief(state, &policy, &session.brief),
            None => Ok(()),
        });
        may.map_err(TransactError::Refused)?;
        self.core
            .decide(actor, move |state| {
                sessions::resume(state, policy.slots, &id)
            })
            .await
    }

    /// Queues text for a session, once for each request with a key.
    ///
    /// # Errors
    /// When it is unknown, has ended, or the text is empty or too long; or a key that stands for another request.
    pub async fn input(
        &self,
        actor: &str,
        id: &SessionId,
        text: String,
        request: Option<Request>,
    ) -> Result<MessageId, Refused> {
        let id = id.clone();
        self.core
            .decide(actor, move |state| {
                sessions::input(state, &id, &text, request)
            })
            .await
    }

    /// Takes an assignment out of the queue.
    ///
    /// # Errors
    /// When it is unknown or no longer waits.
    pub async fn cancel(&self, actor: &str, id: AssignmentId) -> Result<(), Refused> {
        self.core
            .decide(actor, move |state| queue::cancel(state, &id))
            .await
    }

    /// Lets an assignment start in spite of what it should wait for.
    ///
    /// # Errors
    /// When it is unknown or no longer waits.
    pub async fn force(&self, actor: &str, id: AssignmentId) -> Result<(), Refused> {
        self.core
            .decide(actor, move |state| queue::force(state, &id))
            .await
    }

    /// Moves an assignment.
    ///
    /// # Errors
    /// When one of them is unknown or no longer waits.
    pub async fn reorder(
        &self,
        actor: &str,
        id: AssignmentId,
        before: Option<AssignmentId>,
    ) -> Result<(), Refused> {
        self.core
            .decide(actor, move |state| {
                queue::reorder(state, &id, before.as_ref())
            })
            .await
    }

    /// Pauses or resumes dispatch.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn pause(&self, actor: &str, paused: bool) -> Result<(), Refused> {
        if !paused && self.threads.logged_in() == Some(false) {
            // The next session looks again.
            self.threads.set_logged_in(None);
        }
        self.core
            .decide(actor, move |state| queue::pause(state, paused))
            .await
    }

    /// Marks a planner's inbox as read; says what was unread.
    ///
    /// # Errors
    /// When there is no such planner.
    pub async fn read_inbox(&self, actor: &str, id: &SessionId) -> Result<Vec<ReportId>, Refused> {
        let id = id.clone();
        self.core
            .decide(actor, move |state| inbox::read(state, &id))
            .await
    }

    /// Takes responsibility for changes outside of an assignment: a person, or the planner (`only_for`) that the result
    /// went to.
    ///
    /// # Errors
    /// When there is no such result, nothing to accept, or no reason.
    pub async fn accept_changes(
        &self,
        actor: &str,
        id: ReportId,
        reason: String,
        only_for: Option<SessionId>,
    ) -> Result<(), Refused> {
        let by = actor.to_owned();
        self.core
            .decide(actor, move |state| {
                checks::accept(state, &id, &by, &reason, only_for.as_ref())
            })
            .await
    }

    /// Has the verify commands of a result run by the launcher.
    ///
    /// # Errors
    /// When there is no such result, or its assignment names no commands.
    pub async fn verify(&self, actor: &str, id: ReportId) -> Result<(), Refused> {
        self.core
            .decide(actor, move |state| checks::request_verification(state, &id))
            .await
    }

    /// Takes notice of one result.
    ///
    /// # Errors
    /// When there is no such result.
    pub async fn acknowledge(&self, actor: &str, id: ReportId) -> Result<(), Refused> {
        self.core
            .decide(actor, move |state| inbox::acknowledge(state, &id))
            .await
    }
}

/// Runs what may take a while where it keeps nobody waiting.
async fn off_thread<T: Send + 'static>(
    policy: &Arc<Policy>,
    work: impl FnOnce(&Catalog) -> T + Send + 'static,
) -> Result<T, Refused> {
    let policy = Arc::clone(policy);
    let done = tokio::task::spawn_blocking(move || work(&policy.catalog)).await;
    done.map_err(|_| TransactError::Panicked)
}

/// Whether Codex may work here.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Trust {
    /// Whether a person must be asked before the first Codex session.
    pub needed: bool,
    /// What the person is told.
    pub statement: String,
}
