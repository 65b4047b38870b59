//! The tests, by what they are about. Their names contain `codex`, so that the runner can hold them apart.

mod job;
