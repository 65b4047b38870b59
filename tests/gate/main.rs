//! Review and gate, with the real git: what may be committed, who may say so, and what is noticed.
#![allow(clippy::unwrap_used)]

mod api;
mod browser;
mod commits;
mod diffs;
mod floods;
mod hooks;
mod index;
mod made_here;
mod notes;
mod noticed;
mod races;
mod rig;
#[path = "../support/serving.rs"]
mod serving;
mod stuck;
mod trailers;
mod unwatched;
