//! Where state folders lie, and where they should not.

use super::{Environment, PathError, Places};
use std::path::PathBuf;

impl Places {
    /// The person's folder for the state folders of all repositories.
    ///
    /// # Errors
    /// When there is no home.
    pub fn all_states(environment: &Environment) -> Result<PathBuf, PathError> {
        let of_home = || Some(environment.absolute("HOME")?.join(".local/state"));
        let base = environment.absolute("XDG_STATE_HOME").or_else(of_home);
        Ok(base.ok_or(PathError::NoHome)?.join("zhongshu"))
    }

    /// The folder above the state folder that Codex's sandbox `workspace-write` leaves open to commands, besides the
    /// repository: `/tmp` or the person's own temporary folder.
    pub fn open_to_agents(&self, environment: &Environment) -> Option<PathBuf> {
        [Some(PathBuf::from("/tmp")), environment.absolute("TMPDIR")]
            .into_iter()
            .flatten()
            .find(|folder| {
                let real = folder.canonicalize();
                self.state.starts_with(folder)
                    || real.is_ok_and(|real| self.state.starts_with(real))
            })
    }
}
