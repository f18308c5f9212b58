//! What an event costs with one destination, and with thirty-two: to accept, which should not depend on them, and altogether.

use super::series::{Series, Values};
use super::stretch::{self, Cost};
use super::{BATCH, Frame, ROOM};
use crate::events::Requests;
use crate::figures::say;
use crate::load::Part;
use crate::receiver::{Receiver, Tally};
use crate::router::Router;
use crate::scenario::{start_receivers, tables};

const COUNTS: [usize; 6] = [1, 2, 4, 8, 16, 32];
/// Events a second of a stretch: thirty-two receivers share the machine with the router.
const RATE: usize = 5_000;
/// Of the events of other stretches so many: they take as long.
const SHARE: usize = 2;
/// Events that fill what is bounded, before anything is measured; fewer before a short stretch.
const WARM: usize = 20_000;

/// Measures with each number of webhooks: while all receive, and while all are paused.
pub(super) async fn measure(frame: &Frame) -> anyhow::Result<(Series, Tally)> {
    let requests = Requests::new(BATCH);
    let mut receiving = Values::flat("answering, all receive");
    let mut paused = Values::flat("answering, all paused");
    let mut each = Values::free("the whole router, a destination");
    let mut tally = Tally::default();
    for run in 1..=frame.runs {
        for count in COUNTS {
            let (busy, idle, one) = with(count, &requests, frame).await?;
            tally = tally.and(one);
            say(&format!(
                "growth-destinations run {run}, {count} webhooks: receiving {:.2} µs CPU/event, {:.2} of them in threads \
                 that answer requests; paused {:.2} and {:.2}; {one}",
                busy.whole, busy.workers, idle.whole, idle.workers,
            ))?;
            receiving.add(count, busy.workers);
            paused.add(count, idle.workers);
            each.add(count, busy.whole / count as f64);
        }
    }
    let series = Series {
        title: "What an event costs with more destinations",
        across: "webhooks",
        by_ratio: true,
        up: "µs of CPU an event",
        unit: "µs",
        lines: vec![receiving, paused, each],
    };
    Ok((series, tally))
}

async fn with(count: usize, requests: &Requests, frame: &Frame) -> anyhow::Result<(Cost, Cost, Tally)> {
    let (warm, window) = (WARM.min(frame.stretch()) / BATCH, frame.stretch() / SHARE / BATCH);
    let receivers = start_receivers(count, (warm + window) * BATCH)?;
    let router = Router::start(&(ROOM.to_owned() + &tables(&receivers, false))).await?;
    stretch::fill(&router, Part { requests, first: 0, count: warm }, true).await?;
    let part = Part { requests, first: warm, count: window };
    let receiving = stretch::cost(&router, part, (RATE, frame.idle), true).await?;
    for number in 0..count {
        router.order(&format!("webhook{number}"), "pause").await?;
    }
    let part = Part { requests, first: warm + window, count: window };
    let paused = stretch::cost(&router, part, (RATE, frame.idle), false).await?;
    Ok((receiving, paused, receivers.iter().map(Receiver::tally).fold(Tally::default(), Tally::and)))
}
