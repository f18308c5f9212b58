//! The live fold against the definitions, and against itself after a restart.

use std::borrow::Cow;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::projections::active::Active;
use crate::projections::session::{Hit, Input};
use crate::spec::{Kind, Receipt};

/// A whole minute of 2026.
pub(super) const START: i64 = 1_780_000_020_000;
const HOUR: i64 = 3_600_000;

pub(super) fn event(id: &str, (ts, at): (i64, i64), json: Value) -> Event {
    event_of("web", id, (ts, at), json)
}

pub(super) fn event_of(site: &str, id: &str, (ts, at): (i64, i64), mut json: Value) -> Event {
    let instant = |ms| jiff::Timestamp::from_millisecond(ms).unwrap();
    json["messageId"] = id.into();
    let receipt = Receipt {
        kind: Kind::from_name(json["type"].as_str().unwrap()).unwrap(),
        received_at: instant(at),
        timestamp: instant(ts.min(at)),
        sent_at: None,
        message_id: None,
        source: site.into(),
        ip: None,
        signals: Default::default(),
        redelivery: None,
    };
    Event::restore(json.to_string(), receipt).unwrap()
}

fn page(visitor: &str, path: &str) -> Value {
    json!({ "type": "page", "anonymousId": visitor, "context": { "page": { "path": path } } })
}

fn track(visitor: &str, name: &str, properties: Value) -> Value {
    json!({
        "type": "track", "event": name, "anonymousId": visitor, "properties": properties,
        "context": { "page": { "path": "/" } },
    })
}

fn all(live: &Live) -> View {
    live.views().swap_remove(0)
}

/// What a test is about is here whatever the time.
fn shown(live: &mut Live, now: i64) -> View {
    live.advance(now);
    all(live)
}

/// Visits in the order of their arrival, on whole seconds.
fn visits() -> impl Strategy<Value = Vec<(u8, i64, i64)>> {
    let step = prop_oneof![0..3_i64, 0..90_i64, 0..2_500_i64];
    let age = prop_oneof![0..1_i64, 0..61_i64, 1_795..1_805_i64, 0..2_700_i64];
    prop::collection::vec((0..20_u8, step, age), 0..100).prop_map(|steps| {
        let mut now = START;
        let arrived = steps.into_iter().map(|(visitor, step, age)| {
            now += step * 1_000;
            (visitor, now - age * 1_000, now)
        });
        arrived.collect()
    })
}

proptest! {
    #[test]
    fn visitors_are_those_of_the_exact_fold(visits in visits(), later in 0..2_000_i64) {
        let (mut live, mut exact) = (Live::new(Options::default()), Active::default());
        for (n, (visitor, ts, at)) in visits.iter().enumerate() {
            live.take(&event(&n.to_string(), (*ts, *at), page(&visitor.to_string(), "/")));
            exact.add(&visitor.to_string(), *ts, *at);
            for now in [*at, *at + later * 1_000] {
                let site = live.sites.first().unwrap();
                let wanted = exact.counts(now);
                prop_assert_eq!(site.rings.counts(now), [wanted.m1, wanted.m5, wanted.m30]);
            }
        }
        let now = visits.last().map_or(START, |(_, _, at)| *at);
        let view = shown(&mut live, now);
        let wanted = exact.counts(now);
        prop_assert_eq!((view.m1, view.m5, view.m30), (wanted.m1, wanted.m5, wanted.m30));
    }

    #[test]
    fn sessions_are_those_of_the_definition(steps in prop::collection::vec(
        (0..4_u8, prop_oneof![0..60_i64, 0..1_900_i64], 0..5_usize, 0..3_usize), 0..60))
    {
        let mut now = START;
        let (mut hits, mut live) = (Vec::new(), Live::new(Options::default()));
        let mut told = Vec::new();
        for (n, (visitor, step, what, campaign)) in steps.iter().enumerate() {
            now += step * 1_000;
            let names = ["", "Signed Up", "Page Engaged", "Web Vital", "Order Completed"];
            let (visitor, name) = (visitor.to_string(), names[*what]);
            let campaign = ["", "a", "b"][*campaign];
            let mut json = if name.is_empty() { page(&visitor, "/p") } else { track(&visitor, name, json!({})) };
            json["context"]["campaign"] = json!({ "name": campaign });
            if name == "Page Engaged" { json["properties"] = json!({ "engaged_ms": 4_000 }) }
            let event = event(&n.to_string(), (now, now), json);
            live.take(&event);
            told.extend(live.happened());
            let is_page = name.is_empty();
            hits.push(Hit {
                id: n.to_string().into(),
                ts: now,
                visitor: visitor.into(),
                kind: if is_page { Kind::Page } else { Kind::Track },
                event: Some(name).filter(|_| !is_page).map(Cow::Borrowed),
                path: is_page.then_some(Cow::Borrowed("/p")),
                referrer: None,
                campaign: is_page.then(|| Cow::Owned(json!({ "name": campaign }).as_object().unwrap().clone())),
                engaged_ms: (name == "Page Engaged").then_some(4_000),
            });
        }
        live.advance(now + 2 * HOUR);
        told.extend(live.happened());
        let wanted = session::eval(&Input { options: session::Options::default(), events: hits });
        let wanted: Vec<Value> = serde_json::to_value(wanted.sessions).unwrap().as_array().unwrap().clone();
        let key = |of: &Value| {
            let names = ["start", "last", "duration_s", "pageviews", "events", "interactions", "engaged_ms",
                "conversions", "entry", "exit", "is_bounce", "is_engaged"];
            names.map(|name| of[name].clone()).map(|value| value.to_string()).join(" ")
        };
        let ended = told.iter().map(|one| &one.data).filter(|data| data["state"] == "ended");
        let mut found: Vec<String> = ended.map(key).collect();
        let mut wanted: Vec<String> = wanted.iter().map(key).collect();
        found.sort();
        wanted.sort();
        prop_assert_eq!(found, wanted);
        prop_assert_eq!(live.tallies().sessions_open, 0);
    }

    #[test]
    fn made_again_from_the_same_events_it_shows_the_same(steps in prop::collection::vec(
        (0..6_u8, 0..400_i64, 0..5_usize, 0..900_i64), 1..80))
    {
        let names = ["Product Viewed", "Product Added", "Checkout Started", "Order Completed", "Web Vital"];
        let (mut now, mut told) = (START, START);
        let mut events = Vec::new();
        // One is told the time now and then, as it is while the router runs, the other knows the events alone.
        let (mut living, mut again) = (Live::new(Options::default()), Live::new(Options::default()));
        for (n, (visitor, step, what, age)) in steps.into_iter().enumerate() {
            now += step * 1_000;
            while told + 60_000 < now {
                told += 60_000;
                living.advance(told);
            }
            let properties = json!({ "product_id": "p", "price": 2, "revenue": 5, "order_id": n, "name": "LCP", "value": 40 * n });
            let json = track(&visitor.to_string(), names[what], properties);
            let event = event(&n.to_string(), (now - age * 1_000, now), json);
            living.take(&event);
            events.push(event);
        }
        events.iter().for_each(|event| again.take(event));
        let (one, other) = (shown(&mut living, now + 60_000), shown(&mut again, now + 60_000));
        prop_assert_eq!(&one, &other);
        prop_assert_eq!(living.report(one), again.report(other));
        let ids = |live: &mut Live| live.left_carts(1_000).iter().map(|event| event.head.message_id.to_string()).collect::<Vec<_>>();
        prop_assert_eq!(ids(&mut living), ids(&mut again));
    }
}

#[test]
fn the_average_is_that_of_the_definition() {
    let mut live = Live::new(Options::default());
    live.take(&event("a", (START, START), page("a", "/")));
    live.take(&event("b", (START + 60_000, START + 60_000), page("b", "/")));
    live.advance(START + 95_000);
    let arrival = |at, visitor: &str| json!({ "at": at, "ts": at, "visitor": visitor });
    let wanted = crate::projections::active_average::eval(
        &serde_json::from_value(json!({
            "half_life_ms": 30_000, "step_ms": 5_000, "start": START - 1_000_000, "end": START + 90_000,
            "events": [arrival(START, "a"), arrival(START + 60_000, "b")],
        }))
        .unwrap(),
    )
    .unwrap();
    assert_eq!(all(&live).ema, wanted.last().unwrap().ema);
    assert!(all(&live).ema > 1.0);
}

#[test]
fn pages_are_those_of_the_last_view_within_five_minutes() {
    let mut live = Live::new(Options {
        spelling: Spelling { strip_trailing_slash: true, keep_query: vec!["id".to_owned()] },
        ..Options::default()
    });
    for (n, (visitor, path)) in [("a", "/x/"), ("b", "/x"), ("c", "/y"), ("a", "/y")].into_iter().enumerate()
    {
        live.take(&event(&n.to_string(), (START, START), page(visitor, path)));
    }
    let mut product = page("d", "/product");
    product["context"]["page"]["search"] = "?utm_source=x&id=7".into();
    live.take(&event("d", (START, START), product));
    let pages =
        |view: View| view.pages.into_iter().map(|page| (page.path, page.visitors)).collect::<Vec<_>>();
    let wanted = [("/y", 2), ("/product?id=7", 1), ("/x", 1)].map(|(path, count)| (path.to_owned(), count));
    assert_eq!(pages(shown(&mut live, START)), wanted);
    assert_eq!(pages(shown(&mut live, START + 299_000)).len(), 3);
    assert_eq!(pages(shown(&mut live, START + 300_000)).len(), 0);
}

#[test]
fn sites_are_told_apart_and_added_up() {
    let mut live = Live::new(Options::default());
    live.take(&event_of("web", "1", (START, START), page("a", "/w")));
    live.take(&event_of("app", "2", (START, START), page("a", "/a")));
    live.take(&event_of(
        "app",
        "3",
        (START, START),
        track("b", "Order Completed", json!({ "revenue": "9.5", "currency": "eur" })),
    ));
    live.advance(START);
    let views = live.views();
    let short =
        |view: &View| (view.site.as_deref().map(str::to_owned), view.m5, view.sessions, view.orders.count);
    let wanted = [(None, 3, 3, 1), (Some("web".to_owned()), 1, 1, 0), (Some("app".to_owned()), 2, 2, 1)];
    assert_eq!(views.iter().map(short).collect::<Vec<_>>(), wanted);
    assert_eq!(views[0].orders.revenue["EUR"].net, "9.50");
}

#[test]
fn sites_beyond_the_most_are_counted_under_a_name_that_is_no_site() {
    let mut live = Live::new(Options::default());
    for n in 0..MOST_SITES + 3 {
        live.take(&event_of(&format!("site{n}"), &n.to_string(), (START, START), page(&n.to_string(), "/")));
    }
    live.advance(START);
    let views = live.views();
    let of = |site: &str| views.iter().find(|view| view.site.as_deref() == Some(site)).map(|view| view.m5);
    let last = format!("site{}", MOST_SITES - 1);
    assert_eq!((views[0].m5, of(&last), of("(other)"), of("site64")), (67, Some(1), Some(3), None));
    let begun = live.happened();
    assert_eq!(
        begun.iter().filter(|one| *one.site == *last).count(),
        1,
        "what happens there is not told elsewhere"
    );
}

#[test]
fn attention_of_any_length_is_no_more_than_a_day() {
    let mut live = Live::new(Options::default());
    for (n, ms) in [i64::MAX, i64::MAX, 5].into_iter().enumerate() {
        let said = track("a", "Page Engaged", json!({ "engaged_ms": ms }));
        live.take(&event(&format!("p{n}"), (START, START), page("a", "/")));
        live.take(&event(&n.to_string(), (START, START), said));
    }
    live.advance(START + 2 * HOUR);
    let ended = live.happened().pop().unwrap();
    assert_eq!(ended.data["engaged_ms"], 2 * 86_400_000 + 5);
}

#[test]
fn servers_and_bots_are_not_there_and_orders_of_servers_count() {
    let mut live = Live::new(Options::default());
    let mut server = track("a", "Order Completed", json!({ "revenue": 3 }));
    server["context"] = json!({});
    live.take(&event("1", (START, START), server));
    let mut bot = page("b", "/");
    bot["context"]["bot"] = true.into();
    live.take(&event("2", (START, START), bot));
    let view = shown(&mut live, START);
    assert_eq!((view.m30, view.sessions, view.orders.count), (0, 0, 1));
    assert_eq!(live.happened().iter().map(|one| one.event).collect::<Vec<_>>(), ["order"]);
}

#[test]
fn orders_are_those_of_the_day_in_its_zone() {
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    let mut live = Live::new(Options { time_zone: zone, ..Options::default() });
    let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_millisecond();
    let order = |id: u32| track("a", "Order Completed", json!({ "order_id": id, "revenue": 10 }));
    live.take(&event("1", (at("2026-07-01T21:59:00Z"), at("2026-07-01T21:59:00Z")), order(1)));
    live.take(&event("2", (at("2026-07-01T21:59:30Z"), at("2026-07-01T21:59:30Z")), order(1)));
    assert_eq!(all(&live).orders.count, 1, "the same order");
    live.take(&event("3", (at("2026-07-01T22:00:00Z"), at("2026-07-01T22:00:00Z")), order(2)));
    assert_eq!((all(&live).orders.count, all(&live).orders.revenue["USD"].gross.as_str()), (1, "10.00"));
    // It arrives today, and was made yesterday.
    live.take(&event("4", (at("2026-07-01T21:00:00Z"), at("2026-07-01T22:00:01Z")), order(3)));
    assert_eq!(all(&live).orders.count, 1);
}

/// Two pieces are put into a cart.
fn added(id: &str, at: i64) -> Event {
    let properties = json!({ "product_id": "p", "quantity": 2, "price": 4, "currency": "EUR" });
    let mut json = track("a", "Product Added", properties);
    json["userId"] = "u".into();
    json["context"]["consent"] = json!({ "categoryPreferences": { "advertising": false } });
    event(id, (at, at), json)
}

#[test]
fn a_cart_that_is_left_becomes_an_event_with_what_is_known_of_it() {
    let mut live = Live::new(Options::default());
    live.take(&added("1", START));
    live.advance(START + HOUR - 1);
    assert!(live.left_carts(10).is_empty());
    live.advance(START + HOUR);
    let told = live.left_carts(10);
    let tree = told[0].tree();
    assert_eq!((told.len(), &*told[0].receipt.source), (1, "opentrack"));
    let head = (&tree["anonymousId"], &tree["userId"], &tree["event"]);
    assert_eq!(head, (&json!("a"), &json!("u"), &json!("Cart Abandoned")));
    let properties = &tree["properties"];
    let said = (&properties["items"], &properties["value"], &properties["currency"]);
    assert_eq!(said, (&json!(2), &json!(8), &json!("EUR")));
    assert_eq!(tree["context"]["consent"]["categoryPreferences"]["advertising"], false);
    assert_eq!(told[0].receipt.timestamp.as_millisecond(), START + HOUR);
}

#[test]
fn a_cart_that_is_left_is_told_once_also_after_a_restart() {
    let mut live = Live::new(Options::default());
    live.take(&added("1", START));
    live.advance(START + HOUR);
    let told = live.left_carts(10);
    let own = Event::restore(told[0].raw.to_vec(), told[0].receipt.clone()).unwrap();
    live.carts_told(10);
    assert!(live.left_carts(10).is_empty());
    // After a restart: before its own event is met it would be told with the same id, and then no more.
    let mut again = Live::new(Options::default());
    again.take(&added("1", START));
    again.advance(START + 2 * HOUR);
    assert_eq!(again.left_carts(10)[0].head.message_id, own.head.message_id);
    again.take(&own);
    assert!(again.left_carts(10).is_empty());
    assert_eq!(again.sites().count(), 1, "the router itself is no site");
    // What is put in later is another cart.
    again.take(&added("2", START + 3 * HOUR));
    again.advance(START + 4 * HOUR);
    assert_ne!(again.left_carts(10)[0].head.message_id, own.head.message_id);
}

#[test]
fn a_cart_that_is_bought_is_not_left() {
    let mut live = Live::new(Options::default());
    live.take(&event("1", (START, START), track("a", "Product Added", json!({ "product_id": "p" }))));
    live.take(&event("2", (START + 1, START + 1), track("a", "Order Completed", json!({ "revenue": 1 }))));
    live.advance(START + 2 * HOUR);
    assert!(live.left_carts(10).is_empty());
    let view = all(&live);
    let report = live.report(view);
    let levels: Vec<u64> = report.totals.funnel.iter().map(|step| step.visitors).collect();
    assert_eq!((levels, report.totals.carts), (vec![0, 0, 0, 0], 0));
}

#[test]
fn a_cart_of_events_that_are_sent_late_waits_for_what_follows_them() {
    let mut live = Live::new(Options::default());
    let (then, now) = (START, START + 24 * HOUR);
    let added = || track("a", "Product Added", json!({ "product_id": "p" }));
    live.take(&event("1", (then, now), added()));
    live.advance(now + HOUR - 1);
    live.take(&event(
        "2",
        (then + 1, now + HOUR - 1),
        track("a", "Order Completed", json!({ "revenue": 1 })),
    ));
    live.advance(now + 3 * HOUR);
    assert!(live.left_carts(10).is_empty(), "it was bought");
    // Three hours lie between two touches that arrive together: it was left, and taken up again.
    live.take(&event("3", (then + 2 * HOUR, now + 3 * HOUR), added()));
    live.take(&event("4", (then + 5 * HOUR, now + 3 * HOUR), added()));
    assert!(live.left_carts(10).is_empty(), "the visitor is back");
    live.advance(now + 4 * HOUR);
    let told = live.left_carts(10);
    assert_eq!((told.len(), &told[0].tree()["properties"]["items"]), (1, &json!(1)));
}

#[test]
fn nobody_is_told_of_carts_that_were_left_long_ago() {
    let mut live = Live::new(Options::default());
    live.take(&added("1", START));
    live.advance(START + 4 * HOUR);
    assert!(live.left_carts(10).is_empty(), "known for three hours");
    live.take(&added("2", START + 4 * HOUR));
    live.advance(START + 6 * HOUR);
    assert_eq!(live.left_carts(10).len(), 1, "known for one");
}

#[test]
fn an_event_that_is_silent_about_consent_takes_back_nothing() {
    let mut live = Live::new(Options::default());
    live.take(&added("1", START));
    live.take(&event("2", (START + 1, START + 1), track("a", "Checkout Started", json!({}))));
    live.advance(START + 2 * HOUR);
    let tree = live.left_carts(1)[0].tree().clone();
    assert_eq!(tree["context"]["consent"]["categoryPreferences"]["advertising"], false);
    assert_eq!(tree["userId"], "u");
    let mut much = track("b", "Product Added", json!({ "sku": "s" }));
    much["context"]["consent"] = json!({ "categoryPreferences": { "x".repeat(9_000): true } });
    let mut live = Live::new(Options::default());
    live.take(&event("1", (START, START), much));
    live.advance(START + HOUR);
    assert!(live.left_carts(1).is_empty());
}

#[test]
fn texts_of_any_length_and_number_take_bounded_room() {
    let mut live = Live::new(Options::default());
    let long = "x".repeat(300);
    for properties in [json!({ "currency": long, "revenue": 1 }), json!({ "order_id": long, "revenue": 1 })] {
        live.take(&event("1", (START, START), track("a", "Order Completed", properties)));
    }
    assert_eq!(all(&live).orders.count, 0);
    for n in 0..500 {
        let properties = json!({ "currency": format!("C{n}"), "revenue": 1 });
        live.take(&event("2", (START, START), track("a", "Order Completed", properties)));
    }
    assert_eq!((all(&live).orders.count, all(&live).orders.revenue.len()), (200, 200));
}

#[test]
fn a_look_at_a_product_counts_without_a_cart_and_with_one_unless_its_id_is_too_long() {
    let mut live = Live::new(Options::default());
    let viewed = |visitor, id: &str| track(visitor, "Product Viewed", json!({ "product_id": id }));
    let looks = [("a", "p"), ("b", &*"x".repeat(256)), ("c", &*"x".repeat(257)), ("d", &*"é".repeat(128))];
    for (visitor, id) in looks {
        live.take(&event("1", (START, START), viewed(visitor, id)));
    }
    live.take(&event("2", (START, START), track("e", "Product Added", json!({ "product_id": "p" }))));
    live.take(&event("3", (START, START), viewed("e", "p")));
    live.take(&event("4", (START, START), track("f", "Product Added", json!({ "product_id": "p" }))));
    live.take(&event("5", (START, START), viewed("f", &"x".repeat(257))));
    let view = all(&live);
    let report = live.report(view);
    assert_eq!(report.totals.funnel.first().map(|step| step.visitors), Some(4));
}

#[test]
fn above_the_cap_visitors_are_estimated_and_half_an_hour_later_known_again() {
    let mut live = Live::new(Options { most_visitors: 1_000, ..Options::default() });
    for n in 0..3_000 {
        live.take(&event(&n.to_string(), (START, START), page(&n.to_string(), "/")));
    }
    let view = shown(&mut live, START + 1_000);
    assert!(view.estimated && (2_900..3_100).contains(&view.m5), "{view:?}");
    assert_eq!(live.tallies().visitors, 1_000);
    let view = shown(&mut live, START + 1_801_000);
    assert_eq!((view.estimated, view.m30, live.tallies().visitors), (false, 0, 0));
}

#[test]
fn above_the_cap_the_session_that_is_longest_without_an_event_ends() {
    let mut live = Live::new(Options { most_sessions: 2, ..Options::default() });
    for (n, visitor) in ["a", "b", "a", "c"].into_iter().enumerate() {
        let at = START + i64::try_from(n).unwrap();
        live.take(&event(&n.to_string(), (at, at), page(visitor, visitor)));
    }
    let ended: Vec<Value> =
        live.happened().into_iter().map(|one| one.data).filter(|data| data["state"] == "ended").collect();
    assert_eq!((ended.len(), &ended[0]["entry"]), (1, &json!("b")));
    let tallies = live.tallies();
    assert_eq!((tallies.sessions_open, tallies.sessions_evicted), (2, 1));
}

/// A million visitors of the last half hour fit into 64 MB: the table's own bytes are counted, twice while it grows.
#[test]
fn a_million_visitors_take_less_than_64_megabytes() {
    let mut people = People::new(1_000_000);
    let mut rings = Rings::default();
    let seen = event("m", (START, START), page("a", "/"));
    let sight = Sight::of(&seen, &Options::default()).unwrap();
    for n in 0..1_000_000_u64 {
        // Spread as hashes are.
        people.see((0, n.wrapping_mul(0x9E37_79B9_7F4A_7C15)), &sight, &mut rings);
    }
    assert_eq!((people.known(), rings.counts(START)), (1_000_000, [1_000_000; 3]));
    assert!(people.bytes() * 3 / 2 < 64_000_000, "{} bytes", people.bytes());
}
