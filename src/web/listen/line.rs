//! The bytes of one connection, whoever holds them: HTTP, or what a request was upgraded to. They can be cut from outside, and say
//! when nobody holds them any more.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::sync::{CancellationToken, DropGuard, WaitForCancellationFutureOwned};

pub(super) struct Line<I> {
    bytes: I,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
    _held: DropGuard,
}

impl<I> Line<I> {
    /// Nothing goes through after `cut`; `gone` is cancelled when it is dropped.
    pub(super) fn new(bytes: I, cut: CancellationToken, gone: CancellationToken) -> Self {
        Self {
            bytes,
            cut: Box::pin(cut.cancelled_owned()),
            _held: gone.drop_guard(),
        }
    }

    /// Ready with an error once it was cut; whoever waits is woken then.
    fn is_cut(&mut self, context: &mut Context<'_>) -> Option<io::Error> {
        let cut = self.cut.as_mut().poll(context);
        cut.is_ready()
            .then(|| io::ErrorKind::ConnectionAborted.into())
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Line<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.is_cut(context) {
            Some(error) => Poll::Ready(Err(error)),
            None => Pin::new(&mut self.bytes).poll_read(context, into),
        }
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Line<I> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        from: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.is_cut(context) {
            Some(error) => Poll::Ready(Err(error)),
            None => Pin::new(&mut self.bytes).poll_write(context, from),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        from: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.is_cut(context) {
            Some(error) => Poll::Ready(Err(error)),
            None => Pin::new(&mut self.bytes).poll_write_vectored(context, from),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.bytes.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.bytes).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.bytes).poll_shutdown(context)
    }
}
