//! Sessions: what keeps the running processes in step with the journal.

pub mod live;
