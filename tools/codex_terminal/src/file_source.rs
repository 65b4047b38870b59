//! Shows one log file as if a program printed it: reads it from its beginning (or its last part), then follows it
//! as it grows, is cut or is replaced. Owns one thread. Never writes to the file.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use rustix::fs::OFlags;

use crate::feed::{CHUNK_BYTES, Feed};
use crate::pty::spawn;
use local_os::own_file::{self, folder_of};

/// More than two whole transcripts. Of larger files the end is shown, from the start of a line.
const MAX_SHOWN_BYTES: u64 = 40 << 20;

/// How soon growth is seen. Two `stat` calls a second cost nothing measurable.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// A followed file.
pub struct FileSource {
    stop: Arc<(Mutex<bool>, Condvar)>,
    thread: Mutex<Option<std::thread::JoinHandle<()>>>,
}

impl FileSource {
    /// Opens the file, which must be an ordinary one, and starts following it.
    pub fn start(path: &Path, feed: &Arc<Feed>) -> io::Result<Self> {
        let file = open(path)?;
        let stop: Arc<(Mutex<bool>, Condvar)> = Arc::default();
        let mut follower = Follower {
            path: path.to_owned(),
            file,
            last: b'\n',
            feed: feed.clone(),
            stop: stop.clone(),
        };
        follower.skip_old_part()?;
        let thread = spawn("file-read", move || follower.run())?;
        Ok(Self {
            stop,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Ends the thread.
    pub fn finish(&self) {
        *self.stop.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.stop.1.notify_all();
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            tracing::error!("the file thread panicked");
        }
    }
}

/// A FIFO or device would block or never end; a link may lead to what nobody asked for.
pub fn open(path: &Path) -> io::Result<File> {
    let (folder, name) = folder_of(path)?;
    own_file::open(&folder, &name, OFlags::RDONLY)
}

struct Follower {
    path: PathBuf,
    file: File,
    /// The last byte shown, to know whether a line feed follows a carriage return.
    last: u8,
    feed: Arc<Feed>,
    stop: Arc<(Mutex<bool>, Condvar)>,
}

impl Follower {
    fn skip_old_part(&mut self) -> io::Result<()> {
        let length = self.file.metadata()?.len();
        if length > MAX_SHOWN_BYTES {
            self.file.seek(SeekFrom::Start(length - MAX_SHOWN_BYTES))?;
            let mut byte = [0u8];
            while self.file.read(&mut byte)? == 1 && byte[0] != b'\n' {}
        }
        Ok(())
    }

    fn run(mut self) {
        let mut buffer = vec![0u8; CHUNK_BYTES / 2];
        loop {
            match self.file.read(&mut buffer) {
                Ok(0) => self.follow_replacement(),
                Ok(count) => {
                    let shown = self.as_output(&buffer[..count]);
                    self.feed.append(&shown);
                    self.feed.wake_recorder();
                    if !self.stopped(Duration::ZERO) {
                        continue;
                    }
                }
                Err(error) => tracing::warn!(%error, "the shown file cannot be read"),
            }
            if self.stopped(LOOK_EVERY) {
                return;
            }
        }
    }

    /// Waits at most `time` for the end.
    fn stopped(&self, time: Duration) -> bool {
        let stop = self.stop.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (stop, _) = self
            .stop
            .1
            .wait_timeout_while(stop, time, |stop| !*stop)
            .unwrap_or_else(PoisonError::into_inner);
        *stop
    }

    /// At the end of the file: begins anew when it was cut, or when another file has taken its name.
    fn follow_replacement(&mut self) {
        let Ok(ours) = self.file.metadata() else {
            return;
        };
        let position = self.file.stream_position().unwrap_or(0);
        if ours.len() < position {
            // Reading goes on at the new end otherwise; a failed seek is seen by the next look.
            self.file.seek(SeekFrom::Start(0)).ok();
        }
        let replaced = std::fs::symlink_metadata(&self.path)
            .is_ok_and(|now| now.is_file() && (now.dev(), now.ino()) != (ours.dev(), ours.ino()));
        if replaced && let Ok(file) = open(&self.path) {
            self.file = file;
        }
    }

    /// A terminal prints CR LF; a log may hold LF alone.
    fn as_output(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 16);
        for b in bytes {
            if *b == b'\n' && self.last != b'\r' {
                out.push(b'\r');
            }
            out.push(*b);
            self.last = *b;
        }
        out
    }
}
