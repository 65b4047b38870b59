//! The launcher's web side.

pub mod assets;
pub mod pages;
pub mod views;
