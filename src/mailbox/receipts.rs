//! Receipts: how the launcher knows that a file was written by a session's own tool.
//!
//! Before the tool server moves a file into `incoming/` it writes `<state dir>/receipts/<sha256 of the bytes>.json`.
//! An agent's sandbox cannot write there, and Codex, not the agent, tells the tool server which thread calls. A
//! receipt speaks of bytes, not of a file name, so it does not matter who moves or copies the file meanwhile.

use super::private;
use crate::domain::ids::SessionId;
use crate::paths::write_private;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Age at which a receipt without a file is removed. A tenth could meet a launcher that was off over night.
pub const STALE_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// Who wrote a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The Codex thread that called the tool.
    pub thread_id: String,
    /// The session that the tool server took it for.
    pub session_id: SessionId,
    /// Name of the file.
    pub file: String,
    /// When.
    pub written_at: DateTime<Utc>,
}

fn folder(state_dir: &Path) -> PathBuf {
    state_dir.join("receipts")
}

fn name(sha256: &str) -> String {
    format!("{sha256}.json")
}

/// Writes the receipt for these bytes; it is on disk when this returns.
///
/// # Errors
/// When the state directory cannot be written.
pub fn write(state_dir: &Path, sha256: &str, receipt: &Receipt) -> io::Result<()> {
    let bytes = serde_json::to_vec(receipt).expect("a receipt is plain data");
    write_private(&folder(state_dir).join(name(sha256)), &bytes)
}

/// The receipt for these bytes.
///
/// # Errors
/// When there is one that cannot be read.
pub fn find(state_dir: &Path, sha256: &str) -> io::Result<Option<Receipt>> {
    let Some(bytes) = private::read(&folder(state_dir).join(name(sha256)))? else {
        return Ok(None);
    };
    Ok(Some(serde_json::from_slice(&bytes)?))
}

/// Removes a receipt that has served.
///
/// # Errors
/// When it is there and cannot be removed.
pub fn remove(state_dir: &Path, sha256: &str) -> io::Result<()> {
    match fs::remove_file(folder(state_dir).join(name(sha256))) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Removes what is older than [`STALE_AFTER`]: its file was never delivered, or was taken away.
///
/// # Errors
/// When the folder cannot be read.
pub fn sweep(state_dir: &Path, now: SystemTime) -> io::Result<usize> {
    let entries = match fs::read_dir(folder(state_dir)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    let mut removed = 0;
    for entry in entries {
        let entry = entry?;
        let stale = entry.metadata().and_then(|metadata| metadata.modified());
        let stale = stale.is_ok_and(|at| now.duration_since(at).is_ok_and(|age| age > STALE_AFTER));
        if stale {
            fs::remove_file(entry.path())?;
            removed += 1;
        }
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_receipt_is_found_by_digest_and_swept_when_stale() {
        let state = tempfile::tempdir().unwrap();
        let receipt = Receipt {
            thread_id: "t-1".into(),
            session_id: SessionId::parse("menxia-1").unwrap(),
            file: "result-1.json".into(),
            written_at: Utc::now(),
        };
        assert_eq!(find(state.path(), "ab").unwrap(), None);
        write(state.path(), "ab", &receipt).unwrap();
        assert_eq!(find(state.path(), "ab").unwrap(), Some(receipt));
        assert_eq!(sweep(state.path(), SystemTime::now()).unwrap(), 0);
        let later = SystemTime::now() + STALE_AFTER + Duration::from_secs(60);
        assert_eq!(sweep(state.path(), later).unwrap(), 1);
        assert_eq!(find(state.path(), "ab").unwrap(), None);
        remove(state.path(), "ab").unwrap();
    }
}
