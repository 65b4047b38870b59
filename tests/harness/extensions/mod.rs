//! Extensions: real programs that zhongshu starts, asks and ends.

mod faults;
mod page;
mod rig;
mod trust;
mod turns;
