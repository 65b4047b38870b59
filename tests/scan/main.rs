//! The scan for changed paths beside Git itself: each situation is built in a real repository and compared with what the
//! `git` on PATH says. Git is only the yardstick here; the code under test never runs it.
#![allow(clippy::unwrap_used)]

mod attributes;
mod basics;
mod checkouts;
mod conflicts;
mod formats;
mod hostile;
mod ignores;
mod kinds;
mod names;
mod random;
mod renames;
mod sandbox;
mod submodules;
mod yardstick;
