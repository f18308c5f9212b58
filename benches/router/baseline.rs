//! The router beside a handler of the kind that users come from, in Node.js: the same generator, the same events and the same
//! receiver, in turn within one run.
//!
//! Separate because one of its two contenders is no router. `benches/baseline` holds it; its packages are put below `target` by
//! npm, once. Nothing that it takes is kept before it answers, so its figures are those of a weaker promise.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};
use tokio::time::sleep;

use super::events::Requests;
use super::figures::{median, say, thousands};
use super::load;
use super::receiver::{Receiver, Tally};
use super::router::{Router, since, threads_of};
use super::scenario::tables;
use super::wire::Connection;

/// The name by which it is chosen.
pub(crate) const BASELINE: &str = "baseline-node";

const PACKAGE: &str = include_str!("../baseline/package.json");
const LOCK: &str = include_str!("../baseline/package-lock.json");
const SERVER: &str = include_str!("../baseline/server.mjs");
/// Events in a request, in turn.
const SIZES: [(&str, usize); 2] = [("batches of 100", 100), ("single calls", 1)];
/// Events that Node.js gets in each run unless told otherwise.
const EVENTS: usize = 20_000;
/// The router gets so many times as many, so that what it does between runs weighs as little.
const MORE: usize = 10;
const PAUSE: Duration = Duration::from_millis(10);

/// What one contender did.
struct Figure {
    /// Microseconds of processor time an event.
    cpu_us: f64,
    /// Events a second until the last was delivered.
    through: f64,
    tally: Tally,
}

/// Runs so often with each size.
pub(crate) async fn run(runs: usize, events: Option<usize>) -> anyhow::Result<Tally> {
    let home = install()?;
    let mut tally = Tally::default();
    for (size, batch) in SIZES {
        let requests = Requests::new(batch);
        let count = events.unwrap_or(EVENTS).div_ceil(batch);
        let mut ratios = Vec::new();
        for run in 1..=runs {
            let node = node(&home, &requests, count).await?;
            let router = router(&requests, count * MORE).await?;
            let both = node.tally.and(router.tally);
            let ratio = node.cpu_us / router.cpu_us;
            say(&format!(
                "{BASELINE:<15} run {run}, {size}: Node.js {:.1} µs CPU/event, {} through/s; the router {:.2} µs, {} \
                 through/s; ratio {ratio:.1}; {both}",
                node.cpu_us,
                thousands(node.through),
                router.cpu_us,
                thousands(router.through),
            ))?;
            ratios.push(ratio);
            tally = tally.and(both);
        }
        say(&format!("{BASELINE:<15} median, {size}: ratio {:.1}", median(ratios)))?;
    }
    Ok(tally)
}

async fn node(home: &Path, requests: &Requests, count: usize) -> anyhow::Result<Figure> {
    let events = count * requests.size;
    let receiver = Receiver::start(events)?;
    let node = Node::start(home, receiver.port).await?;
    let before = threads_of(node.child.id())?;
    let sent = load::as_fast_as_answered(node.port, requests, count).await?;
    while receiver.taken(0..events) < events {
        sleep(PAUSE).await;
    }
    let through = events as f64 / sent.began.elapsed().as_secs_f64();
    let cpu = since(&before, &threads_of(node.child.id())?);
    Ok(Figure { cpu_us: cpu.as_secs_f64() * 1e6 / events as f64, through, tally: receiver.tally() })
}

async fn router(requests: &Requests, count: usize) -> anyhow::Result<Figure> {
    let events = count * requests.size;
    let receiver = Receiver::start(events)?;
    let mut router = Router::start(&tables(std::slice::from_ref(&receiver), false)).await?;
    let before = router.threads()?;
    let sent = load::as_fast_as_answered(router.port, requests, count).await?;
    router.until_settled(events as u64).await?;
    let through = events as f64 / sent.began.elapsed().as_secs_f64();
    let cpu = since(&before, &router.threads()?);
    router.stop().await?;
    Ok(Figure { cpu_us: cpu.as_secs_f64() * 1e6 / events as f64, through, tally: receiver.tally() })
}

/// A running handler; it ends when dropped.
struct Node {
    port: u16,
    child: Child,
}

impl Node {
    async fn start(home: &Path, receiver: u16) -> anyhow::Result<Node> {
        let port = std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let to = format!("http://127.0.0.1:{receiver}/in");
        let mut command = Command::new("node");
        command.args(["server.mjs", &port.to_string(), &to]).current_dir(home).env("NODE_ENV", "production");
        let child =
            command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().context("`node` is missing")?;
        let mut node = Node { port, child };
        loop {
            if let Ok(mut connection) = Connection::open(port).await
                && connection.get("/health").await.is_ok()
            {
                return Ok(node);
            }
            let ended = node.child.try_wait()?;
            ensure!(ended.is_none(), "the handler has ended: {ended:?}");
            sleep(PAUSE).await;
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Puts the handler and its packages below `target`, as its lock file names them; returns the folder.
fn install() -> anyhow::Result<PathBuf> {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("baseline");
    fs::create_dir_all(&home)?;
    for (name, text) in [("package.json", PACKAGE), ("package-lock.json", LOCK), ("server.mjs", SERVER)] {
        fs::write(home.join(name), text)?;
    }
    let stamp = home.join("node_modules/.installed");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == LOCK) {
        return Ok(home);
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]).current_dir(&home);
    let status = npm.stdin(Stdio::null()).stdout(Stdio::null()).status().context("`npm` is missing")?;
    ensure!(status.success(), "npm could not install the handler's packages");
    fs::write(stamp, LOCK)?;
    Ok(home)
}
