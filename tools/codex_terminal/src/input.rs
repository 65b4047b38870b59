//! What goes to the program: a bounded queue and the thread that empties it. Input is refused, never dropped; the
//! terminal is non-blocking, so no write can hang, also not when the terminal is closed meanwhile.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use crate::pty::{spawn, wake};

/// Typing never fills this; a paste comes in pieces that wait for room. Ten times as much would only be more
/// to lose when the program ends.
pub const MAX_QUEUED_BYTES: usize = 64 << 10;

/// The kernel takes about this much at once.
const PIECE_BYTES: usize = 4 << 10;

/// How soon input goes on when a program that has closed its terminal opens it. Nothing announces that.
const CLOSED_LOOK_EVERY: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 200_000_000,
};

/// The input was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The program does not read; try again later.
    #[error("the program is not reading its input at the moment; try again")]
    Busy,
    /// The program has ended or nothing here reads input.
    #[error("nothing here takes input: the program has ended or a file is shown")]
    Closed,
}

struct Queue {
    bytes: VecDeque<u8>,
    closed: bool,
}

struct Shared {
    queue: Mutex<Queue>,
    master: Arc<OwnedFd>,
}

/// The way in to one program.
pub struct Input {
    shared: Arc<Shared>,
    news: UnixStream,
    thread: Mutex<Option<std::thread::JoinHandle<()>>>,
}

impl Input {
    /// Starts the writer thread on a non-blocking terminal.
    pub fn start(master: Arc<OwnedFd>) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            queue: Mutex::new(Queue {
                bytes: VecDeque::new(),
                closed: false,
            }),
            master,
        });
        let (news, wait) = UnixStream::pair()?;
        news.set_nonblocking(true)?;
        let thread = spawn("pty-write", {
            let shared = shared.clone();
            move || shared.run(&wait)
        })?;
        Ok(Self {
            shared,
            news,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Takes all of `data` or nothing. When nothing waits, it is written at once, without the thread. An empty queue
    /// takes a paste of any length that its callers allow.
    pub fn push(&self, data: &[u8]) -> Result<(), Refused> {
        let mut queue = self.shared.lock();
        if queue.closed {
            return Err(Refused::Closed);
        }
        let mut rest = data;
        if queue.bytes.is_empty() {
            while !rest.is_empty() {
                let piece = &rest[..rest.len().min(PIECE_BYTES)];
                match rustix::io::write(&self.shared.master, piece) {
                    Ok(count) => rest = &rest[count..],
                    Err(Errno::INTR) => {}
                    // Full, or nobody holds the other side: a program may close its terminal and open it again.
                    Err(Errno::AGAIN | Errno::IO) => break,
                    Err(_) => {
                        queue.closed = true;
                        return Err(Refused::Closed);
                    }
                }
            }
        } else if queue.bytes.len() + data.len() > MAX_QUEUED_BYTES {
            return Err(Refused::Busy);
        }
        if !rest.is_empty() {
            queue.bytes.extend(rest);
            drop(queue);
            wake(&self.news);
        }
        Ok(())
    }

    /// Ends the thread; what waits is lost with the program that would have read it.
    pub fn close(&self) {
        self.shared.lock().closed = true;
        wake(&self.news);
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            tracing::error!("the input thread panicked");
        }
    }
}

/// What the writer thread waits for, beside news.
enum Until {
    News,
    /// Room in the terminal.
    Room,
    /// The program to open its terminal again.
    Opened,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, wait: &UnixStream) {
        let mut piece = Vec::with_capacity(PIECE_BYTES);
        loop {
            piece.clear();
            let closed = {
                let mut queue = self.lock();
                let closed = queue.closed;
                if queue.bytes.is_empty() {
                    // A long paste must not stay in memory as capacity.
                    queue.bytes.shrink_to(PIECE_BYTES);
                }
                piece.extend(queue.bytes.iter().take(PIECE_BYTES));
                closed
            };
            if closed {
                return;
            }
            if piece.is_empty() {
                self.wait(wait, Until::News);
                continue;
            }
            // Written under the lock: `push` writes directly when the queue is empty, and bytes taken out but
            // not yet written would be overtaken.
            let mut queue = self.lock();
            match rustix::io::write(&self.master, &piece) {
                Ok(count) => drop(queue.bytes.drain(..count)),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    drop(queue);
                    self.wait(wait, Until::Room);
                }
                Err(Errno::IO) => {
                    drop(queue);
                    self.wait(wait, Until::Opened);
                }
                Err(_) => queue.closed = true,
            }
        }
    }

    fn wait(&self, wait: &UnixStream, until: Until) {
        let news = PollFd::new(wait, PollFlags::IN);
        let terminal = PollFd::new(&self.master, PollFlags::OUT);
        let mut both = [news, terminal];
        // A closed terminal counts as writable all the time.
        let (fds, at_most) = match until {
            Until::News => (&mut both[..1], None),
            Until::Room => (&mut both[..], None),
            Until::Opened => (&mut both[..1], Some(&CLOSED_LOOK_EVERY)),
        };
        if let Err(error) = poll(fds, at_most)
            && error != Errno::INTR
        {
            tracing::error!(%error, "waiting to write to the terminal failed");
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        if !both[0].revents().is_empty() {
            let mut bytes = [0u8; 64];
            // Poll said that there is something; how much does not matter.
            let _ = rustix::io::read(wait, &mut bytes);
        }
    }
}

/// Text as a terminal sends a paste: lines end in CR, control characters that could end the bracket or act as
/// keys are taken out, and the brackets are added when the program asked for them.
pub fn paste(text: &str, bracketed: bool, submit: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 16);
    if bracketed {
        out.extend_from_slice(b"\x1b[200~");
    }
    let mut previous = '\0';
    for c in text.chars() {
        let mut utf8 = [0; 4];
        match c {
            '\n' if previous == '\r' => {}
            '\n' | '\r' => out.push(b'\r'),
            '\t' => out.push(b'\t'),
            c if c.is_control() => {}
            c => out.extend_from_slice(c.encode_utf8(&mut utf8).as_bytes()),
        }
        previous = c;
    }
    if bracketed {
        out.extend_from_slice(b"\x1b[201~");
    }
    if submit {
        out.push(b'\r');
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_paste_cannot_leave_its_brackets() {
        assert_eq!(
            paste("a\r\nb\nc\t\x1b[201~rm\x03 é", true, true),
            "\x1b[200~a\rb\rc\t[201~rm é\x1b[201~\r".as_bytes()
        );
        assert_eq!(paste("x", false, false), b"x");
    }
}
