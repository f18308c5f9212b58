//! The statements that the router itself sends are known to the stand-in, word for word.

use super::*;
use crate::destinations::bigquery::ddl::{self, Names, Options};
use crate::warehouse::{Column, ColumnType};

fn column(name: &str, column_type: ColumnType) -> Column {
    Column { name: name.to_owned(), column_type }
}

#[test]
fn our_statements_make_extend_and_widen_tables() {
    let mut cloud = bare(&[]);
    let names = Names { project: "local".to_owned(), dataset: "d".to_owned() };
    let given = [
        column("id", ColumnType::Text),
        column("received_at", ColumnType::Timestamp),
        column("user_id", ColumnType::Text),
        column("n", ColumnType::Int),
        column("_unmapped", ColumnType::Json),
    ];
    let options = Options { require_partition_filter: true };
    cloud.run(&ddl::create_table(&names, "signed_up", &given, &options));
    let more = [column("plan", ColumnType::Text), column("ok", ColumnType::Bool)];
    cloud.run(&ddl::add_columns(&names, "signed_up", &more));
    cloud.run(&ddl::widen(&names, "signed_up", &[column("n", ColumnType::Float)]));
    let columns =
        "id STRING, received_at TIMESTAMP, user_id STRING, n FLOAT64, _unmapped JSON, ok BOOL, plan STRING";
    assert_eq!(cloud.columns("signed_up"), columns);
    let (_, shown) = cloud.call("GET", "datasets/d/tables/signed_up", &Value::Null);
    assert_eq!(shown["timePartitioning"], json!({ "type": "DAY", "field": "received_at" }));
    assert_eq!(shown["clustering"]["fields"], json!(["user_id", "id"]));
    cloud.run(&ddl::create_table(
        &names,
        "events",
        &[column("message_id", ColumnType::Text)],
        &Options::default(),
    ));
    let (_, shown) = cloud.call("GET", "datasets/d/tables/events", &Value::Null);
    assert_eq!(shown["timePartitioning"], json!({ "type": "DAY" }));
}
