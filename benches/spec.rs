//! Microseconds of CPU per event for the way from a request's body to believed events, and for writing them out.
//!
//! `cargo bench --bench spec`. CPU time, because wall time says more about the neighbours than about the code. Each
//! figure is the best of several rounds. Linux only, where the kernel tells a thread's CPU time in `/proc`.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_macros,
    clippy::print_stdout,
    reason = "a program for a terminal"
)]

use std::hint::black_box;
use std::sync::Arc;

use bytes::Bytes;
use opentrack::spec::{Arrival, Endpoint, Event, Kind, Limits, read};

const BATCH: usize = 100;
const ROUNDS: usize = 7;
const BATCHES: usize = 400;

/// Nanoseconds of CPU that this thread has had.
fn cpu() -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    stat.split_whitespace().next().unwrap().parse().unwrap()
}

fn best(events: usize, mut work: impl FnMut()) -> f64 {
    let mut best = f64::MAX;
    for _ in 0..ROUNDS {
        let start = cpu();
        work();
        #[expect(clippy::cast_precision_loss, reason = "seconds of CPU time fit")]
        let each = (cpu() - start) as f64 / 1000.0 / events as f64;
        best = best.min(each);
    }
    best
}

/// An event of about 720 bytes as a server library sends it.
fn event(number: usize) -> String {
    let kind = ["track", "track", "page", "identify"].get(number % 4).unwrap();
    format!(
        concat!(
            r#"{{"anonymousId":"5e3f{n:08x}-77aa-4e12-9c0d-1e5f00c0ffee","context":{{"library":{{"name":"analytics-node","#,
            r#""version":"6.2.0"}},"locale":"en-GB","page":{{"path":"/products/{n}","referrer":"https://www.example.org/","#,
            r#""title":"Blue suede shoes","url":"https://shop.example/products/{n}?utm_source=news"}},"userAgent":"Mozilla/5.0 "#,
            r#"(X11; Linux x86_64) AppleWebKit/537.36"}},"event":"Product Viewed","integrations":{{}},"messageId":"node-next-"#,
            r#"1763640000000-9b1d{n:08x}-4e55-8f00-1e5d00c0ffee","name":"Products","properties":{{"currency":"EUR","price":42.50,"#,
            r#""product_id":"sku-{n}","quantity":2,"categories":["shoes","sale"]}},"traits":{{"plan":"pro"}},"timestamp":"#,
            r#""2026-11-20T11:59:58.678Z","type":"{kind}","userId":"user-{n}","_metadata":{{"nodeVersion":"20.11.0"}}}}"#
        ),
        n = number,
        kind = kind,
    )
}

#[expect(clippy::too_many_lines, reason = "a list of measurements")]
fn main() {
    let events: Vec<String> = (0..BATCH).map(event).collect();
    let bytes = events.iter().map(String::len).sum::<usize>() / BATCH;
    let batch =
        Bytes::from(format!(r#"{{"batch":[{}],"sentAt":"2026-11-20T11:59:59.000Z"}}"#, events.join(",")));
    let single = Bytes::from(event(0));
    let received_at = "2026-11-20T12:00:00.250Z".parse().unwrap();
    let arrival = Arrival {
        received_at,
        source: Arc::from("web"),
        ip: None,
        client_side: false,
        signals: Default::default(),
    };
    let limits = Limits { max_event_bytes: 1 << 20 };
    let believe =
        |body: &Bytes, endpoint| read(body.clone(), endpoint).unwrap().believe(&arrival, &limits).events;
    assert_eq!(believe(&batch, Endpoint::Batch).len(), BATCH);

    let all = BATCHES * BATCH;
    let report = |name: &str, each: f64| println!("{name:<28} {each:>7.3} µs an event");
    println!("{bytes} bytes an event, {BATCH} events a batch");
    report(
        "batch: split",
        best(all, || {
            (0..BATCHES).for_each(|_| {
                black_box(read(batch.clone(), Endpoint::Batch).unwrap().len());
            })
        }),
    );
    report(
        "batch: split and believe",
        best(all, || {
            (0..BATCHES).for_each(|_| {
                black_box(believe(&batch, Endpoint::Batch));
            })
        }),
    );
    report(
        "single: split and believe",
        best(all, || {
            (0..all).for_each(|_| {
                black_box(believe(&single, Endpoint::One(Kind::Track)));
            })
        }),
    );
    let believed = believe(&batch, Endpoint::Batch);
    let mut out = Vec::with_capacity(1 << 20);
    report(
        "write_json",
        best(all, || {
            (0..BATCHES).for_each(|_| {
                out.clear();
                believed.iter().for_each(|event| event.write_json(&mut out));
            })
        }),
    );
    report(
        "restore",
        best(all, || {
            (0..BATCHES).for_each(|_| {
                for event in &believed {
                    black_box(Event::restore(event.raw.clone(), event.receipt.clone()).unwrap());
                }
            })
        }),
    );
    report(
        "restore and tree",
        best(all / 10, || {
            (0..BATCHES / 10).for_each(|_| {
                for event in &believed {
                    let again = Event::restore(event.raw.clone(), event.receipt.clone()).unwrap();
                    black_box(again.tree().as_object().map(serde_json::Map::len));
                }
            })
        }),
    );
}
