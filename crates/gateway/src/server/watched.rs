//! A socket that is given up when the other end does not read.
//!
//! Whoever writes a response waits for room in the socket, and would wait for ever: a half-open connection and a reader that
//! has stopped look the same. So the wait is bounded here, below every writer, for each response and every WebSocket.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Sleep, sleep},
};

/// A socket whose writes fail with [`io::ErrorKind::TimedOut`] once one has been pending for the limit.
#[derive(Debug)]
pub(super) struct Watched {
    stream: TcpStream,
    limit: Duration,
    /// Runs while a write is pending.
    pending: Option<Pin<Box<Sleep>>>,
}

impl Watched {
    pub(super) const fn new(stream: TcpStream, limit: Duration) -> Self {
        Self { stream, limit, pending: None }
    }

    /// The socket itself. Whoever writes to it from here on watches it.
    pub(super) fn into_inner(self) -> TcpStream {
        self.stream
    }

    /// Whether a write did not get through yet.
    pub(super) const fn is_blocked(&self) -> bool {
        self.pending.is_some()
    }

    fn watch<T>(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut TcpStream>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if let Poll::Ready(written) = write(Pin::new(&mut self.stream), context) {
            self.pending = None;
            return Poll::Ready(written);
        }
        let limit = self.limit;
        let pending = self.pending.get_or_insert_with(|| Box::pin(sleep(limit)));
        ready!(pending.as_mut().poll(context));
        // What lies in the system's buffers is for nobody: without this it would stay there for minutes.
        let _ = self.stream.set_zero_linger();
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the other end does not read")))
    }
}

impl AsyncWrite for Watched {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.watch(context, |stream, context| stream.poll_write(context, bytes))
    }

    fn poll_write_vectored(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        self.watch(context, |stream, context| stream.poll_write_vectored(context, bytes))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.watch(context, |stream, context| stream.poll_flush(context))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl AsyncRead for Watched {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
        time::{Instant, timeout},
    };

    use super::*;

    const LIMIT: Duration = Duration::from_millis(300);

    /// No single step takes this long.
    const DEADLINE: Duration = Duration::from_secs(30);

    async fn pair() -> (Watched, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let other = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        (Watched::new(stream, LIMIT), other)
    }

    /// Writes until the socket takes no more; how long the last write was pending, and how it ended.
    async fn fill(stream: &mut Watched) -> (Duration, io::Error) {
        let piece = [7; 64 << 10];
        loop {
            let begun = Instant::now();
            if let Err(error) = timeout(DEADLINE, stream.write_all(&piece)).await.expect("the end of a write") {
                return (begun.elapsed(), error);
            }
        }
    }

    #[tokio::test]
    async fn a_write_that_nobody_reads_fails_after_the_limit_and_not_before() {
        let (mut stream, mut other) = pair().await;
        let (waited, error) = fill(&mut stream).await;
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(waited >= LIMIT, "{waited:?}");
        drop(stream);
        let mut rest = Vec::new();
        let end = timeout(DEADLINE, other.read_to_end(&mut rest)).await.expect("the end of the socket");
        assert_eq!(end.unwrap_err().kind(), io::ErrorKind::ConnectionReset, "the system kept nothing for it");
    }

    #[tokio::test]
    async fn a_slow_reader_is_no_stalled_one() {
        let (mut stream, mut other) = pair().await;
        let writing = tokio::spawn(async move {
            let begun = Instant::now();
            while begun.elapsed() < 4 * LIMIT {
                stream.write_all(&[7; 64 << 10]).await?;
            }
            io::Result::Ok(())
        });
        let mut piece = vec![0; 256 << 10];
        while !writing.is_finished() {
            timeout(DEADLINE, other.read(&mut piece)).await.expect("a piece").unwrap();
            sleep(LIMIT / 20).await;
        }
        timeout(DEADLINE, writing).await.expect("the end of the writing").unwrap().expect("every write within the limit");
    }
}
