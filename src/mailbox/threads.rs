//! Which session a Codex thread is: written by the launcher when it opens the thread, read by the tool server.

use super::private;
use crate::domain::ids::SessionId;
use crate::domain::plan_review::ReviewedPlan;
use crate::domain::session::Kind;
use crate::paths::write_private;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};

/// What the tool server needs to know about a caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadRecord {
    /// The session that owns the thread.
    pub session_id: SessionId,
    /// Planner or department.
    pub session_kind: Kind,
    /// Its department; `zhongshu` for a planner.
    pub department: String,
    /// The planner that a department reports to.
    pub parent_session_id: Option<SessionId>,
    /// The `incoming` folder that its reports go to.
    pub incoming: PathBuf,
    /// The plan that it reviews, when that is its job.
    #[serde(default)]
    pub review: Option<ReviewedPlan>,
    /// What it was asked to do.
    pub task: String,
}

/// Why a thread's record cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum ThreadError {
    /// The id could not be a file name.
    #[error("the thread id is not 1 to 128 letters, digits, `-` or `_`")]
    InvalidId,
    /// The file system refused, or the record is damaged.
    #[error("the record of thread {thread_id}: {source}")]
    Io {
        /// Which thread.
        thread_id: String,
        /// What went wrong.
        #[source]
        source: io::Error,
    },
}

fn folder(state_dir: &Path) -> PathBuf {
    state_dir.join("threads")
}

fn check(thread_id: &str) -> Result<(), ThreadError> {
    match private::is_plain_name(thread_id) {
        true => Ok(()),
        false => Err(ThreadError::InvalidId),
    }
}

/// Records a thread; it is on disk when this returns.
///
/// # Errors
/// An id that is no file name, or a file system that refuses.
pub fn write(state_dir: &Path, thread_id: &str, record: &ThreadRecord) -> Result<(), ThreadError> {
    check(thread_id)?;
    let bytes = serde_json::to_vec(record).expect("a thread's record is plain data");
    write_private(&folder(state_dir).join(format!("{thread_id}.json")), &bytes).map_err(|source| {
        ThreadError::Io {
            thread_id: thread_id.to_owned(),
            source,
        }
    })
}

/// The record of a thread; `None` when the launcher did not open it.
///
/// # Errors
/// An id that is no file name, or a damaged record.
pub fn read(state_dir: &Path, thread_id: &str) -> Result<Option<ThreadRecord>, ThreadError> {
    check(thread_id)?;
    let failed = |source| ThreadError::Io {
        thread_id: thread_id.to_owned(),
        source,
    };
    let bytes =
        private::read(&folder(state_dir).join(format!("{thread_id}.json"))).map_err(failed)?;
    bytes
        .map(|bytes| serde_json::from_slice(&bytes).map_err(|error| failed(error.into())))
        .transpose()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_thread_id_cannot_be_a_path() {
        let state = tempfile::tempdir().unwrap();
        let record = ThreadRecord {
            session_id: SessionId::parse("menxia-1").unwrap(),
            session_kind: Kind::Department,
            department: "menxia".into(),
            parent_session_id: Some(SessionId::parse("zhongshu-1").unwrap()),
            incoming: "/r/.tmp/codex_governance_mailbox/zhongshu-1/incoming".into(),
            review: None,
            task: "look".into(),
        };
        for id in ["", "../x", "a/b", "a.json", "a\0"] {
            assert!(write(state.path(), id, &record).is_err());
            assert!(read(state.path(), id).is_err());
        }
        assert_eq!(read(state.path(), "0199").unwrap(), None);
        write(state.path(), "0199", &record).unwrap();
        assert_eq!(read(state.path(), "0199").unwrap(), Some(record));
    }
}
