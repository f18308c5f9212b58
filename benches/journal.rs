//! Processor time and rate of the embedded journal: groups appended with a sync each, then read back from disk.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use opentrack::journal::{EmbeddedJournal, Journal, Options, Position, ReadLimit};
use opentrack::spec::{Event, Kind, Receipt};
use opentrack::telemetry::clock::now;
use tokio::time::Instant;

const EVENTS: usize = 200_000;
const TEXT_BYTES: usize = 720;

fn main() -> anyhow::Result<()> {
    for group in [1, 100, 1_000] {
        let dir = tempfile::tempdir_in("target")?;
        run(dir.path(), group, if group == 1 { 2_000 } else { EVENTS })?;
    }
    Ok(())
}

fn run(dir: &Path, group: usize, count: usize) -> anyhow::Result<()> {
    let events = events(count)?;
    let journal = EmbeddedJournal::open(options(dir), now())?;
    let start = Mark::now()?;
    for events in events.chunks(group) {
        journal.append(events.to_vec())?;
    }
    start.report(&format!("append, groups of {group}"), count)?;
    drop(journal);

    let start = Mark::now()?;
    let journal = EmbeddedJournal::open(options(dir), now())?;
    start.report("open", count)?;

    let start = Mark::now()?;
    let (mut next, mut read) = (Position(0), 0);
    loop {
        let records = journal.read(next, ReadLimit { records: 500, bytes: 4 << 20 })?;
        let Some(last) = records.last() else { break };
        next = Position(last.position.0 + 1);
        read += records.len();
    }
    anyhow::ensure!(read == count, "{read} of {count} events were read back");
    start.report("read back from disk, groups of 500", count)
}

fn options(dir: &Path) -> Options {
    Options {
        dir: dir.to_owned(),
        fsync: true,
        max_bytes: 10 << 30,
        drop_oldest: false,
        retention: Duration::from_secs(7 * 24 * 3_600),
        dedupe_window: Duration::from_secs(24 * 3_600),
        dedupe_max_ids: 2_000_000,
        tail_bytes: 16 << 20,
    }
}

fn events(count: usize) -> anyhow::Result<Vec<Arc<Event>>> {
    let source: Arc<str> = Arc::from("website");
    let received_at = now();
    let event = |number: usize| {
        let head =
            format!(r#"{{"type":"track","event":"Seen","userId":"u{number}","messageId":"id-{number:032}","#);
        let raw = format!(r#"{head}"properties":{{"pad":"{}"}}}}"#, "x".repeat(TEXT_BYTES - head.len() - 24));
        let receipt = Receipt {
            kind: Kind::Track,
            received_at,
            timestamp: received_at,
            sent_at: Some(received_at),
            message_id: None,
            source: Arc::clone(&source),
            ip: None,
            signals: Default::default(),
            redelivery: None,
        };
        let event = Event::restore(raw, receipt);
        event.map(Arc::new).map_err(|problem| anyhow::anyhow!(problem.message))
    };
    (0..count).map(event).collect()
}

/// A point in time and in this process's use of the processor.
struct Mark {
    at: Instant,
    ticks: u64,
    written: u64,
}

impl Mark {
    fn now() -> anyhow::Result<Mark> {
        let stat = std::fs::read_to_string("/proc/self/stat")?;
        let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        let fields: Vec<&str> = after_name.split_whitespace().collect();
        let field = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
        let io = std::fs::read_to_string("/proc/self/io").unwrap_or_default();
        let written = io.lines().find_map(|line| line.strip_prefix("write_bytes: ")?.parse().ok());
        Ok(Mark { at: Instant::now(), ticks: field(11) + field(12), written: written.unwrap_or(0) })
    }

    fn report(&self, what: &str, events: usize) -> anyhow::Result<()> {
        let end = Mark::now()?;
        let events = events as f64;
        // The kernel counts in hundredths of a second.
        let cpu = (end.ticks - self.ticks) as f64 * 10_000.0 / events;
        let rate = events / end.at.duration_since(self.at).as_secs_f64();
        let written = (end.written - self.written) as f64 / events;
        let line = format!(
            "{what}: {cpu:.2} µs CPU an event, {rate:.0} events/s, {written:.0} bytes written each\n"
        );
        Ok(std::io::Write::write_all(&mut std::io::stdout(), line.as_bytes())?)
    }
}
