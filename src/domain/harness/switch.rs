//! Something that a person switches on or off.

use serde::{Deserialize, Serialize};

/// How it stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Switch {
    /// It is switched on.
    #[default]
    On,
    /// It is switched off.
    Off,
}

impl Switch {
    /// Whether it is switched on.
    pub const fn is_on(self) -> bool {
        matches!(self, Self::On)
    }
}
