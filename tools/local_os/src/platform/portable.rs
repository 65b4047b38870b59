//! Systems without `/proc`: `ps` lists, and the start time is compared right before a signal.

use std::process::{Command, Stdio};

use chrono::NaiveDateTime;
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, kill_process};

use super::{Process, Worked};

/// Named whole: what else is called `ps` on somebody's PATH is not asked.
pub(super) const PS: &str = "/bin/ps";

const COLUMNS: &str = "pid=,ppid=,pgid=,stat=,lstart=";

pub(super) const ORPHANS_COME_TO_US: bool = false;

pub(super) fn adopt_orphans() {}

pub(super) fn close_to_others() {}

/// Only the program: waiting for any child would steal the status of `ps`.
pub(super) fn wait_for_child(child: Pid) -> rustix::io::Result<Option<(Pid, WaitStatus)>> {
    rustix::process::waitpid(Some(child), WaitOptions::empty())
}

pub(super) fn processes() -> Vec<Process> {
    list(&["-A"])
}

pub(super) fn process(pid: u32) -> Option<Process> {
    list(&["-p", &pid.to_string()]).into_iter().next()
}

fn list(selection: &[&str]) -> Vec<Process> {
    let started = Command::new(PS)
        // The start time must read the same for everybody who asks: it is compared with what another process wrote down.
        .env("LC_ALL", "C")
        .env("TZ", "UTC0")
        .args(selection)
        .args(["-o", COLUMNS])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let Ok(ps) = started else {
        return Vec::new();
    };
    // It is a child of ours itself, and gone when its list is read.
    let own_id = ps.id();
    let Ok(output) = ps.wait_with_output() else {
        return Vec::new();
    };
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(parse)
        .filter(|process| process.pid != own_id)
        .collect()
}

/// No column tells the session everywhere, and asking for that of each process may meet one that has none: the group stands
/// for the session.
fn parse(line: &str) -> Option<Process> {
    let mut fields = line.split_ascii_whitespace();
    let pid = fields.next()?.parse().ok()?;
    let parent = fields.next()?.parse().ok()?;
    let group = fields.next()?.parse().ok()?;
    let zombie = fields.next()?.starts_with('Z');
    let started: Vec<&str> = fields.collect();
    let started = NaiveDateTime::parse_from_str(&started.join(" "), "%a %b %d %H:%M:%S %Y").ok()?;
    Some(Process {
        pid,
        parent,
        group,
        session: group,
        started_at_ticks: u64::try_from(started.and_utc().timestamp()).ok()?,
        zombie,
    })
}

pub(super) fn signal(pid: Pid, still_runs: impl Fn() -> bool, signal: Signal) -> bool {
    still_runs() && kill_process(pid, signal).is_ok()
}

/// Nothing tells for how long a thread waited.
pub(super) struct ThreadTimes;

impl ThreadTimes {
    pub(super) fn of_this_thread() -> Self {
        Self
    }

    pub(super) fn now(&self) -> Option<Worked> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_output_of_ps_is_read() {
        let expected = Process {
            pid: 501,
            parent: 1,
            group: 500,
            session: 500,
            started_at_ticks: 1_762_160_521,
            zombie: false,
        };
        let line = "  501   1   500 Ss   Mon Nov  3 09:02:01 2025    ";
        assert_eq!(parse(line), Some(expected));
        let later = parse("  501   1   500 Z    Mon Nov 17 09:12:02 2025").expect("a line");
        assert!(later.zombie);
        assert_eq!(later.started_at_ticks, 1_763_370_722);
        assert_eq!(parse("garbage"), None);
    }
}
