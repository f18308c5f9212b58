//! One stretch at a steady rate, and what an event of it has cost the router: as a whole, and in the threads that answer
//! requests.
//!
//! Separate because all costs of growth are taken in this way: below what the router could take, so that everybody who reads
//! keeps up, and with so few questions to the router that they do not count.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::load::{self, Part};
use crate::router::{Router, since};

/// How long a stretch is followed beyond its last request: longer than a batch waits for company, so that one look is enough.
const TAIL: Duration = Duration::from_secs(1);
/// From one further look to the next whether everything is through: each one costs the router time.
const LOOK: Duration = Duration::from_millis(250);
/// How long a router without events is looked at.
const REST: Duration = Duration::from_secs(3);

/// Microseconds of processor time of an event; of a router without events, of a second.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cost {
    /// Of the process.
    pub(super) whole: f64,
    /// Of the threads that answer requests.
    pub(super) workers: f64,
}

/// Returns what a second costs in which nothing comes: short stretches have more such time than long ones.
pub(super) async fn idle() -> anyhow::Result<Cost> {
    let router = Router::start("").await?;
    let meter = Meter::start(&router)?;
    sleep(REST).await;
    Ok(meter.cost(&router, Cost::default())?.over(REST.as_secs_f64()))
}

/// Sends this part at the rate and returns the cost of one of its events, without what an idle router costs: until live numbers
/// and reports are through with all, and, unless something is to be kept from them, the destinations as well.
pub(super) async fn cost(
    router: &Router,
    part: Part<'_>,
    (per_second, idle): (usize, Cost),
    is_delivered: bool,
) -> anyhow::Result<Cost> {
    let size = part.requests.size;
    let meter = Meter::start(router)?;
    load::at_rate(router.port, part, (per_second / size) as u32).await?;
    let last = is_delivered.then_some(((part.first + part.count) * size) as u64);
    let mut pause = TAIL;
    loop {
        sleep(pause).await;
        let spent = meter.cost(router, idle)?;
        if is_through(router, last).await? {
            return Ok(spent.over((part.count * size) as f64));
        }
        pause = LOOK;
    }
}

/// Counts from when it is started.
struct Meter {
    began: Instant,
    threads: HashMap<String, Duration>,
    workers: Duration,
}

impl Meter {
    fn start(router: &Router) -> anyhow::Result<Meter> {
        Ok(Meter { began: Instant::now(), threads: router.threads()?, workers: router.workers()? })
    }

    /// Returns the processor time since the start, without that of an idle router.
    fn cost(&self, router: &Router, idle: Cost) -> anyhow::Result<Cost> {
        let micros =
            |time: Duration, idle: f64| time.as_secs_f64() * 1e6 - idle * self.began.elapsed().as_secs_f64();
        let workers = router.workers()?.saturating_sub(self.workers);
        let whole = since(&self.threads, &router.threads()?);
        Ok(Cost { whole: micros(whole, idle.whole), workers: micros(workers, idle.workers) })
    }
}

impl Cost {
    fn over(self, number: f64) -> Cost {
        Cost { whole: self.whole / number, workers: self.workers / number }
    }
}

/// Sends this part as fast as it is answered, and waits until everybody is through with it.
pub(super) async fn fill(router: &Router, part: Part<'_>, is_delivered: bool) -> anyhow::Result<()> {
    load::part_as_fast_as_answered(router.port, part).await?;
    let last = is_delivered.then_some(((part.first + part.count) * part.requests.size) as u64);
    while !is_through(router, last).await? {
        sleep(LOOK).await;
    }
    Ok(())
}

async fn is_through(router: &Router, settled: Option<u64>) -> anyhow::Result<bool> {
    let is_settled = match settled {
        Some(events) => router.has_settled(events).await?,
        None => true,
    };
    Ok(is_settled && router.has_projected().await?)
}
