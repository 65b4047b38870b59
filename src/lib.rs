//! zhongshu

pub mod domain;
pub mod sessions;
pub mod web;
