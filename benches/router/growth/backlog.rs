//! The memory of a router whose destinations are down, while more and more waits for them.
//!
//! The ids that the router remembers to know what it has seen twice are few here: they grow with events, whether those were
//! delivered or not, up to a bound of their own.

use std::time::Duration;

use tokio::time::sleep;

use super::series::{Series, Values};
use super::{BATCH, Frame, ROOM, stretch};
use crate::events::Requests;
use crate::figures::{say, thousands};
use crate::load::Part;
use crate::receiver::{Receiver, Tally};
use crate::router::Router;
use crate::scenario::{start_receivers, tables};

const WEBHOOKS: usize = 3;
/// Tenths of all that waits in the end, at which memory is read.
const TENTHS: [usize; 7] = [0, 1, 2, 4, 6, 8, 10];
/// Ids that are remembered.
const IDS: usize = 50_000;
/// Events that are delivered before, to fill what is bounded: so many, or fewer before a short series.
const WARM: (usize, usize) = (50_000, 150_000);
/// The status of a destination that is down.
const DOWN: u16 = 503;
/// What memory is let settle for before it is read.
const IDLE: Duration = Duration::from_secs(1);

/// Measures up to half as many undelivered events as the largest journal of the other series has.
pub(super) async fn measure(frame: &Frame) -> anyhow::Result<(Series, Tally)> {
    let mut resident = Values::flat("resident memory");
    let mut tally = Tally::default();
    for run in 1..=frame.runs {
        tally = tally.and(grow(run, frame.records / 2, &mut resident).await?);
    }
    let series = Series {
        title: "Memory while destinations are down",
        across: "undelivered events, for each of three webhooks",
        by_ratio: false,
        up: "MiB",
        unit: "MiB",
        lines: vec![resident],
    };
    Ok((series, tally))
}

async fn grow(run: usize, most: usize, resident: &mut Values) -> anyhow::Result<Tally> {
    let requests = Requests::new(BATCH);
    let warm = most.clamp(WARM.0, WARM.1) / BATCH;
    let receivers = start_receivers(WEBHOOKS, warm * BATCH)?;
    let journal = format!("{}\ndedupe_max_ids = {IDS}\n\n", ROOM.trim_end());
    let router = Router::start(&(journal + &tables(&receivers, false))).await?;
    stretch::fill(&router, Part { requests: &requests, first: 0, count: warm }, true).await?;
    let tally = receivers.iter().map(Receiver::tally).fold(Tally::default(), Tally::and);
    receivers.iter().for_each(|receiver| receiver.answer_with(DOWN));
    let mut waits = 0;
    for tenths in TENTHS {
        let more = most / 10 * tenths / BATCH - waits;
        let part = Part { requests: &requests, first: warm + waits, count: more };
        stretch::fill(&router, part, false).await?;
        waits += more;
        sleep(IDLE).await;
        let (now, peak) = (router.memory("VmRSS")?, router.memory("VmHWM")?);
        say(&format!(
            "growth-backlog      run {run}, {} events wait: RSS {now:.1} MiB, at most {peak:.1} MiB so far",
            thousands((waits * BATCH) as f64),
        ))?;
        resident.add(waits * BATCH, now);
    }
    Ok(tally)
}
