//! Who asks, as the harness wants to know it.

use crate::harness::ceilings::By;
use crate::web::role::{Acting, Role};

impl From<Acting> for By {
    /// A person who lowered their role is bound as whoever has it.
    fn from(acting: Acting) -> Self {
        Self {
            actor: acting.actor(),
            is_person: acting.role == Role::Owner,
        }
    }
}
