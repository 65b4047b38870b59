//! The account's limits, as Codex last told them.

use super::Threads;
use crate::codex::calls::AccountRateLimitsRead;
use crate::codex::features::Feature;
use crate::codex::usage::Snapshot;
use crate::domain::usage::limits::RateLimits;
use chrono::Utc;
use std::sync::PoisonError;

impl Threads {
    /// What is known of the account's limits.
    pub fn rate_limits(&self) -> RateLimits {
        let known = self.limits.lock();
        known.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes note of what was told of one limit.
    pub fn limits_told(&self, told: Snapshot) {
        let known = self.limits.lock();
        let mut known = known.unwrap_or_else(PoisonError::into_inner);
        known.merge(told.limit(Utc::now()));
    }

    /// Asks for the account's limits. Where there is no account Codex refuses, and nothing is known.
    pub async fn look_for_limits(&self) {
        let Ok(codex) = &self.codex else { return };
        if !self.can(Feature::Usage) {
            return;
        }
        match codex.call(&AccountRateLimitsRead {}).await {
            Ok(found) => found
                .all()
                .into_iter()
                .for_each(|told| self.limits_told(told)),
            Err(error) => tracing::debug!(%error, "the limits of the account are not known"),
        }
    }
}
