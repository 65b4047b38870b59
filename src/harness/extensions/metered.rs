//! What an extension says, with an end to it: no line and no answer is longer than anybody takes, and what it complains about is kept only
//! as far as somebody may read it.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncReadExt as _, ReadBuf};
use tokio_util::sync::CancellationToken;

/// The longest line.
pub const MAX_LINE: usize = 1 << 20;
/// The most that may be said at one event, in whatever lines. What floods us is ended before it costs anything.
const MAX_SAID: usize = 8 << 20;
/// How much of the end of what is said on standard error is kept.
const KEPT: usize = 64 << 10;

/// Watches over what is said.
#[derive(Debug, Clone, Default)]
pub struct Meter(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    said: Mutex<Said>,
    /// Cancelled when it said too much, or says nothing more.
    over: CancellationToken,
}

#[derive(Debug, Default)]
struct Said {
    line: usize,
    all: usize,
    is_too_much: bool,
}

impl Meter {
    /// From now on it may say as much again.
    pub fn begin(&self) {
        self.lock().all = 0;
    }

    /// Whether it was broken off because it said too much.
    pub fn is_too_much(&self) -> bool {
        self.lock().is_too_much
    }

    /// Returns when nothing more will be heard.
    pub async fn over(&self) {
        self.0.over.cancelled().await;
    }

    fn count(&self, new: &[u8]) -> bool {
        let mut said = self.lock();
        said.all += new.len();
        for piece in new.split_inclusive(|byte| *byte == b'\n') {
            said.line += piece.len();
            said.is_too_much |= said.line > MAX_LINE;
            if piece.ends_with(b"\n") {
                said.line = 0;
            }
        }
        said.is_too_much |= said.all > MAX_SAID;
        !said.is_too_much
    }

    fn lock(&self) -> MutexGuard<'_, Said> {
        // Numbers are whole after a panic as well.
        self.0.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A pipe with a meter in it.
#[derive(Debug)]
pub struct Metered<R> {
    pipe: R,
    meter: Meter,
}

impl<R> Metered<R> {
    /// This pipe, watched.
    pub fn new(pipe: R, meter: Meter) -> Self {
        Self { pipe, meter }
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Metered<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.pipe).poll_read(context, buffer);
        let Poll::Ready(read) = read else {
            return Poll::Pending;
        };
        let new = &buffer.filled()[before..];
        let is_end = read.is_err() || new.is_empty();
        if !is_end && self.meter.count(new) {
            return Poll::Ready(read);
        }
        // Nothing of what was too much is looked at: the conversation ends here.
        buffer.set_filled(before);
        self.meter.0.over.cancel();
        Poll::Ready(read)
    }
}

/// The end of what is said on standard error.
#[derive(Debug, Clone, Default)]
pub struct Complaints(Arc<Mutex<VecDeque<u8>>>);

impl Complaints {
    /// Takes in everything until the end.
    pub async fn hear(self, mut pipe: impl AsyncRead + Unpin) {
        let mut buffer = vec![0; 8 << 10];
        while let Ok(count) = pipe.read(&mut buffer).await {
            if count == 0 {
                return;
            }
            let mut kept = self.lock();
            kept.extend(&buffer[..count]);
            let excess = kept.len().saturating_sub(KEPT);
            kept.drain(..excess);
        }
    }

    /// As text.
    pub fn text(&self) -> String {
        let mut kept = self.lock();
        String::from_utf8_lossy(kept.make_contiguous()).into_owned()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    async fn read(text: &[u8]) -> (usize, Meter) {
        let meter = Meter::default();
        let mut heard = Vec::new();
        let mut pipe = Metered::new(text, meter.clone());
        pipe.read_to_end(&mut heard).await.unwrap();
        (heard.len(), meter)
    }

    #[tokio::test]
    async fn a_line_that_is_too_long_ends_the_conversation() {
        let lines = "x\n".repeat(1000);
        let (heard, meter) = read(lines.as_bytes()).await;
        assert_eq!((heard, meter.is_too_much()), (2000, false));
        let long = vec![b'x'; MAX_LINE + 1];
        let (heard, meter) = read(&long).await;
        assert!(heard <= MAX_LINE && meter.is_too_much());
        let short = format!("{}\n", "x".repeat(1000)).repeat(9000);
        let (heard, meter) = read(short.as_bytes()).await;
        assert!(heard <= MAX_SAID && meter.is_too_much());
        meter.over().await;
    }

    #[tokio::test]
    async fn the_end_of_complaints_is_kept() {
        let complaints = Complaints::default();
        let text = format!("{}the end", "x".repeat(KEPT));
        complaints.clone().hear(text.as_bytes()).await;
        let kept = complaints.text();
        assert_eq!(kept.len(), KEPT);
        assert!(kept.ends_with("the end"));
    }
}
