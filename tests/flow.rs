//! The decisions of the domain and what follows from them: every wish that the contract names, granted or refused.
#![allow(clippy::unwrap_used)]

#[path = "flow/checks.rs"]
mod checks;
#[path = "flow/commits.rs"]
mod commits;
#[path = "flow/due.rs"]
mod due;
#[path = "flow/gate.rs"]
mod gate;
#[path = "flow/hidden.rs"]
mod hidden;
#[path = "flow/limits.rs"]
mod limits;
#[path = "flow/order.rs"]
mod order;
#[path = "flow/plan_reviews.rs"]
mod plan_reviews;
#[path = "flow/plans.rs"]
mod plans;
#[path = "flow/powers.rs"]
mod powers;
#[path = "flow/prompts.rs"]
mod prompts;
#[path = "flow/properties.rs"]
mod properties;
#[path = "flow/queue.rs"]
mod queue;
#[path = "flow/recent.rs"]
mod recent;
#[path = "flow/results.rs"]
mod results;
#[path = "flow/sessions.rs"]
mod sessions;
#[path = "flow/world.rs"]
mod world;
#[path = "flow/writers.rs"]
mod writers;
