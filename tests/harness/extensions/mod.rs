//! Extensions: real programs that zhongshu starts, asks and ends.

mod faults;
mod rig;
mod trust;
mod turns;
mod working;
