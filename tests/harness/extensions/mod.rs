//! Extensions: real programs that zhongshu starts, asks and ends.

mod conformance;
mod faults;
mod node;
mod rig;
mod trust;
mod turns;
