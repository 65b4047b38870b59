//! Who asks, as the harness wants to know it.

use crate::access::Caller;
use crate::harness::ceilings::By;

impl From<Caller> for By {
    fn from(caller: Caller) -> Self {
        Self {
            actor: caller.actor(),
            is_person: caller.is_person(),
        }
    }
}
