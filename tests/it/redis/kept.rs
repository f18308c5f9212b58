//! Sessions and sketches that several routers share: each the same as of one router, counted once, and bounded.

use std::collections::BTreeMap;

use opentrack::projections::session::{Hit, Input, Options, eval};
use serde_json::{Value, json};

use super::proxy::LossyWay;
use super::scene::{live_at_noon, of_site, page, until_delivered};
use crate::support::{Config, RedisServer, Router, Site, batch, fresh_id, until, until_some};

/// A value that a page has measured.
fn vital(view: &str, (metric, value): (&str, f64), path: &str) -> Value {
    json!({
        "type": "track", "event": "Web Vital", "anonymousId": "a", "messageId": fresh_id("vital"),
        "properties": { "name": metric, "value": value },
        "context": { "page": { "path": path }, "device": { "type": "mobile" }, "pageViewId": view },
    })
}

/// Returns the totals of a site once they are as wanted.
async fn totals(router: &Router, site: &Site, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
    let path = format!("/api/stats/realtime?site={}", site.name);
    until_some(what, 60, async || {
        let answer = router.get(&path).await;
        let totals = (answer.status == 200).then(|| answer.json()["totals"].clone());
        totals.filter(|totals| is_it(totals))
    })
    .await
}

/// Returns how many values there are of a metric, on all pages or on one.
fn samples(totals: &Value, metric: &str, path: Option<&str>) -> u64 {
    let rows = totals["vitals"].as_array().into_iter().flatten();
    let mut wanted =
        rows.filter(|row| row["metric"] == metric && row["device"].is_null() && row["path"] == json!(path));
    wanted.next().and_then(|row| row["samples"].as_u64()).unwrap_or_default()
}

#[tokio::test]
async fn two_routers_show_one_number_of_sessions_and_vitals_and_each_its_own_while_redis_is_away() {
    let Some(mut server) = RedisServer::start() else { return };
    let site = server.site();
    server.crash();
    // Redis is away at the start: the router's own numbers are there.
    let one = Router::start(live_at_noon(Config::default(), &site.url)).await;
    let words = [vital("p1", ("LCP", 5_000.0), "/x"), vital("p2", ("LCP", 1_000.0), "/y"), page("b", "/x")];
    one.post("/v1/batch", &batch(&words)).await.expect_success();
    let alone = |totals: &Value| totals["degraded"] == true && samples(totals, "LCP", None) == 2;
    assert_eq!(totals(&one, &site, "it is alone", alone).await["sessions"], 1);
    server.start_again();
    until_delivered(&one, 3).await;
    let two = Router::start(live_at_noon(Config::default(), &site.url)).await;
    // The last word of a view may come by another router, and so may the next page of a visitor.
    let words = [
        vital("p1", ("LCP", 2_500.0), "/x"),
        vital("p3", ("CLS", 0.3), "/y"),
        page("b", "/y"),
        page("c", "/y"),
    ];
    two.post("/v1/batch", &batch(&words)).await.expect_success();
    let together = |totals: &Value| {
        totals["degraded"] == false && totals["sessions"] == 2 && samples(totals, "CLS", None) == 1
    };
    let shown = [
        totals(&one, &site, "one knows all", together).await["vitals"].clone(),
        totals(&two, &site, "two knows all", together).await["vitals"].clone(),
    ];
    assert_eq!(shown[0], shown[1]);
    let told = json!({ "vitals": shown[0] });
    assert_eq!([None, Some("/x"), Some("/y")].map(|path| samples(&told, "LCP", path)), [2, 1, 1]);
    let lcp = &shown[0][0];
    assert_eq!((&lcp["metric"], &lcp["p75"], &lcp["good"]), (&json!("LCP"), &json!(2_500.0), &json!(1.0)));
    server.crash();
    totals(&two, &site, "two is alone", |totals| {
        totals["degraded"] == true && samples(totals, "LCP", None) == 1
    })
    .await;
    two.post("/v1/batch", &batch(&[vital("p4", ("LCP", 1.0), "/y")])).await.expect_success();
    server.start_again();
    totals(&one, &site, "one hears of what came meanwhile", |totals| samples(totals, "LCP", None) == 3).await;
}

/// Compares what the server keeps of a visitor with the session that the definition makes.
fn expect_session(visitor: &str, found: &BTreeMap<String, String>, session: &Value) {
    const NAMES: [&str; 9] = [
        "start",
        "last",
        "pageviews",
        "events",
        "interactions",
        "engaged_ms",
        "conversions",
        "entry",
        "exit",
    ];
    for name in NAMES {
        let wanted = match &session[name] {
            Value::String(text) => text.clone(),
            Value::Null => String::new(),
            number => number.to_string(),
        };
        let found = found.get(name).cloned().unwrap_or_default();
        let is_it = found == wanted || (found.is_empty() && wanted == "0");
        assert!(is_it, "{visitor} {name}: {found} for {session}");
    }
    let campaign: Value =
        found.get("campaign").map_or(Value::Null, |text| serde_json::from_str(text).unwrap());
    assert_eq!(campaign, session["campaign"], "{visitor}");
}

/// Returns calls of six visitors, some of them told late, and what each is for the definition of sessions.
fn varied(begin: i64) -> (Vec<Value>, Vec<Value>) {
    // A small generator of its own: what happens must be the same at every run.
    let mut dice = 7_u64;
    let mut roll = move |sides: u64| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (dice >> 33) % sides
    };
    let (mut calls, mut hits) = (Vec::new(), Vec::new());
    for n in 0..240_i64 {
        let visitor = format!("v{}", roll(6));
        // Half an hour and more lies in the middle, and some events are told late.
        let pause = if n < 120 { 0 } else { 2_400_000 };
        let ts = begin + n * 9_000 + pause - i64::try_from(roll(5)).unwrap() * 480_000;
        let names = ["", "", "Signed Up", "Page Engaged", "Web Vital", "Order Completed"];
        let name = names[usize::try_from(roll(6)).unwrap()];
        let campaign = ["", "", "", "spring", "summer"][usize::try_from(roll(5)).unwrap()];
        let path = format!("/{}", roll(4));
        let is_page = name.is_empty();
        let id = fresh_id("m");
        let time = jiff::Timestamp::from_millisecond(ts).unwrap().to_string();
        let mut call = json!({
            "type": if is_page { "page" } else { "track" }, "anonymousId": visitor, "messageId": id, "timestamp": time,
            "properties": {}, "context": { "page": { "path": path }, "campaign": { "name": campaign, "source": "" } },
        });
        if !is_page {
            call["event"] = name.into();
            call["properties"] = json!({ "engaged_ms": 4_000 });
        }
        hits.push(json!({
            "id": id, "ts": ts, "visitor": visitor, "type": call["type"], "event": call["event"],
            "path": is_page.then_some(path), "campaign": is_page.then(|| json!({ "name": campaign })),
            "engaged_ms": (!is_page).then_some(4_000),
        }));
        calls.push(call);
    }
    (calls, hits)
}

#[tokio::test]
async fn sessions_at_the_server_are_those_of_the_definition() {
    let Some(site) = Site::new() else { return };
    let router = Router::start(of_site(Config::default(), &site)).await;
    let (seconds, _): (i64, i64) = site.ask(&["TIME"]);
    let begin = (seconds - 5_000) * 1_000;
    let (calls, hits) = varied(begin);
    let mut sent = 0;
    for calls in calls.chunks(60) {
        router.post("/v1/batch", &batch(calls)).await.expect_success();
        // In their order: two batches at once may change places.
        sent += i64::try_from(calls.len()).unwrap();
        site.until_events(sent).await;
    }
    let events: Vec<Hit<'_>> = hits.into_iter().map(|hit| serde_json::from_value(hit).unwrap()).collect();
    let wanted = serde_json::to_value(eval(&Input { options: Options::default(), events }).sessions).unwrap();
    let mut last: BTreeMap<String, Value> = BTreeMap::new();
    for session in wanted.as_array().unwrap() {
        last.insert(session["visitor"].as_str().unwrap().to_owned(), session.clone());
    }
    for (visitor, session) in last {
        let found = site.ask(&["HGETALL", &site.key(&format!("sess:{visitor}"))]);
        expect_session(&visitor, &found, &session);
    }
    assert_eq!(site.ask::<i64>(&["ZCARD", &site.key("sessions")]), 6);
}

#[tokio::test]
async fn neither_a_lost_answer_nor_a_kill_counts_a_value_or_a_session_twice() {
    let Some(server) = RedisServer::start() else { return };
    let site = server.site();
    let way = LossyWay::open(&site);
    let mut router = Router::start(live_at_noon(Config::default(), &way.url())).await;
    // The server knows the script from now on, so that what is lost are answers to it.
    router.post("/v1/batch", &batch(&[page("first", "/")])).await.expect_success();
    site.until_events(1).await;
    way.lose(2);
    let mut words: Vec<_> = (0..40)
        .map(|n| vital(&format!("p{}", n % 20), ("INP", f64::from(n)), &format!("/{}", n % 3)))
        .collect();
    words.push(page("a", "/"));
    router.post("/v1/batch", &batch(&words)).await.expect_success();
    until("an answer is lost", 20, async || way.lost() > 0).await;
    router.kill9();
    router.start_again().await;
    until_delivered_all(&router).await;
    let totals = totals(&router, &site, "all is there", |totals| {
        samples(totals, "INP", None) > 0 && totals["degraded"] == false
    })
    .await;
    assert_eq!((samples(&totals, "INP", None), &totals["sessions"]), (20, &json!(2)), "{totals}");
    let found: BTreeMap<String, String> = site.ask(&["HGETALL", &site.key("sess:a")]);
    assert_eq!(
        (&*found["pageviews"], &*found["events"]),
        ("1", "1"),
        "a value is part of no session before it began"
    );
    assert_eq!((site.events(), way.lost()), (42, 2));
}

/// Waits until nothing waits for the destination.
async fn until_delivered_all(router: &Router) {
    until("all is settled", 60, async || router.destination("live").await["backlog"]["events"] == 0).await;
}

/// One view of a page that everybody has or of one that was made up, with its vital.
fn view_with_vital(n: i32) -> [Value; 2] {
    let path = if n % 4 == 0 { "/real".to_owned() } else { format!("/made-up-{n}") };
    [page(&format!("v{n}"), &path), vital(&format!("p{n}"), ("LCP", f64::from(n) + 0.5), &path)]
}

#[tokio::test]
async fn many_visitors_and_made_up_pages_leave_bounded_keys_that_all_end() {
    let Some(server) = RedisServer::start() else { return };
    let site = server.site();
    let router = Router::start(live_at_noon(Config::default(), &site.url)).await;
    for part in 0..8 {
        let calls = (part * 200..(part + 1) * 200).flat_map(view_with_vital);
        router.post("/v1/batch", &batch(&calls.collect::<Vec<_>>())).await.expect_success();
    }
    until_delivered_all(&router).await;
    site.until_events(3_200).await;
    let (pages, sketches) = (site.names("sketch:p:"), site.names("sketch:v:"));
    for name in &pages {
        assert!(site.ask::<i64>(&["ZCARD", &site.key(name)]) <= 500);
    }
    let weights: i64 =
        pages.iter().filter_map(|name| site.ask::<Option<i64>>(&["ZSCORE", &site.key(name), "/real"])).sum();
    assert!(weights >= 400, "{weights}");
    let all: Vec<String> = site.ask(&["KEYS", "*"]);
    for key in &all {
        assert!(site.ask::<i64>(&["TTL", key]) > 0, "{key} is kept for ever");
    }
    for name in &sketches {
        let fields: BTreeMap<String, String> = site.ask(&["HGETALL", &site.key(name)]);
        assert!(fields.len() <= 3 * 501 + 2, "{} fields", fields.len());
    }
    let words: i64 =
        site.names("words:").iter().map(|name| site.ask::<i64>(&["HLEN", &site.key(name)])).sum();
    assert_eq!(words, 1_600);
    let told: String = site.ask(&["INFO", "commandstats"]);
    let calls = told
        .lines()
        .find_map(|line| line.strip_prefix("cmdstat_hdel:calls=")?.split(',').next()?.parse().ok());
    let calls: u32 = calls.unwrap_or_default();
    assert!(calls < 5_000, "{calls}: a page that is given up costs as many as it has sketches");
    let totals = totals(&router, &site, "all is shown", |totals| samples(totals, "LCP", None) == 1_600).await;
    assert!(samples(&totals, "LCP", Some("/real")) >= 300, "{totals}");
    assert_eq!(totals["sessions"], 1_600);
}

/// A visitor of whom nothing may be kept looks at a page.
async fn come_without_a_cookie(router: &Router) {
    let mut call = page("none", "/");
    call["writeKey"] = "key".into();
    call["context"]["consent"] = json!({ "categoryPreferences": { "storage": false } });
    let request = router.request("POST", "/collect/page").header("origin", "https://shop.example");
    // Without the name of a browser, whose rules would have to be compiled first.
    let request = request.header("content-type", "text/plain");
    assert_eq!(request.body(call.to_string()).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_visitor_without_a_cookie_is_the_same_at_every_router_and_the_salt_ends() {
    let Some(site) = Site::new() else { return };
    let routers = [
        Router::start(of_site(Config::default(), &site)).await,
        Router::start(of_site(Config::default(), &site)).await,
    ];
    // The salt is that of a day of UTC: where that ends between the two, they come again.
    let today = || site.ask::<(i64, i64)>(&["TIME"]).0.div_euclid(86_400);
    let mut sent = 0;
    let visitors = loop {
        let begun = today();
        for router in &routers {
            come_without_a_cookie(router).await;
        }
        sent += 2;
        site.until_events(sent).await;
        if today() == begun {
            let newest = site.entries().into_iter().rev().take(2);
            break newest.map(|entry| entry["visitor"].clone()).collect::<Vec<_>>();
        }
    };
    assert_eq!((visitors[0].len(), &visitors[0]), (32, &visitors[1]));
    let salts: Vec<String> = site.ask(&["KEYS", "ot:{opentrack-salts}:*"]);
    assert!(!salts.is_empty());
    for salt in salts {
        assert!((1..=2 * 86_400).contains(&site.ask::<i64>(&["TTL", &salt])), "{salt}");
    }
}
