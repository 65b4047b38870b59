//! The part of the configuration that sessions obey, as one snapshot.
//!
//! `governance.yaml` may change while the launcher runs; whoever decides something takes the newest snapshot once and
//! uses it to the end.

use crate::config::Config;
use crate::domain::ask::rule::Rule;
use crate::domain::department::{Approval, Sandbox};
use crate::domain::doing::Thresholds;
use crate::domain::driver::Driver;
use crate::domain::fault::Route;
use crate::domain::flow::Catalog;
use crate::domain::flow::holds::Limits;
use crate::domain::harness::ceilings::Ceilings;
use crate::domain::harness::switch::Switch;
use crate::domain::language::Language;
use crate::domain::plan::PlanChecker;
use crate::domain::powers::{Powers, Seals};
use crate::domain::shown::short;
use crate::domain::usage::budgets::{Bounds, Defaults};
use crate::governance::Governance;
use crate::governance::named::{self, Ground};
use crate::governance::plan_checks::PlanCheckCache;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How the planner's sessions run.
#[derive(Debug, Clone)]
pub struct Role {
    /// Driver.
    pub driver: Driver,
    /// Sandbox for Codex.
    pub sandbox: Sandbox,
    /// Approval policy for Codex.
    pub approval: Approval,
    /// Model override.
    pub model: Option<String>,
}

/// What holds at one moment.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Departments, models, language.
    pub catalog: Catalog,
    /// Rules for reports and plan checks.
    pub governance: Arc<Governance>,
    /// The language that was set; `None` leaves pages to the browser's.
    pub language_setting: Option<Language>,
    /// Name of the project.
    pub project: String,
    /// The document with the project's rules.
    pub workflow_doc: String,
    /// Departments that may work at the same time.
    pub slots: usize,
    /// Results that may wait unacknowledged before nothing more starts.
    pub review_limit: Option<usize>,
    /// What plans and sessions may take, where a person set nothing else.
    pub budgets: Defaults,
    /// Interactive terminals that may be open at the same time.
    pub max_terminals: usize,
    /// When a session counts as silent, and when as looping.
    pub thresholds: Thresholds,
    /// A department stays silent so long after its last reminder before it is ended.
    pub reminder_grace: Duration,
    /// Whether confirmed work has its verify commands run by the launcher when the person says nothing about it.
    pub run_verify: bool,
    /// Program and arguments that are told of what waits for the person.
    pub notify: Vec<String>,
    /// Rules of the file that answer what Codex asks.
    pub allow: Vec<Rule>,
    /// What clients of the harness have at most.
    pub ceilings: Ceilings,
    /// Whether what new threads of the harness begin with stays as it is.
    pub defaults_locked: bool,
    /// A call of a client's tool that nobody answers for so long has failed.
    pub tool_call_limit: Duration,
    /// Whether jobs are done.
    pub queue: Switch,
    /// How long one verify command may take.
    pub verify_limit: Duration,
    /// How long terminals wait for a launcher to come back.
    pub orphan_limit: Duration,
    /// TUIs that are started with their session; further ones wait for a viewer.
    pub tuis: usize,
    /// How planners run.
    pub planner: Role,
    /// Driver of departments that name none.
    pub driver: Driver,
    /// Model of departments that name none.
    pub department_model: Option<String>,
    /// Command drivers that a person approved: name and argument template.
    pub drivers: BTreeMap<String, Vec<String>>,
    /// What the command lines of all drivers, approved or not, name of that which agents can write.
    pub named: BTreeMap<String, Seals>,
    /// What the configuration asks for beyond the safe defaults.
    pub asked: Powers,
    /// How much of that, or of something earlier, a person approved.
    pub approved: Powers,
    /// What Codex offers, once it was asked.
    pub offered: Option<Vec<String>>,
    /// Why the newest `governance.yaml` is not in force, if it is not.
    pub warning: Option<String>,
    /// What is wrong with the state folder although it is used.
    pub state_warning: Option<String>,
    /// Why the program of `notify` is not used.
    pub notify_warning: Option<String>,
}

impl Policy {
    /// What the configuration says now, whether a person approved it or not (that is [`Policy::held_to`]); `offered` are the
    /// models that Codex offers, once it was asked. Reads files that command lines name.
    pub fn of(config: &Config, offered: Option<&[String]>, plan_checks: &PlanCheckCache) -> Self {
        let settings = config.settings();
        let mut models = settings.models.clone();
        models.extend(settings.zhongshu_model.clone());
        models.extend(settings.department_model.clone());
        models.extend(offered.unwrap_or_default().iter().cloned());
        let mut seen = BTreeSet::new();
        models.retain(|model| seen.insert(model.clone()));
        // Nobody knows yet what Codex offers: then Codex itself has to judge.
        let known = offered.is_some() || !settings.models.is_empty();
        let planner = &settings.planner;
        let notify_warning = stray(config, &settings.notify);
        let drivers: BTreeMap<String, Vec<String>> = settings
            .drivers
            .iter()
            .map(|(name, driver)| (name.clone(), driver.command.clone()))
            .collect();
        Self {
            catalog: Catalog {
                departments: settings.governance.departments.clone(),
                models: known.then_some(models),
                language: config.language(),
                checker: plan_checks.checks(&settings.governance) as Arc<dyn PlanChecker>,
                review: settings.governance.settings.review,
            },
            governance: Arc::clone(&settings.governance),
            language_setting: settings.language,
            project: settings.project_name.clone(),
            workflow_doc: settings.workflow_doc.clone(),
            slots: settings.max_departments,
            review_limit: settings.governance.settings.review_limit,
            budgets: settings.governance.settings.budgets,
            max_terminals: settings.max_terminals,
            thresholds: settings.thresholds,
            reminder_grace: settings.reminder_grace,
            run_verify: settings.run_verify,
            notify: match notify_warning {
                None => settings.notify.clone(),
                Some(_) => Vec::new(),
            },
            notify_warning,
            allow: settings.allow.clone(),
            ceilings: settings.governance.settings.harness.ceilings.clone(),
            defaults_locked: settings.governance.settings.harness.defaults_locked,
            tool_call_limit: Duration::from_secs(
                settings.governance.settings.harness.tool_call_seconds,
            ),
            queue: settings.governance.settings.harness.queue,
            verify_limit: settings.verify_limit,
            orphan_limit: settings.orphan_limit,
            tuis: settings.tuis_started_with_session,
            planner: Role {
                driver: planner
                    .driver
                    .clone()
                    .unwrap_or_else(|| settings.driver.clone()),
                // It plans; its tools need no sandbox that lets it write.
                sandbox: planner.sandbox.unwrap_or(Sandbox::ReadOnly),
                approval: planner.approval.unwrap_or(Approval::OnRequest),
                model: planner
                    .model
                    .clone()
                    .or_else(|| settings.zhongshu_model.clone()),
            },
            driver: settings.driver.clone(),
            department_model: settings.department_model.clone(),
            named: named::read(&ground(config), drivers.iter()),
            drivers,
            offered: offered.map(<[String]>::to_vec),
            warning: config.governance_error(),
            state_warning: config.check_state().ok().flatten(),
            asked: Powers::default(),
            approved: Powers::default(),
        }
    }

    /// What a person should know, as sentences.
    pub fn warnings(&self) -> Vec<String> {
        let all = [&self.warning, &self.state_warning, &self.notify_warning];
        all.into_iter().flatten().cloned().collect()
    }

    /// What bounds dispatch.
    pub fn limits(&self) -> Limits {
        Limits {
            slots: self.slots,
            review: self.review_limit,
            routes: self
                .catalog
                .departments
                .iter()
                .map(|it| (it.key.clone(), self.route_of(&it.key)))
                .collect(),
            other: self.route_of(""),
            codex_down: None,
            bounds: Bounds::default(),
        }
    }

    /// What runs a department's work where the work itself names no model.
    pub fn route_of(&self, department: &str) -> Route {
        let known = self.catalog.department(department);
        Route {
            driver: self.driver_of(department).clone(),
            unapproved: self.department_waits(department),
            model: known
                .and_then(|department| department.model.clone())
                .or_else(|| self.department_model.clone()),
        }
    }

    /// The driver that a department's sessions use.
    pub fn driver_of(&self, department: &str) -> &Driver {
        let known = self.catalog.department(department);
        let named = known.and_then(|known| known.driver.as_ref());
        named.unwrap_or(&self.driver)
    }

    /// Whether any session would run in Codex.
    pub fn uses_codex(&self) -> bool {
        let departments = self.catalog.departments.iter();
        departments
            .map(|it| self.driver_of(&it.key))
            .chain([&self.planner.driver])
            .any(Driver::needs_codex)
    }
}

/// Where the programs of this configuration start.
pub fn ground(config: &Config) -> Ground {
    Ground::of(&config.places, config.environment())
}

/// What a program that is told of things names of that which agents can write, as a sentence. It runs without a sandbox, so nothing of
/// it may lie there, whatever a person said to its command line.
pub fn stray(config: &Config, command: &[String]) -> Option<String> {
    let (name, command) = ("notify".to_owned(), command.to_vec());
    let found = named::read(&ground(config), std::iter::once((&name, &command)));
    let file = found.get(&name)?.keys().next()?;
    Some(format!(
        "the program of `notify` is not started: `{}`, which its command line names, lies where agents can write; keep it outside of the \
         repository and of temporary folders",
        short(file)
    ))
}

/// The newest snapshot, and who waits for the next one.
pub type Policies = watch::Sender<Arc<Policy>>;
