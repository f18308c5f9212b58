//! What an event costs when the journal has ten thousand records, and when it has a thousand times as many.

use std::iter::successors;

use super::series::{Series, Values};
use super::stretch::{self, Cost};
use super::{BATCH, Frame, ROOM};
use crate::events::Requests;
use crate::figures::{say, thousands};
use crate::load::Part;
use crate::receiver::{Receiver, Tally};
use crate::router::Router;
use crate::scenario::{start_receivers, tables};

/// Records of the smallest journal; each further one has ten times as many.
const FIRST: usize = 10_000;
/// Events a second of a stretch.
const RATE: usize = 10_000;
/// Routers of the smallest journals, whose stretches are short, at most.
const ROUNDS: usize = 10;

/// Measures the last events of each decade.
pub(super) async fn measure(frame: &Frame) -> anyhow::Result<(Series, Tally)> {
    let requests = Requests::new(BATCH);
    let mut whole = Values::flat("the whole router");
    let mut workers = Values::flat("threads that answer requests");
    let mut tally = Tally::default();
    for run in 1..=frame.runs {
        for records in
            successors(Some(FIRST), |records| Some(records * 10)).take_while(|n| *n <= frame.records)
        {
            let window = frame.stretch().min(records / 2);
            let (cost, one) = decade(&requests, (records, window), frame).await?;
            tally = tally.and(one);
            say(&format!(
                "growth-records      run {run}, {} records: {:.2} µs CPU/event, {:.2} of them in threads that answer \
                 requests, {one}",
                thousands(records as f64),
                cost.whole,
                cost.workers,
            ))?;
            whole.add(records, cost.whole);
            workers.add(records, cost.workers);
        }
    }
    let series = Series {
        title: "What an event costs while the journal grows",
        across: "records in the journal",
        by_ratio: true,
        up: "µs of CPU an event, one webhook",
        unit: "µs",
        lines: vec![whole, workers],
    };
    Ok((series, tally))
}

/// The mean of several routers where the stretch is shorter than planned.
async fn decade(
    requests: &Requests,
    (records, window): (usize, usize),
    frame: &Frame,
) -> anyhow::Result<(Cost, Tally)> {
    let rounds = (frame.stretch() / window).clamp(1, ROUNDS);
    let (mut sum, mut tally) = (Cost::default(), Tally::default());
    for _ in 0..rounds {
        let (cost, one) = last_of(requests, (records, window), frame).await?;
        sum = Cost { whole: sum.whole + cost.whole, workers: sum.workers + cost.workers };
        tally = tally.and(one);
    }
    let mean = |sum: f64| sum / rounds as f64;
    Ok((Cost { whole: mean(sum.whole), workers: mean(sum.workers) }, tally))
}

/// Lets a journal grow to this many records, the last ones at the rate.
async fn last_of(
    requests: &Requests,
    (records, window): (usize, usize),
    frame: &Frame,
) -> anyhow::Result<(Cost, Tally)> {
    let (all, last) = (records / BATCH, window / BATCH);
    let receivers = start_receivers(1, all * BATCH)?;
    let router = Router::start(&(ROOM.to_owned() + &tables(&receivers, false))).await?;
    stretch::fill(&router, Part { requests, first: 0, count: all - last }, true).await?;
    let cost =
        stretch::cost(&router, Part { requests, first: all - last, count: last }, (RATE, frame.idle), true)
            .await?;
    Ok((cost, receivers.iter().map(Receiver::tally).fold(Tally::default(), Tally::and)))
}
