//! What the launcher finds out itself about a department's work: never what a report says.
//!
//! - `conformance`: reports held against the tree
//! - `evidence`: verify commands that are run

pub mod conformance;
pub mod evidence;
