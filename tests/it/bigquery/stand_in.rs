//! The stand-in speaks what real clients speak: Google's REST interface as the crate `gcp-bigquery-client` writes it.

use gcp_bigquery_client::client_builder::ClientBuilder;
use gcp_bigquery_client::error::BQError;
use gcp_bigquery_client::model::clustering::Clustering;
use gcp_bigquery_client::model::dataset::Dataset;
use gcp_bigquery_client::model::query_request::QueryRequest;
use gcp_bigquery_client::model::query_response::ResultSet;
use gcp_bigquery_client::model::table::Table;
use gcp_bigquery_client::model::table_data_insert_all_request::TableDataInsertAllRequest;
use gcp_bigquery_client::model::table_field_schema::TableFieldSchema;
use gcp_bigquery_client::model::table_schema::TableSchema;
use gcp_bigquery_client::model::time_partitioning::TimePartitioning;
use gcp_bigquery_client::{Client, dataset, table};
use serde_json::json;

use crate::support::BigQuery;

/// A client with the key file of the stand-in.
async fn client(stand_in: &BigQuery) -> Client {
    let key = stand_in.key_file();
    let mut builder = ClientBuilder::new();
    builder.with_v2_base_url(stand_in.endpoint());
    builder.build_from_service_account_key_file(key.to_str().unwrap()).await.expect("the key file is one")
}

/// A client that has a dataset with a table `tracks`.
async fn client_with_table(stand_in: &BigQuery) -> Client {
    let client = client(stand_in).await;
    let dataset = Dataset::new("local", "analytics").location("EU");
    client.dataset().create(dataset).await.expect("the dataset is made");
    let columns = vec![
        TableFieldSchema::string("id"),
        TableFieldSchema::timestamp("received_at"),
        TableFieldSchema::integer("n"),
        TableFieldSchema::json("_unmapped"),
    ];
    let table = Table::new("local", "analytics", "tracks", TableSchema::new(columns))
        .time_partitioning(TimePartitioning::per_day().field("received_at"))
        .clustering(Clustering { fields: Some(vec!["id".to_owned()]) });
    client.table().create(table).await.expect("the table is made");
    client
}

fn response(error: BQError) -> (i64, String) {
    match error {
        BQError::ResponseError { error } => {
            let reason = error.error.errors.first().and_then(|error| error.get("reason").cloned());
            (error.error.code, reason.unwrap_or_default())
        }
        other => panic!("no answer of Google's form: {other:?}"),
    }
}

async fn run(client: &Client, sql: &str) -> Result<ResultSet, BQError> {
    let answer = client.job().query("local", QueryRequest::new(sql)).await?;
    Ok(ResultSet::new_from_query_response(answer))
}

#[tokio::test]
async fn a_real_client_makes_tables_streams_rows_and_reads_them() {
    let stand_in = BigQuery::start(&[]);
    let client = client_with_table(&stand_in).await;
    let table = client.table().get("local", "analytics", "tracks", None).await.expect("the table is read");
    assert_eq!(table.clustering.and_then(|clustering| clustering.fields), Some(vec!["id".to_owned()]));
    assert_eq!(
        table.time_partitioning.and_then(|partitioning| partitioning.field).as_deref(),
        Some("received_at")
    );
    let mut request = TableDataInsertAllRequest::new();
    request.skip_invalid_rows();
    let good = json!({ "id": "a", "received_at": "2026-01-02T03:04:05Z", "n": 7, "_unmapped": "{\"x\":1}" });
    request.add_row(Some("i1".to_owned()), good).unwrap();
    request.add_row(Some("i2".to_owned()), json!({ "id": "b", "plan": "pro" })).unwrap();
    let answer = client.tabledata().insert_all("local", "analytics", "tracks", request).await;
    let errors = answer.expect("rows are streamed").insert_errors.expect("one row is bad");
    let message = errors[0].errors.as_ref().and_then(|errors| errors[0].message.clone());
    assert_eq!(
        (errors.len(), errors[0].index, message.as_deref()),
        (1, Some(1), Some("no such field: plan."))
    );

    let add = "ALTER TABLE `local.analytics.tracks` ADD COLUMN IF NOT EXISTS `plan` STRING";
    run(&client, add).await.expect("the column is added");
    let mut request = TableDataInsertAllRequest::new();
    request.add_row(Some("i2".to_owned()), json!({ "id": "b", "plan": "pro" })).unwrap();
    let answer = client.tabledata().insert_all("local", "analytics", "tracks", request).await;
    assert!(answer.expect("rows are streamed").insert_errors.is_none());

    let sql = "SELECT id, n, plan FROM `local.analytics.tracks` ORDER BY id";
    let mut rows = run(&client, sql).await.expect("rows are read");
    let mut read = Vec::new();
    while rows.next_row() {
        let text = |name: &str| rows.get_string_by_name(name).unwrap();
        read.push((text("id"), rows.get_i64_by_name("n").unwrap(), text("plan")));
    }
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(read, [(some("a"), Some(7), None), (some("b"), None, some("pro"))]);
    assert_eq!(stand_in.rows("tracks").await[0]["_unmapped"], json!({ "x": 1 }));
    let tables = stand_in.tables().await;
    assert_eq!(tables["analytics.tracks"]["updates"], 2, "{tables}");
}

#[tokio::test]
async fn a_real_client_lists_datasets_and_tables() {
    let stand_in = BigQuery::start(&[]);
    let client = client_with_table(&stand_in).await;
    let list = client.table().list("local", "analytics", table::ListOptions::default()).await;
    assert_eq!(list.expect("tables are listed").tables.map(|tables| tables.len()), Some(1));
    let list = client.dataset().list("local", dataset::ListOptions::default()).await;
    assert_eq!(list.expect("datasets are listed").datasets.len(), 1);
}

#[tokio::test]
async fn a_real_client_reads_every_refusal() {
    let stand_in = BigQuery::start(&[]);
    let client = client_with_table(&stand_in).await;
    let again = client.dataset().create(Dataset::new("local", "analytics")).await.unwrap_err();
    assert_eq!(response(again), (409, "duplicate".to_owned()));
    let none = client.table().get("local", "analytics", "none", None).await.unwrap_err();
    assert_eq!(response(none), (404, "notFound".to_owned()));
    let wrong = run(&client, "ALTER TABLE analytics.tracks ALTER COLUMN id SET DATA TYPE INT64").await;
    assert_eq!(response(wrong.unwrap_err()), (400, "invalidQuery".to_owned()));
    stand_in.deny("bigquery.jobs.create").await;
    let denied = run(&client, "SELECT 1").await.unwrap_err();
    assert_eq!(response(denied), (403, "accessDenied".to_owned()));
    stand_in.allow("bigquery.jobs.create").await;
    stand_in.behave(json!({ "mode": 429, "on": "query", "times": 1 })).await;
    let throttled = run(&client, "SELECT 1").await.unwrap_err();
    assert_eq!(response(throttled), (429, "rateLimitExceeded".to_owned()));
    run(&client, "SELECT 1").await.expect("it behaves again");
    stand_in.forget_tokens().await;
    let unknown = run(&client, "SELECT 1").await.unwrap_err();
    assert_eq!(response(unknown), (401, "authError".to_owned()));
}

#[tokio::test]
async fn a_revoked_key_is_refused_by_the_token_server_until_it_is_restored() {
    let stand_in = BigQuery::start(&["dataset=analytics"]);
    stand_in.revoke_key().await;
    let refused = client(&stand_in).await.dataset().get("local", "analytics").await.unwrap_err();
    assert!(matches!(refused, BQError::YupAuthError(_)), "{refused:?}");
    stand_in.restore_key().await;
    client(&stand_in).await.dataset().get("local", "analytics").await.expect("the key is good again");
    assert_eq!(stand_in.seen().await["answers"], json!({ "200": 2, "400": 1 }));
}

#[tokio::test]
async fn a_fresh_table_and_a_fresh_column_are_not_seen_by_the_first_requests() {
    let stand_in = BigQuery::start(&["table_refusals=1"]);
    let client = client_with_table(&stand_in).await;
    let insert = async || {
        let mut request = TableDataInsertAllRequest::new();
        request.add_row(None, json!({ "id": "a" })).unwrap();
        client.tabledata().insert_all("local", "analytics", "tracks", request).await
    };
    assert_eq!(response(insert().await.unwrap_err()), (404, "notFound".to_owned()));
    assert!(insert().await.unwrap().insert_errors.is_none());
    stand_in.refuse("tracks", Some("id"), 1).await;
    assert!(insert().await.unwrap().insert_errors.is_some());
    stand_in.set(json!({ "streaming": "off" })).await;
    assert_eq!(response(insert().await.unwrap_err()), (403, "accessDenied".to_owned()));
    assert_eq!(stand_in.until_rows("tracks", 1).await.len(), 1);
}

#[tokio::test]
async fn it_says_what_to_configure() {
    let stand_in = BigQuery::start(&["project=acme", "dataset=web"]);
    let endpoint = format!("endpoint = \"{}\"", stand_in.endpoint());
    let lines = stand_in.greeting();
    for line in [
        "[destinations.bigquery]",
        &endpoint,
        "project_id = \"acme\"",
        "dataset = \"web\"",
        "location = \"US\"",
    ] {
        assert!(lines.iter().any(|said| said == line), "{line}: {lines:?}");
    }
}
