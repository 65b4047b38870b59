//! Bytes from one socket to the other, both ways: each direction waits for whoever takes its bytes, holds one buffer of them, and ends by
//! itself.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::watch;

use super::Listening;
use super::handshake;

/// Held in each direction. What is not touched takes no memory, so a quiet connection has a page of it.
const BUFFER_BYTES: usize = 64 << 10;
/// When one direction has ended, the other may be quiet for so long. A WebSocket has ended then; whoever still has bytes to pass on may.
const QUIET_AFTER_END: Duration = Duration::from_secs(5);

/// Passes on until both directions have ended.
pub(super) async fn both_ways(client: UnixStream, upstream: UnixStream, listening: &mut Listening) {
    let (from_client, to_client) = client.into_split();
    let (from_upstream, to_upstream) = upstream.into_split();
    let ended = watch::Sender::new(false);
    let asks = async {
        let mut way = Way::new(from_client, to_upstream, &ended);
        let how = way_in(&mut way, listening).await;
        way.ends(how).await;
    };
    let answers = async {
        let mut way = Way::new(from_upstream, to_client, &ended);
        let how = way_out(&mut way).await;
        way.ends(how).await;
    };
    tokio::join!(asks, answers);
}

/// From the client: the head without one header, then everything as it is. What was passed on is read afterwards.
async fn way_in(way: &mut Way<'_>, listening: &mut Listening) -> io::Result<()> {
    let mut begun = Vec::new();
    let head = loop {
        let Some(bytes) = way.read().await? else {
            return way.write(&begun).await;
        };
        begun.extend_from_slice(bytes);
        let in_bounds = &begun[..begun.len().min(handshake::MAX_HEAD_BYTES)];
        match handshake::head_bytes(in_bounds) {
            Some(length) => break Some(length),
            None if begun.len() > in_bounds.len() => break None,
            None => {}
        }
    };
    match head {
        Some(length) => {
            let (head, rest) = begun.split_at(length);
            let mut plain = handshake::without_compression(head);
            plain.extend_from_slice(rest);
            way.write(&plain).await?;
            listening.hear(rest);
        }
        None => {
            way.write(&begun).await?;
            listening.give_up("it does not begin like a WebSocket");
        }
    }
    drop(begun);
    while way.pass(|bytes| listening.hear(bytes)).await? {}
    Ok(())
}

async fn way_out(way: &mut Way<'_>) -> io::Result<()> {
    while way.pass(|_| ()).await? {}
    Ok(())
}

/// One direction.
struct Way<'a> {
    from: OwnedReadHalf,
    to: OwnedWriteHalf,
    buffer: Vec<u8>,
    /// Whether the other direction has ended.
    ended: &'a watch::Sender<bool>,
    other: watch::Receiver<bool>,
}

impl<'a> Way<'a> {
    fn new(from: OwnedReadHalf, to: OwnedWriteHalf, ended: &'a watch::Sender<bool>) -> Self {
        Self {
            from,
            to,
            buffer: vec![0; BUFFER_BYTES],
            ended,
            other: ended.subscribe(),
        }
    }

    /// Waits for bytes; none: whoever sends them has ended.
    async fn read(&mut self) -> io::Result<Option<&[u8]>> {
        let read = self.from.read(&mut self.buffer);
        let count = patiently(&mut self.other, read).await?;
        Ok((count > 0).then_some(&self.buffer[..count]))
    }

    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        patiently(&mut self.other, self.to.write_all(bytes)).await
    }

    /// Passes on what comes next; false: whoever sends has ended.
    async fn pass(&mut self, passed: impl FnOnce(&[u8])) -> io::Result<bool> {
        let read = self.from.read(&mut self.buffer);
        let count = patiently(&mut self.other, read).await?;
        let bytes = &self.buffer[..count];
        patiently(&mut self.other, self.to.write_all(bytes)).await?;
        passed(bytes);
        Ok(count > 0)
    }

    /// Passes the end on.
    async fn ends(&mut self, how: io::Result<()>) {
        if let Err(error) = how {
            tracing::debug!(%error, "a connection ended");
        }
        self.ended.send_replace(true);
        // The other side may be gone already.
        self.to.shutdown().await.ok();
    }
}

/// Waits without end for as long as the other direction lives.
async fn patiently<T>(
    other: &mut watch::Receiver<bool>,
    work: impl Future<Output = io::Result<T>>,
) -> io::Result<T> {
    let too_quiet = async {
        // Its sender outlives both directions.
        other.wait_for(|ended| *ended).await.ok();
        tokio::time::sleep(QUIET_AFTER_END).await;
    };
    tokio::select! {
        biased;
        done = work => done,
        () = too_quiet => Err(io::ErrorKind::TimedOut.into()),
    }
}
