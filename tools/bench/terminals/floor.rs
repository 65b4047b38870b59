//! What a PTY gives to the simplest reader: the bound of every server. A process of its own, so that its time can be told.

use std::io::{Read, Write};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, ensure};
use portable_pty::{CommandBuilder, PtySize, native_pty_system};

use crate::content::Flood;
use crate::peer::{COLS, ROWS};
use crate::play::{ECHOING, READY};
use crate::process;

/// A terminal without a server.
pub struct Bare {
    reader: Box<dyn Read + Send>,
    writer: Box<dyn Write + Send>,
    child: Box<dyn portable_pty::Child + Send + Sync>,
    buffer: Vec<u8>,
    _master: Box<dyn portable_pty::MasterPty + Send>,
}

impl Bare {
    /// Starts the program.
    pub fn start() -> anyhow::Result<Self> {
        let size = PtySize {
            rows: ROWS,
            cols: COLS,
            ..PtySize::default()
        };
        let pair = native_pty_system().openpty(size)?;
        let mut command = CommandBuilder::new(std::env::current_exe()?);
        command.arg("play");
        let child = pair.slave.spawn_command(command)?;
        Ok(Self {
            reader: pair.master.try_clone_reader()?,
            writer: pair.master.take_writer()?,
            child,
            buffer: vec![0; 64 << 10],
            _master: pair.master,
        })
    }

    /// Types.
    pub fn input(&mut self, keys: &[u8]) -> anyhow::Result<()> {
        Ok(self.writer.write_all(keys)?)
    }

    /// Reads what is there.
    pub fn next(&mut self) -> anyhow::Result<&[u8]> {
        let count = self.reader.read(&mut self.buffer)?;
        ensure!(count > 0, "the program ended");
        Ok(&self.buffer[..count])
    }

    /// Waits until the output ends with `text`.
    pub fn until(&mut self, text: &[u8]) -> anyhow::Result<()> {
        let mut seen = Vec::new();
        while !seen.ends_with(text) {
            seen.extend_from_slice(self.next()?);
        }
        Ok(())
    }

    /// As far as keys are echoed.
    pub fn echoing() -> anyhow::Result<Self> {
        let mut bare = Self::start()?;
        bare.until(READY)?;
        bare.input(b"echo\r")?;
        bare.until(ECHOING)?;
        Ok(bare)
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        let pid = self
            .child
            .process_id()
            .and_then(|pid| i32::try_from(pid).ok());
        if let Some(pid) = pid.and_then(rustix::process::Pid::from_raw) {
            // It leads a session of its own, and may have ended by itself.
            rustix::process::kill_process_group(pid, rustix::process::Signal::KILL).ok();
        }
        self.child.wait().ok();
    }
}

/// Reads one flood and prints seconds and seconds of processor time.
pub fn run(megabytes: u64) -> anyhow::Result<()> {
    let (blocks, mut left) = Flood::new().blocks(megabytes);
    let mut bare = Bare::start()?;
    bare.until(READY)?;
    let own = [std::process::id()];
    let (begin, cpu) = (Instant::now(), process::cpu_seconds(&own)?);
    bare.input(format!("flood {blocks}\r").as_bytes())?;
    while left > 0 {
        left = left.saturating_sub(bare.next()?.len() as u64);
    }
    let took = begin.elapsed().as_secs_f64();
    println!("{took} {}", process::cpu_seconds(&own)? - cpu);
    Ok(())
}

/// Seconds and seconds of processor time for one flood.
pub fn flood(megabytes: u64) -> anyhow::Result<(f64, f64)> {
    let output = Command::new(std::env::current_exe()?)
        .args(["floor", &megabytes.to_string()])
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    let (took, cpu) = text.trim().split_once(' ').context("two numbers")?;
    Ok((took.parse()?, cpu.parse()?))
}
