//! The live tables: sessions, orders, carts and consents are what the pure folds say, once, whatever happens on the way.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;
use opentrack::projections::commerce::cart::{self, Act, Cart, End};
use opentrack::projections::commerce::money;
use opentrack::projections::commerce::revenue::{self, Known};
use opentrack::projections::session;
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::scene::{pg, scene, until_delivered};
use crate::support::{Config, Postgres, Router, Row, batch, until};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

fn iso(ts: i64) -> String {
    Timestamp::from_millisecond(ts).unwrap().to_string()
}

/// Three days ago, to the minute.
#[expect(clippy::disallowed_methods, reason = "the clock of the test itself")]
fn base() -> i64 {
    let now = jiff::Timestamp::now().as_millisecond();
    (now - 72 * HOUR) / MINUTE * MINUTE
}

/// What happened at shops: most of it in order, some late, with pauses that split sessions and carts.
fn stream(seed: u64, visitors: &[&str], count: usize) -> Vec<Value> {
    let mut dice = fastrand::Rng::with_seed(seed);
    let base = base();
    let mut clocks: Vec<i64> = visitors.iter().map(|_| base).collect();
    let event = |n: usize| {
        let who = dice.usize(..visitors.len());
        clocks[who] += match dice.u8(..20) {
            0 => 31 * MINUTE + dice.i64(0..HOUR),
            1 => 30 * MINUTE,
            _ => dice.i64(0..5 * MINUTE),
        };
        let late = if dice.u8(..8) == 0 { dice.i64(0..45 * MINUTE) } else { 0 };
        let mut event = call(&mut dice, visitors[who]);
        event["messageId"] = json!(format!("s{seed}-{n:04}"));
        event["anonymousId"] = json!(visitors[who]);
        event["timestamp"] = json!(iso(clocks[who] - late));
        event
    };
    (0..count).map(event).collect()
}

fn call(dice: &mut fastrand::Rng, visitor: &str) -> Value {
    let path = format!("/{}", dice.u8(..4));
    let page = json!({ "path": path, "url": format!("https://shop.example{path}") });
    let referrer = ["", "https://www.google.com/", "https://www.shop.example/0"][dice.usize(..3)];
    let campaign = ["", "", "spring", "sale"][dice.usize(..4)];
    let (currency, refund) = (["eur", "USD"][dice.usize(..2)], [0.0, 1.25][dice.usize(..2)]);
    let (order, revenue) = (format!("{visitor}-{}", dice.u8(..9)), f64::from(dice.u32(..100_000)) / 100.0);
    let track = |name: &str, properties: Value| json!({ "type": "track", "event": name, "properties": properties, "context": { "page": page } });
    let product =
        json!({ "product_id": format!("p{}", dice.u8(..3)), "quantity": dice.u8(1..4), "price": 9.99 });
    match dice.u8(..16) {
        0..=4 => json!({ "type": "page", "properties": {}, "context": {
            "page": { "path": path, "referrer": referrer, "url": page["url"] },
            "campaign": { "name": campaign, "source": "" },
        } }),
        5 => track("Clicked", json!({})),
        6 => track("Page Engaged", json!({ "engaged_ms": dice.u16(..9_000) })),
        7 => track("Web Vital", json!({ "name": "LCP" })),
        8 => json!({ "type": "identify", "traits": {}, "context": { "page": page } }),
        9..=11 => track("Product Added", product),
        12 => track("Product Removed", product),
        13 => track("Cart Viewed", json!({})),
        14 => {
            track("Order Completed", json!({ "order_id": order, "revenue": revenue, "currency": currency }))
        }
        _ => track("Order Refunded", json!({ "order_id": order, "total": refund, "currency": currency })),
    }
}

fn time_of(event: &Value) -> i64 {
    event["timestamp"].as_str().unwrap().parse::<Timestamp>().unwrap().as_millisecond()
}

fn text(event: &Value, pointer: &str) -> Option<String> {
    event.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
}

fn without_nulls(row: &Value) -> Row {
    row.as_object()
        .unwrap()
        .iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn hit(event: &Value) -> session::Hit<'static> {
    let said = |pointer| text(event, pointer).map(Cow::Owned);
    session::Hit {
        id: said("/messageId").unwrap(),
        ts: time_of(event),
        visitor: said("/anonymousId").unwrap(),
        kind: serde_json::from_value(event["type"].clone()).unwrap(),
        event: said("/event"),
        path: said("/context/page/path"),
        referrer: said("/context/page/referrer").filter(|from| !from.contains("shop.example")),
        campaign: event.pointer("/context/campaign").and_then(Value::as_object).cloned().map(Cow::Owned),
        engaged_ms: event.pointer("/properties/engaged_ms").and_then(Value::as_i64),
    }
}

/// The sessions that the definition makes of the events, by visitor, then in the order of their opening.
fn wanted_sessions(events: &[Value]) -> Vec<Row> {
    let input =
        session::Input { options: session::Options::default(), events: events.iter().map(hit).collect() };
    let output = serde_json::to_value(session::eval(&input)).unwrap();
    let mut sessions: Vec<Row> = output["sessions"].as_array().unwrap().iter().map(without_nulls).collect();
    sessions.sort_by_key(|session| session["visitor"].as_str().unwrap().to_owned());
    sessions
}

async fn sessions(database: &Postgres) -> Vec<Row> {
    let ms = |column: &str| format!("round(extract(epoch FROM \"{column}\") * 1000)::bigint AS \"{column}\"");
    let sql = format!(
        "SELECT visitor, {}, {}, pageviews, events, interactions, engaged_ms, entry, exit, conversions, referrer, campaign, \
         duration_s, is_bounce, is_engaged FROM sessions ORDER BY visitor COLLATE \"C\", number",
        ms("start"),
        ms("last")
    );
    database.query(&sql).await
}

/// A visitor's open cart, and those before it.
type Carts = (Option<Cart>, Vec<(Cart, Option<End>)>);

/// The carts that the definition makes of the events: visitor, number, what ended it, pieces and value.
fn wanted_carts(events: &[Value]) -> Vec<Value> {
    let mut carts: BTreeMap<String, Carts> = BTreeMap::new();
    let none = Map::new();
    for event in events {
        let properties = event.get("properties").and_then(Value::as_object).unwrap_or(&none);
        let act = Act { ts: time_of(event), event: event["event"].as_str().unwrap_or_default(), properties };
        let (open, over) = carts.entry(text(event, "/anonymousId").unwrap()).or_default();
        over.extend(cart::step(open, &act, HOUR).map(|(cart, end)| (cart, Some(end))));
    }
    let shown = |visitor: &str, number: usize, cart: &Cart, end: Option<End>| {
        let outcome = end.map(|end| format!("{end:?}").to_lowercase());
        json!([
            visitor,
            number,
            outcome,
            cart.opened,
            cart.touched,
            cart.pieces().normalize().to_string(),
            cart.value().normalize().to_string()
        ])
    };
    let mut all = Vec::new();
    for (visitor, (open, over)) in carts {
        let carts = over.into_iter().chain(open.map(|cart| (cart, None)));
        all.extend(carts.zip(1..).map(|((cart, end), number)| shown(&visitor, number, &cart, end)));
    }
    all
}

async fn carts(database: &Postgres) -> Vec<Value> {
    let sql = "SELECT json_build_array(visitor, number, outcome, round(extract(epoch FROM opened) * 1000)::bigint, \
               round(extract(epoch FROM touched) * 1000)::bigint, trim_scale(quantity)::text, trim_scale(value)::text) AS cart \
               FROM carts ORDER BY visitor COLLATE \"C\", number";
    database.query(sql).await.into_iter().map(|mut row| row.remove("cart").unwrap()).collect()
}

/// How many orders, their sum, and what was given back.
type Sums = (u64, Decimal, Decimal);

/// Those sums by currency.
fn wanted_revenue(events: &[Value]) -> Vec<Value> {
    let (mut known, mut sums) = (BTreeMap::<String, Known>::new(), BTreeMap::<String, Sums>::new());
    for event in events.iter().filter(|event| event["properties"].is_object()) {
        let properties = event["properties"].as_object().unwrap();
        let id = money::order_id(properties).unwrap_or_default();
        match event["event"].as_str().unwrap_or_default() {
            revenue::ORDER if !known.contains_key(&id) => {
                let currency = money::currency(properties).unwrap_or_else(|| "USD".to_owned());
                let amount = money::amount(properties);
                let sum = sums.entry(currency.clone()).or_default();
                (sum.0, sum.1) = (sum.0 + 1, sum.1 + amount);
                known.insert(id, Known { currency, amount, refunded: Decimal::ZERO });
            }
            revenue::REFUND => {
                let order = known.get_mut(&id);
                let (currency, amount) = revenue::given_back(properties, order.as_deref(), "USD");
                if let Some(order) = order.filter(|order| order.currency == currency) {
                    order.refunded += amount;
                }
                sums.entry(currency).or_default().2 += amount;
            }
            _ => {}
        }
    }
    let sums = sums.into_iter().filter(|(_, (orders, _, refunds))| *orders > 0 || !refunds.is_zero());
    sums.map(|(currency, (orders, gross, refunds))| {
        json!([currency, orders, format!("{gross:.2}"), format!("{refunds:.2}")])
    })
    .collect()
}

async fn kept_revenue(database: &Postgres) -> Vec<Value> {
    let sql = "SELECT json_build_array(currency, count(amount), round(coalesce(sum(amount), 0), 2)::text, round(sum(refunded), 2)::text) AS sums \
               FROM orders GROUP BY currency ORDER BY currency";
    database.query(sql).await.into_iter().map(|mut row| row.remove("sums").unwrap()).collect()
}

async fn expect_folded(database: &Postgres, events: &[Value]) {
    assert_eq!(sessions(database).await, wanted_sessions(events));
    assert_eq!(carts(database).await, wanted_carts(events));
    assert_eq!(kept_revenue(database).await, wanted_revenue(events));
}

/// Every row of the four tables, whole.
async fn snapshot(database: &Postgres) -> Vec<Vec<Row>> {
    let mut all = Vec::new();
    for table in ["sessions", "orders", "carts", "consents"] {
        all.push(database.query(&format!("SELECT * FROM {table} AS t ORDER BY t::text")).await);
    }
    all
}

async fn send(router: &Router, events: &[Value], dice: &mut fastrand::Rng) {
    let mut rest = events;
    while !rest.is_empty() {
        let (now, later) = rest.split_at(dice.usize(1..=40).min(rest.len()));
        router.post("/v1/batch", &batch(now)).await.expect_success();
        rest = later;
    }
}

#[tokio::test]
async fn rows_are_what_the_folds_say_however_the_stream_is_cut_and_tried_again() {
    let Some((database, router)) = scene("").await else { return };
    // Some commits with pages fail when all but that is done. What a sequence has given stays given when a transaction is not, so
    // each of these numbers stops one, and the first two the very first, twice.
    database
        .run(
            "CREATE SEQUENCE pages_tried; CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS \
             'BEGIN IF nextval(''pages_tried'') IN (1, 2, 20, 40, 80) THEN RAISE EXCEPTION ''not now'' USING ERRCODE = ''40001''; END IF; RETURN NULL; END'",
        )
        .await;
    let events = stream(1, &["a", "b", "c", "d", "e"], 500);
    let (first, rest) = events.split_at(60);
    let mut dice = fastrand::Rng::with_seed(7);
    send(&router, first, &mut dice).await;
    until_delivered(&router, 60).await;
    database
        .run("CREATE CONSTRAINT TRIGGER now_and_then AFTER INSERT ON pages DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fail()")
        .await;
    send(&router, rest, &mut dice).await;
    until_delivered(&router, 500).await;
    let last = router.destination("pg").await["last_error"]["message"].clone();
    assert!(last.as_str().is_some_and(|said| said.contains("not now")), "nothing was tried again: {last}");
    assert_eq!(router.dead_letters(), "");
    expect_folded(&database, &events).await;
    assert!(sessions(&database).await.len() > 10, "the stream has pauses");
    // What comes again, here through another router with a journal of its own, changes nothing at all.
    let before = snapshot(&database).await;
    let other = Router::start(pg(Config::default(), &database.url(), "")).await;
    send(&other, &events, &mut dice).await;
    until_delivered(&other, 500).await;
    assert_eq!(snapshot(&database).await, before);
}

/// Makes some commits slow, so that a kill finds one under way whose answer nobody hears.
const SLOW_COMMITS: &str = "CREATE FUNCTION nap() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.2); RETURN NULL; END'; \
    CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON clicked DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION nap()";

const COMMITTING: &str = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'opentrack' AND state = 'active' \
    AND query = 'COMMIT' AND datname = current_database()";

#[tokio::test]
async fn a_kill_in_the_middle_of_a_commit_folds_nothing_twice_and_leaves_nothing_out() {
    let Some((database, mut router)) = scene("").await else { return };
    let events = stream(2, &["a", "b", "c"], 400);
    let mut dice = fastrand::Rng::with_seed(8);
    let (first, rest) = events.split_at(100);
    send(&router, first, &mut dice).await;
    until_delivered(&router, 100).await;
    database.run(SLOW_COMMITS).await;
    for part in rest.chunks(100) {
        send(&router, part, &mut dice).await;
        until("a commit is under way", 20, async || !database.query(COMMITTING).await.is_empty()).await;
        router.kill9();
        router.start_again().await;
    }
    let idle = async || router.destination("pg").await["backlog"]["events"] == 0;
    until("everything is settled", 60, idle).await;
    expect_folded(&database, &events).await;
    assert_eq!(router.dead_letters(), "");
}

#[tokio::test]
async fn two_routers_side_by_side_fold_every_event_once_and_never_wait_crosswise() {
    let Some(database) = Postgres::new().await else { return };
    let config = || pg(Config::default(), &database.url(), "");
    let (one, other) = (Router::start(config()).await, Router::start(config()).await);
    // Each has visitors of its own, and all orders have the same few ids.
    let (mine, theirs) = (stream(3, &["a", "b", "c"], 300), stream(4, &["x", "y", "z"], 300));
    let shared = |n: usize| {
        let event = if n % 3 == 2 { "Order Refunded" } else { "Order Completed" };
        json!({ "type": "track", "event": event, "userId": format!("u{}", n % 7), "messageId": format!("both-{n}"),
            "properties": { "order_id": format!("same-{}", n % 10), "total": 2, "currency": "SEK" } })
    };
    let shared: Vec<Value> = (0..200).map(shared).collect();
    let both = async |router: &Router, own: &[Value], seed: u64| {
        let mut dice = fastrand::Rng::with_seed(seed);
        for (own, shared) in own.chunks(30).zip(shared.chunks(20)) {
            send(router, own, &mut dice).await;
            send(router, shared, &mut dice).await;
        }
    };
    tokio::join!(both(&one, &mine, 1), both(&other, &theirs, 2));
    until_delivered(&one, 500).await;
    until_delivered(&other, 500).await;
    let sek = database.one("SELECT json_build_array(count(amount), sum(amount), sum(refunded)) FROM orders WHERE currency = 'SEK'").await;
    assert_eq!(sek, json!([10, 20.0, 132.0]), "ten orders, and 66 refunds of two");
    let events = [mine, theirs].concat();
    assert_eq!(sessions(&database).await, wanted_sessions(&events));
    assert_eq!(carts(&database).await, wanted_carts(&events));
    let deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    assert_eq!(database.one(deadlocks).await, 0);
    assert_eq!(one.dead_letters() + &other.dead_letters(), "");
}

/// An order with everything that belongs to it.
fn shopping(now: i64) -> Vec<Value> {
    let page = json!({ "path": "/shoes", "url": "https://shop.example/shoes?utm=1", "referrer": "https://news.example/a" });
    // Of a visit by an advertisement the address alone may tell.
    let root =
        json!({ "url": "https://shop.example/?gclid=Cj0", "referrer": "https://www.shop.example/shoes" });
    let consent = json!({ "categoryPreferences": { "analytics": true, "advertising": false } });
    let first = json!({ "page": page, "campaign": { "name": "spring" }, "consent": consent, "library": { "name": "tracker.js" } });
    let second = json!({ "page": root, "consent": consent });
    let track = |name: &str, properties: Value| json!({ "type": "track", "event": name, "anonymousId": "ann", "userId": "u1", "properties": properties, "context": { "page": page } });
    let events = [
        (50, json!({ "type": "page", "anonymousId": "ann", "properties": page, "context": first })),
        (
            2,
            json!({ "type": "page", "anonymousId": "ann", "properties": { "path": "/" }, "context": second }),
        ),
        (1, track("Order Completed", json!({ "order_id": "A-1", "revenue": 19.99995, "currency": "eur" }))),
        (1, track("Order Completed", json!({ "order_id": "A-1", "revenue": 5 }))),
        (1, track("Order Refunded", json!({ "order_id": "A-1", "total": "4.5", "currency": "EUR" }))),
        (1, track("Order Refunded", json!({ "order_id": "A-1", "total": 3, "currency": "CHF" }))),
        // A server's, of a visitor without a session, and too much for the column.
        (
            1,
            json!({ "type": "track", "event": "Order Completed", "userId": "u2", "channel": "server", "properties": { "value": 1e15 } }),
        ),
    ];
    let stamped = |(n, (hours, mut event)): (usize, (i64, Value))| {
        event["messageId"] = json!(format!("m{n}"));
        event["timestamp"] = json!(iso(now - hours * HOUR));
        event
    };
    events.into_iter().enumerate().map(stamped).collect()
}

/// The first session came by a campaign, and the second, the last from elsewhere, by a click id alone.
fn expect_touches(order: &Row, base: i64, first: &Value, second: &Value) {
    let touch = json!({ "session": first, "at": base - 50 * HOUR, "entry": "/shoes", "referrer": "https://news.example/a", "campaign": { "name": "spring" }, "click_id": null });
    assert_eq!(order["first_touch"], touch);
    let touch = json!({ "session": second, "at": base - 2 * HOUR, "entry": "/", "referrer": null, "campaign": null, "click_id": "gclid" });
    assert_eq!(order["last_touch"], touch);
}

#[tokio::test]
async fn an_order_knows_its_session_and_where_its_visitor_came_from() {
    let Some((database, router)) = scene("").await else { return };
    let base = base();
    let events = shopping(base);
    router.post("/v1/batch", &batch(&events)).await.expect_success();
    until_delivered(&router, events.len() as u64).await;
    let orders = database.query("SELECT * FROM orders ORDER BY message_id").await;
    let ids: Vec<&str> = orders.iter().map(|row| row["message_id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["m2", "m5", "m6"]);
    let (order, refund, server) = (&orders[0], &orders[1], &orders[2]);
    assert_eq!(
        (&order["amount"], &order["refunded"], &order["currency"]),
        (&json!(20.0), &json!(4.5), &json!("EUR"))
    );
    assert_eq!(
        (&order["visitor"], &order["user_id"], order.get("email_enc")),
        (&json!("ann"), &json!("u1"), None)
    );
    let session = |number: u8| format!("SELECT id FROM sessions WHERE visitor = 'ann' AND number = {number}");
    let (first, last) = (database.one(&session(1)).await, database.one(&session(3)).await);
    assert_eq!(first.as_str().unwrap().len(), 16);
    assert_eq!(order["session"], last);
    expect_touches(order, base, &first, &database.one(&session(2)).await);
    assert_eq!(
        (refund.get("amount"), &refund["refunded"], &refund["refund_of"]),
        (None, &json!(3.0), &json!("A-1"))
    );
    assert_eq!(
        (&server["amount"], &server["currency"], server.get("session")),
        (&json!(99_999_999_999_999.999_9), &json!("USD"), None)
    );
    let user =
        database.one("SELECT json_agg(user_id ORDER BY number) FROM sessions WHERE visitor = 'ann'").await;
    assert_eq!(user, json!([null, null, "u1"]), "who somebody is is known of the session that says so");
    assert_eq!(database.one("SELECT count(*) FROM sessions").await, 3);
    let consents = database.query("SELECT visitor, categories, source FROM consents").await;
    let wanted = json!({ "visitor": "ann", "categories": { "analytics": true, "advertising": false }, "source": "tracker.js" });
    assert_eq!(consents, [without_nulls(&wanted)], "what is said again is not written again");
    let site = database.one("SELECT json_agg(DISTINCT site) FROM sessions").await;
    assert_eq!(site, json!(["default"]));
}

#[tokio::test]
async fn odd_events_are_never_refused_for_the_sake_of_a_live_table() {
    let Some((database, router)) = scene("").await else { return };
    let long = "x".repeat(60_000);
    let body = format!(
        r#"{{"batch":[
        {{"type":"page","anonymousId":"nul\u0000","messageId":"odd-1","properties":{{"path":"/\u0000","referrer":"{long}"}},
          "context":{{"page":{{"url":"::"}},"campaign":{{"name":"\u0000","n\u0000":1e300,"deep":{{"a":1}},"list":[1]}},"consent":{{"categoryPreferences":{{"a\u0000":"\ud800"}}}}}}}},
        {{"type":"track","event":"Product Added","anonymousId":"v","messageId":"odd-2","properties":{{"product_id":"{long}","quantity":-1e300,"price":"NaN"}}}},
        {{"type":"track","event":"Product Added","anonymousId":"v","messageId":"odd-3","properties":{{"sku":7,"quantity":79228162514264337593543950335,"price":79228162514264337593543950335}}}},
        {{"type":"track","event":"Order Completed","anonymousId":"v","messageId":"odd-4","properties":{{"order_id":"\u0000","products":"none","currency":"{long}"}}}},
        {{"type":"track","event":"Order Refunded","anonymousId":"v","messageId":"odd-5","properties":{{"order_id":9,"value":-1e15}}}},
        {{"type":"page","userId":"early","messageId":"odd-6","timestamp":"0001-01-01T00:00:00Z","context":{{"page":{{}}}}}}
    ]}}"#
    );
    let answer = router.post_text("/v1/batch", body).await;
    assert_eq!(answer.json()["accepted"], 6, "{}", answer.text);
    until_delivered(&router, 6).await;
    assert_eq!(router.dead_letters(), "");
    assert_eq!(
        database.one("SELECT json_agg(visitor ORDER BY visitor) FROM sessions").await,
        json!(["early", "nul"])
    );
    assert_eq!(database.one("SELECT count(*) FROM orders").await, 2);
    assert_eq!(database.one("SELECT outcome FROM carts").await, "ordered");
}

#[tokio::test]
async fn switched_off_there_are_no_live_tables_and_events_may_have_their_names() {
    let Some((database, router)) = scene("first_party = false").await else { return };
    let mut events = stream(5, &["a"], 30);
    events.push(json!({ "type": "track", "event": "Orders", "anonymousId": "a", "messageId": "o1", "properties": { "n": 1 } }));
    router.post("/v1/batch", &batch(&events)).await.expect_success();
    until_delivered(&router, 31).await;
    assert_eq!(database.ids("orders").await, ["o1"]);
    let others = "SELECT count(*) FROM pg_tables WHERE tablename IN ('sessions', 'carts', 'consents')";
    assert_eq!(database.one(others).await, 0);
}

#[tokio::test]
async fn a_table_of_an_application_is_left_alone_and_events_flow_on() {
    let Some(database) = Postgres::new().await else { return };
    database
        .run("CREATE TABLE orders (id serial PRIMARY KEY, total int); INSERT INTO orders (total) VALUES (7)")
        .await;
    let router = Router::start(pg(Config::default(), &database.url(), "")).await;
    let mut events = stream(6, &["a", "b"], 40);
    events.push(json!({ "type": "track", "event": "Carts", "anonymousId": "a", "messageId": "c1", "properties": { "n": 1 } }));
    router.post("/v1/batch", &batch(&events)).await.expect_success();
    until_delivered(&router, 41).await;
    assert_eq!(database.query("SELECT * FROM orders").await.len(), 1);
    let others = "SELECT count(*) FROM pg_class WHERE relname IN ('sessions', 'carts', 'consents')";
    assert_eq!(
        database.one(others).await,
        0,
        "half of them would be worth nothing, and their names stay free"
    );
    let told = router.log();
    let lines = told
        .lines()
        .filter(|line| line.contains("orders") && line.contains("is there already and not the router's"))
        .count();
    assert_eq!(lines, 1, "{told}");
    assert_eq!(database.one("SELECT _unmapped->>'n' FROM tracks WHERE id = 'c1'").await, "1");
    assert_eq!(router.destination("pg").await["state"], "flowing");
}

#[tokio::test]
async fn a_live_table_that_is_dropped_is_made_again() {
    let Some((database, router)) = scene("").await else { return };
    let events = stream(9, &["a"], 40);
    router.post("/v1/batch", &batch(&events[..20])).await.expect_success();
    until_delivered(&router, 20).await;
    database.run("DROP TABLE sessions").await;
    router.post("/v1/batch", &batch(&events[20..])).await.expect_success();
    until_delivered(&router, 40).await;
    assert_ne!(database.one("SELECT count(*) FROM sessions").await, 0);
    // As an earlier router has made it.
    database.run("ALTER TABLE sessions DROP COLUMN click_id").await;
    router.post("/v1/batch", &batch(&stream(10, &["b"], 20))).await.expect_success();
    until_delivered(&router, 60).await;
    assert_ne!(
        database.one("SELECT count(*) FROM sessions WHERE visitor = 'b' AND click_id IS NULL").await,
        0
    );
    assert_eq!(router.dead_letters(), "");
}
