//! Linux: `/proc` lists, and a signal goes through a descriptor of the process, so a reused pid is never hit.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitOptions, WaitStatus, kill_process, pidfd_open, pidfd_send_signal,
};

use super::{Process, Worked};

pub(super) const ORPHANS_COME_TO_US: bool = true;

pub(super) fn adopt_orphans() {
    if let Err(error) = rustix::process::set_child_subreaper(Some(rustix::process::getpid())) {
        tracing::warn!(%error, "orphans of the program cannot be adopted");
    }
}

pub(super) fn close_to_others() {
    let closed = rustix::process::DumpableBehavior::NotDumpable;
    if let Err(error) = rustix::process::set_dumpable_behavior(closed) {
        tracing::warn!(%error, "other programs of this user can read the memory of this process");
    }
}

pub(super) fn wait_for_child(_child: Pid) -> rustix::io::Result<Option<(Pid, WaitStatus)>> {
    rustix::process::wait(WaitOptions::empty())
}

pub(super) fn processes() -> Vec<Process> {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(process)
        .collect()
}

pub(super) fn process(pid: u32) -> Option<Process> {
    parse(pid, &std::fs::read(format!("/proc/{pid}/stat")).ok()?)
}

/// The name in parentheses may hold blanks and parentheses itself, so the fields are counted from the last one.
fn parse(pid: u32, stat: &[u8]) -> Option<Process> {
    let end = stat.iter().rposition(|byte| *byte == b')')?;
    let mut fields = std::str::from_utf8(&stat[end + 1..])
        .ok()?
        .split_ascii_whitespace();
    let state = fields.next()?;
    Some(Process {
        pid,
        zombie: matches!(state, "Z" | "X" | "x"),
        parent: fields.next()?.parse().ok()?,
        group: fields.next()?.parse().ok()?,
        session: fields.next()?.parse().ok()?,
        started_at_ticks: fields.nth(15)?.parse().ok()?,
    })
}

pub(super) fn signal(pid: Pid, still_runs: impl Fn() -> bool, signal: Signal) -> bool {
    match pidfd_open(pid, PidfdFlags::empty()) {
        // The order matters: the descriptor pins the process, then its start time is compared. A pid reused in between is seen.
        Ok(handle) => still_runs() && pidfd_send_signal(&handle, signal).is_ok(),
        Err(Errno::NOSYS | Errno::PERM) => still_runs() && kill_process(pid, signal).is_ok(),
        Err(_) => false,
    }
}

/// A kernel without scheduler statistics has no such file, and one that does not count at the moment shows zeros.
pub(super) struct ThreadTimes(Option<File>);

impl ThreadTimes {
    pub(super) fn of_this_thread() -> Self {
        Self(File::open("/proc/thread-self/schedstat").ok())
    }

    /// The file says: ns on a processor, ns waiting for one, number of turns.
    pub(super) fn now(&self) -> Option<Worked> {
        let mut text = [0; 64];
        let count = self.0.as_ref()?.read_at(&mut text, 0).ok()?;
        let mut numbers = std::str::from_utf8(&text[..count])
            .ok()?
            .split_ascii_whitespace()
            .map(|number| number.parse().map(Duration::from_nanos));
        Some(Worked {
            ran: numbers.next()?.ok()?,
            waited: numbers.next()?.ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_spaces_and_parentheses_does_not_shift_the_fields() {
        let stat = b"77 (a) b (c) S 1 70 60 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 4711 8192 1 18446744073709551615";
        let expected = Process {
            pid: 77,
            parent: 1,
            group: 70,
            session: 60,
            started_at_ticks: 4711,
            zombie: false,
        };
        assert_eq!(parse(77, stat), Some(expected));
    }
}
