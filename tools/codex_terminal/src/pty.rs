//! One program in a pseudo-terminal: opening it, learning of its end. Owns the reader and the reaper thread.

use std::ffi::OsString;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use rustix::process::Pid;
use rustix::termios::Winsize;

use crate::descriptor::State;
use crate::feed::Feed;
use crate::reader::{Ending, Reader};
use local_os::platform;

/// Why a program could not be started.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No pseudo-terminal, or no such program.
    #[error("start {program:?}: {reason}")]
    Start {
        /// The first argument.
        program: String,
        /// What the system said.
        reason: String,
    },
    /// A system call on the pseudo-terminal or a thread failed.
    #[error("set up the pseudo-terminal")]
    Io(#[from] io::Error),
}

/// The program to start.
pub struct Program {
    /// Program and arguments.
    pub argv: Vec<String>,
    /// Its folder.
    pub cwd: PathBuf,
    /// Its whole environment.
    pub env: Vec<(OsString, OsString)>,
}

/// A running program's terminal.
pub struct Pty {
    master: Arc<OwnedFd>,
    child: Pid,
    ending: Arc<Ending>,
    work: Mutex<Option<Work>>,
}

struct Work {
    reader: tokio::task::JoinHandle<()>,
    reaper: std::thread::JoinHandle<()>,
}

/// A killed program is reaped within milliseconds; one that nobody can kill must not hold us.
const REAPED_WITHIN: Duration = Duration::from_secs(2);

impl Pty {
    /// Starts `program` in a new session on a terminal of the given size; its output goes to `feed`.
    pub fn start(program: &Program, cols: u16, rows: u16, feed: &Arc<Feed>) -> Result<Self, Error> {
        let failed = |reason: String| Error::Start {
            program: program.argv.first().cloned().unwrap_or_default(),
            // Some reasons have several lines; who asked reads the last one of all that was said.
            reason: reason.split_whitespace().collect::<Vec<_>>().join(" "),
        };
        let size = PtySize {
            rows,
            cols,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pair = native_pty_system()
            .openpty(size)
            .map_err(|error| failed(format!("{error:#}")))?;
        let mut command = CommandBuilder::from_argv(program.argv.iter().map(Into::into).collect());
        command.env_clear();
        for (name, value) in &program.env {
            command.env(name, value);
        }
        command.cwd(&program.cwd);
        platform::adopt_orphans();
        let child = pair
            .slave
            .spawn_command(command)
            .map_err(|error| failed(format!("{error:#}")))?;
        drop(pair.slave);
        let child = child
            .process_id()
            .and_then(|pid| i32::try_from(pid).ok())
            .and_then(Pid::from_raw)
            .expect("a child that was just started has a pid");
        let raw = pair
            .master
            .as_raw_fd()
            .expect("a unix pseudo-terminal is a file descriptor");
        let master = Arc::new(own(raw)?);
        rustix::io::ioctl_fionbio(&master, true).map_err(io::Error::from)?;
        let ending = Arc::new(Ending::default());
        let reader = Reader::new(master.clone(), feed.clone(), ending.clone());
        let reap = {
            let ending = ending.clone();
            move || reap(child, &ending)
        };
        let work = Work {
            reader: tokio::spawn(reader.run()),
            reaper: spawn("pty-reap", reap)?,
        };
        Ok(Self {
            master,
            child,
            ending,
            work: Mutex::new(Some(work)),
        })
    }

    /// The program's process.
    pub fn child_pid(&self) -> u32 {
        self.child.as_raw_nonzero().get().cast_unsigned()
    }

    /// Whether the program has ended; what it started may still run.
    pub fn has_ended(&self) -> bool {
        self.ending.exit().is_some()
    }

    /// The terminal itself, non-blocking.
    pub fn master(&self) -> Arc<OwnedFd> {
        self.master.clone()
    }

    /// Tells the program its new size.
    pub fn resize(&self, cols: u16, rows: u16) -> io::Result<()> {
        let size = Winsize {
            ws_row: rows,
            ws_col: cols,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        Ok(rustix::termios::tcsetwinsize(&self.master, size)?)
    }

    /// Ends reader and reaper after all processes of the terminal are gone; what they wrote last and how the program ended
    /// is taken first.
    pub async fn finish(&self) {
        let work = self
            .work
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(work) = work else {
            return;
        };
        let give_up_at = Instant::now() + REAPED_WITHIN;
        while !(self.has_ended() && work.reaper.is_finished()) && Instant::now() < give_up_at {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        self.ending.stop();
        if work.reader.await.is_err() {
            tracing::error!("the terminal's reader panicked");
        }
    }
}

/// Small stacks: these threads call a few functions deep, and each sidecar has three of them.
pub(crate) fn spawn(
    name: &str,
    work: impl FnOnce() + Send + 'static,
) -> io::Result<std::thread::JoinHandle<()>> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .stack_size(512 << 10)
        .spawn(work)
}

/// A descriptor of our own for portable-pty's master, which only shows its number.
#[allow(unsafe_code)]
fn own(raw: std::os::fd::RawFd) -> io::Result<OwnedFd> {
    // SAFETY: the caller's master is open for the whole call, and the borrow ends with it.
    unsafe { BorrowedFd::borrow_raw(raw) }.try_clone_to_owned()
}

pub(crate) fn wake(stream: &UnixStream) {
    use std::io::Write;
    // A full buffer or a reader that has ended: both mean that nobody needs waking.
    let _ = (&*stream).write(&[1]);
}

fn reap(child: Pid, ending: &Ending) {
    while let Some((pid, status)) = platform::reap(child) {
        if pid == child {
            ending.exited(State::Exited {
                code: status.exit_status(),
                signal: status.terminating_signal(),
            });
        }
    }
}
