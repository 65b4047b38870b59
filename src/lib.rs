//! zhongshu

pub mod domain;
pub mod git;
pub mod governance;
