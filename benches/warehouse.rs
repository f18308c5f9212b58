//! Microseconds of CPU per event for the mapping of a varied corpus to rows, and for mapping and insert into SQLite; and
//! per row for the plans of BigQuery and ClickHouse.
//!
//! `cargo bench --bench warehouse`. Prints one line per figure; compares nothing by itself.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use opentrack::destinations::sqlite::{Config, Request, Sqlite};
use opentrack::destinations::{Attempt, Client, Destination, Plan, Setting};
use opentrack::destinations::{bigquery, clickhouse};
use opentrack::policy::outcome::Outcome;
use opentrack::spec::{Event, Kind, Receipt};
use serde_json::json;

const BATCH: usize = 1_000;
const BATCHES: usize = 60;
const ATTEMPT: Attempt = Attempt { number: 1, first_at: Timestamp::UNIX_EPOCH, at: Timestamp::UNIX_EPOCH };

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let directory = tempfile::tempdir()?;
    let setting = Setting {
        name: "warehouse".into(),
        data_dir: directory.path().to_owned(),
        production: false,
        timeout: Duration::from_secs(60),
        surroundings: Default::default(),
        site_salt: String::new().into(),
        meter: opentrack::telemetry::Meter::default(),
        live: Default::default(),
    };
    let (destination, wire) =
        Sqlite::new(Config::default(), &setting).map_err(|problems| format!("{problems:?}"))?;
    runtime.block_on(wire.init()).map_err(|reply| format!("{reply:?}"))?;
    let batches: Vec<Vec<Arc<Event>>> = (0..BATCHES).map(batch).collect();
    let bytes: usize = batches.iter().flatten().map(|event| event.raw.len()).sum();
    let total = u32::try_from(BATCH * BATCHES)?;
    report(&format!("{total} events of {} bytes on average", bytes / (BATCH * BATCHES)));

    let plans = runtime.block_on(measure_mapping(&destination, &wire, &batches, total))?;
    runtime.block_on(measure_insert(&destination, &wire, &plans, total));
    let stored =
        Sqlite::query(&Config::default(), &setting, "SELECT count(*), count(DISTINCT id) FROM tracks");
    report(&format!(
        "rows in tracks, and different ones: {:?}",
        stored.ok_or("sqlite answers queries")??.rows
    ));
    measure_rows(&batches, &setting, total)?;
    for layout in [clickhouse::TableLayout::Segment, clickhouse::TableLayout::Events] {
        measure_clickhouse(layout, &batches, &setting)?;
    }
    Ok(())
}

/// Plans for ClickHouse with all tables there. Contacts nobody.
fn measure_clickhouse(
    layout: clickhouse::TableLayout,
    batches: &[Vec<Arc<Event>>],
    setting: &Setting,
) -> Result<(), Box<dyn std::error::Error>> {
    let config = clickhouse::Config { url: "http://ch:8123".into(), layout, ..clickhouse::Config::default() };
    let made = clickhouse::ClickHouse::new(config, setting);
    let (destination, _) = made.map_err(|problems| format!("{problems:?}"))?;
    let schema = destination.schema().ok_or("a warehouse has a schema")?;
    for events in batches {
        while let Some(needs) = destination.plan(events, &ATTEMPT).needs {
            schema.change(|schema| schema.with(&needs));
        }
    }
    let before = cpu();
    let (mut rows, mut bytes) = (0, 0);
    for events in batches {
        let plan = std::hint::black_box(destination.plan(events, &ATTEMPT));
        assert!(plan.needs.is_none() && plan.waiting.is_empty() && plan.refused.is_empty());
        for planned in &plan.requests {
            let clickhouse::Request::Insert(of_table) = &planned.request else {
                return Err("a probe is not planned".into());
            };
            rows += of_table.rows;
            bytes += of_table.body.len();
        }
    }
    let us = per_event(before, u32::try_from(rows)?);
    report(&format!("clickhouse plan, {layout:?}: {us:.2} us a row of {} bytes", bytes / rows));
    Ok(())
}

/// Plans for BigQuery with all tables there and settled. Contacts nobody.
fn measure_rows(
    batches: &[Vec<Arc<Event>>],
    setting: &Setting,
    total: u32,
) -> Result<(), Box<dyn std::error::Error>> {
    let config =
        bigquery::Config { project_id: "bench".into(), dataset: "d".into(), ..bigquery::Config::default() };
    let new = || {
        let made = bigquery::BigQuery::new(config.clone(), setting);
        made.map(|(destination, _)| destination).map_err(|problems| format!("{problems:?}"))
    };
    let learner = new()?;
    let learnt = learner.schema().ok_or("a warehouse has a schema")?;
    for events in batches {
        while let Some(needs) = learner.plan(events, &ATTEMPT).needs {
            learnt.change(|schema| schema.with(&needs));
        }
    }
    // What the first plan of a destination finds is settled.
    let destination = new()?;
    destination.schema().ok_or("a warehouse has a schema")?.store(learnt.load().as_ref().clone());
    let before = cpu();
    let (mut rows, mut bytes, mut columns) = (0, 0, 0);
    for events in batches {
        let plan = std::hint::black_box(destination.plan(events, &ATTEMPT));
        assert!(plan.needs.is_none() && plan.waiting.is_empty() && plan.refused.is_empty());
        for planned in &plan.requests {
            let bigquery::Request::Insert(of_table) = &planned.request else {
                return Err("a settled row is streamed".into());
            };
            rows += of_table.rows.len();
            bytes += of_table.text.len();
            columns += memchr::memmem::find_iter(&of_table.text, b"\":").count();
        }
    }
    let (us, rows) = (per_event(before, total) * f64::from(total), rows as f64);
    report(&format!(
        "bigquery plan: {:.2} us a row of {:.1} columns and {:.0} bytes, {:.2} us an event",
        us / rows,
        columns as f64 / rows,
        bytes as f64 / rows,
        us / f64::from(total)
    ));
    Ok(())
}

async fn measure_mapping(
    destination: &Sqlite,
    wire: &<Sqlite as Destination>::Client,
    batches: &[Vec<Arc<Event>>],
    total: u32,
) -> Result<Vec<Plan<Request>>, String> {
    let mut plans: Vec<Plan<Request>> = Vec::new();
    for events in batches {
        plans.push(ready(destination, wire, events).await?);
    }
    let requests = plans.iter().flat_map(|plan| &plan.requests);
    let tables = requests.flat_map(|planned| &planned.request.load().tables);
    let rows: usize = tables.map(|table| table.rows.len()).sum();
    report(&format!("{:.2} rows an event", rows as f64 / f64::from(total)));
    let before = cpu();
    for events in batches {
        std::hint::black_box(destination.plan(events, &ATTEMPT));
    }
    report(&format!("mapping: {:.2} us an event", per_event(before, total)));
    Ok(plans)
}

async fn measure_insert(
    destination: &Sqlite,
    wire: &<Sqlite as Destination>::Client,
    plans: &[Plan<Request>],
    total: u32,
) {
    let before = cpu();
    for planned in plans.iter().flat_map(|plan| &plan.requests) {
        let reply = wire.send(&planned.request).await;
        let outcomes = destination.judge(&planned.request, planned.events.len(), &reply);
        assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Delivered)));
    }
    report(&format!("insert: {:.2} us an event", per_event(before, total)));
}

/// Plans a batch and makes the tables that it lacks.
async fn ready(
    destination: &Sqlite,
    wire: &<Sqlite as Destination>::Client,
    events: &[Arc<Event>],
) -> Result<Plan<Request>, String> {
    loop {
        let plan = destination.plan(events, &ATTEMPT);
        let Some(needs) = plan.needs else { return Ok(plan) };
        let store = wire.schema_store().ok_or("a warehouse has a schema store")?;
        store.apply(needs).await.map_err(|fault| fault.into_fault().answer)?;
    }
}

fn batch(number: usize) -> Vec<Arc<Event>> {
    (0..BATCH).filter_map(|index| event(number * BATCH + index)).collect()
}

/// Two thirds of all events are track calls of forty names with differing properties.
fn event(number: usize) -> Option<Arc<Event>> {
    let kinds = [Kind::Track, Kind::Track, Kind::Page, Kind::Track, Kind::Identify, Kind::Track];
    let kind = *kinds.get(number % kinds.len())?;
    let hash = uuid::Uuid::new_v4();
    let mut properties = serde_json::Map::new();
    for index in 0..4 + number % 9 {
        let key = format!("property{}", (number + index * 7) % 24);
        properties.insert(
            key,
            if index % 3 == 0 { json!(number) } else { json!(format!("value {number} {index}")) },
        );
    }
    properties.insert("orderTotal".into(), json!(f64::from(u32::try_from(number % 9_000).ok()?) / 100.0));
    properties.insert("address".into(), json!({"city": "Bonn", "postalCode": number.to_string()}));
    let object = if kind == Kind::Identify { "traits" } else { "properties" };
    let text = json!({
        "type": kind.as_str(), "messageId": format!("ajs-next-{hash}"), "anonymousId": uuid::Uuid::new_v4().to_string(),
        "userId": format!("user-{}", number % 5_000), "event": format!("Event Number {}", number % 40),
        "timestamp": "2026-03-01T12:00:00.123Z", object: properties, "integrations": {},
        "context": {"ip": "203.0.113.7", "locale": "en-GB", "timezone": "Europe/Berlin",
            "userAgent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140 Safari/537.36",
            "page": {"url": "https://shop.example/a/b", "path": "/a/b", "title": "A page", "search": "", "referrer": ""},
            "library": {"name": "analytics.js", "version": "next-1.84.3"}}
    });
    let received_at =
        Timestamp::from_microsecond(1_772_366_400_000_000 + i64::try_from(number).ok()?).ok()?;
    let receipt = Receipt {
        kind,
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
