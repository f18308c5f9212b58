//! Facts at random for the tests of stores, and what the reports say of a handful of them, worked out by hand.

use std::borrow::Cow;

use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::{Map, json};

use super::fact::{Deal, Fact, Measure, Origin, Place, Rules, SCROLL, number_of};
use super::history::History;
use super::{Asked, Name, Query, make};
use crate::projections::reading::Spelling;
use crate::spec::{Event, Kind, Receipt};
use crate::stores::zones;

const MINUTE: i64 = 60_000;
/// 2026-03-27T00:00:00Z: the clocks of Europe go forward two days later.
pub(crate) const BEGIN: i64 = 1_774_569_600_000;

pub(crate) fn rules() -> Rules {
    let spelling = Spelling { strip_trailing_slash: true, ..Spelling::default() };
    Rules { salt: b"salt".to_vec(), spelling, ..Rules::default() }
}

pub(crate) fn query(report: Name, text: &str) -> Query {
    let pairs: Vec<(String, String)> = text
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    // Ten days after the first fact.
    let now = BEGIN + 10 * 24 * 60 * MINUTE;
    let asked = Asked { now, zone: "UTC", zones: &zones::named, currency: "USD" };
    Query::read(report, &pairs, asked).unwrap_or_else(|problem| panic!("{text}: {problem:?}"))
}

/// One fact: who, how long after the one before, what, where, and a number for everything else.
type Dice = (u8, i64, u8, u8, u32);

#[expect(clippy::too_many_lines, reason = "one member of a fact after the other")]
fn fact(n: usize, ts: i64, (who, _, what, place, dice): &Dice) -> Fact<'static> {
    const NAMES: [&str; 9] = [
        "Product Viewed",
        "Product Added",
        "Checkout Started",
        "Order Completed",
        "Order Refunded",
        "Page Engaged",
        "Web Vital",
        "Error Occurred",
        "Clicked",
    ];
    let kinds = [Kind::Page, Kind::Page, Kind::Page, Kind::Screen, Kind::Identify, Kind::Track];
    let kind = kinds[usize::from(*what).min(5)];
    let name = if kind == Kind::Track { NAMES[usize::from(*what - 5) % 9] } else { "" };
    let pick = |all: &[&'static str], by: u32| Cow::Borrowed(all[(dice / by) as usize % all.len()]);
    let is_money = name.starts_with("Order ");
    Fact {
        id: format!("m{n}").into(),
        site: pick(&["shop", "shop", "blog"], 1),
        ts,
        kind: Some(kind),
        name: name.into(),
        visitor: format!("v{who}").into(),
        is_client: dice % 11 != 0,
        path: ["", "/", "/a", "/b"][usize::from(*place) % 4].into(),
        environment: pick(&["", "staging"], 3),
        referrer: pick(&["", "news.example"], 5),
        campaign: (dice % 7 == 0)
            .then(|| Map::from_iter([("name".to_owned(), json!(pick(&["", "x", "y"], 7)))])),
        engaged_ms: if name == "Page Engaged" { i64::from(dice % 20_000) } else { 0 },
        place: Place {
            country: pick(&["DE", "AT", ""], 2),
            device: pick(&["mobile", "desktop"], 4),
            ..Place::default()
        },
        origin: (dice % 3 != 0 && kind == Kind::Page).then(|| Origin {
            channel: pick(&["Direct", "Email"], 6),
            source: pick(&["(direct)", "news"], 6),
            ..Origin::default()
        }),
        measure: match name {
            "Web Vital" => {
                Some(Measure { metric: "LCP", value: f64::from(dice % 5_000), view: pick(&["p1", "p2"], 9) })
            }
            "Page Engaged" => {
                Some(Measure { metric: SCROLL, value: f64::from(dice % 101), view: format!("p{n}").into() })
            }
            _ => None,
        },
        deal: is_money.then(|| Deal {
            is_refund: name == "Order Refunded",
            order_id: (dice % 4 != 0).then(|| pick(&["o1", "o2", "o3"], 8).into_owned()),
            amount: Decimal::new(i64::from(dice % 3) * i64::from(dice % 10_000), 2),
            currency: pick(&["", "EUR"], 10).into_owned(),
        }),
    }
}

/// Facts of a few days, some of which happened long before they arrived.
pub(crate) fn facts() -> impl Strategy<Value = Vec<Fact<'static>>> {
    let step = prop_oneof![0..3 * MINUTE, 25 * MINUTE..35 * MINUTE, Just(30 * MINUTE), 0..30 * 60 * MINUTE];
    let late = prop_oneof![4 => Just(0_i64), 1 => 0..90 * MINUTE];
    let dice = (0..6_u8, step, 0..14_u8, 0..4_u8, any::<u32>());
    prop::collection::vec((dice, late), 0..60).prop_map(|all| {
        let mut now = BEGIN;
        let made = all.iter().enumerate().map(|(n, (dice, late))| {
            now += dice.1;
            fact(n, now - late, dice)
        });
        made.collect()
    })
}

/// Questions to every report: zones with summer time and with half hours, filters of events and of visits, parts of days.
pub(crate) const QUESTIONS: [(Name, &str); 30] = [
    (Name::Series, "from=2026-03-27&to=2026-04-03"),
    (Name::Series, "from=2026-03-27&to=2026-04-03&tz=Europe/Berlin"),
    (Name::Series, "from=2026-03-28&to=2026-03-30&tz=Europe/Berlin&bucket=hour"),
    (Name::Series, "from=2026-03-28&to=2026-03-30&tz=Asia/Kolkata&bucket=hour"),
    (Name::Series, "from=2026-03-27T11:17:03Z&to=2026-03-31T02:30:00Z"),
    (Name::Series, "from=2026-03-27&to=2026-04-03&filter=country:DE&site=shop"),
    (Name::Pages, "from=2026-03-27&to=2026-04-03"),
    (Name::Pages, "from=2026-03-27T11:17:03Z&to=2026-03-31T02:30:00Z&site=shop"),
    (Name::Pages, "from=2026-03-27&to=2026-04-03&filter=environment:staging"),
    (Name::Pages, "from=2026-03-27&to=2026-04-03&limit=1&filter=path!:/a&filter=channel:Email"),
    (Name::Events, "from=2026-03-27&to=2026-04-03"),
    (Name::Events, "from=2026-03-27&to=2026-03-30&tz=America/New_York&site=blog"),
    (Name::Events, "from=2026-03-27&to=2026-04-03&filter=device!:mobile"),
    (Name::Sources, "from=2026-03-27&to=2026-04-03"),
    (Name::Sources, "from=2026-03-27&to=2026-04-03&by=referrer&filter=path:/a"),
    (Name::Geo, "from=2026-03-27&to=2026-04-03&filter=event:Clicked&filter=country:DE|AT"),
    (Name::Devices, "from=2026-03-27&to=2026-03-30"),
    (Name::Funnel, "from=2026-03-27&to=2026-04-03"),
    (Name::Funnel, "from=2026-03-27&to=2026-04-03&step=Clicked&step=Product Added&window=2h&filter=entry:/"),
    (Name::Revenue, "from=2026-03-27&to=2026-04-03"),
    (Name::Revenue, "from=2026-03-28&to=2026-04-03&site=shop&filter=environment:"),
    (Name::Revenue, "from=2026-03-27&to=2026-04-03&by=first_touch"),
    (Name::Revenue, "from=2026-03-27&to=2026-04-03&by=last_touch"),
    (Name::Revenue, "from=2026-03-29&to=2026-04-03&by=first_touch&site=shop"),
    (Name::Revenue, "from=2026-03-28&to=2026-04-03&by=last_touch&filter=country:DE"),
    (Name::Vitals, "from=2026-03-27&to=2026-04-03"),
    (Name::Vitals, "from=2026-03-27&to=2026-04-03&by=path&filter=country:DE"),
    (Name::Sessions, "from=2026-03-27&to=2026-04-03"),
    (Name::Sessions, "from=2026-03-27&to=2026-03-28&limit=2"),
    (Name::Sessions, "from=2026-03-27&to=2026-04-03&filter=entry:/a|/b&filter=environment!:staging"),
];

fn view(n: usize, who: u8, minute: i64, path: &str) -> Fact<'static> {
    Fact { path: path.to_owned().into(), ..fact(n, BEGIN + minute * MINUTE, &(who, 0, 0, 1, 1)) }
}

pub(crate) fn track(n: usize, who: u8, minute: i64, name: &str) -> Fact<'static> {
    Fact { kind: Some(Kind::Track), name: name.to_owned().into(), ..view(n, who, minute, "/a") }
}

/// A value of LCP on a view of a page.
pub(crate) fn vital(n: usize, minute: i64, view: &str, value: f64) -> Fact<'static> {
    let measure = Some(Measure { metric: "LCP", value, view: view.to_owned().into() });
    Fact { measure, ..track(n, 1, minute, "Web Vital") }
}

/// An order without an id over one of this currency.
pub(crate) fn deal(n: usize, ts: i64, currency: &str) -> Fact<'static> {
    let (order_id, currency) = (None, currency.to_owned());
    let deal = Some(Deal { is_refund: false, order_id, amount: Decimal::ONE, currency });
    Fact { deal, ts, ..track(n, 1, 0, "Order Completed") }
}

fn rows(report: Name, text: &str, facts: Vec<Fact<'static>>) -> serde_json::Value {
    let query = query(report, text);
    let made = make::answer(&query, &History::of(facts, &rules())).unwrap();
    made.to_json(&query)
}

#[test]
fn pages_count_views_visitors_entries_and_who_left_at_once() {
    let facts = vec![
        view(0, 1, 0, "/"),
        view(1, 1, 2, "/a"),
        view(2, 2, 5, "/"),
        Fact { engaged_ms: 9_001, ..track(3, 2, 6, "Page Engaged") },
        view(4, 1, 90, "/a"),
    ];
    let body = rows(Name::Pages, "from=2026-03-27&to=2026-03-27", facts);
    let of = |row: &serde_json::Value| {
        ["path", "views", "visitors", "entries", "exits", "bounces", "bounce_rate", "avg_engaged_ms"]
            .map(|key| row[key].clone())
    };
    let wanted = |path, counts: [u64; 5], rate: f64, engaged: f64| {
        let [views, visitors, entries, exits, bounces] = counts;
        [
            json!(path),
            json!(views),
            json!(visitors),
            json!(entries),
            json!(exits),
            json!(bounces),
            json!(rate),
            json!(engaged),
        ]
    };
    assert_eq!(of(&body["rows"][0]), wanted("/", [2, 2, 2, 1, 1], 0.5, 0.0));
    assert_eq!(of(&body["rows"][1]), wanted("/a", [2, 1, 1, 2, 1], 1.0, 4501.0));
    assert_eq!(body["totals"]["visitors"], 2);
    assert_eq!(body["range"]["to"], "2026-03-28T00:00:00+00:00");
}

#[test]
fn a_day_in_spring_has_23_hours_and_starts_where_the_zone_says() {
    let facts = vec![view(0, 1, -30, "/"), view(1, 1, 3 * 24 * 60 - 61, "/")];
    let body = rows(Name::Series, "from=2026-03-27&to=2026-03-29&tz=Europe/Berlin", facts.clone());
    let times: Vec<&str> =
        body["rows"].as_array().unwrap().iter().map(|row| row["time"].as_str().unwrap()).collect();
    assert_eq!(
        times,
        ["2026-03-27T00:00:00+01:00", "2026-03-28T00:00:00+01:00", "2026-03-29T00:00:00+01:00"]
    );
    let views = |body: &serde_json::Value| -> Vec<u64> {
        body["rows"].as_array().unwrap().iter().map(|row| row["views"].as_u64().unwrap()).collect()
    };
    assert_eq!(views(&body), [1, 0, 0], "22:59 UTC is the next day there since that night");
    let hours = rows(Name::Series, "from=2026-03-29&to=2026-03-29&tz=Europe/Berlin&bucket=hour", facts);
    assert_eq!(views(&hours).len(), 23);
}

#[test]
fn an_order_counts_once_and_a_refund_is_of_the_day_it_was_made() {
    let deal = |n, minute, name: &str, id: &str, amount: i64| Fact {
        deal: Some(Deal {
            is_refund: name == "Order Refunded",
            order_id: Some(id.to_owned()),
            amount: Decimal::new(amount, 2),
            currency: if n == 0 { "EUR".to_owned() } else { String::new() },
        }),
        ..track(n, 1, minute, name)
    };
    let facts = vec![
        deal(0, 0, "Order Completed", "o1", 1_000),
        deal(1, 1, "Order Completed", "o1", 9_900),
        deal(2, 2, "Order Completed", "o2", 500),
        deal(3, 24 * 60, "Order Refunded", "o1", 0),
    ];
    let first = rows(Name::Revenue, "from=2026-03-27&to=2026-03-27", facts.clone());
    let row = |currency, orders, gross, refunds, net, aov| json!({ "currency": currency, "orders": orders, "gross": gross, "refunds": refunds, "net": net, "aov": aov });
    assert_eq!(
        first["rows"],
        json!([
            row("EUR", 1, "10.00", "0.00", "10.00", "10.00"),
            row("USD", 1, "5.00", "0.00", "5.00", "5.00")
        ])
    );
    let second = rows(Name::Revenue, "from=2026-03-28&to=2026-03-28", facts);
    assert_eq!(second["rows"], json!([row("EUR", 0, "0.00", "10.00", "-10.00", "0.00")]));
}

#[test]
fn an_order_is_credited_to_the_first_visit_and_to_the_last_that_was_led_to_and_its_refund_with_it() {
    let led = |n, minute, channel: &str| {
        let origin = Origin { channel: channel.to_owned().into(), ..Origin::default() };
        Fact { origin: Some(origin), ..view(n, 1, minute, "/") }
    };
    let sold = |n, who, minute, name: &str, id: &str, amount: i64| {
        let (is_refund, order_id) = (name == "Order Refunded", Some(id.to_owned()));
        let deal = Deal { is_refund, order_id, amount: Decimal::new(amount, 2), currency: "EUR".to_owned() };
        Fact { deal: Some(deal), ..track(n, who, minute, name) }
    };
    let facts = vec![
        led(0, 0, "Email"),
        led(1, 120, "Paid Search"),
        view(2, 1, 240, "/"),
        sold(3, 1, 241, "Order Completed", "o1", 1_000),
        // Of a visitor of whom nothing else is known, and a refund that another one tells of.
        Fact { is_client: false, ..sold(4, 2, 300, "Order Completed", "o2", 500) },
        sold(5, 3, 400, "Order Refunded", "o1", 400),
        // What happens later is no touch.
        led(6, 500, "Affiliates"),
    ];
    let by = |touch: &str| {
        let body = rows(Name::Revenue, &format!("from=2026-03-27&to=2026-03-27&by={touch}"), facts.clone());
        let cells = |row: &serde_json::Value| [touch, "orders", "net"].map(|name| row[name].clone());
        body["rows"].as_array().unwrap().iter().map(cells).collect::<Vec<_>>()
    };
    let unknown = [json!("(none)"), json!(1), json!("5.00")];
    assert_eq!(by("first_touch"), [unknown.clone(), [json!("Email"), json!(1), json!("6.00")]]);
    assert_eq!(by("last_touch"), [unknown, [json!("Paid Search"), json!(1), json!("6.00")]]);
}

#[test]
fn of_a_view_and_a_metric_the_last_value_counts() {
    let facts = vec![vital(0, 0, "p", 1.0), vital(1, 1, "p", 3_000.0), vital(2, 2, "q", 2_500.0)];
    let body = rows(Name::Vitals, "from=2026-03-27&to=2026-03-27", facts);
    assert_eq!(
        body["rows"],
        json!([{ "metric": "LCP", "samples": 2, "p75": 3000.0, "rating": "needs-improvement",
                 "good": 0.5, "needs_improvement": 0.5, "poor": 0.0 }])
    );
}

#[test]
fn what_cannot_be_asked_is_refused_with_the_name_of_the_parameter() {
    let asked = Asked { now: BEGIN, zone: "UTC", zones: &zones::named, currency: "USD" };
    for (report, name, value) in [
        (Name::Series, "from", "yesterday"),
        (Name::Series, "to", "2026-02-30"),
        (Name::Series, "from", "2030-01-01"),
        (Name::Series, "from", "1999-01-01"),
        (Name::Series, "tz", "Europe/Nowhere"),
        (Name::Series, "tz", "../../etc/passwd"),
        (Name::Series, "limit", "0"),
        (Name::Series, "limit", "1001"),
        (Name::Series, "bucket", "week"),
        (Name::Pages, "bucket", "day"),
        (Name::Pages, "filter", "country"),
        (Name::Pages, "filter", "planet:Mars"),
        (Name::Geo, "by", "channel"),
        (Name::Revenue, "by", "channel"),
        (Name::Funnel, "window", "7"),
        (Name::Funnel, "window", "0d"),
        (Name::Pages, "step", "A"),
        (Name::Events, "sites", "shop"),
        (Name::Events, "site", &"s".repeat(513)),
        (Name::Funnel, "step", &"s".repeat(513)),
        (Name::Pages, "filter", &format!("path:{}", "p".repeat(513))),
        (Name::Pages, "filter", &format!("path:{}", "p|".repeat(100))),
    ] {
        let pairs = [(name.to_owned(), value.to_owned())];
        let problem = Query::read(report, &pairs, asked).unwrap_err();
        assert_eq!(problem.name, name, "{value}: {}", problem.message);
    }
    let many = [("from", "2026-01-01"), ("to", "2026-03-01"), ("bucket", "hour")];
    let many = many.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(Query::read(Name::Series, &many, asked).unwrap_err().name, "bucket");
}

#[test]
fn an_event_says_what_the_door_has_added_and_robots_say_nothing() {
    let event = |extra: serde_json::Value| {
        let mut json = json!({ "type": "track", "event": "Order Completed", "anonymousId": "a", "userId": "u",
            "properties": { "order_id": 7, "total": "19.90", "currency": "eur" },
            "context": { "page": { "path": "/cart/?x=1", "referrer": "https://www.News.example/a" },
                "environment": "production", "geo": { "country": "DE" }, "device": { "type": "mobile" },
                "attribution": { "channel": "Email", "source": "news", "medium": "email", "campaign": null } } });
        json["context"].as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let at = "2026-01-02T03:04:05.678Z".parse().unwrap();
        let receipt = Receipt {
            kind: Kind::Track,
            received_at: at,
            timestamp: at,
            sent_at: None,
            message_id: Some("m".into()),
            source: "shop".into(),
            ip: None,
            signals: Default::default(),
            redelivery: None,
        };
        Event::restore(json.to_string(), receipt).unwrap()
    };
    let stored = event(json!({}));
    let fact = Fact::of(&stored, &rules()).unwrap();
    assert_eq!((&*fact.visitor, &*fact.path, &*fact.referrer), ("a", "/cart", "news.example"));
    assert_eq!((&*fact.place.country, &*fact.place.device), ("DE", "mobile"));
    let deal = fact.deal.unwrap();
    assert_eq!(
        (deal.order_id.as_deref(), deal.amount.to_string().as_str(), deal.currency.as_str()),
        (Some("7"), "19.90", "EUR")
    );
    assert!(fact.is_client);
    assert_eq!(Fact::of(&event(json!({ "bot": true })), &rules()), None);
    assert!(!Fact::of(&event(json!({ "channel": "server" })), &rules()).unwrap().is_client);
    assert_eq!(number_of("a"), 0xca97_8112_ca1b_bdca, "the number of a visitor must never change");
}

#[test]
fn more_currencies_than_there_are_make_no_more_rows_than_asked_for() {
    let of = |n: usize| deal(n, BEGIN, &format!("C{n:05}"));
    let body = rows(Name::Revenue, "from=2026-03-27&to=2026-03-27&limit=7", (0..1_200).map(of).collect());
    assert_eq!(body["rows"].as_array().unwrap().len(), 7);
    assert_eq!(
        body["totals"]["orders"], 1_000,
        "an order in one currency more than are told apart is left out"
    );
}

#[test]
fn the_parameters_of_a_campaign_are_bounded_together() {
    let long = |n: usize| (format!("p{n:02}"), json!("x".repeat(490)));
    let said: Map<String, serde_json::Value> =
        (0..30).map(long).chain([("z".to_owned(), json!(1))]).collect();
    let kept = super::fact::campaign(&said);
    assert_eq!(kept.keys().collect::<Vec<_>>(), ["p00", "p01", "p02", "p03"]);
}
