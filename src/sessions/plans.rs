//! Plans that come over the API: checked, registered, confirmed.

use super::agents::Agents;
use crate::core::Refused;
use crate::core::policy::Policy;
use crate::domain::assignment::Order;
use crate::domain::flow::plans::{Confirmation, PlanReceipt};
use crate::domain::flow::{Catalog, plans};
use crate::domain::ids::SessionId;
use crate::domain::plan::{PlanFinding, PlannedAssignment, Proposal, Source};
use crate::domain::refusal::Refusal;
use crate::domain::state::State;
use crate::ledger::TransactError;
use std::sync::Arc;

/// What may be asked about plans.
pub struct Plans<'a>(&'a Agents);

impl Agents {
    /// Plans that come over the API.
    pub fn plans(&self) -> Plans<'_> {
        Plans(self)
    }
}

impl Plans<'_> {
    /// Registers a plan that came over the API.
    ///
    /// # Errors
    /// An unknown or ended planner, or a plan that names what does not exist.
    pub async fn report(
        &self,
        actor: &str,
        id: &SessionId,
        proposal: Proposal,
    ) -> Result<PlanReceipt, Refused> {
        let (policy, id) = (self.0.core.policy(), id.clone());
        let checked = off_thread(&policy, move |catalog| catalog.look_at(proposal)).await?;
        let plan = plans::Reported {
            checked,
            source: Source::Api,
            written_at: None,
        };
        self.0
            .core
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
        off_thread(&self.0.core.policy(), move |catalog| {
            catalog.findings(&lines)
        })
        .await
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
        let policy = self.0.core.policy();
        let before = self
            .0
            .core
            .ledger
            .read(|state| plans::confirmed_before(state, wish.request.as_ref()));
        if let Some(orders) = before.map_err(TransactError::Refused)? {
            return Ok(orders);
        }
        wish.findings = self.findings(wish.assignments.clone()).await?;
        self.0
            .core
            .ledger
            .read(|state| self.check_drivers(state, &policy, &wish.assignments))
            .map_err(TransactError::Refused)?;
        self.0
            .core
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
                self.0.permission().check_driver(
                    state,
                    policy,
                    policy.driver_of(&item.department),
                    waits,
                )
            })
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
