//! The rules that a repository is worked under, and what they say about its changes: `governance.yaml`, the report, the
//! proposal of assignments, and the checks of a plan. Everything here blocks and starts no program; callers in async code
//! use a blocking thread.

mod advice;
pub mod assignments;
mod defaults;
pub mod dossier;
pub mod entries;
mod findings;
mod inspect;
pub mod judging;
mod load;
pub mod named;
mod owners;
mod parse;
pub mod plan_checks;
pub mod portability;
pub mod preflight;
mod raw;
mod reading;
pub mod render;
pub mod report;
pub mod report_cache;
pub mod settings;

pub use load::Governance;
pub use settings::GovernanceError;
