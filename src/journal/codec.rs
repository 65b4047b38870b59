//! How what a journal folds to is written into its snapshots.

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::Write;

/// How a state is written into a snapshot and read back.
pub struct Codec<S> {
    pub(super) fold: &'static str,
    pub(super) write: fn(&S, &mut dyn Write) -> serde_json::Result<()>,
    pub(super) read: fn(&[u8]) -> serde_json::Result<S>,
}

impl<S: Serialize + DeserializeOwned> Codec<S> {
    /// As JSON. `fold` names the code of `apply`: a snapshot with another name is not read.
    pub const fn json(fold: &'static str) -> Self {
        Self {
            fold,
            write: |state, out| serde_json::to_writer(out, state),
            read: |bytes| serde_json::from_slice(bytes),
        }
    }
}
