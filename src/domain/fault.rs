//! What several sessions use, and why it does not work at the moment: work that would need it waits, other work goes on.

use super::driver::Driver;
use super::ids::SessionId;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Something that more than one session uses.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "uses", rename_all = "snake_case")]
pub enum Shared {
    /// Whatever starts sessions: `codex`, its login included, or a `command` driver.
    Driver {
        /// The driver.
        driver: Driver,
    },
    /// A model behind a driver.
    Model {
        /// The driver.
        driver: Driver,
        /// The model; `None` is the driver's own choice.
        model: Option<String>,
    },
}

/// Why it holds work back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// A sentence for people.
    pub reason: String,
    /// The session that found it out.
    pub session_id: SessionId,
    /// When.
    pub at: DateTime<Utc>,
}

/// What runs one assignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The driver.
    pub driver: Driver,
    /// Model; `None` is the driver's own choice.
    pub model: Option<String>,
    /// Whether the driver's program waits for a person's yes.
    pub unapproved: bool,
}

impl Route {
    /// Whether work on this route uses it.
    pub fn uses(&self, shared: &Shared) -> bool {
        match shared {
            Shared::Driver { driver } => self.driver == *driver,
            Shared::Model { driver, model } => self.driver == *driver && self.model == *model,
        }
    }
}

impl Shared {
    /// The word that the API shows for work that waits for it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Driver { .. } => "driver_failed",
            Self::Model { .. } => "model_failed",
        }
    }

    /// Its name, for people.
    pub fn name(&self) -> &str {
        match self {
            Self::Driver { driver } => driver.name(),
            Self::Model { driver, model } => model.as_deref().unwrap_or(driver.name()),
        }
    }
}
