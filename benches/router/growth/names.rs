//! What an event costs when all have one name, and when there are ten thousand names: to a webhook, and as rows of a warehouse,
//! where each name is a table up to a bound.

use std::time::Duration;

use tokio::time::timeout;

use super::series::{Series, Values};
use super::stretch::{self, Cost};
use super::{BATCH, Frame, ROOM};
use crate::events::{DIFFERENT, Requests};
use crate::figures::{say, thousands};
use crate::load::Part;
use crate::receiver::{Receiver, Tally};
use crate::router::Router;
use crate::scenario::{start_receivers, tables};

const COUNTS: [usize; 5] = [1, 10, 100, 1_000, 10_000];
/// Events a second of a stretch.
const RATE: usize = 5_000;
/// How long a warehouse may take with all of one number of names: it makes its tables first, and gives up nothing.
const PATIENCE: Duration = Duration::from_secs(90);
/// Of the events of other stretches so many: they take as long.
const SHARE: usize = 2;

/// What is measured at each number of names.
struct Lines {
    webhook: Values,
    workers: Values,
    warehouse: Values,
}

/// Measures with each number of names.
pub(super) async fn measure(frame: &Frame) -> anyhow::Result<(Series, Tally)> {
    let mut lines = Lines {
        webhook: Values::flat("one webhook"),
        workers: Values::flat("threads that answer requests"),
        warehouse: Values::free("SQLite warehouse"),
    };
    let mut tally = Tally::default();
    for run in 1..=frame.runs {
        for names in COUNTS {
            tally = tally.and(lines.add((run, names), frame).await?);
        }
    }
    let series = Series {
        title: "What an event costs with more names of events",
        across: "different names of track calls",
        by_ratio: true,
        up: "µs of CPU an event",
        unit: "µs",
        lines: vec![lines.webhook, lines.workers, lines.warehouse],
    };
    Ok((series, tally))
}

impl Lines {
    async fn add(&mut self, (run, names): (usize, usize), frame: &Frame) -> anyhow::Result<Tally> {
        let requests = Requests::named(BATCH, names);
        let head = format!("growth-names        run {run}, {} names:", thousands(names as f64));
        let (sent, tally) = to_webhook(&requests, frame).await?;
        let Cost { whole, workers } = sent;
        say(&format!(
            "{head} webhook {whole:.2} µs CPU/event, {workers:.2} of them in threads that answer requests; {tally}"
        ))?;
        self.webhook.add(names, whole);
        self.workers.add(names, workers);
        let Ok(stored) = timeout(PATIENCE, to_warehouse(&requests, frame)).await else {
            let seconds = PATIENCE.as_secs();
            say(&format!("{head} SQLite was not through within {seconds} s, and is left out"))?;
            return Ok(tally);
        };
        let (stored, there) = stored?;
        say(&format!("{head} SQLite {:.2} µs CPU/event; {there}", stored.whole))?;
        self.warehouse.add(names, stored.whole);
        Ok(tally.and(there))
    }
}

/// How many requests have every name in them, and how many are measured afterwards.
fn parts(frame: &Frame) -> (usize, usize) {
    (DIFFERENT / BATCH, frame.stretch() / SHARE / BATCH)
}

async fn to_webhook(requests: &Requests, frame: &Frame) -> anyhow::Result<(Cost, Tally)> {
    let (warm, window) = parts(frame);
    let receivers = start_receivers(1, (warm + window) * BATCH)?;
    let router = Router::start(&(ROOM.to_owned() + &tables(&receivers, false))).await?;
    let cost = after_warming(&router, requests, (warm, window), frame.idle).await?;
    Ok((cost, receivers.iter().map(Receiver::tally).fold(Tally::default(), Tally::and)))
}

async fn to_warehouse(requests: &Requests, frame: &Frame) -> anyhow::Result<(Cost, Tally)> {
    let (warm, window) = parts(frame);
    let mut router = Router::start(&(ROOM.to_owned() + &tables(&[], true))).await?;
    let cost = after_warming(&router, requests, (warm, window), frame.idle).await?;
    router.stop().await?;
    Ok((cost, router.warehouse_tally((warm + window) * BATCH)?))
}

async fn after_warming(
    router: &Router,
    requests: &Requests,
    (warm, window): (usize, usize),
    idle: Cost,
) -> anyhow::Result<Cost> {
    stretch::fill(router, Part { requests, first: 0, count: warm }, true).await?;
    stretch::cost(router, Part { requests, first: warm, count: window }, (RATE, idle), true).await
}
