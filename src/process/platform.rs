//! What differs between systems: how processes are listed, identified, signalled and awaited. Linux reads `/proc` and signals through pidfds, so a
//! reused pid is never hit; elsewhere `ps` lists them and the start time is compared right before the signal.

use super::{Identity, Signal};

/// One process as the system lists it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub pid: u32,
    pub parent: u32,
    pub group: u32,
    pub session: u32,
    pub start_ticks: u64,
    pub zombie: bool,
}

impl Entry {
    pub(super) fn identity(&self) -> Identity {
        Identity {
            pid: self.pid,
            start_ticks: self.start_ticks,
        }
    }
}

#[cfg(target_os = "linux")]
pub(super) use linux::{all, arguments, entry, exited, signal, variable};
#[cfg(not(target_os = "linux"))]
pub(super) use portable::{all, arguments, entry, exited, signal, variable};

fn rustix_signal(signal: Signal) -> rustix::process::Signal {
    match signal {
        Signal::Term => rustix::process::Signal::TERM,
        Signal::Kill => rustix::process::Signal::KILL,
        Signal::Stop => rustix::process::Signal::STOP,
        Signal::Continue => rustix::process::Signal::CONT,
    }
}

fn rustix_pid(pid: u32) -> Option<rustix::process::Pid> {
    // 0 is our own group and 1 is init: neither is ever a target.
    i32::try_from(pid)
        .ok()
        .filter(|pid| *pid > 1)
        .and_then(rustix::process::Pid::from_raw)
}

#[cfg(target_os = "linux")]
mod linux {
    use std::{ffi::OsString, os::unix::ffi::OsStringExt, time::Duration};

    use rustix::process::{PidfdFlags, pidfd_open, pidfd_send_signal};

    use super::{Entry, Identity, Signal, rustix_pid, rustix_signal};

    pub(in crate::process) fn entry(pid: u32) -> Option<Entry> {
        parse(pid, &std::fs::read(format!("/proc/{pid}/stat")).ok()?)
    }

    pub(in crate::process) fn all() -> Vec<Entry> {
        let Ok(folder) = std::fs::read_dir("/proc") else {
            return Vec::new();
        };
        folder
            .filter_map(|item| item.ok()?.file_name().to_str()?.parse().ok())
            .filter_map(entry)
            .collect()
    }

    pub(in crate::process) fn arguments(pid: u32) -> Option<Vec<OsString>> {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        Some(
            line.split(|byte| *byte == 0)
                .map(|part| OsString::from_vec(part.to_vec()))
                .collect(),
        )
    }

    /// A variable in the environment that the process was started with.
    pub(in crate::process) fn variable(pid: u32, name: &str) -> Option<String> {
        let environment = std::fs::read(format!("/proc/{pid}/environ")).ok()?;
        environment.split(|byte| *byte == 0).find_map(|entry| {
            let value = entry.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
            Some(String::from_utf8_lossy(value).into_owned())
        })
    }

    pub(in crate::process) fn signal(identity: Identity, signal: Signal) -> bool {
        let Some(pid) = rustix_pid(identity.pid) else {
            return false;
        };
        match pidfd_open(pid, PidfdFlags::empty()) {
            // The order matters: the descriptor pins the process, then its start time is compared. A pid reused in between is seen.
            Ok(handle) => {
                identity.is_alive() && pidfd_send_signal(&handle, rustix_signal(signal)).is_ok()
            }
            Err(rustix::io::Errno::NOSYS | rustix::io::Errno::PERM) => {
                identity.is_alive()
                    && rustix::process::kill_process(pid, rustix_signal(signal)).is_ok()
            }
            Err(_) => false,
        }
    }

    pub(in crate::process) async fn exited(identity: Identity) {
        // A pidfd could be awaited, but tokio's safe way to register one is deprecated as unsound, and whoever needs to know at once has the
        // exit status (a child) or the closed connection (an adopted process).
        while identity.is_alive() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// The name in parentheses may hold spaces and parentheses itself, so the fields are counted from the last one.
    pub(super) fn parse(pid: u32, stat: &[u8]) -> Option<Entry> {
        let end = stat.iter().rposition(|byte| *byte == b')')?;
        let mut fields = std::str::from_utf8(&stat[end + 1..])
            .ok()?
            .split_whitespace();
        let state = fields.next()?;
        let parent = fields.next()?.parse().ok()?;
        let group = fields.next()?.parse().ok()?;
        let session = fields.next()?.parse().ok()?;
        let start_ticks = fields.nth(15)?.parse().ok()?;
        Some(Entry {
            pid,
            parent,
            group,
            session,
            start_ticks,
            zombie: matches!(state, "Z" | "X" | "x"),
        })
    }
}

/// Compiled for tests on Linux too, so that the parser is exercised there.
#[cfg(any(not(target_os = "linux"), test))]
#[cfg_attr(target_os = "linux", allow(dead_code))]
mod portable {
    use std::{
        ffi::OsString,
        hash::{DefaultHasher, Hash, Hasher},
        process::Command,
        time::Duration,
    };

    use super::{Entry, Identity, Signal, rustix_pid, rustix_signal};

    const COLUMNS: &str = "pid=,ppid=,pgid=,stat=,lstart=";

    fn ps(selection: &[&str]) -> Vec<Entry> {
        Command::new("/bin/ps")
            .env("LC_ALL", "C")
            .args(selection)
            .args(["-o", COLUMNS])
            .output()
            .map(|output| {
                String::from_utf8_lossy(&output.stdout)
                    .lines()
                    .filter_map(parse)
                    .collect()
            })
            .unwrap_or_default()
    }

    pub(in crate::process) fn entry(pid: u32) -> Option<Entry> {
        ps(&["-p", &pid.to_string()]).into_iter().next()
    }

    pub(in crate::process) fn all() -> Vec<Entry> {
        ps(&["-A"])
    }

    pub(in crate::process) fn arguments(_pid: u32) -> Option<Vec<OsString>> {
        None
    }

    /// No system but Linux shows it to everybody.
    pub(in crate::process) fn variable(_: u32, _: &str) -> Option<String> {
        None
    }

    pub(in crate::process) fn signal(identity: Identity, signal: Signal) -> bool {
        rustix_pid(identity.pid).is_some_and(|pid| {
            identity.is_alive() && rustix::process::kill_process(pid, rustix_signal(signal)).is_ok()
        })
    }

    pub(in crate::process) async fn exited(identity: Identity) {
        while identity.is_alive() {
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    }

    /// `ps` shows the start time as text; only equality matters, so its hash stands for it. There is no session column to rely on: the group stands
    /// for the session.
    pub(super) fn parse(line: &str) -> Option<Entry> {
        let mut fields = line.split_whitespace();
        let pid = fields.next()?.parse().ok()?;
        let parent = fields.next()?.parse().ok()?;
        let group = fields.next()?.parse().ok()?;
        let zombie = fields.next()?.starts_with('Z');
        let started: Vec<&str> = fields.collect();
        if started.is_empty() {
            return None;
        }
        let mut hasher = DefaultHasher::new();
        started.hash(&mut hasher);
        Some(Entry {
            pid,
            parent,
            group,
            session: group,
            start_ticks: hasher.finish(),
            zombie,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn a_name_with_spaces_and_parentheses_does_not_shift_the_fields() {
        let stat = b"77 (a) b (c) S 1 70 60 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 4711 8192 1 18446744073709551615";
        let expected = Entry {
            pid: 77,
            parent: 1,
            group: 70,
            session: 60,
            start_ticks: 4711,
            zombie: false,
        };
        assert_eq!(linux::parse(77, stat), Some(expected));
    }

    #[test]
    fn the_output_of_ps_is_read() {
        let first =
            portable::parse("  501   1   500 Ss   Mon Nov 17 09:12:01 2025").expect("a line");
        let later =
            portable::parse("  501   1   500 Z    Mon Nov 17 09:12:02 2025").expect("a line");
        assert_eq!(
            (first.pid, first.parent, first.group, first.zombie),
            (501, 1, 500, false)
        );
        assert!(later.zombie);
        assert_ne!(first.start_ticks, later.start_ticks);
        assert_eq!(portable::parse("garbage"), None);
    }
}
