//! The wide table and its rollups: what a row holds, that rollups are right, and that nothing counts twice.

use serde_json::{Value, json};

use super::scene::{Scene, named};
use crate::support::{fresh_id, opentrack, until};

/// What a dashboard would ask, as numbers that a repetition must not change.
const SUMS: [(&str, &str); 9] = [
    ("views", "SELECT uniqExactIfMerge(views) FROM opentrack.rollup_pages"),
    ("visitors", "SELECT uniqCombined64IfMerge(12)(visitors) FROM opentrack.rollup_pages"),
    (
        "attention",
        "SELECT arraySum(x -> x % 100000000, groupUniqArrayArray(attention)) FROM opentrack.rollup_pages",
    ),
    ("sessions", "SELECT uniqExact(session_id) FROM opentrack.rollup_sessions"),
    ("actions", "SELECT uniqExactMerge(actions) FROM opentrack.rollup_sessions"),
    (
        "session attention",
        "SELECT arraySum(x -> x % 100000000, groupUniqArrayArray(attention)) FROM opentrack.rollup_sessions",
    ),
    ("samples", "SELECT uniqExactMerge(samples) FROM opentrack.rollup_vitals"),
    ("channel views", "SELECT uniqExactMerge(views) FROM opentrack.rollup_channels"),
    (
        "money",
        "SELECT sum(m.2) FROM (SELECT argMinMerge(money) AS m FROM opentrack.rollup_commerce WHERE kind = 'order' \
         GROUP BY site, environment, order_id, reference)",
    ),
];

/// A visit: two views, attention, a vital, an order.
pub(super) fn visit(visitor: &str) -> Vec<Value> {
    let context = json!({
        "page": { "url": "https://shop.example/a?x=1", "path": "/a", "title": "A", "referrer": "https://google.com/" },
        "campaign": { "source": "news", "medium": "email", "name": "may" },
        "attribution": { "channel": "Email", "source": "news", "medium": "email", "campaign": "may" },
        "geo": { "country": "DE", "city": "Ulm" }, "device": { "type": "mobile" },
        "browser": { "name": "Chrome" }, "os": { "name": "Android" },
        "sessionId": format!("s-{visitor}"), "pageViewId": "p1", "environment": "production",
    });
    let event = |kind: &str, name: &str, properties: Value| {
        let key = if kind == "track" { "event" } else { "name" };
        json!({
            "type": kind, (key): name, "anonymousId": visitor, "messageId": fresh_id("m"),
            "context": context, "properties": properties, "timestamp": "2026-05-01T12:00:00.123Z",
        })
    };
    vec![
        event("page", "Home", json!({ "path": "/", "url": "https://shop.example/" })),
        event("page", "A", json!({})),
        event("track", "Page Engaged", json!({ "engaged_ms": 1500 })),
        event("track", "Web Vital", json!({ "name": "LCP", "value": 2400.5, "rating": "good" })),
        event(
            "track",
            "Order Completed",
            json!({ "order_id": format!("o-{visitor}"), "total": 19.990000000000002, "currency": "eur", "products": [] }),
        ),
    ]
}

async fn sums(scene: &Scene) -> Vec<(&'static str, f64)> {
    let mut sums = Vec::new();
    for (name, sql) in SUMS {
        sums.push((name, scene.number(sql).await));
    }
    sums
}

#[tokio::test]
async fn an_event_is_one_row_with_what_dashboards_ask_for() {
    let scene = Scene::start("").await;
    let events = visit("v1");
    let mut ids = scene.send(&events).await;
    let identify =
        json!({ "type": "identify", "userId": "u", "messageId": fresh_id("m"), "traits": { "plan": "pro" } });
    ids.extend(scene.send(&[identify]).await);
    let rows = scene.until_in("events", &ids).await;
    let page = &rows[&ids[1]];
    let wanted = json!({
        "site": "default", "environment": "production", "type": "page", "event": "A", "anonymous_id": "v1",
        "session_id": "s-v1", "page_view_id": "p1", "timestamp": "2026-05-01 12:00:00.123", "page_host": "shop.example",
        "page_path": "/a", "page_url": "https://shop.example/a?x=1", "page_title": "A", "referrer": "https://google.com/",
        "channel": "Email", "source": "news", "medium": "email", "campaign": "may", "utm_source": "news", "utm_campaign": "may",
        "country": "DE", "city": "Ulm", "device": "mobile", "browser": "Chrome", "os": "Android", "bot": false, "user_id": "",
    });
    for (column, value) in wanted.as_object().unwrap() {
        if column != "site" {
            assert_eq!(&page[column], value, "{column}: {page}");
        }
    }
    assert_eq!(rows[&ids[0]]["page_path"], "/");
    assert_eq!(rows[&ids[2]]["engaged_ms"], 1500);
    assert_eq!((&rows[&ids[3]]["metric"], &rows[&ids[3]]["metric_value"]), (&json!("LCP"), &json!(2400.5)));
    let order = &rows[&ids[4]];
    assert_eq!((&order["revenue"], &order["currency"]), (&json!(19.99), &json!("EUR")));
    assert_eq!(order["order_id"], "o-v1");
    let properties: Value = serde_json::from_str(order["properties"].as_str().unwrap()).unwrap();
    assert_eq!(properties["currency"], "eur");
    assert_eq!(rows[&ids[5]]["traits"], "{\"plan\":\"pro\"}");
    let table = scene
        .clickhouse
        .query("SELECT engine, sorting_key, partition_key FROM system.tables WHERE database = 'opentrack' AND name = 'events'")
        .await;
    assert_eq!(
        table[0],
        json!({
            "engine": "ReplacingMergeTree", "partition_key": "toYYYYMM(timestamp)",
            "sorting_key": "site, toStartOfHour(timestamp), type, cityHash64(anonymous_id), message_id",
        })
    );
}

#[tokio::test]
async fn rollups_say_what_the_events_say() {
    let scene = Scene::start("").await;
    let events: Vec<Value> = (0..20).flat_map(|n| visit(&format!("v{n}"))).collect();
    let ids = scene.send(&events).await;
    scene.until_in("events", &ids).await;
    let wanted = [
        ("views", 40.0),
        ("visitors", 20.0),
        ("attention", 30_000.0),
        ("sessions", 20.0),
        ("actions", 100.0),
        ("session attention", 30_000.0),
        ("samples", 20.0),
        ("channel views", 40.0),
        ("money", 399.8),
    ];
    assert_eq!(sums(&scene).await, wanted);
    expect_details(&scene).await;
}

/// What the rollups hold beyond sums.
async fn expect_details(scene: &Scene) {
    let session = scene
        .clickhouse
        .query(
            "SELECT argMinIfMerge(entry) AS entry, argMinIfMerge(first_channel) AS channel, uniqExactIfMerge(views) AS views, \
             uniqExactIfMerge(interactions) AS interactions, uniqExactIfMerge(conversions) AS conversions, any(visitor) AS visitor \
             FROM opentrack.rollup_sessions WHERE session_id = 's-v3' GROUP BY session_id",
        )
        .await;
    let wanted =
        json!({ "channel": "Email", "views": 2, "interactions": 1, "conversions": 1, "visitor": "v3" });
    for (key, value) in wanted.as_object().unwrap() {
        assert_eq!(&session[0][key], value, "{key}: {session:?}");
    }
    let vitals = scene
        .clickhouse
        .query(
            "SELECT quantilesTDigestMerge(0.5, 0.75, 0.95)(quantiles)[2] AS p75, uniqExactIfMerge(good) AS good, \
             uniqExactIfMerge(poor) AS poor FROM opentrack.rollup_vitals WHERE metric = 'LCP'",
        )
        .await;
    assert_eq!(vitals[0], json!({ "p75": 2400.5, "good": 20, "poor": 0 }));
    let channels = scene
        .clickhouse
        .query("SELECT channel, source, campaign, uniqCombined64Merge(12)(visitors) AS visitors FROM opentrack.rollup_channels GROUP BY channel, source, campaign")
        .await;
    assert_eq!(
        channels,
        [json!({ "channel": "Email", "source": "news", "campaign": "may", "visitors": 20 })]
    );
}

#[tokio::test]
async fn a_retried_insert_changes_neither_a_row_count_nor_a_rollup_sum() {
    let scene = Scene::start("").await;
    let ids = scene.send(&visit("first")).await;
    scene.until_in("events", &ids).await;
    scene.until_idle().await;
    // Twice the work is done and the answer is lost; the third time it is heard.
    scene.clickhouse.behave(json!({ "mode": "half", "holds": "INSERT INTO", "times": 2 })).await;
    let events: Vec<Value> = (0..20).flat_map(|n| visit(&format!("v{n}"))).collect();
    let ids = scene.send(&events).await;
    scene.until_in("events", &ids).await;
    scene.until_idle().await;
    let inserts = scene.clickhouse.inserts().await;
    let last: Vec<&Value> = inserts.iter().rev().take(3).collect();
    assert!(last.windows(2).all(|two| two[0] == two[1]), "the block was not the same each time: {last:?}");
    // Without FINAL.
    assert_eq!(scene.number("SELECT count() FROM opentrack.events").await, 105.0);
    let found = sums(&scene).await;
    let wanted = [
        ("views", 42.0),
        ("visitors", 21.0),
        ("attention", 31_500.0),
        ("sessions", 21.0),
        ("actions", 105.0),
        ("session attention", 31_500.0),
        ("samples", 21.0),
        ("channel views", 42.0),
        ("money", 419.79),
    ];
    assert_eq!(found, wanted);
}

#[tokio::test]
async fn events_that_come_again_in_another_block_count_once() {
    let scene = Scene::start("").await;
    let ids = scene.send(&visit("v1")).await;
    scene.until_in("events", &ids).await;
    scene.until_idle().await;
    let before = sums(&scene).await;
    let again = "INSERT INTO opentrack.events SELECT * FROM opentrack.events WHERE type IN ('page', 'track')";
    scene.clickhouse.execute(again).await;
    assert_eq!(scene.number("SELECT count() FROM opentrack.events FINAL").await, 5.0);
    assert_eq!(sums(&scene).await, before);
    // Nor once the parts of the rollups are one.
    for rollup in ["rollup_pages", "rollup_sessions"] {
        scene.clickhouse.execute(&format!("OPTIMIZE TABLE opentrack.{rollup} FINAL")).await;
    }
    assert_eq!(sums(&scene).await, before);
}

#[tokio::test]
async fn a_repeated_order_counts_once_and_refunds_each_and_robots_never() {
    let scene = Scene::start("").await;
    let order = |name: &str, id: &str, amount: f64| {
        named(name, &json!({ "order_id": id, "revenue": amount, "currency": "USD" }))
    };
    let mut robot = order("Order Completed", "o9", 1_000.0);
    robot["context"] = json!({ "bot": true });
    let events = [
        order("Order Completed", "o1", 10.1),
        order("Order Completed", "o1", 10.1),
        order("Order Completed", "o2", 20.2),
        order("Order Refunded", "o1", 3.0),
        order("Order Refunded", "o1", 2.0),
        named("Order Completed", &json!({ "revenue": 5 })),
        robot,
    ];
    let ids = scene.send(&events).await;
    scene.until_in("events", &ids).await;
    let money = scene
        .clickhouse
        .query(
            "SELECT kind, m.1 AS currency, count() AS n, toString(sum(m.2)) AS amount FROM (SELECT kind, argMinMerge(money) AS m \
             FROM opentrack.rollup_commerce GROUP BY site, environment, kind, order_id, reference) GROUP BY kind, currency ORDER BY kind, currency",
        )
        .await;
    let row = |kind: &str, currency: &str, n: u32, amount: &str| json!({ "kind": kind, "currency": currency, "n": n, "amount": amount });
    assert_eq!(
        money,
        [row("order", "", 1, "5"), row("order", "USD", 2, "30.3"), row("refund", "USD", 2, "5")]
    );
}

/// Waits until a dashboard would see what it saw.
async fn until_sums(scene: &Scene, wanted: &[(&'static str, f64)]) {
    until("rollups are what they were", 40, async || sums(scene).await == wanted).await;
}

#[tokio::test]
async fn a_rollup_that_is_dropped_is_made_again_from_the_events() {
    let mut scene = Scene::start("").await;
    let ids = scene.send(&visit("v1")).await;
    scene.until_in("events", &ids).await;
    scene.until_idle().await;
    let before = sums(&scene).await;
    scene.clickhouse.execute("DROP TABLE opentrack.rollup_pages_mv2").await;
    scene.clickhouse.execute("DROP TABLE opentrack.rollup_pages").await;
    scene.router.kill9();
    scene.router.start_again().await;
    let ids = scene.send(&[named("Ping", &json!({}))]).await;
    scene.until_in("events", &ids).await;
    until_sums(&scene, &before).await;
    // Without its table the view refuses rows, which is found out while the router runs.
    scene.clickhouse.execute("DROP TABLE opentrack.rollup_commerce SYNC").await;
    let order = named("Order Completed", &json!({ "order_id": "o2", "total": 1 }));
    let ids = scene.send(&[order]).await;
    scene.until_in("events", &ids).await;
    let mut after = before;
    after[8].1 += 1.0;
    until_sums(&scene, &after).await;
}

#[tokio::test]
async fn a_rollup_that_a_kill_kept_from_being_filled_is_filled_later_and_once() {
    let mut scene = Scene::start("").await;
    let ids = scene.send(&visit("v1")).await;
    scene.until_in("events", &ids).await;
    scene.until_idle().await;
    let before = sums(&scene).await;
    scene.clickhouse.execute("DROP TABLE opentrack.rollup_pages_mv2 SYNC").await;
    scene.clickhouse.execute("DROP TABLE opentrack.rollup_pages SYNC").await;
    scene.clickhouse.behave(json!({ "mode": 497, "holds": "INSERT INTO `opentrack`.`rollup_pages`" })).await;
    scene.router.kill9();
    scene.router.start_again().await;
    let ids = scene.send(&[named("Ping", &json!({}))]).await;
    scene.until_in("events", &ids).await;
    // Killed between the view and the filling; then the answer of the filling is lost.
    scene.router.kill9();
    let half = json!({ "mode": "half", "holds": "INSERT INTO `opentrack`.`rollup_pages`", "times": 1 });
    scene.clickhouse.behave(half).await;
    scene.router.start_again().await;
    until_sums(&scene, &before).await;
    let marked = "SELECT count() FROM system.tables WHERE database = 'opentrack' AND comment != ''";
    until("the mark is gone", 40, async || scene.number(marked).await == 0.0).await;
    assert_eq!(sums(&scene).await, before);
}

#[tokio::test]
async fn an_operator_makes_a_rollup_anew_by_one_command() {
    let scene = Scene::start("").await;
    let ids = scene.send(&visit("v1")).await;
    scene.until_in("events", &ids).await;
    scene.until_idle().await;
    let before = sums(&scene).await;
    for table in ["rollup_vitals_mv", "rollup_vitals", "rollup_channels_mv", "rollup_channels"] {
        scene.clickhouse.execute(&format!("DROP TABLE opentrack.{table} SYNC")).await;
    }
    let mut command = opentrack();
    let output =
        command.args(["schema", "views", "--apply"]).current_dir(scene.router.dir()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(sums(&scene).await, before);
}

/// A rollup as it was made when it added attention up, with its view and what that had counted.
const OF_BEFORE: [&str; 3] = [
    "CREATE TABLE opentrack.rollup_pages (site LowCardinality(String), environment LowCardinality(String), day Date, \
     page_path String, views AggregateFunction(uniqExactIf, UInt64, UInt8), \
     visitors AggregateFunction(uniqCombined64If(12), String, UInt8), engaged SimpleAggregateFunction(sum, UInt64)) \
     ENGINE = AggregatingMergeTree PARTITION BY toYYYYMM(day) ORDER BY (site, environment, day, page_path) \
     SETTINGS non_replicated_deduplication_window = 1000",
    "CREATE MATERIALIZED VIEW opentrack.rollup_pages_mv TO opentrack.rollup_pages AS \
     SELECT site, environment, toDate(timestamp) AS day, page_path, \
     uniqExactIfState(cityHash64(message_id), type IN ('page', 'screen')) AS views, \
     uniqCombined64IfState(12)(if(anonymous_id = '', user_id, anonymous_id), type IN ('page', 'screen')) AS visitors, \
     sum(toUInt64(engaged_ms)) AS engaged FROM opentrack.events \
     WHERE NOT bot AND page_path != '' AND (type IN ('page', 'screen') OR engaged_ms > 0) \
     GROUP BY site, environment, day, page_path",
    "INSERT INTO opentrack.events SELECT * FROM opentrack.events",
];

#[tokio::test]
async fn a_rollup_of_a_version_before_gets_the_attention_of_its_history_and_another_view() {
    let mut scene = Scene::start("").await;
    let ids = scene.send(&visit("v1")).await;
    scene.until_in("events", &ids).await;
    scene.until_idle().await;
    let mut wanted = sums(&scene).await;
    scene.router.kill9();
    scene.clickhouse.execute("DROP TABLE opentrack.rollup_pages_mv2 SYNC").await;
    scene.clickhouse.execute("DROP TABLE opentrack.rollup_pages SYNC").await;
    for statement in OF_BEFORE {
        scene.clickhouse.execute(statement).await;
    }
    scene.router.start_again().await;
    let ids = scene.send(&visit("v2")).await;
    scene.until_in("events", &ids).await;
    for sum in &mut wanted {
        sum.1 *= 2.0;
    }
    until_sums(&scene, &wanted).await;
    let before =
        "SELECT count() FROM system.tables WHERE database = 'opentrack' AND name = 'rollup_pages_mv'";
    assert_eq!(scene.number(before).await, 0.0, "two views that fill one table are in each other's way");
    let engaged = "SELECT count() FROM system.columns WHERE table = 'rollup_pages' AND name = 'engaged'";
    assert_eq!(scene.number(engaged).await, 1.0, "what dashboards of before ask for is there, as it was");
}

#[tokio::test]
async fn of_two_routers_that_begin_together_the_later_fills_no_rollup_that_counts_already() {
    let scene = Scene::start("").await;
    // The command has read which tables there are, and is about to ask for rows.
    let rows = "SELECT 1 FROM `opentrack`.`events` LIMIT 1";
    scene.clickhouse.behave(json!({ "mode": "late", "holds": rows, "times": 1 })).await;
    let mut command = opentrack();
    command.args(["schema", "views", "--apply"]).current_dir(scene.router.dir());
    let command = tokio::task::spawn_blocking(move || command.output().unwrap());
    scene.clickhouse.until_late().await;
    let ids = scene.send(&visit("v1")).await;
    scene.until_in("events", &ids).await;
    scene.until_idle().await;
    let before = sums(&scene).await;
    // A filling would be refused.
    scene.clickhouse.behave(json!({ "mode": 497, "holds": "INSERT INTO `opentrack`.`rollup_" })).await;
    let output = command.await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let marked = "SELECT count() FROM system.tables WHERE database = 'opentrack' AND comment != ''";
    assert_eq!(scene.number(marked).await, 0.0);
    assert_eq!(sums(&scene).await, before);
}

#[tokio::test]
async fn a_rollup_that_another_has_marked_keeps_that_mark() {
    let scene = Scene::start("").await;
    let ids = scene.send(&visit("v1")).await;
    scene.until_in("events", &ids).await;
    scene.until_idle().await;
    scene.clickhouse.execute("DROP TABLE opentrack.rollup_vitals_mv SYNC").await;
    // Nobody can fill it, so that the mark stays.
    scene.clickhouse.behave(json!({ "mode": 497, "holds": "INSERT INTO `opentrack`.`rollup_" })).await;
    let mark = "ALTER TABLE opentrack.rollup_vitals MODIFY COMMENT 'opentrack: to be filled, of-another'";
    scene.clickhouse.execute(mark).await;
    let mut command = opentrack();
    command.args(["schema", "views", "--apply"]).current_dir(scene.router.dir());
    assert!(!command.output().unwrap().status.success(), "it fills a rollup all the same");
    let kept = "SELECT count() FROM system.tables WHERE database = 'opentrack' AND comment = 'opentrack: to be filled, of-another'";
    assert_eq!(scene.number(kept).await, 1.0);
    let view = "SELECT count() FROM system.tables WHERE database = 'opentrack' AND name = 'rollup_vitals_mv'";
    assert_eq!(scene.number(view).await, 1.0);
}

#[tokio::test]
async fn a_column_that_is_missing_is_added() {
    let mut scene = Scene::start("").await;
    let ids = scene.send(&[named("Ping", &json!({}))]).await;
    scene.until_in("events", &ids).await;
    scene.router.kill9();
    scene.clickhouse.execute("ALTER TABLE opentrack.events DROP COLUMN city, DROP COLUMN region").await;
    scene.router.start_again().await;
    let mut event = named("Ping", &json!({}));
    event["context"] = json!({ "geo": { "city": "Ulm" } });
    let ids = scene.send(&[event]).await;
    assert_eq!(scene.until_in("events", &ids).await[&ids[0]]["city"], "Ulm");
    until("nothing waits", 20, async || scene.router.destination("ch").await["backlog"]["events"] == 0).await;
    assert_eq!(scene.clickhouse.columns("events").await["region"], "LowCardinality(String)");
}

/// The queries of the guide, by their fences.
fn queries(guide: &str) -> Vec<&str> {
    guide.split("```sql\n").skip(1).filter_map(|rest| rest.split("```").next()).map(str::trim).collect()
}

#[tokio::test]
async fn every_query_of_the_guide_runs() {
    let scene = Scene::start("").await;
    let now = |mut event: Value| {
        event.as_object_mut().unwrap().remove("timestamp");
        event
    };
    let events: Vec<Value> = visit("v1").into_iter().map(now).collect();
    let ids = scene.send(&events).await;
    scene.until_in("events", &ids).await;
    let queries = queries(include_str!("../../../src/destinations/clickhouse/guide.md"));
    assert!(queries.len() >= 6, "{queries:?}");
    for query in queries {
        let rows = scene.clickhouse.query(query).await;
        assert!(!rows.is_empty(), "{query}");
    }
}
