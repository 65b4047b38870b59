//! Reading a few kinds of events out of a journal that somebody else may be writing. Reads only, takes no lock, and
//! checks every line's seal and place on the way, so that what it hands on is what was written.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use serde::de::DeserializeOwned;

use super::line::LineFault;
use super::record::Record;
use super::scan::{self, Ending, Walked};

/// Why a journal cannot be read from.
#[derive(Debug, thiserror::Error)]
pub enum PickError {
    /// The file system refused.
    #[error("read {path}: {source}")]
    Io {
        /// The journal.
        path: PathBuf,
        /// What it said.
        #[source]
        source: io::Error,
    },
    /// Somebody else could have written it.
    #[error("{path} {reason}")]
    NotOurs {
        /// The journal.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A line is not what was written.
    #[error("line {line} of {path} is damaged: {fault}")]
    Damaged {
        /// The journal.
        path: PathBuf,
        /// Counted from 1, as editors do.
        line: u64,
        /// What is wrong with it.
        fault: LineFault,
    },
}

/// Hands every record on whose event has one of these names, in order. `false` means that there is no journal.
///
/// An unfinished piece at the end is left out: a server may be writing it, and nothing in it was acknowledged.
///
/// # Errors
/// When the file cannot be read, is not ours alone, or any line of it is damaged, whatever its event.
pub fn pick<E: DeserializeOwned>(
    path: &Path,
    names: &[&str],
    visit: impl FnMut(&Record<E>),
) -> Result<bool, PickError> {
    let is_named = |name: Option<&str>| name.is_some_and(|name| names.contains(&name));
    read(path, is_named, visit)
}

/// Hands every record on, in order; as [`pick`] otherwise.
///
/// # Errors
/// As [`pick`].
pub fn replay<E: DeserializeOwned>(
    path: &Path,
    visit: impl FnMut(&Record<E>),
) -> Result<bool, PickError> {
    read(path, |_| true, visit)
}

fn read<E: DeserializeOwned>(
    path: &Path,
    is_wanted: impl Fn(Option<&str>) -> bool,
    mut visit: impl FnMut(&Record<E>),
) -> Result<bool, PickError> {
    let failed = |source| PickError::Io {
        path: path.to_owned(),
        source,
    };
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path);
    let file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(failed(error)),
    };
    check_owner(&file, path)?;
    let Walked { tip, ending } = scan::walk(&file, |parts| {
        if is_wanted(parts.name()) {
            visit(&parts.record()?);
        }
        Ok(())
    })
    .map_err(failed)?;
    match ending {
        Ending::Clean | Ending::Torn => Ok(true),
        Ending::Corrupt(fault) => Err(PickError::Damaged {
            path: path.to_owned(),
            line: tip.next_seq + 1,
            fault,
        }),
    }
}

fn check_owner(file: &File, path: &Path) -> Result<(), PickError> {
    let data = file.metadata().map_err(|source| PickError::Io {
        path: path.to_owned(),
        source,
    })?;
    let reason = if !data.is_file() {
        "is not a regular file"
    } else if data.uid() != rustix::process::geteuid().as_raw() {
        "belongs to another user"
    } else if data.mode() & 0o022 != 0 {
        "can be written by other users"
    } else {
        return Ok(());
    };
    Err(PickError::NotOurs {
        path: path.to_owned(),
        reason,
    })
}
