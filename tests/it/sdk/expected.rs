//! What the warehouse must hold after a client has sent `calls.json`: every table, every column, every value.

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::clients::Sdk;
use crate::support::{Db, Router, Row};

/// Columns whose values are the router's or the moment's; each is checked by a rule.
const TIMES: [&str; 5] = ["received_at", "sent_at", "timestamp", "original_timestamp", "uuid_ts"];

/// Waits for all calls and compares all tables.
pub(super) async fn expect_warehouse(router: &Router, prefix: &str, sdk: Sdk) {
    for (table, row) in events() {
        router.until_rows(table, &[id_of(prefix, &row)]).await;
    }
    let db = router.db();
    for (table, row) in events() {
        expect_row(&db, table, prefix, sdk, with_additions(sdk, table, &row));
    }
    expect_merged(&db, "users", "user-1", &identify_traits());
    expect_merged(&db, "accounts", "group-1", &group_traits());
    expect_no_other_table(&db);
}

/// The message id of an expected row.
fn id_of(prefix: &str, row: &Value) -> String {
    format!("{prefix}-{}", row["id"].as_str().expect("it is text"))
}

/// The row with what this SDK adds to each event.
fn with_additions(sdk: Sdk, table: &str, row: &Value) -> Map<String, Value> {
    let mut row = row.as_object().cloned().expect("a literal object");
    if let Some((name, version)) = sdk.library {
        row.insert("context_library_name".into(), json!(name));
        row.insert("context_library_version".into(), json!(version));
    }
    if sdk.traits_in_context && table == "identifies" {
        let traits = identify_traits().as_object().cloned().expect("a literal object");
        row.extend(traits.into_iter().map(|(name, value)| (format!("context_traits_{name}"), value)));
    }
    row
}

/// The one row of each table that holds events.
fn events() -> Vec<(&'static str, Value)> {
    let identifies = json!({
        "id": "identify", "user_id": "user-1", "original_timestamp": "678", "context_locale": "de-DE",
        "context_app_name": "shop", "context_app_build": 7,
    });
    let tracks = json!({
        "id": "track", "user_id": "user-1", "anonymous_id": "anon-1", "original_timestamp": "679",
        "event": "order_completed", "event_text": "Order Completed",
    });
    let pages = json!({
        "id": "page", "user_id": "user-1", "original_timestamp": "680", "name": "Cart", "category": "Shop",
        "url": "https://shop.example/cart?a=1&b=ü", "item_count": 2,
        // What the door adds to a page with an address and no referrer.
        "context_attribution_channel": "Direct", "context_attribution_source": "(direct)",
        "context_attribution_medium": "(none)",
    });
    let screens = json!({
        "id": "screen", "anonymous_id": "anon-2", "original_timestamp": "681", "name": "Start", "category": "App",
        "dark": 1,
    });
    let groups =
        json!({ "id": "group", "user_id": "user-1", "group_id": "group-1", "original_timestamp": "682" });
    let aliases =
        json!({ "id": "alias", "user_id": "user-2", "previous_id": "user-1", "original_timestamp": "683" });
    vec![
        ("identifies", merged(&identifies, &identify_traits())),
        ("order_completed", merged(&tracks, &order_properties())),
        ("tracks", tracks),
        ("pages", pages),
        ("screens", screens),
        ("groups", merged(&groups, &group_traits())),
        ("aliases", aliases),
    ]
}

fn identify_traits() -> Value {
    json!({
        "email": "grüße+東京@example.com", "full_name": "Zoë 🚀 Ångström", "age": 42, "balance": -12.75, "vip": 1,
        "created_at": "2024-02-29T23:59:59.999Z", "address_city": "Köln", "address_geo_lat": 50.9375,
        "address_geo_inside": 0, "tags": ["a", "ü", 3, null, { "deep": [1] }],
    })
}

fn order_properties() -> Value {
    json!({
        "order_id": "o-1", "total": 19.99, "quantity": 3, "big": 9_007_199_254_740_991_i64, "tiny": 1e-7, "zero": 0,
        "gift": 0, "httpstatus": "ok", "_2fa": 1, hashed_column("名前"): "unicode key",
        "quote": "a \"quoted\" \\ text\nwith lines\tand 'ticks'", "empty": "",
        "products": [{ "sku": "s-1", "price": 9.5 }, { "sku": "s-2", "price": 10.49 }],
        "shipping_to_zip": "50667", "shipping_express": 1, "placed_at": "2026-01-02T03:04:05.001Z",
        "_unmapped": { "id": "not the message id" },
    })
}

fn group_traits() -> Value {
    json!({ "company": "Müller & Söhne", "employees": 12, "mrr": 99.5 })
}

/// The name of a column whose key has no ASCII letter or digit.
fn hashed_column(key: &str) -> String {
    let digest = Sha256::digest(key.as_bytes());
    let hex: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("column_{hex}")
}

fn merged(one: &Value, other: &Value) -> Value {
    let pairs = [one, other].into_iter().filter_map(Value::as_object).flatten();
    Value::Object(pairs.map(|(key, value)| (key.clone(), value.clone())).collect())
}

/// Compares the only row of a table with these columns, to the last one.
fn expect_row(db: &Db, table: &str, prefix: &str, sdk: Sdk, mut expected: Map<String, Value>) {
    let rows = db.rows(table);
    assert_eq!(rows.len(), 1, "`{table}`: {rows:?}");
    let mut row = rows[0].clone();
    let millis = expected.remove("original_timestamp").expect("each has one");
    let original = format!("2026-01-02T03:04:05.{}Z", millis.as_str().expect("it is text"));
    expect_times(table, &row, &original, sdk.sends_sent_at);
    TIMES.iter().for_each(|name| drop(row.remove(*name)));
    let id = format!("{prefix}-{}", expected["id"].as_str().expect("it is text"));
    expected.insert("id".into(), json!(id));
    let names = |keys: Vec<&String>| keys.into_iter().cloned().collect::<std::collections::BTreeSet<_>>();
    assert_eq!(
        names(row.keys().collect()),
        names(expected.keys().collect()),
        "columns of `{table}`: {row:?}"
    );
    for (column, value) in &expected {
        expect_value(table, column, &row[column], value);
    }
}

/// Lists and objects are text in the warehouse; everything else is stored as such.
fn expect_value(table: &str, column: &str, stored: &Value, expected: &Value) {
    let stored = match (expected, stored) {
        (Value::Array(_) | Value::Object(_), Value::String(text)) => {
            serde_json::from_str(text).unwrap_or_else(|_| panic!("`{table}`.`{column}` is no JSON: {text}"))
        }
        _ => stored.clone(),
    };
    // Python writes the same instant in another form, and a property's text is stored as it was sent.
    let instant = |value: &Value| value.as_str().and_then(|text| text.parse::<jiff::Timestamp>().ok());
    if instant(expected).is_some() {
        assert_eq!(instant(&stored), instant(expected), "`{table}`.`{column}`: {stored}");
        return;
    }
    assert_eq!(&stored, expected, "`{table}`.`{column}`");
}

/// The client's time is kept; the corrected one differs by what its clock was wrong, if by a second or more. A client
/// that does not say when it sent is believed.
fn expect_times(table: &str, row: &Row, original: &str, sends_sent_at: bool) {
    let instant = |column: &str| {
        let text = row.get(column).and_then(Value::as_str).unwrap_or_default();
        let instant: jiff::Timestamp =
            text.parse().unwrap_or_else(|_| panic!("`{table}`.`{column}` = `{text}`: {row:?}"));
        instant.as_millisecond()
    };
    assert_eq!(row.get("original_timestamp"), Some(&json!(original)), "`{table}`");
    assert_eq!(row.contains_key("sent_at"), sends_sent_at, "`{table}`: {row:?}");
    let received = instant("received_at");
    assert_eq!(instant("uuid_ts"), received, "`{table}`: {row:?}");
    let late = if sends_sent_at { received - instant("sent_at") } else { 0 };
    let shift = instant("timestamp") - instant("original_timestamp");
    let corrected = (shift - late).abs() <= 1 && late.abs() >= 999;
    // The columns have milliseconds, the router more: at the limit both are right.
    assert!(corrected || (shift == 0 && late.abs() <= 1000), "`{table}`, {late} ms late: {row:?}");
}

/// Compares the only row of a table that is merged by id: the traits, and else only standard columns.
fn expect_merged(db: &Db, table: &str, id: &str, traits: &Value) {
    let rows = db.rows(table);
    assert_eq!(rows.len(), 1, "`{table}`: {rows:?}");
    let row = &rows[0];
    assert_eq!(row.get("id"), Some(&json!(id)), "`{table}`: {row:?}");
    assert!(!row.contains_key("anonymous_id"), "`{table}` has `anonymous_id`: {row:?}");
    for (column, value) in traits.as_object().expect("a literal object") {
        let stored = row.get(column).unwrap_or_else(|| panic!("`{table}` has no `{column}`: {row:?}"));
        expect_value(table, column, stored, value);
    }
    let standard = |name: &str| {
        TIMES.contains(&name) || name.starts_with("context_") || ["id", "user_id", "group_id"].contains(&name)
    };
    let odd: Vec<&String> =
        row.keys().filter(|name| !standard(name) && traits.get(name.as_str()).is_none()).collect();
    assert!(odd.is_empty(), "`{table}` has {odd:?}");
}

/// The tables are those of the calls; the router's own begin with an underscore.
fn expect_no_other_table(db: &Db) {
    let mut expected: Vec<&str> = events().iter().map(|(table, _)| *table).collect();
    expected.extend(["users", "accounts"]);
    expected.sort_unstable();
    let found: Vec<String> = db.tables().into_iter().filter(|name| !name.starts_with('_')).collect();
    assert_eq!(found, expected);
}
