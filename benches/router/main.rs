//! The whole router, measured from outside: the real binary, real sockets, a disk, and receivers that count.
//!
//! `cargo bench --bench router`, or with choices: `cargo bench --bench router -- --scenario batch-webhook --events 500000
//! --runs 5`. Prints one line per run and the median; the figures are those of `docs/performance.md`. Times are only
//! printed, since they belong to the machine; the exit code is 1 when events were lost or invented, or a run failed.
//!
//! `--scenario growth` measures what an event costs while journal, destinations and names grow, and memory while a backlog does,
//! and draws charts: `--events 100000 --runs 1` in about a minute, `--events 10000000` as in the documentation.
//!
//! The load, the router and the receivers share the machine's cores. The steady figure is the processor time per event.

mod apis;
mod baseline;
mod brokers;
mod catch_up;
mod chart;
mod dashboards;
mod dataset;
mod events;
mod faults;
mod figures;
mod growth;
mod ids;
mod load;
mod metrics;
mod receiver;
mod restart;
mod router;
mod rows;
mod scenario;
mod servers;
mod special;
mod warehouses;
mod watched;
mod wire;

use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Parser;
use clap::builder::PossibleValuesParser;
use tokio::time::{Instant, timeout};

use figures::{Figures, say};
use receiver::Tally;
use scenario::{SCENARIOS, Scenario};

/// The time of one scenario with all its runs: no run is begun that would not end within it.
const LIMIT: Duration = Duration::from_secs(60);
/// A larger number of events than the default gets a second more for each of these.
const SLOWEST_PER_SECOND: usize = 4_000;
const RATE: &str = "rate";
const START: &str = "start";

/// What can be chosen.
#[derive(Parser)]
struct Choice {
    /// Events in each run [default: 200,000 in batches of 100, 60,000 single ones]; `rate` has its own number
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    events: Option<u32>,
    /// The scenario to run; may be given several times [default: all but `dashboards`,
    /// `baseline-node`, `catch-up`, `restart`, `growth` and those with faults]
    #[arg(long, value_parser = names())]
    scenario: Vec<String>,
    /// Runs of each scenario
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Another build of the router to measure, to compare two
    #[arg(long)]
    router: Option<std::path::PathBuf>,
    /// The folder into which `growth` draws its charts
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/charts"))]
    charts: std::path::PathBuf,
    /// What cargo adds
    #[arg(long, hide = true)]
    bench: bool,
}

impl Choice {
    fn has(&self, name: &str) -> bool {
        self.scenario.is_empty() || self.names(name)
    }

    /// Returns whether this one was asked for by its name.
    fn names(&self, name: &str) -> bool {
        self.scenario.iter().any(|chosen| chosen == name)
    }

    fn events(&self) -> Option<usize> {
        self.events.map(|events| events as usize)
    }

    /// Returns how long one scenario may take.
    fn limit(&self) -> Duration {
        LIMIT.max(Duration::from_secs((self.events().unwrap_or(0) / SLOWEST_PER_SECOND) as u64))
    }
}

fn names() -> PossibleValuesParser {
    SCENARIOS
        .iter()
        .map(|scenario| scenario.name)
        .chain([RATE, START, watched::WATCHED, baseline::BASELINE, rows::ROWS, rows::HANGS])
        .chain(apis::APIS)
        .chain(warehouses::WAREHOUSES)
        .chain([dashboards::DASHBOARDS])
        .chain([catch_up::CATCH_UP, restart::RESTART])
        .chain(growth::GROWTH)
        .chain(faults::FAULTS)
        .collect::<Vec<_>>()
        .into()
}

fn main() -> anyhow::Result<()> {
    if std::env::args().nth(1).as_deref() == Some(brokers::BROKERS) {
        return brokers::be_brokers();
    }
    let choice = Choice::parse();
    if let Some(path) = &choice.router {
        router::measure(path.canonicalize()?)?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let tally = runtime.block_on(all(&choice))?;
    ensure!(tally.lost == 0 && tally.invented == 0, "events went wrong: {tally}");
    Ok(())
}

/// Runs what was chosen; returns what became of all events together.
async fn all(choice: &Choice) -> anyhow::Result<Tally> {
    let mut total = Tally::default();
    for scenario in SCENARIOS.iter().filter(|scenario| choice.has(scenario.name)) {
        total = total.and(repeat(scenario, choice).await?);
    }
    total = total.and(special_ones(choice).await?);
    total = total.and(bigquery(choice).await?);
    total = total.and(both_apis(choice).await?).and(both_warehouses(choice).await?);
    total = total.and(large_ones(choice).await?);
    Ok(total.and(with_faults(choice).await?))
}

/// Runs those that were chosen among those with large journals.
async fn large_ones(choice: &Choice) -> anyhow::Result<Tally> {
    let (runs, events, mut total) = (choice.runs as usize, choice.events(), Tally::default());
    if choice.names(catch_up::CATCH_UP) {
        let run = catch_up::run(runs, events);
        total = total.and(within(catch_up::LIMIT * choice.runs, catch_up::CATCH_UP, run).await?);
    }
    if choice.names(restart::RESTART) {
        total = total.and(within(restart::LIMIT, restart::RESTART, restart::run(runs, events)).await?);
    }
    for name in growth::GROWTH.into_iter().filter(|name| choice.names(name)) {
        let plan = growth::Plan { runs, events, charts: choice.charts.clone() };
        total = total.and(within(growth::LIMIT, name, growth::run(name, &plan)).await?);
    }
    Ok(total)
}

/// Runs those that have a course of their own, as far as they were chosen.
async fn special_ones(choice: &Choice) -> anyhow::Result<Tally> {
    let mut total = Tally::default();
    if choice.has(RATE) {
        for run in 1..=choice.runs as usize {
            total = total.and(within(choice.limit(), RATE, special::rate(run)).await?);
        }
    }
    if choice.has(START) {
        let start = special::start(choice.runs as usize, choice.events());
        total = total.and(within(choice.limit(), START, start).await?);
    }
    if choice.has(watched::WATCHED) {
        let run = watched::run(choice.runs as usize, choice.events());
        total = total.and(within(choice.limit() * 2 * choice.runs, watched::WATCHED, run).await?);
    }
    // It needs Node.js and npm.
    if choice.names(baseline::BASELINE) {
        let run = baseline::run(choice.runs as usize, choice.events());
        total = total.and(within(choice.limit() * 2 * choice.runs, baseline::BASELINE, run).await?);
    }
    Ok(total)
}

/// Runs those scenarios with faults that were chosen.
async fn with_faults(choice: &Choice) -> anyhow::Result<Tally> {
    let mut total = Tally::default();
    for name in faults::FAULTS.into_iter().filter(|name| choice.names(name)) {
        total = total.and(within(faults::LIMIT, name, faults::run(name, choice.events())).await?);
    }
    Ok(total)
}

/// Runs what is about Customer.io and Meta, as far as it was chosen.
async fn both_apis(choice: &Choice) -> anyhow::Result<Tally> {
    let mut total = Tally::default();
    for name in apis::APIS.into_iter().filter(|name| choice.has(name)) {
        let run = apis::run(name, choice.runs as usize, choice.events());
        total = total.and(within(choice.limit() * choice.runs, name, run).await?);
    }
    Ok(total)
}

/// Runs what is about ClickHouse and PostgreSQL, as far as it was chosen.
async fn both_warehouses(choice: &Choice) -> anyhow::Result<Tally> {
    let mut total = Tally::default();
    for name in warehouses::WAREHOUSES.into_iter().filter(|name| choice.has(name)) {
        let run = warehouses::run(name, choice.runs as usize, choice.events());
        total = total.and(within(choice.limit() * choice.runs, name, run).await?);
    }
    // Millions of events are not written in passing.
    if choice.names(dashboards::DASHBOARDS) {
        let run = dashboards::run(choice.runs as usize, choice.events());
        total = total.and(within(dashboards::LIMIT, dashboards::DASHBOARDS, run).await?);
    }
    Ok(total)
}

/// Runs what is about BigQuery, as far as it was chosen.
async fn bigquery(choice: &Choice) -> anyhow::Result<Tally> {
    let mut total = Tally::default();
    if choice.has(rows::ROWS) {
        let rows = rows::rows(choice.runs as usize, choice.events());
        total = total.and(within(choice.limit() * choice.runs, rows::ROWS, rows).await?);
    }
    if choice.names(rows::HANGS) {
        let hangs = rows::hangs(choice.events());
        total = total.and(within(faults::LIMIT, rows::HANGS, hangs).await?);
    }
    Ok(total)
}

/// Runs one scenario several times, as far as its time allows.
async fn repeat(scenario: &Scenario, choice: &Choice) -> anyhow::Result<Tally> {
    let (name, limit) = (scenario.name, choice.limit());
    let requests = scenario.corpus();
    let count = scenario.requests(choice.events());
    let events = count * requests.size;
    let bytes = requests.raw_bytes(count) / events;
    say(&format!("{name}: {events} events of {bytes} bytes on average, {} a request", requests.size))?;
    let (begun, mut longest) = (Instant::now(), Duration::ZERO);
    let mut runs = Vec::new();
    for run in 1..=choice.runs {
        if begun.elapsed() + longest > limit {
            say(&format!("{name:<15} no time is left for run {run}"))?;
            break;
        }
        let run_begun = Instant::now();
        let left = limit.saturating_sub(begun.elapsed());
        let figures = within(left, name, scenario.run(&requests, count)).await?;
        longest = longest.max(run_begun.elapsed());
        say(&format!("{name:<15} run {run}: {figures}"))?;
        runs.push(figures);
    }
    let median = Figures::median(&runs).context("no run")?;
    say(&format!("{name:<15} median: {median}"))?;
    Ok(median.tally)
}

/// Gives up after this time.
async fn within<T>(
    limit: Duration,
    what: &str,
    work: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    let done = timeout(limit, work).await;
    done.with_context(|| format!("`{what}` did not end within {} s", limit.as_secs()))?
        .context(what.to_owned())
}
