//! The front door as whoever knocks sees it: real sockets, the real guard and listener, a few routes of our own behind
//! them. The numbers in names are those of the security page.
#![allow(clippy::unwrap_used)]

mod commands;
mod credentials;
mod events;
mod hosts;
mod house;
mod judges;
mod limits;
mod mounts;
mod origins;
mod proofs;
mod scripts;
mod socket;
mod upgrades;
