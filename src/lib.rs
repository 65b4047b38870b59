//! zhongshu

pub mod access;
pub mod domain;
pub mod web;
