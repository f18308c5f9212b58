//! What the live views cost: microseconds of CPU an event, and the memory of a million visitors.
//!
//! `cargo bench --bench live`. CPU time, because wall time says more about the neighbours than about the code. Linux only.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_macros,
    clippy::print_stdout,
    reason = "a program for a terminal"
)]

use std::sync::Arc;

use opentrack::projections::live::{Live, Options};
use opentrack::spec::{Event, Kind, Receipt};
use serde_json::json;

const EVENTS: u64 = 200_000;
const VISITORS: u64 = 20_000;
const START: i64 = 1_780_000_000_000;

fn main() {
    let fresh: Vec<Arc<Event>> = (0..EVENTS).map(|n| event(n, n % VISITORS)).collect();
    let bytes: usize = fresh.iter().map(|event| event.size()).sum();
    println!("{EVENTS} events of {} bytes, {VISITORS} visitors", bytes / fresh.len());
    println!("fold, nobody has parsed the event: {:.2} us of CPU an event", fold(&fresh));
    println!("fold, a destination has parsed it: {:.2} us of CPU an event", fold(&fresh));
    let before = resident();
    let mut live = Live::new(Options { most_sessions: 1, ..Options::default() });
    for n in 0..1_000_000 {
        live.take(&event(0, n));
        live.happened();
    }
    let after = resident();
    live.advance(START);
    println!("{} visitors: {} kB", live.tallies().visitors, (after - before) / 1_000);
}

#[expect(clippy::cast_precision_loss, reason = "they are few")]
fn fold(events: &[Arc<Event>]) -> f64 {
    let mut live = Live::new(Options::default());
    let begun = cpu_seconds();
    for batch in events.chunks(1_000) {
        batch.iter().for_each(|event| live.take(event));
        live.happened();
    }
    (cpu_seconds() - begun) * 1e6 / events.len() as f64
}

fn event(n: u64, visitor: u64) -> Arc<Event> {
    let at = START + i64::try_from(n).unwrap();
    let path = format!("/products/{}", n % 500);
    let (kind, name) = match n % 10 {
        0..5 => (Kind::Page, None),
        5 => (Kind::Track, Some("Product Viewed")),
        6 => (Kind::Track, Some("Product Added")),
        7 => (Kind::Track, Some("Order Completed")),
        8 => (Kind::Track, Some("Page Engaged")),
        9 if n % 20 == 9 => (Kind::Track, Some("Web Vital")),
        _ => (Kind::Identify, None),
    };
    let text = json!({
        "type": kind.as_str(), "event": name, "anonymousId": format!("visitor-{visitor:08}"),
        "messageId": format!("message-{n:012}"),
        "properties": {
            "path": path, "title": "A product", "product_id": n % 500, "price": 19.9, "quantity": 1, "engaged_ms": 900,
            "order_id": n, "revenue": "42.00", "currency": "EUR", "name": "LCP", "value": 500 + n % 4_000,
        },
        "context": {
            "page": { "path": path, "url": format!("https://shop.example{path}?utm_source=x"), "referrer": "https://www.google.com/" },
            "campaign": { "name": "summer", "source": "x" }, "locale": "en-GB", "timezone": "Europe/Berlin",
            "userAgent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36",
            "library": { "name": "tracker.js", "version": "1.0.0" },
        },
    });
    let instant = jiff::Timestamp::from_millisecond(at).unwrap();
    let receipt = Receipt {
        kind,
        received_at: instant,
        timestamp: instant,
        sent_at: None,
        message_id: None,
        source: "web".into(),
        ip: None,
        signals: Default::default(),
        redelivery: None,
    };
    Arc::new(Event::restore(text.to_string(), receipt).unwrap())
}

/// Seconds of CPU that this thread has had.
#[expect(clippy::cast_precision_loss, reason = "seconds of CPU time fit")]
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    let nanoseconds: u64 = stat.split_whitespace().next().unwrap().parse().unwrap();
    nanoseconds as f64 / 1e9
}

fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4_096
}
