//! Datasets and tables: made, read, changed, and the changes that are forbidden.

use super::*;

fn dataset(name: &str) -> Value {
    json!({ "datasetReference": { "datasetId": name }, "location": "EU" })
}

#[test]
fn a_dataset_is_made_once_and_found_where_it_lies() {
    let mut cloud = bare(&[]);
    let (status, made) = cloud.call("POST", "datasets", &dataset("eu"));
    assert_eq!((status, &made["location"]), (200, &json!("EU")));
    let refused = cloud.refused("POST", "datasets", &dataset("eu"));
    expect(&refused, 409, "duplicate", "Already Exists: Dataset local:eu");
    assert_eq!(cloud.call("GET", "datasets/eu", &Value::Null), (200, made));
    let refused = cloud.refused("GET", "datasets/none", &Value::Null);
    expect(&refused, 404, "notFound", "Not found: Dataset local:none");
    expect(&cloud.refused("POST", "datasets", &dataset("a-b")), 400, "invalid", "Invalid dataset ID");
    let asked = json!({ "query": "CREATE TABLE eu.t (id STRING)", "useLegacySql": false, "location": "US" });
    let refused = cloud.refused("POST", "queries", &asked);
    expect(&refused, 404, "notFound", "Dataset local:eu was not found in location US");
    let moved = json!({ "location": "US" });
    expect(&cloud.refused("PATCH", "datasets/eu", &moved), 400, "invalid", "location");
    assert_eq!(cloud.call("DELETE", "datasets/eu", &Value::Null).0, 204);
}

#[test]
fn a_project_without_datasets_leaves_the_list_out() {
    let mut cloud = bare(&[("dataset", "")]);
    assert_eq!(cloud.call("GET", "datasets", &Value::Null).1.get("datasets"), None);
    cloud.call("POST", "datasets", &dataset("x"));
    assert_eq!(cloud.call("GET", "datasets", &Value::Null).1["datasets"][0]["id"], "local:x");
}

#[test]
fn another_project_is_none_that_is_known() {
    let said = cloud().raw("GET", "/bigquery/v2/projects/other/datasets", &[], "");
    assert_eq!(said.status, 404, "{said:?}");
}

#[test]
fn a_table_is_shown_at_once_with_what_it_was_made_of() {
    let mut cloud = bare(&[]);
    let mut table = described("t", &[("id", "STRING"), ("at", "TIMESTAMP")]);
    table["schema"]["fields"][0]["maxLength"] = "10".into();
    table["timePartitioning"] = json!({ "type": "DAY", "field": "at" });
    table["clustering"] = json!({ "fields": ["id"] });
    table["labels"] = json!({ "made_by": "me" });
    assert_eq!(cloud.call("POST", "datasets/d/tables", &table).0, 200);
    let (_, shown) = cloud.call("GET", "datasets/d/tables/t", &Value::Null);
    for member in ["timePartitioning", "clustering", "labels"] {
        assert_eq!(shown[member], table[member], "{member}");
    }
    let column = json!({ "name": "id", "type": "STRING", "mode": "NULLABLE", "maxLength": "10" });
    assert_eq!((&shown["schema"]["fields"][0], &shown["type"]), (&column, &json!("TABLE")));
    let refused = cloud.refused("POST", "datasets/d/tables", &table);
    expect(&refused, 409, "duplicate", "Already Exists: Table local:d.t");
}

#[test]
fn a_table_that_cannot_be_is_refused() {
    let mut cloud = bare(&[("max_columns", "3")]);
    for (columns, words) in [
        (&[("a b!", "STRING")][..], "Invalid field name"),
        (&[("1a", "STRING")], "Invalid field name"),
        (&[("_Partition_x", "STRING")], "not allowed to start with"),
        (&[("_CHANGE_TYPE", "STRING")], "not allowed to start with"),
        (&[("a", "STRING"), ("A", "STRING")], "Field A already exists in schema"),
        (&[("a", "TEXT")], "TEXT is not a valid value"),
        (&[("a", "STRING"), ("b", "STRING"), ("c", "STRING"), ("d", "STRING")], "Too many columns (4)"),
    ] {
        let refused = cloud.refused("POST", "datasets/d/tables", &described("t", columns));
        expect(&refused, 400, "invalid", words);
    }
    let mut table = described("t", &[("id", "STRING"), ("ratio", "FLOAT")]);
    table["timePartitioning"] = json!({ "type": "DAY", "field": "at" });
    expect(&cloud.refused("POST", "datasets/d/tables", &table), 400, "invalid", "partitioning");
    table["timePartitioning"] = json!({ "type": "DAY", "field": "id" });
    expect(
        &cloud.refused("POST", "datasets/d/tables", &table),
        400,
        "invalid",
        "TIMESTAMP, DATE or DATETIME",
    );
    table["timePartitioning"] = json!({ "type": "DAY" });
    table["clustering"] = json!({ "fields": ["ratio"] });
    expect(&cloud.refused("POST", "datasets/d/tables", &table), 400, "invalid", "clustering");
}

#[test]
fn when_a_table_was_made_is_told_in_milliseconds_as_text_and_another_one_has_another_time() {
    let mut cloud = bare(&[]);
    let told = |cloud: &mut Cloud| {
        let (_, table) = cloud.call("GET", "datasets/d/tables/t", &Value::Null);
        let (_, list) = cloud.call("GET", "datasets/d/tables", &Value::Null);
        assert_eq!(table["creationTime"], list["tables"][0]["creationTime"]);
        table["creationTime"].as_str().expect("a text").parse::<i64>().expect("a number")
    };
    cloud.make("t", &[("id", "STRING")]);
    let first = told(&mut cloud);
    cloud.pass(1);
    cloud.run("ALTER TABLE d.t ADD COLUMN n INT64");
    assert_eq!(told(&mut cloud), first, "a change makes no other table");
    cloud.pass(1);
    cloud.run("DROP TABLE d.t");
    cloud.make("t", &[("id", "STRING")]);
    assert_eq!(told(&mut cloud), first + 2_000);
}

#[test]
fn a_patch_adds_at_the_end_and_refuses_every_other_change_in_googles_words() {
    let mut cloud = bare(&[]);
    cloud.make("t", &[("id", "STRING"), ("n", "INTEGER")]);
    let patch = |fields: &[(&str, &str, &str)]| {
        let field =
            |(name, kind, mode): &(&str, &str, &str)| json!({ "name": name, "type": kind, "mode": mode });
        json!({ "schema": { "fields": fields.iter().map(field).collect::<Vec<_>>() } })
    };
    let (id, n) = (("id", "STRING", "NULLABLE"), ("n", "INTEGER", "NULLABLE"));
    let path = "datasets/d/tables/t";
    for (fields, words) in [
        (&[n][..], "Field id is missing in new schema"),
        (&[id, ("n", "FLOAT", "NULLABLE")], "Field n has changed type from INTEGER to FLOAT"),
        (&[id, ("n", "INTEGER", "REQUIRED")], "Field n has changed mode from NULLABLE to REQUIRED"),
        (
            &[id, n, ("m", "STRING", "REQUIRED")],
            "Cannot add required fields to an existing schema. (field: m)",
        ),
    ] {
        let refused = cloud.refused("PATCH", path, &patch(fields));
        expect(&refused, 400, "invalid", "Provided Schema does not match Table local:d.t.");
        expect(&refused, 400, "invalid", words);
    }
    let (status, body) = cloud.call("PATCH", path, &patch(&[("m", "STRING", "NULLABLE"), id, n]));
    assert_eq!(status, 200, "{body}");
    assert_eq!(cloud.columns("t"), "id STRING, n INT64, m STRING");
}

#[test]
fn a_patch_of_an_older_table_is_refused() {
    let mut cloud = cloud();
    let url = "/bigquery/v2/projects/local/datasets/d/tables/t";
    let etag = |cloud: &mut Cloud| {
        let (_, shown) = cloud.call("GET", "datasets/d/tables/t", &Value::Null);
        shown["etag"].as_str().unwrap().to_owned()
    };
    let first = etag(&mut cloud);
    let body = json!({ "description": "ours" }).to_string();
    assert_eq!(cloud.raw("PATCH", url, &[("if-match", &first)], &body).status, 200);
    let said = cloud.raw("PATCH", url, &[("if-match", &first)], &body);
    expect(&reason(412, &serde_json::from_str(&said.body).unwrap()), 412, "conditionNotMet", "Precondition");
    assert_ne!(etag(&mut cloud), first);
}

#[test]
fn more_columns_than_there_can_be_are_refused_in_the_other_words() {
    let mut cloud = cloud_with(&[("max_columns", "7")]);
    let refused = cloud.run_refused("ALTER TABLE d.t ADD COLUMN one STRING");
    expect(&refused, 400, "invalid", "Too many total leaf fields: 8, max allowed field count: 7");
}

#[test]
fn a_long_list_of_tables_comes_in_pages() {
    let mut cloud = bare(&[("quotas", "off")]);
    for number in 0..60 {
        cloud.make(&format!("t{number:02}"), &[("id", "STRING")]);
    }
    let (_, first) = cloud.call("GET", "datasets/d/tables", &Value::Null);
    assert_eq!((first["tables"].as_array().unwrap().len(), &first["nextPageToken"]), (50, &json!("50")));
    let url = "/bigquery/v2/projects/local/datasets/d/tables?pageToken=50";
    let second: Value = serde_json::from_str(&cloud.raw("GET", url, &[], "").body).unwrap();
    assert_eq!((second["tables"].as_array().unwrap().len(), second.get("nextPageToken")), (10, None));
}

#[test]
fn a_right_that_is_missing_is_named() {
    let mut cloud = cloud();
    let table = described("u", &[("id", "STRING")]);
    for (right, method, path, body) in [
        ("bigquery.datasets.create", "POST", "datasets", dataset("x")),
        ("bigquery.datasets.get", "GET", "datasets/d", Value::Null),
        ("bigquery.tables.create", "POST", "datasets/d/tables", table),
        ("bigquery.tables.get", "GET", "datasets/d/tables/t", Value::Null),
        ("bigquery.tables.update", "PATCH", "datasets/d/tables/t", json!({ "description": "x" })),
        ("bigquery.tables.delete", "DELETE", "datasets/d/tables/t", Value::Null),
        ("bigquery.jobs.create", "POST", "queries", json!({ "query": "SELECT 1", "useLegacySql": false })),
    ] {
        cloud.control("POST", "deny", json!({ "right": right }));
        expect(&cloud.refused(method, path, &body), 403, "accessDenied", right);
        cloud.control("POST", "allow", json!({ "right": right }));
        assert!(cloud.call(method, path, &body).0 < 300, "{right}");
    }
}
