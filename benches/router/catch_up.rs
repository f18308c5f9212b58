//! How a webhook that was down catches up from disk with what waited for it, while events go on to come.
//!
//! Separate from `backlog`, whose destination is new: here it was there all the time, was tried and given a rest, and comes
//! back by itself. The rate is that between the first and the last of the events that had waited.

use std::time::Duration;

use anyhow::Context as _;
use tokio::time::{Instant, sleep};

use super::events::Requests;
use super::faults::line_rate;
use super::figures::{median, say, thousands};
use super::load::{self, Part, Sent};
use super::receiver::{Receiver, Tally};
use super::router::Router;
use super::scenario::{start_receivers, tables};

/// The name by which it is chosen.
pub(crate) const CATCH_UP: &str = "catch-up";
/// How long one run may take.
pub(crate) const LIMIT: Duration = Duration::from_secs(600);

/// Events that wait, unless told otherwise.
const EVENTS: usize = 1_000_000;
const BATCH: usize = 100;
/// Events in a request of those that go on to come, and such requests a second.
const SMALL: usize = 10;
const PER_SECOND: u32 = 200;
/// The journal may take what waits; one that is down is tried again soon, since the pause is not what is measured.
const JOURNAL: &str = "[journal]\nmax_bytes = \"64GiB\"\n\n";
const PATIENCE: &str = "breaker = { open_for = \"1s\" }\nretry = { max = \"1s\" }\n";
/// The status of a destination that is down.
const DOWN: u16 = 503;
const PAUSE: Duration = Duration::from_millis(5);

/// What one run has measured.
struct Measured {
    line: f64,
    rate: f64,
    cpu_us: f64,
    /// Latency of requests at the same rate, milliseconds: while the webhook is down, and while it catches up.
    quiet: [f64; 2],
    busy: [f64; 2],
    peak_mib: f64,
    tally: Tally,
}

/// Runs so often.
pub(crate) async fn run(runs: usize, events: Option<usize>) -> anyhow::Result<Tally> {
    let events = events.unwrap_or(EVENTS).next_multiple_of(BATCH);
    let (mut tally, mut shares) = (Tally::default(), Vec::new());
    for run in 1..=runs {
        let one = measure(events).await?;
        let share = one.rate / one.line * 100.0;
        say(&format!(
            "{CATCH_UP:<15} run {run}: {} events that waited at {}/s while {} came, {share:.0} % of the {}/s of a webhook \
             that keeps up (target 80); {:.2} µs CPU/event; request p50 {:.2} p99 {:.2} ms, while it was down p50 {:.2} \
             p99 {:.2}; RSS peak {:.1} MiB, {}",
            thousands(events as f64),
            thousands(one.rate),
            thousands((PER_SECOND as usize * SMALL) as f64),
            thousands(one.line),
            one.cpu_us,
            one.busy[0],
            one.busy[1],
            one.quiet[0],
            one.quiet[1],
            one.peak_mib,
            one.tally,
        ))?;
        tally = tally.and(one.tally);
        shares.push(share);
    }
    say(&format!("{CATCH_UP:<15} median: {:.0} % of line rate", median(shares)))?;
    Ok(tally)
}

async fn measure(events: usize) -> anyhow::Result<Measured> {
    let (batches, small) = (Requests::new(BATCH), Requests::new(SMALL));
    let line = line_rate(&batches).await?;
    // Longer than it takes at the line rate, so that events come all the while.
    let count = PER_SECOND as usize * ((events as f64 / line).ceil() as usize).clamp(2, 120);
    let receivers = start_receivers(1, events + 2 * count * SMALL)?;
    let receiver = receivers.first().context("no receiver")?;
    receiver.answer_with(DOWN);
    let mut router = Router::start(&(JOURNAL.to_owned() + &tables(&receivers, false) + PATIENCE)).await?;
    load::as_fast_as_answered(router.port, &batches, events / BATCH).await?;
    router.until_projected().await?;
    let part = |first| Part { requests: &small, first, count };
    let quiet = load::at_rate(router.port, part(events / SMALL), PER_SECOND).await?;
    receiver.recover();
    let from = flows(receiver, events).await;
    let cpu = router.cpu()?;
    let load = load::at_rate(router.port, part(events / SMALL + count), PER_SECOND);
    let (busy, drained) = tokio::join!(load, drained(receiver, events, &router));
    let (busy, (until, cpu_then)) = (busy?, drained?);
    router.until_settled((events + 2 * count * SMALL) as u64).await?;
    let peak_mib = router.memory("VmHWM")?;
    router.stop().await?;
    let took = until.duration_since(from);
    let meanwhile = ((took.as_secs_f64() * f64::from(PER_SECOND)).ceil() as usize).clamp(1, count);
    Ok(Measured {
        line,
        rate: events as f64 / took.as_secs_f64(),
        cpu_us: cpu_then.saturating_sub(cpu).as_secs_f64() * 1e6 / (events + meanwhile * SMALL) as f64,
        quiet: latencies(&quiet, count),
        busy: latencies(&busy, meanwhile),
        peak_mib,
        tally: receiver.tally(),
    })
}

/// Waits until the first event has come; returns when.
async fn flows(receiver: &Receiver, events: usize) -> Instant {
    while receiver.taken(0..events) == 0 {
        sleep(PAUSE).await;
    }
    Instant::now()
}

/// Waits until all of these events have come; returns when, and the processor time of the router by then.
async fn drained(receiver: &Receiver, events: usize, router: &Router) -> anyhow::Result<(Instant, Duration)> {
    let mut next = 0;
    while next < events {
        // What has come is not looked at again: the generator is on the same thread.
        while next < events && receiver.came_at(next).is_some() {
            next += 1;
        }
        if next < events {
            sleep(PAUSE).await;
        }
    }
    let cpu = router.cpu()?;
    let last = (0..events).filter_map(|event| receiver.came_at(event)).max();
    Ok((last.context("nothing came")?, cpu))
}

fn latencies(sent: &Sent, count: usize) -> [f64; 2] {
    [0.5, 0.99].map(|share| sent.quantile_of_first(count, share))
}
