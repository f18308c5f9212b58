//! What a row costs that goes to BigQuery, and what memory does while BigQuery answers nothing.
//!
//! Separate because the figure is per row, and because both begin with a router that has learnt its tables: what is young
//! goes apart from the rest, which is not what is measured.

use std::ops::Range;
use std::time::Duration;

use anyhow::ensure;
use tokio::time::sleep;

use super::dataset::Dataset;
use super::events::Requests;
use super::figures::{median, say, thousands};
use super::load::{self, Part};
use super::receiver::Tally;
use super::router::Router;

/// The names by which they are chosen.
pub(crate) const ROWS: &str = "batch-bigquery";
/// See the module.
pub(crate) const HANGS: &str = "bigquery-hangs";

/// Events in a request.
const BATCH: usize = 100;
/// Events that teach the router its tables: all shapes are among them.
const WARM: usize = 6_000;
/// Events of a run unless told otherwise.
const EVENTS: usize = 200_000;
/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(10);

/// Sends to a dataset that takes everything.
pub(crate) async fn rows(runs: usize, events: Option<usize>) -> anyhow::Result<Tally> {
    let requests = Requests::wide(BATCH);
    let count = events.unwrap_or(EVENTS).div_ceil(BATCH);
    let mut tally = Tally::default();
    let mut figures: [Vec<f64>; 2] = Default::default();
    for run in 1..=runs {
        let dataset = Dataset::start(WARM + count * BATCH)?;
        let mut router = warm(&dataset, &requests).await?;
        let (cpu, rows) = (router.cpu()?, dataset.rows());
        let part = Part { requests: &requests, first: WARM / BATCH, count };
        let sent = load::part_as_fast_as_answered(router.port, part).await?;
        until_taken(&dataset, WARM..WARM + count * BATCH).await;
        let through = sent.began.elapsed();
        router.until_settled((count * BATCH) as u64).await?;
        let (cpu, rows) = (router.cpu()? - cpu, dataset.rows() - rows);
        let per = |number: f64| cpu.as_secs_f64() * 1e6 / number;
        let (of_event, of_row) = (per((count * BATCH) as f64), per(rows as f64));
        let peak = router.memory("VmHWM")?;
        router.stop().await?;
        tally = tally.and(dataset.tally());
        say(&format!(
            "{ROWS:<15} run {run}: {of_row:.1} µs CPU/row, {of_event:.1} µs CPU/event, {} events in {} rows of {:.1} \
             columns, {} through/s, RSS peak {peak:.1} MiB, {}",
            thousands((count * BATCH) as f64),
            thousands(rows as f64),
            dataset.columns(),
            thousands((count * BATCH) as f64 / through.as_secs_f64()),
            dataset.tally(),
        ))?;
        figures.iter_mut().zip([of_row, of_event]).for_each(|(all, figure)| all.push(figure));
    }
    let [of_row, of_event] = figures.map(median);
    say(&format!("{ROWS:<15} median: {of_row:.1} µs CPU/row, {of_event:.1} µs CPU/event"))?;
    Ok(tally)
}

/// Accepts events while the dataset answers nothing.
pub(crate) async fn hangs(events: Option<usize>) -> anyhow::Result<Tally> {
    let requests = Requests::new(BATCH);
    let count = events.unwrap_or(1_000_000).div_ceil(BATCH);
    let dataset = Dataset::start(WARM)?;
    let mut router = warm(&dataset, &requests).await?;
    let tally = dataset.tally();
    dataset.hang();
    // The first tenth fills what is bounded: the hot tail, the batches under way.
    let mut first = WARM / BATCH;
    for (part, count) in [("first tenth", count / 10), ("all", count - count / 10)] {
        load::part_as_fast_as_answered(router.port, Part { requests: &requests, first, count }).await?;
        first += count;
        sleep(Duration::from_secs(1)).await;
        say(&format!(
            "{HANGS:<15} {part}: {} events accepted and none taken, RSS {:.1} MiB, peak {:.1} MiB",
            thousands((first * BATCH - WARM) as f64),
            router.memory("VmRSS")?,
            router.memory("VmHWM")?,
        ))?;
    }
    router.kill()?;
    Ok(tally)
}

/// Starts a router that knows its tables and finds them settled: as after any restart.
async fn warm(dataset: &Dataset, requests: &Requests) -> anyhow::Result<Router> {
    let mut router = Router::start(&dataset.table()).await?;
    let part = Part { requests, first: 0, count: WARM / BATCH };
    load::part_as_fast_as_answered(router.port, part).await?;
    until_taken(dataset, 0..WARM).await;
    router.until_settled(WARM as u64).await?;
    router.stop().await?;
    router.start_again().await?;
    ensure!(dataset.tally().invented == 0, "events came that were never sent");
    sleep(Duration::from_millis(500)).await;
    Ok(router)
}

async fn until_taken(dataset: &Dataset, events: Range<usize>) {
    while dataset.taken(events.clone()) < events.len() {
        sleep(PAUSE).await;
    }
}
