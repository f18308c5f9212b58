//! Events as rows of the wide table.

use std::collections::BTreeSet;

use super::super::super::kit::testing::{attempt, event, setting};
use super::super::super::{Destination, Planned};
use super::super::config::Config;
use super::super::{ClickHouse, Insert};
use super::*;
use crate::warehouse::Closed;

fn clickhouse() -> ClickHouse {
    let config = Config { url: "http://localhost:8123".to_owned(), ..Config::default() };
    ClickHouse::new(config, &setting("ch", false)).unwrap_or_else(|problems| panic!("{problems:?}")).0
}

fn with_table() -> ClickHouse {
    let clickhouse = clickhouse();
    let needs = clickhouse.plan(&[event(PAGE)], &attempt(1)).needs.unwrap();
    clickhouse.schema.change(|schema| schema.with(&needs));
    clickhouse
}

fn insert(plan: &Plan<Request>) -> Arc<Insert> {
    let [Planned { request: Request::Insert(insert), .. }] = plan.requests.as_slice() else { panic!("{plan:?}") };
    Arc::clone(insert)
}

/// Returns the row of an event as an object.
fn row(text: &str) -> serde_json::Map<String, serde_json::Value> {
    let insert = insert(&with_table().plan(&[event(text)], &attempt(1)));
    serde_json::from_slice(insert.lines()).unwrap()
}

const PAGE: &str = r#"{"type":"page","name":"Home","anonymousId":"a","messageId":"m1",
    "properties":{"url":"https://shop.example/b?x=1","title":"B"},
    "context":{"page":{"url":"https://shop.example/old","path":"/old","referrer":"https://google.com/"},
        "campaign":{"source":"news","medium":"email","name":"may","term":"t"},"sessionId":1712345678901,"pageViewId":"p",
        "geo":{"country":"DE","region":"BW"},"device":{"type":"mobile"},"browser":{"name":"Chrome"},"os":{"name":"iOS"},
        "environment":"production","bot":false}}"#;

#[test]
fn a_page_says_where_and_who_and_from_where() {
    let row = row(PAGE);
    insta::assert_snapshot!(serde_json::to_string_pretty(&row).unwrap());
}

#[test]
fn an_order_has_its_amount_and_a_robot_is_marked() {
    let row = row(r#"{"type":"track","event":"Order Completed","userId":"u","messageId":"m","properties":
        {"order_id":77,"products":[{"price":1.10,"quantity":2}],"currency":" eur "},"context":{"bot":{"name":"x"}}}"#);
    for (column, value) in [("order_id", "77"), ("revenue", "2.2000"), ("currency", "EUR"), ("event", "Order Completed")] {
        assert_eq!(row[column], value, "{column}");
    }
    assert_eq!(row["bot"], true);
}

#[test]
fn only_events_that_mean_it_have_amounts_attention_and_vitals() {
    let vital = row(r#"{"type":"track","event":"Web Vital","userId":"u","messageId":"m","properties":{"name":"lcp","value":1234.5}}"#);
    assert_eq!((vital["metric"].as_str(), vital["metric_value"].as_f64()), (Some("LCP"), Some(1234.5)));
    let other = row(r#"{"type":"track","event":"Sold","userId":"u","messageId":"m","properties":{"total":5,"value":6,"engaged_ms":-1}}"#);
    for column in ["revenue", "metric", "metric_value", "engaged_ms"] {
        assert!(!other.contains_key(column), "{column}");
    }
    let upgrade = row(r#"{"type":"track","event":"Upgraded","userId":"u","messageId":"m","properties":{"revenue":"9.90","engagedMs":1500.4}}"#);
    assert_eq!((&upgrade["revenue"], &upgrade["engaged_ms"]), (&"9.9000".into(), &1500.into()));
}

#[test]
fn traits_come_from_the_call_or_from_its_context_and_the_servers_address_goes_into_the_context() {
    let row = row(r#"{"type":"identify","userId":"u","messageId":"m","context":{"traits":{"plan":"pro"}}}"#);
    assert_eq!(row["traits"], r#"{"plan":"pro"}"#);
    let one = event(r#"{"type":"group","userId":"u","groupId":"g","messageId":"m","context":{}}"#);
    let mut receipt = one.receipt.clone();
    receipt.ip = Some("203.0.113.7".parse().unwrap());
    let one = Arc::new(Event::restore(one.raw.clone(), receipt).unwrap());
    let insert = insert(&with_table().plan(&[one], &attempt(1)));
    let row: serde_json::Value = serde_json::from_slice(insert.lines()).unwrap();
    assert_eq!((&row["context"], &row["group_id"]), (&r#"{"ip":"203.0.113.7"}"#.into(), &"g".into()));
}

#[test]
fn every_key_that_is_written_is_a_column_of_the_table() {
    let known: BTreeSet<&str> = columns::COLUMNS.iter().map(|(name, _)| *name).collect();
    assert_eq!(known.len(), columns::COLUMNS.len());
    for text in [PAGE, r#"{"type":"alias","userId":"u","previousId":"p","messageId":"m"}"#] {
        assert!(row(text).keys().all(|key| known.contains(key.as_str())), "{text}");
    }
    let insert = insert(&with_table().plan(&[event(PAGE)], &attempt(1)));
    let head = std::str::from_utf8(&insert.body[..insert.head]).unwrap();
    assert!(columns::COLUMNS.iter().all(|(name, _)| head.contains(&format!("`{name}`"))), "{head}");
}

#[test]
fn events_wait_for_their_table_and_never_die_for_it() {
    let clickhouse = clickhouse();
    let plan = clickhouse.plan(&[event(PAGE)], &attempt(1));
    assert_eq!((plan.waiting.len(), plan.refused.len()), (1, 0));
    assert!(plan.needs.unwrap().create.contains_key(TABLE));
    let closed = Closed { why: "no".to_owned(), wanted: SchemaDiff::default() };
    clickhouse.schema.close([(TABLE.to_owned(), closed)].into());
    let plan = clickhouse.plan(&[event(PAGE)], &attempt(1));
    assert_eq!((plan.waiting.len(), plan.needs), (1, None));
}

#[test]
fn a_table_without_one_of_our_columns_gets_it_or_does_without() {
    let clickhouse = with_table();
    clickhouse.schema.change(|mut schema| {
        Arc::make_mut(schema.tables.get_mut(TABLE).unwrap()).columns.remove("city");
        schema
    });
    let plan = clickhouse.plan(&[event(PAGE)], &attempt(1));
    assert_eq!(plan.needs.unwrap().add[TABLE][0].name, "city");
    let closed = Closed { why: "no".to_owned(), wanted: SchemaDiff::default() };
    clickhouse.schema.close([(TABLE.to_owned(), closed)].into());
    let insert = insert(&clickhouse.plan(&[event(PAGE)], &attempt(1)));
    assert!(!String::from_utf8_lossy(&insert.body).contains("`city`"));
}
