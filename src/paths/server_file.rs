//! `server.json` in the state folder: where the running server can be reached. It holds no secret.

use super::{PathError, Places, io_error, write_private};
use serde::{Deserialize, Serialize};
use std::io;
use std::path::PathBuf;

/// What a running server says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerFile {
    /// Its unix socket.
    pub socket: PathBuf,
    /// Its address for scripts, without any key.
    pub url: String,
    /// The dashboard as browsers open it. Empty in the file of an older version.
    #[serde(default)]
    pub page_url: String,
    /// Its process.
    pub pid: u32,
    /// When that process started, as the system counts; with the pid it names one process for good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at_ticks: Option<u64>,
    /// Its version.
    pub version: String,
}

impl ServerFile {
    /// Writes it whole, for us alone.
    ///
    /// # Errors
    /// When the state folder cannot be written.
    pub fn write(&self, places: &Places) -> Result<(), PathError> {
        let path = places.server_file();
        let mut bytes = serde_json::to_vec(self).expect("it is plain data");
        bytes.push(b'\n');
        write_private(&path, &bytes).map_err(io_error(&path))
    }

    /// Reads it; `None` when there is none.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn read(places: &Places) -> Result<Option<Self>, PathError> {
        let path = places.server_file();
        match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map(Some)
                .map_err(|error| io_error(&path)(error.into())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(io_error(&path)(error)),
        }
    }

    /// Removes it, when the server ends in good order.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn remove(places: &Places) -> Result<(), PathError> {
        let path = places.server_file();
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_error(&path)(error)),
            _ => Ok(()),
        }
    }
}
