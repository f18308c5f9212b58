//! The two scenarios of another kind: latency at a fixed rate, and how soon a start answers.
//!
//! Separate because each has its own course and its own line. Both print as they go.

use std::time::Duration;

use super::events::Requests;
use super::figures::{median, say, thousands};
use super::load::{self, Part};
use super::metrics;
use super::receiver::{Receiver, Tally};
use super::router::Router;
use super::scenario::{start_receivers, tables};

/// Single calls a second in `rate`.
const PER_SECOND: u32 = 5_000;
/// How long `rate` sends.
const SECONDS: usize = 10;
/// Events in the journal that `start` starts with, unless told otherwise.
const JOURNAL: usize = 200_000;
const BATCH: usize = 100;

/// Sends single calls at a fixed rate to a router with one webhook.
pub(crate) async fn rate(run: usize) -> anyhow::Result<Tally> {
    let requests = Requests::new(1);
    let count = PER_SECOND as usize * SECONDS;
    let receivers = start_receivers(1, count)?;
    let mut router = Router::start(&tables(&receivers, false)).await?;
    let cpu = router.cpu()?;
    let sent = load::at_rate(router.port, Part { requests: &requests, first: 0, count }, PER_SECOND).await?;
    let accepted = router.accepted().await?;
    router.until_settled(accepted).await?;
    let cpu_us = (router.cpu()? - cpu).as_secs_f64() * 1e6 / count as f64;
    let page = router.metrics().await?;
    let commit = |share| metrics::quantile(&page, "opentrack_journal_commit_seconds", share);
    router.stop().await?;
    let tally = receivers.iter().map(Receiver::tally).fold(Tally::of(accepted, count), Tally::and);
    let answered = thousands(count as f64 / sent.took.as_secs_f64());
    say(&format!(
        "rate            run {run}: {} singles/s asked, {answered} answered, request p50 {:.2} p90 {:.2} p99 {:.2} \
         p99.9 {:.2} max {:.2} ms, commit p50 {:.2} p99 {:.2} ms, {cpu_us:.1} µs CPU/event, {tally}",
        thousands(f64::from(PER_SECOND)),
        sent.quantile(0.5),
        sent.quantile(0.9),
        sent.quantile(0.99),
        sent.quantile(0.999),
        sent.quantile(1.0),
        commit(0.5),
        commit(0.99),
    ))?;
    Ok(tally)
}

/// Measures from the start of the process to the answer of `/health`: without data, with a journal after a stop, and with
/// the same journal after a kill.
pub(crate) async fn start(runs: usize, events: Option<usize>) -> anyhow::Result<Tally> {
    let requests = Requests::new(BATCH);
    let count = events.unwrap_or(JOURNAL).div_ceil(BATCH);
    let mut times: [Vec<f64>; 3] = Default::default();
    let mut tally = Tally::default();
    for run in 1..=runs {
        let (mut router, empty) = Router::start_timed("").await?;
        load::as_fast_as_answered(router.port, &requests, count).await?;
        tally = tally.and(Tally::of(router.accepted().await?, count * BATCH));
        router.stop().await?;
        let stopped = router.start_again().await?;
        router.kill()?;
        let killed = router.start_again().await?;
        let run_times = [empty, stopped, killed].map(|time: Duration| time.as_secs_f64() * 1e3);
        say_start(&format!("run {run}"), run_times, count * BATCH)?;
        times.iter_mut().zip(run_times).for_each(|(all, time)| all.push(time));
    }
    say_start("median", times.map(median), count * BATCH)?;
    Ok(tally)
}

fn say_start(what: &str, [empty, stopped, killed]: [f64; 3], events: usize) -> anyhow::Result<()> {
    let events = thousands(events as f64);
    say(&format!(
        "start           {what}: empty {empty:.0} ms, with {events} events after a stop {stopped:.0} ms, after a kill \
         {killed:.0} ms"
    ))
}
