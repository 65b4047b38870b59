//! Path patterns, risk rules, `CODEOWNERS`, `governance.yaml` and the checks of a plan, by their documented meaning.
#![allow(clippy::unwrap_used)]

#[path = "rules/codeowners.rs"]
mod codeowners;
#[path = "rules/file.rs"]
mod file;
#[path = "rules/lines.rs"]
mod lines;
#[path = "rules/patterns.rs"]
mod patterns;
#[path = "rules/plans.rs"]
mod plans;
