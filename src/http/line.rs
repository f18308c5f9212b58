//! A connection and how long its other end may take: over a request head, over the pause between two requests, and over
//! reading an answer.
//!
//! The HTTP server underneath times the first head of a connection and pauses in which nothing is sent. A later head that
//! trickles, and an answer that nobody reads, it would wait for without end. Bodies have a time of their own, and a request
//! that is being answered has as long as its handler takes. Never looks at what is sent.

use std::cell::Cell;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

use super::seats::Seat;

/// How long what is written may find no room on the way before the connection is given up: nobody reads there.
const READS_WITHIN: Duration = Duration::from_secs(60);

/// How long the other end may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// Over a head, from its first byte.
    pub(super) head: Duration,
    /// Over the pause before it.
    pub(super) pause: Duration,
}

/// What the connection is doing, shared with those who handle its requests.
#[derive(Debug, Clone)]
pub(super) struct Line(Rc<Cell<Doing>>);

#[derive(Debug, Clone, Copy)]
enum Doing {
    /// A head is on its way since then.
    Head(Instant),
    /// Nothing is, since the last answer was made.
    Pause(Instant),
    /// A request is being handled, or its answer has no end.
    Request,
}

impl Line {
    fn new() -> Line {
        Line(Rc::new(Cell::new(Doing::Head(Instant::now()))))
    }

    /// A head has arrived whole.
    pub(super) fn begin(&self) {
        self.0.set(Doing::Request);
    }

    /// Its answer is made, and has an end.
    pub(super) fn end(&self) {
        self.0.set(Doing::Pause(Instant::now()));
    }

    fn heard(&self) {
        if let Doing::Pause(_) = self.0.get() {
            self.0.set(Doing::Head(Instant::now()));
        }
    }

    fn is_over(&self, patience: Patience) -> bool {
        match self.0.get() {
            Doing::Head(since) => since.elapsed() >= patience.head,
            Doing::Pause(since) => since.elapsed() >= patience.pause + patience.head,
            Doing::Request => false,
        }
    }
}

/// A stream whose other end has no more time than its patience. It is looked at every [`Patience::head`], so that what is late
/// is given up after one of them and before two.
pub(super) struct Watched<T> {
    stream: T,
    line: Line,
    patience: Patience,
    look: Pin<Box<Sleep>>,
    /// Since when nothing of an answer was taken.
    stuck: Option<Instant>,
    /// Its place among those of its address.
    _seat: Option<Seat>,
}

impl<T> Watched<T> {
    /// Begins to wait for the first head.
    pub(super) fn new(stream: T, patience: Patience, seat: Option<Seat>) -> Watched<T> {
        let look = Box::pin(sleep(patience.head));
        Watched { stream, line: Line::new(), patience, look, stuck: None, _seat: seat }
    }

    /// Returns what the handlers of its requests are given.
    pub(super) fn line(&self) -> Line {
        self.line.clone()
    }

    /// Has the task woken at the next look; returns whether the other end is late.
    fn look(&mut self, cx: &mut Context<'_>) -> bool {
        while self.look.as_mut().poll(cx).is_ready() {
            self.look.as_mut().reset(Instant::now() + self.patience.head);
        }
        self.line.is_over(self.patience)
    }

    /// Takes note of what became of a write.
    fn written<V>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<V>>) -> Poll<io::Result<V>> {
        if written.is_ready() {
            self.stuck = None;
            return written;
        }
        let since = *self.stuck.get_or_insert_with(Instant::now);
        self.look(cx);
        if since.elapsed() < READS_WITHIN {
            return Poll::Pending;
        }
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "nobody reads the answer")))
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Watched<T> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, to: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = to.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(cx, to);
        match read {
            Poll::Ready(_) => {
                if to.filled().len() > before {
                    this.line.heard();
                }
                read
            }
            // Nothing more comes: the server closes in order, and says 408 where it was the first head.
            Poll::Pending if this.look(cx) => Poll::Ready(Ok(())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Watched<T> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(cx, bytes);
        this.written(cx, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(cx, slices);
        this.written(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    const SECOND: Duration = Duration::from_secs(1);
    const PATIENCE: Patience = Patience { head: Duration::from_secs(10), pause: Duration::from_secs(75) };

    fn pair(room: usize) -> (Watched<DuplexStream>, DuplexStream) {
        let (near, far) = duplex(room);
        (Watched::new(near, PATIENCE, None), far)
    }

    /// Sends a byte a second; returns when the other side ends, in seconds.
    async fn trickle(mut watched: Watched<DuplexStream>, mut far: DuplexStream) -> u64 {
        let begun = Instant::now();
        let slow = async {
            loop {
                far.write_all(b"x").await.ok();
                sleep(SECOND).await;
            }
        };
        let reads = async { while watched.read(&mut [0; 64]).await.unwrap() > 0 {} };
        tokio::select! { () = slow => {}, () = reads => {} }
        begun.elapsed().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_trickles_is_given_up_whether_it_is_the_first_or_a_later_one() {
        let (first, far) = pair(64);
        assert!((10..=20).contains(&trickle(first, far).await));
        let (later, far) = pair(64);
        later.line().begin();
        later.line().end();
        assert!((10..=20).contains(&trickle(later, far).await));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_and_an_answer_without_end_are_not_its_business() {
        let (mut watched, mut far) = pair(64);
        watched.line().begin();
        let silent = async {
            sleep(1000 * SECOND).await;
            far.write_all(b"late").await.unwrap();
        };
        let (read, ()) = tokio::join!(async { watched.read(&mut [0; 64]).await.unwrap() }, silent);
        assert_eq!(read, 4);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_ends_after_its_time_also_when_a_part_of_a_head_was_read_ahead() {
        let (mut watched, _far) = pair(64);
        watched.line().begin();
        watched.line().end();
        let begun = Instant::now();
        assert_eq!(watched.read(&mut [0; 64]).await.unwrap(), 0);
        assert!((85..=95).contains(&begun.elapsed().as_secs()));
    }

    async fn read_slowly(mut far: DuplexStream) {
        for _ in 0..20 {
            sleep(30 * SECOND).await;
            far.read_exact(&mut [0; 50]).await.unwrap();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_nobody_reads_is_given_up_and_one_that_is_read_slowly_is_not() {
        let (mut watched, _far) = pair(64);
        watched.line().begin();
        let begun = Instant::now();
        let error = watched.write_all(&[0; 1000]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!((60..=70).contains(&begun.elapsed().as_secs()));

        let (mut watched, far) = pair(64);
        watched.line().begin();
        let (written, ()) = tokio::join!(async { watched.write_all(&[0; 1000]).await }, read_slowly(far));
        written.unwrap();
    }
}
