//! Reads one terminal into its feed. Child exit and end of output are two things: a grandchild may go on writing.
//!
//! The echo of a key is read where the viewers are served, so that no other thread has to be woken on its way. A flood has a
//! thread of its own until it ends: whoever reads it may have to wait for the recorder, and gives way to others.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::io::Interest;
use tokio::io::unix::{AsyncFd, AsyncFdReadyGuard};
use tokio::sync::Notify;

use crate::descriptor::State;
use crate::feed::{CHUNK_BYTES, Feed, Mark, RECORD_BYTES};
use crate::pace::Pace;

/// What the reader must know of the program's end and of its own.
#[derive(Default)]
pub struct Ending {
    exit: Mutex<Option<State>>,
    stopping: AtomicBool,
    news: Notify,
}

impl Ending {
    /// How the program ended, if it has.
    pub fn exit(&self) -> Option<State> {
        *self.exit.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The program has ended.
    pub fn exited(&self, state: State) {
        *self.exit.lock().unwrap_or_else(PoisonError::into_inner) = Some(state);
        self.news.notify_one();
    }

    /// All that could write is gone: what there is is read, and no more is waited for.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.news.notify_one();
    }
}

/// See the module.
pub struct Reader {
    master: Arc<OwnedFd>,
    feed: Arc<Feed>,
    ending: Arc<Ending>,
    buffer: Vec<u8>,
    unrecorded: Option<Unrecorded>,
    exit_announced: bool,
}

/// Output of which the recorder does not know.
struct Unrecorded {
    due_at: Instant,
    bytes: usize,
    may_ask: bool,
}

/// Text waits so long for the recorder: woken sooner, it is at work during more than one of a hundred keys. A flood comes to it in
/// batches of [`RECORD_BYTES`], and whoever wants a snapshot wakes it at once.
const RECORD_TEXT_AFTER: Duration = Duration::from_millis(50);
/// A sequence may be a question of the program, its state, or a mode that input depends on. Its viewers still come first.
const RECORD_SEQUENCE_AFTER: Duration = Duration::from_millis(10);
/// A kernel read gives up to 4 KiB. After one that gives less than this there is rarely more, so viewers come before the
/// read that finds out.
const SHORT_READ: usize = 1 << 10;
/// A flood has begun when the recorder is so far behind: far more than a key's echo, far less than what makes a reader wait.
const FLOOD_BYTES: u64 = 32 << 10;
/// A flood has ended when nothing came for so long.
const FLOOD_PAUSE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 50_000_000,
};
/// How soon a program is served again that has closed its terminal and opens it. Nothing announces that.
const CLOSED_LOOK_EVERY: Duration = Duration::from_millis(200);

impl Unrecorded {
    fn new() -> Self {
        Self {
            due_at: Instant::now() + RECORD_TEXT_AFTER,
            bytes: 0,
            may_ask: false,
        }
    }

    fn add(&mut self, output: &[u8]) {
        self.bytes += output.len();
        if !self.may_ask && output.contains(&ESC) {
            self.may_ask = true;
            self.due_at = self.due_at.min(Instant::now() + RECORD_SEQUENCE_AFTER);
        }
    }

    fn is_due(&self) -> bool {
        self.bytes >= RECORD_BYTES || Instant::now() >= self.due_at
    }
}

const ESC: u8 = 0x1b;

/// What a look at the terminal found.
enum Found {
    /// There may be more.
    More,
    Empty,
    /// Nobody holds the other side. That can change while the program lives (it may open its terminal again).
    Closed,
}

enum Step {
    /// There may be more.
    More,
    /// There may be more, and others should not wait for it.
    Flood,
    Empty,
    Closed,
    /// Nothing will come any more.
    Ended,
}

/// How attending to a terminal goes on.
enum Next {
    Flood,
    /// The terminal was closed: it would count as readable for ever where it is registered.
    Renew,
    Ended,
}

impl Reader {
    /// Of a non-blocking terminal.
    pub fn new(master: Arc<OwnedFd>, feed: Arc<Feed>, ending: Arc<Ending>) -> Self {
        Self {
            master,
            feed,
            ending,
            buffer: vec![0; CHUNK_BYTES],
            unrecorded: None,
            exit_announced: false,
        }
    }

    /// Reads until the program and its output have ended, or [`Ending::stop`].
    pub async fn run(mut self) {
        loop {
            match self.attend().await {
                Ok(Next::Ended) => return,
                Ok(Next::Renew) => {}
                Ok(Next::Flood) => {
                    self = match tokio::task::spawn_blocking(move || self.drain()).await {
                        Ok(reader) => reader,
                        Err(error) => {
                            tracing::error!(%error, "the terminal's reader ended");
                            return;
                        }
                    };
                }
                Err(error) => {
                    tracing::error!(%error, "waiting for terminal output failed");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    /// Reads what comes now and then.
    #[allow(unsafe_code)]
    async fn attend(&mut self) -> std::io::Result<Next> {
        let (terminal, ending) = (self.master.clone(), self.ending.clone());
        // SAFETY: the registration borrows the terminal, which so stays open and the same.
        let registered =
            unsafe { AsyncFd::register_with_interest(terminal.as_fd(), Interest::READABLE) }?;
        let mut readable = None;
        loop {
            match self.step() {
                // Viewers first.
                Step::More => tokio::task::yield_now().await,
                Step::Flood => return Ok(Next::Flood),
                Step::Ended => return Ok(Next::Ended),
                Step::Closed => {
                    // Nobody has written anything when the time is over, and that is looked at next.
                    let news = ending.news.notified();
                    tokio::time::timeout(CLOSED_LOOK_EVERY, news).await.ok();
                    return Ok(Next::Renew);
                }
                Step::Empty => {
                    if let Some(mut readable) = readable.take() {
                        AsyncFdReadyGuard::clear_ready(&mut readable);
                    }
                    let due_at = self.unrecorded.as_ref().map(|output| output.due_at);
                    tokio::select! {
                        output = registered.readable() => readable = Some(output?),
                        () = ending.news.notified() => {}
                        () = sleep_until(due_at) => self.wake_recorder(),
                    }
                }
            }
        }
    }

    /// Reads a flood to its end.
    fn drain(mut self) -> Self {
        let mut pace = Pace::new();
        loop {
            let step = self.step();
            if pace.is_crowded() {
                // In small pieces the recorder's work holds up nobody for long.
                self.wake_recorder();
            }
            pace.rest();
            match step {
                Step::More | Step::Flood => {}
                Step::Empty => {
                    if !self.wait() {
                        return self;
                    }
                }
                Step::Closed | Step::Ended => return self,
            }
        }
    }

    /// Takes what there is, up to a chunk of it.
    fn step(&mut self) -> Step {
        // Both are looked at before the read, so what was written before them is read before they count.
        let stopping = self.ending.stopping.load(Ordering::Acquire);
        let exit = self.ending.exit();
        let (count, found) = self.fill();
        let mut behind = 0;
        if count > 0 {
            let output = &self.buffer[..count];
            behind = self.feed.append(output);
            self.unrecorded
                .get_or_insert_with(Unrecorded::new)
                .add(output);
        }
        let is_due = self.unrecorded.as_ref().is_some_and(Unrecorded::is_due);
        if is_due || matches!(found, Found::Closed) {
            self.wake_recorder();
        }
        if behind > FLOOD_BYTES {
            return Step::Flood;
        }
        if matches!(found, Found::More) {
            return Step::More;
        }
        if let Some(state) = exit
            && !self.exit_announced
        {
            self.exit_announced = true;
            self.feed.mark(Mark::Exit(state));
        }
        match found {
            _ if stopping => Step::Ended,
            Found::Closed if self.exit_announced => Step::Ended,
            Found::Closed => Step::Closed,
            _ => Step::Empty,
        }
    }

    /// Reads until the buffer is full or little is left: a kernel read gives 4 KiB at most, so one call per
    /// piece would cost a wake-up and a frame each.
    fn fill(&mut self) -> (usize, Found) {
        let mut count = 0;
        while count < self.buffer.len() {
            match rustix::io::read(&self.master, &mut self.buffer[count..]) {
                Ok(0) => return (count, Found::Closed),
                Ok(read) => {
                    count += read;
                    if read < SHORT_READ {
                        break;
                    }
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) => return (count, Found::Empty),
                // EIO: Linux' way to say that the other side is closed.
                Err(_) => return (count, Found::Closed),
            }
        }
        (count, Found::More)
    }

    fn wake_recorder(&mut self) {
        if self.unrecorded.take().is_some() {
            self.feed.wake_recorder();
        }
    }

    /// Until there is output again; `false`: the flood has ended.
    fn wait(&mut self) -> bool {
        let time = match &self.unrecorded {
            Some(unrecorded) => {
                let left = unrecorded.due_at.saturating_duration_since(Instant::now());
                Timespec::try_from(left).unwrap_or(FLOOD_PAUSE)
            }
            None => FLOOD_PAUSE,
        };
        let mut terminal = [PollFd::new(&self.master, PollFlags::IN)];
        let has_output = matches!(poll(&mut terminal, Some(&time)), Ok(1..));
        if !has_output && self.unrecorded.is_some() {
            self.wake_recorder();
            return true;
        }
        has_output
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
