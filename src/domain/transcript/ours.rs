//! What the journal knows of a thread and Codex does not keep. Everything of ours that a transcript shows comes from here.

use super::OurRow;
use crate::domain::state::State;

/// Our rows of a thread, oldest first.
pub fn rows_of(_state: &State, _thread_id: &str) -> Vec<OurRow> {
    Vec::new()
}
