//! Processes of one test, found by a mark in their environment, and ended by identity: a pid alone may be somebody else's.

use std::time::{Duration, Instant};
use zhongshu::process::{Identity, Signal};

/// The variable that every process of a test inherits.
pub const MARK: &str = "ZHONGSHU_CONTRACT_WORLD";

/// A process that carries the mark.
#[derive(Debug)]
pub struct Marked {
    pub pid: u32,
    pub command: String,
    identity: Identity,
}

impl Marked {
    pub fn kill(&self) {
        // It may have ended by itself.
        self.identity.signal(Signal::Kill);
    }
}

/// Every process that carries the mark and is no zombie.
pub fn marked(mark: &str) -> Vec<Marked> {
    let needle = format!("{MARK}={mark}");
    let entries = std::fs::read_dir("/proc").unwrap();
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    // What runs our own program shows its environment to nobody, but names a place of the test in its arguments.
    let carries = |pid: u32| {
        let is_ours = command(pid).contains(mark);
        let environ = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        let mut variables = environ.split(|byte| *byte == 0);
        (is_ours && pid != std::process::id()) || variables.any(|it| it == needle.as_bytes())
    };
    pids.filter_map(|pid| {
        if !carries(pid) {
            return None;
        }
        let identity = Identity::of(pid)?;
        // Looked at again: the pid may have changed hands in between.
        carries(pid).then(|| Marked {
            pid,
            command: command(pid),
            identity,
        })
    })
    .collect()
}

/// The command line of a process.
pub fn command(pid: u32) -> String {
    let bytes = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&bytes).replace('\0', " ")
}

/// The parent of a process.
pub fn parent(pid: u32) -> u32 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let (_, rest) = stat.rsplit_once(") ").unwrap();
    rest.split(' ').nth(1).unwrap().parse().unwrap()
}

/// Whether a process is there and not a zombie.
pub fn is_alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(") ").map(|(_, rest)| rest.chars().next());
    !matches!(state, None | Some(Some('Z' | 'X')))
}

/// Ends everything that carries the mark; new children of what is being ended included. Returns what there was.
pub fn sweep(mark: &str) -> Vec<String> {
    let mut found = Vec::new();
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let left = marked(mark);
        if left.is_empty() || Instant::now() > deadline {
            return found;
        }
        for process in left {
            found.push(format!("{} {}", process.pid, process.command));
            process.kill();
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
