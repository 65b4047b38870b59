//! The part of the configuration that sessions obey, as one snapshot.
//!
//! `governance.yaml` may change while the launcher runs; whoever decides something takes the newest snapshot once and
//! uses it to the end.

use crate::domain::department::{Approval, Sandbox};
use crate::domain::flow::Catalog;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Name of the built-in driver.
pub const CODEX: &str = "codex";

/// How the planner's sessions run.
#[derive(Debug, Clone)]
pub struct Role {
    /// Driver's name.
    pub driver: String,
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
    /// Name of the project.
    pub project: String,
    /// The document with the project's rules.
    pub workflow_doc: String,
    /// Departments that may work at the same time.
    pub slots: usize,
    /// Interactive terminals that may be open at the same time.
    pub max_terminals: usize,
    /// A department without a sign of life for so long is stalled.
    pub stale: Duration,
    /// A department stays silent so long after its last reminder before it is ended.
    pub reminder_grace: Duration,
    /// TUIs that are started with their session; further ones wait for a viewer.
    pub tuis: usize,
    /// How planners run.
    pub planner: Role,
    /// Driver of departments that name none.
    pub driver: String,
    /// Model of departments that name none.
    pub department_model: Option<String>,
    /// Command drivers: name and argument template.
    pub drivers: BTreeMap<String, Vec<String>>,
    /// Why the newest `governance.yaml` is not in force, if it is not.
    pub warning: Option<String>,
}

/// The newest snapshot.
pub type Policies = watch::Receiver<Arc<Policy>>;
