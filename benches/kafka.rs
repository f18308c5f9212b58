//! Microseconds of CPU per event for planning messages and for handing them to brokers until each is acknowledged, and how
//! many events a second that is.
//!
//! `cargo bench --bench kafka`. Prints one line per figure; compares nothing by itself. The brokers are librdkafka's own, in
//! a process of their own (this program, called again), so that their time is not counted.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;
use opentrack::destinations::kafka::{Config, Kafka};
use opentrack::destinations::{Attempt, Client, Destination, Setting};
use opentrack::policy::outcome::Outcome;
use opentrack::spec::{Event, Kind, Receipt};
use rdkafka::mocking::MockCluster;
use serde_json::json;
use tokio::time::Instant;

const BROKERS: &str = "brokers";
const BATCH: usize = 1_000;
const BATCHES: usize = 200;
/// What a delivery has in flight by default.
const AT_ONCE: usize = 4;
const ATTEMPT: Attempt = Attempt { number: 1, first_at: Timestamp::UNIX_EPOCH, at: Timestamp::UNIX_EPOCH };

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    if std::env::args().nth(1).as_deref() == Some(BROKERS) {
        return be_brokers();
    }
    let (mut brokers, addresses) = start_brokers()?;
    let measured = measure(&addresses);
    brokers.kill()?;
    brokers.wait()?;
    measured
}

/// Is a cluster until the standard input ends.
fn be_brokers() -> Result<(), Failure> {
    let cluster = MockCluster::new(3)?;
    cluster.create_topic("events", 12, 3)?;
    report(&cluster.bootstrap_servers());
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

fn start_brokers() -> Result<(Child, String), Failure> {
    let mut command = Command::new(std::env::current_exe()?);
    let mut child = command.arg(BROKERS).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut addresses = String::new();
    BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut addresses)?;
    Ok((child, addresses.trim().to_owned()))
}

fn measure(addresses: &str) -> Result<(), Failure> {
    let setting = Setting {
        name: "kafka".into(),
        data_dir: "nowhere".into(),
        production: false,
        timeout: Duration::from_secs(60),
        surroundings: Default::default(),
        site_salt: String::new().into(),
        meter: opentrack::telemetry::Meter::default(),
        live: Default::default(),
    };
    let config = Config { brokers: addresses.split(',').map(str::to_owned).collect(), ..Config::default() };
    let pair = Kafka::new(config, &setting).map_err(|problems| format!("{problems:?}"))?;
    let batches: Vec<Vec<Arc<Event>>> = (0..BATCHES).map(batch).collect();
    let bytes: usize = batches.iter().flatten().map(|event| event.raw.len()).sum();
    let total = u32::try_from(BATCH * BATCHES)?;
    report(&format!("{total} events of {} bytes on average", bytes / (BATCH * BATCHES)));
    let before = cpu();
    for events in &batches {
        std::hint::black_box(pair.0.plan(events, &ATTEMPT));
    }
    report(&format!("plan: {:.2} us an event", per_event(before, total)));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(measure_sending(&pair, &batches, total));
    Ok(())
}

async fn measure_sending(
    (kafka, wire): &(Kafka, <Kafka as Destination>::Client),
    batches: &[Vec<Arc<Event>>],
    total: u32,
) {
    let deliver = async |events: &Vec<Arc<Event>>| {
        for planned in kafka.plan(events, &ATTEMPT).requests {
            let reply = wire.send(&planned.request).await;
            let outcomes = kafka.judge(&planned.request, planned.events.len(), &reply);
            assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Delivered), "{reply:?}");
        }
    };
    if let Some(first) = batches.first() {
        // The connection is not what is measured.
        deliver(first).await;
    }
    let (before, begun) = (cpu(), Instant::now());
    stream::iter(batches).map(deliver).buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
    let us = per_event(before, total);
    let rate = f64::from(total) / begun.elapsed().as_secs_f64();
    report(&format!("plan and send: {us:.2} us an event, {rate:.0} events a second"));
}

fn batch(number: usize) -> Vec<Arc<Event>> {
    (0..BATCH).filter_map(|index| event(number * BATCH + index)).collect()
}

fn event(number: usize) -> Option<Arc<Event>> {
    let text = json!({
        "type": "track", "messageId": format!("ajs-next-{}", uuid::Uuid::new_v4()), "event": "Product Viewed",
        "anonymousId": uuid::Uuid::new_v4().to_string(), "userId": format!("user-{}", number % 5_000),
        "timestamp": "2026-03-01T12:00:00.123Z", "integrations": {},
        "properties": {"sku": format!("sku-{number}"), "price": 19.99, "currency": "EUR", "position": number % 40},
        "context": {"ip": "203.0.113.7", "locale": "en-GB", "timezone": "Europe/Berlin",
            "page": {"url": "https://shop.example/a/b", "path": "/a/b", "title": "A page", "search": "", "referrer": ""},
            "library": {"name": "analytics.js", "version": "next-1.84.3"}}
    });
    let received_at =
        Timestamp::from_microsecond(1_772_366_400_000_000 + i64::try_from(number).ok()?).ok()?;
    let receipt = Receipt {
        kind: Kind::Track,
        received_at,
        timestamp: received_at,
        sent_at: None,
        message_id: None,
        source: "web".into(),
        ip: None,
        signals: Default::default(),
        redelivery: None,
    };
    Event::restore(Bytes::from(text.to_string()), receipt).ok().map(Arc::new)
}

/// Returns the CPU time of this process so far, user and system, in clock ticks of 10 ms.
fn cpu() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace();
    fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum()
}

fn per_event(before: u64, events: u32) -> f64 {
    let ticks = u32::try_from(cpu() - before).unwrap_or(u32::MAX);
    f64::from(ticks) * 10_000.0 / f64::from(events)
}

fn report(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").expect("standard output is open");
}
