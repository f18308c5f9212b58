//! What the live state and the reports cost together: microseconds of CPU an event, by part.
//!
//! `cargo bench --bench projections`. Events as the door stores them, of PROJECTION_VISITORS (32000) visitors in turn at 24,000 a
//! second, in groups of a second as the router writes them. CPU of this thread, because wall time says more about the
//! neighbours than about the code. Linux only.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::too_many_lines,
    clippy::disallowed_macros,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a program for a terminal"
)]

use std::hint::black_box;
use std::sync::Arc;

use opentrack::projections::live::{Live, Options};
use opentrack::spec::{Event, Glance, Kind, Receipt};
use opentrack::stores::embedded::Writer;
use opentrack::stores::reports::fact::{Fact, Rules};
use serde_json::json;

/// As the router has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const EVENTS: u64 = 480_000;
const A_SECOND: u64 = 24_000;
const A_STEP: usize = 1_024;
const START: i64 = 1_780_000_000_000;

/// Nanoseconds of CPU that this thread has had.
fn cpu() -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    stat.split_whitespace().next().unwrap().parse().unwrap()
}

/// What each part has taken, in nanoseconds.
#[derive(Default)]
struct Took(Vec<(&'static str, u64)>);

impl Took {
    fn by<T>(&mut self, part: &'static str, work: impl FnOnce() -> T) -> T {
        let begun = cpu();
        let done = work();
        let took = cpu() - begun;
        match self.0.iter_mut().find(|(name, _)| *name == part) {
            Some((_, all)) => *all += took,
            None => self.0.push((part, took)),
        }
        done
    }
}

fn main() {
    let visitors =
        std::env::var("PROJECTION_VISITORS").ok().and_then(|text| text.parse().ok()).unwrap_or(32_000);
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(&dir.path().join("analytics.db"), Rules::default()).unwrap();
    let mut live = Live::new(Options::default());
    let (mut took, mut bytes, rules) = (Took::default(), 0, Rules::default());
    for second in 0..EVENTS / A_SECOND {
        let first = second * A_SECOND;
        let events: Vec<Arc<Event>> = (first..first + A_SECOND).map(|n| event(n, n % visitors)).collect();
        bytes += events.iter().map(|event| event.size()).sum::<usize>();
        took.by("glance, once for both", || events.iter().for_each(|event| glance(event)));
        took.by("live state", || events.iter().for_each(|event| live.take(event)));
        black_box(live.happened());
        for (events, first) in events.chunks(A_STEP).zip((first..).step_by(A_STEP)) {
            let facts: Vec<(u64, Fact<'_>)> = took.by("reports: read", || {
                let facts = (first..).zip(events);
                facts.filter_map(|(at, event)| Some((at, Fact::of(event, &rules)?))).collect()
            });
            let next = first + u64::try_from(events.len()).unwrap();
            took.by("reports: take", || writer.take(&facts, next).unwrap());
        }
        let now = START + i64::try_from(second * 1_000).unwrap();
        took.by("reports: commit", || writer.commit(now).unwrap());
    }
    println!("{EVENTS} events of {} bytes, {visitors} visitors", bytes / usize::try_from(EVENTS).unwrap());
    for (part, took) in &took.0 {
        println!("{part:<26} {:>6.2} us of CPU an event", *took as f64 / 1e3 / EVENTS as f64);
    }
    let all: u64 = took.0.iter().map(|(_, took)| took).sum();
    println!("{:<26} {:>6.2} us of CPU an event", "together", all as f64 / 1e3 / EVENTS as f64);
}

fn glance(event: &Event) {
    black_box(Glance::of(event));
}

fn event(n: u64, visitor: u64) -> Arc<Event> {
    let at = START + i64::try_from(n * 1_000 / A_SECOND).unwrap();
    let path = format!("/products/{}", n % 500);
    let (kind, name) = match n % 10 {
        0..5 => (Kind::Page, None),
        5 => (Kind::Track, Some("Product Viewed")),
        6 => (Kind::Track, Some("Product Added")),
        7 if n % 40 == 7 => (Kind::Track, Some("Order Completed")),
        8 => (Kind::Track, Some("Page Engaged")),
        9 if n % 20 == 9 => (Kind::Track, Some("Web Vital")),
        _ => (Kind::Identify, None),
    };
    let text = json!({
        "type": kind.as_str(), "event": name, "anonymousId": format!("visitor-{visitor:08}-7c1e-4d2a"),
        "messageId": format!("ajs-next-1763640000000-{n:012}"),
        "properties": {
            "path": path, "title": "A product", "product_id": n % 500, "price": 19.9, "quantity": 1, "engaged_ms": 900,
            "order_id": n, "revenue": "42.00", "currency": "EUR", "name": "LCP", "value": 500 + n % 4_000,
        },
        "context": {
            "page": { "path": path, "url": format!("https://shop.example{path}?utm_source=x"), "referrer": "https://www.google.com/" },
            "campaign": if n.is_multiple_of(10) { json!({ "name": "summer", "source": "x" }) } else { json!(null) }, "locale": "en-GB", "timezone": "Europe/Berlin",
            "userAgent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36",
            "library": { "name": "tracker.js", "version": "1.0.0" }, "ip": "203.0.113.7", "environment": "production",
            "device": { "type": "desktop" }, "browser": { "name": "Chrome", "version": "140.0" }, "os": { "name": "Linux" },
            "geo": { "country": "DE" },
            "attribution": { "channel": "Organic Search", "source": "google", "medium": "organic", "campaign": "summer" },
        },
    });
    let instant = jiff::Timestamp::from_millisecond(at).unwrap();
    let receipt = Receipt {
        kind,
        received_at: instant,
        timestamp: instant,
        sent_at: None,
        message_id: Some(format!("ajs-next-1763640000000-{n:012}").into()),
        source: "shop".into(),
        ip: None,
        signals: Default::default(),
        redelivery: None,
    };
    Arc::new(Event::restore(text.to_string(), receipt).unwrap())
}
