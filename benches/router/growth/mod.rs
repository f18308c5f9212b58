//! What grows: the records of the journal, the destinations, the names of events, what waits. Four series of measurements, each
//! with its rows, whether it is flat, and a chart.
//!
//! Separate from the scenarios because a figure alone says nothing here: it is compared with the others of its series. Every
//! place of a series is a new router on new data, and every cost is that of a stretch at a steady rate, so that nothing but
//! what grows differs. Judges in words only; the times belong to the machine.

mod backlog;
mod destinations;
mod names;
mod records;
mod series;
mod stretch;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;

use super::chart::Chart;
use super::figures::say;
use super::receiver::Tally;
use series::Series;
use stretch::Cost;

/// The names by which they are chosen: all of them, or one.
pub(crate) const GROWTH: [&str; 5] =
    ["growth", "growth-records", "growth-destinations", "growth-names", "growth-backlog"];
/// How long one series may take.
pub(crate) const LIMIT: Duration = Duration::from_secs(3 * 3_600);

/// Events in a request.
const BATCH: usize = 100;
/// Records of the largest journal, unless told otherwise.
const RECORDS: usize = 1_000_000;
/// The journal may take what the largest series writes.
const ROOM: &str = "[journal]\nmax_bytes = \"64GiB\"\n\n";

/// What is to be measured.
pub(crate) struct Plan {
    /// How often; the figures are medians.
    pub(crate) runs: usize,
    /// Records of the largest journal.
    pub(crate) events: Option<usize>,
    /// Where charts are written.
    pub(crate) charts: PathBuf,
}

/// What one series needs to know.
struct Frame {
    runs: usize,
    records: usize,
    idle: Cost,
}

impl Frame {
    /// Events of a stretch: a twentieth of the largest journal, and as many as a processor's time can be told of.
    fn stretch(&self) -> usize {
        (self.records / 20).next_multiple_of(BATCH).clamp(5_000, 100_000)
    }
}

/// Measures what was chosen, one series or all, and writes the charts.
pub(crate) async fn run(name: &str, plan: &Plan) -> anyhow::Result<Tally> {
    let mut total = Tally::default();
    let frame =
        Frame { runs: plan.runs, records: plan.events.unwrap_or(RECORDS), idle: stretch::idle().await? };
    for one in GROWTH.into_iter().skip(1).filter(|one| name == *one || Some(&name) == GROWTH.first()) {
        let (series, tally) = match one {
            "growth-records" => records::measure(&frame).await?,
            "growth-destinations" => destinations::measure(&frame).await?,
            "growth-names" => names::measure(&frame).await?,
            _ => backlog::measure(&frame).await?,
        };
        for line in &series.lines {
            say(&format!("{one:<19} {}: {}", line.name, line.verdict(series.unit)))?;
        }
        write(one, series, plan)?;
        total = total.and(tally);
    }
    Ok(total)
}

fn write(name: &str, series: Series, plan: &Plan) -> anyhow::Result<()> {
    let path = plan.charts.join(format!("{name}.svg"));
    let chart: Chart = series.into();
    fs::create_dir_all(&plan.charts)
        .and_then(|()| fs::write(&path, chart.svg()))
        .with_context(|| format!("{} cannot be written", path.display()))?;
    say(&format!("{name:<19} drawn: {}", path.display()))
}
