//! zhongshu

pub mod domain;
