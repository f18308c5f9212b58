//! Changes of tables against a peer that keeps one table, and against every way in which a change goes wrong.

mod again;

use serde_json::json;

use super::super::config::AutoTableManagement;
use super::super::peer::{Peer, Said, Seen, target};
use super::super::target::Target;
use super::*;
use crate::policy::outcome::{Fault, Reason};
use crate::warehouse::{Column, ColumnType};

/// A store whose peer answers as the function says.
struct Case {
    store: Handle,
    peer: Peer,
}

fn with(change: impl FnOnce(&mut Target), answer: impl FnMut(&Seen) -> Said + Send + 'static) -> Case {
    let peer = Peer::new(answer);
    let mut target = target(peer.url.clone());
    change(&mut target);
    let store = Store::new(Arc::new(Api::new(target).unwrap()), Arc::new(SchemaCell::default()));
    Case { store: Handle(Arc::new(store)), peer }
}

fn case(answer: impl FnMut(&Seen) -> Said + Send + 'static) -> Case {
    with(|_| {}, answer)
}

impl Case {
    /// The columns of `t` as published; `None` when it is not.
    fn t(&self) -> Option<Vec<(String, &'static str)>> {
        let schema = self.store.0.cell.load();
        let columns = &schema.tables.get("t")?.columns;
        Some(columns.iter().map(|(name, kind)| (name.clone(), kind.as_str())).collect())
    }
}

fn column(name: &str, column_type: ColumnType) -> Column {
    Column { name: name.to_owned(), column_type }
}

fn one(columns: Vec<Column>) -> std::collections::BTreeMap<String, Vec<Column>> {
    [("t".to_owned(), columns)].into()
}

fn create() -> SchemaDiff {
    let columns = vec![
        column("id", ColumnType::Text),
        column("received_at", ColumnType::Timestamp),
        column("user_id", ColumnType::Text),
        column("_unmapped", ColumnType::Json),
    ];
    SchemaDiff { create: one(columns), ..SchemaDiff::default() }
}

fn add() -> SchemaDiff {
    let columns = vec![column("b", ColumnType::Text), column("a", ColumnType::Int)];
    SchemaDiff { add: one(columns), ..SchemaDiff::default() }
}

fn widen() -> SchemaDiff {
    SchemaDiff { widen: one(vec![column("a", ColumnType::Float)]), ..SchemaDiff::default() }
}

fn described(fields: &[(&str, &str)]) -> Said {
    let fields: Vec<_> =
        fields.iter().map(|(name, kind)| json!({ "name": name, "type": kind, "maxLength": "7" })).collect();
    Said::json(json!({ "etag": "e1", "type": "TABLE", "schema": { "fields": fields } }))
}

/// What the crate needs to read of a table that it has made.
fn made(seen: &Seen) -> Said {
    Said::json(seen.json())
}

fn done() -> Said {
    Said::json(
        json!({ "jobComplete": true, "jobReference": { "jobId": "j", "projectId": "acme" }, "schema": {} }),
    )
}

fn no_table() -> Said {
    Said::error(404, "notFound", "Not found: Table acme:analytics.t")
}

fn no_jobs() -> Said {
    let message =
        "Access Denied: Project acme: User does not have bigquery.jobs.create permission in project acme.";
    Said::error(403, "accessDenied", message)
}

fn fault(changed: Result<(), SchemaFault>) -> (&'static str, Fault) {
    match changed.unwrap_err() {
        SchemaFault::Transient { fault, .. } => ("transient", fault),
        SchemaFault::Denied(fault) => ("denied", fault),
        SchemaFault::Full(fault) => ("full", fault),
        SchemaFault::Broken(fault) => ("broken", fault),
    }
}

async fn created() -> Case {
    let case = case(made);
    case.store.apply(create()).await.unwrap();
    assert_eq!(case.peer.lines(), ["POST /datasets/analytics/tables"]);
    assert_eq!(case.t().unwrap().len(), 4);
    case
}

#[tokio::test]
async fn a_table_is_made_with_its_day_its_keys_and_its_columns_in_order() {
    let case = created().await;
    insta::assert_json_snapshot!(case.peer.seen()[0].json(), @r#"
    {
      "clustering": {
        "fields": [
          "user_id",
          "id"
        ]
      },
      "schema": {
        "fields": [
          {
            "name": "id",
            "type": "STRING"
          },
          {
            "name": "received_at",
            "type": "TIMESTAMP"
          },
          {
            "name": "user_id",
            "type": "STRING"
          },
          {
            "name": "_unmapped",
            "type": "JSON"
          }
        ]
      },
      "tableReference": {
        "datasetId": "analytics",
        "projectId": "acme",
        "tableId": "t"
      },
      "timePartitioning": {
        "field": "received_at",
        "type": "DAY"
      }
    }
    "#);
}

#[tokio::test]
async fn a_table_without_our_day_is_partitioned_by_arrival_and_may_ask_for_a_filter() {
    let case = with(|target| target.options.require_partition_filter = true, made);
    let diff =
        SchemaDiff { create: one(vec![column("message_id", ColumnType::Text)]), ..SchemaDiff::default() };
    case.store.apply(diff).await.unwrap();
    let body = case.peer.seen()[0].json();
    assert_eq!(body["timePartitioning"], json!({ "type": "DAY" }));
    assert_eq!(body["requirePartitionFilter"], true);
}

#[tokio::test]
async fn a_table_that_another_made_first_is_read_and_published() {
    let case = case(|seen| match seen.method.as_str() {
        "POST" => Said::error(409, "duplicate", "Already Exists: Table acme:analytics.t"),
        _ => described(&[("id", "STRING"), ("n", "FLOAT")]),
    });
    case.store.apply(create()).await.unwrap();
    assert_eq!(case.t().unwrap(), [("id".to_owned(), "text"), ("n".to_owned(), "float")]);
}

#[tokio::test]
async fn a_view_with_the_tables_name_is_in_the_way() {
    let case = case(|seen| match seen.method.as_str() {
        "POST" => Said::error(409, "duplicate", "Already Exists: Table acme:analytics.t"),
        _ => Said::json(json!({ "type": "VIEW", "schema": { "fields": [] } })),
    });
    assert_eq!(fault(case.store.apply(create()).await).0, "denied");
    assert_eq!(case.t(), None);
}

#[tokio::test]
async fn a_missing_dataset_is_made_once_where_the_settings_say() {
    let mut has_dataset = false;
    let case = case(move |seen| match seen.path.ends_with("/datasets") {
        true => {
            has_dataset = true;
            Said::json(seen.json())
        }
        false if has_dataset => made(seen),
        false => Said::error(404, "notFound", "Not found: Dataset acme:analytics"),
    });
    case.store.apply(create()).await.unwrap();
    let lines = case.peer.lines();
    assert_eq!(
        lines,
        ["POST /datasets/analytics/tables", "POST /datasets", "POST /datasets/analytics/tables"]
    );
    assert_eq!(case.peer.seen()[1].json()["location"], "EU");
}

#[tokio::test]
async fn columns_are_added_by_one_statement_and_the_table_is_read_after_it() {
    let case = case(|seen| match seen.method.as_str() {
        "POST" => done(),
        // Another was faster with `a`, and `b` does not show yet.
        _ => described(&[("id", "STRING"), ("a", "STRING")]),
    });
    case.store.apply(add()).await.unwrap();
    assert_eq!(case.peer.lines(), ["POST /queries", "GET /datasets/analytics/tables/t"]);
    let query = case.peer.seen()[0].json();
    assert_eq!(
        query["query"],
        "ALTER TABLE `acme.analytics.t` ADD COLUMN IF NOT EXISTS `a` INT64, ADD COLUMN IF NOT EXISTS `b` STRING"
    );
    assert_eq!((&query["useLegacySql"], &query["location"]), (&json!(false), &json!("EU")));
    let wanted = [("a", "text"), ("b", "text"), ("id", "text")].map(|(name, kind)| (name.to_owned(), kind));
    assert_eq!(case.t().unwrap(), wanted);
}

#[tokio::test]
async fn a_statement_that_takes_long_is_waited_for() {
    let mut asked = 0;
    let case = case(move |seen| {
        let running = json!({ "jobComplete": false, "jobReference": { "jobId": "j", "projectId": "acme", "location": "EU" } });
        match seen.line().split('?').next().unwrap() {
            "POST /queries" => Said::json(running),
            "GET /queries/j" if asked == 0 => {
                asked += 1;
                Said::json(running)
            }
            "GET /queries/j" => done(),
            _ => described(&[("a", "INTEGER"), ("b", "STRING")]),
        }
    });
    case.store.apply(add()).await.unwrap();
    assert_eq!(case.peer.seen().len(), 4);
    assert!(case.t().is_some());
}

#[tokio::test]
async fn without_the_right_to_run_statements_columns_are_added_by_a_patch_that_keeps_what_it_does_not_know() {
    let case = case(|seen| match seen.method.as_str() {
        "POST" => no_jobs(),
        "PATCH" => Said::json(seen.json()),
        _ => described(&[("id", "STRING"), ("r", "RANGE")]),
    });
    case.store.apply(add()).await.unwrap();
    let seen = case.peer.seen();
    let patch = seen.last().unwrap();
    assert_eq!(
        (patch.line().as_str(), patch.header("if-match")),
        ("PATCH /datasets/analytics/tables/t", Some("e1"))
    );
    let field = |name: &str, kind: &str| json!({ "name": name, "type": kind, "maxLength": "7" });
    let added = |name: &str, kind: &str| json!({ "name": name, "type": kind, "mode": "NULLABLE" });
    let wanted = [field("id", "STRING"), field("r", "RANGE"), added("b", "STRING"), added("a", "INT64")];
    assert_eq!(patch.json(), json!({ "schema": { "fields": wanted } }));
    assert_eq!(case.t().unwrap().len(), 4);
    // It is not tried again.
    case.store.apply(add()).await.unwrap();
    assert_eq!(case.peer.lines().iter().filter(|line| line.starts_with("POST")).count(), 1);
}

#[tokio::test]
async fn a_patch_that_others_overtake_looks_again_at_most_five_times() {
    for (overtaken, wanted) in [(4, None), (5, Some("transient"))] {
        let mut left = overtaken;
        let case = case(move |seen| match seen.method.as_str() {
            "POST" => no_jobs(),
            "PATCH" if left == 0 => Said::json(seen.json()),
            "PATCH" => {
                left -= 1;
                Said::error(412, "conditionNotMet", "Precondition Failed")
            }
            _ => described(&[("id", "STRING")]),
        });
        let changed = case.store.apply(add()).await;
        assert_eq!(changed.err().map(|error| fault(Err(error)).0), wanted, "{overtaken}");
    }
}

#[tokio::test]
async fn a_change_that_another_has_made_is_done_and_one_that_never_fits_is_denied() {
    let mismatch = || Said::error(400, "invalid", "Provided Schema does not match Table acme:analytics.t.");
    for (fields, diff, wanted) in [
        (&[("a", "STRING"), ("b", "STRING")][..], add(), None),
        (&[("a", "STRING")][..], add(), Some("denied")),
        (&[("a", "FLOAT")][..], widen(), None),
        (&[("a", "INTEGER")][..], widen(), Some("denied")),
    ] {
        let case = case(move |seen| if seen.method == "POST" { mismatch() } else { described(fields) });
        let changed = case.store.apply(diff).await;
        assert_eq!(changed.err().map(|error| fault(Err(error)).0), wanted, "{fields:?}");
        assert_eq!(case.t().unwrap().len(), fields.len());
    }
}

#[tokio::test]
async fn a_table_that_has_gone_is_for_its_maker_to_ask_again() {
    let case = case(|_| no_table());
    case.store.0.cell.store(Schema { tables: [("t".to_owned(), Arc::default())].into() });
    case.store.apply(add()).await.unwrap();
    assert_eq!(case.t(), None);
}

#[tokio::test]
async fn a_column_is_widened_and_believed_before_the_table_shows_it() {
    let case = case(|seen| if seen.method == "POST" { done() } else { described(&[("a", "INTEGER")]) });
    case.store.apply(widen()).await.unwrap();
    assert_eq!(
        case.peer.seen()[0].json()["query"],
        "ALTER TABLE `acme.analytics.t` ALTER COLUMN `a` SET DATA TYPE FLOAT64"
    );
    assert_eq!(case.t().unwrap(), [("a".to_owned(), "float")]);
}

#[tokio::test]
async fn each_trouble_has_its_fault_with_the_statement_that_would_repair_it() {
    let rate = "Exceeded rate limits: too many table update operations for this table";
    for (said, wanted, reason) in [
        (
            Said::error(403, "accessDenied", "Access Denied: Table acme:analytics.t"),
            "denied",
            Reason::Forbidden,
        ),
        (Said::error(400, "invalid", "Too many columns (10001) in schema"), "full", Reason::Rejected),
        (Said::error(400, "invalid", "Too many total leaf fields: 10001"), "full", Reason::Rejected),
        (Said::error(400, "invalidQuery", "Syntax error"), "denied", Reason::Rejected),
        (Said::error(403, "rateLimitExceeded", rate), "transient", Reason::Throttled),
        (Said::error(403, "quotaExceeded", "Quota exceeded"), "transient", Reason::Throttled),
        (Said::error(400, "jobRateLimitExceeded", ""), "transient", Reason::Throttled),
        (Said::error(503, "backendError", ""), "transient", Reason::ServerError),
        (Said::new(502, "<html>"), "transient", Reason::ServerError),
        (Said::error(401, "authError", ""), "broken", Reason::Unauthorized),
        (Said::error(403, "blocked", ""), "broken", Reason::Forbidden),
        (Said::error(404, "notFound", "Not found: Dataset acme:analytics"), "broken", Reason::NotFound),
    ] {
        let text = said.body.clone();
        let case = case(move |_| said.clone());
        let (class, fault) = fault(case.store.apply(add()).await);
        assert_eq!((class, fault.reason), (wanted, reason), "{text}");
        let place = fault.place.unwrap();
        assert_eq!(place.table, "t");
        assert!(place.ddl.starts_with("ALTER TABLE `acme.analytics.t` ADD COLUMN"), "{}", place.ddl);
    }
}

#[tokio::test]
async fn a_change_too_often_waits_for_googles_ten_seconds() {
    let case = case(|_| Said::error(403, "rateLimitExceeded", "Exceeded rate limits"));
    let SchemaFault::Transient { wait, .. } = case.store.apply(add()).await.unwrap_err() else {
        panic!("not transient")
    };
    assert_eq!(wait, Some(Duration::from_secs(10)));
}

#[tokio::test]
async fn what_the_settings_leave_to_the_owner_is_not_tried_and_told_as_a_statement() {
    for (management, diff, reason, start) in [
        (AutoTableManagement::ColumnsOnly, create(), Reason::SchemaMissingTable, "CREATE TABLE"),
        (AutoTableManagement::Off, create(), Reason::SchemaMissingTable, "CREATE TABLE"),
        (AutoTableManagement::Off, add(), Reason::SchemaMissingColumn, "ALTER TABLE"),
        (AutoTableManagement::Off, widen(), Reason::SchemaMissingColumn, "ALTER TABLE"),
    ] {
        let case = with(|target| target.management = management, |_| done());
        let (class, fault) = fault(case.store.apply(diff).await);
        assert_eq!((class, fault.reason), ("denied", reason));
        assert!(fault.place.unwrap().ddl.starts_with(start));
        assert_eq!(case.peer.lines(), Vec::<String>::new());
    }
}

// === Reading ===

/// What tells when tables were made.
const LIST: &str = "GET /datasets/analytics/tables?maxResults=1000";

fn columns_answer() -> Said {
    let row = |table: &str, column: &str, kind: &str| json!({ "f": [{ "v": table }, { "v": column }, { "v": kind }] });
    let fields =
        ["table_name", "column_name", "data_type"].map(|name| json!({ "name": name, "type": "STRING" }));
    Said::json(
        json!({ "jobComplete": true, "jobReference": { "jobId": "j", "projectId": "acme" }, "schema": { "fields": fields },
        "rows": [row("t", "Id", "STRING"), row("t", "n", "NUMERIC(10, 2)"), row("u", "_PARTITIONTIME", "TIMESTAMP")] }),
    )
}

#[tokio::test]
async fn one_query_reads_all_tables() {
    let case = case(|_| columns_answer());
    case.store.0.open().await.unwrap();
    case.store.0.open().await.unwrap();
    assert_eq!(case.peer.lines(), ["POST /queries", LIST]);
    assert_eq!(case.t().unwrap(), [("id".to_owned(), "text"), ("n".to_owned(), "numeric")]);
    assert!(case.store.0.cell.load().tables["u"].columns.is_empty());
}

#[tokio::test]
async fn a_long_answer_is_read_page_by_page() {
    let case = case(|seen| {
        let mut body: serde_json::Value = serde_json::from_str(&columns_answer().body).unwrap();
        if seen.line() == LIST {
            return Said::json(json!({}));
        }
        if seen.method == "POST" {
            body["pageToken"] = json!("p2");
        } else {
            assert!(seen.path.contains("pageToken=p2"), "{}", seen.path);
            body["rows"] = json!([{ "f": [{ "v": "t" }, { "v": "z" }, { "v": "BOOL" }] }]);
        }
        Said::json(body)
    });
    case.store.refresh(None).await.unwrap();
    assert_eq!(case.t().unwrap().len(), 3);
}

#[tokio::test]
async fn tables_are_read_one_by_one_where_queries_are_not_granted() {
    let case = case(|seen| match seen.line().split('?').next().unwrap() {
        "POST /queries" => no_jobs(),
        "GET /datasets/analytics/tables" => Said::json(json!({ "tables": [
            { "type": "TABLE", "tableReference": { "tableId": "t" } }, { "type": "VIEW", "tableReference": { "tableId": "t_view" } },
        ] })),
        _ => described(&[("a", "INTEGER")]),
    });
    case.store.refresh(None).await.unwrap();
    assert_eq!(case.t().unwrap(), [("a".to_owned(), "int")]);
    assert_eq!(case.store.0.cell.load().tables.len(), 1);
}

#[tokio::test]
async fn a_missing_dataset_is_an_empty_schema_only_where_it_will_be_made() {
    for (management, is_fine) in
        [(AutoTableManagement::Full, true), (AutoTableManagement::ColumnsOnly, false)]
    {
        let missing = |_: &Seen| Said::error(404, "notFound", "Not found: Dataset acme:analytics");
        let case = with(|target| target.management = management, missing);
        assert_eq!(case.store.0.open().await.is_ok(), is_fine);
    }
}

#[tokio::test]
async fn a_dataset_in_another_place_is_named() {
    let case = case(|seen| match seen.method.as_str() {
        "POST" => {
            Said::error(404, "notFound", "Not found: Dataset acme:analytics was not found in location EU")
        }
        _ => Said::json(json!({ "location": "US" })),
    });
    let (class, fault) = fault(case.store.refresh(None).await);
    assert_eq!((class, fault.reason), ("broken", Reason::NotFound));
    assert!(fault.answer.contains("lies in US, and the settings say location = \"EU\""), "{}", fault.answer);
}

#[tokio::test]
async fn a_restart_reads_the_schema_from_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("schema/bq.json");
    let kept = file.clone();
    let first = with(|target| target.cache_file = Some(kept), |_| columns_answer());
    first.store.0.open().await.unwrap();
    let asked = first.peer.lines().len();
    let second = first.again(&file);
    second.0.open().await.unwrap();
    assert_eq!(second.0.cell.load(), first.store.0.cell.load());
    assert_eq!(first.peer.lines()[asked..], [""; 0]);
    let (one, other) = tokio::join!(second.0.expect_streamable("t"), second.0.expect_streamable("u"));
    assert!(one.is_ok() && other.is_ok());
    assert_eq!(first.peer.lines()[asked..], [LIST], "one call before the first rows, which costs nothing");
    // The file of another dataset counts as none.
    let other = with(|target| target.cache_file = Some(file), |_| columns_answer());
    other.store.0.open().await.unwrap();
    assert_eq!(other.peer.lines(), ["POST /queries", LIST]);
}
