//! The launcher as a process: one way to start it, to hear where it is, and to end it.
// Each test takes of it what it needs.
#![allow(dead_code)]

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

/// How often it is looked whether it has ended.
const LOOK: Duration = Duration::from_millis(10);

/// A launcher that has said where it is. One that nobody ended is killed with this.
pub struct Serving {
    child: Child,
    /// What it said.
    pub ready: Value,
}

impl Serving {
    /// Starts `program` (ours, with its environment, its folder and where its stderr goes) on a port, 0 being any, and waits until it serves.
    /// Otherwise the error is what it said; of stderr only what goes to a pipe.
    pub fn start(
        mut program: Command,
        port: u16,
        arguments: impl IntoIterator<Item: AsRef<OsStr>>,
    ) -> Result<Self, String> {
        let mut child = program
            .args(["serve", "--json", "--no-open", "--allow-writable-state"])
            .args(["--port", &port.to_string()])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut said)
            .unwrap();
        if let Ok(ready) = serde_json::from_str(&said) {
            return Ok(Self { child, ready });
        }
        if let Some(mut stderr) = child.stderr.take() {
            stderr.read_to_string(&mut said).unwrap();
        }
        child.wait().unwrap();
        Err(said)
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn port(&self) -> u16 {
        let url = self.ready["url"].as_str().unwrap();
        let (_, port) = url.trim_end_matches('/').rsplit_once(':').unwrap();
        port.parse().unwrap()
    }

    pub fn login_url(&self) -> &str {
        self.ready["login_url"].as_str().unwrap()
    }

    pub fn state_dir(&self) -> PathBuf {
        self.ready["state_dir"].as_str().unwrap().into()
    }

    pub fn socket(&self) -> PathBuf {
        let file = std::fs::read(self.state_dir().join("server.json")).unwrap();
        let file: Value = serde_json::from_slice(&file).unwrap();
        file["socket"].as_str().unwrap().into()
    }

    /// What it says on stderr from now on, where that goes to a pipe; once.
    pub fn stderr(&mut self) -> ChildStderr {
        self.child.stderr.take().unwrap()
    }

    /// It is our own child and not yet waited for, so the pid is its.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.pid()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// The exit code, once it has ended; `None` also after a signal.
    pub fn ended(&mut self) -> Option<Option<i32>> {
        let status = self.child.try_wait().unwrap();
        status.map(|status| status.code())
    }

    /// Waits for its end; gives the exit code, or itself when it does not come in time.
    pub fn end_within(mut self, limit: Duration) -> Result<Option<i32>, Self> {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(code) = self.ended() {
                return Ok(code);
            }
            if Instant::now() > deadline {
                return Err(self);
            }
            std::thread::sleep(LOOK);
        }
    }

    /// As a crash would: no goodbye to anybody.
    pub fn kill(self) {
        drop(self);
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // Both fail when it has ended.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
