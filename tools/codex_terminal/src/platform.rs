//! Everything that differs between Linux and macOS: who descends from us, when a process started, how a tree is
//! signalled. Never signals a process outside the caller's own tree.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};

/// A process as one listing saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub pid: u32,
    /// Its parent.
    pub parent: u32,
    /// Its identity together with the id.
    pub started_at_ticks: u64,
    /// It ended and waits to be reaped.
    pub zombie: bool,
}

/// When a process started, in the system's own unit: with the pid it names one process for good.
pub fn process_start_ticks(pid: u32) -> Option<u64> {
    system::process(pid)
        .filter(|process| !process.zombie)
        .map(|process| process.started_at_ticks)
}

/// Makes orphans of our tree our own children, so that none can leave it (Linux only).
pub fn adopt_orphans() {
    system::adopt_orphans();
}

/// All living descendants of this process.
pub fn descendants() -> Vec<Process> {
    let all = system::processes();
    let mut family = vec![std::process::id()];
    let mut found = Vec::new();
    // A child is never listed before its parent is known for long: repeat until nothing is added.
    loop {
        let before = family.len();
        for process in &all {
            if family.contains(&process.parent) && !family.contains(&process.pid) {
                family.push(process.pid);
                if !process.zombie {
                    found.push(*process);
                }
            }
        }
        if family.len() == before {
            return found;
        }
    }
}

/// Ends all descendants of this process: TERM, HUP (interactive shells ignore TERM) and CONT, then after `grace` KILL
/// until none is left. Blocks; gives the number that had to be killed.
pub fn end_descendants(grace: Duration) -> usize {
    let mut told: Vec<Process> = Vec::new();
    let asked_until = Instant::now() + grace;
    loop {
        let living = descendants();
        if living.is_empty() {
            return 0;
        }
        if Instant::now() >= asked_until {
            break;
        }
        for process in living {
            // Also those that were started meanwhile.
            if !told.contains(&process) {
                for signal in [Signal::TERM, Signal::HUP, Signal::CONT] {
                    system::signal(&process, signal);
                }
                told.push(process);
            }
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let mut killed: Vec<Process> = Vec::new();
    // Processes in uninterruptible sleep cannot be ended by anybody; they must not hold us for ever.
    let give_up_at = Instant::now() + Duration::from_secs(10);
    loop {
        let living = descendants();
        if living.is_empty() || Instant::now() >= give_up_at {
            return killed.len();
        }
        for process in living {
            system::signal(&process, Signal::KILL);
            if !killed.contains(&process) {
                killed.push(process);
            }
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Waits for one child to end: any child where orphans come to us, else the named one. `None`: none is left.
pub fn reap(child: Pid) -> Option<(Pid, rustix::process::WaitStatus)> {
    loop {
        match system::wait_for_child(child) {
            Ok(Some(ended)) => return Some(ended),
            Ok(None) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => return None,
        }
    }
}

#[cfg(target_os = "linux")]
mod system {
    use rustix::process::{
        Pid, PidfdFlags, Signal, WaitOptions, WaitStatus, pidfd_open, pidfd_send_signal,
    };

    use super::Process;

    pub fn adopt_orphans() {
        if let Err(error) = rustix::process::set_child_subreaper(Some(rustix::process::getpid())) {
            tracing::warn!(%error, "orphans of the program cannot be adopted");
        }
    }

    pub fn wait_for_child(_child: Pid) -> rustix::io::Result<Option<(Pid, WaitStatus)>> {
        rustix::process::wait(WaitOptions::empty())
    }

    pub fn processes() -> Vec<Process> {
        let Ok(entries) = std::fs::read_dir("/proc") else {
            return Vec::new();
        };
        entries
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter_map(process)
            .collect()
    }

    /// From `/proc/<pid>/stat`; the name in parentheses may itself hold blanks and parentheses.
    pub fn process(pid: u32) -> Option<Process> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_ascii_whitespace().collect();
        Some(Process {
            pid,
            zombie: matches!(*fields.first()?, "Z" | "X"),
            parent: fields.get(1)?.parse().ok()?,
            started_at_ticks: fields.get(19)?.parse().ok()?,
        })
    }

    /// Through a pidfd opened before the identity is checked, so a reused pid is never hit.
    pub fn signal(target: &Process, signal: Signal) {
        let Some(pid) = i32::try_from(target.pid).ok().and_then(Pid::from_raw) else {
            return;
        };
        let Ok(handle) = pidfd_open(pid, PidfdFlags::empty()) else {
            return;
        };
        let now = process(target.pid);
        if now.is_some_and(|now| now.started_at_ticks == target.started_at_ticks) {
            // It may end at this very moment; that is what was wanted.
            pidfd_send_signal(&handle, signal).ok();
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::hash::{DefaultHasher, Hash, Hasher};
    use std::process::{Command, Stdio};

    use rustix::process::{Pid, Signal, WaitOptions, WaitStatus};

    use super::Process;

    pub fn adopt_orphans() {}

    /// Only the program: waiting for any child would steal the status of `ps`.
    pub fn wait_for_child(child: Pid) -> rustix::io::Result<Option<(Pid, WaitStatus)>> {
        rustix::process::waitpid(Some(child), WaitOptions::empty())
    }

    pub fn processes() -> Vec<Process> {
        list(&["-axo", "pid=,ppid=,stat=,lstart="])
    }

    pub fn process(pid: u32) -> Option<Process> {
        let pid = pid.to_string();
        let found = list(&["-o", "pid=,ppid=,stat=,lstart=", "-p", &pid]);
        found.into_iter().next()
    }

    fn list(arguments: &[&str]) -> Vec<Process> {
        let started = Command::new("/bin/ps")
            .args(arguments)
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
            .filter_map(|line| {
                let mut fields = line.split_ascii_whitespace();
                let pid = fields.next()?.parse().ok()?;
                let parent = fields.next()?.parse().ok()?;
                let zombie = fields.next()?.starts_with('Z');
                let mut hasher = DefaultHasher::new();
                fields.collect::<Vec<_>>().hash(&mut hasher);
                Some(Process {
                    pid,
                    parent,
                    started_at_ticks: hasher.finish(),
                    zombie,
                })
            })
            .filter(|process: &Process| process.pid != own_id)
            .collect()
    }

    pub fn signal(target: &Process, signal: Signal) {
        let now = process(target.pid);
        if now.is_some_and(|now| now.started_at_ticks == target.started_at_ticks)
            && let Some(pid) = i32::try_from(target.pid).ok().and_then(Pid::from_raw)
        {
            // It may end at this very moment; that is what was wanted.
            rustix::process::kill_process(pid, signal).ok();
        }
    }
}
