//! How long a report takes out of the embedded store with REPORT_EVENTS (500000) events of a month, ten of each session.
//!
//! The file is written as the router writes it, days counted ahead included. For each question so many answers; what is told is
//! the time that one in two and nineteen in twenty stay below.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    reason = "a program of its own, which prints"
)]

use std::time::{Duration, Instant};

use opentrack::spec::Kind;
use opentrack::stores::ReportStore;
use opentrack::stores::embedded::{Embedded, Writer};
use opentrack::stores::reports::fact::{Deal, Fact, Measure, Origin, Place, Rules};
use opentrack::stores::reports::{Asked, Name, Query};
use opentrack::stores::zones;
use rust_decimal::Decimal;

const DAY_MS: i64 = 86_400_000;
/// 2026-03-01T00:00:00Z.
const BEGIN: i64 = 1_772_323_200_000;
const DAYS: i64 = 30;
const BATCH: usize = 1_024;
const TIMES: usize = 20;

const QUESTIONS: [(Name, &str); 14] = [
    (Name::Series, ""),
    (Name::Series, "tz=Europe/Berlin&bucket=hour"),
    (Name::Pages, ""),
    (Name::Pages, "tz=Asia/Kolkata"),
    (Name::Sources, "by=channel"),
    (Name::Geo, ""),
    (Name::Devices, ""),
    (Name::Events, ""),
    (Name::Funnel, ""),
    (Name::Revenue, ""),
    (Name::Vitals, "by=path"),
    (Name::Sessions, ""),
    (Name::Series, "filter=country:DE"),
    (Name::Pages, "filter=channel:Email"),
];

/// A number that looks like any other, the same each time.
fn dice(n: i64) -> i64 {
    let mixed = (n.unsigned_abs() ^ 0x9e37_79b9).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    i64::try_from((mixed ^ (mixed >> 31)) >> 33).unwrap()
}

#[allow(clippy::too_many_lines, reason = "one member of a fact after the other")]
fn fact(n: i64, all: i64) -> Fact<'static> {
    const NAMES: [&str; 6] =
        ["Page Engaged", "Page Engaged", "Product Viewed", "Web Vital", "Product Added", "Order Completed"];
    let (session, step) = (n / 10, n % 10);
    let (visitor, whence) = (dice(session) % (all / 25), dice(session + 7));
    let at = BEGIN + n * DAYS * DAY_MS / all;
    let name = match step {
        0..4 => "",
        8 if whence % 3 != 0 => "Clicked",
        9 if whence % 12 != 0 => "Clicked",
        step => NAMES[usize::try_from(step - 4).unwrap()],
    };
    let pick = |all: &[&'static str]| all[usize::try_from(whence).unwrap() % all.len()].into();
    Fact {
        id: format!("m{n}").into(),
        site: "shop".into(),
        ts: at,
        kind: Some(if step < 4 { Kind::Page } else { Kind::Track }),
        name: name.into(),
        visitor: format!("visitor-{visitor}").into(),
        is_client: true,
        path: format!("/shop/{}", dice(n) % 400).into(),
        engaged_ms: if name == "Page Engaged" { dice(n) % 60_000 } else { 0 },
        place: Place {
            country: pick(&["DE", "AT", "CH", "FR", "PL", "JP"]),
            device: pick(&["mobile", "desktop", "tablet"]),
            ..Place::default()
        },
        origin: Some(Origin {
            channel: pick(&["Direct", "Organic Search", "Email", "Paid Social", "Referral"]),
            ..Origin::default()
        }),
        measure: (name == "Web Vital").then(|| Measure {
            metric: ["LCP", "INP", "CLS", "FCP", "TTFB"][usize::try_from(whence % 5).unwrap()],
            value: f64::from(u16::try_from(dice(n) % 5_000).unwrap()),
            view: format!("view-{n}").into(),
        }),
        deal: (name == "Order Completed").then(|| Deal {
            is_refund: false,
            order_id: Some(format!("order-{n}")),
            amount: Decimal::new(dice(n) % 50_000, 2),
            currency: "EUR".to_owned(),
        }),
        ..Fact::default()
    }
}

fn query(report: Name, text: &str) -> Query {
    let pairs: Vec<(String, String)> = text
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let now = BEGIN + DAYS * DAY_MS - 1;
    Query::read(report, &pairs, Asked { now, zone: "UTC", zones: &zones::named, currency: "USD" }).unwrap()
}

/// The time that this process has had of the processors, in milliseconds: what it would take alone.
fn cpu_ms() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let rest = stat.rsplit(')').next().unwrap_or_default();
    let ticks = rest.split_whitespace().skip(11).take(2).filter_map(|text| text.parse::<u64>().ok());
    // A hundred a second, on every Linux.
    ticks.sum::<u64>() * 10
}

fn main() {
    let all = std::env::var("REPORT_EVENTS").ok().and_then(|text| text.parse().ok()).unwrap_or(500_000_i64);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("analytics.db");
    let mut writer = Writer::open(&path, Rules::default()).unwrap();
    let facts: Vec<Fact<'static>> = (0..all).map(|n| fact(n, all)).collect();
    let begun = Instant::now();
    let mut next = 0_u64;
    for batch in facts.chunks(BATCH) {
        let placed: Vec<(u64, Fact<'_>)> = (next..).zip(batch.iter().cloned()).collect();
        next += batch.len() as u64;
        writer.take(&placed, next).unwrap();
        writer.commit(i64::try_from(next).unwrap()).unwrap();
    }
    let took = begun.elapsed();
    println!("reports  {all} events, {:.0} a second", all as f64 / took.as_secs_f64());
    let begun = Instant::now();
    // The last day is still going on.
    while writer.tidy(BEGIN + DAYS * DAY_MS - 1).unwrap() {}
    println!("reports  counted ahead in {} ms", begun.elapsed().as_millis());
    drop(writer);
    println!("reports  {} MB", std::fs::metadata(&path).unwrap().len() / 1_000_000);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let store = Embedded::new(path);
    let mut slowest = Duration::ZERO;
    for (report, text) in QUESTIONS {
        let before = cpu_ms();
        let mut took: Vec<Duration> = (0..TIMES)
            .map(|_| {
                let begun = Instant::now();
                runtime.block_on(store.answer(query(report, text))).unwrap();
                begun.elapsed()
            })
            .collect();
        took.sort_unstable();
        let cpu = (cpu_ms() - before) / TIMES as u64;
        let (median, most) = (took[TIMES / 2 - 1], took[TIMES * 19 / 20 - 1]);
        slowest = slowest.max(most);
        let (median, most) = (median.as_millis(), most.as_millis());
        println!("reports  p50 {median:>4} p95 {most:>4} cpu {cpu:>4} ms  {report:?} {text}");
    }
    println!("reports  slowest p95 {} ms", slowest.as_millis());
}
