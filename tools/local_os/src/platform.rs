//! What differs between Linux and macOS about processes: how they are listed, identified, signalled and timed. The launcher asks here too, so that both
//! mean the same by a start time.

#[cfg(target_os = "linux")]
mod linux;
// Compiled for tests on Linux too, so that it is exercised there.
#[cfg(any(not(target_os = "linux"), test))]
#[cfg_attr(target_os = "linux", allow(dead_code))]
mod portable;

#[cfg(target_os = "linux")]
use linux as system;
#[cfg(not(target_os = "linux"))]
use portable as system;

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};

/// A process as one listing saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub pid: u32,
    /// Its parent.
    pub parent: u32,
    /// Its process group.
    pub group: u32,
    /// Its session, or its group where the system does not tell.
    pub session: u32,
    /// Its identity together with the id.
    pub started_at_ticks: u64,
    /// It ended and waits to be reaped.
    pub zombie: bool,
}

impl Process {
    fn signal(&self, wanted: Signal) -> bool {
        signal(self.pid, self.started_at_ticks, wanted)
    }
}

/// All processes of the machine.
pub fn processes() -> Vec<Process> {
    system::processes()
}

/// One of them. A zombie counts too.
pub fn process(pid: u32) -> Option<Process> {
    system::process(pid)
}

/// When a process started: with the pid it names one process for good. Ticks since boot on Linux, seconds since 1970 elsewhere. `None`: no such
/// process runs.
pub fn process_start_ticks(pid: u32) -> Option<u64> {
    process(pid)
        .filter(|process| !process.zombie)
        .map(|process| process.started_at_ticks)
}

/// Sends a signal to the process that had `pid` and began then, never to another one that has its pid by now; `false` when it is gone.
pub fn signal(pid: u32, started_at_ticks: u64, signal: Signal) -> bool {
    let still_runs = || process_start_ticks(pid) == Some(started_at_ticks);
    // 0 is our own group and 1 is init: neither is ever a target.
    let target = i32::try_from(pid).ok().filter(|pid| *pid > 1);
    target
        .and_then(Pid::from_raw)
        .is_some_and(|target| system::signal(target, still_runs, signal))
}

/// Leaves a process open to debuggers of its own user.
pub const TRACEABLE: &str = "ZHONGSHU_TRACEABLE";

/// From now on no other program of the same user reads this process's memory, environment and open files, or traces it; it leaves no core
/// dump (Linux only). Programs that it starts are not concerned. [`TRACEABLE`] leaves all open.
pub fn close_to_others() {
    if std::env::var_os(TRACEABLE).is_none() {
        system::close_to_others();
    }
}

/// Makes orphans of our tree our own children, so that none can leave it (Linux only).
pub fn adopt_orphans() {
    system::adopt_orphans();
}

/// What runs of a program that we started as `leader` of a session, and everything else that descends from us.
fn family(all: &[Process], own: u32, leader: u32) -> Vec<Process> {
    // Where orphans do not come to us their session still tells, unless its leader's pid is another process's by now.
    let is_reused = |one: &Process| one.pid == leader && one.parent != own;
    let session = (!system::ORPHANS_COME_TO_US && !all.iter().any(is_reused)).then_some(leader);
    let mut pids = vec![own];
    let mut found = Vec::new();
    // A child is never listed before its parent is known for long: repeat until nothing is added.
    loop {
        let before = pids.len();
        for one in all {
            let belongs = pids.contains(&one.parent) || Some(one.session) == session;
            if belongs && !pids.contains(&one.pid) {
                pids.push(one.pid);
                if !one.zombie {
                    found.push(*one);
                }
            }
        }
        if pids.len() == before {
            return found;
        }
    }
}

/// Ends the program that we started as `leader` of a session, with all descendants of this process: TERM, HUP (interactive
/// shells ignore TERM) and CONT, then after `grace` KILL until none is left. Blocks; gives the number that had to be killed.
pub fn end_program(leader: u32, grace: Duration) -> usize {
    let living = || family(&processes(), std::process::id(), leader);
    let mut told: Vec<Process> = Vec::new();
    let asked_until = Instant::now() + grace;
    loop {
        let living = living();
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
                    process.signal(signal);
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
        let living = living();
        if living.is_empty() || Instant::now() >= give_up_at {
            return killed.len();
        }
        for process in living {
            process.signal(Signal::KILL);
            if !killed.contains(&process) {
                killed.push(process);
            }
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// How long a thread has been on a processor, and how long it waited for one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Worked {
    /// On a processor.
    pub ran: Duration,
    /// Able to run, but not on a processor.
    pub waited: Duration,
}

/// Tells these times of one thread.
pub struct ThreadTimes(system::ThreadTimes);

impl ThreadTimes {
    /// Those of the caller.
    pub fn of_this_thread() -> Self {
        Self(system::ThreadTimes::of_this_thread())
    }

    /// Since the thread began; `None` where the system does not tell.
    pub fn now(&self) -> Option<Worked> {
        self.0.now()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_look_sees_the_same_process() {
        let own = process(std::process::id()).expect("we run");
        let parent = std::os::unix::process::parent_id();
        let group = rustix::process::getpgrp();
        assert_eq!(
            (own.pid, own.parent, own.zombie),
            (std::process::id(), parent, false)
        );
        assert_eq!(i32::try_from(own.group), Ok(group.as_raw_nonzero().get()));
        assert!(processes().contains(&own));
        let stranger = Process {
            started_at_ticks: own.started_at_ticks + 1,
            ..own
        };
        assert!(!stranger.signal(Signal::KILL));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_thread_that_works_is_seen_working() {
        let times = ThreadTimes::of_this_thread();
        let Some(before) = times.now() else {
            // A kernel without scheduler statistics.
            return;
        };
        let elsewhere = std::thread::spawn(|| ThreadTimes::of_this_thread().now());
        let elsewhere = elsewhere
            .join()
            .expect("the thread ends")
            .unwrap_or_default();
        let begin = Instant::now();
        while times
            .now()
            .is_some_and(|now| now.ran < before.ran + Duration::from_millis(5))
        {
            assert!(begin.elapsed() < Duration::from_secs(60));
        }
        assert!(elsewhere.ran < begin.elapsed() + before.ran);
    }

    #[test]
    fn strangers_are_no_family() {
        let one = |pid, parent, session| Process {
            pid,
            parent,
            group: session,
            session,
            started_at_ticks: 1,
            zombie: false,
        };
        let pids = |all: &[Process]| -> Vec<u32> {
            family(all, 10, 20).iter().map(|one| one.pid).collect()
        };
        let ours = [
            one(10, 1, 5),
            one(21, 20, 20),
            one(20, 10, 20),
            one(22, 21, 22),
            one(30, 1, 30),
        ];
        assert_eq!(pids(&ours), [20, 21, 22]);
        let orphan = [one(10, 1, 5), one(21, 1, 20)];
        assert_eq!(
            pids(&orphan).len(),
            usize::from(!system::ORPHANS_COME_TO_US)
        );
        let reused = [one(10, 1, 5), one(20, 1, 20), one(21, 20, 20)];
        assert!(pids(&reused).is_empty());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn ps_sees_what_the_kernel_shows() {
        if !std::path::Path::new(portable::PS).exists() {
            return;
        }
        let own = process(std::process::id()).expect("we run");
        let listed = portable::process(own.pid).expect("ps lists us");
        let now = chrono::Utc::now().timestamp().cast_unsigned();
        let recently = now - 600..=now + 1;
        assert!(recently.contains(&listed.started_at_ticks), "{listed:?}");
        let shown = |one: &Process| (one.pid, one.parent, one.group, one.zombie);
        assert_eq!(shown(&listed), shown(&own));
        assert!(
            portable::processes()
                .iter()
                .any(|one| shown(one) == shown(&own))
        );
        assert_eq!(portable::process(u32::MAX), None);
    }
}
