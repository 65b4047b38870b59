//! What a process says on stderr, so that saying it never ends, stops or holds up what the process is for: the window that it was
//! started in may be gone, its disk full, its reader asleep. Owns the log's own thread; both programs use it.
//!
//! # Who logs never waits
//!
//! A line goes into a queue of [`QUEUE`] lines and is written by a thread of its own. What does not fit is dropped and counted, and the count
//! is logged as soon as there is room. A write that fails is given up: there is nobody left to tell.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use tracing_subscriber::EnvFilter;

/// Lines that may wait for a slow reader. A tenth would lose lines of an ordinary start, ten times as much would keep a megabyte of them in
/// memory while nobody reads.
const QUEUE: usize = 1024;

/// How long the end of the process waits for its last lines to be written.
const LAST_WORDS: Duration = Duration::from_secs(1);

enum Item {
    Line(Vec<u8>),
    /// Answered when everything before it is written.
    Flush(SyncSender<()>),
}

/// The log of this process, as long as it is held; dropping it waits a moment for the last lines.
#[derive(Debug)]
pub struct Log(Queue);

impl Log {
    /// From now on what the process logs, panics included, goes to stderr as far as `filter` lets it.
    pub fn to_stderr(filter: EnvFilter) -> Self {
        let queue = Queue::new(io::stderr());
        let lines = queue.clone();
        let installed = tracing_subscriber::fmt()
            // A panic is said whatever else is wanted.
            .with_env_filter(match "codex_terminal::log=error".parse() {
                Ok(always) => filter.add_directive(always),
                Err(_) => filter,
            })
            .with_writer(move || lines.clone())
            .with_ansi(false)
            .try_init();
        if installed.is_err() {
            tracing::debug!("the caller has set up logging already");
        }
        // The standard hook writes by itself, and would wait for a reader that sleeps.
        std::panic::set_hook(Box::new(|panic| {
            let trace = Backtrace::capture();
            match trace.status() {
                BacktraceStatus::Captured => tracing::error!("{panic}\n{trace}"),
                _ => tracing::error!("{panic}"),
            }
        }));
        Self(queue)
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.0.flush(LAST_WORDS);
    }
}

/// Says a line on stderr, for a person who waits for it; that nobody can read it is no reason to end.
pub fn tell(line: fmt::Arguments<'_>) {
    // In one piece: other processes may write there too.
    let line = format!("{line}\n");
    io::stderr().write_all(line.as_bytes()).ok();
}

/// `eprintln!` that never panics.
#[macro_export]
macro_rules! tell {
    ($($words:tt)*) => { $crate::log::tell(format_args!($($words)*)) };
}

/// Takes lines and never waits. Clones share it.
#[derive(Clone, Debug)]
struct Queue {
    items: SyncSender<Item>,
    lost: Arc<AtomicU64>,
}

impl Queue {
    fn new(out: impl Write + Send + 'static) -> Self {
        let (items, queued) = sync_channel(QUEUE);
        let lost = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&lost);
        // Without the thread nothing is logged, which is no reason not to work.
        let write = move || write_all(&queued, out, &counted);
        thread::Builder::new()
            .name("log".to_owned())
            .stack_size(64 << 10)
            .spawn(write)
            .ok();
        Self { items, lost }
    }

    fn flush(&self, patience: Duration) {
        let (done, written) = sync_channel(1);
        // When it is full nobody reads, and nobody will within the patience.
        if self.items.try_send(Item::Flush(done)).is_ok() {
            written.recv_timeout(patience).ok();
        }
    }
}

impl Write for Queue {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.items.try_send(Item::Line(bytes.to_vec())).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write_all(queued: &Receiver<Item>, mut out: impl Write, lost: &AtomicU64) {
    while let Ok(item) = queued.recv() {
        match item {
            Item::Line(line) => {
                let lost = lost.swap(0, Ordering::Relaxed);
                if lost > 0 {
                    writeln!(out, "{lost} lines of this log were lost: nobody took them").ok();
                }
                out.write_all(&line).ok();
            }
            Item::Flush(done) => {
                // Whoever asked may have given up.
                done.send(()).ok();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    /// Writes that fail, or wait until they are let go.
    struct Broken(Arc<Mutex<()>>);

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            drop(self.0.lock());
            Err(io::ErrorKind::StorageFull.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(io::ErrorKind::StorageFull.into())
        }
    }

    #[test]
    fn neither_a_failed_nor_a_stuck_write_reaches_who_logs() {
        let gate = Arc::new(Mutex::new(()));
        let mut queue = Queue::new(Broken(Arc::clone(&gate)));
        let stuck = gate.lock().expect("nobody panics with it");
        for line in 0..QUEUE + 10 {
            assert!(writeln!(queue, "{line}").is_ok());
        }
        assert!(queue.lost.load(Ordering::Relaxed) > 0);
        drop(stuck);
        // A full queue takes no flush; what was stuck goes on.
        while queue.lost.load(Ordering::Relaxed) > 0 {
            assert!(writeln!(queue, "one more").is_ok());
            thread::yield_now();
        }
    }
}
