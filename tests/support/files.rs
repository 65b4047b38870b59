//! The clock of a file system, which is a few milliseconds late.
// Each test takes of it what it needs.
#![allow(dead_code)]

use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

/// Waits until what is written in `folder` is younger than everything that was written before this was called.
pub fn are_younger(folder: &Path) {
    let (now, deadline) = (SystemTime::now(), Instant::now() + Duration::from_secs(30));
    let probe = folder.join("probe");
    loop {
        std::fs::write(&probe, "x").unwrap();
        let written = probe.metadata().unwrap().modified().unwrap();
        std::fs::remove_file(&probe).unwrap();
        if written > now {
            return;
        }
        assert!(Instant::now() < deadline, "the clock of files stands still");
        std::thread::sleep(Duration::from_millis(1));
    }
}
