//! In the place of the embedded model, in a build without the feature `demo-codex`.

use crate::commands::error::CommandError;
use std::path::Path;

/// There is none.
pub enum Model {}

impl Model {
    /// Says how to get one.
    ///
    /// # Errors
    /// Always.
    pub async fn start(_codex_home: &Path, _repo: &Path) -> Result<Self, CommandError> {
        Err(CommandError::Usage(
            "this zhongshu was built without the model of `demo --codex`; build it with the feature `demo-codex`, or leave `--codex` out"
                .to_owned(),
        ))
    }

    /// Cannot be called.
    pub async fn close(self) {
        match self {}
    }
}
