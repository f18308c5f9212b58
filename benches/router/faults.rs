//! The scenarios with faults: what a sick destination costs the others, what poison costs, how a destination comes back,
//! and how a backlog drains.
//!
//! Separate from the others because their figures are about what does not change, or comes back. Each prints as it goes;
//! `docs/reliability.md` holds the figures. They run only when they are asked for, since they take minutes.

use std::fmt::Write as _;
use std::ops::Range;
use std::time::Duration;

use anyhow::ensure;
use tokio::time::{Instant, sleep};

use super::events::Requests;
use super::figures::{median, say, thousands};
use super::load::{self, Part, Sent};
use super::metrics;
use super::receiver::{Receiver, Tally};
use super::router::Router;
use super::scenario::start_receivers;

/// The names by which they are chosen.
pub(crate) const FAULTS: [&str; 5] = ["isolation", "poison", "revoked", "outage", "backlog"];
/// The time that one of them may take.
pub(crate) const LIMIT: Duration = Duration::from_secs(300);

/// Events in a request where the rate is fixed.
const SMALL: usize = 10;
/// Requests of that size a second.
const PER_SECOND: u32 = 200;
/// Pause between two looks.
const PAUSE: Duration = Duration::from_millis(5);

/// Runs one of them.
pub(crate) async fn run(name: &str, events: Option<usize>) -> anyhow::Result<Tally> {
    match name {
        "isolation" => isolation().await,
        "poison" => poison().await,
        "revoked" => comes_back("revoked", 401).await,
        "outage" => comes_back("outage", 503).await,
        _ => backlog(events.unwrap_or(1_000_000)).await,
    }
}

/// Webhooks with these further lines.
fn tables(receivers: &[Receiver], extra: &str) -> String {
    let mut text = String::new();
    for (number, receiver) in receivers.iter().enumerate() {
        let url = format!("http://127.0.0.1:{}/in", receiver.port);
        writeln!(text, "[destinations.webhook{number}]\ntype = \"webhook\"\nurl = \"{url}\"\n{extra}\n").ok();
    }
    text
}

/// Waits until a receiver has taken all of these events.
async fn until_taken(receiver: &Receiver, events: Range<usize>) {
    while receiver.taken(events.clone()) < events.len() {
        sleep(PAUSE).await;
    }
}

/// What one stretch of time with a steady load has shown.
struct Stretch {
    /// Latency of requests, milliseconds.
    ingest_p99: f64,
    /// From the instant at which an event's request was due to its arrival at a healthy receiver, milliseconds.
    delivery_p99: f64,
    memory: f64,
}

/// Four webhooks, of which the first hangs in every second stretch. A sick stretch is compared with the healthy ones
/// around it.
async fn isolation() -> anyhow::Result<Tally> {
    const STRETCHES: usize = 10;
    const SECONDS: usize = 8;
    let requests = Requests::new(SMALL);
    let count = PER_SECOND as usize * SECONDS;
    let receivers = start_receivers(4, STRETCHES * count * SMALL)?;
    let extra = "timeout = \"2s\"\nbreaker = { open_for = \"2s\" }\nretry = { max = \"2s\" }";
    let mut router = Router::start(&tables(&receivers, extra)).await?;
    let (mut healthy, mut sick) = (Vec::new(), Vec::new());
    for number in 0..STRETCHES {
        let hangs = number % 2 == 1;
        if hangs {
            first(&receivers)?.hang();
        }
        let part = Part { requests: &requests, first: number * count, count };
        let stretch = stretch(&router, &receivers, part).await?;
        first(&receivers)?.recover();
        until_taken(first(&receivers)?, 0..(number + 1) * count * SMALL).await;
        say_stretch(&format!("{}, stretch {number}", word(hangs)), &stretch)?;
        // The first two warm up.
        if number > 1 {
            if hangs { &mut sick } else { &mut healthy }.push(stretch);
        }
    }
    say_stretch(&format!("{}, median of {}", word(false), healthy.len()), &middle(&healthy))?;
    say_stretch(&format!("{}, median of {}", word(true), sick.len()), &middle(&sick))?;
    router.stop().await?;
    Ok(receivers.iter().map(Receiver::tally).fold(Tally::default(), Tally::and))
}

fn word(hangs: bool) -> &'static str {
    if hangs { "one hangs" } else { "all well " }
}

fn first(receivers: &[Receiver]) -> anyhow::Result<&Receiver> {
    receivers.first().ok_or_else(|| anyhow::anyhow!("no receiver"))
}

/// Sends at the fixed rate, and measures at the receivers from the second on.
async fn stretch(router: &Router, receivers: &[Receiver], part: Part<'_>) -> anyhow::Result<Stretch> {
    let sent = load::at_rate(router.port, part, PER_SECOND).await?;
    let events = part.first * SMALL..(part.first + part.count) * SMALL;
    // The last batch waits in vain for company, however well its receiver is.
    let measured = events.start..events.end - PER_SECOND as usize * SMALL;
    let mut latencies = Vec::new();
    for receiver in receivers.iter().skip(1) {
        until_taken(receiver, events.clone()).await;
        latencies.extend(measured.clone().filter_map(|event| {
            let due =
                sent.began + Duration::from_secs(1) / PER_SECOND * ((event / SMALL - part.first) as u32);
            Some(receiver.came_at(event)?.saturating_duration_since(due).as_secs_f64() * 1e3)
        }));
    }
    latencies.sort_unstable_by(f64::total_cmp);
    let p99 = latencies.get(latencies.len() * 99 / 100).copied().unwrap_or(f64::NAN);
    Ok(Stretch { ingest_p99: sent.quantile(0.99), delivery_p99: p99, memory: router.memory("VmRSS")? })
}

fn middle(stretches: &[Stretch]) -> Stretch {
    let of = |figure: fn(&Stretch) -> f64| median(stretches.iter().map(figure).collect());
    Stretch {
        ingest_p99: of(|one| one.ingest_p99),
        delivery_p99: of(|one| one.delivery_p99),
        memory: of(|one| one.memory),
    }
}

fn say_stretch(what: &str, stretch: &Stretch) -> anyhow::Result<()> {
    say(&format!(
        "isolation       {what}: ingest p99 {:.2} ms, delivery of the other three p99 {:.1} ms, RSS {:.1} MiB",
        stretch.ingest_p99, stretch.delivery_p99, stretch.memory
    ))
}

/// Batches of 500 with one event in each that is refused, at another place every time.
async fn poison() -> anyhow::Result<Tally> {
    const SIZE: usize = 500;
    const BATCHES: usize = 50;
    let requests = Requests::new(SIZE);
    let receivers = start_receivers(1, SIZE * BATCHES)?;
    let receiver = first(&receivers)?;
    let mut router =
        Router::start(&tables(&receivers, "batch = { max_events = 500, max_bytes = \"4MiB\" }")).await?;
    let mut extra = Vec::new();
    for batch in 0..BATCHES {
        let place = batch * SIZE / BATCHES + batch % 7;
        receiver.refuse(batch * SIZE + place);
        let (before, _) = receiver.requests();
        load::at_rate(router.port, Part { requests: &requests, first: batch, count: 1 }, 1000).await?;
        router.until_settled(((batch + 1) * SIZE) as u64).await?;
        let (after, _) = receiver.requests();
        extra.push(after - before - 1);
    }
    let tally = receiver.tally();
    router.stop().await?;
    let most = extra.iter().max().copied().unwrap_or_default();
    let mean = extra.iter().sum::<u64>() as f64 / extra.len() as f64;
    say(&format!(
        "poison          {BATCHES} batches of {SIZE} with one refused event: {mean:.1} extra requests each, {most} at \
         most; {} of {} events not delivered, {} repeated",
        tally.lost,
        SIZE * BATCHES,
        tally.repeated
    ))?;
    ensure!(tally.lost == BATCHES as u64, "only the poison may be missing: {tally}");
    Ok(Tally { lost: 0, ..tally })
}

/// Seconds of a steady load before, during and after the time in which a destination is sick: it is repaired soon after
/// the second look, half a minute before the next.
const BEFORE: u64 = 5;
const SICK: u64 = 62;
const AFTER: u64 = 40;

/// How a destination came back.
struct Return {
    /// Events that were sent before the repair and had not arrived.
    missed: usize,
    /// From the repair to the first event that arrived.
    flowed: Duration,
    /// From the repair to the last of the missed ones.
    caught_up: Duration,
}

/// A steady load to a destination that answers with this status for a minute, and then is well again.
async fn comes_back(name: &str, status: u16) -> anyhow::Result<Tally> {
    let requests = Requests::new(SMALL);
    let count = PER_SECOND as usize * (BEFORE + SICK + AFTER) as usize;
    let receivers = start_receivers(1, count * SMALL)?;
    let receiver = first(&receivers)?;
    let mut router = Router::start(&tables(&receivers, "")).await?;
    let part = Part { requests: &requests, first: 0, count };
    let load = load::at_rate(router.port, part, PER_SECOND);
    let (sent, back) = tokio::join!(load, sick_for_a_while(receiver, status));
    let sent = sent?;
    until_taken(receiver, 0..count * SMALL).await;
    let (all, retries) = receiver.requests();
    router.stop().await?;
    let tally = receiver.tally();
    say(&format!(
        "{name:<15} {status} for {SICK} s at {} events/s: flowed again {:.1} s after the repair, {} missed events had \
         arrived after {:.1} s; {retries} of {all} requests were counted as further attempts; ingest p99 {:.2} ms; {tally}",
        PER_SECOND as usize * SMALL,
        back.flowed.as_secs_f64(),
        thousands(back.missed as f64),
        back.caught_up.as_secs_f64(),
        sent.quantile(0.99),
    ))?;
    Ok(tally)
}

async fn sick_for_a_while(receiver: &Receiver, status: u16) -> Return {
    sleep(Duration::from_secs(BEFORE)).await;
    receiver.answer_with(status);
    sleep(Duration::from_secs(SICK)).await;
    let due = PER_SECOND as usize * (BEFORE + SICK) as usize * SMALL;
    let before = receiver.taken(0..due);
    receiver.recover();
    let repaired = Instant::now();
    while receiver.taken(0..due) == before {
        sleep(PAUSE).await;
    }
    let flowed = repaired.elapsed();
    until_taken(receiver, 0..due).await;
    Return { missed: due - before, flowed, caught_up: repaired.elapsed() }
}

/// A backlog that a new destination reads from the beginning, while events go on to come.
async fn backlog(events: usize) -> anyhow::Result<Tally> {
    let batches = Requests::new(100);
    let line = line_rate(&batches).await?;
    let mut router = Router::start("").await?;
    load::as_fast_as_answered(router.port, &batches, events.div_ceil(100)).await?;
    let events = events.div_ceil(100) * 100;
    let small = Requests::new(SMALL);
    // About as long as the drain, which is faster than what also has to be accepted.
    let seconds = ((events as f64 / line / 3.0).ceil() as usize).clamp(2, 60);
    let count = PER_SECOND as usize * seconds;
    let receivers = start_receivers(1, events + 2 * count * SMALL)?;
    let receiver = first(&receivers)?;
    let quiet =
        load::at_rate(router.port, Part { requests: &small, first: events / SMALL, count }, PER_SECOND)
            .await?;
    router.stop().await?;
    router.configure(&tables(&receivers, "start = \"beginning\""))?;
    let begun = Instant::now();
    router.start_again().await?;
    let part = Part { requests: &small, first: events / SMALL + count, count };
    let drained = async {
        until_taken(receiver, 0..events).await;
        begun.elapsed()
    };
    let (busy, drained) = tokio::join!(load::at_rate(router.port, part, PER_SECOND), drained);
    let busy = busy?;
    until_taken(receiver, 0..events + 2 * count * SMALL).await;
    let peak = router.memory("VmHWM")?;
    let commit = metrics::quantile(&router.metrics().await?, "opentrack_journal_commit_seconds", 0.99);
    router.stop().await?;
    say_backlog(events, (line, drained), (&quiet, &busy), (peak, commit))?;
    Ok(receiver.tally())
}

/// Returns the events a second that go through to a webhook that keeps up.
pub(crate) async fn line_rate(batches: &Requests) -> anyhow::Result<f64> {
    const EVENTS: usize = 300_000;
    let receivers = start_receivers(1, EVENTS)?;
    let mut router = Router::start(&tables(&receivers, "")).await?;
    let sent = load::as_fast_as_answered(router.port, batches, EVENTS / 100).await?;
    until_taken(first(&receivers)?, 0..EVENTS).await;
    let rate = EVENTS as f64 / sent.began.elapsed().as_secs_f64();
    router.stop().await?;
    Ok(rate)
}

fn say_backlog(
    events: usize,
    (line, drained): (f64, Duration),
    (quiet, busy): (&Sent, &Sent),
    (peak, commit): (f64, f64),
) -> anyhow::Result<()> {
    let rate = events as f64 / drained.as_secs_f64();
    say(&format!(
        "backlog         {} events drained in {:.1} s while {} events/s came: {} events/s, {:.0} % of the {} events/s \
         of a webhook that keeps up; ingest p50 {:.2} p99 {:.2} ms, without the drain p50 {:.2} p99 {:.2} \
         ms; commit p99 {commit:.2} ms; peak memory {peak:.0} MiB",
        thousands(events as f64),
        drained.as_secs_f64(),
        PER_SECOND as usize * SMALL,
        thousands(rate),
        rate / line * 100.0,
        thousands(line),
        busy.quantile(0.5),
        busy.quantile(0.99),
        quiet.quantile(0.5),
        quiet.quantile(0.99),
    ))
}
