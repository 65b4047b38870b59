//! zhongshu

pub mod codex;
pub mod process;
