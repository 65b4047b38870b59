//! The rules that a repository is worked under, and what they say about its changes: `governance.yaml`, the report, the
//! proposal of assignments, the checks of a plan, reviews, and the commit gate with its hooks. Everything here blocks and
//! starts no program but our own; callers in async code use a blocking thread.

mod advice;
pub mod assignments;
pub mod commits;
mod defaults;
pub mod dossier;
pub mod entries;
mod findings;
pub mod gate;
pub mod hook;
mod inspect;
pub mod judging;
pub mod named;
pub mod notes;
mod owners;
mod parse;
pub mod plan_checks;
pub mod portability;
pub mod preflight;
mod raw;
mod reading;
pub mod render;
pub mod report;
pub mod review;
pub mod settings;
pub mod standing;

pub use settings::{Governance, GovernanceError};
