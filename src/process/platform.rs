//! What the launcher alone asks a system about processes: their arguments and environments, and their end. How they are listed, identified and
//! signalled it shares with the terminals.

use std::{ffi::OsString, os::unix::ffi::OsStringExt, time::Duration};

pub(super) use local_os::platform::{Process, process, processes, signal};

use super::{Identity, Signal};

impl From<&Process> for Identity {
    fn from(process: &Process) -> Self {
        Self {
            pid: process.pid,
            start_ticks: process.started_at_ticks,
        }
    }
}

impl From<Signal> for rustix::process::Signal {
    fn from(signal: Signal) -> Self {
        match signal {
            Signal::Term => Self::TERM,
            Signal::Kill => Self::KILL,
            Signal::Stop => Self::STOP,
            Signal::Continue => Self::CONT,
        }
    }
}

/// A look reads one small file on Linux and starts `ps` elsewhere.
const LOOK_EVERY: Duration =
    Duration::from_millis(if cfg!(target_os = "linux") { 100 } else { 250 });

pub(super) async fn exited(identity: Identity) {
    // A pidfd could be awaited, but tokio's safe way to register one is deprecated as unsound, and whoever needs to know at once has the
    // exit status (a child) or the closed connection (an adopted process).
    while identity.is_alive() {
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// The words that a process was started with. Only Linux shows them.
pub(super) fn arguments(pid: u32) -> Option<Vec<OsString>> {
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let words = line.split(|byte| *byte == 0);
    Some(
        words
            .map(|word| OsString::from_vec(word.to_vec()))
            .collect(),
    )
}

/// A variable in the environment that a process was started with. Only Linux shows it.
pub(super) fn variable(pid: u32, name: &str) -> Option<String> {
    let environment = std::fs::read(format!("/proc/{pid}/environ")).ok()?;
    environment.split(|byte| *byte == 0).find_map(|entry| {
        let value = entry.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
        Some(String::from_utf8_lossy(value).into_owned())
    })
}

/// Whether we were started with SIGHUP ignored, as `nohup` does. Only Linux tells; elsewhere the answer is no.
pub fn ignores_hang_up() -> bool {
    const HANG_UP: u64 = 1;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & HANG_UP != 0)
}
