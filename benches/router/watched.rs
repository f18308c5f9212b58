//! What somebody who watches single events costs: the router's processor time at one rate, with and without a reader of
//! `/api/live` as `opentrack tail` is one.
//!
//! Separate because it compares two halves of one run: the same router, in turn alone and watched, so that what drifts
//! meanwhile touches both alike. Judges nothing; the bound is printed beside the ratio.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::ensure;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::events::Requests;
use super::figures::{median, say, thousands};
use super::load::{self, Part};
use super::receiver::{Receiver, Tally};
use super::router::{Router, since};
use super::scenario::{start_receivers, tables};

/// The name by which it is chosen.
pub(crate) const WATCHED: &str = "watched";

const EVENTS_PER_SECOND: usize = 10_000;
const BATCH: usize = 100;
/// Events of one leg unless told otherwise: five seconds.
const EVENTS: usize = 50_000;
/// Whether each leg is watched. Alone comes first and last, so that a steady drift is on neither side.
const LEGS: [bool; 4] = [false, true, true, false];
/// What the ratio is to stay below.
const BOUND: f64 = 1.02;

/// Runs so often and prints each run's ratio, and the median.
pub(crate) async fn run(runs: usize, events: Option<usize>) -> anyhow::Result<Tally> {
    let requests = Requests::new(BATCH);
    let count = events.unwrap_or(EVENTS).div_ceil(BATCH);
    let (mut tally, mut ratios) = (Tally::default(), Vec::new());
    for run in 1..=runs {
        let receivers = start_receivers(1, LEGS.len() * count * BATCH)?;
        let router = Router::start(&tables(&receivers, false)).await?;
        let mut course = Course { router, requests: &requests, count, sent: 0 };
        let sides = course.go().await?;
        course.router.stop().await?;
        let one = receivers.iter().map(Receiver::tally).fold(Tally::default(), Tally::and);
        tally = tally.and(one);
        ratios.push(sides.ratio());
        say(&format!("{WATCHED:<15} run {run}: {sides}, {one}"))?;
    }
    say(&format!("{WATCHED:<15} median: ratio {:.3} (bound {BOUND})", median(ratios)))?;
    Ok(tally)
}

/// One router and how far it is.
struct Course<'a> {
    router: Router,
    requests: &'a Requests,
    /// Requests of one leg.
    count: usize,
    /// Requests so far.
    sent: usize,
}

/// What both halves have cost.
#[derive(Default)]
struct Sides {
    alone: Duration,
    watched: Duration,
    /// Events on each side.
    events: usize,
    frames: u64,
}

impl Course<'_> {
    async fn go(&mut self) -> anyhow::Result<Sides> {
        let mut sides = Sides { events: self.count * BATCH * LEGS.len() / 2, ..Sides::default() };
        for is_watched in LEGS {
            if is_watched {
                let watcher = Watcher::start(self.router.port).await?;
                sides.watched += self.leg().await?;
                let frames = watcher.frames();
                ensure!(frames > 0, "who watches has seen nothing");
                sides.frames += frames;
            } else {
                sides.alone += self.leg().await?;
            }
        }
        Ok(sides)
    }

    /// Sends one leg at the rate; returns the processor time until all of it is delivered.
    async fn leg(&mut self) -> anyhow::Result<Duration> {
        let part = Part { requests: self.requests, first: self.sent, count: self.count };
        let before = self.router.threads()?;
        load::at_rate(self.router.port, part, (EVENTS_PER_SECOND / BATCH) as u32).await?;
        self.sent += self.count;
        self.router.until_settled((self.sent * BATCH) as u64).await?;
        Ok(since(&before, &self.router.threads()?))
    }
}

impl Sides {
    fn ratio(&self) -> f64 {
        self.watched.as_secs_f64() / self.alone.as_secs_f64()
    }

    fn each(&self, time: Duration) -> f64 {
        time.as_secs_f64() * 1e6 / self.events as f64
    }
}

impl std::fmt::Display for Sides {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} events/s, {} each way: alone {:.2} µs CPU/event, watched {:.2}, ratio {:.3} (bound {BOUND}), {} frames \
             read",
            thousands(EVENTS_PER_SECOND as f64),
            thousands(self.events as f64),
            self.each(self.alone),
            self.each(self.watched),
            self.ratio(),
            thousands(self.frames as f64),
        )
    }
}

/// Reads `/api/live` until it is dropped.
struct Watcher {
    frames: Arc<AtomicU64>,
    work: JoinHandle<()>,
}

impl Watcher {
    /// Opens the stream; the router knows of the watcher when this returns.
    async fn start(port: u16) -> anyhow::Result<Watcher> {
        let mut stream = BufReader::new(TcpStream::connect(("127.0.0.1", port)).await?);
        stream.write_all(b"GET /api/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").await?;
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        ensure!(line.starts_with("HTTP/1.1 200"), "nobody may watch: {line:?}");
        let frames = Arc::new(AtomicU64::new(0));
        #[expect(
            clippy::disallowed_methods,
            reason = "it is ended with its watcher, and its frames are counted"
        )]
        let work = tokio::spawn(count(stream, Arc::clone(&frames)));
        Ok(Watcher { frames, work })
    }

    fn frames(&self) -> u64 {
        self.frames.load(Ordering::Relaxed)
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.work.abort();
    }
}

/// Counts frames: each has one line of data, and no line is in two chunks.
async fn count(mut stream: BufReader<TcpStream>, frames: Arc<AtomicU64>) {
    let mut line = Vec::new();
    while stream.read_until(b'\n', &mut line).await.is_ok_and(|read| read > 0) {
        if line.starts_with(b"data: ") {
            frames.fetch_add(1, Ordering::Relaxed);
        }
        line.clear();
    }
}
