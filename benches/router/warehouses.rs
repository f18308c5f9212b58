//! What a row costs that goes to ClickHouse or to PostgreSQL: sent as fast as the router answers, to the real server.
//!
//! Separate because the figure is per row, because a server counts the rows, and because both begin with a router that has
//! learnt its tables, as after any restart. The server shares the machine's cores: rows a second are those of both together,
//! the processor time is the router's alone.

use std::time::Duration;

use anyhow::ensure;
use tokio::time::sleep;

use super::events::Requests;
use super::figures::{median, say, thousands};
use super::load::{self, Part};
use super::receiver::Tally;
use super::router::Router;
use super::servers::{Server, Which};

/// The names by which they are chosen.
pub(crate) const WAREHOUSES: [&str; 2] = ["batch-clickhouse", "batch-postgres"];

/// Events in a request.
const BATCH: usize = 100;
/// Events that teach the router its tables: all shapes are among them.
const WARM: usize = 6_000;
/// Events of a run unless told otherwise.
const EVENTS: usize = 100_000;
/// What a router that has started again is given to look at its tables.
const LOOK: Duration = Duration::from_millis(500);

/// What one run measured.
struct Measured {
    tally: Tally,
    rows: f64,
    peak_mib: f64,
    /// Processor time of the router a row and an event, µs; rows and events a second.
    figures: [f64; 4],
}

/// Runs one of [`WAREHOUSES`] so often.
pub(crate) async fn run(name: &str, runs: usize, events: Option<usize>) -> anyhow::Result<Tally> {
    let which = if name == "batch-clickhouse" { Which::ClickHouse } else { Which::Postgres };
    let requests = Requests::new(BATCH);
    let count = events.unwrap_or(EVENTS).div_ceil(BATCH);
    let (mut tally, mut figures) = (Tally::default(), <[Vec<f64>; 4]>::default());
    for run in 1..=runs {
        let Some(server) = Server::start(which)? else {
            say(&format!("{name:<16} skipped: {which:?} cannot be started; `make test-deps` installs it"))?;
            return Ok(tally);
        };
        let measured = measure(&server, &requests, count).await?;
        tally = tally.and(measured.tally);
        say(&format!(
            "{name:<16} run {run}: {} in {} rows, RSS peak {:.1} MiB, {}, {}",
            words(measured.figures),
            thousands(measured.rows),
            measured.peak_mib,
            load_average(),
            measured.tally,
        ))?;
        figures.iter_mut().zip(measured.figures).for_each(|(all, figure)| all.push(figure));
    }
    say(&format!("{name:<16} median: {}", words(figures.map(median))))?;
    Ok(tally)
}

async fn measure(server: &Server, requests: &Requests, count: usize) -> anyhow::Result<Measured> {
    let events = count * BATCH;
    let mut router = warm(server, requests).await?;
    let (cpu, before) = (router.cpu()?, server.rows().await?);
    let part = Part { requests, first: WARM / BATCH, count };
    let sent = load::part_as_fast_as_answered(router.port, part).await?;
    // Its totals survive a restart.
    router.until_settled((WARM + events) as u64).await?;
    let seconds = sent.began.elapsed().as_secs_f64();
    let cpu = (router.cpu()? - cpu).as_secs_f64() * 1e6;
    let (after, peak_mib) = (server.rows().await?, router.memory("VmHWM")?);
    router.stop().await?;
    let (rows, events) = ((after.all - before.all) as f64, events as f64);
    Ok(Measured {
        tally: Tally::of(after.calls - before.calls, count * BATCH),
        rows,
        peak_mib,
        figures: [cpu / rows, cpu / events, rows / seconds, events / seconds],
    })
}

/// Starts a router that knows its tables.
async fn warm(server: &Server, requests: &Requests) -> anyhow::Result<Router> {
    let mut router = Router::start(&server.table()).await?;
    let part = Part { requests, first: 0, count: WARM / BATCH };
    load::part_as_fast_as_answered(router.port, part).await?;
    router.until_settled(WARM as u64).await?;
    ensure!(server.rows().await?.calls == WARM as u64, "the first events are not all there");
    router.stop().await?;
    router.start_again().await?;
    sleep(LOOK).await;
    Ok(router)
}

fn words([of_row, of_event, rows, events]: [f64; 4]) -> String {
    format!(
        "{of_row:.1} µs CPU/row, {of_event:.1} µs CPU/event, {} rows/s, {} events/s",
        thousands(rows),
        thousands(events)
    )
}

/// Says how busy the machine was: rows a second mean little without it.
fn load_average() -> String {
    let read = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    format!("load {}", read.split_whitespace().next().unwrap_or("unknown"))
}
