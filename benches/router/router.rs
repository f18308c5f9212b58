//! The router under measurement: the real binary with a configuration in a directory of its own, and what the system
//! says about its process.
//!
//! Separate because it is the only place that knows the process, its threads, its files and its operators' pages. Reads
//! Linux's `/proc`. A router is killed when dropped.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, anyhow, bail, ensure};
use rusqlite::{Connection as Sqlite, OpenFlags};
use serde_json::Value;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use super::metrics;
use super::receiver::Tally;
use super::wire::Connection;

/// The pause between two questions to the router: short against a run, cheap against its work.
const PAUSE: Duration = Duration::from_millis(10);
/// What memory is let settle for before the idle figure is read.
const IDLE: Duration = Duration::from_millis(500);
/// Longer than from one measurement of the topic to the next.
const MEASURED: Duration = Duration::from_secs(3);
/// What the kernel has left of the name of a thread that is an arbiter.
const ARBITER: &str = "actix-rt|system";
/// Arbiters that a router starts before those that answer requests: the core's, two of deliveries, the projections'.
const INNER_ARBITERS: usize = 4;
/// Tables of the warehouse that hold one row for each call.
const CALL_TABLES: [&str; 6] = ["tracks", "identifies", "pages", "screens", "groups", "aliases"];

/// A running router.
pub(crate) struct Router {
    /// Where it listens, on this machine.
    pub(crate) port: u16,
    dir: TempDir,
    child: Child,
}

impl Router {
    /// Starts a router with these tables in its configuration and waits until it is ready and idle.
    pub(crate) async fn start(tables: &str) -> anyhow::Result<Router> {
        let (router, _) = Router::start_timed(tables).await?;
        router.until_ready().await?;
        sleep(IDLE).await;
        Ok(router)
    }

    /// Starts a router; returns also how long it took until `/health` was answered.
    pub(crate) async fn start_timed(tables: &str) -> anyhow::Result<(Router, Duration)> {
        // On the disk of the build, since a temporary directory in memory would make every sync free.
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        let port = std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        fs::write(dir.path().join("config.toml"), config(port, tables))?;
        let begun = Instant::now();
        let child = spawn(dir.path())?;
        let mut router = Router { port, dir, child };
        router.until_healthy().await?;
        Ok((router, begun.elapsed()))
    }

    /// Starts a router that has ended, on the same data; returns how long it took until `/health` was answered.
    pub(crate) async fn start_again(&mut self) -> anyhow::Result<Duration> {
        let begun = Instant::now();
        self.child = spawn(self.dir.path())?;
        self.until_healthy().await?;
        Ok(begun.elapsed())
    }

    /// Gives the router another configuration for its next start.
    pub(crate) fn configure(&self, tables: &str) -> anyhow::Result<()> {
        Ok(fs::write(self.dir.path().join("config.toml"), config(self.port, tables))?)
    }

    async fn until_healthy(&mut self) -> anyhow::Result<()> {
        loop {
            if let Ok(mut connection) = Connection::open(self.port).await
                && connection.get("/health").await.is_ok()
            {
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("the router ended with {status}:\n{}", self.log());
            }
            sleep(Duration::from_millis(1)).await;
        }
    }

    /// Stops the router as an operator does and waits for its end.
    pub(crate) async fn stop(&mut self) -> anyhow::Result<()> {
        let kill = format!("kill -TERM {}", self.child.id());
        ensure!(Command::new("sh").args(["-c", &kill]).status()?.success(), "the router cannot be stopped");
        while self.child.try_wait()?.is_none() {
            sleep(PAUSE).await;
        }
        Ok(())
    }

    /// Ends the process at once.
    pub(crate) fn kill(&mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Waits until every destination has settled this many events: delivered them, or given them up.
    pub(crate) async fn until_settled(&self, events: u64) -> anyhow::Result<()> {
        let mut connection = Connection::open(self.port).await?;
        while !all_settled(&connection.get("/api/destinations").await?, events)? {
            sleep(PAUSE).await;
        }
        Ok(())
    }

    /// Returns whether every destination has settled this many events, as far as the router has the time to tell.
    pub(crate) async fn has_settled(&self, events: u64) -> anyhow::Result<bool> {
        let mut connection = Connection::open(self.port).await?;
        match connection.get("/api/destinations").await {
            Ok(answer) => all_settled(&answer, events),
            Err(_) => Ok(false),
        }
    }

    /// Returns whether live numbers and reports have taken every event of the journal.
    pub(crate) async fn has_projected(&self) -> anyhow::Result<bool> {
        Ok(metrics::sum(&self.metrics().await?, "opentrack_projection_lag_events") < 1.0)
    }

    /// Waits until live numbers and reports have taken every event of the journal.
    pub(crate) async fn until_projected(&self) -> anyhow::Result<()> {
        while !self.has_projected().await? {
            sleep(10 * PAUSE).await;
        }
        Ok(())
    }

    /// Waits until the router says that it takes events.
    pub(crate) async fn until_ready(&self) -> anyhow::Result<()> {
        let mut connection = Connection::open(self.port).await?;
        while connection.get("/ready").await.is_err() {
            sleep(PAUSE).await;
            connection = Connection::open(self.port).await?;
        }
        Ok(())
    }

    /// Orders something for a destination: `pause`.
    pub(crate) async fn order(&self, destination: &str, action: &str) -> anyhow::Result<()> {
        let path = format!("/api/destinations/{destination}/{action}");
        let request = format!("POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n");
        Connection::open(self.port).await?.send(request.as_bytes()).await?;
        Ok(())
    }

    /// Waits until the router reads partitions of its topic.
    pub(crate) async fn until_reading(&self) -> anyhow::Result<()> {
        while metrics::sum(&self.metrics().await?, "opentrack_journal_partitions") < 1.0 {
            sleep(PAUSE).await;
        }
        Ok(())
    }

    /// Waits until the router has read everything of its topic for a while, since it measures that from time to time;
    /// returns since when.
    pub(crate) async fn until_read(&self) -> anyhow::Result<Instant> {
        let mut since = Instant::now();
        while since.elapsed() < MEASURED {
            if metrics::sum(&self.metrics().await?, "opentrack_journal_lag_events") > 0.0 {
                since = Instant::now();
            }
            sleep(PAUSE).await;
        }
        Ok(since)
    }

    /// Returns how many events the router says are durable.
    pub(crate) async fn accepted(&self) -> anyhow::Result<u64> {
        Ok(metrics::sum(&self.metrics().await?, "opentrack_events_accepted_total") as u64)
    }

    /// Returns the text of `/metrics`.
    pub(crate) async fn metrics(&self) -> anyhow::Result<String> {
        Connection::open(self.port).await?.get("/metrics").await
    }

    /// Returns the processor time of the process so far, user and system.
    pub(crate) fn cpu(&self) -> anyhow::Result<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The name in parentheses may hold anything.
        let (_, rest) = stat.rsplit_once(')').context("no process state")?;
        let ticks = rest.split_whitespace().skip(11).take(2).map(str::parse::<u64>);
        // The kernel counts in hundredths of a second.
        Ok(Duration::from_millis(10 * ticks.sum::<Result<u64, _>>()?))
    }

    /// Returns the processor time of each thread so far, to the nanosecond; those that have ended are not among them.
    pub(crate) fn threads(&self) -> anyhow::Result<HashMap<String, Duration>> {
        threads_of(self.child.id())
    }

    /// Returns the processor time so far of the threads that answer requests, to the nanosecond.
    pub(crate) fn workers(&self) -> anyhow::Result<Duration> {
        let mut arbiters = Vec::new();
        for thread in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let path = thread?.path();
            let name = fs::read_to_string(path.join("comm")).unwrap_or_default();
            let number = path.file_name().and_then(|number| number.to_str()?.parse::<u32>().ok());
            if let Some(number) = number.filter(|_| name.trim_end() == ARBITER) {
                arbiters.push((number, path));
            }
        }
        // Threads are numbered in the order in which they were started.
        arbiters.sort_unstable();
        ensure!(arbiters.len() > INNER_ARBITERS, "no thread of the router is known to answer requests");
        arbiters.iter().skip(INNER_ARBITERS).map(|(_, path)| time_of(path)).sum()
    }

    /// Returns the bytes that the process has had written to its disk so far: files of every kind, a page that is written
    /// twice counted twice.
    pub(crate) fn written(&self) -> anyhow::Result<u64> {
        let io = fs::read_to_string(format!("/proc/{}/io", self.child.id()))?;
        let bytes = io.lines().find_map(|line| line.strip_prefix("write_bytes: "));
        Ok(bytes.context("no count of bytes")?.trim().parse()?)
    }

    /// Returns a figure of `/proc/PID/status` in MiB: `VmRSS`, `VmHWM`.
    pub(crate) fn memory(&self, figure: &str) -> anyhow::Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(figure)?.strip_prefix(':'));
        let kib = line.and_then(|line| line.split_whitespace().next()).context("no memory figure")?;
        Ok(kib.parse::<f64>()? / 1024.0)
    }

    /// Returns the bytes that the journal has written into its files, the space that it only keeps ready not counted.
    pub(crate) fn journal_bytes(&self) -> anyhow::Result<u64> {
        bytes_below(&self.data().join("journal"))
    }

    /// Compares the rows of the warehouse with what was sent; the router must have ended.
    pub(crate) fn warehouse_tally(&self, events: usize) -> anyhow::Result<Tally> {
        let file = self.data().join("warehouse.db");
        let store = Sqlite::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let mut rows = 0_i64;
        for table in CALL_TABLES {
            rows +=
                store.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get::<_, i64>(0))?;
        }
        // The id is the key of its table, so a repeated event leaves no second row.
        Ok(Tally::of(rows.unsigned_abs(), events))
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("stderr.log")).unwrap_or_default()
    }
}

impl Drop for Router {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Returns the processor time of each thread of a process so far, to the nanosecond.
pub(crate) fn threads_of(process: u32) -> anyhow::Result<HashMap<String, Duration>> {
    let mut threads = HashMap::new();
    for thread in fs::read_dir(format!("/proc/{process}/task"))? {
        let path = thread?.path();
        // One that ends while it is looked at has nothing to tell.
        let Ok(time) = time_of(&path) else { continue };
        threads.insert(path.to_string_lossy().into_owned(), time);
    }
    Ok(threads)
}

/// Returns the processor time of one thread so far.
fn time_of(thread: &Path) -> anyhow::Result<Duration> {
    let text = fs::read_to_string(thread.join("schedstat"))?;
    let nanoseconds = text.split_whitespace().next().context("no processor time")?.parse()?;
    Ok(Duration::from_nanos(nanoseconds))
}

/// Returns the processor time of all threads since `before`. A thread that has ended meanwhile does not count.
pub(crate) fn since(before: &HashMap<String, Duration>, now: &HashMap<String, Duration>) -> Duration {
    let earlier = |thread: &String| before.get(thread).copied().unwrap_or_default();
    now.iter().map(|(thread, time)| time.saturating_sub(earlier(thread))).sum()
}

fn config(port: u16, tables: &str) -> String {
    format!("[server]\nlisten = [\"127.0.0.1:{port}\"]\ndata_dir = \"data\"\n\n{tables}")
}

fn spawn(dir: &Path) -> anyhow::Result<Child> {
    let log = OpenOptions::new().create(true).append(true).open(dir.join("stderr.log"))?;
    let mut command = Command::new(binary());
    command.args(["serve", "--config", "config.toml"]).current_dir(dir).env_clear();
    Ok(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn()?)
}

static BINARY: OnceLock<PathBuf> = OnceLock::new();

/// Chooses another build than the one that was made for this benchmark.
pub(crate) fn measure(binary: PathBuf) -> anyhow::Result<()> {
    BINARY.set(binary).map_err(|_| anyhow!("a build is chosen once"))
}

fn binary() -> &'static Path {
    BINARY.get().map_or(Path::new(env!("CARGO_BIN_EXE_opentrack")), PathBuf::as_path)
}

fn all_settled(answer: &str, events: u64) -> anyhow::Result<bool> {
    let answer: Value = serde_json::from_str(answer)?;
    let all = answer.get("destinations").and_then(Value::as_array).context("no destinations")?;
    Ok(all.iter().all(|one| settled(one) >= events))
}

fn settled(destination: &Value) -> u64 {
    let count = |path: &str| destination.pointer(path).and_then(Value::as_u64).unwrap_or(0);
    let by_reason = |path: &str| {
        let reasons = destination.pointer(path).and_then(Value::as_object);
        reasons.map_or(0, |reasons| reasons.values().filter_map(Value::as_u64).sum())
    };
    count("/counts/delivered") + by_reason("/counts/dead") + by_reason("/counts/skipped")
}

fn bytes_below(folder: &Path) -> anyhow::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        bytes += if path.is_dir() { bytes_below(&path)? } else { used(&File::open(path)?)? };
    }
    Ok(bytes)
}

/// Returns the length of a file without the zeros at its end.
fn used(file: &File) -> anyhow::Result<u64> {
    let mut block = [0; 16 << 10];
    let mut end = file.metadata()?.len();
    while end > 0 {
        let from = end.saturating_sub(block.len() as u64);
        let part = block.get_mut(..(end - from) as usize).unwrap_or_default();
        file.read_exact_at(part, from)?;
        if let Some(last) = part.iter().rposition(|byte| *byte != 0) {
            return Ok(from + last as u64 + 1);
        }
        end = from;
    }
    Ok(0)
}
