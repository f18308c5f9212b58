//! The sending side: 64 kept connections on one thread, as fast as answers come or at a fixed rate.
//!
//! One thread, since the router needs the cores. Latency at a fixed rate counts from the instant at which a request was
//! due, so that a router that stalls cannot make its own figures better.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use futures_util::future::try_join_all;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::events::Requests;
use super::wire::Connection;

/// Connections that are kept open.
pub(crate) const CONNECTIONS: usize = 64;

/// What a load has seen.
pub(crate) struct Sent {
    /// When the first request went out.
    pub(crate) began: Instant,
    /// Until the last answer.
    pub(crate) took: Duration,
    /// Of every request, in their order.
    latencies: Vec<Duration>,
}

/// Which requests go out.
#[derive(Clone, Copy)]
pub(crate) struct Part<'a> {
    pub(crate) requests: &'a Requests,
    /// The number of the first.
    pub(crate) first: usize,
    pub(crate) count: usize,
}

impl Sent {
    /// Returns the latency in milliseconds that this share of the requests stayed below.
    pub(crate) fn quantile(&self, share: f64) -> f64 {
        self.quantile_of_first(self.latencies.len(), share)
    }

    /// Returns the same of the first `count` requests alone.
    pub(crate) fn quantile_of_first(&self, count: usize, share: f64) -> f64 {
        let mut sorted: Vec<Duration> = self.latencies.iter().copied().take(count).collect();
        sorted.sort_unstable();
        let at = (sorted.len().saturating_sub(1) as f64 * share).round() as usize;
        sorted.get(at).map_or(f64::NAN, |latency| latency.as_secs_f64() * 1e3)
    }
}

/// When requests go out.
#[derive(Clone)]
enum Pace {
    /// The next one as soon as a connection is free.
    Closed,
    /// One every period; a permit for each that is due.
    Open { due: Arc<Semaphore>, period: Duration },
}

/// What the connections share.
struct Work<'a> {
    part: Part<'a>,
    next: Cell<usize>,
    began: Instant,
    pace: Pace,
    latencies: RefCell<Vec<Duration>>,
}

/// Sends `count` requests, each as soon as a connection is free.
pub(crate) async fn as_fast_as_answered(
    port: u16,
    requests: &Requests,
    count: usize,
) -> anyhow::Result<Sent> {
    part_as_fast_as_answered(port, Part { requests, first: 0, count }).await
}

/// Sends these requests, each as soon as a connection is free.
pub(crate) async fn part_as_fast_as_answered(port: u16, part: Part<'_>) -> anyhow::Result<Sent> {
    run(port, part, Pace::Closed).await
}

/// Sends `per_second` requests a second, whether earlier ones are answered or not, as long as a connection is free.
pub(crate) async fn at_rate(port: u16, part: Part<'_>, per_second: u32) -> anyhow::Result<Sent> {
    let pace = Pace::Open { due: Arc::new(Semaphore::new(0)), period: Duration::from_secs(1) / per_second };
    run(port, part, pace).await
}

async fn run(port: u16, part: Part<'_>, pace: Pace) -> anyhow::Result<Sent> {
    let connections = try_join_all((0..CONNECTIONS).map(|_| Connection::open(port))).await?;
    let latencies = RefCell::new(vec![Duration::ZERO; part.count]);
    let work = Work { part, next: Cell::new(0), began: Instant::now(), pace, latencies };
    let pacer = work.start_pacer();
    try_join_all(connections.into_iter().map(|connection| work.drive(connection))).await?;
    let took = work.began.elapsed();
    if let Some(pacer) = pacer {
        pacer.join().ok().context("the pacer failed")?;
    }
    Ok(Sent { began: work.began, took, latencies: work.latencies.into_inner() })
}

impl Work<'_> {
    /// Sends one request after the other over this connection until all are sent.
    async fn drive(&self, mut connection: Connection) -> anyhow::Result<()> {
        let mut request = Vec::new();
        loop {
            if let Pace::Open { due, .. } = &self.pace {
                due.acquire().await?.forget();
            }
            let number = self.next.get();
            if number >= self.part.count {
                return Ok(());
            }
            self.next.set(number + 1);
            self.part.requests.fill(self.part.first + number, &mut request);
            let from = self.due_at(number);
            connection.send(&request).await?;
            if let Some(latency) = self.latencies.borrow_mut().get_mut(number) {
                *latency = from.elapsed();
            }
        }
    }

    fn due_at(&self, number: usize) -> Instant {
        match &self.pace {
            Pace::Closed => Instant::now(),
            Pace::Open { period, .. } => due_at(self.began, *period, number),
        }
    }

    /// Starts the thread that says when a request is due: the runtime's own timer counts in whole milliseconds.
    fn start_pacer(&self) -> Option<std::thread::JoinHandle<()>> {
        let Pace::Open { due, period } = self.pace.clone() else { return None };
        let (began, count) = (self.began, self.part.count);
        Some(std::thread::spawn(move || {
            for number in 0..count {
                park_until(due_at(began, period, number));
                due.add_permits(1);
            }
            // One for each connection to find that nothing is left.
            due.add_permits(CONNECTIONS);
        }))
    }
}

fn park_until(at: Instant) {
    while Instant::now() < at {
        std::thread::park_timeout(at.duration_since(Instant::now()));
    }
}

fn due_at(began: Instant, period: Duration, number: usize) -> Instant {
    began + period.mul_f64(number as f64)
}
