//! The launcher's web side.

pub mod views;
