//! Instructions that the pure functions of the hot path take for an event, counted by valgrind's callgrind: the same each time,
//! whatever else the machine does.
//!
//! `make instructions` compares with `benches/instructions.txt` and fails outside of the band; `make instructions-write` writes
//! it anew. This program runs itself below valgrind once for each case. Nothing that is counted hashes: which instructions do
//! that depends on the processor. Needs symbols, so it has a profile of its own.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_macros,
    clippy::print_stdout,
    reason = "a program for a terminal"
)]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::process::{Command, ExitCode};
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use opentrack::destinations::{Attempt, Destination, Setting};
use opentrack::destinations::{bigquery, sqlite};
use opentrack::journal::embedded::measured::Codec;
use opentrack::projections::live::{Live, Options};
use opentrack::spec::{Arrival, Endpoint, Event, Limits, read};
use opentrack::stores::reports::fact::{Fact, Rules};

/// Counted instructions, beside this program.
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/instructions.txt");
/// How far a count may be from the one in the file.
const BAND: f64 = 0.05;
const BATCH: usize = 100;
/// Batches that are counted.
const BATCHES: usize = 10;
/// Given to this program by itself.
const CASE: &str = "--case";
const WRITE: &str = "--write";
const ATTEMPT: Attempt = Attempt { number: 1, first_at: Timestamp::UNIX_EPOCH, at: Timestamp::UNIX_EPOCH };

/// Makes everything ready and returns what is counted.
type Prepare = fn() -> Box<dyn FnMut()>;

const CASES: [(&str, Prepare); 8] = [
    ("split-and-believe", believing),
    ("journal-encode", encoding),
    ("journal-decode", decoding),
    ("compose", composing),
    ("sqlite-plan", planning_sqlite),
    ("bigquery-plan", planning_bigquery),
    ("report-fact", reading_facts),
    ("live-take", folding),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let case = arguments.iter().skip_while(|argument| *argument != CASE).nth(1);
    if let Some((_, prepare)) = case.and_then(|case| CASES.iter().find(|(name, _)| name == case)) {
        let mut work = prepare();
        // What is made once at the first use belongs to no event.
        work();
        counted_for_each_event(&mut *work);
        return ExitCode::SUCCESS;
    }
    let counts: BTreeMap<&str, u64> = CASES.iter().map(|(name, _)| (*name, count(name))).collect();
    if arguments.iter().any(|argument| argument == WRITE) {
        write(&counts);
        return ExitCode::SUCCESS;
    }
    if compare(&counts) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Whatever runs below this function is counted; callgrind knows it by its name.
#[inline(never)]
fn counted_for_each_event(work: &mut dyn FnMut()) {
    work();
    // Keeps this frame: a call in the last place would take it over.
    black_box(());
}

/// Runs a case below valgrind; returns instructions an event.
fn count(case: &str) -> u64 {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--collect-atstart=no"]);
    valgrind.arg("--toggle-collect=*counted_for_each_event*");
    let ran = valgrind.arg(std::env::current_exe().unwrap()).args([CASE, case]).output();
    let said =
        String::from_utf8(ran.expect("`valgrind` is missing; Debian's package has it").stderr).unwrap();
    let collected = said.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok());
    let all: u64 = collected.unwrap_or_else(|| panic!("valgrind counted nothing:\n{said}"));
    assert!(all > 0, "the counted function was not found: is the program stripped?");
    all / (BATCH * BATCHES) as u64
}

fn write(counts: &BTreeMap<&str, u64>) {
    let mut text = String::from("# Instructions an event, as `make instructions-write` has counted them.\n");
    for (name, _) in CASES {
        text.push_str(&format!("{name:<20} {:>7}\n", counts[name]));
    }
    std::fs::write(FILE, &text).unwrap();
    print!("{text}");
}

/// Prints each count beside the one in the file; returns whether all are within the band.
fn compare(counts: &BTreeMap<&str, u64>) -> bool {
    // Without the file nothing is within the band.
    let text = std::fs::read_to_string(FILE).unwrap_or_default();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let known: BTreeMap<&str, f64> = lines
        .filter_map(|line| line.split_once(' '))
        .map(|(name, count)| (name, count.trim().parse().unwrap()))
        .collect();
    let mut is_fine = true;
    for (name, _) in CASES {
        let (now, before) = (counts[name], known.get(name).copied().unwrap_or(f64::NAN));
        let change = now as f64 / before - 1.0;
        let is_within = change.abs() <= BAND;
        let verdict = if is_within { "" } else { "  OUTSIDE OF THE BAND" };
        println!(
            "{name:<20} {now:>7} instructions an event, before {before:>7} ({:+.1} %){verdict}",
            change * 100.0
        );
        is_fine &= is_within;
    }
    if !is_fine {
        println!("more than {:.0} % away: find out why, or `make instructions-write`", BAND * 100.0);
    }
    is_fine
}

/// An event of about 850 bytes as a browser sends it and the door has grown it.
fn text(number: usize) -> String {
    let kind = ["track", "track", "page", "track", "identify"][number % 5];
    let name = ["Product Viewed", "Product Added", "Order Completed", "Cart Viewed"][number % 4];
    format!(
        concat!(
            r#"{{"anonymousId":"5e3f{n:08x}-77aa-4e12-9c0d-1e5f00c0ffee","context":{{"library":{{"name":"analytics.js","#,
            r#""version":"next-1.84.3"}},"locale":"en-GB","timezone":"Europe/Berlin","page":{{"path":"/products/{p}","referrer":"","#,
            r#""title":"Blue suede shoes","url":"https://shop.example/products/{p}?utm_source=news"}},"userAgent":"Mozilla/5.0 "#,
            r#"(X11; Linux x86_64) AppleWebKit/537.36","browser":{{"name":"Chrome","version":"140.0.0"}},"os":{{"name":"Linux","#,
            r#""version":""}},"device":{{"type":"desktop"}},"bot":false}},"event":"{name}","integrations":{{}},"messageId":"#,
            r#""ajs-next-1763640000000-9b1d{n:08x}-4e55-8f00-1e5d00c0ffee","name":"Products","properties":{{"currency":"EUR","#,
            r#""price":42.50,"product_id":"sku-{p}","quantity":2,"order_id":"o-{n}","revenue":85.0,"categories":["shoes","sale"]}},"#,
            r#""traits":{{"plan":"pro"}},"timestamp":"2026-11-20T11:59:58.678Z","type":"{kind}","userId":"user-{n}"}}"#
        ),
        n = number,
        p = number % 300,
        name = name,
        kind = kind,
    )
}

/// Bodies of `/v1/batch`, one after the other.
fn bodies() -> Vec<Bytes> {
    let body = |batch: usize| {
        let events: Vec<String> = (batch * BATCH..(batch + 1) * BATCH).map(text).collect();
        Bytes::from(format!(r#"{{"batch":[{}],"sentAt":"2026-11-20T11:59:59.000Z"}}"#, events.join(",")))
    };
    (0..BATCHES).map(body).collect()
}

fn believed(body: &Bytes) -> Vec<Event> {
    let arrival = Arrival {
        received_at: "2026-11-20T12:00:00.250Z".parse().unwrap(),
        source: Arc::from("web"),
        ip: None,
        client_side: true,
        signals: Default::default(),
    };
    let limits = Limits { max_event_bytes: 1 << 20 };
    read(body.clone(), Endpoint::Batch).unwrap().believe(&arrival, &limits).events
}

fn batches() -> Vec<Vec<Arc<Event>>> {
    let batches: Vec<Vec<Arc<Event>>> =
        bodies().iter().map(|body| believed(body).into_iter().map(Arc::new).collect()).collect();
    assert!(batches.iter().all(|batch| batch.len() == BATCH), "every event is believed");
    batches
}

fn believing() -> Box<dyn FnMut()> {
    let bodies = bodies();
    Box::new(move || bodies.iter().for_each(|body| drop(black_box(believed(body)))))
}

fn encoding() -> Box<dyn FnMut()> {
    let (batches, mut codec, mut out) = (batches(), Codec::new(), Vec::with_capacity(2 << 20));
    Box::new(move || {
        out.clear();
        for (position, event) in batches.iter().flatten().enumerate() {
            black_box(codec.encode(&mut out, position as u64, event));
        }
    })
}

fn decoding() -> Box<dyn FnMut()> {
    let mut codec = Codec::new();
    let encode = |(position, event): (usize, &Arc<Event>)| {
        let mut record = Vec::new();
        codec.encode(&mut record, position as u64, event).unwrap();
        record
    };
    let records: Vec<Vec<u8>> = batches().iter().flatten().enumerate().map(encode).collect();
    Box::new(move || {
        for (position, record) in records.iter().enumerate() {
            black_box(codec.decode(record, position as u64).unwrap());
        }
    })
}

/// What a webhook's body is made of.
fn composing() -> Box<dyn FnMut()> {
    let (batches, mut out) = (batches(), Vec::with_capacity(2 << 20));
    Box::new(move || {
        out.clear();
        batches.iter().flatten().for_each(|event| event.write_json(&mut out));
        black_box(&out);
    })
}

fn setting() -> Setting {
    Setting {
        name: "warehouse".into(),
        data_dir: std::env::temp_dir(),
        production: false,
        timeout: std::time::Duration::from_secs(60),
        surroundings: Default::default(),
        site_salt: String::new().into(),
        meter: opentrack::telemetry::Meter::default(),
        live: Default::default(),
    }
}

fn planning_sqlite() -> Box<dyn FnMut()> {
    let made = sqlite::Sqlite::new(sqlite::Config::default(), &setting());
    planning(made.map_err(|problems| format!("{problems:?}")).unwrap().0)
}

fn planning_bigquery() -> Box<dyn FnMut()> {
    let config =
        bigquery::Config { project_id: "bench".into(), dataset: "d".into(), ..bigquery::Config::default() };
    let new = || {
        let made = bigquery::BigQuery::new(config.clone(), &setting());
        made.map_err(|problems| format!("{problems:?}")).unwrap().0
    };
    let learner = new();
    learn(&learner, &batches());
    // What the first plan of a destination finds is settled.
    let destination = new();
    let learnt = learner.schema().unwrap().load().as_ref().clone();
    destination.schema().unwrap().store(learnt);
    planning(destination)
}

/// Plans a warehouse's rows with all tables there.
fn planning<D: Destination + 'static>(destination: D) -> Box<dyn FnMut()> {
    let batches = batches();
    learn(&destination, &batches);
    Box::new(move || {
        for events in &batches {
            let plan = black_box(destination.plan(events, &ATTEMPT));
            assert!(plan.needs.is_none() && plan.waiting.is_empty() && plan.refused.is_empty());
        }
    })
}

fn learn<D: Destination>(destination: &D, batches: &[Vec<Arc<Event>>]) {
    let schema = destination.schema().unwrap();
    for events in batches {
        while let Some(needs) = destination.plan(events, &ATTEMPT).needs {
            schema.change(|schema| schema.with(&needs));
        }
    }
}

fn reading_facts() -> Box<dyn FnMut()> {
    let (batches, rules) = (batches(), Rules::default());
    Box::new(move || {
        for event in batches.iter().flatten() {
            black_box(Fact::of(event, &rules));
        }
    })
}

/// The second time everybody is there already, which is the usual case.
fn folding() -> Box<dyn FnMut()> {
    let (batches, mut live) = (batches(), Live::new(Options::default()));
    Box::new(move || {
        for batch in &batches {
            batch.iter().for_each(|event| live.take(event));
            live.happened();
        }
    })
}
