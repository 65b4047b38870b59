//! A child of this program that cannot take more than its share of the machine: memory, processor time, open files, and
//! the time that somebody waits for it. Owns both ends of the conversation: whoever started it asks, it answers. What is
//! asked is none of its business.
//!
//! # It ends for sure
//!
//! A child that gave no answer in time, or half of one, is killed and never asked again: [`Confined::ask`] takes it and
//! gives it back only with a whole answer. It ends by itself, in the middle of whatever it does, when its input is closed:
//! so it does not outlive who asks, however that one ended.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};

use super::describe_exit;
use crate::domain::sentence::say;

/// Longest question or answer. A report of a hundred thousand paths has 40 MiB.
const MAX_BYTES: u64 = 128 << 20;

/// A pipe that can be written to takes so much without blocking, on every system.
const PIPE_BYTES: usize = 512;

/// How long a child that was killed is waited for. One that waits for a dead disk ends later or never.
const BURIAL: Duration = Duration::from_secs(1);

/// What a child may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Memory beside what it maps from files. Not every system holds to it: macOS does not.
    pub memory_bytes: u64,
    /// Files that are open at once.
    pub open_files: u64,
    /// Processor time for one answer.
    pub processor_time: Duration,
}

impl Limits {
    /// Takes the limits that hold for the whole life of this process. It can write no file from now on.
    fn hold(&self) -> io::Result<()> {
        for (resource, limit) in [
            (Resource::Data, self.memory_bytes),
            (Resource::Nofile, self.open_files),
            (Resource::Fsize, 0),
            (Resource::Core, 0),
        ] {
            lower(resource, limit)?;
        }
        Ok(())
    }

    /// Gives this process its time for one more answer. The system counts whole seconds from its start.
    fn renew(&self) -> io::Result<()> {
        let used = clock_gettime(ClockId::ProcessCPUTime).tv_sec;
        let limit = used.unsigned_abs() + self.processor_time.as_secs() + 1;
        let maximum = getrlimit(Resource::Cpu).maximum;
        let limit = Rlimit {
            current: Some(maximum.map_or(limit, |most| most.min(limit))),
            maximum,
        };
        Ok(setrlimit(Resource::Cpu, limit)?)
    }
}

/// Lowers what this process, and whatever it starts, may take; never raises it.
pub(super) fn lower(resource: Resource, limit: u64) -> io::Result<()> {
    let limit = getrlimit(resource)
        .maximum
        .map_or(limit, |most| most.min(limit));
    let limit = Rlimit {
        current: Some(limit),
        maximum: Some(limit),
    };
    Ok(setrlimit(resource, limit)?)
}

/// What a child says: what was asked for, or why there is no such thing.
pub type Answer = Result<Vec<u8>, Vec<u8>>;

/// Why there is no answer. Display is a sentence about the child.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// Our own program could not be started.
    #[error("{}", say!("reason.child.not_started", error = .0))]
    Start(io::Error),
    /// It took too long.
    #[error("{}", say!("reason.child.too_slow", seconds = .0.as_secs()))]
    TooSlow(Duration),
    /// It ended in the middle of it.
    #[error("{}", .0.map_or_else(|| "it does not end".to_owned(), describe_exit))]
    Ended(Option<ExitStatus>),
    /// Its answer is longer than anybody takes.
    #[error("{}", say!("reason.child.too_long", mib = MAX_BYTES >> 20))]
    TooLong,
}

/// What a child does: answers each question in its turn, within its limits, until there are no more.
///
/// # Errors
/// When the system refuses a limit, or nobody takes the answer.
pub fn serve(limits: Limits, mut answer: impl FnMut(&[u8]) -> Answer) -> io::Result<()> {
    limits.hold()?;
    let (sender, questions) = mpsc::sync_channel(1);
    thread::spawn(move || {
        let mut input = io::stdin().lock();
        while let Ok((_, question)) = read_frame(&mut input) {
            if sender.send(question).is_err() {
                break;
            }
        }
        // Nobody is there any more to take what is being made.
        std::process::exit(0);
    });
    // Not the standard one of the library, which looks for the ends of lines.
    let mut out = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    for question in questions {
        limits.renew()?;
        let answer = answer(&question);
        let (is_good, bytes) = match &answer {
            Ok(bytes) => (true, bytes),
            Err(bytes) => (false, bytes),
        };
        write_frame(&mut out, is_good, bytes)?;
    }
    Ok(())
}

/// A child that waits for a question.
#[derive(Debug)]
pub struct Confined {
    /// None only while it is dropped.
    child: Option<Child>,
    input: ChildStdin,
    output: ChildStdout,
}

impl Confined {
    /// Starts this program as a child by `command`, which leads to [`serve`].
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(command: &mut Command) -> Result<Self, Fault> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // A Ctrl-C is meant for us; the end of its input is its sign.
            .process_group(0)
            .spawn()
            .map_err(Fault::Start)?;
        match (child.stdin.take(), child.stdout.take()) {
            (Some(input), Some(output)) => Ok(Self {
                child: Some(child),
                input,
                output,
            }),
            _ => Err(Fault::Ended(end(child))),
        }
    }

    /// The child, unless it has ended.
    pub fn if_it_runs(mut self) -> Option<Self> {
        let status = self.child.as_mut()?.try_wait();
        matches!(status, Ok(None)).then_some(self)
    }

    /// Asks it and waits for the answer, at most so long.
    ///
    /// # Errors
    /// When there is no whole answer; then the child has ended.
    pub fn ask(mut self, question: &[u8], patience: Duration) -> Result<(Answer, Self), Fault> {
        let mut pipes = Pipes {
            input: &mut self.input,
            output: &mut self.output,
            deadline: Instant::now() + patience,
        };
        let answer = write_frame(&mut pipes, true, question)
            .and_then(|()| read_frame(&mut pipes))
            .map_err(|error| error.kind());
        match answer {
            Ok((true, answer)) => Ok((Ok(answer), self)),
            Ok((false, reason)) => Ok((Err(reason), self)),
            Err(ErrorKind::TimedOut) => Err(Fault::TooSlow(patience)),
            Err(ErrorKind::FileTooLarge) => Err(Fault::TooLong),
            Err(_) => Err(Fault::Ended(self.child.take().and_then(end))),
        }
    }
}

impl Drop for Confined {
    fn drop(&mut self) {
        if let Some(child) = self.child.take() {
            end(child);
        }
    }
}

/// Kills a child and says how it ended, if it did.
fn end(mut child: Child) -> Option<ExitStatus> {
    // One that has ended by itself stays what it was.
    child.kill().ok();
    let (sender, status) = mpsc::sync_channel(1);
    // Somebody else waits, because it may take for ever; nobody may be left to hear of it.
    thread::spawn(move || sender.send(child.wait().ok()).ok());
    status.recv_timeout(BURIAL).ok()?
}

/// The child's pipes, used until a deadline.
struct Pipes<'a> {
    input: &'a mut ChildStdin,
    output: &'a mut ChildStdout,
    deadline: Instant,
}

fn wait(pipe: &impl AsFd, flags: PollFlags, deadline: Instant) -> io::Result<()> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = Timespec::try_from(left).map_err(io::Error::other)?;
        match poll(&mut [PollFd::new(pipe, flags)], Some(&left)) {
            Ok(0) => return Err(ErrorKind::TimedOut.into()),
            Ok(_) => return Ok(()),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

impl Write for Pipes<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        wait(self.input, PollFlags::OUT, self.deadline)?;
        self.input.write(&bytes[..bytes.len().min(PIPE_BYTES)])
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Pipes<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        wait(self.output, PollFlags::IN, self.deadline)?;
        self.output.read(bytes)
    }
}

/// One question, or one answer: a flag, the length, the bytes.
fn write_frame(out: &mut impl Write, flag: bool, bytes: &[u8]) -> io::Result<()> {
    let mut head = [0; 9];
    head[0] = u8::from(flag);
    head[1..].copy_from_slice(&(bytes.len() as u64).to_be_bytes());
    out.write_all(&head)?;
    out.write_all(bytes)
}

fn read_frame(input: &mut impl Read) -> io::Result<(bool, Vec<u8>)> {
    let mut head = [0; 9];
    input.read_exact(&mut head)?;
    let [flag, length @ ..] = head;
    let length = u64::from_be_bytes(length);
    if length > MAX_BYTES {
        return Err(ErrorKind::FileTooLarge.into());
    }
    // The system gives memory for what is written to it, and not before. In one piece there are fewer, larger reads.
    let mut bytes = vec![0; length as usize];
    input.read_exact(&mut bytes)?;
    Ok((flag != 0, bytes))
}
