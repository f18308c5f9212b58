//! Facts of events, and that folding in pieces is folding at once.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::json;

use super::row::SessionRow;
use super::*;
use crate::destinations::kit::testing::event;
use crate::projections::session::Hit;
use crate::spec::Event;

const SALT: &str = "0123456789abcdef0123456789abcdef";

fn fact(text: &serde_json::Value) -> Option<Fact> {
    let event: Arc<Event> = event(&text.to_string());
    Fact::of(&event)
}

#[test]
fn a_server_makes_no_session_and_what_is_nobodys_is_no_fact() {
    let page = json!({ "path": "/a", "url": "https://www.a.example:443/a?x" });
    let call = |more: serde_json::Value| {
        let mut call = json!({ "type": "track", "event": "X", "messageId": "m", "anonymousId": "a" });
        call.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        fact(&call)
    };
    assert!(call(json!({ "context": { "page": page } })).unwrap().hit.is_some());
    assert!(call(json!({ "context": { "device": { "id": "d", "type": "ios" } } })).unwrap().hit.is_some());
    // The door makes a device of a server's user agent too.
    assert!(call(json!({ "context": { "device": { "type": "desktop" } } })).is_none_or(|fact| fact.hit.is_none()));
    assert!(call(json!({ "context": { "page": {}, "bot": true } })).is_none_or(|fact| fact.hit.is_none()));
    assert!(call(json!({ "context": { "page": page }, "channel": "server" })).is_none());
    assert!(call(json!({ "context": { "library": { "name": "analytics-node" } } })).is_none());
    let order = call(json!({ "event": "Order Completed", "userId": "u", "properties": { "order_id": 7, "secret": "x" } })).unwrap();
    assert!(order.hit.is_none());
    assert_eq!((order.order(), order.properties), (Some(("test".to_owned(), "7".to_owned())), json!({ "order_id": 7 }).as_object().unwrap().clone()));
    assert_eq!((order.table, order.key.1, order.user_id), ("tracks", "a".to_owned(), Some("u".to_owned())));
}

#[test]
fn a_page_of_the_same_host_is_no_place_to_come_from() {
    let referrer = |url: &str, referrer: &str| {
        let page = json!({ "url": url, "referrer": referrer });
        let call = json!({ "type": "page", "messageId": "m", "anonymousId": "a", "context": { "page": page } });
        let hit = fact(&call).unwrap().hit.unwrap();
        (hit.path.map(String::from), hit.referrer.map(String::from))
    };
    let some = |text: &str| Some(text.to_owned());
    let own = "https://www.Shop.example:8443/cart?a#b";
    assert_eq!(referrer(own, "http://shop.example/x"), (some("/cart"), None));
    assert_eq!(referrer(own, "https://evil-shop.example/"), (some("/cart"), some("https://evil-shop.example/")));
    assert_eq!(referrer("https://a.example", ""), (some("/"), None));
    assert_eq!(referrer("nonsense", "android-app://com.example"), (None, some("android-app://com.example")));
}

#[test]
fn long_ids_and_characters_that_no_text_holds_are_made_to_fit() {
    let call = json!({ "type": "page", "messageId": "m\0", "anonymousId": "é".repeat(128), "userId": "u\0", "context": { "page": { "path": "/\0a" } } });
    let fact = fact(&call).unwrap();
    assert_eq!((&*fact.id, fact.user_id.as_deref()), ("m", Some("u")));
    assert!(fact.key.1.starts_with("sha256:") && fact.key.1.len() == 71, "{}", fact.key.1);
    assert_eq!(fact.hit.unwrap().path.as_deref(), Some("/a"));
}

#[test]
fn the_id_of_a_session_is_a_keyed_hash_of_site_visitor_and_opening() {
    let call = json!({ "type": "page", "messageId": "m", "anonymousId": "v", "context": { "page": {} } });
    let fact = fact(&call).unwrap();
    let id = |salt: &str| {
        let mut fold = Fold::new(salt, Rows::default());
        fold.add(&fact);
        fold.finish().sessions[0].id.clone()
    };
    // printf 'test|v|1767323045600' | openssl dgst -sha256 -hmac "$SALT" | cut -c1-16
    assert_eq!(id(SALT), "390f5ee200b132b6");
    assert_ne!(id("another"), id(SALT));
}

#[test]
fn an_amount_is_rounded_half_up_and_kept_within_the_column() {
    let written = |text: &str| row::written(text.parse().unwrap());
    assert_eq!(written("1.00005"), "1.0001");
    assert_eq!(written("-3"), "-3.0000");
    assert_eq!(written("1000000000000000"), "99999999999999.9999");
    assert_eq!(written("-1000000000000000"), "-99999999999999.9999");
}

/// The orders and refunds that these events leave: currency, amount, what was given back, and the order that a refund named.
fn orders(events: &[(&str, serde_json::Value)]) -> Vec<(String, Option<String>, String, Option<String>)> {
    let mut fold = Fold::new(SALT, Rows::default());
    for (n, (name, properties)) in events.iter().enumerate() {
        let call = json!({ "type": "track", "event": name, "messageId": n.to_string(), "userId": "u", "properties": properties });
        fold.add(&fact(&call).unwrap());
    }
    let mut rows = fold.finish().orders;
    rows.sort_by(|one, other| one.message_id.cmp(&other.message_id));
    rows.into_iter().map(|row| (row.currency, row.amount, row.refunded, row.refund_of)).collect()
}

fn order(currency: &str, amount: &str, refunded: &str) -> (String, Option<String>, String, Option<String>) {
    (currency.to_owned(), Some(amount.to_owned()), refunded.to_owned(), None)
}

#[test]
fn a_refund_without_a_currency_has_that_of_its_order() {
    let bought = ("Order Completed", json!({ "order_id": "1", "total": 10, "currency": "EUR" }));
    let refunded = |properties: serde_json::Value| orders(&[bought.clone(), ("Order Refunded", properties)]);
    assert_eq!(refunded(json!({ "order_id": "1", "total": 4 })), [order("EUR", "10.0000", "4.0000")]);
    assert_eq!(refunded(json!({ "order_id": "1", "total": 4, "currency": " eur" })), [order("EUR", "10.0000", "4.0000")]);
    let apart = |currency: &str, of: &str| (currency.to_owned(), None, "4.0000".to_owned(), Some(of.to_owned()));
    let untouched = order("EUR", "10.0000", "0.0000");
    assert_eq!(refunded(json!({ "order_id": "1", "total": 4, "currency": "USD" })), [untouched.clone(), apart("USD", "1")]);
    assert_eq!(refunded(json!({ "order_id": "2", "total": 4 })), [untouched, apart("USD", "2")], "the order is not known");
}

#[test]
fn a_refund_without_an_amount_gives_back_what_is_left_of_the_order_however_often_it_comes() {
    let bought = ("Order Completed", json!({ "order_id": "1", "total": 10, "currency": "EUR" }));
    let whole = ("Order Refunded", json!({ "order_id": "1", "currency": "USD" }));
    let part = |total: i64| ("Order Refunded", json!({ "order_id": "1", "total": total }));
    assert_eq!(orders(&[bought.clone(), whole.clone(), whole.clone()]), [order("EUR", "10.0000", "10.0000")]);
    assert_eq!(orders(&[bought.clone(), part(4), whole.clone()]), [order("EUR", "10.0000", "10.0000")]);
    // What names its amount is believed.
    assert_eq!(orders(&[bought.clone(), whole.clone(), part(4)]), [order("EUR", "10.0000", "14.0000")]);
    assert_eq!(orders(&[bought, part(14), whole.clone()]), [order("EUR", "10.0000", "14.0000")]);
    assert_eq!(orders(&[whole]), []);
}

#[test]
fn an_order_has_the_first_session_ever_and_the_last_from_elsewhere_within_90_days() {
    const DAY: i64 = 86_400_000;
    let at = |ts: i64, what: serde_json::Value, referrer: &str| {
        let mut call = json!({ "messageId": ts.to_string(), "anonymousId": "v", "context": { "page": { "path": "/", "referrer": referrer } } });
        call.as_object_mut().unwrap().extend(what.as_object().unwrap().clone());
        let mut fact = fact(&call).unwrap();
        fact.ts = ts;
        fact.hit.iter_mut().for_each(|hit| hit.ts = ts);
        fact
    };
    let touches = |ordered: i64| {
        let mut fold = Fold::new(SALT, Rows::default());
        for (day, referrer) in [(0, "https://first.example/"), (10, ""), (20, "https://last.example/"), (21, "")] {
            fold.add(&at(day * DAY, json!({ "type": "page" }), referrer));
        }
        fold.add(&at(ordered, json!({ "type": "track", "event": "Order Completed", "properties": { "order_id": "1" } }), ""));
        let order = fold.finish().orders.remove(0);
        [order.first_touch, order.last_touch].map(|touch| touch.and_then(|touch| touch.referrer))
    };
    let first = Some("https://first.example/".to_owned());
    let last = Some("https://last.example/".to_owned());
    for (ordered, expected) in [(21 * DAY + 1, &last), (110 * DAY, &last), (110 * DAY + 1, &None)] {
        assert_eq!(touches(ordered), [first.clone(), expected.clone()], "{ordered}");
    }
}

#[test]
fn a_visit_by_an_advertisement_that_only_a_click_id_tells_is_not_direct() {
    const DAY: i64 = 86_400_000;
    let view = |day: i64, path: &str, attribution: serde_json::Value| {
        let call = json!({ "type": "page", "messageId": path, "anonymousId": "v", "context": { "page": { "path": path }, "attribution": attribution } });
        let mut fact = fact(&call).unwrap();
        fact.ts = day * DAY;
        fact.hit.iter_mut().for_each(|hit| hit.ts = fact.ts);
        fact
    };
    let direct = || json!({ "source": "(direct)", "medium": "(none)", "channel": "Direct" });
    let clicked = |id: &str| json!({ "source": "google", "medium": "cpc", "channel": "Paid Search", "click_id": id });
    let mut fold = Fold::new(SALT, Rows::default());
    fold.add(&view(0, "/first", clicked("fbclid")));
    fold.add(&view(1, "/second", clicked("gclid")));
    // Within the same session: it came in by the click all the same.
    let next = view(1, "/next", direct());
    fold.add(&Fact { ts: next.ts + 1, hit: next.hit.map(|hit| Hit { ts: hit.ts + 1, ..hit }), ..next });
    fold.add(&view(2, "/third", direct()));
    let bought = json!({ "type": "track", "event": "Order Completed", "messageId": "o", "anonymousId": "v", "context": { "page": {} } });
    fold.add(&Fact { ts: 2 * DAY, ..fact(&bought).unwrap() });
    let order = fold.finish().orders.remove(0);
    let entry = |touch: Option<row::Touch>| touch.and_then(|touch| touch.entry);
    let id = |touch: &Option<row::Touch>| touch.as_ref().and_then(|touch| touch.click_id.clone());
    assert_eq!([&order.first_touch, &order.last_touch].map(id), ["fbclid", "gclid"].map(|id| Some(id.to_owned())));
    assert_eq!([order.first_touch, order.last_touch].map(entry), [Some("/first".to_owned()), Some("/second".to_owned())]);
}

/// Facts of two visitors: views, clicks, carts, orders and consents.
fn facts() -> impl Strategy<Value = Vec<Fact>> {
    let one = (0..2_u8, 0..8_u8, -20..60_i64, 0..4_u8);
    proptest::collection::vec(one, 0..40).prop_map(|steps| {
        let mut minute = 0;
        let fact = |(n, (visitor, what, step, detail)): (usize, (u8, u8, i64, u8))| {
            minute += step.max(0);
            let (kind, name) = match what {
                0..=2 => ("page", ""),
                3 => ("track", "Product Added"),
                4 => ("track", "Product Removed"),
                5 => ("track", "Order Completed"),
                6 => ("track", "Order Refunded"),
                _ => ("identify", ""),
            };
            let call = json!({
                "type": kind, "event": name, "messageId": n.to_string(), "anonymousId": visitor.to_string(),
                "properties": { "sku": "s", "quantity": detail, "price": 1.5, "order_id": detail.to_string(), "total": detail },
                "context": {
                    "page": { "path": format!("/{detail}"), "referrer": if detail == 1 { "https://x.example/" } else { "" } },
                    "campaign": { "name": if detail == 2 { "spring" } else { "" } },
                    "attribution": { "click_id": if detail == 3 { "gclid" } else { "" } },
                    "consent": { "categoryPreferences": { "a": detail > 1 } },
                },
            });
            let mut fact = fact(&call).unwrap();
            fact.ts = (minute + step.min(0)) * 60_000;
            fact.hit.iter_mut().for_each(|hit| hit.ts = fact.ts);
            fact
        };
        steps.into_iter().enumerate().map(fact).collect()
    })
}

/// The tables, as far as a test needs them: what is written stays, what is read is the newest.
#[derive(Default)]
struct Store(Rows);

impl Store {
    fn newest<R: Clone>(rows: &[R], key: impl Fn(&R) -> (Key, i64)) -> Vec<R> {
        let keys: std::collections::BTreeSet<Key> = rows.iter().map(|row| key(row).0).collect();
        let of = |wanted: &Key| rows.iter().filter(|row| key(row).0 == *wanted).max_by_key(|row| key(row).1).cloned();
        keys.iter().filter_map(of).collect()
    }

    fn read(&self) -> Rows {
        let sessions = Store::newest(&self.0.sessions, |row| (row::key(&row.site, &row.visitor), row.number));
        let touch = |row: &SessionRow| {
            let mine = self.0.sessions.iter().filter(|other| other.visitor == row.visitor);
            let first = mine.clone().find(|row| row.number == 1).map(SessionRow::touch);
            let last = mine.filter(|other| other.number < row.number && !other.touch().is_direct()).max_by_key(|row| row.number).map(SessionRow::touch);
            row::TouchRow { site: row.site.clone(), visitor: row.visitor.clone(), first, last }
        };
        Rows {
            touches: sessions.iter().map(touch).collect(),
            carts: Store::newest(&self.0.carts, |row| (row::key(&row.site, &row.visitor), row.number)),
            consents: Store::newest(&self.0.consents, |row| (row::key(&row.site, &row.visitor), row.at)),
            orders: self.0.orders.clone(),
            sessions,
        }
    }

    fn write(&mut self, rows: Rows) {
        fn put<R: serde::Serialize + serde::de::DeserializeOwned>(all: &mut Vec<R>, rows: Vec<R>, is_same: impl Fn(&R, &R) -> bool) {
            for row in rows {
                all.retain(|old| !is_same(old, &row));
                // As it travels.
                all.push(serde_json::from_value(serde_json::to_value(row).unwrap()).unwrap());
            }
        }
        put(&mut self.0.sessions, rows.sessions, |one, other| one.id == other.id);
        put(&mut self.0.carts, rows.carts, |one, other| (&one.visitor, one.number) == (&other.visitor, other.number));
        put(&mut self.0.orders, rows.orders, |one, other| one.message_id == other.message_id);
        put(&mut self.0.consents, rows.consents, |one, other| one.message_id == other.message_id);
    }

    /// What is there, without how often it was written.
    fn shown(mut self) -> String {
        self.0.sessions.sort_by(|one, other| one.id.cmp(&other.id));
        self.0.carts.sort_by_key(|row| (row.visitor.clone(), row.number));
        self.0.orders.sort_by(|one, other| one.message_id.cmp(&other.message_id));
        self.0.consents.sort_by(|one, other| one.message_id.cmp(&other.message_id));
        self.0.sessions.iter_mut().for_each(|row| row.version = 0);
        self.0.carts.iter_mut().for_each(|row| row.version = 0);
        self.0.orders.iter_mut().for_each(|row| row.version = 0);
        format!("{:#?}", self.0)
    }
}

proptest! {
    #[test]
    fn in_whatever_pieces_facts_come_the_rows_are_the_same(facts in facts(), cuts in proptest::collection::vec(1..7_usize, 1..5)) {
        let fold = |pieces: Vec<&[Fact]>| {
            let mut store = Store::default();
            for piece in pieces {
                let mut fold = Fold::new(SALT, store.read());
                piece.iter().for_each(|fact| fold.add(fact));
                store.write(fold.finish());
            }
            store.shown()
        };
        let mut pieces = Vec::new();
        let (mut rest, mut cuts) = (&facts[..], cuts.iter().cycle());
        while !rest.is_empty() {
            let (piece, later) = rest.split_at((*cuts.next().unwrap()).min(rest.len()));
            pieces.push(piece);
            rest = later;
        }
        prop_assert_eq!(fold(pieces), fold(vec![&facts]));
    }
}
