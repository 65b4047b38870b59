//! One program in a pseudo-terminal: opening it, reading it, learning of its end. Owns the reader and the reaper
//! thread. Child exit and end of output are two things: a grandchild may go on writing.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::Pid;
use rustix::termios::Winsize;

use crate::descriptor::State;
use crate::feed::{CHUNK_BYTES, Feed, Mark};
use crate::platform;

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
    stop: UnixStream,
    stopping: Arc<AtomicBool>,
    exit: Arc<Mutex<Option<State>>>,
    threads: Mutex<Option<Threads>>,
}

struct Threads {
    reader: std::thread::JoinHandle<()>,
    reaper: std::thread::JoinHandle<()>,
}

/// A killed program is reaped within milliseconds; one that nobody can kill must not hold us.
const REAPED_WITHIN: Duration = Duration::from_secs(2);

impl Pty {
    /// Starts `program` in a new session on a terminal of the given size; its output goes to `feed`.
    pub fn start(program: &Program, cols: u16, rows: u16, feed: &Arc<Feed>) -> Result<Self, Error> {
        let failed = |reason: String| Error::Start {
            program: program.argv.first().cloned().unwrap_or_default(),
            reason,
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
        let (stop, stop_reader) = UnixStream::pair()?;
        let (ended, stop_reaper) = (stop.try_clone()?, Arc::new(AtomicBool::new(false)));
        let exit: Arc<Mutex<Option<State>>> = Arc::default();
        let reader = Reader {
            master: master.clone(),
            wake: stop_reader,
            stopping: stop_reaper.clone(),
            exit: exit.clone(),
            feed: feed.clone(),
            unrecorded: None,
        };
        let reap = {
            let exit = exit.clone();
            move || reap(child, &exit, &ended)
        };
        let threads = Threads {
            reader: spawn("pty-read", move || reader.run())?,
            reaper: spawn("pty-reap", reap)?,
        };
        Ok(Self {
            master,
            child,
            stop,
            stopping: stop_reaper,
            exit,
            threads: Mutex::new(Some(threads)),
        })
    }

    /// The program's process.
    pub fn child_pid(&self) -> u32 {
        self.child.as_raw_nonzero().get().cast_unsigned()
    }

    /// Whether the program has ended; what it started may still run.
    pub fn has_ended(&self) -> bool {
        self.exit
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_some()
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

    /// Ends the threads after all processes of the terminal are gone; what they wrote last and how the program ended
    /// is taken first.
    pub fn finish(&self) {
        let threads = self
            .threads
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(threads) = threads else {
            return;
        };
        let give_up_at = Instant::now() + REAPED_WITHIN;
        while !(self.has_ended() && threads.reaper.is_finished()) && Instant::now() < give_up_at {
            std::thread::sleep(Duration::from_millis(1));
        }
        self.stopping.store(true, Ordering::Release);
        wake(&self.stop);
        if threads.reader.join().is_err() {
            tracing::error!("the terminal's reader panicked");
        }
    }
}

/// Small stacks: these threads call a few functions deep, and each sidecar has five of them.
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

fn reap(child: Pid, exit: &Mutex<Option<State>>, ended: &UnixStream) {
    while let Some((pid, status)) = platform::reap(child) {
        if pid == child {
            *exit.lock().unwrap_or_else(PoisonError::into_inner) = Some(State::Exited {
                code: status.exit_status(),
                signal: status.terminating_signal(),
            });
            wake(ended);
        }
    }
}

struct Reader {
    master: Arc<OwnedFd>,
    wake: UnixStream,
    stopping: Arc<AtomicBool>,
    exit: Arc<Mutex<Option<State>>>,
    feed: Arc<Feed>,
    unrecorded: Option<Unrecorded>,
}

/// Output of which the recorder does not know.
struct Unrecorded {
    since: Instant,
    bytes: usize,
}

/// How soon a program is served again that has closed its terminal and opens it. Nothing announces that.
pub(crate) const CLOSED_LOOK_EVERY: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 200_000_000,
};
/// An echo should be with its viewers before the recorder wants a processor too, and a flood comes to it in batches: one that
/// works on 256 KiB at a time finds its tables and rows in the processor's caches. Whoever wants a snapshot wakes it at once.
const RECORD_AFTER: Duration = Duration::from_millis(5);
/// See [`RECORD_AFTER`].
const RECORD_BYTES: usize = 4 * CHUNK_BYTES;
/// A kernel read gives up to 4 KiB. After one that gives less than this there is rarely more, so viewers come before the
/// read that finds out.
const SHORT_READ: usize = 1 << 10;

impl Unrecorded {
    fn new() -> Self {
        Self {
            since: Instant::now(),
            bytes: 0,
        }
    }

    fn due_in(&self) -> Duration {
        if self.bytes >= RECORD_BYTES {
            return Duration::ZERO;
        }
        RECORD_AFTER.saturating_sub(self.since.elapsed())
    }

    fn is_due(&self) -> bool {
        self.due_in().is_zero()
    }
}

enum Read {
    /// There may be more.
    More,
    Empty,
    /// Nobody holds the other side. That can change while the program lives (it may open its terminal again).
    Closed,
}

impl Reader {
    fn run(mut self) {
        let mut buffer = vec![0u8; CHUNK_BYTES];
        let mut announced = false;
        loop {
            // Both are looked at before the read, so what was written before them is read before they count.
            let stopping = self.stopping.load(Ordering::Acquire);
            let exit = *self.exit.lock().unwrap_or_else(PoisonError::into_inner);
            let (count, read) = self.fill(&mut buffer);
            if count > 0 {
                self.feed.append(&buffer[..count]);
                self.unrecorded.get_or_insert_with(Unrecorded::new).bytes += count;
            }
            let is_due = self.unrecorded.as_ref().is_some_and(Unrecorded::is_due);
            if is_due || matches!(read, Read::Closed) {
                self.wake_recorder();
            }
            if matches!(read, Read::More) {
                continue;
            }
            if let Some(state) = exit
                && !announced
            {
                announced = true;
                self.feed.mark(Mark::Exit(state));
            }
            let closed = matches!(read, Read::Closed);
            if stopping || (closed && announced) {
                return;
            }
            self.wait(closed);
        }
    }

    /// Reads until the buffer is full or little is left: a kernel read gives 4 KiB at most, so one call per
    /// piece would cost a wake-up and a frame each.
    fn fill(&self, buffer: &mut [u8]) -> (usize, Read) {
        let mut count = 0;
        while count < buffer.len() {
            match rustix::io::read(&self.master, &mut buffer[count..]) {
                Ok(0) => return (count, Read::Closed),
                Ok(read) => {
                    count += read;
                    if read < SHORT_READ {
                        break;
                    }
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) => return (count, Read::Empty),
                // EIO: Linux' way to say that the other side is closed.
                Err(_) => return (count, Read::Closed),
            }
        }
        (count, Read::More)
    }

    fn wake_recorder(&mut self) {
        if self.unrecorded.take().is_some() {
            self.feed.wake_recorder();
        }
    }

    /// Until there is output or the other threads have news. A closed terminal would be "readable" all the time, so
    /// then only the news count, with a look at the terminal now and then.
    fn wait(&mut self, closed: bool) {
        let time = match &self.unrecorded {
            _ if closed => Some(CLOSED_LOOK_EVERY),
            Some(unrecorded) => Timespec::try_from(unrecorded.due_in()).ok(),
            None => None,
        };
        let mut fds = [
            PollFd::new(&self.wake, PollFlags::IN),
            PollFd::new(&self.master, PollFlags::IN),
        ];
        let waited_for = if closed { &mut fds[..1] } else { &mut fds[..] };
        let result = poll(waited_for, time.as_ref());
        let news = !fds[0].revents().is_empty();
        if let Err(error) = result
            && error != rustix::io::Errno::INTR
        {
            tracing::error!(%error, "waiting for terminal output failed");
            std::thread::sleep(Duration::from_millis(100));
        }
        if news {
            self.drain_news();
        }
    }

    fn drain_news(&self) {
        // One byte per piece of news, and poll said there is at least one.
        let mut bytes = [0u8; 16];
        let _ = rustix::io::read(self.wake.as_fd(), &mut bytes);
    }
}
