//! How what a journal folds to is written into its snapshots.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// How a state is written into a snapshot and read back.
pub struct Codec<S> {
    pub(super) fold: &'static str,
    pub(super) write: fn(&S) -> serde_json::Result<Vec<u8>>,
    pub(super) read: fn(&[u8]) -> serde_json::Result<S>,
}

impl<S: Serialize + DeserializeOwned> Codec<S> {
    /// As JSON. `fold` names the code of `apply`: a snapshot with another name is not read.
    pub const fn json(fold: &'static str) -> Self {
        Self {
            fold,
            write: serde_json::to_vec::<S>,
            read: |bytes| serde_json::from_slice(bytes),
        }
    }
}
