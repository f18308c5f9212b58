//! Reports of a running router: events as an SDK sends them go in, and `/api/stats/NAME` says what they amount to.

use serde_json::{Value, json};

use crate::support::{Answer, ClickHouse, Config, Router, batch, fresh_id, opentrack, until, until_some};

const AGENT: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36";
/// Seconds in which everything must have come about.
const DEADLINE: u64 = 60;
/// Without what the router says itself about carts.
const OF_ITS_OWN: &str = "&filter=event!:Cart%20Abandoned";

/// Returns the day that all of it happens on: yesterday.
#[expect(clippy::disallowed_methods, reason = "the router has no other clock either")]
fn the_day() -> &'static str {
    static DAY: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
        let yesterday = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24);
        yesterday.to_string()[.."2030-01-31".len()].to_owned()
    });
    &DAY
}

/// An event of a browser at this minute of the day.
fn event(visitor: &str, minute: u32, call: Value) -> Value {
    let at = format!("{}T{:02}:{:02}:00.000Z", the_day(), 8 + minute / 60, minute % 60);
    event_at(visitor, (&at, &minute.to_string()), &call)
}

/// An event of a browser at an instant; the word tells views of a page apart.
fn event_at(visitor: &str, (at, word): (&str, &str), call: &Value) -> Value {
    let path = call["path"].as_str().unwrap_or("/").to_owned();
    let mut event = json!({
        "anonymousId": visitor, "messageId": fresh_id("m"), "timestamp": at, "originalTimestamp": at,
        "context": {
            "userAgent": AGENT, "environment": "production", "pageViewId": format!("{visitor}-{path}-{word}"),
            "timezone": "Europe/Vienna",
            "page": { "path": path, "url": format!("https://shop.example{path}{}", call["search"].as_str().unwrap_or_default()),
                      "referrer": call["referrer"].as_str().unwrap_or_default() },
        },
    });
    for (key, value) in call["call"].as_object().unwrap() {
        event[key] = value.clone();
    }
    event
}

fn view(visitor: &str, minute: u32, path: &str) -> Value {
    event(
        visitor,
        minute,
        json!({ "path": path, "call": { "type": "page", "properties": { "path": path } } }),
    )
}

fn track(visitor: &str, minute: u32, name: &str, properties: Value) -> Value {
    let call = json!({ "type": "track", "event": name, "properties": properties });
    event(visitor, minute, json!({ "path": "/shop", "call": call }))
}

/// Three visitors: one who buys, one who leaves at once, and one who comes back later.
fn day() -> Vec<Value> {
    let landing = json!({
        "path": "/", "search": "?utm_source=news&utm_medium=email&utm_campaign=may", "referrer": "https://mail.example/",
        "call": { "type": "page", "properties": { "path": "/" } },
    });
    vec![
        event("buyer", 0, landing),
        view("buyer", 1, "/shop/"),
        track("buyer", 2, "Page Engaged", json!({ "engaged_ms": 12_000, "scroll_depth": 80 })),
        track("buyer", 3, "Product Viewed", json!({ "product_id": "p" })),
        track("buyer", 4, "Product Added", json!({ "product_id": "p", "quantity": 1 })),
        track("buyer", 5, "Checkout Started", json!({})),
        track(
            "buyer",
            6,
            "Order Completed",
            json!({ "order_id": "o1", "revenue": 19.99, "currency": "EUR" }),
        ),
        track(
            "buyer",
            7,
            "Order Completed",
            json!({ "order_id": "o1", "revenue": 19.99, "currency": "EUR" }),
        ),
        view("passer", 10, "/"),
        track("passer", 11, "Web Vital", json!({ "name": "LCP", "value": 2400.5 })),
        view("returner", 20, "/shop"),
        track("returner", 21, "Product Viewed", json!({ "product_id": "p" })),
        view("returner", 90, "/"),
        track("returner", 91, "Order Refunded", json!({ "order_id": "o1" })),
        json!({ "type": "track", "event": "Invoice Paid", "userId": "u", "messageId": fresh_id("m"),
                "timestamp": format!("{}T09:00:00Z", the_day()), "properties": {} }),
    ]
}

const REPORTS: [(&str, &str); 15] = [
    ("series", "&bucket=hour"),
    ("series", "&tz=Asia/Kolkata"),
    ("pages", ""),
    ("pages", "&filter=channel:Email"),
    ("sources", "&by=channel"),
    ("geo", ""),
    ("devices", "&by=browser"),
    ("events", OF_ITS_OWN),
    ("funnel", ""),
    ("revenue", ""),
    ("revenue", "&by=first_touch"),
    ("revenue", "&by=last_touch"),
    ("vitals", "&by=path"),
    ("sessions", ""),
    ("sessions", "&filter=path:/shop"),
];

async fn ask(router: &Router, report: &str, more: &str) -> Answer {
    router.get(&format!("/api/stats/{report}?from={0}&to={0}{more}", the_day())).await
}

/// Waits until a report has so many of something in its totals. The count of events is of the last one to arrive.
async fn until_all(router: &Router, count: u64) {
    let counted = async || {
        let answer = ask(router, "events", OF_ITS_OWN).await;
        (answer.status == 200).then(|| answer.json()["totals"]["count"].as_u64().unwrap_or_default())
    };
    until(&format!("{count} track calls are counted"), DEADLINE, async || counted().await == Some(count))
        .await;
}

fn cells<const N: usize>(row: &Value, names: [&str; N]) -> [Value; N] {
    names.map(|name| row[name].clone())
}

async fn expect_the_day(router: &Router) {
    let pages = ask(router, "pages", "").await.json();
    let row = |path: &str| {
        let rows = pages["rows"].as_array().unwrap();
        let found =
            rows.iter().find(|row| row["path"] == path).unwrap_or_else(|| panic!("{path} is not in {pages}"));
        cells(found, ["views", "visitors", "entries", "exits", "bounces", "avg_engaged_ms", "scroll_p75"])
    };
    let numbers = |all: [i64; 5], engaged: f64, scroll: Value| {
        let [views, visitors, entries, exits, bounces] = all.map(|one| json!(one));
        [views, visitors, entries, exits, bounces, json!(engaged), scroll]
    };
    assert_eq!(row("/"), numbers([3, 3, 3, 2, 1], 0.0, json!(null)));
    assert_eq!(row("/shop"), numbers([2, 2, 1, 2, 0], 6_000.0, json!(80.0)));
    let revenue = ask(router, "revenue", "").await.json();
    let wanted = json!([{ "currency": "EUR", "orders": 1, "gross": "19.99", "refunds": "19.99", "net": "0.00", "aov": "19.99" }]);
    assert_eq!(revenue["rows"], wanted);
    expect_sessions(router).await;
}

/// What the reports about sessions and visitors say.
async fn expect_sessions(router: &Router) {
    let channels = ask(router, "sources", "&by=channel").await.json();
    let named = |row: &Value| cells(row, ["channel", "sessions", "conversions"]);
    let found: Vec<_> = channels["rows"].as_array().unwrap().iter().map(named).collect();
    assert_eq!(found, [[json!("Direct"), json!(3), json!(0)], [json!("Email"), json!(1), json!(2)]]);
    let funnel = ask(router, "funnel", "").await.json();
    let visitors: Vec<&Value> =
        funnel["rows"].as_array().unwrap().iter().map(|row| &row["visitors"]).collect();
    assert_eq!(visitors, [2, 1, 1, 1]);
    let devices = ask(router, "devices", "&by=browser").await.json();
    assert_eq!(
        cells(&devices["rows"][0], ["browser", "sessions", "visitors"]),
        [json!("Chrome"), json!(4), json!(3)]
    );
    let vitals = ask(router, "vitals", "").await.json();
    assert_eq!(
        cells(&vitals["rows"][0], ["metric", "p75", "rating"]),
        [json!("LCP"), json!(2400.5), json!("good")]
    );
    let series = ask(router, "series", "").await.json();
    assert_eq!(cells(&series["totals"], ["views", "visitors", "sessions"]), [json!(5), json!(3), json!(4)]);
}

#[tokio::test]
async fn what_browsers_send_is_in_the_reports_once_also_after_a_kill() {
    let mut router = Router::start(Config::new()).await;
    let events = day();
    let (first, second) = events.split_at(7);
    router.post("/v1/batch", &batch(first)).await.expect_success();
    until_all(&router, 5).await;
    router.kill9();
    router.start_again().await;
    router.post("/v1/batch", &batch(second)).await.expect_success();
    // In the middle of it, or before, or behind: what is counted must not depend on it.
    router.kill9();
    router.start_again().await;
    until_all(&router, 10).await;
    expect_the_day(&router).await;
    let answer = ask(&router, "pages", "").await;
    assert_eq!((answer.header("x-store"), answer.header("x-sampled")), ("embedded", "false"));
}

#[tokio::test]
async fn who_asks_needs_the_scope_and_hears_which_parameter_is_wrong() {
    let (salt, secret) = ("s".repeat(32), "j".repeat(32));
    let config = Config::new()
        .server("environment = \"production\"")
        .table("[sources.shop]\nwrite_keys = [\"key\"]")
        .env("SITE_SALT", &salt)
        .env("JWT_SECRET", &secret);
    let router = Router::start(config).await;
    let token = |scope: &str| {
        let mut mint = opentrack();
        mint.args(["token", "--scope", scope, "--ttl", "1h", "--config"])
            .arg(router.dir().join("config.toml"));
        let minted = mint.env("JWT_SECRET", &secret).env("SITE_SALT", &salt).output().unwrap();
        String::from_utf8(minted.stdout).unwrap().trim().to_owned()
    };
    let ask = async |scope: Option<&str>, path: &str| {
        let mut request = router.request("GET", path);
        if let Some(scope) = scope {
            request = request.bearer_auth(token(scope));
        }
        Answer::read(request.send().await.unwrap()).await
    };
    ask(None, "/api/stats/pages").await.expect_error(401, "unauthorized");
    ask(Some("read:ops"), "/api/stats/pages").await.expect_error(403, "forbidden");
    let stats = Some("read:stats");
    until("the store is there", DEADLINE, async || ask(stats, "/api/stats/pages").await.status == 200).await;
    let csv = ask(stats, "/api/stats/pages?format=csv").await;
    assert!(csv.header("content-type").starts_with("text/csv"), "{csv:?}");
    assert!(csv.text.starts_with("path,views,visitors,entries,"), "{csv:?}");
    for (path, name) in [
        ("/api/stats/series?tz=Mars", "tz"),
        ("/api/stats/pages?filter=x", "filter"),
        ("/api/stats/pages?format=xml", "format"),
        ("/api/stats/pages?from=2026-01-02&to=2026-01-01", "from"),
        ("/api/stats/pages?sites=a", "sites"),
    ] {
        let answer = ask(stats, path).await;
        answer.expect_error(400, "bad_parameter");
        assert_eq!(answer.json()["details"][0]["path"], name, "{path}");
    }
    ask(stats, "/api/stats/everything").await.expect_error(404, "not_found");
}

/// Two sites, and a parameter of the query that belongs to a page.
fn with_sites(config: Config) -> Config {
    config
        .table("[sources.shop]\nwrite_keys = [\"key\"]")
        .table("[sources.blog]\nwrite_keys = [\"blog\"]")
        .table("[realtime]\nkeep_query = [\"id\"]")
}

#[tokio::test]
async fn clickhouse_says_the_same_as_the_embedded_store() {
    let clickhouse = ClickHouse::start();
    let embedded = Router::start(with_sites(Config::new())).await;
    let wide = Router::start(with_sites(clickhouse.config(""))).await;
    let events = day();
    for router in [&embedded, &wide] {
        router.post("/v1/batch", &batch(&events)).await.expect_success();
    }
    until_all(&embedded, 10).await;
    until_some("the table has all events", DEADLINE, async || {
        let rows = clickhouse
            .query_if_there("SELECT message_id FROM opentrack.events FINAL WHERE event != 'Cart Abandoned'")
            .await;
        (rows.len() == events.len()).then_some(())
    })
    .await;
    until_all(&wide, 10).await;
    expect_the_day(&wide).await;
    for (report, more) in REPORTS {
        let mut answers = Vec::new();
        for router in [&embedded, &wide] {
            let answer = ask(router, report, more).await;
            assert_eq!(answer.status, 200, "{report}{more}: {answer:?}");
            answers.push((answer.header("x-store").to_owned(), without_ids(answer.json())));
        }
        assert_eq!((answers[0].0.as_str(), answers[1].0.as_str()), ("embedded", "clickhouse"));
        assert_eq!(answers[0].1, answers[1].1, "{report}{more}");
    }
    expect_the_same_when_clocks_change(&clickhouse, [&embedded, &wide], events.len()).await;
}

/// Returns when the clocks of Berlin changed last; long enough ago that what happened then is not live.
#[expect(clippy::disallowed_methods, reason = "the router has no other clock either")]
fn the_change() -> jiff::Timestamp {
    let zone = jiff::tz::TimeZone::get("Europe/Berlin").unwrap();
    let before = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24 * 7);
    zone.preceding(before).next().unwrap().timestamp()
}

/// What happens around the change, by minutes from it: events of the shop, events of the blog, and what comes late of the shop.
#[expect(clippy::too_many_lines, reason = "one event after the other")]
fn weeks(change: jiff::Timestamp) -> [Vec<Value>; 3] {
    let at = |minute: i64| (change + jiff::SignedDuration::from_mins(minute)).to_string();
    let browser = |visitor: &str, minute: i64, call: Value| {
        event_at(visitor, (&at(minute), &minute.to_string()), &call)
    };
    let page = |visitor: &str, minute: i64, path: &str, search: &str| {
        let call = json!({ "type": "page", "properties": { "path": path, "search": search } });
        browser(visitor, minute, json!({ "path": path, "search": search, "call": call }))
    };
    let act = |visitor: &str, minute: i64, name: &str, properties: Value| {
        let call = json!({ "type": "track", "event": name, "properties": properties });
        browser(visitor, minute, json!({ "path": "/a", "call": call }))
    };
    let mut robot = page("robot", 10, "/a", "");
    robot["context"]["userAgent"] =
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)".into();
    let server = json!({ "type": "track", "event": "Order Completed", "userId": "billing", "messageId": fresh_id("m"),
        "timestamp": at(30), "properties": { "products": [{ "price": 1.005, "quantity": 3 }], "currency": "gbp" } });
    let screen = json!({ "type": "screen", "name": "Main", "anonymousId": "phone", "messageId": fresh_id("m"),
        "timestamp": at(-45), "context": { "device": { "id": "d", "type": "mobile" }, "screen": { "width": 1 } } });
    let mut given = page("w2", -25, "/nowhere", "");
    given["properties"] = json!({ "url": "https://shop.example/given/?id=9&token=x", "title": "Given" });
    let shop = vec![
        page("w1", -1_500, "/a/", "?id=7&utm_source=news"),
        act(
            "w1",
            -1_490,
            "Order Completed",
            json!({ "order_id": "o9", "revenue": "10.10", "currency": "EUR" }),
        ),
        screen,
        page("w2", -30, "/a", ""),
        given,
        act("w2", -20, "Order Completed", json!({ "order_id": 2, "total": 20, "currency": "usd" })),
        act("w2", -19, "Page Engaged", json!({ "engaged_ms": 9_000.4, "scroll_depth": 33 })),
        act("w2", -18, "Web Vital", json!({ "name": "LCP", "value": 4_100 })),
        act("w2", -18, "Web Vital", json!({ "name": "INP", "value": 200 })),
        robot,
        server,
        act("w1", 60, "Order Refunded", json!({ "order_id": "o9", "revenue": 4.05, "currency": "EUR" })),
        page("w3", 100, "/b", ""),
        act("w3", 101, "Web Vital", json!({ "name": "lcp", "value": 2_500 })),
        page("w3", 1_380, "/b", ""),
        act("w2", 1_500, "Order Refunded", json!({ "order_id": 2 })),
        act("w2", 1_501, "Order Completed", json!({ "order_id": 2, "total": 99, "currency": "usd" })),
    ];
    let blog = vec![
        page("w1", 5, "/post", ""),
        act("w1", 7, "Order Completed", json!({ "order_id": "o9", "revenue": 500, "currency": "JPY" })),
        act("w4", 8, "Product Viewed", json!({ "product_id": "p" })),
        act("w4", 9, "Order Refunded", json!({ "order_id": "never", "revenue": 1 })),
    ];
    // One that moves the beginning of a visit, one that joins it, and one that is too late for any.
    let late = vec![
        page("w3", 1_370, "/early", ""),
        page("w3", 1_385, "/a", "?id=7"),
        page("w3", -600, "/late", ""),
    ];
    [shop, blog, late]
}

/// Each report with what else is asked.
const AROUND_THE_CHANGE: [(&str, &str); 21] = [
    ("series", ""),
    ("series", "&bucket=hour"),
    ("series", "&tz=UTC&site=blog"),
    ("series", "&filter=path:/a"),
    ("pages", ""),
    ("pages", "&site=shop&tz=America/New_York"),
    ("sources", ""),
    ("sources", "&by=referrer&filter=path:/b|/early"),
    ("geo", "&filter=environment:production"),
    ("devices", ""),
    ("events", "&site=shop"),
    ("events", "&filter=browser:Chrome"),
    ("funnel", "&step=Product%20Viewed&step=Order%20Refunded&window=2m"),
    ("revenue", ""),
    ("revenue", "&site=shop"),
    ("revenue", "&by=first_touch"),
    ("revenue", "&by=last_touch&site=shop"),
    ("revenue", "&filter=entry:/a"),
    ("vitals", ""),
    ("vitals", "&by=path&filter=device:desktop"),
    ("sessions", ""),
];

async fn expect_the_same_when_clocks_change(clickhouse: &ClickHouse, routers: [&Router; 2], before: usize) {
    let change = the_change();
    let all = before + send_weeks(change, routers).await;
    until_some("the table has all events", DEADLINE, async || {
        let rows = clickhouse
            .query_if_there("SELECT message_id FROM opentrack.events FINAL WHERE event != 'Cart Abandoned'")
            .await;
        (rows.len() == all).then_some(())
    })
    .await;
    // The last of all to be counted.
    until("the embedded store has what came last", DEADLINE, async || {
        ask_around(routers[0], change, ("pages", "")).await["rows"].to_string().contains("\"/late\"")
    })
    .await;
    for question in AROUND_THE_CHANGE {
        let embedded = ask_around(routers[0], change, question).await;
        let wide = ask_around(routers[1], change, question).await;
        assert_ne!(embedded["rows"], json!([]), "{question:?} is about something");
        assert_eq!(without_ids(embedded), without_ids(wide), "{question:?}");
    }
    expect_pages_in_one_spelling(&ask_around(routers[1], change, ("pages", "")).await);
    expect_every_currency(&ask_around(routers[0], change, ("revenue", "")).await);
}

/// Returns how many events were sent to each.
async fn send_weeks(change: jiff::Timestamp, routers: [&Router; 2]) -> usize {
    let [shop, blog, late] = weeks(change);
    for router in routers {
        router.post("/v1/batch", &batch(&shop)).await.expect_success();
        let mut of_blog = batch(&blog);
        of_blog["writeKey"] = "blog".into();
        let request = router.request("POST", "/v1/batch").header("content-type", "application/json");
        Answer::read(request.body(of_blog.to_string()).send().await.unwrap()).await.expect_success();
        router.post("/v1/batch", &batch(&late)).await.expect_success();
    }
    shop.len() + blog.len() + late.len()
}

async fn ask_around(router: &Router, change: jiff::Timestamp, (report, more): (&str, &str)) -> Value {
    let day = |days: i64| (change + jiff::SignedDuration::from_hours(24 * days)).to_string()[..10].to_owned();
    let zone = if more.contains("tz=") { "" } else { "&tz=Europe/Berlin" };
    let path = format!("/api/stats/{report}?from={}&to={}{zone}{more}", day(-2), day(2));
    until_some(&format!("{path} is answered"), DEADLINE, async || {
        Some(router.get(&path).await).filter(|answer| answer.status == 200)
    })
    .await
    .json()
}

fn expect_pages_in_one_spelling(pages: &Value) {
    let views = |path: &str| {
        let rows = pages["rows"].as_array().unwrap();
        rows.iter().find(|row| row["path"] == path).map(|row| row["views"].clone())
    };
    assert_eq!(
        ["/a", "/a?id=7", "/given?id=9", "/nowhere", "Main"].map(views),
        [Some(json!(1)), Some(json!(2)), Some(json!(1)), None, Some(json!(1))]
    );
}

fn expect_every_currency(revenue: &Value) {
    let rows = revenue["rows"].as_array().unwrap();
    let found: Vec<_> =
        rows.iter().map(|row| cells(row, ["currency", "orders", "gross", "refunds"])).collect();
    let row =
        |currency, orders, gross, refunds| [json!(currency), json!(orders), json!(gross), json!(refunds)];
    let wanted = [
        row("EUR", 1, "10.10", "4.05"),
        row("GBP", 1, "3.02", "0.00"),
        row("JPY", 1, "500.00", "0.00"),
        row("USD", 1, "20.00", "21.00"),
    ];
    assert_eq!(found, wanted, "one that names no currency is in the router's");
}

/// The ids of sessions are of a router's own salt.
fn without_ids(mut body: Value) -> Value {
    for row in body["rows"].as_array_mut().unwrap() {
        row.as_object_mut().unwrap().remove("id");
    }
    body
}
