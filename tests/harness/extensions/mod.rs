//! Extensions: real programs that zhongshu starts, asks and ends.

mod answers;
mod busy;
mod conformance;
mod faults;
mod languages;
mod node;
mod page;
mod reloads;
mod rig;
mod supervisor;
mod trust;
mod turns;
mod working;
