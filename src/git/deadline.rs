//! When a reading of the repository gives up.

use super::GitError;
use std::time::{Duration, Instant};

/// A point in time after which a report gives up. It is looked at between folders, files and pieces of large files.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    started: Instant,
    limit: Duration,
}

impl Deadline {
    /// Starts counting now.
    pub fn after(limit: Duration) -> Self {
        Self {
            started: Instant::now(),
            limit,
        }
    }

    /// Fails when the time is over.
    pub fn check(&self) -> Result<(), GitError> {
        if self.started.elapsed() > self.limit {
            Err(GitError::TooSlow(self.limit.as_millis()))
        } else {
            Ok(())
        }
    }
}
