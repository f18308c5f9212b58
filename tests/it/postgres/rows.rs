//! Which rows events become: the same as in the embedded warehouse, in PostgreSQL's own types.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::scene::{pg, scene, until_delivered};
use crate::support::{Config, Postgres, Router, Row, batch, ids_of, track};

/// Every kind of call, some of one user several times, with values of every type.
fn calls() -> Vec<Value> {
    let context = json!({ "ip": "192.0.2.0", "locale": "de", "page": { "path": "/a" } });
    let order = json!({
        "total": 12.5, "count": 3, "big": 9_007_199_254_740_993_i64, "gift": true, "coupon": null, "at": "2026-03-01T12:00:00+01:00",
        "day": "2026-03-01", "products": [{ "sku": "a" }, 2], "ship": { "to": { "city": "Köln" } }, "userId": "not the sender",
    });
    let mut calls = vec![
        json!({ "type": "track", "event": "Order Completed", "userId": "u1", "properties": order, "context": context }),
        json!({ "type": "track", "event": "Order Completed", "anonymousId": "a1", "properties": { "total": 7, "count": "many" } }),
        json!({ "type": "track", "event": "日本語", "userId": "u1", "properties": { "価格": 1 } }),
        json!({ "type": "identify", "userId": "u1", "traits": { "name": "Ann", "plan": "free", "age": 30 } }),
        json!({ "type": "identify", "userId": "u1", "traits": { "plan": "pro" } }),
        json!({ "type": "identify", "userId": "u1", "traits": { "name": "Anna", "plan": "team", "address": { "city": "Bonn" } } }),
        json!({ "type": "identify", "userId": "u2", "traits": { "name": "Bob" } }),
        json!({ "type": "identify", "anonymousId": "a2", "traits": { "name": "nobody" } }),
        json!({ "type": "page", "userId": "u1", "name": "Home", "category": "Docs", "properties": { "url": "https://x.example/" } }),
        json!({ "type": "screen", "userId": "u1", "name": "Main", "properties": { "dark": false } }),
        json!({ "type": "group", "userId": "u1", "groupId": "g1", "traits": { "name": "Acme", "seats": 5 } }),
        json!({ "type": "group", "userId": "u2", "groupId": "g1", "traits": { "seats": 6 } }),
        json!({ "type": "alias", "userId": "u1", "previousId": "a1" }),
    ];
    for (n, call) in calls.iter_mut().enumerate() {
        call["messageId"] = json!(format!("call-{n:02}"));
    }
    calls
}

/// The tables that the calls become.
const TABLES: [&str; 10] = [
    "tracks",
    "order_completed",
    "event_77710aed",
    "identifies",
    "users",
    "pages",
    "screens",
    "groups",
    "accounts",
    "aliases",
];

/// Reads a value as it means, whatever the store made of it: instants by their time, JSON by its content.
fn meaning(column: &str, value: &Value) -> Value {
    let Some(text) = value.as_str() else { return value.clone() };
    match text.parse::<Timestamp>() {
        Ok(at) => json!({ "at": at.to_string() }),
        Err(_) if column == "_unmapped" => serde_json::from_str(text).unwrap(),
        Err(_) => value.clone(),
    }
}

/// Compares rows without regard to how a store spells a truth or a whole float.
fn same(columns: &Row) -> BTreeMap<String, Value> {
    let truth = |value: Value| match value {
        Value::Bool(on) => json!(f64::from(on)),
        Value::Number(number)
            if number.as_f64().is_some_and(|number| number.fract() == 0.0 && number < 1e9) =>
        {
            json!(number.as_f64())
        }
        other => other,
    };
    columns.iter().map(|(name, value)| (name.clone(), truth(meaning(name, value)))).collect()
}

#[tokio::test]
async fn every_kind_of_call_ends_in_the_rows_that_the_embedded_warehouse_gets() {
    let Some(database) = Postgres::new().await else { return };
    let router = Router::start(pg(Config::new(), &database.url(), "")).await;
    let calls = calls();
    router.post("/v1/batch", &batch(&calls)).await.expect_success();
    until_delivered(&router, calls.len() as u64).await;
    router.until_rows("aliases", &["call-12".to_owned()]).await;
    for table in TABLES {
        let (found, wanted) = (database.rows(table).await, router.db().rows(table));
        assert!(!wanted.is_empty(), "`{table}` has no rows");
        let (found, wanted): (Vec<_>, Vec<_>) =
            (found.iter().map(same).collect(), wanted.iter().map(same).collect());
        assert_eq!(found, wanted, "{table}");
    }
    let users = database.rows("users").await;
    assert_eq!(
        (&users[0]["name"], &users[0]["plan"], &users[0]["age"]),
        (&json!("Anna"), &json!("team"), &json!(30))
    );
    assert_eq!(database.rows("accounts").await[0]["seats"], 6);
}

#[tokio::test]
async fn columns_have_the_types_that_people_expect() {
    let Some((database, router)) = scene("").await else { return };
    let calls = calls();
    router.post("/v1/batch", &batch(&calls)).await.expect_success();
    until_delivered(&router, calls.len() as u64).await;
    let sql = "SELECT column_name AS name, data_type AS kind FROM information_schema.columns WHERE table_name = 'order_completed'";
    let rows = database.query(sql).await;
    let types: BTreeMap<&str, &str> =
        rows.iter().map(|row| (row["name"].as_str().unwrap(), row["kind"].as_str().unwrap())).collect();
    for (column, kind) in [
        ("id", "text"),
        ("received_at", "timestamp with time zone"),
        ("total", "double precision"),
        ("count", "text"),
        ("big", "bigint"),
        ("gift", "boolean"),
        ("at", "timestamp with time zone"),
        ("day", "text"),
        ("products", "text"),
        ("ship_to_city", "text"),
        ("_unmapped", "jsonb"),
    ] {
        assert_eq!(types.get(column), Some(&kind), "{column}");
    }
    let kept =
        database.one("SELECT _unmapped->>'userId' AS kept FROM order_completed WHERE id = 'call-00'").await;
    assert_eq!(kept, "not the sender");
}

#[tokio::test]
async fn what_postgresql_cannot_hold_is_left_out_and_told() {
    let Some((database, router)) = scene("").await else { return };
    let body = r#"{"batch":[
        {"type":"track","event":"Odd","userId":"u","messageId":"odd-1","properties":
            {"nul":"a\u0000b","xmin":1,"ctid":"x","tableoid":2,"user_id":"\u0000\ud83d!","select":"sql","half":"\ud800","list":["\u0000"]}},
        {"type":"track","event":"pg_class","userId":"u","messageId":"odd-2","properties":{"n":1}},
        {"type":"track","event":"Odd","userId":"u","messageId":"odd-3","properties":{"xmin":5,"nul":"c","user_id":-1e-99999}}
    ]}"#;
    let answer = router.post_text("/v1/batch", body.to_owned()).await;
    assert_eq!(answer.json()["accepted"], 3, "{}", answer.text);
    until_delivered(&router, 3).await;
    let rows = database.rows("odd").await;
    assert_eq!(
        (&rows[0]["nul"], &rows[0]["select"], &rows[0]["xxmin"]),
        (&json!("ab"), &json!("sql"), &json!(1))
    );
    assert_eq!((&rows[0]["xctid"], &rows[0]["xtableoid"]), (&json!("x"), &json!(2)));
    assert_eq!(rows[0]["list"], "[\"\\u0000\"]", "the text of a list is only text");
    assert_eq!(rows[0]["_unmapped"], json!({ "user_id": "\u{fffd}!" }));
    assert_eq!(rows[1]["_unmapped"], json!({ "user_id": "-1e-99999" }));
    assert_eq!(database.ids("event_pg_class").await, ["odd-2"]);
    let metrics = router.get("/metrics").await.text;
    assert!(metrics.contains("opentrack_warehouse_cut_values_total{destination=\"pg\"} 3"), "{metrics}");
    assert!(metrics.contains("opentrack_pool_connections{destination=\"pg\",state=\"idle\"}"), "{metrics}");
}

#[tokio::test]
async fn an_event_that_comes_again_is_stored_once() {
    let Some((database, first)) = scene("").await else { return };
    let other = Router::start(pg(Config::default(), &database.url(), "")).await;
    let events: Vec<Value> = (0..20).map(|n| track("u", n)).collect();
    let twice: Vec<Value> = events.iter().chain(&events).cloned().collect();
    for router in [&first, &other] {
        router.post("/v1/batch", &batch(&twice)).await.expect_success();
        until_delivered(router, 20).await;
    }
    let mut ids = ids_of(&events);
    ids.sort();
    assert_eq!(database.ids("thing_done").await, ids);
    assert_eq!(database.ids("tracks").await, ids);
}

#[tokio::test]
async fn an_older_identify_that_comes_late_fills_gaps_and_replaces_nothing() {
    let Some((database, router)) = scene("").await else { return };
    let identify = |id: &str, traits: Value| json!({ "type": "identify", "userId": "u", "messageId": id, "traits": traits });
    router
        .post("/v1/batch", &batch(&[identify("old", json!({ "plan": "free", "city": "Bonn" }))]))
        .await
        .expect_success();
    until_delivered(&router, 1).await;
    // As if another router had been faster with a newer one.
    database
        .run("UPDATE users SET plan = 'pro', city = NULL, received_at = received_at + interval '1 day'")
        .await;
    router
        .post("/v1/batch", &batch(&[identify("late", json!({ "plan": "team", "city": "Köln" }))]))
        .await
        .expect_success();
    until_delivered(&router, 2).await;
    let users = database.rows("users").await;
    assert_eq!((&users[0]["plan"], &users[0]["city"]), (&json!("pro"), &json!("Köln")));
}
