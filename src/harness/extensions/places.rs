//! Where extensions run: each process has a copy of exactly what a person trusts, which agents cannot write to, and a home of its own.

use crate::domain::harness::extension::content::Files;
use crate::domain::harness::extension::manifest::AgentId;
use crate::process::terminate_marked;
use std::collections::HashSet;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// What marks the processes of all extensions of one server, in their environment.
pub const MARK: &str = "ZHONGSHU_EXTENSIONS_OF";

/// The mark of the server of this state folder, of which there is one at a time.
pub fn mark(state: &Path) -> String {
    state.display().to_string()
}

/// The copies of processes that run.
fn copies(state: &Path) -> PathBuf {
    state.join("extensions").join("run")
}

/// A folder that is gone with this value.
#[derive(Debug)]
pub struct Copy(PathBuf);

impl Copy {
    /// Writes these files into a new folder.
    ///
    /// # Errors
    /// What the file system says.
    pub fn of(state: &Path, files: &Files) -> io::Result<Self> {
        let folder = copies(state).join(uuid::Uuid::new_v4().simple().to_string());
        let copy = Self(folder);
        make(&copy.0)?;
        for (path, file) in files {
            let path = copy.0.join(path);
            if let Some(parent) = path.parent() {
                make(parent)?;
            }
            let mode = if file.is_executable { 0o500 } else { 0o400 };
            let written = std::fs::OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(mode)
                .open(path)?;
            io::Write::write_all(&mut &written, &file.bytes)?;
        }
        Ok(copy)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::warn!(%error, folder = %self.0.display(), "the copy of an extension could not be removed");
        }
    }
}

/// The home of an extension, which stays.
///
/// # Errors
/// What the file system says.
pub fn home(state: &Path, agent_id: &AgentId) -> io::Result<PathBuf> {
    let home = state.join("extensions").join("home");
    let home = home.join(&agent_id.0);
    make(&home)?;
    Ok(home)
}

/// Ends processes that a crash left, and removes what they ran from.
pub async fn sweep(state: &Path) {
    let mark = HashSet::from([mark(state)]);
    if let Err(error) = terminate_marked(MARK, mark).await {
        tracing::error!(%error, "extensions of an earlier server could not be ended");
    }
    match std::fs::remove_dir_all(copies(state)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(%error, "copies of extensions of an earlier server could not be removed");
        }
        _ => {}
    }
}

fn make(folder: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
}
