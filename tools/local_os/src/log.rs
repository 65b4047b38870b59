//! What a process says on stderr, so that saying it never ends, stops or holds up what the process is for: the window that it was
//! started in may be gone, its disk full, its reader asleep. Owns the log's own thread; both programs use it.
//!
//! # Who logs never waits
//!
//! A line goes into a queue of `QUEUE` lines and is written by a thread of its own. What does not fit there, and what cannot be written, is
//! dropped and counted, and the count is logged as soon as something can be written again.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

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
            .with_env_filter(match "local_os::log=error".parse() {
                Ok(always) => filter.add_directive(always),
                Err(_) => filter,
            })
            .with_writer(move || lines.clone())
            // A span tells at its end how long it took.
            .with_span_events(FmtSpan::CLOSE)
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

fn write_all(queued: &Receiver<Item>, out: impl Write, lost: &AtomicU64) {
    let mut pen = Pen {
        out,
        lost,
        torn: false,
    };
    while let Ok(item) = queued.recv() {
        match item {
            Item::Line(line) => pen.line(&line),
            Item::Flush(done) => {
                pen.tell_lost();
                // Whoever asked may have given up.
                done.send(()).ok();
            }
        }
    }
}

/// Writes lines, and owes the reader the number of those that were lost.
struct Pen<'a, W> {
    out: W,
    lost: &'a AtomicU64,
    /// Only the beginning of a line could be written.
    torn: bool,
}

impl<W: Write> Pen<'_, W> {
    fn line(&mut self, line: &[u8]) {
        if !(self.tell_lost() && self.put(line)) {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Says how many lines were lost, if any; false when not even that can be said.
    fn tell_lost(&mut self) -> bool {
        let lost = self.lost.swap(0, Ordering::Relaxed);
        if lost == 0 {
            return true;
        }
        let end = if self.torn { "\n" } else { "" };
        let line = format!(
            "{end}{lost} lines of this log were lost: they could not be written, or nobody took them\n"
        );
        let said = self.put(line.as_bytes());
        if !said {
            self.lost.fetch_add(lost, Ordering::Relaxed);
        }
        said
    }

    /// Writes a line; false when that failed, at whatever place.
    fn put(&mut self, line: &[u8]) -> bool {
        let mut rest = line;
        while !rest.is_empty() {
            match self.out.write(rest) {
                Ok(0) => break,
                Ok(length) => rest = &rest[length..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        if rest.len() < line.len() {
            self.torn = !rest.is_empty();
        }
        rest.is_empty() && self.out.flush().is_ok()
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
        let (done, written) = sync_channel(1);
        while queue.items.try_send(Item::Flush(done.clone())).is_err() {
            thread::yield_now();
        }
        assert!(written.recv_timeout(Duration::from_secs(30)).is_ok());
        assert!(
            queue.lost.load(Ordering::Relaxed) > QUEUE as u64,
            "nothing was written"
        );
    }

    /// A disk: it takes so many bytes, then none until it is given room. Flushing may fail by itself.
    #[derive(Clone, Default)]
    struct Disk(Arc<Mutex<Sectors>>);

    #[derive(Default)]
    struct Sectors {
        written: Vec<u8>,
        room: usize,
        flushes: bool,
    }

    impl Disk {
        fn set(&self, room: usize, flushes: bool) {
            let mut disk = self.0.lock().expect("nobody panics with it");
            (disk.room, disk.flushes) = (room, flushes);
        }

        fn text(&self) -> String {
            let disk = self.0.lock().expect("nobody panics with it");
            String::from_utf8_lossy(&disk.written).into_owned()
        }
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut disk = self.0.lock().expect("nobody panics with it");
            let length = bytes.len().min(disk.room);
            if length == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            disk.room -= length;
            disk.written.extend_from_slice(&bytes[..length]);
            Ok(length)
        }

        fn flush(&mut self) -> io::Result<()> {
            match self.0.lock().expect("nobody panics with it").flushes {
                true => Ok(()),
                false => Err(io::ErrorKind::StorageFull.into()),
            }
        }
    }

    #[test]
    fn what_could_not_be_written_is_counted_and_said_when_there_is_room_again() {
        let disk = Disk::default();
        let mut queue = Queue::new(disk.clone());
        let mut say = |line: &str| {
            assert!(queue.write_all(format!("{line}\n").as_bytes()).is_ok());
            // Everything before it is through.
            queue.flush(Duration::from_secs(30));
        };
        disk.set(100, true);
        say("one");
        disk.set(0, true);
        say("two");
        // Half of a line.
        disk.set(3, true);
        say("three");
        disk.set(1000, false);
        say("four");
        disk.set(1000, true);
        say("five");
        say("six");
        let text = disk.text();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "one", "{text}");
        assert!(lines.contains(&LOST_THREE), "{text}");
        assert_eq!(lines[lines.len() - 2..], ["five", "six"], "{text}");
    }

    #[test]
    fn what_was_lost_is_said_at_the_end_at_the_latest() {
        let disk = Disk::default();
        let mut queue = Queue::new(disk.clone());
        for line in ["one\n", "two\n", "three\n"] {
            assert!(queue.write_all(line.as_bytes()).is_ok());
        }
        queue.flush(Duration::from_secs(30));
        disk.set(1000, true);
        queue.flush(Duration::from_secs(30));
        assert_eq!(disk.text().trim(), LOST_THREE);
    }

    const LOST_THREE: &str =
        "3 lines of this log were lost: they could not be written, or nobody took them";
}
