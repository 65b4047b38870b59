//! Extensions: real programs that zhongshu starts, asks and ends.

mod faults;
mod node;
mod rig;
mod trust;
mod turns;
