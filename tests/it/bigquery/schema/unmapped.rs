//! A value is never lost: what was sent is in the columns of its row or in `_unmapped`, whatever its type and its key.

use serde_json::{Map, Value, json};

use super::{Scene, named};

/// Columns that do not come from properties.
const STANDARD: [&str; 14] = [
    "id",
    "received_at",
    "sent_at",
    "timestamp",
    "original_timestamp",
    "uuid_ts",
    "loaded_at",
    "user_id",
    "anonymous_id",
    "event",
    "event_text",
    "context_ip",
    "context_library_name",
    "_unmapped",
];

fn scalar(dice: &mut fastrand::Rng) -> Value {
    match dice.u8(0..14) {
        0 => json!(dice.i64(-5..5)),
        1 => json!(dice.i64(..)),
        2 => json!(9_007_199_254_740_993_u64),
        3 => json!(dice.f64() * 100.0),
        4 => json!(1e300),
        5 => json!(3.0),
        6 => json!(u64::MAX),
        7 => json!(dice.bool()),
        8 => json!(dice.i32(0..1000).to_string()),
        9 => json!("042"),
        10 => json!("2026-03-01T12:00:00.5+02:00"),
        11 => json!("word \"quoted\" ü 😀"),
        12 => json!("true"),
        _ => json!(""),
    }
}

fn value(dice: &mut fastrand::Rng) -> Value {
    match dice.u8(0..8) {
        0 => json!([scalar(dice), { "deep": scalar(dice) }]),
        1 => json!({ "a": scalar(dice), "B c": scalar(dice) }),
        2 => json!([]),
        _ => scalar(dice),
    }
}

fn properties(dice: &mut fastrand::Rng) -> Value {
    const KEYS: [&str; 16] = [
        "k0",
        "k1",
        "k2",
        "k3",
        "k4",
        "Product ID",
        "product_id",
        "productId",
        "日本",
        "2nd",
        "user_id",
        "id",
        "_PARTITION_x",
        "k0.a",
        "k1_a",
        "SELECT",
    ];
    let mut object = Map::new();
    for _ in 0..dice.usize(1..7) {
        object.insert(KEYS[dice.usize(..KEYS.len())].to_owned(), value(dice));
    }
    object.into()
}

/// Returns the values that are not objects, or lie so deep. An empty object holds none.
fn leaves(value: &Value, depth: usize, into: &mut Vec<Value>) {
    match value {
        Value::Object(members) if depth > 0 => {
            members.values().for_each(|member| leaves(member, depth - 1, into));
        }
        Value::Null => {}
        other => into.push(other.clone()),
    }
}

/// Returns whether one is the other as a column holds it.
fn is_kept(sent: &Value, stored: &Value) -> bool {
    let instant = |value: &Value| value.as_str()?.parse::<jiff::Timestamp>().ok();
    let as_text = |text: &str| match sent {
        Value::Number(number) => text == number.to_string() || text.parse::<f64>().ok() == number.as_f64(),
        Value::Array(_) | Value::Object(_) => serde_json::from_str::<Value>(text).ok().as_ref() == Some(sent),
        Value::Bool(on) => text == on.to_string(),
        _ => false,
    };
    sent == stored
        || stored.as_str().is_some_and(as_text)
        || (instant(sent).is_some() && instant(sent) == instant(stored))
        || match (sent, stored) {
            (Value::Number(one), Value::Number(other)) if one.is_f64() || other.is_f64() => {
                one.as_f64() == other.as_f64()
            }
            // Only what printing gives again is cast.
            (Value::String(text), Value::Number(other)) => {
                *text == other.to_string() || other.as_f64().is_some_and(|other| *text == other.to_string())
            }
            (Value::String(text), Value::Bool(on)) => *text == on.to_string(),
            _ => false,
        }
}

/// Fails unless the row holds exactly the values of the properties.
fn expect_kept(properties: &Value, depth: usize, row: &Value) {
    let mut sent = Vec::new();
    leaves(properties, depth, &mut sent);
    let cells = row.as_object().unwrap().iter();
    let cells = cells.filter(|(key, _)| !STANDARD.contains(&key.as_str()));
    let kept = row["_unmapped"].as_object().into_iter().flatten();
    let mut stored: Vec<&Value> = cells.chain(kept).map(|(_, value)| value).collect();
    for value in &sent {
        let place = stored.iter().position(|stored| *stored == value);
        let place = place.or_else(|| stored.iter().position(|stored| is_kept(value, stored)));
        let place = place.unwrap_or_else(|| panic!("{value} is lost: sent {properties}, stored {row}"));
        stored.remove(place);
    }
    assert!(stored.is_empty(), "{stored:?} came from nowhere: sent {properties}, stored {row}");
}

async fn every_value_is_kept(seed: u64, depth: usize, extra: &str) {
    let scene = Scene::start(&[], extra).await;
    let mut dice = fastrand::Rng::with_seed(seed);
    for _ in 0..6 {
        let events: Vec<Value> = (0..50).map(|_| named("Viewed", &properties(&mut dice))).collect();
        let ids = scene.send(&events).await;
        let rows = scene.until_in("viewed", &ids).await;
        for (event, id) in events.iter().zip(&ids) {
            let row = rows.iter().find(|row| row["id"] == id.as_str()).unwrap();
            expect_kept(&event["properties"], depth, row);
        }
    }
    assert_eq!(scene.letters().await.len(), 0);
}

#[tokio::test]
async fn every_value_of_random_events_is_in_its_row() {
    every_value_is_kept(1, 5, "").await;
}

#[tokio::test]
async fn every_value_is_kept_where_columns_keep_their_types_and_are_few() {
    every_value_is_kept(2, 1, "on_type_conflict = \"keep\"\nmax_columns_per_table = 18\nmax_depth = 1").await;
}

#[tokio::test]
async fn every_value_is_kept_where_integers_widen_to_decimals() {
    every_value_is_kept(3, 5, "widen_to = \"NUMERIC\"").await;
}

#[tokio::test]
async fn every_value_is_kept_by_load_jobs() {
    // Each table is loaded at once only the first time.
    let scene = Scene::start(&[], "write_method = \"load\"").await;
    let mut dice = fastrand::Rng::with_seed(4);
    let events: Vec<Value> = (0..200).map(|_| named("Viewed", &properties(&mut dice))).collect();
    let ids = scene.send(&events).await;
    let rows = scene.until_in("viewed", &ids).await;
    for (event, id) in events.iter().zip(&ids) {
        let row = rows.iter().find(|row| row["id"] == id.as_str()).unwrap();
        expect_kept(&event["properties"], 5, row);
    }
}
