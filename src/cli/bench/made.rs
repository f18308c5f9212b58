//! The events that are sent: calls of five kinds, some 700 bytes each, made of their number alone. Pure but for the dice that name
//! a run.

use std::fmt::Write as _;

use fastrand::Rng;

/// Of ten calls six are `track`, as in a shop.
const KINDS: [&str; 10] =
    ["track", "page", "track", "track", "identify", "track", "screen", "track", "group", "track"];
const NAMES: [&str; 6] = [
    "Product Viewed",
    "Product Added",
    "Order Completed",
    "Products Searched",
    "Cart Viewed",
    "Coupon Applied",
];
const TITLES: [&str; 4] = ["Rain jacket", "Espresso cups (set of 4)", "Trail shoes", "Reading lamp"];
const AGENTS: [&str; 3] = [
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:139.0) Gecko/20100101 Firefox/139.0",
];
/// Nobody but the journal: `All` leaves out warehouses, which are meant by their own word.
const NOWHERE: &str = r#","integrations":{"All":false,"Warehouses":false}"#;
const USERS: u32 = 20_000;

/// The events of one run.
pub(super) struct Made {
    /// What ids begin with, so that a second run repeats none of the first.
    run: u64,
    deliver: bool,
}

impl Made {
    /// Returns events that destinations get, or not.
    pub(super) fn new(deliver: bool) -> Made {
        Made { run: fastrand::u64(..), deliver }
    }

    /// Writes the body of `/v1/batch` with the events from `first` on into `out`.
    pub(super) fn batch(&self, first: u32, count: u32, out: &mut String) {
        out.clear();
        out.push_str(r#"{"batch":["#);
        for number in first..first + count {
            if number > first {
                out.push(',');
            }
            self.event(number, out);
        }
        out.push_str("]}");
    }

    fn event(&self, number: u32, out: &mut String) {
        let mut rng = Rng::with_seed(self.run ^ u64::from(number));
        let kind = KINDS.get(number as usize % KINDS.len()).copied().unwrap_or("track");
        let user = rng.u32(..USERS);
        // Writing to a text never fails.
        write!(
            out,
            concat!(
                r#"{{"type":"{kind}","messageId":"bench-{run:016x}-{number:010}","anonymousId":"bench-visitor-{user:08x}","#,
                r#""userId":"bench-user-{user}","context":{{"library":{{"name":"opentrack-bench","version":"{version}"}},"#,
                r#""userAgent":"{agent}","locale":"en-GB","timezone":"Europe/Berlin","page":{{"path":"/shop/{path}","#,
                r#""url":"https://shop.example/shop/{path}?ref=mail","title":"{title}","search":"?ref=mail","referrer":""}}}},"#,
            ),
            kind = kind,
            run = self.run,
            number = number,
            user = user,
            version = env!("CARGO_PKG_VERSION"),
            agent = pick(&mut rng, &AGENTS),
            path = rng.u32(..400),
            title = pick(&mut rng, &TITLES),
        )
        .ok();
        own(kind, &mut rng, out);
        out.push_str(if self.deliver { "" } else { NOWHERE });
        out.push('}');
    }
}

/// Writes the members that only this kind of call has.
fn own(kind: &str, rng: &mut Rng, out: &mut String) {
    let (sku, cents, title) = (rng.u32(..40_000), rng.u32(100..50_000), pick(rng, &TITLES));
    let written = match kind {
        "track" => write!(
            out,
            concat!(
                r#""event":"{name}","properties":{{"product_id":"SKU-{sku:05}","name":"{title}","price":{price}.{rest:02},"#,
                r#""currency":"EUR","quantity":{quantity},"position":{position},"express":{express}}}"#,
            ),
            name = pick(rng, &NAMES),
            sku = sku,
            title = title,
            price = cents / 100,
            rest = cents % 100,
            quantity = rng.u32(1..6),
            position = rng.u32(1..40),
            express = rng.bool(),
        ),
        "identify" => {
            write!(out, r#""traits":{{"plan":"team","age":{},"newsletter":{}}}"#, rng.u32(18..90), rng.bool())
        }
        "group" => {
            write!(out, r#""groupId":"team-{}","traits":{{"employees":{}}}"#, sku % 300, rng.u32(1..5_000))
        }
        "screen" => {
            write!(out, r#""name":"Basket","properties":{{"tab":{},"dark":{}}}"#, rng.u32(..5), rng.bool())
        }
        _ => write!(out, r#""name":"{title}","category":"Shop","properties":{{"path":"/shop/{sku}"}}"#),
    };
    written.ok();
}

fn pick<'a>(rng: &mut Rng, from: &[&'a str]) -> &'a str {
    rng.choice(from).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use super::*;
    use crate::spec::{Arrival, Endpoint, Limits, read};

    #[test]
    fn every_event_is_believed_each_has_its_own_id_and_nobody_is_sent_one() {
        for deliver in [false, true] {
            let mut body = String::new();
            Made { run: 7, deliver }.batch(30, 500, &mut body);
            assert!((300_000..450_000).contains(&body.len()), "{} bytes", body.len());
            let arrival = Arrival {
                received_at: "2026-11-20T12:00:00Z".parse().unwrap(),
                source: Arc::from("web"),
                ip: None,
                client_side: false,
                signals: Default::default(),
            };
            let envelope = read(body.into(), Endpoint::Batch).unwrap();
            let believed = envelope.believe(&arrival, &Limits { max_event_bytes: 1 << 20 });
            assert_eq!((believed.events.len(), believed.rejected.len()), (500, 0), "{:?}", believed.rejected);
            let ids: BTreeSet<&str> = believed.events.iter().map(|event| &*event.head.message_id).collect();
            assert_eq!(ids.len(), 500);
            assert_eq!(ids.first(), Some(&"bench-0000000000000007-0000000030"));
            let kinds: BTreeSet<&str> =
                believed.events.iter().map(|event| event.head.kind.as_str()).collect();
            assert_eq!(kinds, BTreeSet::from(["group", "identify", "page", "screen", "track"]));
            for event in &believed.events {
                assert_eq!(memchr::memmem::find(&event.raw, b"\"Warehouses\":false").is_some(), !deliver);
            }
        }
    }
}
