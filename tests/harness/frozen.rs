//! An app-server that stands still: what is asked of it stays under way for as long as a test wants.

use crate::support::House;
use crate::support::thread::app_server_pid;
use rustix::process::{Pid, Signal, kill_process_group};

/// Stands still until it is told otherwise.
pub struct Frozen {
    group: Pid,
}

impl Frozen {
    pub fn of(house: &House) -> Self {
        let group = Pid::from_raw(app_server_pid(house).cast_signed()).unwrap();
        kill_process_group(group, Signal::STOP).unwrap();
        Self { group }
    }

    /// It goes on.
    pub fn thaws(self) {
        kill_process_group(self.group, Signal::CONT).unwrap();
    }

    /// It never goes on.
    pub fn dies(self) {
        kill_process_group(self.group, Signal::KILL).unwrap();
    }
}
