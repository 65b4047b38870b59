//! What the system says about processes, from `/proc`. The only file that knows Linux.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;

/// User and system time of a process with all threads it ever had; the system counts in hundredths of a second.
pub fn cpu_seconds(pids: &[u32]) -> anyhow::Result<f64> {
    let ticks_per_second = rustix::param::clock_ticks_per_second() as f64;
    let mut ticks = 0;
    for pid in pids {
        let stat = stat(*pid).with_context(|| format!("read what process {pid} used"))?;
        ticks += stat.user_ticks + stat.system_ticks;
    }
    Ok(ticks as f64 / ticks_per_second)
}

/// Time on a processor of the threads that live now, to the nanosecond.
pub fn running_time(pids: &[u32]) -> Duration {
    let mut nanoseconds = 0;
    for pid in pids {
        let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else {
            continue;
        };
        for thread in threads.flatten() {
            let text = fs::read_to_string(thread.path().join("schedstat")).unwrap_or_default();
            let first = text.split_whitespace().next().unwrap_or_default();
            nanoseconds += first.parse().unwrap_or(0);
        }
    }
    Duration::from_nanos(nanoseconds)
}

/// Time of all processors since the start, in the system's ticks.
#[derive(Clone, Copy)]
pub struct ProcessorTime {
    all: u64,
    stolen: u64,
}

impl ProcessorTime {
    /// Until now.
    pub fn now() -> anyhow::Result<Self> {
        let text = fs::read_to_string("/proc/stat")?;
        let line = text.lines().next().unwrap_or_default();
        // user nice system idle iowait irq softirq steal, and guests' time, which is in user already.
        let ticks: Vec<u64> = line
            .split_whitespace()
            .skip(1)
            .take(8)
            .map(str::parse)
            .collect::<Result<_, _>>()?;
        Ok(Self {
            all: ticks.iter().sum(),
            stolen: ticks.get(7).copied().unwrap_or(0),
        })
    }

    /// The share of it that a host took away.
    pub fn stolen_since(self, before: Self) -> f64 {
        let all = self.all.saturating_sub(before.all).max(1);
        self.stolen.saturating_sub(before.stolen) as f64 / all as f64
    }
}

/// Memory of processes in KiB, what they share counted in parts.
pub fn pss_kib(pids: &[u32]) -> anyhow::Result<u64> {
    let one = |pid: &u32| -> anyhow::Result<u64> {
        let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
        field(&text, "Pss:").context("smaps_rollup has no Pss")
    };
    pids.iter().map(one).sum()
}

/// Memory of processes in KiB, what they share counted for each.
pub fn rss_kib(pids: &[u32]) -> anyhow::Result<u64> {
    pids.iter().map(|pid| status(*pid, "VmRSS:")).sum()
}

/// Threads of processes.
pub fn threads(pids: &[u32]) -> anyhow::Result<u64> {
    pids.iter().map(|pid| status(*pid, "Threads:")).sum()
}

/// Whether a process lives; one that ended and was not waited for does not.
pub fn lives(pid: u32) -> bool {
    stat(pid).is_some_and(|stat| !matches!(stat.state, 'Z' | 'X'))
}

/// The children of processes.
pub fn children(pids: &[u32]) -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| stat(*pid).is_some_and(|stat| pids.contains(&stat.parent)))
        .collect()
}

/// One sentence about where this runs, without its name.
pub fn machine() -> String {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let gib = field(&memory, "MemTotal:").unwrap_or(0) as f64 / 1024.0 / 1024.0;
    let system = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let version: Vec<&str> = system.trim().split(['.', '-']).take(2).collect();
    let model = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = model
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("an unknown processor", |(_, name)| name);
    format!(
        "{processors} processors ({model}), {gib:.0} GiB, Linux {}, everything on 127.0.0.1.",
        version.join(".")
    )
}

struct Stat {
    state: char,
    parent: u32,
    user_ticks: u64,
    system_ticks: u64,
}

/// The name in parentheses may itself hold blanks and parentheses.
fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat")).ok()?;
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_ascii_whitespace().collect();
    Some(Stat {
        state: fields.first()?.chars().next()?,
        parent: fields.get(1)?.parse().ok()?,
        user_ticks: fields.get(11)?.parse().ok()?,
        system_ticks: fields.get(12)?.parse().ok()?,
    })
}

fn status(pid: u32, name: &str) -> anyhow::Result<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status"))?;
    field(&text, name).with_context(|| format!("the status of {pid} has no {name}"))
}

fn field(text: &str, name: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    rest.split_whitespace().next()?.parse().ok()
}
