//! Glimpses: some of the events that come in, stripped of whoever they are about, for those who ask `/presence/stream` to
//! `include=events`.
//!
//! Separate from the broadcaster's frames because they are a sample: they have no numbers, nobody misses one, and they must
//! not push out what somebody does. While nobody asks an event costs one look at a counter. An id, an address, a name or a
//! property never gets in: what does is a closed set.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::messages::{Glimpse, Glimpses};
use crate::spec::{Event, Kind};

/// Most that is shown in a second, of all sites together.
const MOST_PER_SECOND: u32 = 20;
/// Most bytes of a text: what an event is called, a path.
const LONGEST: usize = 100;
/// Stands for a name in which there may be somebody.
const HIDDEN: &str = "(hidden)";
/// So many digits in a row may be somebody's number.
const DIGITS: usize = 6;

/// Chooses what is shown.
#[derive(Debug, Default)]
pub(super) struct Sampler {
    glimpses: Glimpses,
    second: i64,
    shown: u32,
    skipped: u64,
}

impl Sampler {
    pub(super) fn new(glimpses: Glimpses) -> Sampler {
        Sampler { glimpses, ..Sampler::default() }
    }

    /// Shows an event, when somebody looks and the second has room.
    pub(super) fn take(&mut self, event: &Event, now: Timestamp) {
        if !self.glimpses.are_watched() {
            return;
        }
        if now.as_second() != self.second {
            (self.second, self.shown) = (now.as_second(), 0);
        }
        if self.shown >= MOST_PER_SECOND {
            self.skipped += 1;
            return;
        }
        self.shown += 1;
        self.glimpses.show(glimpse(event, std::mem::take(&mut self.skipped)));
    }
}

#[derive(Serialize)]
struct Shown<'e> {
    at: Timestamp,
    site: &'e str,
    r#type: &'static str,
    event: Option<&'e str>,
    path: Option<&'e str>,
    country: Option<&'e str>,
    device: Option<&'e str>,
    channel: Option<&'e str>,
    /// Events of all sites between the one shown before and this one.
    skipped: u64,
}

fn glimpse(event: &Event, skipped: u64) -> Glimpse {
    let tree = event.tree();
    let text = |pointer: &str| tree.pointer(pointer).and_then(Value::as_str).map(plain);
    let name = event.head.name.as_deref().filter(|_| event.head.kind == Kind::Track);
    let path = text("/context/page/path").map(|path| path.split(['?', '#', ';']).next().unwrap_or_default());
    let shown = Shown {
        at: event.receipt.received_at,
        site: &event.receipt.source,
        r#type: event.head.kind.as_str(),
        event: name.map(plain),
        path,
        country: text("/context/geo/country"),
        device: text("/context/device/type"),
        channel: text("/context/attribution/channel"),
        skipped,
    };
    let data = serde_json::to_string(&shown).unwrap_or_default();
    Glimpse { site: Arc::clone(&event.receipt.source), data }
}

/// Returns a text unless there may be somebody in it: an address, a number, or more than a name has.
fn plain(text: &str) -> &str {
    let is_digit = |byte: u8| byte.is_ascii_digit();
    let has_number = text.as_bytes().windows(DIGITS).any(|run| run.iter().copied().all(is_digit));
    let is_odd = |c: char| c == '@' || c == '%' || c.is_control();
    if text.len() > LONGEST || has_number || text.contains(is_odd) { HIDDEN } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Receipt;
    use serde_json::json;

    fn event(json: &Value) -> Event {
        let receipt = Receipt {
            kind: Kind::from_name(json["type"].as_str().unwrap()).unwrap(),
            received_at: Timestamp::from_second(1_780_000_000).unwrap(),
            timestamp: Timestamp::from_second(1_780_000_000).unwrap(),
            sent_at: None,
            message_id: None,
            source: "web".into(),
            ip: Some("203.0.113.77".parse().unwrap()),
            signals: Default::default(),
            redelivery: None,
        };
        Event::restore(json.to_string(), receipt).unwrap()
    }

    fn shown(json: &Value) -> Value {
        serde_json::from_str(&glimpse(&event(json), 3).data).unwrap()
    }

    #[test]
    fn nothing_of_a_person_is_in_a_glimpse() {
        let json = json!({
            "type": "track", "event": "Order Completed", "messageId": "planted-1", "userId": "planted-2",
            "anonymousId": "planted-3", "properties": { "email": "planted-4", "total": 5 },
            "context": {
                "ip": "planted-5", "traits": { "name": "planted-6" }, "userAgent": "planted-7",
                "page": { "path": "/cart?token=planted-8", "url": "planted-9", "referrer": "planted-a" },
                "geo": { "country": "DE", "city": "planted-b" }, "device": { "type": "mobile", "id": "planted-c" },
                "attribution": { "channel": "Direct", "click_id": "planted-d" },
            },
        });
        let shown = shown(&json);
        let wanted = json!({
            "at": "2026-05-28T20:26:40Z", "site": "web", "type": "track", "event": "Order Completed",
            "path": "/cart", "country": "DE", "device": "mobile", "channel": "Direct", "skipped": 3,
        });
        assert_eq!(shown, wanted);
    }

    #[test]
    fn a_text_that_may_be_somebody_is_hidden() {
        let named = |name: &str| {
            let json = json!({ "type": "track", "event": name, "messageId": "m", "userId": "u" });
            shown(&json)["event"].as_str().unwrap().to_owned()
        };
        assert_eq!(named("Viewed 2 of 12345"), "Viewed 2 of 12345");
        for somebody in
            ["bob@shop.example left", "Call 4915112345", "bob%40shop.example", "a\nb", &"x".repeat(101)]
        {
            assert_eq!(named(somebody), HIDDEN, "{somebody}");
        }
        let page = json!({
            "type": "page", "name": "Bob's page", "messageId": "m", "userId": "u",
            "context": { "page": { "path": "/reset/0123456789" } },
        });
        assert_eq!((&shown(&page)["event"], &shown(&page)["path"]), (&json!(null), &json!(HIDDEN)));
    }

    #[test]
    fn a_second_shows_so_many_and_says_how_many_it_left_out() {
        let glimpses = Glimpses::default();
        let mut sampler = Sampler::new(glimpses.clone());
        let event = event(&json!({ "type": "track", "event": "Seen", "messageId": "m", "userId": "u" }));
        let at = |second| Timestamp::from_second(second).unwrap();
        sampler.take(&event, at(1));
        let mut seen = glimpses.watch();
        (0..50).for_each(|_| sampler.take(&event, at(1)));
        sampler.take(&event, at(2));
        let mut skipped = Vec::new();
        while let Ok(glimpse) = seen.try_recv() {
            let data: Value = serde_json::from_str(&glimpse.data).unwrap();
            skipped.push(data["skipped"].as_u64().unwrap());
        }
        assert_eq!(skipped.len(), 21, "what came before anybody looked is not counted");
        assert_eq!((skipped[..20].iter().sum::<u64>(), skipped[20]), (0, 30));
    }
}
