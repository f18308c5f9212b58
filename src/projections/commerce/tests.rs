use proptest::prelude::*;
use serde_json::json;

use super::*;

const HOUR: i64 = 3_600_000;

fn run(events: Value, now: i64) -> Value {
    let input = json!({
        "window_ms": 7 * 24 * HOUR, "now": now, "abandoned_after_ms": HOUR, "default_currency": "eur", "events": events,
    });
    serde_json::to_value(eval(&serde_json::from_value(input).unwrap())).unwrap()
}

fn event(ts: i64, visitor: &str, event: &str, properties: Value) -> Value {
    json!({ "ts": ts, "visitor": visitor, "event": event, "properties": properties })
}

#[test]
fn the_funnel_counts_who_came_how_far() {
    let mut events = Vec::new();
    for (visitor, names) in [
        ("a", &["Product Viewed", "Product Added", "Checkout Started", "Order Completed"][..]),
        ("b", &["Product Viewed", "Product Added"]),
        ("c", &["Product Viewed", "Checkout Started"]),
        ("d", &["Order Completed"]),
    ] {
        events.extend(names.iter().zip(1..).map(|(name, ts)| event(ts, visitor, name, json!(null))));
    }
    let output = run(json!(events), 0);
    assert_eq!(output["levels"], json!({ "a": 4, "b": 2, "c": 1, "d": 0 }));
    let step = |step: &str, visitors: u64, conversion: f64, step_conversion: f64| json!({ "step": step, "visitors": visitors, "conversion": conversion, "step_conversion": step_conversion });
    let wanted = [
        step("Product Viewed", 3, 1.0, 1.0),
        step("Product Added", 2, 0.666_667, 0.666_667),
        step("Checkout Started", 1, 0.333_333, 0.5),
        step("Order Completed", 1, 0.333_333, 1.0),
    ];
    assert_eq!(output["funnel"], json!(wanted));
    assert_eq!(run(json!([]), 0)["funnel"][3], step("Order Completed", 0, 0.0, 0.0));
}

#[test]
fn amounts_are_decimal_and_rounded_half_up() {
    let order = |properties| event(1, "v", "Order Completed", properties);
    let output = run(
        json!([
            order(json!({ "revenue": 0.1, "total": 9 })),
            order(json!({ "revenue": null, "total": 0.2 })),
            order(json!({ "value": "0.705", "currency": "eur" })),
            order(
                json!({ "products": [{ "price": 0.1, "quantity": 3 }, { "price": "1.5" }, { "quantity": 9 }, null], "currency": "usd" })
            ),
            order(json!({ "revenue": -1.005, "currency": "CHF" })),
            event(2, "v", "Order Updated", json!({ "revenue": 5 })),
        ]),
        1,
    );
    let sums = |orders: u64, gross: &str, refunds: &str, net: &str, aov: &str| json!({ "orders": orders, "gross": gross, "refunds": refunds, "net": net, "aov": aov });
    let wanted = json!({
        "EUR": sums(3, "1.01", "0.00", "1.01", "0.34"),
        "USD": sums(1, "1.80", "0.00", "1.80", "1.80"),
        "CHF": sums(1, "-1.01", "0.00", "-1.01", "-1.01"),
    });
    assert_eq!(output["revenue"], wanted);
}

#[test]
fn an_order_counts_once_and_a_refund_without_amount_gives_back_the_whole() {
    let output = run(
        json!([
            event(1, "a", "Order Completed", json!({ "order_id": "1", "revenue": 10, "currency": "USD" })),
            event(2, "b", "Order Completed", json!({ "order_id": "1", "revenue": 99 })),
            event(3, "a", "Order Completed", json!({ "order_id": 2, "revenue": 7 })),
            event(4, "a", "Order Completed", json!({ "order_id": "", "revenue": 3 })),
            event(5, "a", "Order Completed", json!({ "order_id": "", "revenue": 3 })),
            event(6, "c", "Order Refunded", json!({ "order_id": "1" })),
            event(7, "c", "Order Refunded", json!({ "order_id": "2", "total": 2.5, "currency": "usd" })),
            event(8, "c", "Order Refunded", json!({ "order_id": "?", "currency": "SEK" })),
        ]),
        8,
    );
    assert_eq!(
        output["revenue"]["USD"],
        json!({ "orders": 1, "gross": "10.00", "refunds": "12.50", "net": "-2.50", "aov": "10.00" })
    );
    assert_eq!(
        output["revenue"]["EUR"],
        json!({ "orders": 3, "gross": "13.00", "refunds": "0.00", "net": "13.00", "aov": "4.33" })
    );
    assert_eq!(output["revenue"]["SEK"]["orders"], 0);
}

#[test]
fn numbers_that_are_none_are_passed_over_and_large_ones_break_nothing() {
    for (raw, wanted) in [
        ("12.50", Some("12.50")),
        ("\" 7 \"", Some("7")),
        ("1e3", Some("1000")),
        ("1.5e-3", Some("0.0015")),
        ("\"-2\"", Some("-2")),
        ("\"1_000\"", None),
        ("\"free\"", None),
        ("\"\"", None),
        ("true", None),
        ("1e300", None),
        ("null", None),
        ("\"NaN\"", None),
    ] {
        let value: Value = serde_json::from_str(raw).unwrap();
        assert_eq!(money::read(&value), wanted.map(|text| text.parse().unwrap()), "{raw}");
    }
    let huge = "79228162514264337593543950335";
    let order = event(1, "v", "Order Completed", json!({ "revenue": huge }));
    assert_eq!(run(json!([order, order]), 1)["revenue"]["EUR"]["gross"], format!("{huge}.00"));
}

#[test]
fn a_cart_that_is_left_for_an_hour_is_abandoned_once() {
    let add = |ts, visitor, quantity: Value| {
        event(ts, visitor, "Product Added", json!({ "sku": "s", "quantity": quantity }))
    };
    let output = run(
        json!([
            add(0, "b", json!(2)),
            add(0, "a", json!(null)),
            event(HOUR - 1, "a", "Cart Viewed", json!({})),
            event(HOUR, "b", "Anything", json!({})),
            event(HOUR + 1, "b", "Cart Viewed", json!({})),
            add(2 * HOUR - 2, "a", json!(3)),
        ]),
        3 * HOUR - 2,
    );
    let left = |visitor: &str, at: i64, items: i64| json!({ "visitor": visitor, "at": at, "items": items });
    assert_eq!(output["abandoned"], json!([left("b", HOUR, 2), left("a", 3 * HOUR - 2, 4)]));
}

#[test]
fn orders_and_taking_everything_out_end_a_cart_and_views_alone_open_none() {
    let act = |ts, event_name: &str, product: &str, quantity: i64| {
        event(ts, "v", event_name, json!({ "product_id": product, "quantity": quantity }))
    };
    let abandoned = |events: Value| run(events, 100 * HOUR)["abandoned"].clone();
    assert_eq!(
        abandoned(json!([act(0, "Product Added", "x", 1), act(1, "Order Completed", "", 1)])),
        json!([])
    );
    assert_eq!(
        abandoned(json!([act(0, "Product Added", "x", 1), act(1, "Product Removed", "x", 5)])),
        json!([])
    );
    assert_eq!(
        abandoned(json!([
            act(0, "Cart Viewed", "", 1),
            act(1, "Checkout Started", "", 1),
            act(2, "Product Removed", "x", 1)
        ])),
        json!([])
    );
    let rest = json!([
        act(0, "Product Added", "x", 3),
        act(1, "Product Added", "y", 1),
        act(2, "Product Removed", "x", 1),
        act(3, "Product Removed", "z", 1)
    ]);
    assert_eq!(abandoned(rest), json!([{ "visitor": "v", "at": HOUR + 3, "items": 3 }]));
}

#[test]
fn a_cart_ends_with_the_reason_and_knows_its_value() {
    let properties = json!({ "product_id": 7, "quantity": 2, "price": "9.99" });
    let act = |ts, event| Act { ts, event, properties: properties.as_object().unwrap() };
    let mut open = None;
    assert_eq!(cart::step(&mut open, &act(5, "Product Added"), HOUR), None);
    assert_eq!(open.as_ref().unwrap().value().to_string(), "19.98");
    let (cart, end) = cart::step(&mut open, &act(6, "Product Removed"), HOUR).unwrap();
    assert_eq!((cart.opened, cart.pieces().to_string(), end), (5, "2".to_owned(), End::Emptied));
    cart::step(&mut open, &act(7, "Product Added"), HOUR);
    // The old one was left, and the same event opens the next.
    let (cart, end) = cart::step(&mut open, &act(7 + HOUR, "Product Added"), HOUR).unwrap();
    assert_eq!((cart.opened, end, open.as_ref().unwrap().opened), (7, End::Abandoned, 7 + HOUR));
    assert_eq!(cart::step(&mut open, &act(8 + HOUR, "Order Completed"), HOUR).unwrap().1, End::Ordered);
}

/// Whether some of the hits, in order, are the steps up to this one, all within the window from the first.
fn is_chain(hits: &[(i64, usize)], step: usize, until: Option<i64>, window: i64, wanted: usize) -> bool {
    step == wanted
        || hits.iter().enumerate().any(|(at, (ts, place))| {
            *place == step
                && until.is_none_or(|until| *ts <= until)
                && is_chain(&hits[at + 1..], step + 1, until.or(Some(ts + window)), window, wanted)
        })
}

proptest! {
    #[test]
    fn a_level_is_the_longest_chain_of_steps_within_the_window(
        hits in proptest::collection::vec((0..12_i64, 0..4_usize), 0..9),
        window in 0..8_i64,
    ) {
        let steps: Vec<String> = (0..4).map(|step| step.to_string()).collect();
        let mut mine = Hits::default();
        hits.iter().for_each(|(ts, step)| mine.add(&steps, &step.to_string(), *ts));
        let mut sorted = hits;
        sorted.sort_unstable();
        let longest = (0..=4).rev().find(|wanted| is_chain(&sorted, 0, None, window, *wanted));
        prop_assert_eq!(Some(mine.level(4, window)), longest);
    }

    /// Visitors do not meddle with each other.
    #[test]
    fn levels_and_carts_of_all_are_those_of_each(
        acts in proptest::collection::vec((0..3_u8, 0..6_usize, 0..80_i64, 0..3_i64), 0..40),
    ) {
        let names = ["Product Added", "Product Removed", "Cart Viewed", "Order Completed", "Product Viewed", "Other"];
        let mut ts = 0;
        let events: Vec<Event> = acts.into_iter().map(|(visitor, name, minutes, quantity)| {
            ts += minutes * 60_000;
            let properties = json!({ "sku": quantity.to_string(), "quantity": quantity }).as_object().cloned();
            Event { ts, visitor: visitor.to_string(), event: names[name].to_owned(), properties }
        }).collect();
        let of = |events: Vec<Event>| eval(&Input {
            steps: funnel::steps(), window_ms: HOUR, now: ts + 30 * 60_000, abandoned_after_ms: HOUR, default_currency: "EUR".to_owned(), events,
        });
        let all = of(events.clone());
        let mut levels = BTreeMap::new();
        let mut abandoned = Vec::new();
        for visitor in ["0", "1", "2"] {
            let mine = of(events.iter().filter(|event| event.visitor == visitor).cloned().collect());
            levels.extend(mine.levels);
            abandoned.extend(mine.abandoned);
        }
        abandoned.sort_by(|one, other| (one.at, &one.visitor).cmp(&(other.at, &other.visitor)));
        prop_assert_eq!(&all.levels, &levels);
        prop_assert_eq!(&all.abandoned, &abandoned);
    }

    /// Cents as integers are the naive definition of money.
    #[test]
    fn sums_are_exact_to_the_cent(cents in proptest::collection::vec(-100_000..100_000_i64, 1..20)) {
        let mut ledger = Ledger::new("EUR");
        for amount in &cents {
            let sign = if *amount < 0 { "-" } else { "" };
            let text = format!("{sign}{}.{:02}", amount.abs() / 100, amount.abs() % 100);
            let properties = json!({ "revenue": serde_json::from_str::<Value>(&text).unwrap() });
            ledger.add("Order Completed", properties.as_object().unwrap());
        }
        let sum: i64 = cents.iter().sum();
        let gross = &ledger.sums()["EUR"].gross;
        prop_assert_eq!(gross.replace('.', "").parse::<i64>().unwrap(), sum);
    }
}
