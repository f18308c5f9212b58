//! How soon a router is there again when its journal is large and none of it was delivered.
//!
//! Separate from `start`, which begins with nothing and with little: this one fills a journal once and starts on it again and
//! again, after a stop and after a kill.

use std::time::Duration;

use tokio::time::Instant;

use super::events::Requests;
use super::figures::{median, say, thousands};
use super::load;
use super::receiver::Tally;
use super::router::Router;

/// The name by which it is chosen.
pub(crate) const RESTART: &str = "restart";
/// How long all of it may take.
pub(crate) const LIMIT: Duration = Duration::from_secs(3_600);

/// Events in the journal, unless told otherwise. 6,800,000 are about 5 GiB.
const EVENTS: usize = 1_000_000;
const BATCH: usize = 100;
/// The journal may take what is written; nobody listens at this address.
const CONFIG: &str =
    "[journal]\nmax_bytes = \"64GiB\"\n\n[destinations.webhook]\nurl = \"http://127.0.0.1:9/in\"\n\n";

/// Fills a journal and starts on it so often in each way.
pub(crate) async fn run(runs: usize, events: Option<usize>) -> anyhow::Result<Tally> {
    let requests = Requests::new(BATCH);
    let count = events.unwrap_or(EVENTS).div_ceil(BATCH);
    let mut router = Router::start(CONFIG).await?;
    let sent = load::as_fast_as_answered(router.port, &requests, count).await?;
    router.until_projected().await?;
    let tally = Tally::of(router.accepted().await?, count * BATCH);
    let gib = router.journal_bytes()? as f64 / f64::from(1 << 30);
    say(&format!(
        "{RESTART:<15} {} events, {gib:.2} GiB of journal, {} accepted/s, {tally}",
        thousands((count * BATCH) as f64),
        thousands((count * BATCH) as f64 / sent.took.as_secs_f64()),
    ))?;
    let mut times: [Vec<f64>; 4] = Default::default();
    for run in 1..=runs {
        router.stop().await?;
        let stopped = start(&mut router).await?;
        router.kill()?;
        let killed = start(&mut router).await?;
        let run_times = [stopped[0], stopped[1], killed[0], killed[1]];
        say(&format!("{} RSS {:.1} MiB", words(&format!("run {run}"), run_times), router.memory("VmRSS")?))?;
        times.iter_mut().zip(run_times).for_each(|(all, time)| all.push(time));
    }
    say(&words("median", times.map(median)))?;
    Ok(tally)
}

/// Starts on what is there; returns after how many milliseconds `/health` was answered, and `/ready`. Lets live numbers catch
/// up afterwards, which is not waited for by anybody else.
async fn start(router: &mut Router) -> anyhow::Result<[f64; 2]> {
    let begun = Instant::now();
    let healthy = router.start_again().await?;
    router.until_ready().await?;
    let ready = begun.elapsed();
    router.until_projected().await?;
    Ok([healthy, ready].map(|time| time.as_secs_f64() * 1e3))
}

fn words(what: &str, [stopped, stopped_ready, killed, killed_ready]: [f64; 4]) -> String {
    format!(
        "{RESTART:<15} {what}: after a stop {stopped:.0} ms, ready {stopped_ready:.0} ms; after a kill {killed:.0} ms, ready \
         {killed_ready:.0} ms;"
    )
}
