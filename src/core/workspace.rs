//! Where a session works. Whoever reads a session's tree, or lets something run in it, asks here.

use super::Core;
use crate::domain::session::Brief;
use crate::paths::Places;
use crate::reader::Reader;
use std::path::Path;

/// The folder that a session works in. All of them share the repository.
pub fn root<'a>(place: &'a Places, _brief: &Brief) -> &'a Path {
    &place.repo
}

impl Core {
    /// The folder that a session works in.
    pub fn root_of(&self, brief: &Brief) -> &Path {
        root(&self.place, brief)
    }

    /// Reads a session's tree, as [`Core::reader`] reads the repository.
    pub fn reader_of(&self, brief: &Brief) -> Reader {
        Reader::new(self.program.clone(), self.root_of(brief).to_owned())
    }
}
