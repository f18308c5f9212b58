//! The whole destination against a real file: events in, rows out.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use rusqlite::Connection;
use serde_json::{Value, json};

use super::super::{Attempt, Client, Destination, Outcome, Reply, SchemaDiff, Setting};
use super::{Config, Sqlite, Wire};
use crate::spec::{Event, Kind, Receipt};
use crate::warehouse::{Column, ColumnType, OnTypeConflict};

struct Bed {
    directory: tempfile::TempDir,
    destination: Sqlite,
    wire: Wire,
    clock: i64,
}

fn setting(directory: &Path) -> Setting {
    Setting {
        name: "warehouse".into(),
        data_dir: directory.to_owned(),
        production: false,
        timeout: std::time::Duration::from_secs(60),
        surroundings: Default::default(),
        site_salt: Default::default(),
        meter: crate::telemetry::Meter::default(),
        live: Default::default(),
    }
}

impl Bed {
    async fn new(config: Config) -> Bed {
        let directory = tempfile::tempdir().unwrap();
        let (destination, wire) = Sqlite::new(config, &setting(directory.path())).unwrap();
        wire.init().await.unwrap();
        Bed { directory, destination, wire, clock: 1_772_366_400_000_000 }
    }

    async fn restart(self, config: Config) -> Bed {
        let (destination, wire) = Sqlite::new(config, &setting(self.directory.path())).unwrap();
        wire.init().await.unwrap();
        Bed { destination, wire, ..self }
    }

    fn event(&mut self, value: Value) -> Arc<Event> {
        self.clock += 1_001;
        event_at(&value.to_string(), self.clock)
    }

    /// Does what a delivery does with one batch, schema changes included.
    async fn deliver(&self, events: &[Arc<Event>]) -> Vec<Outcome> {
        let attempt = Attempt { number: 1, first_at: Timestamp::UNIX_EPOCH, at: Timestamp::UNIX_EPOCH };
        for _ in 0..10 {
            let plan = self.destination.plan(events, &attempt);
            if let Some(needs) = plan.needs {
                self.wire.schema_store().unwrap().apply(needs).await.unwrap();
                continue;
            }
            let mut outcomes: Vec<Option<Outcome>> = vec![None; events.len()];
            for (index, fault) in plan.refused {
                outcomes[index] = Some(Outcome::Refused(fault));
            }
            for planned in plan.requests {
                let reply = self.wire.send(&planned.request).await;
                let judged = self.destination.judge(&planned.request, planned.events.len(), &reply);
                assert_eq!(judged.len(), planned.events.len());
                planned.events.iter().zip(judged).for_each(|(index, outcome)| outcomes[*index] = Some(outcome));
            }
            return outcomes.into_iter().map(|outcome| outcome.expect("one outcome per event")).collect();
        }
        panic!("the schema never got enough");
    }

    async fn store(&mut self, values: Vec<Value>) {
        let events: Vec<Arc<Event>> = values.into_iter().map(|value| self.event(value)).collect();
        let outcomes = self.deliver(&events).await;
        assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Delivered), "{outcomes:?}");
    }

    fn rows(&self, sql: &str) -> Vec<Value> {
        let found = Sqlite::query(&Config::default(), &setting(self.directory.path()), sql).unwrap().unwrap();
        let object = |row: Vec<Value>| found.columns.iter().cloned().zip(row).collect::<serde_json::Map<_, _>>();
        found.rows.into_iter().map(|row| Value::Object(object(row))).collect()
    }

    fn one(&self, sql: &str) -> Value {
        let rows = self.rows(sql);
        assert_eq!(rows.len(), 1, "{sql}");
        rows.into_iter().next().unwrap()
    }

    fn unmapped(&self, sql: &str) -> Value {
        serde_json::from_str(self.one(sql)["_unmapped"].as_str().unwrap()).unwrap()
    }

    fn file(&self) -> std::path::PathBuf {
        self.directory.path().join("warehouse.db")
    }
}

fn event_at(raw: &str, micros: i64) -> Arc<Event> {
    let value: Value = serde_json::from_str(raw).unwrap();
    let received_at = Timestamp::from_microsecond(micros).unwrap();
    let receipt = Receipt {
        kind: Kind::from_name(value["type"].as_str().unwrap()).unwrap(),
        received_at,
        timestamp: received_at,
        sent_at: None,
        message_id: None,
        source: "web".into(),
        ip: None,
        signals: Default::default(),
        redelivery: None,
    };
    Arc::new(Event::restore(Bytes::copy_from_slice(raw.as_bytes()), receipt).unwrap())
}

fn track(id: &str, properties: Value) -> Value {
    json!({"type": "track", "messageId": id, "userId": "u1", "event": "Order Completed", "properties": properties})
}

/// Rows of one event as they would be written, by table.
fn planned_rows(raw: &str) -> Value {
    let directory = tempfile::tempdir().unwrap();
    let (destination, _wire) = Sqlite::new(Config::default(), &setting(directory.path())).unwrap();
    let events = [event_at(raw, 1_772_366_400_000_007)];
    let attempt = Attempt { number: 1, first_at: Timestamp::UNIX_EPOCH, at: Timestamp::UNIX_EPOCH };
    let cell = destination.schema().unwrap();
    let needs = destination.plan(&events, &attempt).needs.unwrap();
    cell.store(crate::warehouse::Schema::default().with(&needs));
    let plan = destination.plan(&events, &attempt);
    let load = plan.requests[0].request.load();
    let tables = load.tables.iter().map(|rows| {
        let names: Vec<&String> = rows.table.columns.keys().collect();
        let cells = load.cells[rows.rows[0].cells.clone()].iter().map(|cell| {
            let value = match &cell.value {
                super::plan::Stored::Int(number) => json!(number),
                super::plan::Stored::Real(number) => json!(number),
                super::plan::Stored::Text(range) => json!(load.part(range)),
            };
            (names[cell.column].clone(), value)
        });
        let mut cells: Vec<(String, Value)> = cells.collect();
        cells.sort_by(|one, other| one.0.cmp(&other.0));
        (rows.name.clone(), Value::Object(cells.into_iter().collect()))
    });
    Value::Object(tables.collect())
}

#[test]
fn planned_rows_of_all_six_calls() {
    let fixtures = [
        ("track", include_str!("fixtures/track.json")),
        ("identify", include_str!("fixtures/identify.json")),
        ("page", include_str!("fixtures/page.json")),
        ("screen", include_str!("fixtures/screen.json")),
        ("group", include_str!("fixtures/group.json")),
        ("alias", include_str!("fixtures/alias.json")),
        ("hostile", include_str!("fixtures/hostile.json")),
    ];
    for (name, raw) in fixtures {
        insta::assert_json_snapshot!(name, planned_rows(raw));
    }
}

#[tokio::test]
async fn a_track_call_is_two_rows_with_typed_values() {
    let mut bed = Bed::new(Config::default()).await;
    let properties = json!({"total": 27.5, "count": 3, "first": true, "tags": ["a", "b"], "note": null,
        "address": {"city": "Köln", "geo": {"lat": 50.9}}});
    bed.store(vec![track("m1", properties)]).await;
    let row = bed.one("SELECT * FROM order_completed");
    assert_eq!(row["id"], "m1");
    assert_eq!((&row["total"], &row["count"], &row["first"]), (&json!(27.5), &json!(3), &json!(1)));
    assert_eq!((&row["tags"], &row["address_city"]), (&json!("[\"a\",\"b\"]"), &json!("Köln")));
    assert_eq!(row["address_geo_lat"], 50.9);
    assert!(row.get("note").is_none(), "null makes no column");
    assert_eq!((&row["event"], &row["event_text"]), (&json!("order_completed"), &json!("Order Completed")));
    assert_eq!(row["received_at"], "2026-03-01T12:00:00.001001Z");
    assert_eq!(row["timestamp"], "2026-03-01T12:00:00.001Z");
    let tracks = bed.one("SELECT * FROM tracks");
    assert!(tracks.get("total").is_none());
    assert_eq!(tracks["event"], "order_completed");
}

#[tokio::test]
async fn the_fixed_tables_exist_from_the_start_in_wal_mode() {
    let bed = Bed::new(Config::default()).await;
    for table in crate::warehouse::names::BUILT_IN_TABLES {
        assert_eq!(bed.one(&format!("SELECT count(*) AS n FROM {table}"))["n"], 0);
    }
    let connection = Connection::open(bed.file()).unwrap();
    let mode: String = connection.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
    let page: i64 = connection.query_row("PRAGMA page_size", [], |row| row.get(0)).unwrap();
    assert_eq!((mode.as_str(), page), ("wal", 8192));
}

#[tokio::test]
async fn users_keep_the_latest_traits_and_an_older_call_only_fills_gaps() {
    let mut bed = Bed::new(Config::default()).await;
    let identify = |id: &str, traits: Value| {
        json!({"type": "identify", "messageId": id, "userId": "u1", "anonymousId": "a1", "traits": traits})
    };
    let old = bed.event(identify("m1", json!({"plan": "free", "city": "Bonn"})));
    let new = bed.event(identify("m2", json!({"plan": "pro"})));
    for batch in [[Arc::clone(&new)], [Arc::clone(&old)], [new], [old]] {
        assert_eq!(bed.deliver(&batch).await, [Outcome::Delivered]);
    }
    let user = bed.one("SELECT * FROM users");
    assert_eq!((&user["id"], &user["plan"], &user["city"]), (&json!("u1"), &json!("pro"), &json!("Bonn")));
    assert_eq!(user["received_at"], "2026-03-01T12:00:00.002002Z");
    assert!(user.get("anonymous_id").is_none());
    assert_eq!(bed.one("SELECT count(*) AS n FROM identifies")["n"], 2);
}

#[tokio::test]
async fn groups_feed_accounts_and_context_traits_stand_in() {
    let mut bed = Bed::new(Config::default()).await;
    bed.store(vec![
        json!({"type": "group", "messageId": "g1", "userId": "u1", "groupId": "acme", "traits": {"plan": "big"}}),
        json!({"type": "identify", "messageId": "i1", "userId": "u2", "context": {"traits": {"email": "a@b.example"}}}),
        json!({"type": "identify", "messageId": "i2", "anonymousId": "a2", "traits": {"x": 1}}),
    ])
    .await;
    assert_eq!(bed.one("SELECT group_id, plan, user_id FROM groups")["group_id"], "acme");
    assert_eq!(bed.one("SELECT id, plan FROM accounts"), json!({"id": "acme", "plan": "big"}));
    assert_eq!(bed.one("SELECT id, email FROM users"), json!({"id": "u2", "email": "a@b.example"}));
}

#[tokio::test]
async fn duplicates_are_stored_once() {
    let mut bed = Bed::new(Config::default()).await;
    let event = bed.event(track("m1", json!({"n": 1})));
    let twice = [Arc::clone(&event), Arc::clone(&event)];
    assert_eq!(bed.deliver(&twice).await, [Outcome::Delivered, Outcome::Delivered]);
    assert_eq!(bed.deliver(&twice).await, [Outcome::Delivered, Outcome::Delivered]);
    assert_eq!(bed.one("SELECT count(*) AS n FROM tracks")["n"], 1);
    assert_eq!(bed.one("SELECT count(*) AS n FROM order_completed")["n"], 1);
}

#[tokio::test]
async fn columns_appear_and_a_restart_knows_them() {
    let mut bed = Bed::new(Config::default()).await;
    bed.store(vec![track("m1", json!({"a": true}))]).await;
    bed.store(vec![track("m2", json!({"a": false, "b": 1})), track("m3", json!({"c": "x"}))]).await;
    bed.store(vec![track("m4", json!({"b": 1.5}))]).await;
    let before = bed.destination.schema().unwrap().load();
    let mut bed = bed.restart(Config::default()).await;
    let after = bed.destination.schema().unwrap().load();
    assert_eq!(before, after);
    let columns = &after.tables["order_completed"].columns;
    assert_eq!((columns["a"], columns["b"], columns["c"]), (ColumnType::Bool, ColumnType::Float, ColumnType::Text));
    bed.store(vec![track("m5", json!({"b": 2.5, "a": 7}))]).await;
    assert_eq!(
        bed.rows("SELECT a, b FROM order_completed ORDER BY received_at"),
        [json!({"a": 1, "b": null}), json!({"a": 0, "b": 1}), json!({"a": null, "b": null}),
         json!({"a": null, "b": 1.5}), json!({"a": null, "b": 2.5})]
    );
    assert_eq!(bed.unmapped("SELECT _unmapped FROM order_completed WHERE id = 'm5'"), json!({"a": 7}));
}

#[tokio::test]
async fn what_does_not_fit_is_kept_and_what_casts_without_loss_is_cast() {
    let mut bed = Bed::new(Config { on_type_conflict: OnTypeConflict::Keep, ..Config::default() }).await;
    bed.store(vec![track("m1", json!({"n": 1, "t": "x"}))]).await;
    bed.store(vec![
        track("m2", json!({"n": "42", "t": 5, "user_id": "evil", "contextIp": "1.2.3.4"})),
        track("m3", json!({"n": "042"})),
        track("m4", json!({"n": 3.0, "t": true})),
        track("m5", json!({"n": 1.5})),
    ])
    .await;
    let rows = bed.rows("SELECT n, t FROM order_completed ORDER BY id");
    let wanted = [(json!(1), json!("x")), (json!(42), json!("5")), (json!(null), json!(null)),
        (json!(3), json!("true")), (json!(null), json!(null))];
    assert_eq!(rows, wanted.map(|(n, t)| json!({"n": n, "t": t})));
    let kept = |id: &str| bed.unmapped(&format!("SELECT _unmapped FROM order_completed WHERE id = '{id}'"));
    assert_eq!(kept("m2"), json!({"user_id": "evil", "contextIp": "1.2.3.4"}));
    assert_eq!(kept("m3"), json!({"n": "042"}));
    assert_eq!(kept("m5"), json!({"n": 1.5}));
    assert_eq!(bed.one("SELECT user_id FROM tracks WHERE id = 'm2'")["user_id"], "u1");
}

#[tokio::test]
async fn reject_refuses_the_event_alone() {
    let mut bed = Bed::new(Config { on_type_conflict: OnTypeConflict::Reject, ..Config::default() }).await;
    bed.store(vec![track("m1", json!({"n": 1}))]).await;
    let events = [bed.event(track("m2", json!({"n": "many"}))), bed.event(track("m3", json!({"n": 2})))];
    let outcomes = bed.deliver(&events).await;
    assert!(matches!(&outcomes[0], Outcome::Refused(fault) if fault.answer.contains("`n`")), "{outcomes:?}");
    assert_eq!(outcomes[1], Outcome::Delivered);
    assert_eq!(bed.one("SELECT count(*) AS n FROM tracks WHERE id = 'm2'")["n"], 0);
}

#[tokio::test]
async fn digits_beyond_64_bits_are_kept() {
    let mut bed = Bed::new(Config::default()).await;
    let raw = r#"{"type":"track","messageId":"m1","userId":"u","event":"Big","properties":{"n":1000000000000000000000000000001,"i":1}}"#;
    assert_eq!(bed.deliver(&[event_at(raw, 1_772_366_400_000_000)]).await, [Outcome::Delivered]);
    assert_eq!(bed.one("SELECT n FROM big")["n"], "1000000000000000000000000000001");
    let raw = raw.replace("\"i\":1", "\"i\":9223372036854775808").replace("m1", "m2");
    assert_eq!(bed.deliver(&[event_at(&raw, 1_772_366_400_000_001)]).await, [Outcome::Delivered]);
    let kept = bed.one("SELECT _unmapped FROM big WHERE id = 'm2'");
    assert_eq!(kept["_unmapped"], "{\"i\":9223372036854775808}");
    bed.clock += 10;
}

#[tokio::test]
async fn guards_bound_columns_and_tables_and_lose_nothing() {
    let config = Config { max_new_columns_per_event: 2, max_tables: 9, ..Config::default() };
    let mut bed = Bed::new(config).await;
    bed.store(vec![track("m1", json!({"d": 4, "c": 3, "b": 2, "a": 1}))]).await;
    assert_eq!(bed.one("SELECT a, b FROM order_completed"), json!({"a": 1, "b": 2}));
    assert_eq!(bed.unmapped("SELECT _unmapped FROM order_completed"), json!({"c": 3, "d": 4}));
    let other = json!({"type": "track", "messageId": "m2", "userId": "u", "event": "Other", "properties": {"x": {"y": 1}}});
    bed.store(vec![other]).await;
    assert_eq!(bed.unmapped("SELECT _unmapped FROM tracks WHERE id = 'm2'"), json!({"x.y": 1}));
}

#[tokio::test]
async fn the_table_that_is_named_is_the_one_that_holds_the_event() {
    let mut bed = Bed::new(Config { max_tables: 9, ..Config::default() }).await;
    let calls = [
        (json!({"type": "identify", "traits": {"p": 1}}), "identifies"),
        (json!({"type": "group", "groupId": "g", "traits": {"p": 1}}), "groups"),
        (json!({"type": "page", "properties": {"p": 1}}), "pages"),
        (json!({"type": "screen", "properties": {"p": 1}}), "screens"),
        (json!({"type": "alias", "previousId": "v", "properties": {"p": 1}}), "aliases"),
        (json!({"type": "track", "event": "Users", "properties": {"p": 1}}), "event_users"),
        (json!({"type": "track", "event": "Without a Table", "properties": {"p": 1}}), "tracks"),
    ];
    for (number, (mut call, table)) in calls.into_iter().enumerate() {
        call["messageId"] = json!(format!("m{number}"));
        call["userId"] = json!("u");
        let event = bed.event(call.clone());
        assert_eq!(bed.deliver(&[Arc::clone(&event)]).await, [Outcome::Delivered]);
        assert_eq!(bed.destination.table(&event).as_deref(), Some(table), "{call}");
        let column = if table == "tracks" { "_unmapped" } else { "p" };
        let row = bed.one(&format!("SELECT {column} AS p FROM {table} WHERE id = 'm{number}'"));
        assert!(!row["p"].is_null(), "{call}: {row}");
    }
}

#[tokio::test]
async fn queries_read_beside_the_writer_and_change_nothing() {
    let mut bed = Bed::new(Config::default()).await;
    let query = |bed: &Bed, sql: &str| Sqlite::query(&Config::default(), &setting(bed.directory.path()), sql).unwrap();
    for number in 0..5 {
        bed.store(vec![track(&format!("m{number}"), json!({"n": number}))]).await;
        assert_eq!(bed.one("SELECT count(*) AS n FROM tracks")["n"], number + 1);
    }
    for sql in [
        "DELETE FROM tracks",
        "WITH x AS (SELECT 1) DELETE FROM tracks",
        "ATTACH DATABASE 'x.db' AS x",
        "PRAGMA journal_mode = DELETE",
        "PRAGMA user_version",
        "SELECT 1; DELETE FROM tracks",
        "VACUUM",
        "/* SELECT */ DROP TABLE tracks",
        "",
    ] {
        assert!(query(&bed, sql).is_err(), "{sql}");
    }
    assert!(query(&bed, "ATTACH 'x' AS y").unwrap_err().contains("`ATTACH` is refused"));
    assert_eq!(query(&bed, "EXPLAIN QUERY PLAN SELECT 1").unwrap().columns[0], "id");
    assert_eq!(bed.one("SELECT count(*) AS n FROM tracks")["n"], 5);
}

#[tokio::test]
async fn a_deleted_file_is_made_again_and_nothing_is_acknowledged_into_the_void() {
    let mut bed = Bed::new(Config::default()).await;
    bed.store(vec![track("m1", json!({"n": 1}))]).await;
    std::fs::remove_file(bed.file()).unwrap();
    let event = bed.event(track("m2", json!({"n": 2})));
    let first = bed.deliver(std::slice::from_ref(&event)).await;
    assert!(matches!(first[0], Outcome::Transient(_)), "{first:?}");
    assert_eq!(bed.deliver(&[event]).await, [Outcome::Delivered]);
    assert_eq!(bed.rows("SELECT id FROM order_completed"), [json!({"id": "m2"})]);
}

#[tokio::test]
async fn a_dropped_table_comes_back() {
    let mut bed = Bed::new(Config::default()).await;
    bed.store(vec![track("m1", json!({"n": 1}))]).await;
    Connection::open(bed.file()).unwrap().execute("DROP TABLE order_completed", []).unwrap();
    let event = bed.event(track("m2", json!({"n": 2})));
    assert!(matches!(bed.deliver(std::slice::from_ref(&event)).await[0], Outcome::Transient(_)));
    assert_eq!(bed.deliver(&[event]).await, [Outcome::Delivered]);
    assert_eq!(bed.rows("SELECT id FROM order_completed"), [json!({"id": "m2"})]);
}

#[tokio::test]
async fn what_was_made_of_many_tables_stays_when_a_later_one_fails() {
    let bed = Bed::new(Config::default()).await;
    let column = Column { name: "id".to_owned(), column_type: ColumnType::Text };
    let create = (0..100).map(|n| (format!("t{n:03}"), vec![column.clone()])).collect();
    // No table can have the name of an index.
    Connection::open(bed.file()).unwrap().execute("CREATE INDEX t099 ON tracks (received_at)", []).unwrap();
    let wanted = SchemaDiff { create, ..SchemaDiff::default() };
    assert!(bed.wire.ddl().apply(wanted).await.is_err());
    let made = bed.one("SELECT count(*) AS n FROM sqlite_schema WHERE type = 'table' AND name LIKE 't0__'");
    assert_eq!(made, json!({ "n": 96 }), "three portions of 32");
    assert!(bed.destination.schema().unwrap().load().tables.contains_key("t095"));
    bed.wire.ddl().apply(SchemaDiff { create: [("t099x".to_owned(), vec![column])].into(), ..SchemaDiff::default() }).await.unwrap();
}

#[tokio::test]
async fn a_file_that_is_no_database_holds_the_destination() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("warehouse.db"), "this is not a database, but it is long enough. ".repeat(40)).unwrap();
    let (destination, wire) = Sqlite::new(Config::default(), &setting(directory.path())).unwrap();
    let reply = wire.init().await.unwrap_err();
    assert!(matches!(&reply, Reply::Failed(failure) if failure.message.starts_with("not a database:")), "{reply:?}");
    let probe = destination.probe().remove(0);
    assert!(matches!(destination.judge(&probe, 1, &reply)[0], Outcome::Broken(_)));
}

#[tokio::test]
async fn a_probe_needs_no_init_and_shows_that_the_file_can_be_written() {
    let directory = tempfile::tempdir().unwrap();
    let (destination, wire) = Sqlite::new(Config::default(), &setting(directory.path())).unwrap();
    let probe = destination.probe().remove(0);
    let reply = wire.send(&probe).await;
    assert_eq!(destination.judge(&probe, 1, &reply), [Outcome::Delivered]);
}

#[tokio::test]
async fn a_row_that_sqlite_refuses_is_refused_alone() {
    let mut bed = Bed::new(Config::default()).await;
    bed.store(vec![track("m1", json!({"n": 1}))]).await;
    let connection = Connection::open(bed.file()).unwrap();
    let trigger = "CREATE TRIGGER no BEFORE INSERT ON order_completed WHEN NEW.n = 13 BEGIN SELECT RAISE(ABORT, 'unlucky'); END";
    connection.execute_batch(trigger).unwrap();
    let events = [bed.event(track("m2", json!({"n": 13}))), bed.event(track("m3", json!({"n": 14})))];
    let outcomes = bed.deliver(&events).await;
    assert!(matches!(&outcomes[0], Outcome::Refused(fault) if fault.answer == "table `order_completed`: unlucky"), "{outcomes:?}");
    assert_eq!(outcomes[1], Outcome::Delivered);
    assert_eq!(bed.one("SELECT count(*) AS n FROM order_completed")["n"], 2);
}

#[tokio::test]
async fn a_table_as_wide_as_sqlite_allows_still_takes_rows() {
    let config = Config { max_new_columns_per_event: 5_000, ..Config::default() };
    let mut bed = Bed::new(config).await;
    let wide: serde_json::Map<String, Value> = (0..2_500).map(|number| (format!("c{number}"), json!(number))).collect();
    let wide = Value::Object(wide);
    bed.store(vec![track("m1", wide)]).await;
    let columns = bed.one("SELECT count(*) AS n FROM pragma_table_info('order_completed')")["n"].as_i64().unwrap();
    assert_eq!(columns, 2_000);
    let kept = bed.unmapped("SELECT _unmapped FROM order_completed");
    assert_eq!(kept.as_object().unwrap().len(), 2_500 - (2_000 - 11));
}

#[tokio::test]
async fn queries_work_when_no_router_runs_and_say_so_when_there_is_no_file() {
    let mut bed = Bed::new(Config::default()).await;
    bed.store(vec![track("m1", json!({"n": 1}))]).await;
    let Bed { directory, wire, destination, .. } = bed;
    drop((wire, destination));
    let query = |sql: &str| Sqlite::query(&Config::default(), &setting(directory.path()), sql).unwrap();
    assert_eq!(query("SELECT n FROM order_completed").unwrap().rows, [[json!(1)]]);
    std::fs::remove_file(directory.path().join("warehouse.db")).unwrap();
    assert!(query("SELECT 1").unwrap_err().contains("could not open"));
}
